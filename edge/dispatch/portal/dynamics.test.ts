// The client against a fake portal that keeps the protocol's rules, over HTTP.

import assert from "node:assert/strict";
import {
  type Asked,
  type FakePortalOptions,
  startFakePortal,
  type Trouble,
} from "../../../scripts/fake_portal.ts";
import { TypedError } from "../../shared/errors.ts";
import { readPortal } from "./configuration.ts";
import { DynamicsPortalClient, type PortalTimes } from "./dynamics.ts";
import { CursorRefused, type PortalPage } from "./member_portal.ts";

const CANARY = "kanari@fjaerkledd.example";
const NEVER = Infinity;
const EVERYTHING = { since: null, cursor: null };

type Settings = FakePortalOptions & PortalTimes & { environment?: Record<string, string> };

function withPortal(settings: Settings = {}) {
  const fake = startFakePortal(settings);
  const pauses: number[] = [];
  const environment: Record<string, string> = {
    ...fake.environment,
    HLF_PAGE_SIZE: "2",
    ...settings.environment,
  };
  const portal = readPortal((name) => environment[name]);
  assert.ok(portal);
  const times: PortalTimes = {
    timeoutMs: settings.timeoutMs ?? 2000,
    clock: settings.clock ?? (() => 0),
    random: () => 1,
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
  };
  for (const id of ["a", "b", "c"]) {
    fake.put(id, {
      hlf_memberid: `member ${id}`,
      hlf_name: "Course",
      hlf_expireson: "2027-05-01",
      hlf_level: 3,
      modifiedon: "2026-01-01T10:00:00Z",
    });
  }
  return {
    fake,
    client: new DynamicsPortalClient(portal, times),
    /** How long it waited between tries. */
    pauses,
    pagesAsked: () => fake.asked.filter(({ to }) => to === "page"),
    [Symbol.asyncDispose]: fake.stop,
  };
}

type World = Awaited<ReturnType<typeof withPortal>>;

/** The trouble of these requests for pages, one after the other; then all is well. */
const onPages = (...troubles: (Trouble | undefined)[]) => ({ to, number }: Asked) =>
  to === "page" ? troubles[number - 1] : undefined;

const always = (trouble: Trouble) => ({ to }: Asked) => to === "page" ? trouble : undefined;

const ids = ({ certifications }: PortalPage) => certifications.map((one) => one?.external_id);

/** How asking fails. */
async function failure(
  { client }: World,
  question = EVERYTHING as Parameters<typeof client.page>[0],
  deadline = NEVER,
): Promise<TypedError> {
  const error = await client.page(question, deadline).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TypedError, String(error));
  return error;
}

async function failureWith(trouble: Trouble, settings: Settings = {}): Promise<TypedError> {
  await using world = withPortal({ trouble: always(trouble), ...settings });
  return await failure(world);
}

Deno.test("a certification is handed on as the portal said it, and fields that nobody asked for are not", async () => {
  await using world = withPortal();
  world.fake.put("b", { hlf_expireson: null, modifiedon: "2026-01-02T10:00:00Z" });
  const { certifications } = await world.client.page(EVERYTHING, NEVER);
  assert.deepEqual(certifications, [
    {
      external_id: "a",
      member_id: "member a",
      name: "Course",
      expires_on: "2027-05-01",
      modified_on: "2026-01-01T10:00:00Z",
      removed: false,
    },
    {
      external_id: "b",
      member_id: "member b",
      name: "Course",
      expires_on: null,
      modified_on: "2026-01-02T10:00:00Z",
      removed: false,
    },
  ]);
});

Deno.test("pages follow one another by the portal's own words, until there is none", async () => {
  await using world = withPortal();
  const first = await world.client.page(EVERYTHING, NEVER);
  assert.deepEqual(ids(first), ["a", "b"]);
  const second = await world.client.page({ since: null, cursor: first.next }, NEVER);
  assert.deepEqual([ids(second), second.next], [["c"], null]);
  assert.equal(world.pagesAsked()[1]?.url, first.next, "the link is used as it is");
});

Deno.test("a next page is kept as an address writes it, whatever stands in it", async () => {
  let link = "";
  await using world = withPortal({
    trouble: ({ to, number }) =>
      to !== "page"
        ? undefined
        : number === 1
        ? { kind: "next", link }
        : { kind: "raw", body: '{"value":[]}' },
  });
  const asked = `${world.fake.apiUrl}hlf_certifications?$skiptoken=`;
  link = `${asked}å \0\ud800`;
  const { next } = await world.client.page(EVERYTHING, NEVER);
  assert.equal(next, `${asked}%C3%A5%20%00%EF%BF%BD`);
  await world.client.page({ since: null, cursor: next }, NEVER);
  assert.equal(world.pagesAsked()[1]?.url, next);
});

Deno.test("a question asks for no more than it needs, by OData's rules", async () => {
  await using world = withPortal();
  await world.client.page({ since: "2026-01-01T00:00:00Z", cursor: null }, NEVER);
  const [asked] = world.pagesAsked();
  const { searchParams } = new URL(asked?.url ?? "");
  assert.deepEqual([...searchParams], [
    ["$select", "hlf_certificationid,hlf_memberid,hlf_name,hlf_expireson,modifiedon,statecode"],
    ["$filter", "modifiedon ge 2026-01-01T00:00:00Z"],
    ["$orderby", "hlf_certificationid asc"],
  ]);
  for (
    const [name, value] of [
      ["accept", "application/json"],
      ["odata-maxversion", "4.0"],
      ["odata-version", "4.0"],
      ["prefer", "odata.maxpagesize=2"],
    ] as const
  ) assert.equal(asked?.headers.get(name), value, name);
});

Deno.test("what did not change since is not asked for", async () => {
  await using world = withPortal();
  world.fake.put("b", { modifiedon: "2026-03-01T10:00:00Z" });
  const page = await world.client.page({ since: "2026-03-01T00:00:00Z", cursor: null }, NEVER);
  assert.deepEqual(ids(page), ["b"]);
});

Deno.test("one that is inactive in the portal is removed", async () => {
  await using world = withPortal();
  world.fake.remove("a");
  const { certifications } = await world.client.page(EVERYTHING, NEVER);
  assert.deepEqual(certifications.map((one) => one?.removed), [true, false]);
});

Deno.test("fields have the names that the configuration says", async () => {
  const HLF_FIELDS = JSON.stringify({ name: "hlf_level", modified_on: "modifiedon" });
  await using world = withPortal({ environment: { HLF_FIELDS } });
  for (const id of ["a", "b"]) world.fake.put(id, { hlf_level: "Advanced" });
  const { certifications } = await world.client.page(EVERYTHING, NEVER);
  assert.deepEqual(certifications.map((one) => one?.name), ["Advanced", "Advanced"]);
});

// The access token ----------------------------------------------------------------

Deno.test("one access token serves all pages, until shortly before it runs out", async () => {
  await using world = withPortal();
  for (let i = 0; i < 3; i++) await world.client.page(EVERYTHING, NEVER);
  assert.equal(world.fake.tokensIssued, 1);
});

Deno.test("a token that is refused is fetched anew, once", async () => {
  await using world = withPortal();
  await world.client.page(EVERYTHING, NEVER);
  world.fake.revokeTokens();
  await world.client.page(EVERYTHING, NEVER);
  assert.equal(world.fake.tokensIssued, 2);

  const { type, message } = await failureWith({ kind: "status", status: 401 });
  assert.deepEqual([type, message], [
    "authentication_error",
    "the portal refuses the access token: 401",
  ]);
});

Deno.test("a client that is refused is an authentication_error, at once, with what to look at", async () => {
  await using world = withPortal({ environment: { HLF_CLIENT_SECRET: "wrong" } });
  const { type, message } = await failure(world);
  assert.equal(type, "authentication_error");
  assert.match(message, /refused the portal's client \(HLF_CLIENT_ID, HLF_CLIENT_SECRET\): 401/);
  assert.deepEqual(world.pauses, []);
  assert.deepEqual(world.pagesAsked(), []);
});

Deno.test("a client that may not read the table is told so", async () => {
  const { type, message } = await failureWith({ kind: "status", status: 403 });
  assert.equal(type, "authentication_error");
  assert.match(message, /403.*HLF_ENTITY_SET/);
});

Deno.test("a token endpoint in trouble is tried again like the portal itself", async () => {
  await using world = withPortal({
    trouble: ({ to, number }) =>
      to === "token" && number < 3 ? { kind: "status", status: 503 } : undefined,
  });
  assert.deepEqual(ids(await world.client.page(EVERYTHING, NEVER)), ["a", "b"]);
  assert.equal(world.pauses.length, 2);
});

// Troubles that pass --------------------------------------------------------------

Deno.test("a portal that throttles is left alone for as long as it asks, in seconds or until a date", async () => {
  const inTwenty = new Date(Date.now() + 20_000).toUTCString();
  await using world = withPortal({
    trouble: onPages(
      { kind: "status", status: 429, retryAfter: "7" },
      { kind: "status", status: 429, retryAfter: inTwenty },
      { kind: "status", status: 503, retryAfter: "0" },
    ),
  });
  assert.deepEqual(ids(await world.client.page(EVERYTHING, NEVER)), ["a", "b"]);
  const [seconds, date = 0, zero] = world.pauses;
  assert.deepEqual([seconds, zero], [7000, 0]);
  assert.ok(date >= 18_000 && date <= 21_000, String(date));
});

Deno.test("a portal that stumbles is asked again, after pauses that grow", async () => {
  for (
    const trouble of [
      { kind: "status", status: 500 },
      { kind: "status", status: 502 },
      { kind: "status", status: 408 },
      { kind: "status", status: 429 },
      { kind: "break" },
    ] as const
  ) {
    await using world = withPortal({ trouble: onPages(trouble, trouble, trouble, trouble) });
    assert.deepEqual(ids(await world.client.page(EVERYTHING, NEVER)), ["a", "b"]);
    assert.deepEqual(world.pauses, [500, 1000, 2000, 4000]);
  }
});

Deno.test("the pauses are not the same for all who stumble at once", async () => {
  await using world = withPortal({ trouble: onPages({ kind: "status", status: 500 }) });
  const pauses: number[] = [];
  const portal = readPortal((name) => world.fake.environment[name]);
  assert.ok(portal);
  const client = new DynamicsPortalClient(portal, {
    random: () => 0.5,
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
  });
  await client.page(EVERYTHING, NEVER);
  assert.deepEqual(pauses, [375]);
});

Deno.test("a portal that stays in trouble is given up, with what it said last", async () => {
  await using world = withPortal({ trouble: always({ kind: "status", status: 503 }) });
  const { type, message } = await failure(world);
  assert.deepEqual([type, message], ["provider_error", "the portal answered 503"]);
  assert.equal(world.pagesAsked().length, 5);
});

Deno.test("no try begins after the deadline, and the error says how long the portal wants to be left alone", async () => {
  await using world = withPortal({
    trouble: always({ kind: "status", status: 429, retryAfter: "300" }),
  });
  const { type, message } = await failure(world, EVERYTHING, 25_000);
  assert.deepEqual([type, message], [
    "provider_error",
    "the portal answered 429, and asks to be left alone for 300 s",
  ]);
  assert.equal(world.pagesAsked().length, 1);

  let now = 0;
  await using slow = withPortal({
    trouble: always({ kind: "status", status: 503 }),
    clock: () => now += 600,
  });
  await failure(slow, EVERYTHING, 2000);
  assert.equal(slow.pagesAsked().length, 2);
});

Deno.test("a portal that is down is a network_error", async () => {
  const world = withPortal();
  await world.client.page(EVERYTHING, NEVER);
  await world.fake.stop();
  const { type, message } = await failure(world);
  assert.deepEqual([type, message], ["network_error", "the portal can't be reached"]);
});

Deno.test("a portal that hangs, or answers too slowly, is a timeout_error", async () => {
  for (const trouble of [{ kind: "hang" }, { kind: "slow", milliseconds: 5000 }] as const) {
    await using world = withPortal({ trouble: always(trouble), timeoutMs: 100 });
    const { type, message } = await failure(world, EVERYTHING, 1);
    assert.deepEqual([type, message], ["timeout_error", "the portal did not answer in time"]);
  }
});

// Answers that can't be used ------------------------------------------------------

Deno.test("HTML where JSON belongs is a provider_error that asks for the address", async () => {
  const html = await failureWith({ kind: "raw", contentType: "text/html", body: `<p>${CANARY}` });
  assert.equal(html.type, "provider_error");
  assert.match(html.message, /answered HTML where JSON belongs.*HLF_API_URL/);
  const other = await failureWith({ kind: "raw", contentType: CANARY, body: "{}" });
  assert.match(other.message, /answered something else where JSON belongs/);
});

Deno.test("an answer that is no JSON, or only half of it, is a provider_error", async () => {
  for (
    const trouble of [
      { kind: "raw", body: "" },
      { kind: "raw", body: `${CANARY}` },
      { kind: "half" },
    ] as const
  ) {
    const { type, message } = await failureWith(trouble);
    assert.deepEqual([type, message], ["provider_error", "the portal's answer is no JSON"]);
  }
});

Deno.test("an answer without a list of rows is a provider_error", async () => {
  for (const body of ["null", "[]", "5", '"text"', "{}", '{"value":{}}', '{"value":null}']) {
    const { type, message } = await failureWith({ kind: "raw", body });
    assert.deepEqual([type, message], [
      "provider_error",
      'the portal\'s answer has no list "value"',
    ], body);
  }
});

Deno.test("an answer that is larger than its page can be is not read to its end", async () => {
  const body = JSON.stringify({ value: [], more: "x".repeat(80_000) });
  const { type, message } = await failureWith({ kind: "raw", body });
  assert.deepEqual([type, message], [
    "provider_error",
    "the portal's answer is too large for a page",
  ]);
  const rows = JSON.stringify({ value: new Array(5001).fill(0) });
  const many = await failureWith({ kind: "raw", body: rows });
  assert.match(many.message, /5001 rows, over 5000/);
});

Deno.test("a redirect is not followed", async () => {
  await using elsewhere = withPortal();
  const { type, message } = await failureWith({ kind: "redirect", to: elsewhere.fake.apiUrl });
  assert.equal(type, "provider_error");
  assert.match(message, /answered 302/);
  assert.deepEqual(elsewhere.fake.asked, []);
});

Deno.test("a next page elsewhere is not followed: nobody else sees the access token", async () => {
  await using elsewhere = withPortal();
  await using world = withPortal();
  const { apiUrl } = world.fake;
  const { port, origin } = new URL(apiUrl);
  for (
    const link of [
      `${elsewhere.fake.apiUrl}hlf_certifications`,
      "https://elsewhere.example.org/api/data/v9.2/hlf_certifications",
      `${origin}/api/other`,
      `${apiUrl}../v9.1/hlf_certifications`,
      `${apiUrl}%2e%2e/%2e%2e/hlf_certifications`,
      `http://user:password@127.0.0.1:${port}/api/data/v9.2/hlf_certifications`,
      `http://127.0.0.1:${port}@elsewhere.example.org/api/data/v9.2/hlf_certifications`,
      `//elsewhere.example.org/api/data/v9.2/hlf_certifications`,
      `${apiUrl}hlf_certifications?$skiptoken=${"x".repeat(9000)}`,
      "",
      5,
      { link: apiUrl },
      false,
    ]
  ) {
    const { type, message } = await failureWith({ kind: "next", link });
    assert.deepEqual([type, message], [
      "provider_error",
      "the portal's next page is not below HLF_API_URL: it is not followed",
    ], String(link));
  }
  assert.deepEqual(elsewhere.fake.asked, []);
});

Deno.test("a page that names itself as the next has no end, and is a provider_error", async () => {
  let link: string | null = null;
  await using world = withPortal({
    trouble: ({ to, number }) => to === "page" && number === 2 ? { kind: "next", link } : undefined,
  });
  ({ next: link } = await world.client.page(EVERYTHING, NEVER));
  const { message } = await failure(world, { since: null, cursor: link });
  assert.equal(message, "the portal's next page is the page itself");
});

Deno.test("what the portal refuses is told apart: a question, a table, a page that it forgot", async () => {
  await using world = withPortal({
    environment: { HLF_FIELDS: JSON.stringify({ name: "hlf_title" }) },
  });
  const question = await failure(world);
  assert.equal(question.type, "provider_error");
  assert.match(question.message, /400; is HLF_FIELDS right/);

  await using other = withPortal({ environment: { HLF_ENTITY_SET: "hlf_diplomas" } });
  const table = await failure(other);
  assert.equal(table.type, "provider_error");
  assert.match(table.message, /404; are HLF_API_URL and HLF_ENTITY_SET right/);

  for (const status of [400, 404, 410]) {
    await using forgetful = withPortal({
      trouble: onPages(undefined, { kind: "status", status }),
    });
    const { next } = await forgetful.client.page(EVERYTHING, NEVER);
    const error = await failure(forgetful, { since: null, cursor: next });
    assert.ok(error instanceof CursorRefused, error.message);
  }
});

Deno.test("a page of another portal, from before the configuration changed, is not asked for", async () => {
  await using former = withPortal();
  const { next } = await former.client.page(EVERYTHING, NEVER);
  await using world = withPortal();
  assert.ok(await failure(world, { since: null, cursor: next }) instanceof CursorRefused);
  assert.deepEqual(world.fake.asked, []);
  assert.equal(former.pagesAsked().length, 1);
});

// Fields that are not what they were ----------------------------------------------

/** How a page fails of which all rows are changed so. */
const failureOfRows = (change: (row: Record<string, unknown>, place: number) => unknown) =>
  failureWith({ kind: "rows", change });

const COLUMNS = {
  external_id: "hlf_certificationid",
  member_id: "hlf_memberid",
  name: "hlf_name",
  expires_on: "hlf_expireson",
  modified_on: "modifiedon",
  state: "statecode",
};

Deno.test("a field that no row of a page has fails the page, by its name", async () => {
  for (const [key, column] of Object.entries(COLUMNS)) {
    const { type, message } = await failureOfRows((row) => {
      const { [column]: renamed, ...rest } = row;
      return { ...rest, [`new_${column}`]: renamed };
    });
    assert.equal(type, "provider_error");
    assert.equal(
      message,
      `the portal's answer has no field ${column} (${key} in HLF_FIELDS): was it renamed?`,
    );
  }
});

Deno.test("a field that is of another type in every row fails the page, by its name", async () => {
  for (const [key, column] of Object.entries(COLUMNS)) {
    for (const value of [key === "state" ? "0" : 5, true, { value: CANARY }, [CANARY]]) {
      const { type, message } = await failureOfRows((row) => ({ ...row, [column]: value }));
      assert.equal(type, "provider_error");
      assert.equal(
        message,
        `the portal's field ${column} (${key} in HLF_FIELDS) is no ${
          key === "state" ? "number" : "text"
        }: was its type changed?`,
      );
    }
  }
});

Deno.test("rows that are no objects at all fail the page", async () => {
  for (const value of [null, "text", 5, []]) {
    assert.match((await failureOfRows(() => value)).message, /has no field/);
  }
});

Deno.test("a field that is always empty is no fault", async () => {
  await using world = withPortal({
    trouble: always({ kind: "rows", change: (row) => ({ ...row, hlf_expireson: null }) }),
  });
  const { certifications } = await world.client.page(EVERYTHING, NEVER);
  assert.deepEqual(certifications.map((one) => one?.expires_on), [null, null]);
});

Deno.test("more fields than were asked for are no fault, and go no further", async () => {
  await using world = withPortal({
    trouble: always({ kind: "rows", change: (row) => ({ ...row, email: CANARY }) }),
  });
  const page = await world.client.page(EVERYTHING, NEVER);
  assert.equal(page.certifications.length, 2);
  assert.ok(!JSON.stringify(page).includes(CANARY));
});

Deno.test("in a single row what is wrong is handed on, and what is missing never reads as forever or as active", async () => {
  const second = async (change: (row: Record<string, unknown>) => unknown) => {
    await using world = withPortal({
      trouble: always({ kind: "rows", change: (row, place) => place === 1 ? change(row) : row }),
    });
    const { certifications } = await world.client.page(EVERYTHING, NEVER);
    assert.equal(certifications[0]?.external_id, "a");
    return certifications[1];
  };
  assert.equal(await second(() => null), null);
  assert.equal(await second(() => "text"), null);
  assert.deepEqual(await second(() => ({})), {
    external_id: null,
    member_id: null,
    name: null,
    expires_on: "missing",
    modified_on: null,
    removed: "missing",
  });
  const odd = await second((row) => ({ ...row, hlf_expireson: 5, hlf_name: [], statecode: "0" }));
  assert.deepEqual([odd?.expires_on, odd?.name, odd?.removed], [5, [], "missing"]);
  for (const statecode of [0.5, Infinity]) {
    assert.equal((await second((row) => ({ ...row, statecode })))?.removed, "missing");
  }
  const half = await second((row) => ({ ...row, statecode: null, modifiedon: "yesterday" }));
  assert.deepEqual([half?.removed, half?.modified_on], ["missing", "yesterday"]);
});

Deno.test("an empty page is a page", async () => {
  await using world = withPortal({ trouble: always({ kind: "raw", body: '{"value":[]}' }) });
  assert.deepEqual(await world.client.page(EVERYTHING, NEVER), { certifications: [], next: null });
});

// What is not seen ----------------------------------------------------------------

Deno.test("nothing of what a portal answers is in an error", async () => {
  const rows = JSON.stringify({ value: [{ [CANARY]: CANARY }] });
  const raw = (body: string, status = 200) => ({ kind: "raw", body, status }) as const;
  for (
    const trouble of [
      raw(CANARY),
      raw(rows),
      raw(rows, 400),
      raw(rows, 403),
      raw(rows, 404),
      raw(rows, 418),
      raw(rows, 500),
      { kind: "status", status: 429, retryAfter: CANARY },
      { kind: "redirect", to: `https://${CANARY}` },
      { kind: "next", link: `https://${CANARY}` },
      { kind: "rows", change: () => ({ [CANARY]: CANARY }) },
    ] as const
  ) {
    const error = await failureWith(trouble);
    assert.ok(!`${error.message} ${error.stack}`.includes("kanari"), error.message);
  }
});

Deno.test("the client shows nobody its secret, its token or where it is", async () => {
  await using world = withPortal();
  await world.client.page(EVERYTHING, NEVER);
  const seen = Deno.inspect(world.client, { depth: 10, showHidden: true }) +
    JSON.stringify(world.client);
  assert.ok(!seen.includes("fake"), seen);
  assert.deepEqual(Object.keys(world.client), []);
});

Deno.test("a next page without our fields begins the round anew: its address may be from before they were renamed", async () => {
  await using world = withPortal({
    trouble: ({ to, number }) =>
      to === "page" && number === 2
        ? { kind: "rows", change: ({ hlf_name: _, ...row }) => row }
        : undefined,
  });
  const { next } = await world.client.page(EVERYTHING, NEVER);
  assert.ok(next);
  await assert.rejects(world.client.page({ since: null, cursor: next }, NEVER), CursorRefused);
});
