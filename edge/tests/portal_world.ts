// A world whose mentors' certifications come from a fake of the member portal.

import type { EdgeFunction } from "../../scripts/edge_function.ts";
import {
  type FakePortal,
  type FakePortalOptions,
  type PortalRow,
  startFakePortal,
} from "../../scripts/fake_portal.ts";
import { loginUrl } from "../../scripts/testing.ts";
import { type Answered, inWorld, ORGANISATION, type World } from "./world.ts";

export const COURSE = "Course";

/** A certification as a project holds it, or as the portal's rows would have it held. */
export interface Held {
  external_id: string;
  user_id: string;
  name: string;
  expires_on: string | null;
  revoked: boolean;
}

/** A run of a job, as far as it has to do with the portal. */
export interface JobRun {
  job_name: string;
  status: string;
  error_type: string | null;
  error_message: string | null;
  pages_processed: number | null;
  details: Record<string, unknown> | null;
  has_times: boolean;
}

const NIGHTLY = ["hlf-sync", "certification-expiry", "dispatch-backlog"];

export class PortalWorld {
  constructor(readonly world: World, readonly portal: FakePortal) {}

  get sql() {
    return this.world.sql;
  }

  /** The function with the login that is made for it, told where the portal is. */
  start(
    environment: Record<string, string> = {},
    portal: FakePortal = this.portal,
  ): Promise<EdgeFunction> {
    return this.world.start({
      SCHEDULER_DB_URL: loginUrl(this.world.database, "scheduler_dispatcher"),
      HLF_PAGE_SIZE: "3",
      ...portal.environment,
      ...environment,
    });
  }

  sync(on: EdgeFunction, body: Record<string, unknown> = {}): Promise<Answered> {
    return this.world.run(on, { job_name: "hlf-sync", ...body });
  }

  /** Mentors who each have a device, and must have the course. Returns their ids. */
  async addMentors(count: number): Promise<string[]> {
    await this.world.addMentors(count);
    // Who has not been active is another scenario's business.
    await this.sql`
      update scheduler.scenario_config set enabled = false where scenario_type <> 'expiry'
    `;
    await this.sql`
      insert into scheduler.required_certifications (organisation_id, name)
      values (${ORGANISATION}, ${COURSE}) on conflict do nothing
    `;
    const rows = await this.sql<{ id: string }[]>`
      select md5('mentor ' || n)::uuid as id from generate_series(1, ${count}::integer) as n
    `;
    return rows.map(({ id }) => id);
  }

  /** A day of the mentors' calendar, so many after today. */
  async day(after: number): Promise<string> {
    const [row] = await this.sql<{ day: string }[]>`
      select ((now() at time zone 'Europe/Oslo')::date + ${after}::integer)::text as day
    `;
    return row?.day ?? "";
  }

  /** The portal says that she has the course. */
  certify(id: string, mentor: string, until: string | null, more: PortalRow = {}): void {
    this.portal.put(id, {
      hlf_memberid: mentor,
      hlf_name: COURSE,
      hlf_expireson: until,
      ...more,
    });
  }

  async held(): Promise<Held[]> {
    const rows = await this.sql<Held[]>`
      select external_id, user_id, name, expires_on::text, revoked_at is not null as revoked
      from public.certifications order by external_id collate "C"
    `;
    return rows.map((row) => ({ ...row }));
  }

  async statuses(): Promise<Record<string, string>> {
    const rows = await this.sql<{ id: string; status: string }[]>`
      select id, status from public.peer_mentors
    `;
    return Object.fromEntries(rows.map(({ id, status }) => [id, status]));
  }

  /** What the history says of a mentor, a line a change. */
  async history(mentor: string): Promise<string[]> {
    const rows = await this.sql<{ line: string }[]>`
      select concat_ws(' ', from_status, 'to', to_status, 'by', changed_by, reason) as line
      from public.mentor_status_history where user_id = ${mentor} order by id
    `;
    return rows.map(({ line }) => line);
  }

  async runs(): Promise<JobRun[]> {
    const rows = await this.sql<JobRun[]>`
      select job_name, status, error_type, error_message, pages_processed, details,
        started_at <= finished_at as has_times
      from scheduler.invocations order by requested_at, id
    `;
    return rows.map((row) => ({ ...row }));
  }

  async lastRun(): Promise<JobRun | undefined> {
    return (await this.runs()).at(-1);
  }

  /** From now on the database does by itself what a night does. */
  async schedule(on: EdgeFunction): Promise<void> {
    await this.world.schedule(on.url, this.world.secret, NIGHTLY);
    await this.world.startNetWorker();
    await this.sql`update scheduler.jobs set last_tick_for = now() - interval '1 day'`;
  }

  /** The nightly tick, and those of the next minutes, until nothing more is on. Returns what each started. */
  async night(): Promise<string[][]> {
    const started = [await this.world.tick("nightly-scheduler")];
    for (let minute = 3; started.at(-1)?.length || await this.#isBusy(); minute++) {
      await this.world.runsEnd();
      started.push(await this.world.tick("scenario-scheduler-dispatch", minute));
    }
    return started.filter((jobs) => jobs.length > 0);
  }

  async #isBusy(): Promise<boolean> {
    const [row] = await this.sql<{ busy: boolean }[]>`
      select exists (
        select from scheduler.invocations where status in ('requested', 'running')
      ) as busy
    `;
    return row?.busy ?? false;
  }

  /** What was done so far was done a day earlier. */
  async dayPasses(): Promise<void> {
    await this.sql`
      update scheduler.invocations
      set
        requested_at = requested_at - interval '1 day',
        started_at = started_at - interval '1 day',
        finished_at = finished_at - interval '1 day',
        heartbeat_at = heartbeat_at - interval '1 day',
        scheduled_for = scheduled_for - interval '1 day'
    `;
    await this.sql`update scheduler.jobs set last_tick_for = last_tick_for - interval '1 day'`;
  }

  /** The next round asks for everything. */
  async weekPasses(): Promise<void> {
    await this.sql`update scheduler.portal_syncs set full_round_at = now() - interval '7 days'`;
  }
}

/** What the portal has, as it is to be held. */
export function heldBy(portal: FakePortal): Held[] {
  const text = (value: unknown) => String(value ?? "");
  return portal.rows().map((row) => ({
    external_id: text(row["hlf_certificationid"]),
    user_id: text(row["hlf_memberid"]),
    name: text(row["hlf_name"]),
    expires_on: row["hlf_expireson"] ? text(row["hlf_expireson"]) : null,
    revoked: row["statecode"] !== 0,
  }));
}

export async function inPortalWorld(
  test: (world: PortalWorld) => Promise<void>,
  options: FakePortalOptions = {},
): Promise<void> {
  await using portal = startFakePortal(options);
  await inWorld((world) => test(new PortalWorld(world, portal)));
}
