// The access token of a service account.

import { SignJWT } from "jose";
import type { ServiceAccount } from "../../shared/configuration.ts";
import { OAuthToken } from "../oauth_token.ts";

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";

async function signedForm(account: ServiceAccount, now: number): Promise<URLSearchParams> {
  const { clientEmail, privateKey, privateKeyId, tokenUri } = account;
  const issuedAt = Math.floor(now / 1000);
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(privateKeyId && { kid: privateKeyId }) })
    .setIssuer(clientEmail)
    .setAudience(tokenUri)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + 3600)
    .sign(privateKey);
  return new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
  });
}

export class AccessToken extends OAuthToken {
  constructor(account: ServiceAccount, timeoutMs: number, now?: () => number) {
    const grant = {
      endpoint: account.tokenUri,
      holder: "the service account",
      form: (at: number) => signedForm(account, at),
    };
    super(grant, timeoutMs, now);
  }
}
