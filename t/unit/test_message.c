/* test_message.c - the snapshot: what is kept, how, and up to where. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "message/message.h"
#include "unit.h"

static struct message *new_message(struct arena **arena)
{
	*arena = arena_new();
	return message_new(*arena);
}

/* Adds from heap blocks that are gone afterwards: the snapshot must have copies. */
static void add_field(struct message *m, const char *name, struct slice body)
{
	struct slice n = exact_text(name), b = exact(body.data, body.len);

	message_add_field(m, n, b);
	exact_free(n);
	exact_free(b);
}

static void add_text(struct message *m, const char *name, const char *body)
{
	add_field(m, name, slice_of(body));
}

START_TEST(mta_versions)
{
	static const struct {
		const char *v;
		enum mta mta;
	} rows[] = {
		{ NULL, MTA_UNKNOWN },
		{ "", MTA_UNKNOWN },
		{ "Postfix 3.7.11", MTA_POSTFIX },
		{ "Postfix", MTA_POSTFIX },
		{ "postfix", MTA_UNKNOWN },
		{ "8.17.1.9/8.17.1.9", MTA_SENDMAIL },
		{ "8.17.1.9/8.17.1.9/Debian-2+deb12u2", MTA_SENDMAIL },
		{ "8.18.1", MTA_SENDMAIL },
		{ "8", MTA_UNKNOWN },
		{ "8.17.1beta", MTA_UNKNOWN },
		{ ".8/8", MTA_UNKNOWN },
		{ "opensmtpd 7.4", MTA_UNKNOWN },
	};

	for (int i = 0; i < ROWS(rows); i++)
		ck_assert_msg(mta_from_version(rows[i].v) == rows[i].mta, "version \"%s\"",
		    rows[i].v == NULL ? "(none)" : rows[i].v);
}
END_TEST

START_TEST(class_names)
{
	static const char *const wanted[SENDER_CLASSES] = { "none", "listener", "authenticated",
		"local", "submitter" };

	for (int i = 0; i < SENDER_CLASSES; i++)
		ck_assert_str_eq(sender_class_name((enum sender_class)i), wanted[i]);
}
END_TEST

#define BYTES(literal) { (literal), sizeof(literal) - 1 }

static const struct {
	const char *label;
	struct slice body, wanted;
} bodies[] = {
	{ "plain", BYTES(" a"), BYTES(" a") },
	{ "empty", BYTES(""), BYTES("") },
	{ "fold by LF", BYTES(" a\n b"), BYTES(" a\r\n b") },
	{ "fold by LF and tab", BYTES(" a\n\tb"), BYTES(" a\r\n\tb") },
	{ "fold by CRLF", BYTES(" a\r\n b"), BYTES(" a\r\n b") },
	{ "both kinds", BYTES("a\r\n b\n c\r\n d\n e"), BYTES("a\r\n b\r\n c\r\n d\r\n e") },
	{ "folds beside each other", BYTES("a\n \n\t\n b"), BYTES("a\r\n \r\n\t\r\n b") },
	{ "LF that folds nothing", BYTES("a\nb"), BYTES("a\nb") },
	{ "LF at the end", BYTES("a\n"), BYTES("a\n") },
	{ "LF alone", BYTES("\n"), BYTES("\n") },
	{ "LF first, then a blank", BYTES("\n a"), BYTES("\r\n a") },
	{ "two LF, then a blank", BYTES("a\n\n b"), BYTES("a\n\r\n b") },
	{ "CR that folds nothing", BYTES("a\rb\r"), BYTES("a\rb\r") },
	{ "CR CR LF", BYTES("a\r\r\n b"), BYTES("a\r\r\n b") },
	{ "NUL", BYTES("a\0b\n c\0"), BYTES("a\0b\r\n c\0") },
};

START_TEST(folds)
{
	struct arena *arena;
	struct message *m = new_message(&arena);

	add_field(m, "Subject", bodies[_i].body);
	ck_assert_uint_eq(m->field_count, 1);
	ck_assert_msg(slice_equal(m->fields[0].body, bodies[_i].wanted), "%s", bodies[_i].label);
	ck_assert_msg(m->fields[0].body.data != NULL, "%s: the body is there", bodies[_i].label);
	ck_assert_msg(
	    m->header_octets == 7 + bodies[_i].wanted.len + 3, "%s: octets", bodies[_i].label);
	arena_free(arena);
}
END_TEST

START_TEST(many_folds)
{
	static char body[2 * MESSAGE_FIELD_MAX];
	struct arena *arena;
	struct message *m = new_message(&arena);

	for (size_t i = 0; i < MESSAGE_FIELD_MAX; i++)
		memcpy(body + 2 * i, "\n ", 2);
	add_field(m, "X", (struct slice){ body, MESSAGE_FIELD_MAX });
	ck_assert_uint_eq(m->fields[0].body.len, MESSAGE_FIELD_MAX / 2 * 3);
	for (size_t i = 0; i < m->fields[0].body.len; i += 3)
		ck_assert_mem_eq(m->fields[0].body.data + i, "\r\n ", 3);
	arena_free(arena);
}
END_TEST

START_TEST(fields_by_name)
{
	struct arena *arena;
	struct message *m = new_message(&arena);

	add_text(m, "Received", " one");
	add_text(m, "to", " a@example.com");
	add_text(m, "RECEIVED", " two");
	add_text(m, "Received-SPF", " three");
	add_text(m, "received", " four");
	ck_assert_uint_eq(m->field_count, 5);
	ck_assert_uint_eq(message_count(m, SLICE("Received")), 3);
	ck_assert_uint_eq(message_count(m, SLICE("Receive")), 0);
	expect_slice("nth", "first", message_field(m, SLICE("received"), 0)->body, " one");
	expect_slice("nth", "second", message_field(m, SLICE("received"), 1)->body, " two");
	expect_slice("nth", "third", message_field(m, SLICE("received"), 2)->body, " four");
	expect_slice("order", "name", m->fields[2].name, "RECEIVED");
	ck_assert_ptr_null(message_field(m, SLICE("received"), 3));
	ck_assert_ptr_null(message_field(m, SLICE("From"), 0));
	arena_free(arena);
}
END_TEST

START_TEST(fields_stay)
{
	struct arena *arena;
	struct message *m = new_message(&arena);
	char text[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		add_text(m, "X", text);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		expect_slice("fields", text, message_field(m, SLICE("x"), (size_t)i)->body, text);
	}
	arena_free(arena);
}
END_TEST

START_TEST(field_ceiling)
{
	static const char *const kept[] = { "From", "sender", "REPLY-TO", "Message-Id", "date",
		"Return-Path", "List-ID" };
	struct arena *arena;
	struct message *m = new_message(&arena);

	for (int i = 0; i < MESSAGE_FIELDS_MAX + 1000; i++)
		add_text(m, "X", " y");
	ck_assert_uint_eq(m->field_count, MESSAGE_FIELDS_MAX);
	ck_assert_uint_eq(m->fields_dropped, 1000);
	ck_assert_uint_eq(m->header_octets, (MESSAGE_FIELDS_MAX + 1000) * 6);
	for (int i = 0; i < ROWS(kept); i++) {
		for (int n = 0; n < MESSAGE_NAMED_MAX + 2; n++)
			add_text(m, kept[i], " a@example.com");
		ck_assert_msg(message_count(m, slice_of(kept[i])) == MESSAGE_NAMED_MAX,
		    "%s is kept up to its limit", kept[i]);
	}
	ck_assert_uint_eq(m->fields_dropped, 1000 + 2 * MESSAGE_NAMES);
	message_end_header(m);
	ck_assert_uint_eq(m->from_total, MESSAGE_NAMED_MAX + 2);
	ck_assert_uint_eq(m->from_count, MESSAGE_NAMED_MAX);
	arena_free(arena);
}
END_TEST

START_TEST(named_below_the_ceiling)
{
	struct arena *arena;
	struct message *m = new_message(&arena);

	for (int i = 0; i < 3 * MESSAGE_NAMED_MAX; i++)
		add_text(m, "From", " a@example.com");
	message_end_header(m);
	ck_assert_uint_eq(m->from_total, 3 * MESSAGE_NAMED_MAX);
	ck_assert_uint_eq(m->from_count, 3 * MESSAGE_NAMED_MAX);
	arena_free(arena);
}
END_TEST

START_TEST(octet_ceiling)
{
	static char body[MESSAGE_FIELD_MAX + 10];
	struct arena *arena;
	struct message *m = new_message(&arena);
	size_t fit = MESSAGE_HEADER_MAX / (MESSAGE_FIELD_MAX + 4);

	memset(body, 'x', sizeof body);
	for (size_t i = 0; i < 1000; i++)
		add_field(m, "X", (struct slice){ body, MESSAGE_FIELD_MAX });
	ck_assert_uint_eq(m->field_count, fit);
	ck_assert_uint_eq(m->fields_dropped, 1000 - fit);
	add_text(m, "Y", "small");
	ck_assert_uint_eq(m->fields_dropped, 1001 - fit);
	add_field(m, "From", (struct slice){ body, sizeof body });
	ck_assert_uint_eq(m->field_count, fit + 1);
	ck_assert_uint_eq(m->fields[fit].body.len, MESSAGE_FIELD_MAX);
	ck_assert_uint_eq(m->header_octets, 1000 * (MESSAGE_FIELD_MAX + 4) + 9 + sizeof body + 7);
	ck_assert_uint_lt(arena_used(arena), 2 * MESSAGE_HEADER_MAX);
	message_end_header(m);
	ck_assert(m->from[0]->unparsed);
	arena_free(arena);
}
END_TEST

START_TEST(mail_from)
{
	struct arena *arena;
	struct message *m = new_message(&arena);
	struct slice path = exact_text("<ann@example.com>");

	ck_assert(!m->has_mail);
	message_set_mail(m, path);
	exact_free(path);
	ck_assert(m->has_mail);
	expect_slice("MAIL", "raw", m->mail_from.raw, "<ann@example.com>");
	expect_slice("MAIL", "address", m->mail_from.address, "ann@example.com");
	arena_free(arena);
}
END_TEST

static struct path add_rcpt(struct message *m, const char *text)
{
	struct slice path = exact_text(text);
	struct path parsed = message_add_rcpt(m, path);

	exact_free(path);
	return parsed;
}

START_TEST(recipients)
{
	struct arena *arena;
	struct message *m = new_message(&arena);
	struct path path;

	add_rcpt(m, "<a@Example.COM>");
	add_rcpt(m, "<b@example.com>");
	add_rcpt(m, "<b@EXAMPLE.com>");
	add_rcpt(m, "<postmaster>");
	add_rcpt(m, "");
	path = add_rcpt(m, "<c@sub.example.com>");
	ck_assert_uint_eq(m->rcpt_count, 6);
	ck_assert_uint_eq(m->rcpt_domain_count, 2);
	expect_slice("domains", "first", m->rcpt_domains[0], "example.com");
	expect_slice("domains", "second", m->rcpt_domains[1], "sub.example.com");
	expect_slice("path", "raw", path.raw, "<c@sub.example.com>");
	expect_slice("path", "domain", path.domain, "sub.example.com");
	arena_free(arena);
}
END_TEST

START_TEST(many_recipients)
{
	struct arena *arena;
	struct message *m = new_message(&arena);
	char text[64];

	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "<user@d%d.example.com>", i);
		add_rcpt(m, text);
	}
	ck_assert_uint_eq(m->rcpt_count, 100000);
	ck_assert_uint_eq(m->rcpt_domain_count, MESSAGE_DOMAINS_MAX);
	expect_slice("domains", "the last kept", m->rcpt_domains[MESSAGE_DOMAINS_MAX - 1],
	    "d49.example.com");
	ck_assert_uint_lt(arena_used(arena), 64 * 1024);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	const char *from[2];
	const char *author; /* NULL: none */
} authors[] = {
	{ "none", { NULL }, NULL },
	{ "one", { " Ann <ann@example.com>" }, "ann@example.com" },
	{ "empty", { " " }, NULL },
	{ "two in one field", { " a@example.com, b@example.com" }, NULL },
	{ "two fields", { " a@example.com", " b@example.com" }, NULL },
	{ "two fields, one empty", { " a@example.com", "" }, NULL },
	{ "a fault that leaves one address", { " Doe, John <john@example.com>" },
	    "john@example.com" },
	{ "no address", { " Ann" }, NULL },
};

START_TEST(author)
{
	struct arena *arena;
	struct message *m = new_message(&arena);
	const struct mailbox *mailbox;

	for (int i = 0; i < 2; i++)
		if (authors[_i].from[i] != NULL)
			add_text(m, i == 0 ? "From" : "FROM", authors[_i].from[i]);
	message_end_header(m);
	mailbox = message_author(m);
	ck_assert_msg(
	    (mailbox == NULL) == (authors[_i].author == NULL), "%s: author", authors[_i].label);
	if (mailbox != NULL)
		expect_slice(authors[_i].label, "address", mailbox->address, authors[_i].author);
	arena_free(arena);
}
END_TEST

START_TEST(empty_message)
{
	struct arena *arena;
	struct message *m = new_message(&arena);

	message_end_header(m);
	ck_assert_uint_eq(m->from_count, 0);
	ck_assert_uint_eq(m->from_total, 0);
	ck_assert_ptr_null(message_author(m));
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("message");
	TCase *tc = tcase_create("message");

	tcase_add_test(tc, mta_versions);
	tcase_add_test(tc, class_names);
	tcase_add_loop_test(tc, folds, 0, ROWS(bodies));
	tcase_add_test(tc, many_folds);
	tcase_add_test(tc, fields_by_name);
	tcase_add_test(tc, fields_stay);
	tcase_add_test(tc, field_ceiling);
	tcase_add_test(tc, named_below_the_ceiling);
	tcase_add_test(tc, octet_ceiling);
	tcase_add_test(tc, mail_from);
	tcase_add_test(tc, recipients);
	tcase_add_test(tc, many_recipients);
	tcase_add_loop_test(tc, author, 0, ROWS(authors));
	tcase_add_test(tc, empty_message);
	suite_add_tcase(suite, tc);
	return suite;
}
