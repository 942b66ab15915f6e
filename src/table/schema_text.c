/* schema_text.c - what a table says about itself, as a YAML text for people to edit. Reading it back is schema_apply.c. */
#include "schema.h"

#include <string.h>

static const char head[] =
    "# What each column is. Edit, then apply it to this or the next file of the same kind.\n"
    "#   type         real integer boolean category datetime text; format: how dates are written, such as \"%d.%m.%Y\"\n"
    "#   role         feature target group time id ignored; after_decision: true for what is known only once the decision is made\n"
    "#   unit         UCUM code (mm N.m Cel bar /min); from: the unit of the file where it is another one\n"
    "#   low, high    specification limits, in the unit; direction: more is worse, or less is worse\n"
    "#   station, resolution (of the gauge), sentinels (values that mean missing), description\n"
    "# constraints:   a < b, a + b = c, or fixed: [line, variant] for combinations that occur together\n"
    "#                a + b = c may be off by half the resolution of each column, or else by half its last decimal place\n";

static void add_key(an_buf *out, const char *key)
{
    an_buf_printf(out, "    %s: ", key);
}

static void column_text(const an_column *c, an_buf *out)
{
    an_buf_puts(out, "  ");
    if (strlen(c->name) > 250) an_buf_puts(out, "? "); /* libyaml takes simple keys up to 1,024 characters */
    an__yaml_scalar(out, c->name);
    an_buf_puts(out, strlen(c->name) > 250 ? "\n  :\n" : ":\n");
    add_key(out, "type");
    an_buf_printf(out, "%s\n", an_type_name(c->type));
    bool after = c->role == AN_IGNORED && c->reason && !strcmp(c->reason, "after-decision");
    if (after) {
        add_key(out, "after_decision");
        an_buf_puts(out, "true\n");
    } else {
        add_key(out, "role");
        an_buf_printf(out, "%s\n", an_role_name(c->role));
    }
    if (c->role == AN_IGNORED && c->reason && !after) {
        add_key(out, "reason");
        an__yaml_scalar(out, c->reason);
        an_buf_putc(out, '\n');
    }
    if (c->kept) {
        add_key(out, "kept");
        an_buf_puts(out, "true\n");
    }
    if (c->unit) {
        add_key(out, "unit");
        an__yaml_scalar(out, c->unit);
        an_buf_putc(out, '\n');
    }
    static const char *const keys[] = { "from", "low", "high", "direction", "station", "resolution", "sentinels", "description" };
    for (size_t k = 0; k < AN_COUNT(keys); k++) {
        const json_t *value = json_object_get(c->spec, keys[k]);
        if (!value) continue;
        add_key(out, keys[k]);
        an__yaml_value(out, value);
        an_buf_putc(out, '\n');
    }
}

void an_schema_text(const an_table *t, an_buf *out)
{
    an_buf_puts(out, head);
    if (t->positive) {
        an_buf_puts(out, "positive: ");
        an__yaml_scalar(out, t->positive);
        an_buf_puts(out, "   # the target value that counts as positive\n");
    }
    an_buf_puts(out, t->columns ? "columns:\n" : "columns: {}\n");
    for (size_t j = 0; j < t->columns; j++) column_text(&t->column[j], out);
    if (!json_array_size(t->constraints)) return;
    an_buf_puts(out, "constraints:\n");
    size_t i, k;
    json_t *item, *row;
    json_array_foreach(t->constraints, i, item) {
        an_buf_puts(out, "  - ");
        if (json_is_string(item)) {
            an__yaml_value(out, item);
            an_buf_putc(out, '\n');
            continue;
        }
        an_buf_puts(out, "fixed: ");
        an__yaml_value(out, json_object_get(item, "fixed"));
        an_buf_puts(out, "\n    allowed:");
        const json_t *allowed = json_object_get(item, "allowed");
        an_buf_puts(out, json_array_size(allowed) ? "\n" : " []\n");
        json_array_foreach(allowed, k, row) {
            an_buf_puts(out, "      - ");
            an__yaml_value(out, row);
            an_buf_putc(out, '\n');
        }
    }
}
