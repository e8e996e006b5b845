# wxbus: `make` alone lists what can be made.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := shared services/ingress services/worker services/token services/sandbox deploy/local
SOURCES := $(addsuffix /src,$(DISTRIBUTIONS))
LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --no-emit-package wxbus

.DEFAULT_GOAL := help
.PHONY: help venv check format test unit lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.installed ## the virtual environment with everything a checkout needs

$(VENV)/.installed: locks/dev.txt $(addsuffix /pyproject.toml,$(DISTRIBUTIONS))
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "wxbus needs Python 3.11 to 3.13; $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	@echo "installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps $(addprefix -e ./,$(DISTRIBUTIONS))
	@touch $@

check: venv ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## rewrite the code to the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: venv ## pin the newest allowed versions again, with hashes
	$(BIN)/$(LOCK) --upgrade locks/dev.in $(addsuffix /pyproject.toml,$(DISTRIBUTIONS)) -o locks/dev.txt
	$(BIN)/$(LOCK) -c locks/dev.txt locks/build.in -o locks/build.txt
	for service in ingress worker token sandbox; do \
	  $(BIN)/$(LOCK) -c locks/dev.txt shared/pyproject.toml services/$$service/pyproject.toml -o locks/$$service.txt || exit 1; \
	done
