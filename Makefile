# `make run` is all that a new machine with Python 3.11 or later needs; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
install = $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r
# One lock for every system and every Python from 3.11 on. What it pins already stays, unless LOCK says otherwise.
pin = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(LOCK)
# requirements.txt comes first: the others keep to what it pins.
LOCKS := requirements $(filter-out requirements,$(basename $(wildcard requirements*.in)))

.DEFAULT_GOAL := help
.PHONY: help run test bench compile lint format lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 14

run: compile ## Set up what is missing and serve on http://127.0.0.1:8000 (HOST, PORT)
	@$(BIN)/flask --app wsgi db upgrade
	@$(BIN)/flask --app wsgi user check
	@exec $(BIN)/gunicorn

test: $(VENV)/.dev compile ## Run all tests (TESTS: only these; TEST_DATABASE_URL: on another database)
	@$(BIN)/pytest $(TESTS)

bench: $(VENV)/.dev compile ## Measure what users feel, beside a naive peer (BENCH: parts, or --quick to see that all still runs)
	@$(BIN)/python -m bench $(BENCH)

compile: $(VENV)/.run ## Turn the trained networks into the graphs that serve; those that are up to date stay
	@$(BIN)/python -m models.training.compile

lint: $(VENV)/.dev ## Check the style, who imports whom, and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/mypy

format: $(VENV)/.dev ## Mend the style
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(VENV)/.dev ## Pin what requirements*.in ask for, with hashes (LOCK=--upgrade renews all, LOCK='-P numpy' one package)
	@set -e; for name in $(LOCKS); do $(pin) $$name.in --output-file $$name.txt; done

clean: ## Remove what `make` made; data in instance/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache
	rm -f models/weights/*/*/graph.tflite models/weights/*/*/graph.json

# Empty files inside the environment say what has been done; a newer source does it again.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Lumen needs Python 3.11 or later; name one: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.created
	$(install) requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(install) requirements-dev.txt
	@touch $@
