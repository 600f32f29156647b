/*
 * resolve.h - one address in all stores, without following its targets.
 *
 * For directory.h's functions; pure, over a view.
 */
#ifndef PRESEND_DIRECTORY_RESOLVE_H
#define PRESEND_DIRECTORY_RESOLVE_H

#include "directory/parts.h"

/* What the stores say of one address. */
struct found {
	enum directory_answer answer;
	const struct store_answer *entry; /* that decided; NULL: NOT_OURS, NONE, UNKNOWN, PENDING */
	size_t store;                     /* of the entry */
	enum store_source source;
	struct slice of;  /* sub-address: of which */
	bool local;       /* found by its local part */
	struct slice why; /* UNKNOWN */
	bool failed;      /* UNKNOWN because a store failed */
	bool moves;       /* the whole domain stands for another one: `of` is the address there */
};

/* TEMPFAIL or PERMFAIL, and what to say of it: "STORE: why". */
bool resolve_failed(const struct store_answer *answer);
struct slice resolve_reason(
    struct directory_view *view, size_t store, const struct store_answer *answer);

struct found resolve_one(struct directory_view *view, const struct address *address);

/* directory_serves, with more to say: open, or which domain it stands for. */
struct served {
	enum directory_served served;
	bool open;           /* nobody can tell which addresses it has */
	struct slice target; /* an alias domain */
	struct slice why;    /* UNKNOWN */
	bool failed;         /* UNKNOWN because a store failed */
};
struct served resolve_domain(struct directory_view *view, struct slice domain);

#endif
