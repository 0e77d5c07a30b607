/* Centrifugo's JSON protocol, as far as a client needs it that is subscribed by its token's channels:
 * lines of JSON, several in a frame when the server was busy; `{}` is a ping, and the answer to it. */
#define _GNU_SOURCE
#include "load.h"

#include <string.h>

#define MAX_COMMAND 4608

static bool has(const char *text, size_t length, const char *part) {
    return memmem(text, length, part, strlen(part)) != NULL;
}

void centrifugo_connect(struct client *client, const char *token) {
    char command[MAX_COMMAND];
    int length = snprintf(command, sizeof command, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    client_send(client, command, (size_t)length);
}

static void line_received(struct client *client, const char *line, size_t length, size_t size,
                          uint64_t now) {
    if (length == 2)
        client_send(client, "{}", 2);
    else if (has(line, length, "\"pub\":"))
        event_received(client, line, length, size, now);
    else if (client->state == JOINING && has(line, length, "\"connect\":"))
        client_has_joined(client);
    else if (client->state == JOINING)
        client_refused(client, line, length);
}

void centrifugo_received(struct client *client, const char *text, size_t length, size_t frame_size,
                         uint64_t now) {
    size_t header = frame_size - length; /* of the frame; counted with its first line */
    while (length > 0 && client->state != UNUSED) {
        const char *end = memchr(text, '\n', length);
        size_t line = end == NULL ? length : (size_t)(end - text);
        size_t taken = end == NULL ? line : line + 1;
        line_received(client, text, line, header + taken, now);
        header = 0;
        text += taken;
        length -= taken;
    }
}
