# make repro: install and run the whole chain; make test: install and check everything.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
# a busy-waiting thread costs its neighbour half the machine: see docs/decisions.md
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: install repro test test-portable test-faults check format lock clean

install: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

repro: install
	$(RUN) dvc repro

test: install check
	$(RUN) OMP_NUM_THREADS=1 python -m pytest -n auto --dist loadfile \
		--cov=palimpsest --cov=stages --cov-report=term:skip-covered

# The golden chain on other processors, emulated: qemu-user must be installed (2 to 6 minutes each).
PROCESSORS := Haswell Skylake-Server EPYC-Rome EPYC-Milan
test-portable: install
	set -e; for processor in $(PROCESSORS); do echo "$$processor:"; \
		qemu-x86_64 -cpu $$processor $(BIN)/python -m tests.golden.run \
		--against tests/golden/hashes.json 2>/dev/null; done

# Kills and repairs, an hour; the figures stand in docs/reliability.md.
test-faults: install
	$(RUN) python -m tests.faults.kills

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(RUN) lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The versions of a fresh environment that holds pyproject.toml's packages and nothing else.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet torch==2.13.0
	$(VENV)-lock/bin/python -m pip install --quiet -e '.[test]' hatchling editables
	$(VENV)-lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
