/* expected.c - the signatures that a signer behind us will add to a message. */
#include "auth/expected.h"

#include "syntax/domain.h"

enum expected_status expected_status_of(const struct expected_signature *e)
{
	if (e->signature.result == SIGNATURE_TEMPERROR)
		return EXPECTED_UNKNOWN;
	if (e->signature.fault == SIGNATURE_NO_KEY)
		return EXPECTED_NO_KEY;
	return e->signature.result == SIGNATURE_PASS ? EXPECTED_GOOD : EXPECTED_BAD_KEY;
}

const char *expected_status_name(enum expected_status status)
{
	static const char *const names[] = { "pass", "no-key", "bad-key", "unknown" };

	return names[status];
}

struct expected_signature expected_of(struct arena *arena, const struct signing *signing)
{
	struct expected_signature e = { .signing = *signing };
	struct signature *s = &e.signature;

	s->selector = signing->selector;
	s->algorithm = signing->algorithm;
	s->signs_from = true; /* it does not sign without (RFC 6376 5.4) */
	/* until it is judged it is neither good nor bad */
	signature_settle(s, SIGNATURE_KEY_UNKNOWN, SLICE("its key was not looked up"));
	if (domain_to_ascii(arena, signing->domain, &s->domain))
		return e;
	s->domain = signing->domain;
	signature_settle(s, SIGNATURE_MALFORMED, SLICE("d= would be no domain name"));
	e.judged = true;
	return e;
}

void expected_begin(const struct signer *signer, struct arena *arena, const struct mailbox *author,
    struct expected *expected)
{
	struct signings signings;
	size_t at;

	*expected = (struct expected){ .answer = SIGNER_SIGNS_NOT };
	if (author == NULL) {
		expected->reason = SLICE("the signer finds no author");
		return;
	}
	at = slice_find_last(author->address, '@');
	expected->answer = signer_signings(signer, arena, slice_part(author->address, 0, at),
	    slice_part(author->address, at + 1, author->address.len), &signings);
	expected->reason = signings.reason;
	expected->list = arena_alloc(arena, SIGNINGS_MAX * sizeof *expected->list);
	for (size_t i = 0; i < signings.count && i < SIGNINGS_MAX; i++)
		expected->list[expected->count++] = expected_of(arena, &signings.list[i]);
	expected->tried = expected->count;
}

/* The key is published; is it the right one, and good enough? */
static void judge_key(const struct signer *signer, struct arena *arena,
    struct expected_signature *e, struct slice key)
{
	struct signature *s = &e->signature;
	struct slice reason;
	struct key_fit_answer answer = signer_key_fit(signer, arena, &e->signing, key, &reason);

	s->bits = answer.bits;
	switch (answer.fit) {
	case KEY_FITS: signature_judge_strength(s); break;
	case KEY_DIFFERS: signature_settle(s, SIGNATURE_MISMATCH, reason); break;
	case KEY_REVOKED: signature_settle(s, SIGNATURE_REVOKED, reason); break;
	case KEY_UNUSABLE:
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(arena, "the key cannot be used for it: %.*s", SLICE_ARG(reason)));
		break;
	case KEY_CANT_SIGN: signature_settle(s, SIGNATURE_MALFORMED, reason); break;
	case KEY_UNKNOWN: signature_settle(s, SIGNATURE_UNVERIFIABLE, reason); break;
	}
}

bool expected_judge_one(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected_signature *e)
{
	const struct dns_answer *answer;
	struct slice key;

	if (e->judged)
		return false;
	answer = dns_view_get(view, signature_key_name(arena, &e->signature), DNS_TXT);
	if (answer == NULL)
		return true;
	signature_settle(&e->signature, SIGNATURE_GOOD, (struct slice){ NULL, 0 });
	key = signature_take_key(arena, &e->signature, answer);
	if (key.data != NULL)
		judge_key(signer, arena, e, key);
	e->judged = true;
	return false;
}

bool expected_judge(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected *expected)
{
	bool pending = false;

	for (size_t i = 0; i < expected->count; i++) {
		struct expected_signature *e = &expected->list[i];

		if (e->judged)
			continue;
		pending |= expected_judge_one(signer, arena, view, e);
		if (e->signature.fault == SIGNATURE_MALFORMED) {
			expected->answer = SIGNER_DEFERS;
			expected->reason = arena_printf(arena, "the key for d=%.*s, s=%.*s: %.*s",
			    SLICE_ARG(e->signature.domain), SLICE_ARG(e->signature.selector),
			    SLICE_ARG(e->signature.reason));
			expected->count = 0;
			return false;
		}
	}
	return pending;
}
