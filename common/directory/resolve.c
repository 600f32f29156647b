/*
 * resolve.c - one address in all stores, without following its targets.
 *
 * Where an answer is not there yet, only what a store that may be asked beside others
 * needs is noted further; the rest waits, so that a second store is not asked about
 * what the first one knows.
 */
#include "directory/resolve.h"

#include "dns/dns.h"

static const struct store_answer *get(struct directory_view *view, size_t store,
    enum store_service service, struct slice key, struct slice local_part, struct slice domain,
    enum store_source *source)
{
	struct store_question q = { service, key, local_part, domain };

	return store_view_get(view->stores, store, &q, source);
}

bool resolve_failed(const struct store_answer *answer)
{
	return answer->status == LOOKUP_TEMPFAIL || answer->status == LOOKUP_PERMFAIL;
}

struct slice resolve_reason(
    struct directory_view *view, size_t store, const struct store_answer *answer)
{
	return arena_printf(
	    view->arena, "%s: %.*s", view->directory->stores[store].name, SLICE_ARG(answer->why));
}

/* ---- domains -------------------------------------------------------------------- */

static bool told_by_configuration(const struct directory *d, struct slice domain)
{
	if (domains_has(&d->domains, domain))
		return true;
	for (size_t i = 0; i < d->count; i++)
		if (domains_has(&d->stores[i].domains, domain) ||
		    directory_is_local(d, &d->stores[i], domain))
			return true;
	return false;
}

static void take_domain(struct served *served, const struct store_answer *answer)
{
	served->served = SERVED_YES;
	served->open = answer->entry == ENTRY_OPEN_DOMAIN;
	if (answer->entry == ENTRY_ALIAS_DOMAIN && answer->target_count == 1)
		served->target = answer->items[0];
}

struct served resolve_domain(struct directory_view *view, struct slice domain)
{
	const struct directory *d = view->directory;
	struct served served = { .served = SERVED_NO };

	/* first, although a list may say so already: a store knows of alias domains */
	for (size_t i = 0; i < d->count && served.served != SERVED_PENDING; i++) {
		const struct store_answer *answer;
		enum store_source source;

		if (!(d->stores[i].store->services & STORE_DOMAIN))
			continue;
		answer = get(view, i, STORE_DOMAIN, domain, (struct slice){ 0 }, domain, &source);
		if (answer == NULL) {
			served.served = SERVED_PENDING;
		} else if (answer->status == LOOKUP_FOUND) {
			take_domain(&served, answer);
			return served;
		} else if (resolve_failed(answer)) {
			served.served = SERVED_UNKNOWN;
			served.why = resolve_reason(view, i, answer);
			served.failed = true;
		}
	}
	if (served.served != SERVED_PENDING && told_by_configuration(d, domain))
		served.served = SERVED_YES;
	if (served.served == SERVED_NO && !d->tells_domains) {
		served.served = SERVED_UNKNOWN;
		served.why = SLICE("no store tells which domains are served here");
	}
	return served;
}

enum directory_served directory_serves(struct directory_view *view, struct slice domain)
{
	return resolve_domain(view, domain).served;
}

/* ---- an address in one store ---------------------------------------------------- */

static enum directory_answer answer_of(enum store_entry entry)
{
	switch (entry) {
	case ENTRY_ALIAS: return DIRECTORY_ALIAS;
	case ENTRY_FORWARD: return DIRECTORY_FORWARD_ONLY;
	case ENTRY_LIST: return DIRECTORY_LIST;
	case ENTRY_CATCH_ALL: return DIRECTORY_CATCH_ALL;
	case ENTRY_SUB: return DIRECTORY_SUB_ADDRESS;
	default: return DIRECTORY_MAILBOX;
	}
}

/* One key, in A-form and then, where there is one, in U-form.  True if that settles it. */
static bool try_key(struct directory_view *view, size_t store, const struct address *a,
    struct slice local_part, struct found *found)
{
	struct arena *arena = view->arena;
	struct slice forms[] = { a->domain, a->unicode };

	for (size_t i = 0; i < 2 && forms[i].data != NULL; i++) {
		struct slice key = slice_equal(local_part, a->local_part) && i == 0
				       ? a->key
				       : address_join(arena, local_part, forms[i]);

		found->entry =
		    get(view, store, STORE_ADDRESS, key, local_part, forms[i], &found->source);
		if (found->entry == NULL || found->entry->status == LOOKUP_FOUND ||
		    resolve_failed(found->entry))
			return true;
	}
	return false;
}

static bool try_local(
    struct directory_view *view, size_t store, struct slice local_part, struct found *found)
{
	found->entry = get(view, store, STORE_ADDRESS, local_part, local_part, (struct slice){ 0 },
	    &found->source);
	found->local = true;
	return found->entry == NULL || found->entry->status != LOOKUP_NOTFOUND;
}

/* "@domain": everything else there, or the same local part in another domain. */
static void take_catch_all(
    struct directory_view *view, const struct address *a, struct found *found)
{
	const struct store_answer *e = found->entry;

	found->answer = DIRECTORY_CATCH_ALL;
	if (e->target_count != 1 || e->items[0].len < 2 || e->items[0].data[0] != '@')
		return;
	found->moves = true;
	found->of =
	    address_join(view->arena, a->local_part, slice_part(e->items[0], 1, e->items[0].len));
}

/* Turns what one store said into an answer; where: 0 the address, 1 its base, 2 "@domain". */
static void take_entry(
    struct directory_view *view, const struct address *a, int where, struct found *found)
{
	struct arena *arena = view->arena;

	if (found->entry == NULL) {
		found->answer = DIRECTORY_PENDING;
	} else if (resolve_failed(found->entry)) {
		found->why = resolve_reason(view, found->store, found->entry);
		found->answer = DIRECTORY_UNKNOWN;
		found->failed = true;
		found->entry = NULL;
	} else if (where == 2 || found->entry->entry == ENTRY_CATCH_ALL) {
		take_catch_all(view, a, found);
	} else {
		found->answer = answer_of(found->entry->entry);
		if (found->answer == DIRECTORY_SUB_ADDRESS)
			found->of = found->entry->base;
		if (where == 1) {
			found->answer = DIRECTORY_SUB_ADDRESS;
			found->of = address_join(arena, a->base, a->domain);
		}
	}
}

static struct found resolve_in(struct directory_view *view, size_t store, const struct address *a)
{
	const struct directory *d = view->directory;
	const struct directory_store *s = &d->stores[store];
	struct found found = { .answer = DIRECTORY_NONE, .store = store };
	unsigned flags = s->store->flags;
	bool local = directory_is_local(d, s, a->domain);
	int where = 0;

	if (!(s->store->services & STORE_ADDRESS) ||
	    (s->domains.count > 0 && !domains_has(&s->domains, a->domain)) ||
	    ((flags & STORE_LOCAL_PART) && !local))
		return found;
	if (local ? try_local(view, store, a->local_part, &found)
		  : try_key(view, store, a, a->local_part, &found))
		goto settled;
	where = 1;
	if (a->base.data != NULL && !(flags & STORE_WHOLE) &&
	    (local ? try_local(view, store, a->base, &found)
		   : try_key(view, store, a, a->base, &found)))
		goto settled;
	where = 2;
	if (!(flags & (STORE_WHOLE | STORE_NO_CATCH_ALL)) && !local &&
	    try_key(view, store, a, (struct slice){ 0 }, &found))
		goto settled;
	found.entry = NULL;
	return found;
settled:
	take_entry(view, a, where, &found);
	return found;
}

/* ---- an address in all stores --------------------------------------------------- */

/* Is it so sure that no later store is asked? */
static bool is_final(const struct directory *d, const struct found *f)
{
	return f->entry != NULL &&
	       (f->answer != DIRECTORY_CATCH_ALL || d->catch_all_is_mailbox || f->moves);
}

static struct found resolve_in_stores(struct directory_view *view, const struct address *a)
{
	const struct directory *d = view->directory;
	struct found best = { .answer = DIRECTORY_NONE }, catch_all = best;
	bool pending = false;

	for (size_t i = 0; i < d->count; i++) {
		struct found found;

		if (pending && !d->stores[i].parallel)
			break;
		found = resolve_in(view, i, a);
		if (found.answer == DIRECTORY_PENDING)
			pending = true;
		else if (pending)
			continue;
		else if (is_final(d, &found))
			return found;
		else if (found.answer == DIRECTORY_CATCH_ALL && catch_all.entry == NULL)
			catch_all = found;
		else if (found.answer == DIRECTORY_UNKNOWN)
			best = found;
	}
	if (pending)
		best = (struct found){ .answer = DIRECTORY_PENDING };
	else if (best.answer == DIRECTORY_NONE && catch_all.entry != NULL)
		best = catch_all;
	return best;
}

struct found resolve_one(struct directory_view *view, const struct address *address)
{
	struct served served = resolve_domain(view, address->domain);
	struct found found = { .answer = DIRECTORY_NOT_OURS };

	if (served.served == SERVED_NO)
		return found;
	if (served.target.data != NULL) {
		found.answer = DIRECTORY_CATCH_ALL;
		found.moves = true;
		found.of = address_join(view->arena, address->local_part, served.target);
		return found;
	}
	/* asked beside the domain; what is known of it counts when the domain is known too */
	found = resolve_in_stores(view, address);
	if (served.served == SERVED_PENDING)
		return (struct found){ .answer = DIRECTORY_PENDING };
	if (found.answer == DIRECTORY_NONE && served.served == SERVED_UNKNOWN) {
		found.answer = DIRECTORY_UNKNOWN;
		found.why = served.why;
		found.failed = served.failed;
	}
	if (found.answer == DIRECTORY_NONE && served.open) {
		found.answer = DIRECTORY_UNKNOWN;
		found.why = SLICE("any address of this domain is accepted");
	}
	return found;
}
