/*
 * answer.c - what an address is: its entry, and where its targets lead.
 *
 * Targets are followed one level after the other, each address once, so that a loop of
 * aliases ends; all of one level are noted before any is waited for.
 */
#include "directory/resolve.h"
#include "syntax/domain.h"

/* The targets that are still to be looked at, and what was reached. */
struct walk {
	struct directory_view *view;
	struct arena *arena;
	struct slice seen[DIRECTORY_REACHED_MAX]; /* addresses and names, in the order of finding */
	unsigned depth[DIRECTORY_REACHED_MAX];
	size_t seen_count, looked_at;
	struct slice *reached;
	size_t reach_count, reach_max;
	bool here;    /* at least one target is delivered here */
	bool pending; /* at least one could not be looked at yet */
	bool list;    /* a file of targets */
	struct slice
	    more; /* why there may be more than what was reached; not there: there is not */
};

static void reach(struct walk *w, struct slice what)
{
	for (size_t i = 0; i < w->reach_count; i++)
		if (slice_equal(w->reached[i], what))
			return;
	if (w->reach_count < w->reach_max)
		w->reached[w->reach_count++] = arena_copy(w->arena, what);
	else
		w->more = SLICE("it reaches too many addresses");
}

static void add(struct walk *w, struct slice what, unsigned depth)
{
	for (size_t i = 0; i < w->seen_count; i++)
		if (slice_equal(w->seen[i], what))
			return;
	if (w->seen_count == DIRECTORY_REACHED_MAX || depth > DIRECTORY_ALIAS_DEPTH) {
		w->more = SLICE("its aliases are too many, or too deep");
		return;
	}
	w->depth[w->seen_count] = depth;
	w->seen[w->seen_count++] = what;
}

static void add_targets(struct walk *w, const struct store_answer *entry, unsigned depth)
{
	for (size_t i = 0; i < entry->target_count; i++)
		add(w, entry->items[i], depth);
}

/* "|program", "/file", ":include:file" of aliases(5), perhaps in quotes. */
static bool is_command(struct walk *w, struct slice target)
{
	size_t at = target.len > 1 && target.data[0] == '"' ? 1 : 0;
	char c = target.len > at ? target.data[at] : '\0';

	if (slice_starts_nocase(target, SLICE(":include:")))
		w->list = true;
	return c == '|' || c == '/' || c == ':';
}

/* A mailbox, its address and the accounts that the store names. */
static void reach_mailbox(struct walk *w, const struct found *f, struct slice key)
{
	reach(w, f->answer == DIRECTORY_SUB_ADDRESS && f->of.len > 0 ? f->of : key);
	if (f->entry != NULL)
		for (size_t i = 0; i < f->entry->target_count; i++)
			reach(w, f->entry->items[i]);
}

/* Do the entry's targets say where its mail goes, and not whose it is? */
static bool leads_on(const struct found *f)
{
	if (f->entry == NULL || f->entry->target_count == 0)
		return false;
	return f->answer == DIRECTORY_CATCH_ALL || f->entry->entry == ENTRY_ALIAS ||
	       f->entry->entry == ENTRY_FORWARD || f->entry->entry == ENTRY_LIST ||
	       f->entry->entry == ENTRY_SUB;
}

static void follow_address(struct walk *w, struct slice target, unsigned depth)
{
	const struct directory *d = w->view->directory;
	struct address a;
	struct found f;

	if (!address_read(w->arena, &d->rules, target, false, &a)) {
		reach(w, target);
		return;
	}
	f = resolve_one(w->view, &a);
	if (f.answer == DIRECTORY_PENDING) {
		w->pending = true;
		return;
	}
	if (f.failed)
		w->more = f.why;
	/* where no store tells its domains, what nobody knows is elsewhere */
	w->here = w->here || (f.answer != DIRECTORY_NOT_OURS &&
				 (f.entry != NULL || f.moves || d->tells_domains));
	if (f.moves)
		add(w, f.of, depth + 1);
	else if (leads_on(&f))
		add_targets(w, f.entry, depth + 1);
	else
		reach_mailbox(w, &f, a.key);
}

/* A local name: another alias of local users, else the account. */
static void follow_name(struct walk *w, struct slice target, unsigned depth)
{
	const struct directory *d = w->view->directory;
	bool last = target.len > 0 && target.data[0] == '\\';
	struct slice name;

	w->here = true;
	if (!address_local_part(
		w->arena, &d->rules, slice_part(target, last ? 1 : 0, target.len), &name))
		return;
	for (size_t i = 0; i < d->count && !last; i++) {
		struct store_question q = { STORE_ADDRESS, name, name, { 0 } };
		const struct store_answer *entry;
		enum store_source source;

		if (!(d->stores[i].store->flags & STORE_LOCAL_PART))
			continue;
		entry = store_view_get(w->view->stores, i, &q, &source);
		if (entry == NULL) {
			w->pending = true;
			return;
		}
		if (resolve_failed(entry))
			w->more = resolve_reason(w->view, i, entry);
		if (entry->status == LOOKUP_FOUND && entry->entry == ENTRY_ALIAS) {
			add_targets(w, entry, depth + 1);
			return;
		}
	}
	reach(w, name);
}

/* Looks at all targets that were found, and at those that they lead to. */
static void follow(struct walk *w)
{
	for (; w->looked_at < w->seen_count; w->looked_at++) {
		struct slice target = w->seen[w->looked_at];

		if (is_command(w, target)) {
			w->here = true;
			reach(w, target);
		} else if (slice_find(target, '@') < target.len) {
			follow_address(w, target, w->depth[w->looked_at]);
		} else {
			follow_name(w, target, w->depth[w->looked_at]);
		}
	}
}

/* A walk that can reach so much; the address itself was looked at. */
static void walk_init(
    struct walk *w, struct directory_view *view, const struct address *a, size_t reach_max)
{
	w->view = view;
	w->arena = view->arena;
	w->seen_count = w->reach_count = 0;
	w->here = w->pending = w->list = false;
	w->more = (struct slice){ 0 };
	w->reach_max = reach_max;
	w->reached = arena_alloc(w->arena, reach_max * sizeof *w->reached);
	add(w, a->key, 0);
	w->looked_at = 1;
}

/* An alias that is among its own targets is a mailbox beside that. */
static bool has_itself(const struct found *f, const struct address *a)
{
	for (size_t i = 0; i < f->entry->target_count; i++)
		if (slice_equal_nocase(f->entry->items[i], a->key) ||
		    slice_equal_nocase(f->entry->items[i], f->of))
			return true;
	return false;
}

/* The result of an address that has targets. */
static void take_targets(
    struct walk *w, const struct found *f, const struct address *a, struct directory_result *result)
{
	if (has_itself(f, a)) {
		w->here = true;
		reach(w, f->of.len > 0 ? f->of : a->key);
	}
	if (f->entry->entry == ENTRY_SUB)
		reach(w, f->of);
	add_targets(w, f->entry, 1);
	follow(w);
	if (f->answer == DIRECTORY_ALIAS && !w->here && w->more.data == NULL)
		result->answer = DIRECTORY_FORWARD_ONLY;
	else if (f->answer == DIRECTORY_ALIAS && w->list)
		result->answer = DIRECTORY_LIST;
	if (w->pending)
		result->answer = DIRECTORY_PENDING;
}

static void take_found(struct directory_view *view, const struct found *f, const struct address *a,
    struct directory_result *result)
{
	struct walk w;

	result->answer = f->answer;
	if (f->answer == DIRECTORY_SUB_ADDRESS)
		result->of = f->of;
	result->why = f->why;
	if (f->entry == NULL)
		return;
	result->store = view->directory->stores[f->store].name;
	result->stale = f->source == SOURCE_STALE;
	result->local = f->local;
	result->has_logins = f->entry->has_logins;
	result->logins = store_answer_logins(f->entry);
	result->login_count = f->entry->login_count;
	if (leads_on(f)) {
		walk_init(&w, view, a, DIRECTORY_REACHED_MAX);
		take_targets(&w, f, a, result);
	} else {
		walk_init(&w, view, a, f->entry->target_count + 2);
		reach_mailbox(&w, f, a->key);
		if (f->local)
			reach(&w, f->answer == DIRECTORY_SUB_ADDRESS ? a->base : a->local_part);
	}
	result->reaches = w.reached;
	result->reach_count = w.reach_count;
	result->reaches_more = w.more;
}

/* The address in the domain that its own one stands for, and so on. */
static struct found resolve_moved(
    struct directory_view *view, struct address *a, struct directory_result *result)
{
	const struct directory *d = view->directory;
	struct found f = resolve_one(view, a);

	for (unsigned depth = 0; f.moves; depth++) {
		struct slice of = f.of;

		if (depth == DIRECTORY_ALIAS_DEPTH ||
		    !address_read(view->arena, &d->rules, of, false, a)) {
			f = (struct found){ .answer = DIRECTORY_UNKNOWN,
				.why = SLICE("the alias domain leads nowhere") };
			break;
		}
		result->of = a->key;
		f = resolve_one(view, a);
	}
	return f;
}

enum directory_answer directory_address(
    struct directory_view *view, struct slice address, struct directory_result *result)
{
	const struct directory *d = view->directory;
	struct arena *arena = view->arena;
	struct address a;
	struct found f;

	*result = (struct directory_result){ .answer = DIRECTORY_UNKNOWN };
	if (d->count == 0) {
		result->why = SLICE("no store is configured");
		return result->answer;
	}
	if (!address_read(arena, &d->rules, address, false, &a)) {
		result->answer = DIRECTORY_NONE;
		result->address = arena_copy(arena, address);
		return result->answer;
	}
	result->address = a.key;
	f = resolve_moved(view, &a, result);
	take_found(view, &f, &a, result);
	return result->answer;
}
