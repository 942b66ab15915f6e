/* relation.c - specs and constraints as a table keeps them: reading relations between columns, judging rows, finding circles, fixed
 * combinations. */
#include "schema.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALLOWED_MAX = 1000 };

/* ---- specs ---- */

bool an__spec_sound(const json_t *spec)
{
    const char *key;
    json_t *value;
    if (!json_is_object(spec)) return false;
    json_object_foreach((json_t *)spec, key, value) {
        bool number = !strcmp(key, "low") || !strcmp(key, "high") || !strcmp(key, "resolution");
        bool text = !strcmp(key, "direction") || !strcmp(key, "station") || !strcmp(key, "from") || !strcmp(key, "description");
        if (number ? !json_is_number(value) : text ? !json_is_string(value) : strcmp(key, "sentinels") || !json_is_array(value))
            return false;
    }
    return true;
}

static bool all_texts(const json_t *array)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item) {
        if (!json_is_string(item)) return false;
    }
    return json_is_array(array);
}

bool an__constraints_sound(const json_t *constraints)
{
    size_t i, k;
    json_t *item, *row;
    if (!json_is_array(constraints)) return false;
    json_array_foreach(constraints, i, item) {
        if (json_is_string(item)) continue;
        json_t *fixed = json_object_get(item, "fixed"), *allowed = json_object_get(item, "allowed");
        if (!all_texts(fixed) || json_array_size(fixed) < 2 || !json_is_array(allowed)) return false;
        json_array_foreach(allowed, k, row) {
            if (!all_texts(row) || json_array_size(row) != json_array_size(fixed)) return false;
        }
    }
    return true;
}

double an__spec_number(const an_column *c, const char *key)
{
    return an_json_number(json_object_get(c->spec, key), NAN);
}

void an__constraints_keep(an_table *out, json_t *constraints)
{
    size_t i, kept = json_array_size(constraints);
    json_t *item, *list = json_array();
    json_array_foreach(constraints, i, item) {
        an__relation r;
        an__fixed f;
        bool there;
        if (json_is_string(item)) {
            there = an__relation_parse(json_string_value(item), out, &r, NULL);
        } else {
            there = an__fixed_open(item, out, &f, NULL);
            if (there) an__fixed_free(&f);
        }
        if (there) json_array_append(list, item);
    }
    json_decref(out->constraints);
    out->constraints = NULL;
    if (json_array_size(list) == kept && kept) {
        out->constraints = json_incref(constraints); /* the usual case: shared */
    } else if (json_array_size(list)) {
        out->constraints = json_incref(list);
    }
    json_decref(list);
}

/* ---- relations: text to terms ---- */

typedef struct reader {
    const char *at, *text;
    const an_table *table;
    an_error *err;
} reader;

static bool wrong(reader *r, const char *what)
{
    an_fail(r->err, AN_INPUT, "\"%.120s\" is not a condition: %s", r->text, what);
    return an_hint(r->err, "write a < b, a + b = c, 2 * a - b <= 0.5; names with blanks or signs in them stand in double quotes");
}

static void blanks(reader *r)
{
    while (*r->at == ' ' || *r->at == '\t') r->at++;
}

static bool number_at(reader *r, double *value)
{
    const char *p = r->at;
    while ((*p >= '0' && *p <= '9') || *p == '.' ||
           ((*p | 32) == 'e' && p > r->at && (p[1] == '-' || p[1] == '+' || (p[1] >= '0' && p[1] <= '9'))) ||
           ((*p == '-' || *p == '+') && p > r->at && (p[-1] | 32) == 'e'))
        p++;
    char after = *p;
    bool ends = !after || strchr(" \t*+-<>=!", after);
    if (p == r->at || !ends || !an_real_parse(r->at, (size_t)(p - r->at), value) || !isfinite(*value)) return false;
    r->at = p;
    return true;
}

/* A name: in double quotes, or up to a blank or a sign of the grammar; a minus inside a name is part of it. */
static bool name_at(reader *r, size_t *column)
{
    const char *start = r->at, *end;
    if (*start == '"') {
        end = strchr(++start, '"');
        if (!end) return wrong(r, "a double quote is not closed");
        r->at = end + 1;
    } else {
        end = start + strcspn(start, " \t*+<>=!\"");
        r->at = end;
    }
    if (end == start) return wrong(r, *end ? "a column or a number is expected" : "it ends where a column or a number is expected");
    char *name = an_strndup(start, (size_t)(end - start));
    an_column *c = an_table_need(r->table, name, r->err);
    free(name);
    if (!c) {
        return an_context(r->err, "the condition \"%.120s\"", r->text);
    }
    if (!an__is_number(c->type))
        return an_fail(r->err, AN_INPUT, "the condition \"%.120s\" compares numbers, but column %s is %s", r->text, c->name,
                       an_type_name(c->type));
    *column = (size_t)(c - r->table->column);
    return true;
}

static bool add_term(reader *r, an__relation *out, double factor, size_t column)
{
    for (int k = 0; k < out->count; k++) {
        if (out->term[k].column == column) {
            out->term[k].factor += factor;
            return true;
        }
    }
    if (out->count == AN__TERMS_MAX) return wrong(r, "it has more than 16 columns");
    out->term[out->count].factor = factor;
    out->term[out->count++].column = column;
    return true;
}

static bool side(reader *r, an__relation *out, double sign)
{
    for (bool first = true;; first = false) {
        blanks(r);
        double factor = sign, value;
        if (*r->at == '-' || *r->at == '+') {
            factor = *r->at == '-' ? -sign : sign;
            r->at++;
            blanks(r);
        } else if (!first) {
            return true;
        }
        if (number_at(r, &value)) {
            blanks(r);
            if (*r->at != '*') {
                out->constant += factor * value;
                blanks(r);
                continue;
            }
            r->at++;
            blanks(r);
            factor *= value;
        }
        size_t column = 0;
        if (!name_at(r, &column) || !add_term(r, out, factor, column)) return false;
    }
}

bool an__relation_parse(const char *text, const an_table *t, an__relation *out, an_error *err)
{
    static const struct {
        const char *sign;
        an__order order;
    } orders[] = { { "<=", ORDER_LESS_EQUAL }, { ">=", ORDER_MORE_EQUAL }, { "!=", ORDER_NOT_EQUAL }, { "==", ORDER_EQUAL },
                   { "<", ORDER_LESS },        { ">", ORDER_MORE },        { "=", ORDER_EQUAL } };
    reader r = { text, text, t, err };
    *out = (an__relation){ 0 };
    if (!side(&r, out, 1)) return false;
    out->left = out->count;
    size_t k = 0;
    while (k < AN_COUNT(orders) && strncmp(r.at, orders[k].sign, strlen(orders[k].sign))) k++;
    if (k == AN_COUNT(orders))
        return wrong(&r, *r.at ? "one of < <= > >= = != is expected" : "it compares nothing: one of < <= > >= = != is missing");
    out->order = orders[k].order;
    r.at += strlen(orders[k].sign);
    if (!side(&r, out, -1)) return false;
    if (*r.at) return wrong(&r, "it goes on behind its end");
    if (!out->count) return wrong(&r, "it names no column");
    return true;
}

int an__relation_holds(const an__relation *r, const an_table *t, size_t row)
{
    double sum = r->constant, largest = fabs(r->constant), slack = r->slack;
    for (int k = 0; k < r->count; k++) {
        double value = an_cell_number(&t->column[r->term[k].column], row), part = r->term[k].factor * value;
        if (isnan(value)) return -1;
        sum += part;
        largest = fmax(largest, fabs(part));
    }
    double tiny = 1e-9 * largest; /* sums of decimals in binary are off by some 1e-16 of the largest part */
    switch (r->order) {
    case ORDER_LESS:
        return sum < 0;
    case ORDER_LESS_EQUAL:
        return sum <= tiny;
    case ORDER_MORE:
        return sum > 0;
    case ORDER_MORE_EQUAL:
        return sum >= -tiny;
    case ORDER_EQUAL:
        return fabs(sum) <= slack + tiny;
    case ORDER_NOT_EQUAL:
        return fabs(sum) > slack + tiny;
    }
    return -1;
}

/* ---- circles ---- */

typedef struct edge { /* from comes before to, or from is needed to know to */
    size_t from, to, relation;
    bool strict;
} edge;

/* Follows edges depth first; state 1: on the way, 2: done. path holds edges on the way. */
typedef struct search {
    const edge *edges;
    size_t count, *path, depth;
    uint8_t *state;
    size_t circle; /* length of the circle that was found, at the end of path; 0: none */
    bool strict_only;
} search;

static void visit(search *s, size_t at)
{
    s->state[at] = 1;
    for (size_t e = 0; e < s->count && !s->circle; e++) {
        if (s->edges[e].from != at || s->state[s->edges[e].to] == 2) continue;
        s->path[s->depth++] = e;
        if (s->state[s->edges[e].to] == 1) {
            bool strict = false;
            size_t length = 0;
            while (length < s->depth) {
                const edge *x = &s->edges[s->path[s->depth - ++length]];
                strict = strict || x->strict;
                if (x->from == s->edges[e].to) break;
            }
            if (strict || !s->strict_only) {
                s->circle = length;
                return;
            }
        } else {
            visit(s, s->edges[e].to);
        }
        if (!s->circle) s->depth--;
    }
    if (!s->circle) s->state[at] = 2;
}

static bool no_circle(const edge *edges, size_t count, const an_table *t, bool orders, size_t *which, an_error *err)
{
    search s = { .edges = edges, .count = count, .strict_only = orders };
    s.path = an_alloc_n(count + 1, sizeof *s.path);
    s.state = an_alloc_n(t->columns + 1, 1);
    for (size_t j = 0; j < t->columns && !s.circle; j++) {
        if (!s.state[j]) visit(&s, j);
    }
    bool ok = !s.circle;
    if (!ok) {
        an_buf way = { 0 };
        for (size_t k = s.depth - s.circle; k < s.depth; k++) {
            const edge *x = &edges[s.path[k]];
            an_buf_printf(&way, "%s %s ", t->column[x->from].name, !orders ? "->" : x->strict ? "<" : "<=");
        }
        *which = edges[s.path[s.depth - 1]].relation;
        an_buf_puts(&way, t->column[edges[s.path[s.depth - 1]].to].name);
        an_fail(err, AN_INPUT,
                orders ? "the constraints run in a circle that no row can satisfy: %s" : "the sums define each other in a circle: %s",
                way.data);
        an_hint(err, "take one of the constraints of the circle out");
        an_buf_free(&way);
    }
    free(s.path);
    free(s.state);
    return ok;
}

static void add_edge(edge **edges, size_t *count, edge e)
{
    if (!(*count & (*count - 1))) *edges = an_resize_n(*edges, *count ? 2 * *count : 1, sizeof **edges);
    (*edges)[(*count)++] = e;
}

bool an__relations_circle(const an__relation *relations, size_t count, const an_table *t, size_t *which, an_error *err)
{
    edge *orders = NULL, *sums = NULL;
    size_t order_count = 0, sum_count = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        const an__relation *r = &relations[i];
        bool less = r->order == ORDER_LESS || r->order == ORDER_LESS_EQUAL, more = r->order == ORDER_MORE || r->order == ORDER_MORE_EQUAL;
        bool strict = r->order == ORDER_LESS || r->order == ORDER_MORE;
        if ((less || more) && r->count == 2 && r->constant == 0 && r->term[0].factor == -r->term[1].factor && r->term[0].factor != 0) {
            bool turned = (r->term[0].factor > 0) != less;
            size_t low = r->term[turned].column, high = r->term[!turned].column;
            add_edge(&orders, &order_count, (edge){ low, high, i, strict });
        } else if (r->count == 1 && r->term[0].factor == 0 && r->constant == 0 && strict) { /* a < a */
            *which = i;
            ok = an_fail(err, AN_INPUT, "the constraint compares column %s with itself: no row can satisfy it",
                         t->column[r->term[0].column].name);
        } else if (r->order == ORDER_EQUAL && r->count - r->left == 1 && r->left > 1) { /* a + b = c: c is known by a and b */
            for (int k = 0; k < r->left; k++) add_edge(&sums, &sum_count, (edge){ r->term[k].column, r->term[r->left].column, i, true });
        } else if (r->order == ORDER_EQUAL && r->left == 1 && r->count > 2) { /* c = a + b */
            for (int k = 1; k < r->count; k++) add_edge(&sums, &sum_count, (edge){ r->term[k].column, r->term[0].column, i, true });
        }
    }
    ok = ok && no_circle(orders, order_count, t, true, which, err) && no_circle(sums, sum_count, t, false, which, err);
    free(orders);
    free(sums);
    return ok;
}

/* ---- fixed combinations ---- */

static uint64_t combination(const an_table *t, const size_t *column, size_t n, size_t row, an_buf *text, bool *missing)
{
    an_buf_clear(text);
    *missing = false;
    for (size_t k = 0; k < n; k++) {
        const an_column *c = &t->column[column[k]];
        *missing = *missing || !an_valid(c, row);
        an_cell_text(c, row, text);
        an_buf_putc(text, '\0');
    }
    return an__hash(text->data, text->size);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool fixed_columns(const json_t *constraint, const an_table *t, size_t **column, size_t *count, an_error *err)
{
    const json_t *names = json_object_get(constraint, "fixed");
    size_t n = json_array_size(names);
    *column = an_alloc_n(n + 1, sizeof **column);
    *count = n;
    for (size_t k = 0; k < n; k++) {
        const char *name = json_string_value(json_array_get(names, k));
        an_column *c = name ? an_table_need(t, name, err) : NULL;
        if (!c) {
            free(*column);
            return name ? false : an_fail(err, AN_INPUT, "fixed needs a list of columns");
        }
        (*column)[k] = (size_t)(c - t->column);
    }
    if (n < 2) {
        free(*column);
        return an_fail(err, AN_INPUT, "fixed needs a list of two columns or more, such as [line, variant]");
    }
    return true;
}

bool an__fixed_open(const json_t *constraint, const an_table *t, an__fixed *out, an_error *err)
{
    *out = (an__fixed){ 0 };
    if (!fixed_columns(constraint, t, &out->column, &out->columns, err)) return false;
    const json_t *allowed = json_object_get(constraint, "allowed");
    out->count = json_array_size(allowed);
    out->allowed = an_alloc_n(out->count + 1, sizeof *out->allowed);
    an_buf text = { 0 };
    size_t i, k;
    json_t *row, *cell;
    bool ok = true;
    json_array_foreach(allowed, i, row) {
        an_buf_clear(&text);
        ok = ok && (json_array_size(row) == out->columns ||
                    an_fail(err, AN_INPUT, "combination %zu has %zu values for %zu columns", i + 1, json_array_size(row), out->columns));
        json_array_foreach(row, k, cell) {
            if (!ok) break;
            an_buf plain = { 0 };
            if (json_is_string(cell))
                an_buf_puts(&plain, json_string_value(cell));
            else
                an__yaml_value(&plain, cell);
            char *value = an__canonical_value(&t->column[out->column[k]], plain.data ? plain.data : "");
            an_buf_puts(&text, value);
            an_buf_putc(&text, '\0');
            free(value);
            an_buf_free(&plain);
        }
        if (ok) out->allowed[i] = an__hash(text.data, text.size);
    }
    an_buf_free(&text);
    qsort(out->allowed, out->count, sizeof *out->allowed, by_value);
    if (!ok) an__fixed_free(out);
    return ok;
}

void an__fixed_free(an__fixed *f)
{
    free(f->column);
    free(f->allowed);
    *f = (an__fixed){ 0 };
}

bool an__fixed_holds(const an__fixed *f, const an_table *t, size_t row)
{
    an_buf text = { 0 };
    bool missing;
    uint64_t key = combination(t, f->column, f->columns, row, &text, &missing);
    an_buf_free(&text);
    return missing || bsearch(&key, f->allowed, f->count, sizeof key, by_value);
}

static int by_texts(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    int order = 0;
    for (size_t k = 0; !order && k < json_array_size(x); k++)
        order = strcmp(json_string_value(json_array_get(x, k)), json_string_value(json_array_get(y, k)));
    return order;
}

json_t *an__fixed_with_allowed(const json_t *constraint, const an_table *t, an_error *err)
{
    size_t *column, n;
    if (!fixed_columns(constraint, t, &column, &n, err)) return NULL;
    enum { SLOTS = 4 * ALLOWED_MAX };
    uint64_t *seen = an_alloc_n(SLOTS, sizeof *seen);
    json_t **found = an_alloc_n(ALLOWED_MAX + 1, sizeof *found);
    size_t count = 0;
    an_buf text = { 0 };
    for (size_t i = 0; i < t->rows && count <= ALLOWED_MAX; i++) {
        bool missing;
        uint64_t key = combination(t, column, n, i, &text, &missing) | 1;
        if (missing) continue;
        size_t at = (key >> 1) % SLOTS;
        while (seen[at] && seen[at] != key) at = (at + 1) % SLOTS;
        if (seen[at]) continue;
        seen[at] = key;
        if (count < ALLOWED_MAX) {
            json_t *row = json_array();
            const char *p = text.data;
            for (size_t k = 0; k < n; k++, p += strlen(p) + 1) json_array_append_new(row, json_string(p));
            found[count] = row;
        }
        count++;
    }
    json_t *out = NULL, *allowed = json_array();
    size_t kept = count > ALLOWED_MAX ? ALLOWED_MAX : count;
    qsort(found, kept, sizeof *found, by_texts);
    for (size_t k = 0; k < kept; k++) json_array_append_new(allowed, found[k]);
    if (count > ALLOWED_MAX) {
        an_fail(err, AN_INPUT, "the columns of fixed have more than %d combinations, which fixes nothing", ALLOWED_MAX);
    } else {
        out = json_pack("{s:O, s:O}", "fixed", json_object_get(constraint, "fixed"), "allowed", allowed);
    }
    json_decref(allowed);
    an_buf_free(&text);
    free(found);
    free(seen);
    free(column);
    return out;
}
