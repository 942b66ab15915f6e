/* pipeline_read.c - pipeline files as nodes: reading, checking every word of them, expanding files that use files. Order and inputs
 * are pipeline_plan.c. */
#include "flow/pipeline.h"

#include <stdlib.h>
#include <string.h>

typedef struct source { /* one file being read */
    an_pipeline *p;
    const an_yaml *yaml;
    const char *path; /* as shown in messages */
    const char *folder;
    const char *prefix; /* "gan." for the steps of a nested file; "" at the top */
    const struct source *outer;
    char *real; /* to notice a file that uses itself; NULL when read from memory */
    int depth;
} source;

typedef struct span {
    int first, last;
} span; /* nodes by which a child is entered and left */

static bool expand(const source *f, int entry, int **ends, size_t *end_count, int retries, an_error *err);

/* ---- errors ---- */

static int line_of(const source *f, const char *path)
{
    char *at = an_strdup(path);
    int line = 0;
    /* the line of the nearest thing that has one */
    for (;;) {
        line = an_yaml_line(f->yaml, at);
        char *dot = strrchr(at, '.');
        if (line || !dot) break;
        *dot = '\0';
    }
    free(at);
    return line;
}

/* "flow.yaml:7" for the value at `path`. */
static char *where_of(const source *f, const char *path)
{
    int line = line_of(f, path);
    return line ? an_format("%s:%d", f->path, line) : an_strdup(f->path);
}

/* Adds file, line and step to an error; always false. */
static bool at(const source *f, const char *id, const char *path, an_error *err)
{
    char *where = where_of(f, path);
    if (id)
        an_context(err, "%s: step \"%s%s\"", where, f->prefix, id);
    else
        an_context(err, "%s", where);
    an_where(err, "%s", where);
    free(where);
    return false;
}

static bool known_keys(const source *f, const char *id, const json_t *object, const char *path, const char *const *keys, size_t count,
                       an_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) { /* jansson iterates over non-const values only */
        size_t i = 0;
        while (i < count && strcmp(key, keys[i]) != 0) i++;
        if (i < count) continue;
        char *inner = path[0] ? an_format("%s.%s", path, key) : an_strdup(key);
        an_fail(err, AN_INPUT, "unknown key \"%s\"", key);
        an__near_hint(key, keys, count, "Keys here are", err);
        at(f, id, inner, err);
        free(inner);
        return false;
    }
    return true;
}

/* ---- one step ---- */

static bool is_file_name(const char *use)
{
    size_t n = strlen(use);
    return (n > 5 && strcmp(use + n - 5, ".yaml") == 0) || (n > 4 && strcmp(use + n - 4, ".yml") == 0);
}

static const an_step_kind *find_kind(const an_pipeline *p, const char *name, an_error *err)
{
    const char **names = an_alloc_n(p->kind_count + 1, sizeof *names);
    const an_step_kind *found = NULL;
    for (size_t i = 0; i < p->kind_count; i++) {
        names[i] = p->kinds[i]->name;
        if (strcmp(names[i], name) == 0) found = p->kinds[i];
    }
    if (!found) {
        an_fail(err, AN_INPUT, "there is no kind of step \"%s\"", name);
        an__near_hint(name, names, p->kind_count, "Kinds are", err);
    }
    free(names);
    return found;
}

static bool read_retries(const source *f, const char *id, const json_t *step, const char *path, int inherited, int *retries, an_error *err)
{
    const json_t *value = json_object_get(step, "retries");
    *retries = inherited;
    if (!value || json_is_null(value)) return true;
    if (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= AN__RETRIES_MAX) {
        *retries = (int)json_integer_value(value);
        return true;
    }
    char *inner = an_format("%s.retries", path);
    an_fail(err, AN_INPUT, "retries is not a whole number in 0 .. %d", AN__RETRIES_MAX);
    at(f, id, inner, err);
    free(inner);
    return false;
}

static bool plain_step(const source *f, const char *id, const char *path, const char *use, const json_t *set, int retries, span *out,
                       an_error *err)
{
    an_pipeline *p = f->p;
    char *use_path = an_format("%s.use", path);
    const an_step_kind *kind = find_kind(p, use, err);
    if (!kind) at(f, id, use_path, err);
    free(use_path);
    if (!kind) return false;
    if (++p->steps > AN__STEPS_MAX) {
        an_fail(err, AN_INPUT, "a pipeline has at most %d steps", AN__STEPS_MAX);
        return at(f, id, path, err);
    }
    int i = an__node_add(p);
    an__node *n = &p->nodes[i];
    n->id = an_format("%s%s", f->prefix, id);
    n->where = where_of(f, path);
    n->folder = an_strdup(f->folder);
    n->kind = kind;
    n->retries = retries;
    n->options = an_alloc(kind->options_size ? kind->options_size : 1);
    an_params_defaults(kind->params, n->options);
    *out = (span){ i, i };
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)set, key, value) {
        if (an__pipeline_set_json(p, i, key, value, err)) continue;
        if (err && err->code == AN_USAGE) err->code = AN_INPUT;
        char *inner = an_format("%s.set.%s", path, key);
        at(f, id, inner, err);
        free(inner);
        return false;
    }
    return true;
}

/* Values for the steps of a nested pipeline: "train.rate: 3". */
static bool set_inside(const source *f, const char *id, const char *path, const char *inside, const json_t *set, an_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)set, key, value) {
        const char *dot = strrchr(key, '.');
        char *step = dot ? an_strndup(key, (size_t)(dot - key)) : NULL, *full = dot ? an_format("%s%s", inside, step) : NULL;
        int node = full ? an__pipeline_find(f->p, full) : -1;
        bool good = false;
        if (!dot) {
            an_fail(err, AN_INPUT, "\"%s\" does not say which step of the nested pipeline is meant", key);
            an_hint(err, "Write STEP.%s: value.", key);
        } else if (node < 0) {
            an__step_unknown(f->p, inside, step, err);
        } else {
            good = an__pipeline_set_json(f->p, node, dot + 1, value, err);
        }
        free(step);
        free(full);
        if (good) continue;
        if (err && err->code == AN_USAGE) err->code = AN_INPUT;
        char *inner = an_format("%s.set.%s", path, key);
        at(f, id, inner, err);
        free(inner);
        return false;
    }
    return true;
}

static bool uses_itself(const source *f, const char *real, an_error *err)
{
    for (const source *o = f; o; o = o->outer) {
        if (!o->real || strcmp(o->real, real) != 0) continue;
        an_buf chain = { 0 };
        for (const source *i = f; i; i = i == o ? NULL : i->outer) {
            char *rest = chain.size ? an_strdup(chain.data) : an_strdup("");
            an_buf_clear(&chain);
            an_buf_printf(&chain, "%s -> %s", an_path_base(i->path), rest);
            free(rest);
        }
        an_fail(err, AN_INPUT, "the pipeline files use each other in a circle: %s%s", chain.data, an_path_base(o->path));
        an_buf_free(&chain);
        return true;
    }
    return false;
}

static bool nested_step(const source *f, const char *id, const char *path, const char *use, const json_t *set, int retries, span *out,
                        an_error *err)
{
    char *file = an_path_join(f->folder, use), *real = realpath(file, NULL), *use_path = an_format("%s.use", path);
    char *prefix = an_format("%s%s.", f->prefix, id), *folder = NULL;
    an_yaml *yaml = NULL;
    bool good = false;
    if (f->depth >= AN__NESTED_MAX) {
        an_fail(err, AN_INPUT, "pipeline files are nested deeper than %d", AN__NESTED_MAX);
    } else if (!real) {
        an_fail(err, AN_NOT_FOUND, "there is no pipeline file \"%s\"", file);
        an_hint(err, "File names start at the folder of the file that names them.");
    } else {
        good = !uses_itself(f, real, err) && (yaml = an_yaml_read(file, err));
    }
    if (!good) at(f, id, use_path, err);
    if (good) {
        const char *slash = strrchr(file, '/');
        folder = slash ? an_strndup(file, slash == file ? 1 : (size_t)(slash - file)) : an_strdup(".");
        source inner = {
            .p = f->p, .yaml = yaml, .path = file, .folder = folder, .prefix = prefix, .outer = f, .real = real, .depth = f->depth + 1
        };
        out->first = an__node_gate(f->p, prefix, where_of(f, path));
        int *ends = NULL;
        size_t end_count = 0;
        good = expand(&inner, out->first, &ends, &end_count, retries, err);
        out->last = an__node_gate(f->p, prefix, where_of(f, path));
        for (size_t i = 0; i < end_count; i++) an__node_need(&f->p->nodes[out->last], ends[i]);
        free(ends);
        good = good && set_inside(f, id, path, prefix, set, err);
    }
    an_yaml_free(yaml);
    free(folder);
    free(prefix);
    free(use_path);
    free(real);
    free(file);
    return good;
}

static bool id_check(const char *id, an_error *err)
{
    if (!an_name_check("name of the step", id, err)) {
        if (err && err->code == AN_USAGE) err->code = AN_INPUT;
        return false;
    }
    if (!strchr(id, '.')) return true;
    an_fail(err, AN_INPUT, "the name has a dot, which joins the name of a nested pipeline to that of its step");
    return an_hint(err, "Use '-' or '_'.");
}

static bool read_step(const source *f, const char *id, const json_t *step, int inherited, span *out, an_error *err)
{
    static const char *const keys[] = { "use", "set", "needs", "retries" };
    char *path = an_format("steps.%s", id);
    int retries = 0;
    bool good = id_check(id, err);
    if (good && !json_is_object(step)) {
        good = an_fail(err, AN_INPUT, "is not a map with the key \"use\"");
        an_hint(err, "Write \"%s: {use: KIND}\".", id);
    }
    const json_t *use = json_object_get(step, "use"), *set = json_object_get(step, "set");
    if (!good) at(f, id, path, err);
    good = good && known_keys(f, id, step, path, keys, AN_COUNT(keys), err);
    if (good && (!json_is_string(use) || !json_string_value(use)[0])) {
        an_fail(err, AN_INPUT, "\"use\" is missing: it names a kind of step or a pipeline file");
        good = at(f, id, path, err);
    }
    if (good && set && !json_is_null(set) && !json_is_object(set)) {
        char *inner = an_format("%s.set", path);
        an_fail(err, AN_INPUT, "\"set\" is not a map of parameters and values");
        good = at(f, id, inner, err);
        free(inner);
    }
    good = good && read_retries(f, id, step, path, inherited, &retries, err);
    if (good) {
        const char *name = json_string_value(use);
        good = (is_file_name(name) ? nested_step : plain_step)(f, id, path, name, json_is_object(set) ? set : NULL, retries, out, err);
    }
    free(path);
    return good;
}

/* ---- one file ---- */

/* needs of one child as indices into the children; absent: the one before. */
typedef struct child {
    const char *id;
    span nodes;
    size_t *needs;
    size_t need_count;
    bool needed; /* by another one */
    int mark;    /* while looking for cycles: 1 on the way, 2 done */
} child;

static bool find_need(const source *f, child *children, size_t count, size_t self, const char *name, const char *path, an_error *err)
{
    size_t k = 0;
    while (k < count && strcmp(children[k].id, name) != 0) k++;
    child *c = &children[self];
    if (k < count) {
        for (size_t i = 0; i < c->need_count; i++)
            if (c->needs[i] == k) return true;
        c->needs[c->need_count++] = k;
        children[k].needed = true;
        return true;
    }
    const char **names = an_alloc_n(count, sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = children[i].id;
    an_fail(err, AN_INPUT, "it needs \"%s\", and there is no such step in this file", name);
    an__near_hint(name, names, count, "The steps are", err);
    free(names);
    at(f, c->id, path, err);
    return false;
}

static bool read_needs(const source *f, child *children, size_t count, size_t self, const json_t *step, an_error *err)
{
    child *c = &children[self];
    json_t *needs = json_object_get(step, "needs");
    c->needs = an_alloc_n(count, sizeof *c->needs);
    char *path = an_format("steps.%s.needs", c->id);
    bool good = true;
    if (!needs || json_is_null(needs)) {
        if (self > 0) {
            c->needs[c->need_count++] = self - 1;
            children[self - 1].needed = true;
        }
    } else if (json_is_string(needs)) {
        good = find_need(f, children, count, self, json_string_value(needs), path, err);
    } else if (json_is_array(needs)) {
        size_t i;
        json_t *item;
        json_array_foreach(needs, i, item) {
            if (!good) break;
            if (json_is_string(item)) {
                good = find_need(f, children, count, self, json_string_value(item), path, err);
            } else {
                an_fail(err, AN_INPUT, "\"needs\" holds something that is not the name of a step");
                good = at(f, c->id, path, err);
            }
        }
    } else {
        an_fail(err, AN_INPUT, "\"needs\" is not a list of steps");
        good = at(f, c->id, path, err);
    }
    free(path);
    return good;
}

/* Depth first; `way` holds the children from the start to here. */
static bool no_cycle(const source *f, child *children, size_t self, size_t *way, size_t depth, an_error *err)
{
    child *c = &children[self];
    if (c->mark == 2) return true;
    way[depth] = self;
    if (c->mark == 1) {
        size_t start = 0;
        while (way[start] != self) start++;
        an_buf text = { 0 };
        for (size_t i = start; i <= depth; i++) an_buf_printf(&text, "%s%s", i > start ? " -> " : "", children[way[i]].id);
        an_fail(err, AN_INPUT, "the steps need each other in a circle: %s", text.data);
        an_buf_free(&text);
        an_hint(err, "Take one of these out of \"needs\".");
        char *path = an_format("steps.%s.needs", c->id);
        at(f, NULL, path, err);
        free(path);
        return false;
    }
    c->mark = 1;
    for (size_t i = 0; i < c->need_count; i++)
        if (!no_cycle(f, children, c->needs[i], way, depth + 1, err)) return false;
    c->mark = 2;
    return true;
}

/* Adds the steps of one file. Those that need no other hang on `entry` (-1: none); *ends are the nodes that no other one needs. */
static bool expand(const source *f, int entry, int **ends, size_t *end_count, int retries, an_error *err)
{
    static const char *const keys[] = { "name", "description", "steps" };
    const json_t *root = an_yaml_root(f->yaml), *steps = json_object_get(root, "steps");
    if (!json_is_object(root)) {
        an_fail(err, AN_INPUT, "\"%s\" is not a pipeline: it has no keys \"name\" and \"steps\"", f->path);
        return an_where(err, "%s", f->path);
    }
    if (!known_keys(f, NULL, root, "", keys, AN_COUNT(keys), err)) return false;
    if (!json_is_object(steps) || json_object_size(steps) == 0) {
        an_fail(err, AN_INPUT, "the pipeline has no steps");
        an_hint(err, "Write \"steps:\" and below it lines like \"clean: {use: clean}\".");
        return at(f, NULL, "steps", err);
    }
    if (json_object_size(steps) > AN__STEPS_MAX) {
        an_fail(err, AN_INPUT, "a pipeline has at most %d steps", AN__STEPS_MAX);
        return at(f, NULL, "steps", err);
    }
    size_t count = json_object_size(steps), i = 0;
    child *children = an_alloc_n(count, sizeof *children);
    size_t *way = an_alloc_n(count + 1, sizeof *way);
    const char *id;
    json_t *step;
    bool good = true;
    json_object_foreach((json_t *)steps, id, step) children[i++].id = id;
    i = 0;
    json_object_foreach((json_t *)steps, id, step) {
        good = good && read_step(f, id, step, retries, &children[i].nodes, err);
        good = good && read_needs(f, children, count, i, step, err);
        i++;
    }
    for (i = 0; good && i < count; i++) good = no_cycle(f, children, i, way, 0, err);
    for (i = 0; good && i < count; i++) {
        const child *c = &children[i];
        an__node *first = &f->p->nodes[c->nodes.first];
        for (size_t k = 0; k < c->need_count; k++) an__node_need(first, children[c->needs[k]].nodes.last);
        if (c->need_count == 0 && entry >= 0) an__node_need(first, entry);
        if (c->needed) continue;
        *ends = an_resize_n(*ends, *end_count + 1, sizeof **ends);
        (*ends)[(*end_count)++] = c->nodes.last;
    }
    for (i = 0; i < count; i++) free(children[i].needs);
    free(children);
    free(way);
    return good;
}

/* ---- the whole ---- */

static bool read_name(const source *f, an_error *err)
{
    const json_t *name = json_object_get(an_yaml_root(f->yaml), "name");
    if (name && !json_is_null(name)) {
        if (!json_is_string(name)) {
            an_fail(err, AN_INPUT, "\"name\" is not a text");
            return at(f, NULL, "name", err);
        }
        if (an_name_check("name of the pipeline", json_string_value(name), err)) {
            f->p->name = an_strdup(json_string_value(name));
            return true;
        }
        if (err && err->code == AN_USAGE) err->code = AN_INPUT;
        return at(f, NULL, "name", err);
    }
    const char *base = an_path_base(f->path), *dot = strrchr(base, '.');
    f->p->name = dot && dot > base ? an_strndup(base, (size_t)(dot - base)) : an_strdup(base);
    return true;
}

static an_pipeline *build(source *f, const an_step_kind *const *kinds, size_t count, an_error *err)
{
    an_pipeline *p = an_alloc(sizeof *p);
    an_error scratch = { 0 };
    if (!err) err = &scratch; /* codes are looked at on the way */
    p->kinds = kinds;
    p->kind_count = count;
    f->p = p;
    f->prefix = "";
    int *ends = NULL;
    size_t end_count = 0;
    bool good = expand(f, -1, &ends, &end_count, 0, err) && read_name(f, err) && an__pipeline_plan(p, err);
    free(ends);
    if (good) return p;
    an_pipeline_free(p);
    return NULL;
}

an_pipeline *an__pipeline_parse(const char *text, size_t n, const char *what, const char *folder, const an_step_kind *const *kinds,
                                size_t count, an_error *err)
{
    an_yaml *yaml = an_yaml_parse(text, n, what, err);
    if (!yaml) return NULL;
    source f = { .yaml = yaml, .path = what, .folder = folder };
    an_pipeline *p = build(&f, kinds, count, err);
    an_yaml_free(yaml);
    return p;
}

an_pipeline *an__pipeline_read_with(const char *path, const an_step_kind *const *kinds, size_t count, an_error *err)
{
    an_yaml *yaml = an_yaml_read(path, err);
    if (!yaml) return NULL;
    const char *slash = strrchr(path, '/');
    char *folder = !slash          ? an_strdup(".")
                   : slash == path ? an_strdup("/")
                                   : an_strndup(path, (size_t)(slash - path)),
         *real = realpath(path, NULL);
    source f = { .yaml = yaml, .path = path, .folder = folder, .real = real };
    an_pipeline *p = build(&f, kinds, count, err);
    free(real);
    free(folder);
    an_yaml_free(yaml);
    return p;
}
