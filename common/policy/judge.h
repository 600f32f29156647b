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
 *
 * Recipients.  A refusal by a check of STAGE_RCPT concerns the recipient at
 * hand: judge_rcpt says what to answer to that RCPT, and the action of the
 * message as a whole leaves it out.  The verdict counts it, so that whoever
 * judges without an SMTP dialogue learns of it too; it decides there only where
 * nothing refuses the message itself.  Such a finding that flags or holds does
 * so to the message, whose other recipients share it.
 */
#ifndef PRESEND_POLICY_JUDGE_H
#define PRESEND_POLICY_JUDGE_H

#include <stdbool.h>

#include "check/check.h"
#include "message/message.h"
#include "policy/config.h"
#include "policy/reply.h"

/* What a front end is to do, from mild to harsh. */
enum outcome {
	OUTCOME_ACCEPT,
	OUTCOME_FLAG,
	OUTCOME_QUARANTINE,
	OUTCOME_TEMPFAIL,
	OUTCOME_REJECT,
};
const char *outcome_name(enum outcome outcome);

/* What it points to lives as long as the message, for judge_rcpt until the next recipient. */
struct verdict {
	enum outcome verdict;           /* what the rules say, whatever the mode */
	const struct finding *deciding; /* the finding behind it, or NULL */
	enum mode mode;                 /* in force for it; else for the message as a whole */
	struct reply reply;             /* what the verdict would answer */
	enum outcome action;            /* what is to be done: ACCEPT where audit is in force */
	const struct finding *acting;   /* the finding behind the action, or NULL */
	struct reply action_reply;      /* the answer to give when action refuses */
	bool unknown;                   /* a check whose action is above log could not tell */
};

struct judgement {
	const struct config *config;
	struct message *message;

	/* set by the caller between judge_begin and the first stage */
	struct check_selection selection;
	bool verbose;
	bool audit_only; /* internal = audit: nothing is enforced for this message */

	struct findings findings;
	struct findings rcpt; /* of the recipient at hand; those kept are in findings too */
	struct reply_room *rcpt_rooms; /* of its replies: verdict and action */
	bool header_judged;            /* STAGE_EOH has run: the author is a fact */
};

/* Starts a judgement; everything it makes lives in the message's arena. */
void judge_begin(struct judgement *j, const struct config *config, struct message *message);

/*
 * Runs one stage and gives each new finding its action and mode, once and for
 * all.  rcpt as in checks_run.  Checks whose action is off do not run.  Of the
 * findings on recipients RCPT_FINDINGS_MAX are kept for the record, the harsher
 * ones first; the others are counted, and judge_rcpt sees them all the same.
 */
void judge_stage(struct judgement *j, enum stage stage, const struct path *rcpt);

/*
 * The verdict over the findings of the stages up to and including `last`.  The
 * earliest stage that refuses (tempfail, reject) decides, by its harshest
 * finding; where none refuses, the harshest of all; the first in table order
 * where two are alike.  The action is the same over what is enforced.
 */
struct verdict judge_decide(const struct judgement *j, enum stage last);

/* The verdict on the recipient whose stage has just run: over its findings alone. */
struct verdict judge_rcpt(const struct judgement *j);

/*
 * The mode in force for a check (NULL: for the message as a whole) and the
 * message: domain, then class, then global.  The only reader of a mode.
 */
enum mode policy_mode(const struct judgement *j, const struct check *check);

#endif
