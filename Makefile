# A command runner: three lines a target at most, the rest is in lab/.
READY := .venv/.ready
PYTHON := .venv/bin/python
ERRNOLAB := .venv/bin/errnolab
IN_LAB = $(if $(LAB),--lab $(LAB))
MARKS = lab $(if $(CLIENTS),,and not clients) $(if $(WINDOWS),,and not windows_atlas)
HOW = $(IN_LAB) $(if $(FROM),--from $(FROM)) $(if $(FAMILY),--family $(FAMILY)) $(if $(KEEP),--keep) $(if $(JOBS),--jobs $(JOBS))

.DEFAULT_GOAL := help
.PHONY: help lab-up lab-down lab-status claims clients windows scenarios test test-atlas test-labs unit lint doctor report docs bench engine clean FORCE

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { sub("%", "<name>", $$1); printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@echo "  options: KEEP=1, FAMILY=4|6|both, FROM=windows, LAB=name, JOBS=n (make scenario-refused FAMILY=6)"

lab-up: $(READY) ## Bring the lab up: environment, engine, images, hosts
	@$(ERRNOLAB) up $(IN_LAB)

lab-down: $(READY) ## Take the lab down and leave nothing behind
	@$(ERRNOLAB) down $(IN_LAB)

lab-status: $(READY) ## Show hosts, addresses, health and faults in force
	@$(ERRNOLAB) status $(IN_LAB)

scenario-%: $(READY) FORCE ## Run one scenario (see: .venv/bin/errnolab list)
	@$(ERRNOLAB) run $* $(HOW)

claims: $(READY) ## Judge the claims of the tutorial by running what shows them
	@$(ERRNOLAB) claims --run $(IN_LAB) $(if $(JOBS),--jobs $(JOBS))

clients: $(READY) ## Measure what real clients do, for docs/clients.md (an hour or two)
	@$(PYTHON) -m lab.clients $(if $(JOBS),--jobs $(JOBS)) $(if $(LAB),--lab $(LAB))

windows: $(READY) ## Put errno and WSA code side by side, for docs/windows.md (half an hour, or NAMES=refused)
	@$(PYTHON) -m lab.windows $(if $(JOBS),--jobs $(JOBS)) $(if $(LAB),--lab $(LAB)) $(NAMES)

scenarios: $(READY) ## Run every scenario
	@$(ERRNOLAB) run --all $(HOW)

test: lint unit test-atlas test-labs ## Run all that CI runs: lint, unit tests, tests on a real lab

# One after the other: beside the other tests the load makes timers of the atlas late.
test-atlas: $(READY) runs
	@$(PYTHON) -m pytest -p no:randomly --junitxml=runs/junit-atlas.xml \
		--basetemp=runs/tests-atlas tests/lab/test_scenarios.py

test-labs: $(READY) runs
	@$(PYTHON) -m pytest -p no:randomly --junitxml=runs/junit.xml -m "$(MARKS)" \
		--basetemp=runs/tests-labs --ignore=tests/lab/test_scenarios.py tests/lab

runs:
	@mkdir -p runs

unit: $(READY) ## Run the tests that need no engine, in random order
	@$(PYTHON) -m pytest --junitxml=runs/junit-unit.xml tests/unit

lint: $(READY) ## Check style and types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

doctor: $(READY) ## List what this kernel, engine and user can do
	@$(ERRNOLAB) doctor

report: $(READY) ## Write the report on the newest runs
	@$(ERRNOLAB) report

docs: $(READY) ## Write the pages that are made: errors, words, tutorial, clients, windows
	@$(ERRNOLAB) explain --write docs/errors
	@$(PYTHON) -m lab.words
	@$(PYTHON) -m lab.walk && $(PYTHON) -m lab.clients_page && $(PYTHON) -m lab.windows_page

bench: $(READY) ## Measure the lab against its aims
	@$(ERRNOLAB) bench

engine: $(READY) ## Find the container engine; as root on Debian, install and start one
	@$(ERRNOLAB) engine

clean: $(READY) ## Remove old images of this lab, and caches
	@$(ERRNOLAB) clean
	@rm -rf .mypy_cache .ruff_cache .pytest_cache build

$(READY): requirements.lock pyproject.toml
	@sh lab/bootstrap.sh
