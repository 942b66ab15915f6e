/* assign.c - roles: what each column is for, as a person says; what nobody should train on is found by audit.c. */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

const an_param an_roles_params[] = {
    AN_ROLES_PARAMS(0),
    AN_PARAM_END,
};

static void set_aside(an_column *c, const char *reason)
{
    c->role = AN_IGNORED;
    free(c->reason);
    c->reason = an_strdup(reason);
}

static bool set_role(an_table *t, const char *name, an_role role, an_error *err)
{
    if (!name) return true;
    an_column *c = an_table_need(t, name, err);
    if (!c) return an_context(err, "--%s", an_role_name(role));
    if (c->role != AN_FEATURE)
        return an_fail(err, AN_USAGE, "column %s cannot be both %s and %s", name, an_role_name(c->role), an_role_name(role));
    if (role == AN_TIME && c->type != AN_DATETIME && c->type != AN_INTEGER && c->type != AN_REAL) {
        an_fail(err, AN_INPUT, "column %s is %s, which does not order rows in time", name, an_type_name(c->type));
        return an_hint(err, "say how dates are written with --date-format, such as %%d.%%m.%%Y");
    }
    if (c->type == AN_TENSOR) return an_fail(err, AN_INPUT, "column %s holds arrays and cannot be the %s", name, an_role_name(role));
    c->role = role;
    return true;
}

static bool set_lists(an_table *t, const an_roles *roles, an_error *err)
{
    for (size_t i = 0; i < roles->keep.count; i++) {
        an_column *c = an_table_need(t, roles->keep.items[i], err);
        if (!c) return an_context(err, "--keep");
        c->kept = true;
    }
    for (int after = 0; after < 2; after++) {
        const an_list *list = after ? &roles->after_decision : &roles->drop;
        for (size_t i = 0; i < list->count; i++) {
            an_column *c = an_table_need(t, list->items[i], err);
            if (!c) return an_context(err, after ? "--after-decision" : "--drop");
            if (c->role != AN_FEATURE && c->role != AN_IGNORED)
                return an_fail(err, AN_USAGE, "column %s is the %s and cannot be left out", c->name, an_role_name(c->role));
            if (c->kept) return an_fail(err, AN_USAGE, "column %s cannot be both kept and left out", c->name);
            set_aside(c, after ? "after-decision" : "requested");
        }
    }
    for (size_t i = 0; i < roles->unit.count; i++) {
        const char *text = roles->unit.items[i], *sign = strrchr(text, '=');
        if (!sign || sign == text || !sign[1]) return an_fail(err, AN_USAGE, "--unit \"%s\" is not COLUMN=UNIT", text);
        char *name = an_strndup(text, (size_t)(sign - text));
        an_column *c = an_table_need(t, name, err);
        free(name);
        if (!c) return an_context(err, "--unit");
        free(c->unit);
        c->unit = an_strdup(sign + 1);
    }
    return true;
}

/* Finds the classes, sets t->positive. *rare: name of the rarer of two classes (new), or NULL with other than two. */
static bool set_target(an_table *t, an_column *target, const an_roles *roles, char **rare, an_list *notes, an_error *err)
{
    *rare = NULL;
    free(t->positive);
    t->positive = NULL;
    if (target->type == AN_TEXT && !an__text_to_category(t, target, err)) return false;
    if (target->missing == t->rows) return an_fail(err, AN_INPUT, "the target %s is missing in every row", target->name);
    if (target->missing && notes) {
        size_t row = 0;
        while (an_valid(target, row)) row++;
        an_list_add_take(notes,
                         an_format("%s is missing in %zu row%s (the first is row %zu): without a label they stay in the table, and are "
                                   "neither trained on nor tested",
                                   target->name, target->missing, target->missing == 1 ? "" : "s", row + 1));
    }
    an_class_count *classes = NULL;
    size_t n = 0;
    if (!an_table_classes(t, &classes, &n, err)) return false;
    bool ok = true;
    if (n < 2) {
        an_fail(err, AN_INPUT, "the target %s has one class only, %s", target->name, n ? classes[0].name : "none");
        ok = an_hint(err, "a detector needs both good and bad parts to learn from");
    }
    size_t which = n;
    if (ok && roles->positive) {
        char *text = an__canonical_value(target, roles->positive);
        for (size_t k = 0; k < n; k++) {
            if (!strcmp(classes[k].name, text)) which = k;
        }
        free(text);
        if (which == n) {
            an_fail(err, AN_INPUT, "the target %s has no value %s", target->name, roles->positive);
            an_buf values = { 0 };
            for (size_t k = 0; k < n && k < 8; k++) an_buf_printf(&values, "%s%s", k ? ", " : "", classes[k].name);
            ok = an_hint(err, "its values are %s%s", values.data, n > 8 ? " ..." : "");
            an_buf_free(&values);
        }
    }
    if (ok && n == 2) {
        size_t rarer = classes[1].count <= classes[0].count;
        *rare = an_strdup(classes[rarer].name);
        if (which == n) which = rarer;
    } else if (ok && which < n) {
        size_t known = t->rows - target->missing;
        if (2 * classes[which].count <= known) *rare = an_strdup(classes[which].name);
        if (notes) an_list_add_take(notes, an_format("%s has %zu classes: %s is told from the rest", target->name, n, classes[which].name));
    } else if (ok && n <= 20 && notes) {
        an_list_add_take(notes, an_format("%s has %zu classes; models tell one from the rest: name it with --positive %s, say",
                                          target->name, n, classes[0].name));
    }
    if (ok && which < n) {
        t->positive = an_strdup(classes[which].name);
        if (classes[which].count < 2) {
            an_fail(err, AN_INPUT, "the target %s has %zu row with %s, its positive value; at least 2 are needed", target->name,
                    classes[which].count, t->positive);
            ok = an_hint(err, "one in the training part and one in the test part at the very least; some ten make a result worth reading");
        }
    }
    an_class_counts_free(classes, n);
    return ok;
}

bool an_table_assign(an_table *t, const an_roles *roles, an_list *notes, an_error *err)
{
    for (size_t j = 0; j < t->columns; j++) {
        t->column[j].role = AN_FEATURE;
        t->column[j].kept = false;
        free(t->column[j].reason);
        t->column[j].reason = NULL;
    }
    if (!set_role(t, roles->target, AN_TARGET, err) || !set_role(t, roles->group, AN_GROUP, err) ||
        !set_role(t, roles->time, AN_TIME, err) || !set_role(t, roles->id, AN_ID, err) || !set_lists(t, roles, err)) {
        return false;
    }
    char *rare = NULL, *target = NULL;
    uint8_t *label = NULL;
    bool ok = true;
    if (roles->target) {
        an_column *c = an_table_target(t, err);
        ok = c && set_target(t, c, roles, &rare, notes, err);
        if (ok && rare) {
            label = an_alloc_data(t->rows ? t->rows : 1, 1, "labels", err);
            ok = label && an_table_labels_known(t, label, err);
            bool other = ok && strcmp(rare, t->positive) != 0;
            for (size_t i = 0; ok && i < t->rows; i++) label[i] = an_table_unlabelled(c, i) ? AN__NO_LABEL : label[i] != other;
        }
        target = ok ? an_strdup(c->name) : NULL;
    }
    ok = ok && an__audit(t, label, target, rare, notes, err);
    free(label);
    free(rare);
    free(target);
    return ok;
}
