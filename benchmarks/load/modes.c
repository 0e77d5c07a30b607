/* The modes `fanout`, `burst`, `idle`, `handshake`, `storm` and `bystander`. */
#define _GNU_SOURCE
#include "load.h"

#define LATE_SECONDS 10.0 /* what a bystander's last event has to come */

static void join_all(void) {
    shake_hands((uint64_t)options.sockets);
    if (options.rooms > 0)
        join_rooms();
    say_ready();
}

static void wait_for_first_event(void) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    while (tally.events == 0) {
        turn(100);
        if (clock_ns() > deadline)
            fail("no event came");
    }
}

static void print_fanout(double elapsed, struct usage before) {
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < options.sockets; i++) {
        least = clients[i].events < least ? clients[i].events : least;
        most = clients[i].events > most ? clients[i].events : most;
    }
    printf("{\"sockets\":%lu,\"seconds\":%.4f,\"events\":%lu,\"events_per_s\":%.1f,", tally.joined,
           elapsed, tally.events, (double)tally.events / elapsed);
    print_usage(before);
    printf(",\"events_per_read\":%.2f,",
           tally.reads ? (double)tally.events / (double)tally.reads : 0);
    printf("\"frame_bytes\":%.2f,\"frame_min\":%lu,\"frame_max\":%lu,",
           tally.events ? (double)tally.bytes / (double)tally.events : 0, tally.frame_min,
           tally.frame_max);
    printf("\"least_per_socket\":%lu,\"most_per_socket\":%lu", least, most);
    print_faults();
    printf(",\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
}

/* Count what comes in some seconds, after the first event and a warm-up. */
void fanout(void) {
    join_all();
    wait_for_first_event();
    uint64_t begin = clock_ns() + ns(options.warmup);
    while (clock_ns() < begin)
        turn(10);
    begin_measuring();
    begin = clock_ns();
    struct usage before = usage_now();
    uint64_t end = begin + ns(options.seconds), now;
    do {
        turn(10);
        now = clock_ns();
    } while (now < end);
    print_fanout((double)(now - begin) / 1e9, before);
}

/* Measure from the first event until all clients have `total`. */
void burst(void) {
    join_all();
    struct usage before = usage_now();
    wait_for_first_event();
    uint64_t begin = clock_ns();
    wait_for_all(options.total);
    if (complete < options.sockets)
        fail("time is up before all clients have all events");
    print_fanout((double)(clock_ns() - begin) / 1e9, before);
}

/* Stay until stdin ends; events that come meanwhile are checked. */
void idle(void) {
    join_all();
    while (!is_stdin_closed())
        turn(50);
    printf("{\"sockets\":%lu,\"events\":%lu", tally.joined, tally.events);
    print_faults();
    printf("}\n");
}

static void print_handshakes(double elapsed, struct usage before) {
    printf("{\"handshakes\":%lu,\"seconds\":%.4f,\"handshakes_per_s\":%.1f,", tally.joined,
           elapsed, (double)tally.joined / elapsed);
    print_usage(before);
    print_faults();
    printf(",\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
    fflush(stdout);
}

/* Each client leaves once it has joined, and another takes its place. */
void handshake(void) {
    is_restarting = true;
    struct usage before = usage_now();
    uint64_t begin = clock_ns();
    shake_hands(options.total);
    print_handshakes((double)(clock_ns() - begin) / 1e9, before);
}

/* All clients want to join now, and stay until stdin ends. Latency is the time until one has
 * joined, from the beginning for all: those whom we make wait have waited, too. */
void storm(void) {
    struct usage before = usage_now();
    wave_began = clock_ns();
    shake_hands((uint64_t)options.sockets);
    print_handshakes((double)(clock_ns() - wave_began) / 1e9, before);
    while (!is_stdin_closed())
        turn(50);
}

static bool have_all_until(uint64_t time) {
    for (int i = 0; i < options.sockets; i++)
        if (clients[i].last_due < time)
            return false;
    return true;
}

/* Measure the latency of events that are due between two lines on stdin, however late they come. */
void bystander(void) {
    join_all();
    wait_for_first_event();
    wait_for_line();
    latencies_reset();
    due_from = clock_ns();
    wait_for_line();
    due_until = clock_ns();
    uint64_t deadline = due_until + ns(LATE_SECONDS);
    while (!have_all_until(due_until) && clock_ns() < deadline)
        turn(10);
    printf("{\"is_complete\":%s", have_all_until(due_until) ? "true" : "false");
    print_faults();
    printf(",\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
}
