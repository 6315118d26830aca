# `make run` opens the instrument; `make test` runs every test without a screen, a sound card or a network.
# Both first install what is missing (.ci/setup): the second time that takes no more than a second.
# Another interpreter: `make run PYTHON=python3.13`.

.PHONY: run test lint

run:
	@PYTHON="$(PYTHON)" bash .ci/setup run
	@.venv/bin/arc-instrument

test:
	@PYTHON="$(PYTHON)" bash .ci/setup test
	@env -u DISPLAY -u WAYLAND_DISPLAY QT_QPA_PLATFORM=offscreen .venv/bin/python -m pytest

lint:
	@PYTHON="$(PYTHON)" bash .ci/setup lint
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/pyright
