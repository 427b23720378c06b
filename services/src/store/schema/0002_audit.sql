-- The audit chain: records of the control lane, each hashed over the one before it. body is the
-- record's bytes as the journal has them; what they say stands in commands, limit_sets, sessions.

CREATE TABLE audit_chain (
    number BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    ts_ns BIGINT NOT NULL,
    kind @text NOT NULL,
    body @text NOT NULL,
    hash @text NOT NULL
);

-- What was removed: orders, executions, refusals, parents and alarms that ended before this session.
CREATE TABLE retention (
    id BIGINT NOT NULL PRIMARY KEY,
    first_epoch BIGINT NOT NULL
);
INSERT INTO retention (id, first_epoch) VALUES (1, 0);
