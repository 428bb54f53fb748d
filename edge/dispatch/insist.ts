import { isRefusedArgument } from "../shared/errors.ts";

const LONGEST_PAUSE_MS = 2000;

/**
 * Asks again where the database is gone or busy for a moment, so that what was
 * done is not forgotten at once. The work can be repeated without harm.
 */
export async function insist<T>(
  work: (repeated: boolean) => Promise<T>,
  mayGoOn: () => boolean,
): Promise<T> {
  for (let pause = 250;; pause *= 2) {
    try {
      return await work(pause > 250);
    } catch (error) {
      if (isRefusedArgument(error) || pause > LONGEST_PAUSE_MS || !mayGoOn()) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
