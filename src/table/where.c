/* where.c - choosing rows by terms over columns. */
#include "csv_time.h"
#include "impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum order { EQUAL, UNEQUAL, LESS, LESS_EQUAL, MORE, MORE_EQUAL, BETWEEN } order;

/* A number as typed for a column: a date where the column holds dates. */
static bool number_of(const an_column *c, const char *text, double *out)
{
    int64_t us;
    if (c->type == AN_DATETIME && an__time_iso(text, strlen(text), &us)) {
        *out = (double)us;
        return true;
    }
    return c->type != AN_DATETIME && an_real_parse(text, strlen(text), out) && !isnan(*out);
}

static bool compare(const an_column *c, size_t row, order o, double low, double high)
{
    double x = an_cell_number(c, row);
    switch (o) {
    case EQUAL:
        return x == low;
    case UNEQUAL:
        return x != low && !isnan(x);
    case LESS:
        return x < low;
    case LESS_EQUAL:
        return x <= low;
    case MORE:
        return x > low;
    case MORE_EQUAL:
        return x >= low;
    case BETWEEN:
        return x >= low && x <= high;
    }
    return false;
}

static bool apply(const char *term, const char *name, order o, char *value, const an_table *t, uint8_t *chosen, an_error *err)
{
    const an_column *c = an_table_need(t, name, err);
    if (!c) return an_context(err, "where \"%.100s\"", term);
    if (!*value && (o == EQUAL || o == UNEQUAL)) {
        for (size_t i = 0; i < t->rows; i++) chosen[i] &= an_valid(c, i) == (o == UNEQUAL);
        return true;
    }
    double low = NAN, high = NAN;
    char *dots = o == EQUAL ? strstr(value, "..") : NULL;
    if (dots && an__is_number(c->type) && c->type != AN_BOOLEAN) {
        char *first = an_strndup(value, (size_t)(dots - value));
        bool both = number_of(c, first, &low) && number_of(c, dots + 2, &high);
        free(first);
        if (!both) return an_fail(err, AN_INPUT, "where \"%.100s\": a range of column %s is two numbers such as 3..5", term, name);
        o = BETWEEN;
    } else if (an__is_number(c->type) && c->type != AN_BOOLEAN) {
        if (!number_of(c, value, &low))
            return an_fail(err, AN_INPUT, "where \"%.100s\": column %s is %s and \"%.60s\" is not", term, name, an_type_name(c->type),
                           value);
    } else if (o != EQUAL && o != UNEQUAL) {
        return an_fail(err, AN_INPUT, "where \"%.100s\": column %s is %s and has no order", term, name, an_type_name(c->type));
    } else {
        char *wanted = an__canonical_value(c, value);
        an_buf text = { 0 };
        for (size_t i = 0; i < t->rows; i++) {
            if (!chosen[i]) continue;
            an_buf_clear(&text);
            an_cell_text(c, i, &text);
            chosen[i] = an_valid(c, i) && !strcmp(text.data ? text.data : "", wanted) == (o == EQUAL);
        }
        an_buf_free(&text);
        free(wanted);
        return true;
    }
    for (size_t i = 0; i < t->rows; i++) chosen[i] &= compare(c, i, o, low, high);
    return true;
}

bool an_table_where(const char *text, const an_table *t, uint8_t *chosen, an_error *err)
{
    memset(chosen, 1, t->rows);
    if (!text) return true;
    static const struct {
        const char *sign;
        order order;
    } orders[] = { { "!=", UNEQUAL }, { "<=", LESS_EQUAL }, { ">=", MORE_EQUAL }, { "=", EQUAL }, { "<", LESS }, { ">", MORE } };
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "=<>!");
        const char *sign = p + n;
        size_t k = 0;
        while (k < AN_COUNT(orders) && strncmp(sign, orders[k].sign, strlen(orders[k].sign))) k++;
        if (!n || k == AN_COUNT(orders)) {
            an_fail(err, AN_INPUT, "where \"%.100s\" is not a list of terms", text);
            return an_hint(err, "write column=value, column>3, column=3..5, joined by commas");
        }
        while (n && p[n - 1] == ' ') n--;
        while (n && *p == ' ') p++, n--;
        char *name = n > 1 && *p == '"' && p[n - 1] == '"' ? an_strndup(p + 1, n - 2) : an_strndup(p, n);
        const char *v = sign + strlen(orders[k].sign);
        while (*v == ' ') v++;
        char *value;
        if (*v == '"') {
            const char *end = strchr(v + 1, '"');
            if (!end) {
                free(name);
                return an_fail(err, AN_INPUT, "where \"%.100s\": a double quote is not closed", text);
            }
            value = an_strndup(v + 1, (size_t)(end - v - 1));
            p = end + 1 + strspn(end + 1, " ");
        } else {
            size_t length = strcspn(v, ",");
            p = v + length;
            while (length && v[length - 1] == ' ') length--;
            value = an_strndup(v, length);
        }
        bool ok = (!*p || *p == ',') || an_fail(err, AN_INPUT, "where \"%.100s\": a comma is expected in front of \"%.40s\"", text, p);
        ok = ok && apply(text, name, orders[k].order, value, t, chosen, err);
        free(name);
        free(value);
        if (!ok) return false;
        if (*p == ',') p++;
    }
    return true;
}
