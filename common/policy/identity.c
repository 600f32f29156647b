/* identity.c - what a relay lets us send as. */
#include "policy/identity.h"

#include "syntax/addr_spec.h"
#include "syntax/domain.h"

static bool has_domain(const struct relay_identity *i, struct arena *arena, struct slice domain)
{
	struct slice ascii;

	return domain.len > 0 && domain_to_ascii(arena, domain, &ascii) &&
	       domain_list_has(&i->domains, ascii);
}

static bool has_pattern(const struct string_list *patterns, struct slice text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (slice_match(slice_of(patterns->items[i]), text))
			return true;
	return false;
}

static bool applies(const struct relay_identity *i, const struct message *m)
{
	const struct claim *list = m->claims->list;

	if (i->domains.count == 0 && i->logins.count == 0)
		return true;
	return has_domain(i, m->arena, m->mail_from.domain) ||
	       has_domain(i, m->arena, list[CLAIM_FROM].domain) ||
	       (m->transaction.login.len > 0 && has_pattern(&i->logins, m->transaction.login));
}

/* The address with its domain in A-form, as patterns are compared with it. */
static struct slice comparable(struct arena *arena, struct slice address)
{
	size_t at = slice_find_last(address, '@');
	struct slice ascii, domain;

	if (at == address.len)
		return address;
	domain = slice_part(address, at + 1, address.len);
	if (!domain_to_ascii(arena, domain, &ascii))
		return address;
	return arena_printf(
	    arena, "%.*s@%.*s", SLICE_ARG(slice_part(address, 0, at)), SLICE_ARG(ascii));
}

static bool allows(const struct relay_identity *i, struct arena *arena, struct slice address)
{
	return has_pattern(&i->allow, comparable(arena, address));
}

/*
 * What stands in that field, if there is one good address.  The return path counts as it is:
 * the relay does not ask whose address a forwarder's, a list's or a signed one is.
 */
static struct slice address_in(const struct message *m, enum claim_kind kind)
{
	const struct path *path = &m->mail_from;

	if (kind != CLAIM_MAIL_FROM)
		return m->claims->list[kind].address;
	if (!m->has_mail || path->null || path->error.code != SYNTAX_OK)
		return (struct slice){ 0 };
	return address_format(m->arena, path->local_part, path->domain);
}

/* The first field that the identity looks at and does not allow. */
static void find_fault(
    const struct relay_identity *i, const struct message *m, struct identity_fact *fact)
{
	static const struct {
		enum claim_kind kind;
		unsigned field;
	} fields[] = { { CLAIM_FROM, IDENTITY_FROM }, { CLAIM_SENDER, IDENTITY_SENDER },
		{ CLAIM_MAIL_FROM, IDENTITY_RETURN_PATH } };

	for (size_t n = 0; n < sizeof fields / sizeof fields[0]; n++) {
		struct slice address = address_in(m, fields[n].kind);

		if ((i->fields & fields[n].field) == 0 || address.data == NULL ||
		    allows(i, m->arena, address))
			continue;
		fact->field = claim_name(fields[n].kind);
		fact->address = address;
		return;
	}
}

struct identity_fact identity_judge(const struct config *config, const struct message *m)
{
	const struct claim *from = &m->claims->list[CLAIM_FROM];
	struct identity_fact fact = { .name = NULL };

	for (size_t n = 0; n < config->identity_count; n++) {
		const struct relay_identity *i = &config->identities[n];

		if (from->address.data != NULL && allows(i, m->arena, from->address))
			fact.allows_from = true;
		if (fact.name != NULL || !applies(i, m))
			continue;
		fact.name = i->name;
		find_fault(i, m, &fact);
	}
	return fact;
}
