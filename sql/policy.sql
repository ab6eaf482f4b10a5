-- policy: rules as rows (design section 4).  The working copy enforces nothing;
-- what activate_policy() has written to policy_version is what triggers obey.

-- What several checks and the document below need ---------------------------

CREATE FUNCTION govcase.is_plain_list(list anyarray)
RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT pg_catalog.cardinality(list) OPERATOR(pg_catalog.>) 0
		AND pg_catalog.array_ndims(list) OPERATOR(pg_catalog.=) 1
		AND pg_catalog.array_position(list, NULL) IS NULL
$$;
COMMENT ON FUNCTION govcase.is_plain_list(anyarray) IS
'has the array one dimension, at least one element and no null?';

CREATE FUNCTION govcase.sorted_list(list anyarray)
RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT jsonb_agg(l.element ORDER BY l.element)
	FROM (SELECT DISTINCT u.element FROM unnest(list) u (element)) l
$$;
COMMENT ON FUNCTION govcase.sorted_list(anyarray) IS
'elements of the array, each once and in order, as a jsonb array';

-- The working copy ----------------------------------------------------------
--
-- No foreign keys: pg_restore --jobs loads these tables in any order, with their
-- constraints already there.  Activation refuses what does not fit together, and
-- triggers let the rows of a policy follow it when it is renamed or deleted.

CREATE TABLE govcase.policy (
	policy text NOT NULL PRIMARY KEY
		CONSTRAINT policy_name_check
		CHECK (octet_length(policy) BETWEEN 1 AND 63 AND policy !~ '^[[:space:]]|[[:space:]]$'),
	risks govcase.risk_level[] NOT NULL
		CONSTRAINT policy_risks_check CHECK (govcase.is_plain_list(risks)),
	shipped boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE govcase.policy IS 'policies: working copies, which enforce nothing until activate_policy()';
COMMENT ON COLUMN govcase.policy.policy IS 'name of the policy, at most 63 bytes';
COMMENT ON COLUMN govcase.policy.risks IS 'risk levels that it uses; with a single one its tables need no risk column';
COMMENT ON COLUMN govcase.policy.shipped IS 'came with govcase and is not edited in place: use copy_policy()';

CREATE TABLE govcase.policy_role (
	policy text NOT NULL,
	role text NOT NULL
		CONSTRAINT policy_role_name_check
		CHECK (octet_length(role) BETWEEN 1 AND 63
			AND role COLLATE "C" !~ '[[:space:],="ABCDEFGHIJKLMNOPQRSTUVWXYZ]'
			AND role NOT IN ('key', 'state', 'risk')),
	kind text NOT NULL
		CONSTRAINT policy_role_kind_check
		CHECK (kind IN ('person', 'flag', 'count', 'text', 'time')),
	PRIMARY KEY (policy, role)
);
COMMENT ON TABLE govcase.policy_role IS 'roles that a policy''s rules name; protecting a table maps each to a column';
COMMENT ON COLUMN govcase.policy_role.policy IS 'policy that has the role';
COMMENT ON COLUMN govcase.policy_role.role IS 'name of the role, in lower case; key, state and risk are every policy''s and stand for themselves';
COMMENT ON COLUMN govcase.policy_role.kind IS 'what its column holds: person (an account), flag, count, text or time';

CREATE TABLE govcase.policy_move (
	policy text NOT NULL,
	move text NOT NULL
		CONSTRAINT policy_move_name_check CHECK (move <> ''),
	from_states govcase.case_state[]
		CONSTRAINT policy_move_from_states_check CHECK (govcase.is_plain_list(from_states)),
	to_state govcase.case_state,
	from_risks govcase.risk_level[]
		CONSTRAINT policy_move_from_risks_check CHECK (govcase.is_plain_list(from_risks)),
	to_risks govcase.risk_level[]
		CONSTRAINT policy_move_to_risks_check CHECK (govcase.is_plain_list(to_risks)),
	risk text NOT NULL DEFAULT 'same'
		CONSTRAINT policy_move_risk_check CHECK (risk IN ('same', 'up', 'down', 'any')),
	PRIMARY KEY (policy, move),
	CONSTRAINT policy_move_insert_check
		CHECK (from_states IS NOT NULL OR (to_state IS NOT NULL AND from_risks IS NULL))
);
COMMENT ON TABLE govcase.policy_move IS 'legal moves of a policy; all of a row must hold, and rows that allow one move are alternatives';
COMMENT ON COLUMN govcase.policy_move.policy IS 'policy that allows the move';
COMMENT ON COLUMN govcase.policy_move.move IS 'name of the move';
COMMENT ON COLUMN govcase.policy_move.from_states IS 'states that it leaves; null: it is an INSERT';
COMMENT ON COLUMN govcase.policy_move.to_state IS 'state that it leads to; null: the state stays as it is';
COMMENT ON COLUMN govcase.policy_move.from_risks IS 'risks that it leaves; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_move.to_risks IS 'risks that it leads to; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_move.risk IS 'how the risk changes: same, up, down or any; means nothing for an INSERT';

CREATE TABLE govcase.policy_need (
	policy text NOT NULL,
	move text NOT NULL,
	need text NOT NULL
		CONSTRAINT policy_need_name_check CHECK (need <> ''),
	kind text NOT NULL
		CONSTRAINT policy_need_kind_check CHECK (kind IN ('given', 'zero', 'other', 'link')),
	role text,
	kinds text[]
		CONSTRAINT policy_need_kinds_check
		CHECK (govcase.is_plain_list(kinds)
			AND kinds <@ ARRAY['mediation', 'visit', 'conference', 'supervision', 'feedback',
				'assessment', 'look_back', 'approval', 'note']),
	since text
		CONSTRAINT policy_need_since_check CHECK (since IN ('registration', 'risk', 'states')),
	since_states govcase.case_state[]
		CONSTRAINT policy_need_since_states_check CHECK (govcase.is_plain_list(since_states)),
	by_other text,
	satisfied boolean NOT NULL DEFAULT false,
	after interval
		CONSTRAINT policy_need_after_check CHECK (after > interval '0'),
	PRIMARY KEY (policy, move, need),
	CONSTRAINT policy_need_role_check CHECK ((role IS NULL) = (kind = 'link')),
	CONSTRAINT policy_need_link_check
		CHECK (CASE WHEN kind = 'link' THEN kinds IS NOT NULL AND since IS NOT NULL
			ELSE kinds IS NULL AND since IS NULL AND by_other IS NULL
				AND NOT satisfied AND after IS NULL END),
	CONSTRAINT policy_need_point_check
		CHECK ((since_states IS NOT NULL) = (since IS NOT DISTINCT FROM 'states'))
);
COMMENT ON TABLE govcase.policy_need IS 'what a move needs; all needs of a move must be met';
COMMENT ON COLUMN govcase.policy_need.policy IS 'policy of the move';
COMMENT ON COLUMN govcase.policy_need.move IS 'move that has the need';
COMMENT ON COLUMN govcase.policy_need.need IS 'name of the need';
COMMENT ON COLUMN govcase.policy_need.kind IS 'given (the role is set in this statement), zero (the role is null or 0), other (another than the person in the role acts) or link (such a link is on the chain)';
COMMENT ON COLUMN govcase.policy_need.role IS 'role of given, zero and other';
COMMENT ON COLUMN govcase.policy_need.kinds IS 'kinds of link of which one is needed';
COMMENT ON COLUMN govcase.policy_need.since IS 'after which point the link counts: registration, risk (its last change) or states (coming into since_states)';
COMMENT ON COLUMN govcase.policy_need.since_states IS 'set of states that the case came into, from outside';
COMMENT ON COLUMN govcase.policy_need.by_other IS 'role whose person may not be the link''s actor; null: anybody';
COMMENT ON COLUMN govcase.policy_need.satisfied IS 'the link must say that the parties are satisfied';
COMMENT ON COLUMN govcase.policy_need.after IS 'how long after the point the link must be recorded; null: any time after';

CREATE TABLE govcase.policy_invariant (
	policy text NOT NULL,
	n integer NOT NULL,
	states govcase.case_state[]
		CONSTRAINT policy_invariant_states_check CHECK (govcase.is_plain_list(states)),
	risks govcase.risk_level[]
		CONSTRAINT policy_invariant_risks_check CHECK (govcase.is_plain_list(risks)),
	kind text NOT NULL
		CONSTRAINT policy_invariant_kind_check CHECK (kind IN ('set', 'distinct', 'kept')),
	role text NOT NULL,
	role2 text,
	if_role text,
	PRIMARY KEY (policy, n),
	CONSTRAINT policy_invariant_role2_check CHECK ((role2 IS NOT NULL) = (kind = 'distinct'))
);
COMMENT ON TABLE govcase.policy_invariant IS 'what holds in a set of states and risks whatever was moved';
COMMENT ON COLUMN govcase.policy_invariant.policy IS 'policy of the invariant';
COMMENT ON COLUMN govcase.policy_invariant.n IS 'number of the invariant in its policy';
COMMENT ON COLUMN govcase.policy_invariant.states IS 'states in which it holds; null: all';
COMMENT ON COLUMN govcase.policy_invariant.risks IS 'risks in which it holds; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_invariant.kind IS 'set (role is not null), distinct (role and role2 differ; null passes) or kept (role, once set, is not cleared)';
COMMENT ON COLUMN govcase.policy_invariant.role IS 'role that it is about';
COMMENT ON COLUMN govcase.policy_invariant.role2 IS 'the other role of distinct';
COMMENT ON COLUMN govcase.policy_invariant.if_role IS 'flag that must be true for it to hold; null: always';

CREATE TABLE govcase.policy_promise (
	policy text NOT NULL,
	n integer NOT NULL,
	kind text NOT NULL
		CONSTRAINT policy_promise_kind_check
		CHECK (kind IN ('never', 'passes', 'needs_link', 'ends_reachable')),
	from_states govcase.case_state[]
		CONSTRAINT policy_promise_from_states_check CHECK (govcase.is_plain_list(from_states)),
	from_risks govcase.risk_level[]
		CONSTRAINT policy_promise_from_risks_check CHECK (govcase.is_plain_list(from_risks)),
	to_states govcase.case_state[]
		CONSTRAINT policy_promise_to_states_check CHECK (govcase.is_plain_list(to_states)),
	to_risks govcase.risk_level[]
		CONSTRAINT policy_promise_to_risks_check CHECK (govcase.is_plain_list(to_risks)),
	via_states govcase.case_state[]
		CONSTRAINT policy_promise_via_states_check CHECK (govcase.is_plain_list(via_states)),
	via_risks govcase.risk_level[]
		CONSTRAINT policy_promise_via_risks_check CHECK (govcase.is_plain_list(via_risks)),
	link_kind text
		CONSTRAINT policy_promise_link_kind_check
		CHECK (link_kind IN ('mediation', 'visit', 'conference', 'supervision', 'feedback',
			'assessment', 'look_back', 'approval', 'note')),
	PRIMARY KEY (policy, n),
	CONSTRAINT policy_promise_ends_check
		CHECK (kind <> 'ends_reachable' OR (from_states IS NULL AND from_risks IS NULL
			AND to_states IS NULL AND to_risks IS NULL)),
	CONSTRAINT policy_promise_via_check
		CHECK ((via_states IS NOT NULL OR via_risks IS NOT NULL) = (kind = 'passes')),
	CONSTRAINT policy_promise_link_check CHECK ((link_kind IS NOT NULL) = (kind = 'needs_link'))
);
COMMENT ON TABLE govcase.policy_promise IS 'what the moves of a policy must keep, checked by check_policy() and before activation';
COMMENT ON COLUMN govcase.policy_promise.policy IS 'policy of the promise';
COMMENT ON COLUMN govcase.policy_promise.n IS 'number of the promise in its policy';
COMMENT ON COLUMN govcase.policy_promise.kind IS 'never (no single move leads from ... to ...), passes (every path does, via ...), needs_link (every path needs such a link) or ends_reachable (an end can be reached from every reachable pair)';
COMMENT ON COLUMN govcase.policy_promise.from_states IS 'states of from; null: all';
COMMENT ON COLUMN govcase.policy_promise.from_risks IS 'risks of from; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_promise.to_states IS 'states of to; null: all';
COMMENT ON COLUMN govcase.policy_promise.to_risks IS 'risks of to; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_promise.via_states IS 'states that are passed; null: any';
COMMENT ON COLUMN govcase.policy_promise.via_risks IS 'risks that are passed; null: any of the policy''s';
COMMENT ON COLUMN govcase.policy_promise.link_kind IS 'kind of link that is needed on the way';

CREATE TABLE govcase.policy_term (
	policy text NOT NULL,
	n integer NOT NULL,
	kind text NOT NULL
		CONSTRAINT policy_term_kind_check CHECK (kind IN ('stay', 'contact')),
	states govcase.case_state[]
		CONSTRAINT policy_term_states_check CHECK (govcase.is_plain_list(states)),
	risks govcase.risk_level[]
		CONSTRAINT policy_term_risks_check CHECK (govcase.is_plain_list(risks)),
	within interval NOT NULL
		CONSTRAINT policy_term_within_check CHECK (within > interval '0'),
	PRIMARY KEY (policy, n)
);
COMMENT ON TABLE govcase.policy_term IS 'terms: how long a case may stay in a state or be without a contact';
COMMENT ON COLUMN govcase.policy_term.policy IS 'policy of the term';
COMMENT ON COLUMN govcase.policy_term.n IS 'number of the term in its policy';
COMMENT ON COLUMN govcase.policy_term.kind IS 'stay (in the state) or contact (since the last one with the parties)';
COMMENT ON COLUMN govcase.policy_term.states IS 'states that it applies to; null: all';
COMMENT ON COLUMN govcase.policy_term.risks IS 'risks that it applies to; null: all of the policy''s';
COMMENT ON COLUMN govcase.policy_term.within IS 'how long';

-- Versions ------------------------------------------------------------------

CREATE FUNCTION govcase.rules_digest(rules jsonb)
RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
	SELECT pg_catalog.sha256(pg_catalog.convert_to(rules::pg_catalog.text, 'UTF8'))
$$;
COMMENT ON FUNCTION govcase.rules_digest(jsonb) IS
'SHA-256 over the canonical text of a policy''s rules, in UTF-8';

CREATE TABLE govcase.policy_version (
	policy text NOT NULL,
	version integer NOT NULL
		CONSTRAINT policy_version_number_check CHECK (version > 0),
	activated_at timestamptz NOT NULL,
	activated_by text NOT NULL,
	rules jsonb NOT NULL,
	digest bytea NOT NULL
		CONSTRAINT policy_version_digest_check CHECK (octet_length(digest) = 32),
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (policy, version)
);
COMMENT ON TABLE govcase.policy_version IS 'activated versions, append-only; the newest of each policy is in force';
COMMENT ON COLUMN govcase.policy_version.policy IS 'policy that was activated';
COMMENT ON COLUMN govcase.policy_version.version IS 'number of the version, 1, 2, 3 ... in each policy';
COMMENT ON COLUMN govcase.policy_version.activated_at IS 'when it was activated, by the clock';
COMMENT ON COLUMN govcase.policy_version.activated_by IS 'database user who activated it';
COMMENT ON COLUMN govcase.policy_version.rules IS 'the rules whole, as policy_rules() gave them';
COMMENT ON COLUMN govcase.policy_version.digest IS 'rules_digest() of the rules';
COMMENT ON COLUMN govcase.policy_version.shipped IS 'came with govcase';

-- Rules are not personal: everybody may read them.  Who edits is for a database
-- administrator to say; nobody writes versions but activate_policy().
GRANT SELECT ON
	govcase.policy, govcase.policy_role, govcase.policy_move, govcase.policy_need,
	govcase.policy_invariant, govcase.policy_promise, govcase.policy_term,
	govcase.policy_version
TO PUBLIC;

-- Guards --------------------------------------------------------------------

CREATE FUNCTION govcase.keep_shipped()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_shipped'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_shipped() IS
'trigger: refuses to change a shipped policy in place';

CREATE FUNCTION govcase.keep_activated()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_activated'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_activated() IS
'trigger: refuses to delete or rename a policy that was activated';

CREATE FUNCTION govcase.follow_policy()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_follow_policy'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.follow_policy() IS
'trigger: lets what hangs on a policy, a move or a role follow its new name or go with it';

CREATE FUNCTION govcase.keep_policy_version()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_keep_policy_version'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.keep_policy_version() IS
'trigger: refuses to change or remove an activated version';

CREATE FUNCTION govcase.policies_changed()
RETURNS trigger
AS 'MODULE_PATHNAME', 'govcase_policies_changed'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.policies_changed() IS
'trigger: tells every session that the versions in force may have changed';

CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_role
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_role
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_move
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_move
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_need
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_need
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_invariant
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_invariant
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_promise
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_promise
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep BEFORE INSERT OR UPDATE OR DELETE ON govcase.policy_term
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_shipped();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_term
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_shipped();

CREATE TRIGGER govcase_keep_activated BEFORE UPDATE OF policy OR DELETE ON govcase.policy
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_activated();
CREATE TRIGGER govcase_follow AFTER UPDATE OF policy OR DELETE ON govcase.policy
	FOR EACH ROW EXECUTE FUNCTION govcase.follow_policy();
CREATE TRIGGER govcase_follow AFTER UPDATE OF policy, move OR DELETE ON govcase.policy_move
	FOR EACH ROW EXECUTE FUNCTION govcase.follow_policy();
CREATE TRIGGER govcase_follow AFTER UPDATE OF role ON govcase.policy_role
	FOR EACH ROW EXECUTE FUNCTION govcase.follow_policy();

CREATE TRIGGER govcase_keep BEFORE UPDATE OR DELETE ON govcase.policy_version
	FOR EACH ROW EXECUTE FUNCTION govcase.keep_policy_version();
CREATE TRIGGER govcase_keep_all BEFORE TRUNCATE ON govcase.policy_version
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.keep_policy_version();
-- Whoever gets past the two above, and a logical subscriber, still tells.
CREATE TRIGGER govcase_changed AFTER INSERT OR UPDATE OR DELETE ON govcase.policy_version
	FOR EACH ROW EXECUTE FUNCTION govcase.policies_changed();
CREATE TRIGGER govcase_changed_all AFTER TRUNCATE ON govcase.policy_version
	FOR EACH STATEMENT EXECUTE FUNCTION govcase.policies_changed();
ALTER TABLE govcase.policy_version ENABLE ALWAYS TRIGGER govcase_keep;
ALTER TABLE govcase.policy_version ENABLE ALWAYS TRIGGER govcase_keep_all;
ALTER TABLE govcase.policy_version ENABLE ALWAYS TRIGGER govcase_changed;
ALTER TABLE govcase.policy_version ENABLE ALWAYS TRIGGER govcase_changed_all;

-- Dumps carry a user's own policies; the shipped ones come with the extension.
SELECT pg_catalog.pg_extension_config_dump('govcase.policy', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_role',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_move',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_need',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_invariant',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_promise',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_term',
	'WHERE policy IN (SELECT policy FROM govcase.policy WHERE NOT shipped)');
SELECT pg_catalog.pg_extension_config_dump('govcase.policy_version', 'WHERE NOT shipped');

-- Functions -----------------------------------------------------------------

CREATE FUNCTION govcase.policy_rules(policy text)
RETURNS jsonb
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- Months, days and hours in one spelling whatever the session prefers.
SET intervalstyle = 'iso_8601'
AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'risks', govcase.sorted_list(p.risks),
		'roles', (
			SELECT coalesce(jsonb_agg(jsonb_build_object('role', r.role, 'kind', r.kind)
				ORDER BY r.role COLLATE "C"), '[]')
			FROM govcase.policy_role r
			WHERE r.policy = p.policy),
		'moves', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
					'move', m.move,
					'from_states', govcase.sorted_list(m.from_states),
					'to_state', m.to_state,
					'from_risks', govcase.sorted_list(m.from_risks),
					'to_risks', govcase.sorted_list(m.to_risks),
					'risk', m.risk,
					'needs', (
						SELECT jsonb_agg(jsonb_build_object(
								'need', n.need,
								'kind', n.kind,
								'role', n.role,
								'kinds', govcase.sorted_list(n.kinds COLLATE "C"),
								'since', n.since,
								'since_states', govcase.sorted_list(n.since_states),
								'by_other', n.by_other,
								'satisfied', nullif(n.satisfied, false),
								'after', n.after::text)
							ORDER BY n.need COLLATE "C")
						FROM govcase.policy_need n
						WHERE n.policy = m.policy AND n.move = m.move))
				ORDER BY m.move COLLATE "C"), '[]')
			FROM govcase.policy_move m
			WHERE m.policy = p.policy),
		-- Such a need would be lost without a word: the reader refuses it.
		'stray_needs', (
			SELECT jsonb_agg(jsonb_build_object('need', n.need, 'move', n.move)
				ORDER BY n.move COLLATE "C", n.need COLLATE "C")
			FROM govcase.policy_need n
			WHERE n.policy = p.policy AND NOT EXISTS (
				SELECT FROM govcase.policy_move m
				WHERE m.policy = n.policy AND m.move = n.move)),
		'invariants', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
					'n', i.n,
					'states', govcase.sorted_list(i.states),
					'risks', govcase.sorted_list(i.risks),
					'kind', i.kind,
					'role', i.role,
					'role2', i.role2,
					'if_role', i.if_role)
				ORDER BY i.n), '[]')
			FROM govcase.policy_invariant i
			WHERE i.policy = p.policy),
		'promises', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
					'n', o.n,
					'kind', o.kind,
					'from_states', govcase.sorted_list(o.from_states),
					'from_risks', govcase.sorted_list(o.from_risks),
					'to_states', govcase.sorted_list(o.to_states),
					'to_risks', govcase.sorted_list(o.to_risks),
					'via_states', govcase.sorted_list(o.via_states),
					'via_risks', govcase.sorted_list(o.via_risks),
					'link_kind', o.link_kind)
				ORDER BY o.n), '[]')
			FROM govcase.policy_promise o
			WHERE o.policy = p.policy),
		'terms', (
			SELECT coalesce(jsonb_agg(jsonb_build_object(
					'n', t.n,
					'kind', t.kind,
					'states', govcase.sorted_list(t.states),
					'risks', govcase.sorted_list(t.risks),
					'within', t.within::text)
				ORDER BY t.n), '[]')
			FROM govcase.policy_term t
			WHERE t.policy = p.policy)))
	FROM govcase.policy p
	WHERE p.policy = policy_rules.policy
$$;
COMMENT ON FUNCTION govcase.policy_rules(text) IS
'working copy of a policy as one document, always in the same order; null where there is no such policy';

CREATE FUNCTION govcase.activate_policy(policy text)
RETURNS integer
AS 'MODULE_PATHNAME', 'govcase_activate_policy'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.activate_policy(text) IS
'checks the working copy of a policy and brings it into force; returns the version''s number';
REVOKE EXECUTE ON FUNCTION govcase.activate_policy(text) FROM PUBLIC;

CREATE FUNCTION govcase.hold_policy(policy text)
RETURNS integer
AS 'MODULE_PATHNAME', 'govcase_hold_policy'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION govcase.hold_policy(text) IS
'version in force, with no other activated until the transaction ends';

CREATE FUNCTION govcase.policy_roles(
	policy text, OUT role text, OUT kind text, OUT watched boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_policy_roles'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION govcase.policy_roles(text) IS
'roles of the version in force; watched: an invariant names it';

CREATE FUNCTION govcase.policy_moves(
	policy text, working_copy boolean DEFAULT false,
	OUT from_state govcase.case_state, OUT from_risk govcase.risk_level,
	OUT to_state govcase.case_state, OUT to_risk govcase.risk_level,
	OUT move text, OUT needs text[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'govcase_policy_moves'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 100;
COMMENT ON FUNCTION govcase.policy_moves(text, boolean) IS
'moves of the version in force, or of the working copy, as pairs of state and risk (from is null: INSERT), with what each needs';

CREATE FUNCTION govcase.copy_policy(source text, new_name text)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM govcase.policy p WHERE p.policy = source) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'undefined_object',
			MESSAGE = format('policy "%s" does not exist', source),
			HINT = 'SELECT * FROM govcase.policy shows which there are.';
	END IF;
	IF EXISTS (SELECT FROM govcase.policy p WHERE p.policy = new_name) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_object',
			MESSAGE = format('policy "%s" already exists', new_name),
			HINT = 'Choose another name, or delete the row of govcase.policy if it was never activated.';
	END IF;
	INSERT INTO govcase.policy (policy, risks)
	SELECT new_name, p.risks
	FROM govcase.policy p WHERE p.policy = source;
	INSERT INTO govcase.policy_role (policy, role, kind)
	SELECT new_name, r.role, r.kind
	FROM govcase.policy_role r WHERE r.policy = source;
	INSERT INTO govcase.policy_move
		(policy, move, from_states, to_state, from_risks, to_risks, risk)
	SELECT new_name, m.move, m.from_states, m.to_state, m.from_risks, m.to_risks, m.risk
	FROM govcase.policy_move m WHERE m.policy = source;
	INSERT INTO govcase.policy_need
		(policy, move, need, kind, role, kinds, since, since_states, by_other, satisfied, after)
	SELECT new_name, n.move, n.need, n.kind, n.role, n.kinds, n.since, n.since_states,
		n.by_other, n.satisfied, n.after
	FROM govcase.policy_need n WHERE n.policy = source;
	INSERT INTO govcase.policy_invariant
		(policy, n, states, risks, kind, role, role2, if_role)
	SELECT new_name, i.n, i.states, i.risks, i.kind, i.role, i.role2, i.if_role
	FROM govcase.policy_invariant i WHERE i.policy = source;
	INSERT INTO govcase.policy_promise
		(policy, n, kind, from_states, from_risks, to_states, to_risks, via_states, via_risks,
			link_kind)
	SELECT new_name, o.n, o.kind, o.from_states, o.from_risks, o.to_states, o.to_risks,
		o.via_states, o.via_risks, o.link_kind
	FROM govcase.policy_promise o WHERE o.policy = source;
	INSERT INTO govcase.policy_term (policy, n, kind, states, risks, within)
	SELECT new_name, t.n, t.kind, t.states, t.risks, t.within
	FROM govcase.policy_term t WHERE t.policy = source;
END
$$;
COMMENT ON FUNCTION govcase.copy_policy(text, text) IS
'copies the working copy of a policy under a new name, to be edited and activated there';

-- three_colour: the city's closed loop with blue, yellow and red --------------

INSERT INTO govcase.policy (policy, risks, shipped) VALUES
	('three_colour', '{blue,yellow,red}', true);

INSERT INTO govcase.policy_role (policy, role, kind) VALUES
	('three_colour', 'responsible', 'person'),
	('three_colour', 'leader', 'person'),
	('three_colour', 'difficult', 'flag'),
	('three_colour', 'reason', 'text'),
	('three_colour', 'reported_at', 'time'),
	('three_colour', 'open_work', 'count');

INSERT INTO govcase.policy_move
	(policy, move, from_states, to_state, from_risks, to_risks, risk)
VALUES
	('three_colour', 'register', NULL, 'collected', NULL, '{yellow,red}', 'any'),
	('three_colour', 'assign', '{collected}', 'assigned', NULL, NULL, 'same'),
	('three_colour', 'take_up', '{assigned}', 'handling', NULL, NULL, 'same'),
	('three_colour', 'return', '{assigned}', 'collected', NULL, NULL, 'same'),
	('three_colour', 'supervise', '{handling}', 'supervised', NULL, NULL, 'same'),
	('three_colour', 'end_supervision', '{supervised}', 'handling', NULL, NULL, 'same'),
	('three_colour', 'feed_back', '{handling}', 'fed_back', '{blue,yellow}', NULL, 'same'),
	('three_colour', 'feed_back_supervised', '{supervised}', 'fed_back', NULL, NULL, 'same'),
	('three_colour', 'rework', '{fed_back}', 'handling', NULL, NULL, 'same'),
	('three_colour', 'accept', '{fed_back}', 'assessed', '{blue}', '{blue}', 'same'),
	('three_colour', 'close', '{assessed}', 'closed', '{blue}', '{blue}', 'same'),
	('three_colour', 'close_unsatisfied', '{assessed}', 'closed', '{blue}', '{blue}', 'same'),
	('three_colour', 'not_accept', '{assessed}', 'handling', NULL, NULL, 'same'),
	('three_colour', 'transfer', '{collected,assigned,handling,supervised,fed_back}', 'transferred', '{blue,yellow}', NULL, 'same'),
	('three_colour', 'transfer_approved', '{collected,assigned,handling,supervised,fed_back}', 'transferred', '{red}', NULL, 'same'),
	('three_colour', 'come_back', '{transferred}', 'handling', NULL, NULL, 'same'),
	('three_colour', 'come_back_higher', '{transferred}', 'handling', NULL, NULL, 'up'),
	('three_colour', 'void', '{collected,assigned}', 'voided', NULL, NULL, 'same'),
	('three_colour', 'void_duplicate', '{handling,supervised,fed_back}', 'voided', NULL, NULL, 'same'),
	('three_colour', 'red_to_yellow', '{handling,supervised,fed_back}', NULL, '{red}', '{yellow}', 'down'),
	('three_colour', 'yellow_to_blue', '{fed_back}', NULL, '{yellow}', '{blue}', 'down'),
	('three_colour', 'escalate', '{collected,assigned,handling,supervised}', NULL, NULL, NULL, 'up'),
	('three_colour', 'escalate_and_rework', '{fed_back,assessed}', 'handling', NULL, NULL, 'up'),
	('three_colour', 'recur', '{closed}', 'handling', '{blue}', NULL, 'up');

INSERT INTO govcase.policy_need (policy, move, need, kind, role)
SELECT 'three_colour', m.move, 'reason', 'given', 'reason'
FROM pg_catalog.unnest(ARRAY['return', 'rework', 'close_unsatisfied', 'not_accept', 'transfer',
	'transfer_approved', 'come_back', 'come_back_higher', 'void', 'void_duplicate', 'escalate',
	'escalate_and_rework', 'recur']) m (move);

INSERT INTO govcase.policy_need (policy, move, need, kind, role) VALUES
	('three_colour', 'accept', 'other_person', 'other', 'responsible'),
	('three_colour', 'void_duplicate', 'other_person', 'other', 'responsible'),
	('three_colour', 'red_to_yellow', 'other_person', 'other', 'responsible'),
	('three_colour', 'close', 'work_done', 'zero', 'open_work'),
	('three_colour', 'close_unsatisfied', 'work_done', 'zero', 'open_work');

INSERT INTO govcase.policy_need
	(policy, move, need, kind, kinds, since, since_states, by_other, satisfied)
VALUES
	('three_colour', 'feed_back', 'contact', 'link', '{mediation,visit}', 'states', '{handling,supervised}', NULL, false),
	('three_colour', 'feed_back_supervised', 'contact', 'link', '{mediation,visit}', 'states', '{handling,supervised}', NULL, false),
	('three_colour', 'accept', 'feedback', 'link', '{feedback}', 'states', '{fed_back}', NULL, false),
	('three_colour', 'close', 'look_back', 'link', '{look_back}', 'risk', NULL, NULL, true),
	('three_colour', 'close_unsatisfied', 'look_back', 'link', '{look_back}', 'risk', NULL, NULL, false),
	('three_colour', 'close_unsatisfied', 'approval', 'link', '{approval}', 'risk', NULL, 'responsible', false),
	('three_colour', 'transfer_approved', 'approval', 'link', '{approval}', 'risk', NULL, 'responsible', false),
	('three_colour', 'red_to_yellow', 'mediation', 'link', '{mediation}', 'risk', NULL, NULL, false),
	('three_colour', 'yellow_to_blue', 'feedback', 'link', '{feedback}', 'states', '{fed_back}', NULL, false);

INSERT INTO govcase.policy_invariant
	(policy, n, states, risks, kind, role, role2, if_role)
VALUES
	('three_colour', 1, '{assigned,handling,supervised,fed_back,assessed,closed}', NULL, 'set', 'responsible', NULL, NULL),
	('three_colour', 2, '{assigned,handling,supervised,fed_back,assessed}', '{red}', 'set', 'leader', NULL, NULL),
	('three_colour', 3, '{assigned,handling,supervised,fed_back,assessed}', NULL, 'set', 'leader', NULL, 'difficult'),
	('three_colour', 4, '{assigned,handling,supervised,fed_back,assessed}', '{red}', 'distinct', 'leader', 'responsible', NULL),
	('three_colour', 5, '{assigned,handling,supervised,fed_back,assessed}', NULL, 'distinct', 'leader', 'responsible', 'difficult'),
	('three_colour', 6, '{assigned,handling,supervised,fed_back,assessed}', NULL, 'kept', 'leader', NULL, NULL),
	('three_colour', 7, '{assigned,handling,supervised,fed_back,assessed}', NULL, 'kept', 'responsible', NULL, NULL);

INSERT INTO govcase.policy_promise
	(policy, n, kind, from_risks, to_states, to_risks, via_risks, link_kind)
VALUES
	('three_colour', 1, 'never', '{red}', NULL, '{blue}', NULL, NULL),
	('three_colour', 2, 'passes', '{red}', '{closed}', NULL, '{yellow}', NULL),
	('three_colour', 3, 'passes', '{red}', '{closed}', NULL, '{blue}', NULL),
	('three_colour', 4, 'needs_link', '{red}', '{closed}', NULL, NULL, 'look_back'),
	('three_colour', 5, 'ends_reachable', NULL, NULL, NULL, NULL, NULL);

INSERT INTO govcase.policy_term (policy, n, kind, states, risks, within) VALUES
	('three_colour', 1, 'stay', '{collected}', NULL, '1 day'),
	('three_colour', 2, 'stay', '{assigned}', NULL, '3 days'),
	('three_colour', 3, 'stay', '{fed_back}', NULL, '7 days'),
	('three_colour', 4, 'contact', '{collected,assigned,handling,supervised,fed_back,assessed,transferred}', '{red}', '7 days'),
	('three_colour', 5, 'contact', '{collected,assigned,handling,supervised,fed_back,assessed,transferred}', '{yellow}', '15 days'),
	('three_colour', 6, 'contact', '{collected,assigned,handling,supervised,fed_back,assessed}', '{blue}', '30 days');

-- four_colour: the same with orange between, and any colour at INSERT ----------

INSERT INTO govcase.policy (policy, risks, shipped) VALUES
	('four_colour', '{blue,yellow,orange,red}', true);

INSERT INTO govcase.policy_role (policy, role, kind)
SELECT 'four_colour', r.role, r.kind
FROM govcase.policy_role r
WHERE r.policy OPERATOR(pg_catalog.=) 'three_colour';

INSERT INTO govcase.policy_move
	(policy, move, from_states, to_state, from_risks, to_risks, risk)
SELECT 'four_colour', m.move, m.from_states, m.to_state, m.from_risks, m.to_risks, m.risk
FROM govcase.policy_move m
WHERE m.policy OPERATOR(pg_catalog.=) 'three_colour'
	AND m.move OPERATOR(pg_catalog.<>) ALL ('{register,transfer_approved,red_to_yellow}');

INSERT INTO govcase.policy_move
	(policy, move, from_states, to_state, from_risks, to_risks, risk)
VALUES
	('four_colour', 'register', NULL, 'collected', NULL, NULL, 'any'),
	('four_colour', 'transfer_approved', '{collected,assigned,handling,supervised,fed_back}', 'transferred', '{orange,red}', NULL, 'same'),
	('four_colour', 'red_to_orange', '{handling,supervised,fed_back}', NULL, '{red}', '{orange}', 'down'),
	('four_colour', 'orange_to_yellow', '{handling,supervised,fed_back}', NULL, '{orange}', '{yellow}', 'down');

INSERT INTO govcase.policy_need
	(policy, move, need, kind, role, kinds, since, since_states, by_other, satisfied)
SELECT 'four_colour', m.move, n.need, n.kind, n.role, n.kinds, n.since, n.since_states,
	n.by_other, n.satisfied
FROM govcase.policy_need n
	JOIN govcase.policy_move m ON m.policy OPERATOR(pg_catalog.=) 'four_colour'
		AND CASE WHEN n.move OPERATOR(pg_catalog.=) 'red_to_yellow'
			THEN m.move OPERATOR(pg_catalog.=) ANY ('{red_to_orange,orange_to_yellow}')
			ELSE m.move OPERATOR(pg_catalog.=) n.move END
WHERE n.policy OPERATOR(pg_catalog.=) 'three_colour';

INSERT INTO govcase.policy_invariant
	(policy, n, states, risks, kind, role, role2, if_role)
SELECT 'four_colour', i.n, i.states,
	CASE WHEN i.risks IS NOT NULL THEN '{orange,red}'::govcase.risk_level[] END,
	i.kind, i.role, i.role2, i.if_role
FROM govcase.policy_invariant i
WHERE i.policy OPERATOR(pg_catalog.=) 'three_colour';

INSERT INTO govcase.policy_promise
	(policy, n, kind, from_risks, to_states, to_risks, via_risks, link_kind)
SELECT 'four_colour', o.n, o.kind, o.from_risks, o.to_states, o.to_risks, o.via_risks,
	o.link_kind
FROM govcase.policy_promise o
WHERE o.policy OPERATOR(pg_catalog.=) 'three_colour';

INSERT INTO govcase.policy_promise (policy, n, kind, from_risks, to_states, via_risks) VALUES
	('four_colour', 6, 'passes', '{red}', '{closed}', '{orange}');

INSERT INTO govcase.policy_term (policy, n, kind, states, risks, within)
SELECT 'four_colour', t.n, t.kind, t.states, t.risks, t.within
FROM govcase.policy_term t
WHERE t.policy OPERATOR(pg_catalog.=) 'three_colour';

INSERT INTO govcase.policy_term (policy, n, kind, states, risks, within) VALUES
	('four_colour', 7, 'contact', '{collected,assigned,handling,supervised,fed_back,assessed,transferred}', '{orange}', '10 days');

-- matter: the short loop of ordinary reported matters --------------------------

INSERT INTO govcase.policy (policy, risks, shipped) VALUES
	('matter', '{blue}', true);

INSERT INTO govcase.policy_role (policy, role, kind) VALUES
	('matter', 'reason', 'text');

INSERT INTO govcase.policy_move (policy, move, from_states, to_state) VALUES
	('matter', 'register', NULL, 'collected'),
	('matter', 'assign', '{collected}', 'assigned'),
	('matter', 'take_up', '{assigned}', 'handling'),
	('matter', 'return', '{assigned}', 'collected'),
	('matter', 'feed_back', '{handling}', 'fed_back'),
	('matter', 'rework', '{fed_back}', 'handling'),
	('matter', 'close', '{fed_back}', 'closed'),
	('matter', 'void', '{collected,assigned,handling,fed_back}', 'voided'),
	('matter', 'raise', '{collected,assigned,handling,fed_back}', 'transferred'),
	('matter', 'recur', '{closed}', 'handling');

INSERT INTO govcase.policy_need (policy, move, need, kind, role)
SELECT 'matter', m.move, 'reason', 'given', 'reason'
FROM pg_catalog.unnest(ARRAY['return', 'rework', 'void', 'raise', 'recur']) m (move);

SELECT govcase.activate_policy('three_colour');
SELECT govcase.activate_policy('four_colour');
SELECT govcase.activate_policy('matter');
