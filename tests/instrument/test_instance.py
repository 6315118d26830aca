import signal
import subprocess
import sys

from arc_instrument.instance import claim

HOLD = "import sys; from pathlib import Path; from arc_instrument.instance import claim\n" \
       "held = claim(Path(sys.argv[1])); print(held.number, flush=True); sys.stdin.read()"  # fmt: skip


def test_each_window_has_a_session_of_its_own_and_a_kill_frees_its_place(tmp_path):
    first = claim(tmp_path / "session")
    assert (first.number, first.session_file.name) == (1, "session.json")
    command = [sys.executable, "-c", HOLD, str(tmp_path / "session")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "2\n"
        third = claim(tmp_path / "session")
        assert (third.number, third.session_file.name) == (3, "session-3.json")
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert claim(tmp_path / "session").number == 2


def test_where_nothing_can_be_locked_there_is_still_a_session(tmp_path):
    (tmp_path / "file").write_text("")
    assert claim(tmp_path / "file").number == 1
