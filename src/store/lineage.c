/* lineage.c - from an address back to the runs and the files that made it. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

static bool add_names(an_store *s, const an_hash *address, json_t *node, an_error *err)
{
    json_t *names = json_array();
    json_object_set_new(node, "names", names);
    bool row = true;
    sqlite3_stmt *q = an__sql(
        s, err, "SELECT kind || ':' || name || '/' || version FROM versions WHERE address = ? ORDER BY kind, name, version", "h", address);
    if (!q) return false;
    for (;;) {
        if (!an__sql_step(s, q, &row, err)) return false;
        if (!row) return true;
        json_array_append_new(names, json_string((const char *)sqlite3_column_text(q, 0)));
    }
}

/* The files of an artifact, from its manifest: path, bytes, SHA-256. */
static void add_files(an_store *s, const an_hash *address, json_t *node)
{
    char *folder = an__artifact_folder(s, address), *path = an_format("%s.manifest", folder);
    an_buf text = { 0 };
    an_error ignored = { 0 };
    json_t *files = json_array();
    if (an_file_read(path, 0, &text, &ignored)) {
        char *rest = NULL;
        for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            char *bytes = strchr(line, ' '), *name = bytes ? strchr(bytes + 1, ' ') : NULL;
            if (!name) continue;
            *bytes++ = '\0';
            *name++ = '\0';
            json_t *file = json_object();
            json_object_set_new(file, "path", json_string(name));
            json_object_set_new(file, "bytes", json_integer(strtoll(bytes, NULL, 10)));
            json_object_set_new(file, "sha256", json_string(line));
            json_array_append_new(files, file);
        }
    }
    json_object_set_new(node, "files", files);
    an_buf_free(&text);
    free(path);
    free(folder);
}

typedef struct input {
    char *port;
    an_hash address;
} input;

typedef struct maker { /* the run that made something */
    json_t *run;
    char *id;
    int64_t started_us;
} maker;

/* The earliest finished run with this output that does not also have it as an input, and that ended before its product was used:
 * without these two an artifact that two runs turn into each other would be its own ancestor. */
static bool find_maker(an_store *s, const an_hash *address, int64_t before_us, maker *m, an_error *err)
{
    bool row = true;
    sqlite3_stmt *q = an__sql(
        s, err,
        "SELECT r.id, r.kind, r.name, r.params, r.code, r.seed, r.started_us, r.ended_us FROM run_artifacts a JOIN runs r ON r.id = a.run "
        "WHERE a.address = ?1 AND a.edge = 'out' AND r.state = 'done' AND r.ended_us <= ?2 "
        "AND NOT EXISTS (SELECT 1 FROM run_artifacts i WHERE i.run = r.id AND i.edge = 'in' AND i.address = ?1) ORDER BY r.ended_us, r.id "
        "LIMIT 1",
        "hi", address, before_us);
    if (!q || !an__sql_step(s, q, &row, err)) return false;
    if (!row) return true;
    m->id = an__sql_text(q, 0);
    m->started_us = sqlite3_column_int64(q, 6);
    m->run = json_object();
    json_object_set_new(m->run, "id", json_string(m->id));
    json_object_set_new(m->run, "kind", json_string((const char *)sqlite3_column_text(q, 1)));
    const char *name = (const char *)sqlite3_column_text(q, 2);
    json_object_set_new(m->run, "name", name ? json_string(name) : json_null());
    json_t *params = NULL;
    bool good = an__sql_json(q, 3, "the parameters of a run", &params, err);
    json_object_set_new(m->run, "params", params ? params : json_null());
    json_object_set_new(m->run, "code", json_string((const char *)sqlite3_column_text(q, 4)));
    json_object_set_new(m->run, "seed", json_integer(sqlite3_column_int64(q, 5)));
    char when[32];
    json_object_set_new(m->run, "ended", json_string(an_time_text(sqlite3_column_int64(q, 7), when)));
    sqlite3_finalize(q);
    return good;
}

static bool find_inputs(an_store *s, const char *run, input **inputs, size_t *count, an_error *err)
{
    bool row = true;
    size_t room = 0;
    sqlite3_stmt *q =
        an__sql(s, err, "SELECT port, address FROM run_artifacts WHERE run = ? AND edge = 'in' ORDER BY port, address", "t", run);
    if (!q) return false;
    for (;;) {
        if (!an__sql_step(s, q, &row, err)) return false;
        if (!row) return true;
        if (*count == room) {
            room = room ? room * 2 : 8;
            *inputs = an_resize_n(*inputs, room, sizeof **inputs);
        }
        input *i = &(*inputs)[*count];
        if (!an__sql_hash(q, 1, &i->address)) continue;
        i->port = an__sql_text(q, 0);
        ++*count;
    }
}

/* `seen` maps addresses that were told already: a second mention says "repeated" and stops there, so that shared ancestors do not
 * make the answer grow without bound. */
static json_t *tell(an_store *s, const an_hash *address, int64_t before_us, int depth, json_t *seen, an_error *err)
{
    char hex[65];
    an_hash_hex(address, hex);
    sqlite3_stmt *q = an__sql(s, err, "SELECT kind FROM artifacts WHERE address = ?", "h", address);
    bool row = false;
    if (!q || !an__sql_step(s, q, &row, err)) return NULL;
    if (!row) {
        an_fail(err, AN_NOT_FOUND, "there is no artifact %s in the workspace", hex);
        return NULL;
    }
    json_t *node = json_object(), *inputs = json_array();
    const char *kind = (const char *)sqlite3_column_text(q, 0);
    json_object_set_new(node, "address", json_string(hex));
    json_object_set_new(node, "kind", json_string(kind));
    bool is_file = strcmp(kind, "file") == 0;
    sqlite3_finalize(q);
    bool good = add_names(s, address, node, err);
    if (is_file) add_files(s, address, node);
    maker m = { 0 };
    input *list = NULL;
    size_t count = 0;
    bool repeated = json_object_get(seen, hex) != NULL;
    if (repeated || depth >= DEEPEST) {
        json_object_set_new(node, repeated ? "repeated" : "cut", json_true());
    } else {
        json_object_set_new(seen, hex, json_true());
        good = good && find_maker(s, address, before_us, &m, err) && (!m.id || find_inputs(s, m.id, &list, &count, err));
    }
    json_object_set_new(node, "run", m.run ? m.run : json_null());
    json_object_set_new(node, "inputs", inputs);
    for (size_t i = 0; i < count; i++) {
        json_t *inner = good ? tell(s, &list[i].address, m.started_us, depth + 1, seen, err) : NULL;
        if (inner) {
            json_object_set_new(inner, "port", json_string(list[i].port));
            json_array_append_new(inputs, inner);
        } else {
            good = false;
        }
        free(list[i].port);
    }
    free(list);
    free(m.id);
    if (good) return node;
    json_decref(node);
    return NULL;
}

json_t *an_lineage(an_store *s, const an_hash *address, an_error *err)
{
    json_t *seen = json_object();
    an__lock(s);
    json_t *told = tell(s, address, INT64_MAX, 0, seen, err);
    an__unlock(s, true);
    json_decref(seen);
    return told;
}
