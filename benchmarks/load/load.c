/* Options; the modes are in files of their own. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

struct options options = {
    .host = "127.0.0.1", .namespace = "/bench", .sockets = 1, .concurrency = 32,
    .warmup = 0.5, .seconds = 3, .before = 1, .timeout = 60, .call = "echo",
};
struct tally tally;
char first_problem[256];

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

uint64_t ns(double seconds) { return (uint64_t)(seconds * 1e9); }

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"fanout", fanout}, {"burst", burst},         {"idle", idle},       {"handshake", handshake},
    {"storm", storm},   {"bystander", bystander}, {"recover", recover}, {"calls", calls},
};

static _Noreturn void usage(void) {
    fprintf(stderr,
            "usage: load MODE --port P [--host A] [--namespace /bench] [--tokens FILE]\n"
            "  [--first-token N] [--sockets N] [--concurrency C] [--timeout S] [--server-pid PID]\n"
            "  [--background 1] [--dialect socket.io|centrifugo]\n"
            "  [--first-room N] [--rooms N [--rooms-each K]]\n"
            "  fanout     [--warmup S] [--seconds S]\n"
            "  burst      --total EVENTS\n"
            "  handshake  --total HANDSHAKES\n"
            "  calls      [--call echo|join] [--total CALLS | --warmup S --seconds S]\n"
            "  recover    --missed N [--before N]\n"
            "  idle, storm, bystander\n");
    exit(2);
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'},        {"host", 1, 0, 'h'},        {"namespace", 1, 0, 'n'},
        {"tokens", 1, 0, 't'},      {"first-token", 1, 0, 'f'}, {"sockets", 1, 0, 's'},
        {"concurrency", 1, 0, 'c'}, {"total", 1, 0, 'N'},       {"warmup", 1, 0, 'w'},
        {"seconds", 1, 0, 'T'},     {"timeout", 1, 0, 'x'},     {"server-pid", 1, 0, 'P'},
        {"before", 1, 0, 'b'},      {"missed", 1, 0, 'm'},      {"call", 1, 0, 'C'},
        {"first-room", 1, 0, 'R'},  {"rooms", 1, 0, 'r'},       {"rooms-each", 1, 0, 'e'},
        {"background", 1, 0, 'B'},  {"dialect", 1, 0, 'd'},     {0, 0, 0, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'h': options.host = optarg; break;
        case 'n': options.namespace = optarg; break;
        case 't': options.token_file = optarg; break;
        case 'f': options.first_token = atoi(optarg); break;
        case 's': options.sockets = atoi(optarg); break;
        case 'c': options.concurrency = atoi(optarg); break;
        case 'N': options.total = strtoull(optarg, NULL, 10); break;
        case 'w': options.warmup = atof(optarg); break;
        case 'T': options.seconds = atof(optarg); break;
        case 'x': options.timeout = atof(optarg); break;
        case 'P': options.server_pid = atoi(optarg); break;
        case 'b': options.before = atoi(optarg); break;
        case 'm': options.missed = atoi(optarg); break;
        case 'C': options.call = optarg; break;
        case 'R': options.first_room = atoi(optarg); break;
        case 'r': options.rooms = atoi(optarg); break;
        case 'e': options.rooms_each = atoi(optarg); break;
        case 'd': options.is_centrifugo = strcmp(optarg, "centrifugo") == 0; break;
        case 'B': options.is_background = atoi(optarg) != 0; break;
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
    if (options.is_background)
        sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
    if (strcmp(options.mode, "handshake") == 0)
        options.sockets = options.concurrency;
    clients = calloc((size_t)options.sockets, sizeof *clients);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (clients == NULL || epoll < 0)
        die("no memory or no epoll");
    clients_prepare();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(options.mode, modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    }
    usage();
}
