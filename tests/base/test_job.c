/* Jobs: what reaches the sink, one call at a time; stopping from a parent, a thread, a signal handler. */
#include "testing.h"

#include <pthread.h>
#include <signal.h>

static an_error err;

typedef struct record {
    an_buf text;
    int inside, overlaps, calls; /* plain: the job's lock protects them */
    an_job *pass_to;
} record;

static void progress(void *context, const char *stage, double done, double total, const char *unit)
{
    record *r = context;
    an_buf_printf(&r->text, "[%s %g/%g %s]", stage, done, total, unit);
}

static void metric(void *context, const char *name, int64_t step, double value)
{
    record *r = context;
    an_buf_printf(&r->text, "[%s@%lld=%g]", name, (long long)step, value);
}

static void message(void *context, const char *text)
{
    record *r = context;
    an_buf_printf(&r->text, "[%s]", text);
}

static void everything_reaches_the_sink(void **state)
{
    (void)state;
    record r = { 0 };
    char folder[] = "/some/where";
    an_job *job = an_job_new(&(an_job_options){ .seed = 9, .folder = folder, .sink = { &r, progress, metric, message } });
    folder[1] = 'X';
    an_job_progress(job, 1, 0, NULL);
    an_job_stage(job, "training wgan");
    an_job_progress(job, 5, 10, "steps");
    an_job_metric(job, "critic_loss", 5, -0.25);
    an_job_say(job, "%d rows", 3);
    assert_string_equal(r.text.data, "[ 1/0 ][training wgan 0/0 ][training wgan 5/10 steps][critic_loss@5=-0.25][3 rows]");
    an_buf_clear(&r.text);
    an_job_say(job, "%*s", 2000, "x"); /* longer than the small buffer */
    assert_int_equal(r.text.size, 2002);
    assert_true(an_job_seed(job) == 9);
    assert_string_equal(an_job_folder(job), "/some/where");
    assert_null(an_job_pool(job));
    an_job_free(job);
    an_buf_free(&r.text);
}

static void no_job_is_fine(void **state)
{
    (void)state;
    an_job_stage(NULL, "x");
    an_job_progress(NULL, 1, 2, "x");
    an_job_metric(NULL, "x", 1, 1);
    an_job_say(NULL, "x");
    an_job_stop(NULL);
    assert_false(an_job_stopped(NULL));
    assert_true(an_job_check(NULL, NULL));
    assert_null(an_job_pool(NULL));
    assert_null(an_job_folder(NULL));
    assert_true(an_job_seed(NULL) == 1);
    an_job_free(NULL);
    an_job *quiet = an_job_new(&(an_job_options){ .seed = 1 }); /* a sink with nothing in it */
    an_job_stage(quiet, "x");
    an_job_progress(quiet, 1, 2, "x");
    an_job_metric(quiet, "x", 1, 1);
    an_job_say(quiet, "x");
    an_job_free(quiet);
}

static void parts_stop_with_their_parent(void **state)
{
    (void)state;
    an_pool *pool = an_pool_new(2);
    an_job *job = an_job_new(&(an_job_options){ .pool = pool, .seed = 1 });
    an_job *part = an_job_part(job, &(an_job_options){ .seed = 2 }), *inner = an_job_part(part, &(an_job_options){ .seed = 3 });
    an_job *other = an_job_part(job, &(an_job_options){ .seed = 4 }), *orphan = an_job_part(NULL, &(an_job_options){ .seed = 5 });
    assert_ptr_equal(an_job_pool(inner), pool);
    assert_true(an_job_seed(inner) == 3);
    assert_ok(an_job_check(inner, &err));
    an_job_stop(part);
    assert_true(an_job_stopped(part) && an_job_stopped(inner));
    assert_false(an_job_stopped(job) || an_job_stopped(other)); /* not upwards, not sideways */
    assert_fails(an_job_check(inner, &err), AN_STOPPED, "stopped");
    an_job_stop(job);
    assert_true(an_job_stopped(job) && an_job_stopped(other) && !an_job_stopped(orphan));
    an_job_free(orphan);
    an_job_free(other);
    an_job_free(inner);
    an_job_free(part);
    an_job_free(job);
    an_pool_free(pool);
}

static an_job *signalled;

static void on_signal(int number)
{
    (void)number;
    an_job_stop(signalled);
}

static void a_signal_handler_may_stop(void **state)
{
    (void)state;
    an_job *job = an_job_new(&(an_job_options){ .seed = 1 });
    signalled = job;
    struct sigaction action = { .sa_handler = on_signal }, before;
    sigaction(SIGUSR1, &action, &before);
    assert_false(an_job_stopped(job));
    raise(SIGUSR1);
    assert_true(an_job_stopped(job));
    sigaction(SIGUSR1, &before, NULL);
    an_job_free(job);
}

static void counting(void *context, const char *name, int64_t step, double value)
{
    (void)name;
    (void)step;
    (void)value;
    record *r = context;
    if (r->inside++) r->overlaps++;
    r->calls++;
    if (r->pass_to) an_job_metric(r->pass_to, name, step, value);
    r->inside--;
}

static void *talk(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        an_job_metric(argument, "m", i, i);
        an_job_stage(argument, i % 2 ? "odd" : "even");
        if (an_job_stopped(argument)) break;
    }
    return NULL;
}

/* Two parts with the same sink, each from its own thread, passing on to their parent. */
static void calls_come_one_at_a_time(void **state)
{
    (void)state;
    record top = { 0 }, shared = { 0 };
    an_job *job = an_job_new(&(an_job_options){ .sink = { &top, NULL, counting, NULL } });
    shared.pass_to = job;
    an_job_options options = { .sink = { &shared, NULL, counting, NULL } };
    an_job *parts[2] = { an_job_part(job, &options), an_job_part(job, &options) };
    pthread_t ids[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&ids[i], NULL, talk, parts[i % 2]), 0);
    for (int i = 0; i < 4; i++) pthread_join(ids[i], NULL);
    assert_int_equal(shared.calls, 4000);
    assert_int_equal(shared.overlaps, 0);
    assert_int_equal(top.calls, 4000);
    assert_int_equal(top.overlaps, 0);
    an_job_free(parts[0]);
    an_job_free(parts[1]);
    an_job_free(job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_reaches_the_sink),  cmocka_unit_test(no_job_is_fine),
        cmocka_unit_test(parts_stop_with_their_parent), cmocka_unit_test(a_signal_handler_may_stop),
        cmocka_unit_test(calls_come_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
