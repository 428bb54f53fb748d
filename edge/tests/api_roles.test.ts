// Every operation, tried by everybody: what each may do, and that a refusal does nothing.

import assert from "node:assert/strict";
import { report } from "../../scripts/testing.ts";
import {
  type ApiWorld,
  assertIsProblem,
  inApiWorld,
  MENTORS,
  type Person,
  SOUTH,
} from "./api_world.ts";

/** Whom of these somebody reaches. */
const REACH = {
  admin: [MENTORS.assigned, MENTORS.inChapter, MENTORS.outOfReach],
  coordinator: [MENTORS.assigned, MENTORS.inChapter],
  byAssignment: [MENTORS.assigned],
  byChapter: [MENTORS.inChapter],
  idleCoordinator: [],
  otherAdmin: [MENTORS.southern],
  otherCoordinator: [MENTORS.southern],
} as const satisfies Partial<Record<Person, readonly string[]>>;
type Staff = keyof typeof REACH;

const STAFF = Object.keys(REACH) as Staff[];
const NO_STAFF = ["nobody", "mentor"] as const;
const CALLERS = [null, ...NO_STAFF, ...STAFF];

const isNorthern = (caller: Staff) => !caller.startsWith("other");
const reaches = (caller: Staff, mentor: string) =>
  REACH[caller].some((reached) => reached === mentor);

type Columns = Parameters<ApiWorld["addRun"]>[0];

interface Operation {
  name: string;
  /** The run that it is about. */
  run?: Columns;
  request(run: string): [method: string, path: string, body?: unknown];
  /** What staff get. */
  expected(caller: Staff): number;
  writes?: boolean;
}

const onRun = (
  name: string,
  run: Columns,
  [method, body]: [method: string, body?: unknown],
  expected: Operation["expected"],
): Operation => ({
  name,
  run,
  request: (id) => [method, `/${id}`, body],
  expected,
  writes: method !== "GET",
});

const evaluating = (user_id: string, dry_run: boolean): Operation => ({
  name: `evaluate mentor ${Number(user_id.slice(-2))}${dry_run ? ", to look only" : ""}`,
  request: () => ["POST", "/evaluation-batch", { user_ids: [user_id], dry_run }],
  expected: (caller) => reaches(caller, user_id) ? 200 : 422,
  writes: !dry_run,
});

const ofNorth = (caller: Staff) => isNorthern(caller) ? 200 : 404;
const ofSouth = (caller: Staff) => isNorthern(caller) ? 404 : 200;

const OPERATIONS: Operation[] = [
  { name: "list runs", request: () => ["GET", ""], expected: () => 200 },
  { name: "list mentors", request: () => ["GET", "/active-peer-mentors"], expected: () => 200 },
  { name: "start a run", request: () => ["POST", "", {}], expected: () => 202, writes: true },
  onRun("look at a run", {}, ["GET"], ofNorth),
  onRun("look at a southern run", { organisation_ids: [SOUTH] }, ["GET"], ofSouth),
  onRun("look at a run of all", { organisation_ids: null }, ["GET"], () => 200),
  onRun("write a note", {}, ["PUT", { note: "A note" }], ofNorth),
  onRun(
    "write on a run of all",
    { organisation_ids: null },
    ["PUT", { note: "A note" }],
    () => 200,
  ),
  onRun("stop a run", { status: "running" }, ["PUT", { stop: true }], ofNorth),
  onRun(
    "stop a run of all",
    { status: "running", organisation_ids: null },
    ["PUT", { stop: true }],
    () => 403,
  ),
  onRun(
    "write a note and stop a run of all",
    { status: "running", organisation_ids: null },
    ["PUT", { note: "A note", stop: true }],
    () => 403,
  ),
  onRun(
    "delete a run",
    {},
    ["DELETE"],
    (caller) => caller === "admin" ? 204 : isNorthern(caller) ? 403 : 404,
  ),
  onRun(
    "delete a southern run",
    { organisation_ids: [SOUTH] },
    ["DELETE"],
    (caller) => caller === "otherAdmin" ? 204 : isNorthern(caller) ? 404 : 403,
  ),
  onRun("delete a run of all", { organisation_ids: null }, ["DELETE"], () => 403),
  ...[MENTORS.assigned, MENTORS.inChapter, MENTORS.outOfReach, MENTORS.southern].flatMap((
    mentor,
  ) => [evaluating(mentor, true), evaluating(mentor, false)]),
];

function isStaff(caller: typeof CALLERS[number]): caller is Staff {
  return caller !== null && caller in REACH;
}

Deno.test("each may do what role and reach allow, and a refusal leaves nothing behind", async () => {
  await inApiWorld(async (world) => {
    const counts = { allowed: 0, refused: 0 };
    for (const { name, run, request, expected, writes = false } of OPERATIONS) {
      for (const caller of CALLERS) {
        const what = `${caller ?? "without a token"}: ${name}`;
        await world.sql`delete from scheduler.invocations`;
        await world.sql`delete from scheduler.scenario_cooldowns`;
        await world.sql`delete from scheduler.notifications`;
        const [method, path, body] = request(run ? await world.addRun(run) : "");
        const before = await world.written();

        const answer = await world.call(caller, method, path, body);
        const wanted = isStaff(caller) ? expected(caller) : caller === null ? 401 : 403;
        assert.equal(answer.status, wanted, `${what}: ${answer.text}`);
        const isRefused = wanted >= 400;
        counts[isRefused ? "refused" : "allowed"]++;
        if (isRefused) assertIsProblem(answer, what);
        const wrote = await world.written() !== before;
        assert.equal(wrote, writes && !isRefused, `${what}: ${wrote ? "wrote" : "wrote nothing"}`);
      }
    }
    report(`API, operation × caller: ${counts.allowed} allowed, ${counts.refused} refused`);
  });
});

Deno.test("what a run that is not to be seen is answered with differs in nothing from one that is not there", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    for (
      const [method, body] of [
        ["GET", undefined],
        ["PUT", { note: "A note" }],
        ["PUT", { stop: true }],
        ["DELETE", undefined],
      ] as const
    ) {
      for (const person of ["otherAdmin", "otherCoordinator"] as const) {
        const others = await world.call(person, method, `/${id}`, body);
        const nobodys = await world.call(person, method, `/${crypto.randomUUID()}`, body);
        assertIsProblem(others, `${person} ${method}`);
        assert.deepEqual(
          [others.status, { ...others.body, instance: "" }, namesOf(others.headers)],
          [nobodys.status, { ...nobodys.body, instance: "" }, namesOf(nobodys.headers)],
        );
        assert.equal(others.text.length, nobodys.text.length);
      }
    }
  });
});

const namesOf = (headers: Headers) => [...headers.keys()].sort();

Deno.test("who is staff no more is refused at once, whatever the token says", async () => {
  await inApiWorld(async (world) => {
    assert.equal((await world.call("coordinator", "GET")).status, 200);
    await world.sql`delete from public.staff where role = 'coordinator'`;
    for (const path of ["", "/active-peer-mentors"]) {
      assert.equal((await world.call("coordinator", "GET", path)).status, 403);
    }
    assert.equal((await world.call("admin", "GET")).status, 200);
  });
});
