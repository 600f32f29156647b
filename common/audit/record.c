/*
 * record.c - the record of a verdict as JSON.
 *
 * The record is written whole; only where it does not fit is it taken back and
 * written again with less, level by level.  Nearly every record fits at once.
 */
#include "audit/record.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#include "audit/json.h"
#include "audit/record_auth.h"
#include "directory/claims.h"

const struct record_level record_levels[] = {
	{ 0, SIZE_MAX, false },
	{ 256, 50, false },
	{ 256, 10, false },
	{ 64, 50, false },
	{ 64, 10, false },
	{ 64, 3, false },
	{ 16, 3, false },
	{ 16, 1, false },
	{ 16, 0, true },
};
const size_t record_level_count = sizeof record_levels / sizeof record_levels[0];

/* value in that many decimal digits, and what follows them; returns where to go on. */
static char *put(char *out, int value, int digits, char behind)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	out[digits] = behind;
	return out + digits + 1;
}

const char *record_time(long long time_ms, char out[RECORD_TIME_SIZE])
{
	const long long last = 253402300799999; /* of the year 9999 */
	struct tm tm = { 0 };
	time_t seconds;
	char *at = out;

	if (time_ms < 0)
		time_ms = 0;
	if (time_ms > last)
		time_ms = last;
	seconds = (time_t)(time_ms / 1000);
	gmtime_r(&seconds, &tm);
	at = put(at, tm.tm_year + 1900, 4, '-');
	at = put(at, tm.tm_mon + 1, 2, '-');
	at = put(at, tm.tm_mday, 2, 'T');
	at = put(at, tm.tm_hour, 2, ':');
	at = put(at, tm.tm_min, 2, ':');
	at = put(at, tm.tm_sec, 2, '.');
	at = put(at, (int)(time_ms % 1000), 3, 'Z');
	*at = '\0';
	return out;
}

struct slice record_mail_from(const struct message *m)
{
	struct slice raw = m->mail_from.raw;

	if (m->mail_from.null)
		return SLICE("");
	if (m->mail_from.address.data != NULL)
		return m->mail_from.address;
	if (raw.len > 0 && raw.data[0] == '<')
		raw = slice_part(raw, 1, raw.len);
	if (raw.len > 0 && raw.data[raw.len - 1] == '>')
		raw = slice_part(raw, 0, raw.len - 1);
	return raw;
}

/* A member that is absent where the value is not there. */
static void known_string(struct json *json, const char *key, struct slice value)
{
	if (value.data != NULL)
		json_add_string(json, key, value);
}

static void write_reply(struct json *json, const struct reply *reply)
{
	char text[REPLY_LINES * (REPLY_LINE_MAX + 1)];
	size_t len = 0;

	for (size_t i = 0; i < reply->line_count; i++) {
		struct slice line = slice_part(reply->lines[i], 0, REPLY_LINE_MAX);

		if (i > 0)
			text[len++] = ' ';
		memcpy(text + len, line.data, line.len);
		len += line.len;
	}
	json_open_object(json, "reply");
	json_add_number(json, "code", reply->code);
	json_add_text(json, "enhanced", reply->enhanced);
	json_add_string(json, "text", (struct slice){ text, len });
	json_close_object(json);
}

static void write_mailbox(struct json *json, const char *key, const struct mailbox *mailbox)
{
	json_open_object(json, key);
	json_add_string(json, "address", mailbox->address);
	json_add_string(json, "local_part", mailbox->local_part);
	json_add_string(json, "domain", mailbox->domain);
	json_add_string_or_null(json, "display_name", mailbox->display_name);
	json_close_object(json);
}

/* The author where exactly one address was read, else the list of what was read. */
static void write_author(
    struct json *json, const struct judgement *j, const struct record_level *level)
{
	const struct message *m = j->message;
	const struct mailbox *author = message_author(m);
	size_t left = level->list;

	if (!j->header_judged)
		return;
	if (author != NULL) {
		write_mailbox(json, "author", author);
		return;
	}
	json_open_array(json, "authors");
	for (size_t i = 0; i < m->from_count; i++)
		for (const struct mailbox *box = m->from[i]->mailboxes; box != NULL && left > 0;
		     box = box->next, left--)
			write_mailbox(json, NULL, box);
	json_close_array(json);
}

static void write_envelope(
    struct json *json, const struct message *m, const struct record_level *level)
{
	const struct transaction *t = &m->transaction;
	char client[IP_TEXT_SIZE];

	json_open_object(json, "envelope");
	if (m->has_mail)
		json_add_string(json, "mail_from", record_mail_from(m));
	json_open_array(json, "rcpt_domains");
	for (size_t i = 0; i < m->rcpt_domain_count && i < level->list; i++)
		json_add_string(json, NULL, m->rcpt_domains[i]);
	json_close_array(json);
	if (t->login.len > 0)
		json_add_string(json, "auth", t->login);
	if (t->client.family != 0)
		json_add_text(json, "client", ip_format(&t->client, client));
	known_string(json, "helo", t->helo);
	json_close_object(json);
}

void record_finding(struct json *json, const struct finding *f)
{
	json_open_object(json, NULL);
	json_add_text(json, "check", f->check->name);
	json_add_text(json, "stage", stage_name(f->check->stage));
	json_add_text(json, "result", finding_result_name(f->result));
	json_add_text(json, "mode", mode_name(f->enforced ? MODE_ENFORCE : MODE_AUDIT));
	json_add_text(json, "action", action_name(f->action));
	json_add_string_or_null(json, "field", slice_of(f->field));
	if (f->has_offset)
		json_add_number(json, "offset", (long long)f->offset);
	else
		json_add_null(json, "offset");
	json_add_string_or_null(json, "token", f->token);
	json_add_string_or_null(json, "reason", f->reason);
	json_add_string_or_null(json, "fix", f->fix);
	json_add_string_or_null(json, "rfc", slice_of(f->rfc));
	json_close_object(json);
}

/* The first findings, and the one that decides wherever it stands. */
static void write_findings(struct json *json, const struct findings *findings,
    const struct finding *deciding, const struct record_level *level)
{
	json_open_array(json, "findings");
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (i < level->list || (f == deciding && !level->outline))
			record_finding(json, f);
	}
	json_close_array(json);
}

/* What the directory says of the author. */
static void write_claim(struct json *json, const struct claims *claims)
{
	const struct claim *from;

	if (claims == NULL || !claims->finished || !claims->has_directory)
		return;
	from = &claims->list[CLAIM_FROM];
	if (from->address.data == NULL)
		return;
	json_open_object(json, "mailbox");
	json_add_string(json, "address", from->found.address);
	json_add_text(json, "answer", directory_answer_name(from->found.answer));
	json_add_string_or_null(json, "store", slice_of(from->found.store));
	if (from->has_use && from->use.permission != PERMISSION_UNKNOWN)
		json_add_bool(json, "login_may_use", from->use.permission == PERMISSION_YES);
	else
		json_add_null(json, "login_may_use");
	json_close_object(json);
}

static void write_message(
    struct json *json, const struct message *m, const struct record_level *level)
{
	const struct field *id = message_field(m, SLICE("Message-ID"), 0);

	known_string(json, "queue_id", m->transaction.queue_id);
	if (id != NULL && !level->outline)
		json_add_string(json, "message_id", slice_trim(id->body));
	json_add_text(json, "class", sender_class_name(m->transaction.class));
}

static void write_record(struct json *json, const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, const struct record_level *level)
{
	const struct message *m = j->message;
	char time[RECORD_TIME_SIZE];

	json_open_object(json, NULL);
	json_add_number(json, "v", 1);
	json_add_text(json, "time", record_time(facts->time_ms, time));
	if (!level->outline)
		known_string(json, "file", facts->file);
	if (!facts->bare)
		write_message(json, m, level);
	json_add_text(json, "mode", mode_name(v->mode));
	json_add_text(json, "verdict", outcome_name(v->verdict));
	json_add_text(json, "action", outcome_name(v->action));
	if (v->reply.code != 0 && !level->outline)
		write_reply(json, &v->reply);
	if (!level->outline)
		write_author(json, j, level);
	json_add_body(json, "from_raw", m->from_count > 0 ? m->from[0]->body : SLICE(""));
	if (!facts->bare && !level->outline)
		write_envelope(json, m, level);
	write_findings(json, &j->findings, v->deciding, level);
	if (!facts->bare && !level->outline)
		record_authentication(json, m->authentication, level->list);
	if (!facts->bare && !level->outline)
		write_claim(json, m->claims);
	json_add_number(json, "elapsed_us", facts->elapsed_us);
	if (level != &record_levels[0] || j->findings.dropped > 0)
		json_add_bool(json, "truncated", true);
	json_close_object(json);
}

void record_json(const struct judgement *j, const struct verdict *v,
    const struct record_facts *facts, size_t ceiling, struct buf *out)
{
	size_t start = out->len, whole = out->ceiling;
	bool truncated = out->truncated;

	if (ceiling < whole - start)
		out->ceiling = start + ceiling;
	for (size_t i = 0; i < record_level_count; i++) {
		struct json json;

		out->len = start;
		out->truncated = false;
		json_begin(&json, out, record_levels[i].cut);
		write_record(&json, j, v, facts, &record_levels[i]);
		if (!out->truncated)
			break;
	}
	out->ceiling = whole;
	out->truncated |= truncated;
}
