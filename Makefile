# The commands of the course; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
QUIETLY := CHECKER_LANGUAGE=en TF_CPP_MIN_LOG_LEVEL=3 TF_NUM_INTRAOP_THREADS=1
PYTEST := $(QUIETLY) $(BIN)/python -m pytest
ARGS ?=
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help lab test test-random lessons check fix messages release lesson-outputs html calibrate benchmark versions wheel clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: $(VENV)/learner ## open the course in JupyterLab; pass options on with ARGS="--no-browser"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab --ServerApp.root_dir=notebooks $(ARGS)

test: $(VENV)/tester ## run all tests, the notebooks too
	@$(PYTEST) -n $(WORKERS) --dist loadgroup --benchmark-disable $(ARGS)

test-random: $(VENV)/tester ## run all tests in random order; repeat one with ARGS="--randomly-seed=N"
	@$(PYTEST) -p randomly -n $(WORKERS) --dist loadgroup --benchmark-disable $(ARGS)

lessons: $(VENV)/tester ## run every notebook: lessons, released assignments, solutions
	@$(PYTEST) -n $(WORKERS) --dist loadgroup notebooks solutions

check: $(VENV)/maintainer ## lint, types, imports and spelling
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/codespell

fix: $(VENV)/maintainer ## let ruff mend what it can
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

messages: $(VENV)/maintainer ## take new messages into the Chinese catalogue, and compile it
	$(BIN)/pybabel -q extract -k N_ -k translate -F babel.cfg --no-location --sort-output -o $(VENV)/checker.pot checker
	$(BIN)/pybabel -q update -D checker -i $(VENV)/checker.pot -d checker/locale -l zh --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120
	$(BIN)/pybabel compile -D checker -d checker/locale --statistics

release: $(VENV)/learner ## make the released assignments in notebooks/ anew from solutions/
	$(BIN)/nbgrader generate_assignment spotify --no-db --force
	$(BIN)/nbgrader generate_assignment challenge --no-db --force
	$(BIN)/nbgrader generate_assignment clinic --no-db --force

lesson-outputs: $(VENV)/learner ## run the lessons and keep their outputs
	CHECKER_LANGUAGE=en TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python tests/support/lesson_outputs.py notebooks/0*.ipynb

html: $(VENV)/learner ## write the lessons as HTML pages into build/html; nbconvert's colours are made readable
	$(BIN)/jupyter nbconvert --to html --template accessible --output-dir build/html \
		--TemplateExporter.extra_template_basedirs=docs/nbconvert notebooks/0*.ipynb

calibrate: $(VENV)/learner ## train references and mistakes over many seeds, measure the thresholds
	$(BIN)/python -m checker calibrate spotify $(ARGS)
	$(BIN)/python -m checker calibrate clinic $(ARGS)

benchmark: $(VENV)/tester ## print speeds: reading, judging, showing, grading a class
	$(PYTEST) --benchmark-only -rN $(ARGS) tests
	$(BIN)/python tests/benchmarks/benchmark_class.py --students 200

versions: ## run the tests on the oldest and the newest versions that requirements.txt allows
	$(QUIETLY) $(PYTHON) tests/support/versions.py oldest -n $(WORKERS)
	$(QUIETLY) $(PYTHON) tests/support/versions.py newest -n $(WORKERS)

wheel: $(VENV)/maintainer ## build the package into dist/
	$(BIN)/python -m build --wheel

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Each stamp stands for one set of packages and is made anew only when what it is made from changes.
SOURCES := requirements.txt constraints.txt pyproject.toml

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "The course needs Python 3.11, 3.12 or 3.13; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "[1/3] Creating the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/learner: $(VENV)/python $(SOURCES)
	@echo "[2/3] Installing the course's packages (about 2 GB, a few minutes, only once)"
	@$(PIP) install --quiet -r requirements.txt -c constraints.txt
	@echo "[3/3] Installing the checker"
	@$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/tester: $(VENV)/learner
	@echo "[+] Installing what the tests need"
	@$(PIP) install --quiet --editable ".[test]" -c constraints.txt
	@touch $@

$(VENV)/maintainer: $(VENV)/tester
	@echo "[+] Installing what maintainers need"
	@$(PIP) install --quiet --editable ".[maintain]" -c constraints.txt
	@touch $@
