// The Edge Function scenario-scheduler: wires what the environment says.

import { ConfigurationError, readConfiguration } from "../shared/configuration.ts";
import { connect, Database } from "../shared/database.ts";
import { StructuredLogger } from "../shared/logger.ts";
import { handleScheduledInvocation } from "./handler.ts";
import { registerJobs } from "./jobs/registry.ts";
import { Outbox } from "./outbox.ts";
import { readPortal } from "./portal/configuration.ts";
import { DynamicsPortalClient } from "./portal/dynamics.ts";
import { type MemberPortal, misconfiguredPortal, noPortal } from "./portal/member_portal.ts";
import { portalStore } from "./portal/store.ts";
import { fcmProvider } from "./providers/fcm.ts";
import { logProvider } from "./providers/log.ts";
import type { PushProvider } from "./providers/provider.ts";

/** Supabase's own; plain Deno lives on anyway while there is work. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

/** What is wrong with the portal's configuration is not to keep the pushes. */
function openPortal(): MemberPortal {
  try {
    const portal = readPortal((name) => Deno.env.get(name));
    return portal ? new DynamicsPortalClient(portal) : noPortal;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    console.error(error.message);
    return misconfiguredPortal(error.problems);
  }
}

try {
  const { databaseUrl, secrets, fcm, ...options } = await readConfiguration((name) =>
    Deno.env.get(name)
  );
  if (secrets.length === 0) {
    console.error("SCHEDULER_SECRET is not set: every request is refused.");
  }
  const providers: PushProvider[] = [logProvider((line) => console.error(line))];
  if (fcm) providers.push(fcmProvider(fcm));

  const database = new Database(() => connect(databaseUrl, "scenario-scheduler"));
  const outbox = new Outbox(
    database,
    new Database(() => connect(databaseUrl, "scenario-scheduler", 1)),
  );
  const dependencies = {
    outbox,
    logger: new StructuredLogger((line) => console.log(line)),
    secrets,
    jobs: registerJobs({
      outbox,
      options: {
        ...options,
        providers: new Map(providers.map((provider) => [provider.name, provider])),
      },
      portal: openPortal(),
      openStore: (invocation_id) => portalStore(database, "hlf", invocation_id),
    }),
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
