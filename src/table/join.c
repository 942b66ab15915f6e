/* join.c - tables of stations side by side: by key or by row. Which rows have equal keys is found by match.c; what reworked parts (a key
 * several times in one table) become is said by the caller, never guessed.
 */
#include "join.h"

#include <stdlib.h>
#include <string.h>

const an_param an_join_params[] = {
    AN_JOIN_PARAMS(0),
    AN_PARAM_END,
};

static bool check(an__join *j, const an_join_options *o, an_error *err)
{
    if (j->count < 2) return an_fail(err, AN_USAGE, "a join needs two tables or more");
    if (!o->on == !o->by_row) return an_fail(err, AN_USAGE, "a join needs either a key column (--on) or --by-row");
    for (size_t t = 0; t < j->count; t++) {
        for (size_t k = 0; k < t; k++) {
            if (!strcmp(j->names[k], j->names[t])) return an_fail(err, AN_USAGE, "table %s is named twice", j->names[t]);
        }
        char *what = an_format("table %s", j->names[t]);
        bool real = an_table_require_real(j->tables[t], what, err);
        free(what);
        if (!real) return false;
        if (o->by_row && j->tables[t]->rows != j->tables[0]->rows) {
            an_fail(err, AN_INPUT, "%s has %zu rows and %s has %zu: row by row they cannot be the same parts", j->names[0],
                    j->tables[0]->rows, j->names[t], j->tables[t]->rows);
            return an_hint(err, "join by a column that names the part: --on SERIAL");
        }
    }
    return !o->on || an__join_keys(j, o->on, err);
}

static bool read_attempts(an__join *j, const an_join_options *o, an_error *err)
{
    static const char *const names[] = { "refuse", "last", "first", "all" };
    const char *said = o->attempts ? o->attempts : "refuse", *keep = o->keep ? o->keep : "matched";
    size_t k = 0;
    while (k < AN_COUNT(names) && strcmp(names[k], said)) k++;
    if (k == AN_COUNT(names)) return an_fail(err, AN_USAGE, "attempts is last, first, all or refuse, not \"%s\"", said);
    if (strcmp(keep, "matched") && strcmp(keep, "all")) return an_fail(err, AN_USAGE, "keep is matched or all, not \"%s\"", keep);
    if (o->multiply && (k == AN__LAST || k == AN__FIRST))
        return an_fail(err, AN_USAGE, "attempts %s takes one row a part: there is nothing to multiply", said);
    j->attempts = o->by_row ? AN__REFUSE : o->multiply ? AN__MULTIPLY : (an__attempts)k;
    j->all = !strcmp(keep, "all");
    return true;
}

an_table *an_table_join(const an_table *const *tables, const char *const *names, size_t count, const an_join_options *options,
                        json_t **report, an_job *job, an_error *err)
{
    an__join j = { .tables = tables, .names = names, .count = count };
    if (report) *report = NULL;
    j.key = an_alloc_n(count + 1, sizeof *j.key);
    j.source = an_alloc_n(count + 1, sizeof *j.source);
    j.chosen = an_alloc_n(count + 1, sizeof *j.chosen);
    j.unmatched = an_alloc_n(count + 1, sizeof *j.unmatched);
    j.repeated = an_alloc_n(count + 1, sizeof *j.repeated);
    const an_column **keys = j.key;
    an_table *out = NULL;
    json_t *conflicts = json_array(), *notes = json_array();
    an_job_stage(job, "joining");
    bool ok = read_attempts(&j, options, err) && check(&j, options, err);
    if (!options->on) j.key = NULL;
    ok = ok && (!j.key || an__match_build(tables, j.key, count, job, &j.match, err)) &&
         (!j.key || j.attempts != AN__REFUSE || an__join_refuse_repeated(&j, err)) && (!j.key || an__join_choose(&j, err)) &&
         an__join_place(&j, job, err);
    if (ok && !j.rows) {
        ok = an_fail(err, AN_INPUT, "no part is in all of the tables: the join has no rows");
        an_buf x = { 0 }, y = { 0 };
        if (j.key && tables[0]->rows && tables[1]->rows) {
            an__join_key_text(&j, 0, 0, &x);
            an__join_key_text(&j, 1, 0, &y);
            an_hint(err, "%s begins with %s %.60s, %s with %.60s; --parts all keeps parts with missing cells", names[0], j.key[0]->name,
                    x.data, names[1], y.data);
        }
        an_buf_free(&x);
        an_buf_free(&y);
    }
    out = ok ? an__join_build(&j, options->trace, conflicts, job, err) : NULL;
    if (out && report) {
        an__join_compare_shared(&j, conflicts);
        if (an__join_compare_zeroes(&j, notes, job, err)) {
            json_t *list = json_array();
            for (size_t t = 0; t < count; t++) json_array_append_new(list, an__join_table_report(&j, t));
            *report = json_pack("{s:I, s:o, s:O, s:I, s:O}", "rows", (json_int_t)out->rows, "tables", list, "conflicts", conflicts,
                                "left_out", an__join_left_out(&j), "notes", notes);
        } else {
            an_table_free(out);
            out = NULL;
        }
    }
    json_decref(conflicts);
    json_decref(notes);
    an__match_free(&j.match);
    for (size_t t = 0; t < count; t++) {
        free(j.source[t]);
        free(j.chosen[t]);
    }
    free(j.source);
    free(j.chosen);
    free(j.unmatched);
    free(j.repeated);
    free(j.attempt);
    free(keys);
    return out;
}
