/* thread.c - threads beside the program's own, and what they wait for. */
#include "base/thread.h"

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

void thread_block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void thread_restore_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

bool thread_start(pthread_t *thread, void *(*run)(void *context), void *context)
{
	sigset_t before;
	bool good;

	thread_block_signals(&before);
	good = pthread_create(thread, NULL, run, context) == 0;
	thread_restore_signals(&before);
	return good;
}

bool thread_start_detached(void *(*run)(void *context), void *context)
{
	pthread_t thread;

	if (!thread_start(&thread, run, context))
		return false;
	pthread_detach(thread);
	return true;
}
