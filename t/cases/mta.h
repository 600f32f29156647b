/*
 * mta.h - plays the mail server: the other side of the milter protocol.
 *
 * Says to a milter on a UNIX socket what Postfix or Sendmail would say of one
 * message, and takes down what it answers.  Written from the protocol, without
 * libmilter: what it agrees on with the daemon was agreed over the wire.  Only
 * macros that the milter asked for are sent, as a mail server would do it.
 * Every wait is bounded by MTA_WAIT_MS.
 */
#ifndef PRESEND_T_MTA_H
#define PRESEND_T_MTA_H

#include <stdbool.h>
#include <stddef.h>

enum {
	MTA_WAIT_MS = 30000,
	MTA_CHANGES_MAX = 32,
	MTA_TEXT_MAX = 2048,
};

struct mta_rcpt {
	const char *path;
	const char *mailer; /* NULL: the macro is not given */
};

/* Texts are NULL where the mail server does not know or does not say. */
struct mta_envelope {
	bool local; /* sendmail(1): from localhost, without a port */
	const char *client, *client_name, *helo;
	const char *login, *cert_subject, *daemon_name;
	const char *version; /* of the mail server: the macro v */
	const char *queue_id;
	const char *mail;
	bool smtputf8;
	const struct mta_rcpt *rcpts;
	size_t rcpt_count;
};

/* The steps of a transaction, in order. */
enum mta_step {
	MTA_CONNECT,
	MTA_HELO,
	MTA_MAIL,
	MTA_RCPT,
	MTA_DATA,
	MTA_HEADER,
	MTA_EOH,
	MTA_BODY,
	MTA_EOM,
	MTA_STEPS,
};
const char *mta_step_name(enum mta_step step);

struct mta_change {
	bool added; /* else changed, which with an empty value is a removal */
	unsigned index;
	char name[64];
	char value[512];
};

struct mta_answer {
	bool accepted;            /* else refused */
	enum mta_step step;       /* at which that was settled */
	char reply[MTA_TEXT_MAX]; /* of the refusal, lines parted by LF */
	size_t rcpts_refused;
	bool quarantined;
	struct mta_change changes[MTA_CHANGES_MAX];
	size_t change_count;
};

/*
 * Sends the message (header and body, line ends LF or CRLF).  False when the
 * conversation could not be held; error then says why.
 */
bool mta_send(const char *socket_path, const struct mta_envelope *e, const char *data, size_t len,
    struct mta_answer *answer, char error[MTA_TEXT_MAX]);

#endif
