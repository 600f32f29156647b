/*
 * view.c - the DNS as one message sees it.
 *
 * Entries live in the message's arena and are found by hash.  Other threads
 * touch them only under the mutex of the exchange and only while it is not
 * over: a callback that comes after the deadline, perhaps after the view, finds
 * that out and drops its answer.  So the exchange and the tickets of open questions
 * live on the heap, counted, and not in the arena.
 */
#include "dns/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/exchange.h"
#include "dns/answer.h"

enum { BUCKETS = 64 };

struct entry {
	struct entry *next;      /* in its bucket */
	struct entry *next_open; /* noted, or asked and not collected yet */
	struct dns_question question;
	struct dns_answer *answer;  /* NULL: not known yet */
	struct dns_answer *arrived; /* under the mutex: not collected yet */
	bool asked;
};

/* One open question. */
struct ticket {
	struct exchange *exchange;
	struct entry *entry;
};

struct dns_view {
	struct arena *arena;
	struct resolver *resolver;
	struct gate *gate; /* NULL: none */
	int64_t deadline_us;
	struct entry *buckets[BUCKETS];
	struct entry *noted, *started;
	size_t asked;
	struct exchange *exchange; /* NULL until something is asked */
};

struct dns_view *dns_view_new(struct arena *arena, struct resolver *resolver, int64_t deadline_us)
{
	struct dns_view *view = arena_alloc(arena, sizeof *view);

	view->arena = arena;
	view->resolver = resolver;
	view->deadline_us = deadline_us;
	return view;
}

void dns_view_set_deadline(struct dns_view *view, int64_t deadline_us)
{
	view->deadline_us = deadline_us;
}

void dns_view_set_gate(struct dns_view *view, struct gate *gate)
{
	view->gate = gate;
}

/* ---- the exchange --------------------------------------------------------------- */

/* The resolver's answer to one question, in whatever thread. */
static void take_answer(void *context, struct dns_answer *answer)
{
	struct ticket ticket = *(struct ticket *)context;
	struct exchange *x = ticket.exchange;

	free(context);
	pthread_mutex_lock(&x->mutex);
	if (!x->over) {
		ticket.entry->arrived = answer;
		answer = NULL;
		exchange_answer(x);
	}
	exchange_leave(x);
	dns_answer_unref(answer);
}

/* Waits for all open questions; the deadline ends the exchange for good. */
static void wait_for_all(struct exchange *x, int64_t deadline_us)
{
	pthread_mutex_lock(&x->mutex);
	if (!x->over)
		x->over = !exchange_wait(x, deadline_us);
	pthread_mutex_unlock(&x->mutex);
}

void dns_view_free(struct dns_view *view)
{
	if (view == NULL)
		return;
	if (view->exchange != NULL) {
		pthread_mutex_lock(&view->exchange->mutex);
		view->exchange->over = true;
		exchange_leave(view->exchange);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = view->buckets[i]; e != NULL; e = e->next) {
			dns_answer_unref(e->answer);
			dns_answer_unref(e->arrived);
		}
}

size_t dns_view_asked(const struct dns_view *view)
{
	return view->asked;
}

/* ---- questions ------------------------------------------------------------------ */

/* FNV-1a */
static size_t bucket_of(struct slice name, enum dns_type type)
{
	uint32_t hash = 2166136261u ^ (uint32_t)type;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
	return hash % BUCKETS;
}

static void answer_now(struct entry *e, enum dns_status status, const char *why)
{
	e->answer = dns_answer_empty(status, why);
}

/* A question seen for the first time: answered where that can be done at once, else noted. */
static void first_time(struct dns_view *view, struct entry *e, bool possible)
{
	if (!possible) {
		answer_now(e, DNS_NXDOMAIN, NULL);
	} else if (view->resolver == NULL) {
		answer_now(e, DNS_TEMPFAIL, "no DNS is asked");
	} else if (view->asked >= VIEW_QUESTIONS_MAX) {
		answer_now(e, DNS_TEMPFAIL, "too many questions for one message");
	} else {
		view->asked++;
		e->answer = resolver_known(view->resolver, &e->question);
		if (e->answer != NULL)
			return;
		e->next_open = view->noted;
		view->noted = e;
	}
}

/* An answer that came since the question was asked. */
static void collect(struct dns_view *view, struct entry *e)
{
	if (e->answer != NULL || !e->asked)
		return;
	pthread_mutex_lock(&view->exchange->mutex);
	e->answer = e->arrived;
	e->arrived = NULL;
	pthread_mutex_unlock(&view->exchange->mutex);
}

const struct dns_answer *dns_view_get(struct dns_view *view, struct slice name, enum dns_type type)
{
	char normal[DNS_NAME_MAX + 1];
	size_t len = 0, bucket;
	bool possible = dns_name_normal(name, normal, &len);
	struct entry *e;

	if (possible)
		name = (struct slice){ normal, len };
	bucket = bucket_of(name, type);
	for (e = view->buckets[bucket]; e != NULL; e = e->next)
		if (e->question.type == type && slice_equal(e->question.name, name)) {
			collect(view, e);
			return e->answer;
		}
	e = arena_alloc(view->arena, sizeof *e);
	e->question = (struct dns_question){ arena_copy(view->arena, name), type };
	e->next = view->buckets[bucket];
	view->buckets[bucket] = e;
	first_time(view, e, possible);
	return e->answer;
}

static void ask(struct dns_view *view, struct entry *e)
{
	struct ticket *ticket = must_alloc(sizeof *ticket);

	*ticket = (struct ticket){ view->exchange, e };
	exchange_ask(view->exchange);
	e->asked = true;
	resolver_ask(view->resolver, &e->question, view->deadline_us, take_answer, ticket);
}

void dns_view_start(struct dns_view *view)
{
	bool late;

	if (view->noted == NULL)
		return;
	if (view->exchange == NULL)
		view->exchange = exchange_new();
	late = view->exchange->over || clock_now_us() >= view->deadline_us;
	while (view->noted != NULL) {
		struct entry *e = view->noted;

		view->noted = e->next_open;
		e->next_open = view->started;
		view->started = e;
		if (!late)
			ask(view, e);
	}
}

bool dns_view_wait(struct dns_view *view)
{
	const char *why = "no answer within the deadline";

	dns_view_start(view);
	if (view->started == NULL)
		return false;
	if (gate_enter(view->gate)) {
		wait_for_all(view->exchange, view->deadline_us);
		gate_leave(view->gate);
	} else {
		why = "too many messages wait for answers";
	}
	while (view->started != NULL) {
		struct entry *e = view->started;

		view->started = e->next_open;
		collect(view, e);
		if (e->answer == NULL)
			answer_now(e, DNS_TEMPFAIL, why);
	}
	return true;
}
