// Firebase Cloud Messaging, HTTP v1: one request a device.

import type { FcmConfiguration } from "../../shared/configuration.ts";
import { describeError } from "../../shared/errors.ts";
import { retryAfter } from "../../shared/http.ts";
import { AccessToken } from "./access_token.ts";
import {
  type PushMessage,
  type PushOutcome,
  type PushProvider,
  SEND_TIMEOUT_MS,
} from "./provider.ts";

/** The codes of FCM and of Google's APIs. Anything else in an answer is not repeated. */
const CODES = new Set([
  "UNSPECIFIED_ERROR",
  "INVALID_ARGUMENT",
  "UNREGISTERED",
  "SENDER_ID_MISMATCH",
  "QUOTA_EXCEEDED",
  "UNAVAILABLE",
  "INTERNAL",
  "THIRD_PARTY_AUTH_ERROR",
  "NOT_FOUND",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "DEADLINE_EXCEEDED",
]);

const LONGEST_TTL_SECONDS = 28 * 24 * 60 * 60;
const QUOTA_PAUSE_SECONDS = 60;
const PLATFORM_PAUSE_SECONDS = 900;
const ACCOUNT_PAUSE_SECONDS = 60;

interface FcmError {
  status: number;
  code: string;
  message: string;
  retryAfterSeconds: number | undefined;
}

/** What Google says of single fields. */
function violations(detail: unknown): unknown[] {
  const { fieldViolations } = Object(detail);
  return Array.isArray(fieldViolations)
    ? fieldViolations.map((one) => Object(one).description)
    : [];
}

function readError(response: Response, text: string, now: number): FcmError {
  const { status } = response;
  let error: { status?: unknown; message?: unknown; details?: unknown } = {};
  try {
    error = Object(Object(JSON.parse(text)).error);
  } catch {
    // Not from FCM itself; the status has to do.
  }
  const details: unknown[] = Array.isArray(error.details) ? error.details : [];
  const codes = [
    ...details.map((detail) => Object(detail).errorCode),
    error.status,
  ];
  const code = codes.find((candidate) => typeof candidate === "string" && CODES.has(candidate));
  return {
    status,
    code: code ?? `HTTP_${status}`,
    message: [error.message, ...details.flatMap(violations)].filter((said) =>
      typeof said === "string"
    ).join("\n"),
    retryAfterSeconds: retryAfter(response.headers, now),
  };
}

/** What may be stored as it is. */
const PLAIN = /^[\x21-\x7e]{1,255}$/;

const SAYS_TOKEN_IS_INVALID =
  /registration[ -]token.*(invalid|not a valid)|(invalid|not a valid).*registration[ -]token/i;

/** What an answer means. authentication_error: our access token may be stale. */
function judge(error: FcmError): PushOutcome {
  const { status, code, retryAfterSeconds } = error;
  const said = { error_type: "provider_error" as const, error_code: code };
  const held = (reach: "platform" | "run", pause: number): PushOutcome => ({
    ...said,
    outcome: "held",
    reach,
    retry_after_seconds: retryAfterSeconds ?? pause,
  });
  const invalidToken: PushOutcome = {
    ...said,
    outcome: "invalid_token",
    error_type: "invalid_token",
  };

  if (code === "UNREGISTERED") return invalidToken;
  if (code === "SENDER_ID_MISMATCH") {
    return { ...invalidToken, reach: "run_if_many" };
  }
  if (code === "THIRD_PARTY_AUTH_ERROR") {
    return held("platform", PLATFORM_PAUSE_SECONDS);
  }
  if (status === 401 || status === 403) {
    return { ...held("run", ACCOUNT_PAUSE_SECONDS), error_type: "authentication_error" };
  }
  if (status === 404 || status < 400) return held("run", ACCOUNT_PAUSE_SECONDS); // another project, another place
  if (status === 429) {
    return {
      ...said,
      outcome: "retry",
      retry_after_seconds: retryAfterSeconds ?? QUOTA_PAUSE_SECONDS,
    };
  }
  if (status >= 500) {
    // 503 is a refusal. After any other the message may have gone out all the same.
    const outcome = status === 503 ? "retry" : "unknown";
    return {
      ...said,
      outcome,
      ...(retryAfterSeconds !== undefined &&
        { retry_after_seconds: retryAfterSeconds }),
    };
  }
  // Not FCM's own answer, but that of something on the way.
  if (code.startsWith("HTTP_")) return { ...said, outcome: "retry" };
  const saysInvalid = status === 400 && SAYS_TOKEN_IS_INVALID.test(error.message);
  return saysInvalid ? invalidToken : { ...said, outcome: "failed" };
}

function render(message: PushMessage, validateOnly: boolean): string {
  const { token, title, body, data, collapseKey, expiresAt } = message;
  const ttlSeconds = Math.min(message.ttlSeconds, LONGEST_TTL_SECONDS);
  return JSON.stringify({
    ...(validateOnly && { validate_only: true }),
    message: {
      token,
      notification: { title, body },
      data,
      android: {
        collapse_key: collapseKey,
        ttl: `${ttlSeconds}s`,
        notification: { tag: collapseKey },
      },
      apns: {
        headers: {
          "apns-collapse-id": collapseKey,
          "apns-expiration": String(Math.floor(Date.parse(expiresAt) / 1000)),
        },
      },
      webpush: { headers: { TTL: String(ttlSeconds) }, notification: { tag: collapseKey } },
    },
  });
}

const encoder = new TextEncoder();

/**
 * Deno repeats a request by itself when a kept connection closes without an
 * answer, though the first may have been taken. It can't repeat a stream.
 */
function onceOnly(body: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(body));
      controller.close();
    },
  });
}

export function fcmProvider(
  { account, endpoint }: FcmConfiguration,
  timeoutMs = SEND_TIMEOUT_MS,
): PushProvider {
  const accessToken = new AccessToken(account, timeoutMs / 2);
  const url = `${endpoint}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;

  async function post(
    body: string,
    token: string,
    signal: AbortSignal,
  ): Promise<PushOutcome> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
        body: onceOnly(body),
        redirect: "manual",
        signal,
      });
      text = await response.text();
    } catch (error) {
      if (signal.aborted) {
        return {
          outcome: "unknown",
          error_type: "timeout_error",
          error_code: "TIMEOUT",
        };
      }
      // Where no connection came about, nothing can have been sent.
      const unconnected = error instanceof Error &&
        /\(Connect\)/.test(String(error.cause ?? error.message));
      return {
        outcome: unconnected ? "retry" : "unknown",
        error_type: "network_error",
        error_code: unconnected ? "UNREACHABLE" : "CONNECTION_LOST",
      };
    }
    if (response.status !== 200) {
      return judge(readError(response, text, Date.now()));
    }
    try {
      const { name } = JSON.parse(text);
      if (typeof name === "string" && name !== "") {
        return { outcome: "sent", ...(PLAIN.test(name) && { message_id: name }) };
      }
    } catch {
      // Said below.
    }
    return {
      outcome: "unknown",
      error_type: "provider_error",
      error_code: "UNREADABLE_ANSWER",
    };
  }

  async function send(
    message: PushMessage,
    validateOnly: boolean,
  ): Promise<PushOutcome> {
    const body = render(message, validateOnly);
    // Not AbortSignal.timeout: thousands of timers would live on for nothing.
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    try {
      return await attempt(body, controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async function attempt(body: string, signal: AbortSignal): Promise<PushOutcome> {
    for (let renewed = false;; renewed = true) {
      let token: string;
      try {
        token = await accessToken.get();
      } catch (error) {
        const { error_type } = describeError(error);
        return {
          outcome: "held",
          error_type,
          error_code: "NO_ACCESS_TOKEN",
          reach: "run",
          retry_after_seconds: ACCOUNT_PAUSE_SECONDS,
        };
      }
      // The wait for a token took the time: nothing was posted.
      if (signal.aborted) {
        return { outcome: "retry", error_type: "timeout_error", error_code: "TIMEOUT" };
      }
      const outcome = await post(body, token, signal);
      if (outcome.error_type !== "authentication_error") return outcome;
      await accessToken.discard(token);
      if (renewed) return outcome;
    }
  }

  return {
    name: "fcm",
    batchSize: 1,
    send: (messages, options) =>
      Promise.all(
        messages.map((message) => send(message, options?.validateOnly ?? false)),
      ),
  };
}
