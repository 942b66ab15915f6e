/* main.c - the program: one command, one act, one result. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static an_job *running; /* for the signal handler alone */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    static volatile sig_atomic_t times;
    if (times++ || !running) _exit(130);
    an_job_stop(running);
}

static int fail(const an_error *err, bool as_json, bool shown)
{
    if (as_json && shown) { /* it stands in the result */
    } else if (as_json) {
        json_t *j = an_error_json(err);
        char *text = an_json_text(j, true);
        fputs(text, stdout);
        fputc('\n', stdout);
        free(text);
        json_decref(j);
    } else {
        fprintf(stderr, "andon: %s\n", err->message);
        if (err->where[0]) fprintf(stderr, "  where: %s\n", err->where);
        if (err->hint[0]) fprintf(stderr, "  what to do: %s\n", err->hint);
    }
    return an_code_exit(err->code);
}

static an_store *open_store(const an_common *common, an_error *err)
{
    const char *named = common->workspace ? common->workspace : getenv("ANDON_WORKSPACE");
    char *folder = named ? an_strdup(named) : an_workspace_find(".", err);
    an_store *store = folder ? an_store_open(folder, err) : NULL;
    free(folder);
    return store;
}

/* A person who was told 'done' must have got the bytes: a full disk behind stdout is a failure. */
static bool print_result(const an_command *command, const json_t *result, bool as_json, an_error *err)
{
    if (as_json || !command->show) {
        char *text = an_json_text(result, true);
        fputs(text, stdout);
        fputc('\n', stdout);
        free(text);
    } else {
        command->show(result, stdout);
    }
    return (fflush(stdout) == 0 && !ferror(stdout)) || an_fail_errno(err, "writing the result");
}

/* *shown: the result has been printed although the act says no. */
static bool perform(const an_command *command, void *options, const an_common *common, bool *shown, an_error *err)
{
    an_store *store = command->act->no_store ? NULL : open_store(common, err);
    if (!store && !command->act->no_store) return false;
    an_pool *pool = an_pool_new((int)common->threads);
    an_progress *progress = an__progress_new(stderr, common->quiet);
    an_job *job = an_job_new(
        &(an_job_options){ .pool = pool, .seed = (uint64_t)common->seed, .fresh = common->fresh, .sink = an__progress_sink(progress) });
    running = job;
    json_t *result = command->act->run(store, options, job, err);
    running = NULL;
    an__progress_free(progress);
    an_error unwritten = { 0 };
    bool ok = result && print_result(command, result, common->json, &unwritten);
    if (result && !ok) *err = unwritten;
    *shown = ok && json_object_get(result, "error");
    ok = ok && !*shown;
    json_decref(result);
    an_job_free(job);
    an_pool_free(pool);
    an_store_close(store);
    return ok;
}

static void help_act(const an_act *act, bool as_json)
{
    if (as_json)
        an__help_json(NULL, act, stdout);
    else
        an__help_act(act, stdout);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    struct sigaction act = { .sa_handler = on_interrupt };
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);

    bool as_json = false, shown = false;
    for (int i = 1; i < argc; i++) as_json |= !strcmp(argv[i], "--json");
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2 + as_json)) {
        if (as_json)
            an__help_json(NULL, NULL, stdout);
        else
            an__help_all(stdout);
        return argc < 2 ? 2 : 0;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("andon %s (%s)\n", an_version(), an_code_version());
        return 0;
    }
    if (!strcmp(argv[1], "completion")) {
        an__help_completion(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "man")) {
        an__help_man(stdout);
        return 0;
    }

    an_error err = { 0 };
    int skip = !strcmp(argv[1], "help"), words;
    argc -= 1 + skip;
    argv += 1 + skip;
    const an_command *command = an__command_find(argc, argv, &words, &err);
    if (!command) {
        bool asked = argc == 1 || (argc == 2 && as_json) || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
        if (asked && (as_json ? an__help_json(argv[0], NULL, stdout) : an__help_group(argv[0], stdout))) return skip || argc > 1 ? 0 : 2;
        return fail(&err, as_json, false);
    }
    if (skip) {
        help_act(command->act, as_json);
        return 0;
    }
    an_common common = { 0 };
    an_params_defaults(an__common_params, &common);
    void *options = an_alloc(command->act->options_size ? command->act->options_size : 1);
    if (command->act->params) an_params_defaults(command->act->params, options);
    bool ok = an__args_parse(command->act, argc - words, argv + words, options, &common, &err);
    if (ok && common.help)
        help_act(command->act, as_json);
    else if (ok)
        ok = perform(command, options, &common, &shown, &err);
    int status = ok ? 0 : fail(&err, as_json, shown);
    if (command->act->params) an_params_free(command->act->params, options);
    an_params_free(an__common_params, &common);
    free(options);
    return status;
}
