/* tracking_search.c - a search: conditions and orders become one statement. Names of columns come from tables in the program, everything
 * that a client wrote is bound as a value. Pages are offsets; a token fits only the question that it was given for.
 */
#include "store/tracking.h"

#include <stdlib.h>
#include <string.h>

typedef struct an__argument {
    bool number;
    double value;
    char *text;
} an__argument;

enum { PATTERN_BYTES = 1000 };

static void push(an__search *x, an__argument a)
{
    if (x->count == x->room) {
        x->room = x->room ? 2 * x->room : 16;
        x->argument = an_resize_n(x->argument, x->room, sizeof *x->argument);
    }
    x->argument[x->count++] = a;
}

void an__search_begin(an__search *x, const an__space *space)
{
    *x = (an__search){ .space = space };
    an_buf_puts(&x->where, "1");
}

void an__search_text(an__search *x, const char *value)
{
    push(x, (an__argument){ .text = an_strdup(value) });
}

static void end(an__search *x)
{
    for (size_t i = 0; i < x->count; i++) free(x->argument[i].text);
    free(x->argument);
    an_buf_free(&x->where);
    an_buf_free(&x->order);
}

static const an__column *column_of(const an__space *space, const char *key)
{
    for (const an__column *c = space->columns; c->name; c++)
        if (!strcasecmp(c->name, key)) return c;
    return NULL;
}

static bool no_column(const an__space *space, const char *key, an_error *err)
{
    const char *names[32];
    size_t n = 0;
    for (const an__column *c = space->columns; c->name && n < AN_COUNT(names); c++) names[n++] = c->name;
    const char *near = an_nearest(key, names, n);
    an_fail(err, AN_INPUT, "a %s has no attribute \"%.100s\"", space->what, key);
    if (near) return an_hint(err, "Did you mean %s? Names of metrics, params and tags need that word and a dot in front.", near);
    return an_hint(err, "Names of metrics, params and tags need that word and a dot in front, for example metrics.loss.");
}

/* LIKE minds the case here, SQLite's does not; its GLOB does. */
static char *glob_of(const char *like)
{
    an_buf out = { 0 };
    for (; *like; like++) {
        if (*like == '%')
            an_buf_putc(&out, '*');
        else if (*like == '_')
            an_buf_putc(&out, '?');
        else if (strchr("*?[", *like))
            an_buf_printf(&out, "[%c]", *like);
        else
            an_buf_putc(&out, *like);
    }
    return an_buf_take(&out);
}

/* "<operator> ?" for what stands to the left, with its values. */
static bool compare(an__search *x, const an__term *t, bool number, an_error *err)
{
    static const char *const signs[] = { "=", "!=", "<", "<=", ">", ">=" };
    switch (t->compare) {
    case AN__IS_NULL:
    case AN__IS_NOT_NULL:
        an_buf_puts(&x->where, t->compare == AN__IS_NULL ? " IS NULL" : " IS NOT NULL");
        return true;
    case AN__IN:
    case AN__NOT_IN:
        if (number) return an_fail(err, AN_INPUT, "filter: IN compares texts, and \"%s\" is a number", t->key);
        an_buf_puts(&x->where, t->compare == AN__IN ? " IN (" : " NOT IN (");
        for (size_t i = 0; i < t->texts.count; i++) {
            an_buf_puts(&x->where, i ? ", ?" : "?");
            an__search_text(x, t->texts.items[i]);
        }
        an_buf_putc(&x->where, ')');
        return true;
    case AN__LIKE:
    case AN__ILIKE:
        if (number || t->number) return an_fail(err, AN_INPUT, "filter: LIKE compares texts in quotes");
        if (strlen(t->texts.items[0]) > PATTERN_BYTES)
            return an_fail(err, AN_INPUT, "filter: a pattern of more than %d bytes", PATTERN_BYTES);
        an_buf_puts(&x->where, t->compare == AN__LIKE ? " GLOB ?" : " LIKE ?");
        push(x, (an__argument){ .text = t->compare == AN__LIKE ? glob_of(t->texts.items[0]) : an_strdup(t->texts.items[0]) });
        return true;
    default:
        break;
    }
    double value = t->value;
    if (number && !t->number && !an_real_parse(t->texts.items[0], strlen(t->texts.items[0]), &value))
        return an_fail(err, AN_INPUT, "filter: \"%s\" is compared with a number, not with a text", t->key);
    if (!number && t->number) return an_fail(err, AN_INPUT, "filter: \"%s\" is compared with a text, which stands in quotes", t->key);
    an_buf_printf(&x->where, " %s ?", signs[t->compare]);
    if (number)
        push(x, (an__argument){ .number = true, .value = value });
    else
        an__search_text(x, t->texts.items[0]);
    return true;
}

/* A value of the entity: (SELECT ...), its key bound. */
static bool value_of(an__search *x, an_buf *out, an__field_kind kind, const char *key, bool *number, an_error *err)
{
    const an__space *space = x->space;
    const an__column *c = NULL;
    *number = kind == AN__FIELD_METRIC;
    switch (kind) {
    case AN__FIELD_ATTRIBUTE:
        c = column_of(space, key);
        if (!c) return no_column(space, key, err);
        an_buf_puts(out, c->sql);
        *number = c->number;
        return true;
    case AN__FIELD_METRIC:
        if (!space->metric) break;
        an_buf_printf(out, "(%s)", space->metric);
        an__search_text(x, key);
        return true;
    case AN__FIELD_PARAM:
        if (!space->params) break;
        an_buf_printf(out, "(%s)", space->params);
        an__search_text(x, key);
        return true;
    case AN__FIELD_TAG:
        if (!space->tag_kind) break;
        an_buf_printf(out, "(SELECT value FROM mlflow_tags WHERE kind = '%s' AND owner = %s AND key = ?)", space->tag_kind, space->owner);
        an__search_text(x, key);
        return true;
    case AN__FIELD_DATASET:
        break;
    }
    return an_fail(err, AN_INPUT, "a %s cannot be searched by \"%s\" in this way", space->what, key);
}

static bool dataset(an__search *x, const an__term *t, an_error *err)
{
    if (!x->space->dataset || (strcmp(t->key, "name") && strcmp(t->key, "digest") && strcmp(t->key, "context")))
        return an_fail(err, AN_INPUT, "filter: datasets have the fields name, digest and context, and only runs have datasets");
    an_buf_printf(&x->where, " AND EXISTS (%s AND %s", x->space->dataset, t->key);
    if (!compare(x, t, false, err)) return false;
    an_buf_putc(&x->where, ')');
    return true;
}

static bool add_order(an__search *x, const json_t *entry, an_error *err)
{
    an__field_kind kind = AN__FIELD_ATTRIBUTE;
    char *key = NULL;
    bool descending = false, number, good;
    an_buf value = { 0 };
    size_t from = x->count;
    if (json_is_object(entry)) { /* of logged models: {field_name, ascending} */
        const char *name = an__have_text(entry, "field_name");
        descending = json_is_false(json_object_get(entry, "ascending"));
        bool ignored;
        good = an__order_parse(name ? name : "", &kind, &key, &ignored, err);
    } else {
        good = an__order_parse(json_is_string(entry) ? json_string_value(entry) : "", &kind, &key, &descending, err);
    }
    good = good && value_of(x, &value, kind, key, &number, err);
    if (good) { /* what has no value comes last in either direction; the value is written twice, so is its key */
        size_t once = x->count;
        if (kind == AN__FIELD_METRIC && x->space->metric_there) { /* and what is no number before what was never logged */
            an__search_text(x, key);
            an_buf_printf(&x->order, "(%s) IS NULL, ", x->space->metric_there);
        }
        for (size_t i = from; i < once; i++) an__search_text(x, x->argument[i].text);
        an_buf_printf(&x->order, "%s IS NULL, %s%s, ", value.data, value.data, descending ? " DESC" : "");
    }
    an_buf_free(&value);
    free(key);
    return good;
}

static uint64_t mark_of(const json_t *q, const char *what)
{
    static const uint8_t key[16] = "andon page token";
    json_t *question = json_pack("{s:s, s:O?, s:O?, s:O?, s:O?, s:O?}", "what", what, "filter", json_object_get(q, "filter"), "order",
                                 json_object_get(q, "order_by"), "in", json_object_get(q, "experiment_ids"), "view",
                                 json_object_get(q, "run_view_type"), "metric", json_object_get(q, "metric_key"));
    char *text = an_json_text(question, false);
    uint64_t mark = an_siphash(key, text, strlen(text));
    free(text);
    json_decref(question);
    return mark;
}

static bool read_token(an__search *x, const json_t *q, an_error *err)
{
    const char *token = an__have_text(q, "page_token");
    if (!token || !*token) return true;
    unsigned long long offset, mark;
    char extra;
    if (sscanf(token, "%16llx-%16llx%c", &mark, &offset, &extra) != 2 || mark != x->mark || offset > INT64_MAX / 2)
        return an_fail(err, AN_INPUT, "the page_token is not one that this search was given");
    x->offset = (int64_t)offset;
    return true;
}

static bool read_request(an__search *x, const json_t *q, int64_t usual, int64_t most, an__filter *filter, an_error *err)
{
    x->mark = mark_of(q, x->space->what);
    if (!an__have_int(q, "max_results", usual, &x->limit, err) || !read_token(x, q, err)) return false;
    bool strict = !strcmp(x->space->what, "run") || !strcmp(x->space->what, "experiment"); /* as MLflow's server is */
    if (!x->limit && !strict) x->limit = usual;
    if (x->limit < 1 || x->limit > most)
        return an_fail(err, AN_INPUT, "max_results is %lld; 1 to %lld are allowed", (long long)x->limit, (long long)most);
    for (size_t i = 0; i < filter->count; i++) {
        const an__term *t = &filter->term[i];
        bool number;
        if (t->kind == AN__FIELD_DATASET) {
            if (!dataset(x, t, err)) return false;
            continue;
        }
        an_buf_puts(&x->where, " AND ");
        if (!value_of(x, &x->where, t->kind, t->key, &number, err) || !compare(x, t, number, err)) return an_context(err, "filter");
    }
    const json_t *order = json_object_get(q, "order_by"), *entry;
    if (json_is_string(order)) return add_order(x, order, err); /* one of a query string */
    if (json_array_size(order) > 16) return an_fail(err, AN_INPUT, "order_by has more than 16 entries");
    size_t i;
    json_array_foreach(order, i, entry)
        if (!add_order(x, entry, err)) return false;
    return true;
}

static sqlite3_stmt *open_search(an_store *s, an__search *x, const char *select, an_error *err)
{
    char *sql = an_format("%s WHERE %s ORDER BY %s%s LIMIT %lld OFFSET %lld", select, x->where.data, x->order.data ? x->order.data : "",
                          x->space->default_order, (long long)x->limit + 1, (long long)x->offset);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);
    free(sql);
    for (size_t i = 0; i < x->count && code == SQLITE_OK; i++) {
        const an__argument *a = &x->argument[i];
        code = a->number ? sqlite3_bind_double(statement, (int)i + 1, a->value)
                         : sqlite3_bind_text(statement, (int)i + 1, a->text, -1, SQLITE_TRANSIENT);
    }
    if (code == SQLITE_OK) return statement;
    an__sql_fail(s, "cannot search", code, err);
    sqlite3_finalize(statement);
    return NULL;
}

static void put_token(const an__search *x, json_t *answer)
{
    char token[64];
    snprintf(token, sizeof token, "%016llx-%016llx", (unsigned long long)x->mark, (unsigned long long)(x->offset + x->limit));
    json_object_set_new(answer, "next_page_token", json_string(token));
}

json_t *an__search_answer(an_store *s, an__search *x, const json_t *q, const an__pages *p, an__filter *filter, const char *select,
                          json_t *(*row_json)(an_store *s, sqlite3_stmt *row, an_error *err), an_error *err)
{
    json_t *all = json_array(), *answer = json_pack("{s:o}", p->key, all);
    sqlite3_stmt *row = read_request(x, q, p->usual, p->most, filter, err) ? open_search(s, x, select, err) : NULL;
    bool more = true, good = row != NULL;
    while (good && (good = an__sql_step(s, row, &more, err)) && more) {
        bool full = (int64_t)json_array_size(all) == x->limit; /* one row more than a page was asked for */
        json_t *one = full ? NULL : row_json(s, row, err);
        if (one) {
            json_array_append_new(all, one);
            continue;
        }
        sqlite3_finalize(row);
        if (full) put_token(x, answer);
        good = full;
        break;
    }
    end(x);
    an__filter_free(filter);
    if (good) return answer;
    json_decref(answer);
    return NULL;
}

char *an__experiment_ids(const json_t *q, an_error *err)
{
    const json_t *given, *id;
    size_t i;
    if (!an__have_list(q, "experiment_ids", 0, &given, err)) return NULL;
    json_t *ids = json_array();
    json_array_foreach(given, i, id) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
        json_array_append_new(ids, json_string(json_is_string(id) ? json_string_value(id) : number));
    }
    char *text = an_json_text(ids, false);
    json_decref(ids);
    return text;
}
