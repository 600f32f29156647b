/*
 * file.c - a whole file into memory, with a ceiling.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_regular(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return errno;
	return S_ISREG(status.st_mode) ? 0 : EINVAL;
}

static int read_all(int fd, struct buf *text)
{
	char piece[16384];
	ssize_t n;

	do {
		n = read(fd, piece, sizeof piece);
		if (n > 0)
			buf_add(text, piece, (size_t)n);
	} while ((n > 0 && !text->truncated) || (n < 0 && errno == EINTR));
	if (n < 0)
		return errno;
	return text->truncated ? EFBIG : 0;
}

static int read_file(const char *path, int flags, bool any, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	int why;

	if (fd < 0)
		return errno;
	why = any ? 0 : check_regular(fd);
	if (why == 0)
		why = read_all(fd, text);
	close(fd);
	return why;
}

int file_read_whole(const char *path, struct buf *text)
{
	return read_file(path, O_NONBLOCK, false, text);
}

int file_read_any(const char *path, bool may_wait, struct buf *text)
{
	return read_file(path, may_wait ? 0 : O_NONBLOCK, true, text);
}
