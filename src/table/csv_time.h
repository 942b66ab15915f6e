/* csv_time.h - dates and times in text. */
#ifndef ANDON_TABLE_CSV_TIME_H
#define ANDON_TABLE_CSV_TIME_H

#include "andon/base.h"

/* ISO 8601: a date, optionally time of day to the microsecond, optionally Z or +hh:mm (no zone: UTC); the whole text. */
bool an__time_iso(const char *text, size_t n, int64_t *us);
/* 31.12.2026 or 31.12.26, optionally with a time of day; between dots the day always comes first. */
bool an__time_dotted(const char *text, size_t n, int64_t *us);
/* 03/04/2026 or 3-4-26, optionally with a time of day (AM and PM, too): a date once somebody knows which of day and month comes first. */
typedef struct an__slashed {
    int first, second, year, hour, minute, second_of_minute, fraction_us, afternoon; /* afternoon -1: 24-hour clock */
} an__slashed;
bool an__time_slashed(const char *text, size_t n, an__slashed *out); /* at least one reading is a date */
bool an__time_ordered(const an__slashed *s, bool day_first, int64_t *us);
/* Days since 1899-12-30 with the time of day as their fraction, as Excel keeps dates (1900 system); to the millisecond. 1954 to 2119. */
bool an__time_serial(double days, int64_t *us);
/* As strptime: %Y %y %m %d %H %I %p %M %S %f %b %z %%; a blank in the format matches any blanks. */
bool an__time_format(const char *text, size_t n, const char *format, int64_t *us);
bool an__time_format_check(const char *format, an_error *err);

#endif
