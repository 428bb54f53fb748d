// make types: edge/shared/database.types.ts, written from the database that the migrations make.

import { applyMigrations, createDatabase, ROOT, supabase } from "./database.ts";
import { embeddedBinaries, startServer } from "./server.ts";

export const TYPES = "edge/shared/database.types.ts";

/** The types of the rows and functions of a database, as `deno fmt` leaves them. */
export async function renderTypes(url: string): Promise<string> {
  const { success, stdout, output } = await supabase([
    "gen",
    "types",
    "--lang=typescript",
    `--remote=${url}`,
    "--schema=public,scheduler",
  ]);
  if (!success) throw new Error(`The types could not be read:\n${output}`);
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    // What the CLI says of the connection stands before it.
    const types = stdout.slice(stdout.indexOf("export "));
    await Deno.writeTextFile(file, `// Written by \`make types\` from the database.\n\n${types}`);
    await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "--quiet", "--config", `${ROOT}deno.json`, file],
      cwd: ROOT,
    }).output();
    return await Deno.readTextFile(file);
  } finally {
    await Deno.remove(file);
  }
}

if (import.meta.main) {
  const server = await startServer(embeddedBinaries());
  try {
    const url = await createDatabase(server, "app");
    await applyMigrations(url);
    await Deno.writeTextFile(`${ROOT}${TYPES}`, await renderTypes(url));
    console.log(TYPES);
  } finally {
    await server.stop();
  }
}
