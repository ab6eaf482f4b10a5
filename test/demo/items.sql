-- What members report: three modules, 55 classes, 338 items, each with the
-- department that it goes to.  The city's own list is not public; here classes
-- have made names and items are numbered.
CREATE TEMPORARY TABLE class (module, department, risk, names) AS VALUES
	('governance', 2, 'yellow', '{邻里纠纷,家庭纠纷,婚恋纠纷,土地纠纷,债务纠纷,劳资纠纷,物业纠纷,医患纠纷,征地拆迁,村务争议}'::text[]),
	('governance', 1, 'red', '{扬言报复,聚众滋事,涉黑涉恶,非法集资}'),
	('governance', 1, 'yellow', '{治安隐患,盗窃线索,诈骗线索,赌博线索,毒品线索,传销线索,特殊人群,流动人口,出租房屋,群防群治,校园周边}'),
	('public_service', 3, 'blue', '{低保救助,养老服务,残疾服务,留守儿童,殡葬管理,社区服务}'),
	('public_service', 9, 'blue', '{就业服务,社会保险}'),
	('public_service', 7, 'blue', '{公共卫生,计划生育}'),
	('public_service', 10, 'blue', '{市容环境,道路设施,供水供电,危旧房屋,违章建筑}'),
	('public_service', 12, 'blue', '{农业服务,人居环境,秸秆禁烧,河道管理}'),
	('emergency', 13, 'yellow', '{安全生产,消防隐患,自然灾害,危险物品,燃气安全,水上安全}'),
	('emergency', 14, 'blue', '{食品安全,药品安全,特种设备}'),
	('emergency', 7, 'yellow', '{疫情防控,突发疾病}');

CREATE TEMPORARY TABLE numbered_class AS
	SELECT lpad(row_number() OVER (ORDER BY c.ctid, n)::text, 2, '0') AS code, module, department, risk, name
	FROM class AS c, unnest(names) WITH ORDINALITY AS u (name, n);
INSERT INTO item_class (code, module, name) SELECT code, module, name FROM numbered_class ORDER BY code;
-- Six items a class, and seven in the first eight.
INSERT INTO item (code, class, name, risk, department, working_days)
	SELECT c.code || lpad(i::text, 2, '0'), c.code, format('%s(%s)', c.name, i), c.risk::risk_level, department.id,
		CASE module WHEN 'emergency' THEN 1 WHEN 'governance' THEN 3 ELSE 5 END
	FROM numbered_class AS c
		CROSS JOIN generate_series(1, CASE WHEN c.code <= '08' THEN 7 ELSE 6 END) AS i
		JOIN bureau ON bureau.n = c.department
		JOIN department ON department.name = bureau.name AND region = '411600000000'
	ORDER BY 1;

-- What elements are tagged with.
INSERT INTO tag (tag, kind, label) VALUES
	('resident', 'person', '常住人口'), ('migrant', 'person', '流动人口'), ('left_behind', 'person', '留守人员'),
	('disabled', 'person', '残疾人'), ('released', 'person', '刑满释放'), ('in_correction', 'person', '社区矫正'),
	('mental_illness', 'person', '精神障碍'), ('petitioner', 'person', '信访人员'), ('low_income', 'person', '低保对象'),
	('pupil', 'person', '学生'), ('insured', 'person', '参保人员'),
	('house', 'place', '房屋'), ('rented', 'place', '出租房屋'), ('unsafe', 'place', '危房'),
	('market', 'place', '集贸市场'), ('farmland', 'place', '耕地'), ('water', 'place', '水域'),
	('vehicle', 'thing', '车辆'), ('lift', 'thing', '电梯'), ('camera', 'thing', '摄像头'), ('gas', 'thing', '燃气设施'),
	('lawsuit', 'event', '诉讼'), ('inspection', 'event', '检查'), ('complaint', 'event', '投诉'),
	('company', 'organisation', '企业'), ('school', 'organisation', '学校'), ('clinic', 'organisation', '诊所'),
	('association', 'organisation', '社会组织');

ANALYZE item_class, item, tag;
SELECT (SELECT count(*) FROM item_class) AS classes, (SELECT count(*) FROM item) AS items,
	(SELECT count(*) FROM tag) AS tags \gset
\echo '  ' :items 'items in' :classes 'classes;' :tags 'tags'
