/* step_select.c - the step select: a table with the columns that are worth keeping, chosen on its training rows alone, and the split that
 * goes with it. The method is in src/learn/select*.c; the act is in act_select.c. */
#include "flow/act_select.h"
#include "flow/steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const an_param an__select_step_params[] = {
    AN_TEXT(an_select_step, name, NULL, "data set: NAME, NAME/3; in a pipeline the table of the step before when not given"),
    AN_TEXT(an_select_step, to, NULL, "name to register the result under (default: the same name, as a new version)"),
    AN_TEXT(an_select_step, reason, NULL, "why columns are kept or dropped by hand; recorded, and asked for with --keep and --drop"),
    AN_BOOL(an_select_step, dry_run, 0, "print what would be kept and make nothing"),
    AN_SELECT_PARAMS(offsetof(an_select_step, select)),
    AN_PARAM_END,
};

/* ---- which rows train ---- */

/* The split of the data set: given by the step before, registered with it, or the default one. */
static bool open_split(const an_step_context *c, const an_select_step *o, const an__select_source *x, an_split *split, an_error *err)
{
    const an_hash *given = o->name ? NULL : an_flow_value(c->inputs, "split");
    an_hash address;
    const char *hex = an_json_string(x->row.meta, "split", NULL);
    if (!given && hex && an_hash_parse(hex, &address)) given = &address;
    if (given) return an__split_get(c->store, given, x->table, split, NULL, err);
    an_split_options standard = { 0 };
    return an_split_make(x->table, &standard, split, err);
}

/* Rows of the source that were test rows under `name` before, in any version. */
static bool mark_held(const an_step_context *c, const char *name, const an_table *t, uint8_t *test, an_error *err)
{
    an_keys held;
    char *told = NULL;
    if (!an__held_keys(c->store, name, t, &held, &told, err)) return false;
    free(told);
    uint64_t *key = an_alloc_data(t->rows + 1, sizeof *key, "row keys", err);
    bool ok = key && an_table_row_keys(t, key, err);
    for (size_t i = 0; ok && held.count && i < t->rows; i++)
        if (!an_table_generated(t, i) && an__keys_has(&held, key[i])) test[i] = 1;
    free(key);
    an__keys_free(&held);
    return ok;
}

/* Test rows are not read: those of the split, and those that an earlier version of either name held back. Generated rows are nobody's. */
static bool deal(an__select_source *x, const an_step_context *c, const an_select_step *o, an_error *err)
{
    an_split split = { 0 };
    uint8_t *test = an_alloc_data(x->table->rows + 1, 1, "the rows of the test part", err);
    bool ok = test && open_split(c, o, x, &split, err);
    for (size_t i = 0; ok && i < split.test_count; i++) test[split.test[i]] = 1;
    if (ok && x->row.name) ok = mark_held(c, x->row.name, x->table, test, err);
    if (ok && x->to && (!x->row.name || strcmp(x->to, x->row.name))) ok = mark_held(c, x->to, x->table, test, err);
    x->train = an_alloc_n(x->table->rows + 1, sizeof *x->train);
    x->test = an_alloc_n(x->table->rows + 1, sizeof *x->test);
    for (size_t i = 0; ok && i < x->table->rows; i++)
        if (test[i]) x->test[x->test_count++] = i;
    for (size_t i = 0; ok && i < split.train_count; i++) {
        size_t row = split.train[i];
        if (!test[row] && !an_table_generated(x->table, row)) x->train[x->train_count++] = row;
    }
    an_split_free(&split);
    free(test);
    return ok;
}

bool an__select_open(an__select_source *x, const an_step_context *c, const an_select_step *o, an_error *err)
{
    *x = (an__select_source){ 0 };
    const an_hash *data = an_flow_value(c->inputs, "data");
    if ((o->select.keep.count || o->select.drop.count) && (!o->reason || !*o->reason)) {
        an_fail(err, AN_USAGE, "columns are %s by hand and nobody says why", o->select.keep.count ? "kept" : "dropped");
        return an_hint(err, "add --reason \"...\": it stays with the data set, for whoever asks later");
    }
    if (o->to && !an_name_check("data set", o->to, err)) return false;
    if (o->name) {
        x->table = an__data_get(c->store, o->name, &x->row, err);
    } else if (data) {
        an_error why = { 0 };
        x->table = an__table_get(c->store, data, err);
        if (x->table && !an_version_by_address(c->store, data, &x->row, &why) && why.code != AN_NOT_FOUND) {
            if (err) *err = why;
            return false;
        }
    } else {
        return an_fail(err, AN_USAGE, "select needs the name of a data set, or a step before it that makes one");
    }
    if (!x->table) return false;
    x->to = o->to ? o->to : o->name ? x->row.name : NULL;
    if (!an_table_target(x->table, err)) return an_context(err, "selecting columns");
    if (!deal(x, c, o, err)) return false;
    x->selection = an_select_columns(x->table, x->train, x->train_count, &o->select, c->job, err);
    return x->selection != NULL;
}

void an__select_close(an__select_source *x)
{
    an_table_free(x->table);
    an_version_row_free(&x->row);
    an_selection_free(x->selection);
    free(x->train);
    free(x->test);
    *x = (an__select_source){ 0 };
}

/* ---- what people read ---- */

static size_t width_of(const char *text, size_t least)
{
    size_t n = strlen(text);
    return n > least ? n : least;
}

static void group_line(const an__select_source *x, const an_select_group *g, int width, an_buf *out)
{
    const char *measure = !strcmp(g->measure, "auc") ? "AUC" : !strcmp(g->measure, "spearman") ? "r" : "V";
    an_buf_printf(out, "  %-*s %5.0f %% %5.0f %% %7.1f   %s %.2f", width, x->table->column[g->representative].name, 100 * g->association,
                  100 * g->joint, g->evidence, measure, g->effect);
    if (g->members > 1) {
        an_buf_puts(out, g->effect < 0 ? "   also " : "    also ");
        size_t told = 0;
        for (size_t m = 0; m < g->members && told < 3; m++) {
            if (g->member[m] == g->representative) continue;
            an_buf_printf(out, "%s%s", told++ ? ", " : "", x->table->column[g->member[m]].name);
        }
        if (g->members > 4) an_buf_printf(out, " and %zu more", g->members - 4);
    }
    an_buf_putc(out, '\n');
}

static void list_line(an_buf *out, const char *what, char *const *items, size_t count)
{
    if (!count) return;
    an_buf_printf(out, "%s: ", what);
    for (size_t i = 0; i < count && i < 8; i++) an_buf_printf(out, "%s%s", i ? ", " : "", items[i]);
    if (count > 8) an_buf_printf(out, " and %zu more", count - 8);
    an_buf_putc(out, '\n');
}

void an__select_text(const an__select_source *x, const an_select_step *o, an_buf *out)
{
    const an_selection *s = x->selection;
    size_t behind = 0, width = strlen("column");
    for (size_t k = 0; k < s->selected; k++) {
        behind += s->group[k].members;
        width = width_of(x->table->column[s->group[k].representative].name, width);
    }
    an_buf_printf(out, "%zu training rows", s->rows);
    if (s->positives) an_buf_printf(out, ", %zu of them positive", s->positives);
    an_buf_printf(out, "; the test part was not read\n");
    an_buf_printf(out, "%zu features say %zu different things; %zu of these are stable, and %zu columns say them\n", s->candidates,
                  s->groups, s->selected, behind);
    an_buf_printf(
        out,
        "expected by mistake: at most %.1f of %zu (each half of the rows names %zu alone and %zu jointly; stable: named by %.0f %% of %zu "
        "halves); ",
        s->expected_false, s->selected, s->chosen, s->chosen_jointly, 100 * s->stable, 2 * s->pairs);
    if (s->shuffled_selected)
        an_buf_printf(out, "%zu of %zu shuffled columns that competed passed\n", s->shuffled_selected, s->shuffled);
    else
        an_buf_printf(out, "none of %zu shuffled columns that competed passed\n", s->shuffled);
    list_line(out, "numbers are looked at within the levels of", s->context.items, s->context.count);
    list_line(out, "constant in the training part", s->constant.items, s->constant.count);
    list_line(out, "kept by hand", o->select.keep.items, o->select.keep.count);
    list_line(out, "dropped by hand", o->select.drop.items, o->select.drop.count);
    if (o->reason && *o->reason) an_buf_printf(out, "because: %s\n", o->reason);
    if (s->positives && s->positives < 30)
        an_buf_printf(out, "%zu positive rows are thin evidence: expect another choice with more data\n", s->positives);
    if (!s->selected) {
        an_buf_puts(out, "no column goes with the target beyond chance\n");
    } else {
        an_buf_printf(out, "\n  %-*s %7s %7s %7s   on all training rows\n", (int)width, "column", "alone", "jointly", "-log p");
        for (size_t k = 0; k < s->selected; k++) group_line(x, &s->group[k], (int)width, out);
    }
    while (out->size && out->data[out->size - 1] == '\n') out->data[--out->size] = 0;
}

/* ---- the step ---- */

static bool select_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    const an_select_step *o = options;
    an_version_row row = { 0 };
    const an_hash *data = an_flow_value(c->inputs, "data");
    char hex[65];
    an_error why = { 0 };
    if (o->name) {
        if (!an_version_get(c->store, AN_NAME_DATA, o->name, &row, err)) return false;
    } else if (!data || !an_version_by_address(c->store, data, &row, &why)) {
        if (data && why.code != AN_NOT_FOUND && err) *err = why;
        return !data || why.code == AN_NOT_FOUND;
    }
    an_hash_hex(&row.address, hex);
    an_buf_printf(text, "%s/%lld %s %s\n", row.name, (long long)row.version, hex, an_json_string(row.meta, "split", ""));
    an_version_row_free(&row);
    return true;
}

static json_t *names_json(const an_list *l)
{
    json_t *a = json_array();
    for (size_t i = 0; i < l->count; i++) json_array_append_new(a, json_string(l->items[i]));
    return a;
}

/* The new table's split: its test part holds the rows that were not read and no other, whatever share that is. */
static bool put_split(const an_step_context *c, const an__select_source *x, an_hash *address, an_error *err)
{
    const an_table *t = x->table;
    const an_column *target = an_table_target(t, NULL);
    uint8_t *test = an_alloc_data(t->rows + 1, 1, "the rows of the test part", err);
    if (!test) return false;
    for (size_t i = 0; i < x->test_count; i++) test[x->test[i]] = 1;
    an_split split = { .train = an_alloc_n(t->rows + 1, sizeof *split.train), .test = an_alloc_n(t->rows + 1, sizeof *split.test) };
    for (size_t i = 0; i < t->rows; i++) {
        if (an_table_unlabelled(target, i)) continue;
        if (test[i])
            split.test[split.test_count++] = i;
        else
            split.train[split.train_count++] = i;
    }
    an_split_options o = { .share = (double)split.test_count / (double)(split.test_count + split.train_count) };
    bool ok = an__split_put(c->store, t, &split, NULL, &o, address, err);
    free(test);
    an_split_free(&split);
    return ok;
}

static json_t *finish(const an_step_context *c, const an__select_source *x, const an_select_step *o, an_error *err)
{
    an_hash address, split;
    if (!an__table_put(c->store, x->table, "data", &address, err) || !put_split(c, x, &split, err)) return NULL;
    an__value_set(c->outputs, "data", &address);
    an__value_set(c->outputs, "split", &split);
    int64_t version = 0;
    bool existed = false;
    json_t *expert =
        json_pack("{s:o, s:o, s:s?}", "keep", names_json(&o->select.keep), "drop", names_json(&o->select.drop), "reason", o->reason);
    if (x->to) {
        const an_column *y = an_table_target(x->table, NULL);
        json_t *meta = json_pack("{s:I, s:o, s:s, s:O}", "rows", (json_int_t)x->table->rows, "split", an__hash_json(&split), "target",
                                 y ? y->name : "", "expert", expert);
        if (x->row.name) {
            char *from = an_format("%s/%lld", x->row.name, (long long)x->row.version);
            json_object_set_new(meta, "selected_from", json_string(from));
            free(from);
        }
        bool ok = an_version_add(c->store, AN_NAME_DATA, x->to, &address, c->run, meta, &version, &existed, err);
        json_decref(meta);
        if (!ok) {
            json_decref(expert);
            return NULL;
        }
    }
    json_t *result = an__data_json(x->to ? x->to : "", version, &address, x->table, NULL);
    json_object_set_new(result, "existed", json_boolean(existed));
    json_object_set_new(result, "expert", expert);
    json_object_set_new(result, "selection", an_selection_json(x->selection, x->table));
    an_buf text = { 0 };
    if (x->to) an_buf_printf(&text, "%s/%lld%s: ", x->to, (long long)version, existed ? " (this content was there already)" : "");
    an__select_text(x, o, &text);
    json_object_set_new(result, "text", json_string(text.data));
    an_buf_free(&text);
    return result;
}

static json_t *select_run(const an_step_context *c, const void *options, an_error *err)
{
    const an_select_step *o = options;
    an__select_source x;
    json_t *result = NULL;
    if (o->dry_run) {
        an_fail(err, AN_USAGE, "dry_run makes nothing, and the steps behind this one need a table");
        return NULL;
    }
    bool ok = an__select_open(&x, c, o, err);
    if (ok && x.row.name) ok = an_run_artifact(c->store, c->run, AN_EDGE_IN, "data", &x.row.address, err);
    an_lines lines = { 0 }; /* row i stays row i */
    bool known = false;
    if (ok && x.row.name) ok = an__lines_get(c->store, x.row.run, &lines, &known, err) && (!known || an__lines_put(c, &lines, err));
    an_lines_free(&lines);
    ok = ok && an_selection_apply(x.selection, x.table, &o->select, err);
    if (ok) result = finish(c, &x, o, err);
    an__select_close(&x);
    return result;
}

const an_step_kind an__step_select = {
    .name = "select",
    .doc = "keep the columns whose link with the target is stable in halves of the training rows, one of each group of redundant ones",
    .params = an__select_step_params,
    .options_size = sizeof(an_select_step),
    .inputs = { { "data", true }, { "split", true } },
    .outputs = { { "data", false }, { "split", false }, { "lines", true } },
    .fingerprint = select_fingerprint,
    .run = select_run,
};
