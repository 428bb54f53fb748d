import { ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";

const STARTER = `
  import { embeddedBinaries, startServer } from "${new URL("server.ts", import.meta.url)}";
  const server = await startServer(embeddedBinaries());
  console.log(server.folder);
  if (Deno.args[0] === "stay") await new Promise((resolve) => setTimeout(resolve, 60_000));
  Deno.exit(0);
`;

/** Starts a program that starts a server; resolves to the server's folder. */
async function starter(...args: string[]): Promise<{ child: Deno.ChildProcess; folder: string }> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, STARTER);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      `--config=${fileURLToPath(new URL("../deno.json", import.meta.url))}`,
      script,
      ...args,
    ],
    stdout: "piped",
  }).spawn();
  let folder = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    folder += chunk;
    if (folder.includes("\n")) break;
  }
  await Deno.remove(script);
  return { child, folder: folder.trim() };
}

async function gone(folder: string): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await Deno.stat(folder).then(() => false, () => true)) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

Deno.test("a server ends with a program that ends without stopping it", async () => {
  const { child, folder } = await starter();
  await child.status;
  ok(folder.includes("scenario-scheduler-"));
  ok(await gone(folder));
});

Deno.test("a server ends with a program that is killed", async () => {
  const { child, folder } = await starter("stay");
  ok((await Deno.stat(folder)).isDirectory);
  child.kill("SIGKILL");
  await child.status;
  ok(await gone(folder));
});
