/*
 * unit.h - what every unit test shares: exact-size inputs and one main.
 *
 * A table test copies each input to a heap block of exactly its size, so that
 * a sanitizer sees the first octet read beyond it, and puts the row's label
 * into every failure message.
 */
#ifndef PRESEND_T_UNIT_H
#define PRESEND_T_UNIT_H

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "base/slice.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A heap copy of exactly len octets; exact_free ends it. */
struct slice exact(const char *data, size_t len);
struct slice exact_text(const char *text);
void exact_free(struct slice s);

/* Fails with the label and both texts, escaped, unless they are equal octet for octet. */
void expect_slice(const char *label, const char *what, struct slice got, const char *wanted);

/*
 * Time that passed, measured on a machine that may be busy.  fair_us is without the time in which
 * this thread was not let run, and without TIMERS times what a thread was late by at the latest
 * that meanwhile only slept for a moment, again and again.  What took_us is at least and fair_us
 * at most, the tested code did.
 */
struct stopwatch {
	int64_t begun_us, starved_us, late_us, took_us, fair_us;
	pthread_t thread;
	atomic_bool over;
};

enum { TIMERS = 4 };

void stopwatch_start(struct stopwatch *w);
void stopwatch_stop(struct stopwatch *w);

/* Waits for what another thread does; fails when that is not done after LIMIT_SECONDS. */
enum { LIMIT_SECONDS = 30 };

#define WAIT_UNTIL(condition)                                                                      \
	do {                                                                                       \
		int64_t end_us = monotonic_us() + LIMIT_SECONDS * INT64_C(1000000);                \
                                                                                                   \
		while (!(condition)) {                                                             \
			ck_assert_msg(monotonic_us() < end_us, "waited for " #condition);          \
			usleep(1000);                                                              \
		}                                                                                  \
	} while (0)

int64_t monotonic_us(void);

/* Each test program defines its suite. */
Suite *unit_suite(void);

#endif
