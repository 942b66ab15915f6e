/* wire_http.c - a server that answers every request with the same 13 bytes, for bench/wire_http.py. usage: bench_wire_http [PORT]; it
 * prints its port and runs until standard input ends. */
#include "andon/wire.h"

#include <stdlib.h>
#include <unistd.h>

static void answer(void *context, an_exchange *x)
{
    (void)context;
    an_exchange_answer(x, &(an_http_answer){ .status = 200, .type = "text/plain", .body = "Hello, World!", .body_size = 13 });
}

static void on_input(void *context, int fd, unsigned events)
{
    char some[64];
    (void)events;
    if (read(fd, some, sizeof some) <= 0) an_loop_stop(context);
}

int main(int argc, char **argv)
{
    an_error err = { 0 };
    an_loop *loop = an_loop_new(&err);
    an_http_server_options options = { .port = argc > 1 ? atoi(argv[1]) : 0, .handle = answer };
    an_http_server *server = loop ? an_http_server_new(loop, &options, &err) : NULL;
    if (!server || !an_loop_watch(loop, STDIN_FILENO, AN_READABLE, on_input, loop, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("%d\n", an_http_server_port(server));
    fflush(stdout);
    bool ok = an_loop_run(loop, &err);
    an_http_server_free(server);
    an_loop_free(loop);
    return ok ? 0 : 1;
}
