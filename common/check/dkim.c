/*
 * dkim.c - the checks of DKIM signatures.
 *
 * A signature concerns these checks if it is of the author's organization under
 * either DMARC standard; others are somebody else's affair.  What is wrong with
 * one signature refuses nothing while another one, aligned, passes.
 */
#include "auth/authentication.h"
#include "check/expected.h"
#include "check/rows.h"

enum { LINE_MAX_OCTETS = 998 }; /* RFC 5322 2.1.1 */

#define BETTER_KEY    "make a key of 2048 bits, publish it under a new selector"
#define BETTER_EXPIRY "sign messages when they are sent, with a later expiry or none"
#define BETTER_CLOCK  "set the clock of the signing host"

static struct slice author_of(const struct check_run *run)
{
	return run->message->authentication->author.name;
}

/* Is it of the author's organization, or may it be? */
static bool is_ours(const struct authentication *a, size_t i)
{
	const struct alignment_fact *f = &a->signature_alignment[i];

	for (int s = 0; s < DMARC_STANDARDS; s++)
		if (f->relaxed[s] == DMARC_ALIGNED || f->relaxed[s] == DMARC_ALIGNMENT_UNKNOWN)
			return true;
	return false;
}

static bool is_aligned(const struct authentication *a, size_t i)
{
	const struct alignment_fact *f = &a->signature_alignment[i];

	return f->aligned[DMARC_RFC7489] || f->aligned[DMARC_RFC9989];
}

/* Is there, or is there to come, a signature that verifies and is aligned? */
static bool has_good_signature(const struct message *message)
{
	const struct authentication *a = message->authentication;

	for (size_t i = 0; i < a->signature_count; i++)
		if (a->signatures[i].result == SIGNATURE_PASS && is_aligned(a, i))
			return true;
	return expected_has_good(message);
}

/* "the signature of d=example.com, s=mail" */
static struct slice name_of(struct check_run *run, const struct signature *s)
{
	return arena_printf(run->arena, "the signature of d=%.*s, s=%.*s", SLICE_ARG(s->domain),
	    SLICE_ARG(s->selector));
}

static struct finding *add(struct check_run *run, const struct signature *s, const char *what,
    struct slice fix, const char *rfc)
{
	return check_add(run,
	    (struct finding){ .result = FINDING_FAIL,
		.field = "DKIM-Signature",
		.reason = arena_printf(run->arena, "%.*s %s", SLICE_ARG(name_of(run, s)), what),
		.fix = fix,
		.rfc = rfc });
}

/* How to mend what is wrong with a signature; not there where nothing is, or nobody knows. */
static struct slice fix_of(struct check_run *run, const struct signature *s)
{
	struct slice key = signature_key_name(run->arena, s);

	switch (s->fault) {
	case SIGNATURE_BODY: return SLICE("let nothing change the body behind the signer");
	case SIGNATURE_MISMATCH:
		return arena_printf(run->arena,
		    "publish at %.*s the key that the signer uses, and let nothing change the "
		    "header behind the signer",
		    SLICE_ARG(key));
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
	case SIGNATURE_MALFORMED: return SLICE("remove the signature, or mend the signer");
	default: return (struct slice){ NULL, 0 };
	}
}

/* A fault of one signature: what the verifier says of it; for the log while another one is good. */
static void add_fault(struct check_run *run, const struct signature *s, const char *rfc)
{
	struct finding f = {
		.result = s->result == SIGNATURE_TEMPERROR ? FINDING_UNKNOWN : FINDING_FAIL,
		.field = "DKIM-Signature",
		.fix = fix_of(run, s),
		.rfc = rfc,
	};

	f.reason = arena_printf(
	    run->arena, "%.*s: %.*s", SLICE_ARG(name_of(run, s)), SLICE_ARG(s->reason));
	if (has_good_signature(run->message))
		f.at_most = ACTION_LOG;
	check_add(run, f);
}

/* ---- dkim.signed --------------------------------------------------------- */

/* The signature that comes nearest to counting. */
struct nearest {
	const struct signature *signature; /* NULL: there is none */
	bool aligned;
	bool open; /* it, or another one, might count: that could not be told */
};

static struct nearest find_nearest(const struct authentication *a)
{
	struct nearest n = { .signature = NULL };

	for (size_t i = 0; i < a->signature_count; i++) {
		const struct signature *s = &a->signatures[i];
		bool aligned = is_aligned(a, i);

		if ((aligned || a->signature_alignment[i].unknown) &&
		    (auth_signature_is_open(s) || s->result == SIGNATURE_PASS))
			n.open = true;
		if (n.signature == NULL || (aligned && !n.aligned)) {
			n.signature = s;
			n.aligned = aligned;
		}
	}
	return n;
}

static struct slice missing_reason(struct check_run *run, const struct nearest *n)
{
	struct slice author = author_of(run), name;

	if (n->open && !n->aligned)
		return arena_printf(run->arena,
		    "it is not known whether a signature is aligned with %.*s", SLICE_ARG(author));
	if (n->signature == NULL)
		return SLICE("the message has no DKIM signature");
	name = name_of(run, n->signature);
	if (n->aligned)
		return arena_printf(run->arena, "no signature of %.*s verifies: %.*s: %.*s",
		    SLICE_ARG(author), SLICE_ARG(name), SLICE_ARG(n->signature->reason));
	return arena_printf(run->arena, "no signature is aligned with %.*s: %.*s is not",
	    SLICE_ARG(author), SLICE_ARG(name));
}

void check_dkim_signed(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;
	struct nearest n = find_nearest(a);
	struct finding f = { .rfc = "RFC 6376 1" };

	if (has_good_signature(run->message))
		return;
	if (a->signer == AUTH_SIGNER_TABLES) {
		check_expected_signed(run);
		return;
	}
	f.reason = missing_reason(run, &n);
	f.result = n.open ? FINDING_UNKNOWN : FINDING_FAIL;
	if (!n.open && n.aligned)
		f.fix = fix_of(run, n.signature);
	else if (!n.open)
		f.fix = arena_printf(run->arena,
		    "let the signer sign mail of %.*s with d=%.*s, before Presend sees it",
		    SLICE_ARG(author_of(run)), SLICE_ARG(author_of(run)));
	check_add(run, f);
}

/* ---- dkim.valid ---------------------------------------------------------- */

void check_dkim_valid(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++) {
		const struct signature *s = &a->signatures[i];

		if (!is_ours(a, i))
			continue;
		switch (s->fault) {
		case SIGNATURE_MALFORMED:
			/* of a From that is not covered dkim.coverage speaks */
			if (s->signs_from || s->headers.len == 0)
				add_fault(run, s, "RFC 6376 3.5");
			break;
		case SIGNATURE_MISMATCH:
		case SIGNATURE_BODY: add_fault(run, s, "RFC 6376 6.1.3"); break;
		case SIGNATURE_UNVERIFIABLE: add_fault(run, s, "RFC 6376 6.1"); break;
		default: break;
		}
	}
}

/* ---- dkim.key ------------------------------------------------------------ */

/* What is not wrong yet: receivers take it, some with a shrug. */
static void add_weakness(struct check_run *run, const struct signature *s)
{
	struct finding *f = NULL;

	if (s->bits > 0 && s->bits < SIGNATURE_BITS_GOOD &&
	    slice_starts_nocase(s->algorithm, SLICE("rsa")))
		f = add(run, s, arena_printf(run->arena, "has a key of %u bits", s->bits).data,
		    SLICE(BETTER_KEY), "RFC 8301 3.2");
	if (f != NULL)
		f->at_most = ACTION_LOG;
	f = NULL;
	if (s->key_testing)
		f = add(run, s, "has a key that is marked as a test (t=y)",
		    SLICE("remove t=y from the key record"), "RFC 6376 3.6.1");
	if (f != NULL)
		f->at_most = ACTION_LOG;
}

void check_dkim_key(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++) {
		const struct signature *s = &a->signatures[i];

		if (!is_ours(a, i))
			continue;
		switch (s->fault) {
		case SIGNATURE_NO_KEY:
		case SIGNATURE_REVOKED:
		case SIGNATURE_BAD_KEY: add_fault(run, s, "RFC 6376 6.1.2"); break;
		case SIGNATURE_SHORT_KEY:
		case SIGNATURE_SHA1: add_fault(run, s, "RFC 8301 3"); break;
		case SIGNATURE_KEY_UNKNOWN: add_fault(run, s, "RFC 6376 6.1.2"); break;
		default: add_weakness(run, s); break;
		}
	}
	check_expected_keys(run);
}

/* ---- dkim.coverage ---------------------------------------------------------- */

static void cover(struct check_run *run, const struct signature *s)
{
	if (!s->signs_from && s->headers.len > 0)
		add(run, s, "does not cover the From field",
		    SLICE("let the signer sign From: it must stand in h="), "RFC 6376 5.4");
	if (s->has_length)
		add(run, s, "covers only the beginning of the body (l=)",
		    SLICE("let the signer sign the whole body, without l="), "RFC 6376 8.2");
	if (s->expired)
		add(run, s, "has expired (x=)", SLICE(BETTER_EXPIRY), "RFC 6376 3.5");
	if (s->in_future)
		add(run, s, "has a time stamp in the future (t=)", SLICE(BETTER_CLOCK),
		    "RFC 6376 3.5");
}

void check_dkim_coverage(struct check_run *run)
{
	const struct authentication *a = run->message->authentication;

	for (size_t i = 0; i < a->signature_count; i++)
		if (is_ours(a, i))
			cover(run, &a->signatures[i]);
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
