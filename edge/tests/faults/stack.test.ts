// Waiting that is skipped must neither do harm nor hide any.

import assert from "node:assert/strict";
import { pause } from "../../../scripts/testing.ts";
import { Stack } from "./stack.ts";

interface Held {
  by: string | null;
  isOver: boolean | null;
}

/** A notification in the hands of a run that has ended. */
async function leaveInTheHandsOfTheDead(stack: Stack): Promise<void> {
  await stack.sql`
    with dead as (
      insert into scheduler.invocations (job_name, status, started_at, finished_at)
      values ('dispatch-backlog', 'abandoned', now(), now())
      returning id
    )
    insert into scheduler.notifications
      (user_id, scenario_type, occurrence_key, evaluation_date, status, title, body, attempts, claimed_by, lease_token, lease_expires_at)
    select
      gen_random_uuid(), 'inactivity', 'a test', current_date, 'sending', 't', 'b', 1,
      id, gen_random_uuid(), now() + interval '40 seconds'
    from dead
  `;
}

async function inStack(test: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await Stack.make();
  try {
    await test(stack);
  } finally {
    await stack.end();
  }
}

async function held(stack: Stack): Promise<Held | undefined> {
  const [row] = await stack.sql<Held[]>`
    select claimed_by as by, lease_expires_at <= now() as "isOver" from scheduler.notifications
  `;
  return row;
}

Deno.test("the leases of runs that are over run out, and one that is missing is not mended", () =>
  inStack(async (stack) => {
    await leaveInTheHandsOfTheDead(stack);
    await stack.timePasses();
    assert.equal((await held(stack))?.isOver, true);

    await stack.sql`update scheduler.notifications set lease_expires_at = null`;
    await stack.timePasses();
    assert.equal((await held(stack))?.isOver, null);
  }));

Deno.test("no lease is taken from a run that claims while time passes", () =>
  inStack(async (stack) => {
    const { database } = stack.world;
    await leaveInTheHandsOfTheDead(stack);
    const living = crypto.randomUUID();
    await stack.sql`
      insert into scheduler.invocations (id, job_name, status)
      values (${living}, 'dispatch-backlog', 'requested')
    `;
    // The run begins and claims after time began to pass, which waits for it.
    const claimer = database.session();
    await claimer`begin`;
    await claimer`select from scheduler.notifications for update`;
    const passing = stack.timePasses();
    const watcher = database.session();
    for (let waiting = 0; waiting === 0; await pause(10)) {
      waiting = (await watcher`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `).length;
    }
    await watcher`
      update scheduler.invocations set status = 'running', started_at = now(), heartbeat_at = now()
      where id = ${living}
    `;
    await claimer`
      update scheduler.notifications set
        claimed_by = ${living}, attempts = attempts + 1, lease_token = gen_random_uuid(),
        lease_expires_at = now() + interval '40 seconds'
    `;
    await claimer`commit`;
    await passing;
    assert.deepEqual(await held(stack), { by: living, isOver: false });
  }));

Deno.test("what would be tried later than the design lets it is told of before the wait is skipped", () =>
  inStack(async (stack) => {
    await leaveInTheHandsOfTheDead(stack);
    await stack.sql`
      update scheduler.notifications set lease_expires_at = now() + interval '61 minutes'
    `;
    await stack.timePasses();
    await stack.sql`
      update scheduler.notifications set
        status = 'pending', lease_token = null, lease_expires_at = null,
        next_attempt_at = now() + interval '7 days 1 hour'
    `;
    await stack.timePasses();
    const findings = [...stack.findings];
    assert.match(findings[0] ?? "", /^notification \d+ has a lease that ends in 3660 s, /);
    assert.match(findings[1] ?? "", /^notification \d+ is tried again in 6084\d\d s, /);
    assert.equal(findings.length, 2);
  }));
