/* One Socket.IO client: WebSocket upgrade, Engine.IO open, CONNECT, then events and heartbeats. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

#define BUFFER_SIZE (256 * 1024)
#define MAX_REQUEST 512
#define MAX_TOKEN 4096

/* Bounds what the kernel holds for a reader that is behind: 1,000 sockets at its default limit
 * would take 6 GB. */
#define RECEIVE_BUFFER (256 * 1024)

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

static uint8_t buffer[BUFFER_SIZE]; /* shared: what a read leaves over is kept by its client */
static struct sockaddr_in address;
static char request[MAX_REQUEST];
static size_t request_length;
static struct token {
    char *text;
    int tenant;
} *tokens;
static int token_count;

static void read_tokens(void) {
    FILE *file = fopen(options.token_file, "r");
    if (file == NULL)
        die(options.token_file);
    char line[MAX_TOKEN];
    int capacity = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (token_count == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            tokens = realloc(tokens, (size_t)capacity * sizeof *tokens);
        }
        char *space = strchr(line, ' ');
        if (space != NULL)
            *space++ = '\0';
        tokens[token_count++] = (struct token){strdup(line), space == NULL ? 0 : atoi(space)};
    }
    fclose(file);
    if (token_count == 0)
        die("the token file is empty");
}

void clients_prepare(void) {
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)options.port);
    if (inet_pton(AF_INET, options.host, &address.sin_addr) != 1)
        die("--host takes an IPv4 address");
    /* The key is the example of RFC 6455, section 1.3; the answer to it is not checked. */
    request_length = (size_t)snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        options.is_centrifugo ? CENTRIFUGO_PATH : "/socket.io/?EIO=4&transport=websocket",
        options.host, options.port);
    if (options.token_file != NULL)
        read_tokens();
}

static void lost(struct client *client, const char *what) {
    enum state before = client->state;
    note_problem(what, "", 0);
    client_stop(client);
    client_left(client, before);
}

/* Clients send little; a socket that can't take it whole is broken or its server is. */
static void send_all(struct client *client, const void *data, size_t length) {
    if (send(client->fd, data, length, MSG_NOSIGNAL) != (ssize_t)length)
        note_problem("a send did not go out whole", "", 0);
}

static void send_frame(struct client *client, int opcode, const char *payload, size_t length) {
    uint8_t frame[MAX_TOKEN + 256];
    size_t at = 0;
    frame[at++] = (uint8_t)(0x80 | opcode);
    if (length < 126) {
        frame[at++] = (uint8_t)(0x80 | length);
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = (uint8_t)(length >> 8);
        frame[at++] = (uint8_t)length;
    }
    memcpy(frame + at, MASK, 4);
    at += 4;
    for (size_t i = 0; i < length; i++)
        frame[at + i] = (uint8_t)payload[i] ^ MASK[i & 3];
    send_all(client, frame, at + length);
}

void client_send(struct client *client, const char *packet, size_t length) {
    send_frame(client, TEXT, packet, length);
}

static void send_connect(struct client *client) {
    char packet[MAX_TOKEN + 512];
    bool is_root = strcmp(options.namespace, "/") == 0;
    size_t length = 0;
#define ADD(...) length += (size_t)snprintf(packet + length, sizeof packet - length, __VA_ARGS__)
    ADD("40%s%s{", is_root ? "" : options.namespace, is_root ? "" : ",");
    if (client->is_returning)
        ADD("\"pid\":\"%s\",\"offset\":\"%s\"%s", client->pid, client->offset,
            token_count > 0 ? "," : "");
    if (token_count > 0)
        ADD("\"token\":\"%s\"", tokens[client->token].text);
    ADD("}");
#undef ADD
    send_frame(client, TEXT, packet, length);
}

static bool open_connection(struct client *client, int epoll) {
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        die("socket");
    int size = RECEIVE_BUFFER, on = 1;
    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* On loopback the kernel completes the connection within the call, so it need not be async. */
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        note_problem("connect", strerror(errno), strlen(strerror(errno)));
        close(client->fd);
        return false;
    }
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &interest) != 0)
        die("epoll_ctl");
    client->state = UPGRADING;
    send_all(client, request, request_length);
    return true;
}

bool client_start(struct client *client, int epoll) {
    static int next_token;
    memset(client, 0, sizeof *client);
    if (token_count > 0) {
        client->token = (options.first_token + next_token++) % token_count;
        client->tenant = tokens[client->token].tenant;
    }
    client->next_sequence = FIRST_SEQUENCE + (uint64_t)client->tenant * SEQUENCES_PER_TENANT;
    if (options.missed > 0) {
        client->pid = calloc(1, MAX_PID);
        client->offset = calloc(1, MAX_OFFSET);
    }
    return open_connection(client, epoll);
}

bool client_return(struct client *client, int epoll) {
    client->is_returning = true;
    return open_connection(client, epoll);
}

void client_stop(struct client *client) {
    close(client->fd); /* also takes it out of the epoll set */
    free(client->carry);
    client->carry = NULL;
    client->carried = client->carry_capacity = 0;
    client->state = UNUSED;
}

/* Keep the private id of the session, and see whether it is the one that was asked for. */
static void session_received(struct client *client, const char *packet, size_t length) {
    const char *key = "\"pid\":\"";
    const char *found = memmem(packet, length, key, strlen(key));
    if (found == NULL)
        return;
    const char *begin = found + strlen(key);
    const char *end = memchr(begin, '"', length - (size_t)(begin - packet));
    if (end == NULL || end - begin >= MAX_PID)
        return;
    size_t size = (size_t)(end - begin);
    if (client->is_returning && strlen(client->pid) == size && memcmp(client->pid, begin, size) == 0)
        tally.recovered++;
    memcpy(client->pid, begin, size);
    client->pid[size] = '\0';
}

void client_has_joined(struct client *client) {
    client->state = JOINED;
    tally.joined++;
    client_joined(client);
}

void client_refused(struct client *client, const char *packet, size_t length) {
    tally.refused++;
    note_problem("CONNECT refused: ", packet, length);
    lost(client, "");
}

/* Take one Engine.IO packet; false if the client is gone after it. */
static bool packet_received(struct client *client, const char *packet, size_t length,
                            size_t frame_size, uint64_t now) {
    if (options.is_centrifugo) {
        centrifugo_received(client, packet, length, frame_size, now);
    } else if (length >= 2 && packet[0] == '4' && packet[1] == '2') {
        event_received(client, packet, length, frame_size, now);
    } else if (length >= 2 && packet[0] == '4' && packet[1] == '3') {
        ack_received(client, packet, length);
    } else if (length >= 1 && packet[0] == '2') {
        send_frame(client, TEXT, "3", 1);
    } else if (length >= 1 && packet[0] == '0' && client->state == OPENING) {
        client->state = JOINING;
        send_connect(client);
    } else if (length >= 2 && packet[0] == '4' && packet[1] == '0' && client->state == JOINING) {
        if (client->pid != NULL)
            session_received(client, packet, length);
        client_has_joined(client);
    } else if (length >= 2 && packet[0] == '4' && packet[1] == '4') {
        client_refused(client, packet, length);
    }
    return client->state != UNUSED;
}

/* Take the complete frames in `data` and return how many bytes they were. Servers don't mask, and
 * no event here is fragmented. */
static size_t take_frames(struct client *client, const uint8_t *data, size_t size, uint64_t now) {
    size_t at = 0;
    while (size - at >= 2) {
        const uint8_t *frame = data + at;
        size_t header = 2, length = frame[1];
        if (length == 126) {
            header = 4;
            if (size - at < header)
                break;
            length = (size_t)frame[2] << 8 | frame[3];
        } else if (length >= 127) {
            die("a frame of more than 64 KB, or a masked one");
        }
        if (size - at < header + length)
            break;
        int opcode = frame[0] & 0x0f;
        const char *payload = (const char *)frame + header;
        at += header + length;
        if (opcode == TEXT) {
            if (!packet_received(client, payload, length, header + length, now))
                return at;
        } else if (opcode == PING) {
            send_frame(client, PONG, payload, length < 126 ? length : 125);
        } else if (opcode == CLOSE) {
            lost(client, "the server sent a close frame");
            return at;
        }
    }
    return at;
}

/* Take the answer to the upgrade request and return its length; 0 if it is not complete. */
static size_t take_response(struct client *client, const uint8_t *data, size_t size) {
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    if (memcmp(data, "HTTP/1.1 101", 12) != 0) {
        note_problem("no upgrade: ", (const char *)data, 15);
        lost(client, "");
        return size;
    }
    client->state = options.is_centrifugo ? JOINING : OPENING;
    if (options.is_centrifugo)
        centrifugo_connect(client, tokens[client->token].text);
    return (size_t)(end - data) + 4;
}

static void carry(struct client *client, const uint8_t *rest, size_t size) {
    if (size > client->carry_capacity) {
        client->carry = realloc(client->carry, size);
        client->carry_capacity = (uint32_t)size;
    }
    if (size > 0)
        memcpy(client->carry, rest, size);
    client->carried = (uint32_t)size;
}

void client_readable(struct client *client) {
    size_t size = client->carried, used = 0;
    if (size > 0)
        memcpy(buffer, client->carry, size);
    ssize_t received = recv(client->fd, buffer + size, sizeof buffer - size, 0);
    if (received <= 0) {
        if (received == 0 || (errno != EAGAIN && errno != EINTR))
            lost(client, "the server closed the connection");
        return;
    }
    tally.reads++;
    size += (size_t)received;
    uint64_t now = clock_ns();
    if (client->state == UPGRADING)
        used = take_response(client, buffer, size);
    if (client->state != UNUSED && client->state != UPGRADING)
        used += take_frames(client, buffer + used, size - used, now);
    if (client->state != UNUSED)
        carry(client, buffer + used, size - used);
}
