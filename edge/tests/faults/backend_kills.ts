// Backends that are killed while they evaluate. The server then ends all the
// others too, empties pg_net's tables and recovers from its log.

import type { Sql } from "../../../scripts/server.ts";
import { pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { stackOnOwnServer } from "./own_server.ts";

/** In the order in which an evaluation passes them. */
const POINTS = [
  "at its turn",
  "opening windows",
  "filling the outbox",
  "in the ledger",
  "at commit",
] as const;

/**
 * Stops the victim's evaluation where it is told to, or at the next point after it. Where it
 * passes many rows, at one of them.
 */
const HELD_UP = `
  create schema held_up;
  create table held_up.from_point (place integer not null, row_number integer not null);
  create function held_up.hold() returns trigger language plpgsql as $$
  declare
    place constant integer := tg_argv[0];
    point constant held_up.from_point := (select from_point from held_up.from_point);
    passed constant integer := 1 + coalesce(nullif(current_setting('held_up.passed', true), ''), '0')::integer;
  begin
    if current_setting('application_name') = 'victim' and place >= point.place then
      perform set_config('held_up.passed', passed::text, true);
      if place not in (1, 2) or passed >= point.row_number then
        perform set_config('application_name', 'held ' || place, false);
        perform pg_sleep(20);
      end if;
    end if;
    return new;
  end $$;
  create trigger held_up before update on scheduler.scenarios
    for each row execute function held_up.hold(0);
  create trigger held_up before insert on scheduler.scenario_cooldowns
    for each row execute function held_up.hold(1);
  create trigger held_up before insert on scheduler.notifications
    for each row execute function held_up.hold(2);
  create trigger held_up before insert or update on scheduler.invocations
    for each row when (new.as_of is not null) execute function held_up.hold(3);
  create constraint trigger held_up_at_commit after insert or update on scheduler.invocations
    deferrable initially deferred
    for each row when (new.as_of is not null) execute function held_up.hold(4);
`;

interface Victim {
  pid: number;
  name: string;
}

/** Which backend a session has. */
async function backend(session: Sql): Promise<number | undefined> {
  const [row] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row?.pid;
}

/** The backend of that name that evaluates, if there is one. */
async function findVictim(admin: Sql, name: string): Promise<Victim | undefined> {
  const [row] = await admin<Victim[]>`
    select pid, application_name as name from pg_stat_activity
    where datname = current_database() and application_name like ${name}
      and state = 'active' and query like '%run_scenario_evaluation%'
  `;
  return row;
}

/** Whether a process has stopped, as the system says after its name. */
async function standsStill(pid: number): Promise<boolean> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).startsWith("T");
}

/** Kills it where it stands, if it evaluates there. */
async function killWhileItEvaluates(admin: Sql, { pid, name }: Victim): Promise<boolean> {
  Deno.kill(pid, "SIGSTOP");
  await until("the backend stands still", () => standsStill(pid));
  // It may have stopped with something in its hands that this needs too.
  const evaluates = await Promise.race([
    findVictim(admin, name).then((found) => found?.pid === pid),
    pause(1000).then(() => false),
  ]);
  Deno.kill(pid, evaluates ? "SIGKILL" : "SIGCONT");
  return evaluates;
}

/** An evaluation takes about so long. */
const EVALUATION_MILLISECONDS = 20;

const AT_RANDOM = "at random";

export const BACKEND_FAULTS: readonly Fault[] = [fault({
  name: "a backend is SIGKILLed in mid-evaluation",
  times: 100,
  timesInShort: 6,
  batch: 25,
  // It is back before a sender gives up recording, which is after four seconds.
  doubts: "unsent",
  // The request of a run that is lost four times in a row is one that comes to nothing.
  failures: ["database_error", "network_error"],
  async makeStack() {
    const stack = await stackOnOwnServer();
    try {
      await stack.sql.unsafe(HELD_UP);
    } catch (error) {
      await stack.end();
      throw error;
    }
    return stack;
  },
  async strike(stack, times, random) {
    const { world, extra: server } = stack;
    const admin = world.database.session("supabase_admin");
    const counts = new Counts([...POINTS, AT_RANDOM]);
    const evaluator = await stack.startFunction({ SCHEDULER_DB_URL: world.urlAs("victim") });

    /** Where a victim was killed; undefined where it was through before. */
    const killOne = async (
      place: number,
    ): Promise<typeof POINTS[number] | typeof AT_RANDOM | undefined> => {
      await stack.addDue(6);
      await stack.sql`delete from held_up.from_point`;
      await stack.sql`
        insert into held_up.from_point values (${place}, ${1 + Math.floor(random() * 6)})
      `;
      const psql = world.database.session();
      try {
        // As the dispatcher asks for it, or as somebody does in psql.
        const evaluation = random() < 0.5
          ? world.run(evaluator, { job_name: "scenario-evaluation" })
          : psql`set application_name = 'victim'`
            .then(() => psql`select count(*) from public.run_scenario_evaluation()`);
        let hasEnded = false;
        const ended = evaluation.then(() => {}, () => {}).then(() => void (hasEnded = true));

        const isHeldUp = place < POINTS.length;
        let victim: Victim | undefined;
        await until("an evaluation is where it is to be killed", async () => {
          victim = await findVictim(admin, isHeldUp ? "held %" : "victim");
          return victim !== undefined || hasEnded;
        }, 30);
        if (!victim) return undefined;
        const before = await backend(admin);
        if (isHeldUp) Deno.kill(victim.pid, "SIGKILL");
        else {
          await pause(random() * EVALUATION_MILLISECONDS);
          if (!await killWhileItEvaluates(admin, victim)) {
            await ended;
            return undefined;
          }
        }
        await ended;
        // The server may not have noticed yet, and answers for a moment as if nothing had been.
        await until(
          "the server restarts all backends",
          async () => await backend(admin).catch(() => before) !== before,
          30,
        );
        await server.isBack(stack.sql);
        return POINTS[Number(victim.name.replace("held ", ""))] ?? AT_RANDOM;
      } finally {
        await psql.end({ timeout: 0 });
      }
    };

    for (let i = 0; i < times; i++) {
      await until("a backend is killed in mid-evaluation", async () => {
        const where = await killOne(i % (POINTS.length + 1)); // the last is none: at random
        if (where) counts.add(where);
        return where !== undefined;
      }, 60);
    }
    await evaluator.stop();
    await admin.end({ timeout: 0 });
    await stack.sql`delete from held_up.from_point`;
    return counts;
  },
})];
