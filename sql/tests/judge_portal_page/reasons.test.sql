-- Which certifications of a page can be taken over, and why not the others.

begin;
select plan(56);
select tests.mentor() as mentor \gset

-- What is said of one: 'taken', or why not.
create function pg_temp.judged(item jsonb) returns text language sql as $$
  select coalesce(judged.rejected -> 0 ->> 'reason', case when jsonb_array_length(judged.accepted) = 1 then 'taken' end)
  from scheduler.judge_portal_page(jsonb_build_array(item)) as judged;
$$;
-- A certification that is right, but for this.
create function pg_temp.but(more jsonb, without text default '') returns jsonb language sql as $$
  select tests.portal_row('C1', (select id from public.peer_mentors)) - without || more;
$$;
create function pg_temp.is_judged(more jsonb, reason text, rule text, without text default '') returns text language sql as $$
  select is(pg_temp.judged(pg_temp.but(more, without)), reason, rule);
$$;

select pg_temp.is_judged('{}', 'taken', 'one that is right is taken over');
select pg_temp.is_judged('{"colour": "red", "notes": {"a": [1]}}', 'taken', 'more than is asked for does no harm');

-- Not an object.
select is(pg_temp.judged(said), 'no_object', said::text || ' is no certification')
from unnest(array['null', '1', '"C1"', 'true', '[]', '[{"external_id": "C1"}]']::jsonb[]) as said;

-- Its id.
select pg_temp.is_judged('{}', 'no_external_id', 'without an id it can''t be told from others', 'external_id');
select pg_temp.is_judged(jsonb_build_object('external_id', said), 'no_external_id', said::text || ' is no id')
from unnest(array['null', '""', '"  "', '12', 'true', '["C1"]', '{"id": "C1"}']::jsonb[]) as said;

-- Its member.
select pg_temp.is_judged('{}', 'no_member', 'without a member it is nobody''s', 'member_id');
select pg_temp.is_judged(jsonb_build_object('member_id', said), 'no_member', said::text || ' is no member')
from unnest(array['null', '""', '"  "', '12', 'false', '[]']::jsonb[]) as said;
select pg_temp.is_judged('{"member_id": "dddddddd-0000-4000-8000-000000000099"}', 'unknown_member', 'who is not on the roster is not known');
select pg_temp.is_judged('{"member_id": "no uuid"}', 'unknown_member', 'nor is somebody with another kind of id');
select pg_temp.is_judged(jsonb_build_object('member_id', ' ' || :'mentor' || ' '), 'taken', 'blanks around an id say nothing');
update public.peer_mentors set status = 'inactive';
select pg_temp.is_judged('{}', 'taken', 'who is on the roster is known, whatever her status');

-- Its name.
select pg_temp.is_judged('{}', 'no_name', 'without a name nobody knows whether it is required', 'name');
select pg_temp.is_judged(jsonb_build_object('name', said), 'no_name', said::text || ' is no name') from unnest(array['null', '""', '" "', '7']::jsonb[]) as said;

-- Its day.
select pg_temp.is_judged('{}', 'taken', 'without a day it is without limit', 'expires_on');
select pg_temp.is_judged('{"expires_on": null}', 'taken', 'as with null');
select pg_temp.is_judged('{"expires_on": "2027-05-01T00:00:00Z"}', 'taken', 'a moment is on a day');
select pg_temp.is_judged(jsonb_build_object('expires_on', said), 'malformed_date', said::text || ' is no day')
from unnest(array['""', '"never"', '"01.05.2027"', '"2027-02-30"', '20270501', 'true', '["2027-05-01"]', '"2027-05-01T00:00:00+25:00"']::jsonb[]) as said;

-- When it was changed.
select pg_temp.is_judged('{}', 'malformed_modified_on', 'without a time nobody knows which is the last word', 'modified_on');
select pg_temp.is_judged(jsonb_build_object('modified_on', said), 'malformed_modified_on', said::text || ' is no time')
from unnest(array['null', '""', '"yesterday"', '"2026-03-01"', '1772359200', '"2026-03-01T10:00:00+25:00"']::jsonb[]) as said;

-- Whether it is removed.
select pg_temp.is_judged('{}', 'taken', 'one of which nothing is said is there', 'removed');
select pg_temp.is_judged('{"removed": null}', 'taken', 'as with null');
select pg_temp.is_judged(jsonb_build_object('removed', said), 'malformed_removed', said::text || ' is neither yes nor no') from unnest(array['"true"', '1', '"Inactive"']::jsonb[]) as said;
select pg_temp.is_judged(
  '{"removed": true, "member_id": null, "name": null, "expires_on": "?"}', 'taken', 'one that is removed needs nothing but its id and time'
);

select * from finish();
rollback;
