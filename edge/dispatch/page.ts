// Sends one page: every notification to each of its devices.

import { describeError } from "../shared/errors.ts";
import type { Limiter } from "./limiter.ts";
import type { Claimed, PushResult } from "./outbox.ts";
import type { Providers, PushMessage, PushOutcome, PushProvider } from "./providers/provider.ts";

/** So many devices of another account, and more of them than pushes sent, mean that ours is the wrong one. */
const MANY = 10;

/** No mentor's error: the run as a whole could not go on. */
export const NOT_TRIED: PushOutcome = {
  outcome: "held",
  error_type: "provider_error",
  error_code: "NOT_TRIED",
};

const NO_OUTCOME: PushOutcome = {
  outcome: "unknown",
  error_type: "provider_error",
  error_code: "NO_OUTCOME",
};

/** What is known of the providers in this run. */
export class RunState {
  sent = 0;
  suspects = 0;
  /** Why nothing more is sent in this run. */
  stopped: PushOutcome | undefined;
  readonly #held = new Set<string>();

  note(provider: string, platform: string | null, outcome: PushOutcome): void {
    if (outcome.outcome === "sent") this.sent++;
    if (outcome.reach === "platform") this.#held.add(`${provider} ${platform}`);
    if (outcome.reach === "run") this.stopped ??= outcome;
    if (outcome.reach === "run_if_many") {
      this.suspects++;
      if (this.suspects >= MANY && this.suspects > this.sent) this.stopped ??= outcome;
    }
  }

  /** The outcome of a message that is better not tried. */
  verdict(provider: string, platform: string | null): PushOutcome | undefined {
    if (this.stopped) return NOT_TRIED;
    if (this.#held.has(`${provider} ${platform}`)) {
      return {
        outcome: "held",
        error_type: "provider_error",
        error_code: "PLATFORM_HELD",
        retry_after_seconds: 900,
      };
    }
    return undefined;
  }
}

interface Addressed {
  message: PushMessage;
  result: Omit<PushResult, "outcome">;
}

function address(page: readonly Claimed[], defaultProvider: string): Map<string, Addressed[]> {
  const byProvider = new Map<string, Addressed[]>();
  for (const notification of page) {
    const data = Object.fromEntries(
      Object.entries(notification.data).map(([name, value]) => [name, String(value)]),
    );
    data["notification_id"] = String(notification.notification_id);
    for (const device of notification.devices) {
      const provider = device.provider ?? defaultProvider;
      const addressed = {
        message: {
          notificationId: notification.notification_id,
          token: device.token,
          platform: device.platform,
          title: notification.title,
          body: notification.body,
          data,
          collapseKey: notification.collapse_key,
          ttlSeconds: notification.ttl_seconds,
          expiresAt: notification.expires_at,
        },
        result: {
          notification_id: notification.notification_id,
          lease_token: notification.lease_token,
          token: device.token,
          provider,
          platform: device.platform,
        },
      };
      const others = byProvider.get(provider);
      if (others) others.push(addressed);
      else byProvider.set(provider, [addressed]);
    }
  }
  return byProvider;
}

async function sendBatch(
  provider: PushProvider,
  batch: readonly Addressed[],
): Promise<PushOutcome[]> {
  try {
    return await provider.send(batch.map(({ message }) => message));
  } catch (error) {
    // A provider promises not to throw. If it does, nobody knows what it sent.
    const { error_type } = describeError(error);
    return batch.map(() => ({
      outcome: "unknown" as const,
      error_type,
      error_code: "PROVIDER_FAILED",
    }));
  }
}

export interface PageOptions {
  providers: Providers;
  defaultProvider: string;
}

/** Whether a push may still go out under the lease of its page. */
export type MayStillSend = () => boolean;

export async function sendPage(
  page: readonly Claimed[],
  run: RunState,
  limiter: Limiter,
  mayStillSend: MayStillSend,
  { providers, defaultProvider }: PageOptions,
): Promise<PushResult[]> {
  const results: PushResult[] = [];
  const suspects: PushResult[] = [];
  const keep = (addressed: Addressed, { reach, ...outcome }: PushOutcome) => {
    const result = { ...addressed.result, ...outcome };
    results.push(result);
    if (reach === "run_if_many") suspects.push(result);
  };

  const batches: { provider: PushProvider; batch: Addressed[] }[] = [];
  for (const [name, addressed] of address(page, defaultProvider)) {
    const provider = providers.get(name);
    if (!provider) {
      // Somebody may still configure it in time.
      for (const one of addressed) {
        keep(one, {
          outcome: "held",
          error_type: "provider_error",
          error_code: "UNKNOWN_PROVIDER",
          retry_after_seconds: 900,
        });
      }
      continue;
    }
    for (let i = 0; i < addressed.length; i += provider.batchSize) {
      batches.push({ provider, batch: addressed.slice(i, i + provider.batchSize) });
    }
  }

  const sendAllowed = async ({ provider, batch }: typeof batches[number]) => {
    const allowed: Addressed[] = [];
    for (const one of batch) {
      const refused = mayStillSend() ? run.verdict(provider.name, one.message.platform) : NOT_TRIED;
      if (refused) keep(one, refused);
      else allowed.push(one);
    }
    if (allowed.length === 0) return;
    const outcomes = await sendBatch(provider, allowed);
    allowed.forEach((one, i) => {
      const outcome = outcomes[i] ?? NO_OUTCOME;
      run.note(provider.name, one.message.platform, outcome);
      keep(one, outcome);
    });
  };
  await Promise.all(batches.map((each) => limiter.run(() => sendAllowed(each))));

  // Devices are not put away on the word of a provider that takes us for somebody else.
  if (run.stopped?.reach === "run_if_many") {
    for (const suspect of suspects) suspect.outcome = "held";
  }
  return results;
}
