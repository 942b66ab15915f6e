/* args.c - from words on the command line to an act and its options. Grammar: NOUN VERB NAME [--flag value | --flag=value | --switch]. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

const an_param an__common_params[] = {
    AN_BOOL(an_common, json, 0, "one JSON document on stdout and nothing else"),
    AN_BOOL(an_common, quiet, 0, "no progress and no messages"),
    AN_INT(an_common, seed, 1, 0, 9e15, "seed of everything random"),
    AN_INT(an_common, threads, 0, 0, 1024, "threads to use; 0: all processors this process may use"),
    AN_TEXT(an_common, workspace, NULL, "workspace folder (default: the nearest one upwards, or ANDON_WORKSPACE)"),
    AN_BOOL(an_common, fresh, 0, "do the work again although an equal finished or unfinished run exists"),
    AN_BOOL(an_common, help, 0, "what the command does, its parameters and examples"),
    AN_BOOL(an_common, version, 0, "print the version"),
    AN_PARAM_END,
};

static int words_of(const char *name)
{
    int n = 1;
    for (; *name; name++) n += *name == ' ';
    return n;
}

static bool begins(const char *name, int argc, char **argv, int words)
{
    const char *at = name;
    for (int i = 0; i < words; i++) {
        size_t n = strcspn(at, " ");
        if (i >= argc || strlen(argv[i]) != n || strncmp(argv[i], at, n)) return false;
        at += n + (at[n] == ' ');
    }
    return true;
}

const an_command *an__command_find(int argc, char **argv, int *words, an_error *err)
{
    size_t count;
    const an_command *commands = an__commands(&count);
    const an_command *found = NULL;
    *words = 0;
    for (size_t i = 0; i < count; i++) {
        int n = words_of(commands[i].act->name);
        if (n > *words && begins(commands[i].act->name, argc, argv, n)) found = &commands[i], *words = n;
    }
    if (found) return found;

    char *typed = argc > 1 && argv[1][0] != '-' ? an_format("%s %s", argv[0], argv[1]) : an_strdup(argv[0]);
    const char **names = an_alloc_n(count, sizeof *names);
    for (size_t i = 0; i < count; i++) names[i] = commands[i].act->name;
    const char *near = an_nearest(typed, names, count);
    if (!near) near = an_nearest(argv[0], names, count);
    an_fail(err, AN_USAGE, "there is no command '%s'", typed);
    if (near)
        an_hint(err, "did you mean 'andon %s'? 'andon --help' lists the commands", near);
    else
        an_hint(err, "'andon --help' lists the commands");
    free(names);
    free(typed);
    return NULL;
}

/* The flag of this name: the act's own parameters first, then the common ones. */
static bool set_flag(const an_act *act, void *options, an_common *common, an_list *given, const char *name, const char *value,
                     an_error *err)
{
    const an_param *p = act->params ? an_params_find(act->params, name) : NULL;
    if (p && p->type == AN_PARAM_LIST && !an_list_has(given, p->name)) { /* what is typed replaces the default; repeated flags add up */
        an_list_add(given, p->name);
        an_params_clear_list(act->params, options, name);
    }
    if (p) return an_params_set(act->params, options, name, value, err);
    return an_params_set(an__common_params, common, name, value, err);
}

static const an_param *find_flag(const an_act *act, const char *name)
{
    const an_param *p = act->params ? an_params_find(act->params, name) : NULL;
    return p ? p : an_params_find(an__common_params, name);
}

static bool unknown_flag(const an_act *act, const char *name, an_error *err)
{
    const char *names[256];
    size_t n = 0;
    for (const an_param *p = act->params; p && p->name && n < 200; p++) names[n++] = p->name;
    for (const an_param *p = an__common_params; p->name && n < 256; p++) names[n++] = p->name;
    char *plain = an_strdup(name);
    for (char *c = plain; *c; c++)
        if (*c == '-') *c = '_';
    const char *near = an_nearest(plain, names, n);
    an_fail(err, AN_USAGE, "'andon %s' has no flag --%s", act->name, name);
    if (near) {
        char *shown = an_strdup(near);
        for (char *c = shown; *c; c++)
            if (*c == '_') *c = '-';
        an_hint(err, "did you mean --%s? 'andon %s --help' lists the flags", shown, act->name);
        free(shown);
    } else {
        an_hint(err, "'andon %s --help' lists the flags", act->name);
    }
    free(plain);
    return false;
}

/* Positional words go to the parameters that `args` names, in order: "NAME FILE..." */
static bool set_positional(const an_act *act, void *options, int index, const char *word, an_error *err)
{
    const char *at = act->args ? act->args : "";
    for (int i = 0; *at; i++) {
        size_t n = strcspn(at, " ");
        bool list = n > 3 && !strncmp(at + n - 3, "...", 3);
        if (i == index || list) {
            char *name = an_strndup(at, list ? n - 3 : n);
            char *plain = name + (name[0] == '[');
            plain[strcspn(plain, "]|")] = 0;
            for (char *c = plain; *c; c++)
                if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
            const an_param *p = an_params_find(act->params, plain);
            bool ok;
            if (p && p->type == AN_PARAM_LIST) {
                an_list_add((an_list *)((char *)options + p->offset), word); /* a file name may hold a comma: not split */
                ok = true;
            } else {
                ok = an_params_set(act->params, options, plain, word, err);
            }
            free(name);
            return ok;
        }
        at += n + (at[n] == ' ');
    }
    an_fail(err, AN_USAGE, "'andon %s' does not know what to do with '%s'", act->name, word);
    return an_hint(err, "usage: andon %s %s [--flag value]", act->name, act->args ? act->args : "");
}

static int required(const char *args)
{
    int n = 0;
    for (const char *at = args ? args : ""; *at;) {
        size_t len = strcspn(at, " ");
        if (at[0] != '[') n++;
        at += len + (at[len] == ' ');
    }
    return n;
}

static bool parse(const an_act *act, int argc, char **argv, void *options, an_common *common, an_list *given, an_error *err)
{
    int positional = 0;
    bool flags = true;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (!flags || word[0] != '-' || !word[1]) {
            if (!set_positional(act, options, positional++, word, err)) return false;
            continue;
        }
        if (!strcmp(word, "--")) {
            flags = false;
            continue;
        }
        if (!strcmp(word, "-h")) word = "--help";
        if (strncmp(word, "--", 2)) {
            an_fail(err, AN_USAGE, "'%s' is not a flag", word);
            return an_hint(err, "flags begin with two dashes: --%s", word + 1);
        }
        const char *equals = strchr(word, '=');
        char *name = equals ? an_strndup(word + 2, (size_t)(equals - word - 2)) : an_strdup(word + 2);
        const an_param *p = find_flag(act, name);
        bool ok = p != NULL || unknown_flag(act, name, err);
        if (ok && equals) {
            ok = set_flag(act, options, common, given, name, equals + 1, err);
        } else if (ok && p->type == AN_PARAM_BOOL) {
            ok = set_flag(act, options, common, given, name, "true", err);
        } else if (ok && i + 1 >= argc) {
            ok = an_fail(err, AN_USAGE, "--%s needs a value", name);
            an_hint(err, "%s", p->doc);
        } else if (ok) {
            ok = set_flag(act, options, common, given, name, argv[++i], err);
        }
        free(name);
        if (!ok) return false;
        if (common->help) return true;
    }
    if (positional < required(act->args)) {
        an_fail(err, AN_USAGE, "'andon %s' needs %s", act->name, act->args);
        return an_hint(err, "usage: andon %s %s [--flag value]; for example: %s", act->name, act->args,
                       act->examples[0] ? act->examples[0] : "");
    }
    return true;
}

bool an__args_parse(const an_act *act, int argc, char **argv, void *options, an_common *common, an_error *err)
{
    an_list given = { 0 };
    bool ok = parse(act, argc, argv, options, common, &given, err);
    an_list_free(&given);
    return ok;
}
