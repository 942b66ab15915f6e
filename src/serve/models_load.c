/* models_load.c - one version of a model: where a reference points, whether it was approved, and the version in memory, which is counted by
 * who holds it. Loading checks every file's hash and replays the golden rows.
 */
#include "serve/server.h"

#include <stdlib.h>
#include <string.h>

an__served *an__served_hold(an__served *v)
{
    __atomic_add_fetch(&v->refs, 1, __ATOMIC_RELAXED);
    return v;
}

void an__served_release(an__served *v)
{
    if (!v || __atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL)) return;
    an_model_free(v->model);
    free(v->name);
    free(v->id_text);
    free(v);
}

/* ---- approval ---- */

/* The last decision about this version in the record: {"kind": "approve" | "reject" ..., "body": {"version": V}}. Deleting nothing and
 * moving an alias are no approvals. */
bool an__models_decision(an_store *s, const char *name, int64_t version, an__decision *out, an_error *err)
{
    char *subject = an_format("model:%s", name);
    json_t *record = an_record_list(s, subject, err), *item;
    free(subject);
    if (!record) return false;
    size_t i;
    *out = AN__UNDECIDED;
    json_array_foreach(record, i, item) {
        const char *kind = an_json_string(item, "kind", "");
        if (json_integer_value(json_object_get(json_object_get(item, "body"), "version")) != version) continue;
        if (!strcmp(kind, "approve")) *out = AN__APPROVED;
        if (!strcmp(kind, "reject")) *out = AN__REJECTED;
    }
    json_decref(record);
    return true;
}

/* ---- loading ---- */

/* Where a reference points now. A bare name is its champion; without one, the newest version where unapproved models may be served. */
bool an__served_resolve(an_store *s, const char *reference, bool unapproved, an_version_row *row, an_error *err)
{
    if (strpbrk(reference, "/@")) return an_version_get(s, AN_NAME_MODEL, reference, row, err);
    an_version_row newest = { 0 };
    if (!an_version_get(s, AN_NAME_MODEL, reference, &newest, err)) return false;
    char *champion = an_format("%s@champion", reference);
    an_error why = { 0 };
    bool ok = an_version_get(s, AN_NAME_MODEL, champion, row, &why);
    free(champion);
    if (!ok && why.code != AN_NOT_FOUND) {
        if (err) *err = why;
    } else if (!ok && unapproved) {
        *row = newest;
        return true;
    } else if (!ok) {
        an_fail(err, AN_REFUSED, "model \"%s\" has no champion: nobody said which of its versions is to be served", reference);
        an_hint(err, "'andon model alias %s/%lld champion' names one; --unapproved serves the newest, and says so in every answer",
                reference, (long long)newest.version);
    }
    an_version_row_free(&newest);
    return ok;
}

an__served *an__served_load(const char *workspace, const an_version_row *row, bool unapproved, an_error *err)
{
    an_store *fresh = an_store_open(workspace, err); /* a new handle hashes the files again */
    an_artifact *a = fresh ? an_artifact_get(fresh, &row->address, err) : NULL;
    an_model *m = a ? an_model_load(a, err) : NULL;
    an_artifact_free(a);
    an_store_close(fresh);
    if (!m) {
        an_context(err, "model %s/%lld cannot be served", row->name, (long long)row->version);
        return NULL;
    }
    an__served *v = an_alloc(sizeof *v);
    v->name = an_strdup(row->name);
    v->version = row->version;
    v->address = row->address;
    v->unapproved = unapproved;
    v->id_text = an_format("%s/%lld", row->name, (long long)row->version);
    v->model = m;
    v->features = m->prep->columns;
    v->refs = 1;
    v->queue.last = &v->queue.first;
    return v;
}
