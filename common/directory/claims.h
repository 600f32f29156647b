/*
 * claims.h - whom a message claims to come from, and what the directory knows of
 * them: is there a mailbox, and may this login use the address.
 *
 *	claims     the facts, kept by the message; checks and records read them
 *	claimant   the evaluation under way, one a message
 *
 *	c = claimant_new(directory, patience, message);     MAIL is known
 *	claimant_sender(c);                                 at the first recipient,
 *	claimant_sender_finish(c);                          when the DNS was waited for
 *	claimant_header(c);                                 the header is parsed
 *	claimant_finish(c);                                 at end of message
 *	claimant_free(c);                                   when nobody reads the facts any more
 *
 * As with auth/authentication.h, questions go out as soon as they are known, only
 * the two that finish wait, and what could not be told is neither yes nor no.
 *
 * An envelope sender that a forwarder or list wrote is nobody's address: SRS and
 * VERP make no claim, BATV claims the address inside it.
 */
#ifndef PRESEND_DIRECTORY_CLAIMS_H
#define PRESEND_DIRECTORY_CLAIMS_H

#include "base/patience.h"
#include "directory/directory.h"
#include "message/message.h"

enum claim_kind { CLAIM_MAIL_FROM, CLAIM_FROM, CLAIM_SENDER, CLAIM_RESENT, CLAIM_KINDS };

enum { CLAIM_AUTHORS_MAX = 20 }; /* of several authors: further ones leave the answer open */

/* "MAIL FROM", "From", "Sender", "Resent-From" */
const char *claim_name(enum claim_kind kind);

struct claim {
	struct slice address; /* not there: the message makes no such claim, or no good one */
	struct slice domain;  /* of it, as written */
	struct directory_result found;
	bool has_use; /* a login is known */
	struct directory_use use;
};

/* What a relay that takes certain senders only says of the message; set by policy/identity.h. */
struct identity_fact {
	const char *name;     /* of the identity that applies; NULL: none does */
	bool allows_from;     /* some identity lets this From be used */
	const char *field;    /* that it does not let be used: "From", ...; NULL: none */
	struct slice address; /* in that field */
};

struct claims {
	struct claim list[CLAIM_KINDS];
	/*
	 * Who hands the message in: the session's login; of a local submission the Unix
	 * account that MAIL FROM names, as far as sendmail(1) can be believed.  Not there: nobody
	 * that is known.
	 */
	struct slice login;
	/*
	 * Where there are several authors: each of them, for a login has to be allowed to
	 * use them all.  Nothing else is asked about these.
	 */
	struct claim *authors;
	size_t author_count;
	bool authors_left;  /* there are more, or some that cannot be read */
	bool has_directory; /* there is a store to be asked */
	bool tells_domains; /* it knows which domains are ours */
	bool sender_told;   /* MAIL FROM was asked about */
	bool finished;      /* so were the others */
	/* Is the From domain served here?  Set without a directory too: by own_domains. */
	enum directory_served from_served;
	struct identity_fact identity;
};

struct claimant;

/*
 * Begins; facts appear at message->claims.  directory may be NULL: then nothing is
 * known but what the message claims.  Message, patience and directory must
 * outlive it.
 */
struct claimant *claimant_new(
    struct directory *directory, struct patience *patience, struct message *message);

/* Notes what MAIL FROM claims, and sends the questions out. */
void claimant_sender(struct claimant *c);

/* Waits for the answers about MAIL FROM. */
void claimant_sender_finish(struct claimant *c);

/* Is the domain served here?  Asks and waits; not SERVED_PENDING. */
enum directory_served claimant_serves(struct claimant *c, struct slice domain);

/* Notes what is claimed in the header, and sends the questions out. */
void claimant_header(struct claimant *c);

/* Waits for the answers. */
void claimant_finish(struct claimant *c);

void claimant_free(struct claimant *c); /* NULL is allowed */

/* The facts to be completed by policy: own_domains, identities. */
struct claims *claimant_claims(struct claimant *c);

#endif
