/*
 * opendmarc.h - what a receiver with OpenDMARC 1.4 would make of a message.
 *
 * A second opinion, never the judge: libopendmarc reads records that are none
 * and aligns names that are not, and the operator should know when a receiver
 * differs for that reason.  Only its record parser, its alignment and its
 * conclusion are used: what it would ask the DNS was asked before (dmarc.h),
 * and no text of a message reaches it but names in A-form.
 *
 * The only file that includes <opendmarc/dmarc.h> is opendmarc.c.
 */
#ifndef PRESEND_AUTH_OPENDMARC_H
#define PRESEND_AUTH_OPENDMARC_H

#include "auth/dmarc.h"

/*
 * Gives the library the public suffix list, as text, that OpenDMARC's Debian
 * package is configured with; NULL: that very file.  False if it cannot be
 * read: the opinion is then that of a receiver without a list, to whom a name
 * is aligned with those above and below it.  The library keeps one list for
 * the process: to be called once, before threads start.
 */
bool opinion_start(const char *suffix_list);
void opinion_end(void);

/* What it says. */
struct opinion {
	bool read;           /* false: it refuses the record ("permerror"), and delivers */
	const char *problem; /* not read: why, in a few words */
	enum dmarc_policy p, sp;
	bool strict_dkim, strict_spf;
	unsigned pct;
	bool passes;
	enum dmarc_policy disposition; /* what it does, after pct and the result */
};

/*
 * Its opinion of the record that a receiver of its kind finds, that is of an
 * RFC 7489 verdict with a record text; of an author domain in A-form.  Neither
 * identifiers that are unknown nor names that are not in A-form count.
 */
struct opinion opinion_of(
    struct arena *arena, const struct dmarc_verdict *verdict, const struct dmarc_identifiers *ids);

/*
 * How it differs from the verdict, a sentence for people ("a receiver with
 * OpenDMARC 1.4 would ..."); not there: it does not.
 */
struct slice opinion_difference(
    struct arena *arena, const struct opinion *opinion, const struct dmarc_verdict *verdict);

#endif
