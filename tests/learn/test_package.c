/* test_package.c - a model as a directory: same model, same bytes; loading gives the same model; every altered file is found; foreign
 * model.json files are refused. */
#include "learn/model.h"
#include "learn/testing.h"

static const char *const all_files[] = { "MLmodel", "golden.csv", "model.json", "model.onnx", "model.safetensors" };

static void save(an_model *m, const char *folder, an_hash *address)
{
    an_error err = { 0 };
    an_artifact *a = an_artifact_new(folder, &err);
    if (!a) fail_msg("%s", err.message);
    assert_ok(an_model_save(m, a, &err));
    assert_ok(an_artifact_seal(a, address, NULL, &err));
    an_artifact_free(a);
}

static an_model *load(const char *folder, an_error *err)
{
    an_artifact *a = an_artifact_open(folder, err);
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    return m;
}

static char *in(const char *folder, const char *name)
{
    return an_path_join(folder, name);
}

static an_model *sample_model(an_table **t)
{
    *t = simulate(900, 31, true);
    an_model *m = fitted(*t, NULL);
    m->threshold = (an_threshold){ .value = 0.37, .rule = "f2", .achieved = 0.61 };
    m->calibrated = false;
    free(m->balance);
    m->balance = an_strdup("smote");
    m->seed = UINT64_MAX - 3;
    an_hash_bytes("data", 4, &m->data);
    json_object_set_new(m->extra, "metrics", json_pack("{s:f,s:[i,i]}", "f2", 0.61, "confusion", 3, 4));
    return m;
}

static void test_round_trip(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t;
    an_model *m = sample_model(&t);
    char *root = scratch_new(), *one = in(root, "one"), *two = in(root, "two"), *three = in(root, "three");
    an_hash a, b, c;
    save(m, one, &a);
    save(m, two, &b);
    assert_memory_equal(&a, &b, sizeof a);
    an_model *n = load(one, &err);
    if (!n) fail_msg("%s", err.message);
    save(n, three, &c);
    assert_memory_equal(&a, &c, sizeof a);
    assert_string_equal(n->target, "broken");
    assert_string_equal(n->positive, "1");
    assert_string_equal(n->negative, "0");
    assert_string_equal(n->balance, "smote");
    assert_false(n->calibrated);
    assert_true(n->threshold.value == 0.37 && n->threshold.achieved == 0.61);
    assert_string_equal(n->threshold.rule, "f2");
    assert_true(n->seed == UINT64_MAX - 3);
    assert_memory_equal(&n->data, &m->data, sizeof m->data);
    assert_int_equal(n->train_count, m->train_count);
    assert_memory_equal(n->train_keys, m->train_keys, m->train_count * sizeof *m->train_keys);
    json_t *x = an_model_describe(m), *y = an_model_describe(n);
    assert_true(json_equal(x, y));
    assert_true(json_real_value(json_object_get(json_object_get(y, "metrics"), "f2")) == 0.61);
    json_decref(x);
    json_decref(y);
    double *p = scored(m, t), *q = scored(n, t);
    assert_same_bits(p, q, t->rows);
    free(p);
    free(q);
    an_list names = { 0 };
    assert_ok(an_folder_list(one, &names, &err));
    assert_int_equal(names.count, AN_COUNT(all_files));
    for (size_t i = 0; i < names.count; i++) assert_string_equal(names.items[i], all_files[i]);
    an_list_free(&names);
    an_model_free(m);
    an_model_free(n);
    an_table_free(t);
    free(one);
    free(two);
    free(three);
    scratch_end(root);
}

/* A fit with the same seed and data is the same address; another seed is another one (the golden rows differ). */
static void test_address(void **state)
{
    (void)state;
    an_table *t = simulate(500, 32, true);
    an_job *two = an_job_new(&(an_job_options){ .seed = 2 });
    an_model *m[] = { fitted(t, NULL), fitted(t, NULL), fitted(t, two) };
    char *root = scratch_new();
    an_hash hash[3];
    for (int i = 0; i < 3; i++) {
        char name[2] = { (char)('a' + i), 0 }, *folder = in(root, name);
        save(m[i], folder, &hash[i]);
        free(folder);
        an_model_free(m[i]);
    }
    assert_memory_equal(&hash[0], &hash[1], sizeof hash[0]);
    assert_memory_not_equal(&hash[0], &hash[2], sizeof hash[0]);
    an_job_free(two);
    an_table_free(t);
    scratch_end(root);
}

static void test_altered_files(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t;
    an_model *m = sample_model(&t), *n;
    char *root = scratch_new(), *folder = in(root, "m");
    an_hash address;
    save(m, folder, &address);
    for (size_t i = 0; i < AN_COUNT(all_files); i++) {
        char *path = in(folder, all_files[i]);
        an_buf good = { 0 }, bad = { 0 };
        assert_ok(an_file_read(path, 1 << 24, &good, &err));
        for (size_t at = 0; at < good.size; at += good.size / 7 + 1) { /* some bytes of each file, a low bit turned */
            an_buf_clear(&bad);
            an_buf_add(&bad, good.data, good.size);
            bad.data[at] ^= 1;
            assert_ok(an_file_write(path, bad.data, bad.size, &err));
            assert_fails((n = load(folder, &err)), AN_CORRUPT, "");
        }
        assert_ok(an_file_write(path, good.data, good.size / 2, &err));
        assert_fails((n = load(folder, &err)), AN_CORRUPT, "");
        assert_int_equal(remove(path), 0);
        assert_fails((n = load(folder, &err)), AN_CORRUPT, all_files[i]);
        assert_ok(an_file_write(path, good.data, good.size, &err));
        an_buf_free(&good);
        an_buf_free(&bad);
        free(path);
    }
    n = load(folder, &err);
    assert_non_null(n);
    an_model_free(n);
    an_model_free(m);
    an_table_free(t);
    free(folder);
    scratch_end(root);
}

/* Writes model.json and golden.csv anew with fitting hashes, as someone would who knows the format: what is left is the replay. */
static void reseal(const char *folder, json_t *j)
{
    an_error err = { 0 };
    json_t *files = json_object_get(j, "files");
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(files, next, key, value)
    {
        an_hash hash;
        char hex[65], *path = in(folder, key);
        assert_ok(an_hash_file(path, &hash, &err));
        an_hash_hex(&hash, hex);
        json_object_set_new(files, key, json_string(hex));
        free(path);
    }
    json_object_del(j, "checksum");
    an_hash hash;
    char hex[65], *text = an_json_text(j, false), *path = in(folder, "model.json");
    an_hash_bytes(text, strlen(text), &hash);
    an_hash_hex(&hash, hex);
    json_object_set_new(j, "checksum", json_string(hex));
    assert_ok(an_json_write(path, j, &err));
    free(text);
    free(path);
}

static void test_replay(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t;
    an_model *m = sample_model(&t), *n;
    char *root = scratch_new(), *folder = in(root, "m"), *json = in(folder, "model.json"), *golden = in(folder, "golden.csv");
    an_hash address;
    save(m, folder, &address);
    json_t *j = an_json_read(json, &err);
    assert_non_null(j);
    reseal(folder, j);
    n = load(folder, &err); /* nothing changed: still sound */
    if (!n) fail_msg("%s", err.message);
    an_model_free(n);

    json_t *threshold = json_object_get(j, "threshold");
    json_object_set_new(threshold, "value", json_real(0.02)); /* a label turns */
    reseal(folder, j);
    assert_fails((n = load(folder, &err)), AN_CORRUPT, "golden row");
    json_object_set_new(threshold, "value", json_real(0.37));

    an_buf good = { 0 };
    assert_ok(an_file_read(golden, 1 << 20, &good, &err));
    char *second = strchr(good.data, '\n'), *last = strrchr(good.data, ',');
    assert_non_null(second);
    while (last > good.data && last[-1] != ',') last--; /* at the probability of the last row */
    last[2] = last[2] == '9' ? '1' : '9';
    assert_ok(an_file_write(golden, good.data, good.size, &err));
    reseal(folder, j);
    assert_fails((n = load(folder, &err)), AN_CORRUPT, "golden row");
    assert_ok(an_file_write(golden, "force\n", 6, &err));
    reseal(folder, j);
    assert_fails((n = load(folder, &err)), AN_CORRUPT, "golden rows");
    an_buf_free(&good);
    json_decref(j);
    an_model_free(m);
    an_table_free(t);
    free(json);
    free(golden);
    free(folder);
    scratch_end(root);
}

/* What model.json says is checked value by value, whatever hashes say. */
static void refused(const json_t *good, const an_params *tensors, const char *path, json_t *value, an_code code, const char *part)
{
    an_error err;
    json_t *j = json_deep_copy(good), *at = j;
    char *words = an_strdup(path), *word = words, *dot;
    while ((dot = strchr(word, '.'))) {
        *dot = 0;
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(word)) : json_object_get(at, word);
        assert_non_null(at);
        word = dot + 1;
    }
    if (value)
        json_object_set_new(at, word, value);
    else
        json_object_del(at, word);
    assert_fails(an__model_from_json(j, tensors, &err), code, part);
    free(words);
    json_decref(j);
}

static void test_foreign(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t;
    an_model *m = sample_model(&t);
    an_params *tensors = an_params_new(), *none = an_params_new();
    json_t *meta = json_object();
    assert_ok(an__model_tensors(m, tensors, meta, &err));
    json_t *good = an_model_describe(m);
    an_model *n = an__model_from_json(good, tensors, &err);
    if (!n) fail_msg("%s", err.message);
    an_model_free(n);
    const char *keys[] = { "format",     "target",  "features", "prep", "predictor", "threshold",
                           "calibrated", "balance", "data",     "seed", "train_rows" };
    for (size_t i = 0; i < AN_COUNT(keys); i++) {
        refused(good, tensors, keys[i], NULL, AN_CORRUPT, keys[i]);
        refused(good, tensors, keys[i], json_array(), AN_CORRUPT, "");
        refused(good, tensors, keys[i], json_integer(-7), AN_CORRUPT, "");
    }
    refused(good, tensors, "format", json_integer(2), AN_NEWER, "format 2");
    refused(good, tensors, "predictor.kind", json_string("forest-of-2031"), AN_NEWER, "forest-of-2031");
    refused(good, tensors, "predictor.parameters.c", json_real(-1), AN_CORRUPT, "c");
    refused(good, tensors, "predictor.parameters.depth", json_integer(3), AN_CORRUPT, "depth");
    refused(good, tensors, "predictor.state.converged", json_string("yes"), AN_CORRUPT, "predictor");
    refused(good, tensors, "target.positive", json_string("0"), AN_CORRUPT, "target");
    refused(good, tensors, "threshold.value", json_null(), AN_CORRUPT, "threshold");
    refused(good, tensors, "data", json_string("abc"), AN_CORRUPT, "data");
    refused(good, tensors, "seed", json_string("12x"), AN_CORRUPT, "seed");
    refused(good, tensors, "train_rows", json_integer(5), AN_CORRUPT, "train_rows");
    refused(good, tensors, "features.0.unit", json_string("bar"), AN_CORRUPT, "features");
    refused(good, tensors, "features.0.high", json_real(1e9), AN_CORRUPT, "features");
    assert_fails(an__model_from_json(good, none, &err), AN_CORRUPT, "weight");
    json_t *empty = json_object(), *list = json_array();
    assert_fails(an__model_from_json(empty, tensors, &err), AN_CORRUPT, "format");
    assert_fails(an__model_from_json(list, tensors, &err), AN_CORRUPT, "format");
    json_decref(empty);
    json_decref(list);
    json_decref(good);
    json_decref(meta);
    an_params_release(tensors);
    an_params_release(none);
    an_model_free(m);
    an_table_free(t);
}

/* MLmodel is YAML with MLflow's keys; the signature names every input of model.onnx and both outputs. */
static void test_mlmodel(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t;
    an_model *m = sample_model(&t);
    char *root = scratch_new(), *folder = in(root, "m"), *path = in(folder, "MLmodel");
    an_hash address;
    save(m, folder, &address);
    an_yaml *y = an_yaml_read(path, &err);
    if (!y) fail_msg("%s", err.message);
    const json_t *r = an_yaml_root(y), *flavors = json_object_get(r, "flavors");
    assert_string_equal(an_json_string(json_object_get(flavors, "onnx"), "data", ""), "model.onnx");
    assert_string_equal(an_json_string(json_object_get(flavors, "andon"), "data", ""), "model.json");
    assert_string_equal(an_json_string(json_object_get(flavors, "python_function"), "loader_module", ""), "mlflow.onnx");
    assert_string_equal(an_json_string(json_object_get(flavors, "andon"), "kind", ""), "logistic");
    assert_int_equal(strlen(an_json_string(r, "model_uuid", "")), 32);
    const char *inputs = an_json_string(json_object_get(r, "signature"), "inputs", ""),
               *outputs = an_json_string(json_object_get(r, "signature"), "outputs", "");
    json_t *list = an_json_parse(inputs, strlen(inputs), "inputs", &err), *out = an_json_parse(outputs, strlen(outputs), "outputs", &err);
    assert_int_equal(json_array_size(list), FEATURES);
    const char *dtypes[] = { "float64", "int64", "int64", "str", "float64", "float64" };
    for (size_t i = 0; i < FEATURES; i++) {
        const json_t *one = json_array_get(list, i);
        assert_string_equal(an_json_string(one, "name", ""), feature_names[i]);
        assert_string_equal(an_json_string(json_object_get(one, "tensor-spec"), "dtype", ""), dtypes[i]);
    }
    assert_string_equal(an_json_string(json_array_get(out, 0), "name", ""), "label");
    assert_string_equal(an_json_string(json_array_get(out, 1), "name", ""), "probability");
    json_decref(list);
    json_decref(out);
    an_yaml_free(y);
    an_model_free(m);
    an_table_free(t);
    free(path);
    free(folder);
    scratch_end(root);
}

/* Category names that a CSV reader would take for something else survive the golden rows. */
static void test_awkward_names(void **state)
{
    (void)state;
    an_error err = { 0 };
    an_table *t = simulate(600, 33, true);
    an_column *variant = an_table_find(t, "variant");
    const char *names[] = { "1", "NA", "yes, \"quoted\"\nline" };
    for (int k = 0; k < 3; k++) free(variant->dictionary.names[k]);
    free(variant->dictionary.names);
    add_names(variant, names, 3);
    free(variant->name);
    variant->name = an_strdup("a=b, \"c\"");
    an_model *m = fitted(t, NULL);
    char *root = scratch_new(), *folder = in(root, "m");
    an_hash address;
    save(m, folder, &address);
    an_model *n = load(folder, &err);
    if (!n) fail_msg("%s", err.message);
    double *p = scored(m, t), *q = scored(n, t);
    assert_same_bits(p, q, t->rows);
    free(p);
    free(q);
    an_model_free(m);
    an_model_free(n);
    an_table_free(t);
    free(folder);
    scratch_end(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_address), cmocka_unit_test(test_altered_files),
        cmocka_unit_test(test_replay),        cmocka_unit_test(test_foreign), cmocka_unit_test(test_mlmodel),
        cmocka_unit_test(test_awkward_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
