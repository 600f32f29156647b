/*
 * signature.h - one DKIM signature: what its field says, what its key says,
 * and what became of it.
 *
 * The field and the key record are read here, without any library; whether the
 * signature verifies is found out by dkim.h.
 */
#ifndef PRESEND_AUTH_SIGNATURE_H
#define PRESEND_AUTH_SIGNATURE_H

#include "dns/dns.h"
#include "syntax/tag_list.h"

enum { SIGNATURE_DRIFT = 300 }; /* seconds that a clock may be wrong */

/* RFC 8601 2.7.1 */
enum signature_result {
	SIGNATURE_PASS,
	SIGNATURE_FAIL,      /* does not verify, or the body hash differs */
	SIGNATURE_POLICY,    /* verifies, but is not acceptable */
	SIGNATURE_NEUTRAL,   /* malformed, or not looked into */
	SIGNATURE_PERMERROR, /* no key, revoked or unusable key */
	SIGNATURE_TEMPERROR, /* could not be told */
};

/* What keeps it from passing. */
enum signature_fault {
	SIGNATURE_GOOD,
	SIGNATURE_FOREIGN,      /* neutral: of a domain that does not matter here, not verified */
	SIGNATURE_TOO_MANY,     /* neutral: behind the first SIGNATURES_MAX, not verified */
	SIGNATURE_MALFORMED,    /* neutral */
	SIGNATURE_UNVERIFIABLE, /* temperror: we do not have all that it covers */
	SIGNATURE_MISMATCH,     /* fail: header fields, or the key, are others */
	SIGNATURE_BODY,         /* fail */
	SIGNATURE_EXPIRED,      /* policy */
	SIGNATURE_FUTURE,       /* policy */
	SIGNATURE_SHA1,         /* policy */
	SIGNATURE_SHORT_KEY,    /* policy */
	SIGNATURE_NO_KEY,       /* permerror */
	SIGNATURE_REVOKED,      /* permerror */
	SIGNATURE_BAD_KEY,      /* permerror: not usable, or not for this signature */
	SIGNATURE_KEY_UNKNOWN,  /* temperror: the DNS did not say */
};

const char *signature_result_name(enum signature_result result);

struct signature {
	size_t field; /* which DKIM-Signature of the message it is, from 0 at the top */

	/* what the field says; slices of the arena, not there where the tag is not */
	struct slice domain, selector; /* lower case */
	struct slice algorithm;        /* "rsa-sha256" */
	struct slice identity;         /* i= */
	struct slice headers;          /* h=, names separated by colons, no blanks */
	bool signs_from;
	bool has_length, has_time, has_expiry;
	uint64_t length, time, expiry; /* l=, t=, x= */
	bool expired, in_future;       /* as of the time of judgement */

	/* what is known of the key */
	unsigned bits;    /* of an RSA key; 256 for ed25519; 0: not known */
	bool key_testing; /* t=y: the domain tries DKIM out */

	enum signature_result result;
	enum signature_fault fault;
	struct slice reason; /* for people, printable; not there where it passes */
};

/*
 * Reads the body of a DKIM-Signature field.  The result is PASS as far as the
 * field goes: to be verified; or NEUTRAL, MALFORMED.
 */
void signature_read(struct arena *arena, struct slice body, int64_t now, struct signature *s);

/* The name that its key is published at: SELECTOR._domainkey.DOMAIN. */
struct slice signature_key_name(struct arena *arena, const struct signature *s);

/*
 * Takes the answer to the question for the key: what of the record's text a
 * verifier has to read, its flags being judged here; or not there, with result
 * and fault set.
 */
struct slice signature_take_key(
    struct arena *arena, struct signature *s, const struct dns_answer *answer);

/* It verifies; are its hash and the bits of its key acceptable too (RFC 8301)? */
void signature_judge_strength(struct signature *s);

/* Sets what became of it; reason is a sentence. */
void signature_settle(struct signature *s, enum signature_fault fault, struct slice reason);

#endif
