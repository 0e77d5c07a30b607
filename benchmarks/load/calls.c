/* What clients send and is acknowledged: events that are echoed, rooms that are joined and left. */
#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PACKET 512
#define CALLS_PER_CLIENT 1000000ULL /* numbers of a client's own, so that another's ack is found */
#define NUMBERED_CLIENTS 800
#define PAD "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" /* 80 */

static bool is_calling;
static uint64_t calls_made;

static uint64_t number_of(const struct client *client, uint64_t call) {
    uint64_t place = (uint64_t)(client - clients) % NUMBERED_CLIENTS;
    return FIRST_SEQUENCE + place * CALLS_PER_CLIENT + call % CALLS_PER_CLIENT;
}

static void send_call(struct client *client, const char *event, const char *argument) {
    char packet[MAX_PACKET];
    int length = snprintf(packet, sizeof packet, "42%s,%lu[\"%s\",%s]", options.namespace,
                          client->called++, event, argument);
    client_send(client, packet, (size_t)length);
}

static void send_room(struct client *client, const char *event, int room) {
    char argument[64];
    snprintf(argument, sizeof argument, "\"room:%d\"", room);
    send_call(client, event, argument);
}

/* Echo: `{"seq", "pad"}`, of which `{"seq"}` must come back. Join: into the first room, out of it. */
static void call_next(struct client *client) {
    uint64_t call = client->called;
    if (options.total > 0 && calls_made == options.total)
        return;
    calls_made++;
    if (strcmp(options.call, "join") == 0) {
        send_room(client, call % 2 == 0 ? "tidegate.join" : "tidegate.leave",
                  options.first_room);
    } else {
        char argument[256];
        snprintf(argument, sizeof argument, "{\"seq\":%lu,\"pad\":\"" PAD "\"}",
                 number_of(client, call));
        send_call(client, "echo", argument);
    }
}

static bool is_answer(const struct client *client, const char *text, size_t length, uint64_t id) {
    char wanted[32] = "\"ok\":true";
    if (is_calling && strcmp(options.call, "echo") == 0)
        snprintf(wanted, sizeof wanted, "\"seq\":%lu}", number_of(client, id));
    return memmem(text, length, wanted, strlen(wanted)) != NULL;
}

void ack_received(struct client *client, const char *packet, size_t length) {
    const char *comma = memchr(packet, ',', length); /* after the namespace */
    uint64_t id = comma == NULL ? UINT64_MAX : strtoull(comma + 1, NULL, 10);
    tally.acks++;
    if (id < client->acked)
        tally.repeated++;
    else if (id > client->acked)
        tally.lost++;
    else if (!is_answer(client, packet, length, id)) {
        tally.failed++;
        note_problem("not the answer: ", packet, length);
    }
    client->acked = id + 1;
    if (is_calling)
        call_next(client);
}

static void turn_until(uint64_t acks) {
    uint64_t deadline = clock_ns() + ns(options.timeout);
    while (tally.acks < acks) {
        turn(100);
        if (clock_ns() > deadline)
            fail("time is up before all calls were acknowledged");
    }
}

/* Have all clients join the first room, and each some of the others, in turn. */
void join_rooms(void) {
    int others = options.rooms - 1, each = others > 0 ? options.rooms_each : 0;
    for (int i = 0; i < options.sockets; i++) {
        send_room(&clients[i], "tidegate.join", options.first_room);
        for (int k = 0; k < each; k++)
            send_room(&clients[i], "tidegate.join",
                      options.first_room + 1 + (i * each + k) % others);
        turn(0);
    }
    turn_until((uint64_t)options.sockets * (uint64_t)(1 + each));
}

static void print_calls(double elapsed, struct usage before) {
    printf("{\"calls\":%lu,\"seconds\":%.4f,\"calls_per_s\":%.1f,", tally.acks, elapsed,
           (double)tally.acks / elapsed);
    print_usage(before);
    print_faults();
    printf("}\n");
}

/* Each client has one call under way, and makes the next once it is acknowledged: it is the rate
 * that counts, since a latency would leave out the calls that were not made. */
void calls(void) {
    shake_hands((uint64_t)options.sockets);
    is_calling = true;
    for (int i = 0; i < options.sockets; i++)
        call_next(&clients[i]);
    uint64_t begin = clock_ns() + ns(options.warmup);
    while (options.total == 0 && clock_ns() < begin)
        turn(10);
    begin_measuring();
    begin = clock_ns();
    struct usage before = usage_now();
    if (options.total > 0)
        turn_until(options.total);
    while (options.total == 0 && clock_ns() < begin + ns(options.seconds))
        turn(10);
    print_calls((double)(clock_ns() - begin) / 1e9, before);
}
