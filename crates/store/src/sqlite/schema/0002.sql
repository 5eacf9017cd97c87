-- What a part of Keywright wants to remember between runs; no secrets.
CREATE TABLE memo (
    name TEXT PRIMARY KEY,
    memo TEXT NOT NULL
) STRICT, WITHOUT ROWID;
