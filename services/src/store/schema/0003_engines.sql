-- Several engines in one database: every row says whose it is. 0 is the engine in whose directory the
-- services run; the others are those of a desk, in the order in which they were first heard of.

CREATE TABLE engines (
    id BIGINT NOT NULL PRIMARY KEY,
    name @text NOT NULL UNIQUE,
    -- Of one that is read from a stream: the last message that is in here, the session that it is of,
    -- when that session was opened, which tells a journal from another one of the same name, and what
    -- the next message must name as the one before it.
    stream_seq BIGINT,
    epoch BIGINT,
    born_ns BIGINT,
    chain BIGINT
);
INSERT INTO engines (id, name) VALUES (0, 'local');

ALTER TABLE reader_cursor RENAME TO reader_cursor_of_one;
CREATE TABLE reader_cursor (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    context @text,
    PRIMARY KEY (engine, epoch, lane)
);
INSERT INTO reader_cursor SELECT 0, reader_cursor_of_one.* FROM reader_cursor_of_one;
DROP TABLE reader_cursor_of_one;

ALTER TABLE journal_gaps RENAME TO journal_gaps_of_one;
CREATE TABLE journal_gaps (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    after_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    PRIMARY KEY (engine, epoch, lane, after_seq)
);
INSERT INTO journal_gaps SELECT 0, journal_gaps_of_one.* FROM journal_gaps_of_one;
DROP TABLE journal_gaps_of_one;

ALTER TABLE config_versions RENAME TO config_versions_of_one;
CREATE TABLE config_versions (
    engine BIGINT NOT NULL,
    sha256 @text NOT NULL,
    first_epoch BIGINT NOT NULL,
    body @text NOT NULL,
    PRIMARY KEY (engine, sha256)
);
INSERT INTO config_versions SELECT 0, config_versions_of_one.* FROM config_versions_of_one;
DROP TABLE config_versions_of_one;

ALTER TABLE accounts RENAME TO accounts_of_one;
CREATE TABLE accounts (
    engine BIGINT NOT NULL,
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    currency @text NOT NULL,
    PRIMARY KEY (engine, config_sha256, id)
);
INSERT INTO accounts SELECT 0, accounts_of_one.* FROM accounts_of_one;
DROP TABLE accounts_of_one;

ALTER TABLE gateways RENAME TO gateways_of_one;
CREATE TABLE gateways (
    engine BIGINT NOT NULL,
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    PRIMARY KEY (engine, config_sha256, id)
);
INSERT INTO gateways SELECT 0, gateways_of_one.* FROM gateways_of_one;
DROP TABLE gateways_of_one;

ALTER TABLE strategies RENAME TO strategies_of_one;
CREATE TABLE strategies (
    engine BIGINT NOT NULL,
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    kind @text NOT NULL,
    account @text NOT NULL,
    gateway @text NOT NULL,
    PRIMARY KEY (engine, config_sha256, id)
);
INSERT INTO strategies SELECT 0, strategies_of_one.* FROM strategies_of_one;
DROP TABLE strategies_of_one;

ALTER TABLE instruments RENAME TO instruments_of_one;
CREATE TABLE instruments (
    engine BIGINT NOT NULL,
    instruments_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    venue @text NOT NULL,
    symbol @text NOT NULL,
    currency @text NOT NULL,
    multiplier @text NOT NULL,
    lot @text NOT NULL,
    qty_min @text NOT NULL,
    qty_max @text NOT NULL,
    px_min @text NOT NULL,
    px_max @text NOT NULL,
    prior_close @text NOT NULL,
    ticks @text NOT NULL,
    PRIMARY KEY (engine, instruments_sha256, id)
);
INSERT INTO instruments SELECT 0, instruments_of_one.* FROM instruments_of_one;
DROP TABLE instruments_of_one;

ALTER TABLE sessions RENAME TO sessions_of_one;
CREATE TABLE sessions (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    date_days BIGINT,
    opened_wall_ns BIGINT,
    pid BIGINT,
    config_sha256 @text,
    instruments_sha256 @text,
    topology @text,
    complete_ns BIGINT,
    closed_ns BIGINT,
    PRIMARY KEY (engine, epoch)
);
INSERT INTO sessions SELECT 0, sessions_of_one.* FROM sessions_of_one;
DROP TABLE sessions_of_one;

ALTER TABLE limit_sets RENAME TO limit_sets_of_one;
CREATE TABLE limit_sets (
    engine BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sha256 @text NOT NULL,
    source @text NOT NULL,
    wall_ns BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    reason @text NOT NULL,
    body @text NOT NULL,
    first_epoch BIGINT NOT NULL,
    PRIMARY KEY (engine, version)
);
INSERT INTO limit_sets SELECT 0, limit_sets_of_one.* FROM limit_sets_of_one;
DROP TABLE limit_sets_of_one;

ALTER TABLE commands RENAME TO commands_of_one;
CREATE TABLE commands (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    op @text NOT NULL,
    refused BIGINT NOT NULL,
    strategy BIGINT NOT NULL,
    instrument BIGINT,
    value BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    body @text NOT NULL,
    PRIMARY KEY (engine, epoch, lane, seq)
);
INSERT INTO commands SELECT 0, commands_of_one.* FROM commands_of_one;
DROP TABLE commands_of_one;

ALTER TABLE order_terms RENAME TO order_terms_of_one;
CREATE TABLE order_terms (
    engine BIGINT NOT NULL,
    cl_ord_id @text NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    is_carried BIGINT NOT NULL,
    strategy BIGINT NOT NULL,
    account BIGINT,
    instrument BIGINT NOT NULL,
    gateway BIGINT NOT NULL,
    side @text NOT NULL,
    tif @text NOT NULL,
    ord_type @text NOT NULL,
    px_e9 BIGINT,
    qty_e8 BIGINT NOT NULL,
    orig_cl_ord_id @text,
    parent_cl_ord_id @text,
    leg BIGINT,
    t0_ns BIGINT,
    limit_version BIGINT,
    PRIMARY KEY (engine, cl_ord_id)
);
INSERT INTO order_terms SELECT 0, order_terms_of_one.* FROM order_terms_of_one;
DROP TABLE order_terms_of_one;
CREATE INDEX order_terms_orig ON order_terms (engine, orig_cl_ord_id);
CREATE INDEX order_terms_ts ON order_terms (ts_ns);

ALTER TABLE order_states RENAME TO order_states_of_one;
CREATE TABLE order_states (
    engine BIGINT NOT NULL,
    cl_ord_id @text NOT NULL,
    epoch BIGINT NOT NULL,
    updated_ns BIGINT NOT NULL,
    instrument BIGINT,
    side @text,
    base @text,
    event @text,
    cum_qty_e8 BIGINT,
    leaves_qty_e8 BIGINT,
    px_e9 BIGINT,
    qty_e8 BIGINT,
    venue_ord_id @text,
    reason BIGINT,
    flags BIGINT,
    accepted_ns BIGINT,
    cancel_asked_ns BIGINT,
    PRIMARY KEY (engine, cl_ord_id)
);
INSERT INTO order_states SELECT 0, order_states_of_one.* FROM order_states_of_one;
DROP TABLE order_states_of_one;

ALTER TABLE executions RENAME TO executions_of_one;
CREATE TABLE executions (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    cl_ord_id @text,
    exec_id @text NOT NULL,
    event @text NOT NULL,
    strategy BIGINT NOT NULL,
    account BIGINT NOT NULL,
    instrument BIGINT NOT NULL,
    qty_e8 BIGINT NOT NULL,
    px_e9 BIGINT,
    position_e8 BIGINT NOT NULL,
    liquidity @text,
    venue_seq BIGINT,
    PRIMARY KEY (engine, epoch, lane, seq)
);
INSERT INTO executions SELECT 0, executions_of_one.* FROM executions_of_one;
DROP TABLE executions_of_one;
CREATE INDEX executions_order ON executions (engine, cl_ord_id);
CREATE INDEX executions_ts ON executions (ts_ns);

ALTER TABLE position_states RENAME TO position_states_of_one;
CREATE TABLE position_states (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    strategy BIGINT NOT NULL,
    instrument BIGINT NOT NULL,
    account BIGINT NOT NULL,
    updated_ns BIGINT NOT NULL,
    position_e8 BIGINT NOT NULL,
    cost_e6 BIGINT,
    cost_rest BIGINT,
    realised_e6 BIGINT,
    realised_rest BIGINT,
    fees_e6 BIGINT,
    fees_rest BIGINT,
    PRIMARY KEY (engine, epoch, strategy, instrument)
);
INSERT INTO position_states SELECT 0, position_states_of_one.* FROM position_states_of_one;
DROP TABLE position_states_of_one;

ALTER TABLE refusals RENAME TO refusals_of_one;
CREATE TABLE refusals (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    cl_ord_id @text NOT NULL,
    reason @text NOT NULL,
    measured @text NOT NULL,
    limit_value @text NOT NULL,
    unit @text NOT NULL,
    strategy BIGINT NOT NULL,
    account BIGINT NOT NULL,
    instrument BIGINT NOT NULL,
    gateway BIGINT NOT NULL,
    side @text NOT NULL,
    tif @text NOT NULL,
    ord_type @text NOT NULL,
    px_e9 BIGINT,
    qty_e8 BIGINT NOT NULL,
    limit_version BIGINT NOT NULL,
    PRIMARY KEY (engine, epoch, lane, seq)
);
INSERT INTO refusals SELECT 0, refusals_of_one.* FROM refusals_of_one;
DROP TABLE refusals_of_one;

ALTER TABLE parents RENAME TO parents_of_one;
CREATE TABLE parents (
    engine BIGINT NOT NULL,
    cl_ord_id @text NOT NULL,
    epoch BIGINT NOT NULL,
    kind @text,
    strategy BIGINT,
    account BIGINT,
    instrument BIGINT,
    gateway BIGINT,
    side @text,
    qty_e8 BIGINT,
    taken_ns BIGINT,
    done_ns BIGINT,
    done_reason @text,
    filled_e8 BIGINT,
    PRIMARY KEY (engine, cl_ord_id)
);
INSERT INTO parents SELECT 0, parents_of_one.* FROM parents_of_one;
DROP TABLE parents_of_one;

ALTER TABLE alarms RENAME TO alarms_of_one;
CREATE TABLE alarms (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    scope @text NOT NULL,
    scope_id BIGINT NOT NULL,
    reason @text NOT NULL,
    measured @text NOT NULL,
    limit_value @text NOT NULL,
    unit @text NOT NULL,
    mode_set BIGINT NOT NULL,
    mode_tripped BIGINT NOT NULL,
    closes_gate BIGINT NOT NULL,
    PRIMARY KEY (engine, epoch, lane, seq)
);
INSERT INTO alarms SELECT 0, alarms_of_one.* FROM alarms_of_one;
DROP TABLE alarms_of_one;

ALTER TABLE strategy_downs RENAME TO strategy_downs_of_one;
CREATE TABLE strategy_downs (
    engine BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    strategy BIGINT NOT NULL,
    cause @text NOT NULL,
    body @text NOT NULL,
    PRIMARY KEY (engine, epoch, lane, seq)
);
INSERT INTO strategy_downs SELECT 0, strategy_downs_of_one.* FROM strategy_downs_of_one;
DROP TABLE strategy_downs_of_one;

ALTER TABLE audit_chain RENAME TO audit_chain_of_one;
CREATE TABLE audit_chain (
    engine BIGINT NOT NULL,
    number BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    kind @text NOT NULL,
    body @text NOT NULL,
    hash @text NOT NULL,
    PRIMARY KEY (engine, number)
);
INSERT INTO audit_chain SELECT 0, audit_chain_of_one.* FROM audit_chain_of_one;
DROP TABLE audit_chain_of_one;

ALTER TABLE retention RENAME TO retention_of_one;
CREATE TABLE retention (
    engine BIGINT NOT NULL PRIMARY KEY,
    first_epoch BIGINT NOT NULL
);
INSERT INTO retention SELECT 0, first_epoch FROM retention_of_one;
DROP TABLE retention_of_one;
