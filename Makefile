PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
ARGS ?=

.PHONY: setup demo test lint types pictures lock clean

setup: $(SETUP)

$(SETUP): requirements/dev.lock pyproject.toml
	@echo "Setting up $(VENV): pinned packages from requirements/dev.lock" >&2
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(SETUP)

demo: setup
	$(BIN)/efterhand demo $(ARGS)

test: setup lint types
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

pictures: setup
	$(BIN)/python -m tests.browser.pictures $(ARGS)

lock:
	$(BIN)/python -m pip install --quiet uv==0.13.9
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 pyproject.toml --group dev -o requirements/dev.lock

clean:
	rm -rf $(VENV)
