# wxbus: `make` alone lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := shared services/ingress services/worker services/token services/sandbox deploy/local
BOOTSTRAP := PYTHONPATH=deploy/local/src $(PYTHON) -m wxbus_local
LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
  --override locks/overrides.in \
  $(addprefix --no-emit-package ,wxbus wxbus-ingress wxbus-sandbox wxbus-token wxbus-worker)

.DEFAULT_GOAL := help
.PHONY: help run demo test test-full unit bench bench-full check format compose-demo lock venv clean python servers

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: servers venv ## everything on this machine, until Ctrl-C
	@$(BIN)/python -m wxbus_local run

demo: servers venv ## the same for the length of a conversation; fails if any of it goes wrong
	@$(BIN)/python -m wxbus_local demo

test: servers venv ## all tests, against a real RabbitMQ and Redis
	$(BIN)/pytest

test-full: servers venv ## the same with soak tests at full size, one test after the other
	WXBUS_TEST_FULL=1 $(BIN)/pytest

unit: venv ## the tests that need Python alone: a minute or more
	$(BIN)/pytest tests/unit -m 'not programs'

bench: venv ## how fast it is here: a table, and build/bench.json
	@$(BIN)/python -m tests.benchmarks

bench-full: venv ## the same, with a million users and 200,000 messages: half an hour
	@$(BIN)/python -m tests.benchmarks --full

check: venv ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## rewrite the code to the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compose-demo: venv ## the conversation of `make demo`, against docker compose
	@deploy/docker/compose-demo $(BIN)/python

lock: venv ## pin the newest allowed versions again, with hashes
	$(BIN)/$(LOCK) locks/dev.in $(addsuffix /pyproject.toml,$(filter-out shared,$(DISTRIBUTIONS))) -o locks/dev.txt
	$(BIN)/$(LOCK) -c locks/dev.txt locks/build.in -o locks/build.txt
	for service in ingress worker token sandbox; do \
	  $(BIN)/$(LOCK) -c locks/dev.txt services/$$service/pyproject.toml -o locks/$$service.txt || exit 1; \
	done

venv: $(VENV)/.installed ## the virtual environment with everything a checkout needs

$(VENV)/.installed: locks/dev.txt $(addsuffix /pyproject.toml,$(DISTRIBUTIONS)) | python
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BOOTSTRAP).install.dependencies $(VENV) locks/dev.txt $(DISTRIBUTIONS)
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "wxbus needs Python 3.11 to 3.13; $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'

servers: | python # before a minute of installation, not after it
	@$(BOOTSTRAP).install.server_programs

clean: ## remove the virtual environment, local data and what tools leave
	rm -rf $(VENV) .local build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
