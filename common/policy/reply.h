/*
 * reply.h - what the SMTP client is told when a message is refused.
 *
 * One line says which check, what is wrong, the token and its column; a second
 * one how to mend it.  Both are printable ASCII whatever the message held, so
 * that they can go over the wire as they are; a percent sign is left alone.
 */
#ifndef PRESEND_POLICY_REPLY_H
#define PRESEND_POLICY_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "check/check.h"

enum { REPLY_LINE_MAX = 500, REPLY_LINES = 2 };

struct reply {
	int code;                        /* 0: no reply, the message is taken */
	const char *enhanced;            /* as "5.1.7" */
	struct slice lines[REPLY_LINES]; /* printable ASCII, REPLY_LINE_MAX octets at most */
	size_t line_count;
};

/* Where the text of a reply stands. */
struct reply_room {
	char enhanced[8];
	char lines[REPLY_LINES][REPLY_LINE_MAX + 1];
};

/*
 * permanent: 553 to MAIL and RCPT (550 where the enhanced code is 5.7.27, RFC 7505 4.2), 550 after
 * the data (RFC 5321 4.3.2); else 451.
 */
int reply_code(enum stage stage, const char *enhanced, bool permanent);

/*
 * The refusal for that finding, with that code; one that is not permanent has the enhanced code in
 * class 4.  The reply points into the room.
 */
struct reply reply_make(struct reply_room *room, const struct finding *finding, bool permanent);

#endif
