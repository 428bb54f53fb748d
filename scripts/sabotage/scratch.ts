// A copy of the checkout with a server of its own, in which a safeguard can be
// taken away and the tests run.

import { ROOT } from "../database.ts";
import { pgtapScript } from "../pgtap.ts";
import { connect, embeddedBinaries, type Server, startServer } from "../server.ts";
import { type Change, sabotaged, type Tests, type Texts } from "./change.ts";

/** How long a file of tests may take, should what is missing leave them waiting for ever. */
const LIMIT_MS = 60_000;

/** What of the checkout is no part of the project. */
const LEFT_OUT = ["node_modules", ".git", ".local"];

/** testing.ts looks for a server as it is loaded. */
const ADDRESS_VARIABLE = "SCENARIO_SCHEDULER_TEST_SERVER";

/** What became of tests: the names of those that failed, and what was not run to its end. */
export interface Outcome {
  failed: string[];
  broken: string[];
}

async function filesIn(folder: string, ending: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesIn(path, ending));
    else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found;
}

/** The files that can be changed. */
export async function readTexts(): Promise<Texts> {
  const paths = [
    ...await filesIn("sql/migrations", ".sql"),
    ...await filesIn("sql/functions", ".sql"),
    ...await filesIn("edge", ".ts"),
  ].filter((path) => !path.endsWith(".test.ts"));
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path, await Deno.readTextFile(`${ROOT}${path}`)] as const),
    ),
  );
}

async function copyCheckout(folder: string): Promise<void> {
  const entries: string[] = [];
  for await (const { name } of Deno.readDir(ROOT)) {
    if (!LEFT_OUT.includes(name)) entries.push(`${ROOT}${name}`);
  }
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", ...entries, folder] })
    .output();
  if (!success) {
    throw new Error(`The checkout could not be copied: ${new TextDecoder().decode(stderr)}`);
  }
  await Deno.symlink(`${ROOT}node_modules`, `${folder}/node_modules`);
}

interface Ended {
  success: boolean;
  output: string;
}

const LATE = "does not end within";

export class Scratch {
  readonly #folder = Deno.makeTempDirSync({ prefix: "scenario-scheduler-sabotage-" });
  readonly #running = new Set<number>();
  #server: Server | undefined;
  #testing: typeof import("../testing.ts") | undefined;
  /** What the migrations of the template have that those of the checkout don't. */
  #template: string | undefined;

  constructor(private readonly texts: Texts) {}

  /** To be called for one after the other: they tell testing.ts by the environment. */
  async start(): Promise<void> {
    await copyCheckout(this.#folder);
    this.#server = await startServer(embeddedBinaries());
    Deno.env.set(ADDRESS_VARIABLE, this.#address);
    this.#testing = await import(`file://${this.#folder}/scripts/testing.ts`);
    if (this.#testing?.server.port !== this.#server.port) {
      throw new Error(
        `testing.ts does not heed ${ADDRESS_VARIABLE}: is the variable called otherwise?`,
      );
    }
  }

  get #started() {
    const [server, testing] = [this.#server, this.#testing];
    if (!server || !testing) throw new Error("start() comes first");
    return { server, testing };
  }

  get #address(): string {
    const { name, folder, port, password } = this.#server ?? {};
    return JSON.stringify({ name, folder, port, password });
  }

  /** Ends what runs, stops the server and removes the copy. */
  async remove(): Promise<void> {
    for (const pid of this.#running) this.#killGroup(pid);
    await this.#server?.stop();
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }

  /**
   * The tests that notice these changes, of the first file in which there is one.
   * What fails anyway notices nothing.
   */
  async tryOut(
    changes: readonly Change[],
    tests: readonly Tests[],
    failingAnyway: readonly string[] = [],
  ): Promise<Outcome> {
    const changed = sabotaged(changes, this.texts);
    try {
      for (const [path, text] of changed) await Deno.writeTextFile(`${this.#folder}/${path}`, text);
      await this.#makeTemplate(
        [...changed].filter(([path]) => path.startsWith("sql/migrations/")).flat().join("\n"),
      );
      const broken: string[] = [];
      for (const { file, filter } of tests) {
        const outcome = await this.run([file], filter === undefined ? [] : [filter], true);
        const failed = outcome.failed.filter((name) => !failingAnyway.includes(name));
        if (failed.length > 0) return { failed, broken: outcome.broken };
        broken.push(...outcome.broken.filter((name) => !failingAnyway.includes(name)));
      }
      return { failed: [], broken };
    } finally {
      for (const path of changed.keys()) {
        await Deno.writeTextFile(`${this.#folder}/${path}`, this.texts.get(path) ?? "");
      }
    }
  }

  async #makeTemplate(migrations: string): Promise<void> {
    if (this.#template === migrations) return;
    this.#template = undefined;
    const { server, testing } = this.#started;
    const admin = connect(server.url("template1", "supabase_admin"));
    try {
      await admin.unsafe(`drop database if exists ${testing.TEMPLATE} with (force)`);
    } finally {
      await admin.end();
    }
    await testing.makeTemplate(server, await pgtapScript());
    this.#template = migrations;
  }

  /** Runs files of one kind; with filters only the tests that have one of them in their name. */
  async run(
    files: readonly string[],
    filters: readonly string[] = [],
    failFast = false,
  ): Promise<Outcome> {
    const ended = files.every((file) => file.endsWith(".sql"))
      ? await this.#runPgtap(files)
      : await this.#runDeno(files, filters, failFast);
    return readTap(files, filters, ended);
  }

  async #runPgtap(files: readonly string[]): Promise<Ended> {
    const { server, testing } = this.#started;
    return await this.#execute(
      "pg_prove",
      ["--verbose", "--norc", ...files],
      LIMIT_MS * files.length,
      {
        PGHOST: "127.0.0.1",
        PGPORT: String(server.port),
        PGUSER: "postgres",
        PGPASSWORD: server.password,
        PGDATABASE: testing.TEMPLATE,
        PGOPTIONS: "-c search_path=public,extensions -c client_min_messages=error",
      },
    );
  }

  async #runDeno(
    files: readonly string[],
    filters: readonly string[],
    failFast: boolean,
  ): Promise<Ended> {
    const pattern = filters.map((filter) => filter.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(
      "|",
    );
    return await this.#execute(
      Deno.execPath(),
      [
        "test",
        "--quiet",
        "--allow-all",
        // The tests are to notice, not the types.
        "--no-check",
        "--reporter=tap",
        ...(failFast ? ["--fail-fast"] : []),
        ...(filters.length > 0 ? [`--filter=/${pattern}/`] : []),
        ...files,
      ],
      LIMIT_MS * files.length,
      {
        [ADDRESS_VARIABLE]: this.#address,
        NO_COLOR: "1",
      },
    );
  }

  /** In a group of its own: a test that hangs has processes too. */
  async #execute(
    command: string,
    args: string[],
    limit: number,
    env: Record<string, string>,
  ): Promise<Ended> {
    const child = new Deno.Command(command, {
      args,
      env,
      cwd: this.#folder,
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#running.add(child.pid);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#killGroup(child.pid);
    }, limit);
    try {
      const { success, stdout, stderr } = await child.output();
      const decoder = new TextDecoder();
      const said = `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`;
      return {
        success,
        output: late ? `${said}\n${LATE} ${limit / 1000} s` : said,
      };
    } finally {
      clearTimeout(timer);
      this.#running.delete(child.pid);
    }
  }

  #killGroup(pid: number): void {
    try {
      Deno.kill(-pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
}

/** Each with its file. A test that merely breaks tells nothing of what is missing. */
function readTap(
  files: readonly string[],
  filters: readonly string[],
  { success, output }: Ended,
): Outcome {
  const isWanted = (name: string) =>
    filters.length === 0 || filters.some((filter) => name.includes(filter));
  const failed: string[] = [];
  const broken: string[] = [];
  let failures = 0;
  let passed = 0;
  let file = files.join(", ");
  for (const line of output.split("\n")) {
    file = line.match(/^(?:# \.\/)?((?:sql|edge)\/\S+\.test\.(?:sql|ts))( \.\.|$)/)?.[1] ?? file;
    const name = line.match(/^not ok \d+ - (.*)/)?.[1];
    if (name !== undefined) failures++;
    if (name !== undefined && isWanted(name)) failed.push(`${file}: ${name}`);
    if (/^ok \d+/.test(line)) passed++;
    // In pg_prove's summary: a file that ended early, or with another number of tests than planned.
    const early = line.match(/^(\S+\.test\.sql) +\(Wstat: \d+.*Failed: 0\)/)?.[1];
    if (early !== undefined) broken.push(`${early}: ends early${errorOf(early, output)}`);
    if (line.startsWith(LATE)) broken.push(`${file}: ${line}`);
  }
  if (failures + broken.length === 0) {
    const error = output.split("\n").find((line) => /error/i.test(line))?.trim();
    const said = error === undefined ? "" : `, ${error}`;
    if (passed === 0) broken.push(`${file}: there is no such test, or none can be run${said}`);
    else if (!success) broken.push(`${file}: ends early${said}`);
  }
  return { failed, broken };
}

/** What psql says of the statement that ended a file. */
function errorOf(file: string, output: string): string {
  const line = output.split("\n").find((each) =>
    each.startsWith(`psql:${file}:`) && each.includes("ERROR:")
  );
  return line?.replace(/^.*ERROR: +/, ", ") ?? "";
}
