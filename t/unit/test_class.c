/* test_class.c - whose message is ours, and which recipient is outside. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policy/class.h"
#include "policy/config.h"
#include "unit.h"

static struct config *load(const char *label, const char *text)
{
	struct buf errors, warnings;
	struct config *config;

	buf_init(&errors, 10000);
	buf_init(&warnings, 10000);
	config = config_from_text("t.conf", slice_of(text), &errors, &warnings);
	ck_assert_msg(config != NULL, "%s: %s", label, buf_text(&errors));
	buf_free(&errors);
	buf_free(&warnings);
	return config;
}

struct class_row {
	const char *label, *config;
	const char *daemon, *login, *subject, *client;
	bool local;
	enum sender_class want;
};

static const char listeners[] = "listeners = { \"submit\" } not_listeners = { \"inject\" }";

static const struct class_row class_rows[] = {
	{ "nothing known", "", NULL, NULL, NULL, NULL, false, CLASS_NONE },
	{ "foreign client", "", NULL, NULL, NULL, "198.51.100.1", false, CLASS_NONE },
	{ "loopback by default", "", NULL, NULL, NULL, "127.0.0.9", false, CLASS_SUBMITTER },
	{ "loopback of IPv6", "", NULL, NULL, NULL, "::1", false, CLASS_SUBMITTER },
	{ "submitters replaced", "submitters = { \"192.0.2.0/24\" }", NULL, NULL, NULL,
	    "127.0.0.1", false, CLASS_NONE },
	{ "submitters added", "submitters += { \"192.0.2.0/24\" }", NULL, NULL, NULL, "127.0.0.1",
	    false, CLASS_SUBMITTER },
	{ "in an added network", "submitters += { \"192.0.2.0/24\" }", NULL, NULL, NULL,
	    "192.0.2.200", false, CLASS_SUBMITTER },
	{ "login", "", NULL, "ann", NULL, "198.51.100.1", false, CLASS_AUTHENTICATED },
	{ "empty login is none", "", NULL, "", NULL, "198.51.100.1", false, CLASS_NONE },
	{ "login before local", "", NULL, "ann", NULL, NULL, true, CLASS_AUTHENTICATED },
	{ "login before submitter", "", NULL, "ann", NULL, "127.0.0.1", false,
	    CLASS_AUTHENTICATED },
	{ "login switched off", "authenticated = false", NULL, "ann", NULL, "198.51.100.1", false,
	    CLASS_NONE },
	{ "login switched off, a submitter", "authenticated = false", NULL, "ann", NULL,
	    "127.0.0.1", false, CLASS_SUBMITTER },
	{ "certificate", "cert_subjects = { \"CN=app.example.com\" }", NULL, NULL,
	    "CN=app.example.com", "198.51.100.1", false, CLASS_AUTHENTICATED },
	{ "another certificate", "cert_subjects = { \"CN=app.example.com\" }", NULL, NULL,
	    "CN=bad.example.com", "198.51.100.1", false, CLASS_NONE },
	{ "no certificate counts by default", "", NULL, NULL, "CN=app.example.com",
	    "198.51.100.1", false, CLASS_NONE },
	{ "certificate switched off", "authenticated = no cert_subjects = { \"CN=a\" }", NULL,
	    NULL, "CN=a", "198.51.100.1", false, CLASS_NONE },
	{ "local", "", NULL, NULL, NULL, NULL, true, CLASS_LOCAL },
	{ "local before submitter", "", NULL, NULL, NULL, "127.0.0.1", true, CLASS_LOCAL },
	{ "local switched off", "local_submission = false", NULL, NULL, NULL, "127.0.0.1", true,
	    CLASS_NONE },
	{ "listener", listeners, "submit", NULL, NULL, "198.51.100.1", false, CLASS_LISTENER },
	{ "listener before login", listeners, "submit", "ann", NULL, NULL, false,
	    CLASS_LISTENER },
	{ "another listener", listeners, "smtpd", NULL, NULL, "198.51.100.1", false, CLASS_NONE },
	{ "not_listener before login", listeners, "inject", "ann", NULL, NULL, false, CLASS_NONE },
	{ "not_listener before submitter", listeners, "inject", NULL, NULL, "127.0.0.1", false,
	    CLASS_NONE },
	{ "not_listener before local", listeners, "inject", NULL, NULL, NULL, true, CLASS_NONE },
	{ "not_listener before listener",
	    "listeners = { \"a\" } not_listeners = { \"a\" }", "a", NULL, NULL, NULL, false,
	    CLASS_NONE },
};

START_TEST(class_of_a_transaction)
{
	const struct class_row *row = &class_rows[_i];
	struct config *config = load(row->label, row->config);
	struct transaction t = {
		.daemon_name = slice_of(row->daemon),
		.login = slice_of(row->login),
		.cert_subject = slice_of(row->subject),
		.local_submission = row->local,
	};
	enum sender_class got;

	if (row->client != NULL)
		ck_assert(ip_parse(row->client, &t.client));
	got = class_decide(config, &t);
	ck_assert_msg(got == row->want, "%s: class %s, wanted %s", row->label,
	    sender_class_name(got), sender_class_name(row->want));
	config_unref(config);
}
END_TEST

struct recipient_row {
	const char *label, *config, *mailer, *recipient;
	bool internal;
};

static const char own[] =
    "own_domains = { \"example.com\", \"*.example.net\", \"bücher.example\" }";

static const struct recipient_row recipient_rows[] = {
	{ "mailer smtp", "", "smtp", "<a@example.com>", false },
	{ "mailer smtp wins over the domain", own, "smtp", "<a@example.com>", false },
	{ "mailer local", "", "local", "<a@example.org>", true },
	{ "mailer LOCAL", "", "LOCAL", "<a@example.org>", true },
	{ "mailer virtual", "", "virtual", "<a@example.org>", true },
	{ "mailer lmtp", "", "lmtp", "<a@example.org>", true },
	{ "mailer discard", "", "discard", "<a@example.org>", true },
	{ "mailers replaced", "internal_mailers = { \"dovecot\" }", "local", "<a@example.org>",
	    false },
	{ "mailer of ours", "internal_mailers = { \"dovecot\" }", "dovecot", "<a@example.org>",
	    true },
	{ "no mailer, no domains", "", NULL, "<a@example.com>", false },
	{ "own domain", own, NULL, "<a@example.com>", true },
	{ "own domain, capitals", own, NULL, "<a@EXAMPLE.Com>", true },
	{ "own domain without brackets", own, NULL, "a@example.com", true },
	{ "below an own domain", own, NULL, "<a@mail.example.com>", false },
	{ "a name that ends alike", own, NULL, "<a@badexample.com>", false },
	{ "below a pattern", own, NULL, "<a@mail.example.net>", true },
	{ "far below a pattern", own, NULL, "<a@x.mail.example.net>", true },
	{ "the pattern's own name", own, NULL, "<a@example.net>", false },
	{ "A-label of an own U-label", own, NULL, "<a@xn--bcher-kva.example>", true },
	{ "empty mailer", own, "", "<a@example.com>", true },
	{ "local part alone", "", NULL, "<root>", true },
	{ "address literal", own, NULL, "<a@[192.0.2.1]>", false },
	{ "no address at all", own, NULL, "<@>", false },
};

START_TEST(recipient_stays_inside)
{
	const struct recipient_row *row = &recipient_rows[_i];
	struct config *config = load(row->label, row->config);
	struct arena *arena = arena_new();
	struct slice raw = exact_text(row->recipient);
	struct path path = path_parse(arena, raw, false);
	bool got = recipient_is_internal(config, slice_of(row->mailer), &path);

	ck_assert_msg(got == row->internal, "%s: %s", row->label, got ? "internal" : "external");
	exact_free(raw);
	arena_free(arena);
	config_unref(config);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("class");
	TCase *tcase = tcase_create("class");

	tcase_add_loop_test(tcase, class_of_a_transaction, 0, ROWS(class_rows));
	tcase_add_loop_test(tcase, recipient_stays_inside, 0, ROWS(recipient_rows));
	suite_add_tcase(suite, tcase);
	return suite;
}
