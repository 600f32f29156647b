/* stream.c - a conversation over a socket: octets with a deadline, lines and pieces. */
#include "store/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/peer.h"

struct stream {
	int fd;
	size_t begin, end; /* of what was received and not taken */
	char in[STREAM_OCTETS_MAX];
};

const char *stream_why(enum stream_end end)
{
	static const char *const whys[] = { "it went well", "the server has ended the connection",
		"no answer in time", "the answer is too large" };

	return whys[end];
}

struct stream *stream_new(int fd)
{
	struct stream *s = must_alloc(sizeof *s);

	s->fd = fd;
	return s;
}

void stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	close(s->fd);
	free(s);
}

bool stream_has_more(const struct stream *s)
{
	return s->begin < s->end;
}

bool stream_idle(struct stream *s)
{
	char c;

	return !stream_has_more(s) && recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

enum stream_end stream_send(struct stream *s, struct slice octets, int64_t deadline_us)
{
	while (octets.len > 0) {
		ssize_t n = send(s->fd, octets.data, octets.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			octets = slice_part(octets, (size_t)n, octets.len);
		else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return STREAM_GONE;
		else if (!peer_wait(s->fd, false, true, deadline_us))
			return STREAM_LATE;
	}
	return STREAM_OK;
}

/* Receives at least one octet more. */
static enum stream_end receive(struct stream *s, int64_t deadline_us)
{
	memmove(s->in, s->in + s->begin, s->end - s->begin);
	s->end -= s->begin;
	s->begin = 0;
	if (s->end == sizeof s->in)
		return STREAM_LONG;
	for (;;) {
		ssize_t n = -1;

		if (!peer_wait(s->fd, true, false, deadline_us))
			return STREAM_LATE;
		n = recv(s->fd, s->in + s->end, sizeof s->in - s->end, MSG_DONTWAIT);
		if (n > 0) {
			s->end += (size_t)n;
			return STREAM_OK;
		}
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
			return STREAM_GONE;
	}
}

enum stream_end stream_take(
    struct stream *s, size_t count, struct slice *octets, int64_t deadline_us)
{
	enum stream_end end = count > sizeof s->in ? STREAM_LONG : STREAM_OK;

	while (end == STREAM_OK && s->end - s->begin < count)
		end = receive(s, deadline_us);
	if (end != STREAM_OK)
		return end;
	*octets = (struct slice){ s->in + s->begin, count };
	s->begin += count;
	return STREAM_OK;
}

enum stream_end stream_line(struct stream *s, struct slice *line, int64_t deadline_us)
{
	size_t seen = 0; /* octets from begin without a line end among them */
	enum stream_end end;

	for (;;) {
		const char *from = s->in + s->begin;
		const char *lf = memchr(from + seen, '\n', s->end - s->begin - seen);

		if (lf != NULL) {
			s->begin += (size_t)(lf - from) + 1;
			if (lf > from && lf[-1] == '\r')
				lf--;
			*line = (struct slice){ from, (size_t)(lf - from) };
			return STREAM_OK;
		}
		seen = s->end - s->begin;
		end = receive(s, deadline_us);
		if (end != STREAM_OK)
			return end;
	}
}
