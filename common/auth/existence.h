/*
 * existence.h - does a domain exist, and could mail be sent back to it?
 *
 * What receivers look up for the domains of From and MAIL FROM: SOA, MX, A and
 * AAAA, asked side by side.  A pure function over a view of the DNS.
 */
#ifndef PRESEND_AUTH_EXISTENCE_H
#define PRESEND_AUTH_EXISTENCE_H

#include "dns/view.h"

enum existence_status {
	EXISTENCE_UNKNOWN,  /* could not be told */
	EXISTENCE_MAIL,     /* it has an MX, or an address, which is its own MX (RFC 5321 5.1) */
	EXISTENCE_NO_MAIL,  /* it exists, with neither MX nor address */
	EXISTENCE_NULL_MX,  /* it says that it takes no mail: RFC 7505 */
	EXISTENCE_NXDOMAIN, /* there is no such name */
	EXISTENCE_PENDING,  /* questions were noted: to be called again after a wait */
};

struct existence {
	enum existence_status status;
	bool alias;      /* NXDOMAIN: the name is an alias, of a name that does not exist */
	bool secure;     /* DNSSEC proved the answer that decided */
	const char *why; /* UNKNOWN: a few words, a static string */
};

/* domain: A-form, a possible host name. */
struct existence existence_of(struct dns_view *view, struct slice domain);

#endif
