"""The session's work on disk: written a second after a change, there again at the next start, without a question."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.domain import Clip, UserError
from arc_instrument.session.session import Session
from arc_instrument.session.state import InitSound
from arc_instrument.settings import SoundSettings

SAVE_DELAY_MS = 800  # with the writing itself less than a second is lost
VERSION = 1


class Work(BaseModel):
    """What the session file keeps: what a person is working on. Preferences are in the settings, takes are files."""

    model_config = ConfigDict(extra="forbid")

    version: int = VERSION
    saved_at: str = ""
    closed: bool = False  # False in a file that a crash left
    sound: SoundSettings = Field(default_factory=SoundSettings)
    take: str = ""  # path of the current take
    init_name: str = ""
    init_file: str = ""  # beside the session file
    parts: dict[str, Any] = Field(default_factory=dict)


class Autosave(QObject):
    """Lives in the GUI thread, writes in a thread of its own: a takes folder that hangs does not keep it from writing.

    `write_clip(path, clip, comment)` and `read_clip(path)` raise `UserError`.
    """

    _failed = Signal(str)

    def __init__(
        self,
        session: Session,
        path: Path,
        write_clip: Callable[[Path, Clip, dict[str, str]], None],
        read_clip: Callable[[Path], Clip],
        executor: Executor | None = None,
    ):
        super().__init__(session)
        self._session, self._path, self._write_clip, self._read_clip = session, path, write_clip, read_clip
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="files-autosave")
        self._parts: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self._work = Work()
        self._seen: tuple = ()
        self._init: InitSound | None = None  # the one that lies beside the session file
        self._init_number = 0
        self._has_failed = False
        self._save_soon = QTimer(self, singleShot=True, interval=SAVE_DELAY_MS)
        self._save_soon.timeout.connect(self.save)
        self._failed.connect(self._on_failed)

    def keep(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """Let the session file keep what `save` returns (of JSON's types) under `name`; `load` gets it at the start.

        Call before `restore`. `save` is asked at every change of the state, so it is quick; it returns a value of its
        own each time. Call `changed` for what differs while the state stays.
        """
        self._parts[name] = (save, load)

    def restore(self) -> None:
        """Bring back the work of the last time, and watch for changes from now on. A file that is damaged is set
        aside with a sentence."""
        try:
            self._work = Work.model_validate_json(self._path.read_bytes())
            if self._work.version != VERSION:
                raise ValueError(f"version {self._work.version}")
        except FileNotFoundError:
            pass
        except (OSError, ValidationError, ValueError):
            self._set_aside()
        else:
            self._bring_back(self._work)
        self._seen = self._now()
        self._session.stateChanged.connect(self._on_state)

    @Slot()
    def changed(self) -> None:
        """Something that a part keeps is different: write it soon."""
        if not self._save_soon.isActive():  # a change a moment later does not put it off
            self._save_soon.start()

    @Slot()
    def save(self, closed: bool = False) -> None:
        """Write the work as it is now."""
        state = self._session.state
        init = state.init
        if init is not self._init:
            self._init, self._init_number = init, self._init_number + 1
        init_file = f"{self._path.stem}.init-{os.getpid()}-{self._init_number}.wav" if init else ""
        self._work = Work(
            saved_at=datetime.now().isoformat(timespec="seconds"),
            closed=closed,
            sound=self._session.sound_settings(),
            take=str(self._session.auditions.path or ""),
            init_name=init.name if init else "",
            init_file=init_file,
            parts=self._work.parts | {name: save() for name, (save, _) in self._parts.items()},
        )
        text = self._work.model_dump_json(indent=1)
        self._executor.submit(self._write, text, init_file, init.clip if init else None)

    def shutdown(self) -> None:
        """Write everything a last time and wait for that."""
        self._save_soon.stop()
        self.save(closed=True)
        self._executor.shutdown(wait=True)

    # --- inside -------------------------------------------------------------------------------------------------

    def _write(self, text: str, init_file: str, init: Clip | None) -> None:
        """In the thread for it: the recording first, then the file that names it, then what no file names any more."""
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if init is not None and not (path.parent / init_file).exists():
                self._write_clip(path.parent / init_file, init, {})
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            with open(unfinished, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except (OSError, UserError) as error:
            self._failed.emit(f"Your work cannot be saved in {path.parent} ({error}): make room there.")
            return
        self._has_failed = False
        for old in path.parent.glob(f"{path.stem}.init-*.wav"):
            if old.name != init_file:
                with suppress(OSError):
                    old.unlink()

    def _bring_back(self, work: Work) -> None:
        session = self._session
        session.set_controls(work.sound)
        if work.take:
            session.auditions.recall(Path(work.take))
        if work.init_file:
            try:
                clip = self._read_clip(self._path.parent / work.init_file)
            except UserError as error:
                session.say(f"The recording “{work.init_name}” could not be brought back: {error}")
            else:
                session.recall_init(work.init_name, clip)
        for name, (_, load) in self._parts.items():
            if name in work.parts:
                load(work.parts[name])
        if not work.closed:
            session.say(f"The instrument ended without closing: your work of {work.saved_at[11:16]} is back.",
                        is_error=False)  # fmt: skip

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.stem}-damaged-{datetime.now():%Y-%m-%d-%H%M%S}.json")
        try:
            os.replace(self._path, aside)
        except OSError as error:
            self._session.say(f"The last session in {self._path} cannot be read ({error}): a new one begins.")
        else:
            self._session.say(f"The last session could not be read and is set aside as {aside}: a new one begins.")

    def _now(self) -> tuple:
        state = self._session.state
        controls = tuple(getattr(state, name) for name in SoundSettings.model_fields)
        parts = [save() for save, _ in self._parts.values()]
        return (controls, state.wished_seconds, self._session.auditions.path, state.init, parts)

    @Slot(object)
    def _on_state(self, _: object) -> None:
        now = self._now()
        if now != self._seen:
            self._seen = now
            self.changed()

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        if not self._has_failed:  # once is enough until it works again
            self._has_failed = True
            self._session.say(sentence)
