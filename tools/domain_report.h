/*
 * domain_report.h - what a sending domain has published, beside what the
 * checks say of it: servers for its mail, SPF record, DKIM keys.
 *
 * Asked over a view of its own, side by side with the questions of the
 * authenticator, whose cache it shares:
 *
 *	r = domain_report_new(message, site, ...);   questions go out
 *	...                                       the authenticator waits for its own
 *	domain_report_finish(r);                  waits for what is left
 *	domain_report_free(r);
 *
 * Ceilings: EXCHANGES_LOOKED_UP_MAX exchanges are looked up, of further ones it
 * is not known whether they have an address; the view's for the rest.
 */
#ifndef PRESEND_TOOLS_DOMAIN_REPORT_H
#define PRESEND_TOOLS_DOMAIN_REPORT_H

#include "auth/authentication.h"
#include "auth/existence.h"
#include "auth/key_record.h"
#include "policy/site.h"
#include "tools/options.h"

enum { EXCHANGES_LOOKED_UP_MAX = 20 };

enum presence { PRESENCE_NO, PRESENCE_YES, PRESENCE_UNKNOWN, PRESENCE_PENDING };

struct domain_exchange {
	struct slice name;
	unsigned preference;
	enum presence address;
	bool alias; /* the name owns a CNAME, which RFC 2181 10.3 forbids */
};

struct domain_key {
	struct slice selector; /* A-form */
	struct slice name;     /* of its record */
	bool guessed;          /* a usual selector, not one that was named */
	bool told;
	struct key_record record;
};

struct domain_report {
	struct slice domain; /* A-form */
	struct existence existence;
	enum presence mx, soa, a, aaaa;    /* a null MX is no MX */
	struct domain_exchange *exchanges; /* in order of preference */
	size_t exchange_count;

	struct spf_record_fact spf_record;
	/*
	 * The evaluation for an address that no record lists, 0.0.0.0: the
	 * longest way through the record, whose lookups are the most that a
	 * receiver can come to.
	 */
	struct spf_outcome spf_walk;

	struct domain_key *keys; /* those named, in their order, then usual ones that are there */
	size_t key_count;
	bool guessed; /* the usual names were tried */

	/* of domain_report.c */
	struct arena *arena;
	struct dns_view *view;
	struct spf_query walk;
};

/*
 * Lives in the arena of the message that stands for mail of the domain (A-form).
 * now: seconds since the epoch.
 */
struct domain_report *domain_report_new(const struct message *message, const struct site *site,
    struct slice domain, const struct options *o, int64_t now);
void domain_report_finish(struct domain_report *r);
void domain_report_free(struct domain_report *r); /* NULL is allowed */

/*
 * The facts, with what only the report knows put into them for the checks: an
 * SPF record in error where no egress address is known, and for each key that was
 * named a signature by it, taken as good as far as the key goes.
 */
struct authentication *domain_report_facts(
    const struct domain_report *r, const struct authentication *known);

#endif
