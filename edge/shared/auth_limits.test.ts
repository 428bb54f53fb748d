import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { authenticate } from "./auth.ts";

const SECRET = "3f9a1c5e7b2d4f608192a3b4c5d6e7f80f1e2d3c4b5a69788796a5b4c3d2e1f0";
const GUESSES = 2000;

Deno.test("of thousands of other secrets none is let in: every byte has to agree", async () => {
  for (let guess = 0; guess < GUESSES; guess++) {
    const headers = new Headers({ "x-scheduler-secret": guess.toString(16).padStart(64, "0") });
    assert.equal(await authenticate(headers, undefined, [SECRET]), undefined, `guess ${guess}`);
  }
});

Deno.test("a signed request whose id is longer than 255 characters is refused: the ledger keeps it", async () => {
  const webhook = new Webhook(SECRET);
  const at = new Date();
  const admitted = (id: string) =>
    authenticate(
      new Headers({
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": webhook.sign(id, at, ""),
      }),
      "",
      [SECRET],
    );
  const longest = "m".repeat(255);
  assert.deepEqual(await admitted(longest), { kind: "signature", webhookId: longest });
  assert.equal(await admitted(`${longest}m`), undefined);
});
