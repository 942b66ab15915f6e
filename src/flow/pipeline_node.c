/* pipeline_node.c - pipelines in memory: their nodes, setting parameters, describing. Where they come from is pipeline_read.c. */
#include "flow/pipeline.h"

#include <stdlib.h>
#include <string.h>

bool an__near_hint(const char *word, const char *const *names, size_t count, const char *what, an_error *err)
{
    const char *near = an_nearest(word, names, count);
    if (near) return an_hint(err, "Did you mean \"%s\"?", near);
    an_buf all = { 0 };
    for (size_t i = 0; i < count && i < 40; i++) an_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    if (count) an_hint(err, "%s: %s.", what, all.data);
    an_buf_free(&all);
    return false;
}

int an__node_add(an_pipeline *p)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 32;
        p->nodes = an_resize_n(p->nodes, p->room, sizeof *p->nodes);
    }
    p->nodes[p->count] = (an__node){ .retries = -1 };
    return (int)p->count++;
}

void an__node_need(an__node *n, int other)
{
    for (size_t i = 0; i < n->need_count; i++)
        if (n->needs[i] == other) return;
    n->needs = an_resize_n(n->needs, n->need_count + 1, sizeof *n->needs);
    n->needs[n->need_count++] = other;
}

int an__node_gate(an_pipeline *p, const char *id, char *where)
{
    int i = an__node_add(p);
    p->nodes[i].gate = true;
    p->nodes[i].id = an_strdup(id);
    p->nodes[i].where = where;
    return i;
}

void an_pipeline_free(an_pipeline *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) {
        an__node *n = &p->nodes[i];
        if (n->options) an_params_free(n->kind->params, n->options);
        free(n->options);
        an_list_free(&n->given);
        free(n->id);
        free(n->where);
        free(n->folder);
        free(n->needs);
    }
    free(p->nodes);
    free(p->order);
    free(p->name);
    free(p);
}

int an__pipeline_find(const an_pipeline *p, const char *id)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->nodes[i].gate && strcmp(p->nodes[i].id, id) == 0) return (int)i;
    return -1;
}

bool an__pipeline_set_json(an_pipeline *p, int node, const char *key, const json_t *value, an_error *err)
{
    an__node *n = &p->nodes[node];
    if (!an_params_set_json(n->kind->params, n->options, key, value, err)) return false;
    const an_param *param = an_params_find(n->kind->params, key);
    if (!an_list_has(&n->given, param->name)) an_list_add(&n->given, param->name);
    return true;
}

int an__step_unknown(const an_pipeline *p, const char *prefix, const char *id, an_error *err)
{
    const char **names = an_alloc_n(p->count + 1, sizeof *names);
    size_t count = 0, skip = strlen(prefix);
    for (size_t i = 0; i < p->count; i++)
        if (!p->nodes[i].gate && strncmp(p->nodes[i].id, prefix, skip) == 0) names[count++] = p->nodes[i].id + skip;
    an_fail(err, AN_USAGE, "there is no step \"%s\"", id);
    an__near_hint(id, names, count, "The steps are", err);
    free(names);
    return -1;
}

bool an_pipeline_set(an_pipeline *p, const char *assignment, an_error *err)
{
    const char *equals = strchr(assignment, '=');
    size_t n = equals ? (size_t)(equals - assignment) : 0;
    char *id = an_strndup(assignment, n), *dot = strrchr(id, '.');
    bool good = false;
    if (!equals || !dot || dot == id || !dot[1]) {
        an_fail(err, AN_USAGE, "\"%s\" does not set a parameter of a step", assignment);
        an_hint(err, "Write step.parameter=value, for example train.threshold=f2.");
    } else {
        *dot = '\0';
        const char *key = dot + 1;
        int node = an__pipeline_find(p, id);
        if (node < 0) an__step_unknown(p, "", id, err);
        const an_step_kind *kind = node < 0 ? NULL : p->nodes[node].kind;
        const an_param *param = kind ? an_params_find(kind->params, key) : NULL;
        good = node >= 0;
        if (good && param && param->type == AN_PARAM_LIST) { /* replaced, not added to */
            json_t *none = json_array();
            good = an_params_set_json(kind->params, p->nodes[node].options, key, none, err);
            json_decref(none);
        }
        good = good && an_params_set(kind->params, p->nodes[node].options, key, equals + 1, err);
        if (good && !an_list_has(&p->nodes[node].given, param->name)) an_list_add(&p->nodes[node].given, param->name);
        if (!good && node >= 0) an_context(err, "step \"%s\"", id);
    }
    free(id);
    return good;
}

json_t *an_pipeline_describe(const an_pipeline *p)
{
    json_t *all = json_object(), *steps = json_array();
    json_object_set_new(all, "name", json_string(p->name));
    json_object_set_new(all, "steps", steps);
    for (size_t i = 0; i < p->count; i++) {
        const an__node *n = &p->nodes[p->order[i]];
        if (n->gate) continue;
        json_t *step = json_object(), *needs = json_array(), *set = json_object(), *params = an_params_json(n->kind->params, n->options);
        json_object_set_new(step, "name", json_string(n->id));
        json_object_set_new(step, "use", json_string(n->kind->name));
        an_list ids = { 0 };
        an__pipeline_needs(p, p->order[i], &ids);
        for (size_t k = 0; k < ids.count; k++) json_array_append_new(needs, json_string(ids.items[k]));
        an_list_free(&ids);
        for (size_t k = 0; k < n->given.count; k++) json_object_set(set, n->given.items[k], json_object_get(params, n->given.items[k]));
        json_object_set_new(step, "needs", needs);
        json_object_set_new(step, "set", set);
        json_decref(params);
        json_array_append_new(steps, step);
    }
    return all;
}
