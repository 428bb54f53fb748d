// What a push service looks like to the pages.

import type { ErrorType } from "../../shared/errors.ts";

export interface PushMessage {
  notificationId: number;
  token: string;
  platform: string | null;
  title: string;
  body: string;
  data: Record<string, string>;
  /** The same at every attempt, so that a device shows one. */
  collapseKey: string;
  ttlSeconds: number;
  expiresAt: string;
}

/** How far a refusal reaches beyond its message. */
export type Reach =
  /** All that go to the same platform: its key is bad. */
  | "platform"
  /** Everything: the provider does not know us. */
  | "run"
  /** Everything, if many say so: then it is not the device but our account. */
  | "run_if_many";

export interface PushOutcome {
  /**
   * sent: the provider took it. retry: failed in passing, certainly not sent.
   * unknown: nobody knows whether it was sent. failed: never will be.
   * invalid_token: nor anything else to this device. held: not taken, through
   * no fault of the message or the device.
   */
  outcome: "sent" | "retry" | "unknown" | "failed" | "invalid_token" | "held";
  /** The provider's id, or its ticket where the receipt comes later: kept in push_attempts. */
  message_id?: string;
  error_type?: ErrorType;
  /** From a list of known codes, never a text of the provider's. */
  error_code?: string;
  retry_after_seconds?: number;
  reach?: Reach;
}

export interface SendOptions {
  /** The provider checks the message, and no device gets it. */
  validateOnly?: boolean;
}

export interface PushProvider {
  readonly name: string;
  /** How many messages one request carries; each counts as one against the concurrency. */
  readonly batchSize: number;
  /** An outcome for each message, in order. Does not throw, and takes SEND_TIMEOUT_MS at the most. */
  send(
    messages: readonly PushMessage[],
    options?: SendOptions,
  ): Promise<PushOutcome[]>;
}

export type Providers = ReadonlyMap<string, PushProvider>;

export const SEND_TIMEOUT_MS = 10_000;
