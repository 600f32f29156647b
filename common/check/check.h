/*
 * check.h - THE table of checks.
 *
 * A check is a pure function over the snapshot and its facts that adds
 * findings.  It asks nobody, changes nothing, knows neither configuration nor
 * modes: what becomes of a finding is policy's part.  Its row says when it can
 * run, what it needs, and all that manual, configuration and replies have to
 * know of it.  To add a check: write the function, the row, the page in
 * presend-checks(7).
 */
#ifndef PRESEND_CHECK_CHECK_H
#define PRESEND_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "message/message.h"
#include "syntax/error.h"

/* The earliest moment at which a check's inputs are complete, in the order of a transaction. */
enum stage { STAGE_MAIL, STAGE_RCPT, STAGE_EOH, STAGE_EOM, STAGES };

/* "mail", "rcpt", "eoh", "eom". */
const char *stage_name(enum stage stage);

/* What to do about a finding, from mild to harsh. */
enum action {
	ACTION_OFF,
	ACTION_LOG,
	ACTION_FLAG,
	ACTION_QUARANTINE,
	ACTION_TEMPFAIL,
	ACTION_REJECT,
	ACTIONS,
};

/* Its word in configuration and records: "off", "log", ... */
const char *action_name(enum action action);
bool action_parse(const char *word, enum action *action);

/* What a check reads; a row whose needs are not all there is skipped. */
enum need {
	NEED_MAIL = 1 << 0,           /* the reverse-path */
	NEED_RCPT = 1 << 1,           /* the forward-path at hand */
	NEED_HEADER = 1 << 2,         /* the header fields are complete */
	NEED_FROM = 1 << 3,           /* at least one From field that is not blank */
	NEED_SENDER_DOMAIN = 1 << 4,  /* the sender has a domain that was looked up */
	NEED_AUTHENTICATION = 1 << 5, /* its facts are complete */
	NEED_AUTHOR_DOMAIN = 1 << 6,  /* all authors are of one domain, a host name */
	NEED_DMARC = 1 << 7,          /* DMARC was evaluated: there is an author domain */
	NEED_SIGNATURE = 1 << 8,      /* the signature for the receiver is made before us */
	NEED_EGRESS = 1 << 9,         /* SPF was evaluated: sender and egress are known */
	NEED_SPF_RECORD = 1 << 10,    /* the sender's SPF record was looked up */
	NEED_SENDER_CLAIM = 1 << 11,  /* a store was asked about MAIL FROM, and it is ours */
	NEED_SENDER_LOGIN = 1 << 12,  /* a store was asked whether the login may use it */
	NEED_FROM_CLAIM = 1 << 13,    /* a store was asked about From, and it is ours */
	NEED_FROM_LOGIN = 1 << 14,    /* a store was asked whether the login may use it */
	NEED_FROM_SERVED =
	    1 << 15, /* somebody tells which domains are ours, and there is one author */
	NEED_IDENTITY = 1 << 16, /* an identity applies to the message */
};

struct check_run;

struct check {
	const char *name;
	enum stage stage;
	unsigned needs;       /* of enum need */
	enum action action;   /* the default */
	bool own;             /* it holds for domains of our own, for others ACTION_LOG */
	const char *enhanced; /* enhanced status code of its reply, as "5.1.7" */
	void (*run)(struct check_run *run);
	const char *summary; /* what it fails on, one line */
};

/* The rows, in table order: ties of actions are broken by it. */
extern const struct check checks[];
extern const size_t check_count;
enum { CHECKS_MAX = 64 }; /* no table is longer: arrays per check have this size */

/*
 * The checks that have a name but no row yet, NULL at the end: a configuration written for a
 * later version may name them.  A check that gets its row leaves this list.
 */
extern const char *const planned_checks[];

/* Index of the row of that name, or -1. */
int check_find(struct slice name);

/* Does the pattern match any row?  A whole name, or "*" for any octets, "." included. */
bool check_pattern_known(const char *pattern);

enum finding_result { FINDING_FAIL, FINDING_UNKNOWN, FINDING_PASS, FINDING_SKIPPED };
const char *finding_result_name(enum finding_result result);

struct finding {
	const struct check *check;
	enum finding_result result;
	enum action at_most;  /* the contract's "log only" cases: caps the configured action */
	const char *enhanced; /* overrides the check's, or NULL */
	const char *field;    /* "From", "MAIL FROM", "RCPT TO", or NULL */
	bool has_offset;
	size_t offset;       /* octets from 0 in the field's body, or in the path as given */
	struct slice token;  /* raw octets; escaped only when written */
	struct slice reason; /* a sentence without a full stop; may hold raw octets */
	size_t told;         /* octets of reason that a client is told; 0: all of it */
	struct slice fix;    /* what to do; may hold raw octets; not there when nothing is known */
	const char *rfc;

	/* filled in by policy */
	enum action action; /* configured, after exemption and caps */
	bool enforced;      /* the mode in force for it */
};

enum {
	FINDINGS_MAX = 100,     /* of a message: further ones are counted only */
	RCPT_FINDINGS_MAX = 20, /* of them at RCPT */
};

struct findings {
	struct finding *list;
	size_t count, room;
	size_t dropped;
};

/* What a running check sees. */
struct check_run {
	const struct check *check;
	const struct message *message;
	const struct path *rcpt; /* the forward-path at hand, or NULL */
	struct findings *out;
	struct arena *arena; /* the message's */
	bool found;          /* it has added a finding */
};

/*
 * Adds a finding of the running check, as given but for `check`; a missing
 * at_most (ACTION_OFF) means no cap.  Past the ceilings it is only counted.
 * Returns the finding as kept, or NULL.
 */
struct finding *check_add(struct check_run *run, struct finding finding);

/* Adds what a grammar function found: sentence, fix, RFC from its table, the token from text. */
struct finding *check_add_syntax(
    struct check_run *run, const char *field, struct slice text, const struct syntax_error *error);

/* Which checks run: indexed like the table. */
struct check_selection {
	bool off[CHECKS_MAX];
};

/*
 * Runs the rows of one stage that are not off and appends their findings; with
 * verbose also a PASS or SKIPPED row for each that found nothing.  rcpt is the
 * path at hand for STAGE_RCPT, else NULL.
 */
void checks_run(enum stage stage, const struct message *message, const struct path *rcpt,
    const struct check_selection *selection, bool verbose, struct findings *out);

#endif
