/*
 * key_file.h - a private key of the signer, as a file.
 *
 * OpenDKIM opens it anew for each message, and so does Presend: no private key
 * stays in its memory, and a key that was changed is seen.  OpenDKIM runs as
 * another user, so "cannot be read" is its trouble only where the file is not
 * there at all.
 */
#ifndef PRESEND_KEY_KEY_FILE_H
#define PRESEND_KEY_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/arena.h"

enum { KEY_FILE_OCTETS_MAX = 65536 }; /* what OpenDKIM takes of one */

enum key_file {
	KEY_FILE_GOOD,
	KEY_FILE_MISSING, /* nobody can read it: it is not there, or no regular file */
	KEY_FILE_EXPOSED, /* others can read or replace it: not for RequireSafeKeys */
	KEY_FILE_UNKNOWN, /* Presend cannot read it; OpenDKIM may */
};

/* Which octets it held. */
struct key_file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/*
 * Can OpenDKIM use the file?  *why, in the arena, where it is not GOOD.
 * must_be_safe: look for what RequireSafeKeys forbids: read or write permission
 * for others on the file, write permission for others on a directory above it.
 * Owners and groups, which depend on the user that OpenDKIM runs as, are not
 * looked at.
 */
enum key_file key_file_look(
    struct arena *arena, const char *path, bool must_be_safe, struct slice *why);

/*
 * Reads it into a block with a NUL behind it, which key_file_forget gives back;
 * NULL with *why when it is not GOOD.
 */
char *key_file_read(
    struct arena *arena, const char *path, struct key_file_state *state, struct slice *why);
void key_file_forget(char *key);

#endif
