/*
 * authentication.h - the facts that a receiver will find out about a message:
 * do its domains exist, do its signatures verify, does SPF pass for the
 * addresses that it leaves from, and what does DMARC make of that.
 *
 *	authentication   the facts, kept by the message; checks and records read them
 *	authenticator    the evaluation under way, one a message
 *
 *	a = authenticator_new(services, limits, message);    MAIL is known
 *	authenticator_sender(a);                             at the first recipient
 *	authenticator_header(a, &route);                     the header is complete
 *	if (authenticator_wants_body(a))
 *		authenticator_body(a, piece);                as it streams
 *	authenticator_finish(a);                             at end of message
 *	authenticator_free(a);                               when nobody reads the facts any more
 *
 * All questions to the DNS go out side by side as soon as they are known, those
 * of the header while the body still comes; only _sender and _finish wait, and
 * for all waits of a message together no longer than the budget.  Steps may be
 * left out (a message without MAIL, or refused before its body): facts that
 * were not evaluated say so, and the checks that need them are skipped.
 *
 * What could not be told is neither good nor bad anywhere in here.
 */
#ifndef PRESEND_AUTH_AUTHENTICATION_H
#define PRESEND_AUTH_AUTHENTICATION_H

#include "auth/dkim.h"
#include "auth/dmarc.h"
#include "auth/existence.h"
#include "auth/expected.h"
#include "auth/spf.h"
#include "message/body.h"
#include "message/message.h"

/* What evaluations share: immutable but for what is behind the resolver; thread-safe. */
struct auth_services {
	struct resolver *resolver; /* NULL: every answer is "could not tell" */
	struct verifier_library *verifier;
	const struct suffix_list *suffixes; /* NULL: every top label is a public suffix */
	bool opendmarc; /* opinion_start was called: a second opinion is given */
};

struct auth_limits {
	struct patience *patience; /* of the message; must live as long as the authenticator */
	int64_t now;               /* as of when it is judged, seconds since the epoch */
	/* Is it a domain of ours (A-form)?  Its signatures are verified whoever the author is. */
	bool (*is_own)(const void *context, struct slice domain);
	const void *context;
};

/* Where the signature comes from that a receiver will see. */
enum auth_signer {
	AUTH_SIGNER_BEFORE, /* it is in the message by now */
	AUTH_SIGNER_AFTER,  /* it is added after us: nothing can be said, DKIM counts as passed */
	AUTH_SIGNER_TABLES, /* it is added after us, by a signer whose tables can be read */
};

/* How the message leaves; its parts must live as long as the authenticator. */
struct auth_route {
	const struct network *egress; /* of a network some addresses are tried: network_samples */
	size_t egress_count;          /* 0: not known, and SPF says nothing */
	struct slice helo;            /* the name that we give to receivers */
	enum auth_signer place;
	const struct signer *signer; /* TABLES */
};

enum {
	EGRESS_MAX = 96, /* addresses that SPF is evaluated for; further ones are not */
	/* author domains: one more than DMARC is evaluated for, to know that there are more */
	AUTH_AUTHORS_MAX = DMARC_AUTHORS_MAX + 1,
};

/* A domain that was looked up. */
struct domain_fact {
	struct slice name; /* A-form; not there: there was nothing to look up */
	struct existence existence;
};

/* How an identifier stands to the author domain, under both standards. */
struct alignment_fact {
	enum dmarc_alignment relaxed[DMARC_STANDARDS]; /* of the same organization */
	bool aligned[DMARC_STANDARDS];                 /* in the mode of the record that applies */
	bool unknown;                                  /* whether it is aligned could not be told */
};

struct spf_fact {
	const struct network *network; /* of the route's egress */
	struct ip ip;
	struct spf_outcome outcome;
	struct alignment_fact alignment;
};

/* The SPF record of the sender's domain by itself, for a route whose egress is not known. */
struct spf_record_fact {
	struct slice domain;  /* not there: not looked at */
	struct slice record;  /* not there: there is none, or several, or it could not be told */
	size_t count;         /* SPF records at the name */
	struct slice problem; /* its first syntax error; not there: none */
	size_t offset;        /* of that in the record */
	bool unknown;         /* the DNS did not say */
};

/* What the answer to the TXT question for the domain says of it; slices of answer and arena. */
struct spf_record_fact spf_record_fact_of(
    struct arena *arena, struct slice domain, const struct dns_answer *answer);

struct authentication {
	/* from authenticator_sender on */
	struct domain_fact sender; /* of MAIL FROM */

	/* from authenticator_finish on */
	bool finished;
	struct domain_fact author; /* not there unless all authors are of one domain, a host name */
	enum auth_signer signer;

	const struct signature *signatures;
	const struct alignment_fact *signature_alignment; /* of each */
	size_t signature_count, signature_total;
	struct body_facts body; /* zero where no signature needed it */

	struct expected expected;                        /* TABLES: what the signer will add */
	const struct alignment_fact *expected_alignment; /* of each */

	bool spf_evaluated; /* egress and a sender are known */
	const struct spf_fact *spf;
	size_t spf_count;
	struct spf_record_fact spf_record;

	bool dmarc_evaluated; /* there is an author domain */
	struct dmarc_verdict dmarc[DMARC_STANDARDS];
	struct slice opendmarc; /* how a receiver with OpenDMARC differs; not there: it does not */
};

struct authenticator;

/*
 * Begins; facts appear at message->authentication.  The message must outlive
 * the authenticator, as must services; limits are copied.
 */
struct authenticator *authenticator_new(const struct auth_services *services,
    const struct auth_limits *limits, struct message *message);

/* Looks up the domain of MAIL FROM, and waits for it. */
void authenticator_sender(struct authenticator *a);

/*
 * The header is parsed (message_end_header): prepares the verification of the
 * signatures and sends the questions out, without waiting.
 */
void authenticator_header(struct authenticator *a, const struct auth_route *route);

/* Does any octet of the body matter?  Else none need be given. */
bool authenticator_wants_body(const struct authenticator *a);

/* The next octets of the body, line ends as CRLF. */
void authenticator_body(struct authenticator *a, struct slice piece);

/* The body is complete: waits for the answers, and finds all facts. */
void authenticator_finish(struct authenticator *a);

/* Ends it, and with it what the facts point to; NULL is allowed. */
void authenticator_free(struct authenticator *a);

/* Might it verify for a receiver, though it did not here? */
static inline bool auth_signature_is_open(const struct signature *s)
{
	return s->result == SIGNATURE_TEMPERROR || s->fault == SIGNATURE_TOO_MANY;
}

#endif
