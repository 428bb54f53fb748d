// What the database signs, checked by those who have to believe it.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { newSecret } from "../../scripts/edge_function.ts";
import { inDatabase, type TestDatabase } from "../../scripts/testing.ts";
import { authenticate } from "../shared/auth.ts";

interface Signed {
  headers: Record<string, string>;
  body: Uint8Array<ArrayBuffer>;
}

const keyOf = (secret: string) =>
  Uint8Array.from(secret.match(/../g) ?? [], (pair) => parseInt(pair, 16));

function verifies(signed: Signed, secret: string): boolean {
  const body = new TextDecoder("utf-8", { ignoreBOM: true }).decode(signed.body);
  try {
    new Webhook(keyOf(secret), { format: "raw" }).verify(body, signed.headers, {
      jsonParse: false,
    });
    return true;
  } catch {
    return false;
  }
}

/** Whether the function would let it in, which must be what the library says. */
async function isGood(signed: Signed, secret: string): Promise<boolean> {
  const body = new TextDecoder("utf-8", { ignoreBOM: true }).decode(signed.body);
  const credentials = await authenticate(new Headers(signed.headers), body, [secret]);
  const good = verifies(signed, secret);
  assert.equal(credentials !== undefined, good);
  if (credentials) {
    assert.deepEqual(credentials, {
      kind: "signature",
      webhookId: signed.headers["webhook-id"],
    });
  }
  return good;
}

async function queued({ sql }: TestDatabase): Promise<Signed[]> {
  const rows = await sql<Signed[]>`
    delete from net.http_request_queue returning headers, body
  `;
  return rows.map(({ headers, body }) => ({ headers, body: Uint8Array.from(body) }));
}

async function sign(
  { sql }: TestDatabase,
  { id = "run_1", secondsAgo = 0, body = "{}", secret = "" },
): Promise<Signed> {
  const [row] = await sql<{ headers: Record<string, string> }[]>`
    select scheduler.sign_webhook(
      webhook_id => ${id}, asked_at => now() - make_interval(secs => ${secondsAgo}), body => ${body}, secret => ${secret}
    ) as headers
  `;
  return { headers: row?.headers ?? {}, body: new TextEncoder().encode(body) };
}

/** Texts that PostgreSQL can keep, with what is signed differently when an encoding is wrong. */
const texts = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "æ",
      "ø",
      "å",
      "Æ",
      "Ø",
      "Å",
      "é",
      '"',
      "\\",
      "\n",
      "\t",
      ".",
      "€",
      "👋",
      "\ufeff",
    ),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
}).filter((text) => !text.includes("\0") && text.isWellFormed());

const hexSecrets = fc.uint8Array({ minLength: 32, maxLength: 64 }).map((bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
);

const ids = fc.stringMatching(/^[A-Za-z0-9_-]{1,80}$/);

Deno.test("a request that the database asks for verifies with standardwebhooks, whatever it asks", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const secret = newSecret();
    await sql`
      select scheduler.configure_edge(url => 'http://127.0.0.1:1/', secret => ${secret})
    `;
    const organisations = [1, 2, 3].map(() => crypto.randomUUID());
    await sql`
      insert into public.organisations (id, name)
      select id, 'Organisation' from unnest(${organisations}::uuid[]) as id
    `;
    const orders = fc.record({
      job: fc.constantFrom("scenario-evaluation", "dispatch-backlog"),
      scenarios: fc.option(
        fc.uniqueArray(fc.constantFrom("inactivity", "expiry", "milestone"), {
          minLength: 1,
        }),
      ),
      organisations: fc.option(
        fc.uniqueArray(fc.constantFrom(...organisations), { minLength: 1 }),
      ),
      dryRun: fc.boolean(),
      minute: fc.option(fc.integer({ min: 0, max: 500_000 })),
    });
    await fc.assert(
      fc.asyncProperty(orders, async ({ job, scenarios, organisations, dryRun, minute }) => {
        await sql`delete from scheduler.invocations`;
        const [run] = await sql<{ id: string; scheduled: string | null }[]>`
          select scheduler.invoke_edge(
            job_name => ${job},
            scenarios => ${scenarios}::text[],
            organisation_ids => ${organisations}::uuid[],
            dry_run => ${dryRun},
            scheduled_for => timestamptz '2026-01-01 00:00 UTC' + make_interval(mins => ${minute})
          ) as id
        `;
        const [signed, ...more] = await queued(database);
        assert.ok(signed && run);
        assert.equal(more.length, 0);
        assert.ok(await isGood(signed, secret));
        assert.equal(signed.headers["webhook-id"], `run_${run.id}_1`);
        assert.doesNotMatch(JSON.stringify(signed.headers), new RegExp(secret, "i"));
        const order = JSON.parse(new TextDecoder().decode(signed.body));
        assert.equal(order.job_name, job);
        assert.equal(order.invocation_id, run.id);
        assert.deepEqual(order.scenarios ?? null, scenarios);
        assert.deepEqual(order.organisation_ids ?? null, organisations);
        assert.equal(order.dry_run, dryRun);
        assert.equal(
          order.scheduled_for === undefined ? null : Date.parse(order.scheduled_for),
          minute === null ? null : Date.UTC(2026, 0, 1, 0, minute),
        );
      }),
      { numRuns: 40 },
    );
  });
});

Deno.test("any text that the database signs verifies with the key's bytes, Norwegian letters too", async () => {
  await inDatabase(async (database) => {
    const cases = fc.record({ id: ids, body: texts, secret: hexSecrets });
    const examples: [{ id: string; body: string; secret: string }][] = [
      [{ id: "run_1", body: '{"navn":"Bjørnøya æ ø å"}', secret: newSecret() }],
      [{ id: "run_2", body: "", secret: newSecret().toUpperCase() }],
    ];
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        assert.ok(await isGood(await sign(database, given), given.secret));
      }),
      { numRuns: 150, examples },
    );
  });
});

Deno.test("the bytes that pg_net sends of a body are those that were signed", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const secret = newSecret();
    const bodies = fc.dictionary(
      texts,
      fc.oneof(texts, fc.integer(), fc.boolean(), fc.array(texts, { maxLength: 3 })),
      { maxKeys: 4 },
    );
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const text = JSON.stringify(body);
        await sql`
          select net.http_post(
            url => 'http://127.0.0.1:1/',
            body => ${text}::text::jsonb,
            headers => scheduler.sign_webhook(
              webhook_id => 'run_1', asked_at => now(), body => ${text}::text::jsonb::text, secret => ${secret}
            ),
            timeout_milliseconds => 1000
          )
        `;
        const [signed] = await queued(database);
        assert.ok(signed && await isGood(signed, secret));
      }),
      { numRuns: 50 },
    );
  });
});

Deno.test("a signed request of which one byte, the id, the time or the key is another is refused", async () => {
  await inDatabase(async (database) => {
    const cases = fc.record({
      id: ids,
      body: texts.filter((text) => text !== ""),
      secret: hexSecrets,
      place: fc.nat(),
      bit: fc.integer({ min: 0, max: 7 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ place, bit, ...given }) => {
        const { secret } = given;
        const signed = await sign(database, given);
        assert.ok(await isGood(signed, secret));

        const body = signed.body.slice();
        body[place % body.length] = (body[place % body.length] ?? 0) ^ (1 << bit);
        // What is no UTF-8 any more is refused before anybody looks at the signature.
        assert.ok(!await isGood({ ...signed, body }, secret));
        const stamp = Number(signed.headers["webhook-timestamp"]);
        const changes: Record<string, string>[] = [
          { "webhook-id": `${given.id}0` },
          { "webhook-timestamp": String(stamp - 1) },
          { "webhook-timestamp": String(stamp + 1) },
        ];
        for (const change of changes) {
          const changed = { ...signed, headers: { ...signed.headers, ...change } };
          assert.ok(!await isGood(changed, secret), JSON.stringify(change));
        }
        const other = secret.replace(/^./, (digit) => digit === "0" ? "1" : "0");
        assert.ok(!await isGood(signed, other));
      }),
      { numRuns: 60 },
    );
  });
});

Deno.test("a request that was signed more than five minutes ago is refused", async () => {
  await inDatabase(async (database) => {
    const secret = newSecret();
    for (const [secondsAgo, good] of [[290, true], [310, false], [86_400, false]] as const) {
      assert.equal(await isGood(await sign(database, { secondsAgo, secret }), secret), good);
    }
  });
});
