--@ title a follow-up appended to its chain with a note
--@ unit link 50000 5000
--@ grow
--@ bar govcase / ready <= 1.5
--@ bar plpgsql / govcase >= 2
--@ setup
\i :here/chains.psql
-- The floor: the very rows, ready, into the same columns and the same index,
-- with a foreign key in place of our check.
CREATE TABLE ready_link (LIKE follow_up INCLUDING ALL, FOREIGN KEY (id) REFERENCES ready_dispute);
BEGIN;
INSERT INTO follow_up (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM dispute;
CREATE TABLE ready AS SELECT * FROM follow_up WHERE kind = 'visit' ORDER BY id;
CREATE TABLE wanted AS SELECT id FROM ready ORDER BY id;
INSERT INTO ready_link SELECT * FROM follow_up WHERE kind <> 'visit' ORDER BY id, seq;
COMMIT;
VACUUM ANALYZE ready, wanted, ready_link;
--@ run govcase
BEGIN; INSERT INTO follow_up (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM wanted; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_link (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM wanted; ROLLBACK;
--@ run ready
BEGIN; INSERT INTO ready_link SELECT * FROM ready; ROLLBACK;
--@ undo
VACUUM dispute, plain_dispute, follow_up, plain_link, ready_dispute, ready_link;
