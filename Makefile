# Each target does all of its own set-up: `make demo` and `make test` work in a fresh clone.
#
#   make demo [PORT=4141]                   a sample of the sky behind a MySQL port; needs no other server
#   make test [ARGS="tests/wire -k tls"]    all tests, or what pytest is told; ARGS=--every-case runs every case of
#                                           the corpus on every system, where otherwise some run one in eight;
#                                           in two processes: PROCESSES=0 for this one alone
#   make lint                               ruff and mypy
#   make clients                            clients of npm, Debian and PyPI too; writes docs/clients.md
#   make plans                              the golden plans anew, and docs/sql.md, which is made of them
#   make fuzz [N=1000 SEED=1 STRIPES=6x2]   random queries beside a plain MariaDB; ARGS="--help" tells more
#   make suite                              SQLAlchemy's dialect compliance suite, as far as it reads; 5 minutes
#   make mutate [PACKETS=100000 SEED=1]     mutated packets sent to a whole proxy, before login and after
#   make bench [CASE=stream]                measurements beside plain MariaDB and its Spider engine; the cases are in
#                                           benchmarks/README.md

VENV := .venv
PORT := 4040
ARGS :=
CASE :=
N := 1000
PROCESSES := 2
PACKETS := 100000
SEED := 1
STRIPES := 6x2
APT := apt-get install -y --no-install-recommends

# The first interpreter that is new enough; the venv module may still be missing on Debian.
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 /usr/local/bin/python3 /usr/bin/python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v $$p; break; }; done)

.PHONY: demo test lint bench fuzz mutate plans suite clean server spider python clients
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed
	exec $(VENV)/bin/qproxy demo --port $(PORT)

test: $(VENV)/.installed-dev server
	$(VENV)/bin/python -m pytest -n $(PROCESSES) --dist loadgroup $(ARGS)

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/.installed-dev server spider
	$(VENV)/bin/python -m benchmarks $(CASE) $(ARGS)

fuzz: $(VENV)/.installed-dev server
	$(VENV)/bin/python -m tests.fuzz.run --number $(N) --seed $(SEED) --stripes $(STRIPES) $(ARGS)

suite: $(VENV)/.installed-dev server
	$(VENV)/bin/python -m tests.clients.sqlalchemy_suite.run $(ARGS)

plans: $(VENV)/.installed-dev
	$(VENV)/bin/python -m tests.plans.update

mutate: $(VENV)/.installed-dev
	$(VENV)/bin/python -m tests.wire.run_mutations --number $(PACKETS) --seed $(SEED)

# Packages of npm, Debian and PyPI that a plain test run does without. mysqlclient is compiled here.
clients: $(VENV)/.installed-dev server
	@packages=""; \
	command -v npm >/dev/null || packages="$$packages nodejs npm"; \
	command -v javac >/dev/null || packages="$$packages default-jdk-headless"; \
	test -e /usr/share/java/mariadb-java-client.jar || packages="$$packages libmariadb-java"; \
	ls /usr/lib/*/odbc/libmaodbc.so >/dev/null 2>&1 || packages="$$packages odbc-mariadb"; \
	command -v odbcinst >/dev/null || packages="$$packages unixodbc"; \
	command -v mariadb_config >/dev/null || packages="$$packages libmariadb-dev"; \
	command -v gcc >/dev/null && command -v pkg-config >/dev/null || packages="$$packages gcc libc6-dev pkg-config"; \
	test -e "$$($(VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || \
		packages="$$packages python3-dev"; \
	if test -n "$$packages"; then \
		if test "$$(id -u)" != 0; then \
			echo "The clients need Debian's packages; type:" >&2; \
			echo "    sudo apt-get install -y$$packages" >&2; exit 1; \
		fi; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive $(APT) $$packages; \
	fi
	mkdir -p .clients
	npm install --no-fund --no-audit --silent --prefix .clients mysql2@3 mariadb@3
	javac -d .clients tests/clients/programs/ConnectorJ.java
	test -x .clients/python/bin/python || $(VENV)/bin/python -m venv .clients/python
	.clients/python/bin/python -m pip install --disable-pip-version-check -q -r tests/clients/requirements.txt
	QPROXY_CLIENTS=1 $(VENV)/bin/python -m pytest tests/clients/test_clients.py $(ARGS)

clean:
	rm -rf $(VENV) .clients build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info

# Stamp files: installed again whenever the list of packages changes. Development packages include the others.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@test -e $(VENV)/.installed-dev || $(VENV)/bin/python -m pip install --disable-pip-version-check -q -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --disable-pip-version-check -q -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/bin/python: | python
	@python="$(PYTHON)"; test -n "$$python" || python=/usr/bin/python3; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# An interpreter and its venv module, which Debian and Ubuntu pack apart.
python:
	@test -x $(VENV)/bin/python && exit 0; \
	python="$(PYTHON)"; packages="python3 python3-venv"; \
	if test -n "$$python"; then \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null && exit 0; \
		packages="$$("$$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"; \
	fi; \
	if test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null; then \
		echo "qproxy needs Python 3.11 or newer with its venv module; type:" >&2; \
		echo "    sudo apt-get install -y $$packages" >&2; exit 1; \
	fi; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive $(APT) $$packages || exit 1; \
	"$${python:-/usr/bin/python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "qproxy needs Python 3.11 or newer, and this system's own is older; install one, e.g. python3.11-venv" >&2; \
		exit 1; }

# Tests and measurements run against real MariaDB servers: without one they fail, they never skip.
server:
	@PATH="$$PATH:/usr/local/sbin:/usr/sbin:/sbin"; \
	if command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null && command -v mariadb >/dev/null; \
	then exit 0; fi; \
	if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive $(APT) mariadb-server mariadb-client; \
	else \
		echo "The tests need the MariaDB server; type:" >&2; \
		echo "    sudo apt-get install -y mariadb-server mariadb-client" >&2; exit 1; \
	fi

# MariaDB's Spider engine, which measurements stand beside; without it they say so and go on.
spider: server
	@if test "$$(id -u)" = 0 && command -v apt-get >/dev/null && ! dpkg -s mariadb-plugin-spider >/dev/null 2>&1; then \
		DEBIAN_FRONTEND=noninteractive $(APT) mariadb-plugin-spider; \
	fi
