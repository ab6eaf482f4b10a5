\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
RESET client_min_messages;
\set QUIET off
\set ECHO all
\set SHOW_CONTEXT never
-- A table of somebody else's, with text states and no idea of us: a hundred service
-- requests of Boston, taken as they are. GOVCASE_DATA says where boston_311.csv lies;
-- by default it is in ../shared/data.
\set present `test -r "${GOVCASE_DATA:-../shared/data}/boston_311.csv" && echo true || echo false`
\if :present
\else
\echo skipped: boston_311.csv is not there
\quit
\endif

CREATE SCHEMA boston;
SET search_path = boston, govcase, public;
CREATE TABLE request (
	case_enquiry_id bigint, open_dt timestamp, target_dt timestamp, closed_dt timestamp, ontime text,
	case_status text DEFAULT 'Open', closure_reason text, case_title text, subject text, reason text, type text,
	queue text, department text, submittedphoto text, closedphoto text, location text, fire_district text,
	pwd_district text, city_council_district text, police_district text, neighborhood text,
	neighborhood_services_district text, ward text, precinct text, location_street_name text,
	location_zipcode text, latitude float8, longitude float8, source text
);
\copy request FROM PROGRAM 'cat "${GOVCASE_DATA:-../shared/data}/boston_311.csv"' WITH (FORMAT csv, HEADER)
SELECT case_status, ontime, count(*) FROM request GROUP BY 1, 2 ORDER BY 1, 2;

-- What it lacks is said one by one, with what to do.
SELECT protect_cases('request', 'three_colour');
ALTER TABLE request ADD PRIMARY KEY (case_enquiry_id);
SELECT protect_cases('request', 'three_colour', columns => '{"state": "case_status"}');
SELECT map_column('request', 'case_status', 'case_state', '{"Open": "handling"}');
SELECT map_column('request', 'case_status', 'case_state', '{"Open": "handling", "Closed": "closed"}');
SELECT map_column('request', 'ontime', 'risk_level', '{"ONTIME": "yellow", "OVERDUE": "red"}');
SELECT protect_cases('request', 'three_colour', columns => '{"state": "case_status", "risk": "ontime",
	"responsible": "queue", "leader": "department", "reported_at": "open_dt", "reason": "closure_reason"}');
ALTER TABLE request ADD difficult boolean, ADD open_work integer;
SELECT protect_cases('request', 'three_colour', columns => '{"state": "case_status", "risk": "ontime",
	"responsible": "queue", "leader": "department", "reported_at": "open_dt", "reason": "closure_reason"}');
ALTER TABLE request ALTER case_status SET NOT NULL, ALTER ontime SET NOT NULL;
SELECT create_follow_ups('request', 'request_follow_up');
SELECT protect_cases('request', 'three_colour', 'request_follow_up', columns => '{"state": "case_status", "risk": "ontime",
	"responsible": "queue", "leader": "department", "reported_at": "open_dt", "reason": "closure_reason"}');

-- Closed and not blue is where no case can be today; Boston's past is accepted as it was.
SELECT protect_cases('request', 'three_colour', 'request_follow_up', columns => '{"state": "case_status", "risk": "ontime",
	"responsible": "queue", "leader": "department", "reported_at": "open_dt", "reason": "closure_reason"}',
	accept_existing => true);
SELECT kind, to_state, to_risk, note, count(*) FROM request_follow_up GROUP BY 1, 2, 3, 4 ORDER BY 2, 3;
SELECT percent(resolution_rate(case_status), 1) AS rate, pending(resolution_summary(case_status)) FROM request;

-- From now on it works by the rules: an overdue request on its way to the end.
SELECT case_enquiry_id AS overdue FROM request WHERE case_status = 'handling' AND ontime = 'red'
ORDER BY open_dt, case_enquiry_id LIMIT 1 \gset
SET govcase.actor = 'inspector';
UPDATE request SET case_status = 'closed' WHERE case_enquiry_id = :overdue;
UPDATE request SET ontime = 'blue' WHERE case_enquiry_id = :overdue;
UPDATE request SET ontime = 'yellow' WHERE case_enquiry_id = :overdue;
INSERT INTO request_follow_up (case_enquiry_id, kind, note) VALUES (:overdue, 'mediation', 'spoke with the neighbours');
UPDATE request SET ontime = 'yellow' WHERE case_enquiry_id = :overdue;
UPDATE request SET case_status = 'fed_back' WHERE case_enquiry_id = :overdue;
INSERT INTO request_follow_up (case_enquiry_id, kind, satisfied) VALUES (:overdue, 'feedback', true);
UPDATE request SET ontime = 'blue' WHERE case_enquiry_id = :overdue;
UPDATE request SET case_status = 'assessed' WHERE case_enquiry_id = :overdue;
UPDATE request SET case_status = 'closed' WHERE case_enquiry_id = :overdue;
INSERT INTO request_follow_up (case_enquiry_id, kind, satisfied) VALUES (:overdue, 'look_back', true);
UPDATE request SET case_status = 'closed', closed_dt = open_dt WHERE case_enquiry_id = :overdue;
SELECT seq, kind, from_state, to_state, to_risk, actor = 'inspector' AS by_inspector FROM request_follow_up WHERE case_enquiry_id = :overdue ORDER BY seq;
SELECT case_status, ontime, count(*) FROM request GROUP BY 1, 2 ORDER BY 1, 2;
-- A new one begins where cases begin, not where the column's old default put it.
INSERT INTO request (case_enquiry_id, open_dt, ontime) VALUES (1, '2022-02-01', 'yellow');
INSERT INTO request (case_enquiry_id, open_dt, ontime, case_status) VALUES (1, '2022-02-01', 'yellow', 'collected');
SELECT count(*) AS broken FROM verify_chain('request');

\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA boston CASCADE;
