/*
 * store_account.c - the stores passwd and aliases: the host's own users.
 *
 *	passwd   the accounts of the system, however nsswitch.conf finds them
 *	aliases  the text of aliases(5), option `path`, default /etc/aliases
 *
 * Both are asked by local part, for the domains that are local (the option `domains`).
 */
#include <stdlib.h>

#include "base/arena.h"
#include "store/stores.h"
#include "store/table/map.h"

struct account_store {
	struct store store;
	struct map *map;
};

static const struct store_rule passwd_rules[] = { { NULL, STORE_TEXT, false } };
static const struct store_rule aliases_rules[] = {
	{ "path", STORE_PATH, false },
	{ NULL, STORE_TEXT, false },
};

static struct store *open_account(const struct store_class *class, struct map *map, unsigned flags,
    const struct store_options *options)
{
	struct account_store *s = must_alloc(sizeof *s);

	s->store = (struct store){ class, options->name, STORE_ADDRESS, STORE_LOCAL_PART | flags };
	s->map = map;
	return &s->store;
}

static struct store *open_passwd(const struct store_options *options, struct buf *notes)
{
	(void)notes;
	return open_account(&store_passwd, map_passwd_open(), STORE_ON_HOST, options);
}

static struct store *open_aliases(const struct store_options *options, struct buf *notes)
{
	struct map *map =
	    map_aliases_open(store_option_text(options, "path", "/etc/aliases"), notes);

	return open_account(&store_aliases, map, STORE_LOCAL, options);
}

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	struct account_store *s = (struct account_store *)store;
	enum lookup_status status;
	struct buf value;

	(void)connection;
	buf_init(&value, MAP_VALUE_MAX);
	status = map_find(s->map, question->key, deadline_us, &value, reply);
	if (status == LOOKUP_FOUND && value.truncated)
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the value is too large");
	if (status == LOOKUP_FOUND) {
		if (store->class == &store_aliases)
			store_reply_entry(reply, ENTRY_ALIAS);
		store_reply_targets(reply, buf_slice(&value));
	}
	buf_free(&value);
	return status;
}

static void refresh(struct store *store, bool force)
{
	map_refresh(((struct account_store *)store)->map, force);
}

static void close_store(struct store *store)
{
	map_close(((struct account_store *)store)->map);
	free(store);
}

const struct store_class store_passwd = { "passwd", passwd_rules, open_passwd, lookup, NULL, NULL,
	close_store };
const struct store_class store_aliases = { "aliases", aliases_rules, open_aliases, lookup, NULL,
	refresh, close_store };
