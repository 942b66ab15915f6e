/* kinds.h - small kinds of steps for the tests of the pipeline engine. Each leaves a line "NAME TAG" in the file named by the
 * environment variable ANDON_TEST_LOG when it works, so that executions can be counted across processes. */
#ifndef AN_TESTS_FLOW_KINDS_H
#define AN_TESTS_FLOW_KINDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/pipeline.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct toy_options {
    char *tag; /* goes into what is made */
    double amount;
    int64_t sleep_ms;
    char *fail;    /* none io failed refused input silent forget */
    int64_t times; /* how often it fails before it works */
    an_list words;
} toy_options;

static const an_param toy_params[] = {
    AN_TEXT(toy_options, tag, "x", "a word"),
    AN_REAL(toy_options, amount, 0.5, 0, 10, "a number"),
    AN_INT(toy_options, sleep_ms, 0, 0, 100000, "how long it works"),
    AN_CHOICE(toy_options, fail, "none", "none|io|failed|refused|input|silent|forget", "how it fails"),
    AN_INT(toy_options, times, 0, 0, 100, "how often it fails first; 0: always"),
    AN_LIST(toy_options, words, NULL, "some words"),
    AN_PARAM_END,
};

static inline void toy_log(const char *name, const char *tag)
{
    const char *path = getenv("ANDON_TEST_LOG");
    char line[128];
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1, n = snprintf(line, sizeof line, "%s %s\n", name, tag);
    if (fd < 0) return;
    if (write(fd, line, (size_t)n) != n) abort();
    close(fd);
}

static inline int toy_count(const char *line)
{
    an_buf text = { 0 };
    int count = 0;
    size_t n = strlen(line);
    if (an_file_read(getenv("ANDON_TEST_LOG"), 0, &text, NULL))
        for (const char *p = text.data; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
            if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == ' ')) count++;
    an_buf_free(&text);
    return count;
}

static inline bool toy_fails(const char *name, const toy_options *o, an_error *err)
{
    static const struct {
        const char *word;
        an_code code;
    } codes[] = { { "io", AN_IO }, { "failed", AN_FAILED }, { "refused", AN_REFUSED }, { "input", AN_INPUT } };
    char line[96];
    snprintf(line, sizeof line, "%s %s", name, o->tag);
    if (o->times && toy_count(line) > o->times) return false;
    for (size_t i = 0; i < AN_COUNT(codes); i++)
        if (strcmp(o->fail, codes[i].word) == 0) {
            an_fail(err, codes[i].code, "it was told to fail");
            return true;
        }
    return strcmp(o->fail, "silent") == 0;
}

/* Makes for every output a text of its name, its tag and the addresses of its inputs. */
static inline json_t *toy_run(const an_step_kind *kind, const an_step_context *c, const toy_options *o, an_error *err)
{
    toy_log(kind->name, o->tag);
    an_job_stage(c->job, "working");
    for (int64_t ms = 0; ms < o->sleep_ms; ms += 10) {
        if (!an_job_check(c->job, err)) return NULL;
        an_job_progress(c->job, (double)ms, (double)o->sleep_ms, "ms");
        usleep(10000);
    }
    if (toy_fails(kind->name, o, err)) return NULL;
    an_job_metric(c->job, "amount", 1, o->amount);
    an_buf text = { 0 };
    an_buf_printf(&text, "%s %s %llu", kind->name, o->tag, (unsigned long long)an_job_seed(c->job));
    for (int i = 0; i < c->inputs->count; i++) {
        char hex[65];
        an_hash_hex(&c->inputs->value[i].address, hex);
        an_buf_printf(&text, " %s=%s", c->inputs->value[i].port, hex);
    }
    bool good = true;
    for (int i = 0; good && kind->outputs[i].name && strcmp(o->fail, "forget") != 0; i++) {
        an_artifact *a = an_artifact_stage(c->store, err);
        char *own = an_format("%s %s", kind->outputs[i].name, text.data);
        good = a && an_artifact_write(a, "text", own, strlen(own), err);
        if (good)
            good = an_artifact_put(c->store, a, kind->outputs[i].name, &c->outputs->value[c->outputs->count].address, err);
        else
            an_artifact_discard(a);
        c->outputs->value[c->outputs->count++].port = kind->outputs[i].name;
        free(own);
    }
    json_t *result = good ? json_pack("{s:s,s:s}", "tag", o->tag, "folder", c->base_folder) : NULL;
    an_buf_free(&text);
    return result;
}

/* What `source` reads besides its parameters: the file named by its tag, when there is one. */
static inline bool toy_print(const an_step_context *c, const void *options, an_buf *text, an_error *err)
{
    char *path = an_path_join(c->base_folder ? c->base_folder : ".", ((const toy_options *)options)->tag);
    bool good = !an_file_exists(path) || an_file_read(path, 0, text, err);
    free(path);
    return good;
}

#define TOY(variable, called, ins, outs, print)                                                  \
    static json_t *variable##_run(const an_step_context *c, const void *options, an_error *err); \
    static const an_step_kind variable = { .name = called,                                       \
                                           .doc = "a toy",                                       \
                                           .params = toy_params,                                 \
                                           .options_size = sizeof(toy_options),                  \
                                           .inputs = ins,                                        \
                                           .outputs = outs,                                      \
                                           .fingerprint = print,                                 \
                                           .run = variable##_run };                              \
    static json_t *variable##_run(const an_step_context *c, const void *options, an_error *err)  \
    {                                                                                            \
        return toy_run(&variable, c, options, err);                                              \
    }
#define NONE            \
    {                   \
        {               \
            NULL, false \
        }               \
    }
#define ONE(a)       \
    {                \
        {            \
            a, false \
        }            \
    }
#define TWO(a, b)     \
    {                 \
        { a, false }, \
        {             \
            b, false  \
        }             \
    }

TOY(toy_source, "source", NONE, ONE("data"), toy_print)
TOY(toy_clean, "clean", ONE("data"), ONE("data"), NULL)
TOY(toy_split, "split", ONE("data"), ONE("split"), NULL)
TOY(toy_train, "train", TWO("data", "split"), ONE("model"), NULL)
TOY(toy_judge, "judge", TWO("model", "split"), NONE, NULL)

static const an_step_kind toy_report = { .name = "report",
                                         .doc = "a toy",
                                         .params = toy_params,
                                         .options_size = sizeof(toy_options),
                                         .inputs = { { "model", true }, { "rows", true } },
                                         .outputs = NONE,
                                         .run = toy_judge_run };

static const an_step_kind *const toys[] = { &toy_source, &toy_clean, &toy_split, &toy_train, &toy_judge, &toy_report };

static inline an_pipeline *toy_parse(const char *text, an_error *err)
{
    return an__pipeline_parse(text, strlen(text), "flow.yaml", ".", toys, AN_COUNT(toys), err);
}

#define MUST(call)                                                           \
    do {                                                                     \
        err = (an_error){ 0 };                                               \
        if (!(call)) fail_msg("%s: %s [%s]", #call, err.message, err.where); \
    } while (0)
#define MENTIONS(text, part)                                                             \
    do {                                                                                 \
        if (!strstr(text, part)) fail_msg("\"%s\" does not mention \"%s\"", text, part); \
    } while (0)

#endif
