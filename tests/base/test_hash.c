/* SHA-256 against FIPS 180-4 examples, SipHash against its designers' values, hexadecimal, files. */
#include "testing.h"

#include "reference/siphash.h"

static void check(const char *text, const char *expected)
{
    an_hash h;
    char hex[65];
    an_hash_bytes(text, strlen(text), &h);
    an_hash_hex(&h, hex);
    assert_string_equal(hex, expected);
}

static void sha256_of_known_texts(void **state)
{
    (void)state;
    check("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    an_hasher *h = an_hasher_new();
    char piece[1000];
    memset(piece, 'a', sizeof piece);
    for (int i = 0; i < 1000; i++) an_hasher_add(h, piece, sizeof piece);
    an_hasher_add(h, NULL, 0);
    an_hash hash;
    char hex[65];
    an_hasher_end(h, &hash);
    an_hash_hex(&hash, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void files_hash_as_their_bytes(void **state)
{
    (void)state;
    an_error err = { 0 };
    char *folder = scratch_new(), *path = an_path_join(folder, "f"), *none = an_path_join(folder, "none");
    an_buf b = { 0 };
    for (int i = 0; i < 300000; i++) an_buf_putc(&b, (char)(i * 7)); /* more than one read */
    assert_ok(an_file_write(path, b.data, b.size, &err));
    an_hash of_file, of_bytes;
    assert_ok(an_hash_file(path, &of_file, &err));
    an_hash_bytes(b.data, b.size, &of_bytes);
    assert_memory_equal(&of_file, &of_bytes, sizeof of_file);
    assert_fails(an_hash_file(none, &of_file, &err), AN_NOT_FOUND, "none");
    assert_fails(an_hash_file(folder, &of_file, &err), AN_INPUT, "folder");
    an_buf_free(&b);
    free(path);
    free(none);
    scratch_end(folder);
}

static void hex_is_read_back(void **state)
{
    (void)state;
    an_hash a, b;
    char hex[65];
    an_hash_bytes("x", 1, &a);
    an_hash_hex(&a, hex);
    assert_true(an_hash_parse(hex, &b));
    assert_memory_equal(&a, &b, sizeof a);
    for (char *c = hex; *c; c++)
        if (*c >= 'a') *c = (char)(*c - 32);
    assert_true(an_hash_parse(hex, &b));
    assert_memory_equal(&a, &b, sizeof a);
    hex[5] = 'g';
    assert_false(an_hash_parse(hex, &b));
    hex[63] = '\0';
    assert_false(an_hash_parse(hex, &b));
    assert_false(an_hash_parse("", &b));
    assert_false(an_hash_parse(NULL, &b));
}

static void siphash_of_known_bytes(void **state)
{
    (void)state;
    uint8_t key[16], bytes[64];
    for (int i = 0; i < 16; i++) key[i] = (uint8_t)i;
    for (int i = 0; i < 64; i++) bytes[i] = (uint8_t)i;
    assert_true(an_siphash(key, bytes, 15) == 0xa129ca6149be45e5); /* the paper's appendix A */
    for (size_t n = 0; n < 64; n++) assert_true(an_siphash(key, bytes, n) == siphash_reference[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_known_texts),
        cmocka_unit_test(files_hash_as_their_bytes),
        cmocka_unit_test(hex_is_read_back),
        cmocka_unit_test(siphash_of_known_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
