/*
 * clock.h - what time it is.
 *
 * Deadlines and durations are microseconds of the monotonic clock, which nobody
 * sets: a name that ends in _us is one of both.  Dates that a message is compared
 * with, and what is written down for people, are of the wall clock.
 */
#ifndef PRESEND_BASE_CLOCK_H
#define PRESEND_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

/* Microseconds of the monotonic clock: what deadlines are counted in. */
int64_t clock_now_us(void);

/* A deadline as the timed waits of a condition take it (base/thread.h). */
struct timespec clock_until(int64_t deadline_us);

/* Milliseconds since the epoch, by the wall clock. */
long long clock_wall_ms(void);

#endif
