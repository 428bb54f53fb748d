// A fake of Google's OAuth token endpoint and of FCM HTTP v1 that keeps the protocol's rules.
// It speaks HTTP itself: Deno.serve sends the head of an answer whatever happens then, and so
// can't close a connection without having answered. What that does to a client is worth knowing:
// Deno's fetch sends again, by itself, what got no answer on a connection that it had used before.

import { parseArgs } from "node:util";
import { errors, exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import {
  type Accepted,
  type Answer,
  answerByToken,
  bytesIn,
  malformed,
  readMessage,
  refuse,
  type Reply,
  text,
  unauthenticated,
} from "./fake_fcm_rules.ts";

export type { Accepted, Answer };

export interface FakeFcmOptions {
  port?: number;
  latencyMilliseconds?: number;
  /** What a message gets; undefined leaves it to the device token's text. */
  answer?: (message: {
    token: string;
    platformHint?: string; // the platform that it has a part for, when it is only one
    attempt: number; // how often this token was tried, from 1
    collapseKey: string;
  }) => Answer | undefined;
  /** Awaited between acceptance and the answer. */
  onAccept?: (accepted: Accepted) => void | Promise<void>;
  keepAccepted?: boolean;
  expiresInSeconds?: number; // of access tokens
  /** What a request for an access token gets; an error is of OAuth's form, with its errorCode. */
  tokenAnswer?: () => Answer | undefined;
}

export interface FakeFcm {
  endpoint: string;
  projectId: string;
  serviceAccount: string; // the JSON of one whose token_uri is this fake
  accepted: Accepted[];
  validated: Accepted[]; // those with validate_only, which reach no device
  acceptedCount: number; // counts on where keepAccepted is false
  tokensIssued: number;
  requests: number; // those that want to send, whatever they got
  inFlight: number;
  maxInFlight: number;
  /** The access tokens handed out so far answer 401 from now on. */
  revokeAccessTokens(): void;
  /** Fails if a function of the options did. */
  stop(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Incoming {
  method: string;
  path: string;
  headers: Map<string, string>;
  body: string;
}

async function* requestsOn(connection: Deno.Conn): AsyncGenerator<Incoming> {
  let bytes = new Uint8Array(16 * 1024);
  let filled = 0;
  const readMore = async () => {
    if (filled === bytes.length) {
      const larger = new Uint8Array(2 * filled);
      larger.set(bytes);
      bytes = larger;
    }
    const count = await connection.read(bytes.subarray(filled));
    filled += count ?? 0;
    return count !== null;
  };
  while (filled > 0 || await readMore()) {
    const start = decoder.decode(bytes.subarray(0, filled));
    const end = start.indexOf("\r\n\r\n");
    if (end < 0) {
      if (await readMore()) continue;
      return;
    }
    const [first = "", ...lines] = start.slice(0, end).split("\r\n");
    const [method = "", path = ""] = first.split(" ");
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const bodyStart = end + 4;
    let bodyEnd = bodyStart + Number(headers.get("content-length") ?? 0);
    let total = bodyEnd;
    // A client that mustn't send twice streams its body, which makes it chunked.
    let isLast = headers.get("transfer-encoding") !== "chunked";
    while (!isLast) {
      const lineEnd = bytes.subarray(0, filled).indexOf(10, total);
      if (lineEnd < 0) {
        if (await readMore()) continue;
        return;
      }
      const size = parseInt(decoder.decode(bytes.subarray(total, lineEnd)), 16);
      total = lineEnd + 1 + size + 2;
      while (filled < total) if (!await readMore()) return;
      bytes.copyWithin(bodyEnd, lineEnd + 1, total - 2);
      bodyEnd += size;
      isLast = size === 0;
    }
    while (filled < total) if (!await readMore()) return;
    yield { method, path, headers, body: decoder.decode(bytes.subarray(bodyStart, bodyEnd)) };
    bytes.copyWithin(0, total, filled);
    filled -= total;
  }
}

function render({ status, body, contentType, headers }: Reply): Uint8Array {
  let head = `HTTP/1.1 ${status} \r\ncontent-type: ${contentType ?? "application/json"}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return encoder.encode(`${head}content-length: ${bytesIn(body)}\r\n\r\n${body}`);
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const NOT_SHORT =
  "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable " +
  "timeframe. Check your iat and exp values in the JWT claim.";
const SEND_PATH = /^\/v1\/projects\/([^/]+)\/messages:send$/;

const reply = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) });
const oauthError = (error: string, description?: string): Reply =>
  reply(400, { error, error_description: description });

export async function startFakeFcm(options: FakeFcmOptions = {}): Promise<FakeFcm> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: options.port ?? 0 });
  const endpoint = `http://127.0.0.1:${listener.addr.port}`;
  const projectId = "fake-project";
  const account = {
    type: "service_account",
    project_id: projectId,
    private_key_id: "fake",
    private_key: await exportPKCS8(privateKey),
    client_email: `push@${projectId}.iam.gserviceaccount.com`,
    client_id: "100000000000000000000",
    auth_uri: `${endpoint}/auth`,
    token_uri: `${endpoint}/token`,
  };
  const expiries = new Map<string, number>();
  const attempts = new Map<string, number>();
  const connections = new Set<Deno.Conn>();
  const conversations = new Set<Promise<void>>();
  const pauses = new Map<ReturnType<typeof setTimeout>, () => void>();
  const stopped = Promise.withResolvers<void>();
  const failures: unknown[] = [];

  const fake: FakeFcm = {
    endpoint,
    projectId,
    serviceAccount: JSON.stringify(account),
    accepted: [],
    validated: [],
    acceptedCount: 0,
    tokensIssued: 0,
    requests: 0,
    inFlight: 0,
    maxInFlight: 0,
    revokeAccessTokens: () => expiries.forEach((_, token) => expiries.set(token, 0)),
    async stop() {
      listener.close();
      stopped.resolve();
      for (const connection of connections) hangUp(connection);
      for (const [timer, wake] of pauses) {
        clearTimeout(timer);
        wake();
      }
      await Promise.all(conversations);
      if (failures.length > 0) throw failures[0];
    },
  };

  const hangUp = (connection: Deno.Conn) => {
    if (connections.delete(connection)) connection.close();
  };

  const pause = (milliseconds: number) =>
    new Promise<void>((wake) => {
      const timer = setTimeout(() => {
        pauses.delete(timer);
        wake();
      }, milliseconds);
      pauses.set(timer, wake);
    });

  async function accept(message: Accepted): Promise<Reply> {
    message.at = Date.now();
    if (!message.validateOnly) {
      message.messageId = `0:${++fake.acceptedCount}%${listener.addr.port}`;
    }
    if (options.keepAccepted !== false) {
      (message.validateOnly ? fake.validated : fake.accepted).push(message);
    }
    if (options.onAccept && !message.validateOnly) {
      await Promise.race([options.onAccept(message), stopped.promise]);
    }
    return reply(200, { name: `projects/${projectId}/messages/${message.messageId}` });
  }

  async function issueToken(body: string): Promise<Reply> {
    const form = new URLSearchParams(body);
    if (form.get("grant_type") !== GRANT) return oauthError("unsupported_grant_type");
    try {
      const { payload } = await jwtVerify(form.get("assertion") ?? "", publicKey, {
        algorithms: ["RS256"],
        issuer: account.client_email,
        audience: account.token_uri,
        requiredClaims: ["exp"],
        maxTokenAge: "1h",
      });
      if (Number(payload.exp) - Number(payload.iat) > 3600) {
        return oauthError("invalid_grant", NOT_SHORT);
      }
      if (!text(payload.scope).split(" ").includes(SCOPE)) {
        return oauthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
      }
    } catch (error) {
      const { JWTClaimValidationFailed, JWTExpired } = errors;
      const isClaim = error instanceof JWTClaimValidationFailed || error instanceof JWTExpired;
      const audience = `Invalid JWT: Failed audience check. The right one is ${account.token_uri}`;
      const flaws = new Map([["iss", "Invalid grant: account not found"], ["aud", audience]]);
      const flaw = isClaim ? flaws.get(error.claim) ?? NOT_SHORT : "Invalid JWT Signature.";
      return oauthError("invalid_grant", flaw);
    }
    const seconds = options.expiresInSeconds ?? 3599;
    const accessToken = `ya29.fake-${crypto.randomUUID()}`;
    expiries.set(accessToken, Date.now() + seconds * 1000);
    fake.tokensIssued++;
    return reply(200, { access_token: accessToken, expires_in: seconds, token_type: "Bearer" });
  }

  function readRequest({ method, path, headers, body }: Incoming): ReturnType<typeof readMessage> {
    const project = method === "POST" && SEND_PATH.exec(path)?.[1];
    if (!project) return { status: 404, body: "<!DOCTYPE html>", contentType: "text/html" };
    const [, accessToken] = /^Bearer (.+)$/.exec(headers.get("authorization") ?? "") ?? [];
    if (!accessToken) return unauthenticated("CREDENTIALS_MISSING");
    const expiry = expiries.get(accessToken);
    if (expiry === undefined) return unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED");
    if (expiry <= Date.now()) return unauthenticated("ACCESS_TOKEN_EXPIRED");
    if (project !== projectId) return refuse({ status: 404 });
    if (headers.get("content-type")?.startsWith("application/json")) return readMessage(body);
    return malformed([{ description: "The content type must be application/json." }]);
  }

  /** Answers; false ends the connection. */
  async function give(
    connection: Deno.Conn,
    answer: Answer,
    accept: () => Promise<Reply>,
  ): Promise<boolean> {
    if (answer.kind === "close") return false;
    if (answer.kind === "hang") {
      await connection.read(new Uint8Array(1)); // until it closes
      return false;
    }
    if (answer.kind === "raw" || answer.kind === "error") {
      await write(connection, render(answer.kind === "raw" ? answer : refuse(answer)));
      return true;
    }
    const accepted = await accept();
    if (answer.kind === "accept_then") {
      return await give(connection, answer.answer, () => Promise.resolve(accepted));
    }
    const bytes = render(accepted);
    if (answer.kind === "accept_then_close") {
      const half = Math.floor(accepted.body.length / 2);
      await write(connection, bytes.subarray(0, bytes.length - half));
      return false;
    }
    if (answer.kind === "accept") await write(connection, bytes);
    else {
      for (let i = 0; i < bytes.length; i++) {
        await pause(answer.milliseconds / bytes.length);
        await write(connection, bytes.subarray(i, i + 1));
      }
    }
    return true;
  }

  async function send(connection: Deno.Conn, request: Incoming): Promise<boolean> {
    fake.requests++;
    fake.maxInFlight = Math.max(fake.maxInFlight, ++fake.inFlight);
    try {
      if (options.latencyMilliseconds) await pause(options.latencyMilliseconds);
      const read = readRequest(request);
      if ("status" in read) {
        return await give(connection, { kind: "raw", ...read }, () => Promise.resolve(read));
      }
      const { message, ...hint } = read;
      const { token, collapseKey } = message;
      let answer: Answer | undefined;
      if (options.answer) {
        const attempt = (attempts.get(token) ?? 0) + 1;
        attempts.set(token, attempt);
        answer = options.answer({ token, attempt, collapseKey, ...hint });
      }
      return await give(connection, answer ?? answerByToken(token), () => accept(message));
    } finally {
      fake.inFlight--;
    }
  }

  async function serve(connection: Deno.Conn, request: Incoming): Promise<boolean> {
    const { method, path, body } = request;
    const { accepted, acceptedCount, requests, tokensIssued, maxInFlight } = fake;
    const show = (value: unknown) => write(connection, render(reply(200, value))).then(() => true);
    if (path === "/fake/accepted") return await show(accepted);
    if (path === "/fake/stats") {
      return await show({ accepted: acceptedCount, requests, tokensIssued, maxInFlight });
    }
    if (path !== "/token" || method !== "POST") return await send(connection, request);
    if (options.latencyMilliseconds) await pause(options.latencyMilliseconds);
    let answer = options.tokenAnswer?.() ?? { kind: "accept" };
    if (answer.kind === "error") {
      const { status, errorCode = "invalid_grant", message } = answer;
      answer = { kind: "raw", ...oauthError(errorCode, message), status };
    }
    return await give(connection, answer, () => issueToken(body));
  }

  async function converse(connection: Deno.TcpConn): Promise<void> {
    connections.add(connection);
    connection.setNoDelay();
    try {
      for await (const request of requestsOn(connection)) {
        const isOver = request.headers.get("connection") === "close";
        if (!await serve(connection, request) || isOver) break;
      }
    } catch (error) {
      if (!Object.values(Deno.errors).some((kind) => error instanceof kind)) failures.push(error);
    }
    hangUp(connection);
  }

  (async () => {
    for await (const connection of listener) {
      const conversation = converse(connection);
      conversations.add(conversation);
      conversation.then(() => conversations.delete(conversation));
    }
  })();
  return fake;
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      port: { type: "string", default: "0" },
      latency: { type: "string", default: "0" },
      forget: { type: "boolean", default: false },
    },
  });
  const { endpoint, serviceAccount, stop } = await startFakeFcm({
    port: Number(values.port),
    latencyMilliseconds: Number(values.latency),
    keepAccepted: !values.forget,
  });
  console.log(JSON.stringify({ endpoint, serviceAccount }));
  const { promise: terminated, resolve } = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGTERM", resolve);
  await Promise.race([terminated, Deno.stdin.readable.pipeTo(new WritableStream())]);
  await stop();
  Deno.exit(0);
}
