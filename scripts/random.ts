// Choices that a seed repeats. Apart from testing.ts, which starts a server.

const SEEDS = 1_000_000_000;

/** SEED=…, or one that nobody chose. */
export function givenSeed(): number {
  const given = Deno.env.get("SEED");
  if (!given) return Math.floor(Math.random() * SEEDS);
  if (/^\d{1,9}$/.test(given)) return Number(given);
  throw new Error(
    `SEED is ${given}, and must be a whole number below ${SEEDS}: give the one that was printed, or none.`,
  );
}

/** Random numbers below 1 that a seed repeats. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What one does with random numbers. */
export function choicesBy(random: () => number) {
  const below = (limit: number) => Math.floor(random() * limit);
  return { below, oneOf: <T>(all: readonly T[]) => all[below(all.length)] as T };
}
