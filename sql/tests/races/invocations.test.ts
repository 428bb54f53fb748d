// A request that comes twice at the same moment runs once.

import { strictEqual } from "node:assert/strict";
import { testDatabase } from "../../../scripts/testing.ts";

for (const by of ["webhook_id", "invocation_id"] as const) {
  Deno.test(`of ten requests with one ${by} at once, one is started, and the others are told which`, async () => {
    const database = await testDatabase();
    try {
      const sessions = Array.from({ length: 10 }, () => database.session());
      await Promise.all(sessions.map((session) => session`select 1`));
      for (let round = 0; round < 20; round++) {
        const invocation = by === "invocation_id" ? crypto.randomUUID() : null;
        const webhook = by === "webhook_id" ? `msg_${round}` : null;
        const answers = await Promise.all(sessions.map(async (session) => {
          const [answer] = await session<{ id: string; started: boolean }[]>`
            select id, started
            from public.start_invocation(job_name => 'dispatch-backlog', invocation_id => ${invocation}, webhook_id => ${webhook})
          `;
          return answer;
        }));
        strictEqual(answers.filter((answer) => answer?.started).length, 1, `in round ${round}`);
        strictEqual(new Set(answers.map((answer) => answer?.id)).size, 1, `in round ${round}`);
      }
      const [ledger] = await database
        .sql`select count(*)::integer as rows from scheduler.invocations`;
      strictEqual(ledger?.rows, 20);
    } finally {
      await database.drop();
    }
  });
}
