import assert from "node:assert/strict";
import { type FakePortal, type FakePortalOptions, startFakePortal } from "./fake_portal.ts";

type Form = Record<string, string>;

function askToken(fake: FakePortal, changes: Form = {}): Promise<Response> {
  const { HLF_TOKEN_URL = "", HLF_CLIENT_ID = "", HLF_CLIENT_SECRET = "" } = fake.environment;
  return fetch(HLF_TOKEN_URL, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: HLF_CLIENT_ID,
      client_secret: HLF_CLIENT_SECRET,
      scope: `${new URL(fake.apiUrl).origin}/.default`,
      ...changes,
    }),
  });
}

/** A fake with three certifications, and a way to ask it for a path or a whole address. */
async function withPortal(options: FakePortalOptions = {}) {
  const fake = startFakePortal(options);
  for (const id of ["c", "a", "b"]) {
    fake.put(id, { hlf_memberid: `member ${id}`, hlf_name: "Course", hlf_level: 3 });
  }
  const { access_token } = await (await askToken(fake)).json();
  return {
    fake,
    ask: (path: string, headers: Record<string, string> = {}) =>
      fetch(new URL(path, fake.apiUrl), {
        redirect: "manual",
        headers: {
          authorization: `Bearer ${access_token}`,
          "odata-maxversion": "4.0",
          "odata-version": "4.0",
          accept: "application/json",
          ...headers,
        },
      }),
    [Symbol.asyncDispose]: fake.stop,
  };
}

const PAIRS = { prefer: "odata.maxpagesize=2" };

async function idsOf(response: Response): Promise<{ ids: string[]; next: string | undefined }> {
  const { value, "@odata.nextLink": next } = await response.json();
  return { ids: value.map((row: Record<string, string>) => row["hlf_certificationid"]), next };
}

Deno.test("a token is given to its client alone, for its own resource, and the error is OAuth's", async () => {
  await using portal = await withPortal();
  for (
    const [changes, status, error] of [
      [{ client_secret: "wrong" }, 401, "invalid_client"],
      [{ client_id: "wrong" }, 401, "invalid_client"],
      [{ scope: "https://elsewhere.example.org/.default" }, 400, "invalid_scope"],
      [{ grant_type: "password" }, 400, "unsupported_grant_type"],
    ] as const
  ) {
    const response = await askToken(portal.fake, changes);
    assert.deepEqual([response.status, (await response.json()).error], [status, error]);
  }
  assert.equal(portal.fake.tokensIssued, 1);
});

Deno.test("without a token, and with one that ran out or was revoked, nothing is shown", async () => {
  await using portal = await withPortal();
  const statuses: number[] = [];
  const look = async (headers: Record<string, string> = {}) => {
    const response = await portal.ask("hlf_certifications", headers);
    statuses.push(response.status);
    await response.body?.cancel();
  };
  await look();
  await look({ authorization: "" });
  await look({ authorization: "Bearer fake.other" });
  portal.fake.revokeTokens();
  await look();
  assert.deepEqual(statuses, [200, 401, 401, 401]);

  await using expired = await withPortal({ expiresInSeconds: 0 });
  const response = await expired.ask("hlf_certifications");
  assert.equal(response.status, 401);
  await response.body?.cancel();
});

Deno.test("a row has the columns that were asked for, and an etag", async () => {
  await using portal = await withPortal();
  const response = await portal.ask("hlf_certifications?$select=hlf_memberid,statecode");
  assert.equal(response.headers.get("odata-version"), "4.0");
  const { value } = await response.json();
  assert.deepEqual(value[0], {
    "@odata.etag": 'W/"0"',
    hlf_memberid: "member a",
    statecode: 0,
  });
});

Deno.test("pages are as long as was preferred, lead to the next, and name each row once", async () => {
  await using portal = await withPortal();
  const response = await portal.ask("hlf_certifications", PAIRS);
  assert.equal(response.headers.get("preference-applied"), "odata.maxpagesize=2");
  const first = await idsOf(response);
  const second = await idsOf(await portal.ask(first.next ?? "", PAIRS));
  assert.deepEqual([first.ids, second.ids, second.next], [["a", "b"], ["c"], undefined]);
});

Deno.test("a page that was named is known until the portal forgets it", async () => {
  await using portal = await withPortal();
  const { next = "" } = await idsOf(await portal.ask("hlf_certifications", PAIRS));
  portal.fake.forgetPages();
  const response = await portal.ask(next, PAIRS);
  assert.equal(response.status, 400);
  assert.match((await response.json()).error.message, /paging cookie/);
});

Deno.test("a filter on modifiedon names what changed since, removed ones too, erased ones not", async () => {
  await using portal = await withPortal();
  portal.fake.put("old", { modifiedon: "2020-01-01T00:00:00Z" });
  portal.fake.remove("a");
  portal.fake.erase("b");
  const response = await portal.ask(
    "hlf_certifications?$filter=modifiedon ge 2021-01-01T00:00:00Z",
  );
  const { value } = await response.json();
  assert.deepEqual(
    value.map((row: Record<string, unknown>) => [row["hlf_certificationid"], row["statecode"]]),
    [["a", 1], ["c", 0]],
  );
});

Deno.test("a question that names what is not there is refused, as Dataverse does", async () => {
  await using portal = await withPortal();
  for (
    const [path, status] of [
      ["hlf_certifications?$select=hlf_title", 400],
      ["hlf_certifications?$orderby=hlf_title", 400],
      ["hlf_certifications?$filter=modifiedon is new", 400],
      ["hlf_certifications?$skip=5", 400],
      ["hlf_diplomas", 404],
    ] as const
  ) {
    const response = await portal.ask(path);
    assert.equal(response.status, status, path);
    assert.ok((await response.json()).error.message);
  }
  const old = await portal.ask("hlf_certifications", { "odata-maxversion": "3.0" });
  assert.equal(old.status, 400);
  assert.match((await old.json()).error.message, /OData-MaxVersion/);
});

Deno.test("the portal's clock may be ahead", async () => {
  await using portal = await withPortal({ clockSkewMilliseconds: 3_600_000 });
  const { value } = await (await portal.ask("hlf_certifications")).json();
  assert.ok(Date.parse(value[0].modifiedon) > Date.now() + 3_500_000);
});

Deno.test("what is to go wrong does, at the request that it is meant for", async () => {
  const troubles = [
    { kind: "status", status: 429, retryAfter: "7" },
    { kind: "raw", body: "<html>", contentType: "text/html" },
    { kind: "redirect", to: "https://elsewhere.example.org/" },
    { kind: "rows", change: () => ({ other: 1 }) },
    { kind: "next", link: "https://elsewhere.example.org/" },
    { kind: "half" },
    { kind: "slow", milliseconds: 20 },
  ] as const;
  await using portal = await withPortal({
    trouble: ({ to, number }) => to === "page" ? troubles[number - 1] : undefined,
  });
  const ask = () => portal.ask("hlf_certifications");
  const throttled = await ask();
  assert.deepEqual([throttled.status, throttled.headers.get("retry-after")], [429, "7"]);
  await throttled.body?.cancel();
  assert.equal(await (await ask()).text(), "<html>");
  assert.equal((await ask()).status, 302);
  assert.deepEqual((await (await ask()).json()).value[0], { other: 1 });
  assert.equal((await (await ask()).json())["@odata.nextLink"], "https://elsewhere.example.org/");
  await assert.rejects(async () => JSON.parse(await (await ask()).text()), SyntaxError);
  const began = performance.now();
  assert.equal((await idsOf(await ask())).ids.length, 3);
  assert.ok(performance.now() - began >= 19);
  assert.equal((await idsOf(await ask())).ids.length, 3, "and after that it is well again");
  assert.equal(portal.fake.asked.filter(({ to }) => to === "page").length, 8);
});

Deno.test("an answer may break off, or never come, and the fake can be stopped all the same", async () => {
  await using portal = await withPortal({
    trouble: ({ number, to }) =>
      to === "page" ? { kind: number === 1 ? "break" : "hang" } : undefined,
  });
  await assert.rejects(async () => await (await portal.ask("hlf_certifications")).text());
  const waiting = portal.ask("hlf_certifications").then(
    (response) => response.body?.cancel(),
    () => {},
  );
  const quick = new AbortController();
  setTimeout(() => quick.abort(), 20);
  await assert.rejects(
    fetch(`${portal.fake.apiUrl}hlf_certifications`, { signal: quick.signal }),
  );
  await portal.fake.stop();
  await waiting;
});

Deno.test("rows can be given from outside, and a stopped fake can come back at its address", async () => {
  await using portal = await withPortal();
  const response = await fetch(portal.fake.rowsUrl, {
    method: "PUT",
    body: JSON.stringify([{ hlf_certificationid: "d", hlf_name: "Course" }]),
  });
  assert.deepEqual(await response.json(), { rows: 4 });
  assert.deepEqual((await idsOf(await portal.ask("hlf_certifications"))).ids, ["a", "b", "c", "d"]);

  await portal.fake.stop();
  await using back = startFakePortal({ port: Number(new URL(portal.fake.apiUrl).port) });
  assert.equal(back.apiUrl, portal.fake.apiUrl);
});
