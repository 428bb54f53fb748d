// What the dispatcher asks of the database: one method an entry point. All
// decisions are made there.

import type { Database as Connection } from "../shared/database.ts";
import type { Database } from "../shared/database.types.ts";
import type { PushOutcome } from "./providers/provider.ts";

/** PostgREST can't say which columns of a composite are never null; these are not. */
type Whole<Row> = { [Column in keyof Row]: NonNullable<Row[Column]> };

type Composites = Database["scheduler"]["CompositeTypes"];
type Functions = Database["public"]["Functions"];

export interface Device {
  token: string;
  platform: string | null;
  provider: string | null;
}

type Message = Pick<
  Whole<Composites["claimed_notification"]>,
  | "notification_id"
  | "lease_token"
  | "user_id"
  | "collapse_key"
  | "expires_at"
  | "ttl_seconds"
  | "title"
  | "body"
>;

export type Claimed = Message & { data: Record<string, string>; devices: Device[] };

export type InvocationSummary = Whole<Composites["invocation_summary"]>;
export type Recorded = Functions["record_push_results"]["Returns"][number];

export type PushResult = Omit<PushOutcome, "reach"> & {
  notification_id: number;
  lease_token: string;
  token: string;
  provider: string;
  platform: string | null;
};

/** What a request asks for. */
export interface Order {
  job_name: string;
  invocation_id: string;
  triggered_by: string;
  scheduled_for: string | null;
  webhook_id: string | null;
  scenarios: string[] | null;
  organisation_ids: string[] | null;
  dry_run: boolean;
}

export interface Ending {
  status: "completed" | "partial" | "failed";
  total_candidates: number;
  total_dispatched: number;
  pages_processed: number;
  errors: Record<string, number>;
  error_type: string | null;
  error_message: string | null;
  /** What only this job has to tell. */
  details?: Record<string, string | number>;
}

/** A database that does not answer by then is down. */
const FIRST_CONTACT_MS = 10_000;

/** Before the next one is due. */
const HEARTBEAT_LIMIT_MS = 4000;

export class Outbox {
  /** A connection of its own for the beginning, which is not to wait behind the runs that are on. */
  constructor(
    private readonly database: Connection,
    private readonly door: Connection = database,
  ) {}

  /** Opens the run; where started is false, the summary of the id returned says why. */
  async start(order: Order): Promise<{ id: string; started: boolean }> {
    const [row] = await this.door.within(FIRST_CONTACT_MS)<{ id: string; started: boolean }>`
      select started.id, started.started
      from public.start_invocation(
        job_name => ${order.job_name},
        invocation_id => ${order.invocation_id}::uuid,
        triggered_by => ${order.triggered_by},
        scheduled_for => ${order.scheduled_for}::timestamptz,
        webhook_id => ${order.webhook_id},
        scenarios => ${order.scenarios}::text[],
        organisation_ids => ${order.organisation_ids}::uuid[],
        dry_run => ${order.dry_run}
      ) as started
    `;
    if (!row) throw new Error("start_invocation returned no row");
    return row;
  }

  /** Evaluates, and returns how many candidates there are. The rows themselves are in the outbox. */
  async evaluate(order: Order): Promise<number> {
    const [row] = await this.database.rows<{ candidates: number }>`
      select count(*)::integer as candidates
      from public.run_scenario_evaluation(
        scenarios => ${order.scenarios}::text[],
        organisation_ids => ${order.organisation_ids}::uuid[],
        dry_run => ${order.dry_run},
        invocation_id => ${order.invocation_id}::uuid
      )
    `;
    return row?.candidates ?? 0;
  }

  async claim(size: number, leaseSeconds: number, invocation_id: string): Promise<Claimed[]> {
    return await this.database.rows<Claimed>`
      select
        claimed.notification_id, claimed.lease_token, claimed.user_id, claimed.collapse_key,
        claimed.expires_at, claimed.ttl_seconds, claimed.title, claimed.body, claimed.data, claimed.devices
      from public.claim_notifications(
        batch_size => ${size},
        lease => make_interval(secs => ${leaseSeconds}),
        invocation_id => ${invocation_id}::uuid
      ) as claimed
    `;
  }

  async record(results: readonly PushResult[], invocation_id: string): Promise<Recorded[]> {
    return await this.database.rows<Recorded>`
      select recorded.*
      from public.record_push_results(
        results => ${JSON.stringify(results)}::text::jsonb,
        invocation_id => ${invocation_id}::uuid
      ) as recorded
    `;
  }

  /** Says that the run is alive, past whatever the other connections wait for. */
  async heartbeat(invocation_id: string): Promise<void> {
    await this.door.within(HEARTBEAT_LIMIT_MS)`
      select public.heartbeat_invocation(invocation_id => ${invocation_id}::uuid)
    `;
  }

  /** How many mentors it paused and resumed, by the reason. */
  async expireCertifications(dry_run: boolean): Promise<Record<string, number>> {
    const rows = await this.database.rows<{ reason: string; mentors: number }>`
      select change.reason, count(*)::integer as mentors
      from public.run_certification_expiry(dry_run => ${dry_run}) as change
      group by change.reason
    `;
    return Object.fromEntries(rows.map(({ reason, mentors }) => [reason, mentors]));
  }

  async finish(invocation_id: string, ending: Ending): Promise<InvocationSummary> {
    const [row] = await this.database.rows<InvocationSummary>`
      select finished.*
      from public.finish_invocation(
        invocation_id => ${invocation_id}::uuid,
        status => ${ending.status},
        total_candidates => ${ending.total_candidates},
        total_dispatched => ${ending.total_dispatched},
        pages_processed => ${ending.pages_processed},
        errors => ${JSON.stringify(ending.errors)}::text::jsonb,
        error_type => ${ending.error_type},
        error_message => ${ending.error_message},
        details => ${ending.details ? JSON.stringify(ending.details) : null}::text::jsonb
      ) as finished
    `;
    if (!row) throw new Error("finish_invocation returned no row");
    return row;
  }

  async summary(invocation_id: string): Promise<InvocationSummary> {
    const [row] = await this.door.rows<InvocationSummary>`
      select summary.* from public.invocation_summary(invocation_id => ${invocation_id}::uuid) as summary
    `;
    if (!row) throw new Error("invocation_summary returned no row");
    return row;
  }
}
