/* The mode `recover`: all clients are cut, miss events, and return at once. */
#define _GNU_SOURCE
#include "load.h"

/* Start the return of all clients, some handshakes at a time; they get what they missed meanwhile. */
static void return_all(void) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    for (int i = 0; i < options.sockets; i++) {
        while (under_way >= options.concurrency && clock_ns() < deadline)
            turn(100);
        if (!client_return(&clients[i], epoll))
            fail("no connection");
        under_way++;
    }
}

static void print_recover(double elapsed, struct usage usage) {
    printf("{\"sockets\":%d,\"seconds\":%.4f,\"joined\":%lu,\"recovered\":%lu,\"events\":%lu,",
           options.sockets, elapsed, tally.joined, tally.recovered, tally.events);
    print_usage(usage);
    print_faults();
    printf(",\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
}

/* Cut all clients while nothing is on the way to them, let them miss events, and bring all back at
 * once. Latency is the time until a client has all, since the first began to return. Each step is
 * asked for by a line on stdin, and told when it is done. */
void recover(void) {
    shake_hands((uint64_t)options.sockets);
    say_ready();
    wait_for_all((uint64_t)options.before);
    say_ready();
    wait_for_line();
    for (int i = 0; i < options.sockets; i++)
        client_stop(&clients[i]);
    say_ready();
    wait_for_line();
    begin_measuring();
    tally.joined = 0;
    struct usage usage = usage_now();
    uint64_t total = (uint64_t)(options.before + options.missed);
    for (int i = 0; i < options.sockets; i++)
        clients[i].awaited = FIRST_SEQUENCE + total;
    complete = 0;
    wave_began = clock_ns();
    return_all();
    uint64_t deadline = wave_began + ns(options.timeout);
    while (complete < options.sockets && clock_ns() < deadline)
        turn(10);
    double elapsed = (double)(clock_ns() - wave_began) / 1e9;
    for (uint64_t end = clock_ns() + ns(0.5); clock_ns() < end;)
        turn(10); /* what comes twice may come late */
    for (int i = 0; i < options.sockets; i++)
        tally.lost += FIRST_SEQUENCE + total - clients[i].next_sequence;
    print_recover(elapsed, usage);
}
