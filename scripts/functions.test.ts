import { deepStrictEqual, match } from "node:assert/strict";
import { functionFiles } from "./database.ts";
import { findDrift, renderMigration } from "./functions.ts";
import { testDatabase } from "./testing.ts";

const make = (name: string, args: string, result: string, body: string) => ({
  name,
  text:
    `create or replace function scheduler.${name}(${args}) returns ${result} language sql as $$ ${body} $$;\n`,
});

Deno.test("the functions that migrations make are those of sql/functions", async () => {
  const database = await testDatabase();
  deepStrictEqual(await findDrift(database.sql, await functionFiles()), {
    changed: [],
    dropped: [],
    misnamed: [],
  });
  await database.drop();
});

Deno.test("a function that is new, changed or removed, in whatever part, is found and the migration mends it", async () => {
  const database = await testDatabase();
  const files = await functionFiles();
  for (
    const old of [
      make("body", "", "int", "select 1"),
      make("arguments", "a int", "int", "select 1"),
      make("result", "", "int", "select 1"),
      make("removed", "", "int", "select 1"),
      make("remarked", "", "int", "select 1"),
    ]
  ) await database.sql.unsafe(old.text);
  const remarked = make("remarked", "", "int", "select 1");
  const wanted = [
    ...files,
    make("added", "", "int", "select 1"),
    make("body", "", "int", "select 2"),
    make("arguments", "a text", "int", "select 1"),
    make("result", "", "text", "select 'a'"),
    { ...remarked, text: `${remarked.text}comment on function scheduler.remarked() is 'Now.';\n` },
  ];

  const { changed, dropped, misnamed } = await findDrift(database.sql, wanted);
  deepStrictEqual(changed.map((file) => file.name).sort(), [
    "added",
    "arguments",
    "body",
    "remarked",
    "result",
  ]);
  deepStrictEqual(dropped.sort(), [
    "scheduler.arguments(integer)",
    "scheduler.removed()",
    "scheduler.result()",
  ]);
  deepStrictEqual(misnamed, []);

  await database.sql.unsafe(renderMigration(changed, dropped));
  deepStrictEqual(await findDrift(database.sql, wanted), {
    changed: [],
    dropped: [],
    misnamed: [],
  });
  await database.drop();
});

Deno.test("a file that is not named like its function is told", async () => {
  const database = await testDatabase();
  const { misnamed } = await findDrift(database.sql, [
    ...await functionFiles(),
    { ...make("one", "", "int", "select 1"), name: "other" },
  ]);
  deepStrictEqual(misnamed, ["other"]);
  await database.drop();
});

Deno.test("a migration of functions renews what tracking generated, and the privileges", () => {
  match(
    renderMigration([], []),
    /refresh_sources\(\);\nselect scheduler\.apply_privileges\(\);\n$/,
  );
});
