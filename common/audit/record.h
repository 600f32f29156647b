/*
 * record.h - the record of a verdict: one line for each judged message.
 */
#ifndef PRESEND_AUDIT_RECORD_H
#define PRESEND_AUDIT_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "audit/json.h"
#include "base/buf.h"
#include "base/slice.h"
#include "policy/judge.h"

enum {
	RECORD_MIN = 300,         /* the least ceiling that a record always fits in */
	RECORD_SYSLOG_MAX = 7000, /* octets of a record on syslog */
	RECORD_MAX = 1024 * 1024, /* anywhere else */
};

/* What only the front end knows of a message. */
struct record_facts {
	struct slice file;    /* name of the file as given; not there in the daemon */
	long long time_ms;    /* since the epoch, UTC */
	long long elapsed_us; /* spent on judging */
	bool bare;            /* `presend from`: author, from_raw and findings, no envelope */
};

/*
 * Appends one JSON object without a line end.  Nothing that came from the
 * message can leave its string.  ceiling: most octets, RECORD_MIN at least; the
 * buffer has room for them.  Where the record would be longer its long values
 * are cut, each with "…" at its end, its lists are shortened (the finding that
 * decides stays), and "truncated":true is set, as it is when findings were
 * dropped before; the JSON is valid whatever comes.
 */
void record_json(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out);

/*
 * The same facts as key=value pairs on one line, for reading; of the findings
 * the names, and in full the one that decides.  A value that is not made of
 * letters, digits and -_.@+:/,<>[]%* alone is in double quotes, with \" and \\
 * inside and other octets as utf8_escape writes them.
 */
void record_text(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out);

/* The parts of a record that both forms write alike. */

enum { RECORD_TIME_SIZE = 25 };

/* "2026-11-22T05:00:00.123Z"; what lies outside 1970 to 9999 is moved to its edge.  Returns out. */
const char *record_time(long long time_ms, char out[RECORD_TIME_SIZE]);

/* MAIL FROM without its brackets, "" for the null sender. */
struct slice record_mail_from(const struct message *m);

/* How much of a message one attempt at its record writes. */
struct record_level {
	size_t cut;   /* octets of a value; 0: all */
	size_t list;  /* members of a list */
	bool outline; /* only what is always there */
};

/* A finding, as a member of an array. */
void record_finding(struct json *json, const struct finding *f);

/* The attempts in turn, from the whole record to an outline that fits in RECORD_MIN. */
extern const struct record_level record_levels[];
extern const size_t record_level_count;

#endif
