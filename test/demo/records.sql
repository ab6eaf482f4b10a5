-- What goes with the chains in tables of its own: conferences and agreements.
INSERT INTO conference (dispute, centre, held_at, link_seq)
	SELECT id, left(region, 6) || '000000', happened_at, seq
	FROM follow_up JOIN dispute USING (id)
	WHERE kind = 'conference'
	ORDER BY happened_at, id;
INSERT INTO conference_member (conference, department)
	SELECT conference.id, department.id
	FROM conference JOIN department ON region = centre
	WHERE name IN ('公安局', '司法局', '民政局');
INSERT INTO conference_detail (conference, decision)
	SELECT id, '依法调解，分工跟进' FROM conference;

-- What was settled by talking is signed on the day when the parties heard the result.
INSERT INTO agreement (dispute, method, signed_on, perform_by)
	SELECT id, 'mediation', max(happened_at)::date, max(happened_at)::date + 30
	FROM follow_up JOIN dispute USING (id)
	WHERE kind = 'feedback' AND is_resolved(state)
	GROUP BY id
	ORDER BY 3, id;
INSERT INTO agreement_detail (agreement, terms)
	SELECT id, '双方自愿达成协议' FROM agreement;

ANALYZE conference, conference_member, agreement;
SELECT (SELECT count(*) FROM conference) AS conferences, (SELECT count(*) FROM agreement) AS agreements \gset
\echo '  ' :conferences 'conferences and' :agreements 'agreements'
