/*
 * address.c - `presend address`: is there a mailbox, and which logins may use the address?
 *
 * The answers are those that the checks from.mailbox and from.login rest on.
 * Logs are read by from_log.c; upkeep.c compiles stores and wakes the daemon.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tools/address_facts.h"
#include "tools/facts.h"
#include "tools/from_log.h"
#include "tools/show_address.h"
#include "tools/tools.h"
#include "tools/upkeep.h"

enum { INPUT_LINE_MAX = 64 * 1024 }; /* octets; what is longer is no address, cut or whole */

struct job {
	const struct options *options;
	struct site *site;
	struct arena *arena; /* of the address at hand */
	struct buf text;
	int status;
};

/* False when the answer could not be written. */
static bool ask(struct job *job, struct slice address)
{
	const struct options *o = job->options;
	struct address_facts f;

	arena_reset(job->arena);
	address_facts_find(
	    &f, job->arena, job->site, options_bare_address(address), slice_of(o->auth));
	if (o->json)
		show_address_json(&job->text, &f, o->trace);
	else
		show_address(&job->text, &f, o->trace);
	address_facts_end(&f);
	job->status = address_facts_worse(job->status, address_facts_status(&f));
	if (facts_write(&job->text))
		return true;
	job->status = STATUS_OUTPUT;
	return false;
}

/* Addresses from standard input, one a line; blank lines are passed over. */
static bool ask_lines(struct job *job)
{
	struct buf line;
	bool good = true;
	int c;

	buf_init(&line, INPUT_LINE_MAX);
	do {
		buf_reset(&line);
		while ((c = getc_unlocked(stdin)) != EOF && c != '\n')
			buf_add_char(&line, (char)c);
		if (slice_trim(buf_slice(&line)).len > 0)
			good = ask(job, slice_trim(buf_slice(&line)));
	} while (good && c != EOF);
	if (good && ferror(stdin)) {
		log_line(LOG_LEVEL_ERROR, "standard input: %s", strerror(errno));
		job->status = STATUS_INPUT;
		good = false;
	}
	buf_free(&line);
	return good;
}

static void ask_operands(struct job *job)
{
	const struct words *operands = &job->options->operands;
	bool good = true;

	for (size_t i = 0; i < operands->count && good; i++)
		good = strcmp(operands->items[i], "-") == 0
			   ? ask_lines(job)
			   : ask(job, slice_of(operands->items[i]));
}

static int answer(const struct options *o, struct site *site)
{
	struct job job = { .options = o, .site = site, .arena = arena_new() };

	buf_init(&job.text, SHOW_ADDRESS_MAX);
	ask_operands(&job);
	buf_free(&job.text);
	arena_free(job.arena);
	return job.status;
}

/* What goes together: addresses, or a log, or upkeep. */
static int check_options(const struct options *o)
{
	bool upkeep = o->compile || o->flush;

	if (o->operands.count == 0 && o->from_log == NULL && !upkeep)
		return options_missing(o, "ADDRESS");
	if (o->operands.count > 0 && (o->from_log != NULL || upkeep))
		return options_bad_operand(o, o->operands.items[0],
		    "no address goes with --from-log, --compile or --flush");
	if (o->from_log != NULL && upkeep)
		return options_bad_operand(o, "--from-log", "not with --compile or --flush");
	if (o->from_log != NULL && o->auth != NULL)
		return options_bad_operand(o, "--auth", "with --from-log the log names the logins");
	return STATUS_GOOD;
}

int tool_address(const struct options *o)
{
	int status = check_options(o);
	struct site *site;

	if (status != STATUS_GOOD)
		return status;
	if (o->compile || o->flush)
		return upkeep(o);
	site = facts_site(o, &status);
	if (site == NULL)
		return status;
	if (directory_has_stores(site->directory)) {
		status = o->from_log != NULL ? from_log(o, site) : answer(o, site);
	} else {
		log_line(LOG_LEVEL_ERROR,
		    "address: there is no store to ask: set `directory` in the configuration, as in"
		    " directory = { \"postfix\" }, or give --mailboxes TYPE:PATH");
		status = STATUS_CONFIG;
	}
	facts_site_end(site);
	return status;
}
