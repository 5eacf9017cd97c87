-- What is the store's own: ids, sealed keys. Values are bytes.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE instance (
    name   TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sealed (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE integration (
    name     TEXT PRIMARY KEY,
    instance TEXT NOT NULL REFERENCES instance (name),
    record   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Times are microseconds since 1970, UTC.
CREATE TABLE rotation (
    id          TEXT PRIMARY KEY,
    integration TEXT NOT NULL REFERENCES integration (name),
    status      TEXT NOT NULL CHECK (status IN
        ('running', 'waiting', 'stalled', 'aborting', 'done', 'aborted', 'superseded')),
    started_at  INTEGER NOT NULL,
    fence       INTEGER NOT NULL CHECK (fence >= 1),
    holder      TEXT,
    lease_until INTEGER,
    record      TEXT NOT NULL,
    CHECK ((holder IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX rotation_one_open ON rotation (integration)
    WHERE status IN ('running', 'waiting', 'stalled', 'aborting');
CREATE INDEX rotation_by_integration ON rotation (integration, started_at);

CREATE TABLE rotation_step (
    rotation TEXT NOT NULL REFERENCES rotation (id),
    number   INTEGER NOT NULL CHECK (number >= 0),
    kind     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('planned', 'started', 'failed', 'done', 'skipped')),
    record   TEXT NOT NULL,
    previous BLOB,
    PRIMARY KEY (rotation, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE key (
    id          TEXT PRIMARY KEY,
    integration TEXT NOT NULL REFERENCES integration (name),
    rotation    TEXT NOT NULL REFERENCES rotation (id),
    state       TEXT NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    fingerprint TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    record      TEXT NOT NULL,
    secret      BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX key_by_integration ON key (integration, created_at);
CREATE INDEX key_by_fingerprint ON key (fingerprint);
CREATE INDEX key_by_rotation ON key (rotation);

-- Events on their way into the log, in the order of their transactions.
CREATE TABLE outbox (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL UNIQUE,
    at    INTEGER NOT NULL,
    json  TEXT NOT NULL
) STRICT;

-- The newest batch that is in the log: one row, or none before the first.
CREATE TABLE log_head (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    batch   INTEGER NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    events  INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;
