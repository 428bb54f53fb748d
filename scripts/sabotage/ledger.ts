// Ticks, runs and requests, and what is kept of them.

import { inFunction, type Sabotage, tests } from "./change.ts";

const ISOLATION = "sql/tests/isolation/isolation.test.ts";

export const LEDGER: Sabotage[] = [
  {
    name: "ledger: replay",
    removed: "a webhook-id that ran is known",
    changes: [
      inFunction(
        "start_invocation",
        "      or (repeated.webhook_id = start_invocation.webhook_id and repeated.id <> run_id)\n",
      ),
    ],
    tests: tests("sql/tests/start_invocation/replay.test.sql: a webhook_id runs once"),
  },
  {
    name: "ledger: replay by the run's id",
    removed: "an invocation_id that ran is known",
    changes: [
      inFunction(
        "start_invocation",
        "    where (repeated.id = run_id and repeated.status <> 'requested')\n",
        "    where false\n",
      ),
      inFunction(
        "start_invocation",
        "      where invocation.status = 'requested'\n      returning",
        "      returning",
      ),
    ],
    tests: tests("sql/tests/start_invocation/replay.test.sql: an invocation_id runs once"),
  },
  {
    name: "ledger: a sign of life",
    removed: "heartbeat_invocation writes nothing",
    changes: [
      inFunction(
        "heartbeat_invocation",
        "  set heartbeat_at = clock_timestamp()\n",
        "  set heartbeat_at = invocation.heartbeat_at\n",
      ),
    ],
    tests: tests("sql/tests/heartbeat_invocation/alive.test.sql: it buys half a minute"),
  },
  {
    name: "ledger: dead runs",
    removed: "they are given up",
    changes: [
      inFunction(
        "abandon_dead_runs",
        "< at - scheduler.heartbeat_limit()",
        "< '-infinity'",
      ),
    ],
    tests: tests("sql/tests/abandon_dead_runs/which.test.sql: those that give none"),
  },
  {
    name: "ledger: living runs",
    removed: "they are not given up",
    changes: [
      inFunction("abandon_dead_runs", "< at - scheduler.heartbeat_limit()", "< at"),
    ],
    tests: tests("sql/tests/abandon_dead_runs/which.test.sql: half a minute is allowed"),
  },
  {
    name: "ledger: a run that ends just now",
    removed: "it is not given up",
    changes: [inFunction("abandon_dead_runs", "    for update skip locked\n")],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: a sign of life waits for nobody",
    removed: "skip locked",
    changes: [inFunction("heartbeat_invocation", "    for update skip locked\n")],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: pauses",
    removed: "a paused job is not started",
    changes: [inFunction("is_paused", "open.resumed_at is null", "false")],
    tests: tests("sql/tests/tick/paused.test.sql: the minute's tick starts nothing"),
  },
  {
    name: "ledger: catching up",
    removed: "a tick that was missed is made up for",
    changes: [
      inFunction(
        "tick",
        "        else looks_after and job.kind = 'edge' and job.catch_up is not null and moment.scheduled_for > job.last_tick_for\n",
      ),
    ],
    tests: tests("sql/tests/tick/catch_up.test.sql: then it was missed"),
  },
  {
    name: "ledger: catching up by two",
    removed: "the second looks again",
    changes: [
      inFunction(
        "tick",
        " and job.last_tick_for < due.scheduled_for\n      for update skip locked;",
        "\n      for update skip locked;",
      ),
    ],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: catching up waits for nobody",
    removed: "skip locked",
    changes: [
      inFunction(
        "tick",
        "job.last_tick_for < due.scheduled_for\n      for update skip locked;",
        "job.last_tick_for < due.scheduled_for;",
      ),
    ],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: catching up with SQL jobs",
    removed: "one tick at a time is at it",
    changes: [inFunction("tick", "    limit 1\n    for update skip locked\n", "    limit 1\n")],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: ticks long past",
    removed: "they are said to be missed, and not made up for",
    changes: [
      inFunction(
        "tick",
        "        when due.missed and due.scheduled_for < tick.at - due.catch_up then\n",
        "        when false then\n",
      ),
    ],
    tests: tests("sql/tests/tick/catch_up.test.sql: after it, the ledger says that it was missed"),
  },
  {
    name: "ledger: lost requests",
    removed: "what pg_net forgot is seen",
    changes: [
      inFunction(
        "see_responses",
        "          when waiting.id is null then case when run.started_at is null then 'lost' else 'accepted' end\n",
      ),
    ],
    tests: tests("sql/tests/reconcile_requests/outcomes.test.sql: was lost, and is asked again"),
  },
  {
    name: "ledger: begun anew by one",
    removed: "a failed run that another tick is at is passed over",
    changes: [inFunction("retry_runs", "    for update of broken skip locked\n")],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: asked again by one",
    removed: "a request that another tick is at is passed over",
    changes: [inFunction("reconcile_requests", "    for update of stuck skip locked\n")],
    tests: tests(`${ISOLATION}: ticks`),
  },
  {
    name: "ledger: three times at most",
    removed: "it is asked no more",
    changes: [inFunction("wait_before_asking", "    when attempt > 3 then null\n")],
    tests: tests("sql/tests/wait_before_asking/waits.test.sql: but no oftener"),
  },
  {
    name: "ledger: runs asked for by two",
    removed: "of two people at once the second sees what the first asked for",
    changes: [
      inFunction(
        "request_invocation",
        "  perform from scheduler.jobs as job where job.job_name = request_invocation.job_name for no key update;\n",
      ),
    ],
    tests: tests("edge/tests/api_concurrency.test.ts: asks for at the same moment"),
  },
  {
    name: "ledger: numbers that begin anew",
    removed: "a response that is another request's is not taken for this one's",
    changes: [
      inFunction(
        "see_responses",
        "          when exists (\n            select from scheduler.requests as newer where newer.request_id = open.request_id and newer.id > open.id\n          ) then 'lost'\n",
      ),
      inFunction(
        "see_responses",
        " and response.created >= open.asked_at - interval '1 minute'\n",
        "\n",
      ),
    ],
    tests: tests("sql/tests/reconcile_requests/reused_ids.test.sql"),
  },
  {
    name: "ledger: where requests go",
    removed: "https, or loopback",
    changes: [
      inFunction(
        "edge_url_problem",
        "  if parts[1] <> 'https' and not (parts[1] = 'http' and loopback) then\n",
        "  if false then\n",
      ),
    ],
    tests: tests("sql/tests/edge_url_problem/refused.test.sql: http out in the world"),
  },
  {
    name: "ledger: requests that lead inside",
    removed: "addresses that are not the world's",
    changes: [inFunction("edge_url_problem", "  if not loopback and (\n", "  if false and (\n")],
    tests: tests("sql/tests/edge_url_problem/refused.test.sql: of a private network"),
  },
  {
    name: "ledger: signature",
    removed: "the body is signed",
    changes: [inFunction("sign_webhook", "stamp || '.' || body", "stamp || '.'")],
    tests: tests("sql/tests/sign_webhook/vector.test.sql: another body has"),
  },
  {
    name: "housekeeping: what a decision rests on",
    removed: "reminders of a silence that lasts are kept",
    changes: [
      inFunction(
        "sweep_notifications",
        "(looked.scenario_type = 'inactivity' and split_part(looked.occurrence_key, ':', 2) <> mentor.silent_since::text)",
        "looked.scenario_type = 'inactivity'",
      ),
    ],
    tests: tests("sql/tests/sweep_notifications/kept.test.sql: a reminder of a silence that lasts"),
  },
  {
    name: "housekeeping: other people's",
    removed: "only this project's rows of cron.job_run_details are deleted",
    changes: [
      inFunction(
        "sweep_cron_history",
        "        and looked.command like 'select scheduler.tick(%'\n",
      ),
    ],
    tests: tests(
      "sql/tests/sweep_cron_history/ours_only.test.sql: other people's and other databases' stay",
    ),
  },
];
