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
# Names count in upper or lower case, switches off as 0, no, false or off.
lower = $(shell printf '%s' '$(1)' | tr '[:upper:]' '[:lower:]')
off   = $(filter 0 no false off,$(call lower,$(1)))
on    = $(if $(strip $(1)),$(if $(call off,$(1)),,1))
NAMED := $(foreach name,CONFIG MODEL,$(if $(filter command,$(word 1,$(origin $(name)))),$(name)))
override CONFIG  := $(call lower,$(CONFIG))
override DEVICE  := $(call lower,$(DEVICE))
override MODEL   := $(call lower,$(MODEL))
override PROMPT  := $(call lower,$(PROMPT))
override OBJECTS := $(call lower,$(OBJECTS))
override FAMILY  := $(call lower,$(FAMILY))
override BACKEND := $(call lower,$(BACKEND))
override GRAPH   := $(call lower,$(GRAPH))
override K       := $(call lower,$(K))
SAME = CONFIG=$(CONFIG)
BACK_END = $(if $(BACKEND),--backend $(BACKEND))
PROJECT_ONLY = $(if $(call on,$(PROJECT)),--project-only)
# Training is about twice as fast where large blocks stay with the process: docs/decisions.md.
JELIB := $(firstword $(wildcard /usr/lib/*/libjemalloc.so.2))
JEMALLOC := $(if $(JELIB),LD_PRELOAD=$(JELIB) MALLOC_CONF=dirty_decay_ms:20000$(,)muzzy_decay_ms:20000$(,)oversize_threshold:0)
PYTEST := $(PY) -m pytest -n logical --maxprocesses 8

.PHONY: help setup lock audit tools test test-all fuzz test-board test-faults load load-serve interleavings check docs lint csim sim synth timing kernels formal demo quantize publish concepts export bundle hardware bitstream finn card evaluate evaluate-concepts bench clean

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

csim: tools ## prove HLS by g++: kernels (K="mvau swg", all without), or a model's graphs (CONFIG=tiny BOARD= FRAMES=), RTL=1 beside the RTL
	$(if $(call on,$(RTL)),$(PY) -m tests.hls.beside_rtl --config $(CONFIG) --board $(BOARD) $(ARGS),$(PY) -m tests.hls.csim $(if $(filter CONFIG,$(NAMED)),--config $(CONFIG) --board $(BOARD) $(if $(FRAMES),--frames $(FRAMES)),$(K)) $(ARGS))

sim: tools ## prove kernels against their golden models (K="mvu swg", or all; without K they are listed; ARGS=-v)
	@files=$$($(PY) -m tests.kernels $(K)) && $(PYTEST) $$files $(ARGS)

synth: tools ## one kernel through Yosys, beside the cost model (K=mvu PARAMS="MW=24 MH=144" FAMILY=xcup)
	$(PY) -m hw.synth $(K) $(PARAMS) --family $(FAMILY) $(ARGS)

timing: tools ## which clock a bundle's hardware supports, its worst paths; exit code 3 below the board's (CONFIG= BOARD= BUNDLE= GRAPH=)
	$(PY) -m hw.build.timing --config $(CONFIG) --board $(BOARD) $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(GRAPH),--graph $(GRAPH)) $(ARGS)

test-faults: tools ## plant faults in simulated systems and boards, and tell what became of each (FAULTS=1000)
	$(PY) -m tests.faults $(if $(FAULTS),--faults $(FAULTS)) $(ARGS)

load: $(STAMP) ## one session of 100,000 frames: memory and frame time stay flat (FRAMES=)
	$(PY) -m tests.load $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

interleavings: tools ## tiny's whole system under random stalls and orders of jobs against golden, seed by seed (SEEDS=1:200 FRAMES=20)
	$(PY) -m tests.sim.interleavings $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

kernels: tools ## simulate and synthesise every kernel's parameter sets into docs/kernels.md
	$(PY) -m tests.kernels.datasheet $(K) $(ARGS)

formal: tools ## prove the plumbing for all inputs (K=skid for one)
	$(PY) -m hw.formal.prove $(K) $(ARGS)

demo: $(if $(filter rtl,$(DEVICE)),tools,$(STAMP)) ## track through a clip and show frame times (DEVICE=golden|rtl|csim|pynq VIDEO= BOX=x0,y0,x1,y1 TEXT=fish FRAMES= CONFIG= BUNDLE=)
	$(if $(BUNDLE),,$(if $(filter rtl,$(DEVICE)),$(PY) -m hw.build.hardware --config $(CONFIG) --board $(BOARD) --any))
	$(PY) -m host demo --config $(CONFIG) --device $(DEVICE) $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(VIDEO),--video "$(VIDEO)") $(if $(BOX),--box $(BOX)) $(if $(TEXT),--text "$(TEXT)") $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

quantize: $(STAMP) ## train float, then W4A4 (CONFIG= DATA= START= FROM=stage PRETRAINED= EPOCHS= MINUTES= RUN= RESUME=0)
	$(JEMALLOC) $(PY) -m quant.training.train --config $(CONFIG) --data "$(DATA)" $(if $(START),--start "$(START)") $(if $(FROM),--from $(call lower,$(FROM))) $(if $(PRETRAINED),--pretrained "$(PRETRAINED)") $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RUN),--run "$(RUN)") $(if $(call off,$(RESUME)),--no-resume) $(ARGS)
	@echo "next: make publish $(SAME)$(if $(RUN), RUN=$(RUN)) ships what the run found, where every stage is done"

publish: $(STAMP) ## ship a finished run's checkpoints, settled (CONFIG= RUN= AVERAGE=weights)
	$(PY) -m quant.training.publish --config $(CONFIG) $(if $(RUN),--run "$(RUN)") $(if $(AVERAGE),--average "$(AVERAGE)") $(ARGS)
	@echo "next: make bundle $(SAME) lowers what was shipped, make evaluate $(SAME) DATA=folder scores it"

concepts: $(STAMP) ## train the concept detector on a quantized tracker (CONFIG= DATA= START= EPOCHS= MINUTES= RUN= RESUME=0)
	$(JEMALLOC) $(PY) -m quant.concepts.train --config $(CONFIG) --data "$(DATA)" $(if $(START),--start "$(START)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(RUN),--run "$(RUN)") $(if $(call off,$(RESUME)),--no-resume) $(ARGS)
	@echo "next: make publish $(SAME)$(if $(RUN), RUN=$(RUN)) ships the detector beside its tracker, make bundle $(SAME) lowers both"

export: $(STAMP) ## write the QONNX graphs and their test vectors (CONFIG= DETECTOR=0)
	$(PY) -m quant.export --config $(CONFIG) $(if $(call off,$(DETECTOR)),--no-detector) $(ARGS)
	$(if $(filter export,$(MAKECMDGOALS)),@echo "next: make bundle $(SAME) lowers the graphs to a bundle that devices run")

bundle: export ## lower the graphs to an integer bundle (CONFIG= DETECTOR=0)
	$(PY) -m hw.lower --config $(CONFIG) $(ARGS)
	@echo "next: make demo $(SAME) runs the bundle, make hardware $(SAME) BOARD=$(BOARD) builds its hardware"

finn: export ## the same graphs in FINN's layers, and FINN's own build of them (CONFIG= BOARD=)
	$(PY) -m hw.lower.finn --export build/export/$(CONFIG) --only hardware
	$(PY) -m hw.lower.finn.build --export build/export/$(CONFIG) --board $(BOARD) $(ARGS)

hardware: tools ## fold, stitch, lint, simulate and report a bundle's hardware (CONFIG= BOARD= FPS= FPS_FOUR= FPS_EIGHT= FPS_LOOKING= EVERY=8 DETECTOR=0 FOLD=file.toml SEARCH=1 SYNTH=0)
	$(PY) -m hw.build.hardware --config $(CONFIG) --board $(BOARD) $(if $(FPS),--fps $(FPS)) $(if $(FPS_FOUR),--fps-four $(FPS_FOUR)) $(if $(FPS_EIGHT),--fps-eight $(FPS_EIGHT)) $(if $(FPS_LOOKING),--fps-looking $(FPS_LOOKING)) $(if $(EVERY),--every $(EVERY)) $(if $(FOLD),--fold "$(FOLD)") $(if $(call on,$(SEARCH)),--search) $(if $(call off,$(DETECTOR)),--no-detector) $(ARGS)
	$(PY) -m sim.lint --config $(CONFIG) --board $(BOARD)
	$(PY) -m host verify --config $(CONFIG) --board $(BOARD)
	$(if $(call off,$(SYNTH)),,$(PY) -m hw.build.timing --config $(CONFIG) --board $(BOARD) || test $$? -eq 3)
	$(PY) -m hw.build.report --config $(CONFIG) --board $(BOARD) $(if $(call off,$(SYNTH)),--no-synthesis) $(if $(FPS),--fps $(FPS)) $(if $(FPS_FOUR),--fps-four $(FPS_FOUR)) $(if $(FPS_EIGHT),--fps-eight $(FPS_EIGHT)) $(if $(FPS_LOOKING),--fps-looking $(FPS_LOOKING)) $(if $(EVERY),--every $(EVERY))
	$(if $(call off,$(NEXT)),,@echo "next: make demo DEVICE=rtl $(SAME) runs the hardware in simulation, make bitstream $(SAME) BOARD=$(BOARD) goes on with Vivado")

bitstream: $(if $(filter finn,$(BACKEND)),finn,$(STAMP)) ## go on with Vivado, where there is one (CONFIG= BOARD= PROJECT=1: write the project only; BACKEND=rtl|hls|finn; hls: with Vitis HLS first; and what hardware takes)
ifeq ($(BACKEND),finn)
	@echo "FINN's build folders are under build/finn: they want Vivado and Vitis HLS"
	@echo "next: follow the README.md in the build folder, where FINN and both are installed"
else
	$(PY) -m hw.build.bitstream --look $(strip $(BACK_END) $(PROJECT_ONLY))
	@$(MAKE) --no-print-directory hardware NEXT=0
	$(PY) -m hw.build.bitstream --config $(CONFIG) --board $(BOARD) $(BACK_END) $(PROJECT_ONLY)
	$(if $(PROJECT_ONLY),,@echo "next: copy the bundle to the board and run make demo DEVICE=pynq $(SAME) there (docs/board.md)")
endif

card: $(STAMP) ## score the shipped checkpoints and write their model card (CONFIG= DATA= RUN=folder with curve.csv)
	$(PY) -m quant.scoring.card --config $(CONFIG) --data "$(DATA)" $(if $(RUN),--run "$(RUN)") $(ARGS)

evaluate: $(STAMP) ## J, F, J&F of a model by size and event (DATA= SPLIT= MODEL=float|quantized|golden PROMPT=mask|box|click1|click3|click5|all OBJECTS=exclusive|overlapping)
	$(PY) -m quant.scoring.evaluate --config $(CONFIG) --data "$(DATA)" --split $(SPLIT) --model $(MODEL) --prompt $(PROMPT) $(if $(OBJECTS),--objects $(OBJECTS)) $(ARGS)

evaluate-concepts: $(STAMP) ## pmF1, IL_MCC and cgF1 on held-out images (DATA= MODEL=float|quantized|golden)
	$(PY) -m quant.concepts.evaluate --config $(CONFIG) --data "$(DATA)" --model $(if $(filter MODEL,$(NAMED)),$(MODEL),golden) $(ARGS)

bench: $(STAMP) ## time the golden device beside the float model (CONFIG=)
	$(PY) -m quant.scoring.bench --config $(CONFIG) $(ARGS)

docs: $(STAMP) ## build the documentation site into build/site, warnings as errors
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

clean: ## remove what the verbs wrote, .venv and trained runs excepted
	rm -rf build .pytest_cache .mypy_cache .ruff_cache samfabric.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
