/*
 * dkim.c - the checks of DKIM signatures, those in the message and those that a
 * signer behind us will add.
 *
 * A signature concerns these checks if it is of the author's organization under
 * either DMARC standard; others are somebody else's affair.  What is wrong with
 * one signature refuses nothing while another one, aligned, passes.
 */
#include "auth/authentication.h"
#include "check/rows.h"
#include "key/key_record.h"

enum { LINE_MAX_OCTETS = 998 }; /* RFC 5322 2.1.1 */

#define BETTER_KEY    "make a key of 2048 bits, publish it under a new selector"
#define BETTER_EXPIRY "sign messages when they are sent, with a later expiry or none"
#define BETTER_CLOCK  "set the clock of the signing host"

static struct slice author_of(const struct check_run *run)
{
	return run->message->authentication->author.name;
}

/* A signature, as it concerns these checks. */
struct subject {
	const struct signature *signature;
	const struct alignment_fact *alignment;
	bool to_come; /* it is not in the message: a signer behind us will add it */
};

/* Those of the message, then those to come. */
static size_t count_subjects(const struct authentication *a)
{
	return a->signature_count + a->expected.count;
}

static struct subject subject_at(const struct authentication *a, size_t i)
{
	size_t n = i - a->signature_count;

	if (i < a->signature_count)
		return (struct subject){ &a->signatures[i], &a->signature_alignment[i], false };
	return (struct subject){ &a->expected.list[n].signature, &a->expected_alignment[n], true };
}

/* Is it of the author's organization, or may it be? */
static bool is_ours(const struct subject *s)
{
	const struct alignment_fact *f = s->alignment;

	for (int i = 0; i < DMARC_STANDARDS; i++)
		if (f->relaxed[i] == DMARC_ALIGNED || f->relaxed[i] == DMARC_ALIGNMENT_UNKNOWN)
			return true;
	return false;
}

static bool is_aligned(const struct subject *s)
{
	return s->alignment->aligned[DMARC_RFC7489] || s->alignment->aligned[DMARC_RFC9989];
}

/* How near a signature comes to one that counts: it verifies, and is aligned. */
enum nearness {
	NEAR_NOTHING,
	NEAR_ALIGNED, /* it is aligned, or may be, and does not verify */
	NEAR_OPEN,    /* it counts if it is aligned */
	NEAR_KEY,     /* it is aligned, and counts if it verifies */
	NEAR_GOOD,    /* it counts */
};

static enum nearness nearness_of(const struct subject *s)
{
	bool good = s->signature->result == SIGNATURE_PASS;
	bool open = auth_signature_is_open(s->signature);

	if (is_aligned(s))
		return good ? NEAR_GOOD : open ? NEAR_KEY : NEAR_ALIGNED;
	if (!s->alignment->unknown)
		return NEAR_NOTHING;
	return open || good ? NEAR_OPEN : NEAR_ALIGNED;
}

/* The first of those that come nearest; its signature is NULL if there is none. */
static struct subject find_nearest(const struct authentication *a, enum nearness *nearness)
{
	struct subject nearest = { NULL, NULL, false };

	*nearness = NEAR_NOTHING;
	for (size_t i = 0; i < count_subjects(a); i++) {
		struct subject s = subject_at(a, i);

		if (i > 0 && nearness_of(&s) <= *nearness)
			continue;
		nearest = s;
		*nearness = nearness_of(&s);
	}
	return nearest;
}

/* Is it not known whether a signer behind us will add one that counts? */
static bool is_signer_open(const struct authentication *a)
{
	return a->expected.answer == SIGNER_DEFERS || a->expected.answer == SIGNER_UNKNOWN;
}

/* "the signature of d=example.com, s=mail" */
static struct slice name_of(struct check_run *run, const struct subject *s)
{
	return arena_printf(run->arena, "the signature %sof d=%.*s, s=%.*s",
	    s->to_come ? "to come " : "", SLICE_ARG(s->signature->domain),
	    SLICE_ARG(s->signature->selector));
}

static const char *field_of(const struct subject *s)
{
	return s->to_come ? NULL : "DKIM-Signature";
}

static struct finding *add(struct check_run *run, const struct subject *s, const char *what,
    struct slice fix, const char *rfc)
{
	return check_add(run,
	    (struct finding){ .result = FINDING_FAIL,
		.field = field_of(s),
		.reason = arena_printf(run->arena, "%.*s %s", SLICE_ARG(name_of(run, s)), what),
		.fix = fix,
		.rfc = rfc });
}

/* Between the signer, the key and us nothing has happened yet to a signature to come. */
static struct slice mismatch_fix(struct check_run *run, const struct subject *s, struct slice key)
{
	return arena_printf(run->arena, "publish at %.*s the key that the signer uses%s",
	    SLICE_ARG(key),
	    s->to_come ? "" : ", and let nothing change the header behind the signer");
}

/* How to mend what is wrong with a signature; not there where nothing is, or nobody knows. */
static struct slice fix_of(struct check_run *run, const struct subject *subject)
{
	const struct signature *s = subject->signature;
	struct slice key = signature_key_name(run->arena, s);

	switch (s->fault) {
	case SIGNATURE_BODY: return SLICE("let nothing change the body behind the signer");
	case SIGNATURE_MISMATCH: return mismatch_fix(run, subject, key);
	case SIGNATURE_NO_KEY:
		return arena_printf(run->arena,
		    "publish the public key of this selector at %.*s: TXT \"v=DKIM1; k=%s; p=...\"",
		    SLICE_ARG(key),
		    slice_starts_nocase(s->algorithm, SLICE("ed25519")) ? "ed25519" : "rsa");
	case SIGNATURE_REVOKED: return SLICE("sign with the selector of a key that is in use");
	case SIGNATURE_BAD_KEY:
		return arena_printf(
		    run->arena, "publish one valid key record at %.*s", SLICE_ARG(key));
	case SIGNATURE_SHORT_KEY: return SLICE(BETTER_KEY);
	case SIGNATURE_SHA1: return SLICE("sign with rsa-sha256");
	case SIGNATURE_EXPIRED: return SLICE(BETTER_EXPIRY);
	case SIGNATURE_FUTURE: return SLICE(BETTER_CLOCK);
	case SIGNATURE_MALFORMED:
		return subject->to_come ? SLICE("mend domain and key in the signer's tables")
					: SLICE("remove the signature, or mend the signer");
	default: return (struct slice){ NULL, 0 };
	}
}

/*
 * A fault of one signature: what the verifier says of it.  For the log while
 * another one is good; while that is not known, it refuses nothing either.
 */
static void add_fault(struct check_run *run, const struct subject *s, const char *rfc)
{
	const struct authentication *a = run->message->authentication;
	struct finding f = { .result = FINDING_FAIL, .field = field_of(s), .rfc = rfc };
	enum nearness nearness;

	find_nearest(a, &nearness);
	if (s->signature->result == SIGNATURE_TEMPERROR)
		f.result = FINDING_UNKNOWN;
	else if (nearness >= NEAR_OPEN || is_signer_open(a))
		f.at_most = ACTION_LOG;
	if (nearness == NEAR_GOOD)
		f.at_most = ACTION_LOG;
	f.reason = arena_printf(
	    run->arena, "%.*s: %.*s", SLICE_ARG(name_of(run, s)), SLICE_ARG(s->signature->reason));
	f.fix = fix_of(run, s);
	check_add(run, f);
}

/* ---- dkim.signed --------------------------------------------------------- */

/* nearness: below NEAR_GOOD. */
static struct slice missing_reason(
    struct check_run *run, const struct subject *nearest, enum nearness nearness)
{
	struct slice author = author_of(run), name;

	if (nearest->signature == NULL)
		return SLICE("the message has no DKIM signature");
	if (nearest->signature->domain.data == NULL)
		return arena_printf(run->arena, "no signature can be read: %.*s",
		    SLICE_ARG(nearest->signature->reason));
	name = name_of(run, nearest);
	if (nearness == NEAR_OPEN)
		return arena_printf(run->arena, "it is not known whether %.*s is aligned with %.*s",
		    SLICE_ARG(name), SLICE_ARG(author));
	if (nearness == NEAR_NOTHING)
		return arena_printf(run->arena, "no signature is aligned with %.*s: %.*s is not",
		    SLICE_ARG(author), SLICE_ARG(name));
	return arena_printf(run->arena, "no signature of %.*s verifies: %.*s: %.*s",
	    SLICE_ARG(author), SLICE_ARG(name), SLICE_ARG(nearest->signature->reason));
}

/* What a signer behind us will do instead of signing; not there: it signs, or there is none. */
static struct slice signer_reason(struct check_run *run)
{
	static const char *const words[] = {
		[SIGNER_SIGNS_NOT] = "the signer will not sign it",
		[SIGNER_DEFERS] = "the signer will put it off",
		[SIGNER_UNKNOWN] = "it is not known whether the signer will sign it",
	};
	const struct authentication *a = run->message->authentication;

	if (a->expected.answer == SIGNER_SIGNS)
		return (struct slice){ NULL, 0 };
	return arena_printf(
	    run->arena, "%s: %.*s", words[a->expected.answer], SLICE_ARG(a->expected.reason));
}

static struct slice signing_fix(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	return arena_printf(run->arena, "let the signer sign mail of %.*s with d=%.*s%s",
	    SLICE_ARG(a->author.name), SLICE_ARG(a->author.name),
	    a->signer == AUTH_SIGNER_TABLES ? "" : ", before Presend sees it");
}

void check_dkim_signed(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	struct slice instead = signer_reason(run);
	bool open = is_signer_open(a);
	struct finding f = { .result = FINDING_FAIL, .rfc = "RFC 6376 1" };
	enum nearness nearness;
	struct subject nearest = find_nearest(a, &nearness);

	if (nearness == NEAR_GOOD)
		return;
	if (instead.data != NULL && (nearness == NEAR_NOTHING || (open && nearness < NEAR_OPEN)))
		f.reason = instead;
	else
		f.reason = missing_reason(run, &nearest, nearness);
	if (open || nearness >= NEAR_OPEN)
		f.result = FINDING_UNKNOWN;
	else
		f.fix = nearness == NEAR_ALIGNED ? fix_of(run, &nearest) : signing_fix(run);
	check_add(run, f);
}

/* ---- dkim.valid ---------------------------------------------------------- */

void check_dkim_valid(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++) {
		struct subject s = subject_at(a, i);

		if (!is_ours(&s))
			continue;
		switch (s.signature->fault) {
		case SIGNATURE_MALFORMED:
			/* of a From that is not covered dkim.coverage speaks */
			if (s.signature->signs_from || s.signature->headers.len == 0)
				add_fault(run, &s, "RFC 6376 3.5");
			break;
		case SIGNATURE_MISMATCH:
		case SIGNATURE_BODY: add_fault(run, &s, "RFC 6376 6.1.3"); break;
		case SIGNATURE_UNVERIFIABLE: add_fault(run, &s, "RFC 6376 6.1"); break;
		default: break;
		}
	}
}

/* ---- dkim.key ------------------------------------------------------------ */

/* What is not wrong yet: receivers take it, some with a shrug. */
static void add_weakness(struct check_run *run, const struct subject *subject)
{
	const struct signature *s = subject->signature;
	struct finding *f = NULL;

	if (s->bits > 0 && s->bits < KEY_BITS_GOOD &&
	    slice_starts_nocase(s->algorithm, SLICE("rsa")))
		f = add(run, subject,
		    arena_printf(run->arena, "has a key of %u bits", s->bits).data,
		    SLICE(BETTER_KEY), "RFC 8301 3.2");
	if (f != NULL)
		f->at_most = ACTION_LOG;
	f = NULL;
	if (s->key_testing)
		f = add(run, subject, "has a key that is marked as a test (t=y)",
		    SLICE("remove t=y from the key record"), "RFC 6376 3.6.1");
	if (f != NULL)
		f->at_most = ACTION_LOG;
}

/* Of a signature to come everything rests on the keys, the private one too. */
static void judge_key(struct check_run *run, const struct subject *s)
{
	switch (s->signature->fault) {
	case SIGNATURE_NO_KEY:
	case SIGNATURE_REVOKED:
	case SIGNATURE_BAD_KEY:
	case SIGNATURE_KEY_UNKNOWN: add_fault(run, s, "RFC 6376 6.1.2"); return;
	case SIGNATURE_SHORT_KEY:
	case SIGNATURE_SHA1: add_fault(run, s, "RFC 8301 3"); return;
	case SIGNATURE_MISMATCH:
	case SIGNATURE_MALFORMED:
	case SIGNATURE_UNVERIFIABLE:
		if (s->to_come)
			add_fault(run, s, "RFC 6376 6.1.2");
		break;
	default: break;
	}
	add_weakness(run, s);
}

void check_dkim_key(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < count_subjects(a); i++) {
		struct subject s = subject_at(a, i);

		if (is_ours(&s))
			judge_key(run, &s);
	}
}

/* ---- dkim.coverage ---------------------------------------------------------- */

static void cover(struct check_run *run, const struct subject *subject)
{
	const struct signature *s = subject->signature;

	if (!s->signs_from && s->headers.len > 0)
		add(run, subject, "does not cover the From field",
		    SLICE("let the signer sign From: it must stand in h="), "RFC 6376 5.4");
	if (s->has_length)
		add(run, subject, "covers only the beginning of the body (l=)",
		    SLICE("let the signer sign the whole body, without l="), "RFC 6376 8.2");
	if (s->expired)
		add(run, subject, "has expired (x=)", SLICE(BETTER_EXPIRY), "RFC 6376 3.5");
	if (s->in_future)
		add(run, subject, "has a time stamp in the future (t=)", SLICE(BETTER_CLOCK),
		    "RFC 6376 3.5");
}

void check_dkim_coverage(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++) {
		struct subject s = subject_at(a, i);

		if (is_ours(&s))
			cover(run, &s);
	}
}

/* ---- dkim.survival ---------------------------------------------------------- */

/* The longest line of the header, name and colon counted. */
static size_t longest_header_line(const struct message *m)
{
	size_t longest = 0;

	for (size_t i = 0; i < m->field_count; i++) {
		struct slice rest = m->fields[i].body;
		size_t line = m->fields[i].name.len + 1;

		while (rest.len > 0) {
			size_t len = slice_find(rest, '\r');

			line += len;
			if (line > longest)
				longest = line;
			line = 0;
			rest = slice_part(rest, len + 2, rest.len);
		}
	}
	return longest;
}

static void add_risk(struct check_run *run, struct slice reason, struct slice fix, const char *rfc)
{
	check_add(run,
	    (struct finding){ .result = FINDING_FAIL, .reason = reason, .fix = fix, .rfc = rfc });
}

static void look_for_risks(struct check_run *run)
{
	const struct body_facts *body = &run->message->authentication->body;
	size_t line = longest_header_line(run->message);

	if (body->longest_line > line)
		line = body->longest_line;
	if (line > LINE_MAX_OCTETS)
		add_risk(run,
		    arena_printf(run->arena,
			"a line has %zu octets: servers break lines over 998, and the signature "
			"with them",
			line),
		    SLICE("fold long header fields, encode the body as quoted-printable or base64"),
		    "RFC 6376 5.3");
	if (body->bare_cr || body->bare_lf)
		add_risk(run,
		    SLICE("the body holds a CR or LF that is no line end: servers change it"),
		    SLICE("end lines with CRLF, encode binary content as base64"), "RFC 6376 5.3");
	if (body->eight_bit)
		add_risk(run,
		    SLICE("the body holds 8-bit octets: a server before one without 8BITMIME "
			  "encodes it anew"),
		    SLICE("encode the body as quoted-printable or base64 before it is signed"),
		    "RFC 6376 5.3");
}

void check_dkim_survival(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++) {
		if (a->signatures[i].result == SIGNATURE_PASS) {
			look_for_risks(run);
			return;
		}
	}
}
