// make bench-certifications: what a night of certification-expiry costs, by how many
// mentors there are and by how many certifications expire.

import { applyMigrations, createDatabase } from "../scripts/database.ts";
import { connect, foundBinaries, type Server, type Sql, startServer } from "../scripts/server.ts";
import { onInterrupt, step, table } from "../scripts/terminal.ts";

const MENTORS = Number(Deno.env.get("MENTORS") ?? 100_000);
const TIMES = 10;
const ORGANISATIONS = 50;

let server: Server | undefined;
onInterrupt(async () => await server?.stop());

/** One in a hundred expires on 10 March 2026, the others a year later; and each has another that nobody requires. */
async function makeWorld(sql: Sql, mentors: number): Promise<void> {
  await sql`
    insert into public.organisations (id, name)
    select md5('organisation ' || n)::uuid, 'Organisation' from generate_series(1, ${ORGANISATIONS}::integer) as n
  `;
  await sql`
    insert into scheduler.required_certifications (organisation_id, name)
    select organisation.id, 'First aid' from public.organisations as organisation
  `;
  await sql`
    insert into public.peer_mentors (id, organisation_id, joined_on)
    select md5('mentor ' || n)::uuid, md5('organisation ' || n % ${ORGANISATIONS} + 1)::uuid, '2025-01-01'
    from generate_series(1, ${mentors}::integer) as n
  `;
  await sql`
    insert into public.certifications (user_id, name, expires_on)
    select md5('mentor ' || n)::uuid, held.name, held.expires_on
    from generate_series(1, ${mentors}::integer) as n
    cross join lateral (
      values
        ('First aid', date '2026-03-10' + case when n % 100 = 0 then 0 else 365 end),
        ('Driving', date '2026-01-01' + n % 1000)
    ) as held (name, expires_on)
  `;
}

/** Seconds of a night's run, and how many it paused or resumed. */
async function night(sql: Sql, day: string): Promise<{ seconds: number; changed: number }> {
  const began = performance.now();
  const [row] = await sql`
    select count(*)::integer as changed
    from public.run_certification_expiry(as_of => ${`${day} 02:00Z`}::timestamptz)
  `;
  return { seconds: (performance.now() - began) / 1000, changed: row?.["changed"] ?? 0 };
}

async function measure(mentors: number) {
  const name = `mentors_${mentors}`;
  const sql = connect(await createDatabase(server as Server, name), { max: 1 });
  const admin = connect(server?.url(name, "supabase_admin") ?? "", { max: 1 });
  try {
    await step(`a world of ${mentors.toLocaleString("en")}`, async () => {
      await applyMigrations(server?.url(name) ?? "");
      await makeWorld(sql, mentors);
      await admin`vacuum analyze`;
    });
    const nights: [string, { seconds: number; changed: number }][] = [];
    const sleep = async (what: string, day: string) => nights.push([what, await night(sql, day)]);
    await sleep("the first night: all are looked at", "2026-03-09");
    await admin`vacuum analyze`;
    await sleep("nothing expired", "2026-03-10");
    await sleep("one in a hundred expired", "2026-03-11");
    await sql`
      update public.certifications set expires_on = '2028-01-01' where name = 'First aid' and expires_on = '2026-03-10'
    `;
    await sleep("one in a hundred renewed", "2026-03-12");
    await admin`vacuum analyze`;
    await sleep("nothing, again", "2026-03-13");
    await sleep("ninety-nine in a hundred expired", "2027-03-11");
    await sql`
      update public.certifications set expires_on = '2028-01-01' where name = 'First aid' and expires_on < '2028-01-01'
    `;
    await sleep("ninety-nine in a hundred renewed", "2027-03-12");
    return nights;
  } finally {
    await sql.end();
    await admin.end();
  }
}

const binaries = await foundBinaries();
console.log(`\n${binaries.name}, ${navigator.hardwareConcurrency} cores\n`);
try {
  server = await startServer(binaries, {
    settings: { shared_buffers: "4GB", maintenance_work_mem: "1GB", max_wal_size: "16GB" },
  });
  const sizes = [MENTORS, MENTORS * TIMES];
  const worlds: Awaited<ReturnType<typeof measure>>[] = [];
  for (const size of sizes) worlds.push(await measure(size));
  console.log("");
  console.log(table((worlds[0] ?? []).map(([what], place) => ({
    night: what,
    ...Object.fromEntries(worlds.flatMap((nights, at) => {
      const { seconds = NaN, changed = 0 } = nights[place]?.[1] ?? {};
      const mentors = sizes[at]?.toLocaleString("en");
      return [
        [`${mentors} mentors`, `${seconds.toFixed(seconds < 1 ? 3 : 1)} s`],
        [`changed of ${mentors}`, changed.toLocaleString("en")],
      ];
    })),
  }))));
} finally {
  await server?.stop();
}
