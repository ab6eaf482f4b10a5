-- next_moves: what a case may do next

CREATE FUNCTION govcase.next_moves(
	cases regclass, key "any",
	OUT state govcase.case_state, OUT risk govcase.risk_level,
	OUT move text, OUT ready boolean, OUT needs text[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_next_moves'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.next_moves(regclass, "any") IS
'each legal next state and risk of a case, by which move, and what it still needs';
