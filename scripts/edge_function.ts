// Runs an Edge Function of this project as a process of its own, on loopback.

import { ROOT } from "./database.ts";

export interface EdgeFunction {
  url: string;
  pid: number;
  /** Each line of standard output so far: the log, as NDJSON. */
  log: string[];
  /** Everything on standard error so far. */
  complaints: string[];
  stop(): Promise<void>;
  kill(signal: Deno.Signal): void;
  ended: Promise<Deno.CommandStatus>;
}

/** Where Deno keeps the function's packages, and how it fetches them the first time. */
const DENO_NEEDS = [
  "HOME",
  "PATH",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "NODE_EXTRA_CA_CERTS",
  "HTTPS_PROXY",
  "NPM_CONFIG_REGISTRY",
];

/** The functions of this project, by name, and where they are. */
const FOLDERS = { "scenario-scheduler": "edge/dispatch", "api": "edge/api" };

export interface EdgeFunctionOptions {
  name?: keyof typeof FOLDERS; // scenario-scheduler without it
  /** What the function is told; nothing else of this program's environment reaches it. */
  environment: Record<string, string>;
  port?: number;
  onLog?: (line: string) => void;
  onComplaint?: (line: string) => void;
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
  if (rest) take(rest);
}

/** Starts a function as the platform does, and waits until it listens. */
export async function startEdgeFunction(options: EdgeFunctionOptions): Promise<EdgeFunction> {
  const folder = FOLDERS[options.name ?? "scenario-scheduler"];
  const log: string[] = [];
  const complaints: string[] = [];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net",
      "--allow-env",
      "--config",
      `${folder}/deno.json`,
      `${folder}/index.ts`,
    ],
    cwd: ROOT,
    clearEnv: true,
    env: {
      ...Object.fromEntries(
        DENO_NEEDS.flatMap((name) => {
          const value = Deno.env.get(name);
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      NO_COLOR: "1",
      DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${options.port ?? 0}`,
      ...options.environment,
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  const listening = Promise.withResolvers<string>();
  const logRead = readLines(child.stdout, (line) => {
    log.push(line);
    options.onLog?.(line);
  });
  const complaintsRead = readLines(child.stderr, (line) => {
    const url = line.match(/^Listening on (http:\S+)$/)?.[1];
    if (url?.startsWith("http://127.0.0.1:")) return listening.resolve(url);
    complaints.push(line);
    options.onComplaint?.(line);
  });
  const ended = Promise.all([child.status, logRead, complaintsRead]).then(([status]) => status);
  ended.then(() =>
    listening.reject(new Error(complaints.join("\n") || "It ended without a word."))
  );

  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // Gone already.
    }
  };
  return {
    url: await listening.promise,
    pid: child.pid,
    log,
    complaints,
    kill,
    ended,
    stop: async () => {
      kill("SIGTERM");
      await ended;
    },
  };
}

/** Starts a run and returns its answer. */
export async function invoke(
  url: string,
  secret: string,
  body: Record<string, unknown> = {},
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-scheduler-secret": secret },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

/** A secret as SCHEDULER_SECRET wants it: 256 bits, in hex. */
export function newSecret(): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(32)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}
