# make lab    opens the course in JupyterLab, on a copy that is yours to change
# make test   runs every test
# Both make their own environment in .venv first (make env): seconds with uv, nothing when current.
# The tests also use an AWS CLI in an environment of its own, and packages from npm (make clients).

COURSE ?= iam-course
VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; name another with `make lab PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV_COMPILE = $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
	--python-version 3.11

AWS_CLI := build/aws-cli
NPM_TESTS := browser clients

.PHONY: env clients lab test lint bench constraints clean

env: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=/its/path."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[test]'
	@touch $@

lab: env
	$(BIN)/python -m iamlab open "$(COURSE)" $(ARGS)

test: env clients
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

clients: env $(AWS_CLI)/.ready $(NPM_TESTS:%=tests/%/node_modules/.ready)

$(AWS_CLI)/.ready: $(VENV)/.ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(AWS_CLI)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(AWS_CLI) -c constraints.txt awscli
	@touch $@

# Without npm its tests are left out; CI fails instead (conftest.py).
tests/%/node_modules/.ready: tests/%/package.json
	@if ! command -v npm > /dev/null; then \
		echo "No npm on this computer: the tests that need tests/$*/package.json are left out."; \
	elif npm install --prefix tests/$* --no-audit --no-fund --no-package-lock --loglevel=error \
		< /dev/null; then touch $@; \
	else echo "npm could not install tests/$*/package.json: its tests are left out."; fi

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
	rm -rf $(VENV) $(NPM_TESTS:%=tests/%/node_modules) build dist .pytest_cache .ruff_cache .hypothesis
