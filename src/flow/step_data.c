/* step_data.c - the steps that get data ready: get, clean, split. The import is in step_import.c. */
#include "flow/steps.h"

#include <stdlib.h>
#include <string.h>

/* ---- get: a registered data set --------------------------------------------------------------------------------------------------- */

typedef struct get_options {
    char *data;
} get_options;

static const an_param get_params[] = {
    AN_TEXT(get_options, data, NULL, "name of the data set: NAME is the newest version, NAME/3 the third"),
    AN_PARAM_END,
};

static bool get_version(const an_step_context *c, const void *options, an_version_row *row, an_error *err)
{
    const get_options *o = options;
    if (!o->data) return an_fail(err, AN_USAGE, "get needs the name of a data set (set: {data: NAME})");
    return an_version_get(c->store, AN_NAME_DATA, o->data, row, err);
}

static bool get_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    an_version_row row = { 0 };
    if (!get_version(c, options, &row, err)) return false;
    char hex[65];
    an_hash_hex(&row.address, hex);
    an_buf_puts(text, hex);
    an_version_row_free(&row);
    return true;
}

static json_t *get_run(const an_step_context *c, const void *options, an_error *err)
{
    an_version_row row = { 0 };
    if (!get_version(c, options, &row, err)) return NULL;
    an_table *t = an__table_get(c->store, &row.address, err);
    json_t *result = NULL;
    if (t) {
        an__value_set(c->outputs, "data", &row.address);
        result = an__data_json(row.name, row.version, &row.address, t, NULL);
    }
    an_table_free(t);
    an_version_row_free(&row);
    return result;
}

const an_step_kind an__step_get = {
    .name = "get",
    .doc = "take a registered data set, the newest version unless one is named",
    .params = get_params,
    .options_size = sizeof(get_options),
    .outputs = { { "data", false } },
    .fingerprint = get_fingerprint,
    .run = get_run,
};

/* ---- clean: roles, and what is set aside ------------------------------------------------------------------------------------------- */

typedef struct clean_options {
    char *name;
    an_roles roles;
} clean_options;

static const an_param clean_params[] = {
    AN_TEXT(clean_options, name, NULL, "name to register the cleaned data set under"),
    AN_ROLES_PARAMS(offsetof(clean_options, roles)),
    AN_PARAM_END,
};

static json_t *clean_run(const an_step_context *c, const void *options, an_error *err)
{
    const clean_options *o = options;
    if (o->name && !an_name_check("data set", o->name, err)) return NULL;
    an_table *t = an__table_get(c->store, an__need(c, "data"), err);
    an_list notes = { 0 };
    an_hash address;
    json_t *result = NULL;
    if (t && an_table_assign(t, &o->roles, &notes, err) && an__table_put(c->store, t, "data", &address, err)) {
        an__value_set(c->outputs, "data", &address);
        result =
            o->name ? an__data_register(c->store, o->name, t, &address, c->run, &notes, err) : an__data_json("", 0, &address, t, &notes);
    }
    an_list_free(&notes);
    an_table_free(t);
    return result;
}

const an_step_kind an__step_clean = {
    .name = "clean",
    .doc = "set target and roles; set aside constant, empty, identifier, duplicate and leaking columns, and say why",
    .params = clean_params,
    .options_size = sizeof(clean_options),
    .inputs = { { "data", false } },
    .outputs = { { "data", false } },
    .run = clean_run,
};

/* ---- split --------------------------------------------------------------------------------------------------------------------------- */

typedef struct split_options {
    double share;
    int64_t split_seed;
    bool ignore_time;
} split_options;

static const an_param split_params[] = {
    AN_REAL(split_options, share, 0.25, 0.01, 0.9, "share of the test part"),
    AN_INT(split_options, split_seed, 0, 0, 9e15, "keys the hash that deals rows out; 0 is the default split of the data set"),
    AN_BOOL(split_options, ignore_time, 0, "stratify although there is a time column"),
    AN_PARAM_END,
};

/* A registered data set has a default split that respects its earlier versions. */
static bool registered_split(an_store *s, const an_hash *data, const split_options *o, an_hash *address, bool *found, an_error *err)
{
    *found = false;
    if (o->share != 0.25 || o->split_seed || o->ignore_time) return true;
    an_version_row row = { 0 };
    an_error why = { 0 };
    if (!an_version_by_address(s, data, &row, &why)) {
        if (why.code == AN_NOT_FOUND) return true;
        if (err) *err = why;
        return false;
    }
    const char *hex = an_json_string(row.meta, "split", NULL);
    *found = hex && an_hash_parse(hex, address);
    an_version_row_free(&row);
    return true;
}

static bool split_fingerprint(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    an_hash address;
    bool found;
    if (!registered_split(c->store, an__need(c, "data"), options, &address, &found, err)) return false;
    char hex[65] = "";
    if (found) an_hash_hex(&address, hex);
    an_buf_puts(text, hex);
    return true;
}

static json_t *split_run(const an_step_context *c, const void *options, an_error *err)
{
    const split_options *o = options;
    an_table *t = an__table_get(c->store, an__need(c, "data"), err);
    if (!t) return NULL;
    an_split split = { 0 };
    an_hash address;
    bool found, ok = registered_split(c->store, an__need(c, "data"), o, &address, &found, err);
    if (ok && found) {
        ok = an__split_get(c->store, &address, t, &split, NULL, err);
    } else if (ok) {
        an_split_options so = { .share = o->share, .seed = (uint64_t)o->split_seed, .ignore_time = o->ignore_time };
        ok = an_split_make(t, &so, &split, err) && an__split_put(c->store, t, &split, NULL, &so, &address, err);
    }
    json_t *result = NULL;
    if (ok) {
        uint8_t *label = an_alloc_n(t->rows + 1, 1);
        json_int_t train = 0, test = 0;
        bool labelled = an_table_labels_known(t, label, NULL);
        for (size_t i = 0; labelled && i < split.train_count; i++) train += label[split.train[i]];
        for (size_t i = 0; labelled && i < split.test_count; i++) test += label[split.test[i]];
        free(label);
        an__value_set(c->outputs, "split", &address);
        result = json_pack("{s:I, s:I, s:o, s:o, s:o}", "train", (json_int_t)split.train_count, "test", (json_int_t)split.test_count,
                           "train_positives", labelled ? json_integer(train) : json_null(), "test_positives",
                           labelled ? json_integer(test) : json_null(), "id", an__hash_json(&address));
    }
    an_split_free(&split);
    an_table_free(t);
    return result;
}

const an_step_kind an__step_split = {
    .name = "split",
    .doc = "deal the rows out to a training and a test part before anything is fitted",
    .params = split_params,
    .options_size = sizeof(split_options),
    .inputs = { { "data", false } },
    .outputs = { { "split", false } },
    .fingerprint = split_fingerprint,
    .run = split_run,
};
