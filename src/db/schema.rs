//! The tables, as a list of migrations. A database's `user_version` is the number of those that it
//! has had; what has been released is never edited, only added to.

/// `mrom`, in the file's header: tells our databases from the original's and from other programs'.
pub(super) const APPLICATION_ID: i32 = 0x6d72_6f6d;

/// Each brings a database one version on. The first meets either an empty file or the original's
/// `server_room`, whose definition it repeats to the letter (it is what the Python tool's
/// `schema.json` gives).
pub(super) const MIGRATIONS: &[&str] = &["
CREATE TABLE IF NOT EXISTS server_room (host char(100) NOT NULL, id char(100) NOT NULL, \
description char(1000) , user char(100) NOT NULL, pass char(100) NOT NULL, port number(5) NOT NULL, \
res blob(100000) NOT NULL, next_action blob(100000) NOT NULL, PRIMARY KEY (id) );

CREATE TABLE tag (
    server TEXT NOT NULL REFERENCES server_room(id) ON DELETE CASCADE ON UPDATE CASCADE,
    name   TEXT NOT NULL,
    PRIMARY KEY (server, name)
) WITHOUT ROWID;

-- When each key of `res` was last set; seconds since 1970.
CREATE TABLE meta_time (
    server     TEXT NOT NULL REFERENCES server_room(id) ON DELETE CASCADE ON UPDATE CASCADE,
    key        TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (server, key)
) WITHOUT ROWID;

CREATE TABLE tunnel (
    name   TEXT PRIMARY KEY,
    type   TEXT NOT NULL,
    server TEXT NOT NULL,
    user   TEXT NOT NULL,
    pass   TEXT NOT NULL
) WITHOUT ROWID;

-- The data key that seals `pass`, encrypted once for each recipient.
CREATE TABLE data_key (
    kind       TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (kind, recipient)
);
", "
-- One invocation of mroom that did something on servers.
CREATE TABLE run (
    id       INTEGER PRIMARY KEY,
    began_at INTEGER NOT NULL, -- milliseconds since 1970
    operator TEXT NOT NULL,
    command  TEXT NOT NULL
);

-- What went to servers. `server` is no reference: the log outlives the row of the inventory.
CREATE TABLE command_log (
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,
    began_at INTEGER NOT NULL, -- milliseconds since 1970
    server   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    what     TEXT NOT NULL,
    status   TEXT,             -- NULL until it ends
    duration REAL,             -- seconds
    code     INTEGER,
    signal   TEXT,
    error    TEXT,             -- its kind
    message  TEXT,
    bytes    INTEGER
);
CREATE INDEX command_log_time ON command_log (began_at);
CREATE INDEX command_log_server ON command_log (server, began_at);
CREATE INDEX command_log_run ON command_log (run);
", "
-- What each server has told about itself, and when; seconds since 1970.
CREATE TABLE facts (
    server      TEXT PRIMARY KEY REFERENCES server_room(id) ON DELETE CASCADE ON UPDATE CASCADE,
    gathered_at INTEGER NOT NULL,
    json        TEXT NOT NULL
) WITHOUT ROWID;
", "
-- The password that sudo asks for on a server, sealed as `pass` is.
CREATE TABLE sudo_password (
    server TEXT PRIMARY KEY REFERENCES server_room(id) ON DELETE CASCADE ON UPDATE CASCADE,
    sealed TEXT NOT NULL
) WITHOUT ROWID;
", "
-- Handlers of operations that wait since a change. `server` is no reference: connections to servers
-- outside of the inventory have them, too.
CREATE TABLE pending_handler (
    server TEXT NOT NULL,
    scope  TEXT NOT NULL, -- the playbook or stage that defines it
    name   TEXT NOT NULL,
    since  INTEGER NOT NULL, -- seconds since 1970
    PRIMARY KEY (server, scope, name)
) WITHOUT ROWID;
CREATE TRIGGER pending_handler_gone AFTER DELETE ON server_room
BEGIN DELETE FROM pending_handler WHERE server = OLD.id; END;
CREATE TRIGGER pending_handler_renamed AFTER UPDATE OF id ON server_room
BEGIN UPDATE OR REPLACE pending_handler SET server = NEW.id WHERE server = OLD.id; END;
", "
-- What was counted in an image by a scanner of vulnerabilities; seconds since 1970.
CREATE TABLE image_scan (
    image      TEXT PRIMARY KEY, -- its id, a digest
    scanned_at INTEGER NOT NULL,
    json       TEXT NOT NULL
) WITHOUT ROWID;
", "
-- What a tunnel profile holds beside its login.
CREATE TABLE tunnel_field (
    tunnel    TEXT NOT NULL REFERENCES tunnel(name) ON DELETE CASCADE ON UPDATE CASCADE,
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    is_sealed INTEGER NOT NULL, -- whether `value` is sealed, as `pass` is
    PRIMARY KEY (tunnel, key)
) WITHOUT ROWID;
"];
