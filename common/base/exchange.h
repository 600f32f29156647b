/*
 * exchange.h - what a view and its open questions share.
 *
 * A view (dns/view.h, store/view.h) lives in a message's arena, and an answer may come when
 * both are gone.  So what other threads touch lives on the heap, counted: the view holds one
 * reference, each open question another, and whoever gives up the last one frees it.
 */
#ifndef PRESEND_BASE_EXCHANGE_H
#define PRESEND_BASE_EXCHANGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is behind the mutex is read and written with it held; so is what a view adds to it. */
struct exchange {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	size_t open;       /* questions that the view still waits for */
	size_t references; /* the view's, and one for each question that was asked */
	bool over;         /* for a view that wants none of its answers any more */
};

/* With the view's reference, and no question. */
struct exchange *exchange_new(void);

/* One question more, with its reference; takes the mutex itself. */
void exchange_ask(struct exchange *exchange);

/* One open question fewer; the last one wakes the view.  With the mutex held. */
void exchange_answer(struct exchange *exchange);

/* Waits for all open questions; false: some are open at the deadline.  With the mutex held. */
bool exchange_wait(struct exchange *exchange, int64_t deadline_us);

/* Gives up a reference, with the mutex held, which is released. */
void exchange_leave(struct exchange *exchange);

#endif
