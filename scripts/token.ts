// make token ROLE=… [ORGANISATION=…]: a token for a person of the demo's world, for the
// API that make serve runs. Prints nothing else, so that it can be caught.

import { tokenFor } from "./local_auth.ts";
import { Trouble } from "./project.ts";
import { connect, type Sql } from "./server.ts";
import { current } from "./stack.ts";

const HOURS = 12;
const ROLES = ["coordinator", "admin", "mentor"];

const role = Deno.env.get("ROLE")?.trim() ?? "";
const organisation = Deno.env.get("ORGANISATION")?.trim() || "0";

/** Whoever comes first in the organisation, with this role. */
async function find(sql: Sql): Promise<string | undefined> {
  const [person] = await sql<{ id: string }[]>`
    with place as (
      select md5('organisation ' || ${organisation}::text)::uuid as organisation_id
    )
    select staff.user_id as id
    from scheduler.staff as staff
    join place on place.organisation_id = staff.organisation_id
    where staff.role = ${role}
    union all
    select mentor.user_id
    from scheduler.mentor as mentor
    join place on place.organisation_id = mentor.organisation_id
    where ${role}::text = 'mentor' and mentor.status = 'active'
    order by id
    limit 1
  `;
  return person?.id;
}

if (!ROLES.includes(role)) {
  console.error(
    `ROLE ${role ? `must not be "${role}"` : "is missing"}: make token ROLE=${ROLES.join("|")}`,
  );
  Deno.exit(2);
}
if (!/^[0-2]$/.test(organisation)) {
  console.error(
    `ORGANISATION must be 0, 1 or 2, the organisations of the demo's world, not "${organisation}".`,
  );
  Deno.exit(2);
}
const stack = await current();
if (!stack) {
  console.error("Nothing is up. Start it with: make up");
  Deno.exit(1);
}
const sql = connect(stack.url);
try {
  const person = await find(sql);
  if (!person) {
    throw new Trouble(
      `There is no ${role} in organisation ${organisation} of what make up keeps.`,
      "Make it anew: make down, then make up",
    );
  }
  console.log(await tokenFor(person, HOURS));
} catch (error) {
  const next = error instanceof Trouble
    ? error.next
    : "If what make up keeps is older than this folder: make down, then make up";
  console.error(`${error instanceof Error ? error.message : error}\nnext: ${next}`);
  Deno.exitCode = 1;
} finally {
  await sql.end();
}
