/* log_entry.c - one line of a log, as far as it tells who sent as whom. */
#include "tools/log_entry.h"

#include "tools/json_members.h"

static bool starts(struct slice s, struct slice prefix)
{
	return slice_equal(slice_part(s, 0, prefix.len), prefix);
}

/* Offset of the first needle at `from` or behind, or s.len; the needle is short. */
static size_t find(struct slice s, size_t from, struct slice needle)
{
	for (size_t at = from; at + needle.len <= s.len; at++)
		if (starts(slice_part(s, at, s.len), needle))
			return at;
	return s.len;
}

/* ---- our own records ------------------------------------------------------------ */

/* Was it cut because the record was too long for the log? */
static bool is_cut(struct slice value)
{
	struct slice mark = SLICE("…");

	return value.len >= mark.len &&
	       slice_equal(slice_part(value, value.len - mark.len, value.len), mark);
}

static struct log_entry record(struct slice address, struct slice login)
{
	struct log_entry e = { .kind = LOG_RECORD, .address = address, .login = login };

	if (address.data == NULL)
		e.kind = LOG_NOTHING; /* no author, or several */
	else if (is_cut(address) || is_cut(login))
		e.kind = LOG_CUT;
	return e;
}

static struct log_entry read_json(struct arena *arena, struct slice text)
{
	struct json_member members[] = { { .object = "author", .name = "address" },
		{ .object = "envelope", .name = "auth" } };

	if (!json_members_find(arena, text, members, 2))
		return (struct log_entry){ .kind = LOG_CUT };
	return record(members[0].value, members[1].value);
}

/*
 *	value = 1*( any but blank and quote ) / <"> *( any but quote and backslash / "\" any ) <">
 *
 * False if it is none.  *at: of the value, then behind it.
 */
static bool read_pair_value(struct arena *arena, struct slice text, size_t *at, struct slice *value)
{
	size_t len = 0, begin = *at;
	char *out;

	if (begin >= text.len || text.data[begin] != '"') {
		*at += slice_find(slice_part(text, begin, text.len), ' ');
		*value = slice_part(text, begin, *at);
		return slice_find(*value, '"') == value->len && value->len > 0;
	}
	out = arena_alloc(arena, text.len - begin);
	for (++*at; *at < text.len && text.data[*at] != '"'; ++*at) {
		if (text.data[*at] == '\\' && *at + 1 < text.len &&
		    (text.data[*at + 1] == '"' || text.data[*at + 1] == '\\'))
			++*at;
		out[len++] = text.data[*at];
	}
	*value = (struct slice){ out, len };
	return (*at)++ < text.len && (*at == text.len || text.data[*at] == ' ');
}

/* key "=" value, blanks between them; the first of each key counts. */
static struct log_entry read_pairs(struct arena *arena, struct slice text)
{
	struct slice address = { 0 }, login = { 0 }, value;

	for (size_t at = 0; at < text.len; at++) {
		struct slice rest = slice_part(text, at, text.len);
		struct slice key = slice_part(rest, 0, slice_find(rest, '='));

		at += key.len + 1;
		if (at > text.len || key.len == 0 || !read_pair_value(arena, text, &at, &value))
			return (struct log_entry){ .kind = LOG_CUT };
		if (address.data == NULL && slice_equal(key, SLICE("from")))
			address = value;
		if (login.data == NULL && slice_equal(key, SLICE("auth")))
			login = value;
	}
	return record(address, login);
}

/* A JSON object or pairs that begin with the time; other lines of the daemon are words. */
static struct log_entry read_record(struct arena *arena, struct slice text)
{
	if (starts(text, SLICE("{")))
		return read_json(arena, text);
	if (starts(text, SLICE("time=")))
		return read_pairs(arena, text);
	return (struct log_entry){ .kind = LOG_NOTHING };
}

/* ---- Postfix -------------------------------------------------------------------- */

/*
 *	queue-id = 1*( ALPHA / DIGIT ) ": "
 *
 * "NOQUEUE" is none.  *rest: what stands behind it.
 */
static bool read_queue_id(struct slice text, struct slice *id, struct slice *rest)
{
	size_t len = 0;

	while (len < text.len &&
	       ((text.data[len] >= '0' && text.data[len] <= '9') ||
		   (ascii_lower(text.data[len]) >= 'a' && ascii_lower(text.data[len]) <= 'z')))
		len++;
	*id = slice_part(text, 0, len);
	*rest = slice_part(text, len + 2, text.len);
	return len > 0 && starts(slice_part(text, len, text.len), SLICE(": ")) &&
	       !slice_equal(*id, SLICE("NOQUEUE"));
}

/*
 *	"client=" name "[" address "]" [ ", sasl_method=" word ] [ ", sasl_username=" login ]
 *	[ ", sasl_sender=" address ] [ ", orig_queue_id=" id ] [ ", orig_client=" client ]
 */
static struct log_entry read_client(struct slice id, struct slice rest)
{
	static const struct slice behind[] = { { ", sasl_sender=", 14 }, { ", orig_queue_id=", 16 },
		{ ", orig_client=", 14 } };
	struct slice mark = SLICE(", sasl_username=");
	struct log_entry e = { .kind = LOG_CLIENT, .queue_id = id };
	size_t at = find(rest, 0, mark);

	e.login = slice_part(rest, at + mark.len, rest.len);
	for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++)
		e.login = slice_part(e.login, 0, find(e.login, 0, behind[i]));
	return e;
}

/*
 *	"from=<" address ">, size=" digits ", nrcpt=" digits " (queue active)"
 *
 * Of several ">, size=" the last one is Postfix's: an address may hold one.
 */
static struct log_entry read_sender(struct slice id, struct slice rest)
{
	struct log_entry e = { .kind = LOG_SENDER, .queue_id = id };
	size_t begin = sizeof "from=<" - 1, end = rest.len, at = begin;

	while ((at = find(rest, at, SLICE(">, size="))) < rest.len)
		end = at++;
	if (end == rest.len)
		return (struct log_entry){ .kind = LOG_NOTHING };
	e.address = slice_part(rest, begin, end);
	return e;
}

static struct log_entry read_postfix(struct slice daemon, struct slice text)
{
	struct slice id, rest;

	if (!read_queue_id(text, &id, &rest))
		return (struct log_entry){ .kind = LOG_NOTHING };
	if (slice_equal(daemon, SLICE("smtpd")) && starts(rest, SLICE("client=")))
		return read_client(id, rest);
	if (slice_equal(daemon, SLICE("qmgr")) && starts(rest, SLICE("from=<")))
		return read_sender(id, rest);
	if (slice_equal(daemon, SLICE("qmgr")) && slice_equal(rest, SLICE("removed")))
		return (struct log_entry){ .kind = LOG_REMOVED, .queue_id = id };
	return (struct log_entry){ .kind = LOG_NOTHING };
}

/* ---- a line --------------------------------------------------------------------- */

/*
 *	line = time SP host SP tag [ "[" digits "]" ] ": " text
 *
 * The tag is the word before the first ": "; of "postfix/submission/smtpd" the part behind
 * the last slash names the daemon, since the rest is the site's.
 */
struct log_entry log_entry_read(struct arena *arena, struct slice line)
{
	size_t colon = find(line, 0, SLICE(": "));
	struct slice head = slice_part(line, 0, colon);
	struct slice text = slice_part(line, colon + 2, line.len), tag, daemon;

	if (starts(line, SLICE("{")) || starts(line, SLICE("time=")))
		return read_record(arena, line);
	if (colon == line.len)
		return (struct log_entry){ .kind = LOG_NOTHING };
	tag = slice_part(head, slice_find_last(head, ' ') + 1, head.len);
	if (slice_find_last(head, ' ') == head.len)
		tag = head;
	tag = slice_part(tag, 0, slice_find(tag, '['));
	if (slice_equal(tag, SLICE("presend-milter")))
		return read_record(arena, text);
	/* nothing for a tag without a slash */
	daemon = slice_part(tag, slice_find_last(tag, '/') + 1, tag.len);
	return read_postfix(daemon, text);
}
