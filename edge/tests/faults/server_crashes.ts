// The whole database server goes down at once, under load, and comes back.

import { pause } from "../../../scripts/testing.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { stackOnOwnServer } from "./own_server.ts";
import { deadRunsFallSilent, itSends } from "./waiting.ts";

const SHORT = ["back at once", "back within a second", "down again as it came up"] as const;
/** A sender that could not record what it sent for four seconds gives it up. */
const LONG = "away for five seconds";

const endingOf = (time: number) => time % 10 === 9 ? LONG : SHORT[time % 3] ?? LONG;

export const SERVER_FAULTS: readonly Fault[] = [fault({
  name: "the server is stopped at once under load, and started again",
  times: 30,
  timesInShort: 3,
  batch: 10,
  doubts: "doubles",
  // The request of a run that is lost four times in a row is one that comes to nothing.
  failures: ["database_error", "network_error"],
  makeStack: stackOnOwnServer,
  async strike(stack, times, random) {
    const { extra: server, world: { fake } } = stack;
    const counts = new Counts([...SHORT, LONG, "pushes were under way"]);
    stack.provider.latencyMilliseconds = 80; // so that pushes are under way
    for (let i = 0; i < times; i++) {
      await stack.moreIsDue(30);
      if (i % 2 === 0) await itSends(stack);
      await pause(random() * 100);
      counts.add("pushes were under way", fake.inFlight);
      const ending = endingOf(i);
      await server.crash();
      if (ending === "down again as it came up") await server.stumble(random() * 60);
      if (ending === "back within a second") await pause(random() * 1000);
      if (ending === LONG) await pause(5000);
      await server.start();
      await server.isBack(stack.sql);
      await deadRunsFallSilent(stack);
      counts.add(ending);
    }
    // What the last one left.
    await pause(1000);
    await deadRunsFallSilent(stack);
    return counts;
  },
})];
