# Everything begins here: `make up` runs it, `make test` tests it. uv and the environment are set up on the way.
UV := .tools/bin/uv
RUN := .venv/bin
NPM := npm --no-update-notifier
UP ?=
# In two processes, each with its own servers. In the order of the files: the short ones of bench are last, and even out.
SIDE_BY_SIDE ?= -n 2 --dist loadfile --no-loadscope-reorder

help:  ## these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

up: sync page  ## run everything on this machine (UP="--port 8080 --standin" passes options on)
	$(RUN)/todo-agent up $(UP)

test: sync page tools deploy-tools tests/foreign_client/node_modules  ## every test that takes less than minutes
	$(RUN)/pytest -q -m "not long" $(SIDE_BY_SIDE)
	$(NPM) --prefix web test

test-long: sync page tools tests/foreign_client/node_modules  ## the long ones: chaos, soak
	$(RUN)/pytest -q -m long --timeout 1800
	PAGE_RENDERER=react $(NPM) --prefix web test

test-containers: sync  ## the real images, started from compose.yml on Docker or podman: as root on Linux; takes a quarter of an hour
	$(RUN)/python -m tests.containers.machine
	$(RUN)/pytest -q tests/containers

check: sync page deploy-tools  ## formatting, lint, types, import rules, generated files, the page's size, what is deployed
	$(RUN)/ruff format --check . && $(RUN)/ruff check . && $(RUN)/mypy && $(RUN)/lint-imports
	$(RUN)/python docs/generate_protocol.py --check && $(RUN)/python docs/generate_metrics.py --check && $(RUN)/python web/generate_protocol.py --check
	$(RUN)/python -m dashboards --check
	@deploy/tools/validate.sh
	$(RUN)/pytest -q policy --ignore-glob='*/test_real_*' -n 2 --dist worksteal
	$(NPM) --prefix web run check && $(RUN)/python web/page_size.py

bench: sync page tools  ## the figures of the README
	$(RUN)/python -m bench.run

faults: sync  ## every class of fault, scored by the rows (RUNS=500; BREAK=confirm, match or fence takes a guard away)
	$(RUN)/python -m bench.faults $(if $(RUNS),--runs $(RUNS)) $(if $(BREAK),--break $(BREAK))

certs:  ## a certificate for HTTPS of compose, by mkcert where it is installed (CERT_NAMES="todo.lan 192.168.1.7")
	@deploy/certs/make.sh

sync: .venv/.synced
.venv/.synced: uv.lock pyproject.toml $(wildcard packages/*/pyproject.toml services/*/pyproject.toml deploy/*/pyproject.toml) | $(UV)
	$(UV) sync --locked --all-packages --no-python-downloads
	touch $@
$(UV):  # into a folder of its own: Debian's pip refuses to touch the system's packages, and venv may not be there
	python3 -m pip install --quiet --disable-pip-version-check --target .tools uv==0.13.9

page: web/dist/index.html
web/dist/index.html: web/node_modules $(shell find web/src web/public web/index.html web/vite.config.ts -type f 2>/dev/null)
	$(NPM) --prefix web run build
	touch $@
%/node_modules: %/package-lock.json
	$(NPM) --prefix $* ci --no-audit --no-fund
	touch $@

CONFORMANCE := tests/mcp_clients/conformance
$(CONFORMANCE)/node_modules: $(CONFORMANCE)/package-lock.json  # the official MCP conformance suite
	$(NPM) --prefix $(CONFORMANCE) ci
	touch $@

tools: $(CONFORMANCE)/node_modules  # and Chromium: installed where that is possible, otherwise the line to run is printed
	@deploy/local/install-test-tools.sh

deploy-tools:  # Compose v2 and kubectl as .tools/bin/compose and .tools/bin/kubectl: the machine's, or Debian's packages unpacked
	@deploy/tools/install.sh

.PHONY: help up test test-long test-containers check bench faults certs sync page tools deploy-tools
