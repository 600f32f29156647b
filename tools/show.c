/* show.c - results on standard output: what each message got, and their sum. */
#include "tools/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"
#include "tools/excerpt.h"
#include "tools/show_auth.h"
#include "tools/show_domain.h"
#include "tools/tools.h"

enum { TEXT_MAX = RECORD_MAX + 1 };

/* ---- colours ---------------------------------------------------------------- */

#define BOLD   "1"
#define RED    "1;31"
#define YELLOW "1;33"
#define GREEN  "32"
#define DIM    "2"

static void colour_on(struct show *s, const char *colour)
{
	if (s->colour)
		buf_printf(&s->text, "\033[%sm", colour);
}

static void colour_off(struct show *s)
{
	if (s->colour)
		buf_add_text(&s->text, "\033[0m");
}

static void add_coloured(struct show *s, const char *colour, const char *text)
{
	colour_on(s, colour);
	buf_add_text(&s->text, text);
	colour_off(s);
}

static const char *outcome_colour(enum outcome outcome)
{
	if (outcome == OUTCOME_ACCEPT)
		return GREEN;
	return outcome == OUTCOME_REJECT ? RED : YELLOW;
}

/* ---- a finding -------------------------------------------------------------- */

/* Does the finding's token stand at its offset in this text? */
static bool points_into(const struct finding *f, struct slice text)
{
	return f->offset <= text.len &&
	       slice_equal(slice_part(text, f->offset, f->offset + f->token.len), f->token);
}

/*
 * The text that the finding's offset counts in.  A finding says which field,
 * not which of several: the first that has the token in that place is meant.
 */
static bool find_text(const struct result *r, const struct finding *f, struct slice *text)
{
	const struct message *m = r->judgement->message;

	if (f->field == NULL || !f->has_offset)
		return false;
	if (strcmp(f->field, "MAIL FROM") == 0) {
		*text = m->mail_from.raw;
		return points_into(f, *text);
	}
	if (strcmp(f->field, "RCPT TO") == 0) {
		for (size_t i = 0; r->rcpts != NULL && i < r->rcpts->count; i++)
			if (points_into(f, *text = slice_of(r->rcpts->items[i])))
				return true;
		return false;
	}
	for (size_t i = 0; i < m->field_count; i++)
		if (slice_equal_nocase(m->fields[i].name, slice_of(f->field)) &&
		    points_into(f, *text = m->fields[i].body))
			return true;
	return false;
}

/* The offending line, and below it a caret under the first column of the token. */
static void add_excerpt(struct show *s, const struct result *r, const struct finding *f)
{
	struct slice text;
	bool blank;

	if (!find_text(r, f, &text))
		return;
	/* a bare body may begin without the blank that fields have */
	blank = !r->facts.bare || text.len == 0 || text.data[0] == ' ';
	excerpt_mark(&s->text, &(struct excerpt){ .head = f->field,
				   .gap = blank ? ":" : ": ",
				   .text = text,
				   .offset = f->offset,
				   .length = f->token.len,
				   .width = s->width,
				   .colour = s->colour });
}

/*
 * "  from.syntax: reject: the address has no @ (RFC 5322 3.4.1)", then how to
 * mend it; of as many findings as are alike.
 */
static void add_finding(
    struct show *s, const struct result *r, const struct finding *f, size_t alike)
{
	const char *action = action_name(f->action);

	add_excerpt(s, r, f);
	for (size_t i = 0; i < alike; i++) {
		buf_add_text(&s->text, i == 0 ? "  " : ", ");
		add_coloured(s, BOLD, f[i].check->name);
	}
	buf_add_text(&s->text, ": ");
	if (f->result == FINDING_UNKNOWN)
		buf_add_text(&s->text, "could not be told: ");
	add_coloured(s,
	    f->action <= ACTION_LOG      ? DIM
	    : f->action == ACTION_REJECT ? RED
					 : YELLOW,
	    action);
	buf_add_text(&s->text, ": ");
	utf8_escape(&s->text, f->reason);
	if (f->rfc != NULL)
		buf_printf(&s->text, " (%s)", f->rfc);
	if (f->fix.len > 0) {
		buf_add_text(&s->text, "\n    fix: ");
		utf8_escape(&s->text, f->fix);
	}
	buf_add_char(&s->text, '\n');
}

/* Several checks may say the same of a domain, and then it is said once. */
static size_t count_alike(const struct finding *f, size_t left)
{
	size_t count = 1;

	while (count < left && f->field == NULL && f[count].field == NULL &&
	       f[count].result == f->result && f[count].action == f->action &&
	       slice_equal(f[count].reason, f->reason) && slice_equal(f[count].fix, f->fix))
		count++;
	return count;
}

static void add_findings(struct show *s, const struct result *r)
{
	const struct findings *findings = &r->judgement->findings;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (f->result == FINDING_FAIL || f->result == FINDING_UNKNOWN) {
			size_t alike = count_alike(f, findings->count - i);

			add_finding(s, r, f, alike);
			i += alike - 1;
			continue;
		}
		colour_on(s, DIM);
		buf_printf(&s->text, "  %s: %s", f->check->name, finding_result_name(f->result));
		colour_off(s);
		buf_add_char(&s->text, '\n');
	}
	if (findings->dropped > 0)
		buf_printf(&s->text, "  and %zu findings more\n", findings->dropped);
}

/* ---- a message -------------------------------------------------------------- */

/* The name of a file is shown whole, however long; the text of a field in one line. */
static void add_title(struct show *s, const struct result *r)
{
	if (!r->facts.bare) {
		utf8_escape(&s->text, r->title);
		return;
	}
	excerpt_begin(&s->text, r->title, s->width);
}

/* "a.eml: reject 550 5.1.7, mode audit" */
static void add_heading(struct show *s, const struct result *r)
{
	const struct verdict *v = r->verdict;
	bool quiet = v->verdict == OUTCOME_ACCEPT && r->judgement->findings.count == 0;

	if (!quiet)
		colour_on(s, BOLD);
	add_title(s, r);
	if (!quiet)
		colour_off(s);
	buf_add_text(&s->text, ": ");
	add_coloured(s, outcome_colour(v->verdict), outcome_name(v->verdict));
	if (v->reply.code != 0)
		buf_printf(&s->text, " %d %s", v->reply.code, v->reply.enhanced);
	if (!quiet)
		buf_printf(&s->text, ", mode %s", mode_name(v->mode));
	buf_add_char(&s->text, '\n');
}

static void count(struct show *s, const struct result *r)
{
	s->messages++;
	s->verdicts[r->verdict->verdict]++;
	if (r->verdict->verdict == OUTCOME_ACCEPT && r->verdict->unknown)
		s->unknown++;
}

void show_result(struct show *s, const struct result *r)
{
	buf_reset(&s->text);
	if (s->json) {
		if (r->domain != NULL)
			show_domain_json(&s->text, r);
		else
			record_json(r->judgement, r->verdict, &r->facts, RECORD_MAX, &s->text);
		buf_add_char(&s->text, '\n');
	} else {
		add_heading(s, r);
		add_findings(s, r);
		if (r->domain != NULL)
			show_domain(&s->text, r);
		else if (!r->facts.bare)
			show_authentication(&s->text, r->judgement->message->authentication);
	}
	progress_make_room(&s->progress);
	fwrite(buf_text(&s->text), 1, s->text.len, stdout);
	fflush(stdout);
	count(s, r);
	progress_step(&s->progress, s->messages);
}

void show_unreadable(struct show *s, const char *name, int error)
{
	progress_clear(&s->progress);
	log_line(LOG_LEVEL_ERROR, "%s: %s", name, strerror(error));
	s->unreadable++;
}

/* ---- the whole run ---------------------------------------------------------- */

static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || *no_colour == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

void show_begin(struct show *s, const struct options *o)
{
	*s = (struct show){ .what = "messages", .json = o->json, .verbose = o->verbose };
	s->colour = !s->json && wants_colour();
	s->width = excerpt_width();
	buf_init(&s->text, TEXT_MAX);
	progress_begin(&s->progress);
}

/* "1204 messages: 1190 accept, 14 reject" */
static void print_sum(const struct show *s)
{
	const char *comma = ":";

	printf("%zu %s", s->messages, s->what);
	for (int i = 0; i < SHOW_OUTCOMES; i++) {
		if (s->verdicts[i] == 0)
			continue;
		printf("%s %zu %s", comma, s->verdicts[i], outcome_name((enum outcome)i));
		comma = ",";
	}
	if (s->unknown > 0)
		printf(" (%zu with a question left open)", s->unknown);
	if (s->unreadable > 0)
		printf("; %zu could not be read", s->unreadable);
	putchar('\n');
}

static int exit_status(const struct show *s)
{
	if (s->unreadable > 0)
		return STATUS_INPUT;
	if (s->verdicts[OUTCOME_FLAG] + s->verdicts[OUTCOME_QUARANTINE] +
		s->verdicts[OUTCOME_REJECT] >
	    0)
		return STATUS_ACTED;
	return s->verdicts[OUTCOME_TEMPFAIL] + s->unknown > 0 ? STATUS_UNKNOWN : STATUS_GOOD;
}

int show_end(struct show *s)
{
	progress_clear(&s->progress);
	if (!s->json && s->messages + s->unreadable > 1)
		print_sum(s);
	buf_free(&s->text);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_line(LOG_LEVEL_ERROR, "standard output: %s", strerror(errno));
		return STATUS_OUTPUT;
	}
	return exit_status(s);
}
