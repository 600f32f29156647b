/*
 * stream.h - a conversation over a socket: octets with a deadline, lines and pieces.
 *
 * One thread at a time.  Every call returns by its deadline.  What the other side says is kept
 * until it is taken, at most STREAM_OCTETS_MAX at a time; nothing is ever dropped in silence.
 */
#ifndef PRESEND_STORE_STREAM_H
#define PRESEND_STORE_STREAM_H

#include "store/store.h"

enum { STREAM_OCTETS_MAX = STORE_OCTETS_MAX + 1024 };

struct stream;

enum stream_end {
	STREAM_OK,
	STREAM_GONE, /* closed or reset by the other side */
	STREAM_LATE, /* the deadline has passed */
	STREAM_LONG, /* more than STREAM_OCTETS_MAX before the end of the piece */
};

/* A few words for an operator. */
const char *stream_why(enum stream_end end);

/* Takes over the socket, which is non-blocking. */
struct stream *stream_new(int fd);
void stream_free(struct stream *stream); /* closes it; NULL is allowed */

/*
 * Is it still open, with nothing said by the other side since?  What is said without being asked
 * would be taken for the answer to the next question.
 */
bool stream_idle(struct stream *stream);

enum stream_end stream_send(struct stream *stream, struct slice octets, int64_t deadline_us);

/* The next octets, that many; they live until the next call. */
enum stream_end stream_take(
    struct stream *stream, size_t count, struct slice *octets, int64_t deadline_us);

/*
 * The next line without its LF or CRLF; it lives until the next call.  STREAM_GONE in the middle
 * of a line leaves what was received: stream_has_more tells it from a connection that was gone
 * before anything came.  Half a line is half an answer, and not POOLED_DROPPED.
 */
enum stream_end stream_line(struct stream *stream, struct slice *line, int64_t deadline_us);

/* Has anything been received that was not taken? */
bool stream_has_more(const struct stream *stream);

#endif
