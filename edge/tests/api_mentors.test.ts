// The mentors in reach: by assignment, by chapter, by both; and pages while they come
// and go. SEED=… repeats what comes and goes.

import assert from "node:assert/strict";
import { givenSeed, randomFrom, report } from "../../scripts/testing.ts";
import {
  type ApiWorld,
  assertProblem,
  CHAPTER,
  inApiWorld,
  MENTORS,
  NORTH,
  PEOPLE,
  type Person,
  SOUTHERN_CHAPTER,
} from "./api_world.ts";

const MENTORS_PATH = "/active-peer-mentors";

async function reachOf(world: ApiWorld, person: Person, query = ""): Promise<string[]> {
  const pages: { user_id: string }[][] = await world.pages(person, `${MENTORS_PATH}${query}`);
  return pages.flat().map(({ user_id }) => user_id);
}

Deno.test("each sees the active mentors in reach, each once, and nobody else's", async () => {
  await inApiWorld(async (world) => {
    const { assigned, inChapter, assignedInChapter, outOfReach, southern } = MENTORS;
    // An assignment across organisations reaches nobody.
    await world.sql`
      insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
      values (${PEOPLE.byAssignment}, ${southern})
    `;
    await world.sql`
      insert into public.chapter_coordinators (coordinator_id, chapter_id)
      values (${PEOPLE.byChapter}, ${SOUTHERN_CHAPTER})
    `;
    for (
      const [person, reached] of [
        ["admin", [assigned, inChapter, assignedInChapter, outOfReach]],
        ["coordinator", [assigned, inChapter, assignedInChapter]],
        ["byAssignment", [assigned, assignedInChapter]],
        ["byChapter", [inChapter, assignedInChapter]],
        ["idleCoordinator", []],
        ["otherAdmin", [southern]],
        ["otherCoordinator", [southern]],
      ] as const
    ) {
      assert.deepEqual(await reachOf(world, person), reached, person);
      assert.deepEqual(await reachOf(world, person, "?limit=1"), reached, person);
      const inHers = reached.filter((id) => id === inChapter || id === assignedInChapter);
      assert.deepEqual(await reachOf(world, person, `?chapter_id=${CHAPTER}`), inHers, person);
      assert.deepEqual(await reachOf(world, person, `?chapter_id=${crypto.randomUUID()}`), []);
    }
    // A chapter that is not there is told from one out of reach by nothing.
    const others = await world.call(
      "admin",
      "GET",
      `${MENTORS_PATH}?chapter_id=${SOUTHERN_CHAPTER}`,
    );
    const nobodys = await world.call(
      "admin",
      "GET",
      `${MENTORS_PATH}?chapter_id=${crypto.randomUUID()}`,
    );
    assert.deepEqual([others.status, others.text], [nobodys.status, nobodys.text]);
  });
});

Deno.test("a mentor is shown with what a coordinator needs to know", async () => {
  await inApiWorld(async (world) => {
    await world.sql`
      insert into public.activities (user_id, activity_date) values (${MENTORS.inChapter}, current_date - 40)
    `;
    await world.sql`
      insert into public.certifications (user_id, name, expires_on)
      values (${MENTORS.inChapter}, 'First aid', current_date + 300)
    `;
    const evaluated = await world.call("coordinator", "POST", "/evaluation-batch", {
      user_ids: [MENTORS.inChapter],
      dry_run: false,
    });
    assert.equal(evaluated.body.candidates.length, 1);
    const { body } = await world.call("byChapter", "GET", `${MENTORS_PATH}?limit=1`);
    const [mentor] = body.data;
    const [expected] = await world.sql`
      select (current_date - 40)::text as active, (current_date + 300)::text as expiry
    `;
    assert.deepEqual(
      { ...mentor, days_silent: undefined, last_notification_on: undefined },
      {
        user_id: MENTORS.inChapter,
        organisation_id: NORTH,
        chapter_id: CHAPTER,
        status: "active",
        last_activity_on: expected?.["active"],
        days_silent: undefined,
        next_certification_expiry: expected?.["expiry"],
        last_notification_scenario: "inactivity",
        last_notification_on: undefined,
        last_notification_status: "pending",
        last_notification_reason: null,
        last_notification_sent_at: null,
      },
    );
    // In the organisation's zone it may be tomorrow already.
    assert.ok([39, 40, 41].includes(mentor?.days_silent ?? 0), String(mentor?.days_silent));
  });
});

Deno.test("pages have no gap and nobody twice while mentors are assigned, moved, paused and removed", async () => {
  const seed = givenSeed();
  const random = randomFrom(seed);
  await inApiWorld(async (world) => {
    for (const limit of [1, 7, 20]) {
      const what = `SEED=${seed} limit=${limit}`;
      await world.sql`delete from public.peer_mentors where id::text like 'f%'`;
      const added = await world.sql<{ id: string; fate: number }[]>`
        insert into public.peer_mentors (id, organisation_id, chapter_id, joined_on)
        select overlay(gen_random_uuid()::text placing 'f' from 1 for 1)::uuid, ${NORTH},
          case when n % 2 = 0 then ${CHAPTER}::uuid end, '2025-01-01'
        from generate_series(1, 80) as n
        returning id
      `;
      const ids = added.map(({ id }) => id);
      const pick = () => ids.splice(Math.floor(random() * ids.length), 1);
      // They stay as they are; the others change.
      const constant = Array.from({ length: 30 }, pick).flat();
      await world.sql`
        insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
        select ${PEOPLE.coordinator}, mentor.id
        from public.peer_mentors as mentor
        where mentor.id = any (${constant}) and mentor.chapter_id is null
      `;
      const changes = [
        (id: string[]) => world.sql`delete from public.peer_mentors where id = any (${id})`,
        (id: string[]) =>
          world.sql`update public.peer_mentors set status = 'paused' where id = any (${id})`,
        (id: string[]) =>
          world.sql`update public.peer_mentors set chapter_id = null where id = any (${id})`,
        (id: string[]) =>
          world.sql`update public.peer_mentors set chapter_id = ${CHAPTER} where id = any (${id})`,
        (id: string[]) =>
          world.sql`
            insert into public.coordinator_assignments (coordinator_id, peer_mentor_id)
            select ${PEOPLE.coordinator}, unnest(${id}::uuid[])
          `,
      ];
      const pages = await world.pages("coordinator", `${MENTORS_PATH}?limit=${limit}`, async () => {
        for (const change of changes) if (ids.length > 0 && random() < 0.5) await change(pick());
      });
      const seen: string[] = pages.flat().map(({ user_id }) => user_id);
      assert.deepEqual(seen, [...new Set(seen)].sort(), `${what}: out of order, or twice`);
      assert.deepEqual(constant.filter((id) => !seen.includes(id)), [], `${what}: a gap`);
      assert.ok(!seen.includes(MENTORS.outOfReach) && !seen.includes(MENTORS.southern), what);
    }
  });
  report(`pages of mentors: SEED=${seed}`);
});

Deno.test("a mentor is shown no list, and nobody one by a parameter that is not there", async () => {
  await inApiWorld(async (world) => {
    assertProblem(await world.call("mentor", "GET", MENTORS_PATH), 403, "forbidden");
    const answer = await world.call(
      "coordinator",
      "GET",
      `${MENTORS_PATH}?chapter_id=1&status=paused`,
    );
    assertProblem(answer, 400, "invalid-request", ["query #/chapter_id", "query #/status"]);
  });
});
