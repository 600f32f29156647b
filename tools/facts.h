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
#include "auth/psl.h"
#include "base/arena.h"
#include "base/buf.h"
#include "dns/view.h"
#include "policy/config.h"
#include "tools/options.h"

struct facts {
	const struct options *options;
	struct config *config;
	struct arena *arena;
	struct resolver *resolver; /* NULL: nobody is asked */
	struct dns_view *view;
	struct buf text; /* what will stand on standard output */
};

/*
 * STATUS_GOOD, else the exit status, with the reason on standard error.
 * facts_end ends it either way.
 */
int facts_begin(struct facts *f, const struct options *o);

/* The list of --psl, else of the configuration; as facts_begin. */
int facts_suffixes(struct facts *f, struct suffix_list **list);

/* The path of that list, NULL: the system's. */
const char *facts_suffix_path(const struct facts *f);

/* Writes the text out; the status, or that of an output that cannot be written. */
int facts_print(struct facts *f, int status);

void facts_end(struct facts *f);

#endif
