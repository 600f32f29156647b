/* expected.c - the signatures that a signer behind us will add to a message. */
#include "auth/expected.h"

#include "auth/signature.h"
#include "syntax/domain.h"

const char *expected_status_name(enum expected_status status)
{
	static const char *const names[] = { "pending", "pass", "no key", "bad key", "not told" };

	return names[status];
}

static void settle(struct expected_signature *s, enum expected_status status, struct slice reason)
{
	s->status = status;
	s->reason = reason;
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
	if (expected->answer != SIGNER_SIGNS)
		return;
	for (size_t i = 0; i < signings.count && i < SIGNINGS_MAX; i++) {
		struct expected_signature *s = &expected->list[expected->count++];

		s->signing = signings.list[i];
		s->selector = s->signing.selector;
		s->algorithm = s->signing.algorithm;
		if (!domain_to_ascii(arena, s->signing.domain, &s->domain)) {
			s->domain = s->signing.domain;
			settle(s, EXPECTED_BAD_KEY, SLICE("d= would be no domain name"));
		}
	}
}

/* The key is published; is it the right one, and good enough? */
static void judge_key(const struct signer *signer, struct arena *arena,
    struct expected_signature *s, struct slice published)
{
	struct slice reason = { NULL, 0 };
	struct key_fit_answer answer =
	    signer_key_fit(signer, arena, &s->signing, published, &reason);
	bool rsa = slice_starts_nocase(s->algorithm, SLICE("rsa"));

	s->bits = answer.bits;
	if (answer.fit == KEY_UNKNOWN)
		settle(s, EXPECTED_UNKNOWN, reason);
	else if (answer.fit != KEY_FITS)
		settle(s, EXPECTED_BAD_KEY, reason);
	else if (slice_equal(s->algorithm, SLICE("rsa-sha1")))
		settle(s, EXPECTED_BAD_KEY, SLICE("it would be made with SHA-1"));
	else if (rsa && s->bits > 0 && s->bits < SIGNATURE_BITS_MIN)
		settle(s, EXPECTED_BAD_KEY, SLICE("the key has under 1024 bits"));
	else
		settle(s, EXPECTED_GOOD, (struct slice){ NULL, 0 });
}

static void judge_answer(const struct signer *signer, struct arena *arena,
    struct expected_signature *s, struct slice name, const struct dns_answer *answer)
{
	if (answer->status == DNS_TEMPFAIL)
		settle(s, EXPECTED_UNKNOWN,
		    arena_printf(arena, "the key at %.*s could not be looked up: %s",
			SLICE_ARG(name), answer->why != NULL ? answer->why : "no answer"));
	else if (answer->truncated)
		settle(s, EXPECTED_UNKNOWN,
		    arena_printf(arena, "not all records at %.*s can be read", SLICE_ARG(name)));
	else if (answer->status != DNS_FOUND)
		settle(s, EXPECTED_NO_KEY,
		    arena_printf(arena, "no key is published at %.*s", SLICE_ARG(name)));
	else if (answer->count > 1)
		settle(s, EXPECTED_BAD_KEY,
		    arena_printf(arena, "%.*s has %zu TXT records: receivers cannot tell the key",
			SLICE_ARG(name), answer->count));
	else
		judge_key(signer, arena, s, answer->records[0].data);
}

bool expected_judge(const struct signer *signer, struct arena *arena, struct dns_view *view,
    struct expected *expected)
{
	bool pending = false;

	for (size_t i = 0; i < expected->count; i++) {
		struct expected_signature *s = &expected->list[i];
		const struct dns_answer *answer;
		struct slice name;

		if (s->status != EXPECTED_PENDING)
			continue;
		name = arena_printf(
		    arena, "%.*s._domainkey.%.*s", SLICE_ARG(s->selector), SLICE_ARG(s->domain));
		answer = dns_view_get(view, name, DNS_TXT);
		if (answer == NULL)
			pending = true;
		else
			judge_answer(signer, arena, s, name, answer);
	}
	return pending;
}
