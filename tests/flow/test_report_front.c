/* test_report_front.c - page one: groups of rows that are alike, the newest rows, few repeats, prices at the edge, three classes, long
 * names. */
#include "report_help.h"

/* Page one alone; the page has to be freed by the caller. */
static const char *front(page *p)
{
    char *end = strstr(p->html.data, "<div class=\"break\">");
    assert_non_null(end);
    *end = 0;
    return p->html.data;
}

/* 43 of 43 caught, but from three batches of unequal size, worth 2.5 parts: the limit is that of 2 of 2, 1 - .025^(1/2) .. 1. */
static void test_groups(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_object_set_new(f.evaluation, "escape_upper", json_real(0.776));
    json_object_set_new(f.evaluation, "interval_units", json("{'column':'batch','count':5,'with_positives':3,'effective':2.5}"));
    replace(&f.split, json("{'train':825,'test':275,'train_positives':129,'test_positives':43,'by':'group','group':'batch',"
                           "'test_groups':5,'train_groups':13}"));
    double low, high;
    an__share_limits(f.evaluation, "recall", &low, &high);
    assert_true(fabs(low - sqrt(0.025)) < 1e-12 && high == 1);
    an__share_limits(f.evaluation, "precision", &low, &high);
    assert_true(isnan(low) && isnan(high)); /* those of the bootstrap over groups stand */
    page p = render(&f);
    has(table(&p.tables, "metrics"), "\nPrecision,0.9,,0.8,0.99\n");
    const char *h = front(&p);
    has(h, "escape rate at most 77.6\u00a0%");
    has(h, "Parts of one batch are alike, and these come from 3 of them: that is as much evidence as 2.5 separate parts");
    has(h, "These test parts are whole groups: 5 of 18 by batch, and no batch is in both parts.");
    lacks(h, "equal to one of theirs");
    has(h, "the true share lies between 15.8\u00a0% and 100.0\u00a0% (exact, two-sided, as if the parts of one group were wholly alike");
    has(h, "So few groups leave the intervals rough");
    page_free(&p);
    json_object_set_new(f.split, "strays", json_integer(11));
    p = render(&f);
    has(front(&p), "whole groups: 5 of 18 by batch, and 11 parts of other groups equal to one of theirs.");
    page_free(&p);
    json_object_set_new(f.evaluation, "interval_units", json_null()); /* no groups: as ever */
    an__share_limits(f.evaluation, "recall", &low, &high);
    assert_true(fabs(low - pow(0.025, 1 / 43.0)) < 1e-12);
    p = render(&f);
    lacks(p.html.data, "are alike");
    page_free(&p);
    an__report_facts_free(&f);
}

static void test_newest(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_t *r = json_object_get(f.comparison, "recommendation");
    replace(&f.split, json("{'train':825,'test':275,'train_positives':129,'test_positives':43,'by':'time','time':'made',"
                           "'from':'2026-03-01T06:30:00Z'}"));
    json_object_set_new(f.comparison, "time_ignored", json_true());
    for (int good = 1; good >= 0; good--) {
        json_t *n = json("{'column':'made','from':'2026-03-01T00:00:00Z','confusion':{'tn':200,'fp':46,'fn':50,'tp':4}}");
        json_object_set_new(n, "better_than_trivial", json_boolean(good));
        json_object_set_new(r, "newest", n);
        json_object_set_new(r, "recommended", json_boolean(good));
        page p = render(&f);
        (good ? lacks : has)(p.html.data, "<b>Nothing is recommended.</b>"); /* beside the comparison */
        (good ? has : lacks)(p.html.data, "recommended; the original data");
        const char *h = front(&p);
        has(h, "These test parts are the newest 25\u00a0% of the data: made from 2026-03-01 06:30 on.");
        has(h, "tried on the newest 300 (made from 2026-03-01 on) it caught 4 of 54 and falsely rejected 46 of 246.");
        (good ? lacks : has)(h, "<p class=\"warn\"><b>Nothing is recommended: what was learnt fails on the newest parts.</b>");
        (good ? has : lacks)(h, "<p class=\"box\">Take ");
        (good ? has : lacks)(h, "andon model train NAME");
        lacks(h, "The repeats are random splits"); /* the newest rows were tried */
        page_free(&p);
    }
    /* it holds there, but the model of this page catches nothing of its own test part: no green box */
    json_object_set_new(json_object_get(r, "newest"), "better_than_trivial", json_true());
    json_object_set_new(r, "recommended", json_true());
    json_object_set_new(f.evaluation, "confusion", json("{'tn':232,'fp':0,'fn':43,'tp':0}"));
    page p = render(&f);
    const char *h = front(&p);
    lacks(h, "<p class=\"box\">");
    has(h, "but the model of this page does not (see above)");
    page_free(&p);
    an__report_facts_free(&f);
}

static void test_few(void **state)
{
    (void)state;
    an_report_facts f = facts();
    static const double repeats[] = { 4, 5 };
    for (int i = 0; i < 2; i++) {
        json_object_set_new(f.comparison, "repeats", json_integer((json_int_t)repeats[i]));
        page p = render(&f);
        const char *h = front(&p);
        (i ? lacks : has)(h, "4 splits cannot tell much");
        (i ? lacks : has)(h, "<code>andon compare --data gears --repeats 10</code>");
        (i ? has : lacks)(h, "<p class=\"box\">");
        page_free(&p);
    }
    json_array_remove(json_object_get(f.comparison, "rows"), 1);
    page p = render(&f);
    has(p.html.data, "Nothing else was tried, so nothing was compared.");
    lacks(front(&p), "did better");
    page_free(&p);
    an__report_facts_free(&f);
}

/* Another was better on average, within noise: both are told in parts. The rule is part of the advice. */
static void test_other(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_t *rows = json_object_get(f.comparison, "rows"), *smote = json_array_get(rows, 1);
    json_object_set_new(json_object_get(json_object_get(smote, "metrics_moved"), "f2"), "mean", json_real(0.95));
    json_object_set_new(smote, "confusion_moved", json("{'tn':116,'fp':116,'fn':0,'tp':43}"));
    json_object_set_new(json_object_get(f.comparison, "recommendation"), "threshold", json_string("recall>=0.9@95%"));
    page p = render(&f);
    const char *h = front(&p);
    has(h, "The best by F2 was smote: it caught 156 and falsely rejected 422; the difference is within noise, and this is simpler.");
    has(h, "its threshold moved (rule recall&gt;=0.9@95%)");
    has(h, "--balance none --threshold &#39;recall&gt;=0.9@95%&#39;");
    page_free(&p);
    json_object_set_new(json_object_get(f.comparison, "recommendation"), "balance", json_string("smote"));
    json_object_set_new(json_object_get(f.comparison, "recommendation"), "threshold", json_string("f2"));
    json_object_set_new(json_object_get(f.evaluation, "threshold"), "rule", json_string("f2"));
    p = render(&f); /* smote at f2 is what the model of this report is */
    h = front(&p);
    has(h, "The model of this report was made that way.");
    lacks(h, "andon model train NAME");
    page_free(&p);
    an__report_facts_free(&f);
}

/* At the edge of the prices there are no "less than 1 tests". */
static void test_prices(void **state)
{
    (void)state;
    an_report_facts f = facts();
    static const struct {
        double upper;
        const char *says;
    } cases[] = {
        { 0.5, "costs less than 9.6 tests, and cheaper than testing nothing as soon as it costs more than 3.2 tests" }, /* .756/.0782 */
        { 0.9, "there is no price of an escaped part at which the model is cheaper" },
        { 1.0, "whether the model is cheaper than testing everything or nothing cannot be said" },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        json_object_set_new(f.evaluation, "escape_upper", json_real(cases[i].upper));
        page p = render(&f);
        has(front(&p), cases[i].says);
        page_free(&p);
    }
    an__report_facts_free(&f);
}

/* Ten classes, none of them positive: no shares of nothing. */
static void test_classes(void **state)
{
    (void)state;
    an_report_facts f = facts();
    replace(&f.model, NULL);
    replace(&f.evaluation, NULL);
    replace(&f.comparison, NULL);
    replace(&f.judgements, NULL);
    replace(&f.about, about("data"));
    replace(&f.data,
            json("{'name':'gears','version':2,'id':'cd34','rows':1100,'columns':[{'name':'force','role':'feature'},{'name':'fault',"
                 "'role':'target'}],'target':'fault','positive':null,'positives':null,'dropped':[],'warnings':[]}"));
    json_object_set_new(f.profile, "target", json("{'name':'fault','positive':null,'classes':{'ball':500,'inner':400,'outer':200}}"));
    page p = render(&f);
    has(p.html.data, "3 classes of fault");
    has(p.html.data, "--positive VALUE");
    lacks(p.html.data, "fault = ");
    lacks(p.html.data, "Thin evidence");
    has(p.html.data, "825 rows to train on, 275 to test on.");
    page_free(&p);
    an__report_facts_free(&f);
}

static void test_shortened(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit;
        const char *want;
    } cases[] = {
        { "force", 5, "force" },
        { "station_12_torque_end", 11, "stati\u2026e_end" },
        { "a_very_long_name_of_a_column=B", 12, "a_very_lo\u2026=B" },         /* the value tells the columns apart */
        { "kind=a_very_long_value_that_has_no_end", 12, "kind=a\u2026o_end" }, /* too long to stay whole */
        { "gr\u00f6\u00dfe_der_r\u00fcckw\u00e4rtigen_fl\u00e4che", 9, "gr\u00f6\u00df\u2026\u00e4che" },
    };
    for (size_t i = 0; i < AN_COUNT(cases); i++) {
        char *s = an__shortened(cases[i].text, cases[i].limit);
        assert_string_equal(s, cases[i].want);
        free(s);
    }
    an_report_facts f = facts();
    static const char *const values[] = { "A", "B" };
    char name[2][100];
    for (int i = 0; i < 2; i++) { /* two one-hot columns of one long name differ on the page */
        json_t *c = json_array_get(json_object_get(f.explanation, "coefficients"), (size_t)i);
        snprintf(name[i], sizeof name[i], "%.*s=%s", 70, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
                 values[i]);
        json_object_set_new(c, "name", json_string(name[i]));
    }
    page p = render(&f);
    lacks(p.html.data, name[0]);
    assert_int_equal(count_of(p.html.data, "nnn\u2026=A") + count_of(p.html.data, "nnn\u2026=<wbr>A"), 2);
    assert_int_equal(count_of(p.html.data, "nnn\u2026=B") + count_of(p.html.data, "nnn\u2026=<wbr>B"), 2);
    has(table(&p.tables, "coefficients"), name[0]);
    page_free(&p);
    an__report_facts_free(&f);
}

/* One matrix for the plain model at its moved threshold, not one under each of its names. */
static void test_matrices(void **state)
{
    (void)state;
    an_report_facts f = facts();
    json_object_set_new(json_array_get(json_object_get(f.comparison, "rows"), 1), "balance", json_string("threshold"));
    page p = render(&f);
    assert_int_equal(count_of(p.html.data, "confusion matrix of"), 3); /* this model, none at 0.5, none moved */
    has(p.html.data, "moved (threshold)");
    lacks(p.html.data, "on the left");
    page_free(&p);
    json_object_set_new(json_array_get(json_object_get(f.comparison, "rows"), 0), "balance", json_string("weights"));
    p = render(&f);
    assert_int_equal(count_of(p.html.data, "confusion matrix of"), 4); /* weights twice, threshold once */
    page_free(&p);
    an__report_facts_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups), cmocka_unit_test(test_newest),  cmocka_unit_test(test_few),       cmocka_unit_test(test_other),
        cmocka_unit_test(test_prices), cmocka_unit_test(test_classes), cmocka_unit_test(test_shortened), cmocka_unit_test(test_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
