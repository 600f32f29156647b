/*
 * spf.c - the checks of SPF, for the addresses that our mail leaves from.
 *
 * The client's address says nothing here: a receiver sees ours.
 */
#include "auth/authentication.h"
#include "check/rows.h"

enum {
	ADDRESSES_NAMED = 3, /* in a reason */
	TEXT_MAX = 1500,
	/* a term that is cut would be another one: "ip6:", address, "/128", blank */
	TERMS_MAX = EGRESS_MAX * (4 + IP_TEXT_SIZE + 4 + 1),
};

/* The term that lets the network pass: ip4:192.0.2.1, ip6:2001:db8::/32. */
static void add_term(struct buf *out, const struct network *network)
{
	unsigned whole = network->ip.family == AF_INET ? 32 : 128;
	char text[IP_TEXT_SIZE];

	buf_printf(out, "%s:%s", whole == 32 ? "ip4" : "ip6", ip_format(&network->ip, text));
	if (network->prefix < whole)
		buf_printf(out, "/%u", network->prefix);
}

static bool fails(const struct spf_fact *fact)
{
	return fact->outcome.result != SPF_PASS && fact->outcome.result != SPF_TEMPERROR;
}

/* The terms of all networks that have an address which does not pass. */
static struct slice missing_terms(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	const struct network *before = NULL;
	struct slice terms;
	struct buf text;

	buf_init(&text, TERMS_MAX);
	for (size_t i = 0; i < a->spf_count; i++) {
		if (!fails(&a->spf[i]) || a->spf[i].network == before)
			continue;
		if (before != NULL)
			buf_add_char(&text, ' ');
		before = a->spf[i].network;
		add_term(&text, before);
	}
	terms = arena_copy(run->arena, buf_slice(&text));
	buf_free(&text);
	return terms;
}

/* The record with the terms in first place, where no term before them can match. */
static struct slice egress_fix(struct check_run *run, const struct spf_outcome *outcome)
{
	struct slice terms = missing_terms(run);
	struct slice rest;

	if (outcome->result == SPF_PERMERROR)
		return SLICE("mend the SPF record, see spf.record");
	if (outcome->record.data == NULL)
		return arena_printf(run->arena, "publish at %.*s: TXT \"v=spf1 %.*s ~all\"",
		    SLICE_ARG(outcome->domain), SLICE_ARG(terms));
	rest = slice_part(outcome->record, SLICE("v=spf1").len, outcome->record.len);
	return arena_printf(run->arena, "add %.*s to the SPF record of %.*s: \"v=spf1 %.*s%.*s\"",
	    SLICE_ARG(terms), SLICE_ARG(outcome->domain), SLICE_ARG(terms), SLICE_ARG(rest));
}

static void add_outcome(struct buf *out, const struct spf_fact *fact)
{
	char text[IP_TEXT_SIZE];

	buf_printf(
	    out, "%s gets %s", ip_format(&fact->ip, text), spf_result_name(fact->outcome.result));
	if (fact->outcome.mechanism.len > 0)
		buf_printf(out, " by \"%.*s\"", SLICE_ARG(fact->outcome.mechanism));
}

/* "SPF for example.com: 192.0.2.9 gets softfail by "~all", and 2 more" */
static struct slice egress_reason(struct check_run *run, enum finding_result result)
{
	const struct authentication *a = run->message->authentication;
	const struct spf_outcome *first = &a->spf[0].outcome;
	size_t named = 0, more = 0;
	struct slice reason;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_printf(&text, "SPF for %s%.*s: ", first->helo_identity ? "our HELO name " : "",
	    SLICE_ARG(first->domain));
	for (size_t i = 0; i < a->spf_count; i++) {
		if (result == FINDING_FAIL ? !fails(&a->spf[i])
					   : a->spf[i].outcome.result != SPF_TEMPERROR)
			continue;
		if (named == ADDRESSES_NAMED) {
			more++;
			continue;
		}
		if (named++ > 0)
			buf_add_text(&text, ", ");
		add_outcome(&text, &a->spf[i]);
	}
	if (more > 0)
		buf_printf(&text, ", and %zu more", more);
	reason = arena_copy(run->arena, buf_slice(&text));
	buf_free(&text);
	return reason;
}

void check_spf_egress(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	struct finding f = { .result = FINDING_PASS, .rfc = "RFC 7208 2.6" };
	const struct spf_outcome *failed = NULL;

	for (size_t i = 0; i < a->spf_count; i++) {
		if (fails(&a->spf[i]) && failed == NULL)
			failed = &a->spf[i].outcome;
		else if (a->spf[i].outcome.result == SPF_TEMPERROR)
			f.result = FINDING_UNKNOWN;
	}
	if (failed != NULL)
		f.result = FINDING_FAIL;
	if (f.result == FINDING_PASS)
		return;
	f.reason = egress_reason(run, f.result);
	if (failed != NULL)
		f.fix = egress_fix(run, failed);
	check_add(run, f);
}

/* ---- spf.record ---------------------------------------------------------------------- */

static void add_problem(struct check_run *run, struct slice domain, struct slice record,
    struct slice problem, size_t offset)
{
	struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 7208 4.6" };

	f.reason = arena_printf(run->arena, "the SPF record of %.*s is in error: %.*s",
	    SLICE_ARG(domain), SLICE_ARG(problem));
	if (offset < record.len) {
		struct slice rest = slice_part(record, offset, record.len);

		f.token = slice_part(rest, 0, slice_find(rest, ' '));
	}
	f.fix = arena_printf(run->arena,
	    "mend the TXT record at %.*s: the result is permerror, which is no pass",
	    SLICE_ARG(domain));
	check_add(run, f);
}

/* The record by itself: what is wrong with it whatever the address. */
static void judge_record(struct check_run *run, const struct spf_record_fact *fact)
{
	if (fact->count > 1)
		add_problem(run, fact->domain, fact->record,
		    SLICE("the domain has more than one SPF record"), SIZE_MAX);
	else if (fact->problem.data != NULL)
		add_problem(run, fact->domain, fact->record, fact->problem, fact->offset);
	else if (fact->unknown)
		check_add(run, (struct finding){ .result = FINDING_UNKNOWN,
				   .reason = SLICE("the SPF record could not be looked up"),
				   .rfc = "RFC 7208 4.4" });
}

/* What the evaluations met: one that could not be told may have been about to meet a fault. */
static void judge_outcomes(struct check_run *run, const struct authentication *a)
{
	const struct spf_outcome *open = NULL;

	for (size_t i = 0; i < a->spf_count; i++) {
		const struct spf_outcome *o = &a->spf[i].outcome;

		if (o->result == SPF_PERMERROR) {
			add_problem(run, o->domain, o->record, o->problem, o->record_offset);
			return;
		}
		if (o->result == SPF_TEMPERROR && open == NULL)
			open = o;
	}
	if (open != NULL)
		check_add(run, (struct finding){ .result = FINDING_UNKNOWN,
				   .reason = arena_printf(run->arena,
				       "the SPF record of %.*s could not be checked: %.*s",
				       SLICE_ARG(open->domain), SLICE_ARG(open->problem)),
				   .rfc = "RFC 7208 4.4" });
}

void check_spf_record(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	if (a->spf_evaluated)
		judge_outcomes(run, a);
	else
		judge_record(run, &a->spf_record);
}
