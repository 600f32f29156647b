/*
 * map.h - a lookup table of Postfix: a key in, a value out.
 *
 * The stores lmdb, cdb and texthash are one such table each; the store `postfix` is made of
 * those that a main.cf names.  Native are
 *
 *	lmdb:path cdb:path       a mapped file (the suffix is added as Postfix does)
 *	texthash:path            a text file in memory
 *	hash: btree: dbm: sdbm:  what `postmap -s` says of them, in memory; taken anew when the
 *	                         file changes (their library is not linked); by `postmap -q`
 *	                         where that is too much for memory, or is not there yet
 *	unix:passwd.byname       the Unix accounts
 *	static:value  inline:{ key=value, ... }
 *	proxy:X                  X itself
 *
 * and any other type that the site's Postfix has (pcre, regexp, mysql, ldap, unionmap,
 * pipemap, ...) is asked by `postmap -q`, some milliseconds each.
 *
 * map_find may be called by many threads at once, beside map_refresh.
 */
#ifndef PRESEND_STORE_TABLE_MAP_H
#define PRESEND_STORE_TABLE_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "store/store.h"

enum {
	MAP_VALUE_MAX = STORE_OCTETS_MAX,
	MAP_TEXT_MAX = 256 * 1024 * 1024, /* octets of a table that is kept in memory */
	MAP_DUMP_SECONDS = 60,            /* that `postmap -s` may take */
};

/* Where the site's Postfix is; for types that only it can read.  Texts live with the caller. */
struct map_site {
	const char *postmap; /* full path; NULL: such types are PERMFAIL */
	const char *config_directory;
};

struct map;

struct map_class {
	void (*close)(struct map *map);
	/* See map_find. */
	enum lookup_status (*find)(struct map *map, struct slice key, int64_t deadline_us,
	    struct buf *value, struct store_reply *reply);
	void (*refresh)(struct map *map, bool force); /* may be absent */
};

/* First member of every implementation. */
struct map {
	const struct map_class *class;
	bool local;    /* find takes microseconds */
	bool network;  /* it asks beyond this host */
	bool patterns; /* keys are patterns: asked for whole addresses alone */
};

/*
 * The table of that name, "type:path".  Never NULL; what cannot be opened answers TEMPFAIL or
 * PERMFAIL until it can, and a line in notes says so.
 */
struct map *map_open(const char *name, const struct map_site *site, struct buf *notes);
void map_close(struct map *map);

/*
 * FOUND, with the value appended (value may be NULL), NOTFOUND, or a failure, with the reason in
 * reply.  key: as the table has it, no control characters, a NUL behind it.
 */
enum lookup_status map_find(struct map *map, struct slice key, int64_t deadline_us,
    struct buf *value, struct store_reply *reply);

/* Looks whether the file was replaced or changed; force: takes it anew. */
void map_refresh(struct map *map, bool force);

/* ---- the kinds, for map.c and the stores that are one table --------------------- */

struct map *map_lmdb_open(const char *path, struct buf *notes);
/* That path itself, of a file that is never written in place. */
struct map *map_lmdb_open_fixed(const char *path, struct buf *notes);
struct map *map_cdb_open(const char *path, struct buf *notes);
struct map *map_text_open(const char *path, struct buf *notes);    /* texthash */
struct map *map_aliases_open(const char *path, struct buf *notes); /* text of aliases(5) */
struct map *map_passwd_open(void);
struct map *map_inline_open(const char *text, struct buf *notes); /* what follows "inline:" */
struct map *map_static_open(const char *value);
/* NULL, with a line in notes, if it cannot be taken into memory now. */
struct map *map_dump_open(const char *name, const struct map_site *site, struct buf *notes);
struct map *map_query_open(const char *name, const struct map_site *site);

#endif
