"""The command `arc-instrument`: opens the window, or renders, measures and examines without one.

Exit codes: 0 done, 1 the doctor found something missing, 2 bad input (one sentence on stderr), 130 cancelled by Ctrl-C.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arc_instrument.domain import PRECISIONS, Generated, GenerationRequest, Progress, UserError

if TYPE_CHECKING:
    from arc_instrument.batch import Job

FORMATS = ("wav16", "wav24", "wav32f", "flac")  # of audio.wavfile, which takes a while to load
Weights = Annotated[Path | None, typer.Option(help="Folder of another model than the embedded one.")]


def _known_precision(precision: str | None) -> str | None:
    if precision not in (None, *PRECISIONS):
        raise UserError(f"The precision {precision} is not known: choose {', '.join(PRECISIONS)}.")
    return precision


def _known_format(format: str | None) -> str | None:
    if format not in (None, *FORMATS):
        raise UserError(f"The format {format} is not known: choose {', '.join(FORMATS)}.")
    return format


Precision = Annotated[
    str | None,
    typer.Option(callback=_known_precision, help="float32, bfloat16 or int8; left out: the faster float here."),
]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="ARC Instrument: write a prompt, hear it, play it. Without a command it opens the window.",
)
models = typer.Typer(no_args_is_help=True, help="Other models than the embedded one: list, get, verify, remove.")
app.add_typer(models, name="models")
ModelName = Annotated[str, typer.Argument(help="As arc-instrument models list calls it.")]


def main() -> None:
    # OpenMP's waiting threads spin for milliseconds by default and so take the core that window and sound need; if they
    # never spin, each of a step's hundred products waits for its threads to wake: 29 ms instead of 16. torch's OpenMP
    # reads this once, when it is loaded: here nothing has imported torch yet.
    os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    try:
        app()
    except UserError as error:
        print(f"arc-instrument: {error}", file=sys.stderr)
        sys.exit(2)


@app.callback(invoke_without_command=True)
def window(context: typer.Context, weights: Weights = None, precision: Precision = None) -> None:
    """Open the window unless a command is given."""
    if context.invoked_subcommand is not None:
        return
    _check_display()
    try:
        from arc_instrument.app import run
    except ImportError as error:
        if "cannot open shared object file" not in str(error):
            raise
        raise UserError(f"The window cannot start ({error}): arc-instrument doctor names what to install.") from error

    raise typer.Exit(run(weights=weights, precision=precision))


@app.command()
def render(
    prompt: Annotated[
        str | None,
        typer.Argument(help='The sound in words, for example "punchy analog kick drum"; left out with --csv.'),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The WAV or FLAC file to write; with --csv the folder of the files.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of the sound.")] = 2.0,
    steps: Annotated[
        int | None, typer.Option(help="Denoising steps, 1 to 100: more is finer and slower. Left out: the model's own.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same sound. Left out: a new one, printed.")] = None,
    init: Annotated[Path | None, typer.Option(help="A recording to start from; its first SECONDS are used.")] = None,
    init_noise: Annotated[
        float, typer.Option(help="How much of the recording is replaced: near 0 keeps it, 1 ignores it.")
    ] = 0.6,
    bpm: Annotated[
        float | None, typer.Option(help="Tempo in quarter notes a minute, which the prompt then says.")
    ] = None,
    bars: Annotated[
        int, typer.Option(min=0, help="So many bars of 4/4 at --bpm, exact to the sample, instead of --seconds.")
    ] = 0,
    key: Annotated[str, typer.Option(help="“A minor”, F#m, Bb: the key, which the prompt then says.")] = "",
    count: Annotated[int, typer.Option(min=1, help="So many sounds, with seeds that follow each other.")] = 1,
    csv: Annotated[
        Path | None,
        typer.Option(
            help="A sound a line: prompt and, as wished, seconds, steps, seed, init, init_noise, bpm, bars, key, out."
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(callback=_known_format, help="wav16, wav24, wav32f or flac; left out: 24 bit.")
    ] = None,
    weights: Weights = None,
    precision: Precision = None,
) -> None:
    """Make sounds and write them to files. What is there already, whole and made by the same settings, is skipped by
    --count and --csv, so that the same command goes on after Ctrl-C."""
    from arc_instrument import batch

    if csv is None and out is None:
        raise UserError("No file was named to write to: add --out sound.wav.")
    if (prompt is None) == (csv is None):
        raise UserError("Give either a prompt or --csv with a prompt in each line.")
    wish = batch.Wish(prompt or "", out or Path(), seconds, steps, seed, init, init_noise, bpm, bars, key)
    listed = [wish] if csv is None else batch.read_wishes(csv, wish, ".flac" if format == "flac" else ".wav")
    wishes = [each for one in listed for each in batch.times(one, count)]
    for each in wishes:
        try:
            _check_out(each.out, format)
        except UserError as error:
            raise UserError(f"{each.where}{error}") from error
    made = 0
    try:
        from arc_instrument.synth import Synth

        synth = Synth(weights, precision)
        is_batch = csv is not None or count > 1
        jobs = batch.checked(wishes, format, synth.default_steps, synth.max_seconds, _check_out)
        waiting = jobs
        if is_batch:
            pairs = zip(jobs, wishes, strict=True)
            waiting = [job for job, each in pairs if not batch.is_made(each, job, synth.name)]
        for note in dict.fromkeys(job.note for job in waiting if job.note):
            print(f"arc-instrument: {note}", file=sys.stderr)
        for line in _render(synth, waiting, is_batch):
            print(line, flush=True)
            made += 1
        if skipped := len(jobs) - len(waiting):
            print(f"{skipped} of {len(jobs)} were there already.")
    except KeyboardInterrupt:
        told = f"{made} written, the same command goes on" if made else "nothing was written"
        print(f"arc-instrument: cancelled, {told}.", file=sys.stderr)
        raise typer.Exit(130) from None


@app.command()
def bench(
    runs: Annotated[int, typer.Option(min=1, help="Measured runs, after one warm-up.")] = 20,
    seconds: Annotated[float, typer.Option(help="Length of each sound.")] = 3.0,
    steps: Annotated[int, typer.Option(help="Denoising steps of each sound.")] = 8,
    weights: Weights = None,
    precision: Precision = None,
    plain: Annotated[bool, typer.Option("--plain", help="Measure torch's own layers instead of the engine.")] = False,
    against_torch_eager: Annotated[
        bool, typer.Option("--against-torch-eager", help="Measure every engine and precision, and compare them.")
    ] = False,
    sound_only: Annotated[
        bool, typer.Option("--sound-only", help="Leave out the window and the library of 20,000 takes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    probe: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Time this machine: sounds by stage, memory, mixer, the window's frames and start, a library of 20,000 takes,
    beside its own GEMM and copy peaks."""
    from arc_instrument import bench as benchmark

    plan = benchmark.Plan(runs, seconds, steps, weights, precision, plain, sound_only)
    if against_torch_eager:
        comparisons = benchmark.compare(plan)
        print(benchmark.to_json(comparisons)) if json else benchmark.print_comparison(comparisons)
        return
    report = benchmark.run(plan, probe)
    print(benchmark.to_json(report)) if json else benchmark.print_table(report)


@app.command(hidden=True)
def rehearse(
    begun: Annotated[float, typer.Option(help="When this process was started, of time.monotonic.")] = 0.0,
    inputs: Annotated[int, typer.Option(min=0, help="Keys, moves and notes; 0 closes after the first frame.")] = 0,
    weights: Weights = None,
    precision: Precision = None,
) -> None:
    """Open the window, use it, and print as JSON how late its frames were. `bench` starts this."""
    import json

    from arc_instrument.app import run

    def rehearsed(window, session) -> None:
        from arc_instrument.ui.rehearsal import Rehearsal

        Rehearsal(window, session, begun or time.monotonic(), inputs, lambda told: print(json.dumps(told), flush=True))

    raise typer.Exit(run(weights=weights, precision=precision, made=rehearsed))


@app.command()
def doctor() -> None:
    """Say what is present, what is missing and how to mend it; exit code 0 if the instrument can run."""
    from arc_instrument import doctor as examination

    findings = examination.examine()
    examination.print_findings(findings)
    raise typer.Exit(0 if examination.can_run(findings) else 1)


@models.command("list")
def models_list(json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False) -> None:
    """Every known model: whether it is installed, its size, the licence of its weights, and where it lies."""
    from arc_instrument.models import print_rows, rows
    from arc_instrument.settings import folders

    print_rows(rows(folders().models), json)


@models.command("get")
def models_get(
    name: ModelName,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A weights file, or a folder with it, instead of the Hugging Face hub."),
    ] = None,
    t5: Annotated[Path | None, typer.Option(help="A folder with the T5 text encoder, instead of the hub.")] = None,
) -> None:
    """Install a model. HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean to Hugging Face's own programs."""
    from arc_instrument.models import get
    from arc_instrument.settings import folders

    try:
        get(name, folders().models, source, t5)
    except KeyboardInterrupt:
        print("arc-instrument: cancelled; the same command goes on with what has arrived.", file=sys.stderr)
        raise typer.Exit(130) from None


@models.command("verify")
def models_verify(name: Annotated[str | None, typer.Argument(help="Left out: every installed model.")] = None) -> None:
    """Hash every file again and compare it with the digest kept when the model came."""
    from arc_instrument.models import verify
    from arc_instrument.settings import folders

    verify(name, folders().models)


@models.command("remove")
def models_remove(name: ModelName, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove an installed model, or what an unfinished download left."""
    from arc_instrument.models import remove
    from arc_instrument.settings import folders

    try:
        remove(name, folders().models, lambda question: yes or typer.confirm(question))
    except typer.Abort:  # nobody there to answer
        raise UserError(f"{name} was kept: answer y, or give --yes.") from None


def _render(synth, jobs: "Sequence[Job]", is_batch: bool) -> Iterator[str]:
    """Make the jobs, tell each; with a bar of steps, or of sounds and the time that they will take."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as ProgressBar

    from arc_instrument.batch import render_all

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("sounds" if is_batch else "step", total=len(jobs) if is_batch else jobs[0].request.steps)

        def generate(request: GenerationRequest) -> Generated:
            for item in synth.stream(request):
                if not isinstance(item, Progress):
                    return item
                if not is_batch:
                    bar.update(task, completed=item.step)
            raise RuntimeError("the stream ended without a sound")

        for job, generated in render_all(jobs, generate):
            if is_batch:
                bar.advance(task)
            for note in generated.notes:
                console.print(f"arc-instrument: {note}", markup=False, highlight=False, soft_wrap=True)
            seed, made_ms = generated.request.seed, generated.timing.total_ms  # a faulty sound is made with another
            yield f"{job.out}: {generated.clip.seconds:.2f} s, seed {seed}, made in {made_ms:.0f} ms"


def _check_out(path: Path, format: str | None) -> str:
    """The format of the file; refuses, before anything is computed, one that could not be written in the end."""
    suffix = path.suffix.lower()
    chosen = format or ("flac" if suffix == ".flac" else "wav24")
    wanted = ".flac" if chosen == "flac" else ".wav"
    if suffix != wanted:
        what = "only WAV and FLAC files are written" if format is None else f"{format} is asked for"
        raise UserError(f"{path} does not end in {wanted}: {what}, so name it {path.stem}{wanted}.")
    try:
        is_folder, has_folder = path.is_dir(), path.parent.is_dir()
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): choose another name or folder.") from error
    if is_folder:
        raise UserError(f"{path} is a folder: name a file in it, for example {path / 'out.wav'}.")
    if not has_folder:
        raise UserError(f"The folder {path.parent} does not exist: make it first, or choose another.")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"The folder {path.parent} cannot be written to: choose another, or change its permissions.")
    return chosen


def _check_display() -> None:
    """Qt ends the process without a word to the user where there is no display."""
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise UserError(
            "There is no display for the window (DISPLAY and WAYLAND_DISPLAY are not set): start it from a desktop "
            'session; without one, arc-instrument render "PROMPT" --out sound.wav works.'
        )
