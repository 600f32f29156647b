/*
 * front.h - one store as the directory asks it: cache, workers, circuit breaker.
 *
 * A local store (STORE_LOCAL) is asked where the asker stands.  Any other one is asked by
 * workers, threads of this front that are started when they are needed, each with a
 * connection of its own; a store that hangs holds at most these.
 *
 *   single-flight   many askers of one question share one lookup, which has the store's
 *                   `timeout`; the deadline of a message does not end it, so that a late
 *                   answer serves the next message
 *   cache           FOUND and NOTFOUND are kept, each with a limit of its own; failures never
 *   stale_for       where the store fails, or is not asked, an expired answer serves
 *   breaker         after FRONT_FAILURES failures in a row the store rests: one second, twice as
 *                   long each time it fails again, a minute at most; then one question tries it.
 *                   A failure of a key alone (store_answer.of_key) is none: the store answered,
 *                   and nobody can switch it off for others by asking for an odd address
 *   queue           FRONT_QUEUE_MAX questions; beyond, and while all workers hang, an asker is
 *                   answered at once
 */
#ifndef PRESEND_STORE_FRONT_H
#define PRESEND_STORE_FRONT_H

#include "store/store.h"

enum {
	FRONT_FAILURES = 3,
	FRONT_REST_MIN_US = 1000 * 1000,
	FRONT_REST_MAX_US = 60 * 1000 * 1000,
	FRONT_QUEUE_MAX = 1000,
	FRONT_HANGS_US = 1000 * 1000, /* that a lookup may go over its timeout */
	FRONT_GRACE_US = 2000 * 1000, /* that workers in a lookup are waited for at the end */
};

struct front;

/* Where an answer came from. */
enum store_source {
	SOURCE_ASKED,    /* the store, for this message */
	SOURCE_CACHE,    /* a lookup before */
	SOURCE_STALE,    /* an expired answer, because the store fails or is late */
	SOURCE_NOT_ASKED /* the store was not asked: it rests after failures, is offline, is late */
};
const char *store_source_name(enum store_source source);

/* Takes the store over; the options are those that every store has. */
struct front *front_new(struct store *store, const struct store_options *options, bool offline);

/*
 * Answers all who wait, and tells the workers to end, without a wait: nobody asks any more.  Of
 * several fronts all are stopped before the first is freed, so that they are waited for
 * together.
 */
void front_stop(struct front *front);

/*
 * Frees a front that was stopped when its workers have ended.  One that is still in a lookup at
 * until_us (dns_now_us) is left behind, and frees the store when it comes back.
 */
void front_free(struct front *front, int64_t until_us);

const struct store *front_store(const struct front *front);

/* Called once, from any thread, perhaps before front_ask returns; takes over the reference. */
typedef void front_done(void *context, struct store_answer *answer, enum store_source source);

/* The answer if it can be had at once, with a reference for the caller, else NULL. */
struct store_answer *front_known(
    struct front *front, const struct store_question *question, enum store_source *source);

void front_ask(
    struct front *front, const struct store_question *question, front_done *done, void *context);

/* An expired answer that may still serve, for an asker whose deadline has passed, or NULL. */
struct store_answer *front_last(struct front *front, const struct store_question *question);

/* Forgets all answers; what is being asked now is not kept. */
void front_flush(struct front *front);

/* store_class.refresh, in the calling thread. */
void front_refresh(struct front *front, bool force);

#endif
