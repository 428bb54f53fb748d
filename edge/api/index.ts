// The Edge Function api: wires what the environment says.

import { connect, Database } from "../shared/database.ts";
import { ConfigurationError } from "../shared/environment.ts";
import { StructuredLogger } from "../shared/logger.ts";
import { callerOf } from "./caller.ts";
import { readConfiguration } from "./configuration.ts";
import { createHandler } from "./handler.ts";
import { tokenVerifier } from "./verify.ts";

/** Requests are short; those that find none free wait a little. */
const CONNECTIONS = 4;

try {
  const { databaseUrl, allowedOrigins, ...tokens } = readConfiguration((name) =>
    Deno.env.get(name)
  );
  const database = new Database(() => connect(databaseUrl, "scenario-scheduler-api", CONNECTIONS));
  const handle = createHandler({
    verify: tokenVerifier(tokens),
    asCaller: callerOf(database),
    logger: new StructuredLogger((line) => console.log(line)),
    allowedOrigins,
    clock: () => performance.now(),
  });
  Deno.serve({
    // Standard output is for the log.
    onListen: ({ hostname, port }) => console.error(`Listening on http://${hostname}:${port}/`),
  }, handle);
} catch (error) {
  if (error instanceof ConfigurationError) console.error(error.message);
  else if (error instanceof Deno.errors.AddrInUse) console.error("The port is taken.");
  else throw error;
  Deno.exit(1);
}
