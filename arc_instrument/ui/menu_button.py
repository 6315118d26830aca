"""The button whose menu holds everything the instrument can do, with a choice of model, output and input."""

from collections.abc import Mapping

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from arc_instrument.actions import DEVICES, WINDOW
from arc_instrument.session import Session
from arc_instrument.ui.commands import make_menus
from arc_instrument.ui.device_menu import DeviceMenu
from arc_instrument.ui.icons import ICON_PX, icon
from arc_instrument.ui.model_menu import ModelMenu

SIDE_PX = 28


class MenuButton(QToolButton):
    """What is chosen is told by `models`, `outputs` and `inputs`."""

    def __init__(self, session: Session, actions: Mapping[str, QAction], window: QWidget):
        super().__init__()
        self._session = session
        self.setIcon(icon("menu"))
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setFixedSize(SIDE_PX, SIDE_PX)
        self.setAccessibleName("Menu")
        self.setToolTip("Everything the instrument can do")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.models = ModelMenu(session.model.installed, window)
        self.outputs = DeviceMenu("Play through", self._outputs, window)
        self.inputs = DeviceMenu("Record from", self._inputs, window)
        menus = make_menus(window, actions)  # sixty actions in one menu would be taller than a laptop's screen
        for devices in (self.outputs, self.inputs):
            menus[DEVICES].insertMenu(actions["restart_audio"], devices)
        menu = QMenu(window)
        menu.addMenu(self.models)
        menu.addMenu(menus.pop(DEVICES))
        menu.addSeparator()
        last = menus.pop(WINDOW)
        for group in menus.values():
            menu.addMenu(group)
        menu.addSeparator()
        menu.addActions(last.actions())
        self.setMenu(menu)

    def _outputs(self) -> tuple[tuple[str, ...], str]:
        audio = self._session.state.audio
        return audio.outputs if audio else (), self._session.player.devices.device

    def _inputs(self) -> tuple[tuple[str, ...], str]:
        audio = self._session.state.audio
        return audio.inputs if audio else (), self._session.player.devices.input_device
