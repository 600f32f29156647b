/*
 * from.c - the checks of the From field, without asking anybody.
 *
 * All of them read what message_end_header has parsed.  A check of one class of
 * syntax errors looks at every From field and reports one error: the first that
 * is more than a remark, else the first.
 *
 * A field over FROM_OCTETS_MAX is not parsed: from.length fails, the others
 * have nothing to say.  One of MESSAGE_CUT_AT octets or more may have been cut
 * by the MTA, so that nobody knows what it said: from.length fails all the
 * same, and from.syntax, for all that cannot be told, gives one UNKNOWN.
 */
#include <string.h>

#include "check/rows.h"
#include "syntax/proposal.h"
#include "syntax/reading.h"

static struct slice join(struct arena *arena, const struct slice *parts, size_t count)
{
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	text = arena_alloc(arena, len + 1);
	len = 0;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(text + len, parts[i].data, parts[i].len);
		len += parts[i].len;
	}
	return (struct slice){ text, len };
}

/* "in From field 2: ", or nothing for the first one. */
static struct slice field_prefix(struct arena *arena, size_t field)
{
	return field == 0 ? SLICE("") : arena_printf(arena, "in From field %zu: ", field + 1);
}

/*
 * The fix, with the corrected field where one can be built.  With several From
 * fields there is none: one of them has to go first.
 */
static struct slice fix_with_proposal(const struct check_run *run, struct slice fix)
{
	const struct message *m = run->message;
	struct slice proposal;

	if (m->from_total != 1 || m->from_count != 1)
		return fix;
	proposal = from_proposal(run->arena, m->from[0], m->transaction.smtputf8);
	if (proposal.data == NULL)
		return fix;
	return join(run->arena, (struct slice[]){ fix, SLICE("; write: From: "), proposal }, 3);
}

/* ---- how many, and whether any --------------------------------------------- */

void check_from_missing(struct check_run *run)
{
	const struct message *m = run->message;
	struct finding finding = {
		.result = FINDING_FAIL,
		.fix = SLICE("name the author, as in From: Name <user@example.com>"),
		.rfc = "RFC 5322 3.6",
	};

	/* Sendmail writes a From of its own after its milters are through */
	if (m->transaction.mta == MTA_SENDMAIL)
		finding.at_most = ACTION_LOG;
	if (m->from_total == 0) {
		finding.reason = SLICE("there is no From field");
		check_add(run, finding);
		return;
	}
	for (size_t i = 0; i < m->from_count; i++) {
		if (!m->from[i]->blank)
			continue;
		finding.field = "From";
		finding.reason = join(run->arena,
		    (struct slice[]){ field_prefix(run->arena, i), SLICE("the field is empty") },
		    2);
		check_add(run, finding);
		return;
	}
}

void check_from_duplicate(struct check_run *run)
{
	const struct message *m = run->message;
	struct finding finding = {
		.result = FINDING_FAIL,
		.field = "From",
		.fix = SLICE("keep one From field"),
		.rfc = "RFC 5322 3.6",
	};

	if (m->from_total < 2)
		return;
	finding.reason = arena_printf(run->arena, "the message has %zu From fields", m->from_total);
	check_add(run, finding);
}

/* ---- one class of syntax errors each ---------------------------------------- */

/*
 * Worth a line only: a remark, or raw UTF-8 that Postfix takes in by
 * sendmail(1), since it marks such mail as SMTPUTF8 itself, after us.
 */
static bool is_log_only(const struct message *m, const struct syntax_error *error)
{
	bool needs_smtputf8 = error->code == SYNTAX_NAME_8BIT || error->code == SYNTAX_ADDRESS_8BIT;

	return syntax_rule(error->code)->advisory ||
	       (needs_smtputf8 && m->transaction.local_submission &&
		   m->transaction.mta == MTA_POSTFIX);
}

/* The error of that class to report and the index of its field, or NULL. */
static const struct syntax_error *pick_error(
    const struct message *m, enum syntax_class class, size_t *field)
{
	const struct syntax_error *picked = NULL;

	for (size_t i = 0; i < m->from_count; i++) {
		for (size_t k = 0; k < m->from[i]->error_count; k++) {
			const struct syntax_error *error = &m->from[i]->errors[k];

			if (syntax_rule(error->code)->class != class)
				continue;
			if (picked == NULL || (is_log_only(m, picked) && !is_log_only(m, error))) {
				picked = error;
				*field = i;
			}
		}
	}
	return picked;
}

static void check_class(struct check_run *run, enum syntax_class class)
{
	const struct message *m = run->message;
	size_t field = 0;
	const struct syntax_error *error = pick_error(m, class, &field);
	struct finding *finding;

	if (error == NULL)
		return;
	finding = check_add_syntax(run, "From", m->from[field]->body, error);
	if (finding == NULL)
		return;
	if (is_log_only(m, error))
		finding->at_most = ACTION_LOG;
	finding->reason = join(
	    run->arena, (struct slice[]){ field_prefix(run->arena, field), finding->reason }, 2);
	finding->fix = fix_with_proposal(run, finding->fix);
}

/* Is there a field that the MTA may have cut, so that nobody knows what it said? */
static bool has_cut_field(const struct message *m)
{
	for (size_t i = 0; i < m->from_count; i++)
		if (m->from[i]->unparsed && m->from[i]->body.len >= MESSAGE_CUT_AT)
			return true;
	return false;
}

void check_from_syntax(struct check_run *run)
{
	struct finding unknown = {
		.result = FINDING_UNKNOWN,
		.field = "From",
		.reason = SLICE("the field is so long that it may have been cut, and was not read"),
		.rfc = "RFC 5322 3.4",
	};

	check_class(run, SYNTAX_CLASS_ADDRESS);
	if (!run->found && has_cut_field(run->message))
		check_add(run, unknown);
}

void check_from_display_name(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_DISPLAY_NAME);
}

void check_from_obsolete(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_OBSOLETE);
}

void check_from_encoded_word(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_ENCODED_WORD);
}

void check_from_group(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_GROUP);
}

void check_from_length(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_LENGTH);
}

void check_from_domain(struct check_run *run)
{
	check_class(run, SYNTAX_CLASS_DOMAIN);
}

/* ---- several authors --------------------------------------------------------- */

/* Old forms and remarks do not keep a Sender from saying who sent the message. */
static bool is_well_formed(const struct from_field *sender)
{
	if (sender->count != 1)
		return false;
	for (size_t i = 0; i < sender->error_count; i++) {
		const struct syntax_rule *rule = syntax_rule(sender->errors[i].code);

		if (!rule->advisory && rule->class != SYNTAX_CLASS_OBSOLETE)
			return false;
	}
	return true;
}

/* sender = "Sender:" mailbox CRLF */
static bool has_one_sender(const struct message *m, struct arena *arena)
{
	const struct field *field = message_field(m, SLICE("Sender"), 0);

	return field != NULL && message_count(m, SLICE("Sender")) == 1 &&
	       is_well_formed(from_parse(arena, field->body, m->transaction.smtputf8));
}

static const struct from_field *field_of_several(const struct message *m, size_t *index)
{
	for (*index = 0; *index < m->from_count; ++*index)
		if (m->from[*index]->count > 1)
			return m->from[*index];
	return NULL;
}

void check_from_multiple(struct check_run *run)
{
	size_t index = 0;
	const struct from_field *from = field_of_several(run->message, &index);
	struct finding finding = {
		.result = FINDING_FAIL,
		.field = "From",
		.fix = SLICE("keep one author, and move the others to Reply-To or Cc"),
		.rfc = "RFC 5322 3.6.2",
	};
	const struct mailbox *second;
	bool one_sender;

	if (from == NULL)
		return;
	one_sender = has_one_sender(run->message, run->arena);
	second = from->mailboxes->next;
	finding.at_most = one_sender ? ACTION_LOG : ACTION_OFF;
	finding.has_offset = true;
	finding.offset = second->offset;
	finding.token = slice_part(from->body, second->offset, second->offset + second->length);
	finding.reason = arena_printf(run->arena, "%sthe field names %zu authors%s",
	    field_prefix(run->arena, index).data, from->count,
	    one_sender ? "" : ", and no well-formed Sender says who sent the message");
	check_add(run, finding);
}

/* ---- what others read from it -------------------------------------------------- */

/* "in From field 2: the last word with an @ is b@example.net" */
static struct slice reading_text(struct arena *arena, const struct reading *reading)
{
	return join(arena,
	    (struct slice[]){ field_prefix(arena, reading->field),
		slice_of(reading_name(reading->kind)), SLICE(" is "), reading->address },
	    4);
}

static bool all_parsed(const struct message *m)
{
	for (size_t i = 0; i < m->from_count; i++)
		if (m->from[i]->unparsed)
			return false;
	return m->from_count > 0;
}

void check_from_ambiguous(struct check_run *run)
{
	const struct message *m = run->message;
	struct reading pair[2];
	struct finding finding = {
		.result = FINDING_FAIL,
		.field = "From",
		.has_offset = true,
		.rfc = "RFC 5322 3.4",
	};

	if (!all_parsed(m) || !from_is_ambiguous(run->arena, m->from, m->from_count, pair))
		return;
	finding.offset = pair[1].offset;
	finding.token = slice_part(
	    m->from[pair[1].field]->body, pair[1].offset, pair[1].offset + pair[1].length);
	finding.reason = join(run->arena,
	    (struct slice[]){ reading_text(run->arena, &pair[0]), SLICE(", "),
		reading_text(run->arena, &pair[1]) },
	    3);
	finding.fix = m->from_total > 1
			  ? SLICE("keep one From field")
			  : fix_with_proposal(run, SLICE("write one address, between < and >"));
	check_add(run, finding);
}

void check_from_impersonates(struct check_run *run)
{
	const struct message *m = run->message;
	const struct mailbox *author = message_author(m);
	struct reading shown;
	struct finding finding = {
		.result = FINDING_FAIL,
		.field = "From",
		.has_offset = true,
		.fix = SLICE("take the address out of the name"),
		.rfc = "RFC 5322 3.6.2",
	};

	if (m->from_total != 1 || !all_parsed(m) ||
	    !from_impersonates(run->arena, m->from[0], &shown))
		return;
	finding.offset = shown.offset;
	finding.token = slice_part(m->from[0]->body, shown.offset, shown.offset + shown.length);
	finding.reason = join(run->arena,
	    (struct slice[]){ reading_text(run->arena, &shown),
		author != NULL ? SLICE(", the author is ") : SLICE(", none of the authors"),
		author != NULL ? author->address : SLICE("") },
	    3);
	check_add(run, finding);
}
