/*
 * message.c - the snapshot: all that is known of one message.
 *
 * Runs for each header field of each message, so a field without a fold costs
 * one search and one copy.  What is stored here is what came in: the only octet
 * ever added is the CR of a fold that arrived without it.
 */
#include "message/message.h"

#include <string.h>

#include "base/ascii.h"

enum { FIRST_ROOM = 32 };

/* The fields that checks read by name: they survive the ceilings. */
#define NAME(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
static const struct slice named[MESSAGE_NAMES] = {
	NAME("From"),
	NAME("Sender"),
	NAME("Reply-To"),
	NAME("Message-ID"),
	NAME("Date"),
	NAME("Return-Path"),
	NAME("List-Id"),
};

enum { NAMED_FROM = 0 };

const char *sender_class_name(enum sender_class class)
{
	static const char *const names[SENDER_CLASSES] = {
		[CLASS_NONE] = "none",
		[CLASS_LISTENER] = "listener",
		[CLASS_AUTHENTICATED] = "authenticated",
		[CLASS_LOCAL] = "local",
		[CLASS_SUBMITTER] = "submitter",
	};

	return class < SENDER_CLASSES ? names[class] : names[CLASS_NONE];
}

/*
 * Sendmail's v is "version/configuration version", as 8.17.1.9/8.17.1.9; its
 * first part alone tells it, since vendors write anything behind the slash.
 */
enum mta mta_from_version(const char *v)
{
	size_t len;

	if (v == NULL)
		return MTA_UNKNOWN;
	if (strncmp(v, "Postfix", 7) == 0)
		return MTA_POSTFIX;
	len = strspn(v, "0123456789.");
	if (v[0] >= '0' && v[0] <= '9' && memchr(v, '.', len) != NULL &&
	    (v[len] == '\0' || v[len] == '/'))
		return MTA_SENDMAIL;
	return MTA_UNKNOWN;
}

struct message *message_new(struct arena *arena)
{
	struct message *m = arena_alloc(arena, sizeof *m);

	m->arena = arena;
	return m;
}

void message_set_mail(struct message *m, struct slice path)
{
	m->mail_from = path_parse(m->arena, arena_copy(m->arena, path), m->transaction.smtputf8);
	m->has_mail = true;
}

/* The path at hand, in room that the next one takes over. */
static struct slice keep_rcpt(struct message *m, struct slice path)
{
	if (m->rcpt_text == NULL || path.len > m->rcpt_room) {
		m->rcpt_room = path.len > 256 ? path.len * 2 : 256;
		m->rcpt_text = arena_alloc(m->arena, m->rcpt_room);
	}
	if (path.len > 0)
		memcpy(m->rcpt_text, path.data, path.len);
	return (struct slice){ m->rcpt_text, path.len };
}

static void keep_domain(struct message *m, struct slice domain)
{
	struct slice copy;
	char *lower;

	for (size_t i = 0; i < m->rcpt_domain_count; i++)
		if (slice_equal_nocase(m->rcpt_domains[i], domain))
			return;
	if (m->rcpt_domain_count == MESSAGE_DOMAINS_MAX)
		return;
	if (m->rcpt_domains == NULL)
		m->rcpt_domains =
		    arena_alloc(m->arena, MESSAGE_DOMAINS_MAX * sizeof *m->rcpt_domains);
	lower = arena_alloc(m->arena, domain.len + 1);
	for (size_t i = 0; i < domain.len; i++)
		lower[i] = ascii_lower(domain.data[i]);
	copy = (struct slice){ lower, domain.len };
	m->rcpt_domains[m->rcpt_domain_count++] = copy;
}

struct path message_add_rcpt(struct message *m, struct slice path)
{
	struct path parsed = path_parse(m->arena, keep_rcpt(m, path), m->transaction.smtputf8);

	m->rcpt_count++;
	if (parsed.domain.len > 0)
		keep_domain(m, parsed.domain);
	return parsed;
}

/* Does the LF at that place fold a line without the CR that belongs before it? */
static bool is_bare_fold(struct slice body, size_t at)
{
	return (at == 0 || body.data[at - 1] != '\r') && at + 1 < body.len &&
	       is_wsp(body.data[at + 1]);
}

static size_t count_bare_folds(struct slice body)
{
	size_t count = 0;

	for (size_t at = slice_find(body, '\n'); at < body.len;
	     at += 1 + slice_find(slice_part(body, at + 1, body.len), '\n'))
		count += is_bare_fold(body, at);
	return count;
}

/* Copies the body, with a CR put before each LF that folds without one. */
static size_t copy_body(char *to, struct slice body, size_t bare_folds)
{
	size_t from = 0, len = 0;

	for (size_t at = 0; bare_folds > 0; at++) {
		at += slice_find(slice_part(body, at, body.len), '\n');
		if (!is_bare_fold(body, at))
			continue;
		memcpy(to + len, body.data + from, at - from);
		len += at - from;
		to[len++] = '\r';
		from = at;
		bare_folds--;
	}
	if (body.len > from)
		memcpy(to + len, body.data + from, body.len - from);
	return len + body.len - from;
}

static void keep_field(struct message *m, struct slice name, struct slice body, size_t bare_folds)
{
	char *text = arena_alloc(m->arena, name.len + body.len + bare_folds + 1);
	size_t len;

	if (m->field_count == m->field_room) {
		size_t room = m->field_room == 0 ? FIRST_ROOM : m->field_room * 2;
		struct field *fields = arena_alloc(m->arena, room * sizeof *fields);

		if (m->field_count > 0)
			memcpy(fields, m->fields, m->field_count * sizeof *fields);
		m->fields = fields;
		m->field_room = room;
	}
	if (name.len > 0)
		memcpy(text, name.data, name.len);
	len = copy_body(text + name.len, body, bare_folds);
	m->fields[m->field_count++] = (struct field){
		.name = { text, name.len },
		.body = { text + name.len, len },
	};
}

static int named_index(struct slice name)
{
	for (int i = 0; i < MESSAGE_NAMES; i++)
		if (slice_equal_nocase(name, named[i]))
			return i;
	return -1;
}

void message_add_field(struct message *m, struct slice name, struct slice body)
{
	size_t bare_folds = count_bare_folds(body);
	int index = named_index(name);

	if (index == NAMED_FROM)
		m->from_total++;
	m->header_octets += name.len + body.len + bare_folds + 3; /* the colon, CRLF */
	if ((m->field_count >= MESSAGE_FIELDS_MAX || m->header_octets > MESSAGE_HEADER_MAX) &&
	    (index < 0 || m->named_count[index] >= MESSAGE_NAMED_MAX)) {
		m->fields_dropped++;
		return;
	}
	if (index >= 0)
		m->named_count[index]++;
	if (body.len > MESSAGE_FIELD_MAX) {
		body.len = MESSAGE_FIELD_MAX;
		bare_folds = count_bare_folds(body);
	}
	keep_field(m, name, body, bare_folds);
}

const struct field *message_field(const struct message *m, struct slice name, size_t nth)
{
	for (size_t i = 0; i < m->field_count; i++)
		if (slice_equal_nocase(m->fields[i].name, name) && nth-- == 0)
			return &m->fields[i];
	return NULL;
}

size_t message_count(const struct message *m, struct slice name)
{
	size_t count = 0;

	for (size_t i = 0; i < m->field_count; i++)
		count += slice_equal_nocase(m->fields[i].name, name);
	return count;
}

void message_end_header(struct message *m)
{
	size_t count = m->named_count[NAMED_FROM];

	m->from_count = 0;
	m->from = arena_alloc(m->arena, count * sizeof *m->from);
	for (size_t i = 0; i < m->field_count; i++)
		if (slice_equal_nocase(m->fields[i].name, named[NAMED_FROM]))
			m->from[m->from_count++] =
			    from_parse(m->arena, m->fields[i].body, m->transaction.smtputf8);
}

const struct mailbox *message_author(const struct message *m)
{
	const struct from_field *from;

	if (m->from_total != 1 || m->from_count != 1)
		return NULL;
	from = m->from[0];
	if (from->count != 1 || from->mailboxes == NULL || from->mailboxes->address.data == NULL)
		return NULL;
	return from->mailboxes;
}
