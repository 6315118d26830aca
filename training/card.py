"""Figures → the Markdown tables of a model card."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.results import read_section

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


TABLES = {"reconstruction": reconstruction}


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
