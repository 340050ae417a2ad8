# Winnow on a bare machine: Python 3.11 or newer, git and make are enough (see docs/operator.md).
PYTHON ?= python3
PYTEST_ARGS ?=
# One process of the suite for each processor, each with a PostgreSQL and a Redis of its own; 0 = all in one.
TEST_PROCESSES ?= auto
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
CODE := aggregation crowd curation
# For checks that must not touch anybody's data or settings.
CHECKING := DJANGO_SETTINGS_MODULE=curation.settings.test PYTHONWARNINGS="ignore:Got an error checking"
DEPLOYED := DJANGO_SETTINGS_MODULE=curation.settings.production ALLOWED_HOSTS=winnow.example \
	BASE_URL=https://winnow.example DATABASE_URL=postgres://winnow@127.0.0.1/winnow \
	FIELD_KEYS=Zm9yLXRoZS1jaGVjay1vbmx5LTAxMjM0NTY3ODktYWI= \
	REDIS_URL=redis://127.0.0.1/0 SECRET_KEY=for-the-check-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHI

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check bench bench-aggregation bench-imaging bench-api bench-web bench-load chaos lock clean browser screenshots every-screen

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.installed ## the environment in .venv

setup-dev: .venv/.installed-dev

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Winnow needs Python 3.11 or newer: install python3, or name one with PYTHON=." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing python3-venv" >&2; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >&2; \
	else echo "Python's venv is missing; run: sudo apt-get install python3-venv" >&2; exit 2; fi
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.installed: .venv/.made requirements.lock
	@echo "installing the locked requirements into .venv" >&2
	@$(PIP) install --quiet -r requirements.lock >&2
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	@echo "installing what tests and checks need" >&2
	@$(PIP) install --quiet -r requirements-dev.lock >&2
	@touch $@

run: setup ## set up and serve the product with its demo project; PORT= to change the port
	@./winnow up

browser:
	@command -v chromium >/dev/null && command -v curl >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium for the browser tests, and curl for the guide's examples" >&2; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium fonts-liberation curl >&2; \
	else echo "The tests need chromium and curl; run: sudo apt-get install chromium curl" >&2; exit 2; fi

test: setup-dev browser ## set up and run the whole suite
	@$(BIN)/pytest --numprocesses $(TEST_PROCESSES) --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

check: setup-dev ## format, lint, types, import contracts, templates, migrations, deploy check, API snapshot
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates
	$(CHECKING) ./winnow makemigrations --check --dry-run
	$(DEPLOYED) ./winnow check --deploy --fail-level WARNING
	@if [ -f docs/openapi.yaml ]; then $(CHECKING) ./winnow spectacular --validate | diff -u docs/openapi.yaml - \
		|| { echo "docs/openapi.yaml is not what the code says: ./winnow spectacular --file docs/openapi.yaml" >&2; exit 1; }; fi

bench: setup-dev bench-aggregation ## benchmarks: tables, and JSON under var/bench
	@mkdir -p var/bench
	@for script in tests/bench/*.py; do [ ! -f "$$script" ] || $(BIN)/python "$$script" || exit 1; done

bench-aggregation: setup-dev ## quality, promises, buying and speed of the aggregation library
	@$(BIN)/python -m tests.bench.aggregation

# PEERS = the Python of an environment that has the tools to compare with (docs/checks.md); without it they are left out
bench-imaging: setup-dev ## checks of pictures: speed beside other tools, second runs, joins, hostile files, judged sets, frames
	@PEERS="$(PEERS)" $(BIN)/python -m tests.bench.imaging

# PEERS = the Python of an environment that has Label Studio 1.23 (docs/bench-api.md); without it that column is empty
bench-api: setup-dev ## the doors: pages of lists, uploads, imports, exports, beside Label Studio
	@PEERS="$(PEERS)" $(BIN)/python -m tests.bench.api

screenshots: setup-dev browser ## pictures of the main screens into docs/pictures, from a demo of their own
	@$(BIN)/python -m tests.screenshots

every-screen: setup-dev browser ## every page of the demo and of an empty project, both themes, desk and phone, into var/screens
	@$(BIN)/python -m tests.every_screen

bench-web: setup-dev browser ## screens over a million assets: server time, and a browser that scrolls
	@mkdir -p var/bench
	@for script in tests/bench/web/*.py; do [ ! -f "$$script" ] || $(BIN)/python "$$script" || exit 1; done

# GROW=--grow runs it with 10,000, 100,000 and 1,000,000 assets, and draws docs/pictures/load-growth.svg
bench-load: setup-dev ## many rows and everybody at work; ASSETS= to change the million, RATE=, SECONDS=; websockets, jobs
	@missed=0; \
	$(BIN)/python -m tests.bench.load --assets $(or $(ASSETS),1000000) --rate $(or $(RATE),30) \
		--seconds $(or $(SECONDS),120) $(GROW) || missed=1; \
	$(BIN)/python -m tests.bench.load.running --sockets $(or $(SOCKETS),500) --connects $(or $(CONNECTS),10000) \
		--jobs $(or $(JOBS),20000) || missed=1; \
	exit $$missed

chaos: setup-dev ## kill, freeze, fill and double everything: the faults with more of all, then SEEDS= long campaigns
	@CHAOS_PICTURES=$(or $(CHAOS_PICTURES),200) CHAOS_JOBS=$(or $(CHAOS_JOBS),1000) \
		$(BIN)/pytest -m faults tests/faults tests/faults/running_product.py tests/embedded
	@$(BIN)/python tests/bench/budget.py
	@$(BIN)/python tests/bench/faults.py --seeds $(or $(SEEDS),2)

lock: setup-dev ## resolve requirements*.txt into exact versions
	$(BIN)/uv pip compile --no-emit-index-url --no-emit-find-links requirements-dev.txt -o requirements-dev.lock
	$(BIN)/uv pip compile requirements.txt -c requirements-dev.lock -o requirements.lock --no-emit-index-url

clean: ## remove the environment and caches; var/, where the data is, stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
