/* xlsx_format.c - which number formats show dates and times, and the text of a serial number (ECMA-376 part 1, 18.8.30 and 18.17.4). */
#include "xlsx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

an__xlsx_kind an__xlsx_builtin_kind(unsigned long id)
{
    switch (id) {
    case 9:
    case 10:
        return XLSX_PERCENT;
    case 14:
    case 15:
    case 16:
    case 17:
    case 22:
    case 27:
    case 28:
    case 29:
    case 30:
    case 31: /* these and the fifties: dates of East Asian locales */
    case 36:
    case 50:
    case 51:
    case 52:
    case 53:
    case 54:
    case 57:
    case 58:
        return XLSX_DATE;
    case 18:
    case 19:
    case 20:
    case 21:
    case 32:
    case 33:
    case 34:
    case 35:
    case 55:
    case 56:
        return XLSX_TIME;
    case 45:
    case 47:
        return XLSX_TIME; /* mm:ss */
    case 46:
        return XLSX_ELAPSED; /* [h]:mm:ss */
    default:
        return XLSX_NUMBER;
    }
}

/* [h], [mm], [ss] count beyond a day; other brackets are colours, conditions and locales. */
static bool elapsed(const char *p, const char *close)
{
    char first = *p | 32;
    if (p == close || !strchr("hms", first)) return false;
    for (; p < close; p++) {
        if ((*p | 32) != first) return false;
    }
    return true;
}

an__xlsx_kind an__xlsx_format_kind(const char *format)
{
    bool date = false, clock = false, months = false, percent = false;
    if (!strcasecmp(format, "general")) return XLSX_NUMBER;
    for (const char *p = format; *p && *p != ';'; p++) { /* the first section is that of positive numbers */
        if (*p == '"') {
            p = strchr(p + 1, '"');
            if (!p) break;
            continue;
        }
        if (*p == '\\' || *p == '_' || *p == '*') {
            if (!*++p) break;
            continue;
        }
        if (*p == '[') {
            const char *close = strchr(p, ']');
            if (!close) break;
            if (elapsed(p + 1, close)) return XLSX_ELAPSED;
            p = close;
            continue;
        }
        if (!strncasecmp(p, "general", 7)) return XLSX_NUMBER;
        switch (*p | 32) {
        case 'y':
        case 'd':
            date = true;
            break;
        case 'h':
        case 's':
            clock = true;
            break;
        case 'm':
            months = true; /* or minutes */
            break;
        case '%' | 32:
            percent |= *p == '%';
            break;
        default:
            break;
        }
    }
    if (date || (months && !clock)) return XLSX_DATE;
    if (clock) return XLSX_TIME;
    return percent ? XLSX_PERCENT : XLSX_NUMBER;
}

/* Year, month, day from days since 1970-01-01 (proleptic Gregorian; years counted from March so that the leap day is the last). */
static void civil(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = days / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static char *digits(char *p, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10) p[i] = (char)('0' + value % 10);
    return p + width;
}

static char *clock_text(char *p, int64_t ms)
{
    p = digits(p, ms / 3600000 % 24, 2);
    *p++ = ':';
    p = digits(p, ms / 60000 % 60, 2);
    *p++ = ':';
    p = digits(p, ms / 1000 % 60, 2);
    if (ms % 1000) {
        *p++ = '.';
        p = digits(p, ms % 1000, 3);
    }
    return p;
}

bool an__xlsx_date_text(double serial, an__xlsx_kind kind, bool since_1904, char *out)
{
    if (!(serial >= 0 && serial < 2958466)) return false;            /* Excel ends with the year 9999 */
    int64_t ms = llround(serial * 86400000.0), days = ms / 86400000; /* Excel's own resolution is the millisecond */
    if (days > 2958465 - (since_1904 ? 1462 : 0)) return false;
    if (kind == XLSX_ELAPSED) {
        int64_t hours = ms / 3600000;
        char *p = digits(out, hours, hours < 100 ? 2 : hours < 10000 ? 4 : 8);
        if (hours >= 100) { /* no leading zeroes there */
            char text[16];
            snprintf(text, sizeof text, "%lld", (long long)hours);
            p = stpcpy(out, text);
        }
        char rest[24];
        *clock_text(rest, ms % 86400000) = '\0';
        strcpy(p, rest + 2);
        return true;
    }
    if (kind == XLSX_TIME && ms < 86400000) {
        *clock_text(out, ms) = '\0';
        return true;
    }
    int64_t epoch = since_1904 ? -24107 : -25569; /* 1904-01-01 and 1899-12-30 */
    if (!since_1904 && days < 60) epoch++;        /* Excel believes in 1900-02-29, serial 60; it becomes the day before */
    int year, month, day;
    civil(days + epoch, &year, &month, &day);
    char *p = digits(out, year, 4);
    *p++ = '-';
    p = digits(p, month, 2);
    *p++ = '-';
    p = digits(p, day, 2);
    if (ms % 86400000 || kind == XLSX_TIME) {
        *p++ = 'T';
        p = clock_text(p, ms % 86400000);
    }
    *p = '\0';
    return true;
}
