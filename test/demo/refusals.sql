-- What the rules refuse, as whoever tries it sees it.
SELECT min(id) FILTER (WHERE state = 'handling' AND risk = 'red' AND NOT EXISTS (
		SELECT FROM follow_up WHERE follow_up.id = dispute.id AND kind = 'mediation')) AS red,
	min(id) FILTER (WHERE state = 'fed_back' AND risk = 'yellow' AND NOT EXISTS (
		SELECT FROM follow_up WHERE follow_up.id = dispute.id AND kind = 'feedback')) AS unheard
FROM dispute \gset
SELECT 'centre-' || left(region, 6) AS centre FROM dispute WHERE id = :red \gset
SET govcase.account = :'centre';

\set ON_ERROR_STOP off
\echo
\echo 'An illegal move  红色不能直接降蓝'
\echo
\echo '   SET govcase.account = ''':centre''';'
\echo '   UPDATE dispute SET risk = ''blue'' WHERE id = ':red';'
UPDATE dispute SET risk = 'blue' WHERE id = :red;
\echo '   SQLSTATE' :SQLSTATE
\echo
\echo 'A legal move that lacks something  没有反馈不能降蓝'
\echo
\echo '   UPDATE dispute SET risk = ''blue'' WHERE id = ':unheard';'
UPDATE dispute SET risk = 'blue' WHERE id = :unheard;
\echo '   SQLSTATE' :SQLSTATE
\echo
\echo 'A boundary that overlaps its neighbour  网格边界不能重叠'
\echo
\echo '   UPDATE grid SET boundary = ST_Translate(boundary, 0.0005, 0) WHERE code = ''':busiest''';'
UPDATE grid SET boundary = ST_Translate(boundary, 0.0005, 0) WHERE code = :'busiest';
\echo '   SQLSTATE' :SQLSTATE
\set ON_ERROR_STOP on

\echo
\pset title 'The same as rows, for an application''s buttons: next_moves'
SELECT state AS "state", risk AS "risk", ready AS "ready", array_to_string(needs, E'\n') AS "still needs"
FROM next_moves('dispute', :red);
\pset title
