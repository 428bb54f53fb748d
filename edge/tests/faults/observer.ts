// A stack in which a fault sees, and holds up, what a run claims and records.

import { Stack } from "./stack.ts";

const OBSERVED = `
  create schema faults;
  create table faults.held (invocation_id uuid primary key);
  create function faults.observe_claim() returns trigger language plpgsql as $$
  begin
    if exists (select from faults.held where invocation_id = new.claimed_by) then
      perform pg_advisory_xact_lock(hashtextextended(new.claimed_by::text, 0));
    end if;
    perform pg_notify('claimed', new.claimed_by::text);
    return new;
  end $$;
  create trigger observe_claim before update on scheduler.notifications
    for each row when (new.status = 'sending') execute function faults.observe_claim();
  create function faults.observe_record() returns trigger language plpgsql as $$
  begin
    perform pg_notify('recorded', new.invocation_id::text);
    return new;
  end $$;
  create trigger observe_record after insert on scheduler.push_attempts
    for each row execute function faults.observe_record();
`;

/** Says when a run has claimed or recorded something, once that is committed. */
export class Observer {
  readonly #awaited = new Map<string, () => void>();

  async begin({ sql, world }: Stack): Promise<void> {
    await sql.unsafe(OBSERVED);
    const listener = world.database.session();
    for (const what of ["claimed", "recorded"]) {
      await listener.listen(what, (id) => {
        this.#awaited.get(`${what} ${id}`)?.();
        this.#awaited.delete(`${what} ${id}`);
      });
    }
  }

  next(what: "claimed" | "recorded", invocation: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(`${what} ${invocation}`, resolve));
  }
}

export async function observedStack(): Promise<Stack<Observer>> {
  const observer = new Observer();
  const stack = await Stack.make({}, observer);
  try {
    await observer.begin(stack);
  } catch (error) {
    await stack.end();
    throw error;
  }
  return stack;
}
