/* csv_time.c - dates and times in text to microseconds since 1970 UTC, without the C library's locale and time zone. */
#include "csv_time.h"

#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct moment {
    int year, month, day, hour, minute, second, fraction_us, zone_minutes;
    int afternoon; /* -1: 24-hour clock */
} moment;

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day is a year's last. */
static int64_t days(int year, int month, int day)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool finish(const moment *m, int64_t *us)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int hour = m->hour;
    if (m->afternoon >= 0) {
        if (hour < 1 || hour > 12) return false;
        hour = hour % 12 + 12 * m->afternoon;
    }
    if (m->month < 1 || m->month > 12 || m->day < 1 || m->day > lengths[m->month - 1] + (m->month == 2 && leap(m->year))) return false;
    if (hour > 23 || m->minute > 59 || m->second > 60) return false;
    int64_t seconds = days(m->year, m->month, m->day) * 86400 + hour * 3600 + (m->minute - m->zone_minutes) * 60 + m->second;
    *us = seconds * 1000000 + m->fraction_us;
    return true;
}

/* At most `most` digits, at least `least`. */
static bool number(const char **p, const char *end, int least, int most, int *out)
{
    int n = 0, value = 0;
    while (*p < end && n < most && **p >= '0' && **p <= '9') {
        value = value * 10 + (*(*p)++ - '0');
        n++;
    }
    *out = value;
    return n >= least;
}

static bool fraction(const char **p, const char *end, int *us)
{
    int n = 0;
    *us = 0;
    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++, n++) {
        if (n < 6) *us = *us * 10 + (**p - '0');
    }
    for (int i = n; i < 6; i++) *us *= 10;
    return n > 0;
}

static bool zone(const char **p, const char *end, int *minutes)
{
    if (*p < end && **p == 'Z') {
        (*p)++;
        return true;
    }
    int hours, rest = 0;
    if (*p == end || (**p != '+' && **p != '-')) return false;
    bool west = *(*p)++ == '-';
    if (!number(p, end, 2, 2, &hours)) return false;
    if (*p < end && **p == ':') (*p)++;
    if (*p < end && !number(p, end, 2, 2, &rest)) return false;
    *minutes = (hours * 60 + rest) * (west ? -1 : 1);
    return hours < 24 && rest < 60;
}

static bool literal(const char **p, const char *end, char c)
{
    if (*p == end || **p != c) return false;
    (*p)++;
    return true;
}

bool an__time_iso(const char *text, size_t n, int64_t *us)
{
    const char *p = text, *end = text + n;
    moment m = { .afternoon = -1 };
    if (n < 10 || n > 40) return false;
    if (!number(&p, end, 4, 4, &m.year) || !literal(&p, end, '-') || !number(&p, end, 2, 2, &m.month) || !literal(&p, end, '-') ||
        !number(&p, end, 2, 2, &m.day)) {
        return false;
    }
    if (p == end) return finish(&m, us);
    if (*p != 'T' && *p != ' ') return false;
    p++;
    if (!number(&p, end, 2, 2, &m.hour) || !literal(&p, end, ':') || !number(&p, end, 2, 2, &m.minute)) return false;
    if (literal(&p, end, ':')) {
        if (!number(&p, end, 2, 2, &m.second)) return false;
        if ((literal(&p, end, '.') || literal(&p, end, ',')) && !fraction(&p, end, &m.fraction_us)) return false;
    }
    if (p < end && !zone(&p, end, &m.zone_minutes)) return false;
    return p == end && finish(&m, us);
}

/* POSIX: 69..99 are 1969..1999 */
static int full_year(int year)
{
    return year + (year < 69 ? 2000 : 1900);
}

/* Four digits or two; nothing between. */
static bool any_year(const char **p, const char *end, int *year)
{
    const char *start = *p;
    if (!number(p, end, 2, 4, year) || *p - start == 3) return false;
    if (*p - start == 2) *year = full_year(*year);
    return true;
}

/* hh:mm, hh:mm:ss, hh:mm:ss.ffffff */
static bool clock_time(const char **p, const char *end, int *hour, int *minute, int *second, int *us)
{
    if (!number(p, end, 1, 2, hour) || !literal(p, end, ':') || !number(p, end, 2, 2, minute)) return false;
    if (!literal(p, end, ':')) return true;
    if (!number(p, end, 2, 2, second)) return false;
    return (!literal(p, end, '.') && !literal(p, end, ',')) || fraction(p, end, us);
}

bool an__time_dotted(const char *text, size_t n, int64_t *us)
{
    const char *p = text, *end = text + n;
    moment m = { .afternoon = -1 };
    if (n < 6 || n > 40) return false;
    if (!number(&p, end, 1, 2, &m.day) || !literal(&p, end, '.') || !number(&p, end, 1, 2, &m.month) || !literal(&p, end, '.') ||
        !any_year(&p, end, &m.year)) {
        return false;
    }
    bool short_year = p - text >= 3 && p[-3] == '.';
    if (short_year && p - text != 8) return false; /* 1.2.10 is a version */
    if (p == end) return finish(&m, us);
    if (!literal(&p, end, ' ') || !clock_time(&p, end, &m.hour, &m.minute, &m.second, &m.fraction_us)) return false;
    return p == end && finish(&m, us);
}

bool an__time_ordered(const an__slashed *s, bool day_first, int64_t *us)
{
    moment m = { .year = s->year,
                 .month = day_first ? s->second : s->first,
                 .day = day_first ? s->first : s->second,
                 .hour = s->hour,
                 .minute = s->minute,
                 .second = s->second_of_minute,
                 .fraction_us = s->fraction_us,
                 .afternoon = s->afternoon };
    return finish(&m, us);
}

bool an__time_slashed(const char *text, size_t n, an__slashed *out)
{
    const char *p = text, *end = text + n;
    *out = (an__slashed){ .afternoon = -1 };
    if (n < 6 || n > 40 || !number(&p, end, 1, 2, &out->first) || p == end || (*p != '/' && *p != '-')) return false;
    char mark = *p++;
    if (!number(&p, end, 1, 2, &out->second) || !literal(&p, end, mark) || !any_year(&p, end, &out->year)) return false;
    if (mark == '-' && p - text >= 3 && p[-3] == '-') return false; /* 10-12-26 is a part number as well */
    if (p < end) {
        if (!literal(&p, end, ' ') || !clock_time(&p, end, &out->hour, &out->minute, &out->second_of_minute, &out->fraction_us))
            return false;
        if (p < end && *p == ' ') p++;
        if (end - p == 2 && (p[1] | 32) == 'm' && ((*p | 32) == 'a' || (*p | 32) == 'p')) {
            out->afternoon = (*p | 32) == 'p';
            p += 2;
        }
    }
    int64_t us;
    return p == end && (an__time_ordered(out, true, &us) || an__time_ordered(out, false, &us));
}

bool an__time_serial(double days, int64_t *us)
{
    if (!(days >= 20000 && days <= 80000)) return false;
    *us = llrint((days - 25569) * 86400e3) * 1000; /* 25569: 1970-01-01 */
    return true;
}

static bool month_name(const char **p, const char *end, int *month)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12 && end - *p >= 3; i++) {
        if (!strncasecmp(*p, names + 3 * i, 3)) {
            *p += 3;
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool field(char letter, const char **p, const char *end, moment *m)
{
    switch (letter) {
    case 'Y':
        return number(p, end, 4, 4, &m->year);
    case 'y':
        if (!number(p, end, 2, 2, &m->year)) return false;
        m->year = full_year(m->year);
        return true;
    case 'm':
        return number(p, end, 1, 2, &m->month);
    case 'b':
        return month_name(p, end, &m->month);
    case 'd':
        return number(p, end, 1, 2, &m->day);
    case 'H':
    case 'I':
        return number(p, end, 1, 2, &m->hour);
    case 'M':
        return number(p, end, 1, 2, &m->minute);
    case 'S':
        return number(p, end, 1, 2, &m->second);
    case 'f':
        return fraction(p, end, &m->fraction_us);
    case 'z':
        return zone(p, end, &m->zone_minutes);
    case 'p':
        if (end - *p < 2 || ((*p)[1] | 32) != 'm') return false;
        m->afternoon = (**p | 32) == 'p';
        *p += 2;
        return ((*p)[-2] | 32) == 'p' || ((*p)[-2] | 32) == 'a';
    case '%':
        return literal(p, end, '%');
    default:
        return false;
    }
}

bool an__time_format(const char *text, size_t n, const char *format, int64_t *us)
{
    double days;
    if (!strcmp(format, "excel")) return an_real_parse(text, n, &days) && an__time_serial(days, us);
    const char *p = text, *end = text + n;
    moment m = { .year = 1970, .month = 1, .day = 1, .afternoon = -1 };
    for (const char *f = format; *f; f++) {
        if (*f == '%') {
            if (!field(*++f, &p, end, &m)) return false;
        } else if (*f == ' ') {
            while (p < end && *p == ' ') p++;
        } else if (!literal(&p, end, *f)) {
            return false;
        }
    }
    return p == end && finish(&m, us);
}

bool an__time_format_check(const char *format, an_error *err)
{
    if (!strcmp(format, "excel")) return true;
    for (const char *f = format; *f; f++) {
        if (*f == '%' && (!*++f || !strchr("YymbdHIMSfzp%", *f))) {
            an_fail(err, AN_USAGE, "the date format \"%s\" has an unknown field", format);
            return an_hint(err, "fields: %%Y %%y %%m %%b %%d %%H %%I %%p %%M %%S %%f %%z");
        }
    }
    return true;
}
