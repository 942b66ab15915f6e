/* workspace.c - making and finding workspaces, and their configuration. */
#include "store/store.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char defaults[] =
    "# Settings of this andon workspace. Every line that begins with '#' is a comment and shows the default.\n"
    "# A setting can be overridden for one call by an environment variable: ANDON_<SECTION>_<KEY>, for example ANDON_COSTS_ESCAPE=400.\n"
    "\n"
    "# What a decision costs, per part, in one currency. They are used by the threshold rule \"cost\", by \"compare\" and in reports.\n"
    "# costs:\n"
    "#   currency: EUR\n"
    "#   escape: null     # a broken part that passes\n"
    "#   reject: null     # a good part that is rejected\n"
    "#   test: null       # one end-of-line test\n"
    "#   rework: null     # repairing a broken part that was caught\n";

static bool write_new(const char *folder, const char *name, const char *text, an_error *err)
{
    char *path = an_path_join(folder, name);
    bool good = an_file_exists(path) || an_file_write(path, text, strlen(text), err);
    free(path);
    return good;
}

bool an_workspace_init(const char *folder, an_error *err)
{
    static const char *const parts[] = { "artifacts", "spool", "work", "staging" };
    char *hidden = an_path_join(folder, ".andon");
    bool good = an_folder_make(folder, err);
    for (size_t i = 0; good && i < AN_COUNT(parts); i++) {
        char *path = an_path_join(hidden, parts[i]);
        good = an_folder_make(path, err);
        free(path);
    }
    good = good && write_new(hidden, ".gitignore", "*\n", err) && write_new(folder, "andon.yaml", defaults, err);
    if (good) { /* opening makes the database */
        an_store *s = an_store_open(folder, err);
        good = s != NULL;
        an_store_close(s);
    }
    free(hidden);
    return good || an_context(err, "cannot make the workspace \"%s\"", folder);
}

char *an_workspace_find(const char *start, an_error *err)
{
    char *at = realpath(start, NULL);
    if (!at) {
        an_fail_errno(err, "cannot look for a workspace in \"%s\"", start);
        if (err && errno == ENOENT) err->code = AN_NOT_FOUND;
        return NULL;
    }
    for (;;) {
        char *hidden = an_path_join(at, ".andon");
        struct stat info;
        bool found = stat(hidden, &info) == 0 && S_ISDIR(info.st_mode);
        free(hidden);
        if (found) return at;
        char *slash = strrchr(at, '/');
        if (!slash || strcmp(at, "/") == 0) break;
        slash[slash == at ? 1 : 0] = '\0';
    }
    free(at);
    an_fail(err, AN_NOT_FOUND, "there is no workspace here: neither \"%s\" nor a folder above it has .andon", start);
    an_hint(err, "Type \"andon init\" to make a workspace in this folder, or name one with --workspace DIR.");
    return NULL;
}

/* ---- configuration ---- */

/* The text of an environment variable, read as a YAML value: numbers are numbers, [a, b] is a list. */
static json_t *variable_value(const char *name, const char *text, an_error *err)
{
    if (!text[0]) return json_null();
    an_yaml *y = an_yaml_parse(text, strlen(text), name, err);
    if (!y) return NULL;
    json_t *value = json_deep_copy(an_yaml_root(y));
    an_yaml_free(y);
    return value;
}

/* ANDON_COSTS_ESCAPE=3: costs.escape. Names without a second word (ANDON_DATA, ANDON_WORKSPACE) are no settings. */
static bool override(json_t *config, const char *entry, an_error *err)
{
    const char *equals = strchr(entry, '=');
    if (strncmp(entry, "ANDON_", 6) != 0 || !equals) return true;
    char *name = an_strndup(entry, (size_t)(equals - entry)), *section = an_strdup(name + 6);
    for (char *p = section; *p; p++) *p = (char)tolower((unsigned char)*p);
    char *key = strchr(section, '_');
    bool good = true;
    if (key && key != section && key[1]) {
        *key++ = '\0';
        json_t *part = json_object_get(config, section);
        if (!part || json_is_null(part)) {
            json_object_set_new(config, section, json_object());
            part = json_object_get(config, section);
        }
        json_t *value = json_is_object(part) ? variable_value(name, equals + 1, err) : NULL;
        if (!json_is_object(part)) {
            good = an_fail(err, AN_USAGE, "the environment variable %s sets a key of \"%s\", which is a single value in andon.yaml", name,
                           section);
        } else if (!value) {
            good = an_context(err, "the environment variable %s", name);
        } else {
            json_object_set_new(part, key, value);
        }
    }
    free(section);
    free(name);
    return good;
}

json_t *an_store_config(const an_store *s, an_error *err)
{
    char *path = an_path_join(s->folder, "andon.yaml");
    json_t *config = NULL;
    bool good = true;
    if (an_file_exists(path)) {
        an_yaml *y = an_yaml_read(path, err);
        good = y != NULL;
        const json_t *root = y ? an_yaml_root(y) : NULL;
        if (json_is_object(root)) config = json_deep_copy(root);
        if (good && !config && root && !json_is_null(root)) {
            good = an_fail(err, AN_INPUT, "\"%s\" is not a map of sections", path);
            an_hint(err, "Its lines look like \"costs:\" and, indented below, \"escape: 400\".");
        }
        an_yaml_free(y);
    }
    if (good && !config) config = json_object();
    for (char **entry = environ; good && *entry; entry++) good = override(config, *entry, err);
    free(path);
    if (good) return config;
    json_decref(config);
    return NULL;
}
