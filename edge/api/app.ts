// The operations: each validates, asks the database once, and maps the answer.

import { OpenAPIHono } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { checkContentType, readBody } from "../shared/body.ts";
import type { AsCaller } from "./caller.ts";
import { mentorCursor, readMentorCursor, readRunCursor, runCursor } from "./cursor.ts";
import { invalid } from "./invalid.ts";
import * as ledger from "./ledger.ts";
import { Problem } from "./problems.ts";
import * as routes from "./routes.ts";
import type { Caller, Verify } from "./verify.ts";

export interface AppDependencies {
  verify: Verify;
  asCaller: AsCaller;
}

interface Environment {
  Variables: { caller: Caller };
}

/** Without a slash at the end, which makes no difference. */
export function pathOf(request: Request): string {
  return new URL(request.url).pathname.replace(/\/$/, "");
}

/** Only where a page is full there may be a next one. */
async function cursorAfter<Row>(
  rows: readonly Row[],
  limit: number,
  write: (last: Row) => Promise<string>,
): Promise<string | null> {
  const last = rows.at(-1);
  return last !== undefined && rows.length === limit ? await write(last) : null;
}

/** Reads the body in the one way that is ours; the validation gets it as JSON, an empty one as {}. */
const withBody: MiddlewareHandler = async (context, next) => {
  const { raw } = context.req;
  const body = await readBody(raw);
  checkContentType(raw.headers, body);
  const text = body.trim() === "" ? "{}" : body;
  try {
    JSON.parse(text);
  } catch {
    throw new Problem("malformed-request", "The body is not JSON.");
  }
  const headers = new Headers(raw.headers);
  headers.set("content-type", "application/json");
  headers.delete("content-length");
  context.req.raw = new Request(raw.url, { method: raw.method, headers, body: text });
  await next();
};

export function createApp({ verify, asCaller }: AppDependencies): OpenAPIHono<Environment> {
  const authenticated: MiddlewareHandler<Environment> = async (context, next) => {
    context.set("caller", await verify(context.req.raw.headers));
    await next();
  };
  const app = new OpenAPIHono<Environment>({
    getPath: (request) => pathOf(request).slice(routes.BASE_PATH.length),
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.target, result.error.issues);
    },
  });
  // Whoever calls the app makes the problem of it.
  app.onError((error) => {
    throw error;
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token of Supabase Auth, of a project with asymmetric signing keys.",
  });

  app.openapi({ ...routes.listRoute, middleware: authenticated }, async (context) => {
    const { cursor, limit, ...filter } = context.req.valid("query");
    const before = await readRunCursor(cursor);
    const data = await asCaller(
      context.get("caller"),
      (query) => ledger.listInvocations(query, filter, before, limit),
    );
    return context.json({ data, next_cursor: await cursorAfter(data, limit, runCursor) }, 200);
  });

  // Before the run with an id, which it would be taken for.
  app.openapi({ ...routes.mentorsRoute, middleware: authenticated }, async (context) => {
    const { cursor, limit, chapter_id } = context.req.valid("query");
    const after = await readMentorCursor(cursor);
    const data = await asCaller(
      context.get("caller"),
      (query) => ledger.activeMentors(query, chapter_id, after, limit),
    );
    const next_cursor = await cursorAfter(data, limit, ({ user_id }) => mentorCursor(user_id));
    return context.json({ data, next_cursor }, 200);
  });

  app.openapi({ ...routes.getRoute, middleware: authenticated }, async (context) => {
    const { id } = context.req.valid("param");
    const run = await asCaller(
      context.get("caller"),
      (query) => ledger.getInvocation(query, id),
    );
    return context.json(run, 200);
  });

  app.openapi({ ...routes.startRoute, middleware: [authenticated, withBody] }, async (context) => {
    const { job_name, scenarios, dry_run } = context.req.valid("json");
    const { "idempotency-key": idempotency_key } = context.req.valid("header");
    const { answer, replayed } = await asCaller(
      context.get("caller"),
      (query) => ledger.requestInvocation(query, { job_name, scenarios, dry_run, idempotency_key }),
    );
    // Relative: the platform serves this below a path that it keeps to itself.
    const here = context.req.raw.url.split("?", 1)[0]?.endsWith("/")
      ? "."
      : "./scheduler-invocations";
    context.header("location", `${here}/${answer.id}`);
    if (replayed) context.header("idempotency-replayed", "true");
    return context.json(answer, 202);
  });

  app.openapi({ ...routes.batchRoute, middleware: [authenticated, withBody] }, async (context) => {
    const { user_ids, dry_run, scenarios } = context.req.valid("json");
    const evaluation = await asCaller(
      context.get("caller"),
      (query) => ledger.evaluateMentors(query, { user_ids, dry_run, scenarios }),
    );
    return context.json(evaluation, 200);
  });

  app.openapi({ ...routes.changeRoute, middleware: [authenticated, withBody] }, async (context) => {
    const { id } = context.req.valid("param");
    const { note, stop } = context.req.valid("json");
    const run = await asCaller(context.get("caller"), async (query) => {
      const annotated = note === undefined
        ? undefined
        : await ledger.annotateInvocation(query, id, note);
      return annotated && !stop ? annotated : await ledger.stopInvocation(query, id);
    });
    return context.json(run, 200);
  });

  app.openapi({ ...routes.deleteRoute, middleware: authenticated }, async (context) => {
    const { id } = context.req.valid("param");
    await asCaller(context.get("caller"), (query) => ledger.deleteInvocation(query, id));
    return context.body(null, 204);
  });

  app.openapi(routes.documentRoute, (context) => context.json(document, 200));
  const document = app.getOpenAPI31Document(routes.DOCUMENT_HEAD);

  return app;
}
