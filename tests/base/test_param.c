/* Parameter tables: defaults, setting by text and JSON, refusals that help, help texts, the audit. */
#include "testing.h"

#include <math.h>

static an_error err;

typedef struct options {
    int64_t steps, batch;
    double rate, penalty, target;
    bool early;
    char *mode, *column, *kind;
    an_list drop, balance;
} options;

static const an_param table[] = {
    AN_INT(options, steps, 1000, 1, 1000000, "training steps"),
    AN_INT_LOG(options, batch, 64, 1, 4096, "rows a step"),
    AN_REAL_LOG(options, rate, 5e-5, 1e-6, 0.1, "learning rate"),
    AN_REAL(options, penalty, 10, 0, INFINITY, "weight of the gradient penalty"),
    AN_REAL(options, target, NAN, -1, 1, "stop at this score"),
    AN_BOOL(options, early, true, "stop early"),
    AN_CHOICE(options, mode, "clip", "clip|gradient", "how the critic is held"),
    AN_TEXT(options, column, NULL, "the target column"),
    AN_CHOICE(options, kind, NULL, "a|b", "none by default"),
    AN_LIST(options, drop, NULL, "columns to leave out"),
    AN_LIST(options, balance, "none,smote", "balancings"),
    AN_PARAM_END,
};

static const char defaults[] =
    "{\"balance\":[\"none\",\"smote\"],\"batch\":64,\"column\":null,\"drop\":[],\"early\":true,\"kind\":null,\"mode\":\"clip\","
    "\"penalty\":10.0,\"rate\":5e-05,\"steps\":1000,\"target\":null}";

static void check(const options *o, const char *expected)
{
    json_t *json = an_params_json(table, o);
    char *text = an_json_text(json, false);
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void defaults_fill_every_field(void **state)
{
    (void)state;
    options o;
    memset(&o, 0xa5, sizeof o); /* fresh memory */
    an_params_defaults(table, &o);
    check(&o, defaults);
    assert_true(isnan(o.target));
    json_t *json = an_params_json(table, &o); /* in the order of the table */
    assert_string_equal(json_object_iter_key(json_object_iter(json)), "steps");
    json_decref(json);
    an_params_free(table, &o);
    assert_null(o.mode);
    assert_null(o.balance.items);
    assert_int_equal(o.balance.count, 0);
    an_params_free(table, &o);
    an_params_free(table, NULL);
}

static void set_by_text(void **state)
{
    (void)state;
    options o = { 0 };
    an_params_defaults(table, &o);
    assert_ok(an_params_set(table, &o, "steps", "20", &err));
    assert_ok(an_params_set(table, &o, "batch", "1e3", &err));
    assert_ok(an_params_set(table, &o, "rate", "1e-3", &err));
    assert_ok(an_params_set(table, &o, "penalty", "1e300", &err));
    assert_ok(an_params_set(table, &o, "target", "-0.5", &err));
    assert_ok(an_params_set(table, &o, "early", "no", &err));
    assert_ok(an_params_set(table, &o, "mode", "gradient", &err));
    assert_ok(an_params_set(table, &o, "mode", o.mode, &err)); /* its own value */
    assert_ok(an_params_set(table, &o, "column", "Machine failure", &err));
    assert_ok(an_params_set(table, &o, "column", o.column, &err));
    assert_ok(an_params_set(table, &o, "drop", "UDI, \"Product, ID\"", &err));
    assert_ok(an_params_set(table, &o, "drop", "TWF", &err)); /* appends */
    an_params_clear_list(table, &o, "balance");
    assert_ok(an_params_set(table, &o, "balance", "wgan", &err));
    an_params_clear_list(table, &o, "none");
    an_params_clear_list(table, &o, "mode");
    check(&o, "{\"balance\":[\"wgan\"],\"batch\":1000,\"column\":\"Machine failure\",\"drop\":[\"UDI\",\"Product, "
              "ID\",\"TWF\"],\"early\":false,\"kind\":null,"
              "\"mode\":\"gradient\",\"penalty\":1e+300,\"rate\":0.001,\"steps\":20,\"target\":-0.5}");
    static const char *const yes[] = { "true", "yes", "on", "1" };
    for (size_t i = 0; i < AN_COUNT(yes); i++) {
        o.early = false;
        assert_ok(an_params_set(table, &o, "early", yes[i], &err));
        assert_true(o.early);
    }
    an_params_free(table, &o);
}

static void check_refused(const char *name, const char *text, const char *part, const char *hint)
{
    options o = { 0 };
    an_params_defaults(table, &o);
    assert_fails(an_params_set(table, &o, name, text, &err), AN_USAGE, part);
    if (!strstr(err.hint, hint)) fail_msg("\"%s\" does not hold \"%s\"", err.hint, hint);
    check(&o, defaults); /* nothing was changed */
    an_params_free(table, &o);
}

static void refusals_help(void **state)
{
    (void)state;
    check_refused("rat", "1", "there is no parameter \"rat\"", "Did you mean \"rate\"?");
    check_refused("stpes", "1", "\"stpes\"", "\"steps\"");
    check_refused("quite_other", "1", "\"quite_other\"", "Parameters: steps, batch, rate,");
    check_refused("steps", "0", "parameter \"steps\": 0 is outside 1 .. 1000000", "integer in 1 .. 1000000, default 1000");
    check_refused("steps", "1.5", "\"1.5\" is not a whole number", "integer");
    check_refused("steps", "", "not a whole number", "integer");
    check_refused("steps", " 5", "not a whole number", "integer");
    check_refused("steps", "99999999999999999999", "not a whole number", "integer");
    check_refused("steps", "9223372036854775807", "is outside", "integer");
    check_refused("rate", "5", "parameter \"rate\": 5 is outside 1e-06 .. 0.1", "real in 1e-06 .. 0.1, log scale");
    check_refused("rate", "fast", "\"fast\" is not a number", "real");
    check_refused("rate", "nan", "not a number", "real");
    check_refused("rate", "inf", "is outside", "real");
    check_refused("penalty", "-1", "is outside 0 .. inf", "real of at least 0");
    check_refused("early", "maybe", "\"maybe\" is neither true nor false", "true or false, default true");
    check_refused("mode", "gradeint", "\"gradeint\" is not a choice", "Did you mean \"gradient\"?");
    check_refused("mode", "x", "\"x\" is not a choice", "one of clip|gradient, default clip");
    check_refused("mode", "", "is not a choice", "one of");
}

static void names_take_either_dash(void **state)
{
    (void)state;
    static const an_param dashed[] = { { "critic_steps", AN_PARAM_INT, 0, 5, 1, 9, false, NULL, NULL, "x" }, AN_PARAM_END };
    assert_ptr_equal(an_params_find(dashed, "critic-steps"), &dashed[0]);
    assert_ptr_equal(an_params_find(dashed, "critic_steps"), &dashed[0]);
    assert_null(an_params_find(dashed, "critic"));
    assert_null(an_params_find(dashed, "critic_steps_"));
    int64_t value = 0;
    assert_ok(an_params_set(dashed, &value, "critic-steps", "7", &err));
    assert_int_equal(value, 7);
    static const an_param none[] = { AN_PARAM_END };
    assert_fails(an_params_set(none, NULL, "x", "1", &err), AN_USAGE, "\"x\"");
    assert_string_equal(err.hint, "There are no parameters here.");
}

static bool set_json(options *o, const char *text)
{
    json_t *json = an_json_parse(text, strlen(text), "test", &err);
    assert_non_null(json);
    bool good = an_params_set_all(table, o, json, &err);
    json_decref(json);
    return good;
}

static void set_by_json(void **state)
{
    (void)state;
    options o = { 0 };
    an_params_defaults(table, &o);
    assert_ok(set_json(
        &o, "{\"steps\": 5, \"batch\": 32.0, \"rate\": 0.01, \"penalty\": 3, \"target\": 0.9, \"early\": false, \"mode\": \"gradient\","
            "\"column\": 7, \"kind\": \"a\", \"drop\": [\"x\", 2, 0.5, true], \"balance\": \"a, b\"}"));
    check(&o, "{\"balance\":[\"a\",\"b\"],\"batch\":32,\"column\":\"7\",\"drop\":[\"x\",\"2\",\"0.5\",\"true\"],\"early\":false,\"kind\":"
              "\"a\",\"mode\":\"gradient\","
              "\"penalty\":3.0,\"rate\":0.01,\"steps\":5,\"target\":0.9}");
    assert_ok(set_json(&o, "{\"target\": null, \"column\": null, \"kind\": null, \"drop\": null, \"balance\": []}"));
    assert_true(isnan(o.target));
    assert_null(o.column);
    assert_null(o.kind);
    assert_int_equal(o.drop.count + o.balance.count, 0);
    assert_ok(an_params_set_all(table, &o, NULL, &err));
    /* what was written is read back */
    options copy = { 0 };
    an_params_defaults(table, &copy);
    json_t *json = an_params_json(table, &o);
    assert_ok(an_params_set_all(table, &copy, json, &err));
    char *text = an_json_text(json, false);
    check(&copy, text);
    free(text);
    json_decref(json);
    an_params_free(table, &copy);
    an_params_free(table, &o);
}

static void json_refusals(void **state)
{
    (void)state;
    options o = { 0 };
    an_params_defaults(table, &o);
    assert_fails(set_json(&o, "[1]"), AN_USAGE, "not as a list");
    assert_fails(set_json(&o, "{\"stepps\": 1}"), AN_USAGE, "stepps");
    assert_string_equal(err.hint, "Did you mean \"steps\"?");
    assert_fails(set_json(&o, "{\"steps\": \"5\"}"), AN_USAGE, "the text \"5\" is not a whole number");
    assert_fails(set_json(&o, "{\"steps\": 0.5}"), AN_USAGE, "\"0.5\" is not a whole number");
    assert_fails(set_json(&o, "{\"steps\": null}"), AN_USAGE, "null is not a whole number");
    assert_fails(set_json(&o, "{\"steps\": -1}"), AN_USAGE, "-1 is outside");
    assert_fails(set_json(&o, "{\"rate\": true}"), AN_USAGE, "true or false is not a number");
    assert_fails(set_json(&o, "{\"rate\": null}"), AN_USAGE, "null is not a number");
    assert_fails(set_json(&o, "{\"rate\": 1}"), AN_USAGE, "1 is outside 1e-06 .. 0.1");
    assert_fails(set_json(&o, "{\"early\": 1}"), AN_USAGE, "a number is neither true nor false");
    assert_fails(set_json(&o, "{\"mode\": null}"), AN_USAGE, "null is not a text");
    assert_fails(set_json(&o, "{\"mode\": \"cilp\"}"), AN_USAGE, "cilp");
    assert_fails(set_json(&o, "{\"column\": {}}"), AN_USAGE, "an object is not a text");
    assert_fails(set_json(&o, "{\"drop\": {}}"), AN_USAGE, "an object is not a list");
    assert_fails(set_json(&o, "{\"drop\": [[1]]}"), AN_USAGE, "a list cannot be an item");
    assert_fails(an_params_set_json(table, &o, "steps", NULL, &err), AN_USAGE, "nothing was given");
    check(&o, defaults);
    an_params_free(table, &o);
}

static void copies_stand_alone(void **state)
{
    (void)state;
    options o = { 0 }, copy;
    an_params_defaults(table, &o);
    assert_ok(an_params_set(table, &o, "column", "y", &err));
    memset(&copy, 0xa5, sizeof copy);
    an_params_copy(table, &copy, &o);
    json_t *json = an_params_json(table, &o);
    char *text = an_json_text(json, false);
    an_params_free(table, &o);
    check(&copy, text);
    free(text);
    json_decref(json);
    an_params_free(table, &copy);
}

static void check_range(const char *name, const char *expected)
{
    char buf[160];
    assert_string_equal(an_param_range_text(an_params_find(table, name), buf), expected);
}

static void range_texts(void **state)
{
    (void)state;
    check_range("steps", "integer in 1 .. 1000000, default 1000");
    check_range("rate", "real in 1e-06 .. 0.1, log scale, default 5e-05");
    check_range("penalty", "real of at least 0, default 10");
    check_range("target", "real in -1 .. 1");
    check_range("early", "true or false, default true");
    check_range("mode", "one of clip|gradient, default clip");
    check_range("column", "text");
    check_range("balance", "list of texts, default none,smote");
    char buf[160], many[400];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    an_param p = { .name = "p", .type = AN_PARAM_CHOICE, .choices = many, .doc = "x" };
    assert_int_equal(strlen(an_param_range_text(&p, buf)), 159);
    assert_string_equal(buf + 156, "...");
}

static void check_audit(an_param p, const char *part)
{
    an_param rows[] = { p, AN_PARAM_END };
    char *text = an_params_audit(rows);
    if (!strstr(text, part)) fail_msg("\"%s\" does not hold \"%s\"", text, part);
    free(text);
}

static void the_audit_finds_mistakes(void **state)
{
    (void)state;
    char *text = an_params_audit(table);
    assert_string_equal(text, "");
    free(text);
    check_audit((an_param)AN_INT(options, steps, 0, 1, 9, "x"), "default outside its range");
    check_audit((an_param)AN_INT(options, steps, 1.5, 1, 9, "x"), "not whole");
    check_audit((an_param)AN_INT(options, steps, NAN, 1, 9, "x"), "no default");
    check_audit((an_param)AN_INT(options, steps, 1, 9, 1, "x"), "empty range");
    check_audit((an_param)AN_REAL_LOG(options, rate, 1, 0, 1, "x"), "logarithmic");
    check_audit((an_param)AN_REAL(options, rate, 1, 0, 1, ""), "documentation");
    check_audit((an_param)AN_REAL(options, rate, 1, 0, 1, "a\nb"), "more than one line");
    check_audit((an_param)AN_CHOICE(options, mode, "c", "a|b", "x"), "not a choice");
    check_audit((an_param){ "Bad-Name", AN_PARAM_TEXT, 0, 0, 0, 0, false, NULL, NULL, "x" }, "a-z 0-9 _");
    an_param twice[] = { AN_TEXT(options, column, NULL, "x"), AN_TEXT(options, column, NULL, "x"), AN_PARAM_END };
    text = an_params_audit(twice);
    assert_string_equal(text, "parameter \"column\" is declared twice");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_every_field), cmocka_unit_test(set_by_text), cmocka_unit_test(refusals_help),
        cmocka_unit_test(names_take_either_dash),    cmocka_unit_test(set_by_json), cmocka_unit_test(json_refusals),
        cmocka_unit_test(copies_stand_alone),        cmocka_unit_test(range_texts), cmocka_unit_test(the_audit_finds_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
