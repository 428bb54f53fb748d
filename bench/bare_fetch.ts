// What the dispatcher is measured against: a loop that only sends, with the
// same concurrency. Reads its orders as JSON from standard input.

import { importPKCS8, SignJWT } from "jose";

interface Orders {
  endpoint: string;
  serviceAccount: string;
  pushes: number;
  concurrency: number;
}

const { endpoint, serviceAccount, pushes, concurrency }: Orders = JSON.parse(
  await new Response(Deno.stdin.readable).text(),
);
const account: {
  project_id: string;
  client_email: string;
  private_key: string;
  token_uri: string;
} = JSON.parse(serviceAccount);

const now = Math.floor(Date.now() / 1000);
const assertion = await new SignJWT({ scope: "https://www.googleapis.com/auth/firebase.messaging" })
  .setProtectedHeader({ alg: "RS256", typ: "JWT" })
  .setIssuer(account.client_email)
  .setAudience(account.token_uri)
  .setIssuedAt(now)
  .setExpirationTime(now + 3600)
  .sign(await importPKCS8(account.private_key, "RS256"));
const granted: { access_token: string } = await (await fetch(account.token_uri, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
  }),
})).json();

let next = 0;
async function sendAll(): Promise<void> {
  while (next < pushes) {
    const number = next++;
    const response = await fetch(`${endpoint}/v1/projects/${account.project_id}/messages:send`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${granted.access_token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        message: {
          token: `bench-${number}-${"x".repeat(140)}`,
          notification: {
            title: "Det er en stund siden sist",
            body: "Vi setter pris på det du gjør. Åpne appen når det passer for deg.",
          },
          android: {
            ttl: "259200s",
            collapse_key: `scenario-${number}`,
            notification: { tag: `scenario-${number}` },
          },
          apns: { headers: { "apns-collapse-id": `scenario-${number}` } },
        },
      }),
    });
    await response.text();
    if (response.status !== 200) throw new Error(`The fake answered ${response.status}.`);
  }
}

const started = performance.now();
const cpuBefore = Deno.build.os === "linux" ? cpuMilliseconds() : NaN;
await Promise.all(Array.from({ length: concurrency }, sendAll));
console.log(
  JSON.stringify({
    milliseconds: performance.now() - started,
    cpuMilliseconds: cpuMilliseconds() - cpuBefore,
  }),
);

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
