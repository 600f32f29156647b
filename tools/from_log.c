/* from_log.c - who sent as whom by a log, and whether that is right. */
#include "tools/from_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/utf8.h"
#include "directory/claims.h"
#include "tools/address_facts.h"
#include "tools/facts.h"
#include "tools/log_entry.h"
#include "tools/pairs.h"
#include "tools/progress.h"
#include "tools/queue_logins.h"
#include "tools/row.h"
#include "tools/show_address.h"
#include "tools/tools.h"

enum {
	LOG_LINE_MAX = 1024 * 1024, /* octets, as of our own records; what is longer is left out */
	COUNT_WIDTH = 7,
	WORD_COLUMN = 13,
};

/* What a pair turned out to be; the names of the enum are those of `words`. */
enum outcome_of_pair { PAIR_GOOD, PAIR_NO_MAILBOX, PAIR_NOT_ALLOWED, PAIR_UNKNOWN, PAIR_OUTCOMES };

static const char *const words[] = { "in order", "no mailbox", "not allowed", "not known" };

struct job {
	const struct options *options;
	const struct site *site;
	struct arena *arena; /* of the line, or the pair, at hand */
	struct pairs *pairs;
	struct queue_logins *queue;
	struct buf text;
	struct progress progress;
	size_t lines, senders; /* senders: messages whose sender was read */
	size_t unread;         /* lines that are too long, or records that are cut */
	size_t left_out;       /* messages beyond the ceiling of pairs */
	size_t outcomes[PAIR_OUTCOMES];
	int status;
};

/* ---- reading -------------------------------------------------------------------- */

/*
 * The address that an envelope sender claims: not that of a bounce, of a forwarder or a list,
 * as in directory/claims.h.
 */
static struct slice claimed_sender(struct arena *arena, struct slice address)
{
	struct message *m = message_new(arena);
	struct claimant *c;
	struct slice claimed;

	m->transaction.smtputf8 = true;
	message_set_mail(m, arena_printf(arena, "<%.*s>", SLICE_ARG(address)));
	c = claimant_new(NULL, NULL, m);
	claimant_sender(c);
	claimed = claimant_claims(c)->list[CLAIM_MAIL_FROM].address;
	claimant_free(c);
	return claimed;
}

static void add(struct job *job, enum claim_kind kind, struct slice address, struct slice login)
{
	if (address.len == 0)
		return;
	job->senders++;
	if (!pairs_add(job->pairs, claim_name(kind), address, login))
		job->left_out++;
}

static void take_line(struct job *job, struct slice line)
{
	struct log_entry e;

	arena_reset(job->arena);
	e = log_entry_read(job->arena, line);
	switch (e.kind) {
	case LOG_RECORD: add(job, CLAIM_FROM, e.address, e.login); break;
	case LOG_CUT: job->unread++; break;
	case LOG_CLIENT: queue_logins_begin(job->queue, e.queue_id, e.login); break;
	case LOG_SENDER:
		if (queue_logins_sent(job->queue, e.queue_id, &e.login))
			add(job, CLAIM_MAIL_FROM, claimed_sender(job->arena, e.address), e.login);
		break;
	case LOG_REMOVED: queue_logins_forget(job->queue, e.queue_id); break;
	case LOG_NOTHING: break;
	}
}

/* False with errno set. */
static bool read_log(struct job *job, FILE *log)
{
	struct buf line;
	int c;

	buf_init(&line, LOG_LINE_MAX);
	do {
		buf_reset(&line);
		while ((c = getc_unlocked(log)) != EOF && c != '\n')
			buf_add_char(&line, (char)c);
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		job->lines += line.len > 0;
		if (line.truncated)
			job->unread++;
		else if (line.len > 0)
			take_line(job, buf_slice(&line));
		if (job->lines % 1024 == 0)
			progress_step(&job->progress, job->lines);
	} while (c != EOF);
	buf_free(&line);
	return !ferror(log);
}

/* ---- reporting ------------------------------------------------------------------ */

static enum outcome_of_pair judge(const struct address_facts *f)
{
	if (f->found.answer == DIRECTORY_NONE)
		return PAIR_NO_MAILBOX;
	if (f->login.len > 0 && f->use.permission == PERMISSION_NO)
		return PAIR_NOT_ALLOWED;
	if (f->found.answer == DIRECTORY_UNKNOWN ||
	    (f->login.len > 0 && f->use.permission == PERMISSION_UNKNOWN))
		return PAIR_UNKNOWN;
	return PAIR_GOOD;
}

/* "     12 no mailbox   From ghost@example.com, login app: why" */
static void show_pair(struct buf *out, const struct address_facts *f, enum outcome_of_pair outcome)
{
	struct slice why =
	    outcome == PAIR_NOT_ALLOWED ? show_address_reason(&f->use) : f->found.why;
	size_t begin;

	if (outcome == PAIR_UNKNOWN && why.len == 0)
		why = show_address_reason(&f->use);
	buf_printf(out, "%*zu ", COUNT_WIDTH, f->count);
	begin = out->len;
	buf_add_text(out, words[outcome]);
	row_pad(out, begin, WORD_COLUMN);
	buf_printf(out, "%s ", f->field);
	utf8_escape(out, f->given);
	if (f->login.len > 0) {
		buf_add_text(out, ", login ");
		utf8_escape(out, f->login);
	}
	if (outcome == PAIR_GOOD)
		buf_printf(out, ": %s", directory_answer_name(f->found.answer));
	else if (why.len > 0)
		buf_add_text(out, ": ");
	utf8_escape(out, why);
	buf_add_char(out, '\n');
}

/* False when the output cannot be written. */
static bool report_pair(struct job *job, const struct pair *pair)
{
	enum outcome_of_pair outcome;
	struct address_facts f;

	arena_reset(job->arena);
	address_facts_find(&f, job->arena, job->site, pair->address, pair->login);
	f.field = pair->field;
	f.count = pair->count;
	outcome = judge(&f);
	job->outcomes[outcome]++;
	job->status = address_facts_worse(job->status, address_facts_status(&f));
	if (outcome != PAIR_GOOD || job->options->verbose) {
		if (job->options->json)
			show_address_json(&job->text, &f, job->options->trace);
		else
			show_pair(&job->text, &f, outcome);
	}
	address_facts_end(&f);
	progress_make_room(&job->progress);
	return facts_write(&job->text);
}

/* What was read, and what was not. */
static void sum_up(struct job *job, size_t pairs)
{
	if (!job->options->json)
		buf_printf(&job->text,
		    "%zu lines, %zu senders, %zu pairs: %zu no mailbox, %zu not allowed,"
		    " %zu not known\n",
		    job->lines, job->senders, pairs, job->outcomes[PAIR_NO_MAILBOX],
		    job->outcomes[PAIR_NOT_ALLOWED], job->outcomes[PAIR_UNKNOWN]);
	if (job->unread > 0)
		log_line(LOG_LEVEL_WARNING, "%zu lines are too long, or records that were cut",
		    job->unread);
	if (job->left_out == 0)
		return;
	log_line(LOG_LEVEL_WARNING,
	    "%zu messages are left out: the log has more pairs than the %d that are kept",
	    job->left_out, PAIRS_MAX);
	job->status = address_facts_worse(job->status, STATUS_UNKNOWN);
}

static void report(struct job *job)
{
	bool good = true;
	size_t count;
	struct pair *const *list = pairs_sorted(job->pairs, &count);

	for (size_t i = 0; i < count && good; i++)
		good = report_pair(job, list[i]);
	progress_clear(&job->progress);
	sum_up(job, count);
	if (!good || !facts_write(&job->text))
		job->status = STATUS_OUTPUT;
}

static void run(struct job *job, FILE *log)
{
	job->arena = arena_new();
	job->pairs = pairs_new();
	job->queue = queue_logins_new();
	buf_init(&job->text, SHOW_ADDRESS_MAX);
	progress_begin(&job->progress);
	if (read_log(job, log)) {
		report(job);
	} else {
		log_line(LOG_LEVEL_ERROR, "%s: %s", job->options->from_log, strerror(errno));
		job->status = STATUS_INPUT;
	}
	buf_free(&job->text);
	queue_logins_free(job->queue);
	pairs_free(job->pairs);
	arena_free(job->arena);
}

int from_log(const struct options *o, struct site *site)
{
	struct job job = { .options = o, .site = site };
	bool standard = strcmp(o->from_log, "-") == 0;
	FILE *log = standard ? stdin : fopen(o->from_log, "re");

	if (log == NULL) {
		log_line(LOG_LEVEL_ERROR, "%s: %s", o->from_log, strerror(errno));
		return STATUS_INPUT;
	}
	run(&job, log);
	if (!standard)
		fclose(log);
	return job.status;
}
