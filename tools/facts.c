/* facts.c - the configuration and the DNS for one evaluation. */
#include "tools/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "dns/records.h"
#include "dns/unbound.h"
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

/* The resolver of the configuration; offline none. */
static bool begin_network(struct facts *f, struct buf *errors)
{
	const struct string_list *servers = &f->config->resolver;
	const struct unbound_options options = {
		.servers = (const char *const *)servers->items,
		.server_count = servers->count,
	};

	if (f->options->offline)
		return true;
	f->resolver = unbound_resolver_new(&options, errors);
	return f->resolver != NULL;
}

/* The records file before what there is. */
static bool begin_records(struct facts *f, struct buf *errors)
{
	const char *path = f->options->records;

	if (path == NULL)
		path = f->config->records;
	if (path == NULL)
		return true;
	f->resolver = records_resolver_load(path, f->resolver, errors);
	return f->resolver != NULL;
}

int facts_begin(struct facts *f, const struct options *o)
{
	struct buf errors;
	int status = STATUS_GOOD;

	*f = (struct facts){ .options = o, .arena = arena_new() };
	buf_init(&f->text, TEXT_MAX);
	f->config = options_config(o);
	if (f->config == NULL)
		return STATUS_CONFIG;
	buf_init(&errors, FAULT_MAX);
	if (!begin_network(f, &errors))
		status = refuse(&errors, false);
	else if (!begin_records(f, &errors))
		status = refuse(&errors, o->records != NULL);
	else
		f->view = dns_view_new(
		    f->arena, f->resolver, dns_now_us() + (int64_t)(f->config->deadline * 1e6));
	buf_free(&errors);
	return status;
}

const char *facts_suffix_path(const struct facts *f)
{
	return f->options->psl != NULL ? f->options->psl : f->config->public_suffix_list;
}

int facts_suffixes(struct facts *f, struct suffix_list **list)
{
	struct buf errors;
	int status = STATUS_GOOD;

	buf_init(&errors, FAULT_MAX);
	*list = suffix_list_load(facts_suffix_path(f), &errors);
	if (*list == NULL)
		status = refuse(&errors, f->options->psl != NULL);
	buf_free(&errors);
	return status;
}

int facts_print(struct facts *f, int status)
{
	fwrite(buf_text(&f->text), 1, f->text.len, stdout);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_line(LOG_LEVEL_ERROR, "standard output: %s", strerror(errno));
	return STATUS_OUTPUT;
}

void facts_end(struct facts *f)
{
	/* the view first: its open questions are the resolver's */
	dns_view_free(f->view);
	resolver_free(f->resolver);
	config_unref(f->config);
	buf_free(&f->text);
	arena_free(f->arena);
}
