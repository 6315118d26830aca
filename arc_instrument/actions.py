"""One registry of everything a person can do: menu, shortcuts, tooltips and the shortcut sheet are made from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """`shortcuts` are Qt key sequences, empty where the window reads the key itself (`shown_keys` then says which).

    `command` names the method of `Session` (or of its `player`) that it calls; the window does those without one.
    `checked_by` and `needs` name fields of `SessionState`: whether it is on, and what it cannot work without.
    """

    id: str
    title: str
    tip: str
    group: str
    shortcuts: tuple[str, ...] = ()
    shown_keys: str = ""
    command: str = ""
    checked_by: str = ""
    needs: str = ""

    @property
    def runnable(self) -> bool:
        """Whether one press does it; what only names keys of the keyboard cannot be driven from outside."""
        return bool(self.command or self.shortcuts) or self.id not in _KEYS_ONLY

    @property
    def keys(self) -> str:
        """The keys as the sheet and the tooltips write them."""
        return self.shown_keys or " or ".join(self.shortcuts)


_KEYS_ONLY = {"leave_prompt", "typed_notes", "octave", "velocity", "next_take"}

_SOUND, _PLAY, _RECORD, _TAKES = "Make a sound", "Play", "Recording", "Takes"
_VARY, _SHAPE = "Variations and pads", "The sound itself"
DEVICES, WINDOW = "Sound card", "Window"

ACTIONS = (
    Action("generate", "Generate", "Make a sound from the prompt", _SOUND, ("Ctrl+Enter", "Ctrl+Return"),
           "Enter, Ctrl+Enter anywhere", "maker.generate"),
    Action("cancel", "Cancel", "Stop making the sound", _SOUND, ("Ctrl+.",), command="maker.cancel", needs="is_busy"),
    Action("edit_prompt", "Write a prompt", "Put the cursor into the prompt", _SOUND, ("Ctrl+L", "/"), "/ or Ctrl+L"),
    Action("example_prompt", "Example prompt", "Fill in an example prompt", _SOUND, ("Ctrl+E",)),
    Action("new_seed", "New seed", "Choose another seed", _SOUND, ("Ctrl+R",), command="new_seed"),
    Action("lock_seed", "Lock seed", "Keep the seed for the next sound", _SOUND, ("Ctrl+K",),
           command="toggle_seed_lock", checked_by="seed_locked"),
    Action("play", "Play or stop", "Play the current sound, or stop it", _PLAY, ("Space",),
           command="player.toggle_play"),
    Action("spectrogram", "Spectrogram", "Show the spectrogram, or the waveform again", _PLAY, ("Ctrl+G",),
           needs="current"),
    Action("leave_prompt", "Back to the keys", "Leave the prompt and play on the keys", _PLAY, shown_keys="Esc"),
    Action("panic", "All sound off", "Silence every voice", _PLAY, shown_keys="Esc Esc", command="player.panic"),
    Action("typed_notes", "Play notes", "A is C, W is C sharp, and so on; with the pads shown A is pad 1", _PLAY,
           shown_keys="A W S E D … L P ;"),
    Action("octave", "Octave down, up", "Shift the typed keys by an octave", _PLAY, shown_keys="Z  X"),
    Action("velocity", "Softer, louder", "Velocity of the typed keys", _PLAY, shown_keys="C  V"),
    Action("toggle_keys", "Letters play notes", "Whether letters play notes", _PLAY, ("M",),
           command="player.toggle_keys", checked_by="keys_on"),
    Action("toggle_fresh", "Fresh notes", "Each note orders a new variation, heard at the next hit", _PLAY, ("N",),
           command="toggle_fresh", checked_by="fresh"),
    Action("keep_heard", "Keep this one", "Make the fresh note that was heard last the current take", _PLAY,
           ("Shift+N",), command="pool.keep_heard", needs="heard"),
    Action("velocity_drives", "Velocity of fresh notes", "Let velocity change nothing more than the level, how much of "
           "the recording stays, or how far a fresh note goes", _PLAY, command="pool.next_velocity_drive"),
    Action("toggle_gate", "Gate", "Notes end when their key is let go", _PLAY, ("Ctrl+Shift+G",),
           command="sampler.toggle_gate", checked_by="gated"),
    Action("toggle_loop", "Loop", "Notes repeat while their key is held", _PLAY, ("Ctrl+Shift+L",),
           command="sampler.toggle_loop", checked_by="looped"),
    Action("toggle_sustain", "Sustain", "Hold the notes whose key is let go, as a pedal does", _PLAY, ("Ctrl+H",),
           command="player.toggle_sustain", checked_by="sustain"),
    Action("variations", "Eight variations", "Make eight sounds at a distance from this one", _SOUND, ("Ctrl+Shift+V",),
           command="variations.make", needs="current"),
    *(
        Action(f"variation_{number}", f"Variation {number}", "Hear and keep this one of the eight", _VARY,
               (str(number),), command=f"variations.choose_{number}", needs="variations")
        for number in range(1, 9)
    ),
    Action("clear_variations", "Put variations away", "Go on with the sound that was chosen", _SOUND,
           command="variations.clear", needs="variations"),
    Action("keep_edit", "Keep the edit", "Make the trimmed, faded or reversed sound a take of its own", _SHAPE,
           ("Ctrl+S",), command="edits.keep", needs="current_path"),
    Action("reverse", "Reverse", "Play the sound backwards", _SHAPE, needs="current"),
    Action("trim_silence", "Trim silence", "Cut off what is silent before and after the sound", _SHAPE,
           ("Ctrl+Shift+X",), command="edits.trim_silence", needs="current"),
    Action("reset_edit", "Reset the edit", "Undo trims, fades, gain and direction of this sound", _SHAPE,
           needs="current"),
    *(
        Action(f"corner_{letter}", f"Prompt into corner {letter.upper()}", "Put the prompt into this morph corner",
               _VARY, command=f"morph.set_corner_{letter}", needs="prompt")
        for letter in "abcd"
    ),
    Action("tap_tempo", "Tap tempo", "Tap the beat", _SHAPE, ("Ctrl+Space",), command="tempo.tap"),
    Action("show_pads", "Keys or pads", "Show the pads instead of the keyboard, or the keyboard again", _VARY,
           ("Ctrl+P",)),
    Action("export_kit", "Export the pads", "Write the pads as a folder with an SFZ", _VARY,
           command="kit.export"),
    Action("fill_kit", "Kit from the prompt", "Fill all pads that are not locked from the words of the prompt", _SOUND,
           ("Ctrl+Shift+K",), command="kit.fill", needs="prompt"),
    Action("toggle_live", "Live", "Make the sound anew while you type or drag", _SOUND, ("Ctrl+T",),
           command="live.toggle", checked_by="live"),
    Action("record", "Record or stop", "Record a voice or a beat to start from", _RECORD, ("R",),
           command="voice.toggle_record"),
    Action("keep_last", "Keep what I just did", "Start from the last 12 seconds that the microphone heard", _RECORD,
           ("Shift+R",), command="voice.keep_last"),
    Action("toggle_count_in", "Count-in", "Count a bar before a recording begins on the one", _RECORD, ("I",),
           command="voice.toggle_count_in", checked_by="count_in"),
    Action("toggle_metronome", "Metronome", "Hear clicks while a recording runs: wear headphones", _RECORD,
           ("Shift+I",), command="voice.toggle_metronome", checked_by="metronome"),
    Action("toggle_monitor", "Hear the microphone",
           "Hear the input: only with headphones, loudspeakers would howl", _RECORD,
           command="microphone.toggle_monitor", checked_by="monitoring"),
    Action("calibrate", "Measure the round trip",
           "Play a short sweep and hear when it returns: recordings to the click then lie on the beat", _RECORD,
           command="microphone.calibrate"),
    Action("toggle_ab", "Compare", "Hear the recording, then the result, equally loud", _RECORD, ("B",),
           command="voice.toggle_ab", needs="init"),
    Action("use_recovered", "Start from the saved recording", "Start from the recording that was cut off", _RECORD,
           command="voice.use_recovered", needs="recovered"),
    Action("clear_init", "Remove the recording", "Start from the prompt alone", _RECORD, ("Ctrl+Backspace",),
           command="clear_init", needs="init"),
    Action("next_take", "Next, previous take", "Hear the neighbouring take", _TAKES, shown_keys="↓  ↑"),
    Action("take_down", "Next take", "Hear the take below", _TAKES, command="auditions.next", needs="takes"),
    Action("take_up", "Previous take", "Hear the take above", _TAKES, command="auditions.previous", needs="takes"),
    Action("duplicate_take", "Duplicate take", "Keep a copy of the current take", _TAKES, ("Ctrl+D",),
           command="takes.duplicate_current", needs="current_path"),
    Action("search_takes", "Search takes", "Find takes by prompt, tag or model", _TAKES, ("Ctrl+F",)),
    Action("favourite", "Favourite", "Favour the selected takes, or stop that", _TAKES, ("Ctrl+B",),
           command="selection.toggle_favourite", needs="can_mark"),
    Action("favourites_only", "Only favourites", "Show only the takes that are favourites", _TAKES,
           command="takes.toggle_favourites_only", checked_by="favourites_only"),
    Action("edit_tags", "Edit tags", "Write the tags of the selected takes", _TAKES, shown_keys="F2 in the list"),
    Action("add_tag", "Add a tag…", "Give the selected takes one more tag, or take one from them", _TAKES,
           ("Ctrl+Shift+T",), needs="can_mark"),
    Action("filter_tag", "Filter by tag", "Show only the takes with a tag", _TAKES, needs="takes"),
    Action("delete_takes", "Delete takes", "Move the selected takes to the trash, where they stay for 30 days", _TAKES,
           ("Del",), command="selection.delete", needs="can_mark"),
    Action("move_takes", "Move takes along", "Bring the takes of the folder before into the present one", _TAKES,
           command="takes.move_along", needs="previous_folder"),
    Action("reveal_take", "Show the take's file", "Open the folder of the current take", _TAKES, ("Ctrl+Shift+R",),
           needs="current_path"),
    Action("copy_path", "Copy the take's path", "Copy the path of the current take", _TAKES, ("Ctrl+Shift+C",),
           needs="current_path"),
    Action("restore", "Restore the take's settings", "Prompt, length, steps and seed of the current take", _TAKES,
           ("Ctrl+Shift+S",), command="restore_current", needs="current_path"),
    Action("export", "Export the take", "Write the current take for other programs, in the chosen format", _TAKES,
           ("Ctrl+Shift+E",), command="exporter.export_current", needs="current_path"),
    Action("export_selected", "Export the selected takes", "Write every selected take for other programs", _TAKES,
           command="exporter.export_selected", needs="selection"),
    *(
        Action(f"export_{name}", f"Export format: {title}", "The format of the next exports", _TAKES,
               command=f"exporter.use_{name}")
        for name, title in (("wav16", "WAV 16 bit"), ("wav24", "WAV 24 bit"), ("wav32f", "WAV 32 bit float"),
                            ("flac", "FLAC 24 bit"))
    ),
    Action("stop_export", "Stop the export", "Write no more of what is exported: what is written stays", _TAKES,
           command="exporter.stop", needs="exporting"),
    Action("show_exports", "Show the exports", "Open the folder of what was exported last", _TAKES, needs="exported"),
    Action("choose_folder", "Takes folder…", "Choose where takes are kept", _TAKES),
    Action("restart_audio", "Restart the sound", "Look for sound cards and MIDI again", DEVICES,
           command="player.restart_audio"),
    Action("preferences", "Preferences", "Sound card, MIDI, OSC, folders and looks", WINDOW, ("Ctrl+,",)),
    Action("toggle_theme", "Dark or light", "Change between the dark and the light look", WINDOW,
           command="preferences.toggle_theme"),
    Action("commands", "Find a command", "Run anything the instrument can do by typing its name", WINDOW,
           ("Ctrl+Shift+P", "?"), "? or Ctrl+Shift+P"),
    Action("undo", "Undo", "Take back what was done last", WINDOW, ("Ctrl+Z",), command="history.undo",
           needs="undo_label"),
    Action("redo", "Redo", "Do again what was undone", WINDOW, ("Ctrl+Shift+Z",), command="history.redo",
           needs="redo_label"),
    Action("shortcuts", "Keyboard shortcuts", "Show or hide this sheet", WINDOW, ("F1",)),
    Action("quit", "Quit", "Close the instrument", WINDOW, ("Ctrl+Q",)),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


def tooltip(action_id: str) -> str:
    """What a control says when the pointer rests on it: the tip, and the keys if there are any."""
    action = BY_ID[action_id]
    return f"{action.tip}  ({action.keys})" if action.keys else action.tip
