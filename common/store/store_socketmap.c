/*
 * store_socketmap.c - the store socketmap: a server that answers as socketmap_table(5) says.
 *
 *	socket   where it is: unix:/path or inet:host:port
 *	map      the name of its table, sent before each key
 *	holds    what its entries are: see holds.h
 *
 *	request  = netstring of  map SP key
 *	reply    = netstring of  "OK " value / "NOTFOUND " / "TEMP " why / "TIMEOUT " why /
 *	           "PERM " why
 *
 * A connection takes many requests.  What is said beyond one netstring, or without a request,
 * is never read as an answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/holds.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/stores.h"
#include "store/stream.h"

enum { MAP_NAME_MAX = 200, LENGTH_DIGITS_MAX = 6 };

struct socketmap_store {
	struct store store;
	struct peer *peer;
	char *map;
	enum holds holds;
};

static const struct store_rule rules[] = {
	{ "socket", STORE_TEXT, true },
	{ "map", STORE_TEXT, true },
	{ "holds", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

static void close_socketmap(struct store *store)
{
	struct socketmap_store *s = (struct socketmap_store *)store;

	peer_free(s->peer);
	free(s->map);
	free(s);
}

/* A blank in it would begin the key. */
static bool good_name(const struct store_options *options, const char *map, struct buf *notes)
{
	struct slice name = slice_of(map);

	if (name.len > 0 && name.len <= MAP_NAME_MAX && slice_find(name, ' ') == name.len &&
	    pooled_can_carry(name))
		return true;
	buf_printf(notes, "store \"%s\": map = \"%s\" is no name of a table\n", options->name, map);
	return false;
}

static struct store *open_socketmap(const struct store_options *options, struct buf *notes)
{
	struct socketmap_store *s = must_alloc(sizeof *s);

	s->store = (struct store){ &store_socketmap, options->name, 0, 0 };
	s->map = must_strdup(store_option_text(options, "map", ""));
	s->peer = peer_new(store_option_text(options, "socket", ""), 0, options->name, notes);
	if (s->peer != NULL && good_name(options, s->map, notes) &&
	    holds_read(options, &s->holds, notes)) {
		s->store.services = holds_services(s->holds);
		return &s->store;
	}
	close_socketmap(&s->store);
	return NULL;
}

static enum lookup_status connect_socketmap(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct socketmap_store *s = (struct socketmap_store *)store;
	int fd;
	enum lookup_status status = peer_connect(s->peer, deadline_us, &fd, reply);

	if (status == LOOKUP_FOUND)
		*connection = stream_new(fd);
	return status;
}

/* netstring = length ":" *OCTET ","; what is no netstring is STREAM_LONG. */
static enum stream_end take_netstring(
    struct stream *stream, struct slice *text, int64_t deadline_us)
{
	enum stream_end end;
	struct slice c;
	size_t len = 0;

	for (int digits = 0;; digits++) {
		end = stream_take(stream, 1, &c, deadline_us);
		if (end != STREAM_OK)
			return digits > 0 && end == STREAM_GONE ? STREAM_LONG : end;
		if (c.data[0] == ':' && digits > 0)
			break;
		if (c.data[0] < '0' || c.data[0] > '9' || digits == LENGTH_DIGITS_MAX ||
		    (digits > 0 && len == 0))
			return STREAM_LONG;
		len = len * 10 + (size_t)(c.data[0] - '0');
	}
	end = stream_take(stream, len + 1, text, deadline_us);
	if (end != STREAM_OK)
		return end == STREAM_GONE ? STREAM_LONG : end;
	*text = slice_part(*text, 0, len);
	return text->data[len] == ',' && !stream_has_more(stream) ? STREAM_OK : STREAM_LONG;
}

/*
 * The first word decides; some servers forget the blank that should stand behind it.  TEMP and
 * PERM are about the key; what lies behind a server that says TIMEOUT is slow for everybody.
 */
static enum lookup_status read_reply(
    const struct socketmap_store *s, struct slice text, struct store_reply *reply)
{
	size_t blank = slice_find(text, ' ');
	struct slice word = slice_part(text, 0, blank);
	struct slice rest = slice_part(text, blank + 1, text.len);
	int cut = rest.len > 100 ? 100 : (int)rest.len;

	if (slice_equal(word, SLICE("OK"))) {
		holds_fill(s->holds, rest, reply);
		return LOOKUP_FOUND;
	}
	if (slice_equal(word, SLICE("NOTFOUND")))
		return LOOKUP_NOTFOUND;
	if (slice_equal(word, SLICE("PERM")))
		return store_reply_fail_key(
		    reply, LOOKUP_PERMFAIL, "the server says: %.*s", cut, rest.data);
	if (slice_equal(word, SLICE("TEMP")))
		return store_reply_fail_key(
		    reply, LOOKUP_TEMPFAIL, "the server says: %.*s", cut, rest.data);
	if (slice_equal(word, SLICE("TIMEOUT")))
		return store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "the server says: %.*s", cut, rest.data);
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "the server does not speak socketmap");
}

static enum stream_end send_request(
    const struct socketmap_store *s, struct stream *stream, struct slice key, int64_t deadline_us)
{
	struct buf request;
	enum stream_end end;

	buf_init(&request, MAP_NAME_MAX + STORE_KEY_MAX + 16);
	buf_printf(&request, "%zu:%s ", strlen(s->map) + 1 + key.len, s->map);
	buf_add_slice(&request, key);
	buf_add_char(&request, ',');
	end = stream_send(stream, buf_slice(&request), deadline_us);
	buf_free(&request);
	return end;
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct socketmap_store *s = (struct socketmap_store *)store;
	struct stream *stream = connection;
	struct slice text;
	enum stream_end end = stream_idle(stream) ? STREAM_OK : STREAM_GONE;

	if (end == STREAM_OK)
		end = send_request(s, stream, question->key, deadline_us);
	if (end == STREAM_OK)
		end = take_netstring(stream, &text, deadline_us);
	if (end == STREAM_GONE)
		*after = POOLED_DROPPED;
	if (end == STREAM_LONG)
		return store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "half an answer, one too large, or no netstring");
	if (end != STREAM_OK)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", stream_why(end));
	*after = POOLED_KEEP;
	return read_reply(s, text, reply);
}

static void disconnect_socketmap(struct store *store, void *connection)
{
	(void)store;
	stream_free(connection);
}

static const struct pooled_class pool = { connect_socketmap, ask, disconnect_socketmap };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_socketmap = { "socketmap", rules, open_socketmap, lookup, disconnect,
	NULL, close_socketmap };
