/*
 * domain_report.h - what a sending domain has published, beside what the
 * checks say of it: servers for its mail, SPF record, DKIM keys.
 *
 * Asked over a view of its own, side by side with the questions of the
 * authenticator, whose cache it shares:
 *
 *	authenticator_header(a, &route);
 *	r = domain_report_new(message, domain, &query);   questions go out
 *	authenticator_finish(a);                  waits for its own
 *	domain_report_finish(r);                  waits for what is left
 *	domain_report_free(r);                    before the authenticator
 *
 * Ceilings: EXCHANGES_LOOKED_UP_MAX exchanges are looked up, of further ones it
 * is not known whether they have an address; SIGNER_KEYS_MAX keys of the
 * signer's tables, further ones are left out and `more` says so; the view's for
 * the rest.
 */
#ifndef PRESEND_TOOLS_DOMAIN_REPORT_H
#define PRESEND_TOOLS_DOMAIN_REPORT_H

#include "auth/authentication.h"
#include "auth/existence.h"
#include "key/key_record.h"
#include "policy/site.h"
#include "tools/options.h"

enum {
	EXCHANGES_LOOKED_UP_MAX = 20,
	SIGNER_KEYS_MAX = 100,
};

/* What all domains of a run have in common; it outlives their reports. */
struct domain_query {
	const struct options *options;
	const struct site *site;
	struct signer_listing listing; /* of the site's signer, if it has one */
	int64_t now;                   /* seconds since the epoch */
};

enum presence { PRESENCE_NO, PRESENCE_YES, PRESENCE_UNKNOWN, PRESENCE_PENDING };

struct domain_exchange {
	struct slice name;
	unsigned preference;
	enum presence address;
	bool alias; /* the name owns a CNAME, which RFC 2181 10.3 forbids */
};

enum key_origin {
	KEY_NAMED,     /* on the command line */
	KEY_OF_SIGNER, /* in the signer's tables */
	KEY_GUESSED,   /* a usual selector, and the key is there */
};

struct domain_key {
	struct slice selector, domain; /* s= and d= */
	struct slice name;             /* of its record */
	enum key_origin origin;
	struct expected_signature *use; /* by the signer, whatever its origin; NULL: none */
	bool applies;                   /* it signs mail of postmaster with it: one of the facts */
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

	struct domain_key *keys; /* those named, the signer's, the usual ones that are there */
	size_t key_count;
	bool more_keys; /* the signer's tables have more of the domain */

	const struct authentication
	    *known; /* as the authenticator found it, of postmaster's mail */
	const struct domain_query *query;

	/* of domain_report.c */
	struct arena *arena;
	struct dns_view *view;
	struct spf_query walk;
};

/* Lives in the arena of the message that stands for mail of the domain (A-form). */
struct domain_report *domain_report_new(
    const struct message *message, struct slice domain, const struct domain_query *query);
void domain_report_finish(struct domain_report *r);
void domain_report_free(struct domain_report *r); /* NULL is allowed */

/*
 * What the checks read (domain_facts.c): the facts of the authenticator, and what
 * it cannot know of.
 */
struct authentication *domain_report_facts(const struct domain_report *r);

#endif
