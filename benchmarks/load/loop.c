/* The event loop: handshakes, some at a time; lines on stdin; what all modes wait for. */
#define _GNU_SOURCE
#include "load.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_READY 1024

struct client *clients;
int epoll, under_way, complete;
bool is_restarting;
uint64_t wave_began;

static uint64_t started;

void client_joined(struct client *client) {
    under_way--;
    if (wave_began > 0 && !client->is_returning)
        latency_add(wave_began, clock_ns());
    if (is_restarting)
        client_stop(client);
}

void client_has_all(struct client *client) {
    complete++;
    if (client->is_returning)
        latency_add(wave_began, clock_ns());
}

void client_left(struct client *client, enum state before) {
    (void)client;
    if (before == JOINED)
        tally.closed++;
    else
        under_way--;
}

void turn(int timeout_ms) {
    static struct epoll_event ready[MAX_READY];
    int count = epoll_wait(epoll, ready, MAX_READY, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct client *client = ready[i].data.ptr;
        if (client->state != UNUSED)
            client_readable(client);
    }
}

void fail(const char *what) {
    printf("{\"error\":\"%s\",\"joined\":%lu,\"refused\":%lu,\"started\":%lu}\n", what,
           tally.joined, tally.refused, started);
    fprintf(stderr, "load: %s; %lu joined; first problem: %s\n", what, tally.joined,
            first_problem[0] ? first_problem : "none");
    exit(1);
}

static struct client *unused_client(void) {
    static int at;
    for (int i = 0; i < options.sockets; i++) {
        at = (at + 1) % options.sockets;
        if (clients[at].state == UNUSED)
            return &clients[at];
    }
    return NULL;
}

/* Do `total` handshakes, some at a time. */
void shake_hands(uint64_t total) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    while (tally.joined < total) {
        while (started < total && under_way < options.concurrency) {
            if (!client_start(unused_client(), epoll))
                fail("no connection");
            started++;
            under_way++;
        }
        if (under_way == 0)
            fail("not all clients could join");
        turn(100);
        if (clock_ns() > deadline)
            fail("time is up before all clients have joined");
    }
}

/* Lines on stdin, whatever they say */

static bool has_input(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

static bool is_at_end(void) {
    char discarded[64];
    return read(STDIN_FILENO, discarded, sizeof discarded) <= 0;
}

bool is_stdin_closed(void) { return has_input() && is_at_end(); }

void wait_for_line(void) {
    while (!has_input())
        turn(10);
    if (is_at_end())
        die("stdin has ended");
}

void say_ready(void) {
    printf("{\"ready\":%lu}\n", tally.joined);
    fflush(stdout);
}

/* Measuring */

void wait_for_all(uint64_t count) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    complete = 0;
    for (int i = 0; i < options.sockets; i++) {
        clients[i].awaited = FIRST_SEQUENCE + count;
        if (clients[i].next_sequence >= clients[i].awaited)
            complete++;
    }
    while (complete < options.sockets && clock_ns() < deadline)
        turn(10);
}

void begin_measuring(void) {
    struct tally before = tally;
    memset(&tally, 0, sizeof tally);
    tally.joined = before.joined; /* and what went wrong before counts as well */
    tally.lost = before.lost;
    tally.repeated = before.repeated;
    tally.reordered = before.reordered;
    tally.foreign = before.foreign;
    tally.failed = before.failed;
    tally.closed = before.closed;
    latencies_reset();
    for (int i = 0; i < options.sockets; i++)
        clients[i].events = 0;
}

void print_faults(void) {
    printf(",\"lost\":%lu,\"repeated\":%lu,\"reordered\":%lu,\"foreign\":%lu,\"unnumbered\":%lu,"
           "\"failed\":%lu,\"closed\":%lu",
           tally.lost, tally.repeated, tally.reordered, tally.foreign, tally.unnumbered,
           tally.failed, tally.closed);
}
