// For development: a push is a line on the terminal.

import type { PushProvider } from "./provider.ts";

export function logProvider(write: (line: string) => void): PushProvider {
  return {
    name: "log",
    batchSize: 1,
    send: (messages, options) => {
      for (const { notificationId, platform, title, body } of messages) {
        const kind = options?.validateOnly ? "test push" : "push";
        write(
          `${kind} ${notificationId} to a device (${
            platform ?? "any platform"
          }): ${title} / ${body}`,
        );
      }
      return Promise.resolve(messages.map(({ notificationId }) => ({
        outcome: "sent" as const,
        message_id: `log-${notificationId}`,
      })));
    },
  };
}
