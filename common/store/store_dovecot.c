/*
 * store_dovecot.c - the store dovecot: the users that Dovecot delivers to.
 *
 *	socket   its auth-userdb socket: default /run/dovecot/auth-userdb
 *	user     what is asked for: address (default), or local-part where users have no domain
 *	service  the service named in the question: default smtp
 *
 * The master side of Dovecot's authentication protocol:
 *
 *	C: VERSION 1 1      S: VERSION 1 n, SPID pid
 *	C: USER id name service=smtp
 *	S: USER id name ... / NOTFOUND id / FAIL id ...
 *
 * Fields are parted by tabs.  The name in the answer is that of the account, which is another
 * one where Dovecot's user database says so: a login by that name may use the address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/stores.h"
#include "store/stream.h"

enum { LINE_MAX_OCTETS = STORE_KEY_MAX + 300, SERVICE_MAX = 100 };

struct dovecot_store {
	struct store store;
	struct peer *peer;
	char *service;
	bool by_local_part;
};

struct session {
	struct stream *stream;
	unsigned last_id;
};

static const struct store_rule rules[] = {
	{ "socket", STORE_TEXT, false },
	{ "user", STORE_TEXT, false },
	{ "service", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

static void close_dovecot(struct store *store)
{
	struct dovecot_store *s = (struct dovecot_store *)store;

	peer_free(s->peer);
	free(s->service);
	free(s);
}

static struct store *open_dovecot(const struct store_options *options, struct buf *notes)
{
	const char *user = store_option_text(options, "user", "address");
	struct dovecot_store *s = must_alloc(sizeof *s);
	struct slice service;

	s->store =
	    (struct store){ &store_dovecot, options->name, STORE_ADDRESS, STORE_NO_CATCH_ALL };
	s->service = must_strdup(store_option_text(options, "service", "smtp"));
	s->by_local_part = strcmp(user, "local-part") == 0;
	s->peer = peer_new(store_option_text(options, "socket", "/run/dovecot/auth-userdb"), 0,
	    options->name, notes);
	service = slice_of(s->service);
	if (!s->by_local_part && strcmp(user, "address") != 0)
		buf_printf(notes, "store \"%s\": user = \"%s\" is neither address nor local-part\n",
		    options->name, user);
	else if (service.len > SERVICE_MAX || !pooled_can_carry(service))
		buf_printf(notes, "store \"%s\": service is no name\n", options->name);
	else if (s->peer != NULL)
		return &s->store;
	close_dovecot(&s->store);
	return NULL;
}

/* ---- a session ------------------------------------------------------------------ */

static void disconnect_session(struct store *store, void *connection)
{
	struct session *session = connection;

	(void)store;
	stream_free(session->stream);
	free(session);
}

/* The field behind the tabs before it, n from 0; not there behind the last. */
static struct slice field(struct slice line, size_t n)
{
	while (n-- > 0) {
		size_t tab = slice_find(line, '\t');

		if (tab == line.len)
			return (struct slice){ NULL, 0 };
		line = slice_part(line, tab + 1, line.len);
	}
	return slice_part(line, 0, slice_find(line, '\t'));
}

/* The greeting: any lines up to SPID; a version other than 1 is another protocol. */
static enum lookup_status greet(
    struct stream *stream, int64_t deadline_us, struct store_reply *reply)
{
	enum stream_end end = stream_send(stream, SLICE("VERSION\t1\t1\n"), deadline_us);
	struct slice line;
	bool version = false;

	for (int lines = 0; end == STREAM_OK && lines < 20; lines++) {
		end = stream_line(stream, &line, deadline_us);
		if (end != STREAM_OK)
			break;
		if (slice_equal(field(line, 0), SLICE("VERSION"))) {
			version = slice_equal(field(line, 1), SLICE("1"));
			if (!version)
				break;
		} else if (slice_equal(field(line, 0), SLICE("SPID")) && version) {
			return LOOKUP_FOUND;
		}
	}
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s",
	    end == STREAM_OK ? "the server does not speak Dovecot's protocol, version 1"
			     : stream_why(end));
}

static enum lookup_status connect_session(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct dovecot_store *s = (struct dovecot_store *)store;
	struct session *session;
	int fd;
	enum lookup_status status = peer_connect(s->peer, deadline_us, &fd, reply);

	if (status != LOOKUP_FOUND)
		return status;
	session = must_alloc(sizeof *session);
	session->stream = stream_new(fd);
	status = greet(session->stream, deadline_us, reply);
	if (status == LOOKUP_FOUND)
		*connection = session;
	else
		disconnect_session(store, session);
	return status;
}

/* ---- a question ----------------------------------------------------------------- */

/* Dovecot writes tab, line ends, NUL and \001 inside a field as \001 and a letter. */
static struct slice unescape(struct slice s, char *out)
{
	static const char from[] = "1tnr0", to[] = "\001\t\n\r";
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		const char *at =
		    s.data[i] == '\001' && i + 1 < s.len ? strchr(from, s.data[i + 1]) : NULL;

		out[len++] = at == NULL || *at == '\0' ? s.data[i] : to[at - from];
		i += at != NULL && *at != '\0';
	}
	return (struct slice){ out, len };
}

static enum lookup_status read_answer(
    struct slice line, struct slice user, struct store_reply *reply, enum pooled_after *after)
{
	struct slice word = field(line, 0), name = field(line, 2);
	char text[LINE_MAX_OCTETS];

	*after = POOLED_KEEP;
	if (slice_equal(word, SLICE("NOTFOUND")))
		return LOOKUP_NOTFOUND;
	if (slice_equal(word, SLICE("USER")) && name.len > 0 && name.len <= sizeof text) {
		name = unescape(name, text);
		if (!slice_equal_nocase(name, user))
			store_reply_target(reply, name);
		return LOOKUP_FOUND;
	}
	if (slice_equal(word, SLICE("FAIL")))
		return store_reply_fail_key(
		    reply, LOOKUP_TEMPFAIL, "Dovecot's user database fails");
	*after = POOLED_END;
	return store_reply_fail(
	    reply, LOOKUP_TEMPFAIL, "the server does not speak Dovecot's protocol");
}

static enum stream_end converse(const struct dovecot_store *s, struct session *session,
    struct slice user, struct slice *line, int64_t deadline_us)
{
	enum stream_end end = stream_idle(session->stream) ? STREAM_OK : STREAM_GONE;
	struct buf request;

	buf_init(&request, LINE_MAX_OCTETS);
	buf_printf(&request, "USER\t%u\t", ++session->last_id);
	buf_add_slice(&request, user);
	buf_printf(&request, "\tservice=%s\n", s->service);
	if (end == STREAM_OK)
		end = stream_send(session->stream, buf_slice(&request), deadline_us);
	if (end == STREAM_OK)
		end = stream_line(session->stream, line, deadline_us);
	buf_free(&request);
	return end;
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct dovecot_store *s = (struct dovecot_store *)store;
	struct session *session = connection;
	struct slice user = s->by_local_part ? question->local_part : question->key, line;
	char id[16];
	enum stream_end end;

	if (user.len == 0) {
		*after = POOLED_KEEP;
		return LOOKUP_NOTFOUND;
	}
	end = converse(s, session, user, &line, deadline_us);
	if (end != STREAM_OK) {
		*after = end == STREAM_GONE ? POOLED_DROPPED : POOLED_END;
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s", stream_why(end));
	}
	snprintf(id, sizeof id, "%u", session->last_id);
	if (!slice_equal(field(line, 1), slice_of(id)) || stream_has_more(session->stream))
		return store_reply_fail(
		    reply, LOOKUP_TEMPFAIL, "an answer to something that was not asked");
	return read_answer(line, user, reply, after);
}

static const struct pooled_class pool = { connect_session, ask, disconnect_session };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_dovecot = { "dovecot", rules, open_dovecot, lookup, disconnect, NULL,
	close_dovecot };
