-- The city's registry in one call, and who is who in it.
\echo 'Creating the extension and the registry of the city …'

CREATE EXTENSION IF NOT EXISTS govcase CASCADE;
CALL govcase.create_registry('zhoukou');
SET search_path = zhoukou, govcase, public;

-- The registry's tables are ours: a column for those who read no Chinese.
ALTER TABLE region ADD COLUMN english text;

-- The ten counties of Zhoukou with their division codes, and how many
-- townships and streets each has here.  The codes and names of townships are
-- made up.
CREATE TEMPORARY TABLE county (code, name, english, townships, share) AS VALUES
	('411602', '川汇区', 'Chuanhui', 13, 0.07),
	('411603', '淮阳区', 'Huaiyang', 19, 0.12),
	('411621', '扶沟县', 'Fugou', 16, 0.07),
	('411622', '西华县', 'Xihua', 24, 0.08),
	('411623', '商水县', 'Shangshui', 23, 0.10),
	('411624', '沈丘县', 'Shenqiu', 22, 0.11),
	('411625', '郸城县', 'Dancheng', 22, 0.11),
	('411627', '太康县', 'Taikang', 23, 0.13),
	('411628', '鹿邑县', 'Luyi', 24, 0.10),
	('411681', '项城市', 'Xiangcheng', 21, 0.11);

INSERT INTO region (code, code_end, level, parent, name, english)
	VALUES ('411600000000', '411699999999', 1, NULL, '周口市', 'Zhoukou');
INSERT INTO region (code, code_end, level, parent, name, english)
	SELECT code || '000000', code || '999999', 2, '411600000000', name, english FROM county;
INSERT INTO region (code, code_end, level, parent, name, english)
	SELECT format('%s%s000', code, lpad(n::text, 3, '0')), format('%s%s999', code, lpad(n::text, 3, '0')),
		3, code || '000000', format('%s第%s乡镇', name, n), format('%s township %s', english, n)
	FROM county, generate_series(1, townships) AS n;

-- Fifteen departments in the city and in each county, and a justice station in
-- each township.  An offer is answered in three days unless a department has
-- another term.
CREATE TEMPORARY TABLE bureau (n, name, english, answer_within) AS VALUES
	(1, '公安局', 'police', interval '1 day'),
	(2, '司法局', 'justice', NULL),
	(3, '民政局', 'civil affairs', NULL),
	(4, '信访局', 'petitions', NULL),
	(5, '法院', 'court', '5 days'),
	(6, '检察院', 'procuratorate', '5 days'),
	(7, '卫生健康委', 'health', NULL),
	(8, '教育局', 'education', NULL),
	(9, '人力资源社会保障局', 'social security', NULL),
	(10, '住房城乡建设局', 'housing', NULL),
	(11, '自然资源局', 'land', NULL),
	(12, '农业农村局', 'agriculture', NULL),
	(13, '应急管理局', 'emergencies', '1 day'),
	(14, '市场监管局', 'market', NULL),
	(15, '妇联', 'women''s federation', NULL);
INSERT INTO department (region, name, answer_within)
	SELECT code, bureau.name, answer_within FROM region, bureau WHERE level <= 2 ORDER BY code, n;
INSERT INTO department (region, name)
	SELECT code, '司法所' FROM region WHERE level = 3 ORDER BY code;

-- A governance centre in each region down to the townships, with the desks of
-- those departments that sit in it.
INSERT INTO centre (region, name)
	SELECT code, name || '社会治安综合治理中心' FROM region WHERE level <= 3;
INSERT INTO centre_desk (centre, department)
	SELECT region, id FROM department
	WHERE name IN ('公安局', '司法局', '民政局', '信访局', '法院', '妇联', '司法所');

-- Who acts is an account, never a person's name.
CREATE TEMPORARY TABLE post (account, duty, region, department) AS
	SELECT format('%s-%s', what, left(code, 6)), duty, code, NULL::int
	FROM region, (VALUES ('centre', 'centre'), ('window', 'centre'), ('inspector', 'inspector'), ('leader', 'leader'),
		('analyst', 'analyst'), ('admin', 'admin')) AS v (what, duty)
	WHERE level <= 2
	UNION ALL
	SELECT format('%s-%s', duty, left(code, 9)), duty, code, NULL
	FROM region, unnest(ARRAY['centre', 'leader']) AS duty
	WHERE level = 3
	UNION ALL
	SELECT format('officer-%s-%s', left(region, 9), n), 'officer', NULL, id
	FROM department, generate_series(1, 3) AS n
	WHERE name = '司法所'
	UNION ALL
	SELECT format('%s-%s-%s', duty, left(region, 6), bureau.n), duty, NULL, id
	FROM department JOIN bureau USING (name), unnest(ARRAY['officer', 'importer']) AS duty
	WHERE duty = 'officer' OR left(region, 6) = '411600';
INSERT INTO account (id) SELECT account FROM post ORDER BY account;
INSERT INTO account_duty (account, duty, region, department)
	SELECT account, duty, region, department FROM post ORDER BY account;

-- This session says who acts with SET govcase.account, and is believed.
INSERT INTO account_login (db_role, trust) VALUES (session_user, 'vouched');
SET govcase.account = 'admin-411600';

INSERT INTO unit (kind, region, name)
	SELECT 'school', code, name || '中心学校' FROM region WHERE level = 3 ORDER BY code;

ANALYZE region, department, centre, account, account_duty;
SELECT count(*) FILTER (WHERE level = 2) AS counties,
	count(*) FILTER (WHERE level = 3) AS townships FROM region \gset
SELECT count(*) AS tables FROM pg_class WHERE relnamespace = 'zhoukou'::regnamespace AND relkind = 'r' \gset
SELECT count(*) AS departments FROM department \gset
\echo '  ' :counties 'counties,' :townships 'townships,' :departments 'departments in' :tables 'tables; disputes are protected by policy three_colour'
