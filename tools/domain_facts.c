/*
 * domain_facts.c - what a domain's report adds to the facts that the checks read.
 *
 * There is no message that could be signed, but where a signer's tables are
 * known, or a selector is named, the signature that would be made is as good as its
 * keys: the rows about signatures judge that.
 */
#include "syntax/domain.h"
#include "tools/domain_report.h"

static enum signature_fault fault_of_record(enum key_record_status status)
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

static enum signature_fault fault_of_fit(enum key_fit fit)
{
	switch (fit) {
	case KEY_FITS: break;
	case KEY_DIFFERS: return SIGNATURE_MISMATCH;
	case KEY_REVOKED: return SIGNATURE_REVOKED;
	case KEY_UNUSABLE: return SIGNATURE_BAD_KEY;
	case KEY_CANT_SIGN: return SIGNATURE_MALFORMED;
	case KEY_UNKNOWN: return SIGNATURE_UNVERIFIABLE;
	}
	return SIGNATURE_GOOD;
}

static void settle(struct signature *s, const struct domain_key *key)
{
	enum signature_fault fault = fault_of_record(key->record.status);

	signature_settle(s, fault, key->record.reason);
	if (fault != SIGNATURE_GOOD || key->signing == NULL)
		return;
	fault = fault_of_fit(key->fit.fit);
	signature_settle(s, fault, key->fit_reason);
	if (fault == SIGNATURE_GOOD && slice_equal_nocase(s->algorithm, SLICE("rsa-sha1")))
		signature_settle(
		    s, SIGNATURE_SHA1, SLICE("it is made with SHA-1, which receivers refuse"));
}

static struct signature signature_by(const struct domain_key *key)
{
	bool ed25519 = slice_equal_nocase(key->record.type, SLICE("ed25519"));
	struct signature s = {
		.domain = key->domain,
		.selector = key->selector,
		.algorithm = key->signing != NULL ? key->signing->algorithm
			     : ed25519            ? SLICE("ed25519-sha256")
						  : SLICE("rsa-sha256"),
		.signs_from = true,
		.bits = key->record.bits,
		.key_testing = key->record.testing,
	};

	settle(&s, key);
	return s;
}

/* In the place of the signature that OpenDKIM should make and cannot, or may make. */
static struct signature signature_in_doubt(const struct domain_report *r)
{
	struct signature s = {
		.domain = r->domain, .selector = SLICE("unknown"), .signs_from = true
	};

	signature_settle(&s,
	    r->signer.answer == SIGNER_DEFERS ? SIGNATURE_MALFORMED : SIGNATURE_UNVERIFIABLE,
	    r->signer.reason);
	return s;
}

/* How d= stands to the author; waits for what that takes. */
static struct alignment_fact align(
    const struct domain_report *r, const struct authentication *known, struct slice domain)
{
	struct alignment_fact fact = { .unknown = false };
	bool pending;

	do {
		pending = false;
		for (int i = 0; i < DMARC_STANDARDS; i++) {
			const struct dmarc_query query = {
				.arena = r->arena,
				.view = r->view,
				.suffixes = r->query->site->suffixes,
				.standard = (enum dmarc_standard)i,
				.author = r->domain,
			};
			const struct dmarc_verdict *v = &known->dmarc[i];

			fact.relaxed[i] = auth_dmarc_alignment(&query, v, domain, false);
			fact.aligned[i] = auth_dmarc_alignment(&query, v, domain,
					      v->parsed.strict_dkim) == DMARC_ALIGNED;
			fact.unknown |= fact.relaxed[i] == DMARC_ALIGNMENT_UNKNOWN;
			pending |= fact.relaxed[i] == DMARC_ALIGNMENT_PENDING;
		}
	} while (pending && dns_view_wait(r->view));
	return fact;
}

/*
 * Of keys that are not known to be in use the faults are told, but they must not
 * pass for a signature: where the signer is known, all but those that it signs
 * with.  A key that was guessed is nobody's.
 */
static bool is_judged(
    const struct domain_report *r, const struct domain_key *key, const struct signature *s)
{
	if (key->origin == KEY_GUESSED)
		return false;
	return r->query->signer == NULL || key->applies || s->fault != SIGNATURE_GOOD;
}

static void add_signatures(const struct domain_report *r, struct authentication *facts)
{
	struct signature *list = arena_alloc(r->arena, (r->key_count + 1) * sizeof *list);
	struct alignment_fact *alignment =
	    arena_alloc(r->arena, (r->key_count + 1) * sizeof *alignment);
	size_t count = 0;

	for (size_t i = 0; i < r->key_count; i++) {
		list[count] = signature_by(&r->keys[i]);
		count += is_judged(r, &r->keys[i], &list[count]);
	}
	if (r->query->signer != NULL &&
	    (r->signer.answer == SIGNER_DEFERS || r->signer.answer == SIGNER_UNKNOWN))
		list[count++] = signature_in_doubt(r);
	for (size_t i = 0; i < count; i++)
		alignment[i] = align(r, facts, list[i].domain);
	facts->signatures = list;
	facts->signature_alignment = alignment;
	facts->signature_count = facts->signature_total = count;
}

struct authentication *domain_report_facts(
    const struct domain_report *r, const struct authentication *known)
{
	struct authentication *facts = arena_alloc(r->arena, sizeof *facts);
	struct spf_record_fact *record = &facts->spf_record;

	*facts = *known;
	if (record->count == 1 && record->problem.data == NULL &&
	    r->spf_walk.result == SPF_PERMERROR) {
		record->problem = r->spf_walk.problem;
		record->offset = r->spf_walk.record_offset;
	}
	/* else there is nobody to be aligned with, and these rows are skipped */
	if (facts->dmarc_evaluated)
		add_signatures(r, facts);
	return facts;
}
