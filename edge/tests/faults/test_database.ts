import { type TestDatabase, testDatabase } from "../../../scripts/testing.ts";

/** A test's database; what a fault needs besides ends with it, and ends if there is none. */
export async function databaseWith(end: () => Promise<void>): Promise<TestDatabase> {
  const database = await testDatabase().catch(async (error) => {
    await end();
    throw error;
  });
  return {
    ...database,
    async drop() {
      try {
        await end();
      } finally {
        await database.drop();
      }
    },
  };
}
