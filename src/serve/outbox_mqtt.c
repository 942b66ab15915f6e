/* outbox_mqtt.c - each verdict as one message, JSON with its id, to an MQTT broker, quality of service 1. */
#include "serve/outbox.h"

#include "andon/wire.h"

#include <stdlib.h>
#include <string.h>

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

static void broker_free(void *self)
{
    broker *b = self;
    an_mqtt_free(b->mqtt);
    free(b->topic);
    free(b);
}

/* The password lies in a file of its own: settings are shown to people. */
static bool password_of(const char *path, const char *workspace, an_buf *out, an_error *err)
{
    char *file = an_path_join(workspace, path);
    bool ok = an_file_read(file, 65536, out, err);
    while (ok && out->size && strchr("\r\n", out->data[out->size - 1])) out->data[--out->size] = 0;
    if (!ok) an_context(err, "outbox: mqtt: password_file");
    free(file);
    return ok;
}

bool an__channel_mqtt(const json_t *config, const char *workspace, an__channel *out, an_error *err)
{
    static const char *const known[] = { "host", "port", "topic", "client", "user", "password_file" };
    if (!an__channel_keys(config, "mqtt", known, AN_COUNT(known), err)) return false;
    const json_t *port = json_object_get(config, "port");
    const char *host = an__channel_text(config, "mqtt", "host", NULL, err);
    const char *topic = host ? an__channel_text(config, "mqtt", "topic", "andon/verdicts", err) : NULL;
    if (!topic) return false;
    if (port && (!json_is_integer(port) || json_integer_value(port) < 1 || json_integer_value(port) > 65535))
        return an_fail(err, AN_INPUT, "outbox: mqtt: the port is no number from 1 to 65535");
    if (topic[strcspn(topic, "+#")] || strlen(topic) > 1000)
        return an_fail(err, AN_INPUT, "outbox: mqtt: \"%.100s\" is no topic to publish to: + and # are for subscribers", topic);
    an_buf password = { 0 };
    const char *file = json_string_value(json_object_get(config, "password_file"));
    if (file && !password_of(file, workspace, &password, err)) return false;
    an_mqtt *m = an_mqtt_new(&(an_mqtt_options){ .host = host,
                                                 .port = port ? (int)json_integer_value(port) : 0,
                                                 .client = json_string_value(json_object_get(config, "client")),
                                                 .user = json_string_value(json_object_get(config, "user")),
                                                 .password = password.data },
                             err);
    an_buf_free(&password);
    if (!m) return false;
    broker *b = an_alloc(sizeof *b);
    *b = (broker){ .mqtt = m, .topic = an_strdup(topic) };
    *out = (an__channel){ .send = broker_send, .free = broker_free, .self = b };
    return true;
}
