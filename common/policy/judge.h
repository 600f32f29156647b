/*
 * judge.h - from findings to one verdict.
 *
 * A front end keeps one struct judgement a message, calls judge_stage at each
 * stage whose inputs are complete, and then asks judge_decide what to do.  The
 * stage is finished before anything is decided: the record gets every finding,
 * the reply the worst.
 *
 * Three facts are kept apart: the verdict (what the rules say), the mode (what
 * was in force), the action (what is done).  Only policy_mode reads a mode.
 */
#ifndef PRESEND_POLICY_JUDGE_H
#define PRESEND_POLICY_JUDGE_H

#include <stdbool.h>

#include "check/check.h"
#include "message/message.h"
#include "policy/config.h"

/* What a front end is to do, from mild to harsh. */
enum outcome {
	OUTCOME_ACCEPT,
	OUTCOME_FLAG,
	OUTCOME_QUARANTINE,
	OUTCOME_TEMPFAIL,
	OUTCOME_REJECT,
};
const char *outcome_name(enum outcome outcome);

enum { REPLY_LINE_MAX = 500, REPLY_LINES = 2 };

struct reply {
	int code;	      /* 0: no reply, the message is taken */
	const char *enhanced; /* in the message's arena */
	struct slice lines[REPLY_LINES]; /* printable ASCII, REPLY_LINE_MAX octets at most */
	size_t line_count;
};

struct verdict {
	enum outcome verdict;		 /* what the rules say, whatever the mode */
	const struct finding *deciding;	 /* the finding behind it, or NULL */
	enum mode mode;			 /* in force for it; else for the message as a whole */
	struct reply reply;		 /* what the verdict would answer */
	enum outcome action;		 /* what is to be done: ACCEPT where audit is in force */
	const struct finding *acting;	 /* the finding behind the action, or NULL */
	struct reply action_reply;	 /* the answer to give when action refuses */
};

struct judgement {
	const struct config *config;
	struct message *message;
	struct check_selection selection; /* set by the caller before the first stage */
	bool verbose;
	bool audit_only; /* internal = audit: nothing is enforced for this message */
	struct findings findings;
};

/* Starts a judgement; everything it makes lives in the message's arena. */
void judge_begin(struct judgement *j, const struct config *config, struct message *message);

/*
 * Runs one stage and gives each new finding its action and mode, once and for
 * all.  rcpt as in checks_run.
 */
void judge_stage(struct judgement *j, enum stage stage, const struct path *rcpt);

/*
 * The verdict over the findings of the stages up to and including `last`, those
 * of single recipients left out (they concern their own RCPT: judge_rcpt).
 * The earliest stage that refuses decides; where none does, the harshest.
 */
struct verdict judge_decide(const struct judgement *j, enum stage last);

/* The verdict on the recipient whose stage has just run: over its findings alone. */
struct verdict judge_rcpt(const struct judgement *j, size_t first_finding);

/*
 * The mode in force for a check (NULL: for the message as a whole) and the
 * message: domain, then class, then global.  The only reader of a mode.
 */
enum mode policy_mode(const struct judgement *j, const struct check *check);

#endif
