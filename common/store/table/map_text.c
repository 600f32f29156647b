/*
 * map_text.c - tables in memory: texthash, aliases(5), and what `postmap -s` says of a file that
 * we have no library for.
 *
 * A file is read whole, and a new table put in the old one's place when it has changed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/run.h"
#include "store/table/map.h"
#include "store/table/postfix_text.h"
#include "store/table/watched.h"

struct text_map {
	struct map map;
	struct watched file;
	bool (*read)(struct slice text, struct text_table *table); /* NULL: by postmap */
	char *name;                                                /* "hash:/etc/aliases" */
	struct map_site site;
	pthread_rwlock_t lock;    /* around what follows */
	struct text_table *table; /* NULL: see why */
	char why[STORE_WHY_MAX];
};

/* `postmap -s`: "key TAB value", keys and values without their NUL. */
static bool read_dump(struct slice text, struct text_table *table)
{
	bool good = true;

	for (size_t at = 0; good && at < text.len;) {
		struct slice rest = slice_part(text, at, text.len);
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));
		size_t tab = slice_find(line, '\t');

		if (tab < line.len)
			good = text_table_add(
			    table, slice_part(line, 0, tab), slice_part(line, tab + 1, line.len));
		at += line.len + 1;
	}
	return good;
}

static struct text_table *fill(struct text_map *m, struct slice text,
    bool (*read)(struct slice text, struct text_table *table), char why[STORE_WHY_MAX])
{
	struct text_table *table = text_table_new(MAP_TEXT_MAX);

	if (read(text, table))
		return table;
	text_table_free(table);
	snprintf(why, STORE_WHY_MAX, "%s: over %d megabytes", m->name, MAP_TEXT_MAX >> 20);
	return NULL;
}

static struct text_table *load_file(struct text_map *m, char why[STORE_WHY_MAX])
{
	struct text_table *table = NULL;
	size_t len = 0;
	char *text = watched_read(m->file.path, MAP_TEXT_MAX, &len);

	if (text == NULL)
		snprintf(why, STORE_WHY_MAX, "%s: %s", m->file.path, strerror(errno));
	else
		table = fill(m, (struct slice){ text, len }, m->read, why);
	free(text);
	return table;
}

static struct text_table *load_dump(struct text_map *m, char why[STORE_WHY_MAX])
{
	const char *const argv[] = { m->site.postmap, "-c", m->site.config_directory, "-s", m->name,
		NULL };
	struct text_table *table = NULL;
	struct buf output, errors;
	struct run run;

	buf_init(&output, MAP_TEXT_MAX);
	buf_init(&errors, STORE_WHY_MAX - 50);
	run = run_program(argv, (int64_t)MAP_DUMP_SECONDS * 1000000, &output, &errors);
	if (run.end == RUN_EXITED && run.status == 0)
		table = fill(m, buf_slice(&output), read_dump, why);
	else
		snprintf(why, STORE_WHY_MAX, "%s: postmap -s: %s", m->name,
		    run.end == RUN_EXITED ? buf_text(&errors) : "no end, or too much");
	buf_free(&output);
	buf_free(&errors);
	return table;
}

static void text_refresh(struct map *map, bool force)
{
	struct text_map *m = (struct text_map *)map;
	struct text_table *fresh, *old;
	char why[STORE_WHY_MAX] = "";

	if (!watched_changed(&m->file) && !force)
		return;
	fresh = m->read != NULL ? load_file(m, why) : load_dump(m, why);
	pthread_rwlock_wrlock(&m->lock);
	old = m->table;
	m->table = fresh;
	memcpy(m->why, why, sizeof why);
	pthread_rwlock_unlock(&m->lock);
	text_table_free(old);
}

static enum lookup_status text_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply)
{
	struct text_map *m = (struct text_map *)map;
	enum lookup_status status = LOOKUP_NOTFOUND;
	struct slice found;

	(void)deadline_us;
	pthread_rwlock_rdlock(&m->lock);
	if (m->table == NULL) {
		status = store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", m->why);
	} else {
		found = text_table_find(m->table, key);
		if (found.data != NULL)
			status = LOOKUP_FOUND;
		if (found.data != NULL && value != NULL)
			buf_add_slice(value, found);
	}
	pthread_rwlock_unlock(&m->lock);
	return status;
}

static void text_close(struct map *map)
{
	struct text_map *m = (struct text_map *)map;

	text_table_free(m->table);
	pthread_rwlock_destroy(&m->lock);
	watched_end(&m->file);
	free(m->name);
	free(m);
}

static struct map *open_text(const char *name, const char *path, const char *suffix,
    bool (*read)(struct slice text, struct text_table *table), const struct map_site *site,
    struct buf *notes)
{
	static const struct map_class class = { text_close, text_find, text_refresh };
	struct text_map *m = must_alloc(sizeof *m);

	m->map = (struct map){ .class = &class, .local = true };
	m->read = read;
	m->name = must_strdup(name);
	if (site != NULL)
		m->site = *site;
	watched_init(&m->file, path, suffix);
	pthread_rwlock_init(&m->lock, NULL);
	text_refresh(&m->map, true);
	if (m->table == NULL)
		buf_printf(notes, "%s\n", m->why);
	return &m->map;
}

struct map *map_text_open(const char *path, struct buf *notes)
{
	return open_text(path, path, NULL, postfix_text_table, NULL, notes);
}

struct map *map_aliases_open(const char *path, struct buf *notes)
{
	return open_text(path, path, NULL, postfix_text_aliases, NULL, notes);
}

struct map *map_dump_open(const char *name, const struct map_site *site, struct buf *notes)
{
	const char *path = strchr(name, ':');
	struct map *map = open_text(name, path == NULL ? name : path + 1, ".db", NULL, site, notes);

	if (((struct text_map *)map)->table != NULL)
		return map;
	map_close(map);
	return NULL;
}
