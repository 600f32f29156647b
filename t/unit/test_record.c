/* test_record.c - the record of a verdict: always one line, always valid, never forged. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "audit/json.h"
#include "audit/record.h"
#include "auth/authentication.h"
#include "base/utf8.h"
#include "unit.h"

/* ---- strings of JSON ----------------------------------------------------------- */

struct string_row {
	const char *label, *in;
	size_t len;
	size_t cut;
	const char *as_string, *as_body;
};

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct string_row strings[] = {
	{ "empty", TEXT(""), 0, "", "" },
	{ "plain", TEXT("Ann <ann@example.com>"), 0, "Ann <ann@example.com>",
	    "Ann <ann@example.com>" },
	{ "quote and backslash", TEXT("a\"b\\c"), 0, "a\\\"b\\\\c", "a\\\"b\\\\c" },
	{ "line ends", TEXT("a\r\n\tb"), 0, "a\\\\x0d\\\\x0a\\\\x09b", "a\\r\\n\\tb" },
	{ "NUL", TEXT("a\0b"), 0, "a\\\\x00b", "a\\\\x00b" },
	{ "DEL and escape", TEXT("\x7f\x1b"), 0, "\\\\x7f\\\\x1b", "\\\\x7f\\\\x1b" },
	{ "UTF-8", TEXT("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\xa7"), 0,
	    "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\xa7",
	    "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x93\xa7" },
	{ "not UTF-8", TEXT("\xff\xc3("), 0, "\\\\xff\\\\xc3(", "\\\\xff\\\\xc3(" },
	{ "overlong", TEXT("\xc0\xaf"), 0, "\\\\xc0\\\\xaf", "\\\\xc0\\\\xaf" },
	{ "surrogate", TEXT("\xed\xa0\x80"), 0, "\\\\xed\\\\xa0\\\\x80", "\\\\xed\\\\xa0\\\\x80" },
	{ "cut character", TEXT("\xe2\x82"), 0, "\\\\xe2\\\\x82", "\\\\xe2\\\\x82" },
	{ "line separator", TEXT("\xe2\x80\xa8"), 0, "\\\\xe2\\\\x80\\\\xa8",
	    "\\\\xe2\\\\x80\\\\xa8" },
	{ "right-to-left override", TEXT("\xe2\x80\xae"), 0, "\\\\xe2\\\\x80\\\\xae",
	    "\\\\xe2\\\\x80\\\\xae" },
	{ "next line", TEXT("\xc2\x85"), 0, "\\\\xc2\\\\x85", "\\\\xc2\\\\x85" },
	{ "noncharacter of four octets", TEXT("\xf0\x9f\xbf\xbf"), 0,
	    "\\\\xf0\\\\x9f\\\\xbf\\\\xbf", "\\\\xf0\\\\x9f\\\\xbf\\\\xbf" },
	{ "just as long as allowed", TEXT("abcd"), 4, "abcd", "abcd" },
	{ "one octet too long", TEXT("abcde"), 4, "abcd…", "abcd…" },
	{ "never inside an escape", TEXT("abc\"d"), 4, "abc…", "abc…" },
	{ "an escape that just fits", TEXT("ab\"d"), 4, "ab\\\"…", "ab\\\"…" },
	{ "never inside a character", TEXT("abc\xe2\x82\xac"), 5, "abc…", "abc…" },
	{ "a character that just fits", TEXT("ab\xe2\x82\xac" "c"), 5, "ab\xe2\x82\xac…",
	    "ab\xe2\x82\xac…" },
	{ "cut at once", TEXT("\x01"), 4, "…", "…" },
};

static void expect_json(const char *label, const char *what, const struct buf *got,
    const char *wanted)
{
	struct buf whole;

	buf_init(&whole, 1000);
	buf_printf(&whole, "{\"k\":\"%s\"}", wanted);
	expect_slice(label, what, buf_slice(got), buf_text(&whole));
	buf_free(&whole);
}

START_TEST(test_string)
{
	const struct string_row *row = &strings[_i];
	struct slice in = exact(row->in, row->len);
	struct json json;
	struct buf out;

	buf_init(&out, 1000);
	json_begin(&json, &out, row->cut);
	json_open_object(&json, NULL);
	json_add_string(&json, "k", in);
	json_close_object(&json);
	expect_json(row->label, "string", &out, row->as_string);
	buf_reset(&out);
	json_begin(&json, &out, row->cut);
	json_open_object(&json, NULL);
	json_add_body(&json, "k", in);
	json_close_object(&json);
	expect_json(row->label, "body", &out, row->as_body);
	buf_free(&out);
	exact_free(in);
}
END_TEST

START_TEST(test_writer)
{
	struct json json;
	struct buf out;

	buf_init(&out, 1000);
	json_begin(&json, &out, 0);
	json_open_object(&json, NULL);
	json_open_object(&json, "empty");
	json_close_object(&json);
	json_open_array(&json, "list");
	json_add_number(&json, NULL, 0);
	json_add_number(&json, NULL, -1);
	json_add_number(&json, NULL, 9223372036854775807LL);
	json_add_number(&json, NULL, -9223372036854775807LL - 1);
	json_open_array(&json, NULL);
	json_close_array(&json);
	json_add_text(&json, NULL, "t");
	json_close_array(&json);
	json_add_bool(&json, "yes", true);
	json_add_bool(&json, "no", false);
	json_add_null(&json, "null");
	json_add_string_or_null(&json, "none", (struct slice){ 0 });
	json_add_string_or_null(&json, "blank", SLICE(""));
	json_close_object(&json);
	expect_slice("writer", "text", buf_slice(&out),
	    "{\"empty\":{},\"list\":[0,-1,9223372036854775807,-9223372036854775808,[],\"t\"],"
	    "\"yes\":true,\"no\":false,\"null\":null,\"none\":null,\"blank\":\"\"}");
	buf_free(&out);
}
END_TEST

/* ---- a judged message ------------------------------------------------------------ */

struct fixture {
	struct arena *arena;
	struct config config;
	struct message *m;
	struct judgement j;
	struct verdict v;
	struct record_facts facts;
	struct buf out;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->arena = arena_new();
	f->m = message_new(f->arena);
	judge_begin(&f->j, &f->config, f->m);
	f->facts.time_ms = 1795323600123;
	f->facts.elapsed_us = 812;
	buf_init(&f->out, RECORD_MAX);
}

static void end(struct fixture *f)
{
	buf_free(&f->out);
	arena_free(f->arena);
}

static struct finding *add_finding(struct fixture *f, const char *check, enum action action)
{
	struct findings *all = &f->j.findings;
	struct finding *finding;

	if (all->list == NULL)
		all->list = arena_alloc(f->arena, FINDINGS_MAX * sizeof *all->list);
	ck_assert_uint_lt(all->count, FINDINGS_MAX);
	finding = &all->list[all->count++];
	finding->check = &checks[check_find(slice_of(check))];
	finding->action = action;
	return finding;
}

/* Facts of that many members, all texts of a message the same; finished. */
static struct authentication *add_authentication(struct fixture *f, size_t members,
    struct slice text)
{
	struct authentication *a = arena_alloc(f->arena, sizeof *a);
	struct signature *signatures = arena_alloc(f->arena, (members + 1) * sizeof *signatures);
	struct spf_fact *spf = arena_alloc(f->arena, (members + 1) * sizeof *spf);

	for (size_t i = 0; i < members; i++) {
		signatures[i].domain = signatures[i].selector = text;
		signatures[i].algorithm = signatures[i].reason = text;
		signatures[i].result = SIGNATURE_FAIL;
		spf[i].outcome.domain = text;
		spf[i].outcome.result = SPF_SOFTFAIL;
		ck_assert(ip_parse("2001:db8::1", &spf[i].ip));
	}
	a->finished = a->spf_evaluated = a->dmarc_evaluated = true;
	a->signatures = signatures;
	a->signature_alignment =
	    arena_alloc(f->arena, (members + 1) * sizeof *a->signature_alignment);
	a->signature_count = a->signature_total = members;
	a->spf = spf;
	a->spf_count = members;
	for (int s = 0; s < DMARC_STANDARDS; s++) {
		struct dmarc_verdict *v = &a->dmarc[s];

		v->org.name = v->record_domain = v->reason = text;
		v->result = DMARC_RESULT_FAIL;
	}
	a->opendmarc = text;
	f->m->authentication = a;
	return a;
}

static void add_header(struct fixture *f, struct slice from)
{
	message_add_field(f->m, SLICE("From"), from);
	message_end_header(f->m);
	f->j.header_judged = true;
}

/* The message of the examples in the manual. */
static void fill(struct fixture *f)
{
	struct transaction *t = &f->m->transaction;
	struct finding *finding;

	t->class = CLASS_AUTHENTICATED;
	t->login = SLICE("ann");
	t->helo = SLICE("desk.example.com");
	t->queue_id = SLICE("4C1aBcD");
	ck_assert(ip_parse("192.0.2.1", &t->client));
	message_set_mail(f->m, SLICE("<john@example.com>"));
	message_add_rcpt(f->m, SLICE("<a@example.net>"));
	message_add_rcpt(f->m, SLICE("<b@example.org>"));
	message_add_field(f->m, SLICE("Message-ID"), SLICE(" <1@example.com>"));
	add_header(f, SLICE(" \"Doe, John\" <john@example.com>"));
	finding = add_finding(f, "from.display-name", ACTION_REJECT);
	finding->field = "From";
	finding->has_offset = true;
	finding->offset = 4;
	finding->token = SLICE(",");
	finding->reason = SLICE("a reason");
	finding->fix = SLICE("quote \"it\"");
	finding->rfc = "RFC 5322 3.2.3";
	f->v = judge_decide(&f->j, STAGE_EOM);
}

static json_t *parse(const char *label, struct slice text)
{
	json_error_t error;
	char *copy = malloc(text.len == 0 ? 1 : text.len);
	json_t *root;

	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	root = json_loadb(copy, text.len, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		ck_abort_msg("%s: %s at %d in %.*s", label, error.text, error.position,
		    (int)text.len, text.data);
	free(copy);
	return root;
}

static json_t *record(struct fixture *f, const char *label)
{
	buf_reset(&f->out);
	record_json(&f->j, &f->v, &f->facts, RECORD_MAX, &f->out);
	return parse(label, buf_slice(&f->out));
}

/* Every member in the order that the manual gives. */
START_TEST(test_whole_record)
{
	struct fixture f;

	begin(&f);
	fill(&f);
	record_json(&f.j, &f.v, &f.facts, RECORD_SYSLOG_MAX, &f.out);
	expect_slice("daemon", "record", buf_slice(&f.out),
	    "{\"v\":1,\"time\":\"2026-11-22T05:00:00.123Z\",\"queue_id\":\"4C1aBcD\","
	    "\"message_id\":\"<1@example.com>\",\"class\":\"authenticated\","
	    "\"mode\":\"audit\",\"verdict\":\"reject\",\"action\":\"accept\","
	    "\"reply\":{\"code\":550,\"enhanced\":\"5.1.7\",\"text\":\"from.display-name: "
	    "a reason: \\\",\\\" at column 5 after \\\"From:\\\" Fix: quote \\\"it\\\"\"},"
	    "\"author\":{\"address\":\"john@example.com\",\"local_part\":\"john\","
	    "\"domain\":\"example.com\",\"display_name\":\"Doe, John\"},"
	    "\"from_raw\":\" \\\"Doe, John\\\" <john@example.com>\","
	    "\"envelope\":{\"mail_from\":\"john@example.com\","
	    "\"rcpt_domains\":[\"example.net\",\"example.org\"],\"auth\":\"ann\","
	    "\"client\":\"192.0.2.1\",\"helo\":\"desk.example.com\"},"
	    "\"findings\":[{\"check\":\"from.display-name\",\"stage\":\"eoh\","
	    "\"result\":\"fail\",\"mode\":\"audit\",\"action\":\"reject\",\"field\":\"From\","
	    "\"offset\":4,\"token\":\",\",\"reason\":\"a reason\","
	    "\"fix\":\"quote \\\"it\\\"\",\"rfc\":\"RFC 5322 3.2.3\"}],"
	    "\"elapsed_us\":812}");
	end(&f);
}
END_TEST

START_TEST(test_bare_record)
{
	struct fixture f;

	begin(&f);
	fill(&f);
	f.j.findings.count = 0;
	f.v = judge_decide(&f.j, STAGE_EOM);
	f.facts.bare = true;
	record_json(&f.j, &f.v, &f.facts, RECORD_MAX, &f.out);
	expect_slice("bare", "record", buf_slice(&f.out),
	    "{\"v\":1,\"time\":\"2026-11-22T05:00:00.123Z\",\"mode\":\"audit\","
	    "\"verdict\":\"accept\",\"action\":\"accept\","
	    "\"author\":{\"address\":\"john@example.com\",\"local_part\":\"john\","
	    "\"domain\":\"example.com\",\"display_name\":\"Doe, John\"},"
	    "\"from_raw\":\" \\\"Doe, John\\\" <john@example.com>\","
	    "\"findings\":[],\"elapsed_us\":812}");
	end(&f);
}
END_TEST

/* Refused at MAIL: what was not evaluated is absent, and the null sender is the empty string. */
START_TEST(test_early_record)
{
	struct fixture f;

	begin(&f);
	message_set_mail(f.m, SLICE("<>"));
	f.v = judge_decide(&f.j, STAGE_MAIL);
	record_json(&f.j, &f.v, &f.facts, RECORD_MAX, &f.out);
	expect_slice("early", "record", buf_slice(&f.out),
	    "{\"v\":1,\"time\":\"2026-11-22T05:00:00.123Z\",\"class\":\"none\",\"mode\":\"audit\","
	    "\"verdict\":\"accept\",\"action\":\"accept\",\"from_raw\":\"\","
	    "\"envelope\":{\"mail_from\":\"\",\"rcpt_domains\":[]},\"findings\":[],"
	    "\"elapsed_us\":812}");
	end(&f);
}
END_TEST

/* `author` for exactly one address read, else `authors`. */
START_TEST(test_authors)
{
	static const struct {
		const char *from;  /* NULL: no field */
		const char *other; /* a second field, or NULL */
		int authors;	   /* -1: one author */
	} rows[] = {
		{ " ann@example.com", NULL, -1 },
		{ " a@example.com, b@example.com", NULL, 2 },
		{ " a@example.com", " b@example.com", 2 },
		{ "", NULL, 0 },
		{ NULL, NULL, 0 },
	};

	for (int i = 0; i < ROWS(rows); i++) {
		struct fixture f;
		json_t *root, *authors;

		begin(&f);
		if (rows[i].from != NULL)
			message_add_field(f.m, SLICE("From"), slice_of(rows[i].from));
		if (rows[i].other != NULL)
			message_add_field(f.m, SLICE("From"), slice_of(rows[i].other));
		message_end_header(f.m);
		f.j.header_judged = true;
		root = record(&f, "authors");
		authors = json_object_get(root, "authors");
		ck_assert_int_eq(json_object_get(root, "author") != NULL, rows[i].authors < 0);
		ck_assert_int_eq(authors == NULL ? -1 : (int)json_array_size(authors),
		    rows[i].authors);
		ck_assert_str_eq(json_string_value(json_object_get(root, "from_raw")),
		    rows[i].from == NULL ? "" : rows[i].from);
		json_decref(root);
		end(&f);
	}
}
END_TEST

START_TEST(test_time)
{
	static const struct {
		long long ms;
		const char *wanted;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782400009, "2000-02-29T00:00:00.009Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "9999-12-31T23:59:59.999Z" },
		{ -1, "1970-01-01T00:00:00.000Z" },
	};
	char text[RECORD_TIME_SIZE];

	for (int i = 0; i < ROWS(rows); i++)
		ck_assert_str_eq(record_time(rows[i].ms, text), rows[i].wanted);
}
END_TEST

/* ---- authentication ------------------------------------------------------------------ */

#define VERDICT                                                                                    \
	"\"org_domain\":\"example.com\",\"record_domain\":\"example.com\","                           \
	"\"policy\":\"reject\",\"result\":\"fail\",\"disposition\":\"quarantine\","                   \
	"\"aligned_dkim\":false,\"aligned_spf\":true"

/* What the record must say of them, member by member. */
static const char whole_parts[] =
    "{\"dkim\":["
    "{\"domain\":\"example.com\",\"selector\":\"mail\",\"algorithm\":\"rsa-sha256\",\"bits\":2048,"
    "\"result\":\"pass\",\"aligned_rfc7489\":true,\"aligned_rfc9989\":false,\"reason\":null},"
    "{\"domain\":null,\"selector\":null,\"algorithm\":null,\"bits\":null,"
    "\"result\":\"neutral\",\"aligned_rfc7489\":false,\"aligned_rfc9989\":false,"
    "\"reason\":\"no tags\"}],"
    "\"spf\":["
    "{\"ip\":\"192.0.2.9\",\"identity\":\"mailfrom\",\"domain\":\"example.com\",\"result\":\"pass\","
    "\"aligned_rfc7489\":false,\"aligned_rfc9989\":true,\"lookups\":3},"
    "{\"ip\":\"2001:db8::9\",\"identity\":\"helo\",\"domain\":\"mx.example.com\","
    "\"result\":\"permerror\",\"aligned_rfc7489\":false,\"aligned_rfc9989\":false,\"lookups\":0}],"
    "\"dmarc\":{"
    "\"rfc7489\":{" VERDICT ",\"reason\":\"t=y\"},"
    "\"rfc9989\":{\"org_domain\":null,\"record_domain\":null,\"policy\":null,\"result\":\"none\","
    "\"disposition\":\"none\",\"aligned_dkim\":true,\"aligned_spf\":false},"
    "\"opendmarc\":\"it differs\"}}";

static void fill_authentication(struct fixture *f)
{
	static const struct signature signatures[] = {
		{ .domain = { "example.com", 11 },
		    .selector = { "mail", 4 },
		    .algorithm = { "rsa-sha256", 10 },
		    .bits = 2048,
		    .result = SIGNATURE_PASS },
		{ .result = SIGNATURE_NEUTRAL, .reason = { "no tags", 7 } },
	};
	static const struct alignment_fact alignment[] = {
		{ .aligned = { [DMARC_RFC7489] = true } },
		{ .unknown = true },
	};
	static struct spf_fact spf[] = {
		{ .outcome = { .result = SPF_PASS, .domain = { "example.com", 11 }, .lookups = 3 },
		    .alignment = { .aligned = { [DMARC_RFC9989] = true } } },
		{ .outcome = { .result = SPF_PERMERROR,
		      .domain = { "mx.example.com", 14 },
		      .helo_identity = true } },
	};
	struct authentication *a = add_authentication(f, 0, SLICE("x"));

	ck_assert(ip_parse("192.0.2.9", &spf[0].ip) && ip_parse("2001:db8::9", &spf[1].ip));
	a->signatures = signatures;
	a->signature_alignment = alignment;
	a->signature_count = a->spf_count = 2;
	a->spf = spf;
	a->dmarc[DMARC_RFC7489] = (struct dmarc_verdict){
		.org.name = SLICE("example.com"),
		.record_domain = SLICE("example.com"),
		.policy = DMARC_REJECT,
		.result = DMARC_RESULT_FAIL,
		.disposition = DMARC_QUARANTINE,
		.aligned_spf = true,
		.reason = SLICE("t=y"),
	};
	a->dmarc[DMARC_RFC9989] = (struct dmarc_verdict){ .aligned_dkim = true };
	a->opendmarc = SLICE("it differs");
}

START_TEST(test_authentication)
{
	static const char *const keys[] = { "dkim", "spf", "dmarc" };
	struct fixture f;
	json_t *root, *wanted = parse("wanted", slice_of(whole_parts));

	begin(&f);
	fill(&f);
	fill_authentication(&f);
	root = record(&f, "authentication");
	for (int i = 0; i < 3; i++)
		ck_assert_msg(
		    json_equal(json_object_get(root, keys[i]), json_object_get(wanted, keys[i])),
		    "%s: %s", keys[i], buf_text(&f.out));
	json_decref(root);
	json_decref(wanted);
	buf_reset(&f.out);
	record_text(&f.j, &f.v, &f.facts, RECORD_MAX, &f.out);
	ck_assert_msg(strstr(buf_text(&f.out),
			  " dkim_domain=example.com dkim=pass dkim_domain=\"\" dkim=neutral "
			  "spf_ip=192.0.2.9 spf=pass spf_ip=2001:db8::9 spf=permerror "
			  "dmarc_rfc7489=fail dmarc_rfc9989=none elapsed_us=") != NULL,
	    "%s", buf_text(&f.out));
	end(&f);
}
END_TEST

/* Not evaluated is absent, evaluated and empty is [], and a shorter record has shorter lists. */
START_TEST(test_authentication_absent)
{
	struct authentication *a;
	struct fixture f;
	json_t *root;

	begin(&f);
	fill(&f);
	a = add_authentication(&f, 0, SLICE("x"));
	a->finished = false;
	root = record(&f, "not finished");
	ck_assert(json_object_get(root, "dkim") == NULL && json_object_get(root, "spf") == NULL &&
		  json_object_get(root, "dmarc") == NULL);
	json_decref(root);

	a->finished = true;
	a->spf_evaluated = a->dmarc_evaluated = false;
	root = record(&f, "nothing");
	ck_assert(json_is_array(json_object_get(root, "dkim")));
	ck_assert_uint_eq(json_array_size(json_object_get(root, "dkim")), 0);
	ck_assert(json_object_get(root, "spf") == NULL && json_object_get(root, "dmarc") == NULL);
	json_decref(root);

	a->spf_evaluated = a->dmarc_evaluated = true;
	a->opendmarc.data = NULL;
	root = record(&f, "empty");
	ck_assert_uint_eq(json_array_size(json_object_get(root, "spf")), 0);
	ck_assert(json_is_array(json_object_get(root, "spf")));
	ck_assert(json_object_get(json_object_get(root, "dmarc"), "opendmarc") == NULL);
	json_decref(root);
	f.m->authentication = NULL;
	root = record(&f, "never begun");
	ck_assert(json_object_get(root, "dkim") == NULL);
	json_decref(root);

	add_authentication(&f, 60, SLICE("example.com"));
	buf_reset(&f.out);
	record_json(&f.j, &f.v, &f.facts, RECORD_SYSLOG_MAX, &f.out);
	root = parse("cut", buf_slice(&f.out));
	ck_assert(json_is_true(json_object_get(root, "truncated")));
	ck_assert_uint_eq(json_array_size(json_object_get(root, "dkim")), 10);
	ck_assert_uint_eq(json_array_size(json_object_get(root, "spf")), 10);
	json_decref(root);
	end(&f);
}
END_TEST

/* ---- what a message may try -------------------------------------------------------- */

static const char *const hostile[] = {
	"\"", "\\", "\\\"", "\r\n", "\n{\"v\":1}\n", "\t", "\xc3", "\xe2\x80\xa8", "\xe2\x80\xa9",
	"\xe2\x80\xae", "\xef\xbb\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x93\xa7",
	"\"}],\"verdict\":\"accept\",\"x\":[{\"y\":\"", "\" verdict=accept \"", " verdict=accept ",
	"</script>", "\x1b[2J", "%s%n", "=?utf-8?q?=0a?= <a@example.com>", ",,,,", "(((", "<<<>>>",
};

/* A message that says the same unfriendly thing everywhere. */
static void fill_hostile(struct fixture *f, struct slice text)
{
	struct transaction *t = &f->m->transaction;
	struct finding *finding;

	t->class = CLASS_SUBMITTER;
	t->login = t->helo = t->queue_id = f->facts.file = text;
	message_set_mail(f->m, text);
	message_add_rcpt(f->m, text);
	message_add_field(f->m, SLICE("Message-ID"), text);
	message_add_field(f->m, text, text);
	add_header(f, text);
	f->m->rcpt_domains = arena_alloc(f->arena, sizeof *f->m->rcpt_domains);
	f->m->rcpt_domains[0] = text;
	f->m->rcpt_domain_count = 1;
	finding = add_finding(f, "from.ambiguous", ACTION_REJECT);
	finding->field = "From";
	finding->token = finding->reason = finding->fix = text;
	add_authentication(f, 1, text);
	judge_stage(&f->j, STAGE_MAIL, NULL);
	judge_stage(&f->j, STAGE_EOH, NULL);
	f->v = judge_decide(&f->j, STAGE_EOM);
}

/* No octet that ends a line, rings a bell or is no UTF-8. */
static void expect_one_line(const char *label, struct slice line)
{
	struct buf escaped;

	buf_init(&escaped, 10 * RECORD_MAX);
	utf8_escape(&escaped, line);
	if (!slice_equal(buf_slice(&escaped), line))
		ck_abort_msg("%s: not fit for a log: %s", label, buf_text(&escaped));
	buf_free(&escaped);
}

/* The text form: pairs key=value, values bare or quoted; returns how many pairs are called name. */
static size_t count_pairs(const char *label, struct slice line, const char *name)
{
	size_t at = 0, count = 0;

	while (at < line.len) {
		size_t begin = at;

		while (at < line.len && line.data[at] >= 'a' && line.data[at] <= 'z')
			at++;
		while (at < line.len && (line.data[at] == '_' ||
					    (line.data[at] >= '0' && line.data[at] <= '9') ||
					    (line.data[at] >= 'a' && line.data[at] <= 'z')))
			at++;
		ck_assert_msg(at > begin && at < line.len && line.data[at] == '=',
		    "%s: no pair at %zu in %.*s", label, begin, SLICE_ARG(line));
		count += slice_equal(slice_part(line, begin, at), slice_of(name));
		at++;
		if (at < line.len && line.data[at] == '"') {
			for (at++; at < line.len && line.data[at] != '"'; at++)
				at += line.data[at] == '\\';
			ck_assert_msg(at < line.len, "%s: open quote in %.*s", label,
			    SLICE_ARG(line));
			at++;
		} else {
			while (at < line.len && line.data[at] != ' ')
				at++;
		}
		ck_assert_msg(at == line.len || line.data[at] == ' ', "%s: junk at %zu in %.*s",
		    label, at, SLICE_ARG(line));
		at++;
	}
	return count;
}

static void expect_unforged(const char *label, struct slice text)
{
	struct fixture f;
	json_t *root, *findings;

	begin(&f);
	fill_hostile(&f, text);
	root = record(&f, label);
	expect_one_line(label, buf_slice(&f.out));
	ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "reject");
	findings = json_object_get(root, "findings");
	ck_assert_uint_eq(json_array_size(findings), f.j.findings.count);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(findings, 0), "check")),
	    "from.ambiguous");
	json_decref(root);
	buf_reset(&f.out);
	record_text(&f.j, &f.v, &f.facts, RECORD_MAX, &f.out);
	expect_one_line(label, buf_slice(&f.out));
	ck_assert_msg(count_pairs(label, buf_slice(&f.out), "verdict") == 1,
	    "%s: more than one verdict: %s", label, buf_text(&f.out));
	end(&f);
}

START_TEST(test_hostile)
{
	struct slice text = exact_text(hostile[_i]);

	expect_unforged(hostile[_i], text);
	exact_free(text);
}
END_TEST

START_TEST(test_every_octet)
{
	char label[40];
	char alone = (char)_i;
	char among[] = { ' ', 'a', alone, '"', alone, ' ', '<', 'a', '@', 'b', '.', 'c', '>' };
	struct slice one = exact(&alone, 1), several = exact(among, sizeof among);

	snprintf(label, sizeof label, "octet %d", _i);
	expect_unforged(label, one);
	expect_unforged(label, several);
	exact_free(one);
	exact_free(several);
}
END_TEST

/* from_raw gives the octets back, as far as they are fit to be shown. */
START_TEST(test_from_raw)
{
	struct fixture f;
	json_t *root;

	begin(&f);
	add_header(&f, SLICE(" a\r\n\t\"b\\c\"\x01 <a@example.com>"));
	root = record(&f, "from_raw");
	ck_assert_str_eq(json_string_value(json_object_get(root, "from_raw")),
	    " a\r\n\t\"b\\c\"\\x01 <a@example.com>");
	json_decref(root);
	end(&f);
}
END_TEST

/* ---- ceilings ------------------------------------------------------------------------ */

enum { LONG = 40000 };

/* More of everything than fits: one octet over and over, in every value. */
static void fill_long(struct fixture *f, char octet)
{
	char *data = arena_alloc(f->arena, LONG);
	struct slice text = { data, LONG };

	memset(data, octet, LONG);
	fill_hostile(f, text);
	f->m->rcpt_domains = arena_alloc(f->arena, MESSAGE_DOMAINS_MAX * sizeof(struct slice));
	f->m->rcpt_domain_count = MESSAGE_DOMAINS_MAX;
	for (size_t i = 0; i < MESSAGE_DOMAINS_MAX; i++)
		f->m->rcpt_domains[i] = text;
	f->j.findings.count = 0;
	f->j.findings.list = NULL;
	for (size_t i = 0; i < FINDINGS_MAX; i++) {
		struct finding *finding = add_finding(f, "from.length", ACTION_LOG);

		finding->token = finding->reason = finding->fix = text;
	}
	f->j.findings.list[FINDINGS_MAX - 1].action = ACTION_REJECT;
	add_authentication(f, SIGNATURES_KEPT, text);
	f->v = judge_decide(&f->j, STAGE_EOM);
	f->facts.elapsed_us = 9223372036854775807LL;
}

START_TEST(test_ceilings)
{
	static const char octets[] = { 'a', '"', '\0', '\n', '\xff', '<', ',' };
	struct fixture f;

	begin(&f);
	fill_long(&f, octets[_i]);
	for (size_t ceiling = RECORD_MIN; ceiling <= 8000; ceiling += ceiling < 320 ? 1 : 73) {
		json_t *root;

		buf_reset(&f.out);
		buf_add_text(&f.out, "before ");
		record_json(&f.j, &f.v, &f.facts, ceiling, &f.out);
		ck_assert_msg(f.out.len <= 7 + ceiling, "%zu octets, ceiling %zu", f.out.len - 7,
		    ceiling);
		ck_assert(!f.out.truncated && memcmp(f.out.data, "before ", 7) == 0);
		root = parse("ceiling", slice_part(buf_slice(&f.out), 7, f.out.len));
		ck_assert(json_is_true(json_object_get(root, "truncated")));
		ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "reject");
		ck_assert(json_is_string(json_object_get(root, "from_raw")));
		ck_assert(json_is_array(json_object_get(root, "findings")));
		json_decref(root);
		buf_reset(&f.out);
		record_text(&f.j, &f.v, &f.facts, ceiling, &f.out);
		ck_assert_msg(f.out.len <= ceiling && !f.out.truncated, "text of %zu, ceiling %zu",
		    f.out.len, ceiling);
		ck_assert_uint_eq(count_pairs("ceiling", buf_slice(&f.out), "truncated"), 1);
	}
	end(&f);
}
END_TEST

/* What does not fit on syslog still tells who decided, with reason and reply. */
START_TEST(test_cut_keeps_the_decision)
{
	struct fixture f;
	json_t *root, *findings, *last, *reply;

	begin(&f);
	fill_long(&f, 'a');
	record_json(&f.j, &f.v, &f.facts, RECORD_SYSLOG_MAX, &f.out);
	root = parse("cut", buf_slice(&f.out));
	findings = json_object_get(root, "findings");
	ck_assert_uint_ge(json_array_size(findings), 2);
	last = json_array_get(findings, json_array_size(findings) - 1);
	ck_assert_str_eq(json_string_value(json_object_get(last, "action")), "reject");
	ck_assert(strstr(json_string_value(json_object_get(last, "reason")), "aaaa…") != NULL);
	reply = json_object_get(root, "reply");
	ck_assert_int_eq(json_integer_value(json_object_get(reply, "code")), 550);
	json_decref(root);
	end(&f);
}
END_TEST

/* Lists are shortened before they are given up, and the buffer is given back as it was. */
START_TEST(test_cut_keeps_lists)
{
	struct fixture f;
	struct buf from;
	json_t *root, *domains;

	begin(&f);
	buf_init(&from, LONG);
	for (int i = 0; i < FROM_MAILBOXES_MAX; i++)
		buf_printf(&from, "%s author-%d@example.com", i > 0 ? "," : "", i);
	message_set_mail(f.m, SLICE("<author-0@example.com>"));
	for (int i = 0; i < MESSAGE_DOMAINS_MAX; i++) {
		char rcpt[40];

		snprintf(rcpt, sizeof rcpt, "<user@domain-%d.example.net>", i);
		message_add_rcpt(f.m, slice_of(rcpt));
	}
	add_header(&f, buf_slice(&from));
	f.v = judge_decide(&f.j, STAGE_EOM);
	record_json(&f.j, &f.v, &f.facts, 3000, &f.out);
	ck_assert_uint_eq(f.out.ceiling, RECORD_MAX);
	root = parse("lists", buf_slice(&f.out));
	ck_assert(json_is_true(json_object_get(root, "truncated")));
	ck_assert_uint_eq(json_array_size(json_object_get(root, "authors")), 10);
	domains = json_object_get(json_object_get(root, "envelope"), "rcpt_domains");
	ck_assert_uint_eq(json_array_size(domains), 10);
	json_decref(root);
	buf_reset(&f.out);
	record_text(&f.j, &f.v, &f.facts, 1000, &f.out);
	ck_assert_uint_eq(f.out.ceiling, RECORD_MAX);
	ck_assert_uint_eq(count_pairs("lists", buf_slice(&f.out), "rcpt_domain"), 10);
	buf_free(&from);
	end(&f);
}
END_TEST

/* A record that fits is left whole; one octet less and it is not. */
START_TEST(test_fits_exactly)
{
	struct fixture f;
	size_t whole;
	json_t *root;

	begin(&f);
	fill(&f);
	root = record(&f, "whole");
	whole = f.out.len;
	ck_assert(json_object_get(root, "truncated") == NULL);
	json_decref(root);
	buf_reset(&f.out);
	record_json(&f.j, &f.v, &f.facts, whole, &f.out);
	ck_assert_uint_eq(f.out.len, whole);
	buf_reset(&f.out);
	record_json(&f.j, &f.v, &f.facts, whole - 1, &f.out);
	ck_assert_uint_lt(f.out.len, whole);
	root = parse("one octet less", buf_slice(&f.out));
	ck_assert(json_is_true(json_object_get(root, "truncated")));
	json_decref(root);
	f.j.findings.dropped = 1;
	root = record(&f, "findings dropped");
	ck_assert(json_is_true(json_object_get(root, "truncated")));
	json_decref(root);
	end(&f);
}
END_TEST

/* ---- as text --------------------------------------------------------------------------- */

START_TEST(test_whole_text)
{
	struct fixture f;

	begin(&f);
	fill(&f);
	add_finding(&f, "from.impersonates", ACTION_LOG)->result = FINDING_UNKNOWN;
	f.v = judge_decide(&f.j, STAGE_EOM);
	record_text(&f.j, &f.v, &f.facts, RECORD_SYSLOG_MAX, &f.out);
	expect_slice("daemon", "text", buf_slice(&f.out),
	    "time=2026-11-22T05:00:00.123Z queue_id=4C1aBcD message_id=<1@example.com> "
	    "class=authenticated mode=audit verdict=reject action=accept code=550 enhanced=5.1.7 "
	    "from=john@example.com mail_from=john@example.com rcpt_domain=example.net "
	    "rcpt_domain=example.org auth=ann client=192.0.2.1 helo=desk.example.com "
	    "fail=from.display-name unknown=from.impersonates check=from.display-name offset=4 "
	    "token=, reason=\"a reason\" fix=\"quote \\\"it\\\"\" elapsed_us=812");
	end(&f);
}
END_TEST

/* The null sender is an empty value, and an empty value is in quotes. */
START_TEST(test_early_text)
{
	struct fixture f;

	begin(&f);
	message_set_mail(f.m, SLICE("<>"));
	f.v = judge_decide(&f.j, STAGE_MAIL);
	record_text(&f.j, &f.v, &f.facts, RECORD_MAX, &f.out);
	expect_slice("early", "text", buf_slice(&f.out),
	    "time=2026-11-22T05:00:00.123Z class=none mode=audit verdict=accept action=accept "
	    "mail_from=\"\" elapsed_us=812");
	end(&f);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_string, 0, ROWS(strings));
	tcase_add_test(tc, test_writer);
	tcase_add_test(tc, test_whole_record);
	tcase_add_test(tc, test_bare_record);
	tcase_add_test(tc, test_early_record);
	tcase_add_test(tc, test_authors);
	tcase_add_test(tc, test_time);
	tcase_add_test(tc, test_authentication);
	tcase_add_test(tc, test_authentication_absent);
	tcase_add_loop_test(tc, test_hostile, 0, ROWS(hostile));
	tcase_add_loop_test(tc, test_every_octet, 0, 256);
	tcase_add_test(tc, test_from_raw);
	tcase_add_loop_test(tc, test_ceilings, 0, 7);
	tcase_add_test(tc, test_cut_keeps_the_decision);
	tcase_add_test(tc, test_cut_keeps_lists);
	tcase_add_test(tc, test_fits_exactly);
	tcase_add_test(tc, test_whole_text);
	tcase_add_test(tc, test_early_text);
	suite_add_tcase(suite, tc);
	return suite;
}
