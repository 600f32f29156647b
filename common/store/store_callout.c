/*
 * store_callout.c - the store callout: asks one's own mail server whether it would take mail.
 *
 *	socket     where it is: inet:host:port or unix:/path
 *	domains    what it is asked for: here this option, that all stores have, must be given
 *	protocol   smtp (default) or lmtp
 *	helo       the name to greet with; default the host's
 *	probe      true (default): ask for an address that cannot be there, too
 *	probe_ttl  seconds that the answer to that is kept for a domain; default 600
 *
 *	C: EHLO name / LHLO name
 *	C: MAIL FROM:<>
 *	C: RCPT TO:<k3j...@example.com>     an address that nobody has: refused, or everything is
 *	                                    accepted and an acceptance proves nothing
 *	C: RCPT TO:<ann@example.com>
 *	C: QUIT
 *
 * Loop-safe: the sender is null and no message is ever sent, so nothing can bounce; and this
 * program asks stores about senders alone, never about a null one and never about recipients, so
 * a callout that comes to a server with this program attached leads to no further question.
 *
 * What a refusal means is in verdict_of.  A server that refuses *us* (a closed relay, a missing
 * login) has not said that the address is not there.  A connection a lookup: the front keeps
 * the answers, and a mail server's patience with unknown recipients is counted a connection.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "dns/dns.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/stores.h"
#include "store/stream.h"

enum {
	DOMAIN_MAX = 255,
	PATH_MAX_OCTETS = 256, /* RFC 5321 4.5.3.1.3, with the angle brackets */
	REPLY_LINES_MAX = 100,
	TEXT_SIZE = 120, /* kept of a reply */
	PROBES = 256,    /* domains remembered; another one takes the place */
	RANDOM_OCTETS = 10,
};

enum open_state { OPEN_UNKNOWN, OPEN_NO, OPEN_YES };

struct probe {
	char domain[DOMAIN_MAX + 1];
	bool accepts_all;
	int64_t until_us;
};

struct callout_store {
	struct store store;
	struct peer *peer;
	char *helo;
	bool lmtp, probes;
	int64_t probe_us;
	pthread_mutex_t mutex; /* of what follows */
	struct probe known[PROBES];
};

static const struct store_rule rules[] = {
	{ "socket", STORE_TEXT, true },
	{ "domains", STORE_WORDS, true }, /* of other domains it would say that it does not relay */
	{ "protocol", STORE_TEXT, false },
	{ "helo", STORE_TEXT, false },
	{ "probe", STORE_BOOL, false },
	{ "probe_ttl", STORE_SECONDS, false },
	{ NULL, STORE_TEXT, false },
};

/* ---- options -------------------------------------------------------------------- */

static void close_callout(struct store *store)
{
	struct callout_store *s = (struct callout_store *)store;

	peer_free(s->peer);
	pthread_mutex_destroy(&s->mutex);
	free(s->helo);
	free(s);
}

/* sub-domain = Let-dig [Ldh-str], joined by dots: so much that it can be no command. */
static bool is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = ascii_lower(name.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
		    c != '_')
			return false;
	}
	return name.len > 0 && name.len <= DOMAIN_MAX;
}

static char *own_name(void)
{
	char name[DOMAIN_MAX + 1] = "";

	if (gethostname(name, sizeof name - 1) != 0 || !is_name(slice_of(name)))
		return must_strdup("localhost");
	return must_strdup(name);
}

static struct store *open_callout(const struct store_options *options, struct buf *notes)
{
	struct callout_store *s = must_alloc(sizeof *s);
	const char *protocol = store_option_text(options, "protocol", "smtp");
	const char *helo = store_option_text(options, "helo", NULL);

	s->store = (struct store){ &store_callout, options->name, STORE_ADDRESS, STORE_WHOLE };
	pthread_mutex_init(&s->mutex, NULL);
	s->helo = helo == NULL ? own_name() : must_strdup(helo);
	s->lmtp = strcmp(protocol, "lmtp") == 0;
	s->probes = store_option_bool(options, "probe", true);
	s->probe_us = store_option_us(options, "probe_ttl", 600 * (int64_t)1000000);
	s->peer = peer_new(
	    store_option_text(options, "socket", ""), s->lmtp ? 24 : 25, options->name, notes);
	if (!s->lmtp && strcmp(protocol, "smtp") != 0)
		buf_printf(
		    notes, "store \"%s\": protocol is neither smtp nor lmtp\n", options->name);
	else if (!is_name(slice_of(s->helo)))
		buf_printf(notes, "store \"%s\": helo is no host name\n", options->name);
	else if (s->peer != NULL)
		return &s->store;
	close_callout(&s->store);
	return NULL;
}

/* ---- the conversation ----------------------------------------------------------- */

struct smtp_reply {
	int code;             /* 0: none came */
	char enhanced[12];    /* "5.1.1", "" if there is none */
	char text[TEXT_SIZE]; /* of the last line, for an operator */
	bool smtputf8;        /* one of the lines is that keyword */
	enum stream_end end;
};

/* status-code = ("2"/"4"/"5") "." 1*3DIGIT "." 1*3DIGIT (RFC 3463 2), before a blank. */
static void read_enhanced(struct slice text, char out[12])
{
	size_t len = slice_find(text, ' ');
	int dots = 0;

	out[0] = '\0';
	if (len < 5 || len > 9 || text.data[1] != '.')
		return;
	for (size_t i = 0; i < len; i++) {
		if (text.data[i] == '.')
			dots++;
		else if (text.data[i] < '0' || text.data[i] > '9')
			return;
	}
	if (dots != 2)
		return;
	memcpy(out, text.data, len);
	out[len] = '\0';
}

static bool read_code(struct slice line, int *code)
{
	if (line.len < 3 || (line.len > 3 && line.data[3] != ' ' && line.data[3] != '-'))
		return false;
	for (int i = 0; i < 3; i++)
		if (line.data[i] < '0' || line.data[i] > '9')
			return false;
	*code = (line.data[0] - '0') * 100 + (line.data[1] - '0') * 10 + (line.data[2] - '0');
	return *code >= 200 && *code <= 599;
}

/* Reply-line = *( Reply-code "-" text CRLF ) Reply-code [ SP text ] CRLF (RFC 5321 4.2). */
static void read_reply(struct stream *stream, int64_t deadline_us, struct smtp_reply *r)
{
	struct slice line;

	memset(r, 0, sizeof *r);
	for (int lines = 0;; lines++) {
		struct slice text;
		int code;

		r->end = stream_line(stream, &line, deadline_us);
		if (r->end != STREAM_OK)
			break;
		if (lines == REPLY_LINES_MAX || !read_code(line, &code) ||
		    (lines > 0 && code != r->code)) {
			r->end = STREAM_LONG;
			break;
		}
		r->code = code;
		text = slice_part(line, 4, line.len);
		if (slice_equal_nocase(
			slice_part(text, 0, slice_find(text, ' ')), SLICE("SMTPUTF8")))
			r->smtputf8 = true;
		read_enhanced(text, r->enhanced);
		snprintf(r->text, sizeof r->text, "%.*s", line.len < 100 ? (int)line.len : 100,
		    line.data);
		if (line.len == 3 || line.data[3] == ' ')
			return;
	}
	r->code = 0;
}

static void command(struct stream *stream, int64_t deadline_us, struct smtp_reply *r,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

static void command(
    struct stream *stream, int64_t deadline_us, struct smtp_reply *r, const char *format, ...)
{
	char line[PATH_MAX_OCTETS + 300];
	va_list ap;
	int n;

	memset(r, 0, sizeof *r);
	va_start(ap, format);
	n = vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	r->end = STREAM_LONG;
	if (n < 0 || (size_t)n >= sizeof line || stream_has_more(stream))
		return; /* more than was asked for: its replies would be taken for the next ones */
	r->end = stream_send(stream, (struct slice){ line, (size_t)n }, deadline_us);
	if (r->end == STREAM_OK)
		read_reply(stream, deadline_us, r);
}

/* ---- what a reply means --------------------------------------------------------- */

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Of a reply to RCPT.  Not there: 550, 551 or 553 that is about the address (X.1.x; X.4.1, as
 * Exchange Online says; X.2.1, disabled) or gives no enhanced code.  There, though it takes no
 * mail now: 552, X.2.2.  Every other refusal is about us.
 */
static enum lookup_status verdict_of(const struct smtp_reply *r)
{
	const char *detail = r->enhanced[0] == '\0' ? "" : r->enhanced + 1;

	if (r->code == 250 || r->code == 251)
		return LOOKUP_FOUND;
	if (r->code < 500)
		return LOOKUP_TEMPFAIL;
	if (r->code == 552 || strcmp(detail, ".2.2") == 0)
		return LOOKUP_FOUND;
	if (r->code != 550 && r->code != 551 && r->code != 553)
		return LOOKUP_PERMFAIL;
	return detail[0] == '\0' || starts_with(detail, ".1.") || strcmp(detail, ".4.1") == 0 ||
		       strcmp(detail, ".2.1") == 0
		   ? LOOKUP_NOTFOUND
		   : LOOKUP_PERMFAIL;
}

static enum lookup_status fail(
    const char *what, const struct smtp_reply *r, struct store_reply *reply)
{
	if (r->code == 0)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%s: %s", what,
		    r->end == STREAM_LONG ? "no reply of SMTP" : stream_why(r->end));
	return store_reply_fail(reply, r->code >= 500 ? LOOKUP_PERMFAIL : LOOKUP_TEMPFAIL,
	    "%s: the server says: %s", what, r->text);
}

/* ---- accept-everything servers -------------------------------------------------- */

static struct probe *place_of(struct callout_store *s, struct slice domain)
{
	unsigned hash = 5381;

	for (size_t i = 0; i < domain.len; i++)
		hash = hash * 33 + (unsigned char)domain.data[i];
	return &s->known[hash % PROBES];
}

static enum open_state recall(struct callout_store *s, struct slice domain)
{
	enum open_state state = OPEN_UNKNOWN;
	const struct probe *p = place_of(s, domain);

	pthread_mutex_lock(&s->mutex);
	if (dns_now_us() < p->until_us && slice_equal(slice_of(p->domain), domain))
		state = p->accepts_all ? OPEN_YES : OPEN_NO;
	pthread_mutex_unlock(&s->mutex);
	return state;
}

static void remember(struct callout_store *s, struct slice domain, bool accepts_all)
{
	struct probe *p = place_of(s, domain);

	pthread_mutex_lock(&s->mutex);
	memcpy(p->domain, domain.data, domain.len);
	p->domain[domain.len] = '\0';
	p->accepts_all = accepts_all;
	p->until_us = dns_now_us() + s->probe_us;
	pthread_mutex_unlock(&s->mutex);
}

/* Asks for an address that nobody can have guessed or made. */
static enum open_state probe(struct callout_store *s, struct stream *stream, struct slice domain,
    int64_t deadline_us, struct smtp_reply *r)
{
	unsigned char octets[RANDOM_OCTETS];
	char local_part[2 * RANDOM_OCTETS + 1];
	enum lookup_status verdict;

	if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
		return OPEN_UNKNOWN;
	for (size_t i = 0; i < sizeof octets; i++)
		snprintf(local_part + 2 * i, 3, "%02x", octets[i]);
	command(stream, deadline_us, r, "RCPT TO:<%s@%.*s>\r\n", local_part, SLICE_ARG(domain));
	if (r->code == 0)
		return OPEN_UNKNOWN;
	verdict = verdict_of(r);
	if (verdict == LOOKUP_TEMPFAIL || verdict == LOOKUP_PERMFAIL)
		return OPEN_UNKNOWN;
	remember(s, domain, verdict == LOOKUP_FOUND);
	return verdict == LOOKUP_FOUND ? OPEN_YES : OPEN_NO;
}

/* ---- a lookup ------------------------------------------------------------------- */

/* Local-part = Dot-string / Quoted-string: quoted with every special octet escaped. */
static void write_path(struct buf *out, const struct store_question *q)
{
	static const char atext[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.";
	struct slice local = q->local_part;
	bool dot_string = local.len > 0 && local.data[0] != '.' && local.data[local.len - 1] != '.';

	for (size_t i = 0; i < local.len; i++)
		if (((unsigned char)local.data[i] < 0x80 &&
			strchr(atext, ascii_lower(local.data[i])) == NULL) ||
		    (i > 0 && local.data[i] == '.' && local.data[i - 1] == '.'))
			dot_string = false;
	if (!dot_string)
		buf_add_char(out, '"');
	for (size_t i = 0; i < local.len; i++) {
		if (!dot_string && (local.data[i] == '"' || local.data[i] == '\\'))
			buf_add_char(out, '\\');
		buf_add_char(out, local.data[i]);
	}
	if (!dot_string)
		buf_add_char(out, '"');
	buf_add_char(out, '@');
	buf_add_slice(out, q->domain);
}

/* Up to MAIL: FOUND, or why the server does not talk to us. */
static enum lookup_status open_transaction(struct callout_store *s, struct stream *stream,
    bool utf8, int64_t deadline_us, struct store_reply *reply)
{
	struct smtp_reply r;

	read_reply(stream, deadline_us, &r);
	if (r.code != 220)
		return fail("greeting", &r, reply);
	command(stream, deadline_us, &r, "%s %s\r\n", s->lmtp ? "LHLO" : "EHLO", s->helo);
	if (!s->lmtp && r.code >= 500)
		command(stream, deadline_us, &r, "HELO %s\r\n", s->helo);
	if (r.code != 250)
		return fail("greeting", &r, reply);
	if (utf8 && !r.smtputf8)
		return LOOKUP_NOTFOUND; /* such an address cannot be given to it */
	command(stream, deadline_us, &r, "MAIL FROM:<>%s\r\n", utf8 ? " SMTPUTF8" : "");
	return r.code == 250 ? LOOKUP_FOUND : fail("MAIL FROM:<>", &r, reply);
}

/*
 * "user%elsewhere", "user@elsewhere" in quotes, "elsewhere!user": a mail server reads a route in
 * it and refuses to relay, so there is no such mailbox; it is no failure of the store, which
 * anybody could cause by sending as such an address.
 */
static bool is_route(struct slice local_part)
{
	return slice_find(local_part, '@') < local_part.len ||
	       slice_find(local_part, '%') < local_part.len ||
	       slice_find(local_part, '!') < local_part.len;
}

/*
 * Does the server refuse the session, whatever the address?  421 and 521 end it, 503 and 530
 * want something before.  Any other refusal may be that of this recipient alone: full, only for
 * its own users, greylisted.
 */
static bool is_of_session(int code)
{
	return code == 421 || code == 521 || code == 503 || code == 530;
}

static enum lookup_status ask_address(struct callout_store *s, struct stream *stream,
    const struct store_question *question, const char *path, int64_t deadline_us,
    struct store_reply *reply)
{
	enum open_state open = s->probes ? recall(s, question->domain) : OPEN_NO;
	struct smtp_reply probed = { 0 }, r;
	enum lookup_status verdict;

	if (open == OPEN_UNKNOWN)
		open = probe(s, stream, question->domain, deadline_us, &probed);
	if (s->probes && open == OPEN_UNKNOWN && probed.code == 0)
		return fail("probe", &probed, reply);
	command(stream, deadline_us, &r, "RCPT TO:<%s>\r\n", path);
	if (r.code == 0)
		return fail("RCPT TO", &r, reply);
	verdict = verdict_of(&r);
	if (verdict == LOOKUP_PERMFAIL && is_route(question->local_part))
		return LOOKUP_NOTFOUND;
	if (is_of_session(r.code))
		return fail("RCPT TO", &r, reply);
	if (verdict == LOOKUP_TEMPFAIL || verdict == LOOKUP_PERMFAIL)
		return store_reply_fail_key(reply, verdict, "RCPT TO: the server says: %s", r.text);
	if (verdict == LOOKUP_FOUND && open == OPEN_UNKNOWN)
		return store_reply_fail_key(reply, LOOKUP_TEMPFAIL,
		    "accepted, but whether all is could not be told: %s", probed.text);
	if (verdict == LOOKUP_FOUND && open == OPEN_YES)
		store_reply_entry(reply, ENTRY_CATCH_ALL);
	return verdict;
}

static enum lookup_status converse(struct callout_store *s, struct stream *stream,
    const struct store_question *question, const char *path, int64_t deadline_us,
    struct store_reply *reply)
{
	bool utf8 = utf8_has_8bit(question->local_part);
	enum lookup_status status = open_transaction(s, stream, utf8, deadline_us, reply);

	if (status == LOOKUP_FOUND)
		status = ask_address(s, stream, question, path, deadline_us, reply);
	/* a word for its log; the answer is not waited for */
	stream_send(stream, SLICE("QUIT\r\n"), 0);
	return status;
}

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	struct callout_store *s = (struct callout_store *)store;
	enum lookup_status status;
	struct stream *stream;
	struct buf path;
	int fd;

	(void)connection;
	if (question->local_part.len == 0 || !pooled_can_carry(question->local_part) ||
	    !is_name(question->domain))
		return LOOKUP_NOTFOUND;
	buf_init(&path, PATH_MAX_OCTETS - 2);
	write_path(&path, question);
	if (path.truncated) {
		buf_free(&path);
		return LOOKUP_NOTFOUND;
	}
	status = peer_connect(s->peer, deadline_us, &fd, reply);
	if (status == LOOKUP_FOUND) {
		stream = stream_new(fd);
		status = converse(s, stream, question, buf_text(&path), deadline_us, reply);
		stream_free(stream);
	}
	buf_free(&path);
	return status;
}

const struct store_class store_callout = { "callout", rules, open_callout, lookup, NULL, NULL,
	close_callout };
