/*
 * dkim.h - DKIM verification as facts: each signature of a message, and what
 * became of it.
 *
 * By libopendkim, with our DNS view and behind guards of our own.  Only
 * dkim.c and key_fit.c include <opendkim/dkim.h>; the library owns the prefix
 * dkim_.
 *
 *	verifier_library   one a site; it may be made and ended while others are in use
 *	verifier           one a message
 *
 *	v = verifier_new(library, message, view, now, wanted, context);   at end of header
 *	if (verifier_wants_body(v))
 *		verifier_body(v, piece);                                  as it streams
 *	while (!verifier_finish(v) && dns_view_wait(view))                at end of message
 *		;
 *	signatures = verifier_signatures(v, &count);
 *	verifier_free(v);
 *
 * Ceilings, and what happens there:
 *   signatures      SIGNATURES_MAX are verified, further ones are TOO_MANY;
 *                   SIGNATURES_KEPT are told of at all
 *   h=              VERIFIER_NAMES_MAX octets, and VERIFIER_WORK_MAX comparisons of names
 *                   with fields for the message: beyond either UNVERIFIABLE
 *   key records     VERIFIER_KEY_MAX octets, more than the library can take: UNVERIFIABLE
 *   fields          a signature that covers a field of which the MTA, or the
 *                   snapshot, did not give all is UNVERIFIABLE
 */
#ifndef PRESEND_AUTH_DKIM_H
#define PRESEND_AUTH_DKIM_H

#include "auth/signature.h"
#include "dns/view.h"
#include "message/message.h"

enum {
	SIGNATURES_MAX = 20,
	SIGNATURES_KEPT = 200,
	VERIFIER_NAMES_MAX = 4000,
	VERIFIER_WORK_MAX = 5000000,
	VERIFIER_KEY_MAX = 1024,
	VERIFIER_HELD_MAX = 8192, /* octets of a body that are kept before the library is begun */
};

struct verifier_library;
struct verifier;

/* NULL if the library cannot be set up, or knows neither SHA-256 nor ed25519. */
struct verifier_library *verifier_library_new(void);
void verifier_library_free(struct verifier_library *library); /* NULL is allowed */

/*
 * Does a signature of this domain (A-form) matter?  True for those that may
 * be aligned with the author and for our own domains; the others are FOREIGN:
 * neither hashed nor asked a key for.  It must not ask the DNS.
 */
typedef bool verifier_wanted(void *context, struct slice domain);

/*
 * Reads the DKIM-Signature fields of a message whose header is complete, and
 * notes the questions for their keys in the view: side by side, to be answered
 * until verifier_finish.  message and view must outlive the verifier; now: the
 * time of judgement, seconds since the epoch.  Lives in the message's arena and
 * must be ended by verifier_free all the same.
 */
struct verifier *verifier_new(struct verifier_library *library, const struct message *message,
    struct dns_view *view, int64_t now, verifier_wanted *wanted, void *context);
void verifier_free(struct verifier *v); /* NULL is allowed */

/* False: no octet of the body makes a difference, and none need be given. */
bool verifier_wants_body(const struct verifier *v);

/* The next octets of the body, line ends as CRLF. */
void verifier_body(struct verifier *v, struct slice piece);

/*
 * The body is complete.  False: answers are missing, to be called again after
 * a wait.  True: all results are there.
 */
bool verifier_finish(struct verifier *v);

/*
 * The signatures in the order of their fields, first the one at the top.
 * After verifier_finish has said so their results count; before, what their
 * fields say.
 */
const struct signature *verifier_signatures(const struct verifier *v, size_t *count);

/* DKIM-Signature fields of the message, those not kept too. */
size_t verifier_signature_total(const struct verifier *v);

#endif
