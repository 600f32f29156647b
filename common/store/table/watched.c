/* watched.c - a file that may be replaced while it is in use. */
#include "store/table/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"

void watched_init(struct watched *w, const char *path, const char *suffix)
{
	size_t len = strlen(path), more = suffix == NULL ? 0 : strlen(suffix);

	*w = (struct watched){ .path = must_alloc(len + more + 1) };
	memcpy(w->path, path, len);
	if (more == 0 || (len >= more && memcmp(path + len - more, suffix, more) == 0))
		return;
	memcpy(w->path + len, suffix, more);
	if (access(w->path, F_OK) != 0 && access(path, F_OK) == 0)
		w->path[len] = '\0';
}

void watched_end(struct watched *w)
{
	free(w->path);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool watched_changed(struct watched *w)
{
	struct stat now;
	bool there = stat(w->path, &now) == 0;
	bool same = there == w->there &&
		    (!there || (now.st_dev == w->stat.st_dev && now.st_ino == w->stat.st_ino &&
				   now.st_size == w->stat.st_size &&
				   same_time(now.st_mtim, w->stat.st_mtim) &&
				   same_time(now.st_ctim, w->stat.st_ctim)));

	w->there = there;
	if (there)
		w->stat = now;
	return !same;
}

static char *read_all(int fd, size_t ceiling, size_t *len)
{
	size_t size = 65536, used = 0;
	char *data = must_alloc(size);

	for (;;) {
		ssize_t n = read(fd, data + used, size - 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0) {
			data[used] = '\0';
			*len = used;
			return data;
		}
		if (n > 0)
			used += (size_t)n;
		if (n > 0 && used > ceiling)
			errno = EFBIG;
		if (n < 0 || used > ceiling)
			break;
		if (used == size - 1) {
			size *= 2;
			data = must_realloc(data, size);
		}
	}
	free(data);
	return NULL;
}

char *watched_read(const char *path, size_t ceiling, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	char *data;

	if (fd < 0)
		return NULL;
	data = read_all(fd, ceiling, len);
	error = errno;
	close(fd);
	errno = error;
	return data;
}
