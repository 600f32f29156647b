/*
 * front.c - one store as the directory asks it: cache, workers, circuit breaker.
 *
 * One lock for all: it is held for a hundred nanoseconds at a time, and nothing outside is
 * called with it.  An open entry of the memory is the job itself: it waits in the queue, a
 * worker takes it and asks, those who wait are in its list.
 */
#include "store/front.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "dns/dns.h"
#include "store/memory.h"

enum { SECOND_US = 1000000 };

struct waiter {
	struct waiter *next;
	front_done *done;
	void *context;
};

struct worker {
	struct front *front;
	struct worker *next;
	int64_t late_us; /* its lookup hangs if it is not over then; 0: it does nothing */
};

struct front {
	struct store *store;
	bool offline;
	size_t workers_max;
	int64_t timeout_us, positive_us, negative_us, stale_us;

	pthread_mutex_t mutex;
	pthread_cond_t work, ended;
	struct memory memory;
	unsigned generation; /* goes up with each flush */
	struct entry *first, *last;
	size_t queued;
	struct worker *workers;
	size_t worker_count, idle;
	bool stopping;  /* no more work */
	bool abandoned; /* the last worker frees all */

	/* the breaker */
	unsigned failures;
	int64_t rest_us, rest_until_us;
	bool trying; /* the one question after a rest is under way */
};

const char *store_source_name(enum store_source source)
{
	static const char *const names[] = { "asked", "cache", "stale", "not-asked" };

	return names[source];
}

/* ---- begin and end -------------------------------------------------------------- */

struct front *front_new(struct store *store, const struct store_options *options, bool offline)
{
	struct front *f = must_alloc(sizeof *f);
	pthread_condattr_t attributes;
	int64_t workers = store_option_number(options, "workers", 4);

	f->store = store;
	f->offline = offline && !(store->flags & (STORE_LOCAL | STORE_ON_HOST));
	f->workers_max = workers > STORE_WORKERS_MAX ? STORE_WORKERS_MAX : (size_t)workers;
	f->timeout_us = store_option_us(options, "timeout", 3 * SECOND_US);
	f->positive_us = store_option_us(options, "positive_ttl", 300 * (int64_t)SECOND_US);
	f->negative_us = store_option_us(options, "negative_ttl", 30 * SECOND_US);
	f->stale_us = store_option_us(options, "stale_for", 3600 * (int64_t)SECOND_US);
	pthread_mutex_init(&f->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&f->work, &attributes);
	pthread_cond_init(&f->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	memory_init(&f->memory);
	return f;
}

static void destroy(struct front *f)
{
	memory_free(&f->memory);
	f->store->class->close(f->store);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->ended);
	pthread_mutex_destroy(&f->mutex);
	free(f);
}

const struct store *front_store(const struct front *f)
{
	return f->store;
}

/* Gives the answer, a reference each, to a list taken from an entry; without the lock. */
static void give(struct waiter *waiters, struct store_answer *answer, enum store_source source)
{
	while (waiters != NULL) {
		struct waiter *w = waiters;

		waiters = w->next;
		w->done(w->context, store_answer_ref(answer), source);
		free(w);
	}
}

/* Takes the waiters of all open entries, which stay open; with the lock. */
static struct waiter *take_all_waiters(struct front *f)
{
	struct waiter *all = NULL;

	for (size_t i = 0; i < f->memory.bucket_count; i++)
		for (struct entry *e = f->memory.buckets[i]; e != NULL; e = e->next)
			while (e->waiters != NULL) {
				struct waiter *w = e->waiters;

				e->waiters = w->next;
				w->next = all;
				all = w;
			}
	return all;
}

void front_stop(struct front *f)
{
	struct store_answer *answer = store_answer_empty(LOOKUP_TEMPFAIL, "the directory ends");
	struct waiter *waiters;

	pthread_mutex_lock(&f->mutex);
	f->stopping = true;
	waiters = take_all_waiters(f);
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->mutex);
	give(waiters, answer, SOURCE_NOT_ASKED);
	store_answer_unref(answer);
}

void front_free(struct front *f, int64_t until_us)
{
	struct timespec until = { until_us / SECOND_US, until_us % SECOND_US * 1000 };
	int error = 0;
	bool left;

	pthread_mutex_lock(&f->mutex);
	while (f->worker_count > 0 && error == 0)
		error = pthread_cond_timedwait(&f->ended, &f->mutex, &until);
	left = f->worker_count > 0;
	f->abandoned = left;
	pthread_mutex_unlock(&f->mutex);
	if (!left)
		destroy(f);
}

/* ---- the breaker, with the lock held -------------------------------------------- */

static void count_failure(struct front *f)
{
	f->trying = false;
	if (++f->failures < FRONT_FAILURES)
		return;
	f->rest_us = f->rest_us == 0 ? FRONT_REST_MIN_US : 2 * f->rest_us;
	if (f->rest_us > FRONT_REST_MAX_US)
		f->rest_us = FRONT_REST_MAX_US;
	f->rest_until_us = dns_now_us() + f->rest_us;
}

static void count_success(struct front *f)
{
	f->failures = 0;
	f->rest_us = 0;
	f->trying = false;
}

/* Do all workers that there may be hang in a lookup? */
static bool hangs(const struct front *f, int64_t now_us)
{
	if (f->worker_count < f->workers_max)
		return false;
	for (const struct worker *w = f->workers; w != NULL; w = w->next)
		if (w->late_us == 0 || w->late_us > now_us)
			return false;
	return true;
}

/* Why the store is not asked now, NULL if it is. */
static const char *refusal(struct front *f, int64_t now_us)
{
	if (f->stopping)
		return "the directory ends";
	if (f->offline)
		return "not asked: offline";
	if (hangs(f, now_us))
		return "not asked: the store hangs";
	if (f->queued >= FRONT_QUEUE_MAX)
		return "not asked: too many questions are waiting";
	if (f->failures < FRONT_FAILURES)
		return NULL;
	if (f->trying || now_us < f->rest_until_us)
		return "not asked: the store rests after failures";
	f->trying = true;
	return NULL;
}

/* ---- workers -------------------------------------------------------------------- */

/* The old answer of an entry that may serve while the store fails, with a reference. */
static struct store_answer *stale(const struct entry *e, int64_t now_us)
{
	return e != NULL && e->answer != NULL && now_us < e->serve_until_us
		   ? store_answer_ref(e->answer)
		   : NULL;
}

static bool is_good(const struct store_answer *answer)
{
	return answer->status == LOOKUP_FOUND || answer->status == LOOKUP_NOTFOUND;
}

/* Puts a good answer into its entry, for as long as its kind is kept. */
static void keep(struct front *f, struct entry *e, struct store_answer *answer)
{
	int64_t now_us = dns_now_us();

	if (e->generation != f->generation)
		return;
	store_answer_unref(e->answer);
	e->answer = store_answer_ref(answer);
	e->fresh_until_us =
	    now_us + (answer->status == LOOKUP_FOUND ? f->positive_us : f->negative_us);
	e->serve_until_us = e->fresh_until_us + f->stale_us;
}

/* Ends an entry with an answer, or a failure that an old answer may cover; without the lock. */
static void finish(struct front *f, struct entry *e, struct store_answer *answer, bool asked)
{
	enum store_source source = asked ? SOURCE_ASKED : SOURCE_NOT_ASKED;
	struct waiter *waiters;
	struct store_answer *old;

	pthread_mutex_lock(&f->mutex);
	if (is_good(answer) || answer->of_key)
		count_success(f);
	else if (asked)
		count_failure(f);
	if (is_good(answer)) {
		keep(f, e, answer);
	} else {
		old = stale(e, dns_now_us());
		if (old != NULL) {
			store_answer_unref(answer);
			answer = old;
			source = SOURCE_STALE;
		}
	}
	waiters = e->waiters;
	e->waiters = NULL;
	memory_close(&f->memory, e);
	pthread_mutex_unlock(&f->mutex);
	give(waiters, answer, source);
	store_answer_unref(answer);
}

static struct entry *dequeue(struct front *f)
{
	struct entry *e = f->first;

	if (e != NULL) {
		f->first = e->behind;
		if (f->first == NULL)
			f->last = NULL;
		f->queued--;
	}
	return e;
}

/* One job; the store rests by now: what waits in the queue is not asked any more. */
static void work(struct front *f, struct worker *w, struct entry *e, void **connection)
{
	int64_t now_us = dns_now_us();
	struct store_answer *answer;
	bool rests;

	pthread_mutex_lock(&f->mutex);
	rests = f->failures >= FRONT_FAILURES && !f->trying;
	w->late_us = now_us + f->timeout_us + FRONT_HANGS_US;
	pthread_mutex_unlock(&f->mutex);
	if (rests)
		answer = store_answer_empty(
		    LOOKUP_TEMPFAIL, "not asked: the store rests after failures");
	else
		answer = store_lookup(f->store, connection, &e->question, now_us + f->timeout_us);
	finish(f, e, answer, !rests);
}

static void leave(struct front *f, struct worker *w)
{
	struct worker **place = &f->workers;
	bool last;

	while (*place != w)
		place = &(*place)->next;
	*place = w->next;
	free(w);
	last = --f->worker_count == 0 && f->abandoned;
	pthread_cond_signal(&f->ended);
	pthread_mutex_unlock(&f->mutex);
	if (last)
		destroy(f);
}

static void *run_worker(void *context)
{
	struct worker *w = context;
	struct front *f = w->front;
	void *connection = NULL;
	struct entry *e;

	pthread_mutex_lock(&f->mutex);
	for (;;) {
		w->late_us = 0;
		while (f->first == NULL && !f->stopping) {
			f->idle++;
			pthread_cond_wait(&f->work, &f->mutex);
			f->idle--;
		}
		e = f->stopping ? NULL : dequeue(f);
		if (e == NULL)
			break;
		pthread_mutex_unlock(&f->mutex);
		work(f, w, e, &connection);
		pthread_mutex_lock(&f->mutex);
	}
	pthread_mutex_unlock(&f->mutex);
	if (connection != NULL && f->store->class->disconnect != NULL)
		f->store->class->disconnect(f->store, connection);
	pthread_mutex_lock(&f->mutex);
	leave(f, w);
	return NULL;
}

/* One more worker, with all signals left to the program's own thread; with the lock. */
static void start_worker(struct front *f)
{
	struct worker *w = must_alloc(sizeof *w);
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;

	w->front = f;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, &attributes, run_worker, w) == 0) {
		w->next = f->workers;
		f->workers = w;
		f->worker_count++;
	} else {
		free(w);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
}

static void enqueue(struct front *f, struct entry *e)
{
	e->behind = NULL;
	*(f->last != NULL ? &f->last->behind : &f->first) = e;
	f->last = e;
	f->queued++;
	if (f->queued > f->idle && f->worker_count < f->workers_max)
		start_worker(f);
	pthread_cond_signal(&f->work);
}

/* ---- questions ------------------------------------------------------------------ */

/* An answer that is still good, with a reference. */
static struct store_answer *fresh(struct front *f, struct entry *e, int64_t now_us)
{
	if (e == NULL || e->answer == NULL || now_us >= e->fresh_until_us)
		return NULL;
	memory_used(&f->memory, e);
	return store_answer_ref(e->answer);
}

struct store_answer *front_known(
    struct front *f, const struct store_question *question, enum store_source *source)
{
	struct store_answer *answer;
	void *none = NULL;

	if (f->store->flags & STORE_LOCAL) {
		*source = SOURCE_ASKED;
		return store_lookup(f->store, &none, question, dns_now_us() + f->timeout_us);
	}
	*source = SOURCE_CACHE;
	pthread_mutex_lock(&f->mutex);
	answer = fresh(f, memory_find(&f->memory, question), dns_now_us());
	pthread_mutex_unlock(&f->mutex);
	return answer;
}

struct store_answer *front_last(struct front *f, const struct store_question *question)
{
	struct store_answer *answer;

	if (f->store->flags & STORE_LOCAL)
		return NULL;
	pthread_mutex_lock(&f->mutex);
	answer = stale(memory_find(&f->memory, question), dns_now_us());
	pthread_mutex_unlock(&f->mutex);
	return answer;
}

static void wait_for(struct entry *e, front_done *done, void *context)
{
	struct waiter *w = must_alloc(sizeof *w);

	*w = (struct waiter){ e->waiters, done, context };
	e->waiters = w;
}

/* An answer without asking: a good one, or an old or empty one where the store is not asked. */
static struct store_answer *at_once(
    struct front *f, struct entry *e, enum store_source *source, int64_t now_us)
{
	struct store_answer *answer = fresh(f, e, now_us);
	const char *why;

	*source = SOURCE_CACHE;
	if (answer != NULL || (e != NULL && e->open && !f->stopping && !hangs(f, now_us)))
		return answer;
	why = refusal(f, now_us);
	if (why == NULL)
		return NULL;
	answer = stale(e, now_us);
	*source = answer != NULL ? SOURCE_STALE : SOURCE_NOT_ASKED;
	return answer != NULL ? answer : store_answer_empty(LOOKUP_TEMPFAIL, why);
}

void front_ask(
    struct front *f, const struct store_question *question, front_done *done, void *context)
{
	enum store_source source;
	struct store_answer *answer;
	struct entry *e;

	if (f->store->flags & STORE_LOCAL) {
		answer = front_known(f, question, &source);
		done(context, answer, source);
		return;
	}
	pthread_mutex_lock(&f->mutex);
	e = memory_find(&f->memory, question);
	answer = at_once(f, e, &source, dns_now_us());
	if (answer == NULL) {
		bool first = e == NULL || !e->open;

		e = memory_open(&f->memory, e, question);
		wait_for(e, done, context);
		if (first) {
			e->generation = f->generation;
			enqueue(f, e);
		}
	}
	pthread_mutex_unlock(&f->mutex);
	if (answer != NULL)
		done(context, answer, source);
}

void front_flush(struct front *f)
{
	pthread_mutex_lock(&f->mutex);
	f->generation++;
	memory_forget(&f->memory);
	count_success(f);
	pthread_mutex_unlock(&f->mutex);
}

void front_refresh(struct front *f, bool force)
{
	if (f->store->class->refresh != NULL)
		f->store->class->refresh(f->store, force);
}
