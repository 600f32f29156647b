/*
 * view.h - the directory as one message sees it.
 *
 * A view of its stores (store/view.h), so that what an address is and who may use
 * it are pure functions: they ask, say "pending" where an answer is missing, and
 * are run again after one wait for all of them.  A view belongs to one thread at a
 * time.
 */
#ifndef PRESEND_DIRECTORY_VIEW_H
#define PRESEND_DIRECTORY_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/patience.h"

struct directory;
struct directory_view;
struct store_trace;

/*
 * A view of the directory, which must outlive it (the caller holds a reference), ended by
 * directory_view_free.  deadline: monotonic clock, in microseconds (dns_now_us).
 */
struct directory_view *directory_view_new(
    struct arena *arena, struct directory *directory, int64_t deadline_us);
void directory_view_free(struct directory_view *view); /* NULL is allowed */

/* Moves the deadline, for a view that is not waited for all the time: see dns/view.h. */
void directory_view_set_deadline(struct directory_view *view, int64_t deadline_us);

/* A view that does not get through the gate does not wait; NULL: none. */
void directory_view_set_gate(struct directory_view *view, struct gate *gate);

/* Asks all that was noted, without waiting. */
void directory_view_start(struct directory_view *view);

/*
 * Asks what was noted and waits for all open answers or the deadline.  False when nothing was
 * noted or open: then nobody is pending.
 */
bool directory_view_wait(struct directory_view *view);

/* Calls show for every lookup so far, in the order of asking (struct store_trace: store/view.h). */
void directory_view_trace(const struct directory_view *view,
    void (*show)(void *context, const struct store_trace *trace), void *context);

#endif
