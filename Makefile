# Every command of the project, and nothing else: what a target does stands in tools/, operate/, sim/ and fleet/.
STACK ?= sim
ARGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
# Stack sim is the simulated fleet; every other stack is real machines.
DRIVER := $(if $(filter sim,$(STACK)),sim,operate)
# It guards nothing: the keys of stack sim open simulated machines only, and both stand in this repository.
sim: export PULUMI_CONFIG_PASSPHRASE ?=
SIM_PASSPHRASE := simulated

.PHONY: help setup up preview refresh destroy outputs status keys contract rehearse test test-nix lint bench clean lock

help: ## list these commands
	@echo "make TARGET [STACK=sim|lab|cloud|...]   (STACK is sim unless named)"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' Makefile
