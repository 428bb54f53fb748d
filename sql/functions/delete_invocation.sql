create or replace function public.delete_invocation(invocation_id uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  administered constant pg_catalog.uuid[] := scheduler.organisations_of_caller('admin');
  run scheduler.invocations := scheduler.visible_invocation(
    invocation_id => delete_invocation.invocation_id, organisations => scheduler.require_staff()
  );
begin
  if cardinality(administered) = 0 then
    raise exception 'only an admin deletes a run'
      using errcode = 'insufficient_privilege', hint = 'Ask an admin of the organisation.';
  end if;
  run := scheduler.own_invocation(invocation_id => run.id, organisations => administered);
  delete from scheduler.invocations as ended
  where ended.id = run.id and ended.status not in ('requested', 'running');
  if not found then
    -- Somebody may have deleted it just now.
    perform scheduler.visible_invocation(invocation_id => run.id, organisations => administered);
    raise exception 'the run % has not ended', run.id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Stop it, or wait for its end.';
  end if;
end;
$$;

comment on function public.delete_invocation(uuid) is
  'Deletes a run that has ended from the ledger, with its notes; what it decided and sent stays. For admins of all the organisations that it concerns.';
