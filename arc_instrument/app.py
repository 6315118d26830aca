"""Composition root: builds every object of the window and makes every connection. Nothing imports it but the CLI."""

import faulthandler
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from arc_instrument import settings as settings_file
from arc_instrument.assets import instrument_asset
from arc_instrument.audio.client import AudioClient
from arc_instrument.audio.protocol import AudioSettings
from arc_instrument.audio.wavfile import read_clip, write_clip
from arc_instrument.domain import UserError
from arc_instrument.generation import GenerationService, Synth
from arc_instrument.instance import claim
from arc_instrument.library import Library
from arc_instrument.session import Session, preferences
from arc_instrument.session.autosave import Autosave
from arc_instrument.session.kept_work import keep_work
from arc_instrument.session.state import DEFAULT_MAX_SECONDS
from arc_instrument.settings import AudioDeviceSettings, Folders, MidiBindingSettings, Settings
from arc_instrument.ui.appearance import Appearance
from arc_instrument.ui.collector import Collector
from arc_instrument.ui.window import MainWindow

if TYPE_CHECKING:
    from arc_instrument.models import InstalledModel

SAVE_DELAY_MS = 1_000
_LOG_BYTES = 500_000


def run(
    argv: Sequence[str] = (),
    *,
    weights: Path | None = None,
    precision: str | None = None,
    made: "Callable[[MainWindow, Session], object] | None" = None,
) -> int:
    """Open the window and play until it is closed; returns the exit status.

    `argv` goes to Qt. `weights` is a model folder other than the embedded one; `precision` is what
    models compute in, by default the faster float of this machine. `made` is told of the window before it is shown.
    """
    folders = settings_file.folders()
    _start_log(folders)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    sys.setswitchinterval(0.0005)  # how long a thread of the model may keep a frame waiting for the GIL
    application = QApplication(["arc-instrument", *argv])
    collector = Collector(application)
    appearance = dress(application)
    problem = None
    try:
        settings = settings_file.load(folders.settings_file)
    except UserError as error:
        settings, problem = Settings(), str(error)

    def list_models() -> "tuple[InstalledModel, ...]":
        from arc_instrument.models import InstalledModel, installed_models

        given = () if weights is None else (InstalledModel("", weights.name, weights, "not stated", "", 0.0),)
        return (*installed_models(folders.models), *given)

    model = None
    if settings.model and weights is None:  # by default nothing is listed before the window is up
        model = next((installed for installed in list_models() if installed.name == settings.model), None)

    def make_synth(folder: Path | None, precision: str) -> Synth:
        from arc_instrument.synth import Synth

        return Synth(folder, precision or None)

    chosen_precision = precision or settings.compute.precision
    generation = GenerationService(make_synth, model.path if model else weights, chosen_precision)
    generation.modelLoaded.connect(collector.begin)
    audio = AudioClient()
    chosen_folder = Path(settings.takes_folder) if settings.takes_folder else None
    library = Library(chosen_folder or folders.takes, must_exist=chosen_folder is not None)
    devices = AudioSettings(**settings.audio.model_dump())
    session = Session(
        generation,
        audio,
        library,
        read_clip,
        settings.sound,
        devices,
        refuge=Library(folders.refuge),
        list_models=list_models,
        max_seconds=model.max_seconds if model else DEFAULT_MAX_SECONDS,
        voice=settings.voice,
        recordings=folders.recordings,
        preferences=preferences.from_settings(settings),
        models_folder=folders.models,
        bindings=[each.binding() for each in settings.midi_controls],
    )
    session.update(export_format=settings.export_format)
    appearance.render_state(session.state)
    session.settled.connect(appearance.render_state)
    instance = claim(folders.session)
    autosave = Autosave(session, instance.session_file, write_clip, read_clip)
    keep_work(autosave, session)
    autosave.restore()
    window = MainWindow(session, QSettings(str(folders.window_file), QSettings.Format.IniFormat))
    if problem:
        session.say(problem)
    elif settings.model and weights is None and model is None:
        session.say(f"The model {settings.model} is not installed any more: the embedded one is used instead.")
    elif instance.number > 1:
        session.say(
            f"This is window {instance.number}: it has a session of its own, and all keep their takes in "
            f"{session.takes.folder}.",
            is_error=False,
        )
    session.preferences.precisionChanged.connect(generation.compute_in)
    generation.precisionFailed.connect(session.preferences.take_back_precision)

    def save_settings() -> None:
        if problem:  # a settings file that could not be read is the person's to mend, not ours to overwrite
            return
        settings.voice = session.voice.settings()
        settings.export_format = session.state.export_format
        settings.audio = AudioDeviceSettings(**asdict(session.player.devices))
        preferences.into_settings(session.state.preferences, settings)
        settings.midi_controls = [MidiBindingSettings.of(each) for each in session.state.bindings]
        if session.model.chosen and session.model.chosen.name:
            settings.model = session.model.chosen.name
        settings.takes_folder = "" if session.takes.folder == folders.takes else str(session.takes.folder)
        try:
            settings_file.save(settings, folders.settings_file)
        except UserError as error:
            session.say(str(error))

    save_soon = QTimer(singleShot=True, interval=SAVE_DELAY_MS)
    save_soon.timeout.connect(save_settings)
    session.settingsChanged.connect(save_soon.start)

    def start_services() -> None:
        session.player.start_audio()
        session.preferences.start()
        session.takes.load()
        session.takes.watch()
        session.voice.recover()
        generation.start()

    window.painted.connect(start_services)
    if made:
        made(window, session)
    window.show()
    status = application.exec()

    save_soon.stop()
    save_settings()
    autosave.shutdown()
    session.shutdown()
    audio.shutdown()
    collector.shutdown()
    if not generation.shutdown():
        os._exit(status)  # the worker hangs in foreign code; every take is written, so nothing is lost
    return status


def dress(application: QApplication) -> Appearance:
    """Give the application the instrument's name, fonts, colours and style; returns what changes them later."""
    application.setApplicationName("arc-instrument")
    application.setApplicationDisplayName("ARC Instrument")
    application.setWindowIcon(QIcon(str(instrument_asset("icons", "app.svg"))))
    return Appearance(application)


def _start_log(folders: Folders) -> None:
    """Warnings and crashes go to a small rotating file; a folder that cannot be written leaves only standard error."""
    try:
        folders.logs.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            folders.logs / "arc-instrument.log", maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if sys.stderr is not None:
        faulthandler.enable()
