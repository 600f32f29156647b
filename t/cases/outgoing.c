/* outgoing.c - the message of a case as it comes to us. */
#include "t/cases/outgoing.h"

#include <stdio.h>
#include <string.h>

/* Where the text stands first, or the length. */
static size_t find_text(struct slice in, struct slice text)
{
	for (size_t at = 0; at + text.len <= in.len; at++)
		if (slice_equal(slice_part(in, at, at + text.len), text))
			return at;
	return in.len;
}

static bool replace(struct buf *out, const struct change *change)
{
	struct slice text = buf_slice(out), found = slice_of(change->found);
	size_t at = find_text(text, found);
	struct buf whole;

	if (at == text.len)
		return false;
	buf_init(&whole, out->ceiling);
	buf_add_slice(&whole, slice_part(text, 0, at));
	buf_add_text(&whole, change->text);
	buf_add_slice(&whole, slice_part(text, at + found.len, text.len));
	buf_reset(out);
	buf_add_slice(out, buf_slice(&whole));
	buf_free(&whole);
	return true;
}

bool make_outgoing(const struct case_file *c, struct buf *out, char error[MTA_TEXT_MAX])
{
	buf_reset(out);
	buf_add(out, c->message, c->message_len);
	for (size_t i = c->signing_count; i-- > 0;)
		if (!sign_message(&c->signings[i], out)) {
			snprintf(error, MTA_TEXT_MAX, "signature %zu cannot be made", i + 1);
			return false;
		}
	for (size_t i = 0; i < c->change_count; i++) {
		if (c->changes[i].found == NULL) {
			buf_add_text(out, c->changes[i].text);
		} else if (!replace(out, &c->changes[i])) {
			snprintf(
			    error, MTA_TEXT_MAX, "nothing to replace: %s", c->changes[i].found);
			return false;
		}
	}
	return true;
}
