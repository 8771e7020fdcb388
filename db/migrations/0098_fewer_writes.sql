-- judge_pages() tells new rows from changed ones, so that save_page() does not look for them again.
alter type app_private.judged_page rename attribute rows to new_rows;
alter type app_private.judged_page drop attribute fresh, drop attribute changed;
alter type app_private.judged_page add attribute changed_rows app_private.incoming_transaction[], add attribute known_ids text[];
