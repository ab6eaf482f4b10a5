-- Everything that is drawn is drawn from the seed by PostgreSQL's own hashes of
-- integers and texts, the same on every machine.

-- A number in [0, 1) for what is asked of this seed.
CREATE FUNCTION pg_temp.chance(seed bigint, what text) RETURNS float8
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT (hashtextextended(what COLLATE "C", seed) & 1125899906842623) / 1125899906842624.0::float8
	$$;

CREATE FUNCTION pg_temp.between(seed bigint, what text, low int, high int) RETURNS int
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT low + floor(pg_temp.chance(seed, what) * (high - low + 1))::int
	$$;

-- Persons are made up, and are meant to look it.
CREATE FUNCTION pg_temp.made_up_name(seed bigint, what text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT substr('甲乙丙丁戊己庚辛壬癸', pg_temp.between(seed, what, 1, 10), 1) || '某'
	$$;

CREATE FUNCTION pg_temp.made_up_digest(seed bigint, what text) RETURNS bytea
	LANGUAGE sql IMMUTABLE STRICT AS $$
		SELECT sha256(convert_to(format('made up: %s %s', seed, what), 'UTF8'))
	$$;
