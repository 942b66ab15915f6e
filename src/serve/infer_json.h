/* infer_json.h - a strict reader of JSON text (RFC 8259) for requests: one pass, nothing is built, values are asked for in the order they
 * stand. Names of unknown keys and the values behind them are checked, then forgotten; whoever asks for keys refuses doubled ones.
 */
#ifndef AN_SERVE_INFER_JSON_H
#define AN_SERVE_INFER_JSON_H

#include "andon/base.h"
#include "andon/wire.h"

typedef struct an__json {
    const char *start, *at, *end;
    int depth, limit; /* of nesting */
    bool takes_nan;   /* NaN is a value: Python's json writes it. Set after an__json_open, for what speaks Python's dialect. */
    an_buf text;      /* of the last string with escapes in it; keeps its memory */
    an_error *err;
} an__json;

void an__json_open(an__json *j, an_span body, int limit, an_error *err); /* j->text is kept from the last use */

/* The kind of the next value, which stays: '{' '[' '"' 't' 'f' 'n', '0' for numbers; 0: none of these (an__json_unexpected says so). */
char an__json_peek(an__json *j);
/* "expected <what>, found ..."; always false. NaN, Infinity and their kin are told apart. */
bool an__json_unexpected(an__json *j, const char *what);
/* AN_INPUT with line and column of where the reader stands; always false. */
bool an__json_fail(an__json *j, const char *format, ...) AN_PRINTF(2, 3);

/* Objects and arrays: enter, then next until 0; `first` is true for the first call. -1: failed. */
bool an__json_enter(an__json *j, char open, const char *what);
int an__json_member(an__json *j, bool first, an_span *key); /* the key is valid until the next string */
int an__json_element(an__json *j, bool first);

/* UTF-8 checked, escapes decoded (lone surrogates refused); valid until the next string is read. */
bool an__json_string(an__json *j, an_span *out);
/* Correctly rounded; refused where no double is as large. literal (may be NULL): as written. */
bool an__json_number(an__json *j, double *value, an_span *literal);
bool an__json_integer(an__json *j, int64_t *value, const char *what); /* within int64; 1.0 is 1, as JSON Schema has it */
bool an__json_bool(an__json *j, bool *value, const char *what);
bool an__json_null(an__json *j); /* after peek said 'n' */
bool an__json_nan(an__json *j);  /* NaN is next, and taken; false: it is not, or may not be */
bool an__json_skip(an__json *j); /* any value, checked */
bool an__json_end(an__json *j);  /* nothing but blanks is left */

#endif
