/*
 * facts.h - what a subcommand needs that evaluates by itself: the configuration
 * and the DNS as the command line wants it.
 *
 * The DNS is libunbound with the `resolver` of the configuration, with a records
 * file before it; offline the file alone, or nothing, and then every question
 * is one that could not be told.
 */
#ifndef PRESEND_TOOLS_FACTS_H
#define PRESEND_TOOLS_FACTS_H

#include "audit/json.h"
#include "base/arena.h"
#include "base/buf.h"
#include "dns/view.h"
#include "policy/site.h"
#include "tools/options.h"

/*
 * What the configuration opens, with what the command line puts in its place,
 * and libopendmarc for a second opinion.  NULL with the exit status and the
 * reason on standard error; else ended by facts_site_end.
 */
struct site *facts_site(const struct options *o, int *status);
void facts_site_end(struct site *site);

struct facts {
	const struct options *options;
	struct site *site;
	struct arena *arena;
	struct dns_view *view;
	struct buf text; /* what will stand on standard output */
};

/*
 * STATUS_GOOD, else the exit status, with the reason on standard error.
 * facts_end ends it either way.
 */
int facts_begin(struct facts *f, const struct options *o);

/* Writes the text to standard output and empties it; false with the reason on standard error. */
bool facts_write(struct buf *text);

/* Writes the text out; the status, or that of an output that cannot be written. */
int facts_print(struct facts *f, int status);

void facts_end(struct facts *f);

#endif
