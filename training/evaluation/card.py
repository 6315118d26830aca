"""Figures → the Markdown tables of a model card."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.evaluation.results import read_section

RECONSTRUCTION_ROWS = {
    "log_mel_distance_db": "log-mel distance, dB",
    "stft_distance": "multi-resolution STFT distance",
    "si_sdr_db": "SI-SDR, dB",
    "peak_change_db": "change of the peak, dB",
    "low_band_snr_db": "waveform SNR below 350 Hz, dB",
    "energy_before_onset_db": "energy before the onset, dB",
    "kbit": "bit rate, kbit/s",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, numbers to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def share(found: dict[str, Any]) -> str:
    """A proportion in per cent with its interval."""
    if not found.get("of"):
        return "–"
    low, high = found["interval_95"]
    return f"{100 * found['share']:.0f} % ({100 * low:.0f}–{100 * high:.0f}, n = {found['of']})"


def percent(found: dict[str, Any]) -> str:
    """A proportion in per cent alone."""
    return f"{100 * found['share']:.0f} %"


def spread(found: dict[str, Any], digits: int = 1) -> str:
    """A median with its deciles."""
    if not found.get("of"):
        return "–"
    return f"{number(found['median'], digits)} ({number(found['p10'], digits)} … {number(found['p90'], digits)})"


def reconstruction(figures: dict[str, Any]) -> str:
    """One table a corpus: median (10th … 90th percentile) for each codec."""
    parts = []
    for corpus, codecs in figures.items():
        first = next(iter(codecs.values()))
        head = [f"{corpus}, {first['si_sdr_db']['of']} clips", *codecs]
        rows = [[title, *(spread(c[name]) for c in codecs.values())] for name, title in RECONSTRUCTION_ROWS.items()]
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def prompts(figures: dict[str, Any]) -> str:
    """Two tables a corpus: a row for the real sounds, then one for each number of steps; then a row a category."""
    rows = figures["rows"]
    parts = []
    for corpus in next(iter(rows.values())):
        cells = []
        for name, found in rows.items():
            at, retrieval = found[corpus], found[corpus]["retrieval"]
            cells.append(
                [
                    name,
                    *([number(at["kl"]["mean"]), number(at["top_10"]["mean"])] if "kl" in at else ["–", "–"]),
                    share(at["best_in_10"]) if "best_in_10" in at else "–",
                    f"{number(retrieval['means'][0])}, {of(retrieval)}" if "means" in retrieval else "–",
                    *(share(at[key]) for key in ("pitch", "pitch_any_octave", "tempo", "tempo_exact")),
                ]
            )
        head = [corpus, "KL", "top-10 agreement", "best class in ten", "category, of held-out clips'"]
        head += ["pitch ±50 cents", "in any octave", "tempo ±2 BPM", "not half or double"]
        parts.append(table(head, cells))
        columns = [found[corpus].get("by_category", {}) for found in rows.values()]
        if all(columns):  # results of before 2026-11-30 have none
            by_category = [[name, *(percent(column[name]) for column in columns)] for name in columns[0]]
            parts.append(table([f"{corpus}: category found", *rows], by_category))
    learnt = ", ".join(f"{count} of {corpus}" for corpus, count in figures.get("learnt", {}).items())
    known = f" ({learnt} are captions of train clips too)" if learnt else ""
    return f"{figures['prompts']} prompts × {figures['seeds']} seeds{known}:\n\n" + "\n\n".join(parts)


def of(ratio: dict[str, Any]) -> str:
    """A ratio with its interval."""
    if ratio.get("ratio") is None:
        return "–"
    low, high = ratio["interval_95"]
    return f"× {number(ratio['ratio'])} ({number(low)}–{number(high)})"


def length(figures: dict[str, Any]) -> str:
    head = ["asked length", "takes below −50 dB after it", "energy after it, dB"]
    return table(head, [["1 s longer canvas", share(figures["quiet"]), spread(figures["energy_after_db"])]])


def words(figures: dict[str, Any]) -> str:
    head = ["words", "pairs of prompts that move rightly", "pairs of takes"]
    return table(head, [[name, share(found["pairs"]), share(found["seeds"])] for name, found in figures.items()])


def promise(figures: dict[str, Any]) -> str:
    """A row a system."""

    def valued(found: dict[str, Any]) -> str:
        low, high = found["interval_95"]
        return f"{number(found['value'], 3)} ({number(low, 3)}–{number(high, 3)})"

    def compared(found: dict[str, Any]) -> str:
        return valued(found["ratio"]) if "ratio" in found else "–"

    head = [
        "system",
        "Fréchet distance",
        "post-trained ÷ this",
        "diversity",
        "post-trained ÷ this",
        "recall",
        "coverage",
    ]
    rows = []
    for name, row in figures["rows"].items():
        cells = [cell for key in ("frechet", "diversity") for cell in (valued(row[key]), compared(row[key]))]
        rows.append([name, *cells, number(row["recall"]), number(row["coverage"])])
    about = (
        f"{figures['prompts']} prompts × {figures['seeds']} seeds against {figures['reference']} real clips, "
        f"{figures['prompts']} of them held out, the others train clips of like captions:"
    )
    return f"{about}\n\n{table(head, rows)}"


def transfer(figures: dict[str, Any]) -> str:
    """A row a noise level."""
    head = [
        f"noise level, {figures['loops']} loops",
        "onset F1 ±50 ms, mean",
        "cosine to the prompt",
        "to the recording",
    ]
    rows = [
        [level, *(number(row[name]["mean"]) for name in ("onset_f1", "to_prompt", "to_recording"))]
        for level, row in figures["levels"].items()
    ]
    return table(head, rows)


def melody(figures: dict[str, Any]) -> str:
    """A row a noise level."""
    head = [f"noise level, {figures['melodies']} melodies", "pitch within 50 cents, share of frames", "in any octave"]
    rows = [
        [level, *(f"{100 * row[name]:.0f} %" for name in ("kept", "in_any_octave"))]
        for level, row in figures["levels"].items()
    ]
    return table(head, rows)


def soundness(figures: dict[str, Any]) -> str:
    """A row for the takes, and one for each corpus' clips."""

    def row(name: str, found: dict[str, Any]) -> list[str]:
        faults = ", ".join(f"{fault} {count}" for fault, count in found["faults"].items())
        return [name, share(found["sound"]), faults or "–"]

    rows = [row("takes", figures), *(row(name, found) for name, found in figures.get("recordings", {}).items())]
    peak = f"Highest true peak {number(figures['true_peak_dbtp']['max'])} dBTP."
    return table(["", "without a fault", "faults"], rows) + f"\n\n{peak}"


TABLES = {
    "reconstruction": reconstruction,
    "prompts": prompts,
    "length": length,
    "words": words,
    "promise": promise,
    "transfer": transfer,
    "melody": melody,
    "soundness": soundness,
}


def card(folder: Path) -> str:
    """Every section found in `folder`: the command that made it, then its tables."""
    parts = []
    for section, render in TABLES.items():
        found = read_section(folder, section)
        if found is None:
            continue
        about = found["about"]
        took = f"{about['took_s'] / 60:.1f} minutes on {about['machine']}, {about['date'][:10]}, {about['commit']}"
        parts.append(f"### {section.capitalize()}\n\n`{about['command']}` ({took}):\n\n{render(found['figures'])}")
    if not parts:
        raise ValueError(f"{folder} holds no results: run python -m training.evaluate SECTION --out {folder} first")
    return "\n\n".join(parts)
