/* outbox_sql.c - a table in an SQLite file that other programs read. A verdict that comes again changes nothing: its id is the key. Tables
 * on servers are outbox_odbc.c's. */
#include "serve/outbox.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    char *path, *name;
    sqlite3 *db;
    sqlite3_stmt *insert;
} table;

static void shut(table *t)
{
    sqlite3_finalize(t->insert);
    sqlite3_close(t->db);
    t->insert = NULL;
    t->db = NULL;
}

static bool broken(table *t, an_error *err)
{
    return an_fail(err, AN_IO, "%s: %s", t->path, sqlite3_errmsg(t->db));
}

static bool open_table(table *t, an_error *err)
{
    if (t->insert) return true;
    static const char *const types[] = {
        [AN__COLUMN_TEXT] = "TEXT", [AN__COLUMN_WHOLE] = "INTEGER", [AN__COLUMN_REAL] = "REAL", [AN__COLUMN_TRUTH] = "INTEGER"
    };
    an_buf make = { 0 }, put = { 0 };
    an_buf_printf(&make, "CREATE TABLE IF NOT EXISTS \"%s\" (", t->name);
    an_buf_printf(&put, "INSERT OR IGNORE INTO \"%s\" (", t->name);
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) {
        const an__outbox_column *k = &an__outbox_columns[c];
        an_buf_printf(&make, "%s%s %s%s", c ? ", " : "", k->name, types[k->kind], !c ? " PRIMARY KEY" : k->always ? " NOT NULL" : "");
        an_buf_printf(&put, "%s%s", c ? ", " : "", k->name);
    }
    an_buf_puts(&make, ")");
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) an_buf_puts(&put, c ? ", ?" : ") VALUES (?");
    an_buf_puts(&put, ")");
    bool ok = sqlite3_open_v2(t->path, &t->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK &&
              sqlite3_busy_timeout(t->db, 5000) == SQLITE_OK && sqlite3_exec(t->db, make.data, NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_prepare_v3(t->db, put.data, -1, SQLITE_PREPARE_PERSISTENT, &t->insert, NULL) == SQLITE_OK;
    if (!ok) {
        broken(t, err);
        shut(t);
    }
    an_buf_free(&make);
    an_buf_free(&put);
    return ok;
}

static bool insert(table *t, const an__outbox_item *item)
{
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) {
        json_t *v = an__outbox_value(item, c);
        int at = (int)c + 1;
        if (json_is_integer(v))
            sqlite3_bind_int64(t->insert, at, json_integer_value(v));
        else if (json_is_real(v))
            sqlite3_bind_double(t->insert, at, json_real_value(v));
        else if (json_is_boolean(v))
            sqlite3_bind_int(t->insert, at, json_is_true(v));
        else if (json_is_string(v))
            sqlite3_bind_text(t->insert, at, json_string_value(v), (int)json_string_length(v), SQLITE_TRANSIENT);
        else
            sqlite3_bind_null(t->insert, at);
        json_decref(v);
    }
    bool ok = sqlite3_step(t->insert) == SQLITE_DONE;
    sqlite3_reset(t->insert);
    return ok;
}

static size_t table_send(void *self, const an__outbox_item *items, size_t count, an_error *err)
{
    table *t = self;
    if (!open_table(t, err)) return 0;
    bool ok = sqlite3_exec(t->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (size_t i = 0; ok && i < count; i++) ok = insert(t, &items[i]);
    ok = ok && sqlite3_exec(t->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        broken(t, err);
        sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
        shut(t); /* opened anew at the next try: the file may have been put back */
    }
    return ok ? count : 0;
}

static bool table_check(void *self, an_error *err)
{
    return open_table(self, err);
}

static void table_free(void *self)
{
    table *t = self;
    shut(t);
    free(t->path);
    free(t->name);
    free(t);
}

bool an__channel_sql(const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const char *const known[] = { "file", "table" };
    if (json_object_get(config, "odbc")) return an__channel_odbc(config, workspace, out, err);
    if (!an__channel_keys(config, "sql", known, AN_COUNT(known), err)) return false;
    const char *file = an__channel_text(config, "sql", "file", NULL, err);
    const char *name = file ? an__channel_text(config, "sql", "table", "verdicts", err) : NULL;
    if (!name) return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return an_fail(err, AN_INPUT, "outbox: sql: the name of a table has letters, digits and _ only, not \"%.60s\"", name);
    table *t = an_alloc(sizeof *t);
    *t = (table){ .path = an_path_join(workspace, file), .name = an_strdup(name) };
    *out = (an__channel){ .send = table_send, .check = table_check, .free = table_free, .self = t };
    return true;
}
