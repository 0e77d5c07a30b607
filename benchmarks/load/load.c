/* Options, the modes `fanout`, `idle`, `handshake` and `recover`, and the lines of JSON that they print. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_READY 1024

struct options options = {
    .host = "127.0.0.1", .namespace = "/bench", .sockets = 1, .concurrency = 32, .total = 1,
    .warmup = 0.5, .seconds = 3, .before = 1, .timeout = 60,
};
struct tally tally;
char first_problem[256];

static struct client *clients;
static int epoll, started, under_way;
static int complete;             /* clients that have had what they wait for, mode `recover` */
static uint64_t return_began;
static bool is_restarting; /* mode `handshake`: who has joined closes and starts again */

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

void die(const char *what) {
    fprintf(stderr, "load: %s (%s)\n", what, errno ? strerror(errno) : "no system error");
    exit(1);
}

void note_problem(const char *what, const char *detail, size_t length) {
    if (first_problem[0] == '\0')
        snprintf(first_problem, sizeof first_problem, "%s%.*s", what, (int)length, detail);
}

/* CPU seconds that the server has used, with all its threads (proc(5): utime and stime). */
static double server_cpu(void) {
    char path[64], text[1024];
    if (options.server_pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", options.server_pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die("the server is gone");
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    unsigned long user, system;
    char *fields = strrchr(text, ')'); /* the name before may hold anything */
    if (fields == NULL || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                 &user, &system) != 2)
        die("unreadable /proc/<pid>/stat");
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Seconds that the server was ready to run while its core ran something else: what a machine that is
 * not ours alone takes from it, and what its other threads do; main thread only (proc(5)). */
static double server_wait(void) {
    char path[64];
    unsigned long long waited = 0;
    if (options.server_pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", options.server_pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0; /* a kernel without it */
    if (fscanf(file, "%*u %llu", &waited) != 1)
        waited = 0;
    fclose(file);
    return (double)waited / 1e9;
}

struct usage {
    double server, server_wait, own; /* seconds */
};

static double own_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct usage usage_now(void) {
    return (struct usage){server_cpu(), server_wait(), own_cpu()};
}

static void print_usage(struct usage before) {
    struct usage now = usage_now();
    printf("\"server_cpu_s\":%.3f,\"server_wait_s\":%.3f,\"client_cpu_s\":%.3f",
           now.server - before.server, now.server_wait - before.server_wait, now.own - before.own);
}

/* The event loop */

void client_joined(struct client *client) {
    under_way--;
    if (is_restarting)
        client_stop(client);
}

void client_has_all(struct client *client) {
    complete++;
    if (client->is_returning)
        latency_add(return_began, clock_ns());
}

void client_left(struct client *client, enum state before) {
    (void)client;
    if (before == JOINED)
        tally.closed++;
    else
        under_way--;
}

static void turn(int timeout_ms) {
    static struct epoll_event ready[MAX_READY];
    int count = epoll_wait(epoll, ready, MAX_READY, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct client *client = ready[i].data.ptr;
        if (client->state != UNUSED)
            client_readable(client);
    }
}

static uint64_t ns(double seconds) { return (uint64_t)(seconds * 1e9); }

static void fail(const char *what) {
    printf("{\"error\":\"%s\",\"joined\":%lu,\"refused\":%lu,\"started\":%d}\n", what,
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
static void shake_hands(uint64_t total) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    while (tally.joined < total) {
        while ((uint64_t)started < total && under_way < options.concurrency) {
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

/* Modes */

static void say_ready(void) {
    printf("{\"ready\":%lu}\n", tally.joined);
    fflush(stdout);
}

static void begin_measuring(void) {
    struct tally before = tally;
    memset(&tally, 0, sizeof tally);
    tally.joined = before.joined; /* and what went wrong before counts as well */
    tally.lost = before.lost;
    tally.repeated = before.repeated;
    tally.reordered = before.reordered;
    tally.closed = before.closed;
    latencies_reset();
    for (int i = 0; i < options.sockets; i++)
        clients[i].events = 0;
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
    printf("\"least_per_socket\":%lu,\"most_per_socket\":%lu,", least, most);
    printf("\"lost\":%lu,\"repeated\":%lu,\"reordered\":%lu,\"unnumbered\":%lu,\"closed\":%lu,",
           tally.lost, tally.repeated, tally.reordered, tally.unnumbered, tally.closed);
    printf("\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
}

static void fanout(void) {
    shake_hands((uint64_t)options.sockets);
    say_ready();
    uint64_t deadline = clock_ns() + ns(options.timeout);
    while (tally.events == 0) {
        turn(100);
        if (clock_ns() > deadline)
            fail("no event came");
    }
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
    } while (now < end && (options.max_events == 0 || tally.events < options.max_events));
    print_fanout((double)(now - begin) / 1e9, before);
}

static bool is_stdin_closed(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char discarded[64];
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, discarded, sizeof discarded) <= 0;
}

static void idle(void) {
    shake_hands((uint64_t)options.sockets);
    say_ready();
    while (!is_stdin_closed())
        turn(50);
    printf("{\"sockets\":%lu,\"closed\":%lu}\n", tally.joined, tally.closed);
}

static void handshake(void) {
    is_restarting = true;
    struct usage before = usage_now();
    uint64_t begin = clock_ns();
    shake_hands((uint64_t)options.total);
    double elapsed = (double)(clock_ns() - begin) / 1e9;
    printf("{\"handshakes\":%lu,\"seconds\":%.4f,\"handshakes_per_s\":%.1f,", tally.joined,
           elapsed, (double)tally.joined / elapsed);
    print_usage(before);
    printf("}\n");
}

/* Wait for a line on stdin, whatever it says, while sockets are served. */
static void wait_for_line(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char discarded[64];
    while (poll(&input, 1, 0) == 0)
        turn(10);
    if (read(STDIN_FILENO, discarded, sizeof discarded) <= 0)
        die("stdin has ended");
}

/* Serve sockets until all clients have had the events up to `count`, or the time is up. */
static void wait_for_all(uint64_t count) {
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
    printf(",\"lost\":%lu,\"repeated\":%lu,\"reordered\":%lu,\"unnumbered\":%lu,\"closed\":%lu,",
           tally.lost, tally.repeated, tally.reordered, tally.unnumbered, tally.closed);
    printf("\"latency_us\":");
    latencies_print(stdout);
    printf("}\n");
}

/* Cut all clients while nothing is on the way to them, let them miss events, and bring all back at
 * once. Latency is the time until a client has all, since the first began to return. Each step is
 * asked for by a line on stdin, and told when it is done. */
static void recover(void) {
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
    return_began = clock_ns();
    return_all();
    uint64_t deadline = return_began + ns(options.timeout);
    while (complete < options.sockets && clock_ns() < deadline)
        turn(10);
    double elapsed = (double)(clock_ns() - return_began) / 1e9;
    for (uint64_t end = clock_ns() + ns(0.5); clock_ns() < end;)
        turn(10); /* what comes twice may come late */
    for (int i = 0; i < options.sockets; i++)
        tally.lost += FIRST_SEQUENCE + total - clients[i].next_sequence;
    print_recover(elapsed, usage);
}

/* Options */

static _Noreturn void usage(void) {
    fprintf(stderr,
            "usage: load fanout|idle|handshake|recover --port P [--host A] [--namespace /bench]\n"
            "  [--tokens FILE] [--sockets N] [--concurrency C] [--timeout S] [--server-pid PID]\n"
            "  fanout:    [--warmup S] [--seconds S] [--events K]\n"
            "  handshake: [--total N]\n"
            "  recover:   --missed N [--before N]\n");
    exit(2);
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'},    {"host", 1, 0, 'h'},        {"namespace", 1, 0, 'n'},
        {"tokens", 1, 0, 't'},  {"sockets", 1, 0, 's'},     {"concurrency", 1, 0, 'c'},
        {"total", 1, 0, 'N'},   {"warmup", 1, 0, 'w'},      {"seconds", 1, 0, 'T'},
        {"events", 1, 0, 'K'},  {"timeout", 1, 0, 'x'},     {"server-pid", 1, 0, 'P'},
        {"before", 1, 0, 'b'},  {"missed", 1, 0, 'm'},      {0, 0, 0, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'h': options.host = optarg; break;
        case 'n': options.namespace = optarg; break;
        case 't': options.token_file = optarg; break;
        case 's': options.sockets = atoi(optarg); break;
        case 'c': options.concurrency = atoi(optarg); break;
        case 'N': options.total = atoi(optarg); break;
        case 'w': options.warmup = atof(optarg); break;
        case 'T': options.seconds = atof(optarg); break;
        case 'K': options.max_events = strtoull(optarg, NULL, 10); break;
        case 'x': options.timeout = atof(optarg); break;
        case 'P': options.server_pid = atoi(optarg); break;
        case 'b': options.before = atoi(optarg); break;
        case 'm': options.missed = atoi(optarg); break;
        default: usage();
        }
    }
    if (optind != argc - 1 || options.port <= 0 || options.sockets <= 0 || options.concurrency <= 0)
        usage();
    options.mode = argv[optind];
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(options.mode, "handshake") == 0)
        options.sockets = options.concurrency;
    clients = calloc((size_t)options.sockets, sizeof *clients);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (clients == NULL || epoll < 0)
        die("no memory or no epoll");
    clients_prepare();
    if (strcmp(options.mode, "fanout") == 0)
        fanout();
    else if (strcmp(options.mode, "idle") == 0)
        idle();
    else if (strcmp(options.mode, "handshake") == 0)
        handshake();
    else if (strcmp(options.mode, "recover") == 0)
        recover();
    else
        usage();
    return 0;
}
