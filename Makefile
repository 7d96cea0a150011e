# Two commands do everything on a fresh machine with Python 3.11+ and make: `make run` and `make test`.
# `uv` is taken from PATH, else installed into .tools/ from PyPI.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export UV_PROJECT_ENVIRONMENT := .venv
# Images set it to stay small; here each of the many processes that the tests start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
MEMBERS := $(sort $(wildcard plugins/*/pyproject.toml))
STAMP := .venv/.setup-stamp
FRONTEND := $(shell find medianest_core/web/portal/frontend medianest_core/web/portal/templates plugins/*/*/templates examples/*/*/templates -type f -not -path '*/node_modules/*' 2>/dev/null)
ASSETS := medianest_core/web/portal/static/dist/manifest.json
ARGS ?=
BUDGET ?= 600

.PHONY: help setup run demo test test-full check fix bench lock assets services screenshots reference dist image-check downstream soak clean
help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /'

.tools/bin/uv:
	@$(PYTHON) -m venv .tools
	@.tools/bin/pip install -q --disable-pip-version-check uv 2> >(grep -v '^WARNING' >&2)

setup: $(STAMP) $(ASSETS)  ## prepare .venv and the browser assets; does nothing when nothing changed
	@:

$(STAMP): requirements.lock pyproject.toml hatch_build.py $(MEMBERS) | $(if $(filter .tools/%,$(UV)),.tools/bin/uv)
	@test -x .venv/bin/python || $(UV) venv -q --python $(PYTHON) .venv
	@$(UV) pip sync -q --python .venv/bin/python --require-hashes requirements.lock
	@$(UV) pip install -q --python .venv/bin/python --no-deps --no-build-isolation $(foreach p,. $(dir $(MEMBERS)),-e $(p))
	@touch $@

$(ASSETS): $(FRONTEND) hatch_build.py | $(STAMP)
	@.venv/bin/python hatch_build.py
	@touch $@

assets: $(ASSETS)

run: setup  ## serve the portal on http://127.0.0.1:8484
	@.venv/bin/medianest serve $(ARGS)

demo: setup  ## the same, with simulated services and a library to look at
	@.venv/bin/medianest demo $(ARGS)

services: setup
	@.venv/bin/python tests/services.py

# The browser's tests come by themselves: two browsers and the portals they drive keep both cores busy.
test: services  ## the suite: at most ten minutes
	@.venv/bin/python -m pytest -q -m "not full" -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/e2e $(ARGS)
	@.venv/bin/python -m pytest -q -m "not full" -n 2 --dist loadfile --no-loadscope-reorder tests/e2e $(ARGS)

test-full: services  ## everything but the soak
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder --ignore=tests/e2e $(ARGS)
	@.venv/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/e2e $(ARGS)

soak: services  ## begin a plugin of every kind, try the laws on new examples, kill syncs, then the portal under load for BUDGET seconds, and look for losses
	@EVERY_KIND=1 .venv/bin/python -m pytest -q tests/integration/wheels/test_wheels.py -k begun
	@.venv/bin/python -m pytest -q -n 2 --hypothesis-profile explore -m hypothesis --ignore=tests/e2e
	@.venv/bin/python -m tests.integration.crash.sync_strikes --budget $$(($(BUDGET) / 6))
	@.venv/bin/python -m tests.integration.crash.siege --budget $(BUDGET) $(ARGS)

check: setup  ## format, lint, types and import floors
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

fix: setup
	@.venv/bin/ruff format -q .
	@.venv/bin/ruff check -q --fix .

bench: setup  ## speed and size, as ratios in one run
	@.venv/bin/python -m benchmarks.run $(ARGS)

screenshots: services  ## docs/screenshots from the demo
	@.venv/bin/python docs/make_screenshots.py $(ARGS)

dist: $(if $(filter .tools/%,$(UV)),.tools/bin/uv)  ## dist/: wheels of the core and the plugins, and what installs them
	@UV="$(UV)" PYTHON="$(PYTHON)" sh deploy/build.sh dist

# Not part of the suite: it needs an engine, and a registry or the base image on this machine.
image-check: setup  ## build the container image with Docker or Podman and try it; ARGS go to the engine's build
	@.venv/bin/python -m tests.integration.deploy.image_check $(ARGS)

downstream: setup  ## each plugin and example from its wheel in an environment of its own; ARGS=NAME for one
	@.venv/bin/python -m tests.downstream $(ARGS)

reference: setup  ## docs/reference from the code
	@.venv/bin/python docs/make_reference.py
	@.venv/bin/python -m docs.make_guides

lock: $(if $(filter .tools/%,$(UV)),.tools/bin/uv)  ## renew requirements.lock
	@$(UV) pip compile -q --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
		--group pyproject.toml:dev pyproject.toml $(MEMBERS) --no-emit-package medianest -o requirements.lock
	@rm -f uv.lock

clean:
	@rm -rf .venv .tools medianest_core/web/portal/static/dist medianest_core/web/portal/frontend/node_modules
