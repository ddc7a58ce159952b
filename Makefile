# Every command of the project by name; what a target does stands in tools/, operate/, sim/ and fleet/.
STACK ?= sim
OUT ?= plans
ARGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
# Stack sim is the simulated fleet; every other stack is real machines.
DRIVER := $(if $(filter sim,$(STACK)),sim,operate)
# The passphrase of stack sim. It guards nothing: its keys open simulated machines only, and both stand in this repository.
SIM_PASSPHRASE := simulated-fleet-guards-nothing
# What was given on make's own command line, and not what the environment happens to have.
GIVEN = $(foreach name,WHAT HOST ADMIN KEY SEEN RUN SNAPSHOT FROM LOST OVER LIST NAME FILE SCOPED BASE DRIFT HTML JSON MARKDOWN TEXT WATCH,$(if $(findstring command,$(origin $(name))),'$(name)=$($(name))'))
ifeq ($(STACK),sim)
export PULUMI_CONFIG_PASSPHRASE := $(SIM_PASSPHRASE)
endif

.PHONY: help setup up adopt preview refresh destroy outputs status run kubeconfig recall snapshot restore rotate init keys contract plan topology plans fresh comment check rehearse reset test test-nix test-machines lint format bench soak lock audit mutate clean

help: ## list these commands
	@echo 'make COMMAND [STACK=NAME]   STACK is sim (the simulated fleet) unless named; Pulumi.NAME.yaml describes it'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' Makefile

setup: ## make what the other commands need: .venv and the Pulumi CLI (they do it themselves)
	@tools/setup

up: setup ## bring the stack to what its file says, then say how it is
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(ARGS)

adopt: setup ## as up, and take what the clouds have of the stack and its state does not know into the state
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(ARGS)

preview: setup ## say what up would do, and to which hosts; touches nothing: HTML=, MARKDOWN=, JSON=, BASE=, DRIFT=yes
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

refresh: setup ## compare the state with what the clouds have
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(ARGS)

destroy: setup ## delete what the clouds have; boards and dedicated servers keep their disks
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(ARGS)

outputs: setup ## print what other stacks may read
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(ARGS)

status: setup ## ask every host how it is: JSON=FILE or -, HTML=FILE, WATCH=SECONDS
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

run: setup ## run a command on a host, as root: HOST=, RUN=
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

kubeconfig: setup ## write a credential for kubectl to a file of mode 0600: FILE=, SCOPED=yes
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

recall: setup ## give a backend that has lost the state this computer's copy of it: FILE=, OVER=
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

snapshot: setup ## save etcd and list all snapshots: LIST=yes, NAME=
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

restore: setup ## bring etcd back on every server: SNAPSHOT=, FROM=, LOST=, OVER=
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

rotate: setup ## new keys, without an installation: WHAT=hostkey, wireguard, tokens, deploykey, kubeconfig, admin; HOST=, SEEN=, ADMIN=, KEY=
	@$(PYTHON) -m $(DRIVER) $@ --stack $(STACK) $(GIVEN) $(ARGS)

init: setup ## begin a stack of your own, STACK=home FROM=lab: asks, or takes ARGS='PATH=VALUE ...'
	@$(PYTHON) -m fleet $@ --stack $(STACK) --from $(or $(FROM),lab) $(ARGS)

keys: setup ## make the keys that the stack lacks; never replaces one
	@$(PYTHON) -m fleet $@ --stack $(STACK) $(ARGS)

contract: setup ## write nix/fleet/STACK.json, what Nix knows of the stack
	@$(PYTHON) -m fleet $@ --stack $(STACK) $(ARGS)

plan: setup ## say what a change does to which host, in which order, for how much money; needs no secret
	@$(PYTHON) -m fleet $@ --stack $(STACK) $(ARGS)

topology: setup ## draw the stack as a picture
	@$(PYTHON) -m fleet $@ --stack $(STACK) $(ARGS)

plans: setup ## write the plan of every stack as comment and page into OUT=: BASE=
	@mkdir -p '$(OUT)'
	@status=0; for file in Pulumi.?*.yaml; do stack=$${file#Pulumi.}; stack=$${stack%.yaml}; \
	  $(PYTHON) -m fleet plan --stack "$$stack" $(if $(BASE),--base '$(BASE)') \
	    --markdown "$(OUT)/$$stack.md" --html "$(OUT)/$$stack.html" || status=1; done; exit $$status

fresh: lock ## fail where `make lock` changes something
	@git diff --exit-code --stat -- requirements.lock

comment: setup ## put the plans in OUT= on the pull request that a forge's workflow is for
	@$(PYTHON) tools/comment.py '$(OUT)'

rehearse: setup ## run the stack's own file, unchanged, on a simulated fleet with throwaway keys
	@$(PYTHON) -m sim $@ --stack $(STACK) $(ARGS)

reset: setup ## forget the simulated fleet: its machines, clouds and state
	@$(PYTHON) -m sim $@ $(ARGS)

test: setup ## run every test, those on the real engine included
	@tools/test $(ARGS)

test-nix: setup ## run the checks of nix/; what cannot run here is said and counted
	@tools/test-nix $(ARGS)

test-machines: setup ## run the tests on machines under QEMU; what cannot run here is said and counted
	@tools/test-machines $(ARGS)

check: ## what continuous integration runs: lint and every test
	@.ci/run

lint: setup ## ruff, mypy and shellcheck
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@tools/lint-shell

format: setup ## let ruff format everything
	@$(PYTHON) -m ruff format .

bench: setup ## measure times, memory, connections and commands on the simulated fleet
	@$(PYTHON) tools/bench.py $(ARGS)

soak: setup ## kill parts of runs at random moments on the simulated fleet, and see that the next run heals them
	@$(PYTHON) tools/soak.py $(ARGS)

lock: setup ## write requirements.lock anew from requirements.in, and the digests of images and charts
	@$(PYTHON) -m uv pip compile requirements.in --universal --python-version 3.11 --generate-hashes --upgrade \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet -o requirements.lock
	@$(PYTHON) tools/artifacts.py

audit: setup ## look for known faults in what the locks name, and for other contents behind known names; needs a network
	@$(PYTHON) -m uv tool run pip-audit --requirement requirements.lock --disable-pip --require-hashes
	@$(PYTHON) tools/artifacts.py --check

mutate: setup ## put small faults into the sources and count those that the tests notice: ARGS='--places 100 --seed 1'
	@$(PYTHON) tools/mutate.py $(ARGS)

clean: ## remove everything that can be made again here: .venv, .sim (the simulated fleet), caches
	@rm -rf .venv .sim .setup.lock .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
