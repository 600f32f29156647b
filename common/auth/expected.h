/*
 * expected.h - the signatures that a signer behind us will add to a message,
 * and whether receivers will find them good.
 *
 * What the signer does is its own configuration's word (signer.h); whether the
 * private key belongs to the published one is found out over a view of the DNS.
 */
#ifndef PRESEND_AUTH_EXPECTED_H
#define PRESEND_AUTH_EXPECTED_H

#include "auth/signer.h"
#include "dns/view.h"
#include "syntax/from.h"

enum expected_status {
	EXPECTED_PENDING, /* the question for the key was noted */
	EXPECTED_GOOD,    /* it will verify */
	EXPECTED_NO_KEY,  /* no key is published */
	EXPECTED_BAD_KEY, /* that key is another one, revoked, not usable or too short, or SHA-1 */
	EXPECTED_UNKNOWN, /* could not be told */
};

/* "pass", "no key", ... for records and people. */
const char *expected_status_name(enum expected_status status);

struct expected_signature {
	struct slice domain, selector, algorithm; /* domain in A-form */
	struct signing signing;
	enum expected_status status;
	unsigned bits;       /* of the published key, 0: not known */
	struct slice reason; /* for people; not there where it is good; may hold raw octets */
};

struct expected {
	enum signer_answer answer;
	struct slice reason; /* unless it signs: why; may hold raw octets */
	struct expected_signature list[SIGNINGS_MAX];
	size_t count;
};

/* What the signer will do with a message of that author, NULL: of none. */
void expected_begin(const struct signer *signer, struct arena *arena, const struct mailbox *author,
    struct expected *expected);

/* Judges the signatures that are pending; true while one is. */
bool expected_judge(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected *expected);

#endif
