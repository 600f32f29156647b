/*
 * test_log.c - what `presend address --from-log` reads: JSON members, lines of
 * logs, pairs, logins by queue id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tools/json_members.h"
#include "tools/log_entry.h"
#include "tools/pairs.h"
#include "tools/queue_logins.h"
#include "unit.h"

/* ---- JSON ----------------------------------------------------------------------- */

#define TEN_ARRAYS "[[[[[[[[[["
#define TEN_ENDS   "]]]]]]]]]]"

/* Wanted: a.b and c.d, as "b|d", "-" for what is not there; "!": no JSON. */
static const struct {
	const char *label, *text, *wanted;
} json_rows[] = {
	{ "both", "{\"a\":{\"b\":\"1\"},\"c\":{\"d\":\"2\"}}", "1|2" },
	{ "blanks", " { \"a\" : { \"b\" : \"1\" } ,\t\"c\"\r\n:{} } ", "1|-" },
	{ "nothing", "{}", "-|-" },
	{ "empty string", "{\"a\":{\"b\":\"\"}}", "|-" },
	{ "other types", "{\"a\":{\"b\":1},\"c\":{\"d\":null}}", "-|-" },
	{ "one level too high", "{\"b\":\"1\",\"a\":\"1\"}", "-|-" },
	{ "one level too deep", "{\"a\":{\"b\":{\"b\":\"1\"}},\"x\":{\"a\":{\"b\":\"1\"}}}",
	    "-|-" },
	{ "in an array", "{\"a\":[{\"b\":\"1\"}],\"c\":[\"d\",\"e\"]}", "-|-" },
	{ "array in it", "{\"a\":{\"b\":[\"1\"]}}", "-|-" },
	{ "behind others", "{\"x\":[1,{\"y\":[]}],\"a\":{\"x\":{\"b\":\"0\"},\"b\":\"1\"}}",
	    "1|-" },
	{ "values of all kinds",
	    "{\"a\":{\"b\":\"1\",\"n\":[0,-0,12,1.5,-1.25e+3,1E9,1e-2,true,false,"
	    "null,\"\",{},[]]}}",
	    "1|-" },
	{ "escapes", "{\"a\":{\"b\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}}", "\"\\/\b\f\n\r\t|-" },
	{ "code points", "{\"a\":{\"b\":\"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00\"}}",
	    "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80|-" },
	{ "escaped name", "{\"\\u0061\":{\"b\":\"1\"}}", "1|-" },
	{ "UTF-8", "{\"a\":{\"b\":\"\xc3\xa9\"}}", "\xc3\xa9|-" },
	{ "deep", "{\"x\":" TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS TEN_ENDS TEN_ENDS TEN_ENDS "}",
	    "-|-" },
	{ "too deep",
	    "{\"x\":" TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS TEN_ARRAYS
		TEN_ENDS TEN_ENDS TEN_ENDS TEN_ENDS TEN_ENDS TEN_ENDS TEN_ENDS "}",
	    "!" },
	{ "nothing at all", "", "!" },
	{ "an array", "[]", "!" },
	{ "a string", "\"a\"", "!" },
	{ "cut", "{\"a\":{\"b\":\"1\"", "!" },
	{ "cut in a string", "{\"a\":{\"b\":\"1", "!" },
	{ "cut in an escape", "{\"a\":{\"b\":\"\\u12", "!" },
	{ "cut behind a backslash", "{\"a\":{\"b\":\"\\", "!" },
	{ "two texts", "{\"a\":{\"b\":\"1\"}}{}", "!" },
	{ "trailing comma", "{\"a\":{\"b\":\"1\",}}", "!" },
	{ "trailing comma in an array", "{\"x\":[1,]}", "!" },
	{ "comma missing", "{\"a\":{\"b\":\"1\"} \"c\":{}}", "!" },
	{ "colon missing", "{\"a\" {\"b\":\"1\"}}", "!" },
	{ "name without quotes", "{a:{\"b\":\"1\"}}", "!" },
	{ "single quotes", "{'a':1}", "!" },
	{ "closed by the other bracket", "{\"a\":{\"b\":\"1\"]}", "!" },
	{ "unknown escape", "{\"a\":{\"b\":\"\\x41\"}}", "!" },
	{ "bad digit", "{\"a\":{\"b\":\"\\u00g1\"}}", "!" },
	{ "first half alone", "{\"a\":{\"b\":\"\\ud83d\"}}", "!" },
	{ "first half and another", "{\"a\":{\"b\":\"\\ud83d\\u0041\"}}", "!" },
	{ "second half alone", "{\"a\":{\"b\":\"\\ude00\"}}", "!" },
	{ "control character", "{\"a\":{\"b\":\"1\n\"}}", "!" },
	{ "invalid UTF-8", "{\"a\":{\"b\":\"\xff\"}}", "!" },
	{ "twice", "{\"a\":{\"b\":\"1\",\"b\":\"1\"}}", "!" },
	{ "twice around", "{\"a\":{\"b\":\"1\"},\"a\":{\"b\":\"2\"}}", "!" },
	{ "leading zero", "{\"x\":01}", "!" },
	{ "plus", "{\"x\":+1}", "!" },
	{ "no digit behind the point", "{\"x\":1.}", "!" },
	{ "no digit before the point", "{\"x\":.1}", "!" },
	{ "no exponent", "{\"x\":1e}", "!" },
	{ "half a word", "{\"x\":tru}", "!" },
	{ "a word too long", "{\"x\":nulls}", "!" },
	{ "no value", "{\"x\":}", "!" },
};

static void show_value(struct buf *out, struct slice value)
{
	if (value.data == NULL)
		buf_add_char(out, '-');
	buf_add_slice(out, value);
}

START_TEST(members)
{
	struct json_member wanted[] = { { .object = "a", .name = "b" },
		{ .object = "c", .name = "d" } };
	struct slice text = exact_text(json_rows[_i].text);
	struct arena *arena = arena_new();
	struct buf shown;

	buf_init(&shown, 1000);
	if (json_members_find(arena, text, wanted, 2)) {
		show_value(&shown, wanted[0].value);
		buf_add_char(&shown, '|');
		show_value(&shown, wanted[1].value);
	} else {
		buf_add_char(&shown, '!');
	}
	expect_slice(json_rows[_i].label, "members", buf_slice(&shown), json_rows[_i].wanted);
	buf_free(&shown);
	arena_free(arena);
	exact_free(text);
}
END_TEST

START_TEST(members_nul)
{
	struct json_member wanted = { .object = "a", .name = "b" };
	const char escaped[] = "{\"a\":{\"b\":\"1\\u00002\"}}", bare[] = "{\"a\":{\"b\":\"1\0\"}}";
	struct arena *arena = arena_new();

	ck_assert(json_members_find(arena, slice_of(escaped), &wanted, 1));
	ck_assert_uint_eq(wanted.value.len, 3);
	ck_assert_mem_eq(wanted.value.data, "1\0002", 3);
	ck_assert(!json_members_find(arena, (struct slice){ bare, sizeof bare - 1 }, &wanted, 1));
	arena_free(arena);
}
END_TEST

/* ---- lines ---------------------------------------------------------------------- */

#define AT       "Nov 22 05:00:00 mx "
#define SMTPD    AT "postfix/submission/smtpd[7]: "
#define QMGR     AT "postfix/qmgr[8]: "
#define OURS     AT "presend-milter[9]: "
#define RECORD   "{\"v\":1,\"author\":{\"address\":\"a@b.example\"},\"envelope\":{\"auth\":\"joe\"}}"
#define NO_LOGIN "{\"v\":1,\"author\":{\"address\":\"a@b.example\"},\"envelope\":{}}"

/* Wanted: kind and what is there of queue id, address, login. */
static const struct {
	const char *label, *line, *wanted;
} line_rows[] = {
	{ "client", SMTPD "4C1: client=c[192.0.2.1], sasl_method=PLAIN, sasl_username=joe",
	    "client id=4C1 login=joe" },
	{ "client without login", SMTPD "4C1: client=c[192.0.2.1]", "client id=4C1" },
	{ "client, another sender",
	    SMTPD "4C1: client=c[::1], sasl_method=PLAIN,"
		  " sasl_username=joe, sasl_sender=x",
	    "client id=4C1 login=joe" },
	{ "client, handed on",
	    SMTPD "4C1: client=c[::1], sasl_method=PLAIN,"
		  " sasl_username=joe, orig_queue_id=5, orig_client=y",
	    "client id=4C1 login=joe" },
	{ "login with blanks", SMTPD "4C1: client=c[::1], sasl_username=a, b c",
	    "client id=4C1 login=a, b c" },
	{ "login last thing and empty",
	    SMTPD "4C1: client=c[::1], sasl_username=", "client id=4C1" },
	{ "ISO time", "2026-11-22T05:00:00.1+00:00 mx postfix/smtpd[7]: 4C1: client=c[::1]",
	    "client id=4C1" },
	{ "another instance", AT "postfix-out/smtpd[7]: 4C1: client=c[::1]", "client id=4C1" },
	{ "without a process", AT "postfix/smtpd: 4C1: client=c[::1]", "client id=4C1" },
	{ "long id", SMTPD "4bQ3Jv0Zz9zXx: client=c[::1]", "client id=4bQ3Jv0Zz9zXx" },
	{ "sender", QMGR "4C1: from=<a@b.example>, size=1, nrcpt=1 (queue active)",
	    "sender id=4C1 address=a@b.example" },
	{ "null sender", QMGR "4C1: from=<>, size=1, nrcpt=1 (queue active)",
	    "sender id=4C1 address=" },
	{ "sender that looks like a line",
	    QMGR "4C1: from=<\"x>, size=1, nrcpt=1 \"@b.example>, size=2, nrcpt=1 (queue active)",
	    "sender id=4C1 address=\"x>, size=1, nrcpt=1 \"@b.example" },
	{ "sender without an end", QMGR "4C1: from=<a@b.example>, status=expired", "nothing" },
	{ "removed", QMGR "4C1: removed", "removed id=4C1" },
	{ "removed and more", QMGR "4C1: removed, or not", "nothing" },
	{ "no queue id", SMTPD "NOQUEUE: client=c[::1]", "nothing" },
	{ "refused", SMTPD "NOQUEUE: reject: RCPT from c[::1]: 550 x; from=<a@b.example>, size=1",
	    "nothing" },
	{ "words of smtpd", SMTPD "connect from c[::1]", "nothing" },
	{ "a sender in the words of smtpd", SMTPD "4C1: from=<a@b.example>, size=1", "nothing" },
	{ "a client in those of qmgr", QMGR "4C1: client=c[::1], sasl_username=joe", "nothing" },
	{ "a client in those of cleanup",
	    AT "postfix/cleanup[7]: 4C1: client=c[::1], sasl_username=joe", "nothing" },
	{ "the line of another program",
	    AT "app[1]: postfix/qmgr[8]: 4C1: from=<a@b.example>, size=1", "nothing" },
	{ "a program called qmgr", AT "qmgr[8]: 4C1: removed", "nothing" },
	{ "empty", "", "nothing" },
	{ "colon alone", ": ", "nothing" },
	{ "tag alone", "postfix/qmgr[8]: ", "nothing" },
	{ "tag without time", "postfix/qmgr[8]: 4C1: removed", "removed id=4C1" },

	{ "record", RECORD, "record address=a@b.example login=joe" },
	{ "record without login", NO_LOGIN, "record address=a@b.example" },
	{ "record in syslog", OURS RECORD, "record address=a@b.example login=joe" },
	{ "record of somebody else", AT "app[9]: " RECORD, "nothing" },
	{ "record inside words", OURS "note: " RECORD, "nothing" },
	{ "record of several authors", "{\"v\":1,\"authors\":[{\"address\":\"a@b.example\"}]}",
	    "nothing" },
	{ "half a record", OURS "{\"v\":1,\"author\":{\"address\":\"a@b.example\"}", "cut" },
	{ "record with a cut address", "{\"author\":{\"address\":\"aaaaaaaaaaaaaa…\"}}", "cut" },
	{ "record with a cut login",
	    "{\"author\":{\"address\":\"a@b.example\"},\"envelope\":{\"auth\":\"jjjjjjj…\"}}",
	    "cut" },
	{ "words of ours", OURS "ready, mode audit, as user presend", "nothing" },

	{ "text", "time=2026-11-22T05:00:00.123Z from=a@b.example mail_from=x@y.example auth=joe",
	    "record address=a@b.example login=joe" },
	{ "text in syslog", OURS "time=1 from=a@b.example elapsed_us=1",
	    "record address=a@b.example" },
	{ "text, quoted", "time=1 from=\"\\\"a b\\\"@b.example\" auth=\"j\\\\ oe\"",
	    "record address=\"a b\"@b.example login=j\\ oe" },
	{ "text, a pair inside quotes", "time=1 token=\"x from=no@b.example\" from=a@b.example",
	    "record address=a@b.example" },
	{ "text, the first counts", "time=1 from=a@b.example from=no@b.example",
	    "record address=a@b.example" },
	{ "text without author", "time=1 from_raw=x auth=joe", "nothing" },
	{ "text, cut", "time=1 from=\"aaaaaa…\"", "cut" },
	{ "text, quotes open", "time=1 from=\"a@b.example", "cut" },
	{ "text, quotes open behind a backslash", "time=1 from=\"a@b.example\\\"", "cut" },
	{ "text, more behind quotes", "time=1 from=\"a@b.example\"x", "cut" },
	{ "text, quote inside", "time=1 from=a\"@b.example", "cut" },
	{ "text, no value", "time=1 from=", "cut" },
	{ "text, no key", "time=1 =x", "cut" },
	{ "text, no pair", "time=1 from", "cut" },
};

static void show_part(struct buf *out, const char *name, struct slice value, bool empty_too)
{
	if (value.data == NULL || (value.len == 0 && !empty_too))
		return;
	buf_printf(out, " %s=", name);
	buf_add_slice(out, value);
}

START_TEST(lines)
{
	static const char *const kinds[] = { "nothing", "record", "cut", "client", "sender",
		"removed" };
	struct slice line = exact_text(line_rows[_i].line);
	struct arena *arena = arena_new();
	struct log_entry e = log_entry_read(arena, line);
	struct buf shown;

	buf_init(&shown, 1000);
	buf_add_text(&shown, kinds[e.kind]);
	if (e.kind != LOG_NOTHING && e.kind != LOG_CUT) {
		show_part(&shown, "id", e.queue_id, true);
		show_part(&shown, "address", e.address, true);
		show_part(&shown, "login", e.login, false);
	}
	expect_slice(line_rows[_i].label, "entry", buf_slice(&shown), line_rows[_i].wanted);
	buf_free(&shown);
	arena_free(arena);
	exact_free(line);
}
END_TEST

/* ---- pairs ---------------------------------------------------------------------- */

START_TEST(pairs_count)
{
	struct pairs *p = pairs_new();
	struct pair *const *list;
	size_t count;

	ck_assert(pairs_add(p, "From", SLICE("a@b"), SLICE("joe")));
	ck_assert(pairs_add(p, "From", SLICE("c@d"), SLICE("")));
	ck_assert(pairs_add(p, "From", SLICE("A@B"), SLICE("Joe")));
	ck_assert(pairs_add(p, "MAIL FROM", SLICE("a@b"), SLICE("joe")));
	ck_assert(pairs_add(p, "From", SLICE("a@b"), SLICE("jo")));
	/* where one text ends and the other begins matters */
	ck_assert(pairs_add(p, "From", SLICE("a@bj"), SLICE("oe")));
	list = pairs_sorted(p, &count);
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(list[0]->count, 2);
	expect_slice("first", "address", list[0]->address, "a@b");
	expect_slice("first", "login", list[0]->login, "joe");
	expect_slice("second", "address", list[1]->address, "c@d");
	ck_assert_str_eq(list[2]->field, "MAIL FROM");
	expect_slice("last", "address", list[4]->address, "a@bj");
	pairs_free(p);
}
END_TEST

START_TEST(pairs_ceiling)
{
	struct pairs *p = pairs_new();
	char address[40];
	size_t count, known = 0;

	for (int i = 0; i < PAIRS_MAX + 10; i++) {
		snprintf(address, sizeof address, "a%d@b.example", i);
		known += pairs_add(p, "From", slice_of(address), SLICE(""));
	}
	ck_assert_uint_eq(known, PAIRS_MAX);
	ck_assert(pairs_add(p, "From", SLICE("a7@b.example"), SLICE("")));
	ck_assert_uint_eq(pairs_sorted(p, &count)[0]->count, 2);
	ck_assert_uint_eq(count, PAIRS_MAX);
	pairs_free(p);
}
END_TEST

START_TEST(pairs_octets)
{
	enum { LONG = 1024 * 1024 };
	struct pairs *p = pairs_new();
	char *text = calloc(1, LONG);
	size_t known = 0;

	memset(text, 'a', LONG);
	for (int i = 0; i < 100; i++) {
		text[0] = (char)i;
		known += pairs_add(p, "From", (struct slice){ text, LONG }, SLICE(""));
	}
	ck_assert_uint_lt(known, PAIRS_OCTETS_MAX / LONG + 1);
	ck_assert_uint_gt(known, PAIRS_OCTETS_MAX / LONG / 2);
	free(text);
	pairs_free(p);
}
END_TEST

/* ---- logins by queue id --------------------------------------------------------- */

static void expect_sent(struct queue_logins *q, const char *id, bool first, const char *login)
{
	struct slice got;

	ck_assert_msg(queue_logins_sent(q, slice_of(id), &got) == first, "%s: first", id);
	expect_slice(id, "login", got, login);
}

START_TEST(queue)
{
	struct queue_logins *q = queue_logins_new();

	queue_logins_begin(q, SLICE("1"), SLICE("joe"));
	queue_logins_begin(q, SLICE("2"), SLICE(""));
	queue_logins_begin(q, SLICE("12"), SLICE("eve"));
	expect_sent(q, "1", true, "joe");
	expect_sent(q, "1", false, "joe"); /* put off */
	expect_sent(q, "2", true, "");
	expect_sent(q, "3", true, ""); /* its client was in another file */
	expect_sent(q, "3", false, "");
	expect_sent(q, "12", true, "eve");
	queue_logins_forget(q, SLICE("1"));
	queue_logins_forget(q, SLICE("none"));
	expect_sent(q, "1", true, "");
	queue_logins_begin(q, SLICE("1"), SLICE("ann")); /* used again */
	expect_sent(q, "1", true, "ann");
	queue_logins_forget(q, SLICE("1"));
	expect_sent(q, "1", true, ""); /* of one id there is one message */
	queue_logins_free(q);
}
END_TEST

START_TEST(queue_limits)
{
	struct queue_logins *q = queue_logins_new();
	char id[2 * QUEUE_ID_MAX], login[QUEUE_LOGIN_MAX + 2];
	struct slice got;

	memset(id, '1', sizeof id);
	ck_assert(!queue_logins_sent(q, (struct slice){ id, QUEUE_ID_MAX + 1 }, &got));
	queue_logins_begin(q, (struct slice){ id, QUEUE_ID_MAX + 1 }, SLICE("joe"));
	ck_assert(queue_logins_sent(q, (struct slice){ id, QUEUE_ID_MAX }, &got));
	ck_assert(!queue_logins_sent(q, SLICE(""), &got));
	memset(login, 'a', sizeof login);
	queue_logins_begin(q, SLICE("2"), (struct slice){ login, QUEUE_LOGIN_MAX + 1 });
	expect_sent(q, "2", true, "");
	queue_logins_begin(q, SLICE("first"), SLICE("joe"));
	for (int i = 0; i < QUEUE_LOGINS_MAX - 1; i++) {
		snprintf(id, sizeof id, "x%d", i);
		queue_logins_begin(q, slice_of(id), SLICE("eve"));
	}
	expect_sent(q, "first", true, "joe");
	queue_logins_begin(q, SLICE("one too many"), SLICE("eve"));
	expect_sent(q, "first", true, ""); /* forgotten */
	queue_logins_free(q);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tests = tcase_create("log");

	tcase_add_loop_test(tests, members, 0, ROWS(json_rows));
	tcase_add_test(tests, members_nul);
	tcase_add_loop_test(tests, lines, 0, ROWS(line_rows));
	tcase_add_test(tests, pairs_count);
	tcase_add_test(tests, pairs_ceiling);
	tcase_add_test(tests, pairs_octets);
	tcase_add_test(tests, queue);
	tcase_add_test(tests, queue_limits);
	suite_add_tcase(suite, tests);
	return suite;
}
