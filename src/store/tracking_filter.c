/* tracking_filter.c - the filter language of searches: "metrics.acc > 0.9 AND params.lr = '0.1' AND tags.line LIKE 'A%'".
 *
 *   filter     = [comparison {AND comparison}]
 *   comparison = field operator value | field [NOT] IN "(" text {"," text} ")" | field IS [NOT] NULL
 *   field      = [kind "."] name          kind: attribute(s) attr run, metric(s), parameter(s) param(s), tag(s), dataset(s)
 *   name       = word | "..." | `...`, behind a kind also '...'
 *   operator   = "=" "==" "!=" "<>" "<" "<=" ">" ">=" LIKE ILIKE
 *   value      = number | '...' | "..."
 *
 * No OR and no brackets, as in the clients' own grammar. What the fields mean is tracking_search.c's; nothing here touches the database.
 */
#include "store/tracking.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef enum token_kind { END, WORD, NAME /* quoted by ` */, TEXT /* quoted by ' or " */, SIGN } token_kind;

typedef struct reader {
    const char *text, *at, *from; /* from: start of the token, for messages */
    token_kind kind;
    an_buf token;
    char quote;
    an_error *err;
} reader;

static bool bad(reader *r, const char *what)
{
    an_fail(r->err, AN_INPUT, "filter: %s at character %zu, before \"%.40s\"", what, (size_t)(r->from - r->text) + 1, r->from);
    return an_hint(r->err, "Conditions are joined by AND, for example: metrics.acc > 0.9 and params.lr = '0.1' and tags.line LIKE 'A%%'");
}

static bool wordy(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_-./:+@", c)) || (unsigned char)c >= 0x80;
}

/* A quoted part; the quote itself is doubled inside. */
static bool quoted(reader *r, char quote)
{
    for (r->at++; *r->at; r->at++) {
        if (*r->at == quote && r->at[1] != quote) {
            r->at++;
            return true;
        }
        if (*r->at == quote) r->at++;
        an_buf_putc(&r->token, *r->at);
    }
    return bad(r, "a quote is not closed");
}

static bool next(reader *r)
{
    while (isspace((unsigned char)*r->at)) r->at++;
    r->from = r->at;
    an_buf_clear(&r->token);
    char c = *r->at;
    r->quote = c;
    if (!c) {
        r->kind = END;
        an_buf_puts(&r->token, "");
        return true;
    }
    if (c == '\'' || c == '"' || c == '`') {
        r->kind = c == '`' ? NAME : TEXT;
        return quoted(r, c);
    }
    if (wordy(c)) {
        r->kind = WORD;
        while (wordy(*r->at)) an_buf_putc(&r->token, *r->at++);
        return true;
    }
    r->kind = SIGN;
    an_buf_putc(&r->token, *r->at++);
    if (strchr("<>=!", c) && (*r->at == '=' || (c == '<' && *r->at == '>'))) an_buf_putc(&r->token, *r->at++);
    return true;
}

static const char *token(const reader *r)
{
    return r->token.data ? r->token.data : "";
}

static bool is_word(const reader *r, const char *word)
{
    return r->kind == WORD && !strcasecmp(token(r), word);
}

static bool is_sign(const reader *r, const char *sign)
{
    return r->kind == SIGN && !strcmp(token(r), sign);
}

static bool kind_of(const char *text, size_t n, an__field_kind *kind)
{
    static const struct {
        const char *word;
        an__field_kind kind;
    } kinds[] = {
        { "attribute", AN__FIELD_ATTRIBUTE },
        { "attributes", AN__FIELD_ATTRIBUTE },
        { "attr", AN__FIELD_ATTRIBUTE },
        { "run", AN__FIELD_ATTRIBUTE },
        { "metric", AN__FIELD_METRIC },
        { "metrics", AN__FIELD_METRIC },
        { "param", AN__FIELD_PARAM },
        { "params", AN__FIELD_PARAM },
        { "parameter", AN__FIELD_PARAM },
        { "parameters", AN__FIELD_PARAM },
        { "tag", AN__FIELD_TAG },
        { "tags", AN__FIELD_TAG },
        { "dataset", AN__FIELD_DATASET },
        { "datasets", AN__FIELD_DATASET },
    };
    for (size_t i = 0; i < AN_COUNT(kinds); i++)
        if (strlen(kinds[i].word) == n && !strncasecmp(kinds[i].word, text, n)) {
            *kind = kinds[i].kind;
            return true;
        }
    return false;
}

/* [kind "."] name; the reader stands behind it afterwards. */
static bool field(reader *r, an__field_kind *kind, char **key)
{
    *kind = AN__FIELD_ATTRIBUTE;
    *key = NULL;
    if (r->kind == NAME) {
        *key = an_strdup(token(r));
        return next(r);
    }
    if (r->kind != WORD && !(r->kind == TEXT && r->quote == '"')) return bad(r, "a field such as metrics.accuracy is expected");
    const char *text = token(r), *dot = r->kind == WORD ? strchr(text, '.') : NULL;
    if (!dot) {
        *key = an_strdup(text);
        return next(r);
    }
    if (!kind_of(text, (size_t)(dot - text), kind))
        return bad(r, "the part before the dot must be attributes, metrics, params, tags or datasets");
    if (dot[1]) {
        *key = an_strdup(dot + 1);
        return next(r);
    }
    if (*r->at != '"' && *r->at != '`' && *r->at != '\'') return bad(r, "a name is expected behind the dot");
    if (!next(r)) return false;
    *key = an_strdup(token(r));
    return next(r);
}

static bool compare_sign(reader *r, an__compare *out)
{
    static const struct {
        const char *sign;
        an__compare compare;
    } signs[] = { { "=", AN__EQ }, { "==", AN__EQ }, { "!=", AN__NE }, { "<>", AN__NE },
                  { "<", AN__LT }, { "<=", AN__LE }, { ">", AN__GT },  { ">=", AN__GE } };
    for (size_t i = 0; i < AN_COUNT(signs); i++)
        if (is_sign(r, signs[i].sign)) {
            *out = signs[i].compare;
            return true;
        }
    if (is_word(r, "LIKE") || is_word(r, "ILIKE")) {
        *out = is_word(r, "LIKE") ? AN__LIKE : AN__ILIKE;
        return true;
    }
    return bad(r, "a comparison (= != < <= > >= LIKE ILIKE IN IS) is expected");
}

static bool text_list(reader *r, an_list *out)
{
    if (!is_sign(r, "(")) return bad(r, "a list in brackets is expected");
    do {
        if (!next(r)) return false;
        if (r->kind != TEXT && r->kind != WORD) return bad(r, "a value in quotes is expected");
        an_list_add(out, token(r));
        if (!next(r)) return false;
    } while (is_sign(r, ","));
    return is_sign(r, ")") ? next(r) : bad(r, "\")\" is expected");
}

static bool comparison(reader *r, an__term *t)
{
    if (!field(r, &t->kind, &t->key)) return false;
    bool negated = is_word(r, "NOT");
    if (negated && !next(r)) return false;
    if (is_word(r, "IN")) {
        t->compare = negated ? AN__NOT_IN : AN__IN;
        return next(r) && text_list(r, &t->texts);
    }
    if (negated) return bad(r, "IN is expected behind NOT");
    if (is_word(r, "IS")) {
        if (!next(r)) return false;
        t->compare = AN__IS_NULL;
        if (is_word(r, "NOT")) {
            t->compare = AN__IS_NOT_NULL;
            if (!next(r)) return false;
        }
        return is_word(r, "NULL") ? next(r) : bad(r, "NULL is expected behind IS");
    }
    if (!compare_sign(r, &t->compare) || !next(r)) return false;
    if (r->kind == TEXT) {
        an_list_add(&t->texts, token(r));
    } else {
        if (r->kind != WORD || !an_real_parse(token(r), r->token.size, &t->value))
            return bad(r, "a number, or a text in quotes, is expected");
        t->number = true;
        an_list_add(&t->texts, token(r));
    }
    return next(r);
}

bool an__filter_parse(const char *text, an__filter *out, an_error *err)
{
    *out = (an__filter){ 0 };
    if (!text) return true;
    if (strlen(text) > AN__FILTER_BYTES) return an_fail(err, AN_INPUT, "filter: more than %d bytes", AN__FILTER_BYTES);
    reader r = { .text = text, .at = text, .from = text, .err = err };
    bool good = next(&r), more = good && r.kind != END;
    while (good && more) {
        if (out->count == AN__FILTER_TERMS) {
            good = an_fail(err, AN_INPUT, "filter: more than %d comparisons", AN__FILTER_TERMS);
            break;
        }
        out->term = an_resize_n(out->term, out->count + 1, sizeof *out->term);
        an__term *t = &out->term[out->count++];
        *t = (an__term){ 0 };
        good = comparison(&r, t);
        more = good && is_word(&r, "AND");
        if (good && !more && r.kind != END) good = bad(&r, is_word(&r, "OR") ? "OR is not part of the language" : "AND is expected");
        if (more) good = next(&r);
    }
    an_buf_free(&r.token);
    if (!good) an__filter_free(out);
    return good;
}

void an__filter_free(an__filter *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->term[i].key);
        an_list_free(&f->term[i].texts);
    }
    free(f->term);
    *f = (an__filter){ 0 };
}

bool an__order_parse(const char *text, an__field_kind *kind, char **key, bool *descending, an_error *err)
{
    reader r = { .text = text, .at = text, .from = text, .err = err };
    *key = NULL;
    *descending = false;
    bool good = strlen(text) <= AN__FILTER_BYTES || an_fail(err, AN_INPUT, "order_by: more than %d bytes", AN__FILTER_BYTES);
    good = good && next(&r) && field(&r, kind, key);
    if (good && (is_word(&r, "ASC") || is_word(&r, "DESC"))) {
        *descending = is_word(&r, "DESC");
        good = next(&r);
    }
    if (good && r.kind != END) good = bad(&r, "ASC, DESC or nothing is expected");
    an_buf_free(&r.token);
    if (good) return true;
    free(*key);
    *key = NULL;
    return an_context(err, "order_by");
}
