/*
 * spf.c - check_host() of RFC 7208 4: records, modifiers and results.
 *
 * A pure function over a view of the DNS: it asks nobody, keeps nothing, and is
 * run again from the start when answers were missing.
 */
#include "auth/spf.h"

#include <string.h>

#include "auth/spf_evaluation.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "syntax/domain.h"

const char *spf_result_name(enum spf_result result)
{
	static const char *const names[] = {
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_NEUTRAL] = "neutral",
		[SPF_NONE] = "none",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
		[SPF_PENDING] = "pending",
	};

	return names[result];
}

/* ---- modifiers, RFC 7208 6 ------------------------------------------------------ */

/* redirect = "redirect" "=" domain-spec */
static enum spf_result follow_redirect(struct evaluation *e, struct slice spec)
{
	struct slice name;
	enum spf_result result;
	enum match match;

	if (!spf_count_lookup(e))
		return SPF_PERMERROR;
	match = spf_target_name(e, spec, &name);
	if (match != MATCH_YES)
		return match == MATCH_PERMERROR ? SPF_PERMERROR : SPF_NEUTRAL;
	result = spf_check_host(e, name);
	if (result != SPF_NONE)
		return result;
	spf_say(e, SLICE("the domain that the record redirects to has no SPF record"));
	return SPF_PERMERROR;
}

/*
 * explanation = "exp" "=" domain-spec
 *
 * Any fault means that there is no explanation; nothing here counts as a void
 * lookup, as the result stands already.
 */
static void explain(struct evaluation *e, struct slice spec)
{
	unsigned voids = e->out->voids;
	const struct dns_answer *answer;
	struct slice name, text;

	if (spf_target_name(e, spec, &name) == MATCH_YES && spf_count_labels(name) > 0) {
		answer = dns_view_get(e->view, name, DNS_TXT);
		e->pending |= answer == NULL;
		text = answer != NULL && answer->count == 1 ? answer->records[0].data
							    : (struct slice){ 0 };
		if (text.data != NULL && spf_macro_string_valid(text, true) &&
		    spf_find_macros(e, text) == MATCH_YES)
			e->out->explanation = spf_expand(e->arena, &e->macros, text);
	}
	e->out->voids = voids;
}

/* ---- the record ----------------------------------------------------------------- */

static enum spf_result conclude(
    struct evaluation *e, const struct spf_record *record, const struct spf_term *term)
{
	if (e->includes > 0 || e->pending)
		return term->result;
	e->out->mechanism = term->text;
	if (term->result == SPF_FAIL && record->exp.data != NULL)
		explain(e, record->exp);
	return term->result;
}

static enum spf_result evaluate_record(struct evaluation *e, const struct spf_record *record)
{
	for (const struct spf_term *term = record->terms; term != NULL; term = term->next) {
		switch (spf_match_term(e, term)) {
		case MATCH_YES: return conclude(e, record, term);
		case MATCH_TEMPERROR: return SPF_TEMPERROR;
		case MATCH_PERMERROR: return SPF_PERMERROR;
		case MATCH_NO: break;
		}
	}
	if (record->redirect.data != NULL)
		return follow_redirect(e, record->redirect);
	return SPF_NEUTRAL;
}

/* Names may come from the message: nothing of them reaches a reader unescaped. */
static struct slice shown(struct arena *arena, struct slice name)
{
	struct slice copy;
	struct buf b;

	buf_init(&b, 4 * DNS_NAME_MAX);
	utf8_escape(&b, name);
	copy = arena_copy(arena, buf_slice(&b));
	buf_free(&b);
	return copy;
}

/* Notes what is wrong with the syntax of a record, and where if it is the domain's own. */
static enum spf_result bad_syntax(
    struct evaluation *e, const struct spf_record *record, struct slice domain)
{
	struct slice name = shown(e->arena, domain);

	if (e->depth == 1)
		e->out->record_offset = record->offset;
	spf_say(e, arena_printf(e->arena, "%.*s, in the record of %.*s", SLICE_ARG(record->problem),
		       SLICE_ARG(name)));
	return SPF_PERMERROR;
}

/*
 * The one SPF record of a TXT answer, RFC 7208 4.5: SPF_NEUTRAL with it in
 * *text, else the result that it means to have none or several.
 */
static enum spf_result select_record(
    struct evaluation *e, const struct dns_answer *answer, struct slice *text)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_is_record(answer->records[i].data))
			continue;
		*text = answer->records[i].data;
		count++;
	}
	if (answer->status == DNS_TEMPFAIL || (count < 2 && answer->truncated)) {
		spf_say(e, SLICE("the record could not be asked for"));
		return SPF_TEMPERROR;
	}
	if (count > 1) {
		spf_say(e, SLICE("the domain has more than one SPF record"));
		return SPF_PERMERROR;
	}
	return count == 0 ? SPF_NONE : SPF_NEUTRAL;
}

/*
 * Could this be the name of a sender: no address literal, no blank, no control
 * character?  What macros make of a name deeper down may be anything.
 */
static bool is_name(struct slice domain)
{
	for (size_t i = 0; i < domain.len; i++)
		if ((unsigned char)domain.data[i] <= ' ' || domain.data[i] == 127)
			return false;
	return domain.len > 0 && domain.data[0] != '[';
}

static enum spf_result judge_domain(struct evaluation *e, struct slice domain)
{
	const struct dns_answer *answer;
	const struct spf_record *record;
	enum spf_result result;
	struct slice text;

	/* malformed, or a single label: RFC 7208 4.3 */
	if (spf_count_labels(domain) < 2 || (e->depth == 1 && !is_name(domain)))
		return SPF_NONE;
	answer = dns_view_get(e->view, domain, DNS_TXT);
	if (answer == NULL) {
		e->pending = true;
		return SPF_NEUTRAL;
	}
	result = select_record(e, answer, &text);
	if (result != SPF_NEUTRAL)
		return result;
	if (e->depth == 1)
		e->out->record = text;
	record = spf_record_parse(e->arena, text);
	if (record->problem.data != NULL)
		return bad_syntax(e, record, domain);
	e->macros.domain = domain;
	return evaluate_record(e, record);
}

/* Each level but the first is a lookup, so that limit bounds the depth too. */
enum spf_result spf_check_host(struct evaluation *e, struct slice domain)
{
	enum spf_result result;

	e->depth++;
	result = judge_domain(e, domain);
	e->depth--;
	return result;
}

/* ---- the query ------------------------------------------------------------------ */

static struct slice join(struct arena *arena, struct slice a, char between, struct slice b)
{
	char *text = arena_alloc(arena, a.len + 1 + b.len + 1);

	memcpy(text, a.data, a.len);
	text[a.len] = between;
	if (b.len > 0)
		memcpy(text + a.len + 1, b.data, b.len);
	return (struct slice){ text, a.len + 1 + b.len };
}

/* Splits the sender; the null sender is postmaster at the HELO name (RFC 7208 2.4, 4.3). */
static void set_sender(struct evaluation *e)
{
	const struct spf_query *q = e->query;
	size_t at = slice_find_last(q->mail_from, '@');
	struct spf_macros *m = &e->macros;
	struct slice domain;

	if (q->mail_from.len == 0) {
		e->out->helo_identity = true;
		m->sender_domain = q->helo;
	} else if (at == q->mail_from.len) {
		m->sender_domain = q->mail_from;
	} else {
		m->local_part = slice_part(q->mail_from, 0, at);
		m->sender_domain = slice_part(q->mail_from, at + 1, q->mail_from.len);
	}
	if (m->local_part.len == 0)
		m->local_part = SLICE("postmaster");
	if (domain_to_ascii(e->arena, m->sender_domain, &domain))
		m->sender_domain = domain;
	m->sender = join(e->arena, m->local_part, '@', m->sender_domain);
}

/* An outcome outlives the answers of the view. */
static struct slice keep(struct arena *arena, struct slice s)
{
	return s.data == NULL ? s : arena_copy(arena, s);
}

struct spf_outcome spf_evaluate(
    struct arena *arena, struct dns_view *view, const struct spf_query *query)
{
	struct spf_outcome out = { .record_offset = SIZE_MAX };
	struct evaluation e = { .arena = arena, .view = view, .query = query, .out = &out };

	e.macros.query = query;
	set_sender(&e);
	e.macros.domain = out.domain = e.macros.sender_domain;
	out.result = spf_check_host(&e, out.domain);
	if (e.pending)
		out = (struct spf_outcome){ .result = SPF_PENDING,
			.domain = out.domain,
			.helo_identity = out.helo_identity,
			.record_offset = SIZE_MAX };
	if (out.result != SPF_PERMERROR && out.result != SPF_TEMPERROR)
		out.problem = (struct slice){ 0 };
	out.record = keep(arena, out.record);
	out.mechanism = keep(arena, out.mechanism);
	out.explanation = keep(arena, out.explanation);
	return out;
}
