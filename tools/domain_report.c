/*
 * domain_report.c - what a sending domain has published.
 *
 * As the authenticator's, each part is a step that takes what the view knows,
 * notes what it lacks, and says whether it is pending.
 */
#include "tools/domain_report.h"

#include <stdlib.h>
#include <string.h>

#include "syntax/domain.h"

/* What mail services and signers call their keys where nobody chooses another name. */
static const char *const usual_selectors[] = { "default", "dkim", "mail", "email", "smtp", "key1",
	"k1", "k2", "k3", "s1", "s2", "selector1", "selector2", "google", "fm1", "fm2", "fm3", "pm",
	"protonmail", "zoho", "mandrill", "sig1", "x" };

enum { USUAL = sizeof usual_selectors / sizeof usual_selectors[0] };

/* ---- existence and exchanges ------------------------------------------------------------ */

static enum presence presence_of(const struct dns_answer *answer)
{
	if (answer == NULL)
		return PRESENCE_PENDING;
	if (answer->status == DNS_TEMPFAIL)
		return PRESENCE_UNKNOWN;
	return answer->status == DNS_FOUND ? PRESENCE_YES : PRESENCE_NO;
}

static int compare(const void *a, const void *b)
{
	const struct domain_exchange *x = a, *y = b;
	size_t least = x->name.len < y->name.len ? x->name.len : y->name.len;
	int names;

	if (x->preference != y->preference)
		return x->preference < y->preference ? -1 : 1;
	names = memcmp(x->name.data, y->name.data, least);
	if (names != 0)
		return names;
	return x->name.len < y->name.len ? -1 : x->name.len > y->name.len;
}

static void take_exchanges(struct domain_report *r, const struct dns_answer *answer)
{
	if (r->exchanges != NULL || answer->count == 0)
		return;
	r->exchanges = arena_alloc(r->arena, answer->count * sizeof *r->exchanges);
	for (size_t i = 0; i < answer->count; i++)
		r->exchanges[i] = (struct domain_exchange){ .name = answer->records[i].data,
			.preference = answer->records[i].preference };
	r->exchange_count = answer->count;
	qsort(r->exchanges, r->exchange_count, sizeof *r->exchanges, compare);
}

/* Either kind of address will do; that there is none takes both answers. */
static enum presence address_of(struct domain_report *r, struct domain_exchange *x)
{
	const struct dns_answer *a = dns_view_get(r->view, x->name, DNS_A);
	const struct dns_answer *aaaa = dns_view_get(r->view, x->name, DNS_AAAA);
	enum presence v4 = presence_of(a), v6 = presence_of(aaaa);

	x->alias = (a != NULL && a->cname) || (aaaa != NULL && aaaa->cname);
	if (v4 == PRESENCE_PENDING || v6 == PRESENCE_PENDING)
		return PRESENCE_PENDING;
	if (v4 == PRESENCE_YES || v6 == PRESENCE_YES)
		return PRESENCE_YES;
	return v4 == PRESENCE_NO ? v6 : v4;
}

static bool look_at_exchanges(struct domain_report *r)
{
	const struct dns_answer *mx = dns_view_get(r->view, r->domain, DNS_MX);
	bool pending = mx == NULL;

	r->mx = presence_of(mx);
	if (r->existence.status == EXISTENCE_NULL_MX)
		r->mx = PRESENCE_NO;
	if (r->mx != PRESENCE_YES)
		return pending;
	take_exchanges(r, mx);
	for (size_t i = 0; i < r->exchange_count; i++) {
		struct domain_exchange *x = &r->exchanges[i];

		x->address = i < EXCHANGES_LOOKED_UP_MAX ? address_of(r, x) : PRESENCE_UNKNOWN;
		pending |= x->address == PRESENCE_PENDING;
	}
	return pending;
}

static bool look_at_domain(struct domain_report *r)
{
	r->existence = existence_of(r->view, r->domain);
	r->soa = presence_of(dns_view_get(r->view, r->domain, DNS_SOA));
	r->a = presence_of(dns_view_get(r->view, r->domain, DNS_A));
	r->aaaa = presence_of(dns_view_get(r->view, r->domain, DNS_AAAA));
	return look_at_exchanges(r) || r->existence.status == EXISTENCE_PENDING;
}

/* ---- SPF ---------------------------------------------------------------------------------- */

static bool look_at_spf(struct domain_report *r)
{
	const struct dns_answer *answer = dns_view_get(r->view, r->domain, DNS_TXT);

	if (r->spf_walk.result == SPF_PENDING)
		r->spf_walk = spf_evaluate(r->arena, r->view, &r->walk);
	if (answer == NULL)
		return true;
	if (r->spf_record.domain.data == NULL)
		r->spf_record = spf_record_fact_of(r->arena, r->domain, answer);
	return r->spf_walk.result == SPF_PENDING;
}

/* ---- keys --------------------------------------------------------------------------------- */

static bool is_named(const struct domain_report *r, struct slice selector)
{
	for (size_t i = 0; i < r->key_count; i++)
		if (slice_equal(r->keys[i].selector, selector))
			return true;
	return false;
}

static void add_key(struct domain_report *r, const char *selector, bool guessed)
{
	struct domain_key *key = &r->keys[r->key_count];
	struct slice ascii;

	if (!domain_to_ascii(r->arena, slice_of(selector), &ascii) || is_named(r, ascii))
		return;
	*key = (struct domain_key){ .selector = ascii, .guessed = guessed };
	key->name =
	    arena_printf(r->arena, "%.*s._domainkey.%.*s", SLICE_ARG(ascii), SLICE_ARG(r->domain));
	r->key_count++;
}

static void set_keys(struct domain_report *r, const struct options *o)
{
	r->keys = arena_alloc(r->arena, (o->selectors.count + USUAL) * sizeof *r->keys);
	for (size_t i = 0; i < o->selectors.count; i++)
		add_key(r, o->selectors.items[i], false);
	for (size_t i = 0; o->guess && i < USUAL; i++)
		add_key(r, usual_selectors[i], true);
}

static bool look_at_keys(struct domain_report *r)
{
	bool pending = false;

	for (size_t i = 0; i < r->key_count; i++) {
		struct domain_key *key = &r->keys[i];
		const struct dns_answer *answer = dns_view_get(r->view, key->name, DNS_TXT);

		pending |= answer == NULL;
		if (answer == NULL || key->told)
			continue;
		key->record = key_record_read(r->arena, key->name, answer);
		key->told = true;
	}
	return pending;
}

/* A usual selector without a key says nothing. */
static void drop_absent_guesses(struct domain_report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->key_count; i++)
		if (!r->keys[i].guessed || r->keys[i].record.status != KEY_RECORD_ABSENT)
			r->keys[kept++] = r->keys[i];
	r->key_count = kept;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* All parts once; true while one is pending. */
static bool take_answers(struct domain_report *r)
{
	bool pending = look_at_domain(r);

	pending |= look_at_spf(r);
	pending |= look_at_keys(r);
	return pending;
}

struct domain_report *domain_report_new(const struct message *message, const struct site *site,
    struct slice domain, const struct options *o, int64_t now)
{
	struct arena *arena = message->arena;
	struct domain_report *r = arena_alloc(arena, sizeof *r);

	r->arena = arena;
	r->domain = domain;
	r->view = dns_view_new(
	    arena, site->resolver, dns_now_us() + (int64_t)(site->config->deadline * 1e6));
	r->spf_walk.result = SPF_PENDING;
	r->guessed = o->guess;
	r->walk = (struct spf_query){
		.ip = { .family = AF_INET },
		.mail_from = arena_printf(arena, "postmaster@%.*s", SLICE_ARG(domain)),
		.helo = site_helo(site, message),
		.receiver = SLICE("unknown"),
		.now = now,
	};
	set_keys(r, o);
	take_answers(r);
	dns_view_start(r->view);
	return r;
}

void domain_report_finish(struct domain_report *r)
{
	while (take_answers(r) && dns_view_wait(r->view))
		;
	drop_absent_guesses(r);
}

void domain_report_free(struct domain_report *r)
{
	if (r != NULL)
		dns_view_free(r->view);
}

/* ---- for the checks -------------------------------------------------------------------------- */

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

static struct signature signature_by(const struct domain_report *r, const struct domain_key *key)
{
	bool ed25519 = slice_equal_nocase(key->record.type, SLICE("ed25519"));
	struct signature s = {
		.domain = r->domain,
		.selector = key->selector,
		.algorithm = ed25519 ? SLICE("ed25519-sha256") : SLICE("rsa-sha256"),
		.signs_from = true,
		.bits = key->record.bits,
		.key_testing = key->record.testing,
	};

	signature_settle(&s, fault_of(key->record.status), key->record.reason);
	return s;
}

/* Signatures of the author's own domain are aligned under any record. */
static void add_signatures(const struct domain_report *r, struct authentication *facts)
{
	struct signature *list = arena_alloc(r->arena, (r->key_count + 1) * sizeof *list);
	struct alignment_fact *alignment =
	    arena_alloc(r->arena, (r->key_count + 1) * sizeof *alignment);
	size_t count = 0;

	for (size_t i = 0; i < r->key_count; i++) {
		if (r->keys[i].guessed)
			continue;
		for (int s = 0; s < DMARC_STANDARDS; s++) {
			alignment[count].relaxed[s] = DMARC_ALIGNED;
			alignment[count].aligned[s] = true;
		}
		list[count++] = signature_by(r, &r->keys[i]);
	}
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
	add_signatures(r, facts);
	return facts;
}
