/*
 * from.c - `presend from`: bare From field bodies.
 *
 * Texts are the operands, then standard input.  Each becomes the one field of a
 * message that has nothing else.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "policy/inquiry.h"
#include "tools/facts.h"
#include "tools/options.h"
#include "tools/show.h"
#include "tools/tools.h"

enum { BODY_MAX = 1024 * 1024 }; /* octets of a text; far over FROM_OCTETS_MAX, cut there */

struct job {
	const struct options *options;
	struct config *config;
	struct site *site; /* NULL: no check that was chosen asks anybody */
	struct check_selection selection;
	struct arena *arena;
	struct show show;
	struct buf body;
};

/* What a bare body can be asked without being a message. */
static bool default_on(const struct check *check)
{
	return strcmp(check->name, "from.syntax") == 0 ||
	       strcmp(check->name, "from.display-name") == 0;
}

/* The body as it would stand in a message: line ends are CRLF. */
static struct slice with_crlf(struct arena *arena, struct slice text)
{
	size_t len = 0;
	char *out;

	if (slice_find(text, '\n') == text.len)
		return text;
	out = arena_alloc(arena, text.len * 2);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
			out[len++] = '\r';
		out[len++] = text.data[i];
	}
	return (struct slice){ out, len };
}

/* Finds out about the author's domain; whoever wrote the field signs nothing yet. */
static struct inquiry *inquire(const struct job *job, struct message *m)
{
	struct inquiry *q = inquiry_new(job->site, m, options_now_ms(job->options) / 1000);

	inquiry_header(q);
	inquiry_finish(q);
	return q;
}

static void judge_body(struct job *job, struct slice text)
{
	long long begun = clock_now_us();
	const struct options *o = job->options;
	struct message *m;
	struct judgement j;
	struct inquiry *inquiry = NULL;
	struct verdict verdict;
	struct result result;

	arena_reset(job->arena);
	m = message_new(job->arena);
	m->transaction.smtputf8 = o->smtputf8;
	text = with_crlf(job->arena, text);
	message_add_field(m, SLICE("From"), text);
	message_end_header(m);
	judge_begin(&j, job->config, m);
	j.selection = job->selection;
	j.verbose = o->verbose;
	judge_stage(&j, STAGE_EOH, NULL);
	if (job->site != NULL)
		inquiry = inquire(job, m);
	judge_stage(&j, STAGE_EOM, NULL);
	verdict = judge_decide(&j, STAGE_EOM);
	result = (struct result){ .title = text, .judgement = &j, .verdict = &verdict };
	result.facts.bare = true;
	result.facts.time_ms = options_now_ms(o);
	result.facts.elapsed_us = clock_now_us() - begun;
	show_result(&job->show, &result);
	inquiry_free(inquiry);
}

/* Reads to the separator or the end into job->body; false when nothing was left. */
static bool read_body(struct job *job, int separator)
{
	bool any = false;
	int c;

	buf_reset(&job->body);
	while ((c = getc_unlocked(stdin)) != EOF && c != separator) {
		buf_add_char(&job->body, (char)c);
		any = true;
	}
	return any || c == separator;
}

static void judge_stdin(struct job *job)
{
	int separator = job->options->nul ? '\0' : '\n';

	while (read_body(job, separator)) {
		struct slice text = buf_slice(&job->body);

		if (separator == '\n' && text.len > 0 && text.data[text.len - 1] == '\r')
			text.len--;
		judge_body(job, text);
	}
	if (ferror(stdin))
		show_unreadable(&job->show, "standard input", errno);
}

/*
 * Leaves, of the checks at the end of a message, those of the From field: the
 * others speak of a message that is there.  True if one is left.
 */
static bool select_asking(struct check_selection *selection)
{
	bool any = false;

	for (size_t i = 0; i < check_count; i++) {
		if (checks[i].stage != STAGE_EOM)
			continue;
		if (!slice_starts_nocase(slice_of(checks[i].name), SLICE("from.")))
			selection->off[i] = true;
		any |= !selection->off[i];
	}
	return any;
}

/* False with the exit status: the configuration, and where it matters what it opens. */
static bool begin(struct job *job, int *status)
{
	if (!select_asking(&job->selection)) {
		job->config = options_config(job->options);
		*status = STATUS_CONFIG;
		return job->config != NULL;
	}
	job->site = facts_site(job->options, status);
	if (job->site != NULL)
		job->config = config_ref(job->site->config);
	return job->site != NULL;
}

int tool_from(const struct options *o)
{
	struct job job = { .options = o, .selection = options_selection(o, default_on) };
	int status;

	if (!begin(&job, &status))
		return status;
	job.arena = arena_new();
	buf_init(&job.body, BODY_MAX);
	show_begin(&job.show, o);
	for (size_t i = 0; i < o->operands.count; i++)
		judge_body(&job, slice_of(o->operands.items[i]));
	if (o->from_stdin)
		judge_stdin(&job);
	status = show_end(&job.show);
	buf_free(&job.body);
	arena_free(job.arena);
	config_unref(job.config);
	if (job.site != NULL)
		facts_site_end(job.site);
	return status;
}
