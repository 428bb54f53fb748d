begin;
select plan(43);

select tests.waiting() as notification \gset
select tests.claimed();
select tests.said(:notification, 'sent', 'a-secret-token') as good \gset

-- What an error says, with all that a log would show of it.
create function pg_temp.said_of(results jsonb) returns text language plpgsql as $$
declare
  code text; message text; detail text; hint text; context text;
begin
  perform public.record_push_results(results => results);
  return 'no error';
exception
  when others then
    get stacked diagnostics
      code = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, context = pg_exception_context;
    return concat_ws(' | ', code, message, detail, hint, context);
end;
$$;
create temporary table bad (what text, results jsonb) on commit drop;
insert into bad
select what, jsonb_build_array(:'good'::jsonb || wrong)
from (
  values
    ('an unknown outcome', '{"outcome": "delivered"}'::jsonb),
    ('an outcome of null', '{"outcome": null}'),
    ('no notification', '{"notification_id": null}'),
    ('no lease', '{"lease_token": null}'),
    ('an empty outcome', '{"outcome": ""}'),
    ('no lease, where retry_after_seconds is given', '{"lease_token": null, "retry_after_seconds": 5}')
) as change (what, wrong)
union all
select 'a bad result behind a good one', jsonb_build_array(:'good'::jsonb, :'good'::jsonb - 'outcome');

select alike(pg_temp.said_of(results), '22023 | a result can''t be recorded: {%', 'refused, and the result named: ' || what) from bad;
select alike(pg_temp.said_of(results), '%invalid_token or held%', 'the hint says what is expected: ' || what) from bad;
select unalike(pg_temp.said_of(results), '%secret%', 'the error doesn''t show the token: ' || what) from bad;
select alike(pg_temp.said_of('[{"notification_id": 7, "outcome": "sent"}]'), '22023 | %"notification_id": 7%', 'a result without a token is refused');
select alike(
  pg_temp.said_of(jsonb_build_array(:'good'::jsonb || '{"token": ""}')), '22023 | %', 'a result with an empty token is refused'
);

-- Values that are no such thing.
create temporary table odd (what text, results jsonb) on commit drop;
insert into odd
select what, jsonb_build_array(:'good'::jsonb || wrong)
from (
  values
    ('a notification_id that is no number', '{"notification_id": "first"}'::jsonb),
    ('a lease_token that is no uuid', '{"lease_token": "mine"}'),
    ('a retry_after_seconds that is no number', '{"retry_after_seconds": "soon"}')
) as change (what, wrong)
union all
values ('a result that is no object', '["a-secret-token"]'::jsonb), ('a list in a list', '[["a-secret-token"]]');
select alike(pg_temp.said_of(results), '22%', 'refused: ' || what) from odd;
select unalike(pg_temp.said_of(results), '%secret%', 'the error doesn''t show the token: ' || what) from odd;

-- Not a list.
select alike(pg_temp.said_of(:'good'), '22023 | results must be a list, not object |%Give [%', 'a single result is refused, and the hint shows a list');
select unalike(pg_temp.said_of(:'good'), '%secret%', 'the error doesn''t show the token: a single result');
select alike(pg_temp.said_of(null), '22023 | results must be a list, not null%', 'null is refused');
select alike(pg_temp.said_of('null'), '22023 | results must be a list, not null%', 'a JSON null is refused');
select alike(pg_temp.said_of('"a-secret-token"'), '22023 | results must be a list, not string%', 'a string is refused');
select unalike(pg_temp.said_of('"a-secret-token"'), '%secret%', 'the error doesn''t show the token: a string');

select is(tests.became(:notification), 'sending', 'a refused page changes nothing');
select is_empty('select * from scheduler.push_attempts', 'not even what is good in it');
select is((select count(*) from public.device_tokens where disabled_at is not null), 0::bigint, 'and no device is put away');
select is(pg_temp.said_of(jsonb_build_array(:'good'::jsonb || '{"colour": "blue"}')), 'no error', 'a field that means nothing is passed over');

select * from finish();
rollback;
