/*
 * cache.h - keeps another resolver's answers.
 *
 * An answer is kept for its TTL, within bounds; that something is not there for
 * at most five minutes; that it could not be told for a few seconds.  Many
 * askers of one question share one question below (single-flight), which has
 * CACHE_PATIENCE_US of its own, so that an asker with little time left spoils
 * nobody's answer, and an answer that comes late serves the next message.  One
 * that has been open for CACHE_SLOW_US makes no further asker wait.
 *
 * What is known is found in well under a microsecond, without a thread change.
 */
#ifndef PRESEND_DNS_CACHE_H
#define PRESEND_DNS_CACHE_H

#include "dns/resolver.h"

enum {
	CACHE_TTL_MIN = 1, /* seconds */
	CACHE_TTL_MAX = 3600,
	CACHE_NEGATIVE_MAX = 300,
	CACHE_TEMPFAIL = 5,
	CACHE_SLOW_US = 5 * 1000 * 1000,
	CACHE_PATIENCE_US = 10 * 1000 * 1000,
	CACHE_ENTRIES_MAX = 100000,
	CACHE_OCTETS_MAX = 64 * 1024 * 1024,
};

struct cache_options {
	size_t entries, octets; /* ceilings; beyond, what was not used longest goes */
	int64_t (*now_us)(void);
};

/* The options of production: the ceilings above and clock_now_us. */
extern const struct cache_options cache_defaults;

/* Takes the resolver below over. */
struct resolver *cache_resolver_new(struct resolver *below, const struct cache_options *options);

/* Entries and octets held now: for tests. */
void cache_holds(struct resolver *cache, size_t *entries, size_t *octets);

#endif
