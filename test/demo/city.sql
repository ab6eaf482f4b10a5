-- What members report, and how disputes come to light.
\pset border 2
\pset linestyle unicode
\pset footer off
\pset pager off
\pset null ''

\pset title 'What members reported in the year  网格员上报事项'
SELECT coalesce(module, 'all') AS "module", CASE module WHEN 'governance' THEN '综合治理' WHEN 'public_service' THEN '公共服务'
		WHEN 'emergency' THEN '应急管理' ELSE '合计' END AS "模块",
	count(DISTINCT class) AS "classes 大类", count(DISTINCT item) AS "items 小项", count(*) AS "matters 事项",
	count(*) FILTER (WHERE state = 'closed') AS "closed 办结", count(dispute) AS "disputes 转纠纷",
	count(*) FILTER (WHERE is_open(state)) AS "open 在办"
FROM matter JOIN item ON item.code = item JOIN item_class ON item_class.code = class
GROUP BY ROLLUP (module)
ORDER BY item_class.module NULLS LAST;

\pset title 'How disputes came to light  发现方式'
SELECT found_by AS "found by", CASE found_by WHEN 'patrol' THEN '网格巡查' WHEN 'sweep' THEN '集中排查' WHEN 'window' THEN '窗口受理'
		WHEN 'hotline' THEN '热线' WHEN 'police' THEN '警情' WHEN 'petition' THEN '信访' ELSE '部门' END AS "途径",
	count(*) AS "disputes 纠纷", percent(count(*)::float8 / sum(count(*)) OVER (), 1) AS "share 占比",
	percent(resolution_rate(state), 1) AS "rate 调成率"
FROM dispute
GROUP BY found_by
ORDER BY count(*) DESC, found_by;

\pset title 'Petitions by year  信访'
SELECT extract(year FROM received_on) AS "year 年", count(*) AS "batches 批次", sum(heads) AS "person-times 人次",
	count(repeat_of) AS "repeated 重复"
FROM petition
GROUP BY 1
ORDER BY 1;
\pset title
