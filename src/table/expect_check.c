/* expect_check.c - expectations in YAML judged on a table: each condition of an entry is one expectation with its own line in the result.
 * Drafting is expect_propose.c. */
#include "andon/score.h"
#include "csv_time.h"
#include "impl.h"
#include "match.h"
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 20, VALUES_SHOWN = 8 };
static const double usual_error_rate = 0.001;

static const char *const known[] = { "column", "min",     "max",        "missing_at_most", "unique", "values",        "increasing",
                                     "where",  "matches", "ks_at_most", "error_rate",      "row",    "rows_at_least", "rows_at_most" };

typedef struct hit { /* row broke expectation */
    uint32_t row, expectation;
} hit;

typedef struct check {
    const an_table *t, *reference;
    const an_yaml *yaml;
    json_t *results;
    hit *hits;
    size_t hit_count;
    char **labels; /* of each expectation, for _broken */
    size_t count, broken, statistical;
    double error_rate; /* sum over the statistical ones: at most the chance that any breaks on sound data */
    /* of the entry at hand */
    const json_t *entry;
    char *path;
    const char *where;
    const an_column *column;
    uint8_t *chosen;
    size_t chosen_rows;
} check;

/* ---- results ---- */

static void hit_row(check *c, size_t row)
{
    if (!(c->hit_count & (c->hit_count - 1))) c->hits = an_resize_n(c->hits, c->hit_count ? 2 * c->hit_count : 1, sizeof *c->hits);
    c->hits[c->hit_count++] = (hit){ (uint32_t)row, (uint32_t)c->count };
}

/* Closes one expectation: the hits since `from` are its rows. text is taken. */
static void add(check *c, const char *key, char *text, bool ok, size_t from, json_t *value)
{
    json_t *first = json_array();
    for (size_t k = from; k < c->hit_count && k < from + LISTED; k++)
        json_array_append_new(first, json_integer((json_int_t)c->hits[k].row + 1));
    if (c->where) {
        char *whole = an_format("%s, where %s", text, c->where);
        free(text);
        text = whole;
    }
    char *path = an_format("%s.%s", c->path, key);
    int line = an_yaml_line(c->yaml, path);
    free(path);
    json_array_append_new(c->results,
                          json_pack("{s:s, s:s?, s:b, s:I, s:o, s:o, s:i}", "text", text, "column", c->column ? c->column->name : NULL,
                                    "ok", ok, "rows_broken", (json_int_t)(ok ? 0 : c->hit_count - from), "first", first, "value",
                                    value ? value : json_null(), "line", line));
    if (ok) c->hit_count = from; /* a missing share within its limit leaves no broken rows */
    if (!(c->count & (c->count - 1))) c->labels = an_resize_n(c->labels, c->count ? 2 * c->count : 1, sizeof *c->labels);
    c->labels[c->count++] = text;
    c->broken += !ok;
}

static bool wrong(const check *c, const char *key, an_error *err, const char *what)
{
    char *path = an_format("%s.%s", c->path, key);
    an__fail_place(c->yaml, path, err, "%s: %s", key, what);
    free(path);
    return false;
}

static bool share_at(const check *c, const char *key, double *out, an_error *err)
{
    *out = an_json_number(json_object_get(c->entry, key), NAN);
    if (*out >= 0 && *out <= 1) return true;
    return wrong(c, key, err, "a share between 0 and 1 is expected");
}

/* A limit of a column: a number, or a date in quotes where the column holds dates. */
static bool limit_at(const check *c, const char *key, double *out, an_error *err)
{
    const json_t *value = json_object_get(c->entry, key);
    int64_t us;
    if (c->column->type == AN_DATETIME) {
        const char *text = json_string_value(value);
        if (!text || !an__time_iso(text, strlen(text), &us))
            return wrong(c, key, err, "a date such as \"2026-03-01\" is expected, as the column holds dates");
        *out = (double)us;
        return true;
    }
    if (!an__is_number(c->column->type)) return wrong(c, key, err, "the column holds no numbers");
    if (!json_is_number(value)) return wrong(c, key, err, "a number is expected");
    *out = json_number_value(value);
    return true;
}

/* ---- conditions on cells ---- */

static bool check_limit(check *c, const char *key, bool low, an_error *err)
{
    double limit, extreme = NAN;
    if (!limit_at(c, key, &limit, err)) return false;
    size_t from = c->hit_count;
    for (size_t i = 0; i < c->t->rows; i++) {
        double x = c->chosen[i] ? an_cell_number(c->column, i) : NAN;
        if (isnan(x)) continue;
        if (isnan(extreme) || (low ? x < extreme : x > extreme)) extreme = x;
        if (low ? x < limit : x > limit) hit_row(c, i);
    }
    an_buf shown = { 0 };
    an__yaml_value(&shown, json_object_get(c->entry, key));
    char time[32];
    json_t *value =
        c->column->type == AN_DATETIME && !isnan(extreme) ? json_string(an_time_text((int64_t)extreme, time)) : an_json_real(extreme);
    add(c, key, an_format("%s %s %s", c->column->name, low ? ">=" : "<=", shown.data), c->hit_count == from, from, value);
    an_buf_free(&shown);
    return true;
}

static bool check_missing(check *c, an_error *err)
{
    double limit;
    if (!share_at(c, "missing_at_most", &limit, err)) return false;
    size_t from = c->hit_count;
    for (size_t i = 0; i < c->t->rows; i++) {
        if (c->chosen[i] && !an_valid(c->column, i)) hit_row(c, i);
    }
    double share = c->chosen_rows ? (double)(c->hit_count - from) / (double)c->chosen_rows : 0;
    add(c, "missing_at_most", an_format("%s missing in at most %g %% of the rows", c->column->name, 100 * limit), share <= limit, from,
        an_json_real(share));
    return true;
}

static bool flag_at(const check *c, const char *key, bool *strict, bool *on, an_error *err)
{
    const json_t *value = json_object_get(c->entry, key);
    *strict = json_is_string(value) && !strcmp(json_string_value(value), "strictly");
    *on = json_is_true(value) || (strict && *strict);
    if (json_is_boolean(value) || *strict) return true;
    return wrong(c, key, err, "true or false is expected");
}

static int by_row(const void *a, const void *b)
{
    const hit *x = a, *y = b;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return x->expectation < y->expectation ? -1 : x->expectation > y->expectation;
}

static bool check_unique(check *c, an_error *err)
{
    bool strict, on;
    if (!flag_at(c, "unique", &strict, &on, err)) return false;
    if (!on) return true;
    an__match m;
    if (!an__match_build(&c->t, &c->column, 1, NULL, &m, err)) return false;
    size_t from = c->hit_count, repeated = 0;
    for (size_t k = 0; k < m.keys; k++) {
        size_t n = 0;
        for (uint32_t i = 0; i < m.count[0][k]; i++) n += c->chosen[m.rows[0][m.start[0][k] + i]];
        if (n < 2) continue;
        repeated++;
        for (uint32_t i = 0; i < m.count[0][k]; i++) {
            uint32_t row = m.rows[0][m.start[0][k] + i];
            if (c->chosen[row]) hit_row(c, row);
        }
    }
    an__match_free(&m);
    if (c->hit_count > from) qsort(c->hits + from, c->hit_count - from, sizeof *c->hits, by_row);
    add(c, "unique", an_format("%s unique", c->column->name), c->hit_count == from, from, json_integer((json_int_t)repeated));
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool check_values(check *c, an_error *err)
{
    const json_t *list = json_object_get(c->entry, "values"), *item;
    if (!json_array_size(list)) return wrong(c, "values", err, "a list of values is expected");
    size_t n = json_array_size(list), i, odd = 0;
    char **allowed = an_alloc_n(n, sizeof *allowed);
    an_buf text = { 0 }, shown = { 0 };
    json_array_foreach(list, i, item) {
        an_buf_clear(&text);
        if (json_is_string(item))
            an_buf_puts(&text, json_string_value(item));
        else
            an__yaml_value(&text, item);
        allowed[i] = an__canonical_value(c->column, text.data ? text.data : "");
        if (i < VALUES_SHOWN) an_buf_printf(&shown, "%s%.60s", i ? ", " : "", allowed[i]);
    }
    if (n > VALUES_SHOWN) an_buf_printf(&shown, " and %zu more", n - VALUES_SHOWN);
    qsort(allowed, n, sizeof *allowed, by_text);
    size_t from = c->hit_count;
    for (i = 0; i < c->t->rows; i++) {
        if (!c->chosen[i] || !an_valid(c->column, i)) continue;
        an_buf_clear(&text);
        an_cell_text(c->column, i, &text);
        const char *cell = text.data ? text.data : "";
        if (bsearch(&cell, allowed, n, sizeof *allowed, by_text)) continue;
        odd++;
        hit_row(c, i);
    }
    add(c, "values", an_format("%s is one of %s", c->column->name, shown.data), !odd, from, json_integer((json_int_t)odd));
    for (i = 0; i < n; i++) free(allowed[i]);
    free(allowed);
    an_buf_free(&text);
    an_buf_free(&shown);
    return true;
}

typedef struct timed {
    double time;
    size_t row;
} timed;

static int by_time(const void *a, const void *b)
{
    const timed *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* In the order of the time column where there is another one, else of the rows. */
static bool check_increasing(check *c, an_error *err)
{
    bool strict, on;
    if (!flag_at(c, "increasing", &strict, &on, err)) return false;
    if (!on) return true;
    if (!an__is_number(c->column->type)) return wrong(c, "increasing", err, "the column holds no numbers");
    const an_column *time = NULL;
    for (size_t j = 0; j < c->t->columns; j++) {
        if (c->t->column[j].role == AN_TIME && &c->t->column[j] != c->column) time = &c->t->column[j];
    }
    timed *order = an_alloc_data(c->t->rows + 1, sizeof *order, "the order of rows", err);
    if (!order) return false;
    size_t n = 0, from = c->hit_count;
    for (size_t i = 0; i < c->t->rows; i++) {
        double at = time ? an_cell_number(time, i) : (double)i;
        if (c->chosen[i] && an_valid(c->column, i) && !isnan(at)) order[n++] = (timed){ at, i };
    }
    qsort(order, n, sizeof *order, by_time);
    for (size_t k = 1; k < n; k++) {
        double before = an_cell_number(c->column, order[k - 1].row), now = an_cell_number(c->column, order[k].row);
        if (now < before || (strict && now == before)) hit_row(c, order[k].row);
    }
    free(order);
    if (c->hit_count > from) qsort(c->hits + from, c->hit_count - from, sizeof *c->hits, by_row);
    add(c, "increasing",
        an_format("%s %s%s%s", c->column->name, strict ? "strictly increasing" : "increasing", time ? " in the order of " : "",
                  time ? time->name : ""),
        c->hit_count == from, from, json_integer((json_int_t)(c->hit_count - from)));
    return true;
}

static bool check_row(check *c, an_error *err)
{
    const char *text = json_string_value(json_object_get(c->entry, "row"));
    an__relation r;
    if (!text) return wrong(c, "row", err, "a condition such as a < b is expected");
    if (!an__relation_parse(text, c->t, &r, err)) {
        char *path = an_format("%s.row", c->path);
        an__context_place(c->yaml, path, err);
        free(path);
        return false;
    }
    an__relation_measure(&r, c->t);
    size_t from = c->hit_count;
    for (size_t i = 0; i < c->t->rows; i++) {
        if (c->chosen[i] && an__relation_holds(&r, c->t, i) == 0) hit_row(c, i);
    }
    add(c, "row", an_strdup(text), c->hit_count == from, from, json_integer((json_int_t)(c->hit_count - from)));
    return true;
}

static bool check_rows(check *c, const char *key, bool least, an_error *err)
{
    const json_t *value = json_object_get(c->entry, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) return wrong(c, key, err, "a number of rows is expected");
    json_int_t limit = json_integer_value(value), rows = (json_int_t)c->chosen_rows;
    add(c, key, an_format("at %s %lld rows", least ? "least" : "most", (long long)limit), least ? rows >= limit : rows <= limit,
        c->hit_count, json_integer(rows));
    return true;
}

/* ---- distributions ---- */

static double *chosen_numbers(const an_table *t, const an_column *c, const uint8_t *chosen, size_t *n, an_error *err)
{
    double *out = an_alloc_data(t->rows + 1, sizeof *out, "the numbers of a column", err);
    *n = 0;
    for (size_t i = 0; out && i < t->rows; i++) {
        double x = chosen[i] ? an_cell_number(c, i) : NAN;
        if (!isnan(x)) out[(*n)++] = x;
    }
    return out;
}

/* Counts by value text of both samples, in one order: *counts has two rows of *k. */
static bool class_counts(const an_table *const t[2], const an_column *const c[2], const uint8_t *const chosen[2], double **counts,
                         size_t *k, an_error *err)
{
    an__match m;
    if (!an__match_build(t, c, 2, NULL, &m, err)) return false;
    size_t used = 0;
    *counts = an_alloc_data(2 * m.keys + 2, sizeof **counts, "the counts of a column", err);
    for (int pass = 0; *counts && pass < 2; pass++) {
        *k = used;
        used = 0;
        for (size_t key = 0; key < m.keys; key++) {
            if (!m.count[0][key] && !m.count[1][key]) continue;
            for (int s = 0; pass && s < 2; s++) {
                double n = 0;
                for (uint32_t i = 0; i < m.count[s][key]; i++) n += chosen[s][m.rows[s][m.start[s][key] + i]];
                (*counts)[s ? *k + used : used] = n;
            }
            used++;
        }
    }
    an__match_free(&m);
    return *counts != NULL;
}

static bool check_matches(check *c, an_error *err)
{
    const char *what = json_string_value(json_object_get(c->entry, "matches"));
    if (!what || strcmp(what, "reference")) return wrong(c, "matches", err, "the word reference is expected");
    if (!c->reference) {
        wrong(c, "matches", err, "there is no reference to compare with");
        return an_hint(err, "name one with --reference NAME/1");
    }
    double distance_limit = NAN, rate = NAN, distance = NAN, p = NAN;
    if (json_object_get(c->entry, "ks_at_most") && !share_at(c, "ks_at_most", &distance_limit, err)) return false;
    if (json_object_get(c->entry, "error_rate") && !share_at(c, "error_rate", &rate, err)) return false;
    if (isnan(distance_limit) && isnan(rate)) rate = usual_error_rate;
    const an_column *other = an_table_find(c->reference, c->column->name);
    if (!other) return wrong(c, "matches", err, "the reference has no such column");
    uint8_t *chosen = an_alloc_data(c->reference->rows + 1, 1, "the rows of a reference", err);
    bool ok = chosen && an_table_where(c->where, c->reference, chosen, err);
    bool number = an__is_number(c->column->type) && an__is_number(other->type) && c->column->type != AN_BOOLEAN;
    if (ok && number) {
        size_t n, m;
        double *x = chosen_numbers(c->t, c->column, c->chosen, &n, err),
               *y = x ? chosen_numbers(c->reference, other, chosen, &m, err) : NULL;
        ok = y != NULL;
        if (ok) {
            distance = 1 - an_ks_complement(x, n, y, m);
            p = an_ks_p(distance, (double)n, (double)m);
        }
        free(x);
        free(y);
    } else if (ok) {
        double *counts = NULL, n = 0, m = 0;
        size_t k = 0;
        ok = class_counts((const an_table *const[]){ c->t, c->reference }, (const an_column *const[]){ c->column, other },
                          (const uint8_t *const[]){ c->chosen, chosen }, &counts, &k, err);
        for (size_t i = 0; ok && i < k; i++) {
            n += counts[i];
            m += counts[k + i];
        }
        distance = n > 0 && m > 0 ? 0 : NAN;
        for (size_t i = 0; ok && i < k && n > 0 && m > 0; i++) distance += fabs(counts[i] / n - counts[k + i] / m) / 2;
        if (ok) an_chi2_counts(counts, counts + k, k, &p, NULL);
        if (distance == 0) p = 1; /* one value in both */
        free(counts);
    }
    free(chosen);
    if (!ok) return false;
    bool apart = isnan(distance) || ((isnan(distance_limit) || distance > distance_limit) && (isnan(rate) || p < rate));
    an_buf text = { 0 };
    an_buf_printf(&text, "%s distributed as in the reference (", c->column->name);
    if (!isnan(distance_limit)) an_buf_printf(&text, "%s at most %g", number ? "KS distance" : "total variation", distance_limit);
    if (!isnan(rate)) {
        an_buf_printf(&text, "%s%s test at error rate %g: on unchanged data it breaks by chance in %g of 1,000 checks",
                      isnan(distance_limit) ? "" : ", ", number ? "KS" : "chi-squared", rate, 1000 * rate);
        c->statistical++;
        c->error_rate += rate;
    }
    an_buf_putc(&text, ')');
    add(c, "matches", an_buf_take(&text), !apart, c->hit_count,
        json_pack("{s:o, s:o}", number ? "ks" : "total_variation", an_json_real(distance), "p", an_json_real(p)));
    return true;
}

/* ---- one entry, all entries ---- */

static bool has(const check *c, const char *key)
{
    return json_object_get(c->entry, key) != NULL;
}

static bool check_entry(check *c, an_error *err)
{
    c->where = NULL;
    c->column = NULL;
    if (!json_is_object(c->entry)) return an__fail_place(c->yaml, c->path, err, "an expectation has keys such as column: and min:");
    if (!an__known_keys(c->yaml, c->path, c->entry, known, AN_COUNT(known), err)) return false;
    if (has(c, "where") && !(c->where = json_string_value(json_object_get(c->entry, "where"))))
        return wrong(c, "where", err, "a text such as \"variant=A,torque>3\" is expected");
    if (!an_table_where(c->where, c->t, c->chosen, err)) {
        char *path = an_format("%s.where", c->path);
        an__context_place(c->yaml, path, err);
        free(path);
        return false;
    }
    c->chosen_rows = 0;
    for (size_t i = 0; i < c->t->rows; i++) c->chosen_rows += c->chosen[i];
    if (has(c, "column")) {
        const char *name = json_string_value(json_object_get(c->entry, "column"));
        if (!name) return wrong(c, "column", err, "the name of a column is expected");
        c->column = an_table_need(c->t, name, err);
        if (!c->column) {
            if (err) err->code = AN_INPUT;
            return an__context_place(c->yaml, c->path, err);
        }
    }
    static const char *const of_columns[] = { "min", "max", "missing_at_most", "unique", "values", "increasing", "matches" };
    for (size_t k = 0; !c->column && k < AN_COUNT(of_columns); k++) {
        if (has(c, of_columns[k])) return wrong(c, of_columns[k], err, "it needs a column:");
    }
    if (!has(c, "matches") && (has(c, "ks_at_most") || has(c, "error_rate")))
        return wrong(c, has(c, "ks_at_most") ? "ks_at_most" : "error_rate", err, "it belongs to matches: reference");
    size_t before = c->count;
    bool ok = (!has(c, "min") || check_limit(c, "min", true, err)) && (!has(c, "max") || check_limit(c, "max", false, err)) &&
              (!has(c, "missing_at_most") || check_missing(c, err)) && (!has(c, "unique") || check_unique(c, err)) &&
              (!has(c, "values") || check_values(c, err)) && (!has(c, "increasing") || check_increasing(c, err)) &&
              (!has(c, "row") || check_row(c, err)) && (!has(c, "rows_at_least") || check_rows(c, "rows_at_least", true, err)) &&
              (!has(c, "rows_at_most") || check_rows(c, "rows_at_most", false, err)) && (!has(c, "matches") || check_matches(c, err));
    if (ok && c->count == before && !has(c, "unique") && !has(c, "increasing"))
        return an__fail_place(c->yaml, c->path, err, "this entry expects nothing");
    return ok;
}

/* The rows that broke something, with what they broke. */
static an_table *collect(check *c, an_error *err)
{
    if (c->hit_count) qsort(c->hits, c->hit_count, sizeof *c->hits, by_row);
    size_t *rows = an_alloc_data(c->hit_count + 1, sizeof *rows, "the broken rows", err), n = 0;
    if (!rows) return NULL;
    for (size_t k = 0; k < c->hit_count; k++) {
        if (!n || rows[n - 1] != c->hits[k].row) rows[n++] = c->hits[k].row;
    }
    an_table *out = an_table_select(c->t, rows, n, err);
    an_column *text = out ? an_table_add(out, "_broken", AN_TEXT, err) : NULL,
              *number = text ? an_table_add(out, "_row_number", AN_INTEGER, err) : NULL;
    if (number) {
        text = an_table_find(out, "_broken"); /* adding moves columns */
        an_buf all = { 0 };
        for (size_t i = 0, k = 0; i < n; i++) {
            size_t start = all.size;
            for (; k < c->hit_count && c->hits[k].row == rows[i]; k++)
                an_buf_printf(&all, "%s%s", all.size > start ? "; " : "", c->labels[c->hits[k].expectation]);
            text->text.offset[i + 1] = all.size;
            an_set_valid(text, i);
            number->integer[i] = (int64_t)rows[i] + 1;
            an_set_valid(number, i);
        }
        text->text.bytes = all.data;
    } else {
        an_table_free(out);
        out = NULL;
    }
    free(rows);
    return out;
}

json_t *an_expect_check(const an_table *t, const an_yaml *expectations, const an_table *reference, an_table **broken_rows, an_error *err)
{
    if (broken_rows) *broken_rows = NULL;
    const json_t *root = an_yaml_root(expectations), *list = json_object_get(root, "expect"), *entry;
    static const char *const root_keys[] = { "expect" };
    if (!json_is_object(root) || !json_is_array(list)) {
        an__fail_place(expectations, "", err, "a file of expectations begins with expect: and has a list below it");
        return NULL;
    }
    if (!an__known_keys(expectations, "", root, root_keys, 1, err)) return NULL;
    if (t->rows >= UINT32_MAX) {
        an_fail(err, AN_INPUT, "a table of %zu rows is too long to be checked; %u is the limit", t->rows, UINT32_MAX);
        return NULL;
    }
    check c = { .t = t, .reference = reference, .yaml = expectations, .results = json_array() };
    c.chosen = an_alloc_data(t->rows + 1, 1, "the rows of a check", err);
    bool ok = c.chosen != NULL;
    for (size_t i = 0; ok && i < json_array_size(list); i++) {
        entry = json_array_get(list, i);
        c.entry = entry;
        c.path = an_format("expect.%zu", i);
        ok = check_entry(&c, err);
        free(c.path);
    }
    json_t *result = NULL;
    an_table *broken = ok ? collect(&c, err) : NULL;
    if (broken) {
        result = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:O}", "checked", (json_int_t)c.count, "broken", (json_int_t)c.broken, "rows",
                           (json_int_t)t->rows, "rows_broken", (json_int_t)broken->rows, "statistical", (json_int_t)c.statistical,
                           "error_rate", fmin(1, c.error_rate), "expectations", c.results);
        if (broken_rows)
            *broken_rows = broken;
        else
            an_table_free(broken);
    }
    json_decref(c.results);
    for (size_t k = 0; k < c.count; k++) free(c.labels[k]);
    free(c.labels);
    free(c.hits);
    free(c.chosen);
    return result;
}
