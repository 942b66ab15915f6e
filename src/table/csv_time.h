/* csv_time.h - dates and times in text. */
#ifndef ANDON_TABLE_CSV_TIME_H
#define ANDON_TABLE_CSV_TIME_H

#include "andon/base.h"

/* ISO 8601: a date, optionally time of day to the microsecond, optionally Z or +hh:mm (no zone: UTC); the whole text. */
bool an__time_iso(const char *text, size_t n, int64_t *us);
/* 31.12.2026, optionally with a time of day; between dots the day always comes first. */
bool an__time_dotted(const char *text, size_t n, int64_t *us);
/* As strptime: %Y %y %m %d %H %I %p %M %S %f %b %z %%; a blank in the format matches any blanks. */
bool an__time_format(const char *text, size_t n, const char *format, int64_t *us);
bool an__time_format_check(const char *format, an_error *err);

#endif
