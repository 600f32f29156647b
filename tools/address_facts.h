/*
 * address_facts.h - what the directory says of one address, for `presend address`.
 *
 * Existence and permission, asked side by side over one view under the
 * `deadline` of the configuration, as the daemon asks for a message.
 */
#ifndef PRESEND_TOOLS_ADDRESS_FACTS_H
#define PRESEND_TOOLS_ADDRESS_FACTS_H

#include "base/arena.h"
#include "directory/directory.h"
#include "policy/site.h"

struct address_facts {
	struct slice given; /* the address as it was given */
	struct slice login; /* that wants to use it; empty: none was given */
	bool malformed;     /* it is no address at all; the answer is then `none` */
	struct directory_result found;
	struct directory_use use; /* without a login: who is named */
	long long elapsed_us;
	struct directory_view *view; /* for the trace; NULL: nobody was asked */

	/* of an address that was read from a log */
	const char *field; /* where it stood; NULL: it is not from a log */
	size_t count;      /* how often */
};

/* Asks, and waits for the answers; all texts live in the arena.  The site has stores. */
void address_facts_find(struct address_facts *f, struct arena *arena, const struct site *site,
    struct slice address, struct slice login);

/* Before the arena is reset. */
void address_facts_end(struct address_facts *f);

/* STATUS_GOOD, STATUS_ACTED or STATUS_UNKNOWN: as the check from.mailbox takes the answer. */
int address_facts_status(const struct address_facts *f);

/* Of several: the highest of 1, then 2, then 0. */
int address_facts_worse(int status, int other);

#endif
