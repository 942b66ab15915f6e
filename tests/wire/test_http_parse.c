/* Bytes to requests: every rule as bytes and what becomes of them, fed whole, byte by byte and in random pieces with the same result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/feed.h"

typedef struct example {
    const char *bytes;
    const char *result; /* the whole text; ending with '*': its beginning */
    size_t size;        /* 0: strlen(bytes) */
} example;

static bool agrees(const char *text, const char *expected)
{
    size_t n = strlen(expected);
    if (n && expected[n - 1] == '*') return strncmp(text, expected, n - 1) == 0;
    return strcmp(text, expected) == 0;
}

static void check(const char *bytes, size_t n, const an_http_limits *limits, const char *expected)
{
    an_buf whole = { 0 }, other = { 0 };
    an_buf_puts(&whole, "");
    feed_all(bytes, n, limits, piece_all, NULL, &whole);
    if (!agrees(whole.data, expected)) fail_msg("%s\ngives     %s\nexpected  %s", bytes, whole.data, expected);
    for (int i = 0; i < 12; i++) {
        an_rng rng = an_rng_at(7, (uint64_t)i);
        an_buf_clear(&other);
        an_buf_puts(&other, "");
        feed_all(bytes, n, limits, i ? piece_random : piece_one, &rng, &other);
        if (strcmp(other.data, whole.data) != 0)
            fail_msg("%s\nin pieces (%d) gives %s\nwhole gives          %s", bytes, i, other.data, whole.data);
        an_buf_clear(&other);
        an_buf_puts(&other, "");
        feed_pieces(bytes, n, limits, i > 1 ? piece_random : i ? piece_all : piece_one, &rng, &other);
        if (strcmp(other.data, whole.data) != 0)
            fail_msg("%s\nnot collected (%d) gives %s\ncollected gives         %s", bytes, i, other.data, whole.data);
    }
    an_buf_free(&whole);
    an_buf_free(&other);
}

static void check_all(const example *e, size_t count, const an_http_limits *limits)
{
    for (size_t i = 0; i < count; i++) check(e[i].bytes, e[i].size ? e[i].size : strlen(e[i].bytes), limits, e[i].result);
}

#define CHECK(table) check_all(table, AN_COUNT(table), NULL)
#define H "Host: a\r\n"

static void test_good(void **state)
{
    (void)state;
    static const example good[] = {
        { "", "", 0 },
        { "GET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 keep {Host=a} []\n", 0 },
        { "GET /a/b?c=d&e HTTP/1.1\r\nhOST:a:80\r\nX-Y: \t v  w \t\r\nEmpty:\r\n\r\n",
          "GET /a/b?c=d&e 1.1 keep {hOST=a:80;X-Y=v  w;Empty=} []\n", 0 },
        { "POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" H "\r\n",
          "POST /x 1.1 keep {Host=a;Content-Length=5} [hello]\nGET / 1.1 keep {Host=a} []\n", 0 },
        { "POST / HTTP/1.1\r\n" H "\r\n", "POST / 1.1 keep {Host=a} []\n", 0 }, /* no length: no body */
        { "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST / 1.1 keep {Host=a;Content-Length=0} []\n", 0 },
        { "POST / HTTP/1.1\r\n" H "Content-Length: 5 \r\n\r\nhel", "more", 0 },
        { "GET / HTTP/1.1\r\n" H, "more", 0 },
        { "G", "more", 0 },
        { "\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET / 1.1 keep {Host=a} []\n", 0 },
        { "\r\n", "more", 0 },
        { "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close {} []\n", 0 },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 keep {Connection=Keep-Alive} []\n", 0 },
        { "GET / HTTP/1.1\r\n" H "Connection: CLOSE\r\n\r\n", "GET / 1.1 close {Host=a;Connection=CLOSE} []\n", 0 },
        { "GET / HTTP/1.1\r\n" H "Connection: te ,close, keep-alive\r\n\r\n", "GET / 1.1 close*", 0 },
        { "GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n\r\n", "GET / 1.1 close*", 0 },
        { "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", "GET / 1.1 keep*", 0 },
        { "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab", "POST / 1.0 close {Content-Length=2} [ab]\n", 0 },
        { "PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nz",
          "PUT / 1.1 keep continue {Host=a;Expect=100-Continue;Content-Length=1} [z]\n", 0 },
        { "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "GET / 1.0 close {Expect=100-continue} []\n", 0 },
        { "OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1.1 keep {Host=a} []\n", 0 },
        { "X-ODD!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H "\r\n", "X-ODD!#$%&'*+-.^_`|~ / 1.1 keep {Host=a} []\n", 0 },
        { "GET / HTTP/1.1\r\n" H "X: a\x80\xff\"\r\n\r\n", "GET / 1.1 keep {Host=a;X=a\x80\xff\"} []\n", 0 },
        { "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "GET / 1.1 keep {Host=[::1]:8080} []\n", 0 },
        { "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1 keep {Host=} []\n", 0 },
    };
    CHECK(good);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path; /* path NULL: refused */
    } table[] = {
        { "/", "/" },
        { "//", "/" },
        { "/a//b", "/a/b" },
        { "/a/", "/a/" },
        { "/a//", "/a/" },
        { "/./a/./b/.", "/a/b/" },
        { "/.", "/" },
        { "/a/...", "/a/..." },
        { "/..a/b..", "/..a/b.." },
        { "/%41%62", "/Ab" },
        { "/a%2fb", "/a/b" },
        { "/a%2F%2fb", "/a/b" },
        { "/a%20b", "/a b" },
        { "/a+b", "/a+b" },
        { "/a\\..\\b", "/a\\..\\b" },
        { "/a%5c..%5Cb", "/a\\..\\b" },
        { "/%c3%a4", "/\xc3\xa4" },
        { "/%252e%252e", "/%2e%2e" },
        { "/a;b=c/{x}|\"<>^`", "/a;b=c/{x}|\"<>^`" },
        { "/a?b/../c", "/a?b/../c" },
        { "/?", "/?" },
        { "/..", NULL },
        { "/a/..", NULL },
        { "/a/../b", NULL },
        { "/%2e%2e/b", NULL },
        { "/.%2E/b", NULL },
        { "/a%2f..%2fb", NULL },
        { "/a/%2e%2e%2f", NULL },
        { "/a%00", NULL },
        { "/?a=%00", NULL },
        { "/%", NULL },
        { "/%4", NULL },
        { "/%4g", NULL },
        { "/%g4", NULL },
        { "/?%", NULL },
        { "/?a=%z1", NULL },
        { "/a#b", NULL },
        { "/\x80", NULL },
        { "/\x7f", NULL },
        { "/\x01", NULL },
        { "a", NULL },
        { "*", NULL },
        { "a:80", NULL },
        { "ftp://a/", NULL },
        { "http://a", "/" },
        { "http://a/", "/" },
        { "HTTP://A/b?c", "/b?c" },
        { "http://a?c", "/?c" },
        { "https://a//b", "/b" },
        { "http://b/", NULL },
        { "http://", NULL },
        { "http:///", NULL },
        { "http://x@a/", NULL },
        { "http://a/../", NULL },
    };
    for (size_t i = 0; i < AN_COUNT(table); i++) {
        char *bytes = an_format("GET %s HTTP/1.1\r\n" H "\r\n", table[i].target);
        char *expected = table[i].path ? an_format("GET %s 1.1 keep {Host=a} []\n", table[i].path) : an_strdup("400 The *");
        check(bytes, strlen(bytes), NULL, expected);
        free(bytes);
        free(expected);
    }
}

static void test_first_line(void **state)
{
    (void)state;
    static const example bad[] = {
        { "GET  / HTTP/1.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET /  HTTP/1.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTP/1.1 \r\n" H "\r\n", "400 The first line*", 0 },
        { "GET\t/\tHTTP/1.1\r\n" H "\r\n", "400*", 0 },
        { "GET /\r\n\r\n", "400 The first line*", 0 },
        { "GET / \r\n\r\n", "400 The first line*", 0 },
        { "GET\r\n\r\n", "400 The first line*", 0 },
        { " GET / HTTP/1.1\r\n" H "\r\n", "400 This is not*", 0 },
        { "G(T / HTTP/1.1\r\n" H "\r\n", "400 The method*", 0 },
        { "GET / a HTTP/1.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / http/1.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTP/1.10\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTP/1,1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTP/x.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTPS/1.1\r\n" H "\r\n", "400 The first line*", 0 },
        { "GET / HTTP/1.2\r\n" H "\r\n", "505 HTTP/1.2*", 0 },
        { "GET / HTTP/0.9\r\n" H "\r\n", "505*", 0 },
        { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP/2.0*", 0 },
        { "CONNECT a:80 HTTP/1.1\r\n" H "\r\n", "501 CONNECT*", 0 },
        { "AVERYLONGMETHODNAMETHATNOONEHASMADE / HTTP/1.1\r\n" H "\r\n", "501 The method*", 0 },
        { "GET / HTTP/1.1\n" H "\r\n", "400 A line ends with a bare line feed*", 0 },
        { "GET / HTTP/1.1\r\nHost: a\n\r\n", "400 A line ends with a bare line feed*", 0 },
        { "GET / HTTP/1.1\r\nHost: a\r\n\n", "400 A line ends with a bare line feed*", 0 },
        { "GET / HTTP/1.1\r" H "\r\n", "400 The first line*", 0 },
        { "\nGET / HTTP/1.1\r\n" H "\r\n", "400 This is not*", 0 },
        { "\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400 This is not*", 0 },
        { "\rGET / HTTP/1.1\r\n" H "\r\n", "400 A line begins*", 0 },
        { "\x16\x03\x01", "400 This is not HTTP/1.1 but TLS*", 3 },
        { "\0", "400 This is not*", 1 },
        { "GET /\0a HTTP/1.1\r\n" H "\r\n", "400 The target*", 28 },
        { "GE\0T / HTTP/1.1\r\n" H "\r\n", "400 The method*", 28 },
        { "GET /\x0b HTTP/1.1\r\n" H "\r\n", "400 The target*", 0 },
    };
    CHECK(bad);
}

static void test_headers(void **state)
{
    (void)state;
#define WITH(lines) "GET / HTTP/1.1\r\n" H lines "\r\n"
    static const example bad[] = {
        { WITH("X : a\r\n"), "400 A header is not*", 0 },
        { WITH("X\t: a\r\n"), "400 A header is not*", 0 },
        { WITH(": a\r\n"), "400 A header is not*", 0 },
        { WITH("X\r\n"), "400 A header is not*", 0 },
        { WITH("X(: a\r\n"), "400 A header is not*", 0 },
        { WITH("\x80: a\r\n"), "400 A header is not*", 0 },
        { WITH("X: a\r\n b\r\n"), "400 A header is continued*", 0 },
        { WITH("X: a\r\n\tb\r\n"), "400 A header is continued*", 0 },
        { "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 A header is continued*", 0 },
        { WITH("X: a\rb\r\n"), "400 The header X holds*", 0 },
        { WITH("X: a\r\r\n"), "400 The header X holds*", 0 },
        { WITH("X: \x0b\r\n"), "400 The header X holds*", 0 },
        { WITH("X: \x7f\r\n"), "400 The header X holds*", 0 },
        { "GET / HTTP/1.1\r\n" H "X: \0\r\n\r\n", "400 The header X holds*", 33 },
        { "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n", "400 A header is not*", 34 },
        { "GET / HTTP/1.1\r\n\r\n", "400 The Host header is missing*", 0 },
        { WITH("Host: a\r\n"), "400 Host stands twice*", 0 },
        { WITH("hOsT: b\r\n"), "400 Host stands twice*", 0 },
        { "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", "400 Host is not*", 0 },
        { "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 Host is not*", 0 },
        { WITH("Expect: 200-ok\r\n"), "417 *", 0 },
        { WITH("Expect:\r\n"), "417 *", 0 },
    };
    CHECK(bad);
}

/* Where two readers of the same bytes could see different messages. */
static void test_smuggling(void **state)
{
    (void)state;
#define POST(lines, body) "POST / HTTP/1.1\r\n" H lines "\r\n" body
    static const example bad[] = {
        { POST("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), "400 Content-Length stands twice*", 0 },
        { POST("Content-Length: 5\r\ncontent-length: 6\r\n", "hello"), "400 Content-Length stands twice*", 0 },
        { POST("Content-Length: 5, 5\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: +5\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: -5\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 5_0\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 0x5\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 5a\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 1 2\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 05\r\n", "hello"), "400 Content-Length is not*", 0 },
        { POST("Content-Length: 00\r\n", ""), "400 Content-Length is not*", 0 },
        { POST("Content-Length:\r\n", ""), "400 Content-Length is not*", 0 },
        { POST("Content-Length: \x0b"
               "5\r\n",
               "hello"),
          "400 The header Content-Length holds*", 0 },
        { POST("Content-Length : 5\r\n", "hello"), "400 A header is not*", 0 },
        { POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400 Content-Length and Transfer-Encoding*", 0 },
        { POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), "400 Content-Length and Transfer-Encoding*", 0 },
        { POST("Transfer-Encoding: chunked\r\nContent-Length: 99999999999999999999999\r\n", ""),
          "400 Content-Length and Transfer-Encoding*", 0 },
        { POST("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400 Transfer-Encoding stands twice*", 0 },
        { POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), "400 Transfer-Encoding stands twice*", 0 },
        { POST("Transfer-Encoding: identity\r\n", "hello"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: ,chunked,\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding:\r\n", "0\r\n\r\n"), "400 Transfer-Encoding does not*", 0 },
        { POST("Transfer-Encoding: \x0b"
               "chunked\r\n",
               "0\r\n\r\n"),
          "400 The header Transfer-Encoding holds*", 0 },
        { POST("Transfer-Encoding\x0b: chunked\r\n", "0\r\n\r\n"), "400 A header is not*", 0 },
        { POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), "400*", 0 },
        { POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501 Transfer-Encoding*", 0 },
        { "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 HTTP/1.0 has no*", 0 },
        { "POST / HTTP/1.0\r\n\r\nhello", "411 *", 0 },
        { POST("Content-Length: 67108865\r\n", ""), "413 *", 0 },
        { POST("Content-Length: 18446744073709551621\r\n", "hello"), "413 *", 0 },
        { POST("Content-Length: 99999999999999999999999\r\n", "hello"), "413 *", 0 },
        { POST("Content-Length: 3\r\n", "helloGET / HTTP/1.1\r\n" H "\r\n"),
          "POST / 1.1 keep {Host=a;Content-Length=3} [hel]\nloGET / 1.1 keep {Host=a} []\n", 0 }, /* one reading only */
    };
    CHECK(bad);
}

static void test_chunks(void **state)
{
    (void)state;
#define CHUNKED(body) "PUT / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n" body
#define GIVES(text) "PUT / 1.1 keep {Host=a;Transfer-Encoding=Chunked} [" text "]\n"
    static const example table[] = {
        { CHUNKED("0\r\n\r\n"), GIVES(""), 0 },
        { CHUNKED("5\r\nhello\r\n0\r\n\r\n"), GIVES("hello"), 0 },
        { CHUNKED("1\r\nh\r\n00000A\r\nello world\r\n000\r\n\r\n"), GIVES("hello world"), 0 },
        { CHUNKED("5;a;b=c;d=\"e f\"\r\nhello\r\n0;x\r\n\r\n"), GIVES("hello"), 0 },
        { CHUNKED("5\r\nhello\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), GIVES("hello") "GET / 1.1 keep {Host=a} []\n",
          0 },
        { CHUNKED("000000000000005\r\nhello\r\n0\r\n\r\n"), GIVES("hello"), 0 },
        { CHUNKED("5\r\nhello\r\n"), "more", 0 },
        { CHUNKED("5\r\nhello\r\n0\r\n"), "more", 0 },
        { CHUNKED("5\r\n\r\n0\r\r\r\n0\r\n\r\n"), GIVES("\r\n0\r\r"), 0 }, /* data is data */
        { CHUNKED("0000000000000005\r\nhello\r\n0\r\n\r\n"), "400 A chunk size has more than*", 0 },
        { CHUNKED("fffffffffffffff\r\nhello"), "413 *", 0 },
        { CHUNKED("ffffffffffffffff\r\nhello"), "400 A chunk size has more than*", 0 },
        { CHUNKED("10000000000000005\r\nhello"), "400 A chunk size has more than*", 0 },
        { CHUNKED("4000001\r\nhello"), "413 *", 0 },
        { CHUNKED("\r\nhello\r\n0\r\n\r\n"), "400 A chunk does not begin*", 0 },
        { CHUNKED("-5\r\nhello\r\n0\r\n\r\n"), "400 A chunk does not begin*", 0 },
        { CHUNKED("+5\r\nhello\r\n0\r\n\r\n"), "400 A chunk does not begin*", 0 },
        { CHUNKED(" 5\r\nhello\r\n0\r\n\r\n"), "400 A chunk does not begin*", 0 },
        { CHUNKED("g\r\nhello\r\n0\r\n\r\n"), "400 A chunk does not begin*", 0 },
        { CHUNKED("0x5\r\nhello\r\n0\r\n\r\n"), "400 A chunk size is followed*", 0 },
        { CHUNKED("5 \r\nhello\r\n0\r\n\r\n"), "400 A chunk size is followed*", 0 },
        { CHUNKED("5 ;a\r\nhello\r\n0\r\n\r\n"), "400 A chunk size is followed*", 0 },
        { CHUNKED("5_0\r\nhello\r\n0\r\n\r\n"), "400 A chunk size is followed*", 0 },
        { CHUNKED("5\nhello\r\n0\r\n\r\n"), "400 A chunk size is followed*", 0 },
        { CHUNKED("5\rhello\r\n0\r\n\r\n"), "400 A chunk size is not*", 0 },
        { CHUNKED("5;a\nhello\r\n0\r\n\r\n"), "400 A chunk extension*", 0 },
        { CHUNKED("5;\x0b\r\nhello\r\n0\r\n\r\n"), "400 A chunk extension*", 0 },
        { CHUNKED("5\r\nhello!\r\n0\r\n\r\n"), "400 A chunk is longer*", 0 },
        { CHUNKED("5\r\nhell\r\n0\r\n\r\n"), "400 A chunk is longer*", 0 },
        { CHUNKED("5\r\nhello\n0\r\n\r\n"), "400 A chunk is longer*", 0 },
        { CHUNKED("5\r\nhello\r0\r\n\r\n"), "400 A chunk is not followed*", 0 },
        { CHUNKED("0\r\nX : y\r\n\r\n"), "400 A header is not*", 0 },
        { CHUNKED("0\r\nX: y\n\r\n"), "400 A line ends*", 0 },
        { CHUNKED("0\r\n x\r\n\r\n"), "400 A header is continued*", 0 },
        { CHUNKED("0\r\nContent-Length: 3\r\n\r\n"), "400 A trailer says*", 0 },
        { CHUNKED("0\r\ntransfer-encoding: chunked\r\n\r\n"), "400 A trailer says*", 0 },
        { CHUNKED("0\r\nHOST: b\r\n\r\n"), "400 A trailer says*", 0 },
    };
    CHECK(table);
}

/* `count` times `text` after `start`, then `end` */
static char *repeated(const char *start, const char *text, size_t count, const char *end)
{
    an_buf b = { 0 };
    an_buf_puts(&b, start);
    for (size_t i = 0; i < count; i++) an_buf_puts(&b, text);
    an_buf_puts(&b, end);
    return an_buf_take(&b);
}

static void check_repeated(const char *start, const char *text, size_t count, const char *end, const an_http_limits *limits,
                           const char *expected)
{
    char *bytes = repeated(start, text, count, end);
    check(bytes, strlen(bytes), limits, expected);
    free(bytes);
}

static void test_limits(void **state)
{
    (void)state;
    const an_http_limits small = { .line_bytes = 64, .head_bytes = 200, .body_bytes = 10 };
    /* "GET " + target + " HTTP/1.1\r\n": 15 + target */
    check_repeated("GET /", "a", 48, " HTTP/1.1\r\n" H "\r\n", &small, "GET /aaa*");
    check_repeated("GET /", "a", 49, " HTTP/1.1\r\n" H "\r\n", &small, "414 *");
    check_repeated("GET /", "a", 1000, "", &small, "414 *");
    check_repeated("GET /", "a", 8300, "", NULL, "414 *");
    check_repeated("GET / HTTP/1.1\r\n" H "X: ", "a", 168, "\r\n\r\n", &small, "GET / *"); /* 16 + 9 + 3 + 168 + 4 = 200 */
    check_repeated("GET / HTTP/1.1\r\n" H "X: ", "a", 169, "\r\n\r\n", &small, "431 *");
    check_repeated("GET / HTTP/1.1\r\n" H "X: ", "a", 1000, "", &small, "431 *");
    check_repeated("GET / HTTP/1.1\r\n" H, "X: a\r\n", 99, "\r\n", NULL, "GET / *");
    check_repeated("GET / HTTP/1.1\r\n" H, "X: a\r\n", 100, "\r\n", NULL, "431 There are more than 100*");
    check_repeated("GET / HTTP/1.1\r\n" H "X: ", "a", 33000, "\r\n\r\n", NULL, "431 *");
    check_repeated("POST / HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\n", "a", 10, "", &small, "POST / *");
    check_repeated("POST / HTTP/1.1\r\n" H "Content-Length: 11\r\n\r\n", "a", 11, "", &small, "413 *");
    check_repeated(CHUNKED(""), "1\r\na\r\n", 10, "0\r\n\r\n", &small, "PUT / *");
    check_repeated(CHUNKED(""), "1\r\na\r\n", 11, "0\r\n\r\n", &small, "413 *");
    check_repeated(CHUNKED("") "1", ";abc", 49, "\r\na\r\n0\r\n\r\n", &small, "PUT / *");
    check_repeated(CHUNKED("") "1", ";abc", 51, "\r\na\r\n0\r\n\r\n", &small, "400 The chunk extensions*");
    check_repeated(CHUNKED("") "0\r\n", "X:\r\n", 49, "\r\n", &small, "PUT / *");
    check_repeated(CHUNKED("") "0\r\n", "X:\r\n", 50, "\r\n", &small, "431 The trailers*");
    check_repeated(CHUNKED("") "0\r\n", "X:\r\n", 100, "\r\n", NULL, "PUT / *");
    check_repeated(CHUNKED("") "0\r\n", "X:\r\n", 101, "\r\n", NULL, "431 There are more than 100*");
    check_repeated("", "GET / HTTP/1.1\r\n" H "\r\n", 50, "", NULL, "GET / *");
}

/* A body that grows the block many times: the slices of the head follow. */
static void test_long_body(void **state)
{
    (void)state;
    enum { N = 300000 };
    an_buf b = { 0 };
    an_buf_printf(&b, "POST /some/%%70ath?q=1 HTTP/1.1\r\n" H "X-Name: value\r\nContent-Length: %d\r\n\r\n", N);
    for (int i = 0; i < N; i++) an_buf_putc(&b, (char)(i * 7 % 256));
    an_http_parser *p = an_http_parser_new(NULL);
    an_rng rng = an_rng_at(1, 2);
    size_t at = 0, used;
    int status;
    an_http_state now = AN_HTTP_MORE;
    while (now == AN_HTTP_MORE && at < b.size) {
        size_t take = 1 + (size_t)an_rng_below(&rng, 5000);
        if (take > b.size - at) take = b.size - at;
        now = an_http_parser_feed(p, b.data + at, take, &used, &status);
        at += used;
    }
    assert_int_equal(now, AN_HTTP_DONE);
    const an_http_request *r = an_http_parser_request(p);
    assert_string_equal(r->path, "/some/path");
    assert_true(an_span_is(r->query, "q=1"));
    assert_true(an_span_is(r->method, "POST"));
    assert_true(an_span_is(r->target, "/some/%70ath?q=1"));
    assert_true(an_span_is(an_http_get(r, "x-NAME"), "value"));
    assert_null(an_http_get(r, "x-nam").data);
    assert_int_equal(r->body.size, N);
    assert_memory_equal(r->body.data, b.data + b.size - N, N);
    an_http_parser_free(p);
    an_buf_free(&b);
}

static void query_is(const an_http_request *r, const char *name, size_t index, const char *expected)
{
    char *value = an_http_query(r, name, index);
    if (!expected)
        assert_null(value);
    else
        assert_string_equal(value, expected);
    free(value);
}

static void test_query(void **state)
{
    (void)state;
    const char *bytes = "GET /?a=1&b=x+y%26z&a=2&c&d=&%65=f%3d&=g&a%3D=h HTTP/1.1\r\n" H "\r\n";
    an_http_parser *p = an_http_parser_new(NULL);
    size_t used;
    int status;
    assert_int_equal(an_http_parser_feed(p, bytes, strlen(bytes), &used, &status), AN_HTTP_DONE);
    const an_http_request *r = an_http_parser_request(p);
    query_is(r, "a", 0, "1");
    query_is(r, "a", 1, "2");
    query_is(r, "a", 2, NULL);
    query_is(r, "b", 0, "x y&z");
    query_is(r, "c", 0, "");
    query_is(r, "d", 0, "");
    query_is(r, "e", 0, "f=");
    query_is(r, "", 0, NULL);
    query_is(r, "a=", 0, "h");
    query_is(r, "A", 0, NULL);
    an_http_parser_free(p);
}

/* After DONE nothing is taken until an_http_parser_next; after BAD nothing ever. */
static void test_states(void **state)
{
    (void)state;
    const char *bytes = "GET / HTTP/1.1\r\n" H "\r\n";
    size_t used;
    int status;
    an_http_parser *p = an_http_parser_new(NULL);
    assert_null(an_http_parser_request(p));
    assert_int_equal(an_http_parser_feed(p, bytes, strlen(bytes), &used, &status), AN_HTTP_DONE);
    assert_int_equal(an_http_parser_feed(p, bytes, strlen(bytes), &used, &status), AN_HTTP_DONE);
    assert_int_equal(used, 0);
    an_http_parser_next(p);
    assert_int_equal(an_http_parser_feed(p, "x\n", 2, &used, &status), AN_HTTP_BAD);
    assert_int_equal(status, 400);
    assert_int_equal(an_http_parser_feed(p, bytes, strlen(bytes), &used, &status), AN_HTTP_BAD);
    assert_int_equal(used, 0);
    assert_int_equal(status, 400);
    assert_null(an_http_parser_request(p));
    an_http_parser_free(p);
    an_http_parser_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_paths),     cmocka_unit_test(test_first_line),
        cmocka_unit_test(test_headers), cmocka_unit_test(test_smuggling), cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_limits),  cmocka_unit_test(test_long_body), cmocka_unit_test(test_query),
        cmocka_unit_test(test_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
