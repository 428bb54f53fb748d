// A fake of a member portal on Dynamics: a token endpoint for client credentials, and a table of
// certifications behind the Web API of Dataverse. It keeps the protocol's rules; `trouble` says
// what goes wrong, and when.

import { parseArgs } from "node:util";

/** A certification as the portal has it, by its own names of columns. */
export type PortalRow = Record<string, unknown>;

export type Trouble =
  | { kind: "status"; status: number; retryAfter?: string }
  | { kind: "raw"; body: string; contentType?: string; status?: number }
  | { kind: "redirect"; to: string }
  | { kind: "hang" } // never answers, until the fake stops
  | { kind: "slow"; milliseconds: number }
  | { kind: "half" } // half of the JSON, as if it were all
  | { kind: "break" } // the connection breaks in the middle of the answer
  | { kind: "rows"; change: (row: PortalRow, place: number) => unknown }
  | { kind: "next"; link: unknown }; // names this as the next page

export interface Asked {
  to: "token" | "page";
  /** From 1, of its kind. */
  number: number;
  url: string;
  headers: Headers;
}

export interface FakePortalOptions {
  port?: number;
  trouble?: (asked: Asked) => Trouble | undefined;
  /** Awaited before a page is answered. */
  onPage?: (asked: Asked) => void | Promise<void>;
  expiresInSeconds?: number; // of access tokens
  /** How far the portal's clock is ahead of ours. */
  clockSkewMilliseconds?: number;
  /** The Web API's own limit to a page. */
  mostRows?: number;
}

export interface FakePortal extends AsyncDisposable {
  /** What the function has to be told to use it. */
  environment: Record<string, string>;
  apiUrl: string;
  /** Where a list of rows can be PUT, as by put, from another process. */
  rowsUrl: string;
  asked: Asked[];
  tokensIssued: number;
  /** Writes a certification, or changes some of its columns; it is modified now, unless it says when. */
  put(id: string, columns?: PortalRow): void;
  /** Deactivates it: it is still named, as inactive. */
  remove(id: string): void;
  /** All that there is, inactive ones too. */
  rows(): PortalRow[];
  /** Takes it away without a trace. */
  erase(id: string): void;
  /** From now on no page that was named before is known. */
  forgetPages(): void;
  /** The access tokens handed out so far answer 401 from now on. */
  revokeTokens(): void;
  stop(): Promise<void>;
}

const CLIENT = { id: "fake-client", secret: "fake-client-secret-of-no-use-elsewhere" };
const API = "/api/data/v9.2/";
const TABLE = "hlf_certifications";
const KEY = "hlf_certificationid";

/** What a query may name. */
const COLUMNS = [
  KEY,
  "hlf_memberid",
  "hlf_name",
  "hlf_expireson",
  "hlf_level",
  "modifiedon",
  "statecode",
];

class Refused extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

const json = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  Response.json(value, { status, headers: { "odata-version": "4.0", ...headers } });

const oauthError = (status: number, error: string) =>
  Response.json({ error, error_description: `AADSTS: ${error}` }, { status });

function known(column: string): string {
  if (COLUMNS.includes(column)) return column;
  throw new Refused(
    400,
    "0x80060888",
    `Could not find a property named '${column}' on type 'Microsoft.Dynamics.CRM.hlf_certification'.`,
  );
}

interface Query {
  select: string[];
  filter: { column: string; from: number } | undefined;
  orderBy: string;
}

function readQuery(asked: URLSearchParams): Query {
  for (const name of asked.keys()) {
    if (!["$select", "$filter", "$orderby"].includes(name)) {
      throw new Refused(
        400,
        "0x80060888",
        `The query parameter ${name} is not supported.`,
      );
    }
  }
  const [, column, moment] = /^(\w+) ge (\S+)$/.exec(asked.get("$filter") ?? "") ?? [];
  const from = Date.parse(moment ?? "");
  if (asked.has("$filter") && (column === undefined || Number.isNaN(from))) {
    throw new Refused(400, "0x0", "Syntax error in '$filter'.");
  }
  const [, orderBy = KEY] = /^(\w+)(?: asc)?$/.exec(asked.get("$orderby") ?? KEY) ?? [];
  return {
    select: (asked.get("$select") ?? COLUMNS.join(",")).split(",").map(known),
    filter: column === undefined ? undefined : { column: known(column), from },
    orderBy: known(orderBy),
  };
}

export function startFakePortal(options: FakePortalOptions = {}): FakePortal {
  const rows = new Map<string, PortalRow>();
  const expiries = new Map<string, number>();
  /** What stands behind a named page: its query, and the last row of the page before. */
  const pages = new Map<string, { query: Query; last: string }>();
  const stopped = new AbortController();
  const counts = { token: 0, page: 0 };
  /** The ids in their order, until the table changes. */
  let sorted: { by: string; rows: PortalRow[] } | undefined;

  const now = () => new Date(Date.now() + (options.clockSkewMilliseconds ?? 0)).toISOString();
  const text = (value: unknown) => String(value ?? "");

  function inOrder(by: string): PortalRow[] {
    if (sorted?.by !== by) {
      const all = [...rows.values()].sort((a, b) =>
        text(a[by]) < text(b[by]) ? -1 : text(a[by]) > text(b[by]) ? 1 : 0
      );
      sorted = { by, rows: all };
    }
    return sorted.rows;
  }

  async function issueToken(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text());
    if (form.get("grant_type") !== "client_credentials") {
      return oauthError(400, "unsupported_grant_type");
    }
    if (form.get("client_id") !== CLIENT.id || form.get("client_secret") !== CLIENT.secret) {
      return oauthError(401, "invalid_client");
    }
    if (form.get("scope") !== `${origin}/.default`) return oauthError(400, "invalid_scope");
    const token = `fake.${crypto.randomUUID()}`;
    const seconds = options.expiresInSeconds ?? 3599;
    expiries.set(token, Date.now() + seconds * 1000);
    fake.tokensIssued++;
    return Response.json({ token_type: "Bearer", expires_in: seconds, access_token: token });
  }

  function answerPage(request: Request, trouble: Trouble | undefined): Response {
    const url = new URL(request.url);
    const [, token = ""] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if ((expiries.get(token) ?? 0) <= Date.now()) {
      return new Response("HTTP Error 401 - Unauthorized", { status: 401 });
    }
    if (request.headers.get("odata-maxversion") !== "4.0") {
      throw new Refused(400, "0x80060888", "The header OData-MaxVersion must be 4.0.");
    }
    if (url.pathname !== `${API}${TABLE}`) {
      throw new Refused(404, "0x80060888", "Resource not found for the segment.");
    }
    const skip = url.searchParams.get("$skiptoken");
    const page = skip === null ? undefined : pages.get(skip);
    if (skip !== null && !page) throw new Refused(400, "0x80040203", "Malformed paging cookie.");
    const query = page?.query ?? readQuery(url.searchParams);

    const [, preferred] =
      /\bodata\.maxpagesize=(\d+)\b/.exec(request.headers.get("prefer") ?? "") ??
        [];
    const most = options.mostRows ?? 5000;
    const size = Math.min(Number(preferred ?? most), most);
    const { filter, orderBy, select } = query;
    const all = inOrder(orderBy);
    const found: PortalRow[] = [];
    // Bisects, so that a table of many pages is not walked through for each.
    let place = 0;
    for (let end = all.length; page && place < end;) {
      const middle = (place + end) >> 1;
      if (text(all[middle]?.[orderBy]) > page.last) end = middle;
      else place = middle + 1;
    }
    for (; place < all.length && found.length <= size; place++) {
      const row = all[place];
      if (!row) break;
      if (filter && !(Date.parse(text(row[filter.column])) >= filter.from)) continue;
      found.push(row);
    }
    const isMore = found.length > size;
    const given = found.slice(0, size);
    let next: unknown;
    if (isMore) {
      const cookie = btoa(crypto.randomUUID());
      pages.set(cookie, { query, last: text(given.at(-1)?.[orderBy]) });
      next = `${origin}${API}${TABLE}?$select=${select.join(",")}&$skiptoken=${
        encodeURIComponent(cookie)
      }`;
    }
    if (trouble?.kind === "next") next = trouble.link;
    const value = given.map((row, i) => {
      const shown: PortalRow = { "@odata.etag": `W/"${i}"` };
      for (const column of select) shown[column] = row[column] ?? null;
      return trouble?.kind === "rows" ? trouble.change(shown, i) : shown;
    });
    return json(200, {
      "@odata.context": `${origin}${API}$metadata#${TABLE}(${select.join(",")})`,
      value,
      ...(next !== undefined && { "@odata.nextLink": next }),
    }, preferred ? { "preference-applied": `odata.maxpagesize=${size}` } : {});
  }

  /** An answer of which only the beginning arrives. */
  async function cut(response: Response, breaks: boolean): Promise<Response> {
    const whole = new Uint8Array(await response.arrayBuffer());
    const half = whole.slice(0, Math.floor(whole.length / 2));
    if (!breaks) return new Response(half, response);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(half),
      pull: (controller) => controller.error(new Error("It was to break.")),
    });
    return new Response(body, response);
  }

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/fake/rows" && request.method === "PUT") {
      const given: PortalRow[] = await request.json();
      for (const row of given) change(text(row[KEY]), row);
      return json(200, { rows: rows.size });
    }
    const to = pathname === "/token" && request.method === "POST" ? "token" : "page";
    const { url, headers } = request;
    const asked: Asked = { to, number: ++counts[to], url, headers };
    fake.asked.push(asked);
    if (to === "page") await options.onPage?.(asked);
    const trouble = options.trouble?.(asked);
    switch (trouble?.kind) {
      case "status":
        return json(
          trouble.status,
          { error: { code: "0x80072322", message: "fake trouble" } },
          trouble.retryAfter === undefined ? {} : { "retry-after": trouble.retryAfter },
        );
      case "raw": {
        const { body, status = 200, contentType = "application/json; odata.metadata=minimal" } =
          trouble;
        return new Response(body, { status, headers: { "content-type": contentType } });
      }
      case "redirect":
        return new Response(null, { status: 302, headers: { location: trouble.to } });
      case "hang":
      case "slow":
        await new Promise<void>((resolve) => {
          const timer = trouble.kind === "slow"
            ? setTimeout(resolve, trouble.milliseconds)
            : undefined;
          stopped.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
          });
        });
    }
    try {
      const whole = to === "token" ? await issueToken(request) : answerPage(request, trouble);
      if (trouble?.kind === "half") return await cut(whole, false);
      return trouble?.kind === "break" ? await cut(whole, true) : whole;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return json(error.status, { error: { code: error.code, message: error.message } });
    }
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, answer);
  const origin = `http://127.0.0.1:${server.addr.port}`;

  const change = (id: string, columns: PortalRow) => {
    sorted = undefined;
    rows.set(id, {
      [KEY]: id,
      statecode: 0,
      ...rows.get(id),
      modifiedon: now(),
      ...columns,
    });
  };
  const stop = async () => {
    stopped.abort();
    await server.shutdown();
  };
  const fake: FakePortal = {
    environment: {
      HLF_SYNC_ENABLED: "true",
      HLF_TOKEN_URL: `${origin}/token`,
      HLF_CLIENT_ID: CLIENT.id,
      HLF_CLIENT_SECRET: CLIENT.secret,
      HLF_API_URL: `${origin}${API}`,
    },
    apiUrl: `${origin}${API}`,
    rowsUrl: `${origin}/fake/rows`,
    asked: [],
    tokensIssued: 0,
    put: (id, columns = {}) => change(id, columns),
    remove: (id) => change(id, { statecode: 1 }),
    rows: () => inOrder(KEY).map((row) => ({ ...row })),
    erase: (id) => {
      sorted = undefined;
      rows.delete(id);
    },
    forgetPages: () => pages.clear(),
    revokeTokens: () => expiries.clear(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return fake;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: { port: { type: "string", default: "0" } },
  });
  const { environment, rowsUrl, stop } = startFakePortal({ port: Number(values.port) });
  console.log(JSON.stringify({ environment, rowsUrl }));
  const { promise: terminated, resolve } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGTERM", resolve);
  await Promise.race([terminated, Deno.stdin.readable.pipeTo(new WritableStream())]);
  await stop();
  Deno.exit(0);
}
