/*
 * map_cdb.c - cdb:path, a mapped file that never changes in place: postmap renames a new one.
 *
 * Keys end in a NUL or do not, as whoever made the file liked: the first key tells.
 */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/table/map.h"
#include "store/table/watched.h"

struct cdb_map {
	struct map map;
	struct watched file;
	pthread_rwlock_t lock; /* around what follows */
	bool opened, nul;
	struct cdb cdb;
	char why[STORE_WHY_MAX];
};

static bool first_key_has_nul(struct cdb *cdb)
{
	const char *key;
	unsigned at;

	cdb_seqinit(&at, cdb);
	if (cdb_seqnext(&at, cdb) <= 0 || cdb_keylen(cdb) == 0)
		return false;
	key = cdb_getkey(cdb);
	return key != NULL && key[cdb_keylen(cdb) - 1] == '\0';
}

static bool open_file(const struct cdb_map *m, struct cdb *cdb, char why[STORE_WHY_MAX])
{
	int fd = open(m->file.path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && cdb_init(cdb, fd) == 0)
		return true;
	snprintf(why, STORE_WHY_MAX, "%s: %s", m->file.path,
	    fd >= 0 && (errno == 0 || errno == EPROTO) ? "it is no cdb file" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

static void close_file(struct cdb *cdb)
{
	int fd = cdb_fileno(cdb);

	cdb_free(cdb);
	close(fd);
}

static void cdb_map_refresh(struct map *map, bool force)
{
	struct cdb_map *m = (struct cdb_map *)map;
	struct cdb fresh, old;
	char why[STORE_WHY_MAX] = "";
	bool opened, was_opened;

	if (!watched_changed(&m->file) && !force)
		return;
	opened = open_file(m, &fresh, why);
	pthread_rwlock_wrlock(&m->lock);
	was_opened = m->opened;
	old = m->cdb;
	m->opened = opened;
	memcpy(m->why, why, sizeof why);
	if (opened) {
		m->cdb = fresh;
		m->nul = first_key_has_nul(&fresh);
	}
	pthread_rwlock_unlock(&m->lock);
	if (was_opened)
		close_file(&old);
}

static void cdb_map_close(struct map *map)
{
	struct cdb_map *m = (struct cdb_map *)map;

	if (m->opened)
		close_file(&m->cdb);
	pthread_rwlock_destroy(&m->lock);
	watched_end(&m->file);
	free(m);
}

/* The library keeps where it found something in its struct: each lookup has a copy. */
static enum lookup_status find_in(
    const struct cdb_map *m, struct slice key, struct buf *value, struct store_reply *reply)
{
	struct cdb cdb = m->cdb;
	int found = cdb_find(&cdb, key.data, (unsigned)(key.len + (m->nul ? 1 : 0)));
	const char *data;
	size_t len;

	if (found == 0)
		return LOOKUP_NOTFOUND;
	data = found > 0 ? cdb_getdata(&cdb) : NULL;
	if (data == NULL)
		return store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "%s: the file is damaged", m->file.path);
	len = cdb_datalen(&cdb);
	if (m->nul && len > 0 && data[len - 1] == '\0')
		len--;
	if (value != NULL)
		buf_add(value, data, len);
	return LOOKUP_FOUND;
}

static enum lookup_status cdb_map_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	struct cdb_map *m = (struct cdb_map *)map;
	enum lookup_status status;

	(void)deadline_us;
	pthread_rwlock_rdlock(&m->lock);
	if (!m->opened)
		status = store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", m->why);
	else
		status = find_in(m, key, value, reply);
	pthread_rwlock_unlock(&m->lock);
	return status;
}

struct map *map_cdb_open(const char *path, struct buf *notes)
{
	static const struct map_class class = { cdb_map_close, cdb_map_find, cdb_map_refresh };
	struct cdb_map *m = must_alloc(sizeof *m);

	m->map = (struct map){ .class = &class, .local = true };
	watched_init(&m->file, path, ".cdb");
	pthread_rwlock_init(&m->lock, NULL);
	cdb_map_refresh(&m->map, true);
	if (!m->opened)
		buf_printf(notes, "%s\n", m->why);
	return &m->map;
}
