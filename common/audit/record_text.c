/*
 * record_text.c - the record of a verdict as key=value pairs.
 *
 * For those who read logs with their eyes or with grep.  A value holds no space
 * and no quote outside double quotes, and no line end at all, so what came from
 * a message can look like no other pair.
 */
#include "audit/record.h"

#include <stdint.h>
#include <string.h>

#include "auth/authentication.h"
#include "directory/claims.h"
#include "base/utf8.h"

struct text {
	struct buf *out;
	size_t cut; /* of each value, in octets as written; 0: never */
	bool first;
};

static void key(struct text *t, const char *name)
{
	if (!t->first)
		buf_add_char(t->out, ' ');
	t->first = false;
	buf_add_text(t->out, name);
	buf_add_char(t->out, '=');
}

/* Octets that need no quotes around them; none of them is a blank, a quote or a "=". */
static bool is_bare(struct slice value)
{
	static const char safe[] = "-_.@+:/,<>[]%*";

	for (size_t i = 0; i < value.len; i++) {
		char c = ascii_lower(value.data[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    memchr(safe, c, sizeof safe - 1) == NULL)
			return false;
	}
	return value.len > 0;
}

/* One character as it stands between double quotes. */
static void add_character(struct buf *out, struct slice character)
{
	if (character.data[0] == '"' || character.data[0] == '\\')
		buf_add_char(out, '\\');
	utf8_escape(out, character);
}

/* The text between double quotes, at most `most` octets; "…" stands for the rest. */
static void add_quoted(struct buf *out, struct slice s, size_t most)
{
	size_t begin = out->len, at = 0;

	buf_add_char(out, '"');
	while (at < s.len && !out->truncated) {
		size_t len = utf8_decode(s, at, NULL), before = out->len;

		if (len == 0)
			len = 1;
		add_character(out, slice_part(s, at, at + len));
		if (out->len - begin - 1 > most) {
			out->len = before;
			buf_add_text(out, "…");
			break;
		}
		at += len;
	}
	buf_add_char(out, '"');
}

static void value(struct text *t, const char *name, struct slice s)
{
	size_t most = t->cut == 0 ? SIZE_MAX : t->cut;

	if (t->out->truncated)
		return; /* this attempt is over */
	key(t, name);
	if (s.len <= most && is_bare(s))
		buf_add_slice(t->out, s);
	else
		add_quoted(t->out, s, most);
}

static void known_value(struct text *t, const char *name, struct slice s)
{
	if (s.data != NULL)
		value(t, name, s);
}

static void word(struct text *t, const char *name, const char *text)
{
	value(t, name, slice_of(text));
}

static void number(struct text *t, const char *name, long long n)
{
	key(t, name);
	buf_printf(t->out, "%lld", n);
}

static void write_message(struct text *t, const struct message *m, const struct record_level *level)
{
	const struct field *id = message_field(m, SLICE("Message-ID"), 0);

	known_value(t, "queue_id", m->transaction.queue_id);
	if (id != NULL && !level->outline)
		value(t, "message_id", slice_trim(id->body));
	word(t, "class", sender_class_name(m->transaction.class));
}

static void write_verdict(struct text *t, const struct verdict *v)
{
	word(t, "mode", mode_name(v->mode));
	word(t, "verdict", outcome_name(v->verdict));
	word(t, "action", outcome_name(v->action));
	if (v->reply.code != 0) {
		number(t, "code", v->reply.code);
		word(t, "enhanced", v->reply.enhanced);
	}
}

/* The author's address where one was read, else the field. */
static void write_author(struct text *t, const struct message *m)
{
	const struct mailbox *author = message_author(m);

	if (author != NULL)
		value(t, "from", author->address);
	else if (m->from_count > 0)
		value(t, "from_raw", slice_trim(m->from[0]->body));
}

static void write_envelope(
    struct text *t, const struct message *m, const struct record_level *level)
{
	const struct transaction *transaction = &m->transaction;
	char client[IP_TEXT_SIZE];

	if (m->has_mail)
		value(t, "mail_from", record_mail_from(m));
	for (size_t i = 0; i < m->rcpt_domain_count && i < level->list; i++)
		value(t, "rcpt_domain", m->rcpt_domains[i]);
	if (transaction->login.len > 0)
		value(t, "auth", transaction->login);
	if (transaction->client.family != 0)
		word(t, "client", ip_format(&transaction->client, client));
	known_value(t, "helo", transaction->helo);
}

/* "name:result" of each identifier, and what DMARC makes of them. */
static void write_authentication(
    struct text *t, const struct authentication *a, const struct record_level *level)
{
	char text[IP_TEXT_SIZE];

	if (a == NULL || !a->finished)
		return;
	for (size_t i = 0; i < a->signature_count && i < level->list; i++) {
		value(t, "dkim_domain", a->signatures[i].domain);
		word(t, "dkim", signature_result_name(a->signatures[i].result));
	}
	for (size_t i = 0; i < a->spf_count && i < level->list; i++) {
		word(t, "spf_ip", ip_format(&a->spf[i].ip, text));
		word(t, "spf", spf_result_name(a->spf[i].outcome.result));
	}
	if (!a->dmarc_evaluated)
		return;
	word(t, "dmarc_rfc7489", auth_dmarc_result_name(a->dmarc[DMARC_RFC7489].result));
	word(t, "dmarc_rfc9989", auth_dmarc_result_name(a->dmarc[DMARC_RFC9989].result));
}

static void write_claim(struct text *t, const struct claims *claims)
{
	const struct claim *from;

	if (claims == NULL || !claims->finished || !claims->has_directory)
		return;
	from = &claims->list[CLAIM_FROM];
	if (from->address.data != NULL)
		word(t, "mailbox", directory_answer_name(from->found.answer));
}

/* The names of all findings, and in full the one that decides, or else the first that failed. */
static void write_findings(struct text *t, const struct findings *findings,
    const struct finding *deciding, const struct record_level *level)
{
	const struct finding *shown = deciding;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (shown == NULL && f->result == FINDING_FAIL)
			shown = f;
		if (i < level->list || f == deciding)
			word(t, finding_result_name(f->result), f->check->name);
	}
	if (shown == NULL)
		return;
	word(t, "check", shown->check->name);
	if (shown->has_offset)
		number(t, "offset", (long long)shown->offset);
	known_value(t, "token", shown->token);
	known_value(t, "reason", shown->reason);
	known_value(t, "fix", shown->fix);
}

static void write_record(struct text *t, const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, const struct record_level *level)
{
	const struct message *m = j->message;
	char time[RECORD_TIME_SIZE];

	word(t, "time", record_time(facts->time_ms, time));
	if (!level->outline)
		known_value(t, "file", facts->file);
	if (!facts->bare)
		write_message(t, m, level);
	write_verdict(t, v);
	if (!level->outline) {
		write_author(t, m);
		if (!facts->bare)
			write_envelope(t, m, level);
		write_findings(t, &j->findings, v->deciding, level);
		if (!facts->bare)
			write_authentication(t, m->authentication, level);
		if (!facts->bare)
			write_claim(t, m->claims);
	}
	number(t, "elapsed_us", facts->elapsed_us);
	if (level != &record_levels[0] || j->findings.dropped > 0)
		word(t, "truncated", "true");
}

void record_text(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out)
{
	size_t start = out->len, whole = out->ceiling;
	bool truncated = out->truncated;

	if (ceiling < whole - start)
		out->ceiling = start + ceiling;
	for (size_t i = 0; i < record_level_count; i++) {
		struct text t = { .out = out, .cut = record_levels[i].cut, .first = true };

		out->len = start;
		out->truncated = false;
		write_record(&t, j, v, facts, &record_levels[i]);
		if (!out->truncated)
			break;
	}
	out->ceiling = whole;
	out->truncated |= truncated;
}
