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
$script$);
