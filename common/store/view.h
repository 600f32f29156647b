/*
 * view.h - the stores as one message sees them.
 *
 * As dns/view.h: an evaluator asks for an answer; where the view does not have it
 * yet the question is noted, and the evaluator says "pending".  The caller
 * waits once for all that was noted.  Each question is asked once and its answer
 * kept, so that all parts of a verdict rest on the same facts.  When the deadline
 * has passed, or STORE_QUESTIONS_MAX questions were asked, every further
 * answer is the last good one that may still serve, else TEMPFAIL; the deadline
 * is kept here, whatever a store does.  A view belongs to one thread at a time.
 *
 * Every lookup of every store passes here: store_view_trace shows them.
 */
#ifndef PRESEND_STORE_VIEW_H
#define PRESEND_STORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/patience.h"
#include "store/front.h"

enum { STORE_QUESTIONS_MAX = 1000 };

struct store_view;

/*
 * A view of the stores behind these fronts, which must outlive it, ended by
 * store_view_free.  deadline: monotonic clock, in microseconds (dns_now_us).
 */
struct store_view *store_view_new(
    struct arena *arena, struct front *const *fronts, int64_t deadline_us);
void store_view_free(struct store_view *view); /* NULL is allowed */

/* Moves the deadline, for a view that is not waited for all the time: see dns/view.h. */
void store_view_set_deadline(struct store_view *view, int64_t deadline_us);

/* A view that does not get through the gate does not wait; NULL: none. */
void store_view_set_gate(struct store_view *view, struct gate *gate);

/*
 * The answer of the store at that index of the fronts, or NULL when it is not known yet:
 * the question is then noted.  It lives as long as the view.
 */
const struct store_answer *store_view_get(struct store_view *view, size_t store,
    const struct store_question *question, enum store_source *source);

/* Asks all that was noted, without waiting. */
void store_view_start(struct store_view *view);

/*
 * Asks what was noted and waits for all open answers or the deadline.  False when nothing was
 * noted or open: then no evaluator is pending.
 */
bool store_view_wait(struct store_view *view);

/* One lookup, for `presend address --trace`. */
struct store_trace {
	const char *store, *type;
	enum store_service service;
	struct slice key;
	enum store_source source;
	const struct store_answer *answer; /* NULL: still open */
};

/* Calls show for every lookup so far, in the order of asking. */
void store_view_trace(const struct store_view *view,
    void (*show)(void *context, const struct store_trace *trace), void *context);

#endif
