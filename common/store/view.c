/*
 * view.c - the stores as one message sees them.
 *
 * As dns/view.c: entries live in the message's arena; what other threads touch, the
 * exchange and the tickets of open questions, lives on the heap, counted, so that
 * an answer that comes after the deadline, perhaps after the view, finds that out.
 * Questions may be started without a wait, so an answer can come while nobody waits: it
 * is put down in its ticket and taken over by the view's own thread.
 */
#include "store/view.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/exchange.h"

enum { BUCKETS = 32 };

/* A question of this message. */
struct asked {
	struct asked *next;      /* in its bucket */
	struct asked *next_new;  /* noted, not asked yet */
	struct asked *next_open; /* asked, not answered */
	struct asked *later;     /* in the order of asking */
	size_t store;
	struct store_question question;
	struct store_answer *answer; /* NULL: not known yet */
	enum store_source source;
	struct ticket *ticket; /* of an open question */
};

/* One open question; the view frees it with the answer taken, or the answer that comes late. */
struct ticket {
	struct exchange *exchange;
	struct store_answer *answer;
	enum store_source source;
	bool left; /* the view does not want it any more */
};

struct store_view {
	struct arena *arena;
	struct front *const *fronts;
	struct gate *gate; /* NULL: none */
	int64_t deadline_us;
	struct asked *buckets[BUCKETS];
	struct asked *noted, *open, *first, *last;
	size_t count;
	struct exchange *exchange; /* NULL until something is asked */
};

struct store_view *store_view_new(
    struct arena *arena, struct front *const *fronts, int64_t deadline_us)
{
	struct store_view *view = arena_alloc(arena, sizeof *view);

	view->arena = arena;
	view->fronts = fronts;
	view->deadline_us = deadline_us;
	return view;
}

void store_view_set_deadline(struct store_view *view, int64_t deadline_us)
{
	view->deadline_us = deadline_us;
}

void store_view_set_gate(struct store_view *view, struct gate *gate)
{
	view->gate = gate;
}

/* ---- the exchange --------------------------------------------------------------- */

/* The answer to one question, in whatever thread. */
static void take_answer(void *context, struct store_answer *answer, enum store_source source)
{
	struct ticket *ticket = context;
	struct exchange *x = ticket->exchange;
	bool left;

	pthread_mutex_lock(&x->mutex);
	left = ticket->left;
	ticket->answer = answer;
	ticket->source = source;
	if (left) {
		store_answer_unref(answer);
		free(ticket);
	} else {
		exchange_answer(x);
	}
	exchange_leave(x);
}

/* Takes the answers that are there over from their tickets; with the mutex held. */
static void collect(struct store_view *view)
{
	struct asked **place = &view->open;

	while (*place != NULL) {
		struct asked *a = *place;

		if (a->ticket->answer == NULL) {
			place = &a->next_open;
			continue;
		}
		a->answer = a->ticket->answer;
		a->source = a->ticket->source;
		free(a->ticket);
		a->ticket = NULL;
		*place = a->next_open;
	}
}

/* No time is left: an old answer, or none. */
static void answer_late(struct store_view *view, struct asked *a)
{
	a->answer = front_last(view->fronts[a->store], &a->question);
	a->source = a->answer != NULL ? SOURCE_STALE : SOURCE_NOT_ASKED;
	if (a->answer == NULL)
		a->answer = store_answer_empty(LOOKUP_TEMPFAIL, "no answer within the deadline");
}

/* Gives up what is still open; with the mutex held. */
static void give_up(struct store_view *view)
{
	for (struct asked *a = view->open; a != NULL; a = a->next_open) {
		a->ticket->left = true;
		a->ticket = NULL;
		view->exchange->open--;
		answer_late(view, a);
	}
	view->open = NULL;
}

void store_view_free(struct store_view *view)
{
	if (view == NULL)
		return;
	if (view->exchange != NULL) {
		pthread_mutex_lock(&view->exchange->mutex);
		collect(view);
		for (struct asked *a = view->open; a != NULL; a = a->next_open)
			a->ticket->left = true;
		exchange_leave(view->exchange);
	}
	for (struct asked *a = view->first; a != NULL; a = a->later)
		store_answer_unref(a->answer);
}

/* ---- questions ------------------------------------------------------------------ */

/* FNV-1a */
static size_t bucket_of(size_t store, const struct store_question *q)
{
	uint32_t hash = 2166136261u ^ (uint32_t)q->service ^ (uint32_t)store << 8;

	for (size_t i = 0; i < q->key.len; i++)
		hash = (hash ^ (unsigned char)q->key.data[i]) * 16777619u;
	return hash % BUCKETS;
}

static struct slice copy(struct arena *arena, struct slice s)
{
	return s.data == NULL ? s : arena_copy(arena, s);
}

static struct asked *note(
    struct store_view *view, size_t store, const struct store_question *q, size_t bucket)
{
	struct asked *a = arena_alloc(view->arena, sizeof *a);

	a->store = store;
	a->question = (struct store_question){ q->service, copy(view->arena, q->key),
		copy(view->arena, q->local_part), copy(view->arena, q->domain) };
	a->next = view->buckets[bucket];
	view->buckets[bucket] = a;
	*(view->last != NULL ? &view->last->later : &view->first) = a;
	view->last = a;
	return a;
}

const struct store_answer *store_view_get(struct store_view *view, size_t store,
    const struct store_question *q, enum store_source *source)
{
	size_t bucket = bucket_of(store, q);
	struct asked *a;

	for (a = view->buckets[bucket]; a != NULL; a = a->next)
		if (a->store == store && a->question.service == q->service &&
		    slice_equal(a->question.key, q->key)) {
			*source = a->source;
			return a->answer;
		}
	a = note(view, store, q, bucket);
	if (view->count >= STORE_QUESTIONS_MAX) {
		a->answer =
		    store_answer_empty(LOOKUP_TEMPFAIL, "too many questions for one message");
		a->source = SOURCE_NOT_ASKED;
	} else {
		view->count++;
		a->answer = front_known(view->fronts[store], &a->question, &a->source);
	}
	if (a->answer == NULL) {
		a->next_new = view->noted;
		view->noted = a;
	}
	*source = a->source;
	return a->answer;
}

static void start_one(struct store_view *view, struct asked *a)
{
	a->ticket = must_alloc(sizeof *a->ticket);
	a->ticket->exchange = view->exchange;
	a->next_open = view->open;
	view->open = a;
	exchange_ask(view->exchange);
	front_ask(view->fronts[a->store], &a->question, take_answer, a->ticket);
}

void store_view_start(struct store_view *view)
{
	bool late = view->noted != NULL && clock_now_us() >= view->deadline_us;

	if (view->noted != NULL && !late && view->exchange == NULL)
		view->exchange = exchange_new();
	while (view->noted != NULL) {
		struct asked *a = view->noted;

		view->noted = a->next_new;
		if (late)
			answer_late(view, a);
		else
			start_one(view, a);
	}
}

bool store_view_wait(struct store_view *view)
{
	bool noted = view->noted != NULL, may_wait;
	struct exchange *x;

	store_view_start(view);
	if (view->open == NULL)
		return noted;
	x = view->exchange;
	may_wait = gate_enter(view->gate);
	pthread_mutex_lock(&x->mutex);
	if (may_wait)
		exchange_wait(x, view->deadline_us);
	collect(view);
	give_up(view);
	pthread_mutex_unlock(&x->mutex);
	if (may_wait)
		gate_leave(view->gate);
	return true;
}

/* ---- the trace ------------------------------------------------------------------ */

void store_view_trace(const struct store_view *view,
    void (*show)(void *context, const struct store_trace *trace), void *context)
{
	for (const struct asked *a = view->first; a != NULL; a = a->later) {
		const struct store *store = front_store(view->fronts[a->store]);
		struct store_trace trace = { store->name, store->class->type, a->question.service,
			a->question.key, a->source, a->answer };

		show(context, &trace);
	}
}
