/* facts.c - the configuration and the DNS for one evaluation. */
#include "tools/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/opendmarc.h"
#include "base/clock.h"
#include "base/log.h"
#include "tools/tools.h"

enum {
	TEXT_MAX = 1024 * 1024,
	FAULT_MAX = 4096, /* octets of a reason */
};

/*
 * What the command line names is an input, what the configuration names a part
 * of it: the exit status tells which is at fault.
 */
static int refuse(struct buf *errors, bool given)
{
	struct slice line = slice_trim(buf_slice(errors));

	log_line(LOG_LEVEL_ERROR, "%.*s", SLICE_ARG(line));
	return given ? STATUS_INPUT : STATUS_CONFIG;
}

/* A store that was opened all the same and cannot be read now; true if that will not do. */
static bool is_fatal(const struct options *o, const struct buf *warnings)
{
	return o->mailboxes_path && warnings->len > 0;
}

struct site *facts_site(const struct options *o, int *status)
{
	struct site_options options = {
		.offline = o->offline,
		.records = o->records,
		.suffix_list = o->psl,
		.egress = o->egress,
		.helo = o->egress_helo,
		.mailboxes = o->mailboxes,
	};
	struct config *config = options_config(o);
	struct site *site;
	struct buf errors;
	bool given;

	*status = STATUS_CONFIG;
	if (config == NULL)
		return NULL;
	options.opendmarc = opinion_start(o->psl != NULL ? o->psl : config->public_suffix_list);
	buf_init(&errors, FAULT_MAX);
	site = site_open(config, &options, &errors, &given);
	*status = STATUS_GOOD;
	if (site == NULL || is_fatal(o, &errors)) {
		*status = refuse(&errors, given || site != NULL);
		site_unref(site);
		site = NULL;
	} else if (errors.len > 0) {
		options_log_lines(LOG_LEVEL_WARNING, &errors);
	}
	buf_free(&errors);
	return site;
}

void facts_site_end(struct site *site)
{
	site_unref(site);
	opinion_end();
}

int facts_begin(struct facts *f, const struct options *o)
{
	int status;

	*f = (struct facts){ .options = o, .arena = arena_new() };
	buf_init(&f->text, TEXT_MAX);
	f->site = facts_site(o, &status);
	if (f->site != NULL)
		f->view = dns_view_new(f->arena, f->site->resolver,
		    clock_now_us() + (int64_t)(f->site->config->deadline * 1e6));
	return status;
}

bool facts_write(struct buf *text)
{
	bool good;

	fwrite(buf_text(text), 1, text->len, stdout);
	good = fflush(stdout) == 0 && !ferror(stdout);
	if (!good)
		log_line(LOG_LEVEL_ERROR, "standard output: %s", strerror(errno));
	buf_reset(text);
	return good;
}

int facts_print(struct facts *f, int status)
{
	return facts_write(&f->text) ? status : STATUS_OUTPUT;
}

void facts_end(struct facts *f)
{
	/* the view first: its open questions are the resolver's */
	dns_view_free(f->view);
	if (f->site != NULL)
		facts_site_end(f->site);
	buf_free(&f->text);
	arena_free(f->arena);
}
