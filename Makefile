# make run     the default comparison            make docs    the generated documentation
# make test    the tests, less the slow ones     make lock    the lock, from pyproject.toml
# make check   style, types and layers           make clean   remove the environment and the caches
# make parity  both engines on random scenarios, compared to the bit
# make guarantees   what the statistics claim, simulated: a few minutes; writes docs/guarantees.md
# make calibration  whether posteriors are right about known parameters: ten minutes; writes docs/calibration.md
# make validation   score the model against the record: some ten minutes; writes docs/validation/, then make docs
# make benchmarks   measure how fast, with checks: some ten minutes; writes docs/benchmarks.md
#
# The environment .venv is built when needed, with this machine's own Python (3.11 to 3.13).
# Another one: make test PYTHON=/path/to/python

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
UV    := uv==0.13.9

# The Python to build with, named by its real path: never the environment's own link to it.
SUPPORTED := import sys; v = sys.version_info; sys.exit(not (3, 11) <= v[:2] <= (3, 13))
find_python = python=; for p in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11); do \
	if "$$p" -c '$(SUPPORTED)' >/dev/null 2>&1; then \
		python=$$("$$p" -c 'import sys; print(sys._base_executable)'); break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "posture needs Python 3.11, 3.12 or 3.13$(if $(PYTHON),: $(PYTHON) is none of them,; none was found. Name one: make PYTHON=/path/to/python)" >&2; \
		exit 1; fi

# A stamp alone is not trusted: the environment must run, belong to this very folder, and be of the
# version of the Python that was asked for.
VERSION := import sys; print(*sys.version_info[:2])
sound = $(shell [ "$$(cat $(READY) 2>/dev/null)" = "$(CURDIR)" ] \
	&& venv=$$($(BIN)/python -c '$(VERSION)' 2>/dev/null) \
	&& [ -z "$(PYTHON)" -o "$$venv" = "$$("$(PYTHON)" -c '$(VERSION)' 2>/dev/null)" ] \
	&& echo yes)

.PHONY: run test check docs parity guarantees calibration validation benchmarks lock clean rebuild

run: $(READY)
	$(BIN)/posture compare

# Pages are tested in Chromium: Debian's, where there is none yet and this may install it.
test: $(READY)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| { echo "Installing Chromium, for the tests of pages"; export DEBIAN_FRONTEND=noninteractive; \
			(apt-get update && apt-get install -y chromium) >/dev/null 2>&1 </dev/null; } \
		|| echo "No Chromium here, and it cannot be installed: the tests in a browser are skipped" >&2
	$(BIN)/python -m pytest -n auto -m "not slow"

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/ty check
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -m experiments.document

parity: $(READY)
	$(BIN)/python -m tests.parity $(ARGS)

guarantees: $(READY)
	$(BIN)/python -m tests.guarantees $(ARGS)

calibration: $(READY)
	$(BIN)/python -m tests.calibrated $(ARGS)

validation: $(READY)
	$(BIN)/python -m experiments.validation

# What the engines are compared with is no part of the environment's lock, and stays in it until it is rebuilt.
benchmarks: $(READY)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r benchmarks/requirements.in
	$(BIN)/python -m benchmarks $(ARGS)

# Built from nothing each time, and the stamp comes last: what a failure leaves is never ready.
# uv where it can be had and reaches the packages, else plain pip; the hashes are checked by either. With
# byte code, as pip would make it: without, a command takes two seconds longer wherever Python may not write any.
$(READY): pyproject.toml requirements.lock $(if $(sound),,rebuild)
	@$(find_python); \
	set -e; \
	echo "Building $(VENV) with $$python"; \
	rm -rf $(VENV); \
	"$$python" -m venv $(VENV); \
	if $(BIN)/python -m pip install -q --disable-pip-version-check $(UV) 2>/dev/null \
		&& $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock; then :; \
	else \
		echo "uv did not do it: installing with pip (slower)"; \
		$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi; \
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .; \
	misfits=$$($(BIN)/python -m pip check) \
		|| { echo "$$misfits" >&2; echo "requirements.lock does not fit pyproject.toml: make lock" >&2; exit 1; }; \
	printf '%s\n' "$(CURDIR)" > $(READY)

rebuild:

# Keeps the versions that still fit; the newest ones: make lock LOCK=--upgrade
# In an environment of its own and without this machine's settings, so that nothing of it gets into the lock.
lock:
	@$(find_python); \
	set -e; \
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	"$$python" -m venv "$$work"; \
	"$$work/bin/python" -m pip install -qq --disable-pip-version-check $(UV); \
	env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL UV_CUSTOM_COMPILE_COMMAND="make lock" \
		"$$work/bin/uv" pip compile -q --no-config pyproject.toml -o requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --all-extras --group dev $(LOCK)

clean:
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find sim experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +
