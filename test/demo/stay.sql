-- Every link of every chain is recomputed, and then how to go on from here.
SELECT count(*) AS links, count(DISTINCT id) AS chains FROM follow_up \gset
SELECT clock_timestamp() AS verify_started \gset
SELECT count(*) AS broken FROM verify_chain('dispute') \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'verify_started'::timestamptz)::numeric, 1) AS verify_seconds,
	round(extract(epoch FROM clock_timestamp() - :'demo_started'::timestamptz)::numeric, 1) AS demo_seconds \gset

-- A psql in this database begins where this script ends.
SELECT format('ALTER DATABASE %I SET %s', current_database(), setting)
FROM unnest(ARRAY['search_path = zhoukou, govcase, public', 'TimeZone = ''Asia/Shanghai''']) AS setting
\gexec

\echo 'verify_chain:' :links 'links of' :chains 'chains recomputed in' :verify_seconds' s,' :broken 'broken'
\echo 'load:' :load_seconds' s for the year;' :demo_seconds' s for everything'
\echo
\echo 'To stay in such a city: make demo-shell, and then for example'
\echo
\echo '   SELECT * FROM follow_up WHERE id = ':red' ORDER BY seq;'
\echo '   SELECT * FROM next_moves(''dispute'', ':red');'
\echo '   SELECT * FROM overdue_in_2021;'
\echo '   BEGIN; SET LOCAL govcase.account = ''':centre''';'
\echo '   INSERT INTO follow_up (id, kind, note) VALUES (':red', ''mediation'', ''both sides came'');'
\echo '   COMMIT;'
