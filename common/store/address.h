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
#include <stddef.h>

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

/* The local part alone: folded, unquoted.  False as address_read. */
bool address_local_part(struct arena *arena, const struct address_rules *rules, struct slice text,
    struct slice *local_part);

/* The part of a local part before its first delimiter; not there if it has none. */
struct slice address_base(const struct address_rules *rules, struct slice local_part);

/* ---- the keys of an address ----------------------------------------------------- */

/* Which keys an asker wants: those that its tables may have. */
enum {
	KEYS_FULL = 1,       /* local_part@domain */
	KEYS_BASE = 2,       /* of a sub-address, behind each key its base in the same form */
	KEYS_LOCAL_PART = 4, /* without the domain: where that is local */
	KEYS_AT_DOMAIN = 8,  /* "@domain" */
	KEYS_UNICODE = 16,   /* the domain in U-form, behind each key that has it in A-form */
	ADDRESS_KEYS_MAX = 8,
};

enum address_key_kind { ADDRESS_KEY_WHOLE, ADDRESS_KEY_BASE, ADDRESS_KEY_AT_DOMAIN };

/* The slices are those of a store_question: no domain, the local part alone is the key. */
struct address_key {
	enum address_key_kind kind;
	struct slice key, local_part, domain;
};

/*
 * The keys by which an address is looked up, in order, as mail_addr_find.c of Postfix has
 * them: the address, its base, both without the domain, "@domain".  Returns their number.
 */
size_t address_keys(struct arena *arena, const struct address *address, unsigned wanted,
    struct address_key keys[ADDRESS_KEYS_MAX]);

#endif
