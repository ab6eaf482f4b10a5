--@ title follow-ups by 16 clients, each to another case
--@ unit transaction 20000 5000
--@ bar ready / govcase >= 0.85
--@ say plpgsql / govcase
--@ base chains
--@ setup
\if :beside
CREATE TABLE ready_link (LIKE follow_up INCLUDING ALL, FOREIGN KEY (id) REFERENCES ready_dispute);
INSERT INTO ready_link SELECT * FROM follow_up;
CREATE SEQUENCE ready_seq START 10;
VACUUM ANALYZE ready_link;
\endif
--@ pgbench govcase 16 25
\set id random(1, :rows)
INSERT INTO public.follow_up (id, kind) VALUES (:id, 'visit');
--@ pgbench ready 16 25
\set id random(1, :rows)
INSERT INTO public.ready_link SELECT id, nextval('public.ready_seq'), now(), now(), recorded_in, 'visit', actor, db_user, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, prev_hash, hash FROM public.ready_link WHERE id = :id AND seq = 1;
--@ pgbench plpgsql 16 25
\set id random(1, :rows)
INSERT INTO public.plain_link (id, kind) VALUES (:id, 'visit');
