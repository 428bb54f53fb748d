create or replace function scheduler.keep_rejects(source text, accepted jsonb, rejects jsonb, invocation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  delete from scheduler.certification_rejects as mended
  where mended.source = keep_rejects.source
    and mended.external_id in (select item.external_id from jsonb_to_recordset(accepted) as item (external_id text))
    and not exists (
      select from jsonb_to_recordset(rejects) as reject (external_id text, reason text)
      where reject.external_id = mended.external_id and reject.reason = mended.reason
    );
  insert into scheduler.certification_rejects as rejected (source, external_id, reason, invocation_id)
  select distinct keep_rejects.source, reject.external_id, reject.reason, keep_rejects.invocation_id
  from jsonb_to_recordset(rejects) as reject (external_id text, reason text)
  order by 2, 3
  on conflict on constraint certification_rejects_pkey do update set
    last_seen_at = now(),
    times = rejected.times + 1,
    invocation_id = excluded.invocation_id;
end;
$$;

comment on function scheduler.keep_rejects(text, jsonb, jsonb, uuid) is
  'Keeps what of a portal''s page could not be taken over, with the reason, and forgets what could be now.';
