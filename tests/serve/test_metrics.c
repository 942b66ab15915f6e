/* test_metrics.c - what is counted for a version: requests, batches, and where their time went. The text for Prometheus is read by promtool
 * in tests/system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/server.h"

#include <math.h>

static const an__route *const tables[] = { an__routes };

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_versions(void **state)
{
    (void)state;
    an__metrics *m = an__metrics_new(tables, 1);
    char name[] = "press";
    an__served first = { .name = name, .version = 1 }, again = { .name = name, .version = 1 }, second = { .name = name, .version = 2 };
    assert_null(an__metrics_of(m, "press", 1));
    /* scored here: two requests of one batch of 0.5 s, then one of another */
    an__metrics_batch(m, 3, 0.5);
    an__metrics_request(m, &first, &(an__request_times){ .arrived = 10, .decoding = 10.1, .queued = 10.2, .scored = 11, .ready = 11.1 });
    an__metrics_request(m, &again, &(an__request_times){ .arrived = 10, .decoding = 10.2, .queued = 10.3, .scored = 11.1, .ready = 11.2 });
    an__metrics_batch(m, 1, 0.25);
    an__metrics_request(m, &second, &(an__request_times){ .arrived = 20, .decoding = 20, .queued = 20, .scored = 20.1, .ready = 20.1 });
    an__metrics_request_failed(m, &second, 0.125);
    const an__class_counts *c = an__metrics_of(m, "press", 1);
    assert_non_null(c);
    assert_int_equal(c->requests, 2);
    assert_int_equal(c->batches, 1);
    assert_int_equal(c->failed, 0);
    assert_true(near(c->seconds, 2.3) && near(c->decoding, 0.2) && near(c->scoring, 1) && near(c->waiting, 0.6) && near(c->encoding, 0.2));
    assert_true(c->decoding + c->waiting + c->scoring + c->encoding <= c->seconds);
    assert_true(c->last == 11.2);
    c = an__metrics_of(m, "press", 2);
    assert_int_equal(c->requests, 1);
    assert_int_equal(c->batches, 1);
    assert_int_equal(c->failed, 1);
    assert_true(c->failed_seconds == 0.125);
    assert_true(near(c->scoring, 0.1) && near(c->waiting, 0)); /* no more than since it was queued */
    assert_null(an__metrics_of(m, "press", 3));
    an__metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_versions) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
