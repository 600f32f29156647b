/*
 * message.h - the snapshot: all that is known of one message.
 *
 * A front end (milter, command line, test) fills it in the order in which an
 * MTA tells of a message: transaction, MAIL, RCPT, header fields, end of the
 * header.  It only grows; checks read it and never change it.  Everything in it
 * lives in its arena.  Facts that are computed from it (the parsed author) are
 * kept beside it, each computed once.
 *
 * Ceilings, and what happens there:
 *   fields        MESSAGE_FIELDS_MAX, MESSAGE_HEADER_MAX octets: further fields
 *                 are counted but not kept, and `fields_dropped` says how many;
 *                 from the field on that passes either; the fields that checks
 *                 read by name (From, Sender, Reply-To, Message-ID, Date,
 *                 Return-Path, List-Id) are kept beyond it, up to
 *                 MESSAGE_NAMED_MAX of each name
 *   a body        MESSAGE_FIELD_MAX octets are kept of it; `header_octets`
 *                 counts all, and a From that long is FIELD_LONG anyway
 *   recipients    counted without limit; MESSAGE_DOMAINS_MAX domains are kept
 */
#ifndef PRESEND_MESSAGE_MESSAGE_H
#define PRESEND_MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/net.h"
#include "base/slice.h"
#include "syntax/from.h"
#include "syntax/path.h"

enum {
	MESSAGE_FIELDS_MAX = 5000,
	MESSAGE_HEADER_MAX = 1024 * 1024,
	MESSAGE_FIELD_MAX = 64 * 1024,
	MESSAGE_NAMES = 7, /* how many names are kept beyond the limit */
	MESSAGE_NAMED_MAX = 8,
	MESSAGE_DOMAINS_MAX = 50,
	MESSAGE_CUT_AT =
	    59000, /* a body this long may have been cut by the MTA (libmilter of Postfix) */
};

/* Who hands the message in; decided at MAIL by common/policy/class.c. */
enum sender_class {
	CLASS_NONE, /* not ours to judge; the command line judges it under the global settings */
	CLASS_LISTENER,
	CLASS_AUTHENTICATED,
	CLASS_LOCAL,
	CLASS_SUBMITTER,
	SENDER_CLASSES,
};

/* The class's word in configuration and records, "none" for CLASS_NONE. */
const char *sender_class_name(enum sender_class class);

/* The program that calls us: some findings depend on what it will still mend. */
enum mta { MTA_UNKNOWN, MTA_POSTFIX, MTA_SENDMAIL };

/* From the macro v: "Postfix 3.7.11", "8.17.1.9/8.17.1.9". */
enum mta mta_from_version(const char *v);

/*
 * What is known before the first header field.  The slices are not there when
 * the MTA did not say.
 */
struct transaction {
	struct ip client;
	struct slice client_name; /* as the MTA names it: never proof of anything */
	struct slice helo;
	struct slice daemon_name;
	struct slice mta_name;     /* {j}: the MTA's own name */
	struct slice login;        /* {auth_authen} */
	struct slice cert_subject; /* of a client certificate that the MTA verified */
	struct slice queue_id;
	enum mta mta;
	bool local_submission; /* by sendmail(1): connect from localhost without a port */
	bool smtputf8;
	enum sender_class class;
};

struct field {
	struct slice name;
	struct slice body; /* everything after the colon, folds as CRLF, no line end behind it */
};

struct authentication;
struct claims;

struct message {
	struct arena *arena;
	struct transaction transaction;
	const struct authentication *authentication; /* auth/authentication.h; NULL: none */
	const struct claims *claims;                 /* directory/claims.h; NULL: none */

	struct path mail_from;      /* parsed by message_set_mail */
	bool has_mail;              /* MAIL was seen: false for `presend from` */
	struct slice *rcpt_domains; /* distinct, lower case, at most MESSAGE_DOMAINS_MAX */
	size_t rcpt_domain_count;
	size_t rcpt_count;
	char *rcpt_text; /* of message.c: the path at hand */
	size_t rcpt_room;

	struct field *fields; /* in order */
	size_t field_count;   /* kept */
	size_t fields_dropped;
	size_t header_octets; /* of all fields, dropped ones too, with colon and CRLF */
	size_t field_room;    /* of message.c */
	size_t named_count[MESSAGE_NAMES]; /* of message.c: kept fields of those names */

	const struct from_field **from; /* all kept From fields, parsed by message_end_header */
	size_t from_count;              /* of the fields kept */
	size_t from_total;              /* those not kept too */
};

/* An empty message in that arena; it dies with the arena. */
struct message *message_new(struct arena *arena);

/* Copies and parses the argument of MAIL FROM, with or without brackets. */
void message_set_mail(struct message *m, struct slice path);

/*
 * Copies and parses the argument of RCPT TO, counts it and keeps its domain.
 * The path is valid until the next call: a hundred thousand recipients must
 * not pile up.  Policy copies what findings keep of it.
 */
struct path message_add_rcpt(struct message *m, struct slice path);

/*
 * Appends a field.  Folds may come as CRLF or bare LF before a blank and are
 * kept as CRLF; a CR or LF that folds nothing is kept as it is (a fault that
 * the parser reports).  name is without blanks and colon.
 */
void message_add_field(struct message *m, struct slice name, struct slice body);

/* The nth (from 0) kept field of that name, case of letters aside, or NULL. */
const struct field *message_field(const struct message *m, struct slice name, size_t nth);

/* How many fields of that name were kept. */
size_t message_count(const struct message *m, struct slice name);

/* The header is complete: parses the author. */
void message_end_header(struct message *m);

/* The one address that was read as the author, or NULL if none or several were. */
const struct mailbox *message_author(const struct message *m);

#endif
