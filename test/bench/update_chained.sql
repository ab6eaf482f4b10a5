--@ title an UPDATE of the state, checked, its link written and hashed
--@ unit row 20000 5000
--@ bar (govcase - bare) / (plpgsql - bare) <= 1/3
--@ say govcase / plpgsql
--@ base chains
--@ run govcase
BEGIN; UPDATE dispute SET state = 'assigned'; ROLLBACK;
--@ run plpgsql
BEGIN; UPDATE plain_dispute SET state = 20; ROLLBACK;
--@ run bare
BEGIN; UPDATE ready_dispute SET state = 'assigned'; ROLLBACK;
--@ undo
VACUUM dispute, follow_up;
\if :beside
VACUUM plain_dispute, ready_dispute, plain_link;
\endif
