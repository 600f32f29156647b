/*
 * store_file.c - the store file: a text of addresses (file_text.h), compiled beside it or in
 * memory.
 *
 *	path             the text
 *	case_sensitive   local parts are not folded
 *
 * "PATH.lmdb", made by store_file_compile, is used where it was made from the text as it is now.
 * Else the text is read into memory, up to FILE_MEMORY_MAX; a larger one that has changed since
 * it was compiled goes on with what was compiled, and says so.
 */
#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "store/file_text.h"
#include "store/stores.h"
#include "store/table/map.h"
#include "store/table/text_table.h"
#include "store/table/watched.h"

enum { FILE_MEMORY_MAX = 64 * 1024 * 1024, STAMP_MAX = 100 };

static const struct store_rule rules[] = {
	{ "path", STORE_PATH, true },
	{ "case_sensitive", STORE_BOOL, false },
	{ NULL, STORE_TEXT, false },
};

/* Under no address, domain or pattern: which text a compiled file was made from. */
static const char stamp_key[] = "# source";

struct file_store {
	struct store store;
	bool case_sensitive;
	struct watched text, compiled;
	pthread_rwlock_t lock; /* around what follows */
	struct map *map;       /* one of the two, or */
	struct text_table *table;
	char why[STORE_WHY_MAX]; /* neither */
};

static void stamp_of(const struct stat *st, bool case_sensitive, char out[STAMP_MAX])
{
	snprintf(out, STAMP_MAX, "1 %llu %lld %lld.%09ld %d", (unsigned long long)st->st_ino,
	    (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
	    case_sensitive);
}

/* ---- loading -------------------------------------------------------------------- */

static bool sink_memory(void *context, struct slice key, struct slice value, bool weak)
{
	(void)weak; /* explicit lines for domains come first, or not at all: see below */
	return text_table_add(context, key, value);
}

static bool is_domain_value(struct slice value)
{
	return value.len > 0 && (value.data[0] == 'd' || value.data[0] == 'D');
}

/* Domains that have lines of their own, wherever these stand in the text. */
static bool sink_strong_domains(void *context, struct slice key, struct slice value, bool weak)
{
	return weak || !is_domain_value(value) || text_table_add(context, key, value);
}

static struct text_table *read_text(struct file_store *s, struct slice text, struct buf *why)
{
	struct text_table *table = text_table_new(4 * (size_t)FILE_MEMORY_MAX);

	if (file_text_read(text, s->case_sensitive, sink_strong_domains, table, why) &&
	    file_text_read(text, s->case_sensitive, sink_memory, table, why))
		return table;
	text_table_free(table);
	return NULL;
}

static struct text_table *load_text(struct file_store *s, char why[STORE_WHY_MAX])
{
	struct text_table *table = NULL;
	struct buf reason;
	size_t len = 0;
	char *text = watched_read(s->text.path, FILE_MEMORY_MAX, &len);

	buf_init(&reason, STORE_WHY_MAX);
	if (text == NULL && errno == EFBIG)
		buf_printf(
		    &reason, "over %d megabytes: it has to be compiled", FILE_MEMORY_MAX >> 20);
	else if (text == NULL)
		buf_add_text(&reason, strerror(errno));
	else
		table = read_text(s, (struct slice){ text, len }, &reason);
	if (table == NULL)
		snprintf(why, STORE_WHY_MAX, "%s: %s", s->text.path, buf_text(&reason));
	buf_free(&reason);
	free(text);
	return table;
}

/* The compiled file, if it can be read; *current: it was made from the text as it is now. */
static struct map *load_compiled(struct file_store *s, bool *current)
{
	char wanted[STAMP_MAX] = "";
	struct buf stamp, notes;
	struct map *map;

	*current = false;
	if (!s->compiled.there)
		return NULL;
	buf_init(&stamp, STAMP_MAX);
	buf_init(&notes, 0);
	map = map_lmdb_open_fixed(s->compiled.path, &notes);
	if (map_find(map, slice_of(stamp_key), 0, &stamp, NULL) != LOOKUP_FOUND) {
		map_close(map);
		map = NULL;
	}
	if (s->text.there)
		stamp_of(&s->text.stat, s->case_sensitive, wanted);
	*current = !s->text.there || strcmp(buf_text(&stamp), wanted) == 0;
	buf_free(&stamp);
	buf_free(&notes);
	return map;
}

/*
 * What is to be used from now on, by the order that stands at the top of this file.  why says
 * what is wrong: with neither of the two it is the answer, else it is for the log.
 */
static void load(
    struct file_store *s, struct map **map, struct text_table **table, char why[STORE_WHY_MAX])
{
	bool current;

	*table = NULL;
	*map = load_compiled(s, &current);
	if (*map != NULL && current)
		return;
	*table = load_text(s, why);
	if (*table != NULL && *map != NULL) {
		map_close(*map);
		*map = NULL;
	}
}

static void file_refresh(struct store *store, bool force)
{
	struct file_store *s = (struct file_store *)store;
	bool changed = watched_changed(&s->text);
	char why[STORE_WHY_MAX] = "";
	struct map *map, *old_map;
	struct text_table *table, *old_table;

	changed = watched_changed(&s->compiled) || changed;
	if (!changed && !force)
		return;
	load(s, &map, &table, why);
	if (why[0] != '\0')
		log_line(LOG_LEVEL_WARNING, "store \"%s\": %s", store->name, why);
	/* a text that is wrong now: what was read of it before stays in use */
	if (map == NULL && table == NULL && s->text.there && (s->map != NULL || s->table != NULL))
		return;
	pthread_rwlock_wrlock(&s->lock);
	old_map = s->map;
	old_table = s->table;
	s->map = map;
	s->table = table;
	memcpy(s->why, why, sizeof why);
	pthread_rwlock_unlock(&s->lock);
	if (old_map != NULL)
		map_close(old_map);
	text_table_free(old_table);
}

/* ---- finding -------------------------------------------------------------------- */

static enum lookup_status find(
    struct file_store *s, struct slice key, struct buf *value, struct store_reply *reply)
{
	struct slice found;

	if (s->map != NULL)
		return map_find(s->map, key, 0, value, reply);
	if (s->table == NULL)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", s->why);
	found = text_table_find(s->table, key);
	if (found.data == NULL)
		return LOOKUP_NOTFOUND;
	buf_add_slice(value, found);
	return LOOKUP_FOUND;
}

/* The patterns of the domain: entries of their own, for local parts that have none. */
static enum lookup_status find_pattern(struct file_store *s, const struct store_question *q,
    struct buf *value, struct store_reply *reply)
{
	char key[STORE_KEY_MAX + 3] = "@@";
	enum lookup_status status;
	struct slice found;

	if (q->domain.len > STORE_KEY_MAX)
		return LOOKUP_NOTFOUND;
	memcpy(key + 2, q->domain.data, q->domain.len);
	status = find(s, (struct slice){ key, q->domain.len + 2 }, value, reply);
	if (status != LOOKUP_FOUND)
		return status;
	found = file_text_match(buf_slice(value), q->local_part);
	if (found.data == NULL)
		return LOOKUP_NOTFOUND;
	file_text_reply(found, reply);
	return LOOKUP_FOUND;
}

/* The domain itself, else "*.x" for what it is below. */
static enum lookup_status find_domain(
    struct file_store *s, struct slice domain, struct buf *value, struct store_reply *reply)
{
	char key[STORE_KEY_MAX + 3] = "*.";
	enum lookup_status status = find(s, domain, value, reply);

	for (size_t dot; status == LOOKUP_NOTFOUND && domain.len <= STORE_KEY_MAX &&
			 (dot = slice_find(domain, '.')) < domain.len;) {
		domain = slice_part(domain, dot + 1, domain.len);
		memcpy(key + 2, domain.data, domain.len);
		key[domain.len + 2] = '\0';
		status = find(s, (struct slice){ key, domain.len + 2 }, value, reply);
	}
	return status;
}

static enum lookup_status file_lookup(struct store *store, void **connection,
    const struct store_question *q, int64_t deadline_us, struct store_reply *reply)
{
	struct file_store *s = (struct file_store *)store;
	enum lookup_status status;
	struct buf value;

	(void)connection;
	(void)deadline_us;
	/* what has no "@" is a domain's, or our own: see file_text.h */
	if (q->service != STORE_DOMAIN && slice_find(q->key, '@') == q->key.len)
		return LOOKUP_NOTFOUND;
	buf_init(&value, (size_t)FILE_PATTERNS_MAX * STORE_KEY_MAX);
	pthread_rwlock_rdlock(&s->lock);
	if (q->service == STORE_DOMAIN)
		status = find_domain(s, q->domain, &value, reply);
	else
		status = find(s, q->key, &value, reply);
	if (status == LOOKUP_FOUND) {
		file_text_reply(buf_slice(&value), reply);
	} else if (status == LOOKUP_NOTFOUND && q->service == STORE_ADDRESS &&
		   q->local_part.len > 0) {
		status = find_pattern(s, q, &value, reply);
	}
	pthread_rwlock_unlock(&s->lock);
	buf_free(&value);
	return status;
}

/* ---- begin and end -------------------------------------------------------------- */

static struct store *file_open(const struct store_options *options, struct buf *notes)
{
	const char *path = store_option_text(options, "path", "");
	struct file_store *s = must_alloc(sizeof *s);
	char *compiled = must_alloc(strlen(path) + sizeof ".lmdb");

	s->store =
	    (struct store){ &store_file, options->name, STORE_ADDRESS | STORE_DOMAIN, STORE_LOCAL };
	s->case_sensitive = store_option_bool(options, "case_sensitive", false);
	memcpy(compiled, path, strlen(path));
	memcpy(compiled + strlen(path), ".lmdb", sizeof ".lmdb");
	watched_init(&s->text, path, NULL);
	watched_init(&s->compiled, compiled, NULL);
	free(compiled);
	pthread_rwlock_init(&s->lock, NULL);
	watched_changed(&s->text);
	watched_changed(&s->compiled);
	load(s, &s->map, &s->table, s->why);
	if (s->why[0] != '\0')
		buf_printf(notes, "%s\n", s->why);
	return &s->store;
}

static void file_close(struct store *store)
{
	struct file_store *s = (struct file_store *)store;

	map_close(s->map);
	text_table_free(s->table);
	pthread_rwlock_destroy(&s->lock);
	watched_end(&s->text);
	watched_end(&s->compiled);
	free(s);
}

const struct store_class store_file = { "file", rules, file_open, file_lookup, NULL, file_refresh,
	file_close };

/* ---- compiling ------------------------------------------------------------------ */

struct compile {
	MDB_txn *txn;
	MDB_dbi dbi;
	size_t count;
	int rc;
};

static bool sink_compile(void *context, struct slice key, struct slice value, bool weak)
{
	struct compile *c = context;
	MDB_val k = { key.len, (void *)(uintptr_t)key.data };
	MDB_val v = { value.len, (void *)(uintptr_t)value.data }, old = { 0, NULL };
	int rc;

	if (key.len > (size_t)mdb_env_get_maxkeysize(mdb_txn_env(c->txn)))
		return true; /* never asked for: see map_lmdb.c */
	old = v;
	rc = mdb_put(c->txn, c->dbi, &k, &old, MDB_NOOVERWRITE);
	/* a domain that an address before it had brought along */
	if (rc == MDB_KEYEXIST && !weak && is_domain_value(value) && old.mv_size == 1)
		rc = mdb_put(c->txn, c->dbi, &k, &v, 0);
	else if (rc == 0)
		c->count++;
	c->rc = rc == MDB_KEYEXIST ? 0 : rc;
	return c->rc == 0;
}

static bool compile_text(struct compile *c, struct slice text, const struct stat *st,
    bool case_sensitive, struct buf *notes)
{
	char stamp[STAMP_MAX];

	if (!file_text_read(text, case_sensitive, sink_compile, c, notes))
		return false;
	stamp_of(st, case_sensitive, stamp);
	return sink_compile(c, slice_of(stamp_key), slice_of(stamp), false);
}

/* Fills the new file; 0 or an error of LMDB; -1: notes say more. */
static int compile_into(const char *path, struct slice text, const struct stat *st,
    bool case_sensitive, struct buf *notes, size_t *count)
{
	struct compile c = { 0 };
	MDB_env *env = NULL;
	bool good;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return rc;
	/* room for the worst that pages half filled can take; the file is cut to what is used */
	mdb_env_set_mapsize(env, 16 * text.len + (size_t)16 * 1024 * 1024);
	rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, 0, &c.txn);
	if (rc == 0)
		rc = mdb_dbi_open(c.txn, NULL, 0, &c.dbi);
	if (rc == 0) {
		good = compile_text(&c, text, st, case_sensitive, notes);
		rc = good ? mdb_txn_commit(c.txn) : c.rc != 0 ? c.rc : -1;
		if (!good)
			mdb_txn_abort(c.txn);
	}
	if (rc == 0)
		rc = mdb_env_sync(env, 1);
	mdb_env_close(env);
	*count = c.count > 0 ? c.count - 1 : 0; /* without the stamp */
	return rc;
}

bool store_file_compile(const char *path, bool case_sensitive, struct buf *notes, size_t *count)
{
	struct arena *arena = arena_new();
	const char *target = arena_printf(arena, "%s.lmdb", path).data;
	const char *partial = arena_printf(arena, "%s.lmdb.%ld", path, (long)getpid()).data;
	struct stat st;
	size_t len = 0;
	int rc = stat(path, &st) == 0 ? 0 : errno;
	char *text = rc == 0 ? watched_read(path, SIZE_MAX / 2, &len) : NULL;

	*count = 0;
	if (text == NULL && rc == 0)
		rc = errno;
	unlink(partial);
	if (rc == 0)
		rc = compile_into(
		    partial, (struct slice){ text, len }, &st, case_sensitive, notes, count);
	/* whoever may read the text may read this, and nobody else */
	if (rc == 0 && (chmod(partial, st.st_mode & 0666) != 0 ||
			   (chown(partial, st.st_uid, st.st_gid) != 0 && errno != EPERM) ||
			   rename(partial, target) != 0))
		rc = errno;
	if (rc != 0)
		unlink(partial);
	if (rc > 0 || rc < -1)
		buf_printf(notes, "%s", mdb_strerror(rc));
	free(text);
	arena_free(arena);
	return rc == 0;
}
