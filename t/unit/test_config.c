/* test_config.c - every option, every fault with its line, scopes, exemptions, conf.d. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policy/config.h"
#include "policy/config_table.h"
#include "policy/own_domains.h"
#include "policy/setting.h"
#include "unit.h"

/* A load and all that it said. */
struct loaded {
	struct config *config;
	struct buf errors, warnings;
};

static struct loaded load_slice(struct slice text)
{
	struct loaded l = { NULL, { 0 }, { 0 } };

	buf_init(&l.errors, 100000);
	buf_init(&l.warnings, 100000);
	l.config = config_from_text("t.conf", text, &l.errors, &l.warnings);
	return l;
}

static struct loaded load(const char *text)
{
	struct slice copy = exact_text(text);
	struct loaded l = load_slice(copy);

	exact_free(copy);
	return l;
}

static struct loaded load_file(const char *path)
{
	struct loaded l = { NULL, { 0 }, { 0 } };

	buf_init(&l.errors, 100000);
	buf_init(&l.warnings, 100000);
	l.config = config_load(path, &l.errors, &l.warnings);
	return l;
}

static void loaded_free(struct loaded *l)
{
	config_unref(l->config);
	buf_free(&l->errors);
	buf_free(&l->warnings);
}

static void expect_good(const char *label, const struct loaded *l)
{
	expect_slice(label, "errors", slice_of(buf_text(&l->errors)), "");
	expect_slice(label, "warnings", slice_of(buf_text(&l->warnings)), "");
	ck_assert_msg(l->config != NULL, "%s: no configuration", label);
}

/* ---- single options -------------------------------------------------------- */

static void show_strings(struct buf *out, const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_printf(out, "[%s]", list->items[i]);
}

static void show_networks(struct buf *out, const struct network_list *list)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		buf_printf(
		    out, "[%s/%u]", ip_format(&list->items[i].ip, text), list->items[i].prefix);
}

static void show_text(struct buf *out, const char *text)
{
	buf_add_text(out, text == NULL ? "(none)" : text);
}

static void show_number(struct buf *out, long number)
{
	buf_printf(out, "%ld", number);
}

/* The value of an option as the configuration holds it. */
static void show(const struct config *c, const char *name, struct buf *out)
{
#define SHOW(option, how, value)                                                                   \
	if (strcmp(name, option) == 0) {                                                           \
		how(out, value);                                                                   \
		return;                                                                            \
	}
	SHOW("mode", show_text, mode_name(c->global.whole.mode))
	SHOW("socket", show_text, c->socket)
	SHOW("socket_mode", show_number, (long)c->socket_mode)
	SHOW("socket_group", show_text, c->socket_group)
	SHOW("user", show_text, c->user)
	SHOW("pidfile", show_text, c->pidfile)
	SHOW("log", show_number, c->log)
	SHOW("log_format", show_number, c->log_format)
	SHOW("facility", show_number, c->facility)
	SHOW("submitters", show_networks, &c->submitters)
	SHOW("listeners", show_strings, &c->listeners)
	SHOW("not_listeners", show_strings, &c->not_listeners)
	SHOW("cert_subjects", show_strings, &c->cert_subjects)
	SHOW("authenticated", show_number, c->authenticated)
	SHOW("local_submission", show_number, c->local_submission)
	SHOW("internal", show_number, c->internal)
	SHOW("internal_mailers", show_strings, &c->internal_mailers)
	SHOW("null_sender", show_number, c->null_sender)
	SHOW("own_domains", show_strings, &c->own_domains)
	SHOW("own_domains_set", show_number, c->own_domains_set)
	SHOW("deadline", show_number, (long)(c->deadline * 1000))
	SHOW("on_unknown", show_number, c->on_unknown)
	SHOW("flag_header", show_text, c->flag_header)
#undef SHOW
	ck_abort_msg("no option %s to show", name);
}

struct good_row {
	const char *label, *text, *option, *want;
};

static const struct good_row good_rows[] = {
	{ "default mode", "", "mode", "audit" },
	{ "default socket", "", "socket", "unix:/run/presend/presend.sock" },
	{ "default socket_mode", "", "socket_mode", "432" },
	{ "default socket_group", "", "socket_group", "(none)" },
	{ "default user", "", "user", "presend" },
	{ "default pidfile", "", "pidfile", "(none)" },
	{ "default log", "", "log", "0" },
	{ "default log_format", "", "log_format", "0" },
	{ "default facility", "", "facility", "16" },
	{ "default submitters", "", "submitters", "[127.0.0.0/8][::1/128]" },
	{ "default listeners", "", "listeners", "" },
	{ "default not_listeners", "", "not_listeners", "" },
	{ "default cert_subjects", "", "cert_subjects", "" },
	{ "default authenticated", "", "authenticated", "1" },
	{ "default local_submission", "", "local_submission", "1" },
	{ "default internal", "", "internal", "0" },
	{ "default internal_mailers", "", "internal_mailers", "[local][virtual][lmtp][discard]" },
	{ "default null_sender", "", "null_sender", "0" },
	{ "default own_domains", "", "own_domains", "" },
	{ "default own_domains_set", "", "own_domains_set", "0" },
	{ "default deadline", "", "deadline", "5000" },
	{ "default on_unknown", "", "on_unknown", "0" },
	{ "default flag_header", "", "flag_header", "X-Presend-Flag" },

	{ "mode", "mode = enforce", "mode", "enforce" },
	{ "mode in quotes", "mode = \"enforce\"", "mode", "enforce" },
	{ "mode in single quotes", "mode = 'enforce'", "mode", "enforce" },
	{ "a later one wins", "mode = enforce mode = audit", "mode", "audit" },
	{ "line ends of DOS", "mode\r\n=\r\nenforce\r\n", "mode", "enforce" },
	{ "byte order mark", "\xef\xbb\xbfmode = enforce", "mode", "enforce" },
	{ "comments", "# a\n// b \"\n/* c\n 'd */ mode /* e */ = /**/ enforce # f", "mode",
	    "enforce" },
	{ "a comment behind a word", "mode = enforce# f", "mode", "enforce" },
	{ "a comment's sign in a string", "user = \"a#b\"", "user", "a#b" },
	{ "socket inet", "socket = inet:8891@127.0.0.1", "socket", "inet:8891@127.0.0.1" },
	{ "socket inet, any host", "socket = inet:8891", "socket", "inet:8891" },
	{ "socket inet6", "socket = inet6:8891@::1", "socket", "inet6:8891@::1" },
	{ "socket inet6 in brackets", "socket = 'inet6:8891@[::1]'", "socket", "inet6:8891@[::1]" },
	{ "socket local", "socket = local:/run/p.sock", "socket", "local:/run/p.sock" },
	{ "socket fd", "socket = fd:3", "socket", "fd:3" },
	{ "two slashes in a word", "socket = unix:/run//p.sock", "socket", "unix:/run//p.sock" },
	{ "socket_mode", "socket_mode = 0777", "socket_mode", "511" },
	{ "socket_mode without 0", "socket_mode = 600", "socket_mode", "384" },
	{ "socket_group", "socket_group = mail", "socket_group", "mail" },
	{ "user", "user = _presend", "user", "_presend" },
	{ "pidfile", "pidfile = /run/p.pid", "pidfile", "/run/p.pid" },
	{ "a dollar stands for itself", "pidfile = \"/run/${HOME}$\"", "pidfile", "/run/${HOME}$" },
	{ "and in single quotes", "pidfile = '/run/${HOME}'", "pidfile", "/run/${HOME}" },
	{ "escapes", "pidfile = \"/a\\\"b\\\\c\"", "pidfile", "/a\"b\\c" },
	{ "escapes in single quotes", "pidfile = '/a\\'b\\\\c\\d'", "pidfile", "/a'b\\c\\d" },
	{ "log", "log = stderr", "log", "1" },
	{ "log_format", "log_format = text", "log_format", "1" },
	{ "facility", "facility = local7", "facility", "184" },
	{ "submitters", "submitters = { \"192.0.2.0/24\", 2001:db8::1 }", "submitters",
	    "[192.0.2.0/24][2001:db8::1/128]" },
	{ "submitters added", "submitters += { \"192.0.2.1\" }", "submitters",
	    "[127.0.0.0/8][::1/128][192.0.2.1/32]" },
	{ "no submitters", "submitters = {}", "submitters", "" },
	{ "replaced, then added", "submitters = { 192.0.2.1 } submitters += { 192.0.2.2 }",
	    "submitters", "[192.0.2.1/32][192.0.2.2/32]" },
	{ "emptied, then added", "submitters = {} submitters += { 192.0.2.2 }", "submitters",
	    "[192.0.2.2/32]" },
	{ "added, then replaced", "submitters += { 192.0.2.2 } submitters = { 192.0.2.1 }",
	    "submitters", "[192.0.2.1/32]" },
	{ "added, then emptied", "submitters += { 192.0.2.2 } submitters = {}", "submitters", "" },
	{ "nothing added", "submitters += {}", "submitters", "[127.0.0.0/8][::1/128]" },
	{ "one item without braces", "listeners = submission", "listeners", "[submission]" },
	{ "a comma behind the last", "listeners = { \"a\", \"b\", }", "listeners", "[a][b]" },
	{ "not_listeners", "not_listeners = { \"10025\" }", "not_listeners", "[10025]" },
	{ "cert_subjects", "cert_subjects = { \"CN=a, O=b\" }", "cert_subjects", "[CN=a, O=b]" },
	{ "authenticated", "authenticated = false", "authenticated", "0" },
	{ "authenticated off", "authenticated = off", "authenticated", "0" },
	{ "local_submission", "local_submission = no", "local_submission", "0" },
	{ "internal audit", "internal = audit", "internal", "1" },
	{ "internal judge", "internal = judge", "internal", "2" },
	{ "internal_mailers", "internal_mailers += { \"dovecot\" }", "internal_mailers",
	    "[local][virtual][lmtp][discard][dovecot]" },
	{ "null_sender", "null_sender = judge", "null_sender", "1" },
	{ "own_domains", "own_domains = { \"Example.COM\", \"*.example.net\", \"bücher.example\" }",
	    "own_domains", "[example.com][*.example.net][xn--bcher-kva.example]" },
	{ "own_domains with one label", "own_domains = { localhost, a_b.example.com }",
	    "own_domains", "[localhost][a_b.example.com]" },
	{ "own_domains empty", "own_domains = {}", "own_domains_set", "1" },
	{ "own_domains added to", "own_domains += { \"example.com\" }", "own_domains_set", "1" },
	{ "deadline least", "deadline = 0.1", "deadline", "100" },
	{ "deadline most", "deadline = 8", "deadline", "8000" },
	{ "on_unknown", "on_unknown = tempfail", "on_unknown", "1" },
	{ "flag_header", "flag_header = X-Flag", "flag_header", "X-Flag" },
};

START_TEST(good_option)
{
	const struct good_row *row = &good_rows[_i];
	struct loaded l = load(row->text);
	struct buf shown;

	expect_good(row->label, &l);
	buf_init(&shown, 10000);
	show(l.config, row->option, &shown);
	expect_slice(row->label, row->option, buf_slice(&shown), row->want);
	buf_free(&shown);
	loaded_free(&l);
}
END_TEST

/* ---- faults ---------------------------------------------------------------- */

struct bad_row {
	const char *label, *text, *want; /* all lines of the errors */
};

static const struct bad_row bad_rows[] = {
	/* values */
	{ "mode", "mode = strict", "t.conf:1: mode: \"strict\" is none of audit, enforce\n" },
	{ "the line counts", "\n\nmode = strict",
	    "t.conf:3: mode: \"strict\" is none of audit, enforce\n" },
	{ "comments do not move the line", "# a\n# b\n/* c\n d */\n// e\nmode = strict",
	    "t.conf:6: mode: \"strict\" is none of audit, enforce\n" },
	{ "nor do lists of several lines", "listeners = {\n\"a\", # one\n\"b\"\n}\nmode = strict",
	    "t.conf:5: mode: \"strict\" is none of audit, enforce\n" },
	{ "an item's own line", "submitters = {\n192.0.2.1,\n192.0.2,\n::1 }",
	    "t.conf:3: submitters: \"192.0.2\" is neither an IP address nor a network whose host "
	    "bits are zero\n" },
	{ "all values are looked at", "mode = strict\nlog = file\n\nsocket_mode = 0999\nuser = ''",
	    "t.conf:1: mode: \"strict\" is none of audit, enforce\n"
	    "t.conf:2: log: \"file\" is none of syslog, stderr\n"
	    "t.conf:4: socket_mode: \"0999\" is no octal file mode up to 0777\n"
	    "t.conf:5: user: \"\" is no name of a user or group\n" },
	{ "socket", "socket = /run/p.sock",
	    "t.conf:1: socket: \"/run/p.sock\" is no socket: inet:PORT@HOST, inet6:PORT@HOST, "
	    "unix:/PATH, local:/PATH or fd:NUMBER\n" },
	{ "socket port", "socket = inet:0@localhost",
	    "t.conf:1: socket: \"inet:0@localhost\" is no socket: inet:PORT@HOST, "
	    "inet6:PORT@HOST, unix:/PATH, local:/PATH or fd:NUMBER\n" },
	{ "socket_mode with a set-id bit", "socket_mode = 4755",
	    "t.conf:1: socket_mode: \"4755\" is no octal file mode up to 0777\n" },
	{ "socket_mode", "socket_mode = 01777",
	    "t.conf:1: socket_mode: \"01777\" is no octal file mode up to 0777\n" },
	{ "socket_group", "socket_group = \"a:b\"",
	    "t.conf:1: socket_group: \"a:b\" is no name of a user or group\n" },
	{ "pidfile", "pidfile = presend.pid",
	    "t.conf:1: pidfile: \"presend.pid\" is no absolute path\n" },
	{ "log_format", "log_format = xml",
	    "t.conf:1: log_format: \"xml\" is none of json, text\n" },
	{ "facility", "facility = kern",
	    "t.conf:1: facility: \"kern\" is none of mail, daemon, user, auth, authpriv, local0, "
	    "local1, local2, local3, local4, local5, local6, local7\n" },
	{ "host bits", "submitters = { \"192.0.2.1/24\" }",
	    "t.conf:1: submitters: \"192.0.2.1/24\" is neither an IP address nor a network whose "
	    "host bits are zero\n" },
	{ "empty item", "listeners = { \"\" }", "t.conf:1: listeners: an item is empty\n" },
	{ "authenticated", "authenticated = maybe",
	    "t.conf:1: authenticated: \"maybe\" is none of true, false, yes, no, on, off\n" },
	{ "internal", "internal = yes",
	    "t.conf:1: internal: \"yes\" is none of pass, audit, judge\n" },
	{ "null_sender", "null_sender = pass",
	    "t.conf:1: null_sender: \"pass\" is none of log, judge\n" },
	{ "on_unknown", "on_unknown = reject",
	    "t.conf:1: on_unknown: \"reject\" is none of accept, tempfail\n" },
	{ "deadline too short", "deadline = 0.09",
	    "t.conf:1: deadline: \"0.09\" is no number of seconds from 0.1 to 8\n" },
	{ "deadline too long", "deadline = 8.1",
	    "t.conf:1: deadline: \"8.1\" is no number of seconds from 0.1 to 8\n" },
	{ "deadline no number", "deadline = nan",
	    "t.conf:1: deadline: \"nan\" is no number of seconds from 0.1 to 8\n" },
	{ "deadline with a unit", "deadline = 5s",
	    "t.conf:1: deadline: \"5s\" is no number of seconds from 0.1 to 8\n" },
	{ "deadline of two dots", "deadline = 1.2.3",
	    "t.conf:1: deadline: \"1.2.3\" is no number of seconds from 0.1 to 8\n" },
	{ "max_waiting", "max_waiting = 0",
	    "t.conf:1: max_waiting: \"0\" is no whole number from 1 to 1000000\n" },
	{ "flag_header", "flag_header = \"X Flag\"",
	    "t.conf:1: flag_header: \"X Flag\" is no name of a header field\n" },
	{ "flag_header with a colon", "flag_header = \"X-Flag:\"",
	    "t.conf:1: flag_header: \"X-Flag:\" is no name of a header field\n" },
	{ "flag_header that would take From away", "flag_header = from",
	    "t.conf:1: flag_header: \"from\" is a field with a meaning of its own\n" },
	{ "own_domains", "own_domains = { \"exa mple.com\" }",
	    "t.conf:1: own_domains: \"exa mple.com\" is no domain name, nor *.NAME: the domain "
	    "holds a character that no host name has\n" },
	{ "own_domains star", "own_domains = { \"*\" }",
	    "t.conf:1: own_domains: \"*\" is no domain name, nor *.NAME: not a domain name\n" },
	{ "own_domains single label", "own_domains = { \"a-\" }",
	    "t.conf:1: own_domains: \"a-\" is no domain name, nor *.NAME: not a domain name\n" },
	{ "own_domains underscore", "own_domains = { \"_a.-b\" }",
	    "t.conf:1: own_domains: \"_a.-b\" is no domain name, nor *.NAME: not a domain name\n" },
	{ "own_domains dots", "own_domains = { \"a_..b\" }",
	    "t.conf:1: own_domains: \"a_..b\" is no domain name, nor *.NAME: not a domain name\n" },
	{ "own_domains empty name", "own_domains = { \"*.\" }",
	    "t.conf:1: own_domains: \"*.\" is no domain name, nor *.NAME: not a domain name\n" },
	{ "egress", "egress = { mail.example.com }",
	    "t.conf:1: egress: \"mail.example.com\" is neither an IP address nor a network whose "
	    "host bits are zero\n" },
	{ "helo", "helo = '-x'", "t.conf:1: helo: \"-x\" is no host name\n" },
	{ "resolver", "resolver = { \"192.0.2.1@0\" }",
	    "t.conf:1: resolver: \"192.0.2.1@0\" is neither ADDRESS@PORT, \"recursive\", \"none\" "
	    "nor an "
	    "absolute path\n" },
	{ "signer", "signer = opendkim",
	    "t.conf:1: signer: \"opendkim\" is no signer: before, after or opendkim:/FILE\n" },
	{ "catch_all", "catch_all = proof",
	    "t.conf:1: catch_all: \"proof\" is none of nothing, mailbox\n" },

	/* names */
	{ "unknown option", "\nmodes = audit", "t.conf:2: no such option 'modes'\n" },
	{ "unknown option in a section", "class \"local\" {\n action = log }",
	    "t.conf:2: class \"local\": no such option 'action'\n" },
	{ "unknown option in a section of a section",
	    "domain \"example.com\" {\n\n check \"from.*\" { acton = log } }",
	    "t.conf:3: check \"from.*\": no such option 'acton'\n" },
	{ "include", "include(\"/etc/passwd\")",
	    "t.conf:1: a text with parentheses must stand in quotes\n" },
	{ "a way into another section", "check \"from.*\" {}\n'check|action' = log",
	    "t.conf:2: no sub-section title/index for 'check'\n" },
	{ "an empty name", "\"\" = 1", "t.conf:1: this is no configuration\n" },
	{ "class", "\nclass \"nobody\" {\n mode = audit\n}",
	    "t.conf:2: class \"nobody\": the classes are listener, authenticated, local and "
	    "submitter\n" },
	{ "the second section",
	    "check \"*\" {}\nclass \"local\" {\n check \"*\" {}\n}\nclass \"x\" {\n}",
	    "t.conf:5: class \"x\": the classes are listener, authenticated, local and "
	    "submitter\n" },
	{ "class none", "class \"none\" { mode = audit }",
	    "t.conf:1: class \"none\": the classes are listener, authenticated, local and "
	    "submitter\n" },
	{ "check", "\n\ncheck \"from.typo\" {\n action = log\n}",
	    "t.conf:3: check \"from.typo\": no check has such a name\n" },
	{ "check pattern", "check \"form.*\" { action = log }",
	    "t.conf:1: check \"form.*\": no check has such a name\n" },
	{ "check in a domain", "domain \"example.com\" {\n check \"x\" { action = log }\n}",
	    "t.conf:2: check \"x\": no check has such a name\n" },
	{ "action", "check \"from.*\" {\n action = deny }",
	    "t.conf:2: check \"from.*\": action: \"deny\" is none of off, log, flag, quarantine, "
	    "tempfail, reject\n" },
	{ "mode of a check", "check \"from.*\" { mode = on }",
	    "t.conf:1: check \"from.*\": mode: \"on\" is none of audit, enforce\n" },
	{ "domain", "\ndomain \"-x.example\" {\n mode = audit\n}",
	    "t.conf:2: domain \"-x.example\": \"-x.example\" is no domain name, nor *.NAME: a "
	    "label of the domain begins or ends with a hyphen\n" },

	/* exemptions */
	{ "no condition", "\nexempt \"x\" {\n checks = { \"from.syntax\" }\n}",
	    "t.conf:2: exempt \"x\": it has no condition: client, login, listener, mail_from or "
	    "header\n" },
	{ "empty conditions", "exempt \"x\" { client = {} login = {} }",
	    "t.conf:1: exempt \"x\": it has no condition: client, login, listener, mail_from or "
	    "header\n" },
	{ "no checks", "exempt \"x\" { login = ann checks = {} }",
	    "t.conf:1: exempt \"x\": its list of checks is empty\n" },
	{ "header and a MAIL check",
	    "exempt \"x\" {\n header = { \"List-Id\" }\n checks = { \"envelope.sender-syntax\" } }",
	    "t.conf:1: exempt \"x\": by `header` cannot name MAIL or RCPT checks\n" },
	{ "header and an RCPT check",
	    "exempt \"x\" { header = X-A checks = { \"envelope.recipient-syntax\" } }",
	    "t.conf:1: exempt \"x\": by `header` cannot name MAIL or RCPT checks\n" },
	{ "header and a MAIL check of a later version",
	    "exempt \"x\" { header = X-A checks = { \"from.*\", \"envelope.sender-login\" } }",
	    "t.conf:1: exempt \"x\": by `header` cannot name MAIL or RCPT checks\n" },
	{ "header and a pattern of MAIL checks",
	    "exempt \"x\" { header = X-A checks = { \"envelope.*\" } }",
	    "t.conf:1: exempt \"x\": by `header` cannot name MAIL or RCPT checks\n" },
	{ "header and a pattern of all", "exempt \"x\" { header = X-A checks = { \"*\" } }",
	    "t.conf:1: exempt \"x\": by `header` cannot name MAIL or RCPT checks\n" },
	{ "client", "exempt \"x\" {\n login = ann\n client = { host } }",
	    "t.conf:3: exempt \"x\": client: \"host\" is neither an IP address nor a network whose "
	    "host bits are zero\n" },
	{ "checks", "exempt \"x\" { login = ann\n checks = { \"from.syntax\",\n \"to.syntax\" } }",
	    "t.conf:3: exempt \"x\": checks: \"to.syntax\" names no check\n" },
	{ "header", "exempt \"x\" { header = { \": x\" } }",
	    "t.conf:1: exempt \"x\": header: \": x\" is neither a field name nor NAME: PATTERN\n" },

	/* form */
	{ "no value", "mode =", "t.conf:1: premature end of file\n" },
	{ "no equals sign", "mode audit", "t.conf:1: missing equal sign after option 'mode'\n" },
	{ "added to a scalar", "mode += audit",
	    "t.conf:1: attempt to append to non-list option 'mode'\n" },
	{ "list for a scalar", "mode = { audit }", "t.conf:1: unexpected token '{'\n" },
	{ "no comma", "listeners = { \"a\" \"b\" }", "t.conf:1: unexpected token 'b'\n" },
	{ "no title", "class { mode = audit }", "t.conf:1: missing title for section 'class'\n" },
	{ "section not closed", "\nclass \"local\" {\n mode = audit\n",
	    "t.conf:2: the \"{\" on this line is not closed\n" },
	{ "list not closed", "listeners = {\n\"a\",\n",
	    "t.conf:1: the \"{\" on this line is not closed\n" },
	{ "closed once too often", "mode = audit\n}", "t.conf:2: \"}\" closes nothing\n" },
	{ "nested too deep", "a { b { c { d { e { f { g { h { i {",
	    "t.conf:1: braces are nested too deep\n" },
	{ "string not closed", "\nuser = \"presend\nmode = audit\n",
	    "t.conf:2: a quoted string is not closed on its line\n" },
	{ "string not closed at the end", "user = \"",
	    "t.conf:1: a quoted string is not closed on its line\n" },
	{ "single quotes not closed", "user = 'presend\\'",
	    "t.conf:1: a quoted string is not closed on its line\n" },
	{ "comment not closed", "\n\n/* x\n\n",
	    "t.conf:3: the comment that begins here is not closed\n" },
	{ "an escape of libconfuse", "user = \"\\x41\"",
	    "t.conf:1: in double quotes a backslash stands only before \" or another backslash\n" },
	{ "an escape that would stop libconfuse", "user = \"\\777\"",
	    "t.conf:1: in double quotes a backslash stands only before \" or another backslash\n" },
	{ "a star without quotes", "domain *.example.com { mode = audit }",
	    "t.conf:1: a text with \"*\" must stand in quotes\n" },
	{ "a plus without quotes", "listeners = a+b",
	    "t.conf:1: a text with \"+\" must stand in quotes\n" },
	{ "a dollar without quotes", "user = ${HOME}",
	    "t.conf:1: a text with \"$\" must stand in quotes\n" },
	{ "control character", "\nmode = \001audit",
	    "t.conf:2: a control character outside a comment\n" },
	{ "control character in a string", "\nuser = \"a\001\"",
	    "t.conf:2: a control character in a string\n" },
	{ "not UTF-8", "# a\n# b \xff\n", "t.conf:2: not valid UTF-8\n" },
};

START_TEST(bad_option)
{
	const struct bad_row *row = &bad_rows[_i];
	struct loaded l = load(row->text);

	expect_slice(row->label, "errors", slice_of(buf_text(&l.errors)), row->want);
	ck_assert_msg(l.config == NULL, "%s: a configuration all the same", row->label);
	loaded_free(&l);
}
END_TEST

/* A fault in one text leaves nothing behind for the next. */
START_TEST(good_after_bad)
{
	for (int i = 0; i < ROWS(bad_rows); i++) {
		struct loaded bad = load(bad_rows[i].text);
		struct loaded good = load("user = \"a b\"\n# x\nmode = off");

		expect_slice(bad_rows[i].label, "next errors", slice_of(buf_text(&good.errors)),
		    "t.conf:1: user: \"a b\" is no name of a user or group\n"
		    "t.conf:3: mode: \"off\" is none of audit, enforce\n");
		loaded_free(&good);
		loaded_free(&bad);
	}
}
END_TEST

START_TEST(octets_of_no_text)
{
	struct slice nul = exact("mode = audit\n\0", 14);
	struct loaded l = load_slice(nul);

	expect_slice("NUL", "errors", slice_of(buf_text(&l.errors)),
	    "t.conf:2: a control character outside a comment\n");
	ck_assert(l.config == NULL);
	loaded_free(&l);
	exact_free(nul);
}
END_TEST

/* ---- ceilings -------------------------------------------------------------- */

/* text, then piece as often as count says, then end. */
static struct loaded load_repeated(
    const char *text, const char *piece, size_t count, const char *end)
{
	struct loaded l;
	struct buf all;

	buf_init(&all, 4 * CONFIG_OCTETS_MAX);
	buf_add_text(&all, text);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&all, piece);
	buf_add_text(&all, end);
	l = load_slice(buf_slice(&all));
	buf_free(&all);
	return l;
}

struct ceiling_row {
	const char *label, *text, *piece, *end;
	size_t most;      /* pieces that are just allowed */
	const char *want; /* the error at one more */
};

static const struct ceiling_row ceiling_rows[] = {
	{ "items", "listeners = {\n", "\"a\",\n", "}", CONFIG_ITEMS_MAX,
	    "t.conf:10002: listeners: more than 10000 items\n" },
	{ "items in two parts", "listeners = { b }\nlisteners += {\n", "\"a\",\n", "}",
	    CONFIG_ITEMS_MAX - 1, "t.conf:10002: listeners: more than 10000 items\n" },
	{ "networks", "submitters = {\n", "::1,\n", "}", CONFIG_ITEMS_MAX,
	    "t.conf:10002: submitters: more than 10000 items\n" },
	{ "networks with the default ones", "submitters += {\n", "::1,\n", "}",
	    CONFIG_ITEMS_MAX - 2, "t.conf:10001: submitters: more than 10000 items\n" },
	{ "octets of a value", "listeners = \"", "a", "\"", CONFIG_TEXT_MAX,
	    "t.conf:1: listeners: longer than 1000 octets\n" },
	{ "octets of a title", "exempt \"", "a", "\" { login = ann }", CONFIG_TEXT_MAX,
	    "t.conf:1: exempt: a title is too long\n" },
	{ "sections", "", "check\"*\"{}\n", "", CONFIG_SECTIONS_MAX,
	    "t.conf:10001: check: too many sections\n" },
	{ "octets of the text", "", " ", "", CONFIG_OCTETS_MAX, "t.conf: longer than 1 MB\n" },
};

START_TEST(ceiling)
{
	const struct ceiling_row *row = &ceiling_rows[_i];
	struct loaded l = load_repeated(row->text, row->piece, row->most, row->end);

	expect_good(row->label, &l);
	loaded_free(&l);
	l = load_repeated(row->text, row->piece, row->most + 1, row->end);
	expect_slice(row->label, "errors", slice_of(buf_text(&l.errors)), row->want);
	ck_assert_msg(l.config == NULL, "%s: a configuration all the same", row->label);
	loaded_free(&l);
}
END_TEST

/* The order in which config.h has them. */
START_TEST(order_of_domains)
{
	static const char *const want[] = { "b.a.example", "a.example", "*.b.a.example",
		"*.example" };
	struct loaded l = load("domain \"*.example\" {} domain \"a.example\" {}\n"
			       "domain \"*.b.a.example\" {} domain \"b.a.example\" {}");

	expect_good("order", &l);
	ck_assert_uint_eq(l.config->domain_count, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(l.config->domains[i].pattern, want[i]);
	loaded_free(&l);
}
END_TEST

START_TEST(many_domains)
{
	struct loaded l;
	struct buf all;

	buf_init(&all, CONFIG_OCTETS_MAX);
	for (int i = 0; i < 5000; i++)
		buf_printf(&all, "domain \"d%d.example\" { mode = enforce }\n", i);
	l = load_slice(buf_slice(&all));
	expect_good("many domains", &l);
	ck_assert_uint_eq(l.config->domain_count, 5000);
	for (size_t i = 1; i < l.config->domain_count; i++)
		ck_assert_int_lt(
		    domain_scope_compare(&l.config->domains[i - 1], &l.config->domains[i]), 0);
	loaded_free(&l);
	buf_free(&all);
}
END_TEST

/* ---- warnings -------------------------------------------------------------- */

static const struct bad_row warning_rows[] = {
	{ "nothing set", "mode = audit", "" },
	{ "egress", "egress = { 192.0.2.1, 2001:db8::/32 }", "" },
	{ "helo", "helo = mail.example.com", "" },
	{ "trust_anchor", "trust_anchor = /x", "" },
	{ "resolver", "resolver = { 127.0.0.1@53, ::1, /etc/resolv.conf }", "" },
	{ "records", "records = /x", "" },
	{ "public_suffix_list", "public_suffix_list = /x", "" },
	{ "max_waiting", "max_waiting = 1", "" },
	{ "signer", "signer = opendkim:/etc/opendkim.conf", "" },
	{ "directory", "directory = {\n a,\n b\n}", "" },
	{ "directory added to", "directory += { a, b }", "" },
	{ "catch_all", "catch_all = mailbox", "" },
	{ "store", "store \"staff\" {\n type = lmdb\n path = /x\n}", "" },
	{ "identity",
	    "identity \"ses\" { domains = { \"example.com\" } allow = { \"*@example.com\" }"
	    " fields = { from, sender } }",
	    "" },
	{ "egress of a domain", "domain \"example.com\" {\n egress = { 192.0.2.1 } }", "" },
	{ "a check of a later version", "check \"header.8bit\" { action = log }",
	    "t.conf:1: check \"header.8bit\": not used by this version\n" },
	{ "a pattern of such", "\ncheck \"header.*\" {\n action = log }",
	    "t.conf:2: check \"header.*\": not used by this version\n" },
	{ "a pattern of both", "check \"*\" { action = log } check \"from.*\" {}", "" },
	{ "in an exemption",
	    "exempt \"x\" { login = ann\nchecks = { \"header.8bit\",\n"
	    "\"from.syntax\", \"host.*\" } }",
	    "t.conf:2: exempt \"x\": checks: \"header.8bit\": not used by this version\n"
	    "t.conf:3: exempt \"x\": checks: \"host.*\": not used by this version\n" },
};

START_TEST(warning)
{
	const struct bad_row *row = &warning_rows[_i];
	struct loaded l = load(row->text);

	expect_slice(row->label, "errors", slice_of(buf_text(&l.errors)), "");
	expect_slice(row->label, "warnings", slice_of(buf_text(&l.warnings)), row->want);
	ck_assert_msg(l.config != NULL, "%s: no configuration", row->label);
	loaded_free(&l);
}
END_TEST

/* ---- scopes ---------------------------------------------------------------- */

struct scope_row {
	const char *label, *text;
	const char *check; /* NULL: the message as a whole */
	const char *author, *mail_from;
	enum sender_class class;
	enum action action; /* of the check */
	enum mode mode;
};

/* A shorter name in the rows. */
#define D "domain \"example.com\" "

static const struct scope_row scope_rows[] = {
	{ "the table's default", "", "from.syntax", "a@example.com", NULL, CLASS_LOCAL,
	    ACTION_REJECT, MODE_AUDIT },
	{ "another one", "", "from.obsolete", "a@example.com", NULL, CLASS_LOCAL, ACTION_LOG,
	    MODE_AUDIT },
	{ "global mode", "mode = enforce", "from.syntax", "a@example.com", NULL, CLASS_LOCAL,
	    ACTION_REJECT, MODE_ENFORCE },
	{ "global mode of the whole", "mode = enforce", NULL, NULL, NULL, CLASS_NONE, ACTION_OFF,
	    MODE_ENFORCE },
	{ "exact name", "check \"from.syntax\" { action = flag mode = enforce }", "from.syntax",
	    NULL, NULL, CLASS_NONE, ACTION_FLAG, MODE_ENFORCE },
	{ "exact name, another check", "check \"from.syntax\" { action = flag mode = enforce }",
	    "from.domain", NULL, NULL, CLASS_NONE, ACTION_REJECT, MODE_AUDIT },
	{ "exact before pattern",
	    "check \"from.syntax\" { action = flag } check \"from.syntax*\" { action = off }",
	    "from.syntax", NULL, NULL, CLASS_NONE, ACTION_FLAG, MODE_AUDIT },
	{ "longer before shorter, in either order",
	    "check \"from.s*\" { action = flag } check \"from.*\" { action = off }", "from.syntax",
	    NULL, NULL, CLASS_NONE, ACTION_FLAG, MODE_AUDIT },
	{ "longer before shorter, in the other order",
	    "check \"from.*\" { action = off } check \"from.s*\" { action = flag }", "from.syntax",
	    NULL, NULL, CLASS_NONE, ACTION_FLAG, MODE_AUDIT },
	{ "the later of two equals, for the mode",
	    "check \"from.*\" { mode = enforce } check \"from.*\" { mode = audit }", "from.syntax",
	    NULL, NULL, CLASS_NONE, ACTION_REJECT, MODE_AUDIT },
	{ "the later of two equals",
	    "check \"from.*\" { action = off } check \"from.*\" { action = tempfail }",
	    "from.syntax", NULL, NULL, CLASS_NONE, ACTION_TEMPFAIL, MODE_AUDIT },
	{ "two equals add up",
	    "check \"from.*\" { action = off } check \"from.*\" { mode = enforce }", "from.syntax",
	    NULL, NULL, CLASS_NONE, ACTION_OFF, MODE_ENFORCE },
	{ "action and mode apart",
	    "check \"from.syntax\" { action = flag } check \"*\" { action = off mode = enforce }",
	    "from.syntax", NULL, NULL, CLASS_NONE, ACTION_FLAG, MODE_ENFORCE },
	{ "a check's mode before the scope's", "mode = enforce check \"*\" { mode = audit }",
	    "from.syntax", NULL, NULL, CLASS_NONE, ACTION_REJECT, MODE_AUDIT },
	{ "but not for the whole", "mode = enforce check \"*\" { mode = audit }", NULL, NULL, NULL,
	    CLASS_NONE, ACTION_OFF, MODE_ENFORCE },

	{ "class before global",
	    "check \"from.syntax\" { action = flag mode = audit }\n"
	    "class \"local\" { mode = enforce check \"*\" { action = log } }",
	    "from.syntax", NULL, NULL, CLASS_LOCAL, ACTION_LOG, MODE_ENFORCE },
	{ "another class", "class \"local\" { mode = enforce check \"*\" { action = log } }",
	    "from.syntax", NULL, NULL, CLASS_SUBMITTER, ACTION_REJECT, MODE_AUDIT },
	{ "no class", "class \"local\" { mode = enforce check \"*\" { action = log } }",
	    "from.syntax", NULL, NULL, CLASS_NONE, ACTION_REJECT, MODE_AUDIT },
	{ "listener", "class \"listener\" { mode = enforce }", NULL, NULL, NULL, CLASS_LISTENER,
	    ACTION_OFF, MODE_ENFORCE },
	{ "authenticated", "class \"authenticated\" { mode = enforce }", NULL, NULL, NULL,
	    CLASS_AUTHENTICATED, ACTION_OFF, MODE_ENFORCE },
	{ "submitter", "class \"submitter\" { mode = enforce }", NULL, NULL, NULL, CLASS_SUBMITTER,
	    ACTION_OFF, MODE_ENFORCE },

	{ "domain before class before global",
	    "check \"from.syntax\" { action = off }\n"
	    "class \"local\" { mode = audit check \"from.syntax\" { action = log } }\n" D
	    "{ mode = enforce check \"*\" { action = quarantine } }",
	    "from.syntax", "a@example.com", NULL, CLASS_LOCAL, ACTION_QUARANTINE, MODE_ENFORCE },
	{ "what a domain leaves open",
	    D "{ check \"from.domain\" { action = off } }\n"
	      "class \"local\" { check \"from.*\" { action = log } }",
	    "from.syntax", "a@example.com", NULL, CLASS_LOCAL, ACTION_LOG, MODE_AUDIT },
	{ "another domain", D "{ mode = enforce }", "from.syntax", "a@example.org", NULL,
	    CLASS_LOCAL, ACTION_REJECT, MODE_AUDIT },
	{ "below is another domain", D "{ mode = enforce }", NULL, "a@x.example.com", NULL,
	    CLASS_LOCAL, ACTION_OFF, MODE_AUDIT },
	{ "the whole message", D "{ mode = enforce }", NULL, "a@example.com", NULL, CLASS_LOCAL,
	    ACTION_OFF, MODE_ENFORCE },
	{ "capitals", D "{ mode = enforce }", NULL, "a@EXAMPLE.com", NULL, CLASS_LOCAL, ACTION_OFF,
	    MODE_ENFORCE },
	{ "A-label and U-label", "domain \"bücher.example\" { mode = enforce }", NULL,
	    "a@xn--bcher-kva.example", NULL, CLASS_LOCAL, ACTION_OFF, MODE_ENFORCE },
	{ "no author", D "{ mode = enforce }", "from.syntax", NULL, "<a@example.com>", CLASS_LOCAL,
	    ACTION_REJECT, MODE_AUDIT },
	{ "pattern", "domain \"*.example.com\" { mode = enforce }", NULL, "a@x.example.com", NULL,
	    CLASS_LOCAL, ACTION_OFF, MODE_ENFORCE },
	{ "pattern, far below", "domain \"*.example.com\" { mode = enforce }", NULL,
	    "a@z.y.x.example.com", NULL, CLASS_LOCAL, ACTION_OFF, MODE_ENFORCE },
	{ "a pattern is not its own name", "domain \"*.example.com\" { mode = enforce }", NULL,
	    "a@example.com", NULL, CLASS_LOCAL, ACTION_OFF, MODE_AUDIT },
	{ "exact domain before pattern",
	    "domain \"*.com\" { mode = audit } domain \"*.example.com\" { mode = audit }\n"
	    "domain \"x.example.com\" { mode = enforce }",
	    NULL, "a@x.example.com", NULL, CLASS_LOCAL, ACTION_OFF, MODE_ENFORCE },
	{ "longer domain pattern before shorter",
	    "domain \"*.com\" { mode = audit } domain \"*.example.com\" { mode = enforce }", NULL,
	    "a@x.example.com", NULL, CLASS_LOCAL, ACTION_OFF, MODE_ENFORCE },
	{ "what the exact domain leaves open, its pattern says",
	    "domain \"x.example.com\" { check \"from.syntax\" { action = flag } }\n"
	    "domain \"*.com\" { mode = enforce check \"*\" { action = off } }",
	    "from.syntax", "a@x.example.com", NULL, CLASS_LOCAL, ACTION_FLAG, MODE_ENFORCE },
	{ "sections of one title add up",
	    D "{ mode = enforce check \"from.syntax\" { action = flag } }\n"
	      "domain \"EXAMPLE.com\" { check \"from.syntax\" { mode = audit } }",
	    "from.syntax", "a@example.com", NULL, CLASS_LOCAL, ACTION_FLAG, MODE_AUDIT },
	{ "the later section of one title wins", D "{ mode = enforce }" D "{ mode = audit }", NULL,
	    "a@example.com", NULL, CLASS_LOCAL, ACTION_OFF, MODE_AUDIT },

	{ "envelope checks: the domain of MAIL FROM",
	    D "{ mode = enforce check \"envelope.*\" { action = flag } }", "envelope.sender-syntax",
	    "a@example.org", "<a@example.com>", CLASS_LOCAL, ACTION_FLAG, MODE_ENFORCE },
	{ "envelope checks: not the author's",
	    D "{ mode = enforce check \"envelope.*\" { action = flag } }", "envelope.sender-syntax",
	    "a@example.com", "<a@example.org>", CLASS_LOCAL, ACTION_REJECT, MODE_AUDIT },
	{ "envelope checks: null sender", D "{ mode = enforce }", "envelope.recipient-syntax",
	    "a@example.com", "<>", CLASS_LOCAL, ACTION_LOG, MODE_AUDIT },
};

static struct message *make_message(
    struct arena *arena, const char *author, const char *mail_from, enum sender_class class)
{
	struct message *m = message_new(arena);

	m->transaction.class = class;
	if (mail_from != NULL)
		message_set_mail(m, slice_of(mail_from));
	if (author != NULL)
		message_add_field(m, SLICE("From"), slice_of(author));
	return m;
}

static const struct check *check_named(const char *label, const char *name)
{
	int row = check_find(slice_of(name));

	ck_assert_msg(row >= 0, "%s: no check %s", label, name);
	return &checks[row];
}

START_TEST(scope_lookup)
{
	const struct scope_row *row = &scope_rows[_i];
	struct loaded l = load(row->text);
	struct arena *arena = arena_new();
	struct message *m = make_message(arena, row->author, row->mail_from, row->class);
	const struct check *check = NULL;

	expect_good(row->label, &l);
	message_end_header(m);
	if (row->check != NULL) {
		check = check_named(row->label, row->check);
		expect_slice(row->label, "action",
		    slice_of(action_name(setting_action(l.config, m, check))),
		    action_name(row->action));
	}
	expect_slice(row->label, "mode", slice_of(mode_name(setting_mode(l.config, m, check))),
	    mode_name(row->mode));
	arena_free(arena);
	loaded_free(&l);
}
END_TEST

/* ---- the rows that refuse for our own domains ------------------------------- */

static const struct {
	const char *label, *text, *check, *author;
	enum action action;
} own_rows[] = {
	{ "ours", "", "dkim.signed", " a@example.com", ACTION_REJECT },
	{ "ours, in capitals", "", "dkim.valid", " a@EXAMPLE.com", ACTION_REJECT },
	{ "not ours", "", "dkim.key", " a@example.org", ACTION_LOG },
	{ "below ours", "", "dkim.signed", " a@mail.example.com", ACTION_LOG },
	{ "below ours, by a pattern", "own_domains += { \"*.example.com\" }", "dkim.signed",
	    " a@mail.example.com", ACTION_REJECT },
	{ "ours, of letters beyond ASCII",
	    "own_domains += { \"b\xc3\xbc"
	    "cher.example\" }",
	    "dkim.signed", " a@xn--bcher-kva.example", ACTION_REJECT },
	{ "the same, as U-label", "own_domains += { \"xn--bcher-kva.example\" }", "dkim.signed",
	    " a@b\xc3\xbc"
	    "cher.example",
	    ACTION_REJECT },
	{ "no author", "", "dkim.signed", " ", ACTION_LOG },
	{ "two authors", "", "dkim.signed", " a@example.com, b@example.com", ACTION_LOG },
	{ "ours, and set", "check \"dkim.*\" { action = flag }", "dkim.signed", " a@example.com",
	    ACTION_FLAG },
	{ "not ours, and set", "check \"dkim.*\" { action = reject }", "dkim.signed",
	    " a@example.org", ACTION_REJECT },
	{ "ours, another row", "", "dkim.coverage", " a@example.com", ACTION_LOG },
	{ "not ours, another row", "", "dmarc.alignment", " a@example.org", ACTION_REJECT },
};

START_TEST(default_for_own_domains)
{
	const char *label = own_rows[_i].label;
	struct buf text;
	struct loaded l;
	struct arena *arena = arena_new();
	struct message *m =
	    make_message(arena, own_rows[_i].author, "<a@example.com>", CLASS_AUTHENTICATED);

	buf_init(&text, 1000);
	buf_printf(&text, "own_domains = { \"example.com\" }\n%s\n", own_rows[_i].text);
	l = load(buf_text(&text));
	expect_good(label, &l);
	message_end_header(m);
	expect_slice(label, "action",
	    slice_of(
		action_name(setting_action(l.config, m, check_named(label, own_rows[_i].check)))),
	    action_name(own_rows[_i].action));
	arena_free(arena);
	loaded_free(&l);
	buf_free(&text);
}
END_TEST

/* ---- the way out ------------------------------------------------------------- */

static const struct {
	const char *label, *author, *mail_from;
	const char *egress; /* the last octet of the first address, "-": none */
} egress_rows[] = {
	{ "the author's domain", " a@one.example", "<a@other.example>", "1" },
	{ "below it, by a pattern", " a@x.one.example", "<a@other.example>", "2" },
	{ "further below, by a longer one", " a@x.deep.one.example", "<a@other.example>", "3" },
	{ "an exact name before a pattern", " a@deep.one.example", "<a@other.example>", "4" },
	{ "a section without one: the next", " a@bare.one.example", "<a@other.example>", "2" },
	{ "the sender's domain", " a@other.example", "<a@one.example>", "1" },
	{ "the author's before the sender's", " a@two.example", "<a@one.example>", "5" },
	{ "in capitals", " a@ONE.example", "<a@other.example>", "1" },
	{ "neither", " a@other.example", "<a@other.example>", "9" },
	{ "a null sender", " a@other.example", "<>", "9" },
	{ "no author", " ", "<a@one.example>", "1" },
	{ "two authors", " a@one.example, b@one.example", "<a@two.example>", "5" },
};

#define EGRESS_CONFIG                                                                              \
	"domain \"one.example\" { egress = { \"192.0.2.1\" } }\n"                                  \
	"domain \"*.one.example\" { egress = { \"192.0.2.2\" } }\n"                                \
	"domain \"*.deep.one.example\" { egress = { \"192.0.2.3\" } }\n"                           \
	"domain \"deep.one.example\" { egress = { \"192.0.2.4\" } }\n"                             \
	"domain \"bare.one.example\" { mode = enforce }\n"                                         \
	"domain \"two.example\" { egress = { \"192.0.2.5\" } }\n"

START_TEST(egress_by_domain)
{
	struct loaded l = load(EGRESS_CONFIG "egress = { \"192.0.2.9\" }\n");
	struct arena *arena = arena_new();
	struct message *m = make_message(
	    arena, egress_rows[_i].author, egress_rows[_i].mail_from, CLASS_AUTHENTICATED);
	const struct network_list *egress;
	char text[20];

	expect_good(egress_rows[_i].label, &l);
	message_end_header(m);
	egress = setting_egress(l.config, m);
	ck_assert_uint_eq(egress->count, 1);
	snprintf(text, sizeof text, "%d", egress->items[0].ip.octets[3]);
	expect_slice(egress_rows[_i].label, "egress", slice_of(text), egress_rows[_i].egress);
	arena_free(arena);
	loaded_free(&l);
}
END_TEST

/* Nothing said at all: an empty list. */
START_TEST(egress_unset)
{
	struct loaded l = load(EGRESS_CONFIG);
	struct arena *arena = arena_new();
	struct message *m = make_message(arena, " a@x.example", "<>", CLASS_AUTHENTICATED);

	message_end_header(m);
	ck_assert_uint_eq(setting_egress(l.config, m)->count, 0);
	arena_free(arena);
	loaded_free(&l);
}
END_TEST

/* ---- exemptions ------------------------------------------------------------ */

struct exempt_row {
	const char *label, *text; /* what stands in the section */
	const char *check;
	bool want;
};

/*
 * The message: client 192.0.2.40, login ann@example.com, listener submission,
 * MAIL FROM:<list-bounces@example.com>, List-Id, and a folded X-Mailer.
 */
static const struct exempt_row exempt_rows[] = {
	{ "client", "client = { \"192.0.2.40\" }", "from.syntax", true },
	{ "network", "client = { \"192.0.2.0/24\" }", "from.syntax", true },
	{ "OR inside a list", "client = { \"198.51.100.1\", \"192.0.2.40\" }", "from.syntax",
	    true },
	{ "another client", "client = { \"192.0.2.41\" }", "from.syntax", false },
	{ "login", "login = { \"ann@example.com\" }", "from.syntax", true },
	{ "login, capitals", "login = { \"ANN@example.com\" }", "from.syntax", true },
	{ "login pattern", "login = { \"*@example.com\" }", "from.syntax", true },
	{ "another login", "login = { \"ann\" }", "from.syntax", false },
	{ "listener", "listener = { \"submission\" }", "from.syntax", true },
	{ "another listener", "listener = { \"submissions\" }", "from.syntax", false },
	{ "mail_from", "mail_from = { \"list-bounces@example.com\" }", "from.syntax", true },
	{ "mail_from pattern", "mail_from = { \"*-bounces@*\" }", "from.syntax", true },
	{ "another mail_from", "mail_from = { \"ann@example.com\" }", "from.syntax", false },
	{ "null sender", "mail_from = { \"\" }", "from.syntax", false },
	{ "header", "header = { \"List-Id\" }", "from.syntax", true },
	{ "header, another case", "header = { \"list-id\" }", "from.syntax", true },
	{ "header with a pattern", "header = { \"List-Id: *<news.example.com>\" }", "from.syntax",
	    true },
	{ "header with another pattern", "header = { \"List-Id: *<other.*\" }", "from.syntax",
	    false },
	{ "header with a pattern over a fold", "header = { \"X-Mailer: Acme*9\" }", "from.syntax",
	    true },
	{ "the second of a name", "header = { \"X-Many: second\" }", "from.syntax", true },
	{ "another header", "header = { \"List-Post\" }", "from.syntax", false },
	{ "AND between keys", "client = { \"192.0.2.40\" } login = { \"ann@*\" }", "from.syntax",
	    true },
	{ "AND fails", "client = { \"192.0.2.40\" } login = { \"bob@*\" }", "from.syntax", false },
	{ "no list of checks means all", "login = \"ann@*\"", "envelope.sender-syntax", true },
	{ "all by header, but MAIL", "header = \"List-Id\"", "envelope.sender-syntax", false },
	{ "all by header, but RCPT", "header = \"List-Id\"", "envelope.recipient-syntax", false },
	{ "named check", "login = \"ann@*\" checks = { \"from.syntax\" }", "from.syntax", true },
	{ "another check", "login = \"ann@*\" checks = { \"from.syntax\" }", "from.domain", false },
	{ "pattern of checks", "login = \"ann@*\" checks = { \"from.*\" }", "from.domain", true },
	{ "pattern of others", "login = \"ann@*\" checks = { \"from.*\" }",
	    "envelope.sender-syntax", false },
	{ "MAIL by login", "login = \"ann@*\" checks = { \"envelope.*\" }",
	    "envelope.sender-syntax", true },
};

START_TEST(exemption)
{
	const struct exempt_row *row = &exempt_rows[_i];
	struct arena *arena = arena_new();
	struct message *m =
	    make_message(arena, "a@example.org", "<list-bounces@example.com>", CLASS_SUBMITTER);
	struct buf text;
	struct loaded l;
	bool got;

	m->transaction.login = SLICE("ann@example.com");
	m->transaction.daemon_name = SLICE("submission");
	ck_assert(ip_parse("192.0.2.40", &m->transaction.client));
	message_add_field(m, SLICE("List-Id"), SLICE(" News <news.example.com>"));
	message_add_field(m, SLICE("X-Mailer"), SLICE(" Acme\r\n Mailer 9"));
	message_add_field(m, SLICE("X-Many"), SLICE(" first"));
	message_add_field(m, SLICE("X-Many"), SLICE(" second"));
	message_end_header(m);
	buf_init(&text, 1000);
	buf_printf(&text, "exempt \"x\" { %s }", row->text);
	l = load(buf_text(&text));
	expect_good(row->label, &l);
	got = setting_exempt(l.config, m, check_named(row->label, row->check));
	ck_assert_msg(got == row->want, "%s: %s", row->label, got ? "exempted" : "not exempted");
	loaded_free(&l);
	buf_free(&text);
	arena_free(arena);
}
END_TEST

/* What is not known meets no condition; the null sender has its own item. */
START_TEST(exemption_of_unknown)
{
	struct loaded l = load("exempt \"a\" { login = \"*\" } exempt \"b\" { listener = \"*\" }\n"
			       "exempt \"c\" { mail_from = \"*\" }\n"
			       "exempt \"d\" { client = \"0.0.0.0/0\" }");
	struct loaded null = load("exempt \"a\" { mail_from = \"\" }");
	struct arena *arena = arena_new();
	struct message *m = make_message(arena, "a@example.org", NULL, CLASS_NONE);
	struct message *bounce = make_message(arena, "a@example.org", "<>", CLASS_NONE);
	const struct check *check = check_named("unknown", "from.syntax");

	expect_good("unknown", &l);
	expect_good("null sender", &null);
	message_end_header(m);
	message_end_header(bounce);
	ck_assert(!setting_exempt(l.config, m, check));
	ck_assert(!setting_exempt(null.config, m, check));
	ck_assert(setting_exempt(null.config, bounce, check));
	arena_free(arena);
	loaded_free(&l);
	loaded_free(&null);
}
END_TEST

/* Sections of one title: "=" replaces a list of the earlier one, "+=" adds to it. */
START_TEST(exemptions_add_up)
{
	struct loaded l = load("exempt \"x\" { login = { a, b } checks = { \"from.syntax\" } }\n"
			       "exempt \"y\" { login = c }\n"
			       "exempt \"x\" { login += { d } checks = { \"from.domain\" } }");
	struct buf shown;

	expect_good("add up", &l);
	ck_assert_uint_eq(l.config->exemption_count, 2);
	buf_init(&shown, 1000);
	show_strings(&shown, &l.config->exemptions[0].login);
	expect_slice("add up", "login", buf_slice(&shown), "[a][b][d]");
	ck_assert(!l.config->exemptions[0].checks[check_find(SLICE("from.syntax"))]);
	ck_assert(l.config->exemptions[0].checks[check_find(SLICE("from.domain"))]);
	buf_free(&shown);
	loaded_free(&l);
}
END_TEST

/* ---- stores and identities ------------------------------------------------- */

static void show_stores(struct buf *out, const struct config *c)
{
	for (size_t i = 0; i < c->store_count; i++) {
		buf_printf(out, "%s:", c->stores[i].name);
		for (size_t k = 0; k < c->stores[i].count; k++)
			buf_printf(out, " %s=%s", c->stores[i].options[k].name,
			    c->stores[i].options[k].value);
		buf_add_char(out, ';');
	}
}

#define STORE "store \"s\" {\n type = file\n path = /x\n"

static const struct bad_row store_rows[] = {
	{ "path", STORE "}", "s: type=file path=/x;" },
	{ "a list", STORE " domains = { a.example, b.example } }",
	    "s: type=file domains=a.example domains=b.example path=/x;" },
	{ "a list of one, without braces", STORE " domains = a.example }",
	    "s: type=file domains=a.example path=/x;" },
	{ "a list added to", STORE " domains = { a.example } domains += { b.example } }",
	    "s: type=file domains=a.example domains=b.example path=/x;" },
	{ "a list that begins with +=", STORE " domains += { b.example } }",
	    "s: type=file domains=b.example path=/x;" },
	{ "a list given again", STORE " domains = { a.example } domains = { b.example } }",
	    "s: type=file domains=b.example path=/x;" },
	{ "all that every store has",
	    STORE " parallel = yes workers = 8 timeout = 1.5 positive_ttl = 60"
		  " negative_ttl = 0 stale_for = 0 }",
	    "s: type=file parallel=yes workers=8 timeout=1.5 positive_ttl=60 negative_ttl=0 "
	    "stale_for=0 path=/x;" },
	{ "two", STORE "}\nstore \"t\" { type = passwd }", "s: type=file path=/x;t: type=passwd;" },
	{ "a second section of the name takes its place",
	    STORE " workers = 8 }\nstore \"t\" { type = passwd }\nstore \"s\" { type = aliases }",
	    "s: type=aliases;t: type=passwd;" },
	{ "a name with blanks", "store \"a b\" { type = passwd }", "a b: type=passwd;" },
};

START_TEST(store_section)
{
	const struct bad_row *row = &store_rows[_i];
	struct loaded l = load(row->text);
	struct buf out;

	expect_good(row->label, &l);
	buf_init(&out, 4000);
	show_stores(&out, l.config);
	expect_slice(row->label, "stores", buf_slice(&out), row->want);
	buf_free(&out);
	loaded_free(&l);
}
END_TEST

static const struct bad_row bad_store_rows[] = {
	{ "no type", "\nstore \"s\" {\n path = /x\n}", "t.conf:2: store \"s\": it has no type\n" },
	{ "unknown type", "store \"s\" { type = nosuch }",
	    "t.conf:1: store \"s\": this program has no store of type nosuch\n" },
	{ "no path", "\n\nstore \"s\" { type = file }",
	    "t.conf:3: store \"s\": a store of type file needs path\n" },
	{ "an option of another store", "store \"s\" {\n type = passwd\n path = /x\n}",
	    "t.conf:1: store \"s\": a store of type passwd has no option path\n" },
	{ "an option of no store", "store \"s\" {\n type = passwd\n colour = red\n}",
	    "t.conf:3: store \"s\": no such option 'colour'\n" },
	{ "two values for one", STORE " workers = { 1, 2 } }",
	    "t.conf:1: store \"s\": workers = \"1\" is given twice\n"
	    "t.conf:1: store \"s\": workers = \"2\" is given twice\n" },
	{ "no number", STORE " workers = 0 }",
	    "t.conf:1: store \"s\": workers = \"0\" is no number from 1 to 1,000,000,000\n" },
	{ "no seconds", STORE " timeout = soon }",
	    "t.conf:1: store \"s\": timeout = \"soon\" is no number of seconds\n" },
	{ "no truth", STORE " parallel = maybe }",
	    "t.conf:1: store \"s\": parallel = \"maybe\" is neither true nor false\n" },
	{ "no absolute path", "store \"s\" { type = file path = x }",
	    "t.conf:1: store \"s\": path = \"x\" is no absolute path\n" },
	{ "all faults", "store \"s\" { type = file workers = x }\nstore \"t\" { type = y }",
	    "t.conf:1: store \"s\": workers = \"x\" is no number from 1 to 1,000,000,000\n"
	    "t.conf:1: store \"s\": a store of type file needs path\n"
	    "t.conf:2: store \"t\": this program has no store of type y\n" },
	{ "identity without allow", "\nidentity \"x\" { logins = ann }",
	    "t.conf:2: identity \"x\": it allows nothing: `allow` is missing\n" },
	{ "identity without fields", "identity \"x\" { allow = a fields = {} }",
	    "t.conf:1: identity \"x\": it looks at nothing: `fields` is empty\n" },
	{ "an unknown field", "identity \"x\" { allow = a\n fields = { from, reply-to } }",
	    "t.conf:2: identity \"x\": fields: \"reply-to\" is none of from, sender, "
	    "return-path\n" },
	{ "no domain", "identity \"x\" { allow = a domains = { \"a b\" } }",
	    "t.conf:1: identity \"x\": domains: \"a b\" is no domain name, nor *.NAME: " },
	{ "an empty pattern", "identity \"x\" { allow = { \"\" } }",
	    "t.conf:1: identity \"x\": allow: an item is empty\n" },
	{ "catch_all", "catch_all = yes", "t.conf:1: catch_all: " },
	{ "login_domains", "login_domains = { \"*.example.com\" }",
	    "t.conf:1: login_domains: \"*.example.com\" is a pattern\n" },
	{ "recipient_delimiter", "recipient_delimiter = \"@\"", "t.conf:1: recipient_delimiter: " },
	{ "on_behalf", "on_behalf = maybe", "t.conf:1: on_behalf: " },
};

/* What is wanted is how the errors begin. */
START_TEST(bad_store_section)
{
	const struct bad_row *row = &bad_store_rows[_i];
	struct loaded l = load(row->text);
	struct slice said = slice_of(buf_text(&l.errors));

	ck_assert_ptr_null(l.config);
	expect_slice(row->label, "errors", slice_part(said, 0, strlen(row->want)), row->want);
	if (row->want[strlen(row->want) - 1] == '\n')
		expect_slice(row->label, "errors", said, row->want);
	loaded_free(&l);
}
END_TEST

static void show_identities(struct buf *out, const struct config *c)
{
	for (size_t i = 0; i < c->identity_count; i++) {
		const struct relay_identity *identity = &c->identities[i];

		buf_printf(out, "%s:", identity->name);
		show_strings(out, &identity->domains);
		buf_add_char(out, '/');
		show_strings(out, &identity->logins);
		buf_add_char(out, '/');
		show_strings(out, &identity->allow);
		buf_printf(out, "/%u;", identity->fields);
	}
}

static const struct bad_row identity_rows[] = {
	{ "all of it",
	    "identity \"x\" { domains = { \"*.Example.COM\" } logins = { ann, \"app-*\" }"
	    " allow = { \"*@example.com\" } fields = { from, return-path } }",
	    "x:[*.example.com]/[ann][app-*]/[*@example.com]/5;" },
	{ "fields by default", "identity \"x\" { allow = a }", "x://[a]/7;" },
	{ "one field", "identity \"x\" { allow = a fields = sender }", "x://[a]/2;" },
	{ "fields given again", "identity \"x\" { allow = a fields = sender fields = from }",
	    "x://[a]/1;" },
	{ "fields added to", "identity \"x\" { allow = a fields = sender fields += { from } }",
	    "x://[a]/3;" },
	{ "their order is kept", "identity \"y\" { allow = a } identity \"x\" { allow = b }",
	    "y://[a]/7;x://[b]/7;" },
	{ "a second section adds",
	    "identity \"x\" { allow = a fields = from }\n"
	    "identity \"x\" { allow += { b } logins = ann }",
	    "x:/[ann]/[a][b]/1;" },
	{ "or replaces", "identity \"x\" { allow = a }\nidentity \"x\" { allow = b }", "x://[b]/7;" },
	{ "domains of patterns in A-form",
	    "identity \"x\" { allow = { \"*@B\xc3\x9c"
	    "CHER.example\", \"a@*.b\xc3\xbc"
	    "cher.example\", \"*@*\", \"@\", \"x\" } }",
	    "x://[*@xn--bcher-kva.example][a@*.xn--bcher-kva.example][*@*][@][x]/7;" },
};

START_TEST(identity_section)
{
	const struct bad_row *row = &identity_rows[_i];
	struct loaded l = load(row->text);
	struct buf out;

	expect_good(row->label, &l);
	buf_init(&out, 4000);
	show_identities(&out, l.config);
	expect_slice(row->label, "identities", buf_slice(&out), row->want);
	buf_free(&out);
	loaded_free(&l);
}
END_TEST

/* The table of a store's options has room for all that there are. */
START_TEST(store_options_all_there)
{
	struct option rows[OPTIONS_MAX];
	size_t count = 0;

	config_store_options(rows);
	while (rows[count].name != NULL)
		count++;
	ck_assert_uint_lt(count, OPTIONS_MAX - 1);
	for (size_t i = 0; store_classes[i] != NULL; i++)
		for (const struct store_rule *r = store_classes[i]->rules; r->name != NULL; r++) {
			size_t n = 0;

			while (n < count && strcmp(rows[n].name, r->name) != 0)
				n++;
			ck_assert_msg(n < count, "%s: no such row", r->name);
		}
}
END_TEST

/* ---- names of checks ------------------------------------------------------- */

START_TEST(planned_checks_have_no_row)
{
	for (const char *const *planned = planned_checks; *planned != NULL; planned++) {
		const char *part = strchr(*planned, '.');
		char pattern[64];

		snprintf(pattern, sizeof pattern, "*%s", part);
		ck_assert_msg(check_find(slice_of(*planned)) < 0, "%s: has a row", *planned);
		ck_assert_msg(check_pattern_state(*planned) == CHECK_PATTERN_LATER,
		    "%s: not a name of a later version", *planned);
		ck_assert_msg(check_pattern_state(pattern) != CHECK_PATTERN_UNKNOWN,
		    "%s: matches nothing", pattern);
	}
	ck_assert(check_pattern_state("from.syntax") == CHECK_PATTERN_ROWS);
	ck_assert(check_pattern_state("*") == CHECK_PATTERN_ROWS);
	ck_assert(check_pattern_state("from") == CHECK_PATTERN_UNKNOWN);
	ck_assert(check_pattern_state("") == CHECK_PATTERN_UNKNOWN);
}
END_TEST

/* ---- files ----------------------------------------------------------------- */

/* A temporary folder with files in it. */
struct folder {
	char path[64];
	struct string_list made;
};

static void folder_make(struct folder *f)
{
	*f = (struct folder){ .path = "/tmp/presend-config-XXXXXX" };
	ck_assert(mkdtemp(f->path) != NULL);
}

static const char *folder_add(struct folder *f, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", f->path, name);
	string_list_add(&f->made, slice_of(path));
	if (text == NULL) {
		ck_assert_int_eq(mkdir(path, 0700), 0);
	} else {
		file = fopen(path, "w");
		ck_assert(file != NULL);
		ck_assert_int_ge(fputs(text, file), 0);
		ck_assert_int_eq(fclose(file), 0);
	}
	return f->made.items[f->made.count - 1];
}

static void folder_remove(struct folder *f)
{
	for (size_t i = f->made.count; i > 0; i--)
		remove(f->made.items[i - 1]);
	rmdir(f->path);
	string_list_free(&f->made);
}

START_TEST(conf_d_in_name_order)
{
	struct string_list files;
	struct folder f;
	struct loaded l;
	struct buf shown;
	const char *path;

	folder_make(&f);
	path = folder_add(&f, "presend.conf",
	    "mode = audit listeners = { a } user = first\n"
	    "domain \"example.com\" { mode = enforce }");
	folder_add(&f, "conf.d", NULL);
	folder_add(&f, "conf.d/20-b.conf", "listeners += { c } user = third");
	folder_add(&f, "conf.d/10-a.conf",
	    "listeners += { b } user = second\nmode = enforce\n"
	    "domain \"example.com\" { check \"*\" { action = log } }");
	folder_add(&f, "conf.d/30-c.conf", "internal_mailers = {}");
	folder_add(&f, "conf.d/.40.conf", "nonsense");
	folder_add(&f, "conf.d/40.conf~", "nonsense");
	folder_add(&f, "conf.d/README", "nonsense");

	l = load_file(path);
	expect_good("conf.d", &l);
	ck_assert_str_eq(l.config->path, path);
	ck_assert_str_eq(l.config->user, "third");
	ck_assert_int_eq(l.config->global.whole.mode, MODE_ENFORCE);
	ck_assert_uint_eq(l.config->internal_mailers.count, 0);
	ck_assert_uint_eq(l.config->domain_count, 1);
	ck_assert(l.config->domains[0].scope.whole.has_mode);
	ck_assert(l.config->domains[0].scope.checks[0].has_action);
	buf_init(&shown, 1000);
	show_strings(&shown, &l.config->listeners);
	expect_slice("conf.d", "listeners", buf_slice(&shown), "[a][b][c]");
	buf_free(&shown);

	files = config_files(path);
	ck_assert_uint_eq(files.count, 4);
	ck_assert_str_eq(files.items[0], path);
	ck_assert_str_eq(strrchr(files.items[1], '/'), "/10-a.conf");
	ck_assert_str_eq(strrchr(files.items[3], '/'), "/30-c.conf");
	string_list_free(&files);
	loaded_free(&l);
	folder_remove(&f);
}
END_TEST

START_TEST(faults_of_all_files)
{
	struct folder f;
	struct loaded l;
	struct buf want;
	const char *path, *second;

	folder_make(&f);
	path = folder_add(&f, "presend.conf", "mode = a\nnonsense = 1\nmode = b\n");
	folder_add(&f, "conf.d", NULL);
	second = folder_add(&f, "conf.d/10.conf", "# x\nmode = c\n");
	l = load_file(path);
	buf_init(&want, 1000);
	buf_printf(&want,
	    "%s:1: mode: \"a\" is none of audit, enforce\n"
	    "%s:2: no such option 'nonsense'\n"
	    "%s:2: mode: \"c\" is none of audit, enforce\n",
	    path, path, second);
	expect_slice("all files", "errors", buf_slice(&l.errors), buf_text(&want));
	ck_assert(l.config == NULL);
	buf_free(&want);
	loaded_free(&l);
	folder_remove(&f);
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	struct folder f;
	struct loaded l = load_file("/nonexistent/presend.conf");

	expect_slice("missing", "errors", buf_slice(&l.errors),
	    "/nonexistent/presend.conf: cannot be read: No such file or directory\n");
	ck_assert(l.config == NULL);
	loaded_free(&l);

	folder_make(&f);
	l = load_file(f.path);
	ck_assert(strstr(buf_text(&l.errors), ": cannot be read: Is a directory\n") != NULL);
	ck_assert(l.config == NULL);
	loaded_free(&l);
	folder_remove(&f);
}
END_TEST

START_TEST(defaults_without_a_file)
{
	struct loaded l = load_file(NULL);

	expect_good("no file", &l);
	ck_assert(l.config->path == NULL);
	ck_assert_str_eq(l.config->user, "presend");
	loaded_free(&l);
}
END_TEST

START_TEST(references)
{
	struct loaded l = load("user = x");
	struct config *second = config_ref(l.config);

	ck_assert(second == l.config);
	ck_assert_uint_eq(l.config->references, 2);
	config_unref(l.config);
	ck_assert_uint_eq(second->references, 1);
	ck_assert_str_eq(second->user, "x");
	config_unref(second);
	config_unref(NULL);
	l.config = NULL;
	loaded_free(&l);
}
END_TEST

/* ---- the sample ------------------------------------------------------------ */

/* The sample; with all, its switched-off lines ("#" and no blank) are switched on. */
static void read_sample(struct buf *out, bool all)
{
	const char *srcdir = getenv("srcdir");
	char path[1000], line[1000];
	FILE *file;

	snprintf(path, sizeof path, "%s/etc/presend.conf", srcdir == NULL ? "." : srcdir);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof line, file) != NULL) {
		bool off = line[0] == '#' && line[1] != ' ' && line[1] != '\n';

		buf_add_text(out, all && off ? line + 1 : line);
	}
	fclose(file);
}

START_TEST(sample_loads)
{
	struct buf text;
	struct loaded l;

	buf_init(&text, 100000);
	read_sample(&text, false);
	l = load(buf_text(&text));
	expect_good("sample", &l);
	loaded_free(&l);
	buf_free(&text);
}
END_TEST

/* Switched on, what the sample calls a default is one. */
START_TEST(sample_shows_defaults)
{
	static const char *const options[] = { "mode", "socket", "socket_mode", "user", "log",
		"log_format", "facility", "submitters", "listeners", "not_listeners",
		"cert_subjects", "authenticated", "local_submission", "internal",
		"internal_mailers", "null_sender", "deadline", "on_unknown", "flag_header" };
	struct loaded l, defaults = load("");
	struct buf text, got, want;

	buf_init(&text, 100000);
	buf_init(&got, 10000);
	buf_init(&want, 10000);
	read_sample(&text, true);
	l = load(buf_text(&text));
	expect_slice("sample", "errors", slice_of(buf_text(&l.errors)), "");
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		struct buf line;

		buf_init(&line, 100);
		buf_printf(&line, "\n%s = ", options[i]);
		ck_assert_msg(strstr(buf_text(&text), buf_text(&line)) != NULL,
		    "the sample lacks %s", options[i]);
		buf_free(&line);
		buf_reset(&got);
		buf_reset(&want);
		show(l.config, options[i], &got);
		show(defaults.config, options[i], &want);
		expect_slice(options[i], "sample", buf_slice(&got), buf_text(&want));
	}
	buf_free(&text);
	buf_free(&got);
	buf_free(&want);
	loaded_free(&l);
	loaded_free(&defaults);
}
END_TEST

/* ---- own domains ----------------------------------------------------------- */

START_TEST(own_domains_of_postfix)
{
	struct string_list domains = { 0 };
	struct buf notes, output, shown;
	struct folder f;
	const char *file;

	folder_make(&f);
	file = folder_add(&f, "names",
	    "# ours\nmail.example.net relay.example.net # both\n\n"
	    "Example.COM\n");
	buf_init(&notes, 10000);
	buf_init(&output, 10000);
	buf_init(&shown, 10000);
	buf_printf(&output,
	    "Example.com, localhost\n"
	    "hash:/etc/postfix/virtual !bad.example [192.0.2.1]\n"
	    "%s  example.org,example.com /nonexistent\n",
	    file);
	own_domains_read(buf_slice(&output), &domains, &notes);
	show_strings(&shown, &domains);
	expect_slice("postconf", "domains", buf_slice(&shown),
	    "[example.com][localhost][mail.example.net][relay.example.net][example.org]");
	expect_slice("postconf", "notes", buf_slice(&notes),
	    "own_domains: \"hash:/etc/postfix/virtual\" of Postfix is not read: a map\n"
	    "own_domains: \"!bad.example\" of Postfix is not read: an exclusion\n"
	    "own_domains: \"/nonexistent\" of Postfix is not read: No such file or directory\n");
	buf_free(&notes);
	buf_free(&output);
	buf_free(&shown);
	string_list_free(&domains);
	folder_remove(&f);
}
END_TEST

struct program_row {
	const char *label, *script;
	bool good;
	const char *output;
};

static const struct program_row program_rows[] = {
	{ "arguments", "#!/bin/sh\necho \"$@\"\n", true,
	    "-hx mydestination virtual_alias_domains virtual_mailbox_domains\n" },
	{ "nothing to read", "#!/bin/sh\nread x && echo \"$x\" || echo end\n", true, "end\n" },
	{ "nothing said", "#!/bin/sh\n", true, "" },
	{ "it fails", "#!/bin/sh\necho example.com\nexit 1\n", false, "example.com\n" },
	{ "it is late", "#!/bin/sh\nexec sleep 20\n", false, "" },
	{ "it closes its output and stays", "#!/bin/sh\nexec sleep 20 >/dev/null\n", false, "" },
	{ "it cannot be run", "", false, "" },
};

START_TEST(own_domains_program)
{
	const struct program_row *row = &program_rows[_i];
	struct buf output;
	struct folder f;
	const char *path;
	bool good;

	folder_make(&f);
	path = folder_add(&f, "postconf", row->script);
	ck_assert_int_eq(chmod(path, row->script[0] == '\0' ? 0600 : 0700), 0);
	buf_init(&output, 1000);
	good = own_domains_ask(path, 1, &output);
	ck_assert_msg(good == row->good, "%s: %s", row->label, good ? "good" : "not good");
	expect_slice(row->label, "output", slice_of(buf_text(&output)), row->output);
	buf_free(&output);
	folder_remove(&f);
}
END_TEST

START_TEST(own_domains_says_too_much)
{
	struct buf output;
	struct folder f;
	const char *path;
	time_t begin;

	folder_make(&f);
	path = folder_add(&f, "postconf", "#!/bin/sh\nexec yes example.com\n");
	ck_assert_int_eq(chmod(path, 0700), 0);
	buf_init(&output, 1000);
	begin = time(NULL);
	ck_assert(!own_domains_ask(path, 30, &output));
	ck_assert_int_lt(time(NULL) - begin, 20);
	ck_assert_uint_eq(output.len, 1000);
	buf_free(&output);
	folder_remove(&f);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, good_option, 0, ROWS(good_rows));
	tcase_add_loop_test(tcase, bad_option, 0, ROWS(bad_rows));
	tcase_add_test(tcase, good_after_bad);
	tcase_add_test(tcase, octets_of_no_text);
	tcase_add_loop_test(tcase, ceiling, 0, ROWS(ceiling_rows));
	tcase_add_test(tcase, order_of_domains);
	tcase_add_test(tcase, many_domains);
	tcase_add_loop_test(tcase, warning, 0, ROWS(warning_rows));
	tcase_add_loop_test(tcase, scope_lookup, 0, ROWS(scope_rows));
	tcase_add_loop_test(tcase, default_for_own_domains, 0, ROWS(own_rows));
	tcase_add_loop_test(tcase, egress_by_domain, 0, ROWS(egress_rows));
	tcase_add_test(tcase, egress_unset);
	tcase_add_loop_test(tcase, exemption, 0, ROWS(exempt_rows));
	tcase_add_test(tcase, exemption_of_unknown);
	tcase_add_test(tcase, exemptions_add_up);
	tcase_add_loop_test(tcase, store_section, 0, ROWS(store_rows));
	tcase_add_loop_test(tcase, bad_store_section, 0, ROWS(bad_store_rows));
	tcase_add_loop_test(tcase, identity_section, 0, ROWS(identity_rows));
	tcase_add_test(tcase, store_options_all_there);
	tcase_add_test(tcase, planned_checks_have_no_row);
	tcase_add_test(tcase, conf_d_in_name_order);
	tcase_add_test(tcase, faults_of_all_files);
	tcase_add_test(tcase, files_that_cannot_be_read);
	tcase_add_test(tcase, defaults_without_a_file);
	tcase_add_test(tcase, references);
	tcase_add_test(tcase, sample_loads);
	tcase_add_test(tcase, sample_shows_defaults);
	tcase_add_test(tcase, own_domains_of_postfix);
	tcase_add_loop_test(tcase, own_domains_program, 0, ROWS(program_rows));
	tcase_add_test(tcase, own_domains_says_too_much);
	suite_add_tcase(suite, tcase);
	return suite;
}
