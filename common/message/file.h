/*
 * file.h - message files, read as an MTA would hand them to a milter.
 *
 * A first line "From " or ">From " is skipped; LF becomes CRLF; blanks before
 * a field's colon are stripped; a line that is no field (no colon, a leading
 * blank in first place, a folded name) ends the header and is body; nothing
 * that is missing is added.  The file is read in pieces: the header is bounded
 * by the snapshot's ceilings, the body is never held in memory.
 *
 * Finer points, as Postfix has them: a first line "From : x" is a "From " line
 * like others, and no field; a field's name is one or more printable
 * ASCII characters before the colon; a CR before the LF belongs to the line end,
 * any other CR, and a NUL, is an octet like others; a last line without a line
 * end gets one.  Of a field's body MESSAGE_FIELD_MAX octets are kept, so a From
 * that is longer is still FIELD_LONG; `header_octets` counts what was cut too.
 */
#ifndef PRESEND_MESSAGE_FILE_H
#define PRESEND_MESSAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "message/message.h"

/*
 * A reader over a stream that the caller opens and closes.  With mbox, a line
 * "From " behind an empty line (or the first line) begins the next message, and
 * ">From " lines of the body lose their ">"; the empty line before the next
 * "From " line, or before the end, belongs to the mbox and not to the body.
 */
struct message_reader;

struct message_reader *message_reader_new(FILE *stream, bool mbox);
void message_reader_free(struct message_reader *r);

enum reader_result {
	READER_MESSAGE, /* one was read */
	READER_END,     /* no further one */
	READER_FAILED,  /* the stream failed: errno is set */
};

/* Takes a piece of the body, with CRLF line ends. */
typedef void body_sink(void *context, const char *data, size_t len);

/*
 * Reads the next message: its header fields into m (message_end_header is left
 * to the caller), then its body into sink (NULL: passed over).  before_body, if
 * not NULL, is called between the two with the same context.  An empty stream
 * is one message without fields, unless mbox: then it is none.  A body that
 * nobody takes is not read from a plain file.
 */
enum reader_result message_read(struct message_reader *r, struct message *m,
    void (*before_body)(void *context), body_sink *sink, void *context);

#endif
