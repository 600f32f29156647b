/*
 * store_postfix.c - the store postfix: the site's own main.cf, as its smtpd(8) decides which
 * recipients there are (smtpd_check.c, check_recipient_rcpt_maps).
 *
 *	config_directory   where main.cf is; default: Postfix's own choice
 *	table              one parameter ("virtual_mailbox_maps") or one table ("hash:/x") alone
 *	holds              with table: mailboxes, aliases, logins, domains; default by the name
 *
 * The whole: virtual aliases come first, for every domain; then the class of the domain: local
 * ($mydestination), virtual alias, virtual mailbox, relay, in this order.  Where the table of a
 * class is empty every address is accepted: the domain is "open", its addresses unknown.
 *
 * A changed table is seen within a second; a changed main.cf with the program's reload.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/postfix_site.h"
#include "store/stores.h"
#include "store/table/map.h"
#include "store/table/postfix_text.h"

enum class { CLASS_LOCAL, CLASS_ALIAS, CLASS_VIRTUAL, CLASS_RELAY, CLASS_OTHER };

/* What the recipients of each class are looked up in. */
static const struct {
	const char *domains, *maps;
} classes[] = {
	{ "mydestination", "local_recipient_maps" },
	{ "virtual_alias_domains", NULL },
	{ "virtual_mailbox_domains", "virtual_mailbox_maps" },
	{ "relay_domains", "relay_recipient_maps" },
};

struct postfix_store {
	struct store store;
	struct site *site;
	struct site_maps recipients[CLASS_OTHER]; /* by class */
	struct site_maps virtual_alias, alias, logins;
	bool relay_parents; /* relay_domains stand for what is below them */
	/* with `table` */
	struct site_maps table;
	const char *domains; /* STORE_DOMAIN: the list */
	bool aliases;        /* STORE_ADDRESS: values are targets */
};

static const struct store_rule rules[] = {
	{ "config_directory", STORE_PATH, false },
	{ "table", STORE_TEXT, false },
	{ "holds", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

/* ---- the class of a domain ------------------------------------------------------ */

/* FOUND with the class, NOTFOUND with CLASS_OTHER, or a failure. */
static enum lookup_status class_of(struct postfix_store *s, struct slice domain,
    int64_t deadline_us, struct store_reply *reply, enum class *class)
{
	for (int i = CLASS_LOCAL; i < CLASS_OTHER; i++) {
		enum lookup_status status =
		    site_domain(s->site, site_value(s->site, classes[i].domains),
			i == CLASS_RELAY && s->relay_parents, domain, deadline_us, reply);

		*class = (enum class)i;
		if (status != LOOKUP_NOTFOUND)
			return status;
	}
	*class = CLASS_OTHER;
	return LOOKUP_NOTFOUND;
}

static bool is_open(const struct postfix_store *s, enum class class)
{
	return class != CLASS_ALIAS && s->recipients[class].count == 0;
}

static enum lookup_status lookup_domain(struct postfix_store *s, const struct store_question *q,
    int64_t deadline_us, struct store_reply *reply)
{
	enum class class;
	enum lookup_status status = class_of(s, q->domain, deadline_us, reply, &class);

	if (status == LOOKUP_FOUND && is_open(s, class))
		store_reply_entry(reply, ENTRY_OPEN_DOMAIN);
	return status;
}

/* ---- what was found ------------------------------------------------------------- */

/* An address of a table, completed with $myorigin as cleanup(8) does. */
static void add_target(const struct postfix_store *s, struct arena *arena, const struct address *a,
    struct slice target, struct store_reply *reply)
{
	if (target.len > 1 && target.data[0] == '@')
		target = address_join(arena, a->local_part, slice_part(target, 1, target.len));
	else if (slice_find(target, '@') == target.len && target.len > 0 &&
		 strchr("|/:\\\"", target.data[0]) == NULL)
		target = arena_printf(
		    arena, "%.*s@%s", SLICE_ARG(target), site_value(s->site, "myorigin"));
	store_reply_target(reply, target);
}

static void add_targets(const struct postfix_store *s, struct arena *arena, const struct address *a,
    struct slice value, struct store_reply *reply)
{
	size_t at = 0;

	for (struct slice word; (word = postfix_text_next(value, &at)).len > 0;)
		add_target(s, arena, a, word, reply);
}

/* Is the address its own only target?  Then the class decides what it is. */
static bool is_itself(struct slice value, const struct address *a)
{
	size_t at = 0;
	struct slice word = postfix_text_next(value, &at);
	bool same = slice_equal_nocase(word, a->key) ||
		    (word.len > 1 && word.data[0] == '@' &&
			slice_equal_nocase(slice_part(word, 1, word.len), a->domain));

	return same && postfix_text_next(value, &at).len == 0;
}

/* The entry by where it was found: a sub-address, a catch-all, or what it is in itself. */
static void set_entry(struct arena *arena, enum site_key at, const struct address *a,
    enum store_entry entry, struct store_reply *reply)
{
	if (at == SITE_KEY_BASE) {
		store_reply_entry(reply, ENTRY_SUB);
		store_reply_base(reply, address_join(arena, a->base, a->domain));
	} else {
		store_reply_entry(reply, at == SITE_KEY_DOMAIN ? ENTRY_CATCH_ALL : entry);
	}
}

static void take_virtual_alias(const struct postfix_store *s, struct arena *arena, enum site_key at,
    const struct address *a, struct slice value, struct store_reply *reply)
{
	struct slice first;
	size_t next = 0;

	first = postfix_text_next(value, &next);
	/* "@this @that": the same local part there; the front goes on with it */
	if (at == SITE_KEY_DOMAIN && first.len > 1 && first.data[0] == '@') {
		store_reply_entry(reply, ENTRY_CATCH_ALL);
		store_reply_target(reply, first);
		return;
	}
	set_entry(arena, at, a, ENTRY_ALIAS, reply);
	add_targets(s, arena, a, value, reply);
}

static bool has_map(const struct site_maps *maps, const struct map *map)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->maps[i] == map)
			return true;
	return false;
}

static void take_recipient(const struct postfix_store *s, struct arena *arena, enum class class,
    enum site_key at, const struct map *map, const struct address *a, struct slice value,
    struct store_reply *reply)
{
	if (class == CLASS_LOCAL && has_map(&s->alias, map)) {
		set_entry(arena, at, a, ENTRY_ALIAS, reply);
		add_targets(s, arena, a, value, reply);
		return;
	}
	set_entry(arena, at, a, ENTRY_MAILBOX, reply);
	/* the account, by which its owner may log in */
	if (class == CLASS_LOCAL && at != SITE_KEY_DOMAIN)
		store_reply_target(reply, at == SITE_KEY_BASE ? a->base : a->local_part);
}

/* Names that smtpd(8) accepts for local domains by itself: qmgr(8) takes their mail. */
static bool is_absorbed(const struct address *a)
{
	return slice_equal_nocase(a->local_part, SLICE("mailer-daemon")) ||
	       slice_equal_nocase(a->local_part, SLICE("double-bounce"));
}

/* ---- lookups -------------------------------------------------------------------- */

static enum lookup_status lookup_recipient(struct postfix_store *s, struct arena *arena,
    const struct address *a, enum class class, bool exists, int64_t deadline_us,
    struct store_reply *reply)
{
	enum lookup_status status = LOOKUP_NOTFOUND;
	const struct map *map = NULL;
	enum site_key at = SITE_KEY_WHOLE;
	struct buf value;

	buf_init(&value, MAP_VALUE_MAX);
	if (class != CLASS_OTHER)
		status = site_find(&s->recipients[class], a, class == CLASS_LOCAL, deadline_us,
		    &value, reply, &at, &map);
	if (status == LOOKUP_FOUND)
		take_recipient(s, arena, class, at, map, a, buf_slice(&value), reply);
	buf_free(&value);
	exists = exists || (class == CLASS_LOCAL && is_absorbed(a));
	return status == LOOKUP_NOTFOUND && exists ? LOOKUP_FOUND : status;
}

static enum lookup_status lookup_address(struct postfix_store *s, struct arena *arena,
    const struct address *a, int64_t deadline_us, struct store_reply *reply)
{
	enum site_key at = SITE_KEY_WHOLE;
	const struct map *map = NULL;
	enum lookup_status status;
	bool exists = false;
	enum class class;
	struct buf value;

	status = class_of(s, a->domain, deadline_us, reply, &class);
	if (status != LOOKUP_FOUND && status != LOOKUP_NOTFOUND)
		return status;
	buf_init(&value, MAP_VALUE_MAX);
	status = site_find(
	    &s->virtual_alias, a, class == CLASS_LOCAL, deadline_us, &value, reply, &at, &map);
	if (status == LOOKUP_FOUND && value.truncated) {
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the value is too large");
	} else if (status == LOOKUP_FOUND && is_itself(buf_slice(&value), a)) {
		exists = at != SITE_KEY_DOMAIN;
		status = LOOKUP_NOTFOUND;
	} else if (status == LOOKUP_FOUND) {
		take_virtual_alias(s, arena, at, a, buf_slice(&value), reply);
	}
	buf_free(&value);
	if (status == LOOKUP_NOTFOUND)
		status = lookup_recipient(s, arena, a, class, exists, deadline_us, reply);
	return status;
}

static enum lookup_status lookup_logins(struct postfix_store *s, const struct address *a,
    int64_t deadline_us, struct store_reply *reply)
{
	enum site_key at;
	const struct map *map;
	enum class class;
	struct buf value;
	enum lookup_status status = class_of(s, a->domain, deadline_us, reply, &class);

	if (status != LOOKUP_FOUND && status != LOOKUP_NOTFOUND)
		return status;
	buf_init(&value, MAP_VALUE_MAX);
	status =
	    site_find(&s->logins, a, class == CLASS_LOCAL, deadline_us, &value, reply, &at, &map);
	if (status == LOOKUP_FOUND && value.truncated)
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the value is too large");
	if (status == LOOKUP_FOUND)
		store_reply_logins(reply, buf_slice(&value));
	buf_free(&value);
	return status;
}

/* One table alone: exact keys, as the stores lmdb and cdb. */
static enum lookup_status lookup_table(struct postfix_store *s, const struct store_question *q,
    int64_t deadline_us, struct store_reply *reply)
{
	enum lookup_status status = LOOKUP_NOTFOUND;
	struct buf value;

	if (q->service == STORE_DOMAIN)
		return site_domain(s->site, s->domains, false, q->domain, deadline_us, reply);
	buf_init(&value, MAP_VALUE_MAX);
	for (size_t i = 0; i < s->table.count && status == LOOKUP_NOTFOUND; i++)
		if (q->local_part.data != NULL || !s->table.maps[i]->patterns)
			status = map_find(s->table.maps[i], q->key, deadline_us, &value, reply);
	if (status == LOOKUP_FOUND && value.truncated)
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the value is too large");
	if (status == LOOKUP_FOUND && q->service == STORE_LOGINS) {
		store_reply_logins(reply, buf_slice(&value));
	} else if (status == LOOKUP_FOUND && s->aliases) {
		store_reply_entry(reply, ENTRY_ALIAS);
		store_reply_targets(reply, buf_slice(&value));
	}
	buf_free(&value);
	return status;
}

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *q, int64_t deadline_us, struct store_reply *reply)
{
	struct postfix_store *s = (struct postfix_store *)store;
	struct arena *arena;
	struct address a;
	enum lookup_status status = LOOKUP_NOTFOUND;

	(void)connection;
	if (!(store->flags & STORE_WHOLE))
		return lookup_table(s, q, deadline_us, reply);
	if (q->service == STORE_DOMAIN)
		return lookup_domain(s, q, deadline_us, reply);
	arena = arena_new();
	if (address_read(arena, site_rules(s->site), q->key, false, &a)) {
		/* in the form that is asked for, A or U, as the tables may have either */
		a.domain = q->domain;
		a.key = q->key;
		status = q->service == STORE_LOGINS
			     ? lookup_logins(s, &a, deadline_us, reply)
			     : lookup_address(s, arena, &a, deadline_us, reply);
	}
	arena_free(arena);
	return status;
}

/* ---- begin and end -------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), more = strlen(end);

	return len >= more && strcmp(text + len - more, end) == 0;
}

/* Tables that a list of domains names have to be open before the first lookup. */
static void open_tables_of_list(struct postfix_store *s, const char *list, struct buf *notes)
{
	struct slice text = slice_of(list);
	size_t at = 0;

	for (struct slice word; (word = postfix_text_next(text, &at)).len > 0;) {
		struct arena *arena;

		while (word.len > 1 && word.data[0] == '!')
			word = slice_part(word, 1, word.len);
		if (word.data[0] == '/' || word.data[0] == '[' || slice_find(word, ':') == word.len)
			continue;
		arena = arena_new();
		site_maps(s->site, arena_copy(arena, word).data, notes);
		arena_free(arena);
	}
}

static void open_whole(struct postfix_store *s, struct buf *notes)
{
	for (int i = CLASS_LOCAL; i < CLASS_OTHER; i++) {
		open_tables_of_list(s, site_value(s->site, classes[i].domains), notes);
		if (classes[i].maps != NULL)
			s->recipients[i] =
			    site_maps(s->site, site_value(s->site, classes[i].maps), notes);
	}
	s->virtual_alias = site_maps(s->site, site_value(s->site, "virtual_alias_maps"), notes);
	s->alias = site_maps(s->site, site_value(s->site, "alias_maps"), notes);
	s->logins = site_maps(s->site, site_value(s->site, "smtpd_sender_login_maps"), notes);
	s->relay_parents = strstr(site_value(s->site, "parent_domain_matches_subdomains"),
			       "relay_domains") != NULL;
	s->store.services =
	    STORE_ADDRESS | STORE_DOMAIN | (s->logins.count > 0 ? (unsigned)STORE_LOGINS : 0);
	s->store.flags = STORE_WHOLE;
}

/* The parameter's value, or the name of a table itself. */
static bool open_table(struct postfix_store *s, const char *table, const char *holds,
    const struct store_options *options, struct buf *notes)
{
	bool is_table = strchr(table, ':') != NULL;
	const char *list = is_table ? table : site_value(s->site, table);

	if (holds == NULL)
		holds = ends_with(table, "_login_maps")  ? "logins"
			: ends_with(table, "_domains")   ? "domains"
			: ends_with(table, "alias_maps") ? "aliases"
							 : "mailboxes";
	if (list[0] == '\0') {
		buf_printf(
		    notes, "store \"%s\": Postfix has no value for %s\n", options->name, table);
		return false;
	}
	s->store.services = strcmp(holds, "logins") == 0    ? STORE_LOGINS
			    : strcmp(holds, "domains") == 0 ? STORE_DOMAIN
							    : STORE_ADDRESS;
	if (s->store.services == STORE_DOMAIN)
		open_tables_of_list(s, list, notes);
	else
		s->table = site_maps(s->site, list, notes);
	s->domains = list;
	s->aliases = strcmp(holds, "aliases") == 0;
	return true;
}

static void close_postfix(struct store *store)
{
	struct postfix_store *s = (struct postfix_store *)store;

	site_free(s->site);
	free(s);
}

static struct store *open_postfix(const struct store_options *options, struct buf *notes)
{
	const char *table = store_option_text(options, "table", NULL);
	struct site *site = site_new(store_option_text(options, "config_directory", NULL), notes);
	struct postfix_store *s;

	if (site == NULL)
		return NULL;
	s = must_alloc(sizeof *s);
	s->site = site;
	s->store = (struct store){ &store_postfix, options->name, 0, 0 };
	if (table == NULL) {
		open_whole(s, notes);
	} else if (!open_table(
		       s, table, store_option_text(options, "holds", NULL), options, notes)) {
		close_postfix(&s->store);
		return NULL;
	}
	s->store.flags |= site_is_local(site)     ? (unsigned)STORE_LOCAL
			  : site_is_on_host(site) ? (unsigned)STORE_ON_HOST
						  : 0;
	return &s->store;
}

static void refresh(struct store *store, bool force)
{
	site_refresh(((struct postfix_store *)store)->site, force);
}

const struct store_class store_postfix = { "postfix", rules, open_postfix, lookup, NULL, refresh,
	close_postfix };
