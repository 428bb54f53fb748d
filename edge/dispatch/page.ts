// Sends one page: every notification to each of its devices.

import { describeError } from "../shared/errors.ts";
import type { Limiter } from "./limiter.ts";
import type { Claimed, Device, PushResult } from "./outbox.ts";
import type { Providers, PushMessage, PushOutcome, PushProvider } from "./providers/provider.ts";

const MANY = 3;
const SUSPECT_PAUSE_SECONDS = 900;

/** No mentor's error: the run as a whole could not go on. */
export const NOT_TRIED: PushOutcome = {
  outcome: "held",
  error_type: "provider_error",
  error_code: "NOT_TRIED",
};

/** Somebody may still configure it in time. */
export const UNKNOWN_PROVIDER: PushOutcome = {
  outcome: "held",
  error_type: "provider_error",
  error_code: "UNKNOWN_PROVIDER",
  retry_after_seconds: 900,
};

const PLATFORM_HELD: PushOutcome = {
  outcome: "held",
  error_type: "provider_error",
  error_code: "PLATFORM_HELD",
  retry_after_seconds: 900,
};

const NO_OUTCOME: PushOutcome = {
  outcome: "unknown",
  error_type: "provider_error",
  error_code: "NO_OUTCOME",
};

/** What is known of the providers in this run. */
export class RunState {
  /** Why nothing more is sent in this run. */
  stopped: PushOutcome | undefined;
  readonly #held = new Set<string>();
  readonly #counts = new Map<string, { sent: number; suspects: number }>();

  note(provider: string, platform: string | null, outcome: PushOutcome): void {
    if (outcome.outcome === "sent") this.#count(provider).sent++;
    if (outcome.reach === "platform") this.#held.add(`${provider} ${platform}`);
    if (outcome.reach === "run_if_many") this.#count(provider).suspects++;
    if (outcome.reach === "run" || this.takesUsForAnother(provider)) this.stopped ??= outcome;
  }

  /** Many devices of another account, and more of them than pushes sent: then ours is the wrong one. */
  takesUsForAnother(provider: string): boolean {
    const { sent, suspects } = this.#count(provider);
    return suspects >= MANY && suspects > sent;
  }

  /** The outcome of a message that is better not tried. */
  verdict(provider: string, platform: string | null): PushOutcome | undefined {
    if (this.stopped) return NOT_TRIED;
    return this.#held.has(`${provider} ${platform}`) ? PLATFORM_HELD : undefined;
  }

  #count(provider: string): { sent: number; suspects: number } {
    const count = this.#counts.get(provider) ?? { sent: 0, suspects: 0 };
    this.#counts.set(provider, count);
    return count;
  }
}

/** One device of one notification. Messages and results are made when they are needed: pages are large. */
interface Target {
  notification: Claimed;
  device: Device;
}

interface Batch {
  provider: PushProvider;
  targets: Target[];
}

function messageFor({ notification, device }: Target): PushMessage {
  return {
    notificationId: notification.notification_id,
    token: device.token,
    platform: device.platform,
    title: notification.title,
    body: notification.body,
    data: notification.data,
    collapseKey: notification.collapse_key,
    ttlSeconds: notification.ttl_seconds,
    expiresAt: notification.expires_at,
  };
}

async function sendBatch({ provider, targets }: Batch): Promise<PushOutcome[]> {
  try {
    return await provider.send(targets.map(messageFor));
  } catch (error) {
    // A provider promises not to throw. If it does, nobody knows what it sent.
    const { error_type } = describeError(error);
    return targets.map(() => ({
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
  const keep = (target: Target, provider: string, { reach, ...outcome }: PushOutcome) => {
    const result = {
      notification_id: target.notification.notification_id,
      lease_token: target.notification.lease_token,
      token: target.device.token,
      platform: target.device.platform,
      provider,
      ...outcome,
    };
    results.push(result);
    if (reach === "run_if_many") suspects.push(result);
  };

  const targets = page.flatMap((notification) =>
    notification.devices.map((device): Target => ({ notification, device }))
  );
  const batches: Batch[] = [];
  for (
    const [name, addressed] of Map.groupBy(
      targets,
      ({ device }) => device.provider ?? defaultProvider,
    )
  ) {
    const provider = providers.get(name);
    if (!provider) {
      for (const target of addressed) keep(target, name, UNKNOWN_PROVIDER);
      continue;
    }
    for (let i = 0; i < addressed.length; i += provider.batchSize) {
      batches.push({ provider, targets: addressed.slice(i, i + provider.batchSize) });
    }
  }

  await limiter.forEach(batches, async ({ provider, targets }) => {
    const allowed: Target[] = [];
    for (const target of targets) {
      const refused = mayStillSend()
        ? run.verdict(provider.name, target.device.platform)
        : NOT_TRIED;
      if (refused) keep(target, provider.name, refused);
      else allowed.push(target);
    }
    if (allowed.length === 0) return;
    const outcomes = await sendBatch({ provider, targets: allowed });
    allowed.forEach((target, i) => {
      const outcome = outcomes[i] ?? NO_OUTCOME;
      run.note(provider.name, target.device.platform, outcome);
      keep(target, provider.name, outcome);
    });
  });

  // Devices are not put away on the word of a provider that takes us for somebody else.
  for (const suspect of suspects) {
    if (!run.takesUsForAnother(suspect.provider)) continue;
    suspect.outcome = "held";
    suspect.error_type = "provider_error";
    suspect.retry_after_seconds = SUSPECT_PAUSE_SECONDS;
  }
  return results;
}
