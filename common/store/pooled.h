/*
 * pooled.h - what the stores over the network have in common: a connection a worker.
 *
 * pooled_lookup opens it when it is needed, opens it once more where it turns out to have been
 * dropped while it was idle, and ends it when there is doubt about its state, or when it was
 * idle so long that something in between may have forgotten it.  A key that no protocol
 * carries (control characters, invalid UTF-8) is NOTFOUND without asking.
 *
 * SIGPIPE is held off meanwhile, in this thread alone: MariaDB's connector writes without
 * MSG_NOSIGNAL where TLS is between.
 */
#ifndef PRESEND_STORE_POOLED_H
#define PRESEND_STORE_POOLED_H

#include "store/store.h"

enum { POOLED_IDLE_US = 60 * 1000 * 1000 };

enum pooled_after {
	POOLED_KEEP,    /* the connection is as before */
	POOLED_END,     /* its state is in doubt */
	POOLED_DROPPED, /* it was gone before anything was answered */
};

struct pooled_class {
	/* FOUND with *connection set, else a failure with its reason in reply and nothing left. */
	enum lookup_status (*connect)(
	    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply);
	/* One question over it; *after is POOLED_END unless it is set. */
	enum lookup_status (*ask)(struct store *store, void *connection,
	    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
	    enum pooled_after *after);
	/* Ends it without waiting. */
	void (*disconnect)(struct store *store, void *connection);
};

/* For store_class.lookup and store_class.disconnect. */
enum lookup_status pooled_lookup(const struct pooled_class *class, struct store *store, void **slot,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply);
void pooled_disconnect(const struct pooled_class *class, struct store *store, void *slot);

/* Can the octets stand in a question: valid UTF-8, no control character? */
bool pooled_can_carry(struct slice octets);

#endif
