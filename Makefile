# Every verb of the project, one `python -m` call each; `make help` lists them.
# A verb prepares .venv by itself the first time, and again when pyproject.toml or what it pins changes.

.DEFAULT_GOAL := help
, := ,
NEW    := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c '$(NEW)' 2>/dev/null && echo $$p && break; done)
PY     := .venv/bin/python
LOCKS  := requirements
STAMP  := .venv/.ready-$(shell cat pyproject.toml $(LOCKS)/*.txt | cksum | cut -d' ' -f1)
PIP    := -m pip install --disable-pip-version-check --quiet $(PIP_ARGS)
# Nothing is installed but the very files whose hashes stand in requirements/.
PINNED := --no-deps --require-hashes --requirement

CONFIG ?= nano
BOARD  ?= kv260
DEVICE ?= golden
SPLIT  ?= dev
MODEL  ?= quantized
PROMPT ?= mask
FAMILY ?= xcup
INPUTS ?= 100000
# Training is about twice as fast where large blocks stay with the process: docs/decisions.md.
JELIB := $(firstword $(wildcard /usr/lib/*/libjemalloc.so.2))
JEMALLOC := $(if $(JELIB),LD_PRELOAD=$(JELIB) MALLOC_CONF=dirty_decay_ms:20000$(,)muzzy_decay_ms:20000$(,)oversize_threshold:0)
PYTEST := $(PY) -m pytest -n logical --maxprocesses 8

.PHONY: help setup lock audit tools test test-all fuzz test-board test-faults load load-serve check docs lint csim sim synth timing kernels formal demo quantize publish concepts export bundle hardware bitstream finn card evaluate evaluate-concepts bench clean

help: ## list the verbs
	@echo "make <verb> [NAME=value ...]"
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## prepare .venv and nothing else (PYTHON=, PIP_ARGS=)

$(STAMP):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: install one (Debian 12: sudo apt install python3 python3-venv) or name it with PYTHON="; exit 2; }
	@$(PYTHON) -c '$(NEW)' || { echo "$(PYTHON) is too old or does not run: 3.11 or newer is needed, name another one with PYTHON="; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments (Debian: sudo apt install python3-venv)"; exit 2; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { echo "Preparing .venv: some minutes the first time"; $(PYTHON) -m venv .venv; }
	@$(PY) $(PIP) $(PINNED) $(LOCKS)/cpu.txt 2>/dev/null || { echo "No PyTorch for CPUs alone is offered here: taking the one for GPUs"; $(PY) $(PIP) $(PINNED) $(LOCKS)/gpu.txt; }
	$(PY) $(PIP) $(PINNED) $(LOCKS)/setup.txt
	$(PY) $(PIP) --no-deps --no-build-isolation --editable .
	@rm -f .venv/.ready-*; touch $@

SUPPLY := build/supply/bin/python
$(SUPPLY): $(LOCKS)/supply.txt
	@$(PYTHON) -m venv build/supply
	@$(SUPPLY) $(PIP) $(PINNED) $(LOCKS)/supply.txt
	@touch $@

lock: $(SUPPLY) ## resolve pyproject.toml anew and pin every file by its hash (requirements/)
	$(SUPPLY) $(LOCKS)/lock.py

audit: $(SUPPLY) ## look for known vulnerabilities in what setup installs (asks a public database)
	$(SUPPLY) -m pip_audit --disable-pip --require-hashes $(foreach part,setup gpu supply,--requirement $(LOCKS)/$(part).txt) $(ARGS)

tools: $(STAMP)
	@$(PY) -m sim.toolchain --install

test: tools ## run the quick tests
	$(PYTEST) -m "not slow" $(ARGS)

test-all: tools ## run every test
	$(PYTEST) $(ARGS)

fuzz: $(STAMP) ## broken files and requests, random calls: none may crash, hang or write outside (INPUTS=100000)
	$(PY) -m tests.fuzz --inputs $(INPUTS) $(ARGS)

test-board: tools ## real pynq on simulated boards, in a Python 3.10 of its own (ARGS=--host: the host's tests too)
	$(PY) -m tests.board $(ARGS)

load-serve: $(STAMP) ## the live page's server for half an hour, watched: memory stays flat (MINUTES=)
	$(PY) -m tests.serve_load $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

check: $(STAMP) ## check style and types of everything (ruff, mypy, verible), and that HLS sources can be synthesised
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m sim.lint --style
	$(PY) -m sim.csim.synthesis

lint: check tools ## and every kernel alone (Verilator, verible, Yosys)
	$(PY) -m sim.lint

csim: tools ## prove HLS by g++: kernels (K="mvau swg", all without), or a model's graphs (CONFIG=tiny BOARD= FRAMES=)
	$(PY) -m tests.hls.csim $(if $(filter command,$(word 1,$(origin CONFIG))),--config $(CONFIG) --board $(BOARD) $(if $(FRAMES),--frames $(FRAMES)),$(K)) $(ARGS)

sim: tools ## prove one kernel against its golden model (K=mvu, ARGS=-v)
	$(PYTEST) "tests/kernels/test_$(K).py" $(ARGS)

synth: tools ## one kernel through Yosys, beside the cost model (K=mvu PARAMS="MW=24 MH=144" FAMILY=xcup)
	$(PY) -m hw.synth $(K) $(PARAMS) --family $(FAMILY) $(ARGS)

timing: tools ## which clock a bundle's hardware supports, its worst paths; exit code 3 below the board's (CONFIG= BOARD= BUNDLE= GRAPH=)
	$(PY) -m hw.build.timing --config $(CONFIG) --board $(BOARD) $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(GRAPH),--graph $(GRAPH)) $(ARGS)

test-faults: tools ## plant faults in simulated systems and boards, and tell what became of each (FAULTS=1000)
	$(PY) -m tests.faults $(if $(FAULTS),--faults $(FAULTS)) $(ARGS)

load: $(STAMP) ## one session of 100,000 frames: memory and frame time stay flat (FRAMES=)
	$(PY) -m tests.load $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

kernels: tools ## simulate and synthesise every kernel's parameter sets into docs/kernels.md
	$(PY) -m tests.kernels.datasheet $(K) $(ARGS)

formal: tools ## prove the plumbing for all inputs (K=skid for one)
	$(PY) -m hw.formal.prove $(K) $(ARGS)

demo: $(if $(filter rtl,$(DEVICE)),tools,$(STAMP)) ## track through a clip and show frame times (DEVICE=golden|rtl|csim|pynq VIDEO= BOX=x0,y0,x1,y1 TEXT=fish FRAMES= CONFIG= BUNDLE=)
	$(if $(BUNDLE),,$(if $(filter rtl,$(DEVICE)),$(PY) -m hw.build.hardware --config $(CONFIG) --board $(BOARD) --any))
	$(PY) -m host demo --config $(CONFIG) --device $(DEVICE) $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(VIDEO),--video "$(VIDEO)") $(if $(BOX),--box $(BOX)) $(if $(TEXT),--text "$(TEXT)") $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

quantize: $(STAMP) ## train float, then W4A4 (CONFIG= DATA= START= FROM=stage PRETRAINED= EPOCHS= MINUTES= RUN= RESUME=0)
	$(JEMALLOC) $(PY) -m quant.training.train --config $(CONFIG) --data "$(DATA)" $(if $(START),--start "$(START)") $(if $(FROM),--from $(FROM)) $(if $(PRETRAINED),--pretrained "$(PRETRAINED)") $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RUN),--run "$(RUN)") $(if $(filter 0 no,$(RESUME)),--no-resume) $(ARGS)

publish: $(STAMP) ## ship a finished run's checkpoints, settled (CONFIG= RUN=)
	$(PY) -m quant.training.publish --config $(CONFIG) $(if $(RUN),--run "$(RUN)") $(ARGS)

concepts: $(STAMP) ## train the concept detector on a quantized tracker (CONFIG= DATA= START= EPOCHS= MINUTES= RUN= RESUME=0)
	$(JEMALLOC) $(PY) -m quant.concepts.train --config $(CONFIG) --data "$(DATA)" $(if $(START),--start "$(START)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(RUN),--run "$(RUN)") $(if $(filter 0 no,$(RESUME)),--no-resume) $(ARGS)

export: $(STAMP) ## write the QONNX graphs and their test vectors (CONFIG= DETECTOR=0)
	$(PY) -m quant.export --config $(CONFIG) $(if $(filter 0 no,$(DETECTOR)),--no-detector) $(ARGS)

bundle: export ## lower the graphs to an integer bundle (CONFIG= DETECTOR=0)
	$(PY) -m hw.lower --config $(CONFIG) $(ARGS)

finn: export ## the same graphs in FINN's layers, and FINN's own build of them (CONFIG= BOARD=)
	$(PY) -m hw.lower.finn --export build/export/$(CONFIG) --only hardware
	$(PY) -m hw.lower.finn.build --export build/export/$(CONFIG) --board $(BOARD) $(ARGS)

hardware: tools ## fold, stitch, lint, simulate and report a bundle's hardware (CONFIG= BOARD= FPS= FPS_FOUR= EVERY=8 DETECTOR=0 FOLD=file.toml SEARCH=1)
	$(PY) -m hw.build.hardware --config $(CONFIG) --board $(BOARD) $(if $(FPS),--fps $(FPS)) $(if $(FPS_FOUR),--fps-four $(FPS_FOUR)) $(if $(EVERY),--every $(EVERY)) $(if $(FOLD),--fold "$(FOLD)") $(if $(SEARCH),--search) $(if $(filter 0 no,$(DETECTOR)),--no-detector) $(ARGS)
	$(PY) -m sim.lint --config $(CONFIG) --board $(BOARD)
	$(PY) -m host verify --config $(CONFIG) --board $(BOARD)
	$(PY) -m hw.build.timing --config $(CONFIG) --board $(BOARD) || test $$? -eq 3
	$(PY) -m hw.build.report --config $(CONFIG) --board $(BOARD) $(if $(FPS),--fps $(FPS)) $(if $(FPS_FOUR),--fps-four $(FPS_FOUR)) $(if $(EVERY),--every $(EVERY))

bitstream: $(if $(filter finn,$(BACKEND)),finn,hardware) ## go on with Vivado, where there is one (CONFIG= BOARD= BACKEND=rtl|hls|finn; hls: with Vitis HLS first)
	$(if $(filter finn,$(BACKEND)),@echo "FINN's build folders are under build/finn: they want Vitis HLS$(,) see the README there",$(PY) -m hw.build.bitstream --config $(CONFIG) --board $(BOARD) $(if $(BACKEND),--backend $(BACKEND)))

card: $(STAMP) ## score the shipped checkpoints and write their model card (CONFIG= DATA= RUN=folder with curve.csv)
	$(PY) -m quant.scoring.card --config $(CONFIG) --data "$(DATA)" $(if $(RUN),--run "$(RUN)") $(ARGS)

evaluate: $(STAMP) ## J, F, J&F of a model by size and event (DATA= SPLIT= MODEL=float|quantized|golden PROMPT=mask|box|click1|click3|click5|all OBJECTS=exclusive|overlapping)
	$(PY) -m quant.scoring.evaluate --config $(CONFIG) $(if $(DATA),--data "$(DATA)") --split $(SPLIT) --model $(MODEL) --prompt $(PROMPT) $(if $(OBJECTS),--objects $(OBJECTS)) $(ARGS)

evaluate-concepts: $(STAMP) ## pmF1, IL_MCC and cgF1 on held-out images (DATA= MODEL=float|quantized|golden)
	$(PY) -m quant.concepts.evaluate --config $(CONFIG) --data "$(DATA)" --model $(if $(filter command line,$(origin MODEL)),$(MODEL),golden) $(ARGS)

bench: $(STAMP) ## time the golden device beside the float model (CONFIG=)
	$(PY) -m quant.scoring.bench --config $(CONFIG) $(ARGS)

docs: $(STAMP) ## build the documentation site into build/site, warnings as errors
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

clean: ## remove what the verbs wrote, .venv and trained runs excepted
	rm -rf build .pytest_cache .mypy_cache .ruff_cache samfabric.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
