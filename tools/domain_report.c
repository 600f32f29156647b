/*
 * domain_report.c - what a sending domain has published.
 *
 * As the authenticator's, each part is a step that takes what the view knows,
 * notes what it lacks, and says whether it is pending.
 */
#include "tools/domain_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

static bool is_same(const struct signing *a, const struct signing *b)
{
	return slice_equal(a->key, b->key) && slice_equal(a->algorithm, b->algorithm);
}

/* The one of that name that may be of this use; NULL: none. */
static struct domain_key *find_key(
    const struct domain_report *r, struct slice name, const struct expected_signature *use)
{
	for (size_t i = 0; i < r->key_count; i++) {
		struct domain_key *key = &r->keys[i];

		if (!slice_equal_nocase(key->name, name))
			continue;
		if (use == NULL || key->use == NULL || is_same(&key->use->signing, &use->signing))
			return key;
	}
	return NULL;
}

/* use: NULL for a key that no table tells of. */
static struct domain_key *add_key(struct domain_report *r, struct slice selector,
    struct slice domain, enum key_origin origin, struct expected_signature *use)
{
	struct slice name =
	    arena_printf(r->arena, "%.*s._domainkey.%.*s", SLICE_ARG(selector), SLICE_ARG(domain));
	struct domain_key *key = find_key(r, name, use);

	if (key == NULL) {
		key = &r->keys[r->key_count++];
		*key = (struct domain_key){
			.selector = selector, .domain = domain, .name = name, .origin = origin
		};
	}
	if (key->use == NULL)
		key->use = use;
	return key;
}

static void add_named(struct domain_report *r, const char *selector, enum key_origin origin)
{
	struct slice ascii;

	if (domain_to_ascii(r->arena, slice_of(selector), &ascii))
		add_key(r, ascii, r->domain, origin, NULL);
}

/* Those for its postmaster, whose d= may be another domain, and all of its own. */
static void add_keys_of_signer(struct domain_report *r, const struct signer_listing *listing)
{
	const struct expected *expected = &r->known->expected;
	size_t begin = r->key_count;

	for (size_t i = 0; i < expected->tried; i++) {
		struct expected_signature *use = &expected->list[i];

		add_key(r, use->signature.selector, use->signature.domain, KEY_OF_SIGNER, use)
		    ->applies = true;
	}
	for (size_t i = 0; i < listing->count; i++) {
		const struct signing *signing = &listing->list[i];
		struct expected_signature *use;

		if (!slice_equal_nocase(signing->domain, r->domain))
			continue;
		r->more_keys = r->key_count - begin >= SIGNER_KEYS_MAX;
		if (r->more_keys)
			return;
		use = arena_alloc(r->arena, sizeof *use);
		*use = expected_of(r->arena, signing);
		add_key(r, signing->selector, use->signature.domain, KEY_OF_SIGNER, use);
	}
}

static void set_keys(struct domain_report *r, const struct domain_query *q)
{
	const struct options *o = q->options;

	r->keys =
	    arena_alloc(r->arena, (o->selectors.count + SIGNER_KEYS_MAX + USUAL) * sizeof *r->keys);
	for (size_t i = 0; i < o->selectors.count; i++)
		add_named(r, o->selectors.items[i], KEY_NAMED);
	add_keys_of_signer(r, &q->listing);
	for (size_t i = 0; o->guess && i < USUAL; i++)
		add_named(r, usual_selectors[i], KEY_GUESSED);
}

static bool look_at_key(struct domain_report *r, struct domain_key *key)
{
	const struct dns_answer *answer = dns_view_get(r->view, key->name, DNS_TXT);

	if (answer == NULL)
		return true;
	if (!key->told)
		key->record = key_record_read(r->arena, key->name, answer);
	key->told = true;
	if (key->use != NULL && !key->applies)
		expected_judge_one(r->query->site->signer, r->arena, r->view, key->use);
	return false;
}

static bool look_at_keys(struct domain_report *r)
{
	bool pending = false;

	for (size_t i = 0; i < r->key_count; i++)
		pending |= look_at_key(r, &r->keys[i]);
	return pending;
}

/* A usual selector without a key says nothing. */
static void drop_absent_guesses(struct domain_report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->key_count; i++)
		if (r->keys[i].origin != KEY_GUESSED ||
		    r->keys[i].record.status != KEY_RECORD_ABSENT)
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

struct domain_report *domain_report_new(
    const struct message *message, struct slice domain, const struct domain_query *query)
{
	struct domain_report *r = arena_alloc(message->arena, sizeof *r);
	const struct site *site = query->site;

	r->arena = message->arena;
	r->domain = domain;
	r->known = message->authentication;
	r->query = query;
	r->view = dns_view_new(
	    r->arena, site->resolver, clock_now_us() + (int64_t)(site->config->deadline * 1e6));
	r->spf_walk.result = SPF_PENDING;
	r->walk = (struct spf_query){
		.ip = { .family = AF_INET },
		.mail_from = message->mail_from.address,
		.helo = site_helo(site, message),
		.receiver = SLICE("unknown"),
		.now = query->now,
	};
	set_keys(r, query);
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
