/* parquet_read.c - a flat Parquet file into a table: its shape, one column after another, and what an_parquet_write left beside the cells
 * (roles, units, origins). Footer, pages and values are in files of their own. */
#include "parquet_reader.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

static const json_t *left_by_andon(const an__parquet_meta *m, const char *name)
{
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(m->andon, "columns"), i, o) {
        if (!strcmp(an_json_string(o, "name", ""), name)) return o;
    }
    return NULL;
}

static bool begin_column(an__parquet_reader *r, const an__parquet_meta *m, an_error *err)
{
    static const an_type types[] = { AN_INTEGER, AN_REAL, AN_BOOLEAN, AN_DATETIME };
    r->sink = an__parquet_sink_of(r->about);
    if (r->sink == SINK_NONE) {
        an_fail(err, AN_INPUT, "its values are of a type that has no place in a table (bytes, intervals or others)");
        return an_hint(err, "leave the column out where the file is written");
    }
    if (r->sink == SINK_STRING) {
        const json_t *known = left_by_andon(m, r->about->name);
        an_type type = AN_REAL;
        if (known) an_type_parse(an_json_string(known, "type", ""), &type);
        r->string = (an__csv_column){ .name = r->about->name, .forced = type == AN_CATEGORY || type == AN_TEXT ? (int)type : -1 };
        return an__csv_column_start(&r->string, KIND_STRING, r->table->rows, err);
    }
    r->out.type = types[r->sink];
    if (!an__column_cells(&r->out, r->table->rows, err)) return false;
    if (r->about->means >= MEANS_TIME_MILLIS && r->about->means <= MEANS_TIME_NANOS) r->out.unit = an_strdup("s");
    return true;
}

/* Of 64 bits unsigned, above 2^63: fine as seed or row of an origin, where `any`. */
static bool end_column(an__parquet_reader *r, bool any, an_error *err)
{
    size_t rows = r->table->rows;
    if (r->sink == SINK_STRING) {
        if (!an__csv_column_finish(&r->string, rows, &r->out, err)) return false;
        if (r->out.missing == rows && r->string.forced < 0) { /* as in the CSV reader a column without any value is real */
            uint64_t *valid = r->out.valid;
            r->out.valid = NULL;
            an__column_free(&r->out);
            r->out = (an_column){ .type = AN_REAL, .valid = valid, .missing = rows };
            if (!an__column_cells(&r->out, rows, err)) return false;
        }
    } else if (r->about->type == PARQUET_INT64 && r->about->means == MEANS_UNSIGNED && !any) {
        for (size_t i = 0; i < rows; i++) {
            if (r->out.integer[i] >= 0) continue;
            an_fail(err, AN_INPUT, "row %zu: %llu is above the largest whole number here, 2^63 - 1", i + 1,
                    (unsigned long long)r->out.integer[i]);
            return an_hint(err, "write the column as text or as floating point");
        }
    }
    r->out.name = an_strdup(r->about->name);
    an__table_push(r->table, &r->out);
    r->out = (an_column){ 0 };
    return true;
}

static void free_reader(an__parquet_reader *r)
{
    an__column_free(&r->out);
    an__csv_column_clear(&r->string);
    an__parquet_drop_dictionary(r);
    free(r->page_bytes);
    free(r->codes);
    free(r->levels);
    free(r->cells);
    free(r->slices);
}

static bool read_column(an_table *t, const uint8_t *bytes, size_t n, const an__parquet_meta *m, size_t j, uint64_t bomb, an_job *job,
                        an_error *err)
{
    static const an_list none;
    static const an__csv_format format = { .decimal = '.', .missing = &none };
    const char *name = m->column[j + 1].name;
    an__parquet_reader r = { .about = &m->column[j + 1], .table = t, .format = &format, .bomb = bomb, .file_bytes = n };
    bool ok = begin_column(&r, m, err);
    for (size_t g = 0; ok && g < m->groups; g++) ok = an__parquet_read_chunk(&r, bytes, n, &m->group[g], &m->group[g].chunk[j], job, err);
    ok = ok && end_column(&r, an__origin_part(name) > 0, err);
    free_reader(&r);
    return ok || an_context(err, "column %s", name);
}

/* Flat, named, of a believable size. */
static bool check_shape(const an__parquet_meta *m, size_t n, uint64_t bomb, an_error *err)
{
    size_t columns = m->columns - 1;
    if (!columns || (size_t)m->column[0].children > columns) return an_fail(err, AN_INPUT, "the Parquet file has no columns");
    for (size_t j = 1; j <= columns; j++) {
        const an__parquet_column *c = &m->column[j];
        if (!c->children && c->repetition != PARQUET_REPEATED) continue;
        an_fail(err, AN_INPUT, "the column %s is nested (a list, map or structure)", c->name);
        return an_hint(err, "leave it out or flatten it where the file is written: a table here has one value a cell");
    }
    for (size_t j = 1; j <= columns; j++) {
        if (!*m->column[j].name) return an_fail(err, AN_INPUT, "column %zu has an empty name", j);
        for (size_t k = 1; k < j; k++) {
            if (!strcmp(m->column[k].name, m->column[j].name))
                return an_fail(err, AN_INPUT, "the name %s stands twice, for columns %zu and %zu", m->column[j].name, k, j);
        }
    }
    uint64_t rows = 0;
    for (size_t g = 0; g < m->groups; g++) {
        if (m->group[g].rows < 0 || m->group[g].chunks != columns) return an__parquet_damaged(err, "row groups");
        rows += (uint64_t)m->group[g].rows;
        if (rows > INT64_MAX / 64) return an__parquet_damaged(err, "number of rows");
    }
    if (m->rows < 0 || rows != (uint64_t)m->rows || (size_t)m->column[0].children != columns)
        return an__parquet_damaged(err, "number of rows");
    if (!rows) return an_fail(err, AN_INPUT, "the Parquet file has columns but no row");
    uint64_t bytes;
    if (__builtin_mul_overflow(rows, 8 * (uint64_t)columns, &bytes) || (bytes > bomb && bytes / AN__PARQUET_RATIO > n)) {
        an_fail(err, AN_INPUT, "the file of %zu bytes says that it holds %zu rows of %zu columns", n, (size_t)rows, columns);
        return an_hint(err, "it is damaged, or made to exhaust memory");
    }
    return true;
}

/* ---- roles and origins ---- */

static void restore_roles(an_table *t, const an__parquet_meta *m)
{
    t->positive = an_strdup(an_json_string(m->andon, "positive", NULL));
    for (size_t j = 0; j < t->columns; j++) {
        an_column *c = &t->column[j];
        const json_t *o = left_by_andon(m, c->name);
        const char *unit = an_json_string(o, "unit", NULL), *reason = an_json_string(o, "reason", NULL);
        if (!o || !an_role_parse(an_json_string(o, "role", ""), &c->role)) continue;
        if (unit) {
            free(c->unit);
            c->unit = an_strdup(unit);
        }
        c->reason = an_strdup(reason);
        c->kept = json_is_true(json_object_get(o, "kept"));
        json_t *spec = json_object_get(o, "spec");
        if (spec && an__spec_sound(spec)) c->spec = json_incref(spec);
    }
    json_t *constraints = json_object_get(m->andon, "constraints");
    if (constraints && an__constraints_sound(constraints)) t->constraints = json_incref(constraints);
}

static uint32_t find_origin(an_table *t, const char *generator, size_t n, uint64_t seed)
{
    for (size_t k = t->origin_count; k--;) {
        if (t->origins[k].seed == seed && strlen(t->origins[k].generator) == n && !memcmp(t->origins[k].generator, generator, n))
            return (uint32_t)k + 1;
    }
    if (t->origin_count >= 1000000) return 0;
    if (!(t->origin_count & (t->origin_count - 1)))
        t->origins = an_resize_n(t->origins, t->origin_count ? 2 * t->origin_count : 1, sizeof *t->origins);
    t->origins[t->origin_count++] = (an_origin){ an_strndup(generator, n), seed };
    return (uint32_t)t->origin_count;
}

/* Columns _generator, _seed and _row, where all three are there, become the origin of rows. */
static bool restore_origin(an_table *t, an_error *err)
{
    static const char *const names[3] = { "_generator", "_seed", "_row" };
    an_column *c[3] = { 0 };
    size_t found[3] = { 0 };
    for (size_t j = 0; j < t->columns; j++) {
        int k = an__origin_part(t->column[j].name);
        if (k < 0) continue;
        c[k] = &t->column[j];
        found[k]++;
    }
    if (!an__origin_whole(found, err)) return false;
    for (int k = 0; k < 3; k++) {
        if (!c[k]) return true;
        bool text = c[k]->type == AN_CATEGORY || c[k]->type == AN_TEXT, whole = c[k]->type == AN_INTEGER;
        if (k ? whole : text || c[k]->missing == t->rows) continue;
        if (k && c[k]->missing == t->rows && c[0] && c[0]->missing == t->rows) continue; /* all rows are measured */
        an_fail(err, AN_REFUSED, "column %s is %s: with _generator, _seed and _row it must tell which rows were measured", c[k]->name,
                an_type_name(c[k]->type));
        return an_hint(err, "%s holds %s; a column of another meaning needs another name", names[k], k ? "whole numbers" : "names");
    }
    an_buf generator = { 0 };
    bool ok = true;
    if (c[0]->missing < t->rows) {
        t->origin = an_alloc_data(t->rows, sizeof *t->origin, "the origin of rows", err);
        t->origin_row = an_alloc_data(t->rows, sizeof *t->origin_row, "the origin of rows", err);
        ok = t->origin && t->origin_row;
    }
    for (size_t i = 0; ok && t->origin && i < t->rows; i++) {
        if (!an_valid(c[0], i)) continue;
        an_buf_clear(&generator);
        an_cell_text(c[0], i, &generator);
        bool full = an_valid(c[1], i) && an_valid(c[2], i);
        t->origin[i] = full ? find_origin(t, generator.data, generator.size, (uint64_t)c[1]->integer[i]) : 0;
        t->origin_row[i] = (uint64_t)c[2]->integer[i];
        if (!t->origin[i]) ok = an_fail(err, AN_INPUT, "row %zu: _generator, _seed and _row do not say where the row came from", i + 1);
    }
    an_buf_free(&generator);
    size_t kept = 0;
    for (size_t j = 0; ok && j < t->columns; j++) {
        bool origin = &t->column[j] == c[0] || &t->column[j] == c[1] || &t->column[j] == c[2];
        if (origin) {
            an__column_free(&t->column[j]);
        } else if (j != kept++) {
            t->column[kept - 1] = t->column[j];
        }
    }
    if (ok) t->columns = kept;
    return ok;
}

an_table *an__parquet_decode(const uint8_t *bytes, size_t n, const char *what, uint64_t bomb, an_job *job, an_error *err)
{
    an__parquet_meta m;
    if (!an__parquet_read_meta(bytes, n, what, &m, err)) return NULL;
    an_table *t = NULL;
    bool ok = check_shape(&m, n, bomb, err);
    if (ok) {
        an_job_stage(job, "reading");
        t = an_table_new((size_t)m.rows);
    }
    for (size_t j = 0; ok && j + 1 < m.columns; j++) {
        ok = read_column(t, bytes, n, &m, j, bomb, job, err);
        an_job_progress(job, (double)(j + 1), (double)(m.columns - 1), "columns");
    }
    if (ok) restore_roles(t, &m);
    ok = ok && restore_origin(t, err);
    an__parquet_free_meta(&m);
    if (ok) return t;
    an_context(err, "%s", what);
    an_table_free(t);
    return NULL;
}
