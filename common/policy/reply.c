/*
 * reply.c - what the SMTP client is told when a message is refused.
 *
 * Lengths are shared out so that what a user needs most always fits: the check's
 * name first, then the reason, then token and column.  Octets of the message
 * are escaped one by one, so a reply can hold no line end and no 8-bit octet
 * (RFC 5321 4.2: textstring is printable ASCII).
 */
#include "policy/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum {
	TOKEN_MAX = 60,   /* of a token as written */
	REASON_MAX = 300, /* of a reason as written: name and place fit beside it */
};

/* Appends text as printable ASCII, at most most octets with the "..." that stands for the rest. */
static void add_ascii(struct buf *out, struct slice text, size_t most)
{
	static const char hex[] = "0123456789abcdef";
	size_t limit = out->len + most, whole = out->len;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		char piece[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
		bool plain = c >= ' ' && c <= '~';

		/* where the text last fitted together with the dots */
		if (out->len + 3 <= limit)
			whole = out->len;
		if (out->len + (plain ? 1 : sizeof piece) > limit) {
			out->len = whole;
			buf_add_text(out, "...");
			return;
		}
		if (plain)
			buf_add_char(out, (char)c);
		else
			buf_add(out, piece, sizeof piece);
	}
}

/* Where the fault is: `"," at column 5 after "From:"`, `at column 2 in MAIL FROM`. */
static void add_place(struct buf *out, const struct finding *f)
{
	bool header = f->check->stage == STAGE_EOH || f->check->stage == STAGE_EOM;

	if (f->token.len == 0 && (f->field == NULL || !f->has_offset))
		return;
	buf_add_text(out, f->token.len > 0 ? ": \"" : ", ");
	if (f->token.len > 0) {
		add_ascii(out, f->token, TOKEN_MAX);
		buf_add_char(out, '"');
	}
	if (f->field == NULL)
		return;
	if (f->token.len > 0)
		buf_add_char(out, ' ');
	if (f->has_offset)
		buf_printf(out, "at column %zu ", f->offset + 1);
	if (header && f->has_offset)
		buf_printf(out, "after \"%s:\"", f->field);
	else
		buf_printf(out, "in %s", f->field);
}

/* A line over the room's memory: it has the size of its ceiling, so it never grows. */
static struct buf line_in(char room[REPLY_LINE_MAX + 1])
{
	return (struct buf){ .data = room, .size = REPLY_LINE_MAX + 1, .ceiling = REPLY_LINE_MAX };
}

static struct slice fault_line(char *room, const struct finding *f)
{
	struct buf line = line_in(room);

	buf_add_text(&line, f->check->name);
	buf_add_text(&line, ": ");
	add_ascii(&line, f->told > 0 ? slice_part(f->reason, 0, f->told) : f->reason, REASON_MAX);
	add_place(&line, f);
	return buf_slice(&line);
}

static struct slice fix_line(char *room, const struct finding *f)
{
	struct buf line = line_in(room);

	buf_add_text(&line, "Fix: ");
	add_ascii(&line, f->fix, REPLY_LINE_MAX - line.len);
	return buf_slice(&line);
}

int reply_code(enum stage stage, const char *enhanced, bool permanent)
{
	if (!permanent)
		return 451;
	if (stage == STAGE_MAIL || stage == STAGE_RCPT)
		return strcmp(enhanced, "5.7.27") == 0 ? 550 : 553;
	return 550;
}

struct reply reply_make(struct reply_room *room, const struct finding *finding, bool permanent)
{
	const char *enhanced =
	    finding->enhanced != NULL ? finding->enhanced : finding->check->enhanced;
	struct reply r = { .enhanced = room->enhanced };

	r.code = reply_code(finding->check->stage, enhanced, permanent);
	snprintf(room->enhanced, sizeof room->enhanced, "%s", enhanced);
	if (!permanent)
		room->enhanced[0] = '4';
	r.lines[r.line_count] = fault_line(room->lines[r.line_count], finding);
	r.line_count++;
	if (finding->fix.len > 0) {
		r.lines[r.line_count] = fix_line(room->lines[r.line_count], finding);
		r.line_count++;
	}
	return r;
}
