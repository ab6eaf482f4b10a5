-- registry_notices: what accounts are told

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('notices', 22, NULL, $script$
/*
 * NOTIFY carries the number alone: whoever listens reads the row, where policies
 * let them.  It serialises commits, so that only what cannot wait sends it.
 */
CREATE OR REPLACE FUNCTION send_notice(account text, kind text, dispute bigint DEFAULT NULL,
	matter uuid DEFAULT NULL, deadline bigint DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	number bigint;
BEGIN
	INSERT INTO notice (account, kind, dispute, matter, deadline)
	VALUES (send_notice.account, send_notice.kind, send_notice.dispute, send_notice.matter, send_notice.deadline)
	RETURNING id INTO number;
	IF kind IN ('assignment', 'escalation', 'due') THEN
		PERFORM pg_notify(current_schema(), number::text);
	END IF;
END
$$;
COMMENT ON FUNCTION send_notice(text, text, bigint, uuid, bigint) IS
'writes a notice to an account; those of assignment, escalation and due also NOTIFY on the channel that bears the registry''s name, with the number alone';

CREATE OR REPLACE FUNCTION read_notices(ids bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	acting CONSTANT text := current_account();
	marked bigint;
BEGIN
	IF acting IS NULL THEN
		RAISE insufficient_privilege USING
			MESSAGE = 'no account acts, and only its own notices are read';
	END IF;
	-- Those of others are passed over as those that do not exist are.
	WITH mine AS (
		SELECT n.id FROM notice n
		WHERE n.id = ANY (ids) AND n.account = acting AND n.read_at IS NULL
		ORDER BY n.id FOR NO KEY UPDATE
	)
	UPDATE notice n SET read_at = clock_timestamp() FROM mine WHERE n.id = mine.id;
	GET DIAGNOSTICS marked = ROW_COUNT;
	RETURN marked;
END
$$;
COMMENT ON FUNCTION read_notices(bigint[]) IS
'marks notices of the acting account as read now, and returns how many were not before';

CREATE OR REPLACE FUNCTION forget_read_notices(after interval DEFAULT '90 days') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path FROM CURRENT
AS $$
DECLARE
	forgotten bigint;
BEGIN
	IF after IS NULL OR after < interval '0' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'notices are forgotten some time after they were read',
			DETAIL = format('It was to be %s.', coalesce(after::text, 'null'));
	END IF;
	DELETE FROM notice n WHERE n.read_at < now() - after;
	GET DIAGNOSTICS forgotten = ROW_COUNT;
	RETURN forgotten;
END
$$;
COMMENT ON FUNCTION forget_read_notices(interval) IS
'to be called every day: deletes notices that were read long ago, and returns how many; unread ones stay';
$script$),

('notice views', 55, NULL, $script$
CREATE OR REPLACE VIEW my_notices @row_view@ AS
SELECT n.id, n.kind, n.dispute, n.matter, n.deadline, n.at
FROM notice n
WHERE n.account = (SELECT current_account()) AND n.read_at IS NULL;
COMMENT ON VIEW my_notices IS 'notices that the acting account has not read';
COMMENT ON COLUMN my_notices.id IS 'number, for read_notices(); ids commit out of order, and say nothing of which are new';
COMMENT ON COLUMN my_notices.kind IS 'what it is about';
COMMENT ON COLUMN my_notices.dispute IS 'dispute that it is about';
COMMENT ON COLUMN my_notices.matter IS 'matter that it is about';
COMMENT ON COLUMN my_notices.deadline IS 'term that it is about';
COMMENT ON COLUMN my_notices.at IS 'when it was written';
$script$);

INSERT INTO govcase.registry_grant (duties, privilege, target) VALUES
	('{member,officer,centre,leader,inspector,importer,admin}', 'SELECT', 'my_notices'),
	('{member,officer,centre,leader,inspector,importer,admin}', 'EXECUTE', 'FUNCTION read_notices(bigint[])');
