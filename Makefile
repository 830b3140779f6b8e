# make demo    a small government site with a worker and a receiver, on this machine
# make test    the whole suite; DATABASE_URL and REDIS_URL choose other services
# make help    everything else

PYTHON ?= python3
VENV ?= .venv
DEMO_PORT ?= 8000
DEMO_RECEIVER_PORT ?= 8900
# Appended to pytest's command line, as in: make test PYTEST_ARGS="-k outbox -x"
PYTEST_ARGS ?=
WORKERS ?= auto

BIN := $(VENV)/bin
RUN := $(BIN)/python
PIP := $(RUN) -m pip --disable-pip-version-check -qq
# The lowest versions that are supported; migrations are written against them.
LOWEST := wagtail==7.4.* django==5.2.*
LOWEST_VENV := .venv-lowest
MAKEMIGRATIONS := manage.py makemigrations --settings tests.settings --check --dry-run \
	wagtail_webhooks webhooks_opportunities example_site
CATALOGUES := $(wildcard wagtail_webhooks/locale/*/LC_MESSAGES/*.po \
	wagtail_webhooks/*/locale/*/LC_MESSAGES/*.po example_site/locale/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help:
	@echo 'make demo              the example site on port $(DEMO_PORT) (DEMO_PORT), its receiver on $(DEMO_RECEIVER_PORT) (DEMO_RECEIVER_PORT)'
	@echo 'make test              the whole suite (PYTEST_ARGS, WORKERS, DATABASE_URL, REDIS_URL)'
	@echo 'make test-kill         kill its processes and services (SHORT=1: less of it; KILL_SEED=n: as before)'
	@echo 'make bench             drains beside the raw limit, on PostgreSQL (DATABASE_URL, BENCH_ARGS)'
	@echo 'make lint              ruff, its formatter, and mypy'
	@echo 'make format            let ruff mend what it can'
	@echo 'make migrations-check  no model change without its migration, on the lowest and the installed versions'
	@echo 'make messages          collect the texts to translate, and compile the catalogues'
	@echo 'make pictures          take the pictures in docs/ anew, with the installed Chromium'
	@echo 'make wheel             build the wheel into dist/'
	@echo 'make clean             remove all that can be made again; the demo keeps its data'
	@echo 'PYTHON=python3.13 chooses the interpreter of a new $(VENV).'

# --- The environment: each stamp is made anew when pyproject.toml changes -------------------

$(VENV)/.stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo 'Python 3.10 or newer is needed; name one: make PYTHON=/path/to/python3 …' >&2; exit 1; }
	@echo 'Creating $(VENV) …'
	@$(PYTHON) -m venv $(VENV) || { \
		echo 'No environment could be created; Debian and Ubuntu have the module in python3-venv.' >&2; exit 1; }
	@$(PIP) install --upgrade 'pip>=25.1'  # the first that knows dependency groups
	@touch $@

$(VENV)/.stamp-demo: $(VENV)/.stamp-python pyproject.toml
	@echo 'Installing wagtail-webhooks and the example site …'
	@$(PIP) install --editable '.[example]'
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-demo
	@echo 'Installing what the tests need …'
	@$(PIP) install --group test
	@touch $@

$(VENV)/.stamp-lint: $(VENV)/.stamp-test
	@echo 'Installing the linters …'
	@$(PIP) install --group lint
	@touch $@

$(LOWEST_VENV)/.stamp: $(VENV)/.stamp-python pyproject.toml
	@echo 'Installing $(LOWEST) into $(LOWEST_VENV) …'
	@$(PYTHON) -m venv $(LOWEST_VENV)
	@$(LOWEST_VENV)/bin/python -m pip --disable-pip-version-check -qq install \
		--editable '.[example]' $(foreach item,$(LOWEST),'$(item)') wagtailstreamforms
	@touch $@

# --- What people do --------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.stamp-demo
	@DEMO_PORT=$(DEMO_PORT) DEMO_RECEIVER_PORT=$(DEMO_RECEIVER_PORT) exec $(RUN) -m example_site.demo

.PHONY: test
test: $(VENV)/.stamp-test
	@$(RUN) -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# Three cases at a time, each with services of its own: they wait more than they work.
.PHONY: test-kill
test-kill: $(VENV)/.stamp-test
	@$(RUN) -m pytest tests/kill -n 3 --maxschedchunk 1 $(PYTEST_ARGS)

.PHONY: bench
bench: $(VENV)/.stamp-test
	@DATABASE_URL=$(or $(DATABASE_URL),postgres://postgres@127.0.0.1:5432/postgres) $(RUN) -m benchmarks $(BENCH_ARGS)

.PHONY: lint
lint: $(VENV)/.stamp-lint
	@status=0; \
	for linter in 'ruff check .' 'ruff format --check .' mypy; do \
		echo "$$linter"; $(BIN)/$$linter || status=1; \
	done; \
	exit $$status

.PHONY: format
format: $(VENV)/.stamp-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: migrations-check
migrations-check: $(VENV)/.stamp-test $(LOWEST_VENV)/.stamp
	DATABASE_URL=sqlite://:memory: $(LOWEST_VENV)/bin/python $(MAKEMIGRATIONS)
	DATABASE_URL=sqlite://:memory: $(RUN) $(MAKEMIGRATIONS)

.PHONY: messages
messages: $(VENV)/.stamp-demo
	@# Not python -m django: in this folder our secrets.py would pass for the standard library's.
	cd wagtail_webhooks && $(abspath $(BIN))/django-admin makemessages --all --no-obsolete --add-location file
	$(MAKE) compile-messages

.PHONY: compile-messages
compile-messages: $(CATALOGUES:.po=.mo)

%.mo: %.po
	msgfmt --check --output-file=$@ $<

.PHONY: pictures
pictures: $(VENV)/.stamp-test
	$(RUN) -m tests.processes.pictures

.PHONY: wheel
wheel: $(VENV)/.stamp-python
	@$(PIP) wheel --no-deps --wheel-dir dist .

.PHONY: clean
clean:
	rm -rf $(VENV) .venv-* build dist .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
