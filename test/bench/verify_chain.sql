--@ title verify_chain, chains of ten links
--@ unit link = SELECT count(*) FROM follow_up
--@ rows 10000 2000
--@ grow 1000 10000 100000 1000000
--@ bar window_sql / govcase >= 3
--@ say govcase / sha256
--@ base chains
--@ setup
-- Rows are chains.
SET max_parallel_workers_per_gather = 0;
INSERT INTO follow_up (id, kind) SELECT id, 'visit' FROM generate_series(1, 9) AS n, dispute ORDER BY n, id;
VACUUM ANALYZE follow_up, dispute;
\if :beside
INSERT INTO plain_link (id, kind) SELECT id, 'visit' FROM generate_series(1, 9) AS n, ready_dispute ORDER BY n, id;
-- As many bytes as are hashed, to be hashed alone.
CREATE TABLE hashed AS SELECT e.bytes FROM (SELECT convert_to(rpad('', 330, 'x'), 'UTF8') AS bytes) e, follow_up;
VACUUM ANALYZE plain_link, hashed, plain_dispute;
\endif
--@ run govcase
SELECT count(*) FROM verify_chain('dispute');
--@ run window_sql
SELECT count(*) FROM (
	SELECT l.seq <> row_number() OVER w
			OR l.prev_hash <> coalesce(lag(l.hash) OVER w, sha256(int8send(l.id)))
			OR l.hash <> sha256(link_bytes(l)) AS is_broken
	FROM plain_link l WINDOW w AS (PARTITION BY l.id ORDER BY l.seq)) s WHERE s.is_broken;
--@ run sha256
SELECT count(sha256(bytes)) FROM hashed;
