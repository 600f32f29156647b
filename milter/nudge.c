/* nudge.c - keeps libmilter from leaving a session to a worker that waits. */
#include "milter/nudge.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int nudge_open(int listener)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	int fd;

	if (getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return -1;
	/* nobody accepts yet: where the queue is full, waiting would be for ever */
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, len) != 0 && errno != EINPROGRESS) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void nudge(int connection)
{
	static const char abort_packet[] = { 0, 0, 0, 1, 'A' };

	/* where the buffer is full, there are nudges enough in it */
	if (connection >= 0)
		send(connection, abort_packet, sizeof abort_packet, MSG_NOSIGNAL);
}
