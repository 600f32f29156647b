/*
 * permission.c - may this login use this address?
 *
 * A login and what an address reaches are compared as identities: an address as the site
 * compares it, or the bare name of an account.  A login without a domain belongs to the
 * local accounts, and to the login domains; that a name is the same in two domains proves
 * nothing, be they both login domains.  Local domains have the same accounts.
 */
#include "directory/resolve.h"

struct identity {
	struct slice name;   /* the bare name of an account, or the local part of an address */
	struct slice domain; /* not there: a bare name */
};

struct question {
	struct directory_view *view;
	struct slice login; /* as the MTA gave it */
	struct identity identity;
	struct address address;
};

/* Are its addresses those of the accounts of this host? */
static bool is_local_domain(const struct directory *d, struct slice domain)
{
	for (size_t i = 0; i < d->count; i++)
		if (directory_is_local(d, &d->stores[i], domain))
			return true;
	return false;
}

/* Does a bare name stand for an address of this domain? */
static bool is_bare_domain(const struct directory *d, struct slice domain)
{
	return domains_has(&d->login_domains, domain) || is_local_domain(d, domain);
}

static struct identity identity_of(struct directory_view *view, struct slice text)
{
	const struct directory *d = view->directory;
	struct arena *arena = view->arena;
	struct address_rules rules = d->rules;
	struct slice name;
	struct address a;

	rules.case_sensitive = false;
	if (address_read(arena, &rules, text, false, &a))
		return (struct identity){ a.local_part,
			is_local_domain(d, a.domain) ? (struct slice){ 0 } : a.domain };
	return (
	    struct identity){ address_local_part(arena, &rules, text, &name) ? name : text, { 0 } };
}

static bool is_same(const struct directory *d, struct identity a, struct identity b)
{
	if (!slice_equal(a.name, b.name))
		return false;
	if (a.domain.data != NULL && b.domain.data != NULL)
		return slice_equal(a.domain, b.domain);
	return (a.domain.data == NULL || is_bare_domain(d, a.domain)) &&
	       (b.domain.data == NULL || is_bare_domain(d, b.domain));
}

/* Is the text, of a list or of what an address reaches, the login that is asked about? */
static bool is_login(const struct question *q, struct slice text)
{
	return is_same(q->view->directory, identity_of(q->view, text), q->identity);
}

/* all: "*" means every login; in a map of logins it is one by that name, as for Postfix. */
static bool is_listed(const struct question *q, const struct slice *logins, size_t count, bool all)
{
	for (size_t i = 0; i < count; i++)
		if ((all && slice_equal(logins[i], SLICE("*"))) ||
		    slice_equal_nocase(logins[i], q->login) || is_login(q, logins[i]))
			return true;
	return false;
}

static enum directory_permission decide(
    struct directory_use *use, bool yes, const char *store, const char *reason)
{
	use->store = store;
	use->reason = reason;
	return use->permission = yes ? PERMISSION_YES : PERMISSION_NO;
}

/* ---- maps of logins ------------------------------------------------------------- */

/*
 * The keys of smtpd_sender_login_maps, in order: the address, its base, both as a local
 * part alone where the domain is local, "@domain" (mail_addr_find.c).
 */
static size_t map_keys(const struct question *q, bool local, struct store_question keys[6])
{
	struct arena *arena = q->view->arena;
	const struct address *a = &q->address;
	bool has_base = a->base.data != NULL;
	size_t n = 0;

	keys[n++] = (struct store_question){ STORE_LOGINS, a->key, a->local_part, a->domain };
	if (has_base)
		keys[n++] = (struct store_question){ STORE_LOGINS,
			address_join(arena, a->base, a->domain), a->base, a->domain };
	if (local)
		keys[n++] =
		    (struct store_question){ STORE_LOGINS, a->local_part, a->local_part, { 0 } };
	if (local && has_base)
		keys[n++] = (struct store_question){ STORE_LOGINS, arena_copy(arena, a->base),
			a->base, { 0 } };
	keys[n++] = (struct store_question){ STORE_LOGINS,
		address_join(arena, (struct slice){ 0 }, a->domain), { 0 }, a->domain };
	return n;
}

/* What one map says: the answer that settles it, or NULL; *pending if it is not known yet. */
static const struct store_answer *ask_map(const struct question *q, size_t store, bool *pending)
{
	const struct directory *d = q->view->directory;
	unsigned flags = d->stores[store].store->flags;
	struct store_question keys[6];
	size_t count = map_keys(q, is_bare_domain(d, q->address.domain), keys);

	if (flags & STORE_WHOLE)
		count = 1;
	for (size_t i = 0; i < count; i++) {
		enum store_source source;
		const struct store_answer *answer =
		    store_view_get(q->view->stores, store, &keys[i], &source);

		if (answer == NULL)
			*pending = true;
		if (answer == NULL || answer->status != LOOKUP_NOTFOUND)
			return answer;
	}
	return NULL;
}

/* Do the maps of logins decide?  Then use says how. */
static bool decided_by_maps(struct question *q, struct directory_use *use)
{
	const struct directory *d = q->view->directory;
	const char *last = NULL;
	bool pending = false;

	for (size_t i = 0; i < d->count; i++) {
		const struct store_answer *answer;

		if (!(d->stores[i].store->services & STORE_LOGINS) ||
		    (d->stores[i].domains.count > 0 &&
			!domains_has(&d->stores[i].domains, q->address.domain)))
			continue;
		last = d->stores[i].name;
		answer = ask_map(q, i, &pending);
		if (pending) {
			use->permission = PERMISSION_PENDING;
			return true;
		}
		if (answer == NULL)
			continue;
		if (answer->status == LOOKUP_FOUND) {
			use->logins = store_answer_logins(answer);
			use->login_count = answer->login_count;
			use->has_logins = true;
			decide(use,
			    is_listed(q, answer->items + answer->target_count, answer->login_count,
				false),
			    last, "the map of logins");
			return true;
		}
		use->permission = PERMISSION_UNKNOWN;
		use->store = last;
		use->why = answer->why;
		return true;
	}
	if (last != NULL) {
		use->has_logins = true;
		decide(use, false, last, "no map of logins has the address");
	}
	return last != NULL;
}

/* ---- what the address itself says ----------------------------------------------- */

static bool reaches(const struct question *q, const struct directory_result *r)
{
	for (size_t i = 0; i < r->reach_count; i++)
		if (is_login(q, r->reaches[i]))
			return true;
	return false;
}

static enum directory_permission decide_by_address(
    const struct question *q, const struct directory_result *r, struct directory_use *use)
{
	use->logins = r->logins;
	use->login_count = r->login_count;
	use->has_logins = r->has_logins;
	if (r->has_logins)
		return decide(use, is_listed(q, r->logins, r->login_count, true), r->store,
		    "the logins of the address");
	switch (r->answer) {
	case DIRECTORY_MAILBOX:
	case DIRECTORY_ALIAS:
	case DIRECTORY_LIST:
	case DIRECTORY_SUB_ADDRESS:
		if (reaches(q, r))
			return decide(use, true, r->store, "the login's own mailbox");
		use->why = r->reaches_more;
		if (use->why.data != NULL)
			return use->permission = PERMISSION_UNKNOWN;
		return decide(use, false, r->store, "the mailbox is another one's");
	case DIRECTORY_FORWARD_ONLY:
		return decide(use, false, r->store, "the address only forwards");
	case DIRECTORY_CATCH_ALL:
		return decide(use, false, r->store, "a catch-all belongs to nobody");
	case DIRECTORY_NOT_OURS: return decide(use, false, NULL, "the domain is not served here");
	case DIRECTORY_NONE: return decide(use, false, NULL, "there is no such address");
	case DIRECTORY_PENDING: return use->permission = PERMISSION_PENDING;
	case DIRECTORY_UNKNOWN: break;
	}
	use->why = r->why;
	return use->permission = PERMISSION_UNKNOWN;
}

enum directory_permission directory_may_use(struct directory_view *view, struct slice login,
    struct slice address, struct directory_use *use)
{
	const struct directory *d = view->directory;
	struct question q = { .view = view, .login = login };
	struct directory_result result;
	bool decided;

	*use = (struct directory_use){ .permission = PERMISSION_UNKNOWN };
	if (!address_read(view->arena, &d->rules, address, false, &q.address))
		return decide(use, false, NULL, "there is no such address");
	q.identity = identity_of(view, login);
	decided = decided_by_maps(&q, use);
	/* noted beside the map's questions: it may be needed, and is asked for anyway */
	if (decided && use->permission != PERMISSION_PENDING)
		return use->permission;
	directory_address(view, address, &result);
	return decided ? PERMISSION_PENDING : decide_by_address(&q, &result, use);
}
