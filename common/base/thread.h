/*
 * thread.h - threads beside the program's own, and what they wait for.
 *
 * Signals are the affair of the thread that main() runs in: one that another thread
 * took would interrupt a lookup instead of the program.
 */
#ifndef PRESEND_BASE_THREAD_H
#define PRESEND_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* A condition whose timed waits end by the monotonic clock (clock_until). */
void thread_cond_init(pthread_cond_t *cond);

/* Starts a thread with all signals blocked.  False: none can be had. */
bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context);

/* The same for a thread that nobody joins. */
bool thread_start_detached(void *(*run)(void *context), void *context);

/* Blocks all signals, for threads that a library starts: they have the mask of their maker. */
void thread_block_signals(sigset_t *before);
void thread_restore_signals(const sigset_t *before);

#endif
