/* report_svg.c - plots as inline SVG: a frame with round ticks, lines, marks, labels. Colours are those of Okabe and Ito (2008), told apart
 * by colour-blind readers; every style has a dash pattern and a mark of its own, so that prints in grey can be read too. What is plotted is
 * decided elsewhere. */
#include "flow/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *colour, *dash;
} styles[AN__STYLES] = {
    [AN__BLUE] = { "#0072B2", "" },          [AN__RED] = { "#D55E00", "6 3" }, [AN__GREEN] = { "#009E73", "2 2.5" },
    [AN__PURPLE] = { "#CC79A7", "8 3 2 3" }, [AN__BLACK] = { "#222222", "" },  [AN__ORANGE] = { "#E69F00", "10 4" },
    [AN__SKY] = { "#56B4E9", "" },
};

const char *an__colour(int style)
{
    return styles[style].colour;
}

void an__svg_open(an_buf *b, double width, double height, const char *what)
{
    an_buf_printf(b, "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\" aria-label=\"", width, height, width,
                  height);
    an__html(b, what);
    an_buf_puts(b, "\">");
}

void an__svg_text(an_buf *b, double x, double y, const char *anchor, const char *css_class, const char *text)
{
    an_buf_printf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"", x, y, anchor);
    if (css_class) an_buf_printf(b, " class=\"%s\"", css_class);
    an_buf_putc(b, '>');
    an__html(b, text);
    an_buf_puts(b, "</text>");
}

void an__svg_mark(an_buf *b, int mark, double x, double y, double s)
{
    switch (mark) {
    case AN__CIRCLE:
        an_buf_printf(b, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0", x - s, y, s, s, 2 * s, s, s, -2 * s);
        break;
    case AN__DOT:
        an_buf_printf(b, "M%.1f %.1fh0", x, y);
        break;
    case AN__TRIANGLE:
        an_buf_printf(b, "M%.1f %.1fl%.1f %.1fh%.1fz", x, y - s * 1.1, s, s * 1.8, -2 * s);
        break;
    case AN__CROSS:
        an_buf_printf(b, "M%.1f %.1fl%.1f %.1fm%.1f 0l%.1f %.1f", x - s, y - s, 2 * s, 2 * s, -2 * s, 2 * s, -2 * s);
        break;
    case AN__PLUS:
        an_buf_printf(b, "M%.1f %.1fh%.1fm%.1f %.1fv%.1f", x - s, y, 2 * s, -s, -s, 2 * s);
        break;
    default:
        an_buf_printf(b, "M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz", x, y - s * 1.2, s * 1.2, s * 1.2, -s * 1.2, s * 1.2, -s * 1.2,
                      -s * 1.2);
    }
}

static void mark_paint(an_buf *b, int style, int mark, double s)
{
    const char *colour = styles[style].colour;
    if (mark == AN__DOT)
        an_buf_printf(b, "\" fill=\"none\" stroke=\"%s\" stroke-linecap=\"round\" stroke-width=\"%.1f\"/>", colour, 2 * s);
    else if (mark == AN__TRIANGLE || mark == AN__DIAMOND)
        an_buf_printf(b, "\" fill=\"%s\" stroke=\"#fff\" stroke-width=\".5\"/>", colour);
    else
        an_buf_printf(b, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.2\" stroke-opacity=\".8\"/>", colour);
}

void an__legend(an_buf *b, const char *name, int style, int mark)
{
    an_buf_puts(b, "<span class=\"key\"><svg viewBox=\"0 0 24 12\" width=\"24\" height=\"12\" aria-hidden=\"true\"><path d=\"");
    if (mark < 0) {
        an_buf_printf(b, "M1 6h22\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\"/>", styles[style].colour,
                      styles[style].dash);
    } else {
        an__svg_mark(b, mark, 12, 6, 4);
        mark_paint(b, style, mark, 4);
    }
    an_buf_puts(b, "</svg>");
    an__html(b, name);
    an_buf_puts(b, "</span>");
}

/* ---- ticks -------------------------------------------------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, so that `range` has about `wanted` steps. */
static double round_step(double range, int wanted)
{
    double raw = range / wanted, ten = pow(10, floor(log10(raw))), of = raw / ten;
    return ten * (of < 1.5 ? 1 : of < 3.5 ? 2 : of < 7.5 ? 5 : 10);
}

static an_shown tick_text(double v, double step)
{
    if (fabs(v) < step * 1e-9) v = 0;
    if (step >= 1000 && fmod(step, 1000) == 0) {
        an_shown s = an__count(v / 1000);
        if (v != 0) strncat(s.t, "k", sizeof s.t - strlen(s.t) - 1);
        return s;
    }
    int digits = (int)ceil(-log10(step) - 1e-9);
    return step < 1e-6 || step >= 1e9 ? an__value(v) : an__real(v, digits > 0 ? digits : 0);
}

static double px(const an_plot *p, double x)
{
    return p->left + (x - p->x0) / (p->x1 - p->x0) * (p->width - p->left - p->right);
}

static double py(const an_plot *p, double y)
{
    return p->height - p->bottom - (y - p->y0) / (p->y1 - p->y0) * (p->height - p->top - p->bottom);
}

static void make_range(double *low, double *high)
{
    if (!isfinite(*low) || !isfinite(*high)) {
        *low = 0;
        *high = 1;
    }
    if (!(*high - *low > 1e-12 * fmax(fabs(*low), fabs(*high)))) {
        double half = *low == 0 ? 1 : fabs(*low) * 0.1;
        *low -= half;
        *high += half;
    }
}

void an__plot_open(an_plot *p, const char *x_name, const char *y_name, const char *what)
{
    if (!p->left) p->left = 52;
    if (!p->right) p->right = 14;
    if (!p->top) p->top = 22; /* room for the label of an upright */
    if (!p->bottom) p->bottom = 42;
    make_range(&p->x0, &p->x1);
    make_range(&p->y0, &p->y1);
    double sx = round_step(p->x1 - p->x0, 5), sy = round_step(p->y1 - p->y0, 5);
    if (!p->exact && !p->names) {
        p->y0 = floor(p->y0 / sy + 1e-9) * sy;
        p->y1 = ceil(p->y1 / sy - 1e-9) * sy;
    }
    double y_first = p->names ? INFINITY : ceil(p->y0 / sy - 1e-9) * sy, x_first = ceil(p->x0 / sx - 1e-9) * sx;
    an_buf *b = p->out;
    an__svg_open(b, p->width, p->height, what);
    an_buf_puts(b, "<path class=\"grid\" d=\"");
    for (double y = y_first; y <= p->y1 + sy * 1e-6; y += sy) an_buf_printf(b, "M%.1f %.1fH%.1f", p->left, py(p, y), p->width - p->right);
    for (double x = x_first; p->names && x <= p->x1 + sx * 1e-6; x += sx)
        an_buf_printf(b, "M%.1f %.1fV%.1f", px(p, x), p->top, p->height - p->bottom);
    an_buf_puts(b, "\"/><path class=\"axis\" d=\"");
    an_buf_printf(b, "M%.1f %.1fV%.1fH%.1f", p->left, p->top, p->height - p->bottom, p->width - p->right);
    for (double x = x_first; x <= p->x1 + sx * 1e-6; x += sx) an_buf_printf(b, "M%.1f %.1fv4", px(p, x), p->height - p->bottom);
    an_buf_puts(b, "\"/>");
    for (double y = y_first; y <= p->y1 + sy * 1e-6; y += sy) an__svg_text(b, p->left - 6, py(p, y) + 4, "end", NULL, tick_text(y, sy).t);
    for (double x = x_first; x <= p->x1 + sx * 1e-6; x += sx)
        an__svg_text(b, px(p, x), p->height - p->bottom + 17, "middle", NULL, tick_text(x, sx).t);
    an__svg_text(b, (p->left + p->width - p->right) / 2, p->height - 6, "middle", "name", x_name);
    if (*y_name) {
        double y = (p->top + p->height - p->bottom) / 2;
        an_buf_printf(b, "<text transform=\"translate(12 %.1f) rotate(-90)\" text-anchor=\"middle\" class=\"name\">", y);
        an__html(b, y_name);
        an_buf_puts(b, "</text>");
    }
}

void an__plot_close(an_plot *p)
{
    an_buf_puts(p->out, "</svg>\n");
}

/* ---- what is plotted ---------------------------------------------------------------------------------------------------------------- */

void an__plot_line(an_plot *p, const double *x, const double *y, size_t n, int style)
{
    an_buf_puts(p->out, "<path d=\"");
    bool pen = false;
    for (size_t i = 0; i < n; i++) {
        bool good = isfinite(x[i]) && isfinite(y[i]);
        if (good) an_buf_printf(p->out, "%c%.1f %.1f", pen ? 'L' : 'M', px(p, x[i]), py(p, y[i]));
        pen = good;
    }
    an_buf_printf(p->out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-dasharray=\"%s\"/>",
                  styles[style].colour, styles[style].dash);
}

void an__plot_marks(an_plot *p, const double *x, const double *y, size_t n, int style, int mark, double size)
{
    if (!n) return;
    an_buf_puts(p->out, "<path d=\"");
    for (size_t i = 0; i < n; i++)
        if (x[i] >= p->x0 && x[i] <= p->x1 && y[i] >= p->y0 && y[i] <= p->y1) an__svg_mark(p->out, mark, px(p, x[i]), py(p, y[i]), size);
    mark_paint(p->out, style, mark, size);
}

void an__plot_upright(an_plot *p, double x, const char *label)
{
    if (!(x >= p->x0 && x <= p->x1)) return;
    double at = px(p, x);
    bool left = at > p->width * 0.75, right = at < p->width * 0.25;
    an_buf_printf(p->out, "<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/>", at, p->top - 3, p->height - p->bottom);
    an__svg_text(p->out, at + (left ? 4 : right ? -4 : 0), p->top - 7, left ? "end" : right ? "start" : "middle", NULL, label);
}

void an__plot_level(an_plot *p, double y, const char *label)
{
    if (!(y >= p->y0 && y <= p->y1)) return;
    double at = py(p, y);
    an_buf_printf(p->out, "<path class=\"level\" d=\"M%.1f %.1fH%.1f\"/>", p->left, at, p->width - p->right);
    an__svg_text(p->out, p->width - p->right - 3, at < p->top + 16 ? at + 13 : at - 4, "end", "halo", label);
}
