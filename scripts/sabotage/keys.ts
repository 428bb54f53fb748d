// Unique keys: what there is one of.

import { inFunction, inMigrations, type Sabotage, tests } from "./change.ts";

const INVOCATIONS = "sql/tests/races/invocations.test.ts";
const UNIQUE = "sql/tests/install/keys.test.sql";

export const KEYS: Sabotage[] = [
  {
    name: "key: windows",
    removed: "unique (user_id, scenario_type, cooldown_window_start)",
    changes: [
      inMigrations(
        "  constraint one_window_per_mentor_scenario_start unique (user_id, scenario_type, cooldown_window_start),\n",
      ),
      inFunction(
        "run_scenario_evaluation",
        "on conflict on constraint one_window_per_mentor_scenario_start do nothing",
        "on conflict do nothing",
      ),
    ],
    tests: tests(`${UNIQUE}: a mentor's windows of a scenario`),
  },
  {
    name: "key: idempotency of a day",
    removed: "unique (user_id, scenario_type, evaluation_date)",
    changes: [
      inMigrations(
        "  constraint one_notification_per_mentor_scenario_day unique (user_id, scenario_type, evaluation_date),\n",
      ),
    ],
    tests: tests(`${UNIQUE}: of a scenario and a day`),
  },
  {
    name: "key: occurrences",
    removed: "unique (user_id, scenario_type, occurrence_key) where not cancelled",
    changes: [
      inMigrations(
        "create unique index if not exists one_notification_per_occurrence",
        "create index if not exists one_notification_per_occurrence",
      ),
    ],
    tests: tests(`${UNIQUE}: one of the same occurrence`),
  },
  {
    name: "key: one_run_per_tick",
    removed: "a tick has one run",
    changes: [
      inMigrations(
        "create unique index if not exists one_run_per_tick",
        "create index if not exists one_run_per_tick",
      ),
    ],
    tests: tests(`${UNIQUE}: runs of a tick`),
  },
  {
    name: "key: one_running_run_per_job",
    removed: "a job has one run that is on",
    changes: [
      inMigrations(
        "create unique index if not exists one_running_run_per_job",
        "create index if not exists one_running_run_per_job",
      ),
    ],
    tests: tests(`${INVOCATIONS}: ten runs`),
  },
  {
    name: "key: a_webhook_runs_once",
    removed: "a request runs once, also where it comes twice at once",
    changes: [
      inMigrations(
        "create unique index if not exists a_webhook_runs_once",
        "create index if not exists a_webhook_runs_once",
      ),
    ],
    tests: tests(`${UNIQUE}: runs of a request`),
  },
  {
    name: "key: a_run_is_retried_once",
    removed: "a run that failed has one that makes up for it",
    changes: [
      inMigrations(
        "create unique index if not exists a_run_is_retried_once",
        "create index if not exists a_run_is_retried_once",
      ),
    ],
    tests: tests(`${UNIQUE}: runs that make up for one`),
  },
  {
    name: "key: idempotency keys of staff",
    removed: "primary key (user_id, idempotency_key)",
    changes: [
      inMigrations(
        "  used_at timestamptz not null default now(),\n  constraint idempotency_keys_pkey primary key (user_id, idempotency_key)\n",
        "  used_at timestamptz not null default now()\n",
      ),
      inFunction(
        "request_invocation",
        "on conflict on constraint idempotency_keys_pkey do nothing",
        "on conflict do nothing",
      ),
    ],
    tests: tests(`${UNIQUE}: requests of somebody under a key`),
  },
  {
    name: "key: device tokens",
    removed: "a device belongs to one user",
    changes: [
      inMigrations("\n      constraint device_token_belongs_to_one_user unique,", ","),
    ],
    tests: tests(`${UNIQUE}: owners of a device`),
  },
  {
    name: "key: pauses",
    removed: "what is paused is paused once",
    changes: [
      inMigrations(
        "create unique index if not exists paused_once\n  on scheduler.pauses (job_name, organisation_id) nulls not distinct",
        "create index if not exists paused_once\n  on scheduler.pauses (job_name, organisation_id)",
      ),
    ],
    tests: tests(`${UNIQUE}: open pauses of everything`),
  },
  {
    name: "key: certifications of a portal",
    removed: "an external_id has one row",
    changes: [
      inMigrations(
        "    create unique index if not exists a_certification_of_the_portal_comes_once\n",
        "    create index if not exists a_certification_of_the_portal_comes_once\n",
      ),
    ],
    tests: tests(`${UNIQUE}: rows of a portal's certification`),
  },
  {
    name: "key: there_is_one_roster",
    removed: "mentors come from one table",
    changes: [
      inMigrations(
        "create unique index if not exists there_is_one_roster",
        "create index if not exists there_is_one_roster",
      ),
    ],
    tests: tests("sql/tests/install/single_rows.test.sql: of whatever table"),
  },
  {
    name: "key: one_settings_row_per_organisation",
    removed: "there is one default row",
    changes: [
      inMigrations(
        "one_settings_row_per_organisation unique nulls not distinct (organisation_id)",
        "one_settings_row_per_organisation unique (organisation_id)",
      ),
    ],
    tests: tests("sql/tests/install/single_rows.test.sql: has one default row"),
  },
];
