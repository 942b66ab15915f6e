/* load_rows.c - the bodies that a load test sends, made once before it starts: rows drawn between the limits that the model's metadata
 * names, or rows of a table. */
#include "serve/load.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *an__load_path(const char *model, bool v2, const char *end)
{
    an_buf b = { 0 };
    size_t n = strcspn(model, "/");
    an_buf_puts(&b, v2 ? "/v2/models/" : "/api/models/");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)model[i];
        if (isalnum(c) || strchr("._-@", c))
            an_buf_putc(&b, (char)c);
        else
            an_buf_printf(&b, "%%%02X", c);
    }
    if (v2 && model[n]) {
        an_buf_puts(&b, "/versions/");
        for (const char *s = model + n + 1; *s; s++)
            if (isalnum((unsigned char)*s) || strchr("._-", *s))
                an_buf_putc(&b, *s);
            else
                an_buf_printf(&b, "%%%02X", (unsigned char)*s);
    }
    an_buf_puts(&b, end);
    return an_buf_take(&b);
}

/* ---- inputs ---- */

/* what a server's metadata may make us build: values of one row, and of all rows */
enum { ROW_VALUES = 1000000, ALL_VALUES = 20000000 };

static const char *datatype(const json_t *input)
{
    return an_json_string(input, "datatype", "FP64");
}

static bool is_text(const json_t *input)
{
    return !strcmp(datatype(input), "BYTES");
}

static bool is_whole(const json_t *input)
{
    const char *d = datatype(input);
    return !strncmp(d, "INT", 3) || !strncmp(d, "UINT", 4) ||
           !strcmp(an_json_string(json_object_get(input, "parameters"), "type", ""), "integer");
}

/* Values of one row: the product of the shape, of which the first -1 is the rows. */
static size_t width(const json_t *input)
{
    size_t i;
    double n = 1;
    const json_t *d;
    json_array_foreach(json_object_get(input, "shape"), i, d) n *= floor(fmax(1, an_json_number(d, 1)));
    return n < ROW_VALUES ? (size_t)n : ROW_VALUES;
}

static const json_t *inputs_of(const json_t *metadata, bool v2, an_error *err)
{
    const json_t *inputs = json_object_get(metadata, "inputs"), *input;
    size_t i, all = 0;
    if (!json_array_size(inputs)) {
        an_fail(err, AN_INPUT, "the model's metadata names no inputs, so no requests can be made for it");
        return NULL;
    }
    json_array_foreach(inputs, i, input) {
        if (!*an_json_string(input, "name", "")) {
            an_fail(err, AN_INPUT, "input %zu of the model's metadata has no name", i + 1);
            return NULL;
        }
        if ((all += width(input)) >= ROW_VALUES) {
            an_fail(err, AN_INPUT, "the model takes %d or more values a row, more than a load test makes up", ROW_VALUES);
            return NULL;
        }
        if (!v2 && width(input) > 1) {
            an_fail(err, AN_INPUT, "input \"%s\" has %zu values a row, which rows by name cannot hold", an_json_string(input, "name", ""),
                    width(input));
            an_hint(err, "--form v2 sends tensors");
            return NULL;
        }
    }
    return inputs;
}

/* ---- one value ---- */

static json_t *draw(const json_t *input, an_rng *rng, an_error *err)
{
    const json_t *p = json_object_get(input, "parameters"), *categories = json_object_get(p, "categories");
    const char *type = an_json_string(p, "type", "");
    double u = an_rng_uniform(rng);
    if (json_array_size(categories)) return json_incref(json_array_get(categories, (size_t)(u * (double)json_array_size(categories))));
    if (!strcmp(datatype(input), "BOOL") || !strcmp(type, "boolean")) return json_boolean(u < 0.5);
    double low = an_json_number(json_object_get(p, "low"), 0), high = an_json_number(json_object_get(p, "high"), low + 1);
    double x = low + u * (high - low);
    if (!strcmp(type, "datetime")) {
        char text[32];
        return json_string(an_time_text((int64_t)llround(fmin(fmax(x, 0), 2e11) * 1e6), text));
    }
    if (is_text(input)) {
        if (json_is_array(categories)) return json_string(""); /* a column that was empty in training */
        an_fail(err, AN_INPUT, "input \"%s\" is text, and the model's metadata does not say which values it takes",
                an_json_string(input, "name", ""));
        an_hint(err, "give rows to send with --data FILE");
        return NULL;
    }
    if (is_whole(input)) return json_integer((json_int_t)llround(fmin(fmax(x, -9e15), 9e15)));
    return an_json_real(x);
}

static json_t *cell(const json_t *input, const an_column *c, size_t row, bool v2, an_error *err)
{
    if (!an_valid(c, row)) return v2 && is_text(input) ? json_string("") : json_null();
    if (is_text(input)) {
        an_buf text = { 0 };
        an_cell_text(c, row, &text);
        json_t *j = json_stringn(text.data, text.size);
        an_buf_free(&text);
        if (!j) an_fail(err, AN_INPUT, "row %zu, column %s: not UTF-8", row + 1, c->name);
        return j;
    }
    double x = an_cell_number(c, row);
    if (isnan(x)) {
        an_fail(err, AN_INPUT, "column %s holds %s values, but the model takes numbers there", c->name, an_type_name(c->type));
        return NULL;
    }
    if (!strcmp(datatype(input), "BOOL")) return json_boolean(x != 0);
    if (is_whole(input) && v2) return json_integer((json_int_t)llround(fmin(fmax(x, -9e15), 9e15)));
    return an_json_real(x);
}

/* ---- bodies ---- */

typedef struct source { /* a table, or draws */
    const an_table *table;
    const an_column **column; /* by input */
    an_rng rng;
} source;

static json_t *value(source *s, const json_t *input, size_t i, size_t row, bool v2, an_error *err)
{
    return s->table ? cell(input, s->column[i], row, v2, err) : draw(input, &s->rng, err);
}

static json_t *one_body(source *s, const json_t *inputs, size_t row, bool v2, an_error *err)
{
    json_t *all = v2 ? json_array() : json_object();
    size_t i;
    const json_t *input;
    json_array_foreach(inputs, i, input) {
        size_t n = width(input);
        const char *name = an_json_string(input, "name", "");
        json_t *data = json_array();
        for (size_t k = 0; k < n; k++) {
            json_t *v = value(s, input, i, row, v2, err);
            if (!v) {
                json_decref(data);
                json_decref(all);
                return NULL;
            }
            json_array_append_new(data, v);
        }
        if (!v2) {
            json_object_set(all, name, json_array_get(data, 0));
            json_decref(data);
            continue;
        }
        json_t *shape = json_array(), *d;
        size_t k;
        json_array_foreach(json_object_get(input, "shape"), k, d)
            json_array_append_new(shape, json_integer((json_int_t)fmax(1, an_json_number(d, 1))));
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:o, s:o}", "name", name, "datatype", datatype(input), "shape", shape, "data", data));
    }
    return v2 ? json_pack("{s:o}", "inputs", all) : all;
}

static bool build(an__load_bodies *b, source *s, const json_t *inputs, size_t count, const char *model, bool v2, an_error *err)
{
    *b = (an__load_bodies){ .v2 = v2, .target = an__load_path(model, v2, v2 ? "/infer" : "/predict") };
    size_t i, all = 0;
    const json_t *input;
    json_array_foreach(inputs, i, input) all += width(input);
    if (count > ALL_VALUES / all) count = ALL_VALUES / all;
    b->items = an_alloc_data(count, sizeof *b->items, "requests to send", err);
    b->sizes = an_alloc_data(count, sizeof *b->sizes, "requests to send", err);
    bool ok = b->items && b->sizes;
    for (i = 0; ok && i < count; i++) {
        size_t row = s->table ? (size_t)((double)i / (double)count * (double)s->table->rows) : i;
        json_t *j = one_body(s, inputs, row, v2, err);
        ok = j != NULL;
        if (!ok) break;
        b->items[i] = an_json_text(j, false);
        b->sizes[i] = strlen(b->items[i]);
        b->count++;
        json_decref(j);
    }
    if (!ok) an__load_bodies_free(b);
    return ok;
}

bool an__load_bodies_draw(an__load_bodies *b, const char *model, bool v2, const json_t *metadata, size_t count, uint64_t seed,
                          an_error *err)
{
    const json_t *inputs = inputs_of(metadata, v2, err);
    source s = { .rng = an_rng_at(seed, 1) };
    return inputs && build(b, &s, inputs, count, model, v2, err);
}

bool an__load_bodies_table(an__load_bodies *b, const char *model, bool v2, const json_t *metadata, const an_table *t, size_t count,
                           an_error *err)
{
    const json_t *inputs = inputs_of(metadata, v2, err), *input;
    if (!inputs) return false;
    if (!t->rows) return an_fail(err, AN_INPUT, "the table has no rows to send");
    source s = { .table = t, .column = an_alloc_n(json_array_size(inputs), sizeof *s.column) };
    bool ok = true;
    size_t i;
    json_array_foreach(inputs, i, input) {
        const char *name = an_json_string(input, "name", "");
        if (ok && width(input) > 1) {
            ok = an_fail(err, AN_INPUT, "input \"%s\" has %zu values a row; rows of a table have one for each column", name, width(input));
            an_hint(err, "leave --data out: values are drawn then");
        }
        ok = ok && (s.column[i] = an_table_need(t, name, err)) != NULL;
    }
    ok = ok && build(b, &s, inputs, count < t->rows ? count : t->rows, model, v2, err);
    free(s.column);
    return ok;
}

void an__load_types(const json_t *metadata, an_list *types)
{
    size_t i;
    const json_t *input;
    json_array_foreach(json_object_get(metadata, "inputs"), i, input) {
        const char *type = an_json_string(json_object_get(input, "parameters"), "type", "");
        an_type known;
        if (!strcmp(type, "integer")) type = "real"; /* a file may have 3.0 */
        if (an_type_parse(type, &known) && known != AN_TENSOR)
            an_list_add_take(types, an_format("%s=%s", an_json_string(input, "name", ""), type));
    }
}

void an__load_bodies_free(an__load_bodies *b)
{
    for (size_t i = 0; i < b->count; i++) free(b->items[i]);
    free(b->items);
    free(b->sizes);
    free(b->target);
    *b = (an__load_bodies){ 0 };
}
