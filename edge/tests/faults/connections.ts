// Ways that break: to the database, to FCM, and from pg_net to the function. A
// statement or a request does not arrive, or its answer doesn't, or half of one.

import { pause } from "../../../scripts/testing.ts";
import { type Break, Proxy } from "../proxy.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { Stack, type StackOptions } from "./stack.ts";
import { databaseWith } from "./test_database.ts";
import { deadRunsFallSilent } from "./waiting.ts";

async function stackWith(
  proxy: Proxy,
  options: StackOptions,
  lead: (stack: Stack<Proxy>) => Promise<void> | void = () => {},
): Promise<Stack<Proxy>> {
  const stack = await Stack.make({ database: databaseWith(() => proxy.end()), ...options }, proxy);
  try {
    await lead(stack);
  } catch (error) {
    await stack.end();
    throw error;
  }
  return stack;
}

/** Breaks a connection, and works until that is done. Returns the answer that did not come through. */
async function breakOne(
  { extra: proxy }: Stack<Proxy>,
  wanted: Break,
  work: () => Promise<unknown>,
): Promise<string> {
  let lost: string | undefined;
  proxy.breakAt(wanted).then((answer) => lost = answer);
  await until(`a connection is cut ${wanted.when} "${wanted.at}"`, async () => {
    await work();
    await pause(20);
    return lost !== undefined;
  }, 60);
  return lost ?? "";
}

const STATEMENTS = [
  "claim_notifications",
  "record_push_results",
  "start_invocation",
  "claim_notifications",
  "record_push_results",
  "run_scenario_evaluation",
  "finish_invocation",
] as const;

/** What the database says where a statement was not carried out. */
const IS_ERROR = /\0V(ERROR|FATAL|PANIC)\0/;

const toDatabase = fault<Proxy>({
  name: "a connection to the database is cut",
  times: 200,
  timesInShort: 9,
  // So that what is claimed and lost each time does not come to its last attempt.
  batch: 40,
  // A record is repeated; whose claim has no answer sends nothing.
  doubts: "unsent",
  failures: ["database_error"],
  makeStack() {
    const proxy = new Proxy();
    return stackWith(proxy, { route: (url) => proxy.url(url) });
  },
  async strike(stack, times, random) {
    const counts = new Counts([
      "before a statement arrived",
      "after it was carried out",
      "at any moment",
    ]);
    for (let i = 0; i < times; i++) {
      await stack.moreIsDue(6);
      if (i % 3 === 2) {
        await until("there are connections to be cut", async () => {
          // A run that another cut has killed holds its job.
          await deadRunsFallSilent(stack);
          await stack.tick();
          await pause(random() * 150);
          return stack.extra.cut() > 0;
        });
        counts.add("at any moment");
        continue;
      }
      const at = STATEMENTS[Math.floor(i / 3) % STATEMENTS.length] ?? "claim_notifications";
      const isAskedFor = async () => {
        await deadRunsFallSilent(stack);
        if (at !== "run_scenario_evaluation") await stack.tick();
        else await stack.world.run(await stack.startSender(), { job_name: "scenario-evaluation" });
      };
      if (i % 3 === 0) {
        await breakOne(stack, { at, when: "before" }, isAskedFor);
        counts.add("before a statement arrived");
      } else {
        let answer = "";
        while (answer === "" || IS_ERROR.test(answer)) {
          answer = await breakOne(stack, { at, when: "after" }, isAskedFor);
        }
        counts.add("after it was carried out");
      }
    }
    return counts;
  },
});

const portOf = (url: string | undefined) => Number(new URL(url ?? "").port);

const toFcm = fault<Proxy>({
  name: "a connection to FCM is cut",
  times: 100,
  timesInShort: 6,
  doubts: "doubles",
  makeStack() {
    const proxy = new Proxy("http");
    // Where it leads is known when there is a fake; nobody is due before.
    return stackWith(
      proxy,
      { environment: { FCM_ENDPOINT: `http://127.0.0.1:${proxy.port}` } },
      ({ world }) => {
        proxy.target = portOf(world.fake.endpoint);
      },
    );
  },
  async strike(stack, times) {
    const counts = new Counts([
      "before a push arrived",
      "halfway through a push",
      "after a push was accepted",
    ]);
    const goesOn = async () => {
      if (await stack.waiting() < 40) await stack.moreIsDue(6);
      await stack.world.retriesAreDue();
    };
    for (let i = 0; i < times; i++) {
      const at = "messages:send";
      if (i % 3 === 0) {
        await breakOne(stack, { at, when: "before" }, goesOn);
        counts.add("before a push arrived");
      } else if (i % 3 === 1) {
        await breakOne(stack, { at, when: "halfway" }, goesOn);
        counts.add("halfway through a push");
      } else {
        let answer = "";
        while (!answer.startsWith("HTTP/1.1 200")) {
          answer = await breakOne(stack, { at, when: "after" }, goesOn);
        }
        counts.add("after a push was accepted");
      }
    }
    return counts;
  },
});

const WHENS = ["before", "after", "halfway back"] as const;
const WORDS = {
  before: "before a request arrived",
  after: "after it was taken on",
  "halfway back": "halfway through its answer",
} as const;
const FAILED = "requests failed, as the database learnt";

const fromPgNet = fault<Proxy>({
  name: "a connection from pg_net to the function is cut",
  times: 100,
  timesInShort: 6,
  doubts: "none",
  makeStack() {
    const proxy = new Proxy("http");
    return stackWith(proxy, {}, async ({ world, sender }) => {
      proxy.target = portOf(sender?.url);
      await world.schedule(`http://127.0.0.1:${proxy.port}/`, world.secret, ["dispatch-backlog"]);
    });
  },
  async strike(stack, times) {
    const counts = new Counts([...Object.values(WORDS), FAILED]);
    const failed = async () => {
      const [row] = await stack.sql<{ count: number }[]>`
        select count(*)::integer as count from scheduler.requests where outcome = 'unreachable'
      `;
      return row?.count ?? 0;
    };
    const before = await failed();
    for (let i = 0; i < times; i++) {
      const when = WHENS[i % WHENS.length] ?? "before";
      await stack.moreIsDue(6);
      let answer = "";
      do {
        // On a connection that it had kept, the worker makes the request once more by itself.
        if (i % 2 === 0) stack.extra.cut();
        answer = await breakOne(stack, { at: "webhook-id", when }, () => stack.tick());
      } while (when !== "before" && !answer.startsWith("HTTP/1.1 202"));
      counts.add(WORDS[when]);
      // One that is cut off four times is given up.
      await stack.world.runsEnd();
    }
    counts.add(FAILED, await failed() - before);
    return counts;
  },
});

export const CONNECTION_FAULTS: readonly Fault[] = [toDatabase, toFcm, fromPgNet];
