// A stand-in of Supabase Auth, as far as auth.getClaims asks it: the public key, and
// tokens as a project with asymmetric signing keys writes them.

import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from "jose";

const ALGORITHM = "ES256";

export interface FakeAuthOptions {
  /** A private key as newKey makes it, so that tokens outlive this process. */
  key?: JWK;
  port?: number;
}

export interface TokenOptions {
  /** Whose signature the token bears; by default that of this Auth. */
  key?: JWK;
  /** Added to the header, or put in the place of what is there. */
  header?: Record<string, unknown>;
}

export interface FakeAuth {
  /** The project's address, SUPABASE_URL. */
  url: string;
  key: JWK;
  /** How often the public keys were asked for. */
  readonly keysServed: number;
  /** How often a token was brought here to be looked at, which a good key makes needless. */
  readonly usersAsked: number;
  /** A token for a person, good for an hour; a claim given as undefined is left out. */
  token(claims?: JWTPayload, options?: TokenOptions): Promise<string>;
  stop(): Promise<void>;
}

/** A private key with an id. */
export async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { ...await exportJWK(privateKey), kid: crypto.randomUUID(), alg: ALGORITHM, use: "sig" };
}

function publicPart({ d: _, ...key }: JWK): JWK {
  return { ...key, key_ops: ["verify"] };
}

export async function signToken(
  issuer: string,
  key: JWK,
  claims: JWTPayload = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return await new SignJWT({
    iss: issuer,
    aud: "authenticated",
    role: "authenticated",
    sub: crypto.randomUUID(),
    iat: now,
    exp: now + 3600,
    session_id: crypto.randomUUID(),
    is_anonymous: false,
    ...claims,
  }).setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: "JWT", ...header }).sign(
    await importJWK(key, ALGORITHM),
  );
}

export async function startFakeAuth(options: FakeAuthOptions = {}): Promise<FakeAuth> {
  const key = options.key ?? await newKey();
  let keysServed = 0;
  let usersAsked = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    (request) => {
      switch (new URL(request.url).pathname) {
        case "/auth/v1/.well-known/jwks.json":
          keysServed++;
          return Response.json({ keys: [publicPart(key)] });
        case "/auth/v1/user":
          usersAsked++;
          return Response.json({ code: 401, error_code: "no_authorization" }, { status: 401 });
        default:
          return Response.json({ code: 404 }, { status: 404 });
      }
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    key,
    get keysServed() {
      return keysServed;
    },
    get usersAsked() {
      return usersAsked;
    },
    token: (claims = {}, { key: other = key, header = {} } = {}) =>
      signToken(`${url}/auth/v1`, other, claims, header),
    stop: () => server.shutdown(),
  };
}
