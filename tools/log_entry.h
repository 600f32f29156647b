/*
 * log_entry.h - one line of a log, as far as it tells who sent as whom.
 *
 * Lines of Postfix, in which smtpd names the login and qmgr the envelope sender,
 * both by queue id:
 *
 *	... postfix/submission/smtpd[7]: 4C1: client=..., sasl_method=..., sasl_username=ann
 *	... postfix/qmgr[8]: 4C1: from=<ann@example.com>, size=1, nrcpt=1 (queue active)
 *	... postfix/qmgr[8]: 4C1: removed
 *
 * and our own records, as JSON and as text (audit/record.h), bare or behind what syslog
 * puts before them ("... presend-milter[9]: ").  Anything else tells nothing.
 *
 * A line is hostile: much in it was chosen by senders.  Nothing is taken from the
 * middle of a line, only from behind the tag of a program, in the order in which that
 * program writes.
 */
#ifndef PRESEND_TOOLS_LOG_ENTRY_H
#define PRESEND_TOOLS_LOG_ENTRY_H

#include "base/arena.h"
#include "base/slice.h"

enum log_entry_kind {
	LOG_NOTHING,
	LOG_RECORD,  /* of ours: address is the author's, login perhaps there */
	LOG_CUT,     /* of ours, but it does not tell the author's whole address, or is no record */
	LOG_CLIENT,  /* queue_id, and login where there is one: a message begins */
	LOG_SENDER,  /* queue_id, address: the envelope sender, "" for the null one */
	LOG_REMOVED, /* queue_id: the message is gone, its id may be used again */
};

/* Slices are of the line or live in the arena. */
struct log_entry {
	enum log_entry_kind kind;
	struct slice queue_id, address, login;
};

/* The line, without its end. */
struct log_entry log_entry_read(struct arena *arena, struct slice line);

#endif
