/* test_models.c - which version is served: champions, approvals, aliases that move, versions that cannot be loaded. */
#include "serve/infer_testing.h"
#include "serve/server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct place {
    char *folder;
    an_store *store;
    an_loop *loop;
    an__models *models;
    int changes, wanted;
} place;

static int64_t add_version(place *p, const char *name, double threshold)
{
    an_error err = { 0 };
    an_model *m = number_model();
    m->threshold.value = threshold;
    an_artifact *a = an_artifact_stage(p->store, &err);
    an_hash address;
    int64_t version;
    bool existed;
    assert_non_null(a);
    assert_ok(an_model_save(m, a, &err));
    assert_ok(an_artifact_put(p->store, a, "model", &address, &err));
    assert_ok(an_version_add(p->store, AN_NAME_MODEL, name, &address, NULL, NULL, &version, &existed, &err));
    an_model_free(m);
    return version;
}

static void point(place *p, const char *name, const char *alias, int64_t version)
{
    an_error err;
    assert_ok(an_names_move(p->store, &(an_move){ AN_NAME_MODEL, name, alias, -1, version }, 1, NULL, &err));
}

static void decide(place *p, const char *kind, int64_t version)
{
    an_error err;
    json_t *body = json_pack("{s:I}", "version", (json_int_t)version);
    assert_ok(an_record(p->store, kind, "model:press", body, &err));
    json_decref(body);
}

static int set_up(void **state)
{
    place *p = an_alloc(sizeof *p);
    an_error err;
    p->folder = scratch_new();
    assert_ok(an_workspace_init(p->folder, &err));
    p->store = an_store_open(p->folder, &err);
    assert_non_null(p->store);
    p->loop = an_loop_new(&err);
    assert_int_equal(add_version(p, "press", 0.25), 1);
    assert_int_equal(add_version(p, "press", 0.5), 2);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    an__models_free(p->models);
    an_loop_free(p->loop);
    an_store_close(p->store);
    scratch_end(p->folder);
    free(p);
    return 0;
}

static void changed(void *context)
{
    place *p = context;
    if (++p->changes >= p->wanted) an_loop_stop(p->loop);
}

static bool serve(place *p, const char *reference, bool unapproved, an_error *err)
{
    an_list references = { 0 };
    if (reference) an_list_add(&references, reference);
    an__models_free(p->models);
    *err = (an_error){ 0 };
    an__models_options o = { .references = &references, .unapproved = unapproved, .poll_s = 0.02, .changed = changed, .context = p };
    p->models = an__models_new(p->store, &o, err);
    an_list_free(&references);
    return p->models != NULL;
}

static int64_t served(place *p, const char *name, const char *version, double *threshold)
{
    int status;
    an_error err = { 0 };
    an__served *v = an__models_get(p->models, name, version, &status, &err);
    if (!v) return -status;
    int64_t is = v->version;
    if (threshold) *threshold = v->model->threshold.value;
    an__served_release(v);
    return is;
}

static void test_approval(void **state)
{
    place *p = *state;
    an_error err;
    assert_false(serve(p, "press", false, &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_non_null(strstr(err.message, "no champion"));
    assert_true(serve(p, "press", true, &err)); /* the newest, and it is said */
    assert_int_equal(served(p, "press", NULL, NULL), 2);
    assert_true(an__models_at(p->models, 0).served->unapproved);
    point(p, "press", "champion", 1);
    assert_false(serve(p, "press", false, &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_non_null(strstr(err.message, "approved"));
    decide(p, "approve", 2);
    assert_false(serve(p, "press", false, &err)); /* another version's approval */
    decide(p, "approve", 1);
    assert_true(serve(p, "press", false, &err));
    assert_int_equal(served(p, "press", NULL, NULL), 1);
    assert_false(an__models_at(p->models, 0).served->unapproved);
    decide(p, "reject", 1); /* the last word counts */
    assert_false(serve(p, "press", false, &err));
}

static void test_names(void **state)
{
    place *p = *state;
    an_error err;
    double threshold;
    assert_false(serve(p, "pres", true, &err));
    assert_int_equal(err.code, AN_NOT_FOUND);
    assert_false(serve(p, "press/3", true, &err));
    point(p, "press", "candidate", 2);
    point(p, "press", "champion", 1);
    assert_true(serve(p, "press@candidate", true, &err));
    assert_int_equal(served(p, "press", NULL, &threshold), 2);
    assert_true(threshold == 0.5);
    assert_int_equal(served(p, "press@candidate", NULL, NULL), 2);
    assert_int_equal(served(p, "press", "2", NULL), 2);
    assert_int_equal(served(p, "press", "1", NULL), -404);
    assert_int_equal(served(p, "press", "two", NULL), -404);
    assert_int_equal(served(p, "press", "99999999999999999999", NULL), -404);
    assert_int_equal(served(p, "other", NULL, NULL), -404);
    assert_true(serve(p, NULL, true, &err)); /* all */
    assert_int_equal(served(p, "press", NULL, NULL), 1);
}

static void wait_changes(place *p, int count)
{
    an_error err;
    p->changes = 0;
    p->wanted = count;
    assert_ok(an_loop_run(p->loop, &err));
}

static void test_a_moved_alias_is_followed(void **state)
{
    place *p = *state;
    an_error err;
    point(p, "press", "champion", 1);
    assert_true(serve(p, "press", true, &err));
    int status;
    an__served *held = an__models_get(p->models, "press", NULL, &status, &err);
    assert_ok(an__models_follow(p->models, p->loop, &err));
    point(p, "press", "champion", 2);
    wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), 2);
    assert_int_equal(held->version, 1); /* a request in flight keeps what it was given */
    double row[2] = { 1, 1 }, score;
    assert_ok(an_model_score_rows(held->model, row, 1, &score, &err));
    an__served_release(held);
}

static void test_an_unapproved_champion_is_not_taken(void **state)
{
    place *p = *state;
    an_error err;
    point(p, "press", "champion", 1);
    decide(p, "approve", 1);
    assert_true(serve(p, "press", false, &err));
    assert_ok(an__models_follow(p->models, p->loop, &err));
    point(p, "press", "champion", 2);
    wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), 1);
    assert_non_null(strstr(an__models_at(p->models, 0).why, "approved"));
    decide(p, "approve", 2);
    while (served(p, "press", NULL, NULL) != 2) wait_changes(p, 1);
    assert_string_equal(an__models_at(p->models, 0).why, "");
}

static void test_an_altered_version_is_refused_and_the_old_goes_on(void **state)
{
    place *p = *state;
    an_error err;
    point(p, "press", "champion", 1);
    assert_true(serve(p, "press", true, &err));
    assert_ok(an__models_follow(p->models, p->loop, &err));
    an_version_row row = { 0 };
    assert_ok(an_version_get(p->store, AN_NAME_MODEL, "press/2", &row, &err));
    char hex[65];
    an_hash_hex(&row.address, hex);
    char *path = an_format("%s/.andon/artifacts/%.2s/%s/model.json", p->folder, hex, hex + 2);
    an_version_row_free(&row);
    an_buf text = { 0 };
    assert_ok(an_file_read(path, 0, &text, &err));
    text.data[text.size / 2] ^= 1;
    chmod(path, 0644);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size);
    close(fd);
    free(path);
    an_buf_free(&text);
    point(p, "press", "champion", 2);
    wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), 1);
    assert_non_null(strstr(an__models_at(p->models, 0).why, "altered"));
    point(p, "press", "champion", 1);
    wait_changes(p, 1);
    assert_string_equal(an__models_at(p->models, 0).why, "");
    assert_int_equal(served(p, "press", NULL, NULL), 1);
}

static void test_decisions_about_what_is_served_are_noticed(void **state)
{
    place *p = *state;
    an_error err;
    point(p, "press", "champion", 1);
    decide(p, "approve", 1);
    assert_true(serve(p, "press", false, &err));
    assert_ok(an__models_follow(p->models, p->loop, &err));
    decide(p, "reject", 1); /* there is nothing to go on with */
    while (served(p, "press", NULL, NULL) == 1) wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), -503);
    assert_non_null(strstr(an__models_at(p->models, 0).why, "press/1 was rejected"));
    decide(p, "approve", 1);
    while (served(p, "press", NULL, NULL) != 1) wait_changes(p, 1);
    assert_string_equal(an__models_at(p->models, 0).why, "");

    assert_true(serve(p, "press/2", true, &err)); /* a version by number: its answers say "unapproved" only as long as it is */
    assert_ok(an__models_follow(p->models, p->loop, &err));
    assert_true(an__models_at(p->models, 0).served->unapproved);
    decide(p, "approve", 2);
    while (an__models_at(p->models, 0).served->unapproved) wait_changes(p, 1);
    decide(p, "reject", 2);
    while (!an__models_at(p->models, 0).served->unapproved) wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), 2);
}

/* The decision counts for the version that goes on, too, where its alias points to one that is not taken. */
static void test_what_goes_on_may_be_rejected(void **state)
{
    place *p = *state;
    an_error err;
    for (int unapproved = 0; unapproved < 2; unapproved++) {
        point(p, "press", "champion", 1);
        decide(p, "approve", 1);
        assert_true(serve(p, unapproved ? "press/1" : "press", unapproved, &err));
        assert_ok(an__models_follow(p->models, p->loop, &err));
        if (!unapproved) {
            point(p, "press", "champion", 2);
            wait_changes(p, 1);
            assert_int_equal(served(p, "press", NULL, NULL), 1);
        }
        assert_false(an__models_at(p->models, 0).served->unapproved);
        decide(p, "reject", 1);
        wait_changes(p, 1);
        if (unapproved)
            assert_true(an__models_at(p->models, 0).served->unapproved); /* and never says ok again */
        else
            assert_int_equal(served(p, "press", NULL, NULL), -503);
    }
}

/* A model that was served is missed when it goes; and no other takes its place where a request names none. */
static void test_a_rejected_model_is_missed(void **state)
{
    place *p = *state;
    an_error err;
    add_version(p, "screw", 0.4);
    point(p, "press", "champion", 1);
    point(p, "screw", "champion", 1);
    decide(p, "approve", 1);
    json_t *body = json_pack("{s:i}", "version", 1);
    assert_ok(an_record(p->store, "approve", "model:screw", body, &err));
    json_decref(body);
    assert_true(serve(p, NULL, false, &err));
    assert_null(an__models_only(p->models, &err));
    assert_ok(an__models_follow(p->models, p->loop, &err));
    decide(p, "reject", 1);
    while (served(p, "press", NULL, NULL) == 1) wait_changes(p, 1);
    usleep(100000); /* several looks later */
    for (size_t i = 0; i < an__models_count(p->models); i++) assert_false(an__models_at(p->models, i).unasked);
    assert_null(an__models_only(p->models, &err));
    assert_true(serve(p, NULL, false, &err)); /* started anew, it is ready with what it has, but guesses nothing */
    for (size_t i = 0; i < an__models_count(p->models); i++) {
        an__models_entry e = an__models_at(p->models, i);
        assert_true(e.unasked == !strcmp(e.name, "press"));
    }
    assert_null(an__models_only(p->models, &err));
}

static void test_experiments_keep_no_approved_model_away(void **state)
{
    place *p = *state;
    an_error err;
    add_version(p, "screw", 0.4);
    assert_false(serve(p, NULL, false, &err)); /* nothing is approved */
    assert_int_equal(err.code, AN_REFUSED);
    point(p, "press", "champion", 2);
    decide(p, "approve", 2);
    assert_true(serve(p, NULL, false, &err));
    assert_int_equal(served(p, "press", NULL, NULL), 2);
    assert_int_equal(served(p, "screw", NULL, NULL), -503);
    for (size_t i = 0; i < an__models_count(p->models); i++) {
        an__models_entry e = an__models_at(p->models, i);
        assert_true(e.unasked == !strcmp(e.name, "screw"));
    }
    assert_string_equal(an__models_only(p->models, &err), "press");
    assert_true(serve(p, NULL, true, &err));
    assert_null(an__models_only(p->models, &err));
    assert_int_equal(err.code, AN_INPUT);
    assert_false(serve(p, "screw", false, &err)); /* asked for by name, it must be served */
}

static void test_a_workspace_without_models_waits_for_some(void **state)
{
    place *p = *state;
    an_error err;
    char *folder = scratch_new();
    assert_ok(an_workspace_init(folder, &err));
    an_store *full = p->store;
    p->store = an_store_open(folder, &err);
    assert_non_null(p->store);
    assert_true(serve(p, NULL, true, &err));
    assert_int_equal(an__models_count(p->models), 0);
    assert_null(an__models_only(p->models, &err));
    assert_int_equal(err.code, AN_REFUSED);
    assert_ok(an__models_follow(p->models, p->loop, &err));
    assert_int_equal(served(p, "press", NULL, NULL), -404);
    add_version(p, "press", 0.4);
    wait_changes(p, 1);
    assert_int_equal(served(p, "press", NULL, NULL), 1);
    an__models_free(p->models);
    p->models = NULL;
    an_store_close(p->store);
    p->store = full;
    scratch_end(folder);
}

static void test_new_models_are_found(void **state)
{
    place *p = *state;
    an_error err;
    assert_true(serve(p, NULL, true, &err));
    assert_ok(an__models_follow(p->models, p->loop, &err));
    assert_int_equal(served(p, "screw", NULL, NULL), -404);
    add_version(p, "screw", 0.4);
    wait_changes(p, 1);
    assert_int_equal(served(p, "screw", NULL, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_approval, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_moved_alias_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unapproved_champion_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_altered_version_is_refused_and_the_old_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decisions_about_what_is_served_are_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_goes_on_may_be_rejected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_rejected_model_is_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_experiments_keep_no_approved_model_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_workspace_without_models_waits_for_some, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_models_are_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
