-- A round for everything: what it does not name is gone, unless that can't be believed.

begin;
select plan(38);
select tests.mentor() as mentor \gset
-- So many certifications of the portal, all named on one page but these.
create function pg_temp.named(many integer, but text[] default '{}', started integer default 1) returns jsonb language sql as $$
  select coalesce(jsonb_agg(tests.portal_row('C' || n, (select mentor.id from public.peer_mentors as mentor)) order by n), '[]')
  from generate_series(started, many) as n where 'C' || n <> all (but);
$$;
create function pg_temp.revoked() returns text language sql as $$
  select string_agg(external_id, ', ' order by external_id) from public.certifications where revoked_at is not null;
$$;
create function pg_temp.figures(of scheduler.portal_page_result) returns text language sql as $$ select format('%s applied, %s revoked', of.applied, of.revoked) $$;

select is(pg_temp.figures(tests.page(pg_temp.named(20))), '20 applied, 0 revoked', 'a portal has twenty');

-- For what changed.
select is(pg_temp.figures(tests.page(pg_temp.named(1))), '0 applied, 0 revoked', 'a round for what changed that names one');
select is(pg_temp.revoked(), null, 'has no word on the others');

-- For everything.
select tests.week_passed();
select is(pg_temp.figures(tests.page(pg_temp.named(20, '{C3,C7}'))), '0 applied, 2 revoked', 'a round for everything that misses two has them revoked');
select is(pg_temp.revoked(), 'C3, C7', 'these');
select is((select revoked_at from public.certifications where external_id = 'C3'), now(), 'from now on');
select is((select string_agg(external_id, ', ' order by external_id) from scheduler.portal_certifications where removed), 'C3, C7', 'and notes that they are gone');
select is((select count(*) from public.certifications), 20::bigint, 'none is deleted');
select tests.week_passed();
update public.certifications set revoked_at = '2026-01-01' where revoked_at is not null;
select is(pg_temp.figures(tests.page(pg_temp.named(20, '{C3,C7}'))), '0 applied, 0 revoked', 'once');
select is((select revoked_at from public.certifications where external_id = 'C3'), '2026-01-01', 'since they were');
select is(pg_temp.figures(tests.page(jsonb_build_array(tests.portal_row('C3', :'mentor')))), '1 applied, 0 revoked', 'one that comes back');
select is(pg_temp.revoked(), 'C7', 'is revoked no more');

-- Over several pages, and cut short.
select tests.week_passed();
select tests.page(pg_temp.named(10, '{C7}'), next_cursor => 'two');
select is(pg_temp.revoked(), 'C7', 'on the way nothing is revoked');
select is((select round_cursor from scheduler.portal_syncs), 'two', 'a round that is cut short goes on');
select is(pg_temp.figures(tests.page(pg_temp.named(20, '{C7,C12}', 11))), '0 applied, 1 revoked', 'at the end what no page named is');
select is(pg_temp.revoked(), 'C12, C7', 'and what an earlier page named is not');

-- What is named and can't be read is not gone.
select tests.week_passed();
select is(
  pg_temp.figures(tests.page(pg_temp.named(20, '{C1,C2,C7,C12}') || jsonb_build_array(tests.portal_row('C1', :'mentor', 'never'), tests.portal_row('C2', gen_random_uuid())))),
  '0 applied, 0 revoked', 'one that is named and can''t be read is not gone'
);
select is(pg_temp.revoked(), 'C12, C7', 'it stays as it was');
select tests.week_passed();
select tests.page(jsonb_build_array(tests.portal_row('C1', :'mentor', 'never')), next_cursor => 'two');
select is(pg_temp.figures(tests.page(pg_temp.named(20, '{C1,C7,C12}'))), '0 applied, 0 revoked', 'whichever page names it');

-- What can't be believed: more than ten, and more than a fifth.
select tests.week_passed();
select public.begin_portal_sync(source => 'hlf');
select throws_ok($$ select tests.page(pg_temp.named(8, '{C7}')) $$, '22000',
  'the portal named 7 of the 18 certifications that it is known to have: that is not believed, and nothing is revoked', 'a round that misses eleven of eighteen is not believed');
select is(pg_temp.revoked(), 'C12, C7', 'and nothing is revoked');
select ok((select round_started_at is not null and round_is_full from scheduler.portal_syncs), 'the round is not over');
select matches(tests.hint_of($$ select tests.page(pg_temp.named(8, '{C7}')) $$), 'most_losses in scheduler\.portal_syncs', 'the hint says what to do if it is right');
select throws_ok($$ select tests.page('[]') $$, '22000', null, 'one that names nothing is not believed either');
select is(pg_temp.figures(tests.page(pg_temp.named(9, '{C7}'))), '0 applied, 10 revoked', 'up to ten are believed, whatever their share');
update public.certifications set revoked_at = null;
update scheduler.portal_certifications set removed = false;

-- A fifth of many.
select tests.week_passed();
select is(pg_temp.figures(tests.page(pg_temp.named(100))), '80 applied, 0 revoked', 'of a hundred');
select tests.week_passed();
select throws_like('select tests.page(pg_temp.named(79))', '%named 79 of the 100%', 'a round that misses more than a fifth is not believed');
update scheduler.portal_syncs set most_losses = 0.21;
select is(pg_temp.figures(tests.page(pg_temp.named(79))), '0 applied, 21 revoked', 'unless an operator allows it');
update scheduler.portal_syncs set most_losses = 0.2;
select tests.week_passed();
select is(pg_temp.figures(tests.page(pg_temp.named(64))), '0 applied, 15 revoked', 'a fifth at most is, more than ten or not');
select throws_ok('update scheduler.portal_syncs set most_losses = 1.1', '23514', null, 'a share is a share');

-- However little there was, nothing at all is no answer.
delete from scheduler.portal_certifications where external_id <> 'C1';
select tests.week_passed();
select throws_like($$ select tests.page('[]') $$, '%named 0 of the 1%', 'a round that names nothing is not believed of a single one either');
select is((select count(*) from public.certifications where external_id = 'C1' and revoked_at is null), 1::bigint, 'which stands');
update scheduler.portal_syncs set most_losses = 1;
select is(pg_temp.figures(tests.page('[]')), '0 applied, 1 revoked', 'unless an operator allows that all are gone');
update scheduler.portal_syncs set most_losses = 0.2;
delete from scheduler.portal_certifications;
select tests.week_passed();
select tests.page(pg_temp.named(64));

-- A page with other news is undone with it.
select tests.week_passed();
select throws_ok($$ select tests.page(jsonb_build_array(tests.portal_row('C200', (select id from public.peer_mentors)))) $$, '22000', null, 'what is not believed');
select is(tests.held('C200'), null, 'brings nothing new either');

-- Other portals'.
select is((select count(*) from scheduler.portal_certifications where source <> 'hlf'), 0::bigint, 'of another portal none');
insert into scheduler.portal_certifications (source, external_id, user_id, modified_on, seen_in_round)
select 'another', 'A' || n, :'mentor', '2026-01-01', '2026-01-01' from generate_series(1, 30) as n;
select tests.week_passed();
select lives_ok('select tests.page(pg_temp.named(64))', 'is missed');
select is((select count(*) from scheduler.portal_certifications where source = 'another' and removed), 0::bigint, 'or taken for gone');

select * from finish();
rollback;
