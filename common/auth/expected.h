/*
 * expected.h - the signatures that a signer behind us will add to a message,
 * and whether receivers will find them good.
 *
 * What the signer does is its own configuration's word (signer.h).  Each
 * signature is judged as one that is in the message (signature.h), as far as
 * that rests on its keys; whether the private key belongs to the published one is found
 * out over a view of the DNS.
 */
#ifndef PRESEND_AUTH_EXPECTED_H
#define PRESEND_AUTH_EXPECTED_H

#include "auth/signature.h"
#include "dns/view.h"
#include "signer/signer.h"
#include "syntax/from.h"

struct expected_signature {
	struct signing signing;
	struct signature signature; /* d= in A-form; the rest as a verifier will find it */
	bool judged;                /* what becomes of it is known, or that it cannot be told */
};

/* All zero where there is no such signer. */
struct expected {
	enum signer_answer answer;
	struct slice reason; /* unless it signs: why; may hold raw octets */
	struct expected_signature *list;
	size_t count; /* 0 unless it signs */
	size_t tried; /* of the list: those that it cannot make too */
};

/* What a receiver will find, in words that tell an operator where to look. */
enum expected_status {
	EXPECTED_GOOD,    /* it will verify */
	EXPECTED_NO_KEY,  /* no key is published */
	EXPECTED_BAD_KEY, /* that key is another one, revoked, not usable or too short, or SHA-1 */
	EXPECTED_UNKNOWN, /* could not be told, or not yet */
};

enum expected_status expected_status_of(const struct expected_signature *e);

/* Its word in records: "pass", "no-key", "bad-key", "unknown". */
const char *expected_status_name(enum expected_status status);

/* What the signer will do with a message of that author, NULL: of none. */
void expected_begin(const struct signer *signer, struct arena *arena, const struct mailbox *author,
    struct expected *expected);

/*
 * Judges the signatures that are not judged yet; true while one is pending.  A
 * private key that turns out to be none makes the answer SIGNER_DEFERS: OpenDKIM
 * signs with all of its keys or not at all.
 */
bool expected_judge(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected *expected);

/*
 * One signing by itself, for those who look at tables without a message.  The
 * fault SIGNATURE_MALFORMED: it could not be made.
 */
struct expected_signature expected_of(struct arena *arena, const struct signing *signing);
bool expected_judge_one(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected_signature *e);

#endif
