/* record.c - the record of decisions: entries of one origin form a chain of hashes, each signed with the key of the workspace.
 *
 * An entry's text is canonical JSON of {"body","kind","origin","previous","sequence","subject","time_us"}; its hash is the SHA-256 of
 * that text and its signature is Ed25519 (RFC 8032) over it. A changed entry does not fit its hash and signature, a removed one breaks
 * the chain, and a cut tail does not fit the signed head, which says where the chain ends. The origin's id is the beginning of the
 * hash of its public key, so a key cannot be exchanged under an id. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void origin_id(const uint8_t public_key[32], char id[33])
{
    an_hash h;
    char hex[65];
    an_hash_bytes(public_key, 32, &h);
    an_hash_hex(&h, hex);
    snprintf(id, 33, "%.32s", hex);
}

/* ---- the key: .andon/key holds the 32 bytes of the seed in hexadecimal ---- */

static bool make_key(const char *path, an_error *err)
{
    uint8_t seed[32];
    char hex[65], *draft = an_format("%s.%ld.%llx", path, (long)getpid(), (unsigned long long)an_now_us());
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(hex, sizeof hex, seed, sizeof seed);
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, hex, 64) == 64 && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0) good = false;
    /* link fails where the key exists: of two processes that start at the same time one wins, and both use its key */
    good = (good && (link(draft, path) == 0 || errno == EEXIST)) || an_fail_errno(err, "cannot make the signing key \"%s\"", path);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(hex, sizeof hex);
    unlink(draft);
    free(draft);
    return good;
}

bool an__key_ready(an_store *s, an_error *err)
{
    if (s->has_key) return true;
    if (sodium_init() < 0) return an_fail(err, AN_FAILED, "the cryptographic library (libsodium) does not start on this machine");
    char *path = an_path_join(s->hidden, "key");
    an_buf text = { 0 };
    uint8_t seed[32];
    size_t n = 0;
    bool good = (an_file_exists(path) || make_key(path, err)) && an_folder_sync(s->hidden, err) && an_file_read(path, 4096, &text, err);
    if (good && (sodium_hex2bin(seed, sizeof seed, text.data, text.size, "\r\n ", &n, NULL) != 0 || n != sizeof seed)) {
        an_fail(err, AN_CORRUPT, "the signing key \"%s\" is damaged: it does not hold 64 hexadecimal digits", path);
        good = an_hint(
            err, "Restore it from a backup. Without it decisions can still be read and verified, but none can be added under this origin.");
    }
    if (good) {
        crypto_sign_seed_keypair(s->key_public, s->key_secret, seed);
        origin_id(s->key_public, s->origin);
        s->has_key = true;
    }
    sodium_memzero(seed, sizeof seed);
    if (text.data) sodium_memzero(text.data, text.size);
    an_buf_free(&text);
    free(path);
    return good;
}

/* ---- what is hashed and signed ---- */

typedef struct entry {
    const char *origin, *kind, *subject, *body; /* body: canonical JSON text */
    int64_t sequence, time_us;
    an_hash previous;
} entry;

static char *entry_text(const entry *e)
{
    char hex[65];
    an_hash_hex(&e->previous, hex);
    json_t *kind = json_string(e->kind), *subject = json_string(e->subject);
    char *kind_text = an_json_text(kind, false), *subject_text = an_json_text(subject, false);
    /* put together by hand because the body is used as the bytes that were stored */
    char *text =
        an_format("{\"body\":%s,\"kind\":%s,\"origin\":\"%s\",\"previous\":\"%s\",\"sequence\":%lld,\"subject\":%s,\"time_us\":%lld}",
                  e->body, kind_text, e->origin, hex, (long long)e->sequence, subject_text, (long long)e->time_us);
    free(kind_text);
    free(subject_text);
    json_decref(kind);
    json_decref(subject);
    return text;
}

static char *head_text(const char *origin, int64_t sequence, const an_hash *hash)
{
    char hex[65];
    an_hash_hex(hash, hex);
    return an_format("{\"hash\":\"%s\",\"head\":\"%s\",\"sequence\":%lld}", hex, origin, (long long)sequence);
}

bool an__record_append(an_store *s, const char *kind, const char *subject, const json_t *body, an_error *err)
{
    entry e = { .origin = s->origin, .kind = kind, .subject = subject, .time_us = an_now_us() };
    bool row = false;
    sqlite3_stmt *q = an__sql(s, err, "SELECT sequence, hash FROM heads WHERE origin = ?", "t", s->origin);
    if (!q || !an__sql_step(s, q, &row, err)) return false;
    if (row) {
        e.sequence = sqlite3_column_int64(q, 0);
        bool whole = an__sql_hash(q, 1, &e.previous);
        sqlite3_finalize(q);
        if (!whole) return an_fail(err, AN_CORRUPT, "the head of the record of origin %s is damaged", s->origin);
    } else if (!an__sql_do(s, err, "INSERT INTO origins (id, public_key) VALUES (?, ?) ON CONFLICT DO NOTHING", "tb", s->origin,
                           s->key_public, sizeof s->key_public)) {
        return false;
    }
    e.sequence++;
    char *canonical = body ? an_json_text(body, false) : an_strdup("null");
    e.body = canonical;
    char *text = entry_text(&e);
    an_hash hash;
    uint8_t signature[crypto_sign_BYTES], head_signature[crypto_sign_BYTES];
    an_hash_bytes(text, strlen(text), &hash);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), s->key_secret);
    char *head = head_text(s->origin, e.sequence, &hash);
    crypto_sign_detached(head_signature, NULL, (const uint8_t *)head, strlen(head), s->key_secret);
    bool good = an__sql_do(s, err,
                           "INSERT INTO record (origin, sequence, time_us, kind, subject, body, previous, hash, signature) VALUES (?, ?, "
                           "?, ?, ?, ?, ?, ?, ?)",
                           "tiittthhb", s->origin, e.sequence, e.time_us, kind, subject, canonical, &e.previous, &hash, signature,
                           sizeof signature) &&
                an__sql_do(s, err,
                           "INSERT INTO heads (origin, sequence, hash, signature) VALUES (?, ?, ?, ?) "
                           "ON CONFLICT DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, signature = excluded.signature",
                           "tihb", s->origin, e.sequence, &hash, head_signature, sizeof head_signature);
    free(head);
    free(text);
    free(canonical);
    return good;
}

bool an_record(an_store *s, const char *kind, const char *subject, const json_t *body, an_error *err)
{
    an__lock(s);
    bool good = an__key_ready(s, err) && an__begin(s, true, err);
    if (good) good = an__end(s, an__record_append(s, kind, subject, body, err), err);
    return an__unlock(s, good);
}

json_t *an_record_list(an_store *s, const char *subject, an_error *err)
{
    json_t *all = json_array();
    bool row = true;
    an__lock(s);
    sqlite3_stmt *q =
        an__sql(s, err,
                "SELECT origin, sequence, time_us, kind, subject, body, lower(hex(hash)) FROM record WHERE ?1 IS NULL OR subject = ?1 "
                "ORDER BY time_us, origin, sequence",
                "t", subject);
    bool good = q != NULL;
    while (good && (good = an__sql_step(s, q, &row, err)) && row) {
        json_t *item = json_object(), *body = NULL;
        char when[32];
        json_object_set_new(item, "origin", json_string((const char *)sqlite3_column_text(q, 0)));
        json_object_set_new(item, "sequence", json_integer(sqlite3_column_int64(q, 1)));
        json_object_set_new(item, "time", json_string(an_time_text(sqlite3_column_int64(q, 2), when)));
        json_object_set_new(item, "kind", json_string((const char *)sqlite3_column_text(q, 3)));
        json_object_set_new(item, "subject", json_string((const char *)sqlite3_column_text(q, 4)));
        good = an__sql_json(q, 5, "the body of an entry of the record", &body, err);
        json_object_set_new(item, "body", body ? body : json_null());
        json_object_set_new(item, "hash", json_string((const char *)sqlite3_column_text(q, 6)));
        json_array_append_new(all, item);
        if (!good) sqlite3_finalize(q);
    }
    an__unlock(s, true);
    if (good) return all;
    json_decref(all);
    return NULL;
}

/* ---- verifying ---- */

static bool fail_entry(const char *origin, int64_t sequence, const char *what, an_error *err)
{
    an_fail(err, AN_CORRUPT, "the record was tampered with: entry %lld of origin %s %s", (long long)sequence, origin, what);
    an_where(err, "record %s/%lld", origin, (long long)sequence);
    return an_hint(err, "Compare with a backup: entries from here on cannot be trusted.");
}

static bool signed_by(sqlite3_stmt *q, int column, const char *text, const uint8_t public_key[32])
{
    const uint8_t *signature = sqlite3_column_blob(q, column);
    return signature && sqlite3_column_bytes(q, column) == crypto_sign_BYTES &&
           crypto_sign_verify_detached(signature, (const uint8_t *)text, strlen(text), public_key) == 0;
}

/* One entry against the one before it; e->previous is the hash expected, and becomes this entry's. */
static bool verify_entry(sqlite3_stmt *q, entry *e, const uint8_t public_key[32], an_error *err)
{
    int64_t sequence = sqlite3_column_int64(q, 0);
    e->sequence++;
    if (sequence != e->sequence) return fail_entry(e->origin, e->sequence, "is missing", err);
    an_hash previous, kept, hash;
    if (!an__sql_hash(q, 5, &previous) || !an__sql_hash(q, 6, &kept)) return fail_entry(e->origin, sequence, "is damaged", err);
    if (memcmp(&previous, &e->previous, sizeof previous) != 0)
        return fail_entry(e->origin, sequence, "does not follow the one before it", err);
    e->time_us = sqlite3_column_int64(q, 1);
    e->kind = (const char *)sqlite3_column_text(q, 2);
    e->subject = (const char *)sqlite3_column_text(q, 3);
    e->body = (const char *)sqlite3_column_text(q, 4);
    char *text = entry_text(e);
    an_hash_bytes(text, strlen(text), &hash);
    bool same = memcmp(&hash, &kept, sizeof hash) == 0, trusted = signed_by(q, 7, text, public_key);
    free(text);
    e->previous = hash;
    if (!same) return fail_entry(e->origin, sequence, "was changed", err);
    return trusted || fail_entry(e->origin, sequence, "has a wrong signature", err);
}

static bool verify_origin(an_store *s, const char *origin, const uint8_t public_key[32], size_t *count, an_error *err)
{
    char id[33];
    origin_id(public_key, id);
    if (strcmp(id, origin) != 0) return fail_entry(origin, 1, "has a public key that does not belong to its origin", err);
    entry e = { .origin = origin };
    bool row = true;
    sqlite3_stmt *q = an__sql(
        s, err, "SELECT sequence, time_us, kind, subject, body, previous, hash, signature FROM record WHERE origin = ? ORDER BY sequence",
        "t", origin);
    if (!q) return false;
    for (;;) {
        if (!an__sql_step(s, q, &row, err)) return false;
        if (!row) break;
        if (!verify_entry(q, &e, public_key, err)) {
            sqlite3_finalize(q);
            return false;
        }
        ++*count;
    }
    q = an__sql(s, err, "SELECT sequence, hash, signature FROM heads WHERE origin = ?", "t", origin);
    if (!q || !an__sql_step(s, q, &row, err)) return false;
    if (!row) return fail_entry(origin, e.sequence + 1, "cannot be ruled out: the head of the chain is missing", err);
    int64_t last = sqlite3_column_int64(q, 0);
    an_hash hash;
    bool whole = an__sql_hash(q, 1, &hash);
    char *text = head_text(origin, last, &hash);
    bool trusted = whole && signed_by(q, 2, text, public_key), same = whole && memcmp(&hash, &e.previous, sizeof hash) == 0;
    free(text);
    sqlite3_finalize(q);
    if (!trusted) return fail_entry(origin, last, "is the head of the chain, and the head has a wrong signature", err);
    if (last > e.sequence) return fail_entry(origin, e.sequence + 1, "is missing: the end of the record was cut off", err);
    return (last == e.sequence && same) || fail_entry(origin, e.sequence, "is not the head of its chain", err);
}

bool an_record_verify(an_store *s, size_t *count, an_error *err)
{
    size_t seen = 0;
    bool row = true;
    if (sodium_init() < 0) return an_fail(err, AN_FAILED, "the cryptographic library (libsodium) does not start on this machine");
    an__lock(s);
    /* one snapshot, so that an entry added meanwhile does not look like a difference */
    bool good = an__sql_do(s, err, "BEGIN", "");
    sqlite3_stmt *q = good ? an__sql(s, err, "SELECT id, public_key FROM origins ORDER BY id", "") : NULL;
    good = q != NULL;
    while (good && (good = an__sql_step(s, q, &row, err)) && row) {
        const void *key = sqlite3_column_blob(q, 1);
        uint8_t public_key[32] = { 0 };
        if (key && sqlite3_column_bytes(q, 1) == 32) memcpy(public_key, key, 32);
        good = verify_origin(s, (const char *)sqlite3_column_text(q, 0), public_key, &seen, err);
        if (!good) sqlite3_finalize(q);
    }
    int64_t orphans = 0;
    bool found;
    if (good) good = an__sql_int(s, &orphans, &found, err, "SELECT count(*) FROM record WHERE origin NOT IN (SELECT id FROM origins)", "");
    if (good && orphans)
        good = an_fail(err, AN_CORRUPT, "the record was tampered with: %lld entries belong to an origin that is not known",
                       (long long)orphans);
    if (!sqlite3_get_autocommit(s->db)) {
        an_error ignored = { 0 };
        (void)an__sql_do(s, &ignored, "ROLLBACK", "");
    }
    an__unlock(s, true);
    if (count) *count = seen;
    return good;
}
