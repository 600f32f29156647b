/*
 * map.c - the kinds of tables by their names, and the small ones: static, inline, passwd.
 */
#include "store/table/map.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/table/postfix_text.h"

/* ---- static:value, inline:{ k = v, ... } ---------------------------------------- */

struct small_map {
	struct map map;
	char *value;              /* static */
	struct text_table *table; /* inline */
};

static void small_close(struct map *map)
{
	struct small_map *m = (struct small_map *)map;

	text_table_free(m->table);
	free(m->value);
	free(m);
}

static enum lookup_status small_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	const struct small_map *m = (const struct small_map *)map;
	struct slice found = m->value != NULL ? slice_of(m->value) : text_table_find(m->table, key);

	(void)deadline_us;
	(void)reply;
	if (found.data == NULL)
		return LOOKUP_NOTFOUND;
	if (value != NULL)
		buf_add_slice(value, found);
	return LOOKUP_FOUND;
}

static struct small_map *small_new(void)
{
	static const struct map_class class = { small_close, small_find, NULL };
	struct small_map *m = must_alloc(sizeof *m);

	m->map = (struct map){ .class = &class, .local = true };
	return m;
}

/* "{" and "}" around, if they are there. */
static struct slice without_braces(struct slice s)
{
	s = slice_trim(s);
	if (s.len >= 2 && s.data[0] == '{' && s.data[s.len - 1] == '}')
		s = slice_trim(slice_part(s, 1, s.len - 1));
	return s;
}

struct map *map_static_open(const char *value)
{
	struct small_map *m = small_new();
	struct slice s = without_braces(slice_of(value));

	m->value = must_alloc(s.len + 1);
	memcpy(m->value, s.data, s.len);
	return &m->map;
}

/* { key = value, { key = value with blanks } } */
struct map *map_inline_open(const char *text, struct buf *notes)
{
	struct small_map *m = small_new();
	struct slice list = without_braces(slice_of(text));
	size_t at = 0;

	m->table = text_table_new(MAP_TEXT_MAX);
	for (struct slice item; (item = postfix_text_next(list, &at)).len > 0;) {
		struct slice pair = without_braces(item);
		size_t sign = slice_find(pair, '=');
		struct buf key;

		if (sign == pair.len) {
			buf_printf(notes, "inline: no \"=\" in \"%.*s\"\n", SLICE_ARG(pair));
			continue;
		}
		buf_init(&key, STORE_KEY_MAX);
		postfix_text_fold(&key, slice_trim(slice_part(pair, 0, sign)));
		text_table_add(
		    m->table, buf_slice(&key), slice_trim(slice_part(pair, sign + 1, pair.len)));
		buf_free(&key);
	}
	return &m->map;
}

/* ---- unix:passwd.byname --------------------------------------------------------- */

static void passwd_close(struct map *map)
{
	free(map);
}

/* The system's accounts, wherever nsswitch.conf says they are; the value is not Postfix's. */
static enum lookup_status passwd_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	enum { FIRST_SIZE = 4096, LAST_SIZE = 1024 * 1024 };
	struct passwd account, *found = NULL;
	size_t size = FIRST_SIZE;
	char *space = must_alloc(size);
	int error;

	(void)map;
	(void)deadline_us;
	while ((error = getpwnam_r(key.data, &account, space, size, &found)) == ERANGE &&
	       size < LAST_SIZE) {
		size *= 4;
		space = must_realloc(space, size);
	}
	if (found != NULL && value != NULL)
		buf_add_text(value, account.pw_name);
	free(space);
	if (found != NULL)
		return LOOKUP_FOUND;
	/* what getpwnam(3) lists as ways to say "not there" */
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return LOOKUP_NOTFOUND;
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "the accounts: %s", strerror(error));
}

struct map *map_passwd_open(void)
{
	static const struct map_class class = { passwd_close, passwd_find, NULL };
	struct map *m = must_alloc(sizeof *m);

	*m = (struct map){ .class = &class };
	return m;
}

/* ---- by name -------------------------------------------------------------------- */

/* What follows "type:", or NULL if the name is of another type. */
static const char *after(const char *name, const char *type)
{
	size_t len = strlen(type);

	return strncmp(name, type, len) == 0 && name[len] == ':' ? name + len + 1 : NULL;
}

struct map *map_open(const char *name, const struct map_site *site, struct buf *notes)
{
	static const char *const dumped[] = { "hash", "btree", "dbm", "sdbm" };
	const char *rest;
	struct map *map;

	if ((rest = after(name, "proxy")) != NULL)
		return map_open(rest, site, notes);
	if ((rest = after(name, "lmdb")) != NULL)
		return map_lmdb_open(rest, notes);
	if ((rest = after(name, "cdb")) != NULL)
		return map_cdb_open(rest, notes);
	if ((rest = after(name, "texthash")) != NULL)
		return map_text_open(rest, notes);
	if ((rest = after(name, "inline")) != NULL)
		return map_inline_open(rest, notes);
	if ((rest = after(name, "static")) != NULL)
		return map_static_open(rest);
	if (strcmp(name, "unix:passwd.byname") == 0)
		return map_passwd_open();
	for (size_t i = 0; i < sizeof dumped / sizeof dumped[0]; i++)
		if (after(name, dumped[i]) != NULL && site->postmap != NULL &&
		    (map = map_dump_open(name, site, notes)) != NULL)
			return map;
	if (site->postmap == NULL)
		buf_printf(notes, "%s: there is no postmap here\n", name);
	return map_query_open(name, site);
}

void map_close(struct map *map)
{
	if (map != NULL)
		map->class->close(map);
}

enum lookup_status map_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	return map->class->find(map, key, deadline_us, value, reply);
}

void map_refresh(struct map *map, bool force)
{
	if (map->class->refresh != NULL)
		map->class->refresh(map, force);
}
