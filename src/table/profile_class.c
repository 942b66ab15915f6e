/* profile_class.c - one column of names: how often each occurs, and how far they go with the target and the groupings. */
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 10, MOST = 1000 };

typedef struct counted {
    int32_t code;
    size_t count;
} counted;

static int most_first(const void *a, const void *b)
{
    const counted *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return (x->code > y->code) - (x->code < y->code);
}

static json_t *table_json(double statistic, const double *count, size_t r, size_t k, const char *measure, double *p, double *v)
{
    double low, high;
    an_chi2_table(count, r, k, p, v, &low, &high);
    (void)statistic;
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "measure", measure, "value", an_json_real(*v), "low", an_json_real(low), "high",
                     an_json_real(high), "p", an_json_real(*p));
}

static void with_target(const an__frame *f, an__facts *c, const int32_t *code, size_t classes)
{
    /* names of parts, and texts that hardly repeat: every one falls into one class, whatever it is */
    if (c->c->role == AN_ID || 2 * classes > c->n) return;
    if (c->c == f->target || classes < 2 || classes > MOST || (!f->label && !f->target_class && !f->target_rank)) return;
    double p = NAN, v = NAN;
    if (f->label || f->target_class) {
        size_t k = f->label ? 2 : f->target_classes;
        double *count = an_alloc_n(classes * k, sizeof *count);
        for (size_t i = 0; i < f->rows; i++) {
            int32_t own = !f->label ? f->target_class[i] : f->label[i] == AN__UNLABELLED ? -1 : f->label[i];
            if (code[i] >= 0 && own >= 0) count[(size_t)code[i] * k + (size_t)own]++;
        }
        json_t *o = table_json(0, count, classes, k, "cramers_v", &p, &v);
        free(count);
        if (f->label) json_object_set_new(c->json, "cramers_v", an_json_real(v));
        if (f->brief || isnan(v))
            json_decref(o);
        else
            json_object_set_new(c->json, "association", o);
        c->measure = isnan(v) ? NULL : "cramers_v";
        c->association = v;
    } else { /* groups of a number: ranks of the target; ties of the target are few where it is a measurement */
        double *sum = an_alloc_n(2 * classes, sizeof *sum);
        for (size_t i = 0; i < f->rows; i++) {
            if (code[i] < 0 || isnan(f->target_rank[i])) continue;
            sum[code[i]] += f->target_rank[i];
            sum[classes + (size_t)code[i]]++;
        }
        an_kruskal(sum, sum + classes, classes, 0, &p, &v);
        free(sum);
        if (isnan(v)) return;
        json_object_set_new(c->json, "association",
                            json_pack("{s:s, s:o, s:n, s:n, s:o}", "measure", "epsilon_squared", "value", an_json_real(v), "low", "high",
                                      "p", an_json_real(p)));
        c->measure = "epsilon_squared";
        c->association = sqrt(fmax(v, 0));
    }
    c->association_p = p;
}

static void with_groups(const an__frame *f, an__facts *c, const int32_t *code, char *const *names, size_t classes)
{
    enum { CELLS = 200000, LISTED = 60, EACH = 5 };
    json_t *list = json_array();
    for (int k = 0; k < f->groupings; k++) {
        const an__grouping *g = &f->grouping[k];
        c->group_p[k] = c->group_effect[k] = NAN;
        if (c->c->name == g->name || classes < 2 || classes * g->count > CELLS) continue;
        double *count = an_alloc_n(classes * g->count, sizeof *count), p, v;
        for (size_t i = 0; i < f->rows; i++)
            if (code[i] >= 0 && g->code[i] >= 0) count[(size_t)g->code[i] * classes + (size_t)code[i]]++;
        json_decref(table_json(0, count, g->count, classes, "cramers_v", &p, &v));
        c->group_p[k] = p;
        c->group_effect[k] = v * v;
        json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o}", "column", g->name, "kind", g->kind, "test", "chi2", "p", an_json_real(p),
                              "effect", an_json_real(v * v));
        if (!strcmp(g->kind, "by") && g->count <= LISTED) {
            json_t *values = json_array();
            for (size_t i = 0; i < g->count; i++) {
                counted *most = an_alloc_n(classes, sizeof *most);
                size_t there = 0;
                for (size_t j = 0; j < classes; j++) {
                    most[j] = (counted){ (int32_t)j, (size_t)count[i * classes + j] };
                    there += most[j].count;
                }
                qsort(most, classes, sizeof *most, most_first);
                json_t *top = json_array();
                for (size_t j = 0; j < classes && j < EACH && most[j].count; j++)
                    json_array_append_new(top, json_pack("{s:s, s:I}", "value", names[most[j].code], "count", (json_int_t)most[j].count));
                json_array_append_new(values, json_pack("{s:s, s:I, s:o, s:o}", "value", g->names[i], "count", (json_int_t)there, "missing",
                                                        an_json_real(g->rows[i] > 0 ? 1 - (double)there / g->rows[i] : NAN), "top", top));
                free(most);
            }
            json_object_set_new(o, "values", values);
        }
        free(count);
        json_array_append_new(list, o);
    }
    json_object_set_new(c->json, "groups", list);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Distinct texts by their 64-bit hashes: names of parts are too many to keep as classes. */
static bool many_texts(const an__frame *f, an__facts *c, an_error *err)
{
    uint64_t *key = an_alloc_data(f->rows + 1, sizeof *key, "hashes of a column", err);
    if (!key) return false;
    size_t n = 0;
    for (size_t i = 0; i < f->rows; i++) {
        const uint64_t *offset = c->c->text.offset;
        if (an_valid(c->c, i)) key[n++] = an__hash(c->c->text.bytes + offset[i], offset[i + 1] - offset[i]);
    }
    qsort(key, n, sizeof *key, by_key);
    for (size_t i = 0; i < n; i++) c->distinct += !i || key[i] != key[i - 1];
    free(key);
    c->n = n;
    json_object_set_new(c->json, "distinct", json_integer((json_int_t)c->distinct));
    return true;
}

bool an__profile_category(const an__frame *f, an__facts *c, an__scratch *s, an_error *err)
{
    char **names = NULL;
    size_t n = 0;
    if (c->c->type == AN_TEXT && !many_texts(f, c, err)) return false;
    if (c->c->type == AN_TEXT && c->distinct > MOST) return true;
    int32_t *class_of = an_alloc_data(f->rows + 1, sizeof *class_of, "classes", err);
    if (!class_of || !an__classes(f->t, c->c, f->rows, class_of, &names, &n, err)) {
        free(class_of);
        return false;
    }
    counted *counts = an_alloc_n(n + 1, sizeof *counts);
    for (size_t k = 0; k < n; k++) counts[k].code = (int32_t)k;
    c->n = 0;
    for (size_t i = 0; i < f->rows; i++) {
        int32_t own = class_of[an__row(f, i)];
        s->code[i] = own;
        if (own < 0) continue;
        counts[own].count++;
        c->n++;
    }
    free(class_of);
    qsort(counts, n, sizeof *counts, most_first);
    json_t *top = json_array();
    for (size_t k = 0; k < n && k < TOP; k++)
        json_array_append_new(top, json_pack("{s:s, s:I}", "value", names[counts[k].code], "count", (json_int_t)counts[k].count));
    c->distinct = n;
    json_object_set_new(c->json, "distinct", json_integer((json_int_t)n));
    json_object_set_new(c->json, "top", top);
    free(counts);
    with_target(f, c, s->code, n);
    if (!f->brief && (c->c->role == AN_FEATURE || c->c->role == AN_TARGET)) with_groups(f, c, s->code, names, n);
    an__names_free(names, n);
    return true;
}
