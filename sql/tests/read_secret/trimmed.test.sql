begin;
select plan(6);

select is(scheduler.read_secret('scenario_scheduler_secret'), null, 'a secret that is not there is null');
select vault.create_secret(tests.secret() || E'\r\n', 'scenario_scheduler_secret');
select is(scheduler.read_secret('scenario_scheduler_secret'), tests.secret(), 'an end of line, as files have, is no part of a secret');
select vault.create_secret(E' https://example.no/a\t', 'scenario_scheduler_url');
select is(scheduler.read_secret('scenario_scheduler_url'), 'https://example.no/a', 'nor are blanks around a url');
select is(tests.run_became(tests.asked()), 'requested', 'so it can be asked');
select is(scheduler.read_secret(null), null, 'without a name there is none');
select tests.without('vault');
select is(scheduler.read_secret('scenario_scheduler_secret'), null, 'without Vault neither');

select * from finish();
rollback;
