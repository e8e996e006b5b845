# wxbus: `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINIPROGRAM ?= build/miniprogram
DISTRIBUTIONS := shared services/ingress services/worker services/token services/gateway services/sandbox deploy/local
BOOTSTRAP := PYTHONPATH=deploy/local/src $(PYTHON) -m wxbus_local
LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade \
  --override locks/overrides.in \
  $(addprefix --no-emit-package ,wxbus wxbus-gateway wxbus-ingress wxbus-sandbox wxbus-token wxbus-worker)

.DEFAULT_GOAL := help
.PHONY: help run demo test test-full unit bench bench-full check format compose-demo miniprogram lock reference venv clean python servers

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: servers venv ## run everything on this machine, until Ctrl-C
	@$(BIN)/python -m wxbus_local run

demo: servers venv ## run everything, play a conversation and stop; fails if the conversation fails
	@$(BIN)/python -m wxbus_local demo

# Where the variable is set, each process of the tests and each started service would compile all modules again.
test test-full unit: export PYTHONDONTWRITEBYTECODE :=

test: servers venv ## run all tests against a real RabbitMQ and Redis, six at a time
	$(BIN)/pytest --numprocesses 6 --dist loadfile --no-loadscope-reorder

test-full: servers venv ## run all tests with soak tests at full size, in one process
	TEST_FULL=1 $(BIN)/pytest --timeout 1800

unit: venv ## run the tests that need only Python: a minute or more
	$(BIN)/pytest tests/unit -m 'not programs'

bench: venv ## measure the performance: a table, and build/bench.json
	@$(BIN)/python -m tests.benchmarks

bench-full: venv ## the same with a million users and 200,000 messages: half an hour
	@$(BIN)/python -m tests.benchmarks --full

check: venv ## check lint, format, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

compose-demo: venv ## play the conversation of `make demo` with docker compose
	@deploy/docker/compose-demo $(BIN)/python

miniprogram: ## copy the sample Mini Program with its client to build/miniprogram, for WeChat's developer tools
	@mkdir -p $(MINIPROGRAM)/wxbus
	@cp -R deploy/miniprogram/. $(MINIPROGRAM)/
	@cp -R clients/miniprogram/. $(MINIPROGRAM)/wxbus/
	@echo "open $(MINIPROGRAM) in WeChat's developer tools"

lock: venv ## pin the newest allowed versions, with hashes
	$(BIN)/$(LOCK) locks/dev.in $(addsuffix /pyproject.toml,$(filter-out shared,$(DISTRIBUTIONS))) -o locks/dev.txt
	$(BIN)/$(LOCK) -c locks/dev.txt locks/build.in -o locks/build.txt
	for service in ingress worker token gateway sandbox; do \
	  $(BIN)/$(LOCK) -c locks/dev.txt services/$$service/pyproject.toml -o locks/$$service.txt || exit 1; \
	done

reference: venv ## write docs/reference/api.md and the table of messages and events from their declarations
	$(BIN)/python -m tests.support.models_table
	$(BIN)/python -m tests.support.api_reference

venv: $(VENV)/.installed ## create the virtual environment of a checkout

$(VENV)/.installed: locks/dev.txt $(addsuffix /pyproject.toml,$(DISTRIBUTIONS)) | python
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BOOTSTRAP).install.dependencies $(VENV) locks/dev.txt $(DISTRIBUTIONS)
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "wxbus needs Python 3.11 to 3.13; $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'

servers: | python # before the installation, which takes a minute
	@$(BOOTSTRAP).install.server_programs

clean: ## remove the virtual environment, local data and caches
	rm -rf $(VENV) .local build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
