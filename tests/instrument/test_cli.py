"""The command line: exit codes and sentences with a scripted generator."""

import os
import resource
import sys
import types
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile

from arc_instrument import cli
from arc_instrument.domain import RATE_HZ, Clip, Generated, GenerationRequest, Progress, Timing, UserError

RENDER = ["render", "kick drum", "--seconds", "0.5", "--steps", "3", "--seed", "7"]


class ScriptedSynth:
    """Makes a sine whose frequency is the seed; remembers what it was asked."""

    name = "scripted"
    max_seconds = 2.0
    default_steps = 11
    asked: ClassVar[list[GenerationRequest]] = []
    interrupt_at_step: int | None = None
    closed = False
    about: ClassVar[dict[str, str]] = {"engine": "Scripted", "precision": "float32", "device": "cpu"}

    def __init__(self, weights=None, precision=None, *, plain=False):
        if weights is not None:
            raise UserError(f"The weights in {weights} are damaged: install them again.")

    def warm_up(self):
        pass

    def stream(self, request):
        type(self).asked.append(request)
        try:
            for step in range(1, request.steps + 1):
                if step == self.interrupt_at_step:
                    raise KeyboardInterrupt
                yield Progress(request.id, step, request.steps, 1.0)
        finally:
            type(self).closed = True
        time_s = np.arange(round(request.seconds * RATE_HZ)) / RATE_HZ
        wave = 0.5 * np.sin(2 * np.pi * request.seed * time_s).astype(np.float32)
        yield Generated(request, Clip(np.stack([wave, -wave], axis=1)), Timing(1, 2, 3, 4, 5), self.name, "CC0-1.0")

    def stream_batch(self, requests):
        for request in requests:
            yield from self.stream(request)


@pytest.fixture
def synth(monkeypatch):
    monkeypatch.setattr(ScriptedSynth, "asked", [])
    monkeypatch.setattr(ScriptedSynth, "closed", False)
    module = types.ModuleType("arc_instrument.synth")
    module.Synth = ScriptedSynth
    module.machine_peaks = lambda: {"gemm_fp32_gflops": 330.0}
    monkeypatch.setitem(sys.modules, "arc_instrument.synth", module)
    return ScriptedSynth


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `arc-instrument ARGUMENTS` in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("GOMP_SPINCOUNT", "30000")  # what main() sets, so that no test leaves it behind

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["arc-instrument", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def write_wav(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path


def test_render_writes_the_asked_sound_and_says_where_and_with_which_seed(synth, command, tmp_path):
    out = tmp_path / "out.wav"
    code, stdout, stderr = command(*RENDER, "--out", out)
    assert (code, stderr) == (0, "")
    assert stdout.strip() == f"{out}: 0.50 s, seed 7, made in 5 ms"
    samples, rate_hz = soundfile.read(out)
    assert (rate_hz, samples.shape, soundfile.info(out).subtype) == (RATE_HZ, (22_050, 2), "PCM_24")
    expected = 0.5 * np.sin(2 * np.pi * 7 * np.arange(22_050) / RATE_HZ)
    assert np.abs(samples[:, 0] - expected).max() < 2**-22
    assert list(tmp_path.iterdir()) == [out]


def test_the_wav_tells_the_settings_that_made_it(synth, command, tmp_path):
    from arc_instrument.audio.wavfile import read_comment

    command(*RENDER, "--out", tmp_path / "out.wav")
    comment = read_comment(tmp_path / "out.wav")
    told = {key: comment[key] for key in ("prompt", "seconds", "steps", "seed", "model_name")}
    assert told == {"prompt": "kick drum", "seconds": "0.5", "steps": "3", "seed": "7", "model_name": "scripted"}
    assert comment["weights_licence"] == "CC0-1.0"


def test_a_render_laid_into_the_takes_folder_is_a_take(synth, command, tmp_path):
    from arc_instrument.library import Library

    (tmp_path / "2026-11").mkdir()
    command(*RENDER, "--out", tmp_path / "2026-11" / "out.wav")
    (take,) = Library(tmp_path).takes()
    assert (take.prompt, take.seconds, take.seed, take.model_name) == ("kick drum", 0.5, 7, "scripted")


def test_without_a_seed_each_render_draws_a_new_one_and_prints_it(synth, command, tmp_path):
    for name in ("a.wav", "b.wav"):
        _, stdout, _ = command("render", "kick", "--out", tmp_path / name)
        assert f"seed {synth.asked[-1].seed}," in stdout
    assert synth.asked[0].seed != synth.asked[1].seed


def test_a_longer_init_is_cropped_with_a_note(synth, command, tmp_path):
    ramp = np.linspace(-1, 1, RATE_HZ, dtype=np.float32)
    init = write_wav(tmp_path / "in.wav", np.stack([ramp, ramp], axis=1))
    code, _, stderr = command(*RENDER, "--init", init, "--init-noise", 0.4, "--out", tmp_path / "out.wav")
    assert code == 0
    assert "only its first 0.50 s are used" in stderr
    assert synth.asked[0].init_noise == 0.4
    np.testing.assert_allclose(synth.asked[0].init.samples[:, 0], ramp[:22_050], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["render", ""], "prompt is empty"),
        (["render", "x" * 10_000], "10,000 characters"),
        (["render", "kick \udcff"], "cannot be read as text"),
        (["render", "kick", "--seconds", "0"], "0 s"),
        (["render", "kick", "--seconds", "-1"], "-1 s"),
        (["render", "kick", "--seconds", "2.5"], "2.00 s"),
        (["render", "kick", "--seconds", "nan"], "nan s"),
        (["render", "kick", "--steps", "0"], "0 steps"),
        (["render", "kick", "--seed", "-3"], "seed -3"),
        (["render", "kick", "--init", "absent.wav"], "absent.wav"),
        (["render", "kick", "--init", "x" * 300], "File name too long"),
        (["render", "kick", "--init", "noise.wav"], "noise.wav"),
        (["render", "kick", "--init", "empty.wav"], "empty.wav"),
        (["render", "kick", "--init", "nan.wav"], "nan.wav"),
        (["render", "kick", "--init", "good.wav", "--init-noise", "0"], "init noise of 0"),
        (["render", "kick", "--weights", "damaged"], "damaged"),
        (["render", "kick", "--out", "no/such/folder/out.wav"], "no/such/folder"),
        (["render", "kick", "--out", "/proc/out.wav"], "/proc"),
        (["render", "kick", "--out", "x" * 300 + ".wav"], "File name too long"),
        (["render", "kick", "--out", "out.mp3"], "out.mp3"),
        (["render", "kick", "--format", "mp3"], "format mp3 is not known"),
        (["render", "kick", "--format", "flac", "--out", "out.wav"], "name it out.flac"),
        (["render", "kick", "--format", "wav16", "--out", "out.flac"], "name it out.wav"),
        (["render", "kick", "--csv", "good.wav"], "either a prompt or --csv"),
        (["render", "kick", "--out", "folder.wav"], "folder.wav is a folder"),
    ],
)
def test_bad_input_ends_with_code_2_one_sentence_and_no_file(synth, command, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.wav").write_bytes(b"not audio at all")
    (tmp_path / "folder.wav").mkdir()
    write_wav(tmp_path / "empty.wav", np.zeros((0, 2), np.float32))
    write_wav(tmp_path / "nan.wav", np.full((100, 2), np.nan, np.float32))
    write_wav(tmp_path / "good.wav", np.zeros((100, 2), np.float32))
    before = sorted(tmp_path.rglob("*"))
    code, stdout, stderr = command(*arguments, *([] if "--out" in arguments else ["--out", "out.wav"]))
    assert code == 2
    assert stdout == ""
    assert stderr.startswith("arc-instrument: ")
    assert len(stderr.splitlines()) == 1
    assert words in stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments", [["render"], ["render", "kick"], ["render", "kick", "--seconds", "long"], ["sing"]]
)
def test_a_command_line_that_cannot_be_read_ends_with_code_2(command, arguments):
    code, stdout, stderr = command(*arguments)
    assert (code, stdout) == (2, "")
    assert "Traceback" not in stderr


def test_a_disk_that_takes_no_more_leaves_no_half_written_file(synth, command, tmp_path):
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, unlimited[1]))
    try:
        code, _, stderr = command(*RENDER, "--out", tmp_path / "out.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert code == 2
    assert len(stderr.splitlines()) == 1
    assert "out.wav" in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failed_render_keeps_the_file_that_was_there(synth, command, tmp_path):
    out = tmp_path / "out.wav"
    command(*RENDER, "--out", out)
    before = out.read_bytes()
    assert command("render", "kick", "--steps", "0", "--out", out)[0] == 2
    assert out.read_bytes() == before


def test_ctrl_c_cancels_between_steps_with_code_130_and_no_file(synth, command, tmp_path, monkeypatch):
    monkeypatch.setattr(synth, "interrupt_at_step", 2)
    code, stdout, stderr = command(*RENDER, "--out", tmp_path / "out.wav")
    assert (code, stdout) == (130, "")
    assert stderr == "arc-instrument: cancelled, nothing was written.\n"
    assert synth.closed
    assert list(tmp_path.iterdir()) == []


def test_a_missing_system_library_of_the_window_is_one_sentence_that_names_doctor(command, monkeypatch):
    class Missing:
        def find_spec(self, name, *_):
            if name == "arc_instrument.app":
                raise ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delitem(sys.modules, "arc_instrument.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    code, _, stderr = command()
    assert code == 2
    assert "libEGL.so.1" in stderr
    assert "arc-instrument doctor" in stderr


def test_without_a_display_the_window_is_refused_in_one_sentence(command, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    code, _, stderr = command()
    assert code == 2
    assert "no display" in stderr
    assert len(stderr.splitlines()) == 1


def test_without_a_command_the_window_opens_with_the_chosen_weights(command, monkeypatch, tmp_path):
    opened = []
    module = types.ModuleType("arc_instrument.app")
    module.run = lambda weights, precision: opened.append((weights, precision)) or 5
    monkeypatch.setitem(sys.modules, "arc_instrument.app", module)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert command("--weights", tmp_path)[0] == 5
    assert command("--precision", "int8")[0] == 5
    assert opened == [(tmp_path, None), (None, "int8")]


@pytest.mark.parametrize(("chosen", "used"), [(None, "30000"), ("7", "7")])
@pytest.mark.parametrize("arguments", [[], ["bench", "--runs", "1", "--seconds", "1"]])
def test_waiting_openmp_threads_soon_sleep_unless_the_person_says_otherwise(
    synth, command, monkeypatch, arguments, chosen, used
):
    monkeypatch.delenv("GOMP_SPINCOUNT")
    if chosen:
        monkeypatch.setenv("GOMP_SPINCOUNT", chosen)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    counts = []
    note = types.ModuleType("arc_instrument.app")
    note.run = lambda weights, precision: counts.append(os.environ["GOMP_SPINCOUNT"]) or 0
    monkeypatch.setitem(sys.modules, "arc_instrument.app", note)
    monkeypatch.setattr(synth, "warm_up", lambda self: counts.append(os.environ["GOMP_SPINCOUNT"]))
    assert command(*arguments)[0] == 0
    assert set(counts) == {used}


def test_bench_prints_json_that_a_program_can_read(synth, command):
    import json

    code, stdout, _ = command("bench", "--json", "--runs", "2", "--seconds", "0.5", "--steps", "4")
    report = json.loads(stdout)
    assert code == 0
    assert report["ms"]["total"] == {"median": 5.0, "p5": 5.0, "p95": 5.0}
    assert report["ms"]["step"] == {"median": 0.5, "p5": 0.5, "p95": 0.5}
    assert report["peaks"] == {"gemm_fp32_gflops": 330.0}


def test_steps_left_out_are_the_models_own(synth, command, tmp_path):
    assert command("render", "kick", "--out", tmp_path / "kick.wav")[0] == 0
    assert [request.steps for request in synth.asked] == [11]


def test_a_precision_nobody_knows_is_one_sentence(synth, command):
    sentence = "arc-instrument: The precision float4 is not known: choose float32, bfloat16, int8.\n"
    for asked in ([], ["bench"], RENDER):
        assert command(*asked, "--precision", "float4") == (2, "", sentence)


def test_a_length_the_model_cannot_make_is_refused_by_the_bench_too(synth, command):
    code, _, stderr = command("bench", "--seconds", "9")
    assert code == 2
    assert "9 s" in stderr


PROMPTS = """prompt,seconds,seed,init,out
kick drum,0.2,1,,kick.wav
"glass, breaking",,2,,
hum,0.1,3,hum.wav,loops/hum.wav
"""


@pytest.fixture
def prompts(tmp_path):
    """A CSV of three sounds, a recording beside it, and the folder for what they become."""
    (tmp_path / "out" / "loops").mkdir(parents=True)
    write_wav(tmp_path / "hum.wav", np.full((22_050, 2), 0.25, np.float32))
    (tmp_path / "prompts.csv").write_text(PROMPTS)
    return tmp_path / "prompts.csv"


def sounds(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_every_line_of_a_csv_becomes_its_file(synth, command, prompts):
    out = prompts.parent / "out"
    code, stdout, stderr = command("render", "--csv", prompts, "--out", out, "--steps", 4, "--seconds", 0.3)
    assert code == 0
    assert [(r.prompt, r.seconds, r.steps, r.seed) for r in synth.asked] == [
        ("kick drum", 0.2, 4, 1),
        ("glass, breaking", 0.3, 4, 2),
        ("hum", 0.1, 4, 3),
    ]
    assert len(synth.asked[2].init.samples) == 4_410
    assert sounds(out) == ["002-glass-breaking.wav", "kick.wav", "loops/hum.wav"]
    assert stdout.splitlines()[0] == f"{out / 'kick.wav'}: 0.20 s, seed 1, made in 5 ms"
    assert "only its first 0.10 s are used" in stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("snare,long,1,,", "Line 5 of prompts.csv: seconds is “long”"),
        ("snare,9,1,,", "Line 5 of prompts.csv: A length of 9 s"),
        ("snare,0.1,-1,,", "Line 5 of prompts.csv: The seed -1"),
        (",0.1,1,,", "Line 5 of prompts.csv: The prompt is empty"),
        ("snare,0.1,1,absent.wav,", "absent.wav is not a file"),
        ("snare,0.1,1,,kick.mp3", "Line 5 of prompts.csv: "),
        ("snare,0.1,1,,kick.wav", "asked for twice"),
        ("snare,0.1,1,,no/such.wav", "Line 5 of prompts.csv: The folder"),
        ("snare,0.1", "not as many cells"),
        ("snare,0.1,1,,,,", "not as many cells"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_before_anything_is_rendered(synth, command, prompts, line, says):
    prompts.write_text(PROMPTS + line + "\n")
    code, stdout, stderr = command("render", "--csv", prompts, "--out", prompts.parent / "out")
    assert (code, stdout, synth.asked) == (2, "", [])
    assert says in stderr
    assert "Line 5" in stderr
    assert len(stderr.splitlines()) == 1
    assert sounds(prompts.parent / "out") == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has the columns"),
        (b"words,seed\nkick,1\n", "has the columns words, seed"),
        (b"prompt,colour\nkick,red\n", "has the columns prompt, colour"),
        (b"prompt\n", "no line but its header"),
        (b"prompt\n\xff\xfe\n", "cannot be read as a CSV"),
        (None, "cannot be read as a CSV"),
    ],
)
def test_what_is_no_csv_of_prompts_is_one_sentence(synth, command, prompts, content, says):
    prompts.unlink() if content is None else prompts.write_bytes(content)
    code, stdout, stderr = command("render", "--csv", prompts, "--out", prompts.parent / "out")
    assert (code, stdout) == (2, "")
    assert says in stderr
    assert len(stderr.splitlines()) == 1


def test_a_csv_of_a_spreadsheet_with_its_byte_order_mark_is_read(synth, command, prompts):
    prompts.write_bytes("\ufeffprompt\r\n鼓\r\n".encode())
    assert command("render", "--csv", prompts, "--out", prompts.parent / "out")[0] == 0
    assert [request.prompt for request in synth.asked] == ["鼓"]


def test_a_count_has_the_seeds_that_follow_each_other_in_numbered_files(synth, command, tmp_path):
    command(*RENDER, "--count", 3, "--out", tmp_path / "hat.wav")
    assert [request.seed for request in synth.asked] == [7, 8, 9]
    assert sounds(tmp_path) == ["hat-001.wav", "hat-002.wav", "hat-003.wav"]
    command("render", "kick", "--count", 2, "--out", tmp_path / "new.wav")
    assert synth.asked[3].seed != synth.asked[4].seed


def test_ctrl_c_leaves_whole_files_and_the_same_command_makes_only_the_rest(synth, command, tmp_path, monkeypatch):
    asked = (*RENDER, "--count", 4, "--out", tmp_path / "hat.wav")
    stream = synth.stream

    def interrupted(self, request):
        if request.seed == 9:
            raise KeyboardInterrupt
        yield from stream(self, request)

    monkeypatch.setattr(synth, "stream", interrupted)
    code, _, stderr = command(*asked)
    assert (code, stderr) == (130, "arc-instrument: cancelled, 2 written, the same command goes on.\n")
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["hat-001.wav", "hat-002.wav"]
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]

    monkeypatch.setattr(synth, "stream", stream)
    synth.asked.clear()
    code, stdout, _ = command(*asked)
    assert code == 0
    assert [request.seed for request in synth.asked] == [9, 10]
    assert stdout.splitlines()[-1] == "2 of 4 were there already."
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())][:2] == before


@pytest.mark.parametrize("change", [["--seconds", "0.4"], ["--steps", "2"], ["--seed", "8"], "damage"])
def test_a_file_that_is_damaged_or_was_made_otherwise_is_made_again(synth, command, tmp_path, change):
    asked = [*RENDER, "--count", "2", "--out", str(tmp_path / "hat.wav")]
    command(*asked)
    synth.asked.clear()
    if change == "damage":
        whole = (tmp_path / "hat-002.wav").read_bytes()
        (tmp_path / "hat-002.wav").write_bytes(whole[:1_000])
        command(*asked)
        assert [request.seed for request in synth.asked] == [8]
    else:
        command(*asked, *change)
        assert len(synth.asked) == 2


def test_a_file_in_another_format_or_of_another_model_is_made_again(synth, command, tmp_path, monkeypatch):
    asked = [*RENDER, "--count", "2", "--out", str(tmp_path / "hat.wav")]
    command(*asked)
    assert "2 of 2 were there already" in command(*asked, "--format", "wav24")[1]
    assert "already" not in command(*asked, "--format", "wav16")[1]
    assert soundfile.info(tmp_path / "hat-001.wav").subtype == "PCM_16"
    monkeypatch.setattr(synth, "name", "another")
    assert "already" not in command(*asked, "--format", "wav16")[1]
    assert len(synth.asked) == 6


@pytest.mark.parametrize(
    ("format", "name", "subtype"),
    [
        ("wav16", "a.wav", "PCM_16"),
        ("wav24", "a.wav", "PCM_24"),
        ("wav32f", "a.wav", "FLOAT"),
        ("flac", "a.flac", "PCM_24"),
        (None, "b.flac", "PCM_24"),
    ],
)
def test_the_asked_format_is_written(synth, command, tmp_path, format, name, subtype):
    code, *_ = command(*RENDER, *(["--format", format] if format else []), "--out", tmp_path / name)
    assert code == 0
    found = soundfile.info(tmp_path / name)
    assert (found.subtype, found.format) == (subtype, "FLAC" if name.endswith("flac") else "WAV")


def test_the_command_line_knows_every_format_that_can_be_written():
    from arc_instrument.audio.wavfile import FORMATS

    assert tuple(FORMATS) == cli.FORMATS


@pytest.mark.parametrize(("bpm", "bars"), [("120", "1"), ("173.9", "1"), ("300", "2")])
def test_bars_at_a_tempo_are_exact_to_the_sample_and_their_file_tells_a_sampler(synth, command, tmp_path, bpm, bars):
    import wavinfo

    from arc_instrument.takefile import read_settings

    out = tmp_path / "loop.wav"
    code, _, stderr = command(
        "render", "drums", "--bpm", bpm, "--bars", bars, "--key", "F#m", "--seed", 7, "--out", out
    )
    assert (code, stderr) == (0, "")
    frames = round(60 / float(bpm) * 4 * int(bars) * RATE_HZ)
    assert soundfile.info(out).frames == frames
    told = read_settings(out)
    assert (told["bpm"], told["bars"], told["key"]) == (float(bpm), int(bars), "F sharp minor")
    assert told["prompt"] == f"drums, {float(bpm):g} BPM, in F sharp minor"
    (loop,) = wavinfo.WavInfoReader(str(out)).smpl.sample_loops
    assert (loop.start, loop.end) == (0, frames - 1)


def test_tempo_and_key_alone_are_said_by_the_prompt_and_leave_the_length(synth, command, tmp_path):
    command(*RENDER, "--bpm", "90", "--key", "Bb", "--out", tmp_path / "a.wav")
    (request,) = synth.asked
    assert (request.prompt, request.seconds) == ("kick drum, 90 BPM, in B flat major", 0.5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--bars", "2"], "2 bars have no length without a tempo"),
        (["--bars", "2", "--bpm", "120"], "2 bars at 120 BPM last 4.00 s: this model makes 2.00 s, which hold 1."),
        (["--bpm", "20"], "A tempo of 20 BPM cannot be used"),
        (["--key", "H dur"], "The key “H dur” is not known"),
    ],
)
def test_what_no_music_or_no_model_can_be_is_one_sentence(synth, command, tmp_path, options, says):
    code, _, stderr = command(*RENDER, *options, "--out", tmp_path / "a.wav")
    assert (code, says in stderr, stderr.count("\n")) == (2, True, 1)
    assert synth.asked == []


def test_each_line_of_a_csv_has_its_own_bars_tempo_and_key_and_is_made_once(synth, command, tmp_path):
    (tmp_path / "loops.csv").write_text("prompt,bpm,bars,key\ndrums,240,1,\nbass,240,2,Em\npad,,,\n")
    asked = ["render", "--csv", tmp_path / "loops.csv", "--bpm", "120", "--seconds", "0.3", "--out", tmp_path]
    assert command(*asked)[0] == 0
    assert [(request.prompt, request.seconds) for request in synth.asked] == [
        ("drums, 240 BPM", 1.0), ("bass, 240 BPM, in E minor", 2.0), ("pad, 120 BPM", 0.3),
    ]  # fmt: skip
    synth.asked.clear()
    assert "3 of 3 were there already" in command(*asked)[1]
    command(*asked, "--key", "C")
    assert [request.prompt for request in synth.asked] == ["drums, 240 BPM, in C major", "pad, 120 BPM, in C major"]
    (tmp_path / "loops.csv").write_text("prompt,bars\ndrums,two\n")
    assert "Line 2 of loops.csv: bars is “two”, which is no number" in command(*asked)[2]
