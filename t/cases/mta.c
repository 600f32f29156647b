/* mta.c - plays the mail server: the other side of the milter protocol. */
#include "t/cases/mta.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

/* What a milter may ask for when the protocol is negotiated. */
enum {
	NO_CONNECT = 0x1,
	NO_HELO = 0x2,
	NO_MAIL = 0x4,
	NO_RCPT = 0x8,
	NO_BODY = 0x10,
	NO_HEADER = 0x20,
	NO_EOH = 0x40,
	NO_DATA = 0x200,
	QUIET_HEADER = 0x80,
	QUIET_CONNECT = 0x1000,
	QUIET_HELO = 0x2000,
	QUIET_MAIL = 0x4000,
	QUIET_RCPT = 0x8000,
	QUIET_DATA = 0x10000,
	QUIET_EOH = 0x40000,
	QUIET_BODY = 0x80000,
	LEADING_SPACE = 0x100000,
	OFFERED = 0x1fffff,
	ALL_ACTIONS = 0x1ff,
	VERSION = 6,
};

enum {
	PACKET_MAX = 1024 * 1024,
	BODY_CHUNK = 65535,
	MACRO_STAGES = 7, /* connect, helo, mail, rcpt, data, eom, eoh: numbers on the wire */
	NO_STAGE = -1,
};

/* A row a step: its letter, its place in the macro lists, what switches it off and its reply. */
static const struct {
	const char *name;
	char command;
	int macros;
	uint32_t no, quiet;
} steps[MTA_STEPS] = {
	[MTA_CONNECT] = { "connect", 'C', 0, NO_CONNECT, QUIET_CONNECT },
	[MTA_HELO] = { "helo", 'H', 1, NO_HELO, QUIET_HELO },
	[MTA_MAIL] = { "mail", 'M', 2, NO_MAIL, QUIET_MAIL },
	[MTA_RCPT] = { "rcpt", 'R', 3, NO_RCPT, QUIET_RCPT },
	[MTA_DATA] = { "data", 'T', 4, NO_DATA, QUIET_DATA },
	[MTA_HEADER] = { "header", 'L', NO_STAGE, NO_HEADER, QUIET_HEADER },
	[MTA_EOH] = { "eoh", 'N', 6, NO_EOH, QUIET_EOH },
	[MTA_BODY] = { "body", 'B', NO_STAGE, NO_BODY, QUIET_BODY },
	[MTA_EOM] = { "eom", 'E', 5, 0, 0 },
};

struct conversation {
	int fd;
	const struct mta_envelope *envelope;
	const struct mta_rcpt *rcpt; /* the one at hand */
	struct mta_answer *answer;
	char *error;
	uint32_t protocol;              /* as agreed */
	char wanted[MACRO_STAGES][512]; /* macro names, each between blanks */
	bool lists_given[MACRO_STAGES];
	bool skip_body;
	bool settled;
	struct buf packet; /* as sent, or as received without length and command */
};

const char *mta_step_name(enum mta_step step)
{
	return steps[step].name;
}

__attribute__((format(printf, 2, 3))) static bool fail(
    struct conversation *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->error, MTA_TEXT_MAX, format, ap);
	va_end(ap);
	return false;
}

/* ---- packets ---------------------------------------------------------------- */

static void put_u32(unsigned char out[4], uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(value >> 8 * (3 - i));
}

static uint32_t get_u32(const char *in)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = value << 8 | (unsigned char)in[i];
	return value;
}

static bool wait_for(struct conversation *c, short events)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, MTA_WAIT_MS);
	while (n < 0 && errno == EINTR);
	return n == 1 ? true : fail(c, "the milter does not answer");
}

static bool write_all(struct conversation *c, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n;

		if (!wait_for(c, POLLOUT))
			return false;
		n = send(c->fd, data, len, MSG_NOSIGNAL);
		if (n < 0)
			return fail(c, "write to the milter: %s", strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(struct conversation *c, char *data, size_t len)
{
	while (len > 0) {
		ssize_t n;

		if (!wait_for(c, POLLIN))
			return false;
		n = recv(c->fd, data, len, 0);
		if (n <= 0)
			return fail(c, "the milter has gone: %s",
			    n == 0 ? "end of stream" : strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* An empty packet, to be filled and then sent. */
static void packet_begin(struct conversation *c, char command)
{
	buf_reset(&c->packet);
	buf_add(&c->packet, "\0\0\0\0", 4);
	buf_add_char(&c->packet, command);
}

static void add_text(struct conversation *c, const char *text)
{
	buf_add(&c->packet, text, strlen(text) + 1);
}

static bool packet_send(struct conversation *c)
{
	put_u32((unsigned char *)c->packet.data, (uint32_t)(c->packet.len - 4));
	return write_all(c, c->packet.data, c->packet.len);
}

/* Reads a packet: its letter, and what follows in c->packet. */
static bool packet_read(struct conversation *c, char *letter)
{
	char head[5];
	uint32_t len;

	if (!read_all(c, head, sizeof head))
		return false;
	len = get_u32(head);
	if (len == 0 || len > PACKET_MAX)
		return fail(c, "a packet of %u octets", len);
	*letter = head[4];
	buf_reset(&c->packet);
	for (uint32_t left = len - 1; left > 0;) {
		char block[4096];
		size_t n = left < sizeof block ? left : sizeof block;

		if (!read_all(c, block, n))
			return false;
		buf_add(&c->packet, block, n);
		left -= (uint32_t)n;
	}
	return true;
}

/* ---- macros ----------------------------------------------------------------- */

static bool is_wanted(const struct conversation *c, int stage, const char *name)
{
	char between[80];

	if (!c->lists_given[stage])
		return true;
	snprintf(between, sizeof between, " %s ", name);
	return strstr(c->wanted[stage], between) != NULL;
}

static void add_macro(struct conversation *c, int stage, const char *name, const char *value)
{
	char bare[64];
	size_t len = strlen(name);

	/* "{auth_authen}" may be asked for with braces or without */
	snprintf(bare, sizeof bare, "%.*s", (int)(len > 2 ? len - 2 : len), name + (len > 2));
	if (value == NULL || !(is_wanted(c, stage, name) || is_wanted(c, stage, bare)))
		return;
	add_text(c, name);
	add_text(c, value);
}

/* The macros as they are known at that step. */
static bool send_macros(struct conversation *c, enum mta_step step)
{
	const struct mta_envelope *e = c->envelope;
	int stage = steps[step].macros;

	if (stage == NO_STAGE)
		return true;
	packet_begin(c, 'D');
	buf_add_char(&c->packet, steps[step].command);
	add_macro(c, stage, "j", "mail.example.com");
	add_macro(c, stage, "v", e->version);
	add_macro(c, stage, "{daemon_name}", e->daemon_name);
	add_macro(c, stage, "{client_addr}", e->client);
	add_macro(c, stage, "{client_name}", e->client_name);
	if (step >= MTA_MAIL) {
		add_macro(c, stage, "{auth_authen}", e->login);
		add_macro(c, stage, "{auth_type}", e->login == NULL ? NULL : "PLAIN");
		add_macro(c, stage, "{cert_subject}", e->cert_subject);
		add_macro(c, stage, "{verify}", e->cert_subject == NULL ? NULL : "OK");
	}
	if (step == MTA_RCPT)
		add_macro(c, stage, "{rcpt_mailer}", c->rcpt->mailer);
	if (step >= MTA_EOH)
		add_macro(c, stage, "i", e->queue_id);
	return packet_send(c);
}

/* ---- answers ---------------------------------------------------------------- */

static void settle(struct conversation *c, enum mta_step step, bool accepted)
{
	c->settled = true;
	c->answer->step = step;
	c->answer->accepted = accepted;
}

/* The text of a refusal; what the letter alone stands for where there is none. */
static void keep_reply(struct conversation *c, char letter)
{
	const char *text = letter == 'y'   ? buf_text(&c->packet)
			   : letter == 't' ? "451 4.7.1 (no text)"
					   : "550 5.7.1 (no text)";
	size_t len = 0;

	for (; *text != '\0' && len + 1 < MTA_TEXT_MAX; text++)
		if (*text != '\r')
			c->answer->reply[len++] = *text;
	c->answer->reply[len] = '\0';
}

/* A header that the milter adds (no index with 'h'), inserts or changes. */
static bool keep_change(struct conversation *c, char letter)
{
	struct mta_change *change = &c->answer->changes[c->answer->change_count];
	const char *at = buf_text(&c->packet), *end = at + c->packet.len;

	if (c->answer->change_count == MTA_CHANGES_MAX)
		return fail(c, "more than %d headers changed", MTA_CHANGES_MAX);
	change->added = letter != 'm';
	if (letter != 'h') {
		if (end - at < 4)
			return fail(c, "a change without an index");
		change->index = get_u32(at);
		at += 4;
	}
	snprintf(change->name, sizeof change->name, "%s", at);
	at += strlen(at) + 1;
	if (at < end)
		snprintf(change->value, sizeof change->value, "%s", at);
	c->answer->change_count++;
	return true;
}

/* A refusal; of a recipient it is no end of the message. */
static void refuse(struct conversation *c, enum mta_step step, char letter)
{
	keep_reply(c, letter);
	if (step == MTA_RCPT)
		c->answer->rcpts_refused++;
	else
		settle(c, step, false);
}

/* Takes one answer that ends a step. */
static bool take_answer(struct conversation *c, enum mta_step step, char letter)
{
	switch (letter) {
	case 's': c->skip_body = true; return true;
	case 'c':
		if (step == MTA_EOM)
			settle(c, step, true);
		return true;
	case 'a': settle(c, step, true); return true;
	case 'r':
	case 't':
	case 'y': refuse(c, step, letter); return true;
	default: return fail(c, "answer '%c' at %s", letter, steps[step].name);
	}
}

/* Takes the answers to a step: changes, which only the last step has, then one that ends it. */
static bool take_answers(struct conversation *c, enum mta_step step)
{
	char letter;

	while (packet_read(c, &letter)) {
		if (letter == 'p') /* still at work */
			continue;
		if (strchr("himq", letter) == NULL)
			return take_answer(c, step, letter);
		if (step != MTA_EOM)
			return fail(c, "a change at %s", steps[step].name);
		if (letter == 'q')
			c->answer->quarantined = true;
		else if (!keep_change(c, letter))
			return false;
	}
	return false;
}

/* Macros, the packet that fill makes, and the answers, as was agreed for that step. */
static bool take_step(struct conversation *c, enum mta_step step,
    void (*fill)(struct conversation *c, const void *what), const void *what)
{
	if (c->settled || (c->protocol & steps[step].no) != 0)
		return true;
	if (!send_macros(c, step))
		return false;
	packet_begin(c, steps[step].command);
	if (fill != NULL)
		fill(c, what);
	if (!packet_send(c))
		return false;
	return (c->protocol & steps[step].quiet) != 0 || take_answers(c, step);
}

/* ---- the transaction -------------------------------------------------------- */

/* Each stage's list is a number and a text of names. */
static bool keep_macro_lists(struct conversation *c)
{
	const char *at = c->packet.data + 12, *end = c->packet.data + c->packet.len;

	while (end - at > 4) {
		uint32_t stage = get_u32(at);

		if (stage >= MACRO_STAGES)
			return fail(c, "macros for stage %u", stage);
		snprintf(c->wanted[stage], sizeof c->wanted[stage], " %s ", at + 4);
		c->lists_given[stage] = true;
		for (char *p = c->wanted[stage]; *p != '\0'; p++)
			if (*p == ',')
				*p = ' ';
		at += 4 + strlen(at + 4) + 1;
	}
	return true;
}

static bool negotiate(struct conversation *c)
{
	const uint32_t offer[] = { VERSION, ALL_ACTIONS, OFFERED };
	char letter;

	packet_begin(c, 'O');
	for (int i = 0; i < 3; i++) {
		unsigned char number[4];

		put_u32(number, offer[i]);
		buf_add(&c->packet, number, sizeof number);
	}
	if (!packet_send(c) || !packet_read(c, &letter))
		return false;
	if (letter != 'O' || c->packet.len < 12)
		return fail(c, "the milter does not negotiate");
	c->protocol = get_u32(c->packet.data + 8);
	if ((c->protocol & ~(uint32_t)OFFERED) != 0)
		return fail(c, "the milter wants what was not offered");
	return keep_macro_lists(c);
}

static void fill_connect(struct conversation *c, const void *what)
{
	const struct mta_envelope *e = what;
	bool v6 = strchr(e->client, ':') != NULL;
	unsigned port = e->local ? 0 : 40000;

	add_text(c, e->client_name);
	buf_add_char(&c->packet, v6 ? '6' : '4');
	buf_add_char(&c->packet, (char)(port >> 8));
	buf_add_char(&c->packet, (char)(port & 255));
	/* mail servers write an IPv6 address with this tag in front */
	if (v6)
		buf_add_text(&c->packet, "IPv6:");
	add_text(c, e->client);
}

static void fill_text(struct conversation *c, const void *what)
{
	add_text(c, what);
}

static void fill_mail(struct conversation *c, const void *what)
{
	const struct mta_envelope *e = what;

	add_text(c, e->mail);
	add_text(c, "SIZE=1000");
	if (e->smtputf8)
		add_text(c, "SMTPUTF8");
}

static bool send_rcpts(struct conversation *c)
{
	for (size_t i = 0; i < c->envelope->rcpt_count && !c->settled; i++) {
		c->rcpt = &c->envelope->rcpts[i];
		if (!take_step(c, MTA_RCPT, fill_text, c->rcpt->path))
			return false;
	}
	if (!c->settled && c->answer->rcpts_refused == c->envelope->rcpt_count)
		settle(c, MTA_RCPT, false);
	return true;
}

struct field {
	const char *name, *body, *end;
	size_t name_len;
};

/*
 * The field at data, with its folds, as a mail server takes it: false where the
 * header ends.  *next is what follows it.
 */
static bool next_field(const char *data, const char *end, struct field *f, const char **next)
{
	const char *colon, *at = data;

	for (;;) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		f->end = lf == NULL ? end : lf;
		*next = lf == NULL ? end : lf + 1;
		if (*next == end || (**next != ' ' && **next != '\t'))
			break;
		at = *next;
	}
	if (f->end > data && f->end[-1] == '\r')
		f->end--;
	colon = memchr(data, ':', (size_t)(f->end - data));
	if (colon == NULL || colon == data || *data == ' ' || *data == '\t')
		return false;
	f->name = data;
	f->body = colon + 1;
	while (colon[-1] == ' ' || colon[-1] == '\t')
		colon--;
	f->name_len = (size_t)(colon - data);
	for (const char *p = data; p < colon; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
			return false;
	return true;
}

/* Name and body; folds go as bare LF, the leading blank only where it was asked for. */
static void fill_header(struct conversation *c, const void *what)
{
	const struct field *f = what;
	const char *at = f->body;

	buf_add(&c->packet, f->name, f->name_len);
	buf_add_char(&c->packet, '\0');
	if ((c->protocol & LEADING_SPACE) == 0)
		while (at < f->end && (*at == ' ' || *at == '\t'))
			at++;
	for (; at < f->end; at++)
		if (!(*at == '\r' && at + 1 < f->end && at[1] == '\n'))
			buf_add_char(&c->packet, *at);
	buf_add_char(&c->packet, '\0');
}

struct chunk {
	const char *data;
	size_t len;
};

static void fill_body(struct conversation *c, const void *what)
{
	const struct chunk *chunk = what;

	buf_add(&c->packet, chunk->data, chunk->len);
}

static bool send_body(struct conversation *c, const char *data, const char *end)
{
	struct buf body;
	bool good = true;

	buf_init(&body, PACKET_MAX);
	for (const char *at = data; at < end; at++) {
		if (*at == '\n' && (at == data || at[-1] != '\r'))
			buf_add_char(&body, '\r');
		buf_add_char(&body, *at);
	}
	for (size_t at = 0; good && at < body.len && !c->skip_body; at += BODY_CHUNK) {
		struct chunk chunk = { body.data + at, body.len - at };

		if (chunk.len > BODY_CHUNK)
			chunk.len = BODY_CHUNK;
		good = take_step(c, MTA_BODY, fill_body, &chunk);
	}
	buf_free(&body);
	return good;
}

static bool send_content(struct conversation *c, const char *data, size_t len)
{
	const char *at = data, *end = data + len, *next;
	struct field field;

	for (; at < end && next_field(at, end, &field, &next); at = next) {
		if (memchr(field.body, '\0', (size_t)(field.end - field.body)) != NULL)
			return fail(c, "the protocol cannot carry a NUL in a header");
		if (!take_step(c, MTA_HEADER, fill_header, &field))
			return false;
	}
	if (at < end && *at == '\n')
		at++;
	else if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	return take_step(c, MTA_EOH, NULL, NULL) && send_body(c, at, end) &&
	       take_step(c, MTA_EOM, NULL, NULL);
}

static bool converse(struct conversation *c, const char *data, size_t len)
{
	const struct mta_envelope *e = c->envelope;

	return negotiate(c) && take_step(c, MTA_CONNECT, fill_connect, e) &&
	       take_step(c, MTA_HELO, fill_text, e->helo) && take_step(c, MTA_MAIL, fill_mail, e) &&
	       send_rcpts(c) && take_step(c, MTA_DATA, NULL, NULL) && send_content(c, data, len);
}

/* What stands unfinished is given up, then the connection is. */
static void say_goodbye(struct conversation *c)
{
	if (!c->answer->accepted) {
		packet_begin(c, 'A');
		if (!packet_send(c))
			return;
	}
	packet_begin(c, 'Q');
	if (!packet_send(c))
		return;
	shutdown(c->fd, SHUT_WR);
}

bool mta_send(const char *socket_path, const struct mta_envelope *e, const char *data, size_t len,
    struct mta_answer *answer, char error[MTA_TEXT_MAX])
{
	struct conversation c = { .envelope = e, .answer = answer, .error = error };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	bool good = false;

	*answer = (struct mta_answer){ 0 };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
	buf_init(&c.packet, PACKET_MAX + 64);
	c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c.fd < 0 || connect(c.fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		fail(&c, "%s: %s", socket_path, strerror(errno));
	} else {
		good = converse(&c, data, len);
		if (good)
			say_goodbye(&c);
	}
	if (c.fd >= 0)
		close(c.fd);
	buf_free(&c.packet);
	return good;
}
