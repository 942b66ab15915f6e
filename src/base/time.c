/* time.c - clocks, and points in time as ISO 8601 text. Always UTC: zones are the reader's affair. */
#include "andon/base.h"

#include <time.h>

double an_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int64_t an_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 0000-01-01 to the first of January of year (0..9999) in the proleptic Gregorian calendar; year 0 is a leap year. */
static int64_t days_before(int year)
{
    int64_t last = year - 1;
    return year == 0 ? 0 : (int64_t)year * 365 + last / 4 - last / 100 + last / 400 + 1;
}

char *an_time_text(int64_t us, char buf[32])
{
    const int64_t epoch = 719528, day_us = 86400 * INT64_C(1000000); /* days from 0000-01-01 to 1970-01-01 */
    const int64_t first = -epoch * day_us, last = (days_before(9999) + 365 - epoch) * day_us - 1;
    if (us < first) us = first;
    if (us > last) us = last;
    int64_t shifted = us - first, days = shifted / day_us, rest = shifted % day_us;
    int year = (int)(days / 366); /* never above the true year, and at most seven below */
    while (year < 9999 && days_before(year + 1) <= days) year++;
    int day = (int)(days - days_before(year)), month = 0;
    static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    for (int length; month < 11 && day >= (length = lengths[month] + (month == 1 && leap(year))); month++) day -= length;
    int seconds = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
    int n = snprintf(buf, 32, "%04d-%02d-%02dT%02d:%02d:%02d", year % 10000, month + 1, day + 1, seconds / 3600 % 24, seconds / 60 % 60,
                     seconds % 60);
    if (fraction) n += snprintf(buf + n, 32 - (size_t)n, ".%06d", fraction);
    snprintf(buf + n, 32 - (size_t)n, "Z");
    return buf;
}
