"""OSC control: obeys what the OSC port hears, in the GUI thread, and tells subscribers what changed."""

from operator import attrgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from arc_instrument.actions import ACTIONS
from arc_instrument.domain import Take, UserError
from arc_instrument.osc import Address, Command, OscPort
from arc_instrument.parameters import PARAMETERS
from arc_instrument.session.controls import Controls
from arc_instrument.session.state import OscStatus, SessionState
from arc_instrument.session.store import Store

if TYPE_CHECKING:
    from arc_instrument.settings import OscSettings

OBEY_AT_MOST, OBEY_MS = 64, 5  # then the window draws
TELL_MS = 20


class OscControl(QObject):
    """Renders `osc` into the store. Off until `configure` says otherwise."""

    _waiting = Signal()

    def __init__(self, store: Store, controls: Controls):
        super().__init__(store)
        self._store, self._controls = store, controls
        self._port: OscPort | None = None
        self._settings: OscSettings | None = None
        self._told: dict[str, list] = {}
        self._waiting.connect(self._obey)
        self._obey_soon = QTimer(self, singleShot=True, interval=OBEY_MS)
        self._obey_soon.timeout.connect(self._obey)
        self._tell_soon = QTimer(self, singleShot=True, interval=TELL_MS)
        self._tell_soon.timeout.connect(self._tell)
        store.stateChanged.connect(self._on_state)

    def configure(self, settings: "OscSettings") -> None:
        """Open, close or move the port; what is wrong with it is said in `SessionState.osc`."""
        if settings == self._settings:
            return
        subscribers = self._port.subscribers if self._port else ()
        self.shutdown()
        self._settings = settings
        sentence = "OSC is off."
        if settings.enabled:
            try:
                self._port = OscPort(settings.port, self._waiting.emit, network=settings.network)
            except UserError as error:
                sentence = str(error)
                self._store.say(sentence)
            else:
                for subscriber in subscribers:
                    self._port.subscribe(subscriber)
                where = "from any machine" if settings.network else "from this machine only"
                sentence = f"OSC listens on port {self._port.port}, {where}."
        self._store.update(osc=OscStatus(self._port is not None, sentence, self._port.port if self._port else 0))

    def shutdown(self) -> None:
        """Give the port back."""
        self._settings = None
        self._obey_soon.stop()
        self._tell_soon.stop()
        if self._port is not None:
            self._port.close()
            self._port = None

    # --- in ---------------------------------------------------------------------------------------------------------

    @Slot()
    def _obey(self) -> None:
        if self._port is None:
            return
        commands = self._port.mailbox.take(OBEY_AT_MOST)
        for before, command in zip((None, *commands), commands, strict=False):
            if command.verb != "run" or command != before:  # the same twice in a row: a flood, or a button bounced
                self._do(command, self._port)
        if len(commands) >= OBEY_AT_MOST:
            self._obey_soon.start()

    def _do(self, command: Command, port: OscPort) -> None:
        controls = self._controls
        match command.verb:
            case "run":
                controls.run(command.name)
            case "param":
                controls.set_unit(command.name, command.number)
            case "value":
                controls.set_value(command.name, command.number)
            case "prompt":
                controls.set_prompt(command.text)
            case "note":
                controls.play_note(int(command.number), command.velocity)
            case "pad":
                controls.padHit.emit(int(command.number), command.velocity)
            case "unsubscribe":
                port.unsubscribe(command.sender)
            case _:
                self._tell_everything(command.sender, subscribe=command.verb == "subscribe")

    def _tell_everything(self, receiver: Address, *, subscribe: bool) -> None:
        assert self._port is not None
        self._tell()
        if subscribe:
            self._port.subscribe(receiver)
        self._port.send(self._words(self._store.state), [receiver])

    # --- out --------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_state(self, state: SessionState) -> None:
        if self._port is not None and self._port.subscribers and not self._tell_soon.isActive():
            self._tell_soon.start()

    @Slot()
    def _tell(self) -> None:
        """Send what changed since the last time."""
        if self._port is None:
            return
        words = self._words(self._store.state)
        self._port.send({address: words[address] for address in words if self._told.get(address) != words[address]})
        self._told = words

    @Slot(object)
    def tell_take(self, take: Take) -> None:
        """A take was made: where it lies, and what it is."""
        if self._port is not None:
            self._port.send({"state/take": [str(take.path), take.prompt, take.seed, float(take.seconds)]})

    def _words(self, state: SessionState) -> dict[str, list]:
        """The state as addresses below `/arc/` and their arguments."""
        words: dict[str, list] = {
            "state/prompt": [state.prompt],
            "state/phase": [state.phase.value],
            "state/generating": [state.generating],
            "state/progress": [state.progress.step, state.progress.steps] if state.progress else [0, 0],
            "state/playing": [state.playing],
            "state/recording": [state.recording],
            "state/message": [state.message.text if state.message else ""],
            "state/current": [str(state.current_path or "")],
        }
        for action in ACTIONS:
            if action.checked_by:
                words[f"state/{action.id}"] = [bool(attrgetter(action.checked_by)(state))]
        for parameter in PARAMETERS:
            words[f"state/param/{parameter.id}"] = [float(self._controls.unit(parameter.id))]
            words[f"state/value/{parameter.id}"] = [self._controls.value(parameter.id)]
        return words
