/*
 * dmarc.c - `presend dmarc`: one evaluation under both standards.
 *
 * Side by side, and in words where they come to different things.  What a
 * receiver with OpenDMARC would do is said where it differs from RFC 7489, of
 * which it is an implementation.
 */
#include "auth/dmarc.h"

#include <stdio.h>
#include <string.h>

#include "audit/record_auth.h"
#include "auth/opendmarc.h"
#include "base/utf8.h"
#include "tools/excerpt.h"
#include "tools/facts.h"
#include "tools/tools.h"

enum { COLUMN_LEAST = 10, COLUMN_MOST = 40 };

struct work {
	struct facts facts;
	struct dmarc_identifiers ids;
	struct dmarc_verdict verdicts[DMARC_STANDARDS];
	struct slice second_opinion; /* not there: it does not differ */
};

static void set_identifiers(struct work *w)
{
	const struct options *o = w->facts.options;
	struct dmarc_identifier *list =
	    arena_alloc(w->facts.arena, (o->dkim.count + 1) * sizeof *list);

	for (size_t i = 0; i < o->dkim.count; i++)
		list[i].domain = slice_of(o->dkim.items[i]);
	w->ids.dkim = list;
	w->ids.dkim_count = o->dkim.count;
	w->ids.spf.domain = slice_of(o->spf);
}

/* Both standards over one view, so that they wait together. */
static void evaluate(struct work *w)
{
	bool pending;

	do {
		pending = false;
		for (int i = 0; i < DMARC_STANDARDS; i++) {
			const struct dmarc_query query = {
				.arena = w->facts.arena,
				.view = w->facts.view,
				.suffixes = w->facts.site->suffixes,
				.standard = (enum dmarc_standard)i,
				.author = slice_of(w->facts.options->from),
			};

			w->verdicts[i] = auth_dmarc_evaluate(&query, &w->ids);
			pending |= w->verdicts[i].result == DMARC_RESULT_PENDING;
		}
	} while (pending && dns_view_wait(w->facts.view));
}

/* Only a record that applies has a second reading. */
static void ask_opendmarc(struct work *w)
{
	const struct dmarc_verdict *verdict = &w->verdicts[DMARC_RFC7489];
	struct opinion opinion;

	if (verdict->record.data == NULL || !w->facts.site->services.opendmarc)
		return;
	opinion = opinion_of(w->facts.arena, verdict, &w->ids);
	w->second_opinion = opinion_difference(w->facts.arena, &opinion, verdict);
}

/* ---- JSON ------------------------------------------------------------------- */

static void add_json(struct work *w)
{
	struct json j;

	json_begin(&j, &w->facts.text, 0);
	json_open_object(&j, NULL);
	record_dmarc_verdict(&j, "rfc7489", &w->verdicts[DMARC_RFC7489], true);
	record_dmarc_verdict(&j, "rfc9989", &w->verdicts[DMARC_RFC9989], true);
	json_add_string_or_null(&j, "opendmarc", w->second_opinion);
	json_close_object(&j);
	buf_add_char(&w->facts.text, '\n');
}

/* ---- side by side ------------------------------------------------------------ */

static struct slice or_none(struct slice name)
{
	return name.data == NULL ? SLICE("none") : name;
}

static struct slice org_of(const struct dmarc_verdict *v)
{
	return v->org.told ? or_none(v->org.name) : SLICE("not told");
}

static struct slice record_of(const struct dmarc_verdict *v)
{
	return or_none(v->record_domain);
}

static struct slice policy_of(const struct dmarc_verdict *v)
{
	if (v->record_domain.data == NULL)
		return SLICE("-");
	return slice_of(auth_dmarc_policy_name(v->policy));
}

static struct slice dkim_of(const struct dmarc_verdict *v)
{
	return v->aligned_dkim ? SLICE("aligned") : SLICE("not aligned");
}

static struct slice spf_of(const struct dmarc_verdict *v)
{
	return v->aligned_spf ? SLICE("aligned") : SLICE("not aligned");
}

static struct slice result_of(const struct dmarc_verdict *v)
{
	return slice_of(auth_dmarc_result_name(v->result));
}

static struct slice disposition_of(const struct dmarc_verdict *v)
{
	return slice_of(auth_dmarc_policy_name(v->disposition));
}

/* A line of the comparison, and by what the standards come to different things there. */
static const struct row {
	const char *name;
	struct slice (*value)(const struct dmarc_verdict *v);
	const char *by[DMARC_STANDARDS]; /* NULL: it follows from other lines */
} rows[] = {
	{ "organizational domain", org_of,
	    { "by the public suffix list", "by the walk up the tree of names" } },
	{ "record at", record_of,
	    { "asking the author domain and its organizational domain",
		"asking the names of the walk" } },
	{ "policy", policy_of, { "from p or sp", "from p, sp or np" } },
	{ "DKIM", dkim_of, { NULL, NULL } },
	{ "SPF", spf_of, { NULL, NULL } },
	{ "result", result_of, { NULL, NULL } },
	{ "disposition", disposition_of, { "with pct=, without t=", "with t=, without pct=" } },
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool differs(const struct work *w, const struct row *row)
{
	return !slice_equal(
	    row->value(&w->verdicts[DMARC_RFC7489]), row->value(&w->verdicts[DMARC_RFC9989]));
}

static size_t column_width(const struct work *w)
{
	size_t width = COLUMN_LEAST;

	for (size_t i = 0; i < ROWS; i++) {
		size_t len = rows[i].value(&w->verdicts[DMARC_RFC7489]).len;

		if (len > width)
			width = len;
	}
	return width < COLUMN_MOST ? width : COLUMN_MOST;
}

/* Names are in A-form, so an octet is a column; what is no name of a host is escaped. */
static void add_cell(struct buf *out, struct slice value, size_t width)
{
	size_t begin = out->len;

	utf8_escape(out, value);
	while (out->len - begin < width)
		buf_add_char(out, ' ');
	buf_add_text(out, "  ");
}

static void add_table(struct work *w)
{
	struct buf *out = &w->facts.text;
	size_t width = column_width(w);

	buf_printf(out, "  %-23s%-*s  %s\n", "", (int)width,
	    auth_dmarc_standard_name(DMARC_RFC7489), auth_dmarc_standard_name(DMARC_RFC9989));
	for (size_t i = 0; i < ROWS; i++) {
		buf_printf(out, "  %-23s", rows[i].name);
		add_cell(out, rows[i].value(&w->verdicts[DMARC_RFC7489]), width);
		utf8_escape(out, rows[i].value(&w->verdicts[DMARC_RFC9989]));
		buf_add_char(out, '\n');
	}
}

/* The same policy and result, and yet another disposition: else it just follows from these. */
static bool is_told(const struct work *w, const struct row *row)
{
	const struct dmarc_verdict *v = w->verdicts;

	if (row->by[0] == NULL || !differs(w, row))
		return false;
	return row->value != disposition_of ||
	       (v[DMARC_RFC7489].policy == v[DMARC_RFC9989].policy &&
		   v[DMARC_RFC7489].result == v[DMARC_RFC9989].result);
}

static void add_differences(struct work *w)
{
	struct buf *out = &w->facts.text;

	for (size_t i = 0; i < ROWS; i++) {
		if (!is_told(w, &rows[i]))
			continue;
		buf_printf(out, "  %s differs:", rows[i].name);
		for (int s = 0; s < DMARC_STANDARDS; s++) {
			buf_add_text(out, s == 0 ? " " : "; ");
			utf8_escape(out, rows[i].value(&w->verdicts[s]));
			buf_printf(out, " under %s, %s",
			    auth_dmarc_standard_name((enum dmarc_standard)s), rows[i].by[s]);
		}
		buf_add_char(out, '\n');
	}
}

/* ---- what is to be said of a record ------------------------------------------- */

/* A record's text, with a caret under what is wrong with it. */
static void add_text(struct buf *out, struct slice text, const struct dmarc_problem *problem)
{
	if (problem->sentence == NULL) {
		buf_add_text(out, "  record: ");
		utf8_escape(out, text);
		buf_add_char(out, '\n');
		return;
	}
	excerpt_mark(out, &(struct excerpt){ .head = "record",
			      .gap = ": ",
			      .text = text,
			      .offset = problem->offset,
			      .length = problem->length,
			      .width = excerpt_width() });
	buf_printf(out, "  problem: %s\n", problem->sentence);
}

static void add_record(struct buf *out, const struct dmarc_verdict *v)
{
	struct dmarc_record near_miss;

	if (v->record.data != NULL)
		add_text(out, v->record, &v->parsed.problem);
	if (v->near_miss.data != NULL) {
		near_miss = auth_dmarc_record_parse(v->near_miss, v->standard);
		buf_add_text(out, "  does not count, at ");
		utf8_escape(out, v->near_miss_at);
		buf_add_text(out, ":\n");
		add_text(out, v->near_miss, &near_miss.problem);
	}
	if (v->several_at.data != NULL) {
		buf_add_text(out, "  several records, so that none counts, at ");
		utf8_escape(out, v->several_at);
		buf_add_char(out, '\n');
	}
}

/* What both standards say alike of the records is said once. */
static void add_records(struct work *w)
{
	struct buf *out = &w->facts.text;
	struct buf one, other;

	buf_init(&one, out->ceiling);
	buf_init(&other, out->ceiling);
	add_record(&one, &w->verdicts[DMARC_RFC7489]);
	add_record(&other, &w->verdicts[DMARC_RFC9989]);
	buf_add_slice(out, buf_slice(&one));
	if (!slice_equal(buf_slice(&one), buf_slice(&other)))
		buf_add_slice(out, buf_slice(&other));
	buf_free(&one);
	buf_free(&other);
}

static void add_reasons(struct work *w)
{
	const struct dmarc_verdict *v = w->verdicts;
	struct buf *out = &w->facts.text;
	bool same = slice_equal(v[DMARC_RFC7489].reason, v[DMARC_RFC9989].reason);

	for (int i = 0; i < (same ? 1 : DMARC_STANDARDS); i++) {
		if (v[i].reason.data == NULL)
			continue;
		buf_printf(out,
		    "  %s: ", same ? "reason" : auth_dmarc_standard_name((enum dmarc_standard)i));
		utf8_escape(out, v[i].reason);
		buf_add_char(out, '\n');
	}
}

static void add_heading(struct work *w)
{
	const struct dmarc_verdict *v = w->verdicts;
	struct buf *out = &w->facts.text;

	utf8_escape(out, or_none(v[DMARC_RFC7489].author));
	if (v[DMARC_RFC7489].result == v[DMARC_RFC9989].result)
		buf_printf(out, ": %s\n", auth_dmarc_result_name(v[DMARC_RFC7489].result));
	else
		buf_printf(out, ": %s under %s, %s under %s\n",
		    auth_dmarc_result_name(v[DMARC_RFC7489].result),
		    auth_dmarc_standard_name(DMARC_RFC7489),
		    auth_dmarc_result_name(v[DMARC_RFC9989].result),
		    auth_dmarc_standard_name(DMARC_RFC9989));
}

static void add_readable(struct work *w)
{
	add_heading(w);
	add_table(w);
	add_differences(w);
	add_records(w);
	add_reasons(w);
	if (w->second_opinion.data == NULL)
		return;
	buf_add_text(&w->facts.text, "  second opinion: ");
	utf8_escape(&w->facts.text, w->second_opinion);
	buf_add_char(&w->facts.text, '\n');
}

/* ---- the subcommand ------------------------------------------------------------ */

static int exit_status(const struct work *w)
{
	int status = STATUS_GOOD;

	for (int i = 0; i < DMARC_STANDARDS; i++) {
		if (w->verdicts[i].result == DMARC_RESULT_FAIL)
			return STATUS_ACTED;
		if (w->verdicts[i].result == DMARC_RESULT_TEMPERROR)
			status = STATUS_UNKNOWN;
	}
	return status;
}

static int run(struct work *w)
{
	set_identifiers(w);
	evaluate(w);
	ask_opendmarc(w);
	if (w->facts.options->json)
		add_json(w);
	else
		add_readable(w);
	return facts_print(&w->facts, exit_status(w));
}

int tool_dmarc(const struct options *o)
{
	struct work w = { .second_opinion = { NULL, 0 } };
	int status;

	if (o->from == NULL)
		return options_missing(o, "--from");
	status = facts_begin(&w.facts, o);
	if (status == STATUS_GOOD)
		status = run(&w);
	facts_end(&w.facts);
	return status;
}
