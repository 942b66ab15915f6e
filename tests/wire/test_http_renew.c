/* A certificate that is renewed while the server runs: new connections get the new one, old ones go on, a pair that does not fit is not
 * taken, and people are told. */
#include "wire/client.h"

#include "wire/certificate.h"

enum { DAY = 86400, PATIENCE = 600 };

typedef struct pair {
    char certificate[100], key[100];
} pair;

static char folder[64];

static pair make_pair(const char *name, long from_s, long to_s)
{
    pair p;
    snprintf(p.certificate, sizeof p.certificate, "%s/%s.pem", folder, name);
    snprintf(p.key, sizeof p.key, "%s/%s-key.pem", folder, name);
    assert_true(make_certificate(p.certificate, p.key, "IP:127.0.0.1", from_s, to_s));
    return p;
}

/* Answers what the server says of its certificate. */
static void tell(void *context, an_exchange *x)
{
    const served *s = context;
    const char *why = an_http_server_certificate_why(s->server);
    an_exchange_answer(x, &(an_http_answer){ .status = 200, .type = "text/plain", .body = why, .body_size = strlen(why) });
}

/* Asks over a connection of its own. */
static answer ask_anew(int port, const char *trusted)
{
    client *c = an_alloc(sizeof *c);
    client_start(c, "https://127.0.0.1", port, trusted, 20);
    ask(c, "GET", "/", NULL);
    await(c, 1);
    answer a = c->got[0];
    client_stop(c);
    free(c);
    return a;
}

/* Until the server has looked, which it does once a second. */
static void until_trusted(int port, const char *trusted)
{
    for (int i = 0; i < PATIENCE; i++) {
        answer a = ask_anew(port, trusted);
        if (a.status == 200) return;
        usleep(50000);
    }
    fail_msg("the certificate was never taken: %s", trusted);
}

static void until_told(client *old, const char *what)
{
    for (int i = 0; i < PATIENCE; i++) {
        ask(old, "GET", "/", NULL);
        await(old, old->count + 1);
        const answer *a = &old->got[(old->count - 1) % ANSWERS];
        if (a->status != 200) fail_msg("the old connection ended: %s", a->why);
        if (*what ? strstr(a->body, what) != NULL : !a->body[0]) return;
        usleep(50000);
    }
    fail_msg("never told: %s", what);
}

static void test_renewal(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/andon-renew-XXXXXX");
    assert_non_null(mkdtemp(folder));
    pair used = make_pair("used", -60, 30 * DAY), second = make_pair("second", -60, 30 * DAY), third = make_pair("third", -60, 30 * DAY),
         soon = make_pair("soon", -60, 2 * DAY), past = make_pair("past", -2 * DAY, -DAY);
    char *first = an_path_join(folder, "first.pem");
    assert_true(an_file_copy(used.certificate, first, NULL));
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .certificate = used.certificate, .key = used.key }, tell);
    client *old = an_alloc(sizeof *old);
    client_start(old, "https://127.0.0.1", s.port, first, 60);
    until_told(old, "");
    /* both files are replaced */
    assert_true(an_file_copy(second.certificate, used.certificate, NULL));
    assert_true(an_file_copy(second.key, used.key, NULL));
    until_trusted(s.port, second.certificate);
    assert_int_equal(ask_anew(s.port, first).status, 0);
    until_told(old, ""); /* over the connection with the certificate that is no more */
    /* one of them: not taken, told, and the other one makes it good */
    assert_true(an_file_copy(third.key, used.key, NULL));
    until_told(old, "the old one goes on: cannot use the key");
    assert_int_equal(ask_anew(s.port, second.certificate).status, 200);
    assert_true(an_file_copy(third.certificate, used.certificate, NULL));
    until_trusted(s.port, third.certificate);
    until_told(old, "");
    /* written in place, half of it first: same file, same number */
    an_buf text = { 0 };
    assert_true(an_file_read(second.certificate, 0, &text, NULL));
    FILE *f = fopen(used.certificate, "w");
    assert_int_equal(fwrite(text.data, 1, text.size / 2, f), text.size / 2);
    fflush(f);
    until_told(old, "the old one goes on: cannot use the certificate");
    fwrite(text.data + text.size / 2, 1, text.size - text.size / 2, f);
    fclose(f);
    assert_true(an_file_copy(second.key, used.key, NULL));
    until_trusted(s.port, second.certificate);
    /* gone, and back as it was */
    assert_int_equal(rename(used.certificate, third.certificate), 0);
    until_told(old, "cannot read the certificate");
    assert_int_equal(ask_anew(s.port, second.certificate).status, 200);
    assert_int_equal(rename(third.certificate, used.certificate), 0);
    until_told(old, "");
    /* what will end, and has */
    assert_true(an_file_copy(soon.certificate, used.certificate, NULL));
    assert_true(an_file_copy(soon.key, used.key, NULL));
    until_told(old, "expires in 47 hours");
    assert_true(an_file_copy(past.certificate, used.certificate, NULL));
    assert_true(an_file_copy(past.key, used.key, NULL));
    until_told(old, "has expired");
    client_stop(old);
    free(old);
    served_stop(&s);
    an_buf_free(&text);
    free(first);
    an_folder_remove(folder, NULL);
}

/* The server goes before its clients do: several contexts are in use by then. */
static void test_cut(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/andon-renew-XXXXXX");
    assert_non_null(mkdtemp(folder));
    pair used = make_pair("used", -60, 30 * DAY), second = make_pair("second", -60, 30 * DAY);
    served s = { 0 };
    served_start(&s, (an_http_server_options){ .certificate = used.certificate, .key = used.key }, tell);
    client *old = an_alloc(sizeof *old), *fresh = an_alloc(sizeof *fresh);
    client_start(old, "https://127.0.0.1", s.port, used.certificate, 60);
    until_told(old, "");
    assert_true(an_file_copy(second.certificate, used.certificate, NULL));
    assert_true(an_file_copy(second.key, used.key, NULL));
    until_trusted(s.port, second.certificate);
    client_start(fresh, "https://127.0.0.1", s.port, second.certificate, 60);
    until_told(fresh, "");
    until_told(old, "");
    served_stop(&s);
    client_stop(old);
    client_stop(fresh);
    free(old);
    free(fresh);
    an_folder_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_renewal), cmocka_unit_test(test_cut) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
