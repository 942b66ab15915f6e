/* Reading pipelines: what is understood, and every way of being wrong with the place and the nearest name. */
#include "flow/kinds.h"

#define CHAIN                                                                                                                            \
    "name: press\nsteps:\n  get: {use: source, set: {tag: a, amount: 2}}\n  clean: {use: clean}\n  split: {use: split}\n  train: {use: " \
    "train, retries: 2}\n"

static char *described(const an_pipeline *p)
{
    json_t *all = an_pipeline_describe(p);
    char *text = an_json_text(all, false);
    json_decref(all);
    return text;
}

/* "train<-data:clean,split:split" for the inputs of a step. */
static void check_inputs(const an_pipeline *p, const char *id, const char *expected)
{
    int i = an__pipeline_find(p, id);
    if (i < 0) fail_msg("no step %s", id);
    an_buf text = { 0 };
    for (int k = 0; k < p->nodes[i].input_count; k++)
        an_buf_printf(&text, "%s%s:%s", k ? "," : "", p->nodes[i].input[k].port, p->nodes[p->nodes[i].input[k].from].id);
    assert_string_equal(text.data ? text.data : "", expected);
    an_buf_free(&text);
}

static void test_chain(void **state)
{
    (void)state;
    an_error err;
    an_pipeline *p;
    MUST((p = toy_parse(CHAIN, &err)) != NULL);
    char *text = described(p);
    assert_string_equal(text, "{\"name\":\"press\",\"steps\":["
                              "{\"name\":\"get\",\"needs\":[],\"set\":{\"amount\":2.0,\"tag\":\"a\"},\"use\":\"source\"},"
                              "{\"name\":\"clean\",\"needs\":[\"get\"],\"set\":{},\"use\":\"clean\"},"
                              "{\"name\":\"split\",\"needs\":[\"clean\"],\"set\":{},\"use\":\"split\"},"
                              "{\"name\":\"train\",\"needs\":[\"split\"],\"set\":{},\"use\":\"train\"}]}");
    free(text);
    check_inputs(p, "get", "");
    check_inputs(p, "clean", "data:get");
    check_inputs(p, "train", "data:clean,split:split"); /* the nearest data, not the first */
    assert_int_equal(p->nodes[an__pipeline_find(p, "train")].retries, 2);
    assert_int_equal(p->nodes[an__pipeline_find(p, "get")].retries, 0);
    an_pipeline_free(p);
}

static void test_out_of_order(void **state)
{
    (void)state;
    an_error err;
    an_pipeline *p;
    MUST((p = toy_parse("steps:\n  train: {use: train, needs: [split]}\n  split: {use: split, needs: get}\n  get: {use: source, needs: "
                        "[]}\n  other: {use: report, needs: train}\n",
                        &err)) != NULL);
    assert_string_equal(p->name, "flow");
    assert_string_equal(p->nodes[p->order[0]].id, "get");
    assert_string_equal(p->nodes[p->order[1]].id, "split");
    assert_string_equal(p->nodes[p->order[2]].id, "train");
    check_inputs(p, "train", "data:get,split:split");
    check_inputs(p, "other", "model:train"); /* the other input is optional */
    an_pipeline_free(p);
}

static void test_set(void **state)
{
    (void)state;
    an_error err;
    an_pipeline *p;
    MUST((p = toy_parse(CHAIN, &err)) != NULL);
    MUST(an_pipeline_set(p, "clean.amount=3.25", &err));
    MUST(an_pipeline_set(p, "clean.words=a,b", &err));
    MUST(an_pipeline_set(p, "clean.words=c,d", &err));
    MUST(an_pipeline_set(p, "clean.sleep-ms=7", &err));
    const toy_options *o = p->nodes[an__pipeline_find(p, "clean")].options;
    assert_true(o->amount == 3.25);
    assert_int_equal(o->sleep_ms, 7);
    assert_int_equal(o->words.count, 2); /* replaced */
    assert_string_equal(o->words.items[0], "c");
    char *text = described(p);
    MENTIONS(text, "\"set\":{\"amount\":3.25,\"sleep_ms\":7,\"words\":[\"c\",\"d\"]}");
    free(text);
    static const struct {
        const char *text, *message, *hint;
    } wrong[] = {
        { "clean.amuont=1", "amuont", "amount" },
        { "claen.amount=1", "claen", "clean" },
        { "clean.amount=11", "amount", "" },
        { "amount=1", "amount=1", "step.parameter=value" },
        { "clean.amount", "clean.amount", "" },
        { "=", "", "" },
        { "clean.=1", "", "" },
        { ".x=1", "", "" },
    };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        err = (an_error){ 0 };
        assert_false(an_pipeline_set(p, wrong[i].text, &err));
        assert_int_equal(err.code, AN_USAGE);
        MENTIONS(err.message, wrong[i].message);
        MENTIONS(err.hint, wrong[i].hint);
    }
    an_pipeline_free(p);
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *where, *hint;
    } wrong[] = {
        { "", "not a pipeline", "flow.yaml", "" },
        { "- a\n", "not a pipeline", "flow.yaml", "" },
        { "name: x\n", "no steps", "flow.yaml", "" },
        { "name: x\nsteps: {}\n", "no steps", "flow.yaml:2", "" },
        { "name: x\nstpes: {}\n", "stpes", "flow.yaml:2", "steps" },
        { "name: [a]\nsteps: {a: {use: source}}\n", "name", "flow.yaml:1", "" },
        { "name: a/b\nsteps: {a: {use: source}}\n", "a/b", "flow.yaml:1", "" },
        { "steps:\n  a: {use: source}\n  b: 3\n", "step \"b\"", "flow.yaml:3", "use" },
        { "steps:\n  a: {set: {}}\n", "\"use\" is missing", "flow.yaml:2", "" },
        { "steps:\n  a: {use: [x]}\n", "\"use\" is missing", "flow.yaml:2", "" },
        { "steps:\n  a: {use: suorce}\n", "step \"a\": there is no kind of step \"suorce\"", "flow.yaml:2", "source" },
        { "steps:\n  a:\n    use: source\n    sets: {}\n", "sets", "flow.yaml:4", "set" },
        { "steps:\n  a:\n    use: source\n    set: 3\n", "set", "flow.yaml:4", "" },
        { "steps:\n  a:\n    use: source\n    set:\n      tag: b\n      amuont: 3\n", "amuont", "flow.yaml:6", "amount" },
        { "steps:\n  a:\n    use: source\n    set:\n      amount: 11\n", "amount", "flow.yaml:5", "" },
        { "steps:\n  a:\n    use: source\n    set:\n      amount: much\n", "amount", "flow.yaml:5", "" },
        { "steps:\n  a:\n    use: source\n    retries: 11\n", "retries", "flow.yaml:4", "" },
        { "steps:\n  a:\n    use: source\n    retries: -1\n", "retries", "flow.yaml:4", "" },
        { "steps:\n  a.b: {use: source}\n", "dot", "flow.yaml", "" },
        { "steps:\n  'a b': {use: source}\n", "a b", "flow.yaml", "" },
        { "steps:\n  get: {use: source}\n  b: {use: clean, needs: [gte]}\n", "gte", "flow.yaml:3", "get" },
        { "steps:\n  get: {use: source}\n  b: {use: clean, needs: [[get]]}\n", "needs", "flow.yaml:3", "" },
        { "steps:\n  get: {use: source}\n  b: {use: clean, needs: 7}\n", "needs", "flow.yaml:3", "" },
        { "steps:\n  a: {use: source, needs: [a]}\n", "a -> a", "flow.yaml:2", "needs" },
        { "steps:\n  a: {use: source, needs: [c]}\n  b: {use: clean, needs: [a]}\n  c: {use: clean, needs: [b]}\n", "a -> c -> b -> a",
          "flow.yaml", "needs" },
        { "steps:\n  get: {use: source}\n  train: {use: train}\n", "needs \"split\"", "flow.yaml:3", "split" },
        { "steps:\n  a: {use: clean}\n", "needs \"data\"", "flow.yaml:2", "source, clean" },
        { "steps:\n  a: {use: source, needs: []}\n  b: {use: source, needs: []}\n  c: {use: clean, needs: [a, b]}\n", "\"a\" or from \"b\"",
          "flow.yaml:4", "" },
        { "steps:\n  a: {use: missing.yaml}\n", "missing.yaml", "flow.yaml:2", "" },
        { "steps:\n  a: {use: source}\n  a: {use: source}\n", "a", "flow.yaml:3", "" },
        { "steps: [\n", "YAML", "flow.yaml", "" },
    };
    for (size_t i = 0; i < AN_COUNT(wrong); i++) {
        an_error err = { 0 };
        an_pipeline *p = toy_parse(wrong[i].text, &err);
        if (p) fail_msg("accepted: %s", wrong[i].text);
        if (err.code != AN_INPUT && err.code != AN_NOT_FOUND) fail_msg("%s: code %s", wrong[i].text, an_code_name(err.code));
        MENTIONS(err.message, wrong[i].message);
        MENTIONS(err.where, wrong[i].where);
        MENTIONS(err.hint, wrong[i].hint);
        assert_null(toy_parse(wrong[i].text, NULL)); /* nobody asks why */
    }
}

static void test_diamond(void **state)
{
    (void)state;
    an_error err;
    an_pipeline *p;
    MUST((p = toy_parse("steps:\n  get: {use: source}\n  clean: {use: clean}\n  split: {use: split, needs: clean}\n  t1: {use: train, "
                        "needs: split}\n  t2: {use: train, needs: [split]}\n"
                        "  judge: {use: judge, needs: [t2, split]}\n",
                        &err)) != NULL);
    check_inputs(p, "judge", "model:t2,split:split");
    an_pipeline_free(p);
}

/* ---- files that use files ---- */

static void write_text(const char *folder, const char *name, const char *text)
{
    an_error err = { 0 };
    char *path = an_path_join(folder, name);
    MUST(an_file_write(path, text, strlen(text), &err));
    free(path);
}

static an_pipeline *read_in(const char *folder, const char *name, an_error *err)
{
    char *path = an_path_join(folder, name);
    an_pipeline *p = an__pipeline_read_with(path, toys, AN_COUNT(toys), err);
    free(path);
    return p;
}

static void test_nested(void **state)
{
    (void)state;
    an_error err;
    an_pipeline *p;
    char folder[] = "/tmp/andon-test-XXXXXX", *sub, *text;
    assert_non_null(mkdtemp(folder));
    sub = an_path_join(folder, "sub");
    MUST(an_folder_make(sub, &err));
    write_text(folder, "flow.yaml",
               "name: both\nsteps:\n  first: {use: source}\n  gan: {use: sub/gan.yaml, retries: 3, set: {train.amount: 4, train.tag: g}}\n "
               " after: {use: report}\n"
               "  beside: {use: clean, needs: [first]}\n");
    write_text(sub, "gan.yaml",
               "name: gan\nsteps:\n  clean: {use: clean}\n  split: {use: split}\n  train: {use: train, retries: 1}\n  judge: {use: "
               "judge}\n  again: {use: train, needs: [split]}\n");
    MUST((p = read_in(folder, "flow.yaml", &err)) != NULL);
    check_inputs(p, "gan.clean", "data:first"); /* what the outer step needs, its first steps need */
    check_inputs(p, "gan.train", "data:gan.clean,split:gan.split");
    check_inputs(p, "after", "model:gan.again"); /* of its ends judge and again, only the second makes a model; gan.train is further back */
    check_inputs(p, "beside", "data:first");
    assert_int_equal(p->steps, 8);
    const an__node *train = &p->nodes[an__pipeline_find(p, "gan.train")];
    assert_true(((const toy_options *)train->options)->amount == 4);
    assert_int_equal(train->retries, 1);
    assert_int_equal(p->nodes[an__pipeline_find(p, "gan.clean")].retries, 3);
    assert_string_equal(train->folder, sub);
    MUST(an_pipeline_set(p, "gan.train.amount=5", &err));
    assert_true(((const toy_options *)train->options)->amount == 5);
    text = described(p);
    MENTIONS(text, "{\"name\":\"after\",\"needs\":[\"gan.judge\",\"gan.again\"],\"set\":{},\"use\":\"report\"}");
    MENTIONS(text, "{\"name\":\"gan.clean\",\"needs\":[\"first\"]");
    free(text);
    an_pipeline_free(p);

    write_text(sub, "gan.yaml", "steps:\n  a: {use: ../flow.yaml}\n");
    assert_null(read_in(folder, "flow.yaml", &err));
    MENTIONS(err.message, "flow.yaml -> gan.yaml -> flow.yaml");
    write_text(sub, "gan.yaml", "steps:\n  clean: {use: claen}\n");
    assert_null(read_in(folder, "flow.yaml", &err));
    MENTIONS(err.where, "gan.yaml:2");
    write_text(sub, "gan.yaml", "steps:\n  clean: {use: clean}\n");
    assert_null(read_in(folder, "flow.yaml", &err)); /* sets a step that is not there */
    MENTIONS(err.message, "no step \"train\"");
    write_text(folder, "flow.yaml", "steps:\n  gan: {use: sub/gan.yaml, set: {amount: 4}}\n");
    assert_null(read_in(folder, "flow.yaml", &err)); /* nothing before it makes data */
    write_text(sub, "gan.yaml", "steps:\n  clean: {use: source}\n");
    assert_null(read_in(folder, "flow.yaml", &err));
    MENTIONS(err.hint, "STEP.amount");
    assert_null(read_in(folder, "none.yaml", &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    MUST(an_folder_remove(folder, &err));
    free(sub);
}

/* Each file uses the next one twice: 2^12 steps are refused at the limit, quickly. */
static void test_explosion(void **state)
{
    (void)state;
    an_error err;
    char folder[] = "/tmp/andon-test-XXXXXX", name[32], text[128];
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "f%d.yaml", i);
        if (i < 11)
            snprintf(text, sizeof text, "steps:\n  a: {use: f%d.yaml, needs: []}\n  b: {use: f%d.yaml, needs: []}\n", i + 1, i + 1);
        else
            snprintf(text, sizeof text, "steps:\n  a: {use: source}\n  b: {use: source}\n");
        write_text(folder, name, text);
    }
    assert_null(read_in(folder, "f0.yaml", &err));
    MENTIONS(err.message, "at most 500 steps");
    MUST(an_folder_remove(folder, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),   cmocka_unit_test(test_out_of_order), cmocka_unit_test(test_set),       cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_diamond), cmocka_unit_test(test_nested),       cmocka_unit_test(test_explosion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
