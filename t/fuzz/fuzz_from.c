/*
 * fuzz_from.c - any octets as From fields, through the snapshot and all checks.
 *
 * The first octet chooses: bit 0 asks for SMTPUTF8, bit 1 makes two From fields
 * of the rest, split at its first NUL; bits 2 and 3 are the MTA and the class,
 * on which caps depend.  What is told about a field must be true of its octets.
 */
#include "fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "check/check.h"
#include "syntax/domain.h"
#include "syntax/proposal.h"
#include "syntax/reading.h"

enum { SMTPUTF8 = 1 << 0, TWO_FIELDS = 1 << 1, BEHIND_POSTFIX = 1 << 2, LOCAL = 1 << 3 };

static void expect_inside(const struct from_field *from, size_t offset, size_t length)
{
	MUST(offset <= from->body.len && length <= from->body.len - offset);
}

/* Each octet belongs to one token, and to one only. */
static void expect_tiles(const struct from_field *from)
{
	const struct tokens *tokens = &from->tokens;
	size_t offset = 0;

	if (from->unparsed)
		return;
	for (size_t i = 0; i < tokens->count; i++) {
		MUST(tokens->list[i].offset == offset);
		MUST(tokens->list[i].length > 0);
		offset += tokens->list[i].length;
	}
	MUST(offset == from->body.len);
	MUST(tokens->list[tokens->count].type == TOKEN_END);
	MUST(tokens->list[tokens->count].offset == offset);
}

static void expect_field(const struct from_field *from)
{
	size_t kept = 0, last = 0;

	expect_tiles(from);
	for (size_t i = 0; i < from->error_count; i++) {
		MUST(from->errors[i].offset >= last);
		last = from->errors[i].offset;
		expect_inside(from, last, from->errors[i].length);
	}
	for (const struct mailbox *m = from->mailboxes; m != NULL; m = m->next) {
		expect_inside(from, m->offset, m->length);
		kept++;
	}
	MUST(kept <= FROM_MAILBOXES_MAX && kept <= from->count);
	MUST(kept == from->count || kept == FROM_MAILBOXES_MAX);
}

/* A proposal breaks no rule, names the author that was read, and shows no other address. */
static void expect_proposal(struct arena *arena, const struct from_field *from, bool smtputf8)
{
	struct slice proposal = from_proposal(arena, from, smtputf8);
	const struct from_field *again;
	struct reading shown;

	if (proposal.data == NULL)
		return;
	again = from_parse(arena, proposal, smtputf8);
	MUST(again->error_count == 0 && again->valid);
	MUST(again->count == 1 && from->count == 1);
	MUST(slice_equal_nocase(again->mailboxes->local_part, from->mailboxes->local_part));
	MUST(domain_equal(arena, again->mailboxes->domain, from->mailboxes->domain));
	MUST(!from_impersonates(arena, again, &shown));
}

/* The token stands at its offset in one of the fields. */
static void expect_place(const struct message *m, const struct finding *f)
{
	for (size_t i = 0; i < m->from_count; i++) {
		struct slice body = m->from[i]->body;

		if (f->offset < body.len && f->token.len <= body.len - f->offset &&
		    f->token.data == body.data + f->offset)
			return;
	}
	MUST(!"the token stands at its offset");
}

static void expect_findings(const struct message *m, const struct findings *findings)
{
	MUST(findings->count <= check_count && findings->dropped == 0);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		MUST(i == 0 || f->check > findings->list[i - 1].check);
		MUST(f->reason.len > 0 && f->rfc != NULL);
		MUST(f->at_most == ACTION_OFF || f->at_most == ACTION_LOG);
		if (f->has_offset)
			expect_place(m, f);
		else
			MUST(f->token.len == 0);
		if (m->from_total == 1 && m->from[0]->valid)
			MUST(strcmp(f->check->name, "from.ambiguous") != 0);
	}
}

static void add_fields(struct message *m, struct slice body, bool two)
{
	size_t end = two ? slice_find(body, '\0') : body.len;

	message_add_field(m, SLICE("From"), slice_part(body, 0, end));
	if (two)
		message_add_field(m, SLICE("from"), slice_part(body, end + 1, body.len));
	message_add_field(m, SLICE("Sender"), slice_part(body, 0, end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct check_selection all;
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	uint8_t flags = size > 0 ? data[0] : 0;

	m->transaction.smtputf8 = (flags & SMTPUTF8) != 0;
	m->transaction.mta = (flags & BEHIND_POSTFIX) != 0 ? MTA_POSTFIX : MTA_SENDMAIL;
	m->transaction.class = (flags & LOCAL) != 0 ? CLASS_LOCAL : CLASS_SUBMITTER;
	if (size > 1)
		add_fields(m, (struct slice){ (const char *)data + 1, size - 1 },
		    (flags & TWO_FIELDS) != 0);
	message_end_header(m);
	MUST(m->from_count == m->from_total);
	for (size_t i = 0; i < m->from_count; i++) {
		expect_field(m->from[i]);
		expect_proposal(arena, m->from[i], m->transaction.smtputf8);
	}
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	expect_findings(m, &findings);
	arena_free(arena);
	return 0;
}
