/*
 * key_record.h - a published DKIM key by itself: what its record says, and
 * whether receivers can use it.
 *
 * For those who look at a domain without a message.  The verification of a
 * signature does not rest on this: there the library reads the key.  Strict
 * where receivers differ: a key that only some of them can read is malformed.
 */
#ifndef PRESEND_KEY_KEY_RECORD_H
#define PRESEND_KEY_KEY_RECORD_H

#include <stdbool.h>

#include "base/arena.h"
#include "dns/dns.h"

enum {
	KEY_RECORD_OCTETS_MAX = 8192, /* of p=: 32,768 bits of RSA and more; longer: malformed */
	KEY_BITS_MIN = 1024,          /* RFC 8301: a shorter RSA key is not acceptable */
	KEY_BITS_GOOD = 2048,         /* RFC 8301: what signers should use */
};

enum key_record_status {
	KEY_RECORD_GOOD,
	KEY_RECORD_WEAK,      /* under 1024 bits of RSA, which RFC 8301 forbids */
	KEY_RECORD_ABSENT,    /* there is no TXT record at the name */
	KEY_RECORD_REVOKED,   /* p= is empty */
	KEY_RECORD_SEVERAL,   /* more than one TXT record: receivers take any, or none */
	KEY_RECORD_MALFORMED, /* no key record, or p= holds no such key */
	KEY_RECORD_UNUSABLE,  /* of a type, a hash or a service that signed mail has no use for */
	KEY_RECORD_UNKNOWN,   /* the DNS did not say */
};

/* "good", "weak", "absent", ... */
const char *key_record_status_name(enum key_record_status status);

struct key_record {
	enum key_record_status status;
	struct slice reason; /* a sentence with the name in it; not there where it is good */

	/* not there, 0 or false unless there is exactly one record, and a tag-list */
	struct slice text;     /* the record, raw; there for any single one */
	struct slice type;     /* k=, "rsa" where it has none */
	struct slice hashes;   /* h=, without blanks */
	struct slice services; /* s= */
	unsigned bits;         /* of an RSA key; 256 for ed25519; 0: not known */
	bool testing;          /* t=y */
	bool exact_domain;     /* t=s: i= of a signature may name no subdomain of d= */
};

/*
 * Reads the answer to the TXT question for the name, SELECTOR._domainkey.DOMAIN.
 * Any octets, in linear time; slices are of the answer or of the arena.
 *
 *   RFC 6376 3.6.1, RFC 8463 4 (ed25519), RFC 8301 (sizes, hashes)
 */
struct key_record key_record_read(
    struct arena *arena, struct slice name, const struct dns_answer *answer);

#endif
