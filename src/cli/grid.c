/* grid.c - a table for people. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct an_grid {
    int columns;
    an_list cells;
};

an_grid *an__grid_new(int columns)
{
    an_grid *g = an_alloc(sizeof *g);
    g->columns = columns;
    return g;
}

void an__grid_cell(an_grid *g, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    an_list_add(&g->cells, text);
}

/* characters, not bytes */
static int width_of(const char *s)
{
    int n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static bool is_number(const char *s)
{
    return isdigit((unsigned char)s[0]) || ((s[0] == '-' || s[0] == '.' || s[0] == '+') && s[1]);
}

void an__grid_print(an_grid *g, FILE *out)
{
    int *width = an_alloc_n((size_t)g->columns, sizeof *width);
    for (size_t i = 0; i < g->cells.count; i++) {
        int w = width_of(g->cells.items[i]), c = (int)(i % (size_t)g->columns);
        if (w > width[c]) width[c] = w;
    }
    for (size_t i = 0; i < g->cells.count; i++) {
        int c = (int)(i % (size_t)g->columns);
        const char *text = g->cells.items[i];
        size_t below = i + (size_t)g->columns;
        bool right = is_number(text) || (i < (size_t)g->columns && below < g->cells.count && is_number(g->cells.items[below]));
        int pad = width[c] - width_of(text);
        bool last = c == g->columns - 1;
        fprintf(out, "%s%*s%s", c ? "  " : "", right ? pad : 0, "", text);
        if (!last && !right) fprintf(out, "%*s", pad, "");
        if (last) fputc('\n', out);
    }
    free(width);
    an_list_free(&g->cells);
    free(g);
}
