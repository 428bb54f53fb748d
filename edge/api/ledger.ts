// What the API asks of the database: one function an entry point. All decisions
// are made there. Rows come as JSON, which has times as RFC 3339 wants them.

import type { Query } from "../shared/database.ts";
import type { RunPosition } from "./cursor.ts";
import type {
  BatchEvaluation,
  Invocation,
  InvocationWithFigures,
  MentorStatus,
} from "./schemas.ts";

export interface RunFilter {
  job_name?: string | undefined;
  status?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

function only<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error("A function of the database returned no row.");
  return row;
}

export async function listInvocations(
  query: Query,
  { job_name, status, from, to }: RunFilter,
  before: RunPosition | undefined,
  limit: number,
): Promise<Invocation[]> {
  const rows = await query<{ run: Invocation }>`
    select to_json(run) as run
    from public.list_invocations(
      job_name => ${job_name ?? null},
      status => ${status ?? null},
      requested_from => ${from ?? null},
      requested_to => ${to ?? null},
      before_requested_at => ${before?.requested_at ?? null},
      before_id => ${before?.id ?? null},
      page_size => ${limit}
    ) as run
  `;
  return rows.map(({ run }) => run);
}

export async function activeMentors(
  query: Query,
  chapter: string | undefined,
  after: string | undefined,
  limit: number,
): Promise<MentorStatus[]> {
  const rows = await query<{ mentor: MentorStatus }>`
    select to_json(mentor) as mentor
    from public.coordinator_mentor_status(
      chapter_id => ${chapter ?? null}, status => 'active', after => ${
    after ?? null
  }, page_size => ${limit}
    ) as mentor
  `;
  return rows.map(({ mentor }) => mentor);
}

export async function getInvocation(query: Query, id: string): Promise<InvocationWithFigures> {
  const rows = await query<
    { entry: Invocation; figures: Omit<InvocationWithFigures, keyof Invocation> }
  >`
    select to_json(run.entry) as entry, to_json(run.figures) as figures
    from public.get_invocation(invocation_id => ${id}) as run
  `;
  const { entry, figures } = only(rows);
  return { ...entry, ...figures };
}

export interface Start {
  job_name: string;
  scenarios: string[] | undefined;
  dry_run: boolean;
  idempotency_key: string | undefined;
}

export async function requestInvocation(
  query: Query,
  { job_name, scenarios, dry_run, idempotency_key }: Start,
): Promise<{ answer: Invocation; replayed: boolean }> {
  return only(
    await query<{ answer: Invocation; replayed: boolean }>`
      select request.answer, request.replayed
      from public.request_invocation(
        job_name => ${job_name},
        scenarios => ${scenarios ?? null},
        dry_run => ${dry_run},
        idempotency_key => ${idempotency_key ?? null}
      ) as request
    `,
  );
}

export async function annotateInvocation(
  query: Query,
  id: string,
  note: string | null,
): Promise<Invocation> {
  const rows = await query<{ run: Invocation }>`
    select to_json(run) as run
    from public.annotate_invocation(invocation_id => ${id}, note => ${note}) as run
  `;
  return only(rows).run;
}

export async function stopInvocation(query: Query, id: string): Promise<Invocation> {
  const rows = await query<{ run: Invocation }>`
    select to_json(run) as run from public.stop_invocation(invocation_id => ${id}) as run
  `;
  return only(rows).run;
}

export async function deleteInvocation(query: Query, id: string): Promise<void> {
  await query`select public.delete_invocation(invocation_id => ${id})`;
}

export async function evaluateMentors(
  query: Query,
  { user_ids, dry_run, scenarios }: {
    user_ids: string[];
    dry_run: boolean;
    scenarios: string[] | undefined;
  },
): Promise<BatchEvaluation> {
  const rows = await query<{ evaluation: BatchEvaluation }>`
    select to_json(evaluation) as evaluation
    from public.evaluate_mentors(
      user_ids => ${user_ids}, dry_run => ${dry_run}, scenarios => ${scenarios ?? null}
    ) as evaluation
  `;
  return only(rows).evaluation;
}
