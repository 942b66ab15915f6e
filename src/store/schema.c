/* schema.c - the tables, and how a database of an older version becomes one of this version. */
#include "store/tracking.h"

#include <stdlib.h>

/* Text i brings version i to version i + 1. Texts that were released are never edited. Hashes are 32 bytes; times are UTC microseconds. */
const char *const an__migrations[] = {
    "CREATE TABLE artifacts ("
    "  address BLOB PRIMARY KEY CHECK (length(address) = 32), kind TEXT NOT NULL, bytes INTEGER NOT NULL, files INTEGER NOT NULL,"
    "  created_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE runs ("
    "  id TEXT PRIMARY KEY CHECK (length(id) = 26), kind TEXT NOT NULL, name TEXT,"
    "  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'stopped')),"
    "  parent TEXT REFERENCES runs (id), key TEXT, params TEXT, result TEXT, error TEXT, seed INTEGER NOT NULL,"
    "  code TEXT NOT NULL, machine TEXT NOT NULL, owner TEXT NOT NULL, started_us INTEGER NOT NULL, ended_us INTEGER) STRICT, WITHOUT "
    "ROWID;"
    "CREATE INDEX runs_parent ON runs (parent);"
    "CREATE INDEX runs_key ON runs (key, kind) WHERE key IS NOT NULL;"
    "CREATE TABLE run_artifacts ("
    "  run TEXT NOT NULL REFERENCES runs (id), edge TEXT NOT NULL CHECK (edge IN ('in', 'out')), port TEXT NOT NULL,"
    "  address BLOB NOT NULL REFERENCES artifacts (address), PRIMARY KEY (run, edge, port, address)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX run_artifacts_address ON run_artifacts (address, edge);"
    "CREATE TABLE metrics ("
    "  run TEXT NOT NULL REFERENCES runs (id), name TEXT NOT NULL, step INTEGER NOT NULL, value REAL,"
    "  PRIMARY KEY (run, name, step)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE versions ("
    "  kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0),"
    "  address BLOB NOT NULL REFERENCES artifacts (address), run TEXT REFERENCES runs (id), created_us INTEGER NOT NULL, meta TEXT,"
    "  PRIMARY KEY (kind, name, version)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX versions_address ON versions (address);"
    "CREATE TABLE aliases ("
    "  kind TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, name, alias), FOREIGN KEY (kind, name, version) REFERENCES versions (kind, name, version)) STRICT, WITHOUT ROWID;"
    /* The record: entries of one origin (a signing key) form a chain; heads holds, signed too, where each chain ends. */
    "CREATE TABLE origins (id TEXT PRIMARY KEY, public_key BLOB NOT NULL CHECK (length(public_key) = 32)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE record ("
    "  origin TEXT NOT NULL REFERENCES origins (id), sequence INTEGER NOT NULL, time_us INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT "
    "NOT NULL,"
    "  body TEXT NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (origin, sequence)) STRICT, "
    "WITHOUT ROWID;"
    "CREATE INDEX record_subject ON record (subject);"
    "CREATE TABLE heads ("
    "  origin TEXT PRIMARY KEY REFERENCES origins (id), sequence INTEGER NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL) STRICT, "
    "WITHOUT ROWID;"
    "CREATE TABLE leases (what TEXT PRIMARY KEY, owner TEXT NOT NULL, until_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    an__tracking_schema,
};
const int an__migration_count = (int)AN_COUNT(an__migrations);

static bool versions(an_store *s, int64_t *application, int64_t *version, int64_t *tables, an_error *err)
{
    bool found;
    return an__sql_int(s, application, &found, err, "PRAGMA application_id", "") &&
           an__sql_int(s, version, &found, err, "PRAGMA user_version", "") &&
           an__sql_int(s, tables, &found, err, "SELECT count(*) FROM sqlite_schema", "");
}

bool an__schema_apply(an_store *s, const char *const *texts, int count, an_error *err)
{
    int64_t application, version, tables;
    if (!versions(s, &application, &version, &tables, err)) return false;
    if (application != AN__APPLICATION_ID && (application != 0 || tables != 0)) {
        an_fail(err, AN_CORRUPT, "\"%s/andon.db\" is a database, but not one of andon", s->hidden);
        return an_hint(err, "Restore andon.db from a backup, or make a new workspace in another folder with \"andon init\".");
    }
    if (version > count) {
        an_fail(err, AN_NEWER, "the workspace \"%s\" has a database of version %lld; this andon (%s) knows versions up to %d", s->folder,
                (long long)version, an_version(), count);
        return an_hint(err, "Use the newer andon that wrote this workspace, or install it here.");
    }
    if (version == count) return true;
    if (!an__begin(s, true, err)) return false;
    bool good = versions(s, &application, &version, &tables, err); /* again: another process may have been faster */
    for (; good && version < count; version++) {
        int code = sqlite3_exec(s->db, texts[version], NULL, NULL, NULL);
        if (code != SQLITE_OK) good = an__sql_fail(s, "cannot bring the database to this version", code, err);
        if (good) {
            char *text = an_format("PRAGMA user_version=%lld", (long long)version + 1);
            good = an__sql_do(s, err, text, "");
            free(text);
        }
    }
    if (good && application == 0) {
        char *text = an_format("PRAGMA application_id=%d", AN__APPLICATION_ID);
        good = an__sql_do(s, err, text, "");
        free(text);
    }
    return an__end(s, good, err);
}
