// What FCM accepts and refuses: the fields of a message, Google's error bodies, and device tokens
// whose text says what they get.

export interface Accepted {
  at: number; // milliseconds since 1970
  token: string;
  title: string;
  body: string;
  collapseKey: string;
  androidTag: string;
  apnsCollapseId: string;
  ttlSeconds: number;
  data: Record<string, string>;
  validateOnly: boolean;
  messageId: string;
}

export interface Reply {
  status: number;
  body: string;
  contentType?: string;
  headers?: Record<string, string>;
}

interface GoogleError {
  status: number;
  errorCode?: string; // without it there are no FcmError details, as in Google's bare errors
  grpcStatus?: string;
  message?: string;
  retryAfter?: string;
}

export type Answer =
  | { kind: "accept" }
  | ({ kind: "error" } & GoogleError)
  | ({ kind: "raw" } & Reply)
  | { kind: "hang" } // never answers, until the fake stops or the client gives up
  | { kind: "close" } // closes the connection without a byte; nothing is accepted
  | { kind: "accept_then_close" } // accepts, and closes in the middle of the answer
  | { kind: "accept_then"; answer: Answer } // accepts, and answers something else
  | { kind: "drip"; milliseconds: number }; // accepts, and answers byte by byte over this time

type Fields = Record<string, unknown>;
type Violation = { field?: string; description: string };

// The protocol's messages and their fields: texts, but {} maps of texts, > messages, * the rest.
const FIELDS: Record<string, string> = {
  "": "validate_only* message>",
  "message": "name token topic condition data{} notification> android> apns> webpush> fcm_options>",
  "message.notification": "title body image",
  "message.fcm_options": "analytics_label",
  "message.android": "collapse_key priority ttl restricted_package_name data{} notification> " +
    "fcm_options> direct_boot_ok* bandwidth_constrained_ok* restricted_satellite_ok*",
  "message.android.fcm_options": "analytics_label",
  "message.android.notification": "title body icon color sound tag click_action body_loc_key " +
    "body_loc_args* title_loc_key title_loc_args* channel_id ticker sticky* event_time image " +
    "local_only* notification_priority default_sound* default_vibrate_timings* visibility " +
    "default_light_settings* vibrate_timings* notification_count* light_settings* proxy " +
    "bypass_proxy_notification*",
  "message.apns": "headers{} payload* fcm_options> live_activity_token",
  "message.apns.fcm_options": "analytics_label image",
  "message.webpush": "headers{} data{} notification* fcm_options>",
  "message.webpush.fcm_options": "link analytics_label",
};
const KINDS = new Map<string, string>();
for (const [path, fields] of Object.entries(FIELDS)) {
  for (const field of fields.split(" ")) {
    const name = field.replace(/\W+$/, "");
    KINDS.set(path ? `${path}.${name}` : name, field.slice(name.length));
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => isFields(value) ? value : {};
export const text = (value: unknown): string => typeof value === "string" ? value : "";

function findViolations(given: Fields, path: string, found: Violation[]): void {
  const wrong = (field: string, type: string, value: unknown) => {
    const description = `Invalid value at '${field}' (${type}), ${JSON.stringify(value)}`;
    found.push({ field, description });
  };
  for (const [name, value] of Object.entries(given)) {
    const field = path ? `${path}.${name}` : name;
    const kind = KINDS.get(field);
    if (kind === undefined) {
      const where = `Unknown name "${name}"${path && ` at '${path}'`}`;
      const description = `Invalid JSON payload received. ${where}: Cannot find field.`;
      found.push({ ...(path ? { field: path } : {}), description });
    } else if (value === null || kind === "*") continue;
    else if (kind === "") {
      if (typeof value !== "string") wrong(field, "TYPE_STRING", value);
    } else if (!isFields(value)) wrong(field, "TYPE_MESSAGE", value);
    else if (kind === ">") findViolations(value, field, found);
    else {
      Object.values(value).forEach((one, i) => {
        if (typeof one !== "string") wrong(`${field}[${i}].value`, "TYPE_STRING", one);
      });
    }
  }
}

const STATUS: Record<number, [grpcStatus: string, message: string]> = {
  400: ["INVALID_ARGUMENT", "Request contains an invalid argument."],
  401: ["UNAUTHENTICATED", "Request had invalid authentication credentials."],
  403: ["PERMISSION_DENIED", "The caller does not have permission"],
  404: ["NOT_FOUND", "Requested entity was not found."],
  429: ["RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."],
  500: ["INTERNAL", "Internal error encountered."],
  503: ["UNAVAILABLE", "The service is currently unavailable."],
};
const TYPE = "type.googleapis.com/google.";

export function refuse(given: GoogleError, ...details: Fields[]): Reply {
  const { status: code, errorCode, retryAfter } = given;
  const [grpcStatus, usual] = STATUS[code] ?? ["UNKNOWN", "Unknown error."];
  const { message = usual, grpcStatus: status = grpcStatus } = given;
  if (errorCode) details.unshift({ "@type": `${TYPE}firebase.fcm.v1.FcmError`, errorCode });
  const error = { code, message, status, ...(details.length > 0 ? { details } : {}) };
  const headers: Record<string, string> = retryAfter ? { "retry-after": retryAfter } : {};
  return { status: code, body: JSON.stringify({ error }, null, 2), headers };
}

/** Refuses a request's form, as Google does before FCM sees it. */
export function malformed(violations: Violation[], more: Partial<GoogleError> = {}): Reply {
  const message = violations.map(({ description }) => description).join("\n");
  const details = { "@type": `${TYPE}rpc.BadRequest`, fieldViolations: violations };
  return refuse({ status: 400, message, ...more }, details);
}

/** Refuses what a message of the right form says, as FCM does. */
const invalid = (field: string, description: string): Reply =>
  malformed([{ field, description }], { errorCode: "INVALID_ARGUMENT" });

export function unauthenticated(reason: string): Reply {
  const message =
    "Request had invalid authentication credentials. Expected OAuth 2 access token, " +
    "login cookie or other valid authentication credential.";
  const error = { "@type": `${TYPE}rpc.ErrorInfo`, reason, domain: "googleapis.com" };
  return refuse({ status: 401, message }, error);
}

const PAYLOAD_BYTES = 4096;
const FOUR_WEEKS = 28 * 24 * 60 * 60;
const encoder = new TextEncoder();
export const bytesIn = (value: unknown) =>
  encoder.encode(typeof value === "string" ? value : JSON.stringify(value)).length;

/** The message of a request, or the answer that refuses it. */
export function readMessage(body: string): Reply | { message: Accepted; platformHint?: string } {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return malformed([{ description: "Invalid JSON payload received. Unexpected token." }]);
  }
  const violations: Violation[] = [];
  if (isFields(given)) findViolations(given, "", violations);
  else violations.push({ description: "Invalid JSON payload received. Root must be a message." });
  if (violations.length > 0) return malformed(violations);

  const { message: fields, validate_only: validateOnly } = fieldsOf(given);
  const message = fieldsOf(fields);
  const [target, other] = ["token", "topic", "condition"].filter((name) => message[name]);
  if (!target) return invalid("message", "Recipient of the message is not set.");
  if (other) {
    const description = "Invalid value at 'message' (oneof), oneof field 'target' is already set.";
    return malformed([{ field: "message", description: `${description} Cannot set '${other}'` }]);
  }
  if (target !== "token") return invalid(`message.${target}`, "This fake sends to tokens only.");
  const android = fieldsOf(message.android);
  const apns = fieldsOf(message.apns);
  const data = fieldsOf(message.data) as Record<string, string>;
  const notification = fieldsOf(message.notification);
  const shown: Fields = { ...notification, ...fieldsOf(android.notification) };
  const [, ttl] = /^(\d+)(?:\.\d{1,9})?s$/.exec(text(android.ttl ?? `${FOUR_WEEKS}s`)) ?? [];
  if (ttl === undefined) {
    const field = "message.android.ttl";
    const description = `Invalid value at '${field}' (${TYPE}protobuf.Duration), Field 'ttl', ` +
      "Illegal duration format; duration must end with 's'";
    return malformed([{ field, description }]);
  }
  if (Number(ttl) > FOUR_WEEKS) return invalid("message.android.ttl", "TTL is over four weeks.");
  const apnsCollapseId = text(fieldsOf(apns.headers)["apns-collapse-id"]);
  if (bytesIn(apnsCollapseId) > 64) {
    const type = `${TYPE}firebase.fcm.v1.ApnsError`;
    const error = { "@type": type, statusCode: 400, reason: "BadCollapseId" };
    return refuse({ status: 400, errorCode: "INVALID_ARGUMENT" }, error);
  }
  // A UTF-16 unit makes three bytes at most: what is short needs no counting.
  if (body.length * 3 > PAYLOAD_BYTES) {
    const onAndroid = bytesIn({ ...shown, ...data, ...fieldsOf(android.data) });
    const onApple = bytesIn({ ...notification, ...data, ...fieldsOf(apns.payload) });
    if (Math.max(onAndroid, onApple) > PAYLOAD_BYTES) return invalid("message", "Message too big");
  }
  const platforms = ["android", "apns", "webpush"].filter((name) => message[name]);
  return {
    ...(platforms.length === 1 ? { platformHint: platforms[0] } : {}),
    message: {
      at: 0,
      token: text(message.token),
      title: text(notification.title ?? shown.title),
      body: text(notification.body ?? shown.body),
      collapseKey: text(android.collapse_key),
      androidTag: text(shown.tag),
      apnsCollapseId,
      ttlSeconds: Number(ttl),
      data,
      validateOnly: validateOnly === true,
      messageId: "fake_message_id",
    },
  };
}

const failing = (
  status: number,
  errorCode: string,
  message?: string,
  retryAfter?: string,
): Answer => ({ kind: "error", status, errorCode, message, retryAfter });
const NO_TOKEN = "The registration token is not a valid FCM registration token";
const NO_APNS = "Auth error from APNS or Web Push Service";
const BY_TOKEN: Record<string, Answer> = {
  "unregistered": failing(404, "UNREGISTERED"),
  "invalid-token": failing(400, "INVALID_ARGUMENT", NO_TOKEN),
  "invalid-message": failing(400, "INVALID_ARGUMENT"),
  "mismatch": failing(403, "SENDER_ID_MISMATCH", "SenderId mismatch"),
  "apns-auth": failing(401, "THIRD_PARTY_AUTH_ERROR", NO_APNS),
  "quota-plain": failing(429, "QUOTA_EXCEEDED"),
  "quota": failing(429, "QUOTA_EXCEEDED", undefined, "120"),
  "unavailable": failing(503, "UNAVAILABLE"),
  "internal": failing(500, "INTERNAL"),
  "hang": { kind: "hang" },
  "accept-then-close": { kind: "accept_then_close" },
  "close": { kind: "close" },
  "rubbish": { kind: "raw", status: 200, body: "<!DOCTYPE html>", contentType: "text/html" },
};
const TELLING = new RegExp(Object.keys(BY_TOKEN).join("|"));

export function answerByToken(token: string): Answer {
  const answer = BY_TOKEN[TELLING.exec(token)?.[0] ?? ""] ?? { kind: "accept" };
  const isToWait = answer.kind === "error" && token.includes("retry-after");
  return isToWait && answer.status === 503 ? { ...answer, retryAfter: "30" } : answer;
}
