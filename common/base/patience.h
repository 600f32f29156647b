/*
 * patience.h - how long a message may wait for others, and how many messages may.
 *
 * A message waits more than once, for the DNS and for stores: all its waits share
 * one budget.  Each wait holds a thread, so their number has a ceiling.
 */
#ifndef PRESEND_BASE_PATIENCE_H
#define PRESEND_BASE_PATIENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Shared by all messages, and must outlive them. */
struct gate {
	atomic_uint waiting;
	unsigned most;
	void (*entered)(const void *context); /* in the thread that begins to wait; NULL: nobody */
	const void *context;
};

/* True: the caller may wait, and leaves the gate afterwards.  NULL: always. */
bool gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Of one message; belongs to one thread at a time. */
struct patience {
	int64_t left_us; /* microseconds that it may still wait */
	struct gate *gate;
};

/* Takes off what passed since begun_us, on the same clock as now_us; never below zero. */
void patience_spend(struct patience *patience, int64_t begun_us, int64_t now_us);

#endif
