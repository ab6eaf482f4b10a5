--@ title the first bulk use of the grids by a session: time to build what it places by, memory kept and taken beside what is allowed
--@ unit session = SELECT 1
--@ rows 40000 10000
--@ base grids_filled
--@ cold
--@ bar kept / allowed <= 1
--@ bar kept_of_2MB / 2097152 <= 1
--@ say first - again
--@ say taken / allowed
--@ setup
CREATE FUNCTION peak() RETURNS bigint LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status', 0, 4000, true) FROM 'VmHWM:\s*(\d+)')::bigint * 1024
$$;
--@ run first
SELECT count(locate('grid', p)) FROM point;
--@ before again
SELECT count(locate('grid', p)) FROM point;
--@ run again
SELECT count(locate('grid', p)) FROM point;
--@ before first_of_2MB
SET govcase.placement_memory = '2MB';
--@ run first_of_2MB
SELECT count(locate('grid', p)) FROM point;
--@ before kept
SELECT count(locate('grid', p)) FROM point;
--@ size kept
SELECT coalesce(sum(bytes), 0) FROM placement_cache();
--@ before taken
SELECT count(ST_Covers(boundary, p)), peak() AS before FROM grid, (SELECT p FROM point LIMIT 1) p \gset
SELECT count(locate('grid', p)) FROM point;
--@ size taken
SELECT coalesce(peak() - :before, 0);
--@ before kept_of_2MB
SET govcase.placement_memory = '2MB';
SELECT count(locate('grid', p)) FROM point;
--@ size kept_of_2MB
SELECT coalesce(sum(bytes), 0) FROM placement_cache();
--@ before allowed
LOAD 'govcase';
--@ size allowed
SELECT pg_size_bytes(current_setting('govcase.placement_memory'));
