/*
 * expect.h - what a case expects of the record and of the answer that it got.
 *
 * Whatever the way by which a message was judged, what it has left is a struct
 * seen.  An expectation that is not of that way holds.
 */
#ifndef PRESEND_T_EXPECT_H
#define PRESEND_T_EXPECT_H

#include <jansson.h>
#include <stdbool.h>

#include "t/cases/case.h"
#include "t/cases/report.h"

enum { GOT_SIZE = 4096 };

/* What one way of judging has left. */
struct seen {
	enum way way;
	json_t *record;                  /* NULL: there was none */
	const struct mta_answer *answer; /* of the milter */
	int exit_status;                 /* of the command line */
};

const char *way_name(enum way way);

/* The value as text: "null" for null, "" where there is none. */
const char *text_at(const json_t *object, const char *key, char got[GOT_SIZE]);

/* Has the case an expectation of this kind? */
bool expects(const struct case_file *c, enum expect_kind kind);

/* Looks for all that the case expects; a fault for what does not hold. */
void check_expectations(const struct case_file *c, const struct seen *seen, struct report *report);

/* What the milter's client was told must be what the record says; a fault if not. */
void check_reply(const struct seen *seen, struct report *report);

#endif
