# Two commands: `make demo` shows Scanside at work, `make test` checks everything.
# A fresh Debian 12 needs python3.11, python3.11-venv, make and the network; each target prepares .venv itself.
#   ARGS="..."  is handed to what runs:  make demo ARGS=--once    make test ARGS="-k door"    make run ARGS=--help

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3.11
ARGS ?=
JOBS ?= 2
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
SCANSIDE := $(VENV)/bin/scanside

# ONNX Runtime for GPUs is a CUDA 13 build: it needs driver 580 or later.
DRIVER := $(shell nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | grep -oE '^[0-9]+' | head -n1)
EXTRA ?= $(shell [ "0$(DRIVER)" -ge 580 ] && echo gpu || echo cpu)

RUNS := $(VENV)/.ready-$(EXTRA)
CHECKS := $(RUNS)-dev
TRAINS := $(CHECKS)-train

# No question to a registry whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo run test lint types bench train evaluate check venv venv-dev venv-train lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 14

demo: $(RUNS) ## a planted series goes the whole way: scanner, score, report (ARGS=--once ends after it)
	@$(SCANSIDE) demo $(ARGS)

run: $(RUNS) ## the service on this machine
	@$(SCANSIDE) serve $(ARGS)

check: $(RUNS) ## what would keep the service from working here
	@$(SCANSIDE) check $(ARGS)

test: lint types ## format, lint, types, imports, tests
	$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(CHECKS)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports

# models/ is typed against torch, which only `make train` brings.
MODELS_TYPED = $$([ -e $(TRAINS) ] && echo "-p models")
types: $(CHECKS)
	$(VENV)/bin/mypy -p service -p dicom_scp -p inference $(MODELS_TYPED)
	$(VENV)/bin/pyright

bench: $(CHECKS) ## every benchmark beside its peer (ONLY=receive for one)
	@failed=0; for file in benchmarks/bench_$(or $(ONLY),*).py; do \
	    $(PY) -m benchmarks.$$(basename $$file .py) $(ARGS) || failed=1; done; exit $$failed

train: $(TRAINS) ## make a model (needs SCANSIDE_DATA for real anatomy)
	$(PY) -m models.train $(ARGS)

evaluate: $(TRAINS) ## measure a released model on held-out subjects
	$(PY) -m models.evaluate $(ARGS)

venv: $(RUNS)
venv-dev: $(CHECKS)
venv-train: $(TRAINS)

$(RUNS): pyproject.toml deploy/lock/$(EXTRA).txt
	@echo "scanside: preparing $(VENV) with ONNX Runtime for $(EXTRA)$(if $(DRIVER), (NVIDIA driver $(DRIVER)), (no NVIDIA driver))" >&2
	@command -v $(PYTHON) >/dev/null || { echo "scanside: $(PYTHON) is missing: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	@if ls $(VENV)/.ready-* 2>/dev/null | grep -qv 'ready-$(EXTRA)'; then rm -rf $(VENV); fi  # cpu and gpu share a name
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r deploy/lock/$(EXTRA).txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(CHECKS): $(RUNS) deploy/lock/dev.txt
	@echo "scanside: adding what checks it" >&2
	@$(PIP) --require-hashes -r deploy/lock/dev.txt
	@touch $@

$(TRAINS): $(CHECKS)
	@echo "scanside: adding what makes models (torch)" >&2
	@$(PIP) --no-build-isolation -e ".[train]"
	@touch $@

# dev.txt holds no ONNX Runtime: it is laid over cpu.txt or gpu.txt and agrees with both.
LOCK = .venv-lock/bin/uv pip compile --quiet --no-config --no-header --generate-hashes --upgrade \
       --python-version 3.11 --python-platform x86_64-manylinux_2_28 pyproject.toml deploy/lock/build.in

lock: ## take the newest versions that pyproject.toml allows
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv; }
	$(LOCK) --extra cpu -o deploy/lock/cpu.txt
	$(LOCK) --extra dev -c deploy/lock/cpu.txt -o deploy/lock/dev.txt
	$(LOCK) --extra gpu -c deploy/lock/dev.txt -o deploy/lock/gpu.txt

clean: ## forget the environments and caches
	rm -rf .venv .venv-lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist build
