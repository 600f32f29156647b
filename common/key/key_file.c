/*
 * key_file.c - a private key of the signer, as a file.
 */
#include "key/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum key_file tell(
    struct arena *arena, enum key_file what, const char *path, const char *said, struct slice *why)
{
	*why = arena_printf(arena, "the private key %s: %s", path, said);
	return what;
}

static enum key_file open_error(struct arena *arena, const char *path, int error, struct slice *why)
{
	bool missing =
	    error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP;

	return tell(
	    arena, missing ? KEY_FILE_MISSING : KEY_FILE_UNKNOWN, path, strerror(error), why);
}

/* A descriptor of a regular file, or -1 with *what and *why. */
static int open_key(struct arena *arena, const char *path, struct stat *status, enum key_file *what,
    struct slice *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		*what = open_error(arena, path, errno, why);
		return -1;
	}
	if (fstat(fd, status) == 0 && S_ISREG(status->st_mode)) {
		*what = KEY_FILE_GOOD;
		return fd;
	}
	close(fd);
	*what = tell(arena, KEY_FILE_MISSING, path, "not a regular file", why);
	return -1;
}

static bool mode_of(const char *path, size_t len, mode_t *mode)
{
	char part[PATH_MAX];
	struct stat status;

	memcpy(part, path, len);
	part[len] = '\0';
	if (stat(part, &status) != 0)
		return false;
	*mode = status.st_mode;
	return true;
}

/*
 * From the root down to the file, links resolved: a directory that nobody but
 * its owner can enter makes what is below it safe.
 */
static bool is_exposed(const char *path)
{
	char real[PATH_MAX];
	mode_t mode;

	if (realpath(path, real) == NULL)
		return false;
	for (size_t i = 0; real[i] != '\0'; i++) {
		if (real[i] != '/')
			continue;
		if (!mode_of(real, i == 0 ? 1 : i, &mode))
			return false;
		if ((mode & S_IWOTH) != 0)
			return true;
		if ((mode & (S_IXGRP | S_IXOTH)) == 0)
			return false;
	}
	return mode_of(real, strlen(real), &mode) && (mode & (S_IROTH | S_IWOTH)) != 0;
}

enum key_file key_file_look(
    struct arena *arena, const char *path, bool must_be_safe, struct slice *why)
{
	struct stat status;
	enum key_file what;
	int fd = open_key(arena, path, &status, &what, why);

	if (fd >= 0)
		close(fd);
	if ((what == KEY_FILE_GOOD || what == KEY_FILE_UNKNOWN) && must_be_safe && is_exposed(path))
		return tell(arena, KEY_FILE_EXPOSED, path,
		    "others can read or replace it, and RequireSafeKeys is on", why);
	return what;
}

/* ---- its octets --------------------------------------------------------------------- */

static ssize_t read_key(int fd, char *key, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size && (n = read(fd, key + have, size - have)) != 0) {
		if (n < 0)
			return -1;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

char *key_file_read(
    struct arena *arena, const char *path, struct key_file_state *state, struct slice *why)
{
	struct stat status;
	enum key_file what;
	int fd = open_key(arena, path, &status, &what, why);
	size_t size;
	ssize_t n;
	char *key;

	if (fd < 0)
		return NULL;
	size = status.st_size < KEY_FILE_OCTETS_MAX ? (size_t)status.st_size : KEY_FILE_OCTETS_MAX;
	key = must_alloc(size + 1);
	n = read_key(fd, key, size);
	if (n < 0)
		tell(arena, KEY_FILE_UNKNOWN, path, strerror(errno), why);
	close(fd);
	*state =
	    (struct key_file_state){ status.st_dev, status.st_ino, status.st_size, status.st_mtim };
	key[n < 0 ? 0 : n] = '\0';
	if (n >= 0)
		return key;
	key_file_forget(key);
	return NULL;
}

void key_file_forget(char *key)
{
	if (key == NULL)
		return;
	explicit_bzero(key, strlen(key));
	free(key);
}
