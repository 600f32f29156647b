/*
 * domains.h - a set of domains: exact names, and "*.x" for those below x.
 *
 * Filled once, then immutable.  Finding costs a binary search a label.
 */
#ifndef PRESEND_DIRECTORY_DOMAINS_H
#define PRESEND_DIRECTORY_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct domains {
	char **items;
	size_t count, size;
};

/* Adds "x" or "*.x", in A- or U-form; false if it is no domain name. */
bool domains_add(struct domains *domains, struct slice pattern);
/* Between the last domains_add and the first domains_has. */
void domains_sort(struct domains *domains);
/* domain: A-form, lower case. */
bool domains_has(const struct domains *domains, struct slice domain);
void domains_free(struct domains *domains);

#endif
