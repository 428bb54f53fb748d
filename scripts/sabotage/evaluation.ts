// Who is decided on, by whom, and what holds a push back.

import { inFunction, type Sabotage, tests } from "./change.ts";

const ISOLATION = "sql/tests/isolation/isolation.test.ts";

export const EVALUATION: Sabotage[] = [
  {
    name: "evaluation: its turn",
    removed: "the advisory lock",
    changes: [
      inFunction(
        "run_scenario_evaluation",
        "    perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler evaluation', 0));\n",
      ),
    ],
    tests: tests("sql/tests/races/turns.test.ts: before it touches a row"),
  },
  {
    name: "evaluation: old snapshots",
    removed: "the write that fails a caller at repeatable read who has waited",
    changes: [
      inFunction(
        "run_scenario_evaluation",
        "    update scheduler.scenarios as scenario set last_turn_at = clock_timestamp();\n",
      ),
    ],
    tests: tests("sql/tests/races/turns.test.ts: with a snapshot"),
  },
  {
    name: "evaluation: insert order",
    removed: "ids and inserts in the order of the mentors: they come in another",
    changes: [
      inFunction(
        "run_scenario_evaluation",
        "where verdict.reason is null order by verdict.user_id, verdict.scenario_type\n    ) as ordered",
        "where verdict.reason is null order by md5(verdict.user_id::text)\n    ) as ordered",
      ),
      inFunction(
        "run_scenario_evaluation",
        "    order by candidate.notification_id\n    on conflict on constraint",
        "    on conflict on constraint",
      ),
      inFunction(
        "run_scenario_evaluation",
        "    order by candidate.notification_id\n    on conflict do nothing",
        "    on conflict do nothing",
      ),
    ],
    tests: tests("sql/tests/run_scenario_evaluation/insert_order.test.sql"),
  },
  {
    name: "evaluation: cooldown",
    removed: "a window that lasts holds back",
    changes: [
      inFunction(
        "judge_occurrences",
        "        when latest.cooldown_until > scope.evaluation_date then 'cooldown'\n",
      ),
    ],
    tests: tests("sql/tests/run_scenario_evaluation/cooldown_windows.test.sql: holds for 5 days"),
  },
  {
    name: "evaluation: window's start",
    removed: "from the mentor's dates, not from the clock",
    changes: [
      inFunction(
        "judge_occurrences",
        "    greatest(allowed.anchor, allowed.rested_until),\n",
        "    allowed.evaluation_date,\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/cooldown_windows.test.sql: a window starts at the anchor",
    ),
  },
  {
    name: "evaluation: opted out",
    removed: "the preference holds back",
    changes: [
      inFunction(
        "judge_occurrences",
        "            and not preference.push_enabled\n",
        "            and false\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/suppression_order.test.sql: a mentor can opt out of",
    ),
  },
  {
    name: "evaluation: frequency caps",
    removed: "a day's and a week's number of pushes",
    changes: [
      inFunction(
        "judge_occurrences",
        "        when placed.today + placed.place > placed.daily_cap or placed.in_week + placed.place > placed.weekly_cap\n          then 'frequency_cap'\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/frequency_cap_daily.test.sql: under a daily cap of 1",
    ),
  },
  {
    name: "evaluation: reminders",
    removed: "max_reminders",
    changes: [
      inFunction(
        "detect_inactivity",
        "    case when reminder.number > silent.max_reminders then 'max_reminders' end,\n",
        "    null,\n",
      ),
      inFunction(
        "detect_inactivity",
        "        and state.inactivity_reminders < coalesce(scope.max_reminders, 2147483647)\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/inactivity_reminders.test.sql: after max_reminders",
    ),
  },
  {
    name: "evaluation: quiet hours",
    removed: "delivery waits for their end",
    changes: [
      inFunction(
        "next_allowed_time",
        "    when next_end.allowed = wanted then wanted\n",
        "    when true then wanted\n",
      ),
    ],
    tests: tests("sql/tests/run_scenario_evaluation/quiet_hours.test.sql"),
  },
  {
    name: "evaluation: paused organisations",
    removed: "they are not evaluated",
    changes: [
      inFunction(
        "evaluation_scopes",
        "    where not coalesce(own.paused, false) and not coalesce(fallback.paused, false)\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/scope.test.sql: a paused organisation gets nothing",
    ),
  },
  {
    name: "evaluation: texts",
    removed: "a placeholder that is not on the list is refused",
    changes: [inFunction("check_template", "  if rest ~ '[{}]' then\n", "  if false then\n")],
    tests: tests("sql/tests/check_template/errors.test.sql"),
  },
  {
    name: "evaluation: waits for no operator",
    removed: "a scenario that is being edited goes without its figures",
    changes: [inFunction("record_evaluation", "      for update skip locked\n")],
    tests: tests(`${ISOLATION}: settings`),
  },
  {
    name: "evaluation: no device",
    removed: "a mentor without one is held back",
    changes: [
      inFunction(
        "judge_occurrences",
        "        when not exists (\n          select from scheduler.device as device where device.user_id = found.user_id\n        ) then 'no_device'\n",
      ),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/suppression_order.test.sql: a mentor without any device",
    ),
  },
  {
    name: "evaluation: already notified",
    removed: "an occurrence that has a notification is held back",
    changes: [
      inFunction(
        "judge_occurrences",
        "        when history.has_occurrence then 'already_notified'\n",
      ),
    ],
    tests: tests("sql/tests/explain_scenario_evaluation/decisions.test.sql: is not due again"),
  },
  {
    name: "evaluation: already evaluated",
    removed: "one that has one of that day is held back",
    changes: [
      inFunction("judge_occurrences", "        when history.has_day then 'already_evaluated'\n"),
    ],
    tests: tests(
      "sql/tests/run_scenario_evaluation/cancelled_notification.test.sql: no candidate on the same day",
    ),
  },
  {
    name: "evaluation: zones",
    removed: "only real names, no rules and abbreviations",
    changes: [
      inFunction(
        "usable_timezone",
        "        and (\n          zone ~ '^[A-Za-z]+(/[A-Za-z_-]+)+$'\n          or zone = 'UTC'\n          or exists (select from pg_timezone_names as known where known.name = zone)\n        )\n",
      ),
    ],
    tests: tests("sql/tests/usable_timezone/names.test.sql"),
  },
  {
    name: "evaluation: zones that are none",
    removed: "one bad row stops no run",
    changes: [
      inFunction(
        "usable_timezone",
        "      when invalid_parameter_value then\n",
        "      when no_data_found then\n",
      ),
    ],
    tests: tests("sql/tests/run_scenario_evaluation/bad_rows.test.sql: without a valid zone"),
  },
];
