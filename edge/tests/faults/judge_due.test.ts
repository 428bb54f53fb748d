// Who is due, as the judge has it: those whom nobody decided on, and those who are rightly left alone.

import type { Sql } from "../../../scripts/server.ts";
import {
  beforeTheJudge,
  FOURTH,
  type Planted,
  testThatItLetsBe,
  testThatItSees,
  wasNotSent,
} from "./judge_scene.ts";

/** The fourth mentor's reminder was decided on yesterday. */
const wasYesterday = (sql: Sql) =>
  sql`
    update scheduler.notifications set evaluation_date = evaluation_date - 1 where user_id = ${FOURTH}
  `;
const windowIsOver = (sql: Sql) =>
  sql`
    update scheduler.scenario_cooldowns
    set cooldown_window_start = current_date - 20, cooldown_until = current_date - 1
    where user_id = ${FOURTH}
  `;
const expiresSoon = (sql: Sql) =>
  sql`insert into public.certifications (user_id, expires_on) values (${FOURTH}, current_date + 20)`;
const wasActive = (sql: Sql, daysAgo: number) =>
  sql`
    insert into public.activities (user_id, activity_date)
    values (${FOURTH}, current_date - ${daysAgo}::integer)
  `;
const hasOneReminder = (sql: Sql) =>
  sql`
    update scheduler.scenario_config set params = '{"max_reminders": 1}'
    where scenario_type = 'inactivity'
  `;
const caps = (sql: Sql, daily: number, weekly: number) =>
  sql`
    update scheduler.organisation_settings set daily_cap = ${daily}, weekly_cap = ${weekly}
    where organisation_id is null
  `;

/** A mentor of long standing for whom nobody has decided anything. */
const joins = async (sql: Sql, status = "active") => {
  const id = "00000000-0000-4000-8000-000000000009";
  await sql`
    insert into public.peer_mentors (id, organisation_id, status, joined_on)
    values (${id}, md5('organisation')::uuid, ${status}, '2025-01-01')
  `;
  await sql`insert into public.device_tokens (token, user_id) values ('device of 9', ${id})`;
  return id;
};

const FORGOTTEN: Planted[] = [
  {
    what: "a mentor who was long silent and whom nobody decided on",
    plant: ({ sql }) => joins(sql),
    rules: ["created"],
  },
  {
    what: "a mentor whose reminder and its window are gone",
    plant: async (scene) => {
      await wasNotSent(scene, { status: "cancelled", reason: "mentor_not_active" });
      await scene.sql`delete from scheduler.notifications where user_id = ${FOURTH}`;
      await scene.sql`
        update scheduler.invocations set total_candidates = 5 where as_of is not null
      `;
    },
    rules: ["created"],
  },
  {
    what: "a mentor who is still silent when the window is over, and gets no second reminder",
    plant: async ({ sql }) => {
      await wasYesterday(sql);
      await windowIsOver(sql);
    },
    rules: ["created"],
  },
  {
    what: "a mentor whose only reminder was cancelled yesterday, and who gets no other",
    plant: async (scene) => {
      await wasNotSent(scene, { status: "cancelled", reason: "mentor_not_active" });
      await wasYesterday(scene.sql);
      await hasOneReminder(scene.sql);
    },
    rules: ["created"],
  },
  {
    what: "a mentor who is left alone for a window that has not begun",
    plant: async ({ sql }) => {
      await wasYesterday(sql);
      await sql`
        update scheduler.scenario_cooldowns
        set cooldown_window_start = current_date + 10, cooldown_until = current_date + 20
        where user_id = ${FOURTH}
      `;
    },
    rules: ["created"],
  },
  {
    what: "a certification that expires soon and that nobody decided on",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await expiresSoon(sql);
    },
    rules: ["created"],
  },
  {
    what: "a milestone that was reached and that nobody decided on",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await wasActive(sql, 1);
    },
    rules: ["created"],
  },
];

const LEFT_ALONE: Planted[] = [
  {
    what: "a mentor who paused",
    plant: ({ sql }) => joins(sql, "paused"),
  },
  {
    what: "a mentor who opted out",
    plant: async ({ sql }) =>
      sql`
        insert into public.notification_preferences (user_id, scenario_type, push_enabled)
        values (${await joins(sql)}, 'inactivity', false)
      `,
  },
  {
    what: "a mentor whose devices are put away",
    plant: async ({ sql }) =>
      sql`
        update public.device_tokens set disabled_at = now() where user_id = ${await joins(sql)}
      `,
  },
  {
    what: "a mentor who plans something",
    plant: async ({ sql }) =>
      sql`
        insert into public.activities (user_id, activity_date)
        values (${await joins(sql)}, current_date + 10)
      `,
  },
  {
    what: "a mentor of a paused organisation",
    plant: async ({ sql }) => {
      await joins(sql);
      await sql`
        update scheduler.organisation_settings set paused = true where organisation_id is null
      `;
    },
  },
  {
    what: "a scenario that is switched off",
    plant: async ({ sql }) => {
      await joins(sql);
      await sql`
        update scheduler.scenario_config set enabled = false where scenario_type = 'inactivity'
      `;
    },
  },
  {
    what: "a scenario that is switched off for one organisation",
    plant: async ({ sql }) => {
      await joins(sql);
      await sql`
        insert into scheduler.scenario_config (
          organisation_id, scenario_type, enabled, cooldown_days, priority, ttl_hours
        )
        values (md5('organisation')::uuid, 'inactivity', false, 30, 20, 72)
      `;
    },
  },
  {
    what: "a mentor whose window covers today",
    plant: ({ sql }) => wasYesterday(sql),
  },
  {
    what: "a mentor who was decided on today, and whose window is over",
    plant: ({ sql }) => windowIsOver(sql),
  },
  {
    what: "a mentor who has had every reminder",
    plant: async ({ sql }) => {
      await wasYesterday(sql);
      await windowIsOver(sql);
      await hasOneReminder(sql);
    },
  },
  {
    what: "a certification of a mentor who has had enough today",
    plant: ({ sql }) => expiresSoon(sql),
  },
  {
    what: "a certification of a mentor who has had enough in these seven days",
    plant: async ({ sql }) => {
      await caps(sql, 1, 1);
      await wasYesterday(sql);
      await expiresSoon(sql);
    },
  },
  {
    what: "a certification that has expired",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await expiresSoon(sql);
      await sql`update public.certifications set expires_on = current_date - 2`;
    },
  },
  {
    what: "a milestone that comes after a higher one",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await wasYesterday(sql);
      await wasActive(sql, 1);
      await sql`
        update scheduler.notifications set scenario_type = 'milestone', occurrence_key = 'milestone:10'
        where user_id = ${FOURTH}
      `;
      await sql`
        update scheduler.scenario_cooldowns
        set scenario_type = 'milestone', cooldown_until = cooldown_window_start
        where user_id = ${FOURTH}
      `;
    },
  },
  {
    what: "a certification that is revoked",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await expiresSoon(sql);
      await sql`update public.certifications set revoked_at = now()`;
    },
  },
  {
    what: "a certification whose holder was told",
    plant: async ({ sql }) => {
      await caps(sql, 2, 2);
      await wasYesterday(sql);
      await expiresSoon(sql);
      await sql`
        update scheduler.notifications
        set scenario_type = 'expiry', occurrence_key = 'expiry:' || current_date + 20 || ':30'
        where user_id = ${FOURTH}
      `;
      await sql`
        update scheduler.scenario_cooldowns
        set scenario_type = 'expiry', cooldown_until = cooldown_window_start
        where user_id = ${FOURTH}
      `;
      await wasActive(sql, 20); // no reminder of a silence is due, nor a milestone that is so old
    },
  },
];

beforeTheJudge();
testThatItSees(FORGOTTEN);
testThatItLetsBe(LEFT_ALONE);
