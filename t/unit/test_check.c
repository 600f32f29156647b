/* test_check.c - the table of checks over real messages: what is found, and where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "check/check.h"
#include "unit.h"

enum { SHOWN_MAX = 1024 * 1024 };

static const struct check_selection all;

/* "check [unknown] [log] OFFSET [TOKEN]", with "-" where there is no octet. */
static void show_finding(struct buf *out, const struct finding *f)
{
	static const char *const results[] = {
		[FINDING_FAIL] = "",
		[FINDING_UNKNOWN] = " unknown",
		[FINDING_PASS] = " pass",
		[FINDING_SKIPPED] = " skipped",
	};

	buf_printf(out, "%s%s%s%s", out->len > 0 ? "; " : "", f->check->name, results[f->result],
	    f->at_most == ACTION_LOG ? " log" : "");
	if (f->has_offset)
		buf_printf(out, " %zu", f->offset);
	else
		buf_add_text(out, " -");
	if (f->token.len > 0) {
		buf_add_text(out, " [");
		utf8_escape(out, f->token);
		buf_add_char(out, ']');
	}
}

static void expect_findings(const char *label, const struct findings *findings, const char *wanted)
{
	struct buf out;

	buf_init(&out, SHOWN_MAX);
	for (size_t i = 0; i < findings->count; i++)
		show_finding(&out, &findings->list[i]);
	expect_slice(label, "list of findings", buf_slice(&out), wanted);
	buf_free(&out);
}

static void add_field(struct message *m, const char *name, struct slice body)
{
	struct slice copy = exact(body.data, body.len);

	message_add_field(m, slice_of(name), copy);
	exact_free(copy);
}

/* ---- the table ----------------------------------------------------------------- */

static const struct {
	const char *name, *stage, *action, *enhanced;
	bool own;
} contract[] = {
	{ "envelope.sender-syntax", "mail", "reject", "5.1.7", false },
	{ "envelope.sender-domain", "mail", "reject", "5.1.8", false },
	{ "envelope.sender-mailbox", "mail", "log", "5.1.0", false },
	{ "envelope.sender-login", "mail", "log", "5.7.1", false },
	{ "envelope.recipient-syntax", "rcpt", "log", "5.1.3", false },
	{ "from.missing", "eoh", "reject", "5.7.1", false },
	{ "from.duplicate", "eoh", "reject", "5.7.1", false },
	{ "from.syntax", "eoh", "reject", "5.1.7", false },
	{ "from.display-name", "eoh", "reject", "5.1.7", false },
	{ "from.obsolete", "eoh", "log", "5.1.7", false },
	{ "from.encoded-word", "eoh", "reject", "5.1.7", false },
	{ "from.multiple", "eoh", "reject", "5.7.1", false },
	{ "from.group", "eoh", "reject", "5.7.1", false },
	{ "from.length", "eoh", "reject", "5.1.7", false },
	{ "from.domain", "eoh", "reject", "5.1.8", false },
	{ "from.ambiguous", "eoh", "reject", "5.7.1", false },
	{ "from.impersonates", "eoh", "log", "5.7.1", false },
	{ "from.resolves", "eom", "reject", "5.1.8", false },
	{ "from.mailbox", "eom", "flag", "5.1.0", false },
	{ "from.foreign", "eom", "log", "5.7.1", false },
	{ "from.login", "eom", "log", "5.7.1", false },
	{ "from.identity", "eom", "log", "5.7.1", false },
	{ "dkim.signed", "eom", "reject", "5.7.22", true },
	{ "dkim.valid", "eom", "reject", "5.7.20", true },
	{ "dkim.key", "eom", "reject", "5.7.20", true },
	{ "dkim.coverage", "eom", "log", "5.7.20", false },
	{ "dkim.survival", "eom", "log", "5.6.0", false },
	{ "spf.egress", "eom", "log", "5.7.23", false },
	{ "spf.record", "eom", "log", "5.7.24", false },
	{ "dmarc.record", "eom", "log", "5.7.1", false },
	{ "dmarc.alignment", "eom", "reject", "5.7.26", false },
};

START_TEST(table)
{
	ck_assert_uint_eq(check_count, (size_t)ROWS(contract));
	for (size_t i = 0; i < check_count; i++) {
		const struct check *check = &checks[i];

		ck_assert_str_eq(check->name, contract[i].name);
		ck_assert_str_eq(stage_name(check->stage), contract[i].stage);
		ck_assert_str_eq(action_name(check->action), contract[i].action);
		ck_assert_str_eq(check->enhanced, contract[i].enhanced);
		ck_assert_int_eq(check->own, contract[i].own);
		ck_assert_ptr_nonnull(check->run);
		ck_assert_msg(strlen(check->summary) > 10, "%s has a summary", check->name);
		ck_assert_msg(strpbrk(check->summary, "\n\t") == NULL, "%s: one line", check->name);
		ck_assert_int_eq(check_find(slice_of(check->name)), (int)i);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(check->name, checks[k].name);
	}
}
END_TEST

START_TEST(words)
{
	enum action action = ACTION_OFF;

	ck_assert_str_eq(stage_name(STAGE_EOM), "eom");
	for (int i = 0; i < ACTIONS; i++) {
		ck_assert(action_parse(action_name((enum action)i), &action));
		ck_assert_int_eq(action, i);
	}
	ck_assert(!action_parse("Reject", &action));
	ck_assert(!action_parse("", &action));
	ck_assert(!action_parse("accept", &action));
	ck_assert_str_eq(finding_result_name(FINDING_FAIL), "fail");
	ck_assert_str_eq(finding_result_name(FINDING_UNKNOWN), "unknown");
	ck_assert_str_eq(finding_result_name(FINDING_PASS), "pass");
	ck_assert_str_eq(finding_result_name(FINDING_SKIPPED), "skipped");
	ck_assert_int_eq(check_find(SLICE("from")), -1);
	ck_assert_int_eq(check_find(SLICE("From.Syntax")), -1);
	ck_assert_int_eq(check_find(SLICE("from.syntax.x")), -1);
	ck_assert(check_pattern_known("from.syntax"));
	ck_assert(check_pattern_known("from.*"));
	ck_assert(check_pattern_known("*"));
	ck_assert(check_pattern_known("*-syntax"));
	ck_assert(!check_pattern_known("from"));
	ck_assert(!check_pattern_known("form.*"));
	ck_assert(!check_pattern_known(""));
}
END_TEST

/* ---- the From field -------------------------------------------------------------- */

enum { FIELDS = 2 };

struct from_row {
	const char *label;
	struct slice from[FIELDS];
	const char *wanted;
};

#define BODY(literal)                                                                              \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
#define ONE(label, body, wanted)                                                                   \
	{                                                                                          \
		(label), { BODY(body) }, (wanted)                                                  \
	}
#define TWO(label, first, second, wanted)                                                          \
	{                                                                                          \
		(label), { BODY(first), BODY(second) }, (wanted)                                   \
	}

#define X10 "aaaaaaaaaa"
#define X60 X10 X10 X10 X10 X10 X10

static const struct from_row from_rows[] = {
	/* nothing is wrong */
	ONE("name and address", " Ann <ann@example.com>", ""),
	ONE("address alone", " ann@example.com", ""),
	ONE("no blank behind the colon", "ann@example.com", ""),
	ONE("quoted name", " \"Doe, John\" <john@example.com>", ""),
	ONE("name in a comment", " me@example.com (Me)", ""),
	ONE("folded", " Ann\r\n <ann@example.com>", ""),
	ONE("encoded name", " =?utf-8?q?Ann?= <ann@example.com>", ""),
	ONE("quoted local part", " \"a b\"@example.com", ""),
	ONE("host of a cloud", " www-data@ip-172-31-2-61.ap-southeast-2.compute.internal", ""),

	/* what applications produce */
	ONE("comma in the name", " Kock, Arne <a@b.c>", "from.display-name 5 [,]"),
	ONE("comma, another", " Reinman, Andris <x@gmail.com>", "from.display-name 8 [,]"),
	ONE("comma and words", " Ada, VP of Engineering <ada@example.com>",
	    "from.display-name 4 [,]"),
	ONE("comma of a team", " Care Team, Billing <care@example.com>",
	    "from.display-name 10 [,]"),
	ONE("parentheses are a comment", " Support (Billing) <a@b.c>", ""),
	ONE("parentheses, another", " Coogle (staging-dbi) <info@example.com>", ""),
	ONE("colons in the name", " Chris's Wiki :: blog <feed@example.com>",
	    "from.display-name 14 [:]"),
	ONE("the address as name", " yagmailtest@WORK.com <yagmailtest@WORK.com>",
	    "from.display-name 12 [@]"),
	ONE("all of it in quotes", " \"Mr Example <m@e.c>, Mr Example, m@e.c\"",
	    "from.syntax 1 [\"Mr Example <m@e.c>, Mr Example, m@e.c\"]"),
	ONE("cron", " root (Cron Daemon)", "from.syntax 1 [root]"),
	ONE("a login without @", " login", "from.syntax 1 [login]"),
	ONE("a bounce", " MAILER-DAEMON <>", "from.syntax 15 [<>]"),
	ONE("two addresses in brackets", " A <a@good.example> <b@bad.example>",
	    "from.syntax 20 [<b@bad.example>]; from.multiple 21 [b@bad.example]; "
	    "from.ambiguous 21 [b@bad.example]"),
	ONE("an address before the name", " <a@x.example> Some <b@y.example>",
	    "from.syntax 20 [<b@y.example>]; from.multiple 21 [b@y.example]; "
	    "from.ambiguous 21 [b@y.example]"),
	ONE("an address in a comment", " Foo (foo@bar.com) <baz@baz.com>",
	    "from.impersonates 5 [(foo@bar.com)]"),

	/* from.missing */
	{ "no From field", { { NULL, 0 } }, "from.missing -" },
	ONE("empty", "", "from.missing -"),
	ONE("blanks", " \t ", "from.missing -"),
	ONE("folded blanks", " \r\n ", "from.missing -"),
	TWO("empty beside another", " a@example.com", " ", "from.missing -; from.duplicate -"),

	/* from.duplicate */
	TWO("twice the same", " a@example.com", " A <A@EXAMPLE.COM>", "from.duplicate -"),
	TWO("two authors", " a@example.com", " b@example.com",
	    "from.duplicate -; from.ambiguous 1 [b@example.com]"),
	TWO("a fault in the second", " a@example.com", " Doe, John <a@example.com>",
	    "from.duplicate -; from.display-name 4 [,]"),
	TWO("one fault each", " Doe, John <a@example.com>", " a@example.com>",
	    "from.duplicate -; from.syntax 14 [>]; from.display-name 4 [,]"),
	TWO("the first one's fault is told", " a..b@example.com", " abc..d@example.com",
	    "from.duplicate -; from.syntax 3 [.]; from.ambiguous 1 [abc..d@example.com]"),
	TWO("a remark first, a fault later", " =?x-none?q?a?= <a@example.com>",
	    " =?utf-8?q?=00?= <a@example.com>",
	    "from.duplicate -; from.encoded-word 1 [=?utf-8?q?=00?=]"),

	/* from.syntax */
	ONE("no @ in brackets", " Ann <ann>", "from.syntax 6 [ann]"),
	ONE("two @ together", " a@@b.example", "from.syntax 3 [@]"),
	ONE("two @", " a@b@example.com", "from.syntax 4 [@]"),
	ONE("blank in the local part", " <john doe@example.com>", "from.syntax 6 [ ]"),
	ONE("character of the local part", " <a[b@example.com>", "from.syntax 3 [[]"),
	ONE("two dots", " <a..b@example.com>", "from.syntax 4 [.]"),
	ONE("dot first", " <.a@example.com>", "from.syntax 2 [.]"),
	ONE("dot last", " <a.@example.com>", "from.syntax 3 [.]"),
	ONE("two dots in the domain", " a@example..com", "from.syntax 11 [.]"),
	ONE("nested brackets", " <<a@example.com>>", "from.syntax 2 [<]"),
	ONE("no closing bracket", " Ann <a@example.com", "from.syntax 5 [<]"),
	ONE("no opening bracket", " a@example.com>", "from.syntax 14 [>]"),
	ONE("no brackets at all", " john doe@example.com", "from.syntax 6 [doe@example.com]"),
	ONE("text behind", " Ann <a@example.com> trailing", "from.syntax 21 [trailing]"),
	ONE("empty brackets", " <>", "from.syntax 1 [<>]"),
	ONE("a comment alone", "(nobody)", "from.syntax 0 [(nobody)]"),
	ONE("NUL", " Ann\0 <ann@example.com>", "from.syntax 4 [\\x00]"),
	ONE("bell in quotes", " \"An\007n\" <ann@example.com>", "from.syntax 4 [\\x07]"),
	ONE("DEL in the address", " <a\177b@example.com>", "from.syntax 3 [\\x7f]"),
	ONE("bare CR", " Ann\r <ann@example.com>", "from.syntax 4 [\\x0d]"),
	ONE("blank inside the local part", " <a. b@example.com>", "from.syntax 4 [ ]"),
	ONE("blank inside the domain", " <a@example. com>", "from.syntax 12 [ ]"),
	ONE("route", " <@a.example,@b.example:c@example.com>",
	    "from.syntax 2 [@a.example,@b.example:]"),
	ONE("comma at the end", " a@example.com,", "from.syntax 14 [,]"),
	ONE("comma first", " , a@example.com", "from.syntax 1 [,]"),
	ONE("local part quoted in pieces", " \"a\".\"b\"@example.com",
	    "from.syntax 1 [\"a\".\"b\"]"),
	ONE("8-bit address", " \xc3\xa9@example.com", "from.syntax 1 [\xc3\xa9]"),

	/* from.display-name */
	ONE("@ in the name", " a@@b <me@example.com>", "from.display-name 2 [@]"),
	ONE("dot first in the name", " .John <jq@example.com>", "from.display-name 1 [.]"),
	ONE("quote not closed", " \"Ann <a@example.com>", "from.display-name 1 [\"]"),
	ONE("quote not opened", " Ann\" <a@example.com>", "from.display-name 4 [\"]"),
	ONE("comment not closed", " Ann (x <a@example.com>", "from.display-name 5 [(]"),
	ONE("comment not opened", " Ann) <a@example.com>", "from.display-name 4 [)]"),
	ONE("Latin-1", " Ann\xe9 <a@example.com>", "from.display-name 4 [\\xe9]"),
	ONE("UTF-8", " Ann\xc3\xa9 <a@example.com>", "from.display-name 4 [\xc3\xa9]"),

	/* from.obsolete */
	ONE("dot in the name", " John Q. Public <jq@example.com>", "from.obsolete 7 [.]"),
	ONE("blanks beside the @", " <a @ example.com>", "from.obsolete 3 [ ]"),
	ONE("comment beside the @", " <a@(c)example.com>", "from.obsolete 4 [(c)]"),
	ONE("fold of blanks alone", " Ann\r\n  \r\n <a@example.com>",
	    "from.obsolete 4 [\\x0d\\x0a  \\x0d\\x0a ]"),
	ONE("an old form beside a fault", " Q. Public, John <jq@example.com>",
	    "from.display-name 10 [,]"),

	/* from.encoded-word */
	ONE("hidden NUL", " =?utf-8?q?a=00b?= <a@example.com>",
	    "from.encoded-word 1 [=?utf-8?q?a=00b?=]"),
	ONE("hidden LF", " =?utf-8?b?YQpi?= <a@example.com>",
	    "from.encoded-word 1 [=?utf-8?b?YQpi?=]"),
	ONE("in the address", " <=?utf-8?q?a?=@example.com>",
	    "from.encoded-word 2 [=?utf-8?q?a?=]"),
	ONE("in quotes", " \"=?utf-8?q?ann?=\" <a@example.com>",
	    "from.encoded-word log 2 [=?utf-8?q?ann?=]"),
	ONE("malformed", " =?utf-8?q?ann <a@example.com>",
	    "from.encoded-word log 1 [=?utf-8?q?ann]"),
	ONE("charset", " =?x-none?q?ann?= <a@example.com>",
	    "from.encoded-word log 1 [=?x-none?q?ann?=]"),
	ONE("undecodable", " =?utf-8?b?!!!?= <a@example.com>",
	    "from.encoded-word log 1 [=?utf-8?b?!!!?=]"),
	ONE("over 75 octets", " =?utf-8?q?" X60 X10 "?= <a@example.com>",
	    "from.encoded-word log 1 [=?utf-8?q?" X60 X10 "?=]"),
	ONE("a remark, then a fault", " =?x-none?q?ann?= =?utf-8?q?=07?= <a@example.com>",
	    "from.encoded-word 18 [=?utf-8?q?=07?=]"),

	/* from.multiple, from.group */
	ONE("two mailboxes", " <ceo@example.com>, <me@example.com>",
	    "from.multiple 21 [me@example.com]"),
	ONE("two and an empty element", " a@example.com,, b@example.com",
	    "from.syntax 15 [,]; from.multiple 17 [b@example.com]; "
	    "from.ambiguous 17 [b@example.com]"),
	ONE("group", " Team: a@example.com;", "from.group 5 [:]"),
	ONE("group of two", " Team: a@example.com, b@example.com;",
	    "from.multiple 22 [b@example.com]; from.group 5 [:]"),
	ONE("empty group", " undisclosed-recipients:;", "from.group 23 [:]"),

	/* from.length */
	ONE("64 octets", " " X60 "aaaa@example.com", ""),
	ONE("65 octets", " " X60 "aaaaa@example.com", "from.length 1 [" X60 "aaaaa]"),
	ONE("label of 63", " a@" X60 "aaa.com", ""),
	ONE("label of 64", " a@" X60 "aaaa.com", "from.length 3 [" X60 "aaaa]"),

	/* from.domain */
	ONE("one label", " a@localhost", "from.domain 3 [localhost]"),
	ONE("literal", " a@[192.0.2.1]", "from.domain 3 [[192.0.2.1]]"),
	ONE("hyphen first", " a@-example.com", "from.domain 3 [-]"),
	ONE("hyphen last", " a@example-.com", "from.domain 10 [-]"),
	ONE("dot first", " a@.example.com", "from.domain 3 [.]"),
	ONE("dot last", " a@example.com.", "from.domain 14 [.]"),
	ONE("underscore", " a@exa_mple.com", "from.domain 6 [_]"),

	/* from.ambiguous, from.impersonates */
	ONE("an address as name", " ceo@example.com <me@example.com>",
	    "from.display-name 4 [@]; from.ambiguous 1 [ceo@example.com]"),
	ONE("an address in quotes", " \"ceo@example.com\" <me@example.com>",
	    "from.impersonates 1 [\"ceo@example.com\"]"),
	ONE("an address in base64", " =?utf-8?b?Y2VvQGV4YW1wbGUuY29t?= <me@example.com>",
	    "from.impersonates 1 [=?utf-8?b?Y2VvQGV4YW1wbGUuY29t?=]"),
	ONE("an address in quotes, not valid", " \"ceo@x.example\" J. D. <me@x.example>",
	    "from.obsolete 18 [.]; from.ambiguous 2 [ceo@x.example]"),
	TWO("an address in quotes, twice", " \"ceo@x.example\" <me@x.example>", " me@x.example",
	    "from.duplicate -"),
	ONE("its own address in quotes", " \"Me@Example.com\" <me@example.com>", ""),
};

static struct message *new_message(struct arena *arena, const struct from_row *row)
{
	struct message *m = message_new(arena);

	for (int i = 0; i < FIELDS; i++)
		if (row->from[i].data != NULL)
			add_field(m, "From", row->from[i]);
	return m;
}

START_TEST(from_fields)
{
	const struct from_row *row = &from_rows[_i];
	struct arena *arena = arena_new();
	struct message *m = new_message(arena, row);
	struct findings findings = { 0 };

	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	expect_findings(row->label, &findings, row->wanted);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *f = &findings.list[i];

		ck_assert_msg(f->reason.len > 0, "%s: a reason", row->label);
		ck_assert_msg(f->fix.len > 0, "%s: a fix", row->label);
		ck_assert_msg(f->rfc != NULL, "%s: an RFC", row->label);
	}
	arena_free(arena);
}
END_TEST

/* What else is known of the message changes what becomes of its From. */
static const struct {
	const char *label;
	const char *from; /* NULL: none */
	const char *sender[2];
	struct transaction transaction;
	const char *wanted;
} contexts[] = {
	{ "missing", NULL, { NULL }, { .mta = MTA_POSTFIX }, "from.missing -" },
	{ "missing, Sendmail", NULL, { NULL }, { .mta = MTA_SENDMAIL }, "from.missing log -" },
	{ "empty, Sendmail", " ", { NULL }, { .mta = MTA_SENDMAIL }, "from.missing log -" },
	{ "UTF-8 with SMTPUTF8", " J\xc3\xb6 <a@example.com>", { NULL }, { .smtputf8 = true }, "" },
	{ "Latin-1 with SMTPUTF8", " J\xf6 <a@example.com>", { NULL }, { .smtputf8 = true },
	    "from.display-name 2 [\\xf6]" },
	{ "UTF-8, local, Postfix", " J\xc3\xb6 <a@example.com>", { NULL },
	    { .local_submission = true, .mta = MTA_POSTFIX },
	    "from.display-name log 2 [\xc3\xb6]" },
	{ "UTF-8, local, Sendmail", " J\xc3\xb6 <a@example.com>", { NULL },
	    { .local_submission = true, .mta = MTA_SENDMAIL }, "from.display-name 2 [\xc3\xb6]" },
	{ "UTF-8, submitter, Postfix", " J\xc3\xb6 <a@example.com>", { NULL },
	    { .class = CLASS_SUBMITTER, .mta = MTA_POSTFIX }, "from.display-name 2 [\xc3\xb6]" },
	{ "Latin-1, local, Postfix", " J\xf6 <a@example.com>", { NULL },
	    { .local_submission = true, .mta = MTA_POSTFIX }, "from.display-name 2 [\\xf6]" },
	{ "UTF-8 and a comma, local, Postfix", " J\xc3\xb6, A <a@example.com>", { NULL },
	    { .local_submission = true, .mta = MTA_POSTFIX }, "from.display-name 4 [,]" },
	{ "UTF-8 address, local, Postfix", " J <\xc3\xb6@example.com>", { NULL },
	    { .local_submission = true, .mta = MTA_POSTFIX }, "from.syntax log 4 [\xc3\xb6]" },
	{ "UTF-8 address, local, unknown", " J <\xc3\xb6@example.com>", { NULL },
	    { .local_submission = true }, "from.syntax 4 [\xc3\xb6]" },

	{ "several, a Sender", " a@b.example, c@d.example", { " a@b.example" }, { .mta = 0 },
	    "from.multiple log 14 [c@d.example]" },
	{ "several, a Sender of an old form", " a@b.example, c@d.example",
	    { " A. B <a@b.example>" }, { .mta = 0 }, "from.multiple log 14 [c@d.example]" },
	{ "several, a Sender with a remark", " a@b.example, c@d.example",
	    { " =?x-none?q?a?= <a@b.example>" }, { .mta = 0 },
	    "from.multiple log 14 [c@d.example]" },
	{ "several, an empty Sender", " a@b.example, c@d.example", { " " }, { .mta = 0 },
	    "from.multiple 14 [c@d.example]" },
	{ "several, two Senders", " a@b.example, c@d.example", { " a@b.example", " a@b.example" },
	    { .mta = 0 }, "from.multiple 14 [c@d.example]" },
	{ "several, a Sender of two", " a@b.example, c@d.example", { " a@b.example, c@d.example" },
	    { .mta = 0 }, "from.multiple 14 [c@d.example]" },
	{ "several, a Sender with a fault", " a@b.example, c@d.example", { " B, A <a@b.example>" },
	    { .mta = 0 }, "from.multiple 14 [c@d.example]" },
	{ "several, a Sender in a group", " a@b.example, c@d.example", { " T: a@b.example;" },
	    { .mta = 0 }, "from.multiple 14 [c@d.example]" },
	{ "several, a Sender of one label", " a@b.example, c@d.example", { " root@localhost" },
	    { .mta = 0 }, "from.multiple 14 [c@d.example]" },
};

START_TEST(from_in_context)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };

	m->transaction = contexts[_i].transaction;
	if (contexts[_i].from != NULL)
		add_field(m, "From", slice_of(contexts[_i].from));
	for (int i = 0; i < 2; i++)
		if (contexts[_i].sender[i] != NULL)
			add_field(m, "Sender", slice_of(contexts[_i].sender[i]));
	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	expect_findings(contexts[_i].label, &findings, contexts[_i].wanted);
	arena_free(arena);
}
END_TEST

/* What the first finding says. */
static const struct {
	const char *label;
	struct slice from[FIELDS];
	const char *check, *reason, *fix;
} sentences[] = {
	{ "a proposal", { BODY(" Doe, John <john@example.com>") }, "from.display-name",
	    "the display name holds a special character outside double quotes",
	    "put the display name in double quotes; write: From: \"Doe, John\" "
	    "<john@example.com>" },
	{ "no proposal", { BODY(" login") }, "from.syntax", "the address has no @",
	    "complete the address as user@example.com" },
	{ "no proposal for two fields", { BODY(" a@example.com"), BODY(" D, J <a@example.com>") },
	    "from.display-name",
	    "in From field 2: the display name holds a special character outside double quotes",
	    "put the display name in double quotes" },
	{ "no proposal for the first of two",
	    { BODY(" D, J <a@example.com>"), BODY(" a@example.com") }, "from.display-name",
	    "the display name holds a special character outside double quotes",
	    "put the display name in double quotes" },
	{ "missing", { { NULL, 0 } }, "from.missing", "there is no From field",
	    "name the author, as in From: Name <user@example.com>" },
	{ "empty", { BODY(" a@example.com"), BODY("") }, "from.missing",
	    "in From field 2: the field is empty",
	    "name the author, as in From: Name <user@example.com>" },
	{ "duplicate", { BODY(" a@example.com"), BODY(" a@example.com") }, "from.duplicate",
	    "the message has 2 From fields", "keep one From field" },
	{ "multiple", { BODY(" a@b.example, c@d.example, e@f.example") }, "from.multiple",
	    "the field names 3 authors, and no well-formed Sender says who sent the message",
	    "keep one author, and move the others to Reply-To or Cc" },
	{ "ambiguous", { BODY(" A <a@x.example> <b@y.example>") }, "from.ambiguous",
	    "the text in the first <...> is a@x.example, the text in the last <...> is "
	    "b@y.example",
	    "write one address, between < and >" },
	{ "ambiguous by two fields", { BODY(" a@x.example"), BODY(" b@y.example") },
	    "from.ambiguous",
	    "the address by the grammar is a@x.example, in From field 2: the address by the "
	    "grammar is b@y.example",
	    "keep one From field" },
	{ "ambiguous, no proposal that shows another address",
	    { BODY(" ceo@example.com <me@example.com>") }, "from.ambiguous",
	    "the address by the grammar is me@example.com, the first word with an @ is "
	    "ceo@example.com",
	    "write one address, between < and >" },
	{ "ambiguous, with a proposal", { BODY(" (ceo@x.example) J. D. <me@x.example>") },
	    "from.ambiguous",
	    "the address by the grammar is me@x.example, the first word with an @ is "
	    "ceo@x.example",
	    "write one address, between < and >; write: From: \"J. D.\" <me@x.example>" },
	{ "impersonates", { BODY(" \"ceo@example.com\" <me@example.com>") }, "from.impersonates",
	    "the address in a quoted string is ceo@example.com, the author is me@example.com",
	    "take the address out of the name" },
	{ "impersonates beside several", { BODY(" \"x@y.example\" <a@b.example>, c@d.example") },
	    "from.impersonates",
	    "the address in a quoted string is x@y.example, none of the authors",
	    "take the address out of the name" },
};

static const struct finding *find_check(const struct findings *findings, const char *name)
{
	for (size_t i = 0; i < findings->count; i++)
		if (strcmp(findings->list[i].check->name, name) == 0)
			return &findings->list[i];
	ck_abort_msg("%s found nothing", name);
	return NULL;
}

START_TEST(from_sentences)
{
	struct from_row row = { .from = { sentences[_i].from[0], sentences[_i].from[1] } };
	struct arena *arena = arena_new();
	struct message *m = new_message(arena, &row);
	struct findings findings = { 0 };
	const struct finding *f;

	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	f = find_check(&findings, sentences[_i].check);
	expect_slice(sentences[_i].label, "reason", f->reason, sentences[_i].reason);
	expect_slice(sentences[_i].label, "fix", f->fix, sentences[_i].fix);
	arena_free(arena);
}
END_TEST

/* From one address and white space behind it, octets in all. */
static void expect_long(size_t octets, const char *wanted)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	char *body = must_alloc(octets), label[32], text[256];

	memset(body, 'a', octets);
	for (size_t i = 0; i + 3 < octets; i += 900)
		memcpy(body + i, "\r\n ", 3);
	memcpy(body, " a@example.com (", 16);
	body[octets - 1] = ')';
	add_field(m, "From", (struct slice){ body, octets });
	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	snprintf(label, sizeof label, "%zu octets", octets);
	for (size_t i = 0; i < findings.count; i++)
		findings.list[i].token = SLICE("");
	snprintf(text, sizeof text, "%s", wanted);
	expect_findings(label, &findings, text);
	arena_free(arena);
	free(body);
}

START_TEST(from_too_long)
{
	expect_long(FROM_OCTETS_MAX, "");
	expect_long(FROM_OCTETS_MAX + 1, "from.length 32768");
	expect_long(MESSAGE_CUT_AT - 1, "from.length 32768");
	expect_long(MESSAGE_CUT_AT, "from.syntax unknown -; from.length 32768");
	expect_long(2 * MESSAGE_FIELD_MAX, "from.syntax unknown -; from.length 32768");
}
END_TEST

START_TEST(too_long_beside_another)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	char *body = must_alloc(MESSAGE_CUT_AT);

	memset(body, ' ', MESSAGE_CUT_AT);
	add_field(m, "From", SLICE(" Doe, John <a@example.com>"));
	add_field(m, "From", (struct slice){ body, MESSAGE_CUT_AT });
	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, false, &findings);
	ck_assert_uint_eq(findings.count, 4);
	ck_assert_str_eq(findings.list[0].check->name, "from.duplicate");
	ck_assert_int_eq(find_check(&findings, "from.syntax")->result, FINDING_UNKNOWN);
	ck_assert_uint_eq(find_check(&findings, "from.display-name")->offset, 4);
	ck_assert(slice_starts_nocase(
	    find_check(&findings, "from.length")->reason, SLICE("in From field 2: ")));
	arena_free(arena);
	free(body);
}
END_TEST

/* ---- the envelope ---------------------------------------------------------------- */

static const struct {
	const char *label, *path;
	struct transaction transaction;
	const char *wanted;
} senders[] = {
	{ "good", "<ann@example.com>", { .mta = 0 }, "" },
	{ "null sender", "<>", { .mta = 0 }, "" },
	{ "without brackets", "ann@example.com", { .local_submission = true }, "" },
	{ "no @", "<root>", { .mta = 0 }, "envelope.sender-syntax 1 [root]" },
	{ "no @, local", "root", { .local_submission = true },
	    "envelope.sender-syntax log 0 [root]" },
	{ "no @, listener", "<root>", { .class = CLASS_LISTENER },
	    "envelope.sender-syntax 1 [root]" },
	{ "no @, loopback", "<root>", { .client = { AF_INET, { 127, 0, 0, 1 } } },
	    "envelope.sender-syntax log 1 [root]" },
	{ "no @, another client", "<root>", { .client = { AF_INET, { 192, 0, 2, 1 } } },
	    "envelope.sender-syntax 1 [root]" },
	{ "another fault, loopback", "<a@@example.com>",
	    { .client = { AF_INET, { 127, 0, 0, 1 } } }, "envelope.sender-syntax 3 [@]" },
	{ "another fault, local", "<a b@example.com>", { .local_submission = true },
	    "envelope.sender-syntax 2 [ ]" },
	{ "too long", "<" X60 "aaaaa@example.com>", { .mta = 0 },
	    "envelope.sender-syntax log 1 [" X60 "aaaaa]" },
	{ "too long and a fault", "<" X60 "aaaaa@@example.com>", { .mta = 0 },
	    "envelope.sender-syntax 67 [@]" },
	{ "8-bit", "<\xc3\xb6@example.com>", { .mta = 0 }, "envelope.sender-syntax 1 [\xc3\xb6]" },
	{ "8-bit with SMTPUTF8", "<\xc3\xb6@example.com>", { .smtputf8 = true }, "" },
};

START_TEST(sender_syntax)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	struct slice path = exact_text(senders[_i].path);

	m->transaction = senders[_i].transaction;
	message_set_mail(m, path);
	exact_free(path);
	checks_run(STAGE_MAIL, m, NULL, &all, false, &findings);
	expect_findings(senders[_i].label, &findings, senders[_i].wanted);
	if (findings.count > 0)
		ck_assert_str_eq(findings.list[0].field, "MAIL FROM");
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label, *path, *wanted;
} recipients[] = {
	{ "good", "<ann@example.com>", "" },
	{ "postmaster", "<Postmaster>", "" },
	{ "postmaster without brackets", "postmaster", "" },
	{ "no @", "<ann>", "envelope.recipient-syntax 1 [ann]" },
	{ "nobody", "<>", "envelope.recipient-syntax 0 [<>]" },
	{ "two @", "<a@@example.com>", "envelope.recipient-syntax 3 [@]" },
	{ "too long", "<" X60 "aaaaa@example.com>",
	    "envelope.recipient-syntax log 1 [" X60 "aaaaa]" },
};

START_TEST(recipient_syntax)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	struct slice text = exact_text(recipients[_i].path);
	struct path path = message_add_rcpt(m, text);

	exact_free(text);
	checks_run(STAGE_RCPT, m, &path, &all, false, &findings);
	expect_findings(recipients[_i].label, &findings, recipients[_i].wanted);
	if (findings.count > 0)
		ck_assert_str_eq(findings.list[0].field, "RCPT TO");
	arena_free(arena);
}
END_TEST

/* ---- the runner ------------------------------------------------------------------ */

START_TEST(verbose)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };

	checks_run(STAGE_MAIL, m, NULL, &all, true, &findings);
	expect_findings("no MAIL", &findings,
	    "envelope.sender-syntax skipped -; envelope.sender-domain skipped -; "
	    "envelope.sender-mailbox skipped -; envelope.sender-login skipped -");
	findings.count = 0;
	message_set_mail(m, SLICE("<>"));
	checks_run(STAGE_MAIL, m, NULL, &all, true, &findings);
	expect_findings(
	    "MAIL", &findings, "envelope.sender-syntax pass -; envelope.sender-domain skipped -; "
	    "envelope.sender-mailbox skipped -; envelope.sender-login skipped -");
	findings.count = 0;
	checks_run(STAGE_RCPT, m, NULL, &all, true, &findings);
	expect_findings("no RCPT", &findings, "envelope.recipient-syntax skipped -");
	findings.count = 0;
	checks_run(STAGE_EOM, m, NULL, &all, true, &findings);
	expect_findings("EOM without facts", &findings,
	    "from.resolves skipped -; from.mailbox skipped -; from.foreign skipped -; "
	    "from.login skipped -; from.identity skipped -; dkim.signed skipped -; dkim.valid skipped -; "
	    "dkim.key skipped -; dkim.coverage skipped -; dkim.survival skipped -; "
	    "spf.egress skipped -; spf.record skipped -; dmarc.record skipped -; "
	    "dmarc.alignment skipped -");
	findings.count = 0;
	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, true, &findings);
	expect_findings("no From", &findings,
	    "from.missing -; from.duplicate pass -; from.syntax skipped -; "
	    "from.display-name skipped -; from.obsolete skipped -; from.encoded-word skipped -; "
	    "from.multiple skipped -; from.group skipped -; from.length skipped -; "
	    "from.domain skipped -; from.ambiguous pass -; from.impersonates skipped -");
	add_field(m, "From", SLICE(" "));
	message_end_header(m);
	findings.count = 0;
	checks_run(STAGE_EOH, m, NULL, &all, true, &findings);
	expect_findings("empty From", &findings,
	    "from.missing -; from.duplicate pass -; from.syntax skipped -; "
	    "from.display-name skipped -; from.obsolete skipped -; from.encoded-word skipped -; "
	    "from.multiple skipped -; from.group skipped -; from.length skipped -; "
	    "from.domain skipped -; from.ambiguous pass -; from.impersonates skipped -");
	arena_free(arena);
}
END_TEST

START_TEST(switched_off)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };
	struct check_selection selection = { 0 };

	add_field(m, "From", SLICE(" Doe, J <j@localhost>"));
	message_end_header(m);
	for (size_t i = 0; i < check_count; i++)
		selection.off[i] = true;
	checks_run(STAGE_EOH, m, NULL, &selection, true, &findings);
	ck_assert_uint_eq(findings.count, 0);
	selection.off[check_find(SLICE("from.domain"))] = false;
	checks_run(STAGE_EOH, m, NULL, &selection, true, &findings);
	expect_findings("one row", &findings, "from.domain 11 [localhost]");
	arena_free(arena);
}
END_TEST

START_TEST(syntax_findings)
{
	static const struct {
		struct syntax_error error;
		const char *wanted;
	} rows[] = {
		{ { SYNTAX_NAME_SPECIAL, 1, 1 }, "from.syntax 1 [b]" },
		{ { SYNTAX_ENCODED_LONG, 0, 3 }, "from.syntax log 0 [abc]" },
		{ { SYNTAX_AT_MISSING, 2, 0 }, "from.syntax 2" },
		{ { SYNTAX_AT_MISSING, 3, 0 }, "from.syntax -" },
		{ { SYNTAX_AT_MISSING, 2, 9 }, "from.syntax 2 [c]" },
	};
	struct arena *arena = arena_new();

	for (int i = 0; i < ROWS(rows); i++) {
		struct findings findings = { 0 };
		struct check_run run = {
			.check = &checks[check_find(SLICE("from.syntax"))],
			.out = &findings,
			.arena = arena,
		};
		struct finding *f = check_add_syntax(&run, "From", SLICE("abc"), &rows[i].error);

		ck_assert_ptr_eq(f, &findings.list[0]);
		ck_assert(run.found);
		expect_findings("syntax", &findings, rows[i].wanted);
		expect_slice(
		    "syntax", "reason", f->reason, syntax_rule(rows[i].error.code)->sentence);
	}
	arena_free(arena);
}
END_TEST

START_TEST(ceilings)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct findings findings = { 0 };

	for (int i = 0; i < RCPT_FINDINGS_MAX + 5; i++) {
		struct path path = message_add_rcpt(m, SLICE("<ann>"));

		checks_run(STAGE_RCPT, m, &path, &all, false, &findings);
	}
	ck_assert_uint_eq(findings.count, RCPT_FINDINGS_MAX);
	ck_assert_uint_eq(findings.dropped, 5);
	message_set_mail(m, SLICE("<a"));
	for (int i = 0; i < FINDINGS_MAX; i++)
		checks_run(STAGE_MAIL, m, NULL, &all, false, &findings);
	ck_assert_uint_eq(findings.count, FINDINGS_MAX);
	ck_assert_uint_eq(findings.dropped, 5 + RCPT_FINDINGS_MAX);
	ck_assert_str_eq(findings.list[0].check->name, "envelope.recipient-syntax");
	ck_assert_str_eq(findings.list[FINDINGS_MAX - 1].check->name, "envelope.sender-syntax");
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("check");
	TCase *tc = tcase_create("check");

	tcase_add_test(tc, table);
	tcase_add_test(tc, words);
	tcase_add_loop_test(tc, from_fields, 0, ROWS(from_rows));
	tcase_add_loop_test(tc, from_in_context, 0, ROWS(contexts));
	tcase_add_loop_test(tc, from_sentences, 0, ROWS(sentences));
	tcase_add_test(tc, from_too_long);
	tcase_add_test(tc, too_long_beside_another);
	tcase_add_loop_test(tc, sender_syntax, 0, ROWS(senders));
	tcase_add_loop_test(tc, recipient_syntax, 0, ROWS(recipients));
	tcase_add_test(tc, verbose);
	tcase_add_test(tc, switched_off);
	tcase_add_test(tc, syntax_findings);
	tcase_add_test(tc, ceilings);
	suite_add_tcase(suite, tc);
	return suite;
}
