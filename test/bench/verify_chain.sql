--@ title verify_chain, chains of ten links
--@ unit link = SELECT count(*) FROM follow_up
--@ rows 20000 2000
--@ grow
--@ bar window_sql / govcase >= 3
--@ say govcase / sha256
--@ setup
\i :here/chains.psql
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM generate_series(1, 9) n, LATERAL (SELECT n) x \g /dev/null
INSERT INTO follow_up (id, kind) SELECT id, 'visit' FROM generate_series(1, 9) AS n, ready_dispute ORDER BY n, id;
INSERT INTO plain_link (id, kind) SELECT id, 'visit' FROM generate_series(1, 9) AS n, ready_dispute ORDER BY n, id;
-- As many bytes as are hashed, to be hashed alone.
CREATE TABLE hashed AS SELECT e.bytes FROM (SELECT convert_to(rpad('', 330, 'x'), 'UTF8') AS bytes) e, follow_up;
VACUUM ANALYZE follow_up, plain_link, hashed, dispute, plain_dispute;
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
