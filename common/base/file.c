/*
 * file.c - a whole file into memory, with a ceiling.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, struct buf *text)
{
	char piece[16384];
	struct stat status;
	ssize_t n;

	if (fstat(fd, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EINVAL;
	while ((n = read(fd, piece, sizeof piece)) > 0 && !text->truncated)
		buf_add(text, piece, (size_t)n);
	if (n < 0)
		return errno;
	return text->truncated ? EFBIG : 0;
}

int file_read_whole(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int why;

	if (fd < 0)
		return errno;
	why = read_all(fd, text);
	close(fd);
	return why;
}
