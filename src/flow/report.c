/* report.c - an_report_write: gathers from the store what is known of a model or a data set, has it rendered, writes the page and its
 * tables. What is missing (no comparison yet) is left out of the facts; what is damaged is an error. */
#include "flow/report.h"

#include "flow/acts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void an__report_facts_free(an_report_facts *f)
{
    json_t *all[] = { f->about, f->model,      f->evaluation, f->explanation, f->data,      f->profile,
                      f->split, f->comparison, f->judgements, f->filter,      f->provenance };
    for (size_t i = 0; i < AN_COUNT(all); i++) json_decref(all[i]);
    *f = (an_report_facts){ 0 };
}

/* "2026-03-01 07:05 UTC" */
static json_t *minute(int64_t us)
{
    char text[32];
    an_time_text(us, text);
    return strlen(text) < 16 ? json_string(text) : json_sprintf("%.10s %.5s UTC", text, text + 11);
}

static json_t *about(const an_version_row *row)
{
    char hex[65];
    an_hash_hex(&row->address, hex);
    json_t *j = json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s}", "kind", an_name_kind_text(row->kind), "name", row->name, "version",
                          (json_int_t)row->version, "id", hex, "andon", an_version(), "code", an_code_version(), "cpu", an_cpu_path(),
                          "aliases", row->aliases ? row->aliases : "");
    json_object_set_new(j, "created", minute(row->created_us));
    json_object_set_new(j, "written", minute(an_now_us()));
    return j;
}

/* ---- runs --------------------------------------------------------------------------------------------------------------------------- */

static bool same_hash(const an_hash *a, const an_hash *b)
{
    return !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* The address at a port of a run; *found says whether there is one. */
static bool run_port(an_store *s, const char *run, const char *edge, const char *port, an_hash *out, bool *found, an_error *err)
{
    json_t *all = an_run_artifacts(s, run, err), *item;
    size_t i;
    *found = false;
    json_array_foreach(all, i, item)
        if (!*found && !strcmp(an_json_string(item, "edge", ""), edge) && !strcmp(an_json_string(item, "port", ""), port))
            *found = an_hash_parse(an_json_string(item, "address", ""), out);
    json_decref(all);
    return all != NULL;
}

/* Newest first: runs of `kind` that are done. */
static bool finished(const an_run_row *r)
{
    return r->state && !strcmp(r->state, "done") && json_is_object(r->result);
}

/* The newest comparison that compared anything: one of a single combination is shown only where there is no other. */
static bool gather_comparison(an_store *s, const an_hash *data, an_report_facts *f, an_error *err)
{
    an_run_row *rows = NULL;
    size_t count = 0;
    if (!an_run_list(s, "compare", NULL, 0, &rows, &count, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count && json_array_size(an__at(f->comparison, "rows")) < 2; i++) {
        an_hash in;
        bool found = false;
        if (!finished(&rows[i]) || (f->comparison && json_array_size(json_object_get(rows[i].result, "rows")) < 2)) continue;
        ok = run_port(s, rows[i].id, "in", "data", &in, &found, err);
        if (!ok || !found || !same_hash(&in, data)) continue;
        json_decref(f->comparison);
        f->comparison = json_copy(rows[i].result);
        json_object_set_new(f->comparison, "run", json_string(rows[i].id));
        json_object_set_new(f->comparison, "code", json_string(rows[i].code ? rows[i].code : ""));
        json_object_set_new(f->comparison, "machine", json_string(rows[i].machine ? rows[i].machine : ""));
    }
    an_run_rows_free(rows, count);
    return ok;
}

/* Simplest generator first, in the order of the registry. */
static size_t place_of(const char *method)
{
    size_t count, i = 0;
    const an_generator_kind *const *kinds = an_generator_kinds(&count);
    while (i < count && strcmp(kinds[i]->name, method)) i++;
    return i;
}

static bool add_judgement(an_store *s, const an_run_row *r, an_report_facts *f, an_error *err)
{
    an_hash address;
    bool found = false;
    if (!run_port(s, r->id, "out", "judgement", &address, &found, err)) return false;
    if (!found) return true;
    an_artifact *a = an_artifact_get(s, &address, err);
    json_t *j = a ? an_artifact_read_json(a, "judgement.json", err) : NULL, *other;
    an_artifact_free(a);
    if (!j) return false;
    /* times are of the run, not of the content */
    static const char *const times[] = { "sample_1k_s", "sample_10k_s" };
    for (size_t k = 0; k < AN_COUNT(times); k++) {
        json_t *took = json_object_get(json_object_get(r->result, "scores"), times[k]);
        if (took) json_object_set(json_object_get(j, "scores"), times[k], took);
    }
    an_version_row named = { 0 };
    /* it may have been registered after it was judged: its name is told rather than its address */
    if (run_port(s, r->id, "in", "generator", &address, &found, NULL) && found && an_version_by_address(s, &address, &named, NULL)) {
        json_object_set_new(j, "generator", json_sprintf("%s/%lld", named.name, (long long)named.version));
        an_version_row_free(&named);
    }
    const char *method = an_json_string(j, "method", "");
    size_t i, at = place_of(method), before = 0;
    json_array_foreach(f->judgements, i, other) {
        const char *theirs = an_json_string(other, "method", "");
        if (!strcmp(theirs, method)) { /* a newer one is here already */
            json_decref(j);
            return true;
        }
        before += place_of(theirs) < at;
    }
    const an_generator_kind *kind = an_generator_kind_find(method, NULL);
    json_object_set_new(j, "minority", json_boolean(kind && kind->minority));
    json_object_set_new(j, "run", json_string(r->id));
    json_array_insert_new(f->judgements, before, j);
    return true;
}

/* Steps around this data: judgements, the minority filter, and what the import said. */
static bool gather_steps(an_store *s, const an_hash *data, an_report_facts *f, an_error *err)
{
    an_run_row *rows = NULL;
    size_t count = 0;
    if (!an_run_list(s, "step", NULL, 0, &rows, &count, err)) return false;
    bool ok = true, told = false;
    f->judgements = json_array();
    for (size_t i = 0; ok && i < count; i++) {
        an_run_row *r = &rows[i];
        if (!finished(r) || !r->name) continue;
        bool judge = !strcmp(r->name, "judge"), filter = !strcmp(r->name, "filter") && !f->filter;
        bool import = !told && (!strcmp(r->name, "import") || !strcmp(r->name, "clean")), found = false;
        if (!judge && !filter && !import) continue;
        an_hash address;
        ok = run_port(s, r->id, import ? "out" : "in", "data", &address, &found, err);
        if (!ok || !found || !same_hash(&address, data)) continue;
        if (judge) ok = add_judgement(s, r, f, err);
        if (filter && json_is_object(json_object_get(r->result, "filter"))) f->filter = json_incref(json_object_get(r->result, "filter"));
        if (import && json_array_size(json_object_get(r->result, "warnings"))) {
            if (f->data) json_object_set(f->data, "warnings", json_object_get(r->result, "warnings"));
            told = true;
        }
    }
    an_run_rows_free(rows, count);
    return ok;
}

/* ---- provenance --------------------------------------------------------------------------------------------------------------------- */

static void walk(an_store *s, const json_t *node, json_t *seen, json_t *list)
{
    const char *address = an_json_string(node, "address", "");
    if (!*address || json_object_get(seen, address)) return;
    json_object_set_new(seen, address, json_true());
    const json_t *run = json_object_get(node, "run"), *item;
    an_buf names = { 0 };
    size_t i;
    json_array_foreach(json_object_get(node, "names"), i, item)
        an_buf_printf(&names, "%s%s", names.size ? ", " : "", json_string_value(item));
    json_array_foreach(json_object_get(node, "files"), i, item)
        an_buf_printf(&names, "%s%s", names.size ? ", " : "", an_json_string(item, "path", ""));
    const char *id = an_json_string(run, "id", ""), *step = an_json_string(run, "name", NULL);
    an_run_row row = { 0 };
    bool known = *id && an_run_get(s, id, &row, NULL);
    char *seed = json_object_get(run, "seed") ? an_json_text(json_object_get(run, "seed"), false) : NULL;
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "address", address, "kind", an_json_string(node, "kind", ""), "names",
                          names.data ? names.data : "", "run", id, "what", step ? step : an_json_string(run, "kind", ""), "code",
                          an_json_string(run, "code", ""), "seed", seed ? seed : "", "machine", known && row.machine ? row.machine : "");
    if (known) json_object_set_new(j, "started", minute(row.started_us));
    json_array_append_new(list, j);
    an_run_row_free(&row);
    free(seed);
    an_buf_free(&names);
    json_array_foreach(json_object_get(node, "inputs"), i, item) walk(s, item, seen, list);
}

static bool gather_provenance(an_store *s, const an_hash *address, an_report_facts *f, an_error *err)
{
    json_t *tree = an_lineage(s, address, err), *seen = json_object();
    if (tree) {
        f->provenance = json_array();
        walk(s, tree, seen, f->provenance);
    }
    json_decref(seen);
    json_decref(tree);
    return f->provenance != NULL;
}

/* ---- data and model ----------------------------------------------------------------------------------------------------------------- */

static const char *column_with(const an_table *t, an_role role)
{
    for (size_t i = 0; i < t->columns; i++)
        if (t->column[i].role == role) return t->column[i].name;
    return NULL;
}

/* The group of a row as text; "" where it has none. */
static const char *group_of(const an_column *group, size_t row, an_buf *text)
{
    an_buf_clear(text);
    an_buf_puts(text, "");
    if (an_valid(group, row)) an_cell_text(group, row, text);
    return text->data;
}

/* Groups on either side; a row without one is a group of its own. Rows that equal a test row in every feature are tested too, whatever
 * group they are of: "strays". */
static void count_groups(const an_column *group, const an_split *s, json_t *out)
{
    json_t *train = json_object(), *test = json_object();
    an_buf text = { 0 };
    json_int_t whole = 0, left = 0, strays = 0;
    for (size_t i = 0; i < s->train_count; i++) {
        const char *g = group_of(group, s->train[i], &text);
        if (*g) json_object_set_new(train, g, json_true());
        left += !*g;
    }
    for (size_t i = 0; i < s->test_count; i++) {
        const char *g = group_of(group, s->test[i], &text);
        strays += *g && json_object_get(train, g);
        if (!*g)
            whole++;
        else if (!json_object_get(train, g))
            json_object_set_new(test, g, json_true());
    }
    json_object_set_new(out, "test_groups", json_integer(whole + (json_int_t)json_object_size(test)));
    json_object_set_new(out, "train_groups", json_integer(left + (json_int_t)json_object_size(train)));
    json_object_set_new(out, "strays", json_integer(strays));
    an_buf_free(&text);
    json_decref(train);
    json_decref(test);
}

/* How the test part was chosen, in the data's own words. */
static json_t *split_json(const an_table *t, const an_split *split)
{
    uint8_t *label = an_alloc_n(t->rows + 1, 1);
    json_int_t train = 0, test = 0;
    if (an_table_labels_known(t, label, NULL)) {
        for (size_t i = 0; i < split->train_count; i++) train += label[split->train[i]];
        for (size_t i = 0; i < split->test_count; i++) test += label[split->test[i]];
    }
    free(label);
    const char *time = column_with(t, AN_TIME), *group = column_with(t, AN_GROUP);
    json_t *j = json_pack("{s:I, s:I, s:I, s:I, s:s}", "train", (json_int_t)split->train_count, "test", (json_int_t)split->test_count,
                          "train_positives", train, "test_positives", test, "by",
                          time    ? "time"
                          : group ? "group"
                                  : "class");
    if (time) {
        const an_column *c = an_table_find(t, time);
        double newest = -INFINITY; /* of the training part: what is older in the test part was there before, or came with its group */
        for (size_t i = 0; i < split->train_count; i++) newest = fmax(newest, an_cell_number(c, split->train[i]));
        size_t first = SIZE_MAX, older = 0;
        for (size_t i = 0; i < split->test_count; i++) {
            size_t row = split->test[i];
            if (!an_valid(c, row) || an_cell_number(c, row) < newest)
                older++;
            else if (first == SIZE_MAX || an_cell_number(c, row) < an_cell_number(c, first))
                first = row;
        }
        json_object_set_new(j, "older", json_integer((json_int_t)older));
        an_buf text = { 0 };
        if (first != SIZE_MAX) an_cell_text(c, first, &text);
        if (text.size) json_object_set_new(j, "from", json_string(text.data));
        an_buf_free(&text);
        json_object_set_new(j, "time", json_string(time));
    }
    if (group) {
        json_object_set_new(j, "group", json_string(group));
        count_groups(an_table_find(t, group), split, j);
    }
    return j;
}

/* row: of the data set, or NULL where it has no name in this workspace. split_hex may be NULL. */
static bool gather_data(an_store *s, const an_hash *address, const an_version_row *row, const char *split_hex, an_report_facts *f,
                        an_job *job, an_error *err)
{
    an_table *t = an__table_get(s, address, err);
    if (!t) return false;
    f->data = an__data_json(row ? row->name : "", row ? row->version : 0, address, t, NULL);
    if (!row) json_object_set_new(f->data, "name", json_null());
    f->profile = an_table_profile(t, job, err);
    an_hash split_address;
    an_split split = { 0 };
    bool ok = f->profile != NULL;
    if (ok && split_hex && an_hash_parse(split_hex, &split_address)) {
        ok = an__split_get(s, &split_address, t, &split, NULL, err);
        if (ok) f->split = split_json(t, &split);
        an_split_free(&split);
    }
    an_table_free(t);
    return ok && gather_steps(s, address, f, err) && gather_comparison(s, address, f, err);
}

static bool read_evaluation(an_store *s, const an_hash *address, an_report_facts *f, an_error *err)
{
    an_artifact *a = an_artifact_get(s, address, err);
    f->evaluation = a ? an_artifact_read_json(a, "evaluation.json", err) : NULL;
    an_artifact_free(a);
    return f->evaluation != NULL;
}

/* The newest evaluation of this model on its own test part: `model evaluate` may have given prices that training did not know. */
static bool newest_evaluation(an_store *s, const an_hash *model, const an_hash *split, an_hash *out, bool *found, an_error *err)
{
    an_run_row *rows = NULL;
    size_t count = 0;
    *found = false;
    if (!an_run_list(s, "step", NULL, 0, &rows, &count, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < count && !*found; i++) {
        an_hash in;
        if (!finished(&rows[i]) || !rows[i].name || strcmp(rows[i].name, "evaluate") != 0) continue;
        ok = run_port(s, rows[i].id, "in", "model", &in, found, err);
        if (!ok || !*found || !(*found = same_hash(&in, model))) continue;
        ok = run_port(s, rows[i].id, "in", "split", &in, found, err);
        if (!ok || !*found || !(*found = same_hash(&in, split))) continue;
        ok = run_port(s, rows[i].id, "out", "evaluation", out, found, err);
    }
    an_run_rows_free(rows, count);
    return ok;
}

/* The newest evaluation there is, or the one kept with the version; of a model whose data is here and that has none it is made. */
static bool gather_evaluation(an_store *s, const an_version_row *row, an_model *m, const an_hash *data, an_report_facts *f, an_job *job,
                              an_error *err)
{
    an_hash address, split;
    bool found = false, split_known = an__meta_hash(row->meta, "split", &split);
    if (split_known && !newest_evaluation(s, &row->address, &split, &address, &found, err)) return false;
    if (found || an__meta_hash(row->meta, "evaluation", &address)) return read_evaluation(s, &address, f, err);
    if (!data || !split_known) return true; /* nothing to evaluate on: the page says so */
    an_parts p = { 0 };
    an_costs costs;
    const json_t *used = json_object_get(row->meta, "costs"); /* those the threshold was moved with; andon.yaml fills what is null */
    double escape = an__number(used, "escape"), reject = an__number(used, "reject"), test = an__number(used, "test");
    bool ok = an__costs(s, escape, reject, test, &costs, err);
    if (isfinite(escape) || isfinite(reject) || isfinite(test))
        snprintf(costs.currency, sizeof costs.currency, "%s", an_json_string(used, "currency", costs.currency));
    if (ok && an__parts_open(s, data, &split, &p, err))
        f->evaluation = an__evaluation(m, p.table, p.split.test, p.split.test_count, &costs, m->seed, job, err);
    an__parts_free(&p);
    return f->evaluation != NULL;
}

static bool gather_model(an_store *s, const an_version_row *row, an_report_facts *f, an_job *job, an_error *err)
{
    an_artifact *a = an_artifact_get(s, &row->address, err);
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    if (!m) return false;
    f->about = about(row);
    f->model = an_model_describe(m);
    if (m->predictor->kind->can & AN_CAN_EXPLAIN) f->explanation = an_model_explain(m, err);
    an_error why = { 0 };
    an_version_row data = { 0 };
    bool ok = f->model && (f->explanation || !(m->predictor->kind->can & AN_CAN_EXPLAIN)),
         named = an_version_by_address(s, &m->data, &data, &why), here = true;
    if (ok && !named) { /* a model that was brought here without its data */
        an_artifact *t = an_artifact_get(s, &m->data, &why);
        here = t != NULL;
        an_artifact_free(t);
        if (!here && why.code != AN_NOT_FOUND) {
            if (err) *err = why;
            ok = false;
        }
    }
    ok = ok && gather_evaluation(s, row, m, here ? &m->data : NULL, f, job, err);
    if (ok && here) ok = gather_data(s, &m->data, named ? &data : NULL, an_json_string(row->meta, "split", NULL), f, job, err);
    ok = ok && gather_provenance(s, &row->address, f, err);
    if (named) an_version_row_free(&data);
    an_model_free(m);
    return ok;
}

static bool gather(an_store *s, const char *reference, an_report_facts *f, an_job *job, an_error *err)
{
    an_version_row row = { 0 };
    an_error why = { 0 };
    bool only_data = !strncmp(reference, "data:", 5), only_model = !strncmp(reference, "model:", 6), ok;
    if (!only_data && an_version_get(s, AN_NAME_MODEL, reference, &row, &why)) {
        ok = gather_model(s, &row, f, job, err);
    } else if (only_model || (!only_data && why.code != AN_NOT_FOUND)) {
        if (err) *err = why;
        return false;
    } else if (an_version_get(s, AN_NAME_DATA, reference, &row, err)) {
        f->about = about(&row);
        ok = gather_data(s, &row.address, &row, an_json_string(row.meta, "split", NULL), f, job, err) &&
             gather_provenance(s, &row.address, f, err);
        if (f->judgements && !json_array_size(f->judgements)) {
            json_decref(f->judgements);
            f->judgements = NULL;
        }
    } else {
        if (!only_data && err) *err = why; /* a bare name: what is known of models is the better hint */
        return false;
    }
    an_version_row_free(&row);
    return ok;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------------ */

/* Tables of an earlier report that this one does not have would be read as its own: they go. */
static bool write_tables(const an_report_tables *t, const char *folder, an_error *err)
{
    if (!an_folder_make(folder, err)) return false;
    bool ok = true;
    for (size_t i = 0; ok && an__report_table_names[i]; i++) {
        char *name = an_format("%s.csv", an__report_table_names[i]), *path = an_path_join(folder, name);
        const an_report_csv *own = NULL;
        for (size_t k = 0; k < t->count; k++)
            if (!strcmp(t->items[k].name, an__report_table_names[i])) own = &t->items[k];
        if (own)
            ok = an_file_write(path, own->text.data, own->text.size, err);
        else if (remove(path) && errno != ENOENT)
            ok = an_fail_errno(err, "remove %s", path);
        free(name);
        free(path);
    }
    return ok;
}

bool an_report_write(an_store *s, const char *reference, const char *path, an_job *job, an_error *err)
{
    an_report_facts f = { 0 };
    an_report_tables tables = { 0 };
    an_buf html = { 0 };
    an_job_stage(job, "report");
    bool ok = gather(s, reference, &f, job, err) && an_job_check(job, err);
    if (ok) {
        size_t n = strlen(path);
        bool ends = n > 5 && !strcmp(path + n - 5, ".html");
        char *folder = an_format("%.*s.tables", (int)(ends ? n - 5 : n), path);
        an__report_render(&f, an_path_base(folder), &html, &tables);
        ok = write_tables(&tables, folder, err) && an_file_write(path, html.data, html.size, err);
        free(folder);
    }
    an_buf_free(&html);
    an__report_tables_free(&tables);
    an__report_facts_free(&f);
    return ok;
}
