/* spf.c - `presend spf`: one SPF evaluation. */
#include "auth/spf.h"

#include <string.h>

#include "base/utf8.h"
#include "tools/excerpt.h"
#include "tools/facts.h"
#include "tools/tools.h"

static struct spf_outcome evaluate(struct facts *f)
{
	const struct options *o = f->options;
	struct spf_query query = {
		.ip = o->ip,
		.mail_from = options_bare_address(slice_of(o->mail_from)),
		.helo = slice_of(o->helo),
		.now = options_now_ms(o) / 1000,
	};
	struct spf_outcome outcome;

	do
		outcome = spf_evaluate(f->arena, f->view, &query);
	while (outcome.result == SPF_PENDING && dns_view_wait(f->view));
	return outcome;
}

static const char *identity_name(const struct spf_outcome *outcome)
{
	return outcome->helo_identity ? "helo" : "mailfrom";
}

static void add_json(struct facts *f, const struct spf_outcome *outcome)
{
	char ip[IP_TEXT_SIZE];
	struct json j;

	json_begin(&j, &f->text, 0);
	json_open_object(&j, NULL);
	json_add_text(&j, "ip", ip_format(&f->options->ip, ip));
	json_add_text(&j, "identity", identity_name(outcome));
	json_add_string(&j, "domain", outcome->domain);
	json_add_text(&j, "result", spf_result_name(outcome->result));
	json_add_number(&j, "lookups", outcome->lookups);
	json_add_number(&j, "void_lookups", outcome->voids);
	json_add_string_or_null(&j, "mechanism", outcome->mechanism);
	json_add_string_or_null(&j, "problem", outcome->problem);
	if (outcome->record_offset == SIZE_MAX)
		json_add_null(&j, "problem_offset");
	else
		json_add_number(&j, "problem_offset", (long long)outcome->record_offset);
	json_add_string_or_null(&j, "explanation", outcome->explanation);
	json_add_string_or_null(&j, "record", outcome->record);
	json_close_object(&j);
	buf_add_char(&f->text, '\n');
}

static void add_row(struct buf *out, const char *name, struct slice value)
{
	if (value.data == NULL)
		return;
	buf_printf(out, "  %-13s", name);
	utf8_escape(out, value);
	buf_add_char(out, '\n');
}

/* The record; with a caret under the term at fault where there is one. */
static void add_record(struct buf *out, const struct spf_outcome *outcome)
{
	struct slice rest;

	if (outcome->record_offset == SIZE_MAX) {
		add_row(out, "record", outcome->record);
		return;
	}
	rest = slice_part(outcome->record, outcome->record_offset, outcome->record.len);
	excerpt_mark(out, &(struct excerpt){ .head = "record",
			      .gap = "       ",
			      .text = outcome->record,
			      .offset = outcome->record_offset,
			      .length = slice_find(rest, ' '),
			      .width = excerpt_width() });
}

static void add_readable(struct facts *f, const struct spf_outcome *outcome)
{
	struct buf *out = &f->text;
	char ip[IP_TEXT_SIZE];

	utf8_escape(out, outcome->domain);
	buf_printf(out, ": %s for %s (identity %s)\n", spf_result_name(outcome->result),
	    ip_format(&f->options->ip, ip), identity_name(outcome));
	add_record(out, outcome);
	add_row(out, "matched", outcome->mechanism);
	buf_printf(out, "  %-13s%u of %d, void ones %u of %d\n", "lookups", outcome->lookups,
	    SPF_LOOKUPS_MAX, outcome->voids, SPF_VOIDS_MAX);
	add_row(out, "problem", outcome->problem);
	if (outcome->explanation.len > 0)
		add_row(out, "explanation", outcome->explanation);
}

static int exit_status(enum spf_result result)
{
	if (result == SPF_PASS)
		return STATUS_GOOD;
	return result == SPF_TEMPERROR ? STATUS_UNKNOWN : STATUS_ACTED;
}

int tool_spf(const struct options *o)
{
	struct facts f;
	struct spf_outcome outcome;
	int status;

	if (o->ip.family == 0)
		return options_missing(o, "--ip");
	if (o->mail_from == NULL)
		return options_missing(o, "--mail-from");
	if (options_bare_address(slice_of(o->mail_from)).len == 0 && o->helo == NULL)
		return options_missing(o, "--helo");
	status = facts_begin(&f, o);
	if (status == STATUS_GOOD) {
		outcome = evaluate(&f);
		if (o->json)
			add_json(&f, &outcome);
		else
			add_readable(&f, &outcome);
		status = facts_print(&f, exit_status(outcome.result));
	}
	facts_end(&f);
	return status;
}
