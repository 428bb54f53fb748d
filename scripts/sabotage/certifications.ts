// What a portal says, and whom a night pauses.

import { inFunction, type Sabotage, tests } from "./change.ts";

const ISOLATION = "sql/tests/isolation/isolation.test.ts";

export const CERTIFICATIONS: Sabotage[] = [
  {
    name: "portal: fencing by round",
    removed: "started_at is that of the round that is on",
    changes: [
      inFunction(
        "apply_portal_page",
        " or sync.round_started_at is distinct from apply_portal_page.started_at or ",
        " or ",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/rounds.test.sql: of an earlier round"),
  },
  {
    name: "portal: fencing by page",
    removed: "page is the one where the round is",
    changes: [
      inFunction(
        "apply_portal_page",
        " or sync.round_page is distinct from apply_portal_page.page then",
        " then",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/rounds.test.sql: not dealt with twice"),
  },
  {
    name: "portal: pages at once",
    removed: "the sync's row is locked",
    changes: [
      inFunction(
        "apply_portal_page",
        "  where on_the_way.source = apply_portal_page.source\n  for update;\n",
        "  where on_the_way.source = apply_portal_page.source;\n",
      ),
    ],
    tests: tests("sql/tests/races/portal.test.ts"),
  },
  {
    name: "portal: two syncs at once",
    removed: "the sync's row is locked",
    changes: [
      inFunction(
        "begin_portal_sync",
        "  where known.source = begin_portal_sync.source\n  for update;\n",
        "  where known.source = begin_portal_sync.source;\n",
      ),
    ],
    tests: tests(`${ISOLATION}: portal syncs`),
  },
  {
    name: "portal: implausible losses",
    removed: "a portal that misses most of what it had is not believed",
    changes: [
      inFunction(
        "revoke_unnamed",
        "  if missed > greatest(10, known * most_losses) or (",
        "  if (",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/full_round.test.sql: misses eleven of eighteen"),
  },
  {
    name: "portal: nothing at all",
    removed: "a portal that names nothing is not believed, however little it had",
    changes: [
      inFunction(
        "revoke_unnamed",
        " or (missed = known and known > 0 and most_losses < 1) then\n",
        " then\n",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/full_round.test.sql: not believed of a single one"),
  },
  {
    name: "portal: in circles",
    removed: "twenty pages with nothing new at most",
    changes: [
      inFunction("apply_portal_page", "(idle_pages >= 20 or page", "(page"),
    ],
    tests: tests("sql/tests/apply_portal_page/no_end.test.sql: on the twentieth"),
  },
  {
    name: "portal: without an end",
    removed: "10,000 pages at most",
    changes: [
      inFunction("apply_portal_page", " or page + 1 >= 10000) then\n", ") then\n"),
    ],
    tests: tests("sql/tests/apply_portal_page/no_end.test.sql: page 10,000 may not"),
  },
  {
    name: "portal: old news",
    removed: "of one certification the portal's last word of a round stands",
    changes: [
      inFunction(
        "apply_portal_page",
        "    where earlier.modified_on is null\n      or earlier.seen_in_round < apply_portal_page.started_at\n      or said.modified_on > earlier.modified_on\n",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/last_word.test.sql: an earlier word on a later page"),
  },
  {
    name: "portal: what can't be read",
    removed: "it is not taken for gone",
    changes: [
      inFunction(
        "apply_portal_page",
        "  set seen_in_round = apply_portal_page.started_at, modified_on",
        "  set seen_in_round = named.seen_in_round, modified_on",
      ),
    ],
    tests: tests("sql/tests/apply_portal_page/full_round.test.sql: can't be read is not gone"),
  },
  {
    name: "expiry: whom a person paused",
    removed: "the last line of the history is looked at",
    changes: [
      inFunction(
        "judge_certifications",
        "        and latest.to_status = 'paused'\n        and latest.reason = 'certification_expired'\n        and latest.changed_by = 'certification-expiry'\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_certification_expiry/people.test.sql: paused by a person stays paused",
    ),
  },
  {
    name: "expiry: expected status",
    removed: "who has another status by now keeps it",
    changes: [
      inFunction("set_mentor_status", " and locked.status = expected\n", "\n"),
    ],
    tests: tests("sql/tests/set_mentor_status/who.test.sql: who has it already"),
  },
  {
    name: "expiry: nothing is taken back",
    removed: "a run for a day before the last one looked at",
    changes: [
      inFunction(
        "judge_certifications",
        "        watermark.checked_until\n      ) as today,",
        "        null\n      ) as today,",
      ),
    ],
    tests: tests("sql/tests/run_certification_expiry/again.test.sql: it resumes nobody"),
  },
  {
    name: "expiry: two nights at once",
    removed: "the advisory lock",
    changes: [
      inFunction(
        "run_certification_expiry",
        "  perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler certifications', 0));\n",
      ),
    ],
    tests: tests(`${ISOLATION}: nights`),
  },
  {
    name: "expiry: waits for no paper",
    removed: "one that is being written is passed over",
    changes: [
      inFunction("run_certification_expiry", "      for update of looked_at skip locked\n"),
    ],
    tests: tests(`${ISOLATION}: nights`),
  },
  {
    name: "expiry: noted again meanwhile",
    removed: "who is looked at the next night",
    changes: [
      inFunction("run_certification_expiry", " and seen.noted_at = looked_at.noted_at\n", "\n"),
    ],
    tests: tests(`${ISOLATION}: nights`),
  },
  {
    name: "expiry: blocks nobody who refers to a mentor",
    removed: "no key",
    changes: [inFunction("set_mentor_status", "      for no key update\n", "      for update\n")],
    tests: tests(`${ISOLATION}: nights`),
  },
  {
    name: "expiry: a person has the last word",
    removed: "a mentor's row is locked before it is looked at",
    changes: [inFunction("set_mentor_status", "      for no key update\n")],
    tests: tests(`${ISOLATION}: nights`),
  },
];
