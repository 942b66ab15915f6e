/* outbox_mqtt.c - each verdict as one message, JSON with its id, to an MQTT broker, quality of service 1. */
#include "serve/outbox.h"

#include "andon/wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEEP_ALIVE_S = 120, /* a channel with nothing to send looks at its other end every minute */
    HURRY_S = 3         /* for what is under way when the program ends */
};

typedef struct broker {
    an_mqtt *mqtt;
    char *topic;
} broker;

static size_t broker_send(void *self, const an__outbox_item *items, size_t count, an_error *err)
{
    const broker *b = self;
    size_t sent = 0;
    for (bool ok = true; ok && sent < count; sent += ok) {
        json_t *message = json_copy(items[sent].verdict);
        json_object_set_new(message, "id", json_string(items[sent].id));
        char *text = an_json_text(message, false);
        ok = an_mqtt_publish(b->mqtt, b->topic, text, strlen(text), err);
        free(text);
        json_decref(message);
    }
    return sent;
}

static bool broker_check(void *self, an_error *err)
{
    const broker *b = self;
    return an_mqtt_ping(b->mqtt, err);
}

static void broker_hurry(void *self)
{
    const broker *b = self;
    an_mqtt_hurry(b->mqtt, HURRY_S);
}

static void broker_free(void *self)
{
    broker *b = self;
    an_mqtt_free(b->mqtt);
    free(b->topic);
    free(b);
}

/* The name of a client that was given none: always the same for this workspace on this machine, and nobody else's. 21 letters and digits,
 * which every broker takes (section 3.1.3.1). */
static char *client_of(const char *workspace)
{
    char host[256] = "", hex[65];
    gethostname(host, sizeof host - 1);
    char *folder = realpath(workspace, NULL), *text = an_format("%s\n%s", host, folder ? folder : workspace);
    an_hash h;
    an_hash_bytes(text, strlen(text), &h);
    an_hash_hex(&h, hex);
    free(folder);
    free(text);
    return an_format("andon%.16s", hex);
}

/* `tls: true`, or what is needed besides. */
static bool secure(const json_t *tls, const char *workspace, char *files[3], an_error *err)
{
    static const char *const known[] = { "ca", "cert", "key" };
    if (json_is_boolean(tls) || !tls) return true;
    if (!json_is_object(tls)) return an_fail(err, AN_INPUT, "outbox: mqtt: tls is true, or a list of ca, cert and key");
    if (!an__channel_keys(tls, "mqtt: tls", known, AN_COUNT(known), err)) return false;
    for (size_t i = 0; i < AN_COUNT(known); i++)
        if (json_object_get(tls, known[i]) && !(files[i] = an__channel_file(tls, "mqtt: tls", known[i], workspace, err))) return false;
    if (!files[1] == !files[2]) return true;
    an_fail(err, AN_INPUT, "outbox: mqtt: tls: %s is missing", files[1] ? "key" : "cert");
    return an_hint(err, "a client's certificate needs the key that it was made for, and a key its certificate");
}

bool an__channel_mqtt(const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const char *const known[] = { "host", "port", "topic", "client", "user", "password_file", "tls", "retain" };
    if (!an__channel_keys(config, "mqtt", known, AN_COUNT(known), err)) return false;
    const json_t *port = json_object_get(config, "port"), *tls = json_object_get(config, "tls"),
                 *retain = json_object_get(config, "retain");
    const char *host = an__channel_text(config, "mqtt", "host", NULL, err);
    const char *topic = host ? an__channel_text(config, "mqtt", "topic", "andon/verdicts", err) : NULL;
    if (!topic) return false;
    if (port && (!json_is_integer(port) || json_integer_value(port) < 1 || json_integer_value(port) > 65535))
        return an_fail(err, AN_INPUT, "outbox: mqtt: the port is no number from 1 to 65535");
    if (retain && !json_is_boolean(retain)) return an_fail(err, AN_INPUT, "outbox: mqtt: retain is true or false");
    if (topic[strcspn(topic, "+#")] || strlen(topic) > 1000)
        return an_fail(err, AN_INPUT, "outbox: mqtt: \"%.100s\" is no topic to publish to: + and # are for subscribers", topic);
    an_buf password = { 0 };
    char *files[3] = { 0 }, *client = client_of(workspace);
    const char *name = an__channel_text(config, "mqtt", "client", client, err);
    an_mqtt_options o = { .host = host,
                          .port = port ? (int)json_integer_value(port) : 0,
                          .client = name,
                          .keep_alive_s = KEEP_ALIVE_S,
                          .retain = json_is_true(retain),
                          .tls = tls && !json_is_false(tls) };
    bool ok = name && an__channel_password(config, "mqtt", workspace, &password, err) && secure(tls, workspace, files, err);
    if (ok && json_object_get(config, "user")) ok = (o.user = an__channel_text(config, "mqtt", "user", NULL, err)) != NULL;
    o.password = password.data;
    o.ca = files[0], o.certificate = files[1], o.key = files[2];
    an_mqtt *m = ok ? an_mqtt_new(&o, err) : NULL;
    if (ok && !m) an_context(err, "outbox: mqtt");
    an_buf_free(&password);
    for (size_t i = 0; i < AN_COUNT(files); i++) free(files[i]);
    free(client);
    if (!m) return false;
    broker *b = an_alloc(sizeof *b);
    *b = (broker){ .mqtt = m, .topic = an_strdup(topic) };
    *out = (an__channel){ .send = broker_send, .check = broker_check, .hurry = broker_hurry, .free = broker_free, .self = b };
    return true;
}
