create or replace function scheduler.compile_template(template text, placeholders text[])
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  compiled text := replace(template, '%', '%%');
begin
  for position in 1 .. cardinality(placeholders) loop
    compiled := replace(compiled, '{{' || placeholders[position] || '}}', '%' || position || '$s');
  end loop;
  return compiled;
end;
$$;

comment on function scheduler.compile_template(text, text[]) is
  'A template as a format string, with the n-th placeholder as %n$s: one format() then renders a row.';
