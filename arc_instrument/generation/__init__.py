"""Making sounds in a worker thread that owns the model."""

from arc_instrument.generation.service import GenerationService
from arc_instrument.generation.worker import Synth

__all__ = ["GenerationService", "Synth"]
