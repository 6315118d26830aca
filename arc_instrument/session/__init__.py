"""The state of the window and everything a person can order. No widgets, no torch, no sound card."""

from arc_instrument.session.session import Session

__all__ = ["Session"]
