// An evaluation reads index ranges of who is due, never a whole table of
// mentors, activities or certifications. auto_explain shows the plan of every
// statement inside the functions.

import { deepStrictEqual, ok } from "node:assert/strict";
import { connect, type Sql } from "../../../scripts/server.ts";
import { server, testDatabase } from "../../../scripts/testing.ts";

interface PlanNode {
  "Node Type": string;
  Schema?: string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Index Cond"?: string;
  "Recheck Cond"?: string;
  Plans?: PlanNode[];
}

interface ExplainedStatement {
  "Query Text": string;
  Plan: PlanNode;
}

const LARGE = [
  "public.peer_mentors",
  "public.activities",
  "public.certifications",
  "public.device_tokens",
  "public.notification_preferences",
  "scheduler.notifications",
  "scheduler.push_attempts",
  "scheduler.scenario_cooldowns",
  "scheduler.mentor_state",
];

/** 20,000 mentors with ten activities each; 800 are due by inactivity, 100 by milestone, 100 by expiry. */
const WORLD = `
  set session_replication_role = replica;
  insert into public.organisations (id, name)
  select md5('organisation ' || n)::uuid, 'Organisation' from generate_series(0, 9) as n;
  insert into public.peer_mentors (id, organisation_id, joined_on)
  select md5('mentor ' || n)::uuid, md5('organisation ' || n % 10)::uuid, '2025-01-01' from generate_series(1, 20000) as n;
  insert into public.device_tokens (token, user_id) select 'token ' || n, md5('mentor ' || n)::uuid from generate_series(1, 20000) as n;
  insert into public.activities (user_id, activity_date)
  select
    md5('mentor ' || n)::uuid,
    date '2026-03-09' - case when n <= 800 then 30 + n % 10 when n <= 900 then n % 9 else 15 + n % 12 end - ordinal * 9
  from generate_series(0, 9) as ordinal cross join generate_series(1, 20000) as n;
  insert into public.certifications (user_id, expires_on)
  select md5('mentor ' || n)::uuid, date '2026-03-10' + case when n between 901 and 1000 then 20 else 100 + n % 900 end
  from generate_series(1, 20000) as n;
  set session_replication_role = origin;
  select scheduler.rebuild_mentor_state();
  analyze;
`;

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** Scans of a large table from end to end, be it along an index. */
function wholeScans(statements: ExplainedStatement[]): string[] {
  return statements.flatMap((statement) =>
    nodesOf(statement.Plan)
      .filter((node) => LARGE.includes(`${node.Schema}.${node["Relation Name"]}`))
      .filter((node) =>
        node["Node Type"] === "Seq Scan" ||
        (node["Node Type"].startsWith("Index") && node["Index Cond"] === undefined) ||
        (node["Node Type"] === "Bitmap Heap Scan" && node["Recheck Cond"] === undefined)
      )
      .map((node) =>
        `${node["Node Type"]} on ${node.Schema}.${node["Relation Name"]} in: ${
          statement["Query Text"].replace(/\s+/g, " ").slice(0, 200)
        }`
      )
  );
}

class Explained {
  #statements: ExplainedStatement[] = [];
  readonly sql: Sql;

  constructor(url: string) {
    this.sql = connect(url, {
      onnotice: (notice) => {
        const plan = /plan:\s*(\{[\s\S]*)$/.exec(notice.message ?? "")?.[1];
        if (plan) this.#statements.push(JSON.parse(plan));
      },
    });
  }

  async start(): Promise<void> {
    try {
      await this.sql`load 'auto_explain'`;
    } catch (error) {
      throw new Error(
        `${server.name} has no auto_explain, so its plans can't be seen. Run this test on a server that has: ` +
          "Debian's postgresql-15 has it.",
        { cause: error },
      );
    }
    await this.sql.unsafe(`
      set auto_explain.log_min_duration = 0;
      set auto_explain.log_nested_statements = on;
      set auto_explain.log_format = json;
      set auto_explain.log_verbose = on;
      set client_min_messages = log;
    `);
  }

  async statementsOf(query: string): Promise<ExplainedStatement[]> {
    this.#statements = [];
    await this.sql.unsafe(query);
    return this.#statements;
  }
}

const MOMENT = "as_of => '2026-03-10 11:00+00'";
const SOMEBODY = "md5('mentor 7')::uuid";

const CALLS: Record<string, string> = {};
for (const dry of [true, false]) {
  for (const scenario of ["inactivity", "milestone", "expiry", null]) {
    const scenarios = scenario ? `array['${scenario}']` : "null";
    CALLS[`${dry ? "a dry run" : "an evaluation"} of ${scenario ?? "all scenarios"}`] =
      `select count(*) from public.run_scenario_evaluation(scenarios => ${scenarios}, ${MOMENT}, dry_run => ${dry})`;
  }
}
CALLS["an evaluation of one organisation"] =
  `select count(*) from public.run_scenario_evaluation(${MOMENT}, organisation_ids => array[md5('organisation 3')::uuid])`;
CALLS["an evaluation of one mentor"] =
  `select count(*) from public.run_scenario_evaluation(${MOMENT}, user_ids => array[${SOMEBODY}])`;
CALLS["an explanation"] =
  `select count(*) from public.explain_scenario_evaluation(${SOMEBODY}, ${MOMENT})`;

Deno.test("what an evaluation reads is a range of an index, of 20,000 mentors and 200,000 activities", async (test) => {
  const database = await testDatabase();
  const explained = new Explained(database.adminUrl);
  try {
    const admin = database.session("supabase_admin");
    await admin.unsafe(WORLD);
    await explained.start();

    await test.step("a scan of a whole table would be seen, in a function too", async () => {
      ok(
        wholeScans(await explained.statementsOf("select count(kind) from public.activities"))
          .length > 0,
      );
      ok(
        wholeScans(
          await explained.statementsOf("select count(*) from scheduler.verify_mentor_state()"),
        ).length > 0,
      );
      const forced =
        "set enable_seqscan = off; select count(*) from scheduler.mentor_state; set enable_seqscan = on";
      ok(wholeScans(await explained.statementsOf(forced)).length > 0);
    });

    for (const [name, call] of Object.entries(CALLS)) {
      await test.step(name, async () => {
        const statements = await explained.statementsOf(`begin; ${call}; rollback`);
        ok(
          statements.some((statement) =>
            nodesOf(statement.Plan).some((node) =>
              node["Relation Name"] === "mentor_state" && node["Index Cond"] !== undefined
            )
          ),
          "the state is read by an index",
        );
        deepStrictEqual(wholeScans(statements), []);
      });
    }

    await test.step("a day's second evaluation, with all windows and notifications of the first", async () => {
      await admin.unsafe(CALLS["an evaluation of all scenarios"] as string);
      await admin`analyze`;
      deepStrictEqual(
        wholeScans(await explained.statementsOf(CALLS["an evaluation of all scenarios"] as string)),
        [],
      );
    });

    await test.step("claiming and recording pages of an outbox of 50,000, cancelled, late and tried ones among them", async () => {
      await admin.unsafe(`
        insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, status, title, body)
        select md5('mentor ' || n % 20000)::uuid, 'past', 'past:' || n, date '2025-01-01' + n / 20000, 'sent', 'title', 'body'
        from generate_series(1, 50000) as n;
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome)
        select id, 1, sha256(convert_to('token', 'UTF8')), 'retry' from scheduler.notifications;
        update scheduler.notifications set expires_at = now() + interval '1 day' where status = 'pending';
        update scheduler.notifications set attempts = 1 where status = 'pending' and id % 3 = 0;
        update scheduler.notifications set created_at = now() - interval '1 hour' where status = 'pending' and id % 5 = 0;
        insert into public.notification_preferences (user_id, scenario_type, push_enabled)
        select user_id, scenario_type, id % 7 <> 0 from scheduler.notifications where status = 'pending';
        analyze;
      `);
      const page = `
        select count(*)
        from public.record_push_results((
          select jsonb_agg(jsonb_build_object(
            'notification_id', claimed.notification_id, 'lease_token', claimed.lease_token,
            'token', device.value ->> 'token', 'outcome', 'sent'
          ))
          from public.claim_notifications(batch_size => 60, lease => '1 minute', invocation_id => null) as claimed,
            json_array_elements(claimed.devices) as device
        ));
      `;
      // As often as it takes for plans that are kept for any arguments.
      const statements = await explained.statementsOf(`begin; ${page.repeat(8)} rollback`);
      ok(
        statements.filter((statement) =>
          nodesOf(statement.Plan).some((node) => node["Index Name"] === "notifications_due")
        ).length >= 8,
        "what is due is found by its index",
      );
      deepStrictEqual(wholeScans(statements), []);
    });

    await test.step("recording an activity, moving it, deleting it, and a mentor's pause", async () => {
      const statements = await explained.statementsOf(`
        begin;
        insert into public.activities (user_id, activity_date) values (${SOMEBODY}, '2026-03-10');
        update public.activities set activity_date = '2026-03-11' where user_id = ${SOMEBODY} and activity_date = '2026-03-10';
        delete from public.activities where user_id = ${SOMEBODY} and activity_date = '2026-03-11';
        update public.peer_mentors set status = 'paused' where id = ${SOMEBODY};
        rollback;
      `);
      ok(statements.length > 10);
      deepStrictEqual(wholeScans(statements), []);
    });
  } finally {
    await explained.sql.end();
    await database.drop();
  }
});
