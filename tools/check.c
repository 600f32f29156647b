/*
 * check.c - `presend check`: message files, judged as the milter would.
 *
 * One arena serves all files in turn; the configuration is read once.  The
 * header is complete before anything is judged, since the default envelope
 * comes from it; the stages then run in the order of a transaction, all of
 * them whatever they find.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "message/file.h"
#include "policy/class.h"
#include "policy/inquiry.h"
#include "tools/facts.h"
#include "tools/options.h"
#include "tools/show.h"
#include "tools/tools.h"
#include "tools/walk.h"

struct job {
	const struct options *options;
	struct site *site;
	struct check_selection selection;
	struct arena *arena;
	struct show show;

	/* of the message at hand */
	struct message *message;
	struct inquiry *inquiry;
	struct judgement judgement;
	long long elapsed_us;
};

static void new_message(struct job *job)
{
	const struct options *o = job->options;
	struct transaction *t;

	inquiry_free(job->inquiry);
	job->inquiry = NULL;
	arena_reset(job->arena);
	job->message = message_new(job->arena);
	t = &job->message->transaction;
	t->client = o->client;
	t->helo = slice_of(o->helo);
	t->login = slice_of(o->auth);
	t->smtputf8 = o->smtputf8;
	t->class = class_decide(job->site->config, t);
	judge_begin(&job->judgement, job->site->config, job->message);
	job->judgement.selection = job->selection;
	job->judgement.verbose = o->verbose;
}

/*
 *   return = "Return-Path:" path CRLF         RFC 5322 3.6.7
 *
 * The path in it as it stands, faults and all; not there when the field is blank.
 */
static struct slice return_path(const struct message *m)
{
	const struct field *field = message_field(m, SLICE("Return-Path"), 0);
	struct slice body;
	size_t open, close;

	if (field == NULL)
		return (struct slice){ 0 };
	body = slice_trim(field->body);
	open = slice_find(body, '<');
	close = slice_find_last(body, '>');
	if (open < close && close < body.len)
		return slice_part(body, open, close + 1);
	return body.len == 0 ? (struct slice){ 0 } : body;
}

/*
 * The author's address as a path; not there unless it is a good one: what is
 * wrong with it is the From field's fault, and is not to be reported twice.
 */
static struct slice author_path(const struct message *m)
{
	const struct mailbox *author = message_author(m);
	struct slice text;
	struct path path;

	if (author == NULL || author->shaky)
		return (struct slice){ 0 };
	text = arena_printf(m->arena, "<%.*s>", SLICE_ARG(author->address));
	path = path_parse(m->arena, text, m->transaction.smtputf8);
	if (path.error.code != SYNTAX_OK || path.too_long.code != SYNTAX_OK)
		return (struct slice){ 0 };
	return text;
}

/*
 * The envelope sender: as given, else where the message says it came from, else
 * its author.  A message that names none has no envelope to judge, rather than
 * the null sender, which would spare it.
 */
static void set_sender(struct job *job)
{
	const char *given = job->options->mail_from;
	struct slice path;

	if (given != NULL) {
		path = *given == '\0' ? SLICE("<>") : slice_of(given);
	} else {
		path = return_path(job->message);
		if (path.data == NULL)
			path = author_path(job->message);
	}
	if (path.data != NULL)
		message_set_mail(job->message, path);
}

/* All that can be judged once the header is complete. */
static void judge_header(void *context)
{
	struct job *job = context;
	long long begun = clock_now_us();

	message_end_header(job->message);
	set_sender(job);
	job->inquiry = inquiry_new(job->site, job->message, options_now_ms(job->options) / 1000);
	inquiry_sender(job->inquiry);
	judge_stage(&job->judgement, STAGE_MAIL, NULL);
	for (size_t i = 0; i < job->options->rcpts.count; i++) {
		struct path rcpt =
		    message_add_rcpt(job->message, slice_of(job->options->rcpts.items[i]));

		judge_stage(&job->judgement, STAGE_RCPT, &rcpt);
	}
	judge_stage(&job->judgement, STAGE_EOH, NULL);
	inquiry_header(job->inquiry);
	job->elapsed_us = clock_now_us() - begun;
}

static void take_body(void *context, const char *data, size_t len)
{
	struct job *job = context;
	long long begun = clock_now_us();

	inquiry_body(job->inquiry, (struct slice){ data, len });
	job->elapsed_us += clock_now_us() - begun;
}

static void finish(struct job *job, const char *name)
{
	long long begun = clock_now_us();
	struct verdict verdict;
	struct result result = {
		.title = slice_of(name),
		.judgement = &job->judgement,
		.verdict = &verdict,
		.rcpts = &job->options->rcpts,
	};

	inquiry_finish(job->inquiry);
	judge_stage(&job->judgement, STAGE_EOM, NULL);
	verdict = judge_decide(&job->judgement, STAGE_EOM);
	job->elapsed_us += clock_now_us() - begun;
	result.facts = (struct record_facts){
		.file = slice_of(name),
		.time_ms = options_now_ms(job->options),
		.elapsed_us = job->elapsed_us,
	};
	show_result(&job->show, &result);
}

static void check_file(void *context, const char *name, FILE *stream)
{
	struct job *job = context;
	struct message_reader *reader = message_reader_new(stream, job->options->mbox);
	enum reader_result got;

	for (;;) {
		new_message(job);
		got = message_read(reader, job->message, judge_header, take_body, job);
		if (got != READER_MESSAGE)
			break;
		finish(job, name);
	}
	if (got == READER_FAILED)
		show_unreadable(&job->show, name, errno);
	message_reader_free(reader);
}

static void check_failed(void *context, const char *name, int error)
{
	struct job *job = context;

	show_unreadable(&job->show, name, error);
}

int tool_check(const struct options *o)
{
	struct job job = { .options = o, .selection = options_selection(o, NULL) };
	const struct walker walker = { check_file, check_failed, &job };
	int status;

	job.site = facts_site(o, &status);
	if (job.site == NULL)
		return status;
	job.arena = arena_new();
	show_begin(&job.show, o);
	for (size_t i = 0; i < o->operands.count; i++)
		walk(&walker, o->operands.items[i]);
	status = show_end(&job.show);
	inquiry_free(job.inquiry);
	arena_free(job.arena);
	facts_site_end(job.site);
	return status;
}
