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
_DEVICES, _WINDOW = "Sound card", "Window"

ACTIONS = (
    Action("generate", "Generate", "Make a sound from the prompt", _SOUND, ("Ctrl+Enter", "Ctrl+Return"),
           "Enter in the prompt, Ctrl+Enter anywhere", "generate"),
    Action("cancel", "Cancel", "Stop making the sound", _SOUND, ("Ctrl+.",), command="cancel", needs="is_busy"),
    Action("edit_prompt", "Write a prompt", "Put the cursor into the prompt", _SOUND, ("Ctrl+L", "/"), "/ or Ctrl+L"),
    Action("example_prompt", "Example prompt", "Fill in an example prompt", _SOUND, ("Ctrl+E",)),
    Action("new_seed", "New seed", "Choose another seed", _SOUND, ("Ctrl+R",), command="new_seed"),
    Action("lock_seed", "Lock seed", "Keep the seed for the next sound", _SOUND, ("Ctrl+K",),
           command="toggle_seed_lock", checked_by="seed_locked"),
    Action("play", "Play or stop", "Play the current sound, or stop it", _PLAY, ("Space",),
           command="player.toggle_play"),
    Action("leave_prompt", "Back to the keys", "Leave the prompt and play on the keys", _PLAY, shown_keys="Esc"),
    Action("panic", "All sound off", "Silence every voice", _PLAY, shown_keys="Esc Esc", command="player.panic"),
    Action("typed_notes", "Play notes", "A is C, W is C sharp, and so on", _PLAY,
           shown_keys="A W S E D F T G Y H U J K O L P ;"),
    Action("octave", "Octave down, up", "Shift the typed keys by an octave", _PLAY, shown_keys="Z  X"),
    Action("velocity", "Softer, louder", "Velocity of the typed keys", _PLAY, shown_keys="C  V"),
    Action("toggle_keys", "Letters play notes", "Whether letters play notes", _PLAY, ("M",),
           command="player.toggle_keys", checked_by="keys_on"),
    Action("toggle_fresh", "Fresh notes", "Each note orders a new variation, heard at the next hit", _PLAY, ("N",),
           command="toggle_fresh", checked_by="fresh"),
    Action("record", "Record or stop", "Record a voice or a beat to start from", _RECORD, ("R",),
           command="player.toggle_record"),
    Action("clear_init", "Remove the recording", "Start from the prompt alone", _RECORD, ("Ctrl+Backspace",),
           command="clear_init", needs="init"),
    Action("next_take", "Next, previous take", "Hear the neighbouring take", _TAKES, shown_keys="↓  ↑"),
    Action("reveal_take", "Show the take's file", "Open the folder of the current take", _TAKES, ("Ctrl+Shift+R",),
           needs="current_path"),
    Action("copy_path", "Copy the take's path", "Copy the path of the current take", _TAKES, ("Ctrl+Shift+C",),
           needs="current_path"),
    Action("restore", "Restore the take's settings", "Prompt, length, steps and seed of the current take", _TAKES,
           ("Ctrl+Shift+S",), command="restore_current", needs="current_path"),
    Action("choose_folder", "Takes folder…", "Choose where takes are kept", _TAKES),
    Action("restart_audio", "Restart the sound", "Look for sound cards and MIDI again", _DEVICES,
           command="player.restart_audio"),
    Action("shortcuts", "Keyboard shortcuts", "Show or hide this sheet", _WINDOW, ("F1",)),
    Action("quit", "Quit", "Close the instrument", _WINDOW, ("Ctrl+Q",)),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}


def tooltip(action_id: str) -> str:
    """What a control says when the pointer rests on it: the tip, and the keys if there are any."""
    action = BY_ID[action_id]
    return f"{action.tip}  ({action.keys})" if action.keys else action.tip
