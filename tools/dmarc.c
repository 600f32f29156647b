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
#include "tools/facts.h"
#include "tools/show_dmarc.h"
#include "tools/tools.h"

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

/* ---- for people ---------------------------------------------------------------- */

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

	utf8_escape(
	    out, v[DMARC_RFC7489].author.data == NULL ? SLICE("none") : v[DMARC_RFC7489].author);
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
	show_dmarc(&w->facts.text, w->verdicts, SHOW_DMARC_MESSAGE);
	show_dmarc_records(&w->facts.text, w->verdicts);
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
