# Two commands matter: `make test` and `make book`. Both set up .venv by themselves.
#
#   SCALE=smoke|laptop|paper   size of the studies (default laptop)
#   DATA=FILE_OR_FOLDER        real prices, handed to every notebook that takes `data_path`
#   JOBS=N                     notebooks executed at the same time (default 1)
#   WORKERS=N                  processes that run the tests (default 2; 0: in this one)
#   PYTHON=python3.12          interpreter to build .venv from (default: the first of 3.11 or 3.12 found)
#   TORCH_INDEX=URL            package index for torch alone, for a CUDA build (default: pip's own)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup book test lint notebook bench serve record lock clean distclean

SCALE ?= laptop
JOBS ?= 1
WORKERS ?= 2
PORT ?= 8000
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq

# idle worker threads sleep instead of spinning
export OMP_WAIT_POLICY ?= passive
export PYTHONUTF8 := 1

# processes a study may use: rows that share nothing run side by side
export LIB_JOBS ?= 2

# .venv is complete when this file exists; its name changes with the packages and with the folder
KERNELS := .cache/kernels/.compiled-$(shell cat lib/compiled.py lib/kernels/compiled/*.py requirements.lock | cksum | cut -d' ' -f1)
STAMP := .venv/.installed-$(shell { cat requirements.lock pyproject.toml; pwd; } | cksum | cut -d' ' -f1)
SUITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))

help:
	@echo "make book [SCALE=smoke|laptop|paper] [DATA=FILE_OR_FOLDER] [JOBS=N]   execute the notebooks, build the site"
	@echo "make test                                                   run the tests"
	@echo "make notebook NB=NAME P='-p seeds 4'                        execute one notebook into out/"
	@echo "make record STUDY=NAME [SCALE=paper]                        run a study and record its rows"
	@echo "make serve [PORT=8000]                                      show the site that was built last"
	@echo "make bench | lint | clean | distclean | lock"

$(STAMP):
	@python=""; for p in $(or $(PYTHON),python3 python3.12 python3.11); do \
	    if command -v "$$p" >/dev/null && "$$p" -c '$(SUITS)' 2>/dev/null; then python="$$p"; break; fi; done; \
	if [ -z "$$python" ]; then \
	    echo "make: no suitable interpreter ($(or $(PYTHON),python3 python3.12 python3.11)): need Python 3.11 or 3.12 with venv; set PYTHON=..." >&2; exit 1; fi; \
	began=$$(date +%s); echo "setup: installing the packages of requirements.lock into .venv (a few minutes)"; \
	rm -f .venv/.installed-*; "$$python" -m venv .venv; \
	$(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $$(grep '^torch==' requirements.lock); \
	$(PIP) install -r requirements.lock; \
	$(PIP) install --no-deps --no-build-isolation -e .; \
	touch $@; echo "setup: done ($$(( $$(date +%s) - began )) s)"

# the kernels of the factor engine are compiled once for this processor and kept
$(KERNELS): $(STAMP)
	@echo "setup: compiling the kernels of the factor engine, once (about half a minute)"; $(PY) -m lib compile
	@{ mkdir -p $(@D) && rm -f $(@D)/.compiled-* && touch $@; } 2>/dev/null || true

setup: $(KERNELS)

book: $(KERNELS)
	@$(PY) -m lib.book build --scale $(SCALE) --jobs $(JOBS) $(if $(DATA),--data "$(DATA)")

notebook: $(KERNELS)
	@$(if $(NB),$(PY) -m lib.book run $(NB) $(P),echo "make notebook: say which, NB=NAME; there are:" $(basename $(notdir $(wildcard notebooks/*.ipynb))) >&2; exit 1)

test: $(KERNELS)
	@echo "test: a character a test, the share done at the right; ARGS=tests/test_load.py runs a part, ARGS=-v names each"
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: $(STAMP)
	@$(PY) -m ruff check .
	@$(PY) -m mypy

bench: $(KERNELS)
	@$(PY) -m lib bench $(ARGS)

record: $(KERNELS)
	@$(if $(STUDY),$(PY) -m lib record $(STUDY) --scale $(SCALE) $(ARGS),echo "make record: say which, STUDY=NAME" >&2; exit 1)

serve: $(STAMP)
	@[ -f book/_build/html/index.html ] || { echo "make serve: nothing is built yet; make book (or make book SCALE=smoke) builds it" >&2; exit 1; }
	@echo "serving what was built last on http://127.0.0.1:$(PORT) (stop with Ctrl-C)"; $(PY) -m http.server --bind 127.0.0.1 -d book/_build/html $(PORT)

# the libraries that only a CUDA build of torch needs stay out of the lock
lock:
	@mkdir -p .cache/lock; python3 -m venv .cache/lock/venv; .cache/lock/venv/bin/python -m pip -qq install uv
	@.cache/lock/venv/bin/uv pip compile -q --no-config --universal --fork-strategy fewest --python-version 3.11 \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links requirements.in -o .cache/lock/everything
	@{ sed -n '/^#/p' requirements.lock; grep -vE '^(nvidia-|cuda-|triton==)' .cache/lock/everything; } > .cache/lock/new
	@mv .cache/lock/new requirements.lock; echo "lock: $$(grep -c == requirements.lock) packages"

clean:
	@rm -rf book/_build book/run out; echo "clean: removed the site and the executed notebooks (kept: .venv, cached study rows)"

distclean: clean
	@rm -rf .venv .cache *.egg-info; echo "distclean: removed .venv and the cached study rows"
