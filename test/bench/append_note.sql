--@ title a follow-up appended to its chain with a note
--@ unit link 20000 5000
--@ bar govcase / ready <= 1.5
--@ bar plpgsql / govcase >= 2
--@ base chains
--@ setup
CREATE TABLE wanted AS SELECT id FROM dispute ORDER BY id;
VACUUM ANALYZE wanted;
\if :beside
-- The floor: the very rows, ready, into the same columns and the same index,
-- with a foreign key in place of our check.
CREATE TABLE ready_link (LIKE follow_up INCLUDING ALL, FOREIGN KEY (id) REFERENCES ready_dispute);
BEGIN;
INSERT INTO follow_up (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM wanted;
CREATE TABLE ready AS SELECT * FROM follow_up WHERE kind = 'visit' ORDER BY id;
INSERT INTO ready_link SELECT * FROM follow_up WHERE kind <> 'visit' ORDER BY id, seq;
COMMIT;
VACUUM ANALYZE ready, ready_link;
\endif
--@ run govcase
BEGIN; INSERT INTO follow_up (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM wanted; ROLLBACK;
--@ run plpgsql
BEGIN; INSERT INTO plain_link (id, kind, note) SELECT id, 'visit', 'both families came, and the village head' FROM wanted; ROLLBACK;
--@ run ready
BEGIN; INSERT INTO ready_link SELECT * FROM ready; ROLLBACK;
--@ undo
VACUUM dispute, follow_up;
\if :beside
VACUUM plain_dispute, plain_link, ready_dispute, ready_link;
\endif
