"""The set-up script against scripted apt, dpkg, id and Python: it installs what is missing, once, or says how."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the set-up script needs bash")


class Machine:
    """A clone in `clone/` on a machine whose commands are small scripts that write what they did to `log`."""

    def __init__(self, folder: Path):
        self.commands = folder / "bin"
        self.clone = folder / "clone"
        self.log = folder / "log"
        self.commands.mkdir()
        (self.clone / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "setup", self.clone / ".ci" / "setup")
        (self.clone / "pyproject.toml").write_text("[project]\n")
        for tool in ("bash", "dirname", "cksum", "find", "cat", "mkdir", "chmod", "env"):
            (self.commands / tool).symlink_to(shutil.which(tool))
        self.installed("libegl1")
        self.has("id", "echo 1000")
        # an older release: the names from before the transition
        self.has("apt-cache", "[[ $2 == *t64 ]] || echo Package: $2")
        self.has("apt-get", f'echo "apt-get $*" >>{self.log}')
        self.has("jack_connect", "")
        self.has_python("python3.11")

    def has(self, command: str, script: str) -> None:
        path = self.commands / command
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def installed(self, *packages: str) -> None:
        self.has("dpkg-query", f'[[ " {" ".join(packages)} " == *" ${{!#}} "* ]] && echo -n installed')

    def has_python(self, name: str, new_enough: bool = True, has_wheels: bool = True, has_venv: bool = True) -> None:
        """A Python whose `-m venv` makes a `.venv` with a Python that logs what pip is asked."""
        made = f"""
        mkdir -p .venv/bin
        cat >.venv/bin/python <<'END'
#!/usr/bin/env bash
[[ $1 == -c ]] || echo "python $*" >>{self.log}
END
        chmod +x .venv/bin/python"""
        self.has(
            name,
            f"""case "$*" in
    --version) echo "Python 3.9.2" ;;
    *'version_info < (3, 11)'*) exit {0 if new_enough else 1} ;;
    *'version_info < (3, 13)'*) exit {1 if has_wheels else 0} ;;
    *version_info*) echo {name} ;;
    *ensurepip*) exit {0 if has_venv else 1} ;;
    *'-m venv'*) {made} ;;
esac""",
        )

    def setup(self, purpose: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["bash", ".ci/setup", purpose],
            cwd=self.clone,
            env={"PATH": str(self.commands), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


ALL_FOR_RUN = [
    "libegl1",
    "libgl1",
    "libglib2.0-0",
    "libfontconfig1",
    "libdbus-1-3",
    "libxkbcommon0",
    "libxkbcommon-x11-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-keysyms1",
    "libxcb-shape0",
    "libxcb-randr0",
    "libxcb-sync1",
    "libportaudio2",
    "fonts-dejavu-core",
]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_without_root_missing_libraries_are_one_sentence_with_the_line_to_type(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libportaudio2", "libglib2.0-0"}))
    ended = machine.setup("run")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "arc-instrument: system packages are missing; install them, then type make run again: "
        "sudo apt-get install -y --no-install-recommends libglib2.0-0 libportaudio2"
    ]
    assert machine.done() == []


def test_what_python_itself_needs_stands_in_the_same_line(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libegl1"}))
    machine.has_python("python3.11", has_venv=False)
    assert machine.setup("run").stderr.splitlines() == [
        "arc-instrument: system packages are missing; install them, then type make run again: "
        "sudo apt-get install -y --no-install-recommends libegl1 python3.11-venv"
    ]


def test_where_apt_has_no_lists_the_line_to_type_fetches_them_first(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libegl1"}))
    machine.has("apt-cache", "")  # and its exit code 0, which it gives to names that others mention
    assert machine.setup("run").stderr.endswith(
        ": sudo apt-get update && sudo apt-get install -y --no-install-recommends libegl1\n"
    )


def test_as_root_only_what_is_missing_is_installed(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libxcb-cursor0"}))
    machine.has("id", "echo 0")
    ended = machine.setup("run")
    assert ended.returncode == 0, ended.stderr
    assert machine.done() == [
        "apt-get install -y --no-install-recommends -qq libxcb-cursor0",
        "python -m pip install --editable .",
    ]


def test_the_package_lists_are_fetched_only_when_a_first_try_fails(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libxcb-cursor0"}))
    machine.has("id", "echo 0")
    machine.has("apt-get", f'echo "apt-get $*" >>{machine.log}; [[ $* != *-qq* ]]')
    ended = machine.setup("run")
    assert ended.returncode == 0, ended.stderr
    assert machine.done()[:3] == [
        "apt-get install -y --no-install-recommends -qq libxcb-cursor0",
        "apt-get update -q",
        "apt-get install -y --no-install-recommends -q libxcb-cursor0",
    ]


def test_the_newer_name_of_a_library_counts_as_installed(machine):
    machine.installed(*(set(ALL_FOR_RUN) - {"libglib2.0-0"}), "libglib2.0-0t64")
    assert machine.setup("run").returncode == 0


def test_a_second_run_installs_nothing_and_a_changed_pyproject_installs_again(machine):
    machine.installed(*ALL_FOR_RUN)
    for _ in range(2):
        assert machine.setup("run").returncode == 0
    assert machine.done() == ["python -m pip install --editable ."]
    (machine.clone / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    assert machine.setup("run").returncode == 0
    assert machine.done() == ["python -m pip install --editable ."] * 2


def test_a_clone_that_was_moved_is_installed_again(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.setup("run")
    machine.clone = machine.clone.rename(machine.clone.with_name("moved"))
    machine.setup("run")
    assert machine.done() == ["python -m pip install --editable ."] * 2


def test_an_installation_that_failed_is_tried_again(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.setup("run")
    (machine.clone / "pyproject.toml").write_text("changed")
    python = machine.clone / ".venv/bin/python"
    works = python.read_text()
    python.write_text(works.replace("[[", "[[ $1 == -c ]] || exit 1; [["))
    ended = machine.setup("run")
    assert ended.returncode == 1
    assert "pip could not install" in ended.stderr
    python.write_text(works)
    assert machine.setup("run").returncode == 0
    assert machine.done() == ["python -m pip install --editable ."] * 2


def test_a_python_that_is_too_old_is_named_with_the_remedy(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has_python("python3.11", new_enough=False)
    machine.has_python("python3", new_enough=False)
    ended = machine.setup("run")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "arc-instrument: Python 3.11 or newer is needed, found Python 3.9.2; "
        "install one and name it, for example: make run PYTHON=python3.12"
    ]


def test_the_interpreter_can_be_chosen(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has_python("my-python")
    ended = machine.setup("run", PYTHON="my-python")
    assert f"Creating .venv with {machine.commands / 'my-python'}" in ended.stdout


def test_tests_need_their_tools_and_extras_besides(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has("id", "echo 0")
    assert machine.setup("test").returncode == 0
    install, pip = machine.done()
    assert {"xvfb", "jackd2", "xdotool", "mhwaveedit"} <= set(install.split())
    assert not set(ALL_FOR_RUN) & set(install.split())
    assert pip == "python -m pip install --editable .[test]"


def test_a_release_that_keeps_the_jack_tools_apart_gets_them_too(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has("id", "echo 0")
    os.remove(machine.commands / "jack_connect")
    assert machine.setup("test").returncode == 0
    assert machine.done()[1] == "apt-get install -y --no-install-recommends -qq jack-example-tools"


def test_for_a_python_without_wheels_of_python_rtmidi_a_compiler_is_installed(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has("id", "echo 0")
    machine.has_python("python3.13", has_wheels=False)
    assert machine.setup("run", PYTHON="python3.13").returncode == 0
    assert machine.done()[0] == (
        "apt-get install -y --no-install-recommends -qq g++ pkg-config libasound2-dev libjack-jackd2-dev python3.13-dev"
    )


def test_an_older_python_with_wheels_is_preferred_to_a_newer_one_without(machine):
    machine.installed(*ALL_FOR_RUN)
    machine.has_python("python3.13", has_wheels=False)
    assert f"Creating .venv with {machine.commands / 'python3.11'}" in machine.setup("run").stdout


def test_a_system_without_dpkg_goes_straight_to_python(machine):
    os.remove(machine.commands / "dpkg-query")
    assert machine.setup("run").returncode == 0
    assert machine.done() == ["python -m pip install --editable ."]


@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs a clone, and git")
def test_nothing_that_git_ignores_is_tracked():
    """A tracked `.venv` takes the place of the one that is there, with all that was installed in it."""
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
