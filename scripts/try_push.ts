// make try-push TOKEN=…: asks FCM whether it would send to a device. No device gets anything.

import { fcmProvider } from "../edge/dispatch/providers/fcm.ts";
import { ConfigurationError, readConfiguration } from "../edge/shared/configuration.ts";

const token = Deno.args[0] ?? "";
if (!token) {
  console.error(
    'Whose device? FCM_SERVICE_ACCOUNT="$(cat key.json)" make try-push TOKEN=<a device\'s token>',
  );
  Deno.exit(2);
}

try {
  const { fcm } = await readConfiguration((name) =>
    // Only what FCM needs is asked for here.
    ({ SCHEDULER_DB_URL: "postgresql://none", PUSH_PROVIDER: "log" })[name] ?? Deno.env.get(name)
  );
  if (!fcm) {
    throw new ConfigurationError([
      "FCM_SERVICE_ACCOUNT is missing: the JSON of the service account that may send.",
    ]);
  }
  const [outcome] = await fcmProvider(fcm).send([{
    notificationId: 0,
    token,
    platform: null,
    title: "Test",
    body: "Test",
    data: {},
    collapseKey: "scenario-test",
    ttlSeconds: 60,
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  }], { validateOnly: true });
  if (outcome?.outcome === "sent") {
    console.log("FCM would send to this device.");
  } else {
    console.log(`FCM would not send to this device: ${outcome?.error_code} (${outcome?.outcome}).`);
    Deno.exit(1);
  }
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
