// A disk of the database's that is full: tables can't grow, or the log can't, in
// which case the server goes down and does not come up before there is room.

import { codeOf, pause } from "../../../scripts/testing.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { type SmallDisk, stackOnSmallDisk } from "./own_server.ts";
import type { Stack } from "./stack.ts";
import { deadRunsFallSilent } from "./waiting.ts";

const NO_ROOM = "53100";
/** To PostgreSQL a file that may not grow is an error that it does not know. */
const UNKNOWN = "XX000";
const LOST_SERVER = /^(08|57P0[1-3]|CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE)/;

type Felt = "refused" | "server lost";

/** How somebody felt that the disk is full; throws what has another reason. */
function feel(error: unknown, { kind }: SmallDisk): Felt {
  const code = codeOf(error);
  if (code === NO_ROOM) return "refused";
  if (kind === "limit" && code === UNKNOWN && /File too large/.test(String(error))) {
    return "refused";
  }
  if (LOST_SERVER.test(code)) return "server lost";
  throw error;
}

/** Goes on working until something finds no room. */
async function workUntilFull(stack: Stack, disk: SmallDisk): Promise<Felt> {
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    try {
      await stack.moreIsDue(10);
      await stack.tick();
    } catch (error) {
      return feel(error, disk);
    }
  }
  throw new Error("The disk was full for 20 seconds, and nobody felt it.");
}

/** Begins new segments of the log until there is room for none. */
async function useUpLog(stack: Stack, disk: SmallDisk): Promise<Felt> {
  const admin = stack.world.database.session("supabase_admin");
  try {
    for (let segment = 0; segment < 20; segment++) {
      await admin`select pg_switch_wal(), pg_logical_emit_message(false, 'fault', 'a word')`;
    }
  } catch (error) {
    return feel(error, disk);
  } finally {
    await admin.end({ timeout: 0 });
  }
  throw new Error("The log found room on a disk that was full.");
}

/** Not every machine gives a disk that can be mounted, and the other kind proves less. */
const WORDS = {
  tmpfs: {
    refused: "statements were refused by a full tmpfs",
    down: "times it took the server down",
  },
  limit: {
    refused: "statements were refused by a limit on files, which stands in for a full disk",
    down: "times it took the server down",
  },
} as const;

export const DISK_FAULTS: readonly Fault[] = [fault({
  name: "the database's disk is full",
  times: 20,
  timesInShort: 2,
  batch: 5,
  doubts: "doubles",
  // The request of a run that is lost four times in a row is one that comes to nothing.
  failures: ["database_error", "network_error"],
  makeStack: stackOnSmallDisk,
  async strike(stack, times, random) {
    const { server, disk } = stack.extra;
    const words = WORDS[disk.kind];
    const counts = new Counts(Object.values(words));
    for (let i = 0; i < times; i++) {
      await stack.moreIsDue(20);
      await stack.tick();
      await pause(random() * 100);
      await disk.fill(random() * 300_000);
      const felt = await (i % 2 === 0 ? workUntilFull : useUpLog)(stack, disk);
      if (felt === "refused") counts.add(words.refused);
      // A sender gives up recording after four seconds.
      await pause(i % 5 === 4 ? 5000 : 300 + random() * 1200);
      const isDown = !await server.isUp();
      await disk.clear();
      if (isDown) counts.add(words.down);
      await server.comesBack(stack.sql);
      await deadRunsFallSilent(stack);
    }
    await pause(1000);
    await deadRunsFallSilent(stack);
    return counts;
  },
})];
