// What the engine keeps of mentors, so that it equals its sources.

import { inFunction, type Sabotage, tests } from "./change.ts";

const ISOLATION = "sql/tests/isolation/isolation.test.ts";
const STATES = "sql/tests/races/state.test.ts";

export const STATE: Sabotage[] = [
  {
    name: "state: activities that are written",
    removed: "they are folded in",
    changes: [
      inFunction(
        "create_source_fold",
        "  elsif tg_op = 'INSERT' then\n    insert into",
        "  elsif tg_op = 'INSERT' then\n    return null;\n    insert into",
      ),
    ],
    tests: tests(`${STATES}: first activity and roster row`),
  },
  {
    name: "state: activities and mentors of one statement",
    removed: "what was counted already is not added again",
    changes: [
      inFunction(
        "create_source_fold",
        "  if tg_op = 'INSERT' and current_setting('scheduler.refolded', true) = 'on' then\n",
        "  if false then\n",
      ),
    ],
    tests: tests("sql/tests/track_activity/mixed_statements.test.sql"),
  },
  {
    name: "state: activities that are changed",
    removed: "they are folded in",
    changes: [
      inFunction(
        "create_source_fold",
        "  elsif tg_op = 'UPDATE' then\n",
        "  elsif tg_op = 'UPDATE' then\n    return null;\n",
      ),
    ],
    tests: tests("sql/tests/track_activity/writes.test.sql: a date moved back"),
  },
  {
    name: "state: activities that are deleted",
    removed: "they are folded in",
    changes: [
      inFunction(
        "create_source_fold",
        "    perform scheduler.refold_mentors(array(select recorded.%2$I from old_rows as recorded));\n",
        "    return null;\n",
      ),
    ],
    tests: tests("sql/tests/track_activity/writes.test.sql: a deleted row"),
  },
  {
    name: "state: mentors who join",
    removed: "they are folded in",
    changes: [
      inFunction(
        "fold_roster",
        "  else\n    execute format(",
        "  elsif tg_op = 'INSERT' then\n    return null;\n  else\n    execute format(",
      ),
    ],
    tests: tests("sql/tests/track_roster/writes.test.sql: a new mentor is known"),
  },
  {
    name: "state: mentors who change",
    removed: "they are folded in",
    changes: [
      inFunction(
        "fold_roster",
        "  if tg_op = 'UPDATE' then\n",
        "  if tg_op = 'UPDATE' then\n    return null;\n",
      ),
    ],
    tests: tests("sql/tests/track_roster/writes.test.sql: a mentor who pauses"),
  },
  {
    name: "state: mentors who leave",
    removed: "they are folded in",
    changes: [
      inFunction(
        "fold_roster",
        "  else\n    execute format(",
        "  elsif tg_op = 'DELETE' then\n    return null;\n  else\n    execute format(",
      ),
    ],
    tests: tests("sql/tests/track_roster/writes.test.sql: deleted before doing anything"),
  },
  {
    name: "state: truncation",
    removed: "a table that is emptied is folded in",
    changes: [
      inFunction(
        "create_source_triggers",
        "  execute format(\n    'create or replace trigger %I after truncate on %s for each statement execute function scheduler.fold_truncate()',\n    'scenario_scheduler_' || kind || '_truncate', source);\n",
      ),
    ],
    tests: tests("sql/tests/track_activity/writes.test.sql: truncation takes all"),
  },
  {
    name: "state: rebuilding during writes",
    removed: "writers wait for their turn",
    changes: [
      inFunction(
        "rebuild_mentor_state",
        "  lock table scheduler.mentor_state in share row exclusive mode;\n",
      ),
    ],
    tests: tests(`${STATES}: a rebuild at read committed`),
  },
  {
    name: "state: a milestone added during writes",
    removed: "writers wait for their turn",
    changes: [
      inFunction(
        "note_milestones",
        "  lock table scheduler.mentor_state in share row exclusive mode;\n",
      ),
    ],
    tests: tests(`${ISOLATION}: settings`),
  },
  {
    name: "state: hints wait for no writer",
    removed: "a mentor who is being written is passed over",
    changes: [inFunction("remember_windows", "    for update of state skip locked\n")],
    tests: tests(`${STATES}: an evaluation waits for no open transaction`),
  },
  {
    name: "state: two who name a roster",
    removed: "of two at once the second sees what the first tracked",
    changes: [
      inFunction(
        "track_roster",
        "  lock table scheduler.tracked_sources in share row exclusive mode;\n",
      ),
    ],
    tests: tests("sql/tests/races/operators.test.ts: of two who name a roster at once"),
  },
  {
    name: "state: a table tracked while a roster is given up",
    removed: "of two at once the second sees what the first tracked",
    changes: [
      inFunction(
        "track_activity",
        "  lock table scheduler.tracked_sources in share row exclusive mode;\n",
      ),
    ],
    tests: tests("sql/tests/races/operators.test.ts: while a roster is given up"),
  },
];
