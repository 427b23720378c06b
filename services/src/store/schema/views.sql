-- What a person asks. Made anew with every migration; nothing is kept in them.

CREATE VIEW session_days AS
SELECT n.name AS engine, s.epoch, @date(s.date_days) AS day, s.date_days, s.opened_wall_ns,
       s.complete_ns, s.closed_ns, s.config_sha256, s.instruments_sha256, s.engine AS engine_id
FROM sessions s
JOIN engines n ON n.id = s.engine;

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
            WHEN EXISTS (SELECT 1 FROM order_terms n JOIN order_states m
                         ON m.engine = n.engine AND m.cl_ord_id = n.cl_ord_id
                         WHERE n.engine = t.engine AND n.orig_cl_ord_id = t.cl_ord_id
                           AND m.accepted_ns IS NOT NULL)
            THEN 'REPLACED' ELSE COALESCE(s.base, 'APPROVED') END AS state,
       s.venue_ord_id, t.orig_cl_ord_id, t.parent_cl_ord_id, s.accepted_ns, s.cancel_asked_ns,
       s.updated_ns, t.limit_version, d.engine, t.engine AS engine_id
FROM order_terms t
LEFT JOIN order_states s ON s.engine = t.engine AND s.cl_ord_id = t.cl_ord_id
LEFT JOIN order_states p ON p.engine = t.engine AND p.cl_ord_id = t.orig_cl_ord_id
LEFT JOIN session_days d ON d.engine_id = t.engine AND d.epoch = t.epoch
LEFT JOIN strategies g ON g.engine = t.engine AND g.config_sha256 = d.config_sha256
                      AND g.id = t.strategy
LEFT JOIN accounts a ON a.engine = t.engine AND a.config_sha256 = d.config_sha256
                    AND a.id = t.account
LEFT JOIN gateways w ON w.engine = t.engine AND w.config_sha256 = d.config_sha256
                    AND w.id = t.gateway
LEFT JOIN instruments i ON i.engine = t.engine AND i.instruments_sha256 = d.instruments_sha256
                       AND i.id = t.instrument;

CREATE VIEW fills AS
SELECT d.day, e.ts_ns, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       @8(e.qty_e8) AS qty, @9(e.px_e9) AS px, @8(e.position_e8) AS position,
       e.event, e.liquidity, e.cl_ord_id, e.exec_id, e.venue_seq, e.epoch, e.lane, e.seq,
       d.engine, e.engine AS engine_id
FROM executions e
LEFT JOIN session_days d ON d.engine_id = e.engine AND d.epoch = e.epoch
LEFT JOIN strategies g ON g.engine = e.engine AND g.config_sha256 = d.config_sha256
                      AND g.id = e.strategy
LEFT JOIN accounts a ON a.engine = e.engine AND a.config_sha256 = d.config_sha256
                    AND a.id = e.account
LEFT JOIN instruments i ON i.engine = e.engine AND i.instruments_sha256 = d.instruments_sha256
                       AND i.id = e.instrument;

-- The last session of each engine that has begun to trade.
CREATE VIEW last_sessions AS
SELECT engine AS engine_id, MAX(epoch) AS epoch
FROM sessions
WHERE complete_ns IS NOT NULL
GROUP BY engine;

CREATE VIEW positions AS
SELECT p.epoch, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       a.currency, @8(p.position_e8) AS position, @6(p.cost_e6) AS cost,
       @6(p.realised_e6) AS realised, @6(p.fees_e6) AS fees, p.updated_ns,
       d.engine, p.engine AS engine_id, i.venue, p.position_e8
FROM position_states p
JOIN last_sessions l ON l.engine_id = p.engine AND l.epoch = p.epoch
JOIN session_days d ON d.engine_id = p.engine AND d.epoch = p.epoch
LEFT JOIN strategies g ON g.engine = p.engine AND g.config_sha256 = d.config_sha256
                      AND g.id = p.strategy
LEFT JOIN accounts a ON a.engine = p.engine AND a.config_sha256 = d.config_sha256
                    AND a.id = p.account
LEFT JOIN instruments i ON i.engine = p.engine AND i.instruments_sha256 = d.instruments_sha256
                       AND i.id = p.instrument;

CREATE VIEW pnl_by_day AS
SELECT d.day, COALESCE(g.name, 'operator') AS strategy, a.name AS account, i.symbol,
       a.currency, @8(p.position_e8) AS position, @6(p.realised_e6) AS realised,
       @6(p.fees_e6) AS fees, @6(p.realised_e6 - p.fees_e6) AS net, p.realised_e6, p.fees_e6,
       d.engine, p.engine AS engine_id
FROM position_states p
JOIN session_days d ON d.engine_id = p.engine AND d.epoch = p.epoch
LEFT JOIN strategies g ON g.engine = p.engine AND g.config_sha256 = d.config_sha256
                      AND g.id = p.strategy
LEFT JOIN accounts a ON a.engine = p.engine AND a.config_sha256 = d.config_sha256
                    AND a.id = p.account
LEFT JOIN instruments i ON i.engine = p.engine AND i.instruments_sha256 = d.instruments_sha256
                       AND i.id = p.instrument
WHERE NOT EXISTS (
    SELECT 1 FROM position_states q
    JOIN sessions e ON e.engine = q.engine AND e.epoch = q.epoch
    WHERE q.engine = p.engine AND q.strategy = p.strategy AND q.instrument = p.instrument
      AND q.epoch > p.epoch AND e.date_days = d.date_days);

CREATE VIEW refusals_by_reason AS
SELECT d.day, COALESCE(g.name, 'operator') AS strategy, r.reason, COUNT(*) AS refusals, d.engine,
       r.engine AS engine_id
FROM refusals r
LEFT JOIN session_days d ON d.engine_id = r.engine AND d.epoch = r.epoch
LEFT JOIN strategies g ON g.engine = r.engine AND g.config_sha256 = d.config_sha256
                      AND g.id = r.strategy
GROUP BY d.day, COALESCE(g.name, 'operator'), r.reason, d.engine, r.engine;

CREATE VIEW audit AS
SELECT a.number, d.day, a.ts_ns, a.kind, c.op, c.refused, c.uid, c.pid, c.body AS words,
       a.epoch, a.seq, a.hash, d.engine, a.engine AS engine_id
FROM audit_chain a
LEFT JOIN session_days d ON d.engine_id = a.engine AND d.epoch = a.epoch
LEFT JOIN commands c ON c.engine = a.engine AND c.epoch = a.epoch AND c.lane = 0 AND c.seq = a.seq;

-- What all engines hold together.
CREATE VIEW desk_positions AS
SELECT account, venue, symbol, currency, @8(CAST(SUM(position_e8) AS BIGINT)) AS position,
       @8(CAST(SUM(ABS(position_e8)) AS BIGINT)) AS gross, COUNT(DISTINCT engine_id) AS engines,
       CAST(SUM(position_e8) AS BIGINT) AS position_e8
FROM positions
GROUP BY account, venue, symbol, currency;

-- What works, or may: orders of each engine's last session that have not ended. What was still open
-- at the end of an earlier session is carried into the next one, or was never sent.
CREATE VIEW desk_open_orders AS
SELECT a.name AS account, i.venue, i.symbol, t.side, COUNT(*) AS orders,
       @8(CAST(SUM(COALESCE(s.leaves_qty_e8, t.qty_e8)) AS BIGINT)) AS leaves_qty,
       COUNT(DISTINCT t.engine) AS engines,
       CAST(SUM(COALESCE(s.leaves_qty_e8, t.qty_e8)) AS BIGINT) AS leaves_qty_e8
FROM order_terms t
LEFT JOIN order_states s ON s.engine = t.engine AND s.cl_ord_id = t.cl_ord_id
LEFT JOIN order_states p ON p.engine = t.engine AND p.cl_ord_id = t.orig_cl_ord_id
JOIN last_sessions l ON l.engine_id = t.engine AND l.epoch = COALESCE(s.epoch, t.epoch)
JOIN sessions d ON d.engine = t.engine AND d.epoch = t.epoch
LEFT JOIN accounts a ON a.engine = t.engine AND a.config_sha256 = d.config_sha256
                    AND a.id = t.account
LEFT JOIN instruments i ON i.engine = t.engine AND i.instruments_sha256 = d.instruments_sha256
                       AND i.id = t.instrument
WHERE COALESCE(s.base, 'APPROVED') NOT IN
          ('DENIED', 'FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'VOIDED')
  AND NOT (s.accepted_ns IS NULL AND COALESCE(p.base, '') IN
          ('FILLED', 'CANCELED', 'EXPIRED', 'REJECTED', 'VOIDED'))
  AND NOT EXISTS (SELECT 1 FROM order_terms n JOIN order_states m
                  ON m.engine = n.engine AND m.cl_ord_id = n.cl_ord_id
                  WHERE n.engine = t.engine AND n.orig_cl_ord_id = t.cl_ord_id
                    AND m.accepted_ns IS NOT NULL)
GROUP BY a.name, i.venue, i.symbol, t.side;
