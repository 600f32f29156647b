/* exchange.c - what a view and its open questions share. */
#include "base/exchange.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/thread.h"

struct exchange *exchange_new(void)
{
	struct exchange *x = must_alloc(sizeof *x);

	pthread_mutex_init(&x->mutex, NULL);
	thread_cond_init(&x->answered);
	x->references = 1;
	return x;
}

void exchange_ask(struct exchange *x)
{
	pthread_mutex_lock(&x->mutex);
	x->open++;
	x->references++;
	pthread_mutex_unlock(&x->mutex);
}

void exchange_answer(struct exchange *x)
{
	if (--x->open == 0)
		pthread_cond_signal(&x->answered);
}

bool exchange_wait(struct exchange *x, int64_t deadline_us)
{
	struct timespec until = clock_until(deadline_us);

	while (x->open > 0)
		if (pthread_cond_timedwait(&x->answered, &x->mutex, &until) == ETIMEDOUT)
			break;
	return x->open == 0;
}

void exchange_leave(struct exchange *x)
{
	bool last = --x->references == 0;

	pthread_mutex_unlock(&x->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&x->answered);
	pthread_mutex_destroy(&x->mutex);
	free(x);
}
