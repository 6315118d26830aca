"""Settings: a versioned model kept as TOML, and the folders of this user.

`ARC_INSTRUMENT_HOME` moves every folder below one directory (portable installs, tests).
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tomlkit.exceptions import TOMLKitError

from arc_instrument.domain import MAX_PLAYED_STEPS, MAX_SEED, MIN_STEPS, RATE_HZ, UserError
from arc_instrument.midi_bindings import Binding, Trigger
from arc_instrument.musical_time import MAX_BPM, MIN_BPM

VERSION = 1
_NAME = "arc-instrument"


@dataclass(frozen=True)
class Folders:
    """Where this user's files lie."""

    config: Path
    logs: Path
    takes: Path
    refuge: Path  # for takes that could not be written where they belong
    models: Path  # installed models, each in a folder of its name
    session: Path  # what is being worked on, a file for each window open at once

    @property
    def recordings(self) -> Path:
        return self.refuge.parent / "recordings"

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.toml"

    @property
    def window_file(self) -> Path:
        return self.config / "window.ini"


def folders() -> Folders:
    """The folders of this user, or those below `ARC_INSTRUMENT_HOME`. Creates nothing."""
    home = os.environ.get("ARC_INSTRUMENT_HOME")
    if home:
        root = Path(home).expanduser()
        return Folders(
            config=root / "config",
            logs=root / "logs",
            takes=root / "takes",
            refuge=root / "refuge",
            models=root / "models",
            session=root / "session",
        )
    return Folders(
        config=platformdirs.user_config_path(_NAME, appauthor=False),
        logs=platformdirs.user_log_path(_NAME, appauthor=False),
        takes=platformdirs.user_music_path() / "ARC Instrument",
        refuge=platformdirs.user_data_path(_NAME, appauthor=False) / "refuge",
        models=platformdirs.user_data_path(_NAME, appauthor=False) / "models",
        session=platformdirs.user_data_path(_NAME, appauthor=False) / "session",
    )


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class SoundSettings(_Table):
    """The controls. The settings file may say what a new session begins with; how they were left is in the session's
    own file, and so are they only once on disk."""

    prompt: str = ""
    seconds: Annotated[float, Field(gt=0, le=600)] = 3.0
    steps: Annotated[int, Field(ge=MIN_STEPS, le=MAX_PLAYED_STEPS)] = 8
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    seed_locked: bool = False
    walk: tuple[tuple[int, float], ...] = ()
    strength_percent: Annotated[int, Field(ge=0, le=100)] = 40
    fresh: bool = False
    distance_percent: Annotated[int, Field(ge=0, le=100)] = 30
    live: bool = False
    velocity_drives: Literal["", "strength", "distance"] = ""


class VoiceSettings(_Table):
    """How to record. `record_bars` 0: until it is stopped. `round_trips_ms`: as measured, by the pair of devices."""

    count_in: bool = False
    count_in_beats: Annotated[int, Field(ge=1, le=16)] = 4
    metronome: bool = False
    metronome_bpm: Annotated[float, Field(ge=MIN_BPM, le=MAX_BPM)] = 120.0
    beats_per_bar: Annotated[int, Field(ge=1, le=16)] = 4
    record_bars: Annotated[int, Field(ge=0, le=64)] = 0
    monitor_gain: Annotated[float, Field(ge=0, le=2)] = 1.0
    round_trips_ms: dict[str, Annotated[float, Field(ge=0, le=1_000)]] = Field(default_factory=dict)


class AudioDeviceSettings(_Table):
    """Names as PortAudio lists them; empty means the best default. `block_frames` 0 leaves the choice to the driver.

    `ignored_midi` are names of MIDI inputs.
    """

    host_api: str = ""
    device: str = ""
    input_device: str = ""
    block_frames: Annotated[int, Field(ge=0, le=8192)] = 0
    rate_hz: Annotated[int, Field(ge=8_000, le=192_000)] = RATE_HZ
    ignored_midi: tuple[str, ...] = ()


class MidiBindingSettings(_Table):
    """A learned MIDI control. `kind` is controller, note or program; `channel` 1–16, 0 for any."""

    source: str
    kind: Literal["controller", "note", "program"]
    number: Annotated[int, Field(ge=0, le=127)]
    channel: Annotated[int, Field(ge=0, le=16)] = 0
    target: str
    relative: bool = False

    @classmethod
    def of(cls, binding: Binding) -> "MidiBindingSettings":
        return cls(**asdict(binding.trigger), target=binding.target, relative=binding.relative)

    def binding(self) -> Binding:
        trigger = Trigger(self.source, self.kind, self.number, self.channel)
        return Binding(trigger, self.target, self.relative)


class OscSettings(_Table):
    """Off by default, and on only for this machine: whoever reaches the port plays the instrument."""

    enabled: bool = False
    port: Annotated[int, Field(ge=1, le=65_535)] = 9000
    network: bool = False


class AppearanceSettings(_Table):
    theme: Literal["dark", "light", "system"] = "dark"
    reduced_motion: bool = False


class ComputeSettings(_Table):
    """`precision` empty means the faster float of this machine."""

    precision: Literal["", "float32", "bfloat16", "int8"] = ""


class Settings(_Table):
    """All settings. `takes_folder` empty means the default, Music/ARC Instrument; `model` empty, the embedded one."""

    version: int = VERSION
    takes_folder: str = ""
    model: str = ""
    export_format: Annotated[str, Field(pattern="^(wav16|wav24|wav32f|flac)$")] = "wav24"
    sound: SoundSettings = Field(default_factory=SoundSettings)
    audio: AudioDeviceSettings = Field(default_factory=AudioDeviceSettings)
    voice: VoiceSettings = Field(default_factory=VoiceSettings)
    osc: OscSettings = Field(default_factory=OscSettings)
    appearance: AppearanceSettings = Field(default_factory=AppearanceSettings)
    compute: ComputeSettings = Field(default_factory=ComputeSettings)
    midi_controls: list[MidiBindingSettings] = Field(default_factory=list)


def load(path: Path) -> Settings:
    """Read settings; a missing file gives the defaults.

    Raises `UserError` naming the file and the first wrong entry for unreadable TOML, unknown keys,
    values out of range or a newer version.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"The settings in {path} cannot be read ({error}): mend or delete that file.") from error
    try:
        table = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise UserError(f"The settings in {path} are not valid TOML ({error}): mend or delete that file.") from error
    version = table.get("version", VERSION)
    if version != VERSION:
        raise UserError(
            f"The settings in {path} are of version {version}, this program reads version {VERSION}: "
            "update the program or delete that file."
        )
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = "is not a setting" if first["type"] == "extra_forbidden" else f"is wrong: {first['msg'].lower()}"
        raise UserError(f'The entry "{key}" in {path} {problem}; mend it or delete the file.') from error


def save(settings: Settings, path: Path) -> None:
    """Write settings atomically, keeping the comments of an existing file. Raises `UserError` if that fails."""
    values = settings.model_dump()
    try:
        try:
            document = tomlkit.parse(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, TOMLKitError):
            document = tomlkit.document()
            document.add(tomlkit.comment("ARC Instrument. Delete this file to get the defaults back."))
        _merge(document, values)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_text(tomlkit.dumps(document), encoding="utf-8")
        os.replace(unfinished, path)
    except OSError as error:
        raise UserError(f"The settings cannot be written to {path} ({error}): check that folder.") from error


def _merge(table, values: dict) -> None:
    for key, value in values.items():
        if isinstance(value, dict):
            if key not in table:
                table[key] = tomlkit.table()
            _merge(table[key], value)
        elif key not in table or table[key] != value:
            table[key] = value
