/* The load client: thousands of Socket.IO clients in one thread on epoll.
 *
 *   load.c    options, the modes, what is printed
 *   client.c  one client: upgrade, CONNECT, frames, heartbeats
 *   events.c  what is checked and measured of every event
 *
 * It must never be the bottleneck. So an event is not decoded: its sequence number and its time are
 * found by their keys, at the place where the previous event had them.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Servers number their events from here on; ten events later or ten million, the number has the same
 * nine digits, and every frame the same size. */
#define FIRST_SEQUENCE 100000000ULL

/* Connection state recovery: what a client keeps to come back to its session. */
#define MAX_PID 128
#define MAX_OFFSET 48

enum state { UNUSED, UPGRADING, OPENING, JOINING, JOINED };

struct client {
    int fd;
    enum state state;
    uint32_t carried;          /* bytes of an unfinished frame */
    uint32_t carry_capacity;
    uint8_t *carry;
    uint64_t next_sequence;    /* the number that the next event must have */
    uint64_t events;           /* since the measurement began */
    int token;                 /* index of its token */
    char *pid;                 /* private id of its session, mode `recover`; else NULL */
    char *offset;              /* of the last event; empty if none came */
    bool is_returning;         /* asks for its session back */
    uint64_t awaited;          /* once `next_sequence` is this, the client has all; 0: never */
};

struct options {
    const char *mode;
    const char *host;
    const char *namespace;
    const char *token_file;    /* one per line, taken in turn; NULL: no token */
    int port;
    int sockets;
    int concurrency;           /* handshakes under way at once */
    int total;                 /* handshakes to do, mode `handshake` */
    double warmup, seconds;    /* mode `fanout` */
    int before, missed;        /* events of each client, mode `recover` */
    uint64_t max_events;       /* ends the measurement early; 0: never */
    double timeout;            /* for all handshakes, and for the first event */
    int server_pid;            /* whose CPU time is measured; 0: nobody's */
};

struct tally {
    uint64_t joined, refused, closed;
    uint64_t events, bytes, reads;
    uint64_t frame_min, frame_max;
    uint64_t lost, repeated, reordered, unnumbered;
    uint64_t recovered;        /* came back to the session that they had */
};

extern struct options options;
extern struct tally tally;
extern char first_problem[256];

uint64_t clock_ns(void);                       /* CLOCK_MONOTONIC */
_Noreturn void die(const char *what);
void note_problem(const char *what, const char *detail, size_t length);

/* client.c */
void clients_prepare(void);
bool client_start(struct client *client, int epoll);
bool client_return(struct client *client, int epoll);        /* after `client_stop` */
void client_readable(struct client *client);
void client_stop(struct client *client);
void client_left(struct client *client, enum state before);  /* called back; in load.c */
void client_joined(struct client *client);                   /* called back; in load.c */
void client_has_all(struct client *client);                  /* called back; in load.c */

/* events.c */
void event_received(struct client *client, const char *packet, size_t length, size_t frame_size,
                    uint64_t now);
void latency_add(uint64_t from, uint64_t to);
void latencies_reset(void);
void latencies_print(FILE *out);               /* a JSON object, microseconds */

#endif
