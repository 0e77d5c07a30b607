/* CPU time: the server's, all of it and what others took from it, and our own. */
#define _GNU_SOURCE
#include "load.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

static double own_cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct usage usage_now(void) {
    return (struct usage){server_cpu(), server_wait(), own_cpu()};
}

void print_usage(struct usage before) {
    struct usage now = usage_now();
    printf("\"server_cpu_s\":%.3f,\"server_wait_s\":%.3f,\"client_cpu_s\":%.3f",
           now.server - before.server, now.server_wait - before.server_wait, now.own - before.own);
}
