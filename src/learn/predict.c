/* predict.c - what `model predict` adds to the columns of a table: label, probability, threshold, out_of_range. */
#include "learn/model.h"

#include <stdlib.h>
#include <string.h>

static const char *const added[] = { "label", "probability", "threshold", "out_of_range" };

/* The columns of t, id columns first. */
static an_table *in_order(const an_table *t, an_error *err)
{
    const char **names = an_alloc_n(t->columns + 1, sizeof *names);
    size_t n = 0;
    for (int ids = 1; ids >= 0; ids--)
        for (size_t i = 0; i < t->columns; i++)
            if ((t->column[i].role == AN_ID) == (ids == 1)) names[n++] = t->column[i].name;
    an_table *out = an_table_select_columns(t, names, n, err);
    free(names);
    return out;
}

/* An input column that bears the name of a result keeps its values as NAME_input, NAME_input_ ... */
static void make_room(an_table *t)
{
    for (size_t a = 0; a < AN_COUNT(added); a++) {
        an_column *c = an_table_find(t, added[a]);
        if (!c) continue;
        char *name = an_format("%s_input", added[a]);
        while (an_table_find(t, name)) {
            char *longer = an_format("%s_", name);
            free(name);
            name = longer;
        }
        free(c->name);
        c->name = name;
    }
}

static bool add_label(an_table *t, const an_model *m, const double *score, an_error *err)
{
    an_column *c = an_table_add(t, "label", AN_CATEGORY, err);
    if (!c) return false;
    bool positive_first = strcmp(m->positive, m->negative) < 0;
    c->dictionary.count = 2;
    c->dictionary.names = an_alloc_n(2, sizeof *c->dictionary.names);
    c->dictionary.names[0] = an_strdup(positive_first ? m->positive : m->negative);
    c->dictionary.names[1] = an_strdup(positive_first ? m->negative : m->positive);
    for (size_t i = 0; i < t->rows; i++) {
        bool positive = score[i] >= m->threshold.value;
        c->code[i] = positive == positive_first ? 0 : 1;
        an_set_valid(c, i);
    }
    c->role = AN_IGNORED;
    return true;
}

static bool add_real(an_table *t, const char *name, const double *values, double same, an_error *err)
{
    an_column *c = an_table_add(t, name, AN_REAL, err);
    if (!c) return false;
    for (size_t i = 0; i < t->rows; i++) {
        c->real[i] = values ? values[i] : same;
        an_set_valid(c, i);
    }
    c->role = AN_IGNORED;
    return true;
}

static bool add_out_of_range(an_table *t, const an_model *m, const an_table *rows, an_error *err)
{
    an_column *c = an_table_add(t, "out_of_range", AN_TEXT, err);
    if (!c) return false;
    an_buf all = { 0 };
    if (!an__out_of_range(m, rows, &all, c->text.offset + 1, err)) return false;
    for (size_t i = 0; i < t->rows; i++)
        if (c->text.offset[i + 1] > c->text.offset[i]) an_set_valid(c, i);
    free(c->text.bytes);
    c->text.bytes = an_buf_take(&all);
    c->role = AN_IGNORED;
    return true;
}

an_table *an_model_predict(an_model *m, const an_table *t, const an_table *as, an_job *job, an_error *err)
{
    double *score = an_alloc_data(t->rows + 1, sizeof *score, "scores", err);
    an_table *out = NULL;
    bool ok = score && an_model_score(m, t, score, job, err) && (out = in_order(as ? as : t, err)) != NULL;
    if (ok) {
        make_room(out);
        ok = add_label(out, m, score, err) && add_real(out, "probability", score, 0, err) &&
             add_real(out, "threshold", NULL, m->threshold.value, err) && add_out_of_range(out, m, t, err);
    }
    free(score);
    if (ok) return out;
    an_table_free(out);
    return NULL;
}

void an_model_csv_types(const an_model *m, an_list *types)
{
    for (size_t i = 0; i < m->prep->columns; i++) {
        an_type type = m->prep->column[i].type;
        if (type == AN_INTEGER) type = AN_REAL; /* 1500.5 rpm after months of whole numbers, or 7.0: a number all the same */
        char *text = an_format("%s=%s", m->prep->column[i].name, an_type_name(type));
        an_list_add_take(types, text);
    }
}
