# make lab    opens the course in JupyterLab, on a copy that is yours to change
# make test   runs every test
# Both make their own environment in .venv first (make env): seconds with uv, nothing when current.

COURSE ?= iam-course
VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; name another with `make lab PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV_COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
	--python-version 3.11

.PHONY: env lab test lint bench constraints clean

env: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=/its/path."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[test]'
	@touch $@

lab: env
	$(BIN)/python -m iamlab open "$(COURSE)" $(ARGS)

test: env
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: env
	$(BIN)/python -m pytest -p no:xdist -s tests/benchmarks $(ARGS)

# After a change of the dependencies: the newest set that resolves, for every system and Python.
# Binder brings its own Jupyter: its list is what the lab needs besides, at the same versions.
constraints:
	$(UV_COMPILE) --upgrade --universal --fork-strategy fewest --all-extras pyproject.toml \
		-o constraints.txt > /dev/null
	@mkdir -p build
	printf 'jupyterlab\nipykernel\nipywidgets\n' \
		| $(UV_COMPILE) --python-platform linux -c constraints.txt - > build/jupyter.txt
	$(UV_COMPILE) --python-platform linux -c constraints.txt pyproject.toml \
		| grep -vxF -f build/jupyter.txt > binder/requirements.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
