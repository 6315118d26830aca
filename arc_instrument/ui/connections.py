"""Every connection between the window's widgets and the session: who says what, and which command answers it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from arc_instrument.session import Session
from arc_instrument.session.controls import PARAMETER
from arc_instrument.ui.corner_menu import open_corner_menu
from arc_instrument.ui.learn_menu import LearnMenu
from arc_instrument.ui.model_menu import HOW_TO_GET_MORE
from arc_instrument.ui.pad_menu import open_pad_menu
from arc_instrument.ui.sound_controls import TENTHS_PER_S
from arc_instrument.ui.take_panel import TakePanel
from arc_instrument.ui.touch_menu import open_touch_menu

if TYPE_CHECKING:
    from arc_instrument.ui.window import MainWindow


def connect(window: "MainWindow", session: Session) -> None:
    """Connect everything, once."""
    session.settled.connect(window.render_state)
    session.controls.windowActionRequested.connect(window.run)
    _connect_making(window, session)
    _connect_sound(window, session)
    _connect_pages(window, session)
    connect_takes(window.takes, session)
    window.takes.list.revealRequested.connect(window.take_files.reveal)
    window.takes.list.copyPathRequested.connect(window.take_files.copy_path)
    _connect_playing(window, session)
    _connect_sheets(window, session)
    _connect_learning(window, session)


def _connect_making(window: "MainWindow", session: Session) -> None:
    window.prompt.promptEdited.connect(session.set_prompt)
    window.prompt.generateRequested.connect(session.maker.generate)
    window.generate.generateRequested.connect(session.maker.generate)
    window.generate.cancelRequested.connect(session.maker.cancel)
    window.message.actionRequested.connect(window.run)
    window.message.dismissed.connect(session.dismiss_message)
    window.live.actionRequested.connect(window.run)
    controls = window.controls
    controls.steps.valueEdited.connect(session.set_steps)
    controls.length.valueEdited.connect(lambda tenths: session.set_seconds(tenths / TENTHS_PER_S))
    controls.tempo.bpmEdited.connect(session.tempo.set_bpm)
    controls.tempo.barsEdited.connect(session.tempo.set_bars)
    controls.tempo.keyEdited.connect(session.tempo.set_key)
    controls.tempo.actionRequested.connect(window.run)
    controls.seed.seedEdited.connect(session.set_seed)
    controls.seed.newSeedRequested.connect(session.new_seed)
    controls.seed.lockToggled.connect(session.toggle_seed_lock)
    window.menu_button.models.chosen.connect(session.model.choose)
    window.menu_button.models.moreWanted.connect(lambda: session.say(HOW_TO_GET_MORE, is_error=False))
    window.menu_button.outputs.chosen.connect(session.player.choose_output)
    window.menu_button.inputs.chosen.connect(session.player.choose_input)


def _connect_sound(window: "MainWindow", session: Session) -> None:
    panel, player = window.waveform, session.player
    player.playbackStarted.connect(panel.waveform.start)
    player.playbackStopped.connect(panel.waveform.stop)
    panel.playToggled.connect(player.toggle_play)
    panel.playRequested.connect(player.play)
    panel.compareRequested.connect(session.voice.toggle_ab)
    panel.trimRequested.connect(session.edits.trim_silence)
    panel.export.actionRequested.connect(window.run)
    panel.export.formatChosen.connect(session.exporter.set_format)
    panel.waveform.editRequested.connect(session.edits.apply)
    panel.waveform.loopRequested.connect(lambda loop: session.sampler.move_loop(loop.start, loop.end))
    panel.waveform.editFinished.connect(session.history.settle)


def _connect_pages(window: "MainWindow", session: Session) -> None:
    voice, shape, vary, morph = window.voice, window.shape, window.vary, window.morph
    voice.actionRequested.connect(window.run)
    voice.record.recordToggled.connect(session.voice.toggle_record)
    voice.record.options.valueEdited.connect(session.controls.set_value)
    voice.record.options.inputChosen.connect(session.player.choose_input)
    voice.record.options.actionRequested.connect(window.run)
    voice.init_slot.clearRequested.connect(session.clear_init)
    voice.strength.valueEdited.connect(session.set_strength)
    shape.modeChosen.connect(session.sampler.set_mode)
    shape.knobs.turned.connect(session.controls.set_value)
    vary.knobs.turned.connect(session.controls.set_value)
    vary.actionRequested.connect(window.run)
    vary.chosen.connect(session.variations.choose)
    morph.cornerEdited.connect(session.morph.set_corner)
    morph.moved.connect(session.morph.move)
    morph.pad.menuWanted.connect(lambda corner, place: open_corner_menu(window, session, corner, place))
    morph.pathDropped.connect(session.morph.set_corner_file)
    morph.generateRequested.connect(session.maker.generate)


def connect_takes(panel: TakePanel, session: Session) -> None:
    """What is found, heard, marked and deleted in the list of takes."""
    panel.searchEdited.connect(session.takes.find)
    panel.tagChosen.connect(session.takes.show_tag)
    panel.favouritesToggled.connect(session.takes.toggle_favourites_only)
    takes = panel.list
    takes.auditioned.connect(session.auditions.audition)
    takes.selectionEdited.connect(session.selection.select)
    takes.favouriteRequested.connect(session.selection.toggle_favourite)
    takes.deleteRequested.connect(session.selection.delete)
    takes.tagsEdited.connect(session.selection.write_tags)
    takes.tagAdded.connect(session.selection.add_tag)
    takes.tagRemoved.connect(session.selection.remove_tag)
    takes.exportRequested.connect(session.exporter.export_takes)
    takes.restoreRequested.connect(session.restore)


def _connect_playing(window: "MainWindow", session: Session) -> None:
    player, header, typed = session.player, window.keys_header, window.typed_keys
    player.levelsChanged.connect(window.show_levels)
    player.notePlayed.connect(window.surface.show_note)
    header.surfaceChosen.connect(lambda name: window.show_pads(name == "pads"))
    header.kitRequested.connect(session.kit.fill)
    header.kitExportRequested.connect(session.kit.export)
    header.keysToggled.connect(player.toggle_keys)
    header.freshToggled.connect(session.toggle_fresh)
    header.keepRequested.connect(session.pool.keep_heard)
    header.touchMenuWanted.connect(lambda place: open_touch_menu(window, session, place))
    pads = window.surface.pads
    pads.padPressed.connect(lambda pad, velocity: player.hit_pad(pad + 1, velocity))
    pads.padReleased.connect(lambda pad: player.release_pad(pad + 1))
    pads.pathDropped.connect(session.kit.put_file)
    window.surface.padMenuWanted.connect(lambda pad, place: open_pad_menu(window, session, pad, place))
    for keys in (window.keyboard, typed):
        keys.noteOn.connect(player.note_on)
        keys.noteOff.connect(player.note_off)
    typed.padOn.connect(lambda pad: player.hit_pad(pad + 1, session.state.velocity))
    typed.padOff.connect(lambda pad: player.release_pad(pad + 1))
    typed.octaveShifted.connect(player.shift_octave)
    typed.velocityShifted.connect(player.shift_velocity)
    typed.escaped.connect(window.leave_text)
    typed.escapedTwice.connect(window.panic)
    typed.takeStepped.connect(window.takes.list.step)
    application = QCoreApplication.instance()
    assert isinstance(application, QApplication)
    application.installEventFilter(typed)
    application.focusChanged.connect(window.show_lamp)


def _connect_sheets(window: "MainWindow", session: Session) -> None:
    player, preferences, panel = session.player, session.preferences, window.preferences
    window.command_palette.runRequested.connect(window.run)
    window.command_palette.learnRequested.connect(session.midi_map.learn)
    panel.hostApiChosen.connect(preferences.choose_host_api)
    panel.outputChosen.connect(player.choose_output)
    panel.inputChosen.connect(player.choose_input)
    panel.rateChosen.connect(preferences.choose_rate)
    panel.blockChosen.connect(preferences.choose_block)
    panel.testRequested.connect(preferences.test_sound)
    panel.midiInputToggled.connect(preferences.toggle_midi_input)
    panel.learnRequested.connect(session.midi_map.learn)
    panel.bindingRemoved.connect(session.midi_map.unlearn)
    panel.encoderToggled.connect(session.midi_map.set_relative)
    panel.oscToggled.connect(preferences.toggle_osc)
    panel.oscPortChosen.connect(preferences.choose_osc_port)
    panel.oscNetworkToggled.connect(preferences.toggle_osc_network)
    panel.precisionChosen.connect(preferences.choose_precision)
    panel.takesFolderRequested.connect(window.take_files.choose_folder)
    panel.folderRevealed.connect(window.take_files.reveal_folder)
    panel.themeChosen.connect(preferences.choose_theme)
    panel.reducedMotionToggled.connect(preferences.toggle_reduced_motion)


def _connect_learning(window: "MainWindow", session: Session) -> None:
    """Every knob and slider, and most buttons of an action, can be given a MIDI control by a right click."""
    learn = LearnMenu(window)
    learn.learnRequested.connect(session.midi_map.learn)
    learn.forgetRequested.connect(session.midi_map.unlearn_target)
    controls, voice, header = window.controls, window.voice, window.keys_header
    turned = {
        **window.shape.knobs.knobs,
        **window.vary.knobs.knobs,
        "steps": controls.steps.slider,
        "length": controls.length.slider,
        "strength": voice.strength.slider,
        "bpm": controls.tempo.bpm.lineEdit(),
    }
    turned |= {name: field.lineEdit() for name, field in voice.record.options.fields.items()}
    for parameter_id, widget in turned.items():
        learn.offer(widget, f"{PARAMETER}{parameter_id}")
    for button in (
        *voice.buttons,
        *window.vary.buttons,
        window.live,
        controls.tempo.tap,
        header.kit,
        header.kit_handle,
        header.keep,
    ):
        learn.offer(button, button.action_id)
    for action_id, widget in (
        ("generate", window.generate),
        ("record", voice.record.button),
        ("trim_silence", window.waveform.trim),
    ):
        learn.offer(widget, action_id)
