/*
 * pairs.h - who sent as whom, each pair once with its count.
 *
 * Octets are compared without regard to the case of letters, as sites compare
 * addresses and logins.  What goes beyond a ceiling is not kept, and counted: the
 * pairs that are there already are counted on.
 */
#ifndef PRESEND_TOOLS_PAIRS_H
#define PRESEND_TOOLS_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	PAIRS_MAX = 100000,
	PAIRS_OCTETS_MAX = 64 * 1024 * 1024, /* of all texts, and what holds them */
};

struct pair {
	const char *field;           /* where the address stood: a static string */
	struct slice address, login; /* as met first; an empty login: none */
	size_t count;
	size_t hash, order;
};

struct pairs;

struct pairs *pairs_new(void);
void pairs_free(struct pairs *pairs);

/* Counts it; false if it is a new one that is not kept. */
bool pairs_add(struct pairs *pairs, const char *field, struct slice address, struct slice login);

/* All pairs, the most frequent first, else as they were met.  No pairs_add afterwards. */
struct pair *const *pairs_sorted(struct pairs *pairs, size_t *count);

#endif
