// What can go wrong, done on purpose. A file of faults exports a list, and
// all.ts gathers the lists.

import type { Counts } from "./counts.ts";
import type { Stack } from "./stack.ts";

export interface Fault<Extra = unknown> {
  /** As it stands in the table, and as ONLY=… finds it. */
  name: string;
  /** How often in make faults. */
  times: number;
  /** How often in make test, where it has a few seconds. */
  timesInShort: number;
  /** After so many, what is in doubt is taken over by others, and it goes on. All at once without it. */
  batch?: number;
  /** What may be in doubt afterwards: no push, some of which none was accepted twice, or such as may be. */
  doubts: "none" | "unsent" | "doubles";
  /** The error types with which runs may fail because of it. */
  failures?: readonly string[];
  /** The stack that it needs, where the usual one won't do. */
  makeStack?: () => Promise<Stack<Extra>>;
  /**
   * Does it so many times to a stack under load and leaves the stack whole. Throws where something
   * was seen that must not be, or where it could not be done.
   */
  strike(stack: Stack<Extra>, times: number, random: () => number): Promise<Counts>;
}

/** One whose strike needs what only its own stack has. */
export function fault<Extra>(
  wanted: Fault<Extra> & { makeStack: () => Promise<Stack<Extra>> },
): Fault {
  return wanted;
}
