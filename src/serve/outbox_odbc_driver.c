/* outbox_odbc_driver.c - the ODBC driver manager, loaded when it is needed; one connection; what drivers say, for people and without
 * passwords. */
#include "serve/outbox_odbc.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

size_t an__odbc_units(const char *utf8, odbc_unit *out, size_t room, bool *cut)
{
    const unsigned char *s = (const unsigned char *)utf8;
    size_t n = 0;
    if (cut) *cut = false;
    while (*s) {
        size_t more = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;
        uint32_t c = more ? *s & (0x3fu >> more) : *s;
        s++;
        while (more && (*s & 0xc0) == 0x80) c = c << 6 | (*s++ & 0x3f), more--;
        if (more) c = 0xfffd;
        if (n + (c > 0xffff ? 2 : 1) > room) {
            if (cut) *cut = true;
            break;
        }
        if (c > 0xffff) out[n++] = (odbc_unit)(0xd800 + ((c - 0x10000) >> 10));
        out[n++] = (odbc_unit)(c > 0xffff ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c);
    }
    out[n] = 0;
    return n;
}

void an__odbc_text(const odbc_unit *units, size_t n, an_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t c = units[i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < n && units[i + 1] >= 0xdc00 && units[i + 1] < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (units[++i] - 0xdc00u);
        else if (c >= 0xd800 && c < 0xe000)
            c = 0xfffd;
        if (c < 0x80) {
            an_buf_putc(out, (char)c);
            continue;
        }
        size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        an_buf_putc(out, (char)((0xff00 >> (more + 1) & 0xff) | c >> 6 * more));
        while (more--) an_buf_putc(out, (char)(0x80 | (c >> 6 * more & 0x3f)));
    }
}

/* "[maker][driver]A long\nstory" becomes "A long story". */
static void tidy(an_buf *b)
{
    size_t from = 0, n = 0;
    while (from < b->size && b->data[from] == '[') {
        const char *end = memchr(b->data + from, ']', b->size - from);
        if (!end) break;
        from = (size_t)(end - b->data) + 1;
    }
    for (size_t i = from; i < b->size; i++) {
        bool blank = (unsigned char)b->data[i] <= ' ';
        if (!blank)
            b->data[n++] = b->data[i];
        else if (n && b->data[n - 1] != ' ')
            b->data[n++] = ' ';
    }
    while (n && (b->data[n - 1] == ' ' || b->data[n - 1] == ';' || b->data[n - 1] == '.')) n--;
    b->size = n;
    if (b->data) b->data[n] = 0;
}

/* Some drivers show the text that they were connected with. */
static void hide(an_buf *b, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;
    if (n < 4 || !b->size) return; /* three letters are in every sentence, and no secret */
    an_buf shown = { 0 };
    const char *from = b->data, *at;
    for (; (at = strstr(from, secret)) != NULL; from = at + n) {
        an_buf_add(&shown, from, (size_t)(at - from));
        an_buf_puts(&shown, "***");
    }
    an_buf_puts(&shown, from);
    an_buf_free(b);
    *b = shown;
}

/* The first record that is more than a remark. */
bool an__odbc_good(an__odbc *o, odbc_return code, short kind, odbc_handle handle, const char *doing, char state[6], an_error *err)
{
    if (code == ODBC_SUCCESS || code == ODBC_SUCCESS_WITH_INFO || code == ODBC_NO_DATA) return true;
    odbc_unit units[1024], unit_state[6] = { 0 };
    char class[6] = "";
    an_buf text = { 0 };
    for (short record = 1; record < 10; record++) {
        short size = 0;
        int native;
        odbc_return got =
            handle ? o->f.SQLGetDiagRecW(kind, handle, record, unit_state, &native, units, AN_COUNT(units), &size) : ODBC_NO_DATA;
        if (got != ODBC_SUCCESS && got != ODBC_SUCCESS_WITH_INFO) break;
        bool remark = unit_state[0] == '0' && unit_state[1] == '1';
        if (record > 1 && (remark || strncmp(class, "01", 2))) continue;
        an_buf_clear(&text);
        an__odbc_text(units, size < 0 ? 0 : size < (short)AN_COUNT(units) ? (size_t)size : AN_COUNT(units) - 1, &text);
        for (size_t i = 0; i < 5; i++) class[i] = unit_state[i] > ' ' && unit_state[i] < 0x7f ? (char)unit_state[i] : '?';
    }
    hide(&text, o->password);
    tidy(&text);
    if (state) memcpy(state, class, 6);
    an_fail(err, AN_IO, "%s: %.400s%s%s%s", doing, text.size ? text.data : "the driver gives no reason", class[0] ? " (SQLSTATE " : "",
            class, class[0] ? ")" : "");
    if (!strcmp(class, "IM002") || !strcmp(class, "IM003") || strstr(text.size ? text.data : "", "Can't open lib"))
        an_hint(err, "'odbcinst -q -d' lists the drivers of this machine, 'odbcinst -q -s' the data sources");
    if (!strcmp(class, "HYC00") || !strcmp(class, "HY003")) an_hint(err, "does the driver have a Unicode version? That one is needed");
    an_buf_free(&text);
    return false;
}

/* ---- loading ---- */

bool an__odbc_load(an__odbc *o, const char *library, an_error *err)
{
    static const char *const usual[] = { "libodbc.so.2", "libodbc.so.1" };
    for (size_t i = 0; !o->library && i < (library ? 1 : AN_COUNT(usual)); i++)
        o->library = dlopen(library ? library : usual[i], RTLD_NOW | RTLD_LOCAL);
    if (!o->library) {
        const char *why = dlerror();
        an_fail(err, AN_IO, "this machine has no ODBC driver manager (%.200s)", why ? why : "no reason given");
        return an_hint(err, "install unixodbc and the ODBC driver of your database");
    }
#define ODBC_FUNCTION(name, result, arguments)       \
    *(void **)&o->f.name = dlsym(o->library, #name); \
    if (!o->f.name) return an_fail(err, AN_IO, "the ODBC driver manager has no function %s", #name);
    ODBC_FUNCTIONS(ODBC_FUNCTION)
#undef ODBC_FUNCTION
    return true;
}

/* ---- connecting ---- */

/* A value of a connection text: in braces where it has characters of the grammar. */
static void value(an_buf *b, const char *name, const char *text)
{
    if (!text) return;
    bool plain = *text && !text[strcspn(text, "[]{}(),;?*=!@ ")];
    an_buf_printf(b, ";%s=%s", name, plain ? "" : "{");
    for (; *text; text++) {
        an_buf_putc(b, *text);
        if (*text == '}') an_buf_putc(b, '}');
    }
    if (!plain) an_buf_putc(b, '}');
}

static void *number(intptr_t n)
{
    return (void *)n; /* attributes that are numbers travel as pointers */
}

bool an__odbc_connect(an__odbc *o, const char *text, const char *user, const char *password, int timeout_s, an_error *err)
{
    o->password = an_strdup(password);
    o->timeout_s = timeout_s;
    if (o->f.SQLAllocHandle(ODBC_ENVIRONMENT, NULL, &o->environment) != ODBC_SUCCESS)
        return an_fail(err, AN_FAILED, "the ODBC driver manager gives no environment");
    if (!an__odbc_good(o, o->f.SQLSetEnvAttr(o->environment, ODBC_ATTR_VERSION, number(ODBC_VERSION_3), 0), ODBC_ENVIRONMENT,
                       o->environment, "ODBC 3", NULL, err) ||
        !an__odbc_good(o, o->f.SQLAllocHandle(ODBC_CONNECTION, o->environment, &o->connection), ODBC_ENVIRONMENT, o->environment,
                       "the ODBC driver manager gives no connection", NULL, err))
        return false;
    /* drivers that know no timeouts say so, and whoever waits for this process ends it */
    o->f.SQLSetConnectAttr(o->connection, ODBC_ATTR_LOGIN_TIMEOUT, number(timeout_s), 0);
    an_buf all = { 0 };
    an_buf_puts(&all, text);
    while (all.size && (all.data[all.size - 1] == ';' || all.data[all.size - 1] == ' ')) all.data[--all.size] = 0;
    value(&all, "UID", user);
    value(&all, "PWD", password);
    odbc_unit *units = an_alloc_n(all.size + 1, sizeof *units), out[1024];
    short size = (short)an__odbc_units(all.data, units, all.size < 32000 ? all.size : 32000, NULL), out_size;
    bool ok = an__odbc_good(o, o->f.SQLDriverConnectW(o->connection, NULL, units, size, out, AN_COUNT(out), &out_size, ODBC_NO_PROMPT),
                            ODBC_CONNECTION, o->connection, "no connection to the database", NULL, err);
    free(units);
    an_buf_free(&all);
    if (!ok) {
        o->f.SQLFreeHandle(ODBC_CONNECTION, o->connection);
        o->connection = NULL;
        return false;
    }
    o->f.SQLSetConnectAttr(o->connection, ODBC_ATTR_CONNECTION_TIMEOUT, number(timeout_s), 0);
    return an__odbc_good(o, o->f.SQLSetConnectAttr(o->connection, ODBC_ATTR_AUTOCOMMIT, number(ODBC_AUTOCOMMIT_OFF), 0), ODBC_CONNECTION,
                         o->connection, "the driver has no transactions", NULL, err);
}

odbc_handle an__odbc_statement(an__odbc *o, an_error *err)
{
    odbc_handle s = NULL;
    if (!an__odbc_good(o, o->f.SQLAllocHandle(ODBC_STATEMENT, o->connection, &s), ODBC_CONNECTION, o->connection, "a statement", NULL, err))
        return NULL;
    o->f.SQLSetStmtAttr(s, ODBC_ATTR_QUERY_TIMEOUT, number(o->timeout_s), 0);
    return s;
}

bool an__odbc_end(an__odbc *o, bool commit, an_error *err)
{
    return an__odbc_good(o, o->f.SQLEndTran(ODBC_CONNECTION, o->connection, commit ? ODBC_COMMIT : ODBC_ROLLBACK), ODBC_CONNECTION,
                         o->connection, commit ? "committing" : "rolling back", NULL, err);
}

void an__odbc_close(an__odbc *o)
{
    if (o->connection) {
        o->f.SQLEndTran(ODBC_CONNECTION, o->connection, ODBC_ROLLBACK);
        o->f.SQLDisconnect(o->connection);
        o->f.SQLFreeHandle(ODBC_CONNECTION, o->connection);
    }
    if (o->environment) o->f.SQLFreeHandle(ODBC_ENVIRONMENT, o->environment);
    free(o->password);
    *o = (an__odbc){ 0 };
}
