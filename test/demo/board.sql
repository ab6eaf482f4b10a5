-- The board of the city on the last evening of its year.

\pset title 'Where the disputes are  矛盾纠纷: 阶段与风险'
SELECT coalesce(state::text, 'all') AS "state", coalesce(label(state, 'zh'), '合计') AS "阶段",
	count(*) FILTER (WHERE risk = 'red') AS "red 红",
	count(*) FILTER (WHERE risk = 'yellow') AS "yellow 黄",
	count(*) FILTER (WHERE risk = 'blue') AS "blue 蓝",
	count(*) AS "all 合计"
FROM dispute
GROUP BY ROLLUP (state)
ORDER BY dispute.state NULLS LAST;

\pset title 'Resolution rate by situation  调成率: 六种情形'
SELECT coalesce(situation, 'all') AS "situation", coalesce(chinese, '合计') AS "情形",
	handled(r) AS "handled 受理", resolved(r) AS "resolved 调成",
	transferred(r) AS "transferred 移送", pending(r) AS "open 在办",
	percent(rate(r), 1) AS "rate 调成率"
FROM (SELECT situation, resolution_summary(state) AS r FROM dispute GROUP BY ROLLUP (situation)) AS f
	LEFT JOIN situation USING (situation)
ORDER BY f.situation NULLS LAST;

\pset title 'Resolution rate by county  调成率: 县市区'
SELECT coalesce(english, 'all') AS "county", coalesce(name, '合计') AS "县市区",
	handled(r) AS "handled 受理", resolved(r) AS "resolved 调成",
	transferred(r) AS "transferred 移送", pending(r) AS "open 在办",
	percent(rate(r), 1) AS "rate 调成率"
FROM (
	SELECT left(region, 6) || '000000' AS code, resolution_summary(state) AS r
	FROM dispute GROUP BY ROLLUP (1)
) AS f
	LEFT JOIN region USING (code)
ORDER BY f.code NULLS LAST;

\pset title 'The year in three figures  全年'
SELECT figure AS "figure", chinese AS "指标", counts AS "counts", published AS "published as"
FROM (
	SELECT 1 AS n, 'disputes resolved, of those handled' AS figure, '矛盾纠纷调成率' AS chinese,
		format('%s of %s', to_char(count(*) FILTER (WHERE is_resolved(state)), 'FM99,999'),
			to_char(count(*) FILTER (WHERE is_handled(state)), 'FM99,999')) AS counts,
		percent(resolution_rate(state), 1) AS published
	FROM dispute
	UNION ALL
	SELECT 2, 'criminal cases against the year before', '刑事案件同比',
		format('%s after %s', to_char(count(*) FILTER (WHERE happened_on >= '2021-01-01'), 'FM99,999'),
			to_char(count(*) FILTER (WHERE happened_on < '2021-01-01'), 'FM99,999')),
		percent(year_on_year(happened_on, '[2021-01-01,2022-01-01)'), 2)
	FROM incident WHERE kind IN ('criminal', 'homicide')
	UNION ALL
	SELECT 3, 'homicides against the year before', '命案同比',
		format('%s after %s', count(*) FILTER (WHERE happened_on >= '2021-01-01'),
			count(*) FILTER (WHERE happened_on < '2021-01-01')),
		percent(year_on_year(happened_on, '[2021-01-01,2022-01-01)'), 2)
	FROM incident WHERE kind = 'homicide'
) AS three
ORDER BY n;

\pset title 'What the parties said  群众满意'
SELECT CASE kind WHEN 'feedback' THEN 'when told the result' ELSE 'when looked at again' END AS "asked",
	CASE kind WHEN 'feedback' THEN '反馈' ELSE '回头看' END AS "时机",
	count(*) AS "disputes", count(*) FILTER (WHERE satisfied) AS "satisfied 满意",
	count(*) FILTER (WHERE NOT satisfied) AS "not 不满意",
	percent(avg(satisfied::int)::float8, 1) AS "share 满意率"
FROM (
	-- The last word of each dispute that is resolved.
	SELECT DISTINCT ON (kind, id) kind, satisfied
	FROM follow_up JOIN dispute USING (id)
	WHERE kind IN ('feedback', 'look_back') AND is_resolved(dispute.state)
	ORDER BY kind, id, seq DESC
) AS word
GROUP BY kind
ORDER BY kind;

\pset title 'Turns on the way  曲折'
SELECT turn AS "turn", chinese AS "情况", count(*) AS "times", count(DISTINCT id) AS "disputes"
FROM follow_up, LATERAL (VALUES
	(1, 'raised: it got worse', '升级', from_risk < to_risk AND from_state < 'closed'),
	(2, 'raised to red again', '再次升红', to_risk = 'red' AND from_risk < 'red'
		AND EXISTS (SELECT FROM follow_up AS before WHERE before.id = follow_up.id
			AND before.seq < follow_up.seq AND before.to_risk = 'red')),
	(3, 'result refused by the parties', '返工', from_state = 'fed_back' AND to_state = 'handling'),
	(4, 'result not accepted by the inspector', '督查退回', from_state = 'assessed' AND to_state = 'handling'),
	(5, 'came back after a transfer', '移送退回', from_state = 'transferred' AND to_state = 'handling'),
	(6, 'closed with approval, parties not satisfied', '不满意结案', to_state = 'closed'
		AND EXISTS (SELECT FROM follow_up AS before WHERE before.id = follow_up.id
			AND before.seq = follow_up.seq - 1 AND before.kind = 'approval')),
	(7, 'reopened after closing', '反复', from_state = 'closed' AND to_state = 'handling')
) AS t (n, turn, chinese, found)
WHERE kind = 'transition' AND found
GROUP BY n, turn, chinese
ORDER BY n;

-- Due times are those of the policy's terms; asked at the end of the year.
CREATE VIEW overdue_in_2021 AS
	SELECT dispute.id, english AS county, o.state, o.risk, o.reason, o.last_at, o.due_at, o.overdue_by,
		dispute.responsible
	FROM overdue('dispute', '2022-01-01 00:00+08') AS o
		JOIN dispute ON dispute.id = o.case_key::bigint
		JOIN region ON region.code = left(dispute.region, 6) || '000000';

\pset title 'Overdue follow-ups  逾期跟进'
SELECT reason AS "reason",
	CASE reason WHEN 'contact' THEN 'no contact with the parties in time' ELSE 'stays too long in its state' END AS "meaning",
	count(*) FILTER (WHERE risk = 'red') AS "red 红",
	count(*) FILTER (WHERE risk = 'yellow') AS "yellow 黄",
	count(*) FILTER (WHERE risk = 'blue') AS "blue 蓝", count(*) AS "all 合计"
FROM overdue_in_2021
GROUP BY reason
ORDER BY reason;

\pset title 'The ten that cannot wait  最急的十件'
SELECT id AS "dispute", county AS "county", state AS "state", risk AS "risk", reason AS "reason",
	to_char(last_at, 'MM-DD') AS "last", to_char(due_at, 'MM-DD') AS "due",
	extract(day FROM overdue_by) AS "days late", responsible AS "responsible"
FROM overdue_in_2021
ORDER BY overdue_in_2021.risk DESC, overdue_by DESC, id
LIMIT 10;

\pset title 'The longest chains  最长的跟进链'
WITH chain AS (
	SELECT id, count(*) AS links, count(*) FILTER (WHERE kind = 'transition') AS moves,
		count(*) FILTER (WHERE kind IN ('mediation', 'visit', 'conference', 'look_back')) AS contacts,
		string_agg(to_risk::text, ' ' ORDER BY seq)
			FILTER (WHERE kind = 'registered' OR to_risk <> from_risk) AS colours
	FROM follow_up
	GROUP BY id
), longest AS (
	(SELECT 'most links' AS what, chain.* FROM chain ORDER BY links DESC, id LIMIT 3)
	UNION ALL
	(SELECT 'most moves', chain.* FROM chain ORDER BY moves DESC, id LIMIT 3)
)
SELECT what AS "with", dispute.id AS "dispute", situation AS "situation", dispute.state AS "state",
	links AS "links", moves AS "moves", contacts AS "contacts", colours AS "its colours"
FROM longest JOIN dispute USING (id)
ORDER BY what, CASE what WHEN 'most links' THEN links ELSE moves END DESC, dispute.id;
\pset title
