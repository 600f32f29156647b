/*
 * map_lmdb.c - lmdb:path, a mapped file.
 *
 * Postfix opens these without LMDB's own locks, so we do too, and takes a lock of fcntl(2) around
 * each access (measured: 3.7 of Debian waits for one, not for flock), which we take as well,
 * shared and never for long: without it a reader that sleeps between two commits of a writer
 * might walk over pages that are being written.  While a writer has the file, the answer is
 * TEMPFAIL after LOCK_TRIES milliseconds.  The locks are those of the open file (F_OFD_SETLK),
 * since others would go when any descriptor of the file is closed.  A file that is only ever
 * renamed into place needs none (map_lmdb_open_fixed).
 *
 * Keys and values that postmap wrote end in a NUL, others do not: the first key tells.
 */
#define _GNU_SOURCE 1 /* F_OFD_SETLK */

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/table/map.h"
#include "store/table/watched.h"

enum { KEY_MAX = 511, LOCK_TRIES = 20, IDLE_MAX = 32, HEADROOM = 64 * 1024 * 1024 };

/* One opened file. */
struct opened {
	MDB_env *env;
	MDB_dbi dbi;
	bool nul; /* keys end in a NUL */
	int lock_fd;
};

struct lmdb_map {
	struct map map;
	struct watched file;
	bool fixed;            /* never written in place: no lock */
	pthread_rwlock_t lock; /* around `opened` */
	struct opened opened;  /* env NULL: see why */
	char why[STORE_WHY_MAX];

	pthread_mutex_t mutex; /* around what follows */
	size_t readers;        /* that hold the file's lock together */
	MDB_txn *idle[IDLE_MAX];
	size_t idle_count;
};

/* ---- opening -------------------------------------------------------------------- */

static void close_opened(struct opened *o)
{
	if (o->env != NULL)
		mdb_env_close(o->env);
	if (o->lock_fd >= 0)
		close(o->lock_fd);
	*o = (struct opened){ .lock_fd = -1 };
}

/* Does the first key end in a NUL?  An empty table: as Postfix writes them. */
static bool first_key_has_nul(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	bool nul = true;

	if (mdb_cursor_open(txn, dbi, &cursor) != 0)
		return true;
	if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0)
		nul = key.mv_size > 0 && ((const char *)key.mv_data)[key.mv_size - 1] == '\0';
	mdb_cursor_close(cursor);
	return nul;
}

/* 0 or an error of LMDB or of the system. */
static int open_file(const struct watched *file, struct opened *o)
{
	size_t size = file->there ? (size_t)file->stat.st_size : 0;
	MDB_txn *txn;
	int rc = mdb_env_create(&o->env);

	if (rc != 0) {
		o->env = NULL;
		return rc;
	}
	mdb_env_set_mapsize(o->env, 2 * size + HEADROOM);
	rc =
	    mdb_env_open(o->env, file->path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);
	if (rc != 0)
		return rc;
	o->lock_fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (o->lock_fd < 0)
		return errno;
	rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &o->dbi);
	if (rc == 0)
		o->nul = first_key_has_nul(txn, o->dbi);
	/* committed, since the handle would go with an aborted transaction */
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	return rc;
}

/* Opens the file anew and puts it in the old one's place. */
static void reopen(struct lmdb_map *m)
{
	struct opened fresh = { .lock_fd = -1 }, old;
	int rc = open_file(&m->file, &fresh);

	if (rc != 0)
		close_opened(&fresh);
	pthread_rwlock_wrlock(&m->lock);
	old = m->opened;
	m->opened = fresh;
	if (rc != 0)
		snprintf(m->why, sizeof m->why, "%s: %s", m->file.path, mdb_strerror(rc));
	while (m->idle_count > 0)
		mdb_txn_abort(m->idle[--m->idle_count]);
	pthread_rwlock_unlock(&m->lock);
	close_opened(&old);
}

static void lmdb_refresh(struct map *map, bool force)
{
	struct lmdb_map *m = (struct lmdb_map *)map;
	struct stat before = m->file.stat;
	bool there = m->file.there;

	if (!watched_changed(&m->file) && !force)
		return;
	/* written to in place: what is open sees that by itself while it fits the mapping */
	if (force || !there || !m->file.there || m->opened.env == NULL ||
	    before.st_ino != m->file.stat.st_ino || before.st_dev != m->file.stat.st_dev ||
	    before.st_size != m->file.stat.st_size)
		reopen(m);
}

static void lmdb_close(struct map *map)
{
	struct lmdb_map *m = (struct lmdb_map *)map;

	while (m->idle_count > 0)
		mdb_txn_abort(m->idle[--m->idle_count]);
	close_opened(&m->opened);
	pthread_rwlock_destroy(&m->lock);
	pthread_mutex_destroy(&m->mutex);
	watched_end(&m->file);
	free(m);
}

/* ---- finding -------------------------------------------------------------------- */

static bool lock_file(const struct lmdb_map *m, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return m->fixed || fcntl(m->opened.lock_fd, F_OFD_SETLK, &lock) == 0;
}

/*
 * Joins those who read, the first one taking the file's lock; a transaction from those that are
 * idle, NULL if there is none.  False if a writer has the file.
 */
static bool begin(struct lmdb_map *m, MDB_txn **txn)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	bool good = true;

	*txn = NULL;
	pthread_mutex_lock(&m->mutex);
	for (int tries = 0; m->readers == 0; tries++) {
		good = lock_file(m, F_RDLCK);
		if (good || tries == LOCK_TRIES)
			break;
		pthread_mutex_unlock(&m->mutex);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&m->mutex);
		good = m->readers > 0;
	}
	if (good) {
		m->readers++;
		if (m->idle_count > 0)
			*txn = m->idle[--m->idle_count];
	}
	pthread_mutex_unlock(&m->mutex);
	return good;
}

static void end(struct lmdb_map *m, MDB_txn *txn)
{
	if (txn != NULL)
		mdb_txn_reset(txn);
	pthread_mutex_lock(&m->mutex);
	if (--m->readers == 0)
		lock_file(m, F_UNLCK);
	if (txn != NULL && m->idle_count < IDLE_MAX) {
		m->idle[m->idle_count++] = txn;
		txn = NULL;
	}
	pthread_mutex_unlock(&m->mutex);
	if (txn != NULL)
		mdb_txn_abort(txn);
}

static void add_value(const struct opened *o, const MDB_val *found, struct buf *value)
{
	size_t len = found->mv_size;

	if (value == NULL)
		return;
	if (o->nul && len > 0 && ((const char *)found->mv_data)[len - 1] == '\0')
		len--;
	buf_add(value, found->mv_data, len);
}

static enum lookup_status find_in(
    struct lmdb_map *m, struct slice key, struct buf *value, struct store_reply *reply)
{
	struct opened *o = &m->opened;
	MDB_val wanted = { key.len + (o->nul ? 1 : 0), (void *)(uintptr_t)key.data }, found;
	MDB_txn *txn;
	int rc;

	if (!begin(m, &txn))
		return store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "%s: it is being written", m->file.path);
	rc = txn != NULL ? mdb_txn_renew(txn) : mdb_txn_begin(o->env, NULL, MDB_RDONLY, &txn);
	if (rc == 0)
		rc = mdb_get(txn, o->dbi, &wanted, &found);
	if (rc == 0)
		add_value(o, &found, value);
	end(m, txn);
	if (rc == 0 || rc == MDB_NOTFOUND)
		return rc == 0 ? LOOKUP_FOUND : LOOKUP_NOTFOUND;
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s: %s", m->file.path, mdb_strerror(rc));
}

static enum lookup_status lmdb_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	struct lmdb_map *m = (struct lmdb_map *)map;
	enum lookup_status status;

	(void)deadline_us;
	if (key.len == 0 || key.len >= KEY_MAX)
		return LOOKUP_NOTFOUND;
	pthread_rwlock_rdlock(&m->lock);
	if (m->opened.env == NULL)
		status = store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", m->why);
	else
		status = find_in(m, key, value, reply);
	pthread_rwlock_unlock(&m->lock);
	return status;
}

static struct map *open_map(const char *path, const char *suffix, bool fixed, struct buf *notes)
{
	static const struct map_class class = { lmdb_close, lmdb_find, lmdb_refresh };
	struct lmdb_map *m = must_alloc(sizeof *m);

	m->map = (struct map){ .class = &class, .local = true };
	m->opened.lock_fd = -1;
	m->fixed = fixed;
	watched_init(&m->file, path, suffix);
	pthread_rwlock_init(&m->lock, NULL);
	pthread_mutex_init(&m->mutex, NULL);
	watched_changed(&m->file);
	reopen(m);
	if (m->opened.env == NULL)
		buf_printf(notes, "%s\n", m->why);
	return &m->map;
}

struct map *map_lmdb_open(const char *path, struct buf *notes)
{
	return open_map(path, ".lmdb", false, notes);
}

struct map *map_lmdb_open_fixed(const char *path, struct buf *notes)
{
	return open_map(path, NULL, true, notes);
}
