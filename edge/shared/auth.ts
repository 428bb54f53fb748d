// Who may start a run: whoever knows the secret, or signs with it (Standard
// Webhooks). During a rotation there are two secrets.

import { Webhook } from "standardwebhooks";

const SIGNATURE_HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"];

const LONGEST_ID = 255;

export type Credentials = { kind: "secret" } | { kind: "signature"; webhookId: string };

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares digests, which are of one length, in a time that depends on neither. */
async function equal(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(a), digest(b)]);
  return left.reduce((difference, byte, i) => difference | (byte ^ (right[i] ?? 0)), 0) === 0;
}

function fromHex(text: string): Uint8Array | undefined {
  return /^([0-9a-f]{2})+$/i.test(text)
    ? Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    : undefined;
}

/** Signers differ in how they read a secret: as base64, as the standard does, as hex, or as it is. */
function signers(secret: string): Webhook[] {
  const found = [new Webhook(secret, { format: "raw" })];
  const bytes = fromHex(secret);
  if (bytes) found.push(new Webhook(bytes, { format: "raw" }));
  try {
    found.push(new Webhook(secret));
  } catch {
    // Not base64: nobody can have signed with it that way.
  }
  return found;
}

function signed(secret: string, headers: Record<string, string>, body: string): boolean {
  return signers(secret).some((webhook) => {
    try {
      webhook.verify(body, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  });
}

export function offersSignature(headers: Headers): boolean {
  return SIGNATURE_HEADERS.every((name) => headers.has(name));
}

/**
 * The credentials of a request, if they are good. A signature needs the body;
 * the secret alone can be looked at before it is read. An empty list of
 * secrets refuses everybody.
 */
export async function authenticate(
  headers: Headers,
  body: string | undefined,
  secrets: readonly string[],
): Promise<Credentials | undefined> {
  const bearer = headers.get("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
  for (const given of [headers.get("x-scheduler-secret"), bearer]) {
    if (!given) continue;
    const matches = await Promise.all(secrets.map((secret) => equal(given, secret)));
    if (matches.includes(true)) return { kind: "secret" };
  }
  const id = headers.get("webhook-id") ?? "";
  if (body !== undefined && offersSignature(headers) && id.length <= LONGEST_ID) {
    const sent = Object.fromEntries(
      SIGNATURE_HEADERS.map((name) => [name, headers.get(name) ?? ""]),
    );
    if (secrets.some((secret) => signed(secret, sent, body))) {
      return { kind: "signature", webhookId: id };
    }
  }
  return undefined;
}
