/* Any bytes as what an MQTT broker says, and then nothing more: a client that connects, publishes and asks whether it is there. No crash,
 * no wait beyond its limits; what is acknowledged was answered by a PUBACK that lies in the bytes. */
#include "andon/wire.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct broker {
    int listener;
    const uint8_t *bytes;
    size_t n;
    pthread_t thread;
} broker;

/* Every connection gets the same bytes; those that end here are closed by the client first. */
static void *run(void *context)
{
    const broker *b = context;
    for (int fd; (fd = accept(b->listener, NULL, NULL)) >= 0; close(fd)) {
        for (size_t done = 0; done < b->n;) {
            ssize_t sent = send(fd, b->bytes + done, b->n - done, MSG_NOSIGNAL);
            if (sent <= 0) break;
            done += (size_t)sent;
        }
        shutdown(fd, SHUT_WR);
        char rest[4096];
        while (recv(fd, rest, sizeof rest, 0) > 0) continue;
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    broker b = { .listener = socket(AF_INET, SOCK_STREAM, 0), .bytes = data, .n = size };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t room = sizeof a;
    if (bind(b.listener, (struct sockaddr *)&a, sizeof a) || listen(b.listener, 4) ||
        getsockname(b.listener, (struct sockaddr *)&a, &room) || pthread_create(&b.thread, NULL, run, &b))
        abort();
    an_mqtt *m = an_mqtt_new(&(an_mqtt_options){ .host = "127.0.0.1", .port = ntohs(a.sin_port), .client = "c", .timeout_s = 10 }, NULL);
    if (!m) abort();
    an_error err = { 0 };
    bool sent = an_mqtt_publish(m, "t", "x", 1, &err), there = an_mqtt_ping(m, &err);
    bool greeted = false, acknowledged = false;
    for (size_t i = 0; i + 3 < size; i++) {
        greeted |= (data[i] & 0xf0) == 0x20;
        acknowledged |= (data[i] & 0xf0) == 0x40;
    }
    if ((sent && !(greeted && acknowledged)) || (there && !greeted)) abort();
    an_mqtt_free(m);
    shutdown(b.listener, SHUT_RDWR);
    pthread_join(b.thread, NULL);
    close(b.listener);
    return 0;
}
