/*
 * file.c - message files, read as an MTA would hand them to a milter.
 *
 * The stream is read into one block; a line is looked at where it lies there.
 * Only a line longer than the block comes in pieces.  Nothing but the field at
 * hand is ever copied, and of it no more than the snapshot keeps.
 */
#include "message/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/buf.h"

enum { BLOCK_SIZE = 64 * 1024 };

struct message_reader {
	FILE *stream;
	bool mbox;
	bool started;          /* a message has been read */
	bool eof;              /* of the stream; what is in the block is still to come */
	int error;             /* errno of a stream that failed, or 0 */
	bool inside;           /* the next piece goes on a line */
	size_t begin, end;     /* what of the block is still to come */
	struct buf name, body; /* the field at hand */
	size_t body_octets;    /* of its body, those not kept too */
	bool in_field;
	char block[BLOCK_SIZE];
};

/* A line, or a piece of one that is longer than the block. */
struct line {
	struct slice text; /* without the line end */
	bool first;        /* the line begins here */
	bool last;         /* it ends here, by a line end or with the stream */
	size_t next;       /* where in the block the next one begins */
};

struct message_reader *message_reader_new(FILE *stream, bool mbox)
{
	struct message_reader *r = must_alloc(sizeof *r);

	r->stream = stream;
	r->mbox = mbox;
	buf_init(&r->name, MESSAGE_FIELD_MAX);
	buf_init(&r->body, MESSAGE_FIELD_MAX);
	return r;
}

void message_reader_free(struct message_reader *r)
{
	if (r == NULL)
		return;
	buf_free(&r->name);
	buf_free(&r->body);
	free(r);
}

/* ---- lines ----------------------------------------------------------------- */

/* Moves what is left to the front of the block and fills it up. */
static void fill(struct message_reader *r)
{
	size_t left = r->end - r->begin;

	memmove(r->block, r->block + r->begin, left);
	r->begin = 0;
	r->end = left;
	while (r->end < BLOCK_SIZE && !r->eof) {
		size_t got;

		errno = 0;
		got = fread(r->block + r->end, 1, BLOCK_SIZE - r->end, r->stream);
		r->end += got;
		if (ferror(r->stream))
			r->error = errno == 0 ? EIO : errno;
		r->eof = r->error != 0 || feof(r->stream);
	}
}

/*
 * Looks at the next line without taking it.  False at the end of the stream
 * and when it has failed.
 */
static bool peek_line(struct message_reader *r, struct line *line)
{
	const char *data, *lf;
	size_t len;

	lf = memchr(r->block + r->begin, '\n', r->end - r->begin);
	if (lf == NULL && !r->eof && (r->begin > 0 || r->end < BLOCK_SIZE)) {
		fill(r);
		lf = memchr(r->block, '\n', r->end);
	}
	if (r->error != 0 || (r->begin == r->end && !r->inside))
		return false;
	data = r->block + r->begin;
	len = lf == NULL ? r->end - r->begin : (size_t)(lf - data);
	line->next = r->begin + len + (lf != NULL);
	line->first = !r->inside;
	line->last = lf != NULL || r->eof;
	if (len > 0 && data[len - 1] == '\r' && (lf != NULL || !line->last)) {
		len--;
		/* the CR of a piece may be half of a line end: it waits for the next one */
		line->next -= lf == NULL;
	}
	line->text = (struct slice){ data, len };
	return true;
}

static void take_line(struct message_reader *r, const struct line *line)
{
	r->begin = line->next;
	r->inside = !line->last;
}

static bool is_from_line(const struct line *line)
{
	return line->first && line->text.len >= 5 && memcmp(line->text.data, "From ", 5) == 0;
}

static bool is_quoted_from_line(const struct line *line)
{
	return line->first && line->text.len >= 6 && memcmp(line->text.data, ">From ", 6) == 0;
}

/* Takes the line and all that is still to come of it. */
static void skip_line(struct message_reader *r, struct line *line)
{
	take_line(r, line);
	while (r->inside && peek_line(r, line))
		take_line(r, line);
}

/* ---- the header ------------------------------------------------------------ */

/*
 *   field      = field-name *WSP ":" body
 *   field-name = 1*ftext                  ; printable ASCII but the colon
 *
 * Length of the name, and where the body begins; 0 if the line is no field.
 */
static size_t field_name(struct slice line, size_t *body)
{
	size_t len = 0, at;

	while (
	    len < line.len && line.data[len] > 32 && line.data[len] < 127 && line.data[len] != ':')
		len++;
	for (at = len; at < line.len && is_wsp(line.data[at]);)
		at++;
	if (at == line.len || line.data[at] != ':')
		return 0;
	*body = at + 1;
	return len;
}

static void field_append(struct message_reader *r, struct slice text)
{
	buf_add_slice(&r->body, text);
	r->body_octets += text.len;
}

/* The field at hand, if there is one, is complete. */
static void field_end(struct message_reader *r, struct message *m)
{
	if (!r->in_field)
		return;
	message_add_field(m, buf_slice(&r->name), buf_slice(&r->body));
	m->header_octets += r->body_octets - r->body.len;
	r->in_field = false;
}

/* Begins a field with this line; false if it is none. */
static bool field_begin(struct message_reader *r, struct slice line)
{
	size_t body = 0, len = field_name(line, &body);

	if (len == 0)
		return false;
	buf_reset(&r->name);
	buf_add(&r->name, line.data, len);
	buf_reset(&r->body);
	r->body_octets = 0;
	field_append(r, slice_part(line, body, line.len));
	r->in_field = true;
	return true;
}

/*
 * Reads the fields; true if the header ended at an empty line, which is taken,
 * false if it ended at a line that is body, or with the stream.
 */
static bool read_header(struct message_reader *r, struct message *m)
{
	struct line line;
	bool empty = false;

	r->in_field = false;
	if (peek_line(r, &line) && (is_from_line(&line) || is_quoted_from_line(&line)))
		skip_line(r, &line);
	while (peek_line(r, &line)) {
		bool fold = line.first && line.text.len > 0 && is_wsp(line.text.data[0]);

		empty = line.first && line.last && line.text.len == 0;
		if (!line.first || (fold && r->in_field)) {
			if (fold)
				field_append(r, SLICE("\r\n"));
			field_append(r, line.text);
		} else {
			field_end(r, m);
			if (empty || !field_begin(r, line.text))
				break;
		}
		take_line(r, &line);
	}
	field_end(r, m);
	if (empty)
		take_line(r, &line);
	return empty;
}

/* ---- the body -------------------------------------------------------------- */

static void pour(body_sink *sink, void *context, const char *data, size_t len)
{
	if (sink != NULL && len > 0)
		sink(context, data, len);
}

static void pour_line(const struct line *line, body_sink *sink, void *context)
{
	pour(sink, context, line->text.data, line->text.len);
	if (line->last)
		pour(sink, context, "\r\n", 2);
}

static void read_body(struct message_reader *r, body_sink *sink, void *context)
{
	struct line line;

	while (peek_line(r, &line)) {
		pour_line(&line, sink, context);
		take_line(r, &line);
	}
}

/*
 * As read_body, up to the next message.  An empty line is held back until the
 * line behind it shows whether it belongs to the body.
 */
static void read_mbox_body(
    struct message_reader *r, bool after_empty, body_sink *sink, void *context)
{
	struct line line;
	bool held = false;

	while (peek_line(r, &line)) {
		bool empty = line.first && line.last && line.text.len == 0;

		if (is_from_line(&line) && (after_empty || held))
			return;
		if (held)
			pour(sink, context, "\r\n", 2);
		if (is_quoted_from_line(&line))
			line.text = slice_part(line.text, 1, line.text.len);
		if (!empty)
			pour_line(&line, sink, context);
		held = empty;
		after_empty = false;
		take_line(r, &line);
	}
}

/* May what is left be passed over without reading it?  A pipe's writer wants to be heard out. */
static bool is_plain_file(FILE *stream)
{
	struct stat st;
	int fd = fileno(stream);

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void pass_over_body(struct message_reader *r)
{
	r->begin = r->end = 0;
	r->inside = false;
	r->eof = true;
}

enum reader_result message_read(struct message_reader *r, struct message *m,
    void (*before_body)(void *context), body_sink *sink, void *context)
{
	struct line line;
	bool more = peek_line(r, &line), after_empty;

	if (r->error == 0 && !more && (r->started || r->mbox))
		return READER_END;
	if (r->mbox && more && is_from_line(&line))
		skip_line(r, &line);
	r->started = true;
	after_empty = read_header(r, m);
	if (r->error == 0 && before_body != NULL)
		before_body(context);
	if (r->mbox)
		read_mbox_body(r, after_empty, sink, context);
	else if (sink != NULL || !is_plain_file(r->stream))
		read_body(r, sink, context);
	else
		pass_over_body(r);
	if (r->error == 0)
		return READER_MESSAGE;
	errno = r->error;
	return READER_FAILED;
}
