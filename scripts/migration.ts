// make migration NAME=…: writes the next migration from what changed in sql/functions.

import { applyMigrations, createDatabase, functionFiles, ROOT } from "./database.ts";
import { findDrift, renderMigration } from "./functions.ts";
import { connect, embeddedBinaries, startServer } from "./server.ts";

const name = Deno.args[0] ?? "";
if (!/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error(
    `The name of a migration is lower case with underscores, not "${name}". ` +
      `Example: make migration NAME=shorter_cooldowns`,
  );
  Deno.exit(2);
}

const server = await startServer(embeddedBinaries());
try {
  const url = await createDatabase(server, "app");
  await applyMigrations(url);
  const sql = connect(url);
  const { changed, dropped, misnamed } = await findDrift(sql, await functionFiles());
  await sql.end();

  if (misnamed.length > 0) {
    console.error(
      `A file in sql/functions holds one function and is named after it. Not so: ${
        misnamed.join(", ")
      }.`,
    );
    Deno.exitCode = 1;
  } else if (changed.length + dropped.length === 0) {
    console.log("Nothing to write: the migrations make exactly the functions of sql/functions.");
  } else {
    const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
    const file = `sql/migrations/${stamp}_${name}.sql`;
    await Deno.writeTextFile(`${ROOT}${file}`, renderMigration(changed, dropped));
    console.log(`${file}`);
    for (const { name } of changed) console.log(`  changes ${name}`);
    for (const signature of dropped) console.log(`  drops ${signature}`);
  }
} finally {
  await server.stop();
}
