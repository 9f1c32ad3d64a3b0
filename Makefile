# One front door. On a bare machine `make run` gives a working station, `make test` a tested one.
# With DATABASE_URL and REDIS_URL set, those servers are used; else private ones under var/.

PYTHON ?= python3
MANAGE = .venv/bin/python manage.py
SETUP = $(PYTHON) -I station/runtime/bootstrap.py
YEARS ?=
# A secret as long and as mixed as `check --deploy` wants one; it signs nothing.
FIFTY = Only-for-the-deployment-check-0123456789-abcdefghijkl

# Every process would compile all that it imports afresh: three seconds at each start.
unexport PYTHONDONTWRITEBYTECODE
# To `make run` it means "beside"; in the environment it would mean that the process practises.
unexport PRACTICE

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run practice code demo test check bench requirements screenshots backup seal-key restore lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## (.*)/  make \1\t\2/' | expand -t 24

setup:  ## environment, dependencies and front-end files of a running station
	@$(SETUP) embedded

setup-dev:  ## the same with what tests and checks need
	@$(SETUP) dev

run: setup  ## run the whole station, with PRACTICE=1 the practice station too; the first start builds the demo (BIND=127.0.0.1:8000)
	@exec $(MANAGE) run_station $(if $(filter 1,$(PRACTICE)),--with-practice)

practice: setup  ## run the practice station (练习站) beside or without the live one, on the next port
	@exec $(MANAGE) practice

code:  ## the second factor of the demo's owner and manager, now
	@$(PYTHON) -I station/runtime/demo_code.py

demo: setup  ## build the demo station with 90 days of history; YEARS=10 for a long one
	@$(MANAGE) with_servers --migrate demo $(if $(YEARS),--years=$(YEARS))

# The servers of the tests are private and thrown away, see docs/runtime.md. Chromium's tests are in
# two groups, one for each process; the last line is pytest's own.
test: setup-dev  ## the whole suite, with Chromium and branch coverage
	@rm -f var/requirements.json
	@mkdir -p var/coverage
	@.venv/bin/python -m station.runtime.browser
	@.venv/bin/pytest -q -n 2 --dist loadgroup --cov --cov-report=term $(ARGS)

check: setup-dev  ## style, types, floors, migrations, templates, deployment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet templates
	.venv/bin/mypy
	.venv/bin/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	PRODUCTION=1 HTTPS=1 STATIC_FINDERS=0 SECRET_KEY=$(FIFTY) SITE_KEY=$(FIFTY) \
	  DATABASE_URL=postgresql://check/check REDIS_URL=redis://check \
	  $(MANAGE) check --deploy --fail-level WARNING
	@if docker compose version >/dev/null 2>&1; then compose="docker compose"; \
	elif command -v docker-compose >/dev/null; then compose=docker-compose; fi; \
	if [ -n "$$compose" ]; then \
	  echo "$$compose config"; $$compose --env-file deploy/site.env.example config -q; \
	else echo "!! 这台机器没有 docker compose：docker-compose.yml 未检查"; fi

bench: setup-dev  ## the measurements of bench/, as ratios
	@.venv/bin/python -m bench $(ARGS)

requirements:  ## each requirement with the test that proved it in the last run
	@$(PYTHON) -I station/runtime/requirements.py

screenshots: setup-dev  ## the pictures of the manuals, of the demo that is running (BIND=127.0.0.1:8000)
	@.venv/bin/python -m tests.browser.screenshots --address http://$(or $(BIND),127.0.0.1:8000)

backup: setup  ## all data to var/backups/; BLACKBOX=0 leaves the raw frames out
	@$(MANAGE) with_servers backup $(if $(filter 0,$(BLACKBOX)),--no-black-box)

seal-key: setup  ## seal SITE_KEY under a passphrase, so that backups carry it
	@$(MANAGE) site_key seal

restore: setup  ## FILE=var/backups/… into an empty database
	@test -n "$(FILE)" || { echo "用法：make restore FILE=var/backups/某备份"; exit 2; }
	@$(MANAGE) with_servers restore "$(FILE)"

lock: setup-dev  ## recompile the hash-locked lists from requirements/*.in and package.json
	@for name in base embedded dev node; do \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	@npm install --package-lock-only --ignore-scripts

clean:  ## caches; the data in var/ stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var/coverage
	@find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +
