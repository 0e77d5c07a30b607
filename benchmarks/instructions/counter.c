/* Callgrind's switches, which are macros, for Python's ctypes. */

#include <valgrind/callgrind.h>

/* Count from here on. */
void begin(void) {
    CALLGRIND_ZERO_STATS;
    CALLGRIND_TOGGLE_COLLECT;
}

/* Stop counting, and write the counts down under a name. */
void end(const char *name) {
    CALLGRIND_TOGGLE_COLLECT;
    CALLGRIND_DUMP_STATS_AT(name);
}
