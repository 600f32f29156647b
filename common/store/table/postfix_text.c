/* postfix_text.c - the text forms of Postfix's tables and lists. */
#include "store/table/postfix_text.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void postfix_text_fold(struct buf *out, struct slice key)
{
	for (size_t i = 0; i < key.len; i++)
		buf_add_char(out, ascii_lower(key.data[i]));
}

struct slice postfix_text_next(struct slice list, size_t *at)
{
	size_t depth = 0, begin;

	while (*at < list.len && (is_blank(list.data[*at]) || list.data[*at] == ','))
		++*at;
	for (begin = *at; *at < list.len; ++*at) {
		char c = list.data[*at];

		if (c == '{')
			depth++;
		else if (c == '}' && depth > 0)
			depth--;
		else if (depth == 0 && (is_blank(c) || c == ','))
			break;
	}
	return slice_part(list, begin, *at);
}

/*
 * The next logical line, joined into line: a line that begins with white space goes on the one
 * before; empty ones and comments between do not end it.  False at the end.
 */
static bool next_line(struct slice text, size_t *at, struct buf *line)
{
	bool begun = false;

	buf_reset(line);
	while (*at < text.len) {
		struct slice rest = slice_part(text, *at, text.len);
		struct slice piece = slice_part(rest, 0, slice_find(rest, '\n'));
		struct slice trimmed = slice_trim(piece);
		bool skip = trimmed.len == 0 || trimmed.data[0] == '#';

		if (!skip && begun && !is_blank(piece.data[0]))
			break;
		*at += piece.len + 1;
		if (skip)
			continue;
		/* white space in first place with nothing to go on: Postfix takes it as a line */
		buf_add_slice(line, piece);
		begun = true;
	}
	return begun;
}

/* Where a key ends: at the first white space that no quotes hold. */
static size_t key_end(struct slice line, bool *quoted)
{
	bool inside = false;
	size_t i;

	*quoted = false;
	for (i = 0; i < line.len; i++) {
		char c = line.data[i];

		if (c == '\\' && i + 1 < line.len)
			i++;
		else if (c == '"')
			*quoted = true, inside = !inside;
		else if (!inside && is_blank(c))
			break;
	}
	return i < line.len ? i : line.len;
}

static bool add_line(struct slice line, struct buf *key, struct text_table *table)
{
	bool quoted;
	size_t end;
	struct slice value;

	line = slice_trim(line);
	end = key_end(line, &quoted);
	value = slice_trim(slice_part(line, end, line.len));
	if (end == 0 || value.len == 0)
		return true;
	buf_reset(key);
	postfix_text_fold(key, slice_part(line, 0, end));
	return text_table_add(table, buf_slice(key), value);
}

bool postfix_text_table(struct slice text, struct text_table *table)
{
	struct buf line, key;
	size_t at = 0;
	bool good = true;

	buf_init(&line, 1024 * 1024);
	buf_init(&key, 1024 * 1024);
	while (good && next_line(text, &at, &line))
		good = add_line(buf_slice(&line), &key, table);
	buf_free(&line);
	buf_free(&key);
	return good;
}

/* name ":" value, where the name may be a quoted string */
static bool add_alias(struct slice line, struct buf *key, struct text_table *table)
{
	bool inside = false;
	size_t end = 0;

	line = slice_trim(line);
	buf_reset(key);
	for (; end < line.len && (inside || line.data[end] != ':'); end++) {
		char c = line.data[end];

		if (c == '"')
			inside = !inside;
		else if (c == '\\' && inside && end + 1 < line.len)
			buf_add_char(key, ascii_lower(line.data[++end]));
		else if (inside || !is_blank(c))
			buf_add_char(key, ascii_lower(c));
	}
	if (end >= line.len || key->len == 0)
		return true;
	return text_table_add(
	    table, buf_slice(key), slice_trim(slice_part(line, end + 1, line.len)));
}

bool postfix_text_aliases(struct slice text, struct text_table *table)
{
	struct buf line, key;
	size_t at = 0;
	bool good = true;

	buf_init(&line, 1024 * 1024);
	buf_init(&key, 1024 * 1024);
	while (good && next_line(text, &at, &line))
		good = add_alias(buf_slice(&line), &key, table);
	buf_free(&line);
	buf_free(&key);
	return good;
}

bool postfix_text_passwd(struct slice text, struct text_table *table)
{
	bool good = true;

	for (size_t at = 0; good && at < text.len;) {
		struct slice rest = slice_part(text, at, text.len);
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));
		struct slice name = slice_part(line, 0, slice_find(line, ':'));

		if (name.len > 0 && name.len < line.len && name.data[0] != '#')
			good = text_table_add(table, name, name);
		at += line.len + 1;
	}
	return good;
}
