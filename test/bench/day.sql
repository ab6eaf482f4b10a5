--@ title a day's work: register, assign, take up, follow up, feed back, read the board's rate; 8 clients
--@ unit case 40000 5000
--@ bar history / govcase >= 0.9
--@ bar none / govcase >= 0.75
--@ bar plpgsql / govcase >= 1.5
--@ setup
\i :here/day.psql
--@ pgbench govcase 8 8
\set region random(1, :rows / 200)
INSERT INTO dispute (title, risk, region) VALUES ('a bride price, two families', 'yellow', :region) RETURNING id \gset
UPDATE dispute SET state = 'assigned', responsible = 'officer-7' WHERE id = :id;
UPDATE dispute SET state = 'handling' WHERE id = :id;
INSERT INTO follow_up (id, kind, note) VALUES (:id, 'visit', 'both families came');
UPDATE dispute SET state = 'fed_back' WHERE id = :id;
SELECT resolution_rate(state) FROM dispute WHERE region = :region;
--@ pgbench plpgsql 8 8
\set region random(1, :rows / 200)
INSERT INTO plain_dispute (title, risk, region) VALUES ('a bride price, two families', 20, :region) RETURNING id \gset
UPDATE plain_dispute SET state = 20, responsible = 'officer-7' WHERE id = :id;
UPDATE plain_dispute SET state = 30 WHERE id = :id;
INSERT INTO plain_link (id, kind, note) VALUES (:id, 'visit', 'both families came');
UPDATE plain_dispute SET state = 50 WHERE id = :id;
SELECT count(*) FILTER (WHERE state IN (60, 70))::float8 / nullif(count(*) FILTER (WHERE state IN (60, 70, 80)), 0) FROM plain_dispute WHERE region = :region;
--@ pgbench history 8 8
\set region random(1, :rows / 200)
WITH d AS (INSERT INTO history_dispute (title, risk, region) VALUES ('a bride price, two families', 'yellow', :region) RETURNING id, state, risk) INSERT INTO history (id, kind, to_state, to_risk) SELECT id, 'registered', state, risk FROM d RETURNING id \gset
WITH d AS (UPDATE history_dispute SET state = 'assigned', responsible = 'officer-7' WHERE id = :id RETURNING id, state, risk) INSERT INTO history (id, kind, from_state, to_state, from_risk, to_risk) SELECT id, 'transition', 'collected', state, risk, risk FROM d;
WITH d AS (UPDATE history_dispute SET state = 'handling' WHERE id = :id RETURNING id, state, risk) INSERT INTO history (id, kind, from_state, to_state, from_risk, to_risk) SELECT id, 'transition', 'assigned', state, risk, risk FROM d;
INSERT INTO history (id, kind, note) VALUES (:id, 'visit', 'both families came');
WITH d AS (UPDATE history_dispute SET state = 'fed_back' WHERE id = :id RETURNING id, state, risk) INSERT INTO history (id, kind, from_state, to_state, from_risk, to_risk) SELECT id, 'transition', 'handling', state, risk, risk FROM d;
SELECT count(*) FILTER (WHERE state IN ('assessed', 'closed'))::float8 / nullif(count(*) FILTER (WHERE state IN ('assessed', 'closed', 'transferred')), 0) FROM history_dispute WHERE region = :region;
--@ pgbench none 8 8
\set region random(1, :rows / 200)
INSERT INTO none_dispute (title, risk, region) VALUES ('a bride price, two families', 'yellow', :region) RETURNING id \gset
UPDATE none_dispute SET state = 'assigned', responsible = 'officer-7' WHERE id = :id;
UPDATE none_dispute SET state = 'handling' WHERE id = :id;
UPDATE none_dispute SET reason = 'both families came' WHERE id = :id;
UPDATE none_dispute SET state = 'fed_back' WHERE id = :id;
SELECT count(*) FILTER (WHERE state IN ('assessed', 'closed'))::float8 / nullif(count(*) FILTER (WHERE state IN ('assessed', 'closed', 'transferred')), 0) FROM none_dispute WHERE region = :region;
