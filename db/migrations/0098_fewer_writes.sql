-- judge_pages() tells new rows from changed ones, so that save_page() does not look for them again.
drop function if exists app_private.save_page(app_private.judged_page);
drop function if exists app_private.judge_pages(json, app_private.incoming_transaction[]);
alter type app_private.judged_page rename attribute rows to new_rows;
alter type app_private.judged_page drop attribute fresh, drop attribute changed;
alter type app_private.judged_page add attribute changed_rows app_private.incoming_transaction[], add attribute known_ids text[];

-- lock_runs() takes its place: a run is closed by the update that says when its account is due again.
drop function if exists app_private.close_runs(json);
