/* The limit: a bare loop that sends the same bytes to every socket, and does nothing else.
 *
 * It knows just enough of WebSocket, Engine.IO and Socket.IO that the load client can join: no token
 * is checked (it is the number of a tenant, or means tenant 0), a request is answered as soon as it
 * is complete. What it shows is the cost that no gateway can avoid: the system call for each write,
 * and the kernel's share of it.
 *
 * Commands on stdin, as for every server here (see benchmarks/servers.py): `saturate`, `single`,
 * `rate N`, `tenants N` (a batch to each in turn), `stats`; the end of stdin stops it. The batch (events joined into one send) is its
 * argument.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_SEQUENCE 100000000ULL
#define FRAME_SIZE 167            /* all of an event on the wire, header included */
#define SEQUENCES_PER_TENANT 800000ULL
#define MAX_TENANTS 1001          /* the first is the one of most workloads */
#define MAX_BATCH 1024
#define MAX_REQUEST 8192
#define MAX_PENDING (256 * 1024)  /* unsent bytes of one socket at which all wait for it */
#define MAX_READY 1024

enum state { UPGRADING, OPEN, JOINED, GONE };

struct peer {
    int fd;
    enum state state;
    int tenant, place;     /* in `peers` of its tenant, once it has joined */
    size_t received;       /* bytes of the request so far */
    char *request;         /* freed after the upgrade */
    size_t pending, sent;  /* unsent bytes: from `sent` to `pending` of `unsent` */
    size_t capacity;
    char *unsent;
};

static struct tenant {
    struct peer **peers;
    int count, capacity;
    uint64_t events;
} tenants[MAX_TENANTS];

static int epoll, listening, blocked, too_far_behind;
static int batch_size = 1;
static bool is_saturating, is_stopped;
static int tenant_count; /* of `tenants N` */
static uint64_t period_ns, next_due; /* of `rate` */
static uint64_t events, batches;

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

/* Peers */

static void watch(struct peer *peer, uint32_t interest, int operation) {
    struct epoll_event event = {.events = interest, .data.ptr = peer};
    if (epoll_ctl(epoll, operation, peer->fd, &event) != 0)
        die("epoll_ctl");
}

static void set_pending(struct peer *peer, size_t from, size_t to) {
    size_t before = peer->pending - peer->sent, after = to - from;
    peer->sent = from;
    peer->pending = to;
    blocked += (after > 0) - (before > 0);
    too_far_behind += (after > MAX_PENDING) - (before > MAX_PENDING);
    if ((after > 0) != (before > 0) && peer->state != GONE)
        watch(peer, after > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

/* Taken off the list at once; freed after the turn, which may still hold events of it. */
static struct peer *gone[MAX_READY];
static int gone_count;

static void leave(struct peer *peer) {
    if (peer->state == GONE)
        return;
    if (peer->state == JOINED) {
        struct tenant *tenant = &tenants[peer->tenant];
        tenant->peers[peer->place] = tenant->peers[--tenant->count];
        tenant->peers[peer->place]->place = peer->place;
    }
    peer->state = GONE;
    set_pending(peer, 0, 0);
    close(peer->fd);
    if (gone_count < MAX_READY)
        gone[gone_count++] = peer;
}

static void free_gone(void) {
    while (gone_count > 0) {
        struct peer *peer = gone[--gone_count];
        free(peer->request);
        free(peer->unsent);
        free(peer);
    }
}

static void keep_unsent(struct peer *peer, const char *data, size_t size) {
    if (peer->sent > 0) {
        memmove(peer->unsent, peer->unsent + peer->sent, peer->pending - peer->sent);
        peer->pending -= peer->sent;
        peer->sent = 0;
    }
    if (peer->pending + size > peer->capacity) {
        peer->capacity = peer->pending + size;
        peer->unsent = realloc(peer->unsent, peer->capacity);
    }
    memcpy(peer->unsent + peer->pending, data, size);
    set_pending(peer, peer->sent, peer->pending + size);
}

/* Send now what the kernel takes and keep the rest: bytes are never lost and never overtake. */
static void send_to(struct peer *peer, const char *data, size_t size) {
    ssize_t sent = 0;
    if (peer->pending == peer->sent) {
        sent = send(peer->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            shutdown(peer->fd, SHUT_RDWR); /* epoll reports it; the list is being walked now */
            return;
        }
        sent = sent < 0 ? 0 : sent;
    }
    if ((size_t)sent < size)
        keep_unsent(peer, data + sent, size - (size_t)sent);
}

static void send_unsent(struct peer *peer) {
    ssize_t sent = send(peer->fd, peer->unsent + peer->sent, peer->pending - peer->sent,
                        MSG_NOSIGNAL);
    if (sent > 0)
        set_pending(peer, peer->sent + (size_t)sent, peer->pending);
    else if (sent < 0 && errno != EAGAIN)
        leave(peer);
}

static void send_text(struct peer *peer, const char *text) {
    char frame[256];
    size_t length = strlen(text); /* under 126 */
    frame[0] = (char)0x81;
    frame[1] = (char)length;
    memcpy(frame + 2, text, length);
    send_to(peer, frame, length + 2);
}

/* Joining */

static void accept_peers(void) {
    int fd, on = 1;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peer->fd = fd;
        peer->request = malloc(MAX_REQUEST);
        watch(peer, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static void upgrade(struct peer *peer, const char *data, size_t size) {
    if (peer->received + size > MAX_REQUEST) {
        leave(peer);
        return;
    }
    memcpy(peer->request + peer->received, data, size);
    peer->received += size;
    if (memmem(peer->request, peer->received, "\r\n\r\n", 4) == NULL)
        return;
    /* The load client sends the key of RFC 6455's example; this is the example's answer to it. */
    static const char response[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    send_to(peer, response, sizeof response - 1);
    send_text(peer, "0{\"sid\":\"c\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                    "\"maxPayload\":1000000}");
    free(peer->request);
    peer->request = NULL;
    peer->state = OPEN;
}

/* Its CONNECT: `40/bench,{"token":"<number of its tenant>"}`; a real token begins with a letter. */
static void join(struct peer *peer, const char *packet) {
    const char *token = strstr(packet, "\"token\":\"");
    int number = token == NULL ? 0 : atoi(token + strlen("\"token\":\""));
    struct tenant *tenant = &tenants[number >= 0 && number < MAX_TENANTS ? number : 0];
    if (tenant->count == tenant->capacity) {
        tenant->capacity = tenant->capacity ? tenant->capacity * 2 : 8;
        tenant->peers = realloc(tenant->peers, (size_t)tenant->capacity * sizeof(struct peer *));
    }
    peer->tenant = (int)(tenant - tenants);
    peer->place = tenant->count;
    tenant->peers[tenant->count++] = peer;
    peer->state = JOINED;
    send_text(peer, "40/bench,{\"sid\":\"c\"}");
}

/* `42/bench,<id>["echo",{"seq":<number>,...}]` is acknowledged with `{"seq"}`. */
static void echo(struct peer *peer, const char *packet) {
    unsigned long id, number;
    char ack[128];
    if (sscanf(packet, "42/bench,%lu[\"echo\",{\"seq\":%lu", &id, &number) != 2)
        return;
    snprintf(ack, sizeof ack, "43/bench,%lu[{\"seq\":%lu}]", id, number);
    send_text(peer, ack);
}

/* One frame, masked, whole: the load client sends no other, and waits for the answer. */
static void receive(struct peer *peer, char *frame, size_t size) {
    size_t header = 2, length = size < 6 ? 126 : (size_t)(frame[1] & 0x7f);
    if (length == 126 && size >= 8) {
        header = 4;
        length = (size_t)(uint8_t)frame[2] << 8 | (uint8_t)frame[3];
    }
    if (header + 4 + length > size) {
        leave(peer);
        return;
    }
    char *mask = frame + header, *packet = mask + 4;
    for (size_t i = 0; i < length; i++)
        packet[i] ^= mask[i & 3];
    packet[length] = '\0';
    if (peer->state == OPEN)
        join(peer, packet);
    else
        echo(peer, packet);
}

static void readable(struct peer *peer) {
    static char data[65536];
    ssize_t size = recv(peer->fd, data, sizeof data - 1, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN))
        leave(peer);
    else if (size > 0 && peer->state == UPGRADING)
        upgrade(peer, data, (size_t)size);
    else if (size > 0)
        receive(peer, data, (size_t)size);
}

/* Sending */

static size_t write_frame(char *frame, uint64_t sequence, uint64_t time) {
    char text[FRAME_SIZE * 2];
    size_t payload = FRAME_SIZE - 4;
    int head = snprintf(text, sizeof text, "42/bench,[\"bench\",{\"seq\":%lu,\"t\":%lu,\"pad\":\"",
                        sequence, time);
    int tail = snprintf(text + head, sizeof text - (size_t)head, "\"},\"epoch.%08lx\"]", sequence);
    size_t pad = payload - (size_t)head - (size_t)tail;
    frame[0] = (char)0x81;
    frame[1] = 126;
    frame[2] = (char)(payload >> 8);
    frame[3] = (char)payload;
    memcpy(frame + 4, text, (size_t)head);
    memset(frame + 4 + head, 'x', pad);
    memcpy(frame + 4 + head + pad, text + head, (size_t)tail);
    return FRAME_SIZE;
}

static void send_batch(int number, int count, uint64_t time) {
    static char frames[MAX_BATCH * FRAME_SIZE];
    struct tenant *tenant = &tenants[number];
    uint64_t sequence = FIRST_SEQUENCE + (uint64_t)number * SEQUENCES_PER_TENANT + tenant->events;
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += write_frame(frames + size, sequence + (uint64_t)i, time);
    tenant->events += (uint64_t)count;
    events += (uint64_t)count;
    batches++;
    for (int i = 0; i < tenant->count; i++)
        send_to(tenant->peers[i], frames, size);
}

static void send_due(void) {
    if (too_far_behind > 0)
        return;
    if (is_saturating)
        send_batch(0, batch_size, clock_ns());
    for (int i = 1; i <= tenant_count && too_far_behind == 0; i++)
        send_batch(i, batch_size, clock_ns());
    if (period_ns > 0 && clock_ns() >= next_due) { /* late ones: one in each turn */
        send_batch(0, 1, next_due);
        next_due += period_ns;
    }
}

static int wait_ms(void) {
    if (too_far_behind > 0)
        return -1;
    if (is_saturating || tenant_count > 0)
        return 0;
    if (period_ns == 0)
        return -1;
    uint64_t now = clock_ns();
    return now >= next_due ? 0 : (int)((next_due - now + 999999) / 1000000);
}

/* Commands */

static void obey(char *command) {
    double rate;
    int count;
    if (strcmp(command, "saturate") == 0 || strcmp(command, "single") == 0) {
        is_saturating = true;
    } else if (sscanf(command, "rate %lf", &rate) == 1) {
        period_ns = (uint64_t)(1e9 / rate);
        next_due = clock_ns() + period_ns;
    } else if (sscanf(command, "tenants %d", &count) == 1 && count < MAX_TENANTS) {
        tenant_count = count;
    } else if (strcmp(command, "stats") == 0) {
        printf("{\"events\":%lu,\"batches\":%lu}\n", events, batches);
        fflush(stdout);
    }
}

static void read_commands(void) {
    char line[256];
    ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
    if (size <= 0) {
        is_stopped = true;
        return;
    }
    line[size] = '\0';
    for (char *rest = line, *command; (command = strsep(&rest, "\n")) != NULL;)
        obey(command);
}

static void turn(void) {
    static struct epoll_event ready[MAX_READY];
    int count = epoll_wait(epoll, ready, MAX_READY, wait_ms());
    for (int i = 0; i < count; i++) {
        struct peer *peer = ready[i].data.ptr;
        if (ready[i].data.ptr == &listening)
            accept_peers();
        else if (ready[i].data.ptr == NULL)
            read_commands();
        else {
            if (peer->state != GONE && (ready[i].events & EPOLLOUT))
                send_unsent(peer);
            if (peer->state != GONE && (ready[i].events & ~(uint32_t)EPOLLOUT))
                readable(peer);
        }
    }
    free_gone();
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    batch_size = argc > 1 ? atoi(argv[1]) : 1;
    if (batch_size < 1 || batch_size > MAX_BATCH) {
        fprintf(stderr, "usage: c_loop [BATCH, 1 to %d]\n", MAX_BATCH);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listening, (struct sockaddr *)&address, length) != 0 || listen(listening, 4096) != 0)
        die("listen");
    getsockname(listening, (struct sockaddr *)&address, &length);
    struct epoll_event on_listening = {.events = EPOLLIN, .data.ptr = &listening};
    struct epoll_event on_commands = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &on_listening);
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &on_commands);
    printf("{\"port\":%d,\"versions\":{\"gcc\":\"%s\"}}\n", ntohs(address.sin_port), __VERSION__);
    fflush(stdout);
    while (!is_stopped) {
        turn();
        send_due();
    }
    return 0;
}
