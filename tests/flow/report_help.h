/* report_help.h - what the tests of the report share: checks on pages and tables, facts made by hand. */
#ifndef AN_TESTS_FLOW_REPORT_HELP_H
#define AN_TESTS_FLOW_REPORT_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "andon/flow.h"
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- checks ------------------------------------------------------------------------------------------------------------------------- */

static inline void has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("\"%s\" is missing", part);
}

static inline void lacks(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    if (at) fail_msg("\"%s\" should not be there: ...%.120s", part, at);
}

static inline size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = strstr(text, part); p; p = strstr(p + 1, part)) n++;
    return n;
}

/* Every tag is closed by its own end, in order; attributes are quoted. */
static inline void check_tags(const char *html)
{
    enum { DEEPEST = 64 };
    char open[DEEPEST][16];
    int depth = 0;
    for (const char *p = strchr(html, '<'); p; p = strchr(p, '<')) {
        if (!strncmp(p, "<!DOCTYPE", 9)) {
            p++;
            continue;
        }
        bool end = p[1] == '/';
        char name[16] = "";
        size_t n = strspn(p + 1 + end, "abcdefghijklmnopqrstuvwxyz0123456789");
        assert_true(n > 0 && n < sizeof name);
        memcpy(name, p + 1 + end, n);
        const char *c = p + 1 + end + n;
        bool quoted = false;
        for (; *c && (quoted || *c != '>'); c++) {
            if (*c == '"') quoted = !quoted;
            if (*c == '<') fail_msg("a '<' inside a tag: %.80s", p);
        }
        assert_int_equal(*c, '>');
        bool alone = c[-1] == '/' || !strcmp(name, "meta") || !strcmp(name, "wbr");
        if (end) {
            if (!depth || strcmp(open[depth - 1], name)) fail_msg("</%s> closes <%s>: %.80s", name, depth ? open[depth - 1] : "nothing", p);
            depth--;
        } else if (!alone) {
            assert_true(depth < DEEPEST);
            memcpy(open[depth++], name, sizeof name);
        }
        p = !strcmp(name, "style") && !end ? strstr(c, "</style>") : c;
    }
    assert_int_equal(depth, 0);
}

/* Fields of one CSV line from *p on (RFC 4180); *p moves behind it. */
static inline int csv_fields(const char **p)
{
    int n = 1;
    bool quoted = false;
    for (; **p && (quoted || **p != '\n'); ++*p) {
        if (**p == '"') quoted = !quoted;
        if (**p == ',' && !quoted) n++;
    }
    assert_false(quoted);
    if (**p == '\n') ++*p;
    return n;
}

/* Every table has a known name, is rectangular, and is linked from the page. */
static inline void check_tables(const char *html, const an_report_tables *t, const char *href)
{
    for (size_t i = 0; i < t->count; i++) {
        bool known = false;
        for (size_t k = 0; an__report_table_names[k]; k++) known |= !strcmp(an__report_table_names[k], t->items[i].name);
        if (!known) fail_msg("table %s is not among the names", t->items[i].name);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(t->items[k].name, t->items[i].name);
        const char *p = t->items[i].text.data;
        int columns = csv_fields(&p);
        while (*p)
            if (csv_fields(&p) != columns) fail_msg("%s.csv is not rectangular", t->items[i].name);
        char *link = an_format("href=\"%s/%s.csv\"", href, t->items[i].name);
        has(html, link);
        free(link);
    }
    assert_true(count_of(html, "<figure class=\"table") <= t->count);
    assert_int_equal(count_of(html, "class=\"csv\""), t->count);
}

static inline const char *table(const an_report_tables *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->items[i].name, name)) return t->items[i].text.data;
    fail_msg("there is no table %s", name);
    return "";
}

/* A command by its name with parameters as pairs, ended by NULL; NULL: it failed, err says why. */
static inline json_t *act_call(an_store *s, const char *name, const char *const *pairs, an_error *err)
{
    size_t count;
    const an_act *const *acts = an_acts(&count), *a = NULL;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(acts[i]->name, name)) a = acts[i];
    assert_non_null(a);
    void *options = an_alloc(a->options_size);
    an_params_defaults(a->params, options);
    for (; *pairs; pairs += 2) {
        const an_param *p = an_params_find(a->params, pairs[0]);
        assert_non_null(p);
        if (p->type == AN_PARAM_LIST) an_params_clear_list(a->params, options, pairs[0]);
        if (!an_params_set(a->params, options, pairs[0], pairs[1], err)) fail_msg("%s: %s", name, err->message);
    }
    json_t *j = a->run(s, options, NULL, err);
    an_params_free(a->params, options);
    free(options);
    return j;
}

static inline json_t *act(an_store *s, const char *name, const char *const *pairs, an_error *err)
{
    json_t *j = act_call(s, name, pairs, err);
    if (!j) fail_msg("%s: %s", name, err->message);
    return j;
}

/* ---- facts by hand ------------------------------------------------------------------------------------------------------------------ */

static inline json_t *json(const char *text)
{
    json_error_t e;
    char *plain = an_strdup(text); /* written with ' for readability */
    for (char *c = plain; *c; c++)
        if (*c == '\'') *c = '"';
    json_t *j = json_loads(plain, 0, &e);
    if (!j) fail_msg("fixture, column %d: %s: %.60s", e.position, e.text, plain + (e.position > 30 ? e.position - 30 : 0));
    free(plain);
    return j;
}

static inline json_t *about(const char *kind)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", kind, "name", "press", "version", 3, "id", "ab12",
                     "created", "2026-01-02 03:04 UTC", "written", "2026-01-02 03:05 UTC", "andon", "0.1.0", "code", "abc", "cpu", "avx2",
                     "aliases", "");
}

#define METRIC "{'value':0.9,'low':0.8,'high':0.99}"
#define SPREAD "{'mean':0.9,'sd':0.02,'low':0.8,'high':1.04}"
#define METRICS(M) \
    "{'accuracy':" M ",'precision':" M ",'recall':" M ",'f1':" M ",'f2':" M ",'gmean':" M ",'pr_auc':" M ",'roc_auc':" M ",'brier':" M "}"
#define CONFUSION "{'tn':208,'fp':24,'fn':0,'tp':43}"
#define POINT(T, C, R, F)                                                                              \
    "{'threshold':" T ",'confusion':" C ",'recall':" R ",'precision':0.64,'f1':0.7,'f2':" F ",'cost':" \
    "1.5"                                                                                              \
    "}"
#define ROW(B, D)                                                                                                                         \
    "{'model':'logistic','balance':'" B "','threshold':{'value':0.3,'rule':'f2'},'metrics':" METRICS(SPREAD) ",'metrics_moved':" METRICS( \
        SPREAD) ",'confusion':" CONFUSION ",'confusion_moved':" CONFUSION ",'difference':{'mean':" D                                      \
                ",'sd':0.01,'low':-0.01,'high':0.03}}"
#define SCORES(K)                                                                                                                   \
    "{'ks_complement':" K                                                                                                           \
    ",'correlation_similarity':0.9,'wasserstein':0.02,'js_distance':0.3,'c2st_auc':0.8,'tstr_f1':null,'dcr_median':0.1,'copies':0," \
    "'sample_1k_s':0.001,'sample_10k_s':0.012}"

/* The gearbox paper's test part: 275 parts, 43 broken, all caught, 24 good ones rejected. */
static inline an_report_facts facts(void)
{
    an_report_facts f = { .about = about("model") };
    f.model = json("{'target':{'name':'broken','positive':'1','negative':'0'},'predictor':{'kind':'logistic','parameters':{'c':1.0}},'"
                   "threshold':{'value':0.31,'rule':'f2'},"
                   "'calibrated':false,'balance':'smote','seed':7,'train_rows':825,'data':'cd34'}");
    f.evaluation = json("{'metrics':" METRICS(
        METRIC) ",'confusion':" CONFUSION ",'threshold':{'value':0.31,'rule':'f2'},'calibrated':false,'balance':'smote','rows':275,"
                "'positives':43,'escape_upper':0.0673,'cost_per_part':null,'costs':{'escape':null,'reject':null,'test':null,'currency':'"
                "EUR'},'curve':[" POINT("0.1", "{'tn':100,'fp':132,'fn':0,'tp':43}", "1", "0.6") "," POINT(
                    "0.31", CONFUSION, "1", "0.9") "," POINT("0.8", "{'tn':230,'fp':2,'fn':20,'tp':23}", "0.535",
                                                             "0.6") "," POINT("null", "{'tn':232,'fp':0,'fn':43,'tp':0}", "0", "0") "]}");
    f.explanation = json("{'intercept':-3.5,'coefficients':[{'name':'force','unit':'N','coefficient':0.5,'odds_ratio':1.65,'per_sd':1.2},"
                         "{'name':'angle','unit':null,'coefficient':-0.1,'odds_ratio':0.9,'per_sd':-0.4}]}");
    f.data = json(
        "{'name':'gears','version':2,'id':'cd34','rows':1100,'columns':[{'name':'force','role':'feature'},{'name':'TWF','role':'ignored'},{"
        "'name':'broken','role':'target'}],"
        "'target':'broken','positive':'1','positives':172,'dropped':[{'name':'TWF','reason':'leak'},{'name':'odd','reason':'constant'}],"
        "'warnings':['TWF: leak: value 1 (46 rows) goes with broken = 1 only; --keep TWF brings it back']}");
    f.profile = json("{'rows':1100,'duplicate_rows':2,'target':{'name':'broken','positive':'1','classes':{'0':928,'1':172}},'columns':["
                     "{'name':'force','type':'real','role':'feature','unit':'N','missing':3,'distinct':900,'min':1.5,'max':12345.678,'mean'"
                     ":100,'sd':3,'quantiles':{'0.5':99},"
                     "'histogram':{'edges':[0,1,2],'counts':[5,10]},'auc':0.73},"
                     "{'name':'variant','type':'category','role':'feature','missing':0,'distinct':2,'top':[{'value':'A','count':700},{'"
                     "value':'B','count':400}],'cramers_v':0.1}]}");
    f.split = json("{'train':825,'test':275,'train_positives':129,'test_positives':43,'by':'class'}");
    f.comparison =
        json("{'data':'gears','repeats':10,'share':0.25,'positives':172,'rows_total':1100,'seed':1,'cpu':'avx2','run':'01R','rows':[" ROW(
            "none",
            "0") "," ROW("smote",
                         "0.02") "],'recommendation':{'model':'logistic','balance':'none','why':'nothing did better','decided_by':'f2'}}");
    f.judgements = json("[{'method':'wgan','generator':'gan/1','minority':true,'rows_real':129,'rows_synthetic':129,'scores':" SCORES(
        "0.759") ",'floor':" SCORES("1") ",'ceiling':" SCORES("0.93") ",'columns':[{'name':'force','ks_complement':0.7,'wasserstein':0.02,'"
                                                                      "js_distance':0.3},{'name':'variant','tv_complement':0.6,'js_"
                                                                      "distance':0.1}],"
                                                                      "'pca':{'explained':[0.5,0.2],'axes':[[{'name':'force','loading':0.5}"
                                                                      "],[]],'real':[[0,0,0],[1,1,1],[2,-1,0]],'synthetic':[[0.5,0.5],[1,2]"
                                                                      "]},"
                                                                      "'history':{'critic_loss':[[100,1.0],[200,0.5]],'fidelity':[[100,0.7]"
                                                                      ",[200,null],[300,0.9]]}}]");
    f.filter = json("{'wanted':100,'passed':90,'drawn':500,'distance_max':9.5,'centroid':'cluster','note':null}");
    f.provenance = json(
        "[{'kind':'model','names':'model:press/"
        "3','address':'0123456789abcdef','run':'01A','what':'train','code':'abc','seed':'1','machine':'{\\u0022cpu\\u0022:\\u0022X\\u0022,"
        "\\u0022cores\\u0022:2,"
        "\\u0022memory_bytes\\u0022:8000000000}','started':'2026-01-01 00:00 UTC'},{'kind':'file','names':'gears.csv','address':'ff'}]");
    return f;
}

/* No "nan" or "inf" that is a word of its own: those are numbers that should have been a dash or left out. */
static inline void no_odd_numbers(const char *text)
{
    static const char *const odd[] = { "nan", "inf" };
    for (size_t i = 0; i < AN_COUNT(odd); i++)
        for (const char *p = strstr(text, odd[i]); p; p = strstr(p + 1, odd[i])) {
            bool word = (p[-1] >= 'a' && p[-1] <= 'z') || (p[3] >= 'a' && p[3] <= 'z');
            if (!word) fail_msg("a number is %.40s", p - 20);
        }
}

typedef struct page {
    an_buf html;
    an_report_tables tables;
} page;

static inline page render(const an_report_facts *f)
{
    page p = { 0 };
    an__report_render(f, "press.tables", &p.html, &p.tables);
    check_tags(p.html.data);
    check_tables(p.html.data, &p.tables, "press.tables");
    lacks(p.html.data, "<script");
    lacks(p.html.data, "http"); /* nothing is fetched from anywhere */
    no_odd_numbers(strstr(p.html.data, "</style>"));
    return p;
}

static inline void page_free(page *p)
{
    an_buf_free(&p->html);
    an__report_tables_free(&p->tables);
}

static inline void replace(json_t **at, json_t *with)
{
    json_decref(*at);
    *at = with;
}

#endif
