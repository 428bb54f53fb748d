// A stand-in of Supabase's platform for tests of make deploy: as much of the Management
// API as the CLI calls, the project's Auth, and a gateway behind which each function runs
// from the files that were uploaded, with the secrets that were set when it was.

import { dirname, join } from "node:path";
import { signToken, startFakeAuth } from "./fake_auth.ts";

export const ACCESS_TOKEN = `sbp_${"0123456789".repeat(4)}`;
export const PROJECT_REF = "abcdefghijklmnopqrst";

export interface Upload {
  slug: string;
  files: string[];
  metadata: Record<string, unknown>;
}

export interface FakePlatform {
  /** What the CLI needs to find it, for the environment. */
  environment: Record<string, string>;
  /** The project's own address, SUPABASE_URL. */
  url: string;
  functionUrl: string;
  apiUrl: string;
  secrets: Map<string, string>;
  uploads: Upload[];
  /** What was done, in order. */
  events: string[];
  /** Answers uploads of this function with an error. */
  refuseUpload: string | undefined;
  /** A token of the project's Auth for this person. */
  token(userId: string): Promise<string>;
  stop(): Promise<void>;
}

interface Running {
  url: string | undefined;
  metadata: Record<string, unknown>;
  folder: string;
  child: Deno.ChildProcess;
  /** What it is still to answer. */
  requests: Set<Promise<Response>>;
}

async function save(folder: string, form: FormData): Promise<string[]> {
  const names: string[] = [];
  for (const file of form.getAll("file")) {
    if (typeof file === "string") continue;
    const path = join(folder, file.name);
    if (!path.startsWith(folder)) throw new Error(`${file.name} leads out of the upload.`);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, new Uint8Array(await file.arrayBuffer()));
    names.push(file.name);
  }
  return names.sort();
}

/** Starts what was uploaded; without a url it did not start. */
async function boot(
  folder: string,
  metadata: Record<string, unknown>,
  environment: Record<string, string>,
): Promise<Running> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net",
      "--allow-env",
      "--config",
      String(metadata["import_map_path"]),
      String(metadata["entrypoint_path"]),
    ],
    cwd: folder,
    env: {
      NO_COLOR: "1",
      DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
      SCHEDULER_SECRET: "",
      SCHEDULER_DB_URL: "",
      SCHEDULER_API_DB_URL: "",
      ...environment,
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const listening = Promise.withResolvers<string | undefined>();
  const read = async () => {
    let said = "";
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      said += chunk;
      const url = said.match(/^Listening on (http:\S+)$/m)?.[1];
      if (url) listening.resolve(url);
    }
    listening.resolve(undefined);
  };
  read();
  return { url: await listening.promise, metadata, folder, child, requests: new Set() };
}

async function end(running: Running | undefined): Promise<void> {
  if (!running) return;
  await Promise.allSettled(running.requests);
  try {
    running.child.kill("SIGKILL");
  } catch {
    // Gone already.
  }
  await running.child.status;
  await Deno.remove(running.folder, { recursive: true });
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex();
}

export async function startFakePlatform(): Promise<FakePlatform> {
  const secrets = new Map<string, string>();
  const uploads: Upload[] = [];
  const events: string[] = [];
  const running = new Map<string, Running>();
  const auth = await startFakeAuth();

  const deploy = async (slug: string, form: FormData): Promise<Response> => {
    if (platform.refuseUpload === slug) {
      return Response.json({ message: "The bundle could not be made." }, { status: 400 });
    }
    const metadata: Record<string, unknown> = JSON.parse(String(form.get("metadata")));
    const folder = await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
    uploads.push({ slug, files: await save(folder, form), metadata });
    const replaced = running.get(slug);
    running.set(
      slug,
      await boot(folder, metadata, {
        ...Object.fromEntries(secrets),
        // The platform's own, which nobody can set.
        SUPABASE_URL: address,
        SUPABASE_ANON_KEY: "anon",
      }),
    );
    await end(replaced);
    events.push(`deployed ${slug}`);
    return Response.json({
      id: "fake",
      slug,
      name: slug,
      status: "ACTIVE",
      version: uploads.length,
      created_at: 0,
      updated_at: 0,
      ...metadata,
    }, { status: 201 });
  };

  const manage = async (request: Request, path: string): Promise<Response> => {
    if (request.headers.get("authorization") !== `Bearer ${ACCESS_TOKEN}`) {
      return Response.json({ message: "Unauthorized" }, { status: 401 });
    }
    if (path === "/secrets" && request.method === "GET") {
      return Response.json(
        await Promise.all(
          [...secrets].map(async ([name, value]) => ({ name, value: await digest(value) })),
        ),
      );
    }
    if (path === "/secrets" && request.method === "POST") {
      const given: { name: string; value: string }[] = await request.json();
      for (const { name, value } of given) secrets.set(name, value);
      events.push(`set ${given.map(({ name }) => name).sort().join(" ")}`);
      return new Response(null, { status: 201 });
    }
    if (path === "/functions/deploy" && request.method === "POST") {
      const slug = new URL(request.url).searchParams.get("slug") ?? "";
      return await deploy(slug, await request.formData());
    }
    return Response.json({ message: "Not Found" }, { status: 404 });
  };

  /** A function sees its own name as the first part of the path. */
  const gateway = async (request: Request, path: string): Promise<Response> => {
    const called = running.get(path.split("/")[1] ?? "");
    if (!called) {
      return Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
        status: 404,
      });
    }
    if (called.metadata["verify_jwt"] !== false) {
      return Response.json({ code: 401, message: "Missing authorization header" }, { status: 401 });
    }
    if (!called.url) {
      return Response.json({ code: "BOOT_ERROR", message: "Function failed to start" }, {
        status: 503,
      });
    }
    const { url, requests } = called;
    const { method, headers } = request;
    const hasBody = method !== "GET" && method !== "HEAD";
    const answer = request.arrayBuffer().then((body) =>
      fetch(new URL(path, url), { method, headers, ...hasBody && { body } })
    );
    requests.add(answer);
    return await answer.finally(() => requests.delete(answer));
  };

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const project = `/v1/projects/${PROJECT_REF}`;
      if (pathname.startsWith(`${project}/`)) {
        return await manage(request, pathname.slice(project.length));
      }
      const functions = "/functions/v1";
      if (pathname.startsWith(`${functions}/`)) {
        return await gateway(request, pathname.slice(functions.length) + search);
      }
      if (pathname.startsWith("/auth/v1/")) return await fetch(`${auth.url}${pathname}`);
      return Response.json({ message: "Not Found" }, { status: 404 });
    },
  );
  const address = `http://127.0.0.1:${server.addr.port}`;
  const home = await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
  const profile = join(home, "profile.yaml");
  await Deno.writeTextFile(
    profile,
    `name: fake\napi_url: ${address}\ndashboard_url: ${address}\nproject_host: fake.example\n`,
  );

  const platform: FakePlatform = {
    environment: { SUPABASE_PROFILE: profile, SUPABASE_ACCESS_TOKEN: ACCESS_TOKEN },
    url: address,
    functionUrl: `${address}/functions/v1/scenario-scheduler`,
    apiUrl: `${address}/functions/v1/api`,
    secrets,
    uploads,
    events,
    refuseUpload: undefined,
    token: (userId) => signToken(`${address}/auth/v1`, auth.key, { sub: userId }),
    async stop() {
      await server.shutdown();
      await Promise.all([...running.values()].map(end));
      await auth.stop();
      await Deno.remove(home, { recursive: true });
    },
  };
  return platform;
}
