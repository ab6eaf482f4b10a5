--@ title a follow-up to a chain of 10,000 links, against one to a chain of one
--@ unit link 2000 500
--@ bar govcase_long / govcase_short <= 1.1
--@ setup
\i :here/chains.psql
BEGIN;
INSERT INTO follow_up (id, kind) SELECT 1, 'visit' FROM generate_series(1, 10000);
COMMIT;
VACUUM ANALYZE follow_up;
--@ run govcase_long
BEGIN; INSERT INTO follow_up (id, kind) SELECT 1, 'visit' FROM generate_series(1, :rows); ROLLBACK;
--@ run govcase_short
BEGIN; INSERT INTO follow_up (id, kind) SELECT 2, 'visit' FROM generate_series(1, :rows); ROLLBACK;
--@ undo
VACUUM follow_up, dispute;
