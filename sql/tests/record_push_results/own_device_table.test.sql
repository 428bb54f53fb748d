-- A project whose device table is its own, and that did not say how a device is put away.

begin;
select plan(5);

select tests.waiting() as refused \gset
select tests.waiting() as taken \gset
alter table public.device_tokens rename column disabled_at to gone_since;
select tests.claimed();

select is(
  tests.recorded(tests.said(:refused, 'invalid_token'), tests.said(:taken, 'sent')), 'failed',
  'a device that can''t be put away does not keep a page from being recorded'
);
select is(tests.became(:taken), 'sent', 'what was sent stays recorded as sent');
select is(
  (select status from public.scheduler_status() where component = 'devices'), 'warn',
  'the status warns of a refused device that is still offered'
);
select matches(
  (select detail from public.scheduler_status() where component = 'devices'), 'scheduler\.device: 1\. .*scheduler\.disable_devices',
  'and says what to do'
);

create or replace function scheduler.disable_devices(tokens text[]) returns void
language sql set search_path = pg_catalog, pg_temp
as $$ update public.device_tokens as device set gone_since = now() where device.token = any (tokens) $$;
create or replace view scheduler.device as
select user_id, token, platform, provider from public.device_tokens where gone_since is null;
select tests.waiting() as another \gset
select tests.claimed();
select tests.recorded(tests.said(:another, 'invalid_token'));
select is(
  (select count(*) from public.device_tokens where gone_since is not null), 1::bigint,
  'a replaced disable_devices puts devices away in the project''s own table'
);

select * from finish();
rollback;
