/* profile_chart.c - the pictures of a profile: histogram against specification limits, course over time with what changed, the clustered
 * map of correlations (one pixel a pair, as a PNG inside the page). */
#include "flow/profile_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { W = 320, H = 110, TOP = 14, BOTTOM = 18, SIDE = 4 };

static double at(const json_t *array, size_t i)
{
    return an_json_number(json_array_get(array, i), NAN);
}

an_shown an__profile_value(const json_t *column, double v)
{
    if (strcmp(an__string(column, "type"), "datetime") || !isfinite(v)) return an__value(v);
    an_shown out;
    char text[32];
    an_time_text(llround(v * 1e6), text);
    snprintf(out.t, sizeof out.t, "%.10s", text);
    return out;
}

static void limit_line(an_buf *b, double x, const char *label)
{
    an_buf_printf(b, "<path class=\"limit\" d=\"M%.1f %dV%d\"/>", x, TOP - 2, H - BOTTOM);
    an__svg_text(b, x, TOP - 4, x < 60 ? "start" : x > W - 60 ? "end" : "middle", "lim", label);
}

static void category_bars(an_buf *b, const json_t *top, double count)
{
    enum { MOST = 6, STEP = 17 };
    size_t n = json_array_size(top), i;
    if (n > MOST) n = MOST;
    an__svg_open(b, W, (double)n * STEP + 4, "most frequent values");
    for (i = 0; i < n; i++) {
        const json_t *o = json_array_get(top, i);
        const char *name = an__string(o, "value");
        double share = an__number(o, "count") / count, y = STEP * (double)i + 2;
        char label[64];
        size_t k = 0, chars = 0;
        for (; name[k] && k < 48; k++) {
            if (((unsigned char)name[k] & 0xC0) != 0x80 && chars++ == 16) break;
            label[k] = name[k];
        }
        snprintf(label + k, sizeof label - k, "%s", name[k] ? "\u2026" : "");
        an__svg_text(b, 104, y + 12, "end", NULL, label);
        an_buf_printf(b, "<rect x=\"110\" y=\"%.0f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", y + 2, fmax(0.5, 150 * share), STEP - 5,
                      an__colour(AN__ORANGE));
        an__svg_text(b, 114 + 150 * share, y + 12, "start", NULL, an__share(share, 1).t);
    }
    an_buf_puts(b, "</svg>");
}

void an__profile_histogram(an_buf *b, const json_t *column)
{
    const json_t *h = json_object_get(column, "chart"), *top = json_object_get(column, "top");
    bool few = json_array_size(top) > 0 && an__number(column, "distinct") <= 8;
    if (!json_is_object(h) || few) {
        /* where hardly a value is there twice, the most frequent ones say nothing */
        if (json_array_size(top) && 2 * an__number(column, "distinct") <= an__number(column, "count") + 1)
            category_bars(b, top, an__number(column, "count"));
        return;
    }
    const json_t *edges = json_object_get(h, "edges"), *counts = json_object_get(h, "counts");
    size_t n = json_array_size(counts), i;
    double low = at(edges, 0), high = at(edges, n), most = 0, under = an__number(h, "under"), over = an__number(h, "over");
    for (i = 0; i < n; i++) most = fmax(most, at(counts, i));
    if (!(most > 0)) return;
    char *what = an_format("histogram of %s", an__string(column, "name"));
    an__svg_open(b, W, H, what);
    free(what);
    double wide = W - 2 * SIDE, step = wide / (double)n, tall = H - TOP - BOTTOM;
    double lsl = an__number(column, "capability.low"), usl = an__number(column, "capability.high");
    an_buf out = { 0 };
    an_buf_printf(b, "<path fill=\"%s\" d=\"", an__colour(AN__BLUE));
    for (i = 0; i < n; i++) {
        double v = at(counts, i), tall_i = v > 0 ? fmax(1, tall * v / most) : 0, x = SIDE + step * (double)i;
        bool outside = at(edges, i) >= usl || at(edges, i + 1) <= lsl;
        if (tall_i > 0) an_buf_printf(outside ? &out : b, "M%.1f %dv%.1fh%.1fV%dz", x, H - BOTTOM, -tall_i, step - 0.6, H - BOTTOM);
    }
    an_buf_puts(b, "\"/>");
    if (out.size) an_buf_printf(b, "<path fill=\"%s\" d=\"%s\"/>", an__colour(AN__RED), out.data);
    an_buf_free(&out);
    an_buf_printf(b, "<path class=\"axis\" d=\"M%d %dH%d\"/>", SIDE, H - BOTTOM, W - SIDE);
    an_shown a = an__profile_value(column, low), z = an__profile_value(column, high);
    char left[120], right[120];
    if (under > 0) snprintf(left, sizeof left, "%s (%s below)", a.t, an__count(under).t);
    if (over > 0) snprintf(right, sizeof right, "%s (%s above)", z.t, an__count(over).t);
    an__svg_text(b, SIDE, H - 4, "start", NULL, under > 0 ? left : a.t);
    an__svg_text(b, W - SIDE, H - 4, "end", NULL, over > 0 ? right : z.t);
    if (lsl >= low && lsl <= high) limit_line(b, SIDE + wide * (lsl - low) / (high - low), an__value(lsl).t);
    if (usl >= low && usl <= high) limit_line(b, SIDE + wide * (usl - low) / (high - low), an__value(usl).t);
    an_buf_puts(b, "</svg>");
}

/* ---- the course --------------------------------------------------------------------------------------------------------------------- */

static void date_label(const json_t *order, double v, char out[32])
{
    if (!strcmp(an__string(order, "type"), "datetime") && isfinite(v)) {
        an_time_text(llround(v * 1e6), out);
        out[10] = '\0';
    } else {
        snprintf(out, 32, "%s%.20s", *an__string(order, "column") ? "" : "row ", an__value(v).t);
    }
}

void an__profile_trend(const an_profile_page *p, an_buf *b, const json_t *column)
{
    const json_t *t = json_object_get(column, "trend"), *mean = json_object_get(t, "mean"), *least = json_object_get(t, "low"),
                 *most = json_object_get(t, "high"), *order = json_object_get(p->j, "order"), *times = json_object_get(order, "at"), *item;
    size_t n = json_array_size(mean), i;
    if (n < 8 || json_is_true(json_object_get(order, "sorted_by_target"))) return;
    /* the band is drawn where most blocks are: one outlier does not flatten all */
    double low = INFINITY, high = -INFINITY, band_low = INFINITY, band_high = -INFINITY;
    for (i = 0; i < n; i++) {
        double m = at(mean, i), l = at(least, i), h = at(most, i);
        if (isfinite(m)) low = fmin(low, m), high = fmax(high, m);
        if (isfinite(l)) band_low = fmin(band_low, l);
        if (isfinite(h)) band_high = fmax(band_high, h);
    }
    double spread = an__number(column, "robust_sd"), wide = fmax(high - low, 6 * (spread > 0 ? spread : 0));
    low = fmax(band_low, low - wide);
    high = fmin(band_high, high + wide);
    if (!(high > low)) return;
    double lsl = an__number(column, "capability.low"), usl = an__number(column, "capability.high");
    double tall = H - TOP - BOTTOM, step = (double)(W - 2 * SIDE) / (double)n;
#define X(share) (SIDE + (W - 2 * SIDE) * (share))
#define Y(v) (H - BOTTOM - tall * (fmin(fmax(v, low), high) - low) / (high - low))
    char *what = an_format("course of %s", an__string(column, "name"));
    an__svg_open(b, W, H, what);
    free(what);
    json_array_foreach(json_object_get(column, "stuck"), i, item) {
        double a = an__number(item, "from.place"), z = an__number(item, "to.place");
        an_buf_printf(b, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%.0f\" fill=\"%s\" fill-opacity=\".35\"/>", X(a), TOP,
                      fmax(2, X(z) - X(a)), tall, an__colour(AN__ORANGE));
    }
    an_buf_printf(b, "<path fill=\"%s\" fill-opacity=\".3\" d=\"", an__colour(AN__SKY));
    for (i = 0; i < n; i++)
        if (isfinite(at(least, i)))
            an_buf_printf(b, "M%.1f %.1fH%.1fV%.1fH%.1fz", SIDE + step * (double)i, Y(at(most, i)), SIDE + step * (double)(i + 1),
                          fmax(Y(at(least, i)), Y(at(most, i)) + 0.5), SIDE + step * (double)i);
    an_buf_printf(b, "\"/><path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" stroke-linejoin=\"round\" d=\"", an__colour(AN__BLUE));
    bool pen = false;
    for (i = 0; i < n; i++) {
        double m = at(mean, i);
        if (isfinite(m)) an_buf_printf(b, "%c%.1f %.1f", pen ? 'L' : 'M', SIDE + step * ((double)i + 0.5), Y(m));
        pen = isfinite(m);
    }
    an_buf_puts(b, "\"/>");
    if (lsl > low && lsl < high) an_buf_printf(b, "<path class=\"limit\" d=\"M%d %.1fH%d\"/>", SIDE, Y(lsl), W - SIDE);
    if (usl > low && usl < high) an_buf_printf(b, "<path class=\"limit\" d=\"M%d %.1fH%d\"/>", SIDE, Y(usl), W - SIDE);
    json_array_foreach(json_object_get(column, "steps"), i, item)
        an_buf_printf(b, "<path class=\"step\" d=\"M%.1f %dV%d\"/>", X(an__number(item, "at.place")), TOP - 4, H - BOTTOM);
    char first[32], last[32];
    date_label(order, at(times, 0), first);
    date_label(order, at(times, json_array_size(times) - 1), last);
    an_buf_printf(b, "<path class=\"axis\" d=\"M%d %dH%d\"/>", SIDE, H - BOTTOM, W - SIDE);
    an__svg_text(b, SIDE, H - 4, "start", NULL, first);
    an__svg_text(b, W - SIDE, H - 4, "end", NULL, last);
    an__svg_text(b, SIDE, TOP - 3, "start", NULL, an__value(high).t);
    an_buf_puts(b, "</svg>");
#undef X
#undef Y
}

/* ---- the map of correlations -------------------------------------------------------------------------------------------------------- */

static void base64(an_buf *b, const unsigned char *s, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        char out[4] = { digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=', i + 2 < n ? digits[v & 63] : '=' };
        an_buf_add(b, out, 4);
    }
}

static void chunk(an_buf *png, const char *type, const void *data, size_t n)
{
    unsigned char number[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n };
    an_buf_add(png, number, 4);
    size_t from = png->size;
    an_buf_add(png, type, 4);
    if (n) an_buf_add(png, data, n);
    unsigned long crc = crc32(0, (const unsigned char *)png->data + from, (unsigned)(n + 4));
    for (int k = 0; k < 4; k++) number[k] = (unsigned char)(crc >> (24 - 8 * k));
    an_buf_add(png, number, 4);
}

/* RGB rows, each with its filter byte (0) in front. */
static void picture(an_buf *b, const unsigned char *rows, size_t d)
{
    an_buf png = { 0 };
    uLongf packed = compressBound((uLong)(d * (3 * d + 1)));
    unsigned char *z = an_alloc(packed),
                  size[4] = { (unsigned char)(d >> 24), (unsigned char)(d >> 16), (unsigned char)(d >> 8), (unsigned char)d };
    an_buf_add(&png, "\x89PNG\r\n\x1a\n", 8);
    unsigned char head[13] = { [8] = 8, [9] = 2 };
    memcpy(head, size, 4);
    memcpy(head + 4, size, 4);
    chunk(&png, "IHDR", head, sizeof head);
    if (compress2(z, &packed, rows, (uLong)(d * (3 * d + 1)), 9) == Z_OK) chunk(&png, "IDAT", z, packed);
    chunk(&png, "IEND", NULL, 0);
    base64(b, (const unsigned char *)png.data, png.size);
    free(z);
    an_buf_free(&png);
}

/* 0x0072B2 for -1, white for 0, 0xD55E00 for 1. */
static void colour(double r, unsigned char out[3])
{
    static const double ends[2][3] = { { 0, 0x72, 0xB2 }, { 0xD5, 0x5E, 0 } };
    double a = fmin(1, fabs(r));
    for (int k = 0; k < 3; k++) out[k] = isfinite(r) ? (unsigned char)lround(255 + a * (ends[r > 0][k] - 255)) : 0xDD;
}

void an__profile_map(an_buf *b, const json_t *correlation)
{
    const json_t *names = json_object_get(correlation, "columns"), *r = json_object_get(correlation, "r_1000");
    size_t d = json_array_size(names), at_r = 0;
    if (d < 2) return;
    unsigned char *rows = an_alloc_n(d, 3 * d + 1);
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j <= i; j++) {
            double v = j == i ? 1 : an_json_number(json_array_get(r, at_r), NAN) / 1000;
            at_r += j < i;
            colour(v, rows + i * (3 * d + 1) + 1 + 3 * j);
            colour(v, rows + j * (3 * d + 1) + 1 + 3 * i);
        }
    enum { NAMED = 60, LABELS = 150 };
    bool named = d <= NAMED;
    double cell = named ? fmin(18, fmax(9, 540.0 / (double)d)) : 0, side = named ? cell * (double)d : 620, left = named ? LABELS : 0;
    an__svg_open(b, left + side + 2, side + 2, "correlations of all pairs of columns, alike ones side by side");
    an_buf_printf(b,
                  "<image x=\"%.1f\" y=\"1\" width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" "
                  "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,",
                  left + 1, side, side);
    picture(b, rows, d);
    an_buf_printf(b, "\"/><rect x=\"%.1f\" y=\"1\" width=\"%.1f\" height=\"%.1f\" class=\"axis\"/>", left + 1, side, side);
    for (size_t i = 0; named && i < d; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        size_t n = strlen(name), cut = n;
        if (n > 22) { /* the end tells alike names apart */
            cut = 22;
            while (cut < n && ((unsigned char)name[n - cut] & 0xC0) == 0x80) cut++;
        }
        char *label = an_format("%s%s", cut < n ? "\u2026" : "", name + n - cut);
        an_buf_printf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" style=\"font-size:%.0fpx\">", left - 3,
                      1 + cell * ((double)i + 0.5) + cell * 0.3, fmin(12, cell));
        an__html(b, label);
        an_buf_puts(b, "</text>");
        free(label);
    }
    an_buf_puts(b, "</svg>");
    free(rows);
}
