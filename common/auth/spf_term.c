/*
 * spf_term.c - the mechanisms of RFC 7208 5: what each asks, and whether it
 * matches.
 *
 * All names of an MX or PTR answer are judged, also behind one that matches: so
 * they are asked for side by side, and no result depends on their order.
 */
#include <string.h>

#include "auth/spf_evaluation.h"
#include "syntax/domain.h"

/* ---- limits and problems, RFC 7208 4.6.4 ---------------------------------------- */

void spf_say(struct evaluation *e, struct slice problem)
{
	if (e->out->problem.data == NULL)
		e->out->problem = problem;
}

bool spf_count_lookup(struct evaluation *e)
{
	if (++e->out->lookups <= SPF_LOOKUPS_MAX)
		return true;
	spf_say(e, SLICE("the record needs more than 10 DNS lookups"));
	return false;
}

static bool count_void(struct evaluation *e)
{
	if (++e->out->voids <= SPF_VOIDS_MAX)
		return true;
	spf_say(e, SLICE("more than 2 of the record's DNS lookups find nothing"));
	return false;
}

size_t spf_count_labels(struct slice name)
{
	size_t begin = 0, labels = 0;

	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return 0;
	for (size_t i = 0; i <= name.len; i++) {
		if (i < name.len && name.data[i] != '.')
			continue;
		if (i == begin || i - begin > DNS_LABEL_MAX)
			return 0;
		labels++;
		begin = i + 1;
	}
	return labels;
}

/*
 * Asks, and says what the answer's status means for the term: MATCH_YES: look
 * at the records in *answer.  A name that cannot be asked for is no void
 * lookup.
 */
static enum match ask(
    struct evaluation *e, struct slice name, enum dns_type type, const struct dns_answer **answer)
{
	if (spf_count_labels(name) == 0)
		return MATCH_NO;
	*answer = dns_view_get(e->view, name, type);
	if (*answer == NULL) {
		e->pending = true;
		return MATCH_NO;
	}
	switch ((*answer)->status) {
	case DNS_FOUND: return MATCH_YES;
	case DNS_TEMPFAIL:
		spf_say(e, SLICE("a DNS question could not be answered"));
		return MATCH_TEMPERROR;
	default: return count_void(e) ? MATCH_NO : MATCH_PERMERROR;
	}
}

/* ---- addresses ------------------------------------------------------------------ */

static enum dns_type address_type(const struct evaluation *e)
{
	return e->query->ip.family == AF_INET6 ? DNS_AAAA : DNS_A;
}

/* Is one of the answer's addresses the client's, as far as the prefix goes? */
static bool holds_client(
    const struct evaluation *e, const struct dns_answer *answer, unsigned prefix4, unsigned prefix6)
{
	bool six = e->query->ip.family == AF_INET6;
	size_t octets = six ? 16 : 4;
	struct network network = { .ip.family = e->query->ip.family,
		.prefix = six ? prefix6 : prefix4 };

	for (size_t i = 0; i < answer->count; i++) {
		if (answer->records[i].data.len != octets)
			continue;
		memcpy(network.ip.octets, answer->records[i].data.data, octets);
		if (ip_in_network(&e->query->ip, &network))
			return true;
	}
	return false;
}

/* Asks for the addresses of a host and compares them. */
static enum match match_host(
    struct evaluation *e, struct slice name, unsigned prefix4, unsigned prefix6)
{
	const struct dns_answer *answer;
	enum match match = ask(e, name, address_type(e), &answer);

	if (match != MATCH_YES)
		return match;
	if (holds_client(e, answer, prefix4, prefix6))
		return MATCH_YES;
	if (!answer->truncated)
		return MATCH_NO;
	spf_say(e, SLICE("a name has more addresses than are looked at"));
	return MATCH_TEMPERROR;
}

/* Is MX record a to be looked at before b: by preference, then by name? */
static bool comes_before(const struct dns_record *a, const struct dns_record *b)
{
	size_t len = a->data.len < b->data.len ? a->data.len : b->data.len;
	int order = memcmp(a->data.data, b->data.data, len);

	if (a->preference != b->preference)
		return a->preference < b->preference;
	return order != 0 ? order < 0 : a->data.len < b->data.len;
}

/* Puts the records of an answer with at most ten in that order. */
static void sort_mx(const struct dns_answer *answer, const struct dns_record *sorted[SPF_NAMES_MAX])
{
	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		size_t at = i;

		for (; at > 0 && comes_before(record, sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = record;
	}
}

/*
 * mx = "mx" [ ":" domain-spec ] [ dual-cidr-length ]
 *
 * Over ten names are an error (RFC 7208 4.6.4).  An error at any name weighs
 * more than a match, which another receiver may not come to.
 */
static enum match match_mx(struct evaluation *e, const struct spf_term *term, struct slice name)
{
	const struct dns_record *sorted[SPF_NAMES_MAX];
	const struct dns_answer *answer;
	enum match match = ask(e, name, DNS_MX, &answer), found = MATCH_NO;

	if (match != MATCH_YES)
		return match;
	if (answer->count > SPF_NAMES_MAX) {
		spf_say(e, SLICE("a domain has more than 10 MX records"));
		return MATCH_PERMERROR;
	}
	sort_mx(answer, sorted);
	for (size_t i = 0; i < answer->count; i++) {
		match = match_host(e, sorted[i]->data, term->prefix4, term->prefix6);
		if (match == MATCH_TEMPERROR || match == MATCH_PERMERROR)
			return match;
		if (match == MATCH_YES)
			found = match;
	}
	if (found == MATCH_YES || !answer->truncated)
		return found;
	spf_say(e, SLICE("a domain has MX records that cannot be read"));
	return MATCH_TEMPERROR;
}

/* ---- names of the client, RFC 7208 5.5 ------------------------------------------ */

/* The client's names that resolve back to it. */
struct names {
	struct slice names[SPF_NAMES_MAX];
	size_t count;
};

/*
 * Finds them among the first ten PTR records.  Answers that could not be had
 * are passed over.  MATCH_PERMERROR: too many void lookups.
 */
static enum match find_names(struct evaluation *e, struct names *found)
{
	struct slice reverse = spf_expand(e->arena, &e->macros, SLICE("%{ir}.%{v}.arpa"));
	struct slice problem = e->out->problem;
	const struct dns_answer *ptr;
	enum match match = ask(e, reverse, DNS_PTR, &ptr);

	found->count = 0;
	if (match == MATCH_YES) {
		for (size_t i = 0; i < ptr->count && i < SPF_NAMES_MAX; i++) {
			match = match_host(e, ptr->records[i].data, 32, 128);
			if (match == MATCH_PERMERROR)
				break;
			if (match == MATCH_YES)
				found->names[found->count++] = ptr->records[i].data;
		}
	}
	if (match == MATCH_PERMERROR)
		return match;
	e->out->problem = problem;
	return MATCH_YES;
}

static struct slice lower(struct arena *arena, struct slice text)
{
	char *out = arena_alloc(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		out[i] = ascii_lower(text.data[i]);
	return (struct slice){ out, text.len };
}

/* ptr = "ptr" [ ":" domain-spec ] */
static enum match match_ptr(struct evaluation *e, struct slice name)
{
	struct names names;
	enum match match = find_names(e, &names);

	if (match != MATCH_YES)
		return match;
	name = lower(e->arena, name);
	for (size_t i = 0; i < names.count; i++)
		if (domain_is_within(names.names[i], name))
			return MATCH_YES;
	return MATCH_NO;
}

/*
 * %{p}: of the client's validated names the current domain, else one below it,
 * else any; "unknown" if there is none (RFC 7208 7.3).
 */
static struct slice choose_validated(const struct names *names, struct slice domain)
{
	struct slice below = { 0 };

	for (size_t i = 0; i < names->count; i++) {
		if (slice_equal(names->names[i], domain))
			return domain;
		if (below.data == NULL && domain_is_within(names->names[i], domain))
			below = names->names[i];
	}
	if (below.data != NULL)
		return below;
	return names->count > 0 ? names->names[0] : SLICE("unknown");
}

enum match spf_find_macros(struct evaluation *e, struct slice text)
{
	bool pending = e->pending, missing;
	struct names names;
	enum match match;

	if (!spf_uses_p(text))
		return MATCH_YES;
	e->pending = false;
	match = find_names(e, &names);
	missing = e->pending;
	e->pending |= pending;
	if (match == MATCH_PERMERROR)
		return match;
	if (missing)
		return MATCH_NO;
	e->macros.validated = choose_validated(&names, lower(e->arena, e->macros.domain));
	return MATCH_YES;
}

/* ---- terms ---------------------------------------------------------------------- */

enum match spf_target_name(struct evaluation *e, struct slice spec, struct slice *name)
{
	struct slice text = e->macros.domain;
	enum match match;

	if (spec.data != NULL) {
		match = spf_find_macros(e, spec);
		if (match != MATCH_YES)
			return match;
		text = spf_expand(e->arena, &e->macros, spec);
	}
	if (text.len > 0 && text.data[text.len - 1] == '.')
		text.len--;
	/* one that is too long loses labels on the left, RFC 7208 7.3 */
	while (text.len > DNS_NAME_MAX)
		text = slice_part(text, slice_find(text, '.') + 1, text.len);
	*name = text;
	return MATCH_YES;
}

/* include = "include" ":" domain-spec; the table of RFC 7208 5.2 */
static enum match match_include(struct evaluation *e, struct slice name)
{
	static const enum match matches[] = {
		[SPF_PASS] = MATCH_YES,
		[SPF_FAIL] = MATCH_NO,
		[SPF_SOFTFAIL] = MATCH_NO,
		[SPF_NEUTRAL] = MATCH_NO,
		[SPF_NONE] = MATCH_PERMERROR,
		[SPF_TEMPERROR] = MATCH_TEMPERROR,
		[SPF_PERMERROR] = MATCH_PERMERROR,
	};
	struct slice outer = e->macros.domain;
	enum spf_result result;

	e->includes++;
	result = spf_check_host(e, name);
	e->includes--;
	e->macros.domain = outer;
	if (result == SPF_NONE)
		spf_say(e, SLICE("a domain that the record includes has no SPF record"));
	return matches[result];
}

enum match spf_match_term(struct evaluation *e, const struct spf_term *term)
{
	const struct dns_answer *answer;
	struct slice name;
	enum match match;

	if (term->mechanism == SPF_ALL)
		return MATCH_YES;
	if (term->mechanism == SPF_IP4 || term->mechanism == SPF_IP6)
		return ip_in_network(&e->query->ip, &term->network) ? MATCH_YES : MATCH_NO;
	if (!spf_count_lookup(e))
		return MATCH_PERMERROR;
	match = spf_target_name(e, term->domain, &name);
	if (match != MATCH_YES)
		return match;
	switch (term->mechanism) {
	case SPF_INCLUDE: return match_include(e, name);
	case SPF_A: return match_host(e, name, term->prefix4, term->prefix6);
	case SPF_MX: return match_mx(e, term, name);
	case SPF_PTR: return match_ptr(e, name);
	/* exists asks for A whatever the client's address, RFC 7208 5.7 */
	default: return ask(e, name, DNS_A, &answer);
	}
}
