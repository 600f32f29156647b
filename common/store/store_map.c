/*
 * store_map.c - the stores lmdb, cdb and texthash: one table as Postfix has them.
 *
 *	path    the table's file
 *	holds   what its entries are: mailboxes (default; the value does not matter), aliases
 *	        (the value is a list of targets), logins (a list of logins), domains
 *
 * Keys are in lower case, as postmap makes them; "@domain" stands for everything else there.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "store/holds.h"
#include "store/stores.h"
#include "store/table/map.h"

struct map_store {
	struct store store;
	struct map *map;
	enum holds holds;
};

static const struct store_rule rules[] = {
	{ "path", STORE_PATH, true },
	{ "holds", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

static struct store *open_map(const struct store_class *class,
    struct map *(*open)(const char *path, struct buf *notes), const struct store_options *options,
    struct buf *notes)
{
	enum holds holds;
	struct map_store *s;

	if (!holds_read(options, &holds, notes))
		return NULL;
	s = must_alloc(sizeof *s);
	s->store = (struct store){ class, options->name, holds_services(holds), STORE_LOCAL };
	s->holds = holds;
	s->map = open(store_option_text(options, "path", ""), notes);
	return &s->store;
}

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	struct map_store *s = (struct map_store *)store;
	enum lookup_status status;
	struct buf value;

	(void)connection;
	if (s->holds == HOLDS_MAILBOXES || s->holds == HOLDS_DOMAINS)
		return map_find(s->map, question->key, deadline_us, NULL, reply);
	buf_init(&value, MAP_VALUE_MAX);
	status = map_find(s->map, question->key, deadline_us, &value, reply);
	if (status == LOOKUP_FOUND && value.truncated)
		status = store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "the value is too large");
	if (status == LOOKUP_FOUND)
		holds_fill(s->holds, buf_slice(&value), reply);
	buf_free(&value);
	return status;
}

static void refresh(struct store *store, bool force)
{
	map_refresh(((struct map_store *)store)->map, force);
}

static void close_store(struct store *store)
{
	map_close(((struct map_store *)store)->map);
	free(store);
}

static struct store *open_lmdb(const struct store_options *options, struct buf *notes)
{
	return open_map(&store_lmdb, map_lmdb_open, options, notes);
}

static struct store *open_cdb(const struct store_options *options, struct buf *notes)
{
	return open_map(&store_cdb, map_cdb_open, options, notes);
}

static struct store *open_texthash(const struct store_options *options, struct buf *notes)
{
	return open_map(&store_texthash, map_text_open, options, notes);
}

const struct store_class store_lmdb = { "lmdb", rules, open_lmdb, lookup, NULL, refresh,
	close_store };
const struct store_class store_cdb = { "cdb", rules, open_cdb, lookup, NULL, refresh, close_store };
const struct store_class store_texthash = { "texthash", rules, open_texthash, lookup, NULL, refresh,
	close_store };
