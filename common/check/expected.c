/* expected.c - the rows dkim.signed and dkim.key for a signature that is still to come. */
#include "check/expected.h"

#include "auth/authentication.h"

static bool is_aligned(const struct authentication *a, size_t i)
{
	const struct alignment_fact *f = &a->expected_alignment[i];

	return f->aligned[DMARC_RFC7489] || f->aligned[DMARC_RFC9989];
}

bool expected_has_good(const struct message *message)
{
	const struct authentication *a = message->authentication;

	for (size_t i = 0; i < a->expected.count; i++)
		if (a->expected.list[i].status == EXPECTED_GOOD && is_aligned(a, i))
			return true;
	return false;
}

/* "the signer will sign it with d=example.com, s=mail" */
static struct slice name_of(struct check_run *run, const struct expected_signature *s)
{
	return arena_printf(run->arena, "the signer will sign it with d=%.*s, s=%.*s",
	    SLICE_ARG(s->domain), SLICE_ARG(s->selector));
}

/* Could it count, if all were known? */
static bool is_open(const struct authentication *a, size_t i)
{
	enum expected_status status = a->expected.list[i].status;

	return (is_aligned(a, i) && status == EXPECTED_UNKNOWN) ||
	       (a->expected_alignment[i].unknown &&
		   (status == EXPECTED_UNKNOWN || status == EXPECTED_GOOD));
}

static struct slice reason_of(struct check_run *run, size_t i)
{
	const struct authentication *a = run->message->authentication;
	const struct expected_signature *s = &a->expected.list[i];
	struct slice name = name_of(run, s);

	if (!is_aligned(a, i))
		return arena_printf(run->arena, "%.*s, which is not aligned with %.*s",
		    SLICE_ARG(name), SLICE_ARG(a->author.name));
	return arena_printf(run->arena, "%.*s, but %.*s", SLICE_ARG(name), SLICE_ARG(s->reason));
}

static struct slice key_fix(struct check_run *run, const struct expected_signature *s)
{
	return arena_printf(run->arena,
	    "publish the public key of the signer at %.*s._domainkey.%.*s", SLICE_ARG(s->selector),
	    SLICE_ARG(s->domain));
}

void check_expected_signed(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	const struct expected *e = &a->expected;
	struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 6376 1" };

	f.reason =
	    arena_printf(run->arena, "the signer will not sign it: %.*s", SLICE_ARG(e->reason));
	f.fix = arena_printf(run->arena, "let the signer sign mail of %.*s with d=%.*s",
	    SLICE_ARG(a->author.name), SLICE_ARG(a->author.name));
	if (e->answer == SIGNER_UNKNOWN || e->answer == SIGNER_DEFERS)
		f.result = FINDING_UNKNOWN;
	for (size_t i = 0; i < e->count; i++) {
		if (is_open(a, i))
			f.result = FINDING_UNKNOWN;
		f.reason = reason_of(run, i);
		if (is_aligned(a, i))
			f.fix = key_fix(run, &e->list[i]);
	}
	if (f.result == FINDING_UNKNOWN)
		f.fix = (struct slice){ NULL, 0 };
	check_add(run, f);
}

void check_expected_keys(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->expected.count; i++) {
		const struct expected_signature *s = &a->expected.list[i];
		struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 6376 6.1.2" };

		if (!is_aligned(a, i) || s->status == EXPECTED_GOOD)
			continue;
		f.reason = reason_of(run, i);
		if (s->status == EXPECTED_UNKNOWN)
			f.result = FINDING_UNKNOWN;
		else
			f.fix = key_fix(run, s);
		if (expected_has_good(run->message))
			f.at_most = ACTION_LOG;
		check_add(run, f);
	}
}
