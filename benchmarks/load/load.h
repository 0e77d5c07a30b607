/* The load client: thousands of Socket.IO clients in one thread on epoll.
 *
 *   load.c     options
 *   modes.c    what is done and printed: fanout, burst, idle, handshake, storm, bystander
 *   recover.c  the mode recover
 *   calls.c    what clients send and is acknowledged; the mode calls
 *   loop.c     the event loop, handshakes, lines on stdin
 *   client.c   one client: upgrade, CONNECT, frames, heartbeats
 *   events.c   what is checked and measured of every event
 *   usage.c    CPU time
 *   centrifugo.c  another protocol
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

/* Each tenant's events have numbers of their own: tenant n's begin at FIRST_SEQUENCE + n * this. So
 * an event tells whose it is, and one that reached another tenant's socket is found. */
#define SEQUENCES_PER_TENANT 800000ULL

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
    int tenant;                /* its number, from the token file */
    uint64_t next_sequence;    /* the number that the next event must have */
    uint64_t last_due;         /* when the last event was due, mode `bystander` */
    uint64_t called, acked;    /* calls made and acknowledged; also the next ones' ids */
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
    const char *token_file;    /* a token, a space, its tenant's number per line; NULL: no token */
    int first_token;           /* the line to begin with; then they are taken in turn */
    int port;
    int sockets;
    int concurrency;           /* handshakes under way at once */
    uint64_t total;            /* handshakes, calls or events to do; 0: as many as go in `seconds` */
    double warmup, seconds;    /* modes `fanout` and `calls` */
    const char *call;          /* mode `calls`: echo, or join (and leave) */
    int first_room;            /* the one that all join */
    int rooms, rooms_each;     /* how many there are; how many each client joins besides the first */
    bool is_centrifugo;        /* speaks Centrifugo's protocol, not Socket.IO's */
    bool is_background;        /* yields its core to any other program, as another load client */
    int before, missed;        /* events of each client, mode `recover` */
    double timeout;            /* for all handshakes, and for the first event */
    int server_pid;            /* whose CPU time is measured; 0: nobody's */
};

struct tally {
    uint64_t joined, refused, closed;
    uint64_t events, bytes, reads;
    uint64_t frame_min, frame_max;
    uint64_t lost, repeated, reordered, unnumbered;
    uint64_t foreign;          /* another tenant's */
    uint64_t acks, failed;     /* of calls: acknowledged; acknowledged with an error */
    uint64_t recovered;        /* came back to the session that they had */
};

extern struct options options;
extern struct tally tally;
extern char first_problem[256];

uint64_t clock_ns(void);                       /* CLOCK_MONOTONIC */
uint64_t ns(double seconds);
_Noreturn void die(const char *what);
void note_problem(const char *what, const char *detail, size_t length);

/* loop.c */
extern struct client *clients;
extern int epoll, under_way;                   /* handshakes under way */
extern int complete;                           /* clients that have had what they wait for */
extern bool is_restarting;                     /* who has joined closes and starts again */
extern uint64_t wave_began;                    /* latency is counted from here on; 0: it is not */

void turn(int timeout_ms);
void shake_hands(uint64_t total);
_Noreturn void fail(const char *what);
bool is_stdin_closed(void);
void wait_for_line(void);                      /* sockets are served meanwhile */
void wait_for_all(uint64_t count);             /* until all clients have had so many events */
void begin_measuring(void);
void say_ready(void);
void print_faults(void);
void client_left(struct client *client, enum state before);  /* called back */
void client_joined(struct client *client);                   /* called back */
void client_has_all(struct client *client);                  /* called back */

/* modes.c, recover.c, calls.c: one function for each mode */
void fanout(void);
void burst(void);
void idle(void);
void handshake(void);
void storm(void);
void bystander(void);
void recover(void);
void calls(void);

/* usage.c */
struct usage {
    double server, server_wait, own;           /* seconds */
};
struct usage usage_now(void);
void print_usage(struct usage before);         /* what was used since then: members of a JSON object */

/* client.c */
void clients_prepare(void);
bool client_start(struct client *client, int epoll);
bool client_return(struct client *client, int epoll);        /* after `client_stop` */
void client_readable(struct client *client);
void client_send(struct client *client, const char *packet, size_t length);
void client_stop(struct client *client);

void client_has_joined(struct client *client);
void client_refused(struct client *client, const char *packet, size_t length);

/* centrifugo.c */
#define CENTRIFUGO_PATH "/connection/websocket"
void centrifugo_connect(struct client *client, const char *token);
void centrifugo_received(struct client *client, const char *text, size_t length, size_t frame_size,
                         uint64_t now);

/* events.c */
extern uint64_t due_from, due_until;           /* latency is counted of events that are due then */
void event_received(struct client *client, const char *packet, size_t length, size_t frame_size,
                    uint64_t now);
void latency_add(uint64_t from, uint64_t to);
void latencies_reset(void);
void latencies_print(FILE *out);               /* a JSON object, microseconds */

/* calls.c */
void join_rooms(void);
void ack_received(struct client *client, const char *packet, size_t length);

#endif
