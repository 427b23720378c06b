-- What a person asks. Made anew with every migration; nothing is kept in them.

CREATE VIEW session_days AS
SELECT epoch, @date(date_days) AS day, date_days, opened_wall_ns, complete_ns, closed_ns,
       config_sha256, instruments_sha256
FROM sessions;

CREATE VIEW orders AS
SELECT t.cl_ord_id, d.day, t.ts_ns, t.epoch,
       COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol, w.name AS gateway,
       t.side, t.tif, t.ord_type,
       @9(t.px_e9) AS px, @8(t.qty_e8) AS qty,
       @8(COALESCE(s.cum_qty_e8, 0)) AS cum_qty,
       @8(CASE WHEN s.accepted_ns IS NULL AND p.base IN
                    ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'VOIDED') THEN 0
               ELSE COALESCE(s.leaves_qty_e8, CASE WHEN s.base IS NULL THEN t.qty_e8 ELSE 0 END)
               END) AS leaves_qty,
       -- A replace that nobody answered, of an order that has ended: there is nothing to replace.
       CASE WHEN s.accepted_ns IS NULL AND p.base IN
                 ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'VOIDED') THEN 'LAPSED'
            WHEN EXISTS (SELECT 1 FROM order_terms n JOIN order_states m ON m.cl_ord_id = n.cl_ord_id
                         WHERE n.orig_cl_ord_id = t.cl_ord_id AND m.accepted_ns IS NOT NULL)
            THEN 'REPLACED' ELSE COALESCE(s.base, 'APPROVED') END AS state,
       s.venue_ord_id, t.orig_cl_ord_id, t.parent_cl_ord_id, s.accepted_ns, s.cancel_asked_ns,
       s.updated_ns, t.limit_version
FROM order_terms t
LEFT JOIN order_states s ON s.cl_ord_id = t.cl_ord_id
LEFT JOIN order_states p ON p.cl_ord_id = t.orig_cl_ord_id
LEFT JOIN session_days d ON d.epoch = t.epoch
LEFT JOIN strategies g ON g.config_sha256 = d.config_sha256 AND g.id = t.strategy
LEFT JOIN accounts a ON a.config_sha256 = d.config_sha256 AND a.id = t.account
LEFT JOIN gateways w ON w.config_sha256 = d.config_sha256 AND w.id = t.gateway
LEFT JOIN instruments i ON i.instruments_sha256 = d.instruments_sha256 AND i.id = t.instrument;

CREATE VIEW fills AS
SELECT d.day, e.ts_ns, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       @8(e.qty_e8) AS qty, @9(e.px_e9) AS px, @8(e.position_e8) AS position,
       e.event, e.liquidity, e.cl_ord_id, e.exec_id, e.venue_seq, e.epoch, e.lane, e.seq
FROM executions e
LEFT JOIN session_days d ON d.epoch = e.epoch
LEFT JOIN strategies g ON g.config_sha256 = d.config_sha256 AND g.id = e.strategy
LEFT JOIN accounts a ON a.config_sha256 = d.config_sha256 AND a.id = e.account
LEFT JOIN instruments i ON i.instruments_sha256 = d.instruments_sha256 AND i.id = e.instrument;

CREATE VIEW positions AS
SELECT p.epoch, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       a.currency, @8(p.position_e8) AS position, @6(p.cost_e6) AS cost,
       @6(p.realised_e6) AS realised, @6(p.fees_e6) AS fees, p.updated_ns
FROM position_states p
JOIN session_days d ON d.epoch = p.epoch
LEFT JOIN strategies g ON g.config_sha256 = d.config_sha256 AND g.id = p.strategy
LEFT JOIN accounts a ON a.config_sha256 = d.config_sha256 AND a.id = p.account
LEFT JOIN instruments i ON i.instruments_sha256 = d.instruments_sha256 AND i.id = p.instrument
WHERE p.epoch = (SELECT MAX(epoch) FROM sessions WHERE complete_ns IS NOT NULL);

CREATE VIEW pnl_by_day AS
SELECT d.day, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       a.currency, @8(p.position_e8) AS position, @6(p.realised_e6) AS realised,
       @6(p.fees_e6) AS fees, @6(p.realised_e6 - p.fees_e6) AS net, p.realised_e6, p.fees_e6
FROM position_states p
JOIN session_days d ON d.epoch = p.epoch
LEFT JOIN strategies g ON g.config_sha256 = d.config_sha256 AND g.id = p.strategy
LEFT JOIN accounts a ON a.config_sha256 = d.config_sha256 AND a.id = p.account
LEFT JOIN instruments i ON i.instruments_sha256 = d.instruments_sha256 AND i.id = p.instrument
WHERE NOT EXISTS (
    SELECT 1 FROM position_states q
    JOIN sessions e ON e.epoch = q.epoch
    WHERE q.strategy = p.strategy AND q.instrument = p.instrument AND q.epoch > p.epoch
      AND e.date_days = d.date_days);

CREATE VIEW refusals_by_reason AS
SELECT d.day, COALESCE(g.name, 'operator') AS strategy, r.reason, COUNT(*) AS refusals
FROM refusals r
LEFT JOIN session_days d ON d.epoch = r.epoch
LEFT JOIN strategies g ON g.config_sha256 = d.config_sha256 AND g.id = r.strategy
GROUP BY d.day, COALESCE(g.name, 'operator'), r.reason;

CREATE VIEW audit AS
SELECT a.number, d.day, a.ts_ns, a.kind, c.op, c.refused, c.uid, c.pid, c.body AS words,
       a.epoch, a.seq, a.hash
FROM audit_chain a
LEFT JOIN session_days d ON d.epoch = a.epoch
LEFT JOIN commands c ON c.epoch = a.epoch AND c.lane = 0 AND c.seq = a.seq;
