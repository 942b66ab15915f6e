/* pivot.c - from one row a measurement (a screw, a weld, a cycle) to one row a part: the cells of a column become names of columns. */
#include "match.h"
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 20, NAMES_MAX = 1000, COLUMNS_MAX = 20000 };

typedef struct pivot {
    const an_table *t;
    const an_column *on, *names;
    const an_column **value;
    size_t values;
    bool refuse, last;
    uint32_t *part, *name; /* [row]: number of the part and of the name; AN__NO_ROW: left out */
    uint32_t *first;       /* [part]: its first row */
    size_t parts, name_count, left_out;
    char **name_text;
} pivot;

static bool is_value(const pivot *p, const an_column *c)
{
    for (size_t k = 0; k < p->values; k++) {
        if (p->value[k] == c) return true;
    }
    return false;
}

static bool find_columns(pivot *p, const char *on, const char *names, const an_list *values, an_error *err)
{
    if (!on || !names || !values->count)
        return an_fail(err, AN_USAGE,
                       "a pivot needs the column that names the part (--on), the one that names the measurement (--names) and what was "
                       "measured (--values)");
    p->on = an_table_need(p->t, on, err);
    p->names = p->on ? an_table_need(p->t, names, err) : NULL;
    if (!p->names) return false;
    if (p->on == p->names) return an_fail(err, AN_USAGE, "column %s cannot name both the part and the measurement", on);
    p->value = an_alloc_n(values->count, sizeof *p->value);
    for (size_t k = 0; k < values->count; k++) {
        const an_column *c = an_table_need(p->t, values->items[k], err);
        if (!c) return false;
        if (c == p->on || c == p->names || is_value(p, c)) return an_fail(err, AN_USAGE, "column %s cannot be a value as well", c->name);
        p->value[p->values++] = c;
    }
    return true;
}

typedef struct named {
    double number;
    char *text;
    uint32_t key;
} named;

static int by_name(const void *a, const void *b)
{
    const named *x = a, *y = b;
    if (x->number != y->number && !isnan(x->number) && !isnan(y->number)) return x->number < y->number ? -1 : 1;
    return strverscmp(x->text, y->text); /* "screw 2" before "screw 10"; independent of locale */
}

/* Numbers the names: by value where they are numbers, else as people count. */
static bool number_names(pivot *p, an_job *job, an_error *err)
{
    an__match m;
    if (!an__match_build(&p->t, &p->names, 1, job, &m, err)) return false;
    named *list = an_alloc_n(NAMES_MAX + 1, sizeof *list);
    size_t count = 0, listed = 0;
    for (size_t k = 0; k < m.keys; k++) {
        if (!m.count[0][k]) continue;
        if (count++ >= NAMES_MAX) continue;
        uint32_t row = m.rows[0][m.start[0][k]];
        an_buf text = { 0 };
        an_cell_text(p->names, row, &text);
        list[listed++] = (named){ p->names->type == AN_REAL || p->names->type == AN_INTEGER ? an_cell_number(p->names, row) : NAN,
                                  an_buf_take(&text), (uint32_t)k };
    }
    bool ok = true;
    if (count > NAMES_MAX || count * p->values > COLUMNS_MAX) {
        ok = an_fail(err, AN_INPUT,
                     "column %s has %zu different values, which with %zu measured columns would make %zu columns; %d names and %d columns "
                     "are the limit",
                     p->names->name, count, p->values, count * p->values, NAMES_MAX, COLUMNS_MAX);
        an_hint(err, "--names is the column that tells the measurements of one part from each other, such as the number of the screw");
    } else if (!count) {
        ok = an_fail(err, AN_INPUT, "column %s has no value", p->names->name);
    }
    qsort(list, listed, sizeof *list, by_name);
    uint32_t *number = ok ? an_alloc_data(m.keys + 1, sizeof *number, "the names of a pivot", err) : NULL;
    ok = number != NULL;
    p->name_text = an_alloc_n(listed + 1, sizeof *p->name_text);
    for (size_t k = 0; k < listed; k++) {
        p->name_text[k] = list[k].text;
        if (ok) number[list[k].key] = (uint32_t)k;
    }
    p->name_count = listed;
    for (size_t i = 0; ok && i < p->t->rows; i++) p->name[i] = m.key[0][i] == AN__NO_ROW ? AN__NO_ROW : number[m.key[0][i]];
    free(number);
    free(list);
    an__match_free(&m);
    return ok;
}

/* Parts in the order in which they come first. */
static bool number_parts(pivot *p, an_job *job, an_error *err)
{
    an__match m;
    if (!an__match_build(&p->t, &p->on, 1, job, &m, err)) return false;
    uint32_t *number = an_alloc_data(m.keys + 1, sizeof *number, "the parts of a pivot", err);
    p->first = an_alloc_data(p->t->rows + 1, sizeof *p->first, "the parts of a pivot", err);
    bool ok = number && p->first;
    for (size_t i = 0; ok && i < p->t->rows; i++) {
        uint32_t key = m.key[0][i];
        if (key == AN__NO_ROW || p->name[i] == AN__NO_ROW) {
            p->part[i] = AN__NO_ROW;
            p->left_out++;
            continue;
        }
        if (!number[key]) {
            p->first[p->parts] = (uint32_t)i;
            number[key] = (uint32_t)++p->parts;
        }
        p->part[i] = number[key] - 1;
    }
    free(number);
    an__match_free(&m);
    return ok;
}

static char *part_text(const pivot *p, size_t part)
{
    an_buf text = { 0 };
    an_cell_text(p->on, p->first[part], &text);
    return an_buf_take(&text);
}

/* Which row holds (part, name); refuses or counts those that come twice. */
static bool rows_of_name(const pivot *p, size_t name, const uint32_t *rows, size_t n, uint32_t *source, uint32_t *times, json_t *repeated,
                         size_t *repeated_count, an_error *err)
{
    memset(source, 0xff, p->parts * sizeof *source);
    memset(times, 0, p->parts * sizeof *times);
    for (size_t i = 0; i < n; i++) {
        uint32_t part = p->part[rows[i]];
        if (times[part]++ && p->refuse) {
            char *text = part_text(p, part);
            an_fail(err, AN_INPUT, "part %.100s has %s %.100s more than once (rows %u and %u)", text, p->names->name, p->name_text[name],
                    source[part] + 1, rows[i] + 1);
            free(text);
            return an_hint(err, "say which attempt counts: --attempts first or last");
        }
        if (times[part] == 1 || p->last) source[part] = rows[i];
    }
    for (size_t part = 0; part < p->parts; part++) {
        if (times[part] < 2 || (*repeated_count)++ >= LISTED) continue;
        char *text = part_text(p, part);
        json_array_append_new(repeated,
                              json_pack("{s:s, s:s, s:I}", "key", text, "name", p->name_text[name], "rows", (json_int_t)times[part]));
        free(text);
    }
    return true;
}

static bool add_gathered(an_table *out, const an_column *from, const char *name, const uint32_t *source, an_error *err)
{
    if (an_table_find(out, name)) return an_fail(err, AN_INPUT, "two columns of the pivot would be called %s", name);
    an_column like = *from, made = { 0 };
    like.name = (char *)(uintptr_t)name; /* copied */
    an__column_describe(&made, &like);
    if (!an__gather(&made, from, source, out->rows, err)) {
        an__column_free(&made);
        return false;
    }
    an__table_push(out, &made);
    return true;
}

static bool same_cell(const an_column *c, size_t i, size_t k, an_buf *x, an_buf *y)
{
    if (an__is_number(c->type)) return an_cell_number(c, i) == an_cell_number(c, k);
    if (c->type == AN_CATEGORY) return c->code[i] == c->code[k];
    an_buf_clear(x);
    an_buf_clear(y);
    an_cell_text(c, i, x);
    an_cell_text(c, k, y);
    return x->size == y->size && (!x->size || !memcmp(x->data, y->data, x->size));
}

/* A column that should say one thing about a part: its first valid cell is kept. */
static bool add_common(const pivot *p, an_table *out, const an_column *c, uint32_t *source, uint32_t *odd, json_t *conflicts, an_error *err)
{
    memcpy(source, p->first, p->parts * sizeof *source);
    memset(odd, 0, p->parts * sizeof *odd);
    an_buf x = { 0 }, y = { 0 };
    for (size_t i = 0; i < p->t->rows; i++) {
        uint32_t part = p->part[i];
        if (part == AN__NO_ROW || !an_valid(c, i)) continue;
        if (!an_valid(c, source[part]))
            source[part] = (uint32_t)i;
        else if (c->type != AN_TENSOR && !odd[part] && !same_cell(c, source[part], i, &x, &y))
            odd[part] = 1;
    }
    an_buf_free(&x);
    an_buf_free(&y);
    size_t parts = 0;
    json_t *first = json_array();
    for (size_t k = 0; k < p->parts; k++) {
        if (!odd[k] || parts++ >= LISTED) continue;
        char *text = part_text(p, k);
        json_array_append_new(first, json_string(text));
        free(text);
    }
    if (parts)
        json_array_append_new(conflicts, json_pack("{s:s, s:I, s:O}", "column", c->name, "parts", (json_int_t)parts, "first", first));
    json_decref(first);
    return add_gathered(out, c, c->name, source, err);
}

static an_table *reshape(const pivot *p, json_t **report, an_job *job, an_error *err)
{
    an_table *out = an_table_new(p->parts);
    out->positive = an_strdup(p->t->positive);
    json_t *names = json_array(), *incomplete = json_array(), *repeated = json_array(), *conflicts = json_array();
    size_t incomplete_count = 0, repeated_count = 0;
    uint32_t *source = an_alloc_data(p->parts + 1, sizeof *source, "the rows of a pivot", err),
             *times = an_alloc_data(p->parts + 1, sizeof *times, "the rows of a pivot", err);
    uint32_t *rows = an_alloc_data(p->t->rows + 1, sizeof *rows, "the rows of a pivot", err),
             *found = an_alloc_data(p->parts + 1, sizeof *found, "the rows of a pivot", err);
    size_t *start = an_alloc_n(p->name_count + 2, sizeof *start);
    bool ok = source && times && rows && found;
    for (size_t j = 0; ok && j < p->t->columns; j++) {
        const an_column *c = &p->t->column[j];
        if (c == p->names || is_value(p, c)) continue;
        ok = add_common(p, out, c, source, times, conflicts, err);
        if (!ok || c != p->on) continue;
        an_column *key = &out->column[out->columns - 1];
        bool other = false;
        for (size_t k = 0; k < p->t->columns; k++) other = other || p->t->column[k].role == AN_ID;
        if (other || (key->role != AN_FEATURE && key->role != AN_IGNORED)) continue;
        key->role = AN_ID;
        free(key->reason);
        key->reason = NULL;
    }
    for (size_t i = 0; ok && i < p->t->rows; i++) {
        if (p->part[i] != AN__NO_ROW) start[p->name[i] + 2]++;
    }
    for (size_t k = 0; k < p->name_count; k++) start[k + 2] += start[k + 1];
    for (size_t i = 0; ok && i < p->t->rows; i++) {
        if (p->part[i] != AN__NO_ROW) rows[start[p->name[i] + 1]++] = (uint32_t)i;
    }
    for (size_t k = 0; ok && k < p->name_count; k++) {
        json_array_append_new(names, json_string(p->name_text[k]));
        an_job_progress(job, (double)k, (double)p->name_count, "names");
        ok = an_job_check(job, err) &&
             rows_of_name(p, k, rows + start[k], start[k + 1] - start[k], source, times, repeated, &repeated_count, err);
        for (size_t part = 0; ok && part < p->parts; part++) found[part] += source[part] != AN__NO_ROW;
        for (size_t v = 0; ok && v < p->values; v++) {
            char *name = an_format("%s_%s", p->name_text[k], p->value[v]->name);
            ok = add_gathered(out, p->value[v], name, source, err);
            free(name);
        }
    }
    for (size_t part = 0; ok && part < p->parts; part++) {
        if (found[part] == p->name_count || incomplete_count++ >= LISTED) continue;
        char *text = part_text(p, part);
        json_array_append_new(incomplete, json_pack("{s:s, s:I}", "key", text, "missing", (json_int_t)(p->name_count - found[part])));
        free(text);
    }
    if (ok) an__constraints_keep(out, p->t->constraints);
    if (ok && report) {
        *report =
            json_pack("{s:I, s:I, s:O, s:O, s:I, s:O, s:I, s:O, s:I}", "rows", (json_int_t)p->t->rows, "parts", (json_int_t)p->parts,
                      "names", names, "incomplete", incomplete, "incomplete_count", (json_int_t)incomplete_count, "repeated", repeated,
                      "repeated_count", (json_int_t)repeated_count, "conflicts", conflicts, "left_out", (json_int_t)p->left_out);
    }
    json_decref(names);
    json_decref(incomplete);
    json_decref(repeated);
    json_decref(conflicts);
    free(source);
    free(times);
    free(rows);
    free(found);
    free(start);
    if (ok) return out;
    an_table_free(out);
    return NULL;
}

an_table *an_table_pivot(const an_table *t, const char *on, const char *names, const an_list *values, const char *attempts, json_t **report,
                         an_job *job, an_error *err)
{
    pivot p = { .t = t, .refuse = !attempts || !strcmp(attempts, "refuse"), .last = attempts && !strcmp(attempts, "last") };
    if (report) *report = NULL;
    if (!p.refuse && !p.last && strcmp(attempts, "first")) {
        an_fail(err, AN_USAGE, "attempts of a pivot is first, last or refuse, not \"%s\"", attempts);
        return NULL;
    }
    an_job_stage(job, "pivoting");
    bool ok = an_table_require_real(t, "a table to pivot", err) && find_columns(&p, on, names, values, err);
    p.part = ok ? an_alloc_data(t->rows + 1, sizeof *p.part, "the parts of a pivot", err) : NULL;
    p.name = p.part ? an_alloc_data(t->rows + 1, sizeof *p.name, "the parts of a pivot", err) : NULL;
    ok = p.name && number_names(&p, job, err) && number_parts(&p, job, err);
    an_table *out = ok ? reshape(&p, report, job, err) : NULL;
    for (size_t k = 0; k < p.name_count; k++) free(p.name_text[k]);
    free(p.name_text);
    free(p.value);
    free(p.part);
    free(p.name);
    free(p.first);
    return out;
}
