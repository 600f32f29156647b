/*
 * domain_facts.c - what a domain's report adds to the facts that the checks read.
 *
 * The authenticator knows what the signer will do with mail of postmaster.  It
 * cannot know of keys that are named on the command line, nor of those
 * in the signer's tables that are for other authors: the rows about signatures judge what
 * would be made with them.
 */
#include "tools/domain_report.h"

static enum signature_fault fault_of(enum key_record_status status)
{
	switch (status) {
	case KEY_RECORD_GOOD: break;
	case KEY_RECORD_WEAK: return SIGNATURE_SHORT_KEY;
	case KEY_RECORD_ABSENT: return SIGNATURE_NO_KEY;
	case KEY_RECORD_REVOKED: return SIGNATURE_REVOKED;
	case KEY_RECORD_SEVERAL:
	case KEY_RECORD_MALFORMED:
	case KEY_RECORD_UNUSABLE: return SIGNATURE_BAD_KEY;
	case KEY_RECORD_UNKNOWN: return SIGNATURE_KEY_UNKNOWN;
	}
	return SIGNATURE_GOOD;
}

/* By a key of which no more is known than its record. */
static struct expected_signature signature_by(const struct domain_key *key)
{
	bool ed25519 = slice_equal_nocase(key->record.type, SLICE("ed25519"));
	struct expected_signature e = { .judged = true };
	struct signature *s = &e.signature;

	s->domain = key->domain;
	s->selector = key->selector;
	s->algorithm = ed25519 ? SLICE("ed25519-sha256") : SLICE("rsa-sha256");
	s->bits = key->record.bits;
	s->key_testing = key->record.testing;
	signature_settle(s, fault_of(key->record.status), key->record.reason);
	return e;
}

/*
 * Each is of the very domain that is looked at.  Where the signer is known it
 * counts for nothing all the same: mail is not signed with it.
 */
static struct alignment_fact alignment_of(const struct domain_report *r)
{
	struct alignment_fact fact = { .unknown = false };

	for (int i = 0; i < DMARC_STANDARDS; i++) {
		fact.relaxed[i] = DMARC_ALIGNED;
		fact.aligned[i] = r->query->site->signer == NULL;
	}
	return fact;
}

/* A key that was guessed is nobody's. */
static bool is_judged(const struct domain_key *key)
{
	return !key->applies && (key->use != NULL || key->origin == KEY_NAMED);
}

/* Behind those of postmaster's mail. */
static void add_signatures(const struct domain_report *r, struct authentication *facts)
{
	struct expected *e = &facts->expected;
	size_t most = e->count + r->key_count + 1;
	struct expected_signature *list = arena_alloc(r->arena, most * sizeof *list);
	struct alignment_fact *alignment = arena_alloc(r->arena, most * sizeof *alignment);

	for (size_t i = 0; i < e->count; i++) {
		list[i] = e->list[i];
		alignment[i] = facts->expected_alignment[i];
	}
	for (size_t i = 0; i < r->key_count; i++) {
		const struct domain_key *key = &r->keys[i];

		if (!is_judged(key))
			continue;
		list[e->count] = key->use != NULL ? *key->use : signature_by(key);
		alignment[e->count++] = alignment_of(r);
	}
	e->list = list;
	facts->expected_alignment = alignment;
}

struct authentication *domain_report_facts(const struct domain_report *r)
{
	struct authentication *facts = arena_alloc(r->arena, sizeof *facts);
	struct spf_record_fact *record = &facts->spf_record;
	struct expected *expected = &facts->expected;

	*facts = *r->known;
	if (record->count == 1 && record->problem.data == NULL &&
	    r->spf_walk.result == SPF_PERMERROR) {
		record->problem = r->spf_walk.problem;
		record->offset = r->spf_walk.record_offset;
	}
	/* of a message nothing is known then; here it is what the operator has to mend */
	if (expected->answer == SIGNER_DEFERS) {
		expected->answer = SIGNER_SIGNS_NOT;
		expected->reason = arena_printf(
		    r->arena, "it puts the mail off: %.*s", SLICE_ARG(expected->reason));
	}
	add_signatures(r, facts);
	return facts;
}
