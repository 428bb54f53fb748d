// The Edge Function scenario-scheduler: wires what the environment says.

import { ConfigurationError, readConfiguration } from "../shared/configuration.ts";
import { connect, Database } from "../shared/database.ts";
import { StructuredLogger } from "../shared/logger.ts";
import { handleScheduledInvocation } from "./handler.ts";
import { Outbox } from "./outbox.ts";
import { fcmProvider } from "./providers/fcm.ts";
import { logProvider } from "./providers/log.ts";
import type { PushProvider } from "./providers/provider.ts";

/** Supabase's own; plain Deno lives on anyway while there is work. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

try {
  const { databaseUrl, secrets, fcm, ...options } = await readConfiguration((name) =>
    Deno.env.get(name)
  );
  if (secrets.length === 0) {
    console.error("SCHEDULER_SECRET is not set: every request is refused.");
  }
  const providers: PushProvider[] = [logProvider((line) => console.error(line))];
  if (fcm) providers.push(fcmProvider(fcm));

  const dependencies = {
    outbox: new Outbox(
      new Database(() => connect(databaseUrl, "scenario-scheduler")),
      new Database(() => connect(databaseUrl, "scenario-scheduler", 1)),
    ),
    logger: new StructuredLogger((line) => console.log(line)),
    secrets,
    options: {
      ...options,
      providers: new Map(providers.map((provider) => [provider.name, provider])),
    },
    clock: () => performance.now(),
    waitUntil: (work: Promise<unknown>) => {
      if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(work);
    },
  };
  Deno.serve({
    // Standard output is for the log.
    onListen: ({ hostname, port }) => console.error(`Listening on http://${hostname}:${port}/`),
  }, (request) => handleScheduledInvocation(request, dependencies));
} catch (error) {
  if (error instanceof ConfigurationError) console.error(error.message);
  else if (error instanceof Deno.errors.AddrInUse) console.error("The port is taken.");
  else throw error;
  Deno.exit(1);
}
