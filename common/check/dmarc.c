/*
 * dmarc.c - the checks of DMARC, under both standards.
 *
 * Receivers will differ for years: what fails under one of the standards fails
 * somewhere, and the reason says under which.
 */
#include "auth/authentication.h"
#include "check/rows.h"

static const struct dmarc_verdict *verdicts_of(const struct check_run *run)
{
	return run->message->authentication->dmarc;
}

/* "RFC 7489", "RFC 9989" or both, for whichever holds. */
static const char *standards(bool rfc7489, bool rfc9989)
{
	if (rfc7489 && rfc9989)
		return "RFC 7489 and RFC 9989";
	return auth_dmarc_standard_name(rfc7489 ? DMARC_RFC7489 : DMARC_RFC9989);
}

/* ---- dmarc.record ----------------------------------------------------------------------- */

/* The name at which a record serves the author domain under both standards. */
static struct slice place_for(const struct dmarc_verdict *v)
{
	return v[DMARC_RFC7489].org.name.data != NULL ? v[DMARC_RFC7489].org.name
						      : v[DMARC_RFC7489].author;
}

/* Nothing applies under v's standard: why, as far as it is known. */
static struct slice absence(struct check_run *run, const struct dmarc_verdict *v)
{
	if (v->several_at.data != NULL)
		return arena_printf(run->arena,
		    "several DMARC records at %.*s, so that none counts", SLICE_ARG(v->several_at));
	if (v->near_miss.data != NULL)
		return arena_printf(run->arena, "the text at %.*s is no valid DMARC record",
		    SLICE_ARG(v->near_miss_at));
	return arena_printf(run->arena, "no DMARC record applies to %.*s", SLICE_ARG(v->author));
}

static void add_absence(struct check_run *run, bool rfc7489, bool rfc9989)
{
	const struct dmarc_verdict *v = verdicts_of(run);
	struct slice place = place_for(v);
	struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 9989 4.7" };

	f.reason = arena_printf(run->arena, "under %s, %.*s", standards(rfc7489, rfc9989),
	    SLICE_ARG(absence(run, &v[rfc9989 ? DMARC_RFC9989 : DMARC_RFC7489])));
	f.fix = arena_printf(run->arena,
	    "publish at _dmarc.%.*s: TXT \"v=DMARC1; p=none; rua=mailto:postmaster@%.*s\"",
	    SLICE_ARG(place), SLICE_ARG(place));
	check_add(run, f);
}

/* What is wrong with the text of a record that applies. */
static void add_problem(struct check_run *run, const struct dmarc_verdict *v)
{
	const struct dmarc_problem *problem = &v->parsed.problem;

	check_add(run,
	    (struct finding){
		.result = FINDING_FAIL,
		.token = slice_part(v->record, problem->offset, problem->offset + problem->length),
		.reason = arena_printf(run->arena, "the DMARC record at %.*s: %s",
		    SLICE_ARG(v->record_domain), problem->sentence),
		.fix = arena_printf(
		    run->arena, "mend the TXT record at _dmarc.%.*s", SLICE_ARG(v->record_domain)),
		.rfc = "RFC 9989 4.8",
	    });
}

static bool has_problem(const struct dmarc_verdict *v)
{
	return v->record.data != NULL && v->parsed.problem.sentence != NULL &&
	       !v->parsed.problem.advisory;
}

void check_dmarc_record(struct check_run *run)
{
	const struct dmarc_verdict *v = verdicts_of(run);
	bool none[DMARC_STANDARDS], open = false;

	for (int s = 0; s < DMARC_STANDARDS; s++) {
		none[s] = v[s].record_domain.data == NULL && v[s].author.data != NULL;
		if (none[s] && v[s].result == DMARC_RESULT_TEMPERROR) {
			none[s] = false;
			open = true;
		}
	}
	if (none[DMARC_RFC7489] || none[DMARC_RFC9989])
		add_absence(run, none[DMARC_RFC7489], none[DMARC_RFC9989]);
	else if (open)
		check_add(run, (struct finding){ .result = FINDING_UNKNOWN,
				   .reason = SLICE("the DMARC record could not be looked up"),
				   .rfc = "RFC 9989 4.7" });
	if (has_problem(&v[DMARC_RFC9989]))
		add_problem(run, &v[DMARC_RFC9989]);
	else if (has_problem(&v[DMARC_RFC7489]))
		add_problem(run, &v[DMARC_RFC7489]);
}

/* ---- dmarc.alignment ------------------------------------------------------------------------ */

/* What the verdicts say together of one question. */
static bool fails(const struct dmarc_verdict *v)
{
	return v->result == DMARC_RESULT_FAIL;
}

/* A result that is open: nothing worse than a report can come of it, whatever it would be. */
static bool is_harmless(const struct dmarc_verdict *v)
{
	if (v->record_domain.data == NULL || v->policy != DMARC_NONE)
		return false;
	/* a record from above has np too, if what could not be told is whether the name exists */
	return slice_equal(v->record_domain, v->author) || v->parsed.np == DMARC_NONE;
}

/* Why the author's domain is not authenticated, in a few words. */
static struct slice evidence(const struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	const char *dkim = a->signature_total + a->expected.count == 0
			       ? "there is no DKIM signature"
			       : "no DKIM signature that passes is aligned";
	const char *spf = "SPF does not pass for every address that mail leaves from";

	if (!a->spf_evaluated)
		return slice_of(dkim);
	for (size_t i = 0; i < a->spf_count; i++)
		if (a->spf[i].outcome.result != SPF_PASS)
			return arena_printf(run->arena, "%s, and %s", dkim, spf);
	return arena_printf(run->arena, "%s, and SPF passes for %.*s, which is not aligned", dkim,
	    SLICE_ARG(a->spf[0].outcome.domain));
}

static void add_failure(struct check_run *run)
{
	const struct dmarc_verdict *v = verdicts_of(run);
	bool old = fails(&v[DMARC_RFC7489]), new = fails(&v[DMARC_RFC9989]);
	const struct dmarc_verdict *worst = &v[DMARC_RFC7489];
	struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 9989 4.4" };

	if (!old || (new &&v[DMARC_RFC9989].disposition > worst->disposition))
		worst = &v[DMARC_RFC9989];
	if (worst->disposition == DMARC_NONE)
		f.at_most = ACTION_LOG;
	f.reason =
	    arena_printf(run->arena, "DMARC fails under %s, with the policy %s at %.*s: %.*s",
		standards(old, new), auth_dmarc_policy_name(worst->policy),
		SLICE_ARG(worst->record_domain), SLICE_ARG(evidence(run)));
	f.fix = arena_printf(run->arena,
	    "sign with d=%.*s, or send with a MAIL FROM of that domain from addresses that its SPF "
	    "record lists",
	    SLICE_ARG(worst->author));
	check_add(run, f);
}

void check_dmarc_alignment(struct check_run *run)
{
	const struct dmarc_verdict *v = verdicts_of(run);
	const struct dmarc_verdict *open = NULL;
	struct finding f = { .result = FINDING_UNKNOWN, .rfc = "RFC 9989 4.4" };
	bool failed = fails(&v[DMARC_RFC7489]) || fails(&v[DMARC_RFC9989]);

	if (failed)
		add_failure(run);
	for (int s = 0; s < DMARC_STANDARDS; s++)
		if (v[s].result == DMARC_RESULT_TEMPERROR && (open == NULL || is_harmless(open)))
			open = &v[s];
	/* beside a failure only what could be worse is worth a word */
	if (open == NULL || (failed && is_harmless(open)))
		return;
	if (is_harmless(open))
		f.at_most = ACTION_LOG;
	f.reason =
	    arena_printf(run->arena, "the result of DMARC is open: %.*s", SLICE_ARG(open->reason));
	if (!run->message->authentication->spf_evaluated && open->record_domain.data != NULL)
		f.fix = SLICE("set `egress`, so that SPF can be judged");
	check_add(run, f);
}
