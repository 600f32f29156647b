/*
 * watched.h - a file that may be replaced while it is in use.
 *
 * The identity of a file is its device, inode, size and both times: a table that was
 * rebuilt within a second, or renamed into place, is another one.
 */
#ifndef PRESEND_STORE_TABLE_WATCHED_H
#define PRESEND_STORE_TABLE_WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct watched {
	char *path;
	bool there; /* false: it could not be looked at */
	struct stat stat;
};

/* Copies the path.  With a suffix, "path" means "path.suffix", as in Postfix, if that is there. */
void watched_init(struct watched *watched, const char *path, const char *suffix);
void watched_end(struct watched *watched);

/* Looks again; true if it is another file or has changed since the last look. */
bool watched_changed(struct watched *watched);

/*
 * The whole file, with a NUL behind it, or NULL with errno set (EFBIG over the ceiling).  The
 * caller frees it.
 */
char *watched_read(const char *path, size_t ceiling, size_t *len);

#endif
