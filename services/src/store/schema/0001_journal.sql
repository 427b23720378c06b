-- What the journal tells, as rows. Scales stand in the names: _e9 is units of 1e-9 (prices), _e8 of
-- 1e-8 (quantities), _e6 whole millionths of money with what is left of it, in 1e-17, in _rest.
-- _ns is nanoseconds since the Unix epoch, by the engine's clock unless called wall. A row that
-- stands for one record is found by its place in the journal: epoch, lane, seq.

CREATE TABLE reader_state (
    id BIGINT NOT NULL PRIMARY KEY,
    generation BIGINT NOT NULL
);
INSERT INTO reader_state (id, generation) VALUES (1, 0);

CREATE TABLE reader_cursor (
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    segment BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    context @text,
    PRIMARY KEY (epoch, lane)
);

CREATE TABLE journal_gaps (
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    after_seq BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    PRIMARY KEY (epoch, lane, after_seq)
);

CREATE TABLE config_versions (
    sha256 @text NOT NULL PRIMARY KEY,
    first_epoch BIGINT NOT NULL,
    body @text NOT NULL
);

CREATE TABLE accounts (
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    currency @text NOT NULL,
    PRIMARY KEY (config_sha256, id)
);

CREATE TABLE gateways (
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    PRIMARY KEY (config_sha256, id)
);

CREATE TABLE strategies (
    config_sha256 @text NOT NULL,
    id BIGINT NOT NULL,
    name @text NOT NULL,
    kind @text NOT NULL,
    account @text NOT NULL,
    gateway @text NOT NULL,
    PRIMARY KEY (config_sha256, id)
);

CREATE TABLE instruments (
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
    PRIMARY KEY (instruments_sha256, id)
);

CREATE TABLE sessions (
    epoch BIGINT NOT NULL PRIMARY KEY,
    date_days BIGINT,
    opened_wall_ns BIGINT,
    pid BIGINT,
    config_sha256 @text,
    instruments_sha256 @text,
    topology @text,
    complete_ns BIGINT,
    closed_ns BIGINT
);

CREATE TABLE limit_sets (
    version BIGINT NOT NULL PRIMARY KEY,
    sha256 @text NOT NULL,
    source @text NOT NULL,
    wall_ns BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    reason @text NOT NULL,
    body @text NOT NULL,
    first_epoch BIGINT NOT NULL
);

CREATE TABLE commands (
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
    PRIMARY KEY (epoch, lane, seq)
);

CREATE TABLE order_terms (
    cl_ord_id @text NOT NULL PRIMARY KEY,
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
    limit_version BIGINT
);
CREATE INDEX order_terms_orig ON order_terms (orig_cl_ord_id);
CREATE INDEX order_terms_ts ON order_terms (ts_ns);

CREATE TABLE order_states (
    cl_ord_id @text NOT NULL PRIMARY KEY,
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
    cancel_asked_ns BIGINT
);

CREATE TABLE executions (
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
    PRIMARY KEY (epoch, lane, seq)
);
CREATE INDEX executions_order ON executions (cl_ord_id);
CREATE INDEX executions_ts ON executions (ts_ns);

CREATE TABLE position_states (
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
    PRIMARY KEY (epoch, strategy, instrument)
);

CREATE TABLE refusals (
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
    PRIMARY KEY (epoch, lane, seq)
);

CREATE TABLE parents (
    cl_ord_id @text NOT NULL PRIMARY KEY,
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
    filled_e8 BIGINT
);

CREATE TABLE alarms (
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
    PRIMARY KEY (epoch, lane, seq)
);

CREATE TABLE strategy_downs (
    epoch BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    strategy BIGINT NOT NULL,
    cause @text NOT NULL,
    body @text NOT NULL,
    PRIMARY KEY (epoch, lane, seq)
);
