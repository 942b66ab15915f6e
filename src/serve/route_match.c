/* route_match.c - finds the row of the route table for a method and a path: a tree of segments, literal ones before parameters. */
#include "serve/routes.h"

#include <stdlib.h>
#include <string.h>

enum { METHODS = 8, DEPTH = 24 /* segments of the longest template */ };

typedef struct node node;
typedef struct edge {
    an_span literal; /* of the template: the whole segment, or what stands behind a parameter ("{name}:predict") */
    bool parameter, rest;
    node *to;
} edge;

struct node { /* what has been read so far */
    edge *edge;
    size_t edges;
    const an__route *route[METHODS]; /* that end here */
    size_t routes;
};

struct an__router {
    node root;
    const char **paths; /* all templates, for hints */
    size_t count;
};

/* ---- text ------------------------------------------------------------------------------------------------------------------ */

static bool same(an_span a, an_span b)
{
    return a.size == b.size && !memcmp(a.data, b.data, a.size);
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* Percent-decoded into out (room for s.size + 1); false for an escape that is none, or NUL. */
static bool decode(an_span s, char *out, size_t *n)
{
    size_t k = 0;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (c == '%') {
            int high = i + 2 < s.size ? hex(s.data[i + 1]) : -1, low = i + 2 < s.size ? hex(s.data[i + 2]) : -1;
            if (high < 0 || low < 0 || (!high && !low)) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c) return false;
        out[k++] = c;
    }
    out[k] = '\0';
    *n = k;
    return true;
}

an_span an__route_path(an_span target)
{
    an_span s = target;
    const char *scheme = s.size && *s.data != '/' ? memmem(s.data, s.size, "://", 3) : NULL;
    if (scheme) {
        const char *from = scheme + 3, *end = s.data + s.size, *slash = memchr(from, '/', (size_t)(end - from));
        s = slash ? (an_span){ slash, (size_t)(end - slash) } : (an_span){ end, 0 };
    }
    const char *query = s.size ? memchr(s.data, '?', s.size) : NULL;
    if (query) s.size = (size_t)(query - s.data);
    return s;
}

/* The next segment that is not empty or ".", cut off *path; false at the end. */
static bool next(an_span *path, an_span *segment)
{
    while (path->size) {
        while (path->size && *path->data == '/') path->data++, path->size--;
        const char *slash = path->size ? memchr(path->data, '/', path->size) : NULL;
        *segment = (an_span){ path->data, slash ? (size_t)(slash - path->data) : path->size };
        path->data += segment->size;
        path->size -= segment->size;
        if (segment->size && !(segment->size == 1 && *segment->data == '.')) return true;
    }
    return false;
}

/* ---- the tree ---------------------------------------------------------------------------------------------------------------- */

/* "{name}:predict" -> name, ":predict"; false for a literal. */
static bool template_parts(an_span segment, an_span *name, an_span *behind, bool *rest)
{
    const char *close = segment.size && *segment.data == '{' ? memchr(segment.data, '}', segment.size) : NULL;
    *behind = segment;
    *rest = false;
    if (!close) return false;
    *name = (an_span){ segment.data + 1, (size_t)(close - segment.data - 1) };
    *rest = name->size > 3 && !memcmp(name->data + name->size - 3, "...", 3);
    if (*rest) name->size -= 3;
    *behind = (an_span){ close + 1, segment.size - name->size - 2 - (*rest ? 3 : 0) };
    return true;
}

/* Literals first, then parameters with more behind them, then the rest of the path. */
static int rank(const edge *e)
{
    return e->rest ? 3 : !e->parameter ? 0 : e->literal.size ? 1 : 2;
}

static node *step(node *from, an_span segment)
{
    an_span name;
    edge made = { 0 };
    made.parameter = template_parts(segment, &name, &made.literal, &made.rest);
    for (size_t i = 0; i < from->edges; i++) {
        edge *e = &from->edge[i];
        if (e->parameter == made.parameter && e->rest == made.rest && same(e->literal, made.literal)) return e->to;
    }
    made.to = an_alloc(sizeof *made.to);
    from->edge = an_resize_n(from->edge, from->edges + 1, sizeof *from->edge);
    size_t at = from->edges++;
    while (at && rank(&from->edge[at - 1]) > rank(&made)) from->edge[at] = from->edge[at - 1], at--;
    from->edge[at] = made;
    return made.to;
}

static bool add(an__router *r, const an__route *route, an_error *err)
{
    node *at = &r->root;
    an_span path = { route->path, strlen(route->path) }, segment;
    size_t depth = 0;
    while (next(&path, &segment)) {
        at = step(at, segment);
        if (++depth > DEPTH) return an_fail(err, AN_FAILED, "route %s has more than %d segments", route->path, DEPTH);
    }
    for (size_t i = 0; i < at->routes; i++)
        if (!strcmp(at->route[i]->method, route->method))
            return an_fail(err, AN_FAILED, "routes %s and %s of %s are one", at->route[i]->path, route->path, route->method);
    if (at->routes == METHODS) return an_fail(err, AN_FAILED, "route %s has more than %d methods", route->path, METHODS);
    at->route[at->routes++] = route;
    r->paths = an_resize_n(r->paths, r->count + 1, sizeof *r->paths);
    r->paths[r->count++] = route->path;
    return true;
}

an__router *an__router_new(const an__route *const *tables, size_t count, an_error *err)
{
    an__router *r = an_alloc(sizeof *r);
    for (size_t t = 0; t < count; t++)
        for (const an__route *route = tables[t]; route->method; route++)
            if (!add(r, route, err)) {
                an__router_free(r);
                return NULL;
            }
    return r;
}

static void node_free(node *n)
{
    for (size_t i = 0; i < n->edges; i++) {
        node_free(n->edge[i].to);
        free(n->edge[i].to);
    }
    free(n->edge);
}

void an__router_free(an__router *r)
{
    if (!r) return;
    node_free(&r->root);
    free(r->paths);
    free(r);
}

/* ---- finding ------------------------------------------------------------------------------------------------------------------- */

/* A segment ".." stands in it. */
static bool climbs(const char *path)
{
    for (const char *s = path; (s = strstr(s, "..")) != NULL; s++)
        if ((s == path || s[-1] == '/') && (!s[2] || s[2] == '/')) return true;
    return false;
}

/* The node that `path` leads to and that has routes; what parameters match is appended to m from m->text[used] on. */
static const node *walk(const node *n, an_span path, an__route_match *m, size_t used)
{
    an_span segment;
    if (!next(&path, &segment)) return n->routes ? n : NULL;
    char *text = m->text + used;
    size_t size;
    if (segment.size + path.size + 1 > sizeof m->text - used || !decode(segment, text, &size)) return NULL;
    if (!strcmp(text, "..")) return NULL;
    size_t count = m->count;
    for (size_t i = 0; i < n->edges; i++) {
        const edge *e = &n->edge[i];
        const node *to = NULL;
        m->count = count;
        if (!e->parameter) {
            if (same(e->literal, (an_span){ text, size })) to = walk(e->to, path, m, used);
        } else if (count < AN__ROUTE_VALUES) {
            size_t all = size, behind = e->literal.size;
            if (e->rest) {
                an_span left = { segment.data, segment.size + path.size };
                if (!decode(left, text, &all) || climbs(text)) continue;
            } else if (size <= behind || memcmp(text + size - behind, e->literal.data, behind)) {
                continue;
            }
            char was = text[all - behind];
            text[all - behind] = '\0';
            m->value[m->count++].value = text;
            to = e->rest ? (e->to->routes ? e->to : NULL) : walk(e->to, path, m, used + all + 1);
            if (!to) text[all - behind] = was;
        }
        if (to) return to;
        if (!decode(segment, text, &size)) return NULL; /* a rest may have overwritten it */
    }
    m->count = count;
    return NULL;
}

static void allow(const node *n, char *out, size_t room)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < n->routes; i++) {
        const char *method = n->route[i]->method;
        int wrote = snprintf(out + used, room - used, "%s%s%s", used ? ", " : "", method, strcmp(method, "GET") ? "" : ", HEAD");
        if (wrote > 0 && (size_t)wrote < room - used) used += (size_t)wrote;
    }
}

/* Names as the template of the row that matched has them: rows of one path may call their parameters differently. */
static void name_values(an__route_match *m)
{
    an_span path = { m->route->path, strlen(m->route->path) }, segment, behind;
    bool rest;
    for (size_t i = 0; i < m->count && next(&path, &segment);)
        if (template_parts(segment, &m->value[i].name, &behind, &rest)) i++;
}

an__route_result an__router_find(const an__router *r, an_span method, an_span path, an__route_match *out)
{
    out->route = NULL;
    out->count = 0;
    out->allow[0] = '\0';
    const node *n = walk(&r->root, path, out, 0);
    if (!n) return AN__ROUTE_NOWHERE;
    for (size_t i = 0; i < n->routes; i++) {
        const char *own = n->route[i]->method;
        bool get = !strcmp(own, "GET") && method.size == 4 && !memcmp(method.data, "HEAD", 4);
        if (!get && !same((an_span){ own, strlen(own) }, method)) continue;
        out->route = n->route[i];
        if (!get) break; /* a row of HEAD itself goes before that of GET */
    }
    if (out->route) {
        name_values(out);
        return AN__ROUTE_FOUND;
    }
    allow(n, out->allow, sizeof out->allow);
    return AN__ROUTE_METHOD;
}

const char *an__match_value(const an__route_match *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++)
        if (same(m->value[i].name, (an_span){ name, strlen(name) })) return m->value[i].value;
    return NULL;
}

const char *an__router_nearest(const an__router *r, an_span path)
{
    char *text = an_strndup(path.data, path.size < 256 ? path.size : 256);
    const char *near = an_nearest(text, r->paths, r->count);
    free(text);
    return near;
}
