PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo dev test lint types tests soak audit docs bench bench-quick clean
.DELETE_ON_ERROR:

demo: .venv/installed ## run the whole pipeline on this machine
	$(BIN)/batch-assets demo

dev: .venv/installed ## the Dagster web UI against services on this machine
	$(BIN)/batch-assets dev

test: lint types tests ## everything that has to pass

lint: .venv/installed-for-benchmarks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/installed-for-benchmarks
	$(BIN)/mypy

tests: .venv/installed-for-benchmarks
	$(BIN)/pytest -q -n 2 --dist loadfile

soak: .venv/installed-for-benchmarks .venv-aws/installed ## every test, for up to two hours
	$(BIN)/pytest -q -n 2 --dist loadfile -m "soak or not soak"

docs: .venv/installed-for-docs ## the documentation site, in build/site
	$(BIN)/zensical build --strict

audit: .venv-audit/installed ## known holes in the pinned packages; needs the network, and says so if there is none
	.venv-audit/bin/python .ci/audit.py .venv-audit/bin/pip-audit constraints.txt

bench: .venv/installed-for-benchmarks ## every stage beside its peers and limits, in twenty-five minutes; writes docs/performance.md
	$(BIN)/python -m benchmarks

bench-quick: .venv/installed-for-benchmarks ## small sizes, in two minutes; compares ratios with the stored ones; STAGES names some
	$(BIN)/python -m benchmarks --quick --output build/benchmarks $(if $(STAGES),--only $(STAGES))
	$(BIN)/python -m benchmarks.compare benchmarks/quick.json build/benchmarks/quick.json

clean: ## remove the environment and what tools left
	rm -rf .venv .venv-aws .venv-audit build .cache *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/pip:
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed"'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[sandbox]'
	touch $@

# All at once: to resolve them takes most of the time.
.venv/installed-for-benchmarks: .venv/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench,test]'
	touch .venv/installed $@

.venv/installed-for-docs: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

# The aws CLI has pins of its own.
.venv-aws/installed: constraints-aws.txt | .venv/bin/pip
	$(PYTHON) -m venv .venv-aws
	.venv-aws/bin/pip install --quiet --disable-pip-version-check -c constraints-aws.txt awscli
	touch $@

# Its packages are nobody else's affair either.
.venv-audit/installed: constraints-audit.txt | .venv/bin/pip
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check -c constraints-audit.txt pip-audit
	touch $@
