/* What is checked of every event (order, loss, repeats) and measured (size, latency). */
#define _GNU_SOURCE
#include "load.h"

#include <string.h>

/* Latencies are counted in 64 steps per power of two: exact to 1.6 %, in a fixed 32 KB. */
#define STEPS 64
static uint64_t histogram[64 * STEPS];
static uint64_t latency_count, latency_max;

uint64_t due_from, due_until = UINT64_MAX;

/* Find `key` at the place where it was last time, or anywhere, and read the digits after it. */
static bool number_after(const char *text, size_t length, const char *key, size_t key_length,
                         size_t *place, uint64_t *number) {
    size_t at = *place;
    if (at + key_length > length || memcmp(text + at, key, key_length) != 0) {
        const char *found = memmem(text, length, key, key_length);
        if (found == NULL)
            return false;
        *place = at = (size_t)(found - text);
    }
    uint64_t value = 0;
    for (at += key_length; at < length && text[at] >= '0' && text[at] <= '9'; at++)
        value = value * 10 + (uint64_t)(text[at] - '0');
    *number = value;
    return true;
}

static void check_order(struct client *client, uint64_t sequence) {
    uint64_t expected = client->next_sequence;
    uint64_t first = FIRST_SEQUENCE + (uint64_t)client->tenant * SEQUENCES_PER_TENANT;
    if (sequence - first >= SEQUENCES_PER_TENANT) { /* a smaller one wraps round */
        tally.foreign++;
    } else if (sequence == expected) {
        client->next_sequence = expected + 1;
        if (client->next_sequence == client->awaited)
            client_has_all(client);
    } else if (sequence > expected) {
        tally.lost += sequence - expected;
        client->next_sequence = sequence + 1;
    } else if (sequence + 1 == expected) {
        tally.repeated++;
    } else {
        tally.reordered++;
    }
}

static unsigned bucket_of(uint64_t ns) {
    if (ns < STEPS)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns); /* at least 6 */
    unsigned step = (unsigned)(ns >> (power - 6)) - STEPS;
    return (power - 5) * STEPS + step;
}

static double upper_edge_us(unsigned bucket) {
    if (bucket < STEPS)
        return (bucket + 1) / 1e3;
    unsigned power = bucket / STEPS + 5;
    return (double)((uint64_t)(bucket % STEPS + STEPS + 1) << (power - 6)) / 1e3;
}

void latency_add(uint64_t from, uint64_t to) {
    uint64_t latency = to > from ? to - from : 0;
    histogram[bucket_of(latency)]++;
    latency_count++;
    if (latency > latency_max)
        latency_max = latency;
}

/* The offset is the last argument, if that is a text: `...,"<offset>"]`. */
static void keep_offset(struct client *client, const char *packet, size_t length) {
    if (length < 4 || packet[length - 1] != ']' || packet[length - 2] != '"')
        return;
    const char *end = packet + length - 2;
    const char *quote = memrchr(packet, '"', length - 2);
    if (quote == NULL || quote[-1] != ',' || end - quote > MAX_OFFSET)
        return;
    memcpy(client->offset, quote + 1, (size_t)(end - quote - 1));
    client->offset[end - quote - 1] = '\0';
}

void event_received(struct client *client, const char *packet, size_t length, size_t frame_size,
                    uint64_t now) {
    static size_t sequence_place, time_place;
    uint64_t sequence, scheduled;

    tally.events++;
    tally.bytes += frame_size;
    client->events++;
    if (frame_size < tally.frame_min || tally.frame_min == 0)
        tally.frame_min = frame_size;
    if (frame_size > tally.frame_max)
        tally.frame_max = frame_size;
    if (client->offset != NULL)
        keep_offset(client, packet, length);
    if (number_after(packet, length, "\"seq\":", 6, &sequence_place, &sequence))
        check_order(client, sequence);
    else
        tally.unnumbered++;
    if (options.missed > 0)
        return; /* an event that is replayed tells nothing by its age */
    if (!number_after(packet, length, "\"t\":", 4, &time_place, &scheduled))
        return;
    client->last_due = scheduled;
    if (scheduled >= due_from && scheduled < due_until)
        latency_add(scheduled, now);
}

void latencies_reset(void) {
    memset(histogram, 0, sizeof histogram);
    latency_count = latency_max = 0;
}

static double percentile_us(double share) {
    uint64_t rank = (uint64_t)(share * (double)latency_count), seen = 0;
    double max_us = (double)latency_max / 1e3;
    for (unsigned bucket = 0; bucket < 64 * STEPS; bucket++) {
        seen += histogram[bucket];
        if (seen > rank)
            return upper_edge_us(bucket) < max_us ? upper_edge_us(bucket) : max_us;
    }
    return max_us;
}

void latencies_print(FILE *out) {
    if (latency_count == 0) {
        fprintf(out, "null");
        return;
    }
    fprintf(out, "{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", percentile_us(0.50),
            percentile_us(0.90), percentile_us(0.99), (double)latency_max / 1e3);
}
