-- registry_tables: the tables of a registry, as they are when it is made

INSERT INTO govcase.registry_script (part, position, schema_version, script) VALUES
('tables', 10, 1, $script$
/* ---- Places ---------------------------------------------------------------- */

CREATE TABLE region (
	code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^\d{12}$'),
	code_end text COLLATE "C" NOT NULL CHECK (code_end ~ '^\d{12}$' AND code_end >= code),
	level smallint NOT NULL CHECK (level BETWEEN 1 AND 4),
	parent text COLLATE "C" REFERENCES region,
	name text NOT NULL,
	valid daterange NOT NULL DEFAULT '[2000-01-01,)' CHECK (NOT isempty(valid)),
	replaced_by text COLLATE "C" REFERENCES region CHECK (replaced_by <> code),
	boundary @postgis@.geometry(MultiPolygon, @srid@),
	CHECK (parent <> code),
	CHECK ((level = 1) = (parent IS NULL))
);
CREATE INDEX ON region (parent);
CREATE INDEX ON region (replaced_by);
SELECT describe_table('region', 'the city, its counties, townships and villages, by division code', '{
	"code": "division code, 12 digits",
	"code_end": "last division code that lies within: codes between the two belong to it",
	"level": "1 city, 2 county, 3 township, 4 village",
	"parent": "region that it belongs to; null for the city",
	"name": "its name",
	"valid": "days on which it exists",
	"replaced_by": "region that it went into, where it was abolished",
	"boundary": "its boundary, inside which its grids lie; null: not known"}');

CREATE TABLE department (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	region text COLLATE "C" NOT NULL REFERENCES region,
	answer_within interval CHECK (answer_within > interval '0'),
	UNIQUE (region, name)
);
SELECT describe_table('department', 'departments to which disputes are given', '{
	"id": "number",
	"name": "its name",
	"region": "region whose department it is",
	"answer_within": "time in which it answers an offer; null: three days"}');

CREATE TABLE centre (
	region text COLLATE "C" PRIMARY KEY REFERENCES region,
	name text NOT NULL
);
SELECT describe_table('centre', 'governance centres, one a region', '{
	"region": "region whose centre it is",
	"name": "its name"}');

CREATE TABLE centre_desk (
	centre text COLLATE "C" REFERENCES centre,
	department integer REFERENCES department,
	PRIMARY KEY (centre, department)
);
CREATE INDEX ON centre_desk (department);
SELECT describe_table('centre_desk', 'departments that have a desk in a centre', '{
	"centre": "the centre",
	"department": "the department"}');

CREATE TABLE grid (
	code text COLLATE "C" PRIMARY KEY,
	region text COLLATE "C" NOT NULL REFERENCES region,
	kind text NOT NULL DEFAULT 'ordinary' CHECK (kind IN ('ordinary', 'special')),
	boundary @postgis@.geometry(MultiPolygon, @srid@) NOT NULL,
	valid daterange NOT NULL DEFAULT '[2000-01-01,)' CHECK (NOT isempty(valid))
);
CREATE INDEX ON grid (region);
CREATE INDEX ON grid USING gist (boundary);
SELECT describe_table('grid', 'grids: the smallest areas, each with its members', '{
	"code": "its code: the village''s division code and a sequence number, unless a rule says otherwise",
	"region": "region that it lies in",
	"kind": "ordinary, or special (a market, a campus, a works)",
	"boundary": "its boundary",
	"valid": "days on which it exists"}');

/* ---- Accounts -------------------------------------------------------------- */

CREATE TABLE account (
	id text PRIMARY KEY CHECK (id <> ''),
	active boolean NOT NULL DEFAULT true
);
SELECT describe_table('account', 'who can act', '{
	"id": "what links and cases call the account by; never a person''s name",
	"active": "whether it may act"}');

CREATE TABLE account_person (
	account text PRIMARY KEY REFERENCES account,
	name text,
	phone text
);
SELECT describe_table('account_person', 'personal: who is behind an account', '{
	"account": "the account",
	"name": "the person''s name",
	"phone": "where to reach them"}');

CREATE TABLE account_login (
	db_role name PRIMARY KEY,
	trust text NOT NULL CHECK (trust IN ('person', 'token', 'vouched')),
	account text REFERENCES account,
	CHECK ((trust = 'person') = (account IS NOT NULL))
);
CREATE INDEX ON account_login (account);
SELECT describe_table('account_login', 'what is believed of each database role about who acts', '{
	"db_role": "role that is connected (session_user)",
	"trust": "person: the role is the account; token: a session issued by open_session(); vouched: whatever govcase.account says",
	"account": "the account of a person"}');

CREATE TABLE account_session (
	digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
	account text NOT NULL REFERENCES account,
	expires timestamptz NOT NULL
);
CREATE INDEX ON account_session (account);
CREATE INDEX ON account_session (expires);
SELECT describe_table('account_session', 'sessions that open_session() has issued', '{
	"digest": "SHA-256 of the token, which itself is nowhere",
	"account": "the account that is signed in",
	"expires": "when the token stops being good"}');

CREATE TABLE account_duty (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account text NOT NULL REFERENCES account,
	duty text NOT NULL CHECK (duty IN ('member', 'officer', 'centre', 'leader', 'inspector',
		'importer', 'analyst', 'admin')),
	region text COLLATE "C" REFERENCES region,
	department integer REFERENCES department,
	valid daterange NOT NULL DEFAULT '[2000-01-01,)' CHECK (NOT isempty(valid)),
	CHECK (CASE WHEN duty IN ('officer', 'importer')
		THEN department IS NOT NULL AND region IS NULL
		ELSE department IS NULL AND region IS NOT NULL END)
);
CREATE INDEX ON account_duty (account);
CREATE INDEX ON account_duty (region);
CREATE INDEX ON account_duty (department);
SELECT describe_table('account_duty', 'what each account does, and where', '{
	"id": "number",
	"account": "the account",
	"duty": "member, officer, centre, leader, inspector, importer, analyst or admin",
	"region": "where; officers and importers have a department instead",
	"department": "for which department: officers and importers",
	"valid": "on which days"}');

CREATE TABLE grid_member (
	account text REFERENCES account,
	grid text COLLATE "C" REFERENCES grid,
	full_time boolean NOT NULL,
	valid daterange NOT NULL DEFAULT '[2000-01-01,)' CHECK (NOT isempty(valid)),
	PRIMARY KEY (account, grid)
);
CREATE INDEX ON grid_member (grid);
SELECT describe_table('grid_member', 'members of grids', '{
	"account": "the member",
	"grid": "the grid",
	"full_time": "full-time rather than part-time",
	"valid": "on which days"}');

/* ---- Lists that are looked up ----------------------------------------------- */

CREATE TABLE item_class (
	code text PRIMARY KEY,
	module text NOT NULL CHECK (module IN ('governance', 'public_service', 'emergency')),
	name text NOT NULL
);
SELECT describe_table('item_class', 'classes of matters that grid members report', '{
	"code": "its code",
	"module": "governance, public_service or emergency",
	"name": "its name"}');

CREATE TABLE item (
	code text PRIMARY KEY,
	class text NOT NULL REFERENCES item_class,
	name text NOT NULL,
	risk risk_level NOT NULL,
	department integer REFERENCES department,
	working_days integer CHECK (working_days > 0)
);
CREATE INDEX ON item (class);
CREATE INDEX ON item (department);
SELECT describe_table('item', 'matters that grid members report', '{
	"code": "its code",
	"class": "its class",
	"name": "its name",
	"risk": "risk that a dispute raised from it begins with",
	"department": "department that it goes to",
	"working_days": "working days in which it is dealt with"}');

CREATE TABLE tag (
	tag text PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('person', 'place', 'thing', 'event', 'organisation')),
	label text NOT NULL
);
SELECT describe_table('tag', 'dictionary of tags on elements', '{
	"tag": "the tag",
	"kind": "kind of element that bears it",
	"label": "what people read"}');

CREATE TABLE risk_level_region (
	risk risk_level PRIMARY KEY,
	lowest_level smallint NOT NULL CHECK (lowest_level BETWEEN 1 AND 4)
);
INSERT INTO risk_level_region VALUES ('red', 2), ('yellow', 3), ('blue', 4);
SELECT describe_table('risk_level_region', 'graded control: who may hold a case of a risk', '{
	"risk": "the risk",
	"lowest_level": "lowest level of region that may hold such a case and supply its leader"}');

CREATE TABLE calendar (
	day date PRIMARY KEY,
	working boolean NOT NULL,
	working_no integer NOT NULL CHECK (working_no >= 0)
);
CREATE UNIQUE INDEX ON calendar (working_no) WHERE working;
SELECT describe_table('calendar', 'working days', '{
	"day": "the day",
	"working": "whether it is a working day",
	"working_no": "number of the working day; another day carries the number before"}');

CREATE TABLE deadline_rule (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	subject text NOT NULL CHECK (subject IN ('petition', 'dispute')),
	step text NOT NULL,
	amount integer NOT NULL CHECK (amount > 0),
	unit text NOT NULL CHECK (unit IN ('days', 'working_days', 'months')),
	extend_by integer CHECK (extend_by > 0),
	source text NOT NULL,
	UNIQUE (subject, step)
);
INSERT INTO deadline_rule (subject, step, amount, unit, extend_by, source) VALUES
	('petition', 'accept', 15, 'days', NULL, 'Regulations on Petition Work (2022)'),
	('petition', 'answer', 60, 'days', 30, 'Regulations on Petition Work (2022)'),
	('petition', 'review', 30, 'days', NULL, 'Regulations on Petition Work (2022)'),
	('dispute', 'mediate', 1, 'months', NULL, 'Provisions on the Work of People''s Mediation (2002)');
SELECT describe_table('deadline_rule', 'terms that the law sets', '{
	"id": "number",
	"subject": "petition or dispute",
	"step": "what has to be done in the term",
	"amount": "how long",
	"unit": "days, working_days or months",
	"extend_by": "by how much it can be extended, with an approval and a reason",
	"source": "where this is laid down"}');

CREATE TABLE unit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL,
	region text COLLATE "C" NOT NULL REFERENCES region,
	name text NOT NULL
);
CREATE INDEX ON unit (region);
SELECT describe_table('unit', 'schools, works and other units that are counted apart', '{
	"id": "number",
	"kind": "what it is",
	"region": "where it lies",
	"name": "its name"}');

/* ---- Elements --------------------------------------------------------------- */

CREATE TABLE element (
	source_department integer REFERENCES department,
	source_key text COLLATE "C",
	kind text NOT NULL CHECK (kind IN ('person', 'place', 'thing', 'event', 'organisation')),
	region text COLLATE "C" NOT NULL REFERENCES region,
	tags text[] NOT NULL DEFAULT '{}',
	person_digest bytea,
	recorded_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (source_department, source_key)
);
CREATE INDEX ON element (region);
CREATE INDEX ON element USING gin (tags);
CREATE INDEX ON element (person_digest) WHERE person_digest IS NOT NULL;
SELECT describe_table('element', 'base records of departments: persons, places, things, events, organisations', '{
	"source_department": "department that it comes from",
	"source_key": "what that department calls it by",
	"kind": "person, place, thing, event or organisation",
	"region": "where it belongs",
	"tags": "its tags, from the dictionary",
	"person_digest": "keyed digest of who it is about",
	"recorded_at": "when an import last made or changed it"}');

CREATE TABLE element_detail (
	source_department integer,
	source_key text COLLATE "C",
	name text,
	detail jsonb,
	PRIMARY KEY (source_department, source_key),
	FOREIGN KEY (source_department, source_key) REFERENCES element
);
SELECT describe_table('element_detail', 'personal: what a base record says', '{
	"source_department": "department that it comes from",
	"source_key": "what that department calls it by",
	"name": "name of the person, place or thing",
	"detail": "whatever else the department sends"}');

CREATE TABLE import_run (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	department integer NOT NULL REFERENCES department,
	account text NOT NULL REFERENCES account,
	at timestamptz NOT NULL DEFAULT now(),
	new bigint NOT NULL DEFAULT 0 CHECK (new >= 0),
	changed bigint NOT NULL DEFAULT 0 CHECK (changed >= 0),
	unchanged bigint NOT NULL DEFAULT 0 CHECK (unchanged >= 0),
	rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
	done_at timestamptz
);
CREATE INDEX ON import_run (department);
CREATE INDEX ON import_run (account);
SELECT describe_table('import_run', 'imports of base records', '{
	"id": "number",
	"department": "department whose records they were",
	"account": "importer",
	"at": "when it was started",
	"new": "records that were new",
	"changed": "records that replaced another",
	"unchanged": "records that were there as they are",
	"rejected": "lines that were refused, those that a later line of the file replaces among them",
	"done_at": "when the records were taken over; null: they are still being staged"}');

CREATE TABLE import_reject (
	run bigint REFERENCES import_run,
	line bigint,
	reason text NOT NULL,
	raw jsonb,
	PRIMARY KEY (run, line)
);
SELECT describe_table('import_reject', 'personal: records that an import refused', '{
	"run": "the import",
	"line": "row of the file, in the order in which rows came in; a header does not count",
	"reason": "why it was refused",
	"raw": "what it said, the number of a person left out"}');

/* ---- Disputes --------------------------------------------------------------- */

CREATE TABLE dispute (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	region text COLLATE "C" NOT NULL REFERENCES region,
	place_region text COLLATE "C" NOT NULL REFERENCES region,
	grid text COLLATE "C",
	grid_version bigint,
	state case_state NOT NULL DEFAULT 'collected',
	risk risk_level NOT NULL,
	difficult boolean NOT NULL DEFAULT false,
	responsible text REFERENCES account,
	leader text REFERENCES account,
	centre text COLLATE "C" REFERENCES centre,
	found_by text NOT NULL CHECK (found_by IN ('patrol', 'sweep', 'window', 'hotline', 'police',
		'petition', 'department')),
	grounds text[] CHECK (grounds <@ ARRAY['grave', 'long_standing', 'high_risk']),
	situation text CHECK (situation IN ('family_conflict', 'domestic_violence', 'divorce', 'affair',
		'bride_price', 'after_punishment')),
	theme text CHECK (theme IN ('emotion', 'family', 'neighbours', 'debt', 'property_management',
		'disaster')),
	item text REFERENCES item,
	reason text,
	reported_at timestamptz NOT NULL DEFAULT now(),
	open_work integer NOT NULL DEFAULT 0 CHECK (open_work >= 0),
	departments integer[] NOT NULL DEFAULT '{}',
	duplicate_of bigint REFERENCES dispute CHECK (duplicate_of <> id),
	hold boolean NOT NULL DEFAULT false,
	purged_at timestamptz,
	CONSTRAINT dispute_red_has_grounds CHECK (risk <> 'red' OR coalesce(cardinality(grounds), 0) > 0),
	CONSTRAINT dispute_duplicate_is_voided CHECK (duplicate_of IS NULL OR state = 'voided')
);
CREATE INDEX ON dispute (region);
CREATE INDEX ON dispute (place_region);
CREATE INDEX ON dispute (grid);
CREATE INDEX ON dispute (responsible);
CREATE INDEX ON dispute (leader);
CREATE INDEX ON dispute (centre);
CREATE INDEX ON dispute (item);
CREATE INDEX ON dispute (reported_at);
CREATE INDEX ON dispute (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX ON dispute USING gin (departments);
SELECT create_follow_ups('dispute', 'follow_up');
SELECT describe_table('dispute', 'disputes, from report to closing', '{
	"id": "number",
	"region": "region that holds the case",
	"place_region": "region where the dispute is",
	"grid": "grid where the dispute is, as it was then",
	"grid_version": "version of that grid",
	"state": "where the case is in the closed loop",
	"risk": "its risk",
	"difficult": "needs a leader whatever its risk",
	"responsible": "account that is responsible",
	"leader": "account of the leader who stands for it",
	"centre": "centre that leads joint work",
	"found_by": "how it came to light: patrol, sweep, window, hotline, police, petition or department",
	"grounds": "why it is red: grave, long_standing, high_risk",
	"situation": "which of the serious family and neighbour disputes it is",
	"theme": "which of the themes of prevention it belongs to",
	"item": "what it was reported as",
	"reason": "why the last change was made, where a move asks for it",
	"reported_at": "when it was reported",
	"open_work": "assignments not yet done; kept by the functions that change them",
	"departments": "departments that have it or had it; kept by the functions that assign it",
	"duplicate_of": "case that stays, where this one was a second entry of it",
	"hold": "not to be purged",
	"purged_at": "when what is personal was erased"}');

CREATE TABLE dispute_detail (
	dispute bigint PRIMARY KEY REFERENCES dispute,
	title text,
	narrative text,
	place @postgis@.geometry(Point, @srid@)
);
CREATE INDEX ON dispute_detail USING gist (place);
SELECT describe_table('dispute_detail', 'personal: what a dispute is about', '{
	"dispute": "the dispute",
	"title": "what it is called",
	"narrative": "what happened",
	"place": "where exactly"}');

CREATE TABLE dispute_party (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	role text NOT NULL,
	name text,
	phone text,
	person_digest bytea
);
CREATE INDEX ON dispute_party (dispute);
CREATE INDEX ON dispute_party (person_digest) WHERE person_digest IS NOT NULL;
SELECT describe_table('dispute_party', 'personal: parties to a dispute', '{
	"id": "number",
	"dispute": "the dispute",
	"role": "what the person is to it",
	"name": "the person''s name",
	"phone": "where to reach them",
	"person_digest": "keyed digest of who it is"}');

CREATE TABLE assignment (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	department integer NOT NULL REFERENCES department,
	leads boolean NOT NULL,
	state text NOT NULL DEFAULT 'offered'
		CHECK (state IN ('offered', 'accepted', 'returned', 'done', 'revoked')),
	account text REFERENCES account,
	offered_at timestamptz NOT NULL DEFAULT now(),
	answer_by timestamptz NOT NULL,
	answered_at timestamptz,
	done_by date,
	ended_at timestamptz,
	reason text,
	CHECK ((state IN ('offered', 'accepted')) = (ended_at IS NULL))
);
CREATE INDEX ON assignment (dispute);
CREATE INDEX ON assignment (department, state);
CREATE INDEX ON assignment (account);
CREATE INDEX ON assignment (answer_by) WHERE state = 'offered';
CREATE INDEX ON assignment (done_by) WHERE state IN ('offered', 'accepted');
CREATE UNIQUE INDEX assignment_one_live_per_department ON assignment (dispute, department)
	WHERE state IN ('offered', 'accepted');
CREATE UNIQUE INDEX assignment_one_live_leading ON assignment (dispute)
	WHERE leads AND state IN ('offered', 'accepted');
SELECT describe_table('assignment', 'disputes given to departments', '{
	"id": "number",
	"dispute": "the dispute",
	"department": "the department",
	"leads": "whether this department leads",
	"state": "offered, accepted, returned, done or revoked",
	"account": "officer who answered last",
	"offered_at": "when it was offered",
	"answer_by": "until when an answer is due",
	"answered_at": "when it was accepted or returned",
	"done_by": "until when the work is due",
	"ended_at": "when it was returned, done or revoked",
	"reason": "why it was returned or revoked"}');

CREATE TABLE agreement (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	method text NOT NULL,
	signed_on date NOT NULL,
	perform_by date CHECK (perform_by >= signed_on),
	performed_on date CHECK (performed_on >= signed_on),
	court_confirmed_on date CHECK (court_confirmed_on >= signed_on)
);
CREATE INDEX ON agreement (dispute);
SELECT describe_table('agreement', 'what parties agreed on', '{
	"id": "number",
	"dispute": "the dispute",
	"method": "how it was reached",
	"signed_on": "day on which it was signed",
	"perform_by": "until when it is to be performed",
	"performed_on": "day on which it was",
	"court_confirmed_on": "day on which a court confirmed it"}');

CREATE TABLE agreement_detail (
	agreement bigint PRIMARY KEY REFERENCES agreement,
	terms text
);
SELECT describe_table('agreement_detail', 'personal: terms of an agreement', '{
	"agreement": "the agreement",
	"terms": "what was agreed"}');

CREATE TABLE conference (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL,
	centre text COLLATE "C" NOT NULL REFERENCES centre,
	held_at timestamptz NOT NULL,
	link_seq bigint NOT NULL,
	FOREIGN KEY (dispute) REFERENCES dispute,
	FOREIGN KEY (dispute, link_seq) REFERENCES follow_up (id, seq)
);
CREATE INDEX ON conference (dispute, link_seq);
CREATE INDEX ON conference (centre);
SELECT describe_table('conference', 'conferences of several departments on one dispute', '{
	"id": "number",
	"dispute": "the dispute",
	"centre": "centre that called it",
	"held_at": "when it was held",
	"link_seq": "link on the chain that records it"}');

CREATE TABLE conference_member (
	conference bigint REFERENCES conference,
	department integer REFERENCES department,
	PRIMARY KEY (conference, department)
);
CREATE INDEX ON conference_member (department);
SELECT describe_table('conference_member', 'departments that took part in a conference', '{
	"conference": "the conference",
	"department": "the department"}');

CREATE TABLE conference_action (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	conference bigint NOT NULL REFERENCES conference,
	department integer NOT NULL REFERENCES department,
	due date NOT NULL,
	done_on date
);
CREATE INDEX ON conference_action (conference);
CREATE INDEX ON conference_action (department) WHERE done_on IS NULL;
SELECT describe_table('conference_action', 'what a conference gave departments to do', '{
	"id": "number",
	"conference": "the conference",
	"department": "department that does it",
	"due": "until when",
	"done_on": "day on which it was done"}');

CREATE TABLE conference_detail (
	conference bigint PRIMARY KEY REFERENCES conference,
	decision text
);
SELECT describe_table('conference_detail', 'personal: what a conference decided', '{
	"conference": "the conference",
	"decision": "what was decided"}');

CREATE TABLE campaign (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL,
	region text COLLATE "C" REFERENCES region,
	period daterange NOT NULL CHECK (NOT isempty(period))
);
CREATE INDEX ON campaign (region);
SELECT describe_table('campaign', 'priority problems that are worked on jointly', '{
	"id": "number",
	"name": "its name",
	"region": "where; null: in the whole city",
	"period": "when"}');

CREATE TABLE campaign_dispute (
	campaign bigint REFERENCES campaign,
	dispute bigint REFERENCES dispute,
	PRIMARY KEY (campaign, dispute)
);
CREATE INDEX ON campaign_dispute (dispute);
SELECT describe_table('campaign_dispute', 'disputes that belong to a campaign', '{
	"campaign": "the campaign",
	"dispute": "the dispute"}');

/* ---- Matters ---------------------------------------------------------------- */

CREATE TABLE matter (
	id uuid PRIMARY KEY,
	item text NOT NULL REFERENCES item,
	region text COLLATE "C" NOT NULL REFERENCES region,
	grid text COLLATE "C",
	member text REFERENCES account,
	state case_state NOT NULL DEFAULT 'collected',
	reported_at timestamptz NOT NULL,
	received_at timestamptz NOT NULL DEFAULT now(),
	salt bytea,
	digest bytea,
	reason text,
	dispute bigint UNIQUE REFERENCES dispute,
	changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON matter (item);
CREATE INDEX ON matter (region);
CREATE INDEX ON matter (grid);
CREATE INDEX ON matter (member);
CREATE INDEX ON matter (reported_at);
SELECT describe_table('matter', 'what grid members report', '{
	"id": "chosen by the telephone, so that sending twice enters once",
	"item": "what it is",
	"region": "where",
	"grid": "grid that it lies in, as it was when reported",
	"member": "account that reported it",
	"state": "where it is in the short loop",
	"reported_at": "when it was reported, by the telephone",
	"received_at": "when it came in, by the server",
	"salt": "random bytes that are hashed with what was sent",
	"digest": "hash of salt and what was sent",
	"reason": "why the last change was made, where a move asks for it",
	"dispute": "dispute that it was raised to",
	"changed_at": "when it came into its state, by the server"}');

CREATE TABLE matter_detail (
	matter uuid PRIMARY KEY REFERENCES matter,
	content text,
	place @postgis@.geometry(Point, @srid@),
	reporter text
);
CREATE INDEX ON matter_detail USING gist (place);
SELECT describe_table('matter_detail', 'personal: what was reported', '{
	"matter": "the matter",
	"content": "what was seen",
	"place": "where exactly",
	"reporter": "who told the member"}');

/* ---- Petitions and incidents ------------------------------------------------ */

CREATE TABLE petition (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	received_on date NOT NULL,
	region text COLLATE "C" NOT NULL REFERENCES region,
	unit bigint REFERENCES unit,
	dispute bigint REFERENCES dispute,
	heads integer NOT NULL CHECK (heads >= 1),
	resolvable boolean NOT NULL,
	repeat_of bigint REFERENCES petition CHECK (repeat_of <> id)
);
CREATE INDEX ON petition (region);
CREATE INDEX ON petition (received_on);
CREATE INDEX ON petition (unit);
CREATE INDEX ON petition (dispute);
CREATE INDEX ON petition (repeat_of) WHERE repeat_of IS NOT NULL;
SELECT describe_table('petition', 'petitions, one row a batch', '{
	"id": "number",
	"received_on": "day on which it came in",
	"region": "region that it concerns",
	"unit": "school, works or other unit that it concerns",
	"dispute": "dispute that it is about",
	"heads": "how many came",
	"resolvable": "whether that region could have resolved it",
	"repeat_of": "first petition of the series that this one repeats: some of the same petitioners on the same matter; fixed when it is entered"}');

CREATE TABLE petition_person (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	petition bigint NOT NULL REFERENCES petition,
	principal boolean NOT NULL,
	name text,
	person_digest bytea
);
CREATE INDEX ON petition_person (petition);
CREATE INDEX ON petition_person (person_digest) WHERE person_digest IS NOT NULL;
SELECT describe_table('petition_person', 'personal: petitioners', '{
	"id": "number",
	"petition": "the petition",
	"principal": "one of those who speak for the others",
	"name": "the person''s name",
	"person_digest": "keyed digest of who it is"}');

CREATE TABLE incident (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('criminal', 'homicide', 'public_order', 'accident')),
	happened_on date NOT NULL,
	filed_on date NOT NULL CHECK (filed_on >= happened_on),
	region text COLLATE "C" NOT NULL REFERENCES region,
	unit bigint REFERENCES unit,
	dispute bigint REFERENCES dispute,
	casualties integer NOT NULL DEFAULT 0 CHECK (casualties >= 0),
	grave boolean NOT NULL DEFAULT false
);
CREATE INDEX ON incident (region);
CREATE INDEX ON incident (happened_on);
CREATE INDEX ON incident (filed_on);
CREATE INDEX ON incident (unit);
CREATE INDEX ON incident (dispute);
SELECT describe_table('incident', 'criminal and public-order cases and accidents', '{
	"id": "number",
	"kind": "criminal, homicide (one of the criminal cases), public_order or accident",
	"happened_on": "day on which it happened",
	"filed_on": "day on which it was filed",
	"region": "where",
	"unit": "school, works or other unit where it happened",
	"dispute": "dispute that it grew from",
	"casualties": "dead and injured",
	"grave": "a grave case"}');

/* ---- Terms, points, notices, attachments ------------------------------------ */

CREATE TABLE deadline (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rule bigint NOT NULL REFERENCES deadline_rule,
	petition bigint REFERENCES petition,
	dispute bigint REFERENCES dispute,
	started_on date,
	started_by text REFERENCES account,
	due date NOT NULL,
	extended_to date CHECK (extended_to > due),
	approved_by text REFERENCES account,
	reason text,
	met_on date,
	CHECK (num_nonnulls(petition, dispute) = 1),
	CHECK (started_on <= due),
	CONSTRAINT deadline_extension_is_approved
		CHECK (extended_to IS NULL OR approved_by IS NOT NULL AND reason IS NOT NULL)
);
CREATE INDEX ON deadline (rule);
CREATE INDEX ON deadline (petition);
CREATE INDEX ON deadline (dispute);
CREATE INDEX ON deadline (started_by);
CREATE INDEX ON deadline (approved_by);
CREATE INDEX ON deadline ((coalesce(extended_to, due))) WHERE met_on IS NULL;
CREATE UNIQUE INDEX deadline_one_running_of_petition ON deadline (petition, rule) WHERE met_on IS NULL;
CREATE UNIQUE INDEX deadline_one_running_of_dispute ON deadline (dispute, rule) WHERE met_on IS NULL;
SELECT describe_table('deadline', 'terms that run', '{
	"id": "number",
	"rule": "rule that sets it",
	"petition": "petition that it is for",
	"dispute": "dispute that it is for",
	"started_on": "day from which it is counted; null: not known",
	"started_by": "account whose doing started it; null: nobody known",
	"due": "last day",
	"extended_to": "last day after an extension",
	"approved_by": "account that approved the extension",
	"reason": "why it was extended",
	"met_on": "day on which it was met"}');

CREATE TABLE score (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	account text NOT NULL REFERENCES account,
	points integer NOT NULL
);
CREATE INDEX ON score (dispute);
CREATE INDEX ON score (account);
SELECT describe_table('score', 'points given for work on a dispute', '{
	"id": "number",
	"dispute": "the dispute",
	"account": "who worked",
	"points": "how many"}');

CREATE TABLE notice (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account text NOT NULL REFERENCES account,
	kind text NOT NULL,
	dispute bigint REFERENCES dispute,
	matter uuid REFERENCES matter,
	deadline bigint REFERENCES deadline,
	at timestamptz NOT NULL DEFAULT now(),
	read_at timestamptz
);
CREATE INDEX ON notice (account) WHERE read_at IS NULL;
CREATE INDEX ON notice (read_at) WHERE read_at IS NOT NULL;
CREATE INDEX ON notice (dispute);
CREATE INDEX ON notice (matter);
CREATE INDEX ON notice (deadline);
SELECT describe_table('notice', 'what accounts are told, one row an account', '{
	"id": "number; ids commit out of order, so unread ones are found by read_at",
	"account": "who is told",
	"kind": "what it is about",
	"dispute": "dispute that it is about",
	"matter": "matter that it is about",
	"deadline": "term that it is about",
	"at": "when it was written",
	"read_at": "when it was read"}');

CREATE TABLE attachment (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	dispute bigint NOT NULL REFERENCES dispute,
	uri text,
	sha256 bytea CHECK (octet_length(sha256) = 32),
	CHECK ((uri IS NULL) = (sha256 IS NULL))
);
CREATE INDEX ON attachment (dispute);
SELECT describe_table('attachment', 'personal: files that belong to a dispute, kept elsewhere', '{
	"id": "number",
	"dispute": "the dispute",
	"uri": "where the file is; null once purged",
	"sha256": "digest of the file; null once purged"}');
$script$);
