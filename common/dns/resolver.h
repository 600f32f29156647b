/*
 * resolver.h - one interface to whatever answers DNS questions.
 *
 * A resolver is a struct of functions behind one front; implementations:
 *   records_resolver   a records file, alone or over another resolver (records.h)
 *   unbound_resolver   libunbound, asynchronous, one pump thread (unbound.h)
 *   cache_resolver     keeps another one's answers by TTL, with negative caching
 *                      and single-flight (cache.h)
 * A resolver is shared by all threads.
 */
#ifndef PRESEND_DNS_RESOLVER_H
#define PRESEND_DNS_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"

struct resolver;

/*
 * Called once for each question, from any thread, perhaps before ask returns,
 * perhaps after the deadline.  It takes over the reference to the answer, which
 * is never NULL.  It must not block and must not call the resolver.
 */
typedef void resolver_done(void *context, struct dns_answer *answer);

struct resolver_class {
	/*
	 * The question is the caller's, and gone when ask returns.
	 *
	 * deadline_us (clock of clock_now_us) is when the asker stops waiting: a
	 * resolver that waits for others answers soon after it at the latest,
	 * with TEMPFAIL if need be.  Only one that asks for many askers at once
	 * may go on longer, for its own sake.
	 */
	void (*ask)(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
	    resolver_done *done, void *context);
	/*
	 * The answer, if it can be had at once, without asking anybody; else
	 * NULL.  The caller gets a reference.  The function may be absent.
	 */
	struct dns_answer *(*known)(struct resolver *r, const struct dns_question *question);
	/* Answers every open question with TEMPFAIL, then frees. */
	void (*free)(struct resolver *r);
};

struct resolver {
	const struct resolver_class *class; /* first member of every implementation */
};

static inline void resolver_ask(struct resolver *r, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	r->class->ask(r, question, deadline_us, done, context);
}

static inline struct dns_answer *resolver_known(
    struct resolver *r, const struct dns_question *question)
{
	return r->class->known == NULL ? NULL : r->class->known(r, question);
}

/* NULL is allowed. */
void resolver_free(struct resolver *r);

#endif
