/*
 * tools.h - the subcommands of presend, one file each.
 *
 * A subcommand is a function from what the command line said to an exit
 * status.  It runs the very rows that the daemon runs, and knows nothing of
 * an MTA.
 */
#ifndef PRESEND_TOOLS_TOOLS_H
#define PRESEND_TOOLS_TOOLS_H

struct options;

/* Exit statuses; those from 64 on are the numbers of sysexits.h. */
enum {
	STATUS_GOOD = 0,    /* no finding that would be acted on */
	STATUS_ACTED = 1,   /* a message would be flagged, held or refused */
	STATUS_UNKNOWN = 2, /* none of these, but one could not be told or would be put off */
	STATUS_USAGE = 64,
	STATUS_INPUT = 66,  /* an input cannot be read */
	STATUS_OUTPUT = 74, /* the results cannot be written */
	STATUS_CONFIG = 78,
};

int tool_check(const struct options *o);
int tool_from(const struct options *o);
int tool_checks(const struct options *o);
int tool_spf(const struct options *o);
int tool_dmarc(const struct options *o);
int tool_domain(const struct options *o);
int tool_address(const struct options *o);

#endif
