/*
 * spf_suite.h - SPF cases from a text: the RFC 7208 suite, and generated ones.
 *
 *	# a comment
 *	== a scenario
 *	example.com. TXT "v=spf1 -all"		its records, as in a records file
 *	-- a case
 *	helo mail.example.com
 *	ip 192.0.2.1
 *	from ann@example.com
 *	result fail				acceptable ones, blanks between
 *	explanation				wanted of a fail
 *
 * Octets of helo and from are written as they are, or \DDD.
 */
#ifndef PRESEND_T_SPF_SUITE_H
#define PRESEND_T_SPF_SUITE_H

#include "auth/spf.h"
#include "base/arena.h"
#include "base/buf.h"

struct suite_case {
	struct suite_case *next;
	struct resolver *records; /* shared by the cases of a scenario */
	struct slice name;
	struct spf_query query;
	struct slice result, explanation; /* explanation: not there if any will do */
};

struct suite {
	struct arena *arena;
	struct suite_case *first;
	size_t count;
	struct resolver **scenarios;
	size_t scenario_count;
};

/* False with a line in errors.  suite_free ends it either way. */
bool suite_parse(struct suite *suite, struct slice text, struct buf *errors);
void suite_free(struct suite *suite);

/* Reads a whole file, at most 64 MB of it; "-" is standard input.  The caller frees data. */
bool suite_read_file(const char *path, struct slice *text);

/* Evaluates one case to its end over any resolver; *waits counts the waits. */
struct spf_outcome suite_evaluate(
    struct arena *arena, const struct spf_query *query, struct resolver *resolver, size_t *waits);

#endif
