/*
 * session.h - one connection of the MTA, and the message on its way through it.
 *
 * Everything that is decided about a message is decided here, from plain
 * values: no word of libmilter, so callbacks.c alone knows how an answer is
 * given.  A session belongs to one thread at a time, not always the same.
 *
 * Between messages a session is a few dozen octets; a message has an arena and
 * a reference of the site, both taken at MAIL and given back at its
 * end, however it ends (session_end_message).
 *
 *   MAIL   whose message is it?  None of ours: accepted here, never earlier,
 *          since a login is known only now and an acceptance at connect would
 *          cover the whole connection
 *   RCPT   inside or outside?  At the first outside recipient MAIL is judged,
 *          and what it found is carried out; for a local submission at the end
 *          of the message, because Postfix would keep the mail in its queue
 *   EOH    the header is judged unless all recipients are inside; never an
 *          answer, since one would cost every good message a turn with the MTA;
 *          if it does not refuse, questions to the DNS go out
 *   body   is hashed for the signatures that matter
 *   EOM    the rest is judged, if the header did not refuse, and the verdict
 *          carried out
 */
#ifndef PRESEND_MILTER_SESSION_H
#define PRESEND_MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/net.h"
#include "milter/service.h"
#include "policy/judge.h"

enum {
	NAME_KEPT = 255,         /* octets kept of a client's name and HELO: RFC 5321's limit */
	FLAG_VALUE_MAX = 900,    /* octets of the flag header, names of checks and folds */
	FLAGS_REMOVED_MAX = 100, /* forged flag headers that are removed: the first so many */
};

struct passage; /* the message on its way: of session.c */

struct session {
	struct service *service;
	struct passage *passage; /* NULL between messages */
	char *client_name, *helo;
	struct ip client;
	bool local_submission; /* sendmail(1): from localhost, without a port */
	bool leading_space;    /* negotiated: header bodies come and go with their first blank */
};

/* What the MTA is told. */
enum answer_kind {
	ANSWER_CONTINUE,
	ANSWER_ACCEPT,      /* the message is over for us */
	ANSWER_REFUSE_RCPT, /* this recipient is refused */
	ANSWER_REFUSE,      /* the message is refused, and over */
};

struct answer {
	enum answer_kind kind;
	struct reply reply; /* of a refusal; in the message's memory */
	bool one_line; /* a local submission: Postfix puts the reply into a bounce as one line */
};

/* What is to be done to an accepted message; in the message's memory. */
struct changes {
	const char *flag_name;
	const char *flag_value; /* NULL: no flag header is added */
	size_t flags_present;   /* fields of that name to remove first */
	const char *hold;       /* the reason for the MTA's hold, NULL: none */
};

/* Macros of the MTA at MAIL; each NULL where it did not say. */
struct mail_macros {
	const char *daemon_name, *mta_name, *login, *cert_subject, *verify, *version, *client_addr;
};

struct session *session_new(struct service *service, bool leading_space);

/* Ends the message too; NULL is allowed. */
void session_free(struct session *s);

/* address is NULL where the MTA knows none. */
void session_connect(struct session *s, const char *name, const struct sockaddr *address);

/* Comes again after STARTTLS. */
void session_helo(struct session *s, const char *name);

/* argv: the path, then the parameters of MAIL, then NULL. */
struct answer session_mail(struct session *s, const struct mail_macros *macros, char **argv);

/* mailer and queue_id are NULL where the MTA did not say. */
struct answer session_rcpt(
    struct session *s, const char *path, const char *mailer, const char *queue_id);

void session_header(struct session *s, const char *name, const char *body);
void session_end_header(struct session *s, const char *queue_id);

/* The next octets of the body. */
void session_body(struct session *s, struct slice piece);

/* changes are set where the answer is to accept. */
struct answer session_end(struct session *s, const char *queue_id, struct changes *changes);

/* Gives back all that belongs to the message, if there is one. */
void session_end_message(struct session *s);

#endif
