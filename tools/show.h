/*
 * show.h - results on standard output: what each message got, and their sum.
 *
 * Either a block a message for people (the offending line with a caret under
 * the octets, the reason, the fix) or a record a line for programs, flushed
 * one by one.  No octet of a message reaches the output unescaped.
 */
#ifndef PRESEND_TOOLS_SHOW_H
#define PRESEND_TOOLS_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/record.h"
#include "base/buf.h"
#include "policy/judge.h"
#include "tools/options.h"
#include "tools/progress.h"

enum { SHOW_OUTCOMES = OUTCOME_REJECT + 1 };

struct show {
	const char *what; /* that is judged: "messages" */
	bool json, verbose, colour;
	size_t width; /* columns of a line that shows a field */
	struct buf text;
	struct progress progress;
	size_t messages;
	size_t verdicts[SHOW_OUTCOMES]; /* how many messages got each */
	size_t unknown;                 /* were accepted with a question left open */
	size_t unreadable;              /* inputs that could not be read */
};

struct domain_report;

/* One judged message, or domain. */
struct result {
	struct slice title; /* what stands first in its block: a file name, a From body */
	const struct judgement *judgement;
	const struct verdict *verdict;
	struct record_facts facts;
	const struct words *rcpts;          /* the recipients as given, or NULL */
	const struct domain_report *domain; /* `presend domain`: shown in the place of a message */
};

void show_begin(struct show *s, const struct options *o);
void show_result(struct show *s, const struct result *r);

/* An input that cannot be read: a line on standard error, and exit status 66. */
void show_unreadable(struct show *s, const char *name, int error);

/* The closing line, where there were several; returns the exit status of it all. */
int show_end(struct show *s);

#endif
