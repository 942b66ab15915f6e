/* outbox_odbc_table.c - a table of verdicts on any server that has an ODBC driver: SQL that all of them read. A batch is one transaction:
 * which of its ids are there already is asked first, the others are inserted; so a verdict that comes again changes nothing, without any
 * server's own words for that. */
#include "serve/outbox_odbc.h"

#include <stdlib.h>
#include <string.h>

enum { IDS_AT_ONCE = 50, ID_UNITS = 160 };

/* A parameter of a statement: where the driver finds its value. */
typedef struct cell {
    odbc_unit *units;
    double real;
    int whole;
    int64_t large;
    odbc_size length; /* in bytes, or ODBC_NULL */
} cell;

struct an__odbc_table {
    an__odbc *o;
    char *name;
    odbc_handle probe, find, insert;
    odbc_unit id[IDS_AT_ONCE][ID_UNITS + 1];
    odbc_size id_length[IDS_AT_ONCE];
    cell cells[AN__OUTBOX_COLUMNS];
};

/* ---- statements ---- */

static bool good(an__odbc_table *t, odbc_return code, odbc_handle s, const char *doing, char state[6], an_error *err)
{
    return an__odbc_good(t->o, code, ODBC_STATEMENT, s, doing, state, err);
}

/* SQL of this file, ASCII: names of columns and of the table, nothing of anybody's. */
static bool execute(an__odbc_table *t, odbc_handle s, const an_buf *sql, const char *doing, char state[6], an_error *err)
{
    bool ok = good(t, t->o->f.SQLExecDirect(s, (unsigned char *)sql->data, ODBC_TO_THE_END), s, doing, state, err);
    t->o->f.SQLFreeStmt(s, ODBC_CLOSE);
    return ok;
}

static void columns(an_buf *sql)
{
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) an_buf_printf(sql, "%s%s", c ? ", " : "", an__outbox_columns[c].name);
}

static void questions(an_buf *sql, size_t n)
{
    for (size_t i = 0; i < n; i++) an_buf_puts(sql, i ? ", ?" : "?");
    an_buf_puts(sql, ")");
}

/* Whether all columns are there: a question that no row answers. */
static bool probe(an__odbc_table *t, char state[6], an_error *err)
{
    an_buf sql = { 0 };
    an_buf_puts(&sql, "SELECT ");
    columns(&sql);
    an_buf_printf(&sql, " FROM %s WHERE 1 = 0", t->name);
    char *doing = an_format("reading the table %s", t->name);
    bool ok = execute(t, t->probe, &sql, doing, state, err);
    ok = ok ? an__odbc_end(t->o, true, err) : (an__odbc_end(t->o, false, NULL), false);
    free(doing);
    an_buf_free(&sql);
    return ok;
}

/* NATIONAL: any language's letters also where a server's usual texts have one alphabet only. To MariaDB and MySQL it means fewer letters,
 * and that small ones equal capital ones, also in a key. */
static void text_type(an_buf *sql, an__odbc_table *t, int characters)
{
    char server[64] = "";
    short size;
    t->o->f.SQLGetInfo(t->o->connection, ODBC_DBMS_NAME, server, sizeof server, &size);
    if (strcasestr(server, "MariaDB") || strcasestr(server, "MySQL"))
        an_buf_printf(sql, "VARCHAR(%d) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", characters);
    else
        an_buf_printf(sql, "NATIONAL CHARACTER VARYING(%d)", characters);
}

/* Types of standard SQL that PostgreSQL, SQL Server, MariaDB, Oracle and Db2 all know. */
static bool make(an__odbc_table *t, char state[6], an_error *err)
{
    an_buf sql = { 0 };
    an_buf_printf(&sql, "CREATE TABLE %s (", t->name);
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) {
        const an__outbox_column *k = &an__outbox_columns[c];
        an_buf_printf(&sql, "%s ", k->name);
        if (k->kind == AN__COLUMN_TEXT) text_type(&sql, t, k->characters);
        if (k->kind == AN__COLUMN_WHOLE) an_buf_puts(&sql, "NUMERIC(19)");
        if (k->kind == AN__COLUMN_REAL) an_buf_puts(&sql, "DOUBLE PRECISION");
        if (k->kind == AN__COLUMN_TRUTH) an_buf_puts(&sql, "SMALLINT");
        an_buf_printf(&sql, "%s, ", k->always ? " NOT NULL" : "");
    }
    an_buf_printf(&sql, "PRIMARY KEY (%s))", an__outbox_columns[0].name);
    char *doing = an_format("making the table %s", t->name);
    bool ok = execute(t, t->probe, &sql, doing, state, err) && an__odbc_end(t->o, true, err);
    if (!ok) an__odbc_end(t->o, false, NULL);
    free(doing);
    an_buf_free(&sql);
    return ok;
}

static bool bind_whole(an__odbc_table *t, size_t c, bool large, an_error *err)
{
    cell *k = &t->cells[c];
    return good(t,
                t->o->f.SQLBindParameter(t->insert, (unsigned short)(c + 1), ODBC_INPUT, large ? ODBC_C_LONG : ODBC_C_INT,
                                         large ? ODBC_BIGINT : ODBC_INTEGER, large ? 19 : 10, 0,
                                         large ? (void *)&k->large : (void *)&k->whole, 0, &k->length),
                t->insert, "a parameter", NULL, err);
}

static bool prepare_insert(an__odbc_table *t, an_error *err)
{
    an_buf sql = { 0 };
    an_buf_printf(&sql, "INSERT INTO %s (", t->name);
    columns(&sql);
    an_buf_puts(&sql, ") VALUES (");
    questions(&sql, AN__OUTBOX_COLUMNS);
    char *doing = an_format("writing to the table %s", t->name);
    bool ok = good(t, t->o->f.SQLPrepare(t->insert, (unsigned char *)sql.data, ODBC_TO_THE_END), t->insert, doing, NULL, err);
    for (size_t c = 0; ok && c < AN__OUTBOX_COLUMNS; c++) {
        const an__outbox_column *k = &an__outbox_columns[c];
        cell *v = &t->cells[c];
        if (k->kind == AN__COLUMN_WHOLE || k->kind == AN__COLUMN_TRUTH) {
            ok = bind_whole(t, c, false, err);
            continue;
        }
        bool text = k->kind == AN__COLUMN_TEXT;
        if (text) v->units = an_alloc_n((size_t)k->characters + 1, sizeof *v->units);
        ok = good(t,
                  t->o->f.SQLBindParameter(t->insert, (unsigned short)(c + 1), ODBC_INPUT, text ? ODBC_C_UNITS : ODBC_C_DOUBLE,
                                           text ? ODBC_TEXT : ODBC_DOUBLE, text ? (odbc_count)k->characters : 15, 0,
                                           text ? (void *)v->units : (void *)&v->real,
                                           text ? (odbc_size)((size_t)(k->characters + 1) * sizeof *v->units) : 0, &v->length),
                  t->insert, "a parameter", NULL, err);
    }
    free(doing);
    an_buf_free(&sql);
    return ok;
}

static bool prepare_find(an__odbc_table *t, an_error *err)
{
    an_buf sql = { 0 };
    an_buf_printf(&sql, "SELECT id FROM %s WHERE id IN (", t->name);
    questions(&sql, IDS_AT_ONCE);
    char *doing = an_format("reading the table %s", t->name);
    bool ok = good(t, t->o->f.SQLPrepare(t->find, (unsigned char *)sql.data, ODBC_TO_THE_END), t->find, doing, NULL, err);
    for (unsigned short i = 0; ok && i < IDS_AT_ONCE; i++)
        ok = good(t,
                  t->o->f.SQLBindParameter(t->find, (unsigned short)(i + 1), ODBC_INPUT, ODBC_C_UNITS, ODBC_TEXT, ID_UNITS, 0, t->id[i],
                                           sizeof t->id[i], &t->id_length[i]),
                  t->find, "a parameter", NULL, err);
    free(doing);
    an_buf_free(&sql);
    return ok;
}

/* ---- rows ---- */

/* Longer texts (only `why` and a class's own name can be) end in "...": a row that never fits would hold up all that follow. */
static void fill_text(cell *v, const char *text, size_t room)
{
    bool cut;
    size_t n = an__odbc_units(text, v->units, room, &cut);
    if (cut && room > 3) {
        n = an__odbc_units(text, v->units, room - 3, NULL);
        for (size_t i = 0; i < 3; i++) v->units[n++] = '.';
        v->units[n] = 0;
    }
    v->length = (odbc_size)(n * sizeof *v->units);
}

static bool insert(an__odbc_table *t, const json_t *row, char state[6], an_error *err)
{
    bool large[AN__OUTBOX_COLUMNS] = { 0 }, ok = true;
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) {
        const json_t *v = json_array_get(row, c);
        cell *k = &t->cells[c];
        k->length = json_is_null(v) ? ODBC_NULL : 0;
        if (json_is_real(v)) k->real = json_real_value(v);
        if (json_is_boolean(v)) k->whole = json_is_true(v);
        if (json_is_integer(v)) {
            k->large = json_integer_value(v);
            k->whole = (int)k->large;
            large[c] = k->whole != k->large; /* 64 bits are not for every driver: only where they are needed */
            ok = ok && (!large[c] || bind_whole(t, c, true, err));
        }
        if (json_is_string(v)) fill_text(k, json_string_value(v), (size_t)an__outbox_columns[c].characters);
    }
    if (ok) {
        char *doing = an_format("writing to the table %s", t->name);
        ok = good(t, t->o->f.SQLExecute(t->insert), t->insert, doing, state, err);
        free(doing);
    }
    t->o->f.SQLFreeStmt(t->insert, ODBC_CLOSE);
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++)
        if (large[c]) ok = bind_whole(t, c, false, ok ? err : NULL) && ok;
    return ok;
}

/* Sets there[i] for those of rows from .. from + n whose id has a row. Texts of servers may end in blanks, and may differ in case for the
 * server alone: they are compared here. */
static bool find(an__odbc_table *t, const json_t *rows, size_t from, size_t n, bool *there, an_error *err)
{
    for (size_t i = 0; i < IDS_AT_ONCE; i++) {
        const char *id = json_string_value(json_array_get(json_array_get(rows, from + (i < n ? i : n - 1)), 0));
        t->id_length[i] = (odbc_size)(an__odbc_units(id ? id : "", t->id[i], ID_UNITS, NULL) * sizeof(odbc_unit));
    }
    char *doing = an_format("reading the table %s", t->name);
    bool ok = good(t, t->o->f.SQLExecute(t->find), t->find, doing, NULL, err);
    while (ok) {
        odbc_return code = t->o->f.SQLFetch(t->find);
        if (code == ODBC_NO_DATA || !(ok = good(t, code, t->find, doing, NULL, err))) break;
        odbc_unit got[ID_UNITS + 1];
        odbc_size length = 0;
        ok = good(t, t->o->f.SQLGetData(t->find, 1, ODBC_C_UNITS, got, sizeof got, &length), t->find, doing, NULL, err);
        size_t size = length < 0 ? 0 : (size_t)length / sizeof *got;
        while (size && size <= ID_UNITS && got[size - 1] == ' ') size--;
        for (size_t i = 0; ok && i < n; i++)
            there[from + i] |= (size_t)t->id_length[i] == size * sizeof *got && !memcmp(got, t->id[i], size * sizeof *got);
    }
    t->o->f.SQLFreeStmt(t->find, ODBC_CLOSE);
    free(doing);
    return ok;
}

/* The first n rows, in one transaction. False: nothing of them; *bad and state: the row that was refused and why, n where it was none. */
static bool put(an__odbc_table *t, const json_t *rows, size_t n, size_t *bad, char state[6], an_error *err)
{
    bool *there = an_alloc_n(n + 1, sizeof *there), ok = true;
    *bad = n;
    for (size_t i = 0; ok && i < n; i += IDS_AT_ONCE) ok = find(t, rows, i, n - i < IDS_AT_ONCE ? n - i : IDS_AT_ONCE, there, err);
    for (size_t i = 0; ok && i < n; i++) {
        ok = there[i] || insert(t, json_array_get(rows, i), state, err);
        if (!ok) *bad = i;
    }
    free(there);
    if (ok && an__odbc_end(t->o, true, err)) return true;
    an__odbc_end(t->o, false, NULL);
    return false;
}

size_t an__odbc_table_put(an__odbc_table *t, const json_t *rows, an_error *err)
{
    size_t n = json_array_size(rows), bad;
    char state[6] = "";
    if (put(t, rows, n, &bad, state, err)) return n;
    if (!strncmp(state, "23", 2)) {
        /* a row with this key came from elsewhere in the meantime: then the question finds it now */
        if (put(t, rows, n, &bad, state, err)) return n;
        if (!strncmp(state, "23", 2))
            an_hint(err, "does the table's key hold two ids for the same that differ in case only, or is there another key or rule?");
    }
    /* what comes before a row that the table refuses need not wait for it */
    size_t before = bad < n ? bad : 0, other;
    return before && put(t, rows, before, &other, state, NULL) ? before : 0;
}

bool an__odbc_table_check(an__odbc_table *t, an_error *err)
{
    return probe(t, NULL, err);
}

/* The table cannot be read; where it cannot be made either, why. */
static bool unreadable(an__odbc_table *t, const char *state, const an_error *unread, an_error *err)
{
    an_error unmade = { 0 };
    char made[6] = "";
    if (make(t, made, &unmade)) return true;
    bool exists = !strcmp(made, "42S01") || !strcmp(made, "42P07"); /* the second: PostgreSQL's own */
    if (exists)
        *err = *unread;
    else
        an_fail(err, AN_IO, "%.300s; %.300s", unread->message, unmade.message);
    if (strcmp(state, "42S22") && strcmp(state, "42703")) return false; /* an unknown column */
    an_buf names = { 0 };
    columns(&names);
    an_hint(err, "the table has other columns: it needs %s, and may have more", names.data);
    an_buf_free(&names);
    return false;
}

an__odbc_table *an__odbc_table_open(an__odbc *o, const char *name, an_error *err)
{
    an__odbc_table *t = an_alloc(sizeof *t);
    *t = (an__odbc_table){ .o = o, .name = an_strdup(name) };
    an_error unread = { 0 };
    char state[6] = "";
    bool ok = (t->probe = an__odbc_statement(o, err)) && (t->find = an__odbc_statement(o, err)) && (t->insert = an__odbc_statement(o, err));
    ok = ok && (probe(t, state, &unread) || unreadable(t, state, &unread, err));
    if (ok && prepare_find(t, err) && prepare_insert(t, err)) return t;
    an__odbc_table_free(t);
    return NULL;
}

void an__odbc_table_free(an__odbc_table *t)
{
    if (!t) return;
    odbc_handle all[] = { t->probe, t->find, t->insert };
    for (size_t i = 0; i < AN_COUNT(all); i++)
        if (all[i]) t->o->f.SQLFreeHandle(ODBC_STATEMENT, all[i]);
    for (size_t c = 0; c < AN__OUTBOX_COLUMNS; c++) free(t->cells[c].units);
    free(t->name);
    free(t);
}
