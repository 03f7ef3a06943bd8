# The whole life of a checkout. Needs Python >= 3.11 and PyPI, nothing else (tests also take Debian's Chromium
# and PostgreSQL, which `make test-parts` installs where it may).
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)

.PHONY: setup demo test test-parts lint types contracts web benchmarks clean

# Compiled here, as the tests start hundreds of processes and not every machine lets Python keep what it compiles.
setup: .venv/.synced

.venv/.synced: pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --quiet --locked --inexact --compile-bytecode --extra server --extra debugger --extra notebook
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: setup
	$(BIN)/epochwatch run --name digits-demo \
	  -m 'train:accuracy=train_accuracy=([0-9.]+)' \
	  -m 'validation:accuracy=validation_accuracy=([0-9.]+)' \
	  -m 'train:loss=train_loss=([0-9.]+)' \
	  -m 'validation:loss=validation_loss=([0-9.]+)' \
	  -- $(BIN)/python examples/digits.py

test: setup test-parts
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Parts of the tests that are no Python packages: a browser and a PostgreSQL server.
test-parts: setup
	@scripts/test-parts

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

# The console's bundle is committed, so that an install needs no Node; this rebuilds it.
web:
	cd web && npm ci --no-audit --no-fund && npm run check && npm test && npm run build

benchmarks: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .venvs web/node_modules .mypy_cache .ruff_cache .pytest_cache
