-- One case as an application handles it, from the telephone of a member to its end,
-- by the registry's functions.  It is rolled back, so that the figures above stay
-- those of the year.
SELECT account AS member, grid AS member_grid, region AS member_village, ST_AsEWKT(middle) AS seen_at,
	'centre-' || left(region, 9) AS township, 'inspector-' || left(region, 6) AS inspector,
	(SELECT id FROM department WHERE region = left(member.region, 9) || '000') AS station,
	'officer-' || left(region, 9) || '-1' AS officer
FROM member WHERE grid = :'busiest' ORDER BY account LIMIT 1 \gset
\echo
\echo 'One case from report to end, by the registry''s functions  一件纠纷的闭环'
\pset tuples_only on
\pset format unaligned
BEGIN;

-- A member reports what two neighbours quarrel about.  The telephone chose the id,
-- so that sending it twice enters it once.
SET LOCAL govcase.account = :'member';
SELECT format('   %s reports matter %s in grid %s', member, id, grid)
FROM report_matter(md5('the telephone chose this')::uuid, '0101', :'member_village', clock_timestamp(),
	'甲某与乙某为宅基地争吵', :'seen_at'::geometry);

-- The township's centre raises it to a dispute and offers that to its justice station.
SET LOCAL govcase.account = :'township';
SELECT raise_matter(md5('the telephone chose this')::uuid) AS raised \gset
SELECT offer_assignment(:raised, :station, true, current_date + 10, :'officer') AS offered \gset
SELECT format('   %s raises it to dispute %s and offers that to department %s', :'township', :raised, :station);

-- An officer accepts, mediates, and is done; then the case is fed back.
SET LOCAL govcase.account = :'officer';
SELECT accept_assignment(:offered) \g /dev/null
INSERT INTO follow_up (id, kind, note) VALUES (:raised, 'mediation', 'both sides came, and shook hands');
SELECT finish_assignment(:offered) \g /dev/null
UPDATE dispute SET state = 'fed_back' WHERE id = :raised;
INSERT INTO follow_up (id, kind, satisfied) VALUES (:raised, 'feedback', true);
UPDATE dispute SET risk = 'blue' WHERE id = :raised;
SELECT format('   %s accepts, mediates and feeds back', :'officer');

-- An inspector accepts the result, looks back, and closes.
SET LOCAL govcase.account = :'inspector';
UPDATE dispute SET state = 'assessed' WHERE id = :raised;
INSERT INTO follow_up (id, kind, satisfied) VALUES (:raised, 'look_back', true);
UPDATE dispute SET state = 'closed' WHERE id = :raised;
SELECT format('   %s assesses, looks back and closes', :'inspector');

\pset tuples_only off
\pset format aligned
\pset title 'Its chain  跟进链'
SELECT seq AS "seq", kind AS "kind", actor AS "actor", from_state AS "from", to_state AS "to", to_risk AS "risk", satisfied AS "satisfied"
FROM follow_up WHERE id = :raised ORDER BY seq;
\pset title
ROLLBACK;
