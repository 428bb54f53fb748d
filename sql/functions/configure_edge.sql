create or replace function scheduler.configure_edge(url text default null, secret text default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  problem text;
  given record;
  existing uuid;
begin
  problem := coalesce(
    case when url is null and secret is null then 'neither a url nor a secret is given' end,
    case when url is not null then scheduler.edge_url_problem(url) end,
    case when secret is not null then scheduler.edge_secret_problem(secret) end
  );
  if problem is not null then
    raise exception '%', problem
      using
        errcode = 'invalid_parameter_value',
        hint = 'select scheduler.configure_edge(url => ''https://<project>.supabase.co/functions/v1/scenario-scheduler'', secret => ''…''); nothing was changed.';
  end if;
  if to_regclass('vault.secrets') is null then
    raise exception 'there is no Vault to keep the url and the secret in'
      using errcode = 'object_not_in_prerequisite_state', hint = 'Enable it: create extension supabase_vault;';
  end if;

  for given in
    select each.name, each.kept, each.description
    from (
      values
        ('scenario_scheduler_url', configure_edge.url, 'Where pg_net finds the function scenario-scheduler'),
        ('scenario_scheduler_secret', configure_edge.secret, 'Signs requests to the function scenario-scheduler')
    ) as each (name, kept, description)
    where each.kept is not null
  loop
    select present.id into existing from vault.secrets as present where present.name = given.name;
    if found then
      begin
        perform vault.update_secret(existing, given.kept);
        continue;
      exception
        -- It reads what it replaces, which can't be read any more when Vault has another key.
        when others then
          delete from vault.secrets as unreadable where unreadable.id = existing;
      end;
    end if;
    perform vault.create_secret(given.kept, given.name, given.description);
  end loop;
  return 'kept in Vault: ' || concat_ws(' and ', case when url is not null then 'the url' end, case when secret is not null then 'the secret' end);
end;
$$;

comment on function scheduler.configure_edge(text, text) is
  'Checks the url and the secret of the function and keeps them in Vault, the one, the other or both.';
