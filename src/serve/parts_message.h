/* parts_message.h - what a station says about a part, checked. */
#ifndef AN_SERVE_PARTS_MESSAGE_H
#define AN_SERVE_PARTS_MESSAGE_H

#include "andon/base.h"

/* {"model", "attempt", "features", "complete"}, all optional; anything else is AN_INPUT with the nearest name */
bool an__part_message(const json_t *m, int64_t *attempt, an_error *err);
bool an__part_serial(const char *serial, an_error *err); /* at most 128 bytes of UTF-8 without control characters */
/* Adds what a station measured. The same value again is no news; another value for the same feature is a doubt. */
void an__part_merge(json_t *known, const json_t *fresh, json_t *why);
void an__part_doubt(json_t *why, const char *format, ...) AN_PRINTF(2, 3); /* adds a reason for `test` */

#endif
