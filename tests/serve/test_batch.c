/* test_batch.c - rows scored in batches are the rows scored alone; the queue is bounded; what is late is given up unscored. */
#include "serve/infer_testing.h"
#include "serve/server.h"

#include <math.h>

typedef struct asked {
    an__job job;
    double score[8], values[8 * 16];
    int answers;
    an__outcome outcome;
    size_t order;
} asked;

static an_model *model;
static an__served served[2];
static size_t answered;

static void got(an__job *j, an__outcome outcome, const char *why)
{
    (void)why;
    asked *a = (asked *)j;
    a->answers++;
    a->outcome = outcome;
    a->order = answered++;
}

static void ask(asked *a, int which, size_t rows, uint64_t seed, an_loop *l)
{
    *a = (asked){ .outcome = AN__ERROR };
    an_rng r = an_rng_at(seed, 0);
    size_t d = served[which].features;
    assert_true(rows <= 8 && d <= 16);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < d; k++) {
            const an_prep_column *c = &model->prep->column[k];
            a->values[i * d + k] = c->dictionary.count ? (double)an_rng_below(&r, (uint64_t)c->dictionary.count) : an_rng_uniform(&r) * 10;
        }
    a->job = (an__job){ .served = &served[which],
                        .rows = rows,
                        .values = a->values,
                        .score = a->score,
                        .since = an_loop_now(l),
                        .deadline = INFINITY,
                        .done = got };
}

static int set_up(void **state)
{
    (void)state;
    model = mixed_model();
    for (int i = 0; i < 2; i++) {
        served[i] = (an__served){ .name = (char *)"press", .version = i + 1, .model = model, .features = model->prep->columns };
        served[i].queue.last = &served[i].queue.first;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    an_model_free(model);
    return 0;
}

typedef struct place {
    an_loop *loop;
    an__metrics *metrics;
    an__batcher *batcher;
} place;

static place make(size_t rows, size_t queue, double wait_s)
{
    place p = { .loop = an_loop_new(NULL) };
    assert_non_null(p.loop);
    p.metrics = an__metrics_new(NULL, 0);
    p.batcher = an__batcher_new(p.loop, &(an__batch_options){ .rows = rows, .queue = queue, .wait_s = wait_s }, NULL, p.metrics);
    answered = 0;
    return p;
}

static void unmake(place *p)
{
    an__batcher_free(p->batcher);
    an__metrics_free(p->metrics);
    an_loop_free(p->loop);
}

static bool hung_up(const an__job *j)
{
    return ((const asked *)j)->job.tries == 7; /* which of them did */
}

static void test_whose_client_hung_up_costs_nothing(void **state)
{
    (void)state;
    place p = make(16, 1000, 0);
    asked a[9];
    for (size_t i = 0; i < AN_COUNT(a); i++) {
        ask(&a[i], 0, 2, i, p.loop);
        a[i].job.gone = hung_up;
        a[i].job.tries = i % 3 == 1 ? 7 : 0;
        a[i].score[0] = -1;
        assert_true(an__batcher_add(p.batcher, &a[i].job));
    }
    an__batcher_turn(p.batcher);
    assert_int_equal(an__batcher_waiting(p.batcher), 0);
    for (size_t i = 0; i < AN_COUNT(a); i++) {
        assert_int_equal(a[i].answers, 1);
        assert_int_equal(a[i].outcome, i % 3 == 1 ? AN__GONE : AN__SCORED);
        assert_int_equal(a[i].score[0] == -1, i % 3 == 1);
    }
    unmake(&p);
}

static void test_same_scores_in_any_company(void **state)
{
    (void)state;
    place p = make(16, 1000, 0);
    asked a[40];
    for (size_t i = 0; i < AN_COUNT(a); i++) {
        ask(&a[i], (int)(i % 3 == 0), i % 8 + 1, i, p.loop);
        assert_true(an__batcher_add(p.batcher, &a[i].job));
    }
    an__batcher_turn(p.batcher);
    assert_int_equal(an__batcher_waiting(p.batcher), 0);
    size_t last[2] = { 0, 0 };
    for (size_t i = 0; i < AN_COUNT(a); i++) {
        double alone[8];
        assert_int_equal(a[i].answers, 1);
        assert_int_equal(a[i].outcome, AN__SCORED);
        assert_true(an_model_score_rows(model, a[i].values, a[i].job.rows, alone, NULL));
        assert_memory_equal(alone, a[i].score, a[i].job.rows * sizeof *alone);
        size_t *before = &last[i % 3 == 0];
        assert_true(a[i].order >= *before); /* first come, first served, within a version */
        *before = a[i].order;
    }
    unmake(&p);
}

static void test_batches_are_of_rows(void **state)
{
    (void)state;
    place p = make(8, 1000, 0);
    asked a[5];
    static const size_t rows[] = { 3, 5, 1, 8, 2 }, batches[] = { 8, 1, 8, 2 };
    for (size_t i = 0; i < 5; i++) {
        ask(&a[i], 0, rows[i], i, p.loop);
        assert_true(an__batcher_add(p.batcher, &a[i].job));
    }
    for (size_t i = 0; i < 4; i++) {
        size_t n;
        an__job *batch = an__batcher_take(p.batcher, &n), *next;
        assert_non_null(batch);
        assert_int_equal(n, batches[i]);
        for (; batch; batch = next) {
            next = batch->next;
            n -= batch->rows;
        }
        assert_int_equal(n, 0);
    }
    size_t n;
    assert_null(an__batcher_take(p.batcher, &n));
    unmake(&p);
}

static void test_the_queue_is_bounded(void **state)
{
    (void)state;
    place p = make(8, 10, 0);
    asked a[4];
    for (size_t i = 0; i < 4; i++) ask(&a[i], (int)(i & 1), 4, i, p.loop);
    assert_true(an__batcher_add(p.batcher, &a[0].job));
    assert_true(an__batcher_add(p.batcher, &a[1].job));
    assert_false(an__batcher_add(p.batcher, &a[2].job)); /* over all versions together */
    assert_true(an__batcher_retry_s(p.batcher) >= 1);
    an__batcher_turn(p.batcher);
    assert_true(an__batcher_add(p.batcher, &a[2].job));
    assert_int_equal(a[3].answers, 0);
    unmake(&p); /* what waits is answered */
    assert_int_equal(a[2].answers, 1);
    assert_int_equal(a[2].outcome, AN__BROKEN);
}

static void test_a_job_larger_than_the_queue_is_taken_alone(void **state)
{
    (void)state;
    place p = make(4, 6, 0);
    asked a;
    ask(&a, 0, 8, 1, p.loop);
    assert_true(an__batcher_add(p.batcher, &a.job));
    an__batcher_turn(p.batcher);
    assert_int_equal(a.outcome, AN__SCORED);
    unmake(&p);
}

static void test_late_jobs_cost_nothing(void **state)
{
    (void)state;
    place p = make(8, 100, 0);
    asked a[3];
    for (size_t i = 0; i < 3; i++) {
        ask(&a[i], 0, 2, i, p.loop);
        a[i].score[0] = -7;
        if (i == 1) a[i].job.deadline = an_loop_now(p.loop) - 1;
        assert_true(an__batcher_add(p.batcher, &a[i].job));
    }
    an__batcher_turn(p.batcher);
    assert_int_equal(a[0].outcome, AN__SCORED);
    assert_int_equal(a[1].outcome, AN__LATE);
    assert_true(a[1].score[0] == -7);
    assert_int_equal(a[2].outcome, AN__SCORED);
    unmake(&p);
}

static void test_given_back_goes_first(void **state)
{
    (void)state;
    place p = make(4, 100, 0);
    asked a[4];
    size_t n;
    for (size_t i = 0; i < 4; i++) {
        ask(&a[i], 0, 2, i, p.loop);
        assert_true(an__batcher_add(p.batcher, &a[i].job));
    }
    an__job *first = an__batcher_take(p.batcher, &n);
    assert_ptr_equal(first, &a[0].job);
    an__batcher_again(p.batcher, first);
    assert_int_equal(an__batcher_waiting(p.batcher), 8);
    an__batcher_turn(p.batcher);
    for (size_t i = 0; i < 4; i++) assert_int_equal(a[i].answers, 1);
    assert_true(a[0].order < 2 && a[1].order < 2);
    unmake(&p);
}

/* A batch that may wait does, until it is full or its time is over. */
static void stop(void *context)
{
    an_loop_stop(context);
}

static void turn(void *context)
{
    place *p = context;
    an__batcher_turn(p->batcher);
}

static void test_waiting_for_company(void **state)
{
    (void)state;
    place p = make(4, 100, 0.05);
    an_loop_each_turn(p.loop, turn, &p);
    asked a[3];
    ask(&a[0], 0, 2, 0, p.loop);
    assert_true(an__batcher_add(p.batcher, &a[0].job));
    an__batcher_turn(p.batcher);
    assert_int_equal(a[0].answers, 0);
    ask(&a[1], 0, 2, 1, p.loop);
    assert_true(an__batcher_add(p.batcher, &a[1].job));
    an__batcher_turn(p.batcher); /* full */
    assert_int_equal(a[0].answers + a[1].answers, 2);
    ask(&a[2], 0, 1, 2, p.loop);
    assert_true(an__batcher_add(p.batcher, &a[2].job));
    an__batcher_turn(p.batcher);
    assert_int_equal(a[2].answers, 0);
    an_loop_after(p.loop, 0.5, stop, p.loop);
    assert_true(an_loop_run(p.loop, NULL));
    assert_int_equal(a[2].answers, 1);
    assert_int_equal(a[2].outcome, AN__SCORED);
    unmake(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_scores_in_any_company), cmocka_unit_test(test_batches_are_of_rows),
        cmocka_unit_test(test_the_queue_is_bounded),       cmocka_unit_test(test_a_job_larger_than_the_queue_is_taken_alone),
        cmocka_unit_test(test_late_jobs_cost_nothing),     cmocka_unit_test(test_given_back_goes_first),
        cmocka_unit_test(test_waiting_for_company),        cmocka_unit_test(test_whose_client_hung_up_costs_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
