# Everything that one does with the house. `make` alone prints this list.
PYTHON ?= python3
OURS = .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check bench histories migrate

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

setup:
	@$(PYTHON) -m ops.setup

demo: setup ## run everything here with a sample company, until Ctrl-C
	@$(OURS) -m ops.run demo

up: setup ## the same in the background; returns once every part answers and .run/demo.json is there
	@$(OURS) -m ops.run up

down: setup ## stop what `make up` started; data stays in .run
	@$(OURS) -m ops.run down

test: setup ## run all tests, stopping at the first red folder; PART=rules runs one folder
	@$(OURS) -m ops.test $(PART)

check: setup ## format, lint, types, translations, the laws of the house; PART=types makes one step
	@$(OURS) -m ops.check $(PART)

bench: setup ## measure one claim: WHAT=queue [N=1000]; the last line is JSON
	@$(OURS) -m ops.bench '$(WHAT)' $(N)

histories: setup ## record the histories of today's journeys for the replay test
	@$(OURS) -m ops.histories

migrate: setup ## bring the database of .run, or the one that DATABASE_URL names, to the newest tables
	@$(OURS) -m ops.database
