/*
 * service.h - what all sessions of the daemon share.
 *
 * The site in force (its configuration and what that opens), the counters, and
 * how much is under way.  A reload swaps the site as a whole; a message keeps
 * the one that it took at MAIL.  Everything here may be called by any thread.
 */
#ifndef PRESEND_MILTER_SERVICE_H
#define PRESEND_MILTER_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/slice.h"
#include "policy/site.h"

enum {
	UNJUDGED_SAMPLE = 16,         /* one in so many unjudged messages is looked at */
	UNJUDGED_WARNING_SECS = 3600, /* at most one warning in this time */
};

/* What passed unjudged since the last warning. */
struct unjudged_window {
	time_t since;
	unsigned long passed_before; /* the total when the window began */
	unsigned long followed, outside;
	bool warned; /* at least once since the start */
};

struct service {
	size_t record_ceiling; /* octets of a record, by where the log goes */
	int nudge;             /* a connection to ourselves, see nudge.h; -1: there is none */

	atomic_ulong judged, refused; /* messages with a record; those of them refused */
	atomic_ulong unjudged;        /* messages of no class that is judged */
	atomic_long sessions;         /* connections open */
	atomic_long messages;         /* messages between MAIL and their end */

	pthread_mutex_t lock;
	struct site *site;             /* under lock */
	struct unjudged_window window; /* under lock */
};

/* Takes over the caller's reference of site; nudge stays the caller's. */
void service_init(struct service *service, struct site *site, size_t record_ceiling, int nudge);

/* A reference of the site in force, for the caller to give back. */
struct site *service_site(struct service *service);

/* Puts site in force from the next MAIL on; takes over the caller's reference. */
void service_set_site(struct service *service, struct site *site);

/* Counts a message that passes unjudged; true: look at its recipients, service_followed. */
bool service_unjudged(struct service *service);

/*
 * Tells what a followed message was.  Mail to the outside that nobody judges is
 * what a forgotten entry in `submitters` looks like: it makes a warning, the
 * first at once, then one an hour at most.
 */
void service_followed(struct service *service, bool outside);

/* Logs the counters. */
void service_log_counters(struct service *service);

#endif
