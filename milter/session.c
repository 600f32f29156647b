/* session.c - one connection of the MTA, and the message on its way through it. */
#include "milter/session.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "audit/record.h"
#include "base/clock.h"
#include "base/log.h"
#include "policy/class.h"
#include "policy/inquiry.h"

struct passage {
	struct arena *arena; /* holds this struct too */
	struct site *site;
	const struct config *config; /* the site's */
	struct message *message;
	struct inquiry *inquiry;
	struct judgement judgement;
	struct verdict mail;   /* on MAIL, once mail_judged */
	struct verdict header; /* up to the end of the header, once header_judged */
	size_t external;       /* recipients outside that were not refused here */
	size_t flags_present;
	long long spent_us;
	bool follow; /* not ours: its recipients are looked at, nothing is judged */
	bool mail_judged;
	bool header_judged;
	bool rcpt_refused;
	bool recorded;
};

static const struct answer go_on = { .kind = ANSWER_CONTINUE };
static const struct answer take = { .kind = ANSWER_ACCEPT };

static struct answer refuse(enum answer_kind kind, const struct reply *reply)
{
	return (struct answer){ .kind = kind, .reply = *reply };
}

static bool refuses(enum outcome outcome)
{
	return outcome >= OUTCOME_TEMPFAIL;
}

/* ---- the connection -------------------------------------------------------- */

struct session *session_new(struct service *service, bool leading_space)
{
	struct session *s = must_alloc(sizeof *s);

	s->service = service;
	s->leading_space = leading_space;
	atomic_fetch_add(&service->sessions, 1);
	return s;
}

void session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_end_message(s);
	atomic_fetch_sub(&s->service->sessions, 1);
	free(s->client_name);
	free(s->helo);
	free(s);
}

/* Keeps the beginning of a name that the client chose. */
static void keep_name(char **kept, const char *name)
{
	size_t len = strnlen(name, NAME_KEPT);

	free(*kept);
	*kept = must_alloc(len + 1);
	memcpy(*kept, name, len);
}

static bool has_port(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)address)->sin_port != 0;
	if (address->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)(const void *)address)->sin6_port != 0;
	return false;
}

void session_connect(struct session *s, const char *name, const struct sockaddr *address)
{
	keep_name(&s->client_name, name);
	s->client = address != NULL ? ip_from_sockaddr(address) : (struct ip){ .family = 0 };
	s->local_submission =
	    strcasecmp(name, "localhost") == 0 &&
	    (s->client.family == 0 || (ip_is_loopback(&s->client) && !has_port(address)));
}

void session_helo(struct session *s, const char *name)
{
	keep_name(&s->helo, name);
}

/* ---- MAIL ------------------------------------------------------------------ */

/* The subject of a certificate that the MTA did not verify is the client's own word. */
static struct slice verified_subject(const struct mail_macros *macros)
{
	if (macros->verify != NULL && strcmp(macros->verify, "OK") != 0)
		return (struct slice){ NULL, 0 };
	return slice_of(macros->cert_subject);
}

static bool asks_smtputf8(char **argv)
{
	for (size_t i = 1; argv[i] != NULL; i++)
		if (strcasecmp(argv[i], "SMTPUTF8") == 0)
			return true;
	return false;
}

/* What is known at MAIL; its slices live as long as the callback. */
static struct transaction transaction_of(
    const struct session *s, const struct mail_macros *macros, char **argv)
{
	struct transaction t = {
		.client = s->client,
		.client_name = slice_of(s->client_name),
		.helo = slice_of(s->helo),
		.daemon_name = slice_of(macros->daemon_name),
		.mta_name = slice_of(macros->mta_name),
		.login = slice_of(macros->login),
		.cert_subject = verified_subject(macros),
		.mta = mta_from_version(macros->version),
		.local_submission = s->local_submission,
		.smtputf8 = asks_smtputf8(argv),
	};

	if (t.client.family == 0 && !t.local_submission && macros->client_addr != NULL &&
	    !ip_parse(macros->client_addr, &t.client))
		t.client = (struct ip){ .family = 0 };
	return t;
}

static struct slice keep(struct arena *arena, struct slice s)
{
	return s.data != NULL ? arena_copy(arena, s) : s;
}

/* Takes over the reference of site. */
static struct passage *passage_new(
    struct session *s, struct site *site, const struct transaction *t)
{
	struct arena *arena = arena_new();
	struct passage *p = arena_alloc(arena, sizeof *p);
	struct transaction *kept;

	p->arena = arena;
	p->site = site;
	p->config = site->config;
	p->message = message_new(arena);
	kept = &p->message->transaction;
	*kept = *t;
	kept->client_name = keep(arena, t->client_name);
	kept->helo = keep(arena, t->helo);
	kept->daemon_name = keep(arena, t->daemon_name);
	kept->mta_name = keep(arena, t->mta_name);
	kept->login = keep(arena, t->login);
	kept->cert_subject = keep(arena, t->cert_subject);
	judge_begin(&p->judgement, p->config, p->message);
	atomic_fetch_add(&s->service->messages, 1);
	return p;
}

/* Was it the operator's own will that this message is not judged? */
static bool is_spared(const struct config *config, const struct transaction *t)
{
	return t->login.len > 0 || t->local_submission ||
	       string_list_has(&config->not_listeners, t->daemon_name);
}

struct answer session_mail(struct session *s, const struct mail_macros *macros, char **argv)
{
	struct transaction t = transaction_of(s, macros, argv);
	struct site *site;
	bool follow = false;

	session_end_message(s);
	site = service_site(s->service);
	t.class = class_decide(site->config, &t);
	if (t.class == CLASS_NONE) {
		follow = !is_spared(site->config, &t) && service_unjudged(s->service);
		if (!follow) {
			site_unref(site);
			return take;
		}
	}
	s->passage = passage_new(s, site, &t);
	s->passage->follow = follow;
	message_set_mail(s->passage->message, slice_of(argv[0]));
	return go_on;
}

/* ---- judging and recording ------------------------------------------------- */

/* Begun with the first question. */
static struct inquiry *inquiry_of(struct passage *p)
{
	if (p->inquiry == NULL)
		p->inquiry = inquiry_new(p->site, p->message, time(NULL));
	return p->inquiry;
}

/* The facts that a stage needs are found out first. */
static void judge(struct passage *p, enum stage stage, const struct path *rcpt)
{
	long long begun = clock_now_us();

	if (stage == STAGE_MAIL)
		inquiry_sender(inquiry_of(p));
	else if (stage == STAGE_EOM)
		inquiry_finish(p->inquiry);
	judge_stage(&p->judgement, stage, rcpt);
	p->spent_us += clock_now_us() - begun;
}

/* MAIL is judged when it is sure that the message goes outside: an internal one never is. */
static void judge_mail(struct passage *p)
{
	if (p->mail_judged)
		return;
	judge(p, STAGE_MAIL, NULL);
	p->mail = judge_decide(&p->judgement, STAGE_MAIL);
	p->mail_judged = true;
}

/* A local submission must not be refused before its end. */
static bool is_late(const struct passage *p)
{
	return p->message->transaction.local_submission;
}

static void keep_queue_id(struct passage *p, const char *queue_id)
{
	struct transaction *t = &p->message->transaction;

	if (queue_id != NULL && t->queue_id.data == NULL)
		t->queue_id = arena_copy(p->arena, slice_of(queue_id));
}

/* One record a message, whatever comes after it. */
static void record(struct service *service, struct passage *p, const struct verdict *v)
{
	struct record_facts facts = {
		.time_ms = clock_wall_ms(),
		.elapsed_us = p->spent_us,
	};
	struct buf out;

	if (p->recorded)
		return;
	p->recorded = true;
	atomic_fetch_add(&service->judged, 1);
	if (refuses(v->action))
		atomic_fetch_add(&service->refused, 1);
	buf_init(&out, service->record_ceiling);
	if (p->config->log_format == LOG_FORMAT_JSON)
		record_json(&p->judgement, v, &facts, service->record_ceiling, &out);
	else
		record_text(&p->judgement, v, &facts, service->record_ceiling, &out);
	log_record(buf_text(&out), out.len);
	buf_free(&out);
}

/* ---- RCPT ------------------------------------------------------------------ */

static struct answer follow_rcpt(struct session *s, bool internal)
{
	if (internal)
		return go_on;
	service_followed(s->service, true);
	return take;
}

/* A recipient outside: first what MAIL found, then what is wrong with itself. */
static struct answer judge_recipient(struct session *s, const struct path *path)
{
	struct passage *p = s->passage;
	struct verdict v;

	judge_mail(p);
	if (refuses(p->mail.action) && !is_late(p)) {
		record(s->service, p, &p->mail);
		return refuse(ANSWER_REFUSE_RCPT, &p->mail.action_reply);
	}
	judge(p, STAGE_RCPT, path);
	v = judge_rcpt(&p->judgement);
	if (refuses(v.action) && !is_late(p)) {
		p->rcpt_refused = true;
		return refuse(ANSWER_REFUSE_RCPT, &v.action_reply);
	}
	p->external++;
	return go_on;
}

/* Where the MTA does not say how it will deliver, as for sendmail(1) behind Postfix. */
static bool is_served(struct passage *p, struct slice domain)
{
	long long begun = clock_now_us();
	bool served = inquiry_serves(inquiry_of(p), domain);

	p->spent_us += clock_now_us() - begun;
	return served;
}

struct answer session_rcpt(
    struct session *s, const char *path_text, const char *mailer, const char *queue_id)
{
	struct passage *p = s->passage;
	struct path path;
	bool internal;

	if (p == NULL)
		return go_on;
	keep_queue_id(p, queue_id);
	path = message_add_rcpt(p->message, slice_of(path_text));
	internal = recipient_is_internal(p->config, slice_of(mailer), &path);
	if (p->follow)
		return follow_rcpt(s, internal);
	if (!internal && slice_of(mailer).len == 0)
		internal = is_served(p, path.domain);
	if (internal && p->config->internal != INTERNAL_JUDGE)
		return go_on;
	return judge_recipient(s, &path);
}

/* ---- the header ------------------------------------------------------------ */

/* Nothing of a message that stays inside is looked at. */
static bool stays_inside(const struct passage *p)
{
	return p->external == 0 && (p->config->internal == INTERNAL_PASS || p->recorded);
}

void session_header(struct session *s, const char *name, const char *body)
{
	struct passage *p = s->passage;

	if (p == NULL || p->follow || stays_inside(p))
		return;
	if (strcasecmp(name, p->config->flag_header) == 0)
		p->flags_present++;
	message_add_field(p->message, slice_of(name), slice_of(body));
}

/* What the header is refused for need not be authenticated. */
static void judge_header(struct passage *p)
{
	p->header_judged = true;
	p->judgement.audit_only = p->external == 0;
	judge_mail(p);
	message_end_header(p->message);
	judge(p, STAGE_EOH, NULL);
	p->header = judge_decide(&p->judgement, STAGE_EOH);
	if (!refuses(p->header.action)) {
		long long begun = clock_now_us();

		inquiry_header(p->inquiry);
		p->spent_us += clock_now_us() - begun;
	}
}

void session_end_header(struct session *s, const char *queue_id)
{
	struct passage *p = s->passage;

	if (p == NULL)
		return;
	keep_queue_id(p, queue_id);
	if (!p->follow && !stays_inside(p))
		judge_header(p);
}

/* ---- the body -------------------------------------------------------------- */

void session_body(struct session *s, struct slice piece)
{
	struct passage *p = s->passage;
	long long begun;

	if (p == NULL || p->inquiry == NULL || !inquiry_wants_body(p->inquiry))
		return;
	begun = clock_now_us();
	inquiry_body(p->inquiry, piece);
	p->spent_us += clock_now_us() - begun;
}

/* ---- the end --------------------------------------------------------------- */

static bool is_flagged(const struct judgement *j, const struct check *check)
{
	for (size_t i = 0; i < j->findings.count; i++) {
		const struct finding *f = &j->findings.list[i];

		if (f->check == check && f->result == FINDING_FAIL && f->enforced &&
		    f->action >= ACTION_FLAG)
			return true;
	}
	return false;
}

/* Names of checks alone: nothing of a message may get into a header that others believe. */
static const char *flag_value(struct passage *p)
{
	struct buf value;
	struct slice kept;
	size_t line = 0;

	buf_init(&value, FLAG_VALUE_MAX);
	for (size_t i = 0; i < check_count; i++) {
		if (!is_flagged(&p->judgement, &checks[i]))
			continue;
		if (value.len > 0)
			buf_add_text(&value, value.len - line > 60 ? ",\n\t" : ", ");
		if (value.len > 0 && value.data[value.len - 1] == '\t')
			line = value.len;
		buf_add_text(&value, checks[i].name);
	}
	kept = arena_copy(p->arena, buf_slice(&value));
	buf_free(&value);
	return kept.data;
}

/* In enforce a field of the flag's name is ours alone: those that came along go. */
static struct changes changes_for(struct passage *p, const struct verdict *v)
{
	struct changes c = { .flag_name = p->config->flag_header };

	if (v->action == OUTCOME_FLAG)
		c.flag_value = flag_value(p);
	if (c.flag_value != NULL || policy_mode(&p->judgement, NULL) == MODE_ENFORCE)
		c.flags_present =
		    p->flags_present < FLAGS_REMOVED_MAX ? p->flags_present : FLAGS_REMOVED_MAX;
	if (v->action == OUTCOME_QUARANTINE)
		c.hold = arena_printf(p->arena, "presend: %s", v->acting->check->name).data;
	return c;
}

/* The verdict on a message whose header is judged: nothing more is looked at if that refused. */
static struct verdict judge_end(struct passage *p)
{
	if (refuses(p->header.action))
		return p->header;
	judge(p, STAGE_EOM, NULL);
	return judge_decide(&p->judgement, STAGE_EOM);
}

struct answer session_end(struct session *s, const char *queue_id, struct changes *changes)
{
	struct passage *p = s->passage;
	struct answer answer;
	struct verdict v;

	*changes = (struct changes){ .flag_name = NULL };
	if (p == NULL)
		return take;
	if (p->follow) {
		service_followed(s->service, false);
		return take;
	}
	if (!p->header_judged)
		session_end_header(s, queue_id); /* an MTA may leave out the end of the header */
	if (!p->header_judged)
		return take;
	v = judge_end(p);
	record(s->service, p, &v);
	if (refuses(v.action)) {
		answer = refuse(ANSWER_REFUSE, &v.action_reply);
		answer.one_line = is_late(p);
		return answer;
	}
	*changes = changes_for(p, &v);
	return take;
}

void session_end_message(struct session *s)
{
	struct passage *p = s->passage;

	if (p == NULL)
		return;
	s->passage = NULL;
	if (p->rcpt_refused && !p->recorded) {
		/* refused recipients of a message that never came, or stayed inside */
		struct verdict v = judge_decide(&p->judgement, STAGE_RCPT);

		record(s->service, p, &v);
	}
	inquiry_free(p->inquiry);
	site_unref(p->site);
	arena_free(p->arena);
	atomic_fetch_sub(&s->service->messages, 1);
}
