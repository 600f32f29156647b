/*
 * address.h - addresses as a site compares them.
 *
 * Two spellings that a site delivers to the same place become the same octets:
 * local parts are folded (unless the site says otherwise) and lose quotes that
 * they do not need, domains are A-labels in lower case.  A sub-address is taken apart
 * as Postfix does (split_addr.c): at the first delimiter of the set, never so that
 * nothing is left before it, and not at all for the names of the mail system itself.
 */
#ifndef PRESEND_STORE_ADDRESS_H
#define PRESEND_STORE_ADDRESS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct address_rules {
	const char *delimiters; /* NULL or "": none */
	bool case_sensitive;
	bool split_owner_request; /* "owner-x" and "x-request" are sub-addresses too, with "-" */
};

/* All slices in the arena, with a NUL behind them. */
struct address {
	struct slice key;        /* local_part@domain, quoted where needed */
	struct slice local_part; /* folded, without quotes; empty for "@domain" */
	struct slice base;       /* of the local part, before the delimiter; not there: none */
	struct slice domain;     /* A-form, lower case */
	struct slice unicode;    /* U-form, not there where it is the same */
};

/*
 * Takes an address apart, as it stands in a header field or in a table: text with
 * the last "@" that is not in quotes between local part and domain.  False if it is
 * none: no "@", no local part (but "@domain" is allowed with at_domain), a domain
 * without an A-form, control characters, invalid UTF-8, over STORE_KEY_MAX octets.
 */
bool address_read(struct arena *arena, const struct address_rules *rules, struct slice text,
    bool at_domain, struct address *address);

/*
 * local_part@domain with quotes where RFC 5321 4.1.2 wants them:
 *
 *	Local-part = Dot-string / Quoted-string
 */
struct slice address_join(struct arena *arena, struct slice local_part, struct slice domain);

/* The local part alone: folded, unquoted.  False as address_read. */
bool address_local_part(struct arena *arena, const struct address_rules *rules, struct slice text,
    struct slice *local_part);

/* The part of a local part before its first delimiter; not there if it has none. */
struct slice address_base(const struct address_rules *rules, struct slice local_part);

#endif
