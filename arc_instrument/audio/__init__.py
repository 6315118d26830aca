"""The audio process: stream, mixer, recorder, MIDI. No Qt and no torch in it."""
