-- failure_policy() answers one column more, and a function cannot be replaced by one that answers others.
drop function if exists app_private.failure_policy(app_public.failure_kind);
