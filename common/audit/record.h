/*
 * record.h - the record of a verdict: one line for each judged message.
 */
#ifndef PRESEND_AUDIT_RECORD_H
#define PRESEND_AUDIT_RECORD_H

#include "base/buf.h"
#include "policy/judge.h"

enum {
	RECORD_SYSLOG_MAX = 7000,  /* octets of a record on syslog */
	RECORD_MAX = 1024 * 1024,  /* anywhere else */
};

/* What only the front end knows of a message. */
struct record_facts {
	struct slice file;     /* name of the file as given; not there in the daemon */
	long long time_ms;     /* since the epoch, UTC */
	long long elapsed_us;  /* spent on judging */
	bool bare;	       /* `presend from`: author, from_raw and findings, no envelope */
};

/*
 * Appends one JSON object without a line end.  Nothing that came from the
 * message can leave its string.  ceiling: most octets; where the record would
 * be longer its long values are cut, each with "…" at its end, and
 * "truncated":true is set; the JSON is valid whatever comes.
 */
void record_json(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out);

/* The same facts as key=value pairs on one line, values quoted where they need it. */
void record_text(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out);

#endif
