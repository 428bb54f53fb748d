// Who may do what in the database.

import { inEveryVersion, inFunction, inMigrations, type Sabotage, tests } from "./change.ts";

const CATALOG = "sql/tests/install/catalog.test.sql";

export const ACCESS: Sabotage[] = [
  {
    name: "access: search_path",
    removed: "a function of the schema scheduler pins it",
    changes: [inFunction("next_allowed_time", "set search_path = pg_catalog, pg_temp\n")],
    tests: tests(`${CATALOG}: pins a search_path`),
  },
  {
    name: "access: search_path of an entry point",
    removed: "a function that runs as its owner pins it",
    changes: [inFunction("claim_notifications", "set search_path = ''\n")],
    tests: tests(`${CATALOG}: pins a search_path`),
  },
  {
    name: "access: security definer",
    removed: "an entry point runs as its owner",
    changes: [inFunction("record_push_results", "security definer\n")],
    tests: tests(`${CATALOG}: is a security definer`),
  },
  {
    name: "access: entry points and everybody",
    removed: "execute is revoked from public",
    changes: [
      inEveryVersion(
        "apply_privileges",
        "'revoke all on function %s from public, anon,",
        "'revoke all on function %s from anon,",
      ),
    ],
    tests: tests(`${CATALOG}: may execute no function`),
  },
  {
    name: "access: entry points and anon",
    removed: "execute is revoked from anon and authenticated, whom old projects grant all",
    changes: [
      inEveryVersion(
        "apply_privileges",
        "'revoke all on function %s from public, anon, authenticated",
        "'revoke all on function %s from public",
      ),
    ],
    tests: tests("sql/tests/install/install.test.ts: same privileges"),
  },
  {
    name: "access: what is inside and everybody",
    removed: "functions of the schema scheduler are revoked from public",
    changes: [
      inEveryVersion(
        "apply_privileges",
        "  revoke all on all functions in schema scheduler from public, anon,",
        "  revoke all on all functions in schema scheduler from anon,",
      ),
    ],
    tests: tests(`${CATALOG}: may execute no function`),
  },
  {
    name: "access: tables of public and anon",
    removed: "a table is revoked from anon, whom old projects grant all",
    changes: [
      inMigrations("    revoke all on table public.peer_mentors from anon, authenticated;\n"),
    ],
    tests: tests("sql/tests/install/install.test.ts: same privileges"),
  },
  {
    name: "access: row level security",
    removed: "a table of public has it",
    changes: [
      inMigrations("  alter table public.device_tokens enable row level security;\n"),
    ],
    tests: tests(`${CATALOG}: has row level security`),
  },
  {
    name: "access: a policy",
    removed: "activities are shown to who follows their mentor up",
    changes: [
      inMigrations(
        `create policy "people see activities of mentors in their reach" on public.activities
      for select to authenticated using (
        user_id = (select auth.uid())
        or user_id = any ((select scheduler.mentors_of_caller())::uuid[])
      );`,
        `create policy "people see activities of mentors in their reach" on public.activities
      for select to authenticated using ((select auth.uid()) is not null);`,
      ),
    ],
    tests: tests("sql/tests/policies/coordinator_sees_reach.test.sql: who follows up nobody"),
  },
  {
    name: "access: reach",
    removed: "an assignment across organisations reaches nobody",
    changes: [
      inFunction(
        "mentors_of_caller",
        "      and mentor.organisation_id = any ((select scheduler.organisations_of_caller())::uuid[])\n",
      ),
    ],
    tests: tests("sql/tests/mentors_of_caller/across_organisations.test.sql: reaches anybody"),
  },
  {
    name: "access: staff only",
    removed: "an entry point for staff looks at who calls",
    changes: [
      inFunction(
        "require_staff",
        "  if cardinality(organisations) = 0 then\n",
        "  if false then\n",
      ),
    ],
    tests: tests(`${CATALOG}: begins with a look at who calls`),
  },
  {
    name: "access: runs of others",
    removed: "a run that concerns other organisations is not shown",
    changes: [
      inFunction(
        "visible_invocation",
        "    and (seen.organisation_ids is null or seen.organisation_ids && organisations);\n",
        "    ;\n",
      ),
    ],
    tests: tests("sql/tests/get_invocation/visible.test.sql: one that does not is none"),
  },
  {
    name: "access: stopping runs of others",
    removed: "a run that concerns others too is not theirs alone",
    changes: [
      inFunction(
        "own_invocation",
        "    where concerned.organisation_id <> all (organisations)\n  ) or (",
        "    where false\n  ) or (",
      ),
    ],
    tests: tests("sql/tests/delete_invocation/delete.test.sql: one of several organisations"),
  },
  {
    name: "access: mentors out of reach",
    removed: "they are not evaluated for who asks",
    changes: [
      inFunction("evaluate_mentors", "  where reached.user_id is null\n", "  where false\n"),
    ],
    tests: tests("sql/tests/evaluate_mentors/out_of_reach.test.sql: one of a colleague"),
  },
];
