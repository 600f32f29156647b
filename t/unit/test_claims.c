/*
 * test_claims.c - whom a message claims to come from, what is known of them, and what
 * policy adds to that: identities of relays, domains of our own.
 */
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "dns/dns.h"
#include "policy/identity.h"
#include "policy/inquiry.h"
#include "policy/setting.h"
#include "unit.h"

enum { TEXT_MAX = 2000, NOW = 1790000000 };

/* ---- a message on its way ---------------------------------------------------------- */

struct passage {
	struct site *site;
	struct arena *arena;
	struct message *message;
	struct inquiry *inquiry;
	const struct claims *claims;
};

static bool online; /* may stores over the network be asked? */

static struct site *open_site(const char *text)
{
	const struct site_options options = { .offline = !online };
	struct buf errors, warnings;
	struct config *config;
	struct site *site;
	bool given;

	buf_init(&errors, 4000);
	buf_init(&warnings, 4000);
	config = config_from_text("t.conf", slice_of(text), &errors, &warnings);
	ck_assert_msg(config != NULL, "%s", buf_text(&errors));
	site = site_open(config, &options, &errors, &given);
	ck_assert_msg(site != NULL, "%s", buf_text(&errors));
	buf_free(&errors);
	buf_free(&warnings);
	return site;
}

/* Fields "Name: body" parted by "\n". */
static void add_fields(struct message *m, const char *fields)
{
	for (struct slice rest = slice_of(fields); rest.len > 0;) {
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));
		size_t colon = slice_find(line, ':');

		message_add_field(
		    m, slice_part(line, 0, colon), slice_part(line, colon + 1, line.len));
		rest = slice_part(rest, line.len + 1, rest.len);
	}
	message_end_header(m);
}

static void pass(
    struct passage *p, const char *config, const char *login, const char *mail, const char *fields)
{
	p->site = open_site(config);
	p->arena = arena_new();
	p->message = message_new(p->arena);
	p->message->transaction.login = slice_of(login);
	message_set_mail(p->message, slice_of(mail));
	p->inquiry = inquiry_new(p->site, p->message, NOW);
	inquiry_sender(p->inquiry);
	add_fields(p->message, fields);
	inquiry_header(p->inquiry);
	inquiry_finish(p->inquiry);
	p->claims = p->message->claims;
}

static void end(struct passage *p)
{
	inquiry_free(p->inquiry);
	ck_assert_ptr_null(p->message->claims);
	arena_free(p->arena);
	site_unref(p->site);
}

/* ---- what is claimed ---------------------------------------------------------------- */

static const struct {
	const char *label, *mail, *wanted; /* "": no claim */
} sender_rows[] = {
	{ "an address", "<ann@example.com>", "ann@example.com" },
	{ "quotes that need not be there", "<\"ann\"@example.com>", "ann@example.com" },
	{ "quotes that have to be", "<\"a b\"@example.com>", "\"a b\"@example.com" },
	{ "null", "<>", "" },
	{ "no address", "<ann@>", "" },
	{ "no domain", "<ann>", "" },
	{ "SRS0", "<SRS0=HHH=TT=example.net=bob@example.com>", "" },
	{ "SRS0 with +", "<srs0+HHH=TT=example.net=bob@example.com>", "" },
	{ "SRS0 with -", "<SRS0-HHH=TT=example.net=bob@example.com>", "" },
	{ "SRS1", "<SRS1=HHH=fwd.example==HHH=TT=example.net=bob@example.com>", "" },
	{ "SRS0 alone", "<SRS0@example.com>", "SRS0@example.com" },
	{ "SRS0 and another sign", "<SRS0x@example.com>", "SRS0x@example.com" },
	{ "SRS2", "<SRS2=x@example.com>", "SRS2=x@example.com" },
	{ "VERP", "<list-bounces-bob=example.net@example.com>", "" },
	{ "VERP of a name with =", "<b-a=b=example.net@example.com>", "" },
	{ "= without a domain", "<a=b@example.com>", "a=b@example.com" },
	{ "a dot before =", "<a.b=c@example.com>", "a.b=c@example.com" },
	{ "= at the end", "<a=@example.com>", "a=@example.com" },
	{ "BATV", "<prvs=0123abcdef=ann@example.com>", "ann@example.com" },
	{ "BATV in capitals", "<PRVS=0123abcdef=ann@example.com>", "ann@example.com" },
	{ "BATV without an address", "<prvs=0123abcdef=@example.com>",
	    "prvs=0123abcdef=@example.com" },
	{ "BATV without a tag", "<prvs=ann@example.com>", "prvs=ann@example.com" },
	{ "prvs alone", "<prvs@example.com>", "prvs@example.com" },
	{ "BATV around VERP", "<prvs=0123abcdef=l-bob=example.net@example.com>", "" },
};

START_TEST(test_sender)
{
	struct passage p;

	pass(&p, "own_domains = {}\n", "", sender_rows[_i].mail, "From: ann@example.com\n");
	expect_slice(sender_rows[_i].label, "claim", p.claims->list[CLAIM_MAIL_FROM].address,
	    sender_rows[_i].wanted);
	ck_assert(!p.claims->has_directory);
	ck_assert(!p.claims->sender_told);
	end(&p);
}
END_TEST

static const struct {
	const char *label, *fields, *from, *sender, *resent;
} header_rows[] = {
	{ "From", "From: Ann <ann@example.com>\n", "ann@example.com", "", "" },
	{ "no From", "Subject: x\n", "", "", "" },
	{ "two authors", "From: ann@example.com, bob@example.com\n", "", "", "" },
	{ "two From fields", "From: ann@example.com\nFrom: ann@example.com\n", "", "", "" },
	{ "a group", "From: staff: ann@example.com;\n", "ann@example.com", "", "" },
	{ "an empty group", "From: staff:;\n", "", "", "" },
	{ "an address that breaks the grammar", "From: a..b@example.com\n", "", "", "" },
	{ "a second address behind one that cannot be read",
	    "From: Ann <a b@example.com> <bob@example.com>\n", "", "", "" },
	{ "the same in Sender",
	    "From: ann@example.com\nSender: <a b@example.com> <bob@example.com>\n",
	    "ann@example.com", "", "" },
	{ "Sender that breaks it", "From: ann@example.com\nSender: a..b@example.com\n",
	    "ann@example.com", "", "" },
	{ "Sender", "From: ann@example.com\nSender: Bob <bob@example.com>\n", "ann@example.com",
	    "bob@example.com", "" },
	{ "two Sender fields",
	    "From: ann@example.com\nSender: bob@example.com\nSender: bob@example.com\n",
	    "ann@example.com", "", "" },
	{ "Sender of two", "From: ann@example.com\nSender: bob@example.com, c@example.com\n",
	    "ann@example.com", "", "" },
	{ "Sender that cannot be read", "From: ann@example.com\nSender: bob\n", "ann@example.com",
	    "", "" },
	{ "Resent-From", "From: ann@example.com\nResent-From: carol@example.com\n",
	    "ann@example.com", "", "carol@example.com" },
	{ "resent twice",
	    "From: ann@example.com\nResent-From: carol@example.com\nResent-From: d@example.com\n",
	    "ann@example.com", "", "" },
	{ "Sender beside two authors",
	    "From: ann@example.com, bob@example.com\nSender: ann@example.com\n", "",
	    "ann@example.com", "" },
};

START_TEST(test_header)
{
	const char *label = header_rows[_i].label;
	const struct claim *list;
	struct passage p;

	pass(&p, "own_domains = {}\n", "ann", "<>", header_rows[_i].fields);
	list = p.claims->list;
	expect_slice(label, "From", list[CLAIM_FROM].address, header_rows[_i].from);
	expect_slice(label, "Sender", list[CLAIM_SENDER].address, header_rows[_i].sender);
	expect_slice(label, "Resent-From", list[CLAIM_RESENT].address, header_rows[_i].resent);
	ck_assert(p.claims->finished);
	for (int kind = 0; kind < CLAIM_KINDS; kind++)
		ck_assert(!list[kind].has_use);
	end(&p);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(claim_name(CLAIM_MAIL_FROM), "MAIL FROM");
	ck_assert_str_eq(claim_name(CLAIM_FROM), "From");
	ck_assert_str_eq(claim_name(CLAIM_SENDER), "Sender");
	ck_assert_str_eq(claim_name(CLAIM_RESENT), "Resent-From");
}
END_TEST

/* ---- what is known of it -------------------------------------------------------------- */

/* A file store with that text and a configuration that has it. */
static void write_store(char path[60], const char *text, char config[TEXT_MAX], const char *more)
{
	int fd;

	snprintf(path, 60, "/tmp/presend-claims.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(config, TEXT_MAX, "directory = { \"file:%s\" }\n%s", path, more);
}

START_TEST(test_all_four)
{
	char path[60], config[TEXT_MAX];
	const struct claim *list;
	struct passage p;

	write_store(path, "ann@example.com login=ann\nbob@example.com login=bob\n", config,
	    "own_domains = {}\n");
	pass(&p, config, "ann", "<prvs=0123abcdef=bob@example.com>",
	    "From: ann@example.com\nSender: carol@example.com\nResent-From: d@example.net\n");
	list = p.claims->list;
	ck_assert(p.claims->has_directory && p.claims->sender_told && p.claims->finished);
	ck_assert_int_eq(list[CLAIM_MAIL_FROM].found.answer, DIRECTORY_MAILBOX);
	ck_assert_int_eq(list[CLAIM_MAIL_FROM].use.permission, PERMISSION_NO);
	ck_assert_int_eq(list[CLAIM_FROM].found.answer, DIRECTORY_MAILBOX);
	ck_assert_int_eq(list[CLAIM_FROM].use.permission, PERMISSION_YES);
	ck_assert_int_eq(list[CLAIM_SENDER].found.answer, DIRECTORY_NONE);
	ck_assert_int_eq(list[CLAIM_SENDER].use.permission, PERMISSION_NO);
	ck_assert_int_eq(list[CLAIM_RESENT].found.answer, DIRECTORY_NOT_OURS);
	ck_assert_int_eq(p.claims->from_served, SERVED_YES);
	end(&p);

	/* without a login there is nothing to be allowed */
	pass(&p, config, "", "<ann@example.com>", "From: ann@example.com\n");
	ck_assert_int_eq(p.claims->list[CLAIM_FROM].found.answer, DIRECTORY_MAILBOX);
	ck_assert(!p.claims->list[CLAIM_FROM].has_use);
	ck_assert(!p.claims->list[CLAIM_MAIL_FROM].has_use);
	end(&p);
	unlink(path);
}
END_TEST

/* ---- who hands it in ---------------------------------------------------------------- */

static const struct {
	const char *label;
	bool local;
	const char *login, *mail, *wanted; /* "": nobody that is known */
	enum directory_permission from;    /* of root@example.com, where somebody is */
} account_rows[] = {
	{ "the account of MAIL FROM", true, "", "<root@example.com>", "root", PERMISSION_YES },
	{ "another account", true, "", "<daemon@example.com>", "daemon", PERMISSION_NO },
	{ "no account of the host", true, "", "<nobody-of-that-name@example.com>", "",
	    PERMISSION_PENDING },
	{ "the null sender", true, "", "<>", "", PERMISSION_PENDING },
	{ "over the network", false, "", "<root@example.com>", "", PERMISSION_PENDING },
	{ "a login says more", true, "daemon", "<root@example.com>", "daemon", PERMISSION_NO },
};

START_TEST(test_account)
{
	const char *label = account_rows[_i].label, *wanted = account_rows[_i].wanted;
	const struct claim *from;
	struct passage p;

	p.site = open_site("directory = { \"host\" }\nown_domains = {}\n"
			   "store \"host\" { type = passwd domains = { \"example.com\" } }\n");
	p.arena = arena_new();
	p.message = message_new(p.arena);
	p.message->transaction.login = slice_of(account_rows[_i].login);
	p.message->transaction.local_submission = account_rows[_i].local;
	message_set_mail(p.message, slice_of(account_rows[_i].mail));
	p.inquiry = inquiry_new(p.site, p.message, NOW);
	inquiry_sender(p.inquiry);
	add_fields(p.message, "From: root@example.com\n");
	inquiry_header(p.inquiry);
	inquiry_finish(p.inquiry);
	p.claims = p.message->claims;
	expect_slice(label, "login", p.claims->login, wanted);
	from = &p.claims->list[CLAIM_FROM];
	ck_assert_msg(from->has_use == (*wanted != '\0'), "%s: somebody is known", label);
	if (from->has_use)
		ck_assert_msg(
		    from->use.permission == account_rows[_i].from, "%s: permission", label);
	end(&p);
}
END_TEST

/* A place in the gate is taken and given back. */
START_TEST(test_gate)
{
	static const char config[] =
	    "directory = { \"host\" }\nown_domains = {}\n"
	    "store \"host\" { type = passwd domains = { \"example.com\" } }\n";
	const struct claim *from;
	struct stopwatch watch;
	struct passage p;

	ck_assert_ptr_nonnull(getpwnam("root"));
	stopwatch_start(&watch);
	pass(&p, config, "root", "<>", "From: root@example.com\n");
	stopwatch_stop(&watch);
	/* the answer ends the wait, and not the deadline of five seconds */
	ck_assert_msg(watch.fair_us < 4000000, "%d us", (int)watch.fair_us);
	from = &p.claims->list[CLAIM_FROM];
	ck_assert_int_eq(from->found.answer, DIRECTORY_MAILBOX);
	ck_assert_int_eq(from->use.permission, PERMISSION_YES);
	ck_assert_uint_eq(p.site->gate.waiting, 0);
	end(&p);
}
END_TEST

/* A server that takes connections and says nothing. */
static int listen_silently(char path[60])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, 60, "/tmp/presend-claims-%ld.sock", (long)getpid());
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	unlink(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

/* Too many wait: what would have to be waited for is not told, in no time. */
START_TEST(test_full_gate)
{
	char path[60], config[TEXT_MAX];
	int fd = listen_silently(path);
	struct stopwatch watch;
	struct passage p;

	/* a store that answers, as one on this host, might do so before anybody has to wait */
	snprintf(config, sizeof config,
	    "resolver = { \"none\" }\ndeadline = 5\nown_domains = { \"example.com\" }\n"
	    "directory = { \"slow\" }\n"
	    "store \"slow\" { type = socketmap socket = \"unix:%s\" map = x }\n",
	    path);
	online = true;
	p.site = open_site(config);
	online = false;
	p.site->gate.most = 0;
	p.arena = arena_new();
	p.message = message_new(p.arena);
	message_set_mail(p.message, SLICE("<root@example.com>"));
	p.inquiry = inquiry_new(p.site, p.message, NOW);
	stopwatch_start(&watch);
	inquiry_sender(p.inquiry);
	stopwatch_stop(&watch);
	ck_assert_int_eq(p.message->claims->list[CLAIM_MAIL_FROM].found.answer, DIRECTORY_UNKNOWN);
	ck_assert(p.message->claims->sender_told);
	ck_assert_uint_eq(p.site->gate.waiting, 0);
	ck_assert_msg(watch.fair_us < 1000000, "%d us", (int)watch.fair_us);
	end(&p);
	close(fd);
	unlink(path);
}
END_TEST

/* Both waits together take no longer than the deadline. */
START_TEST(test_one_budget)
{
	char path[60], config[TEXT_MAX];
	int fd = listen_silently(path);
	struct stopwatch watch;
	struct passage p;

	snprintf(config, sizeof config,
	    "resolver = { \"none\" }\ndeadline = 0.4\nown_domains = { \"example.com\" }\ndirectory "
	    "= { \"slow\" }\n"
	    "store \"slow\" { type = socketmap socket = \"unix:%s\" map = x }\n",
	    path);
	stopwatch_start(&watch);
	/* not offline: a socketmap is one that is asked over the network */
	online = true;
	pass(&p, config, "ann", "<ann@example.com>", "From: bob@example.com\n");
	online = false;
	stopwatch_stop(&watch);
	ck_assert_msg(watch.took_us >= 400000 && watch.fair_us < 550000, "%d us, fairly %d",
	    (int)watch.took_us, (int)watch.fair_us);
	ck_assert_int_eq(p.claims->list[CLAIM_MAIL_FROM].found.answer, DIRECTORY_UNKNOWN);
	ck_assert_int_eq(p.claims->list[CLAIM_FROM].found.answer, DIRECTORY_UNKNOWN);
	ck_assert_int_eq(p.claims->list[CLAIM_FROM].use.permission, PERMISSION_UNKNOWN);
	ck_assert_uint_eq(p.site->gate.waiting, 0);
	end(&p);
	close(fd);
	unlink(path);
}
END_TEST

/* A resolver that looks, when it is asked, whether the store's server has been called. */
struct watching {
	struct resolver resolver;
	int server;
	bool called;
};

static void watching_ask(struct resolver *resolver, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	struct watching *w = (struct watching *)resolver;
	struct pollfd server = { .fd = w->server, .events = POLLIN };

	(void)question, (void)deadline_us;
	w->called |= poll(&server, 1, 10000) == 1;
	done(context, dns_answer_empty(DNS_TEMPFAIL, "not now"));
}

/* At MAIL the store is asked before the DNS is waited for. */
START_TEST(test_side_by_side)
{
	static const struct resolver_class class = { .ask = watching_ask };
	char path[60], config[TEXT_MAX];
	struct watching w = { .resolver = { &class }, .server = listen_silently(path) };
	struct passage p;

	snprintf(config, sizeof config,
	    "resolver = { \"none\" }\ndeadline = 2\nown_domains = { \"example.com\" }\n"
	    "directory = { \"slow\" }\n"
	    "store \"slow\" { type = socketmap socket = \"unix:%s\" map = x }\n",
	    path);
	online = true;
	p.site = open_site(config);
	online = false;
	p.site->services.resolver = &w.resolver;
	p.arena = arena_new();
	p.message = message_new(p.arena);
	message_set_mail(p.message, SLICE("<ann@example.com>"));
	p.inquiry = inquiry_new(p.site, p.message, NOW);
	inquiry_sender(p.inquiry);
	ck_assert(w.called);
	ck_assert(p.message->claims->sender_told);
	end(&p);
	close(w.server);
	unlink(path);
}
END_TEST

/* ---- what the rows need ------------------------------------------------------------------- */

static const struct {
	const char *label, *login, *mail, *from;
	const char *skipped; /* names of rows, each with a blank before and behind */
} need_rows[] = {
	{ "all there", "ann", "<ann@example.com>", "ann@example.com", " from.identity " },
	{ "null sender", "ann", "<>", "ann@example.com",
	    " envelope.sender-mailbox envelope.sender-login from.identity " },
	{ "SRS", "ann", "<SRS0=H=T=example.net=b@example.com>", "ann@example.com",
	    " envelope.sender-mailbox envelope.sender-login from.identity " },
	{ "no login", "", "<ann@example.com>", "ann@example.com",
	    " envelope.sender-login from.login from.identity " },
	{ "two authors", "ann", "<ann@example.com>", "ann@example.com, ann@example.com",
	    " from.mailbox from.foreign from.identity " },
	{ "no author", "ann", "<ann@example.com>", "ann",
	    " from.mailbox from.foreign from.login from.identity " },
};

START_TEST(test_needs)
{
	static const char *const names[] = { "envelope.sender-mailbox", "envelope.sender-login",
		"from.mailbox", "from.foreign", "from.login", "from.identity" };
	static const struct check_selection all;
	char path[60], config[TEXT_MAX], fields[100], name[60];
	struct findings found = { 0 };
	struct passage p;

	write_store(path, "ann@example.com login=ann\n", config, "own_domains = {}\n");
	snprintf(fields, sizeof fields, "From: %s\n", need_rows[_i].from);
	pass(&p, config, need_rows[_i].login, need_rows[_i].mail, fields);
	checks_run(STAGE_MAIL, p.message, NULL, &all, true, &found);
	checks_run(STAGE_EOM, p.message, NULL, &all, true, &found);
	for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
		enum finding_result wanted;
		size_t i = 0;

		snprintf(name, sizeof name, " %s ", names[n]);
		wanted =
		    strstr(need_rows[_i].skipped, name) != NULL ? FINDING_SKIPPED : FINDING_PASS;
		while (i < found.count && strcmp(found.list[i].check->name, names[n]) != 0)
			i++;
		ck_assert_msg(i < found.count && found.list[i].result == wanted, "%s: %s",
		    need_rows[_i].label, names[n]);
	}
	end(&p);
	unlink(path);
}
END_TEST

/* ---- whose domains ---------------------------------------------------------------------- */

#define MISSING "-" /* the file is not there */

static const struct {
	const char *label, *store, *config, *from;
	enum directory_served served;
} served_rows[] = {
	{ "the directory's", "ann@example.com\n", "own_domains = {}\n", "ann@example.com",
	    SERVED_YES },
	{ "not the directory's", "ann@example.com\n", "own_domains = {}\n", "ann@example.net",
	    SERVED_NO },
	{ "of own_domains", "ann@example.com\n", "own_domains = { \"example.net\" }\n",
	    "ann@example.net", SERVED_YES },
	{ "of neither", "ann@example.com\n", "own_domains = { \"example.net\" }\n",
	    "ann@example.org", SERVED_NO },
	{ "no directory", NULL, "own_domains = { \"*.example.net\" }\n", "ann@a.example.net",
	    SERVED_YES },
	{ "no directory, another's", NULL, "own_domains = { \"*.example.net\" }\n",
	    "ann@example.net", SERVED_NO },
	{ "nobody tells", NULL, "own_domains = {}\n", "ann@example.net", SERVED_UNKNOWN },
	{ "a store fails", MISSING, "own_domains = {}\n", "ann@example.net", SERVED_UNKNOWN },
	{ "a store fails, own_domains tells", MISSING, "own_domains = { \"example.net\" }\n",
	    "ann@example.net", SERVED_YES },
	{ "a store fails, own_domains does not", MISSING, "own_domains = { \"example.net\" }\n",
	    "ann@example.org", SERVED_UNKNOWN },
	{ "A-form",
	    "ann@b\xc3\xbc"
	    "cher.example\n",
	    "own_domains = {}\n", "ann@xn--bcher-kva.example", SERVED_YES },
	{ "capitals", "ann@example.com\n", "own_domains = {}\n", "ann@EXAMPLE.com", SERVED_YES },
};

START_TEST(test_served)
{
	char path[60] = "", config[TEXT_MAX], fields[100];
	const char *store = served_rows[_i].store;
	struct passage p;

	snprintf(config, sizeof config, "%s", served_rows[_i].config);
	if (store != NULL)
		write_store(path, store, config, served_rows[_i].config);
	if (store != NULL && strcmp(store, MISSING) == 0)
		unlink(path);
	snprintf(fields, sizeof fields, "From: %s\n", served_rows[_i].from);
	pass(&p, config, "", "<>", fields);
	ck_assert_msg(p.claims->from_served == served_rows[_i].served, "%s: %d",
	    served_rows[_i].label, p.claims->from_served);
	end(&p);
	unlink(path);
}
END_TEST

/* Where own_domains is silent, the defaults that are for our own hold for what is served here. */
static const struct {
	const char *label, *config, *from;
	enum action action;
} own_rows[] = {
	{ "served here", "", "ann@example.com", ACTION_REJECT },
	{ "not served here", "", "ann@example.net", ACTION_LOG },
	{ "own_domains says otherwise", "own_domains = { \"example.net\" }\n", "ann@example.com",
	    ACTION_LOG },
	{ "own_domains says so", "own_domains = { \"example.net\" }\n", "ann@example.net",
	    ACTION_REJECT },
};

START_TEST(test_own)
{
	char path[60], config[TEXT_MAX], fields[100];
	const struct check *check = &checks[check_find(SLICE("dkim.signed"))];
	struct passage p;

	write_store(path, "ann@example.com\n", config, own_rows[_i].config);
	snprintf(fields, sizeof fields, "From: %s\n", own_rows[_i].from);
	pass(&p, config, "", "<>", fields);
	ck_assert_msg(setting_action(p.site->config, p.message, check) == own_rows[_i].action, "%s",
	    own_rows[_i].label);
	end(&p);
	unlink(path);
}
END_TEST

/* ---- identities ------------------------------------------------------------------------- */

#define SES "identity \"ses\" { domains = { \"example.com\" } allow = { \"*@example.com\" } "

static const struct {
	const char *label, *config, *login, *mail, *fields;
	const char *name, *field, *address; /* NULL: none */
	bool allows_from;
} identity_rows[] = {
	{ "none", "", "ann", "<ann@example.com>", "From: ann@example.com\n", NULL, NULL, NULL,
	    false },
	{ "all allowed", SES "}", "ann", "<ann@example.com>",
	    "From: ann@example.com\nSender: bob@example.com\n", "ses", NULL, NULL, true },
	{ "From comes first", SES "}", "ann", "<ann@example.com>",
	    "From: ann@example.net\nSender: bob@example.net\n", "ses", "From", "ann@example.net",
	    false },
	{ "then Sender", SES "}", "ann", "<ann@example.net>",
	    "From: ann@example.com\nSender: bob@example.net\n", "ses", "Sender", "bob@example.net",
	    true },
	{ "then the return path", SES "}", "ann", "<ann@example.net>", "From: ann@example.com\n",
	    "ses", "MAIL FROM", "ann@example.net", true },
	{ "a return path in quotes", SES "}", "ann", "<\"ann\"@example.com>",
	    "From: ann@example.com\n", "ses", NULL, NULL, true },
	{ "a list's return path", SES "}", "ann", "<l-b=example.com@example.net>",
	    "From: ann@example.com\n", "ses", "MAIL FROM", "l-b=example.com@example.net", true },
	{ "fields: from", SES "fields = { from } }", "ann", "<ann@example.net>",
	    "From: ann@example.com\nSender: bob@example.net\n", "ses", NULL, NULL, true },
	{ "fields: sender", SES "fields = { sender } }", "ann", "<ann@example.com>",
	    "From: ann@example.net\n", "ses", NULL, NULL, false },
	{ "fields: return-path", SES "fields = { return-path } }", "ann", "<ann@example.net>",
	    "From: ann@example.com\n", "ses", "MAIL FROM", "ann@example.net", true },
	{ "null return path", SES "}", "ann", "<>", "From: ann@example.com\n", "ses", NULL, NULL,
	    true },
	{ "another domain", SES "}", "ann", "<ann@example.net>", "From: ann@example.net\n", NULL,
	    NULL, NULL, false },
	{ "a domain below is another", SES "}", "ann", "<>", "From: ann@a.example.com\n", NULL,
	    NULL, NULL, false },
	{ "domains in capitals, U-form",
	    "identity \"x\" { domains = { \"B\xc3\x9c"
	    "CHER.example\" } allow = { \"*@b\xc3\xbc"
	    "cher.example\" } }",
	    "", "<>", "From: ann@xn--bcher-kva.example\n", "x", NULL, NULL, true },
	{ "allow below a U-form",
	    "identity \"x\" { allow = { \"*@*.b\xc3\xbc"
	    "cher.example\" } }",
	    "", "<>", "From: ann@a.xn--bcher-kva.example\n", "x", NULL, NULL, true },
	{ "by login", "identity \"x\" { logins = { \"app-*\" } allow = { \"a@example.com\" } }",
	    "app-1", "<>", "From: b@example.com\n", "x", "From", "b@example.com", false },
	{ "by login, another",
	    "identity \"x\" { logins = { \"app-*\" } allow = { \"a@b.example\" } }", "ann", "<>",
	    "From: b@example.com\n", NULL, NULL, NULL, false },
	{ "by login, without one",
	    "identity \"x\" { logins = { \"*\" } allow = { \"a@example.com\" } }", "", "<>",
	    "From: b@example.com\n", NULL, NULL, NULL, false },
	{ "the first that applies", SES "}\nidentity \"y\" { allow = { \"x@y.example\" } }", "ann",
	    "<>", "From: ann@example.com\n", "ses", NULL, NULL, true },
	{ "the next", SES "}\nidentity \"y\" { allow = { \"x@y.example\" } }", "ann", "<>",
	    "From: ann@example.net\n", "y", "From", "ann@example.net", false },
	{ "one that does not apply allows From all the same",
	    "identity \"x\" { logins = { bob } allow = { \"ann@example.com\" } }", "ann", "<>",
	    "From: ann@example.com\n", NULL, NULL, NULL, true },
	{ "two authors", SES "}", "ann", "<>", "From: a@example.net, b@example.net\n", NULL, NULL,
	    NULL, false },
};

/* Without MAIL there is no return path, and a null one is taken by every relay. */
START_TEST(test_identity_without_mail)
{
	struct passage p = { .site = open_site("own_domains = {}\n" SES "}\n") };

	p.arena = arena_new();
	p.message = message_new(p.arena);
	p.inquiry = inquiry_new(p.site, p.message, NOW);
	add_fields(p.message, "From: ann@example.com\n");
	inquiry_header(p.inquiry);
	inquiry_finish(p.inquiry);
	ck_assert_str_eq(p.message->claims->identity.name, "ses");
	ck_assert_ptr_null(p.message->claims->identity.field);
	end(&p);
}
END_TEST

START_TEST(test_identity)
{
	char config[TEXT_MAX];
	struct identity_fact fact;
	struct passage p;

	snprintf(config, sizeof config, "own_domains = {}\n%s\n", identity_rows[_i].config);
	pass(&p, config, identity_rows[_i].login, identity_rows[_i].mail, identity_rows[_i].fields);
	fact = identity_judge(p.site->config, p.message);
	expect_slice(identity_rows[_i].label, "name", slice_of(fact.name),
	    identity_rows[_i].name == NULL ? "" : identity_rows[_i].name);
	expect_slice(identity_rows[_i].label, "field", slice_of(fact.field),
	    identity_rows[_i].field == NULL ? "" : identity_rows[_i].field);
	expect_slice(identity_rows[_i].label, "address", fact.address,
	    identity_rows[_i].address == NULL ? "" : identity_rows[_i].address);
	ck_assert_msg(fact.allows_from == identity_rows[_i].allows_from, "%s: allows_from",
	    identity_rows[_i].label);
	ck_assert(p.claims->identity.name == fact.name);
	end(&p);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("claims");
	TCase *tc = tcase_create("claims");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_sender, 0, ROWS(sender_rows));
	tcase_add_loop_test(tc, test_header, 0, ROWS(header_rows));
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_all_four);
	tcase_add_loop_test(tc, test_account, 0, ROWS(account_rows));
	tcase_add_test(tc, test_gate);
	tcase_add_test(tc, test_full_gate);
	tcase_add_test(tc, test_one_budget);
	tcase_add_test(tc, test_side_by_side);
	tcase_add_loop_test(tc, test_needs, 0, ROWS(need_rows));
	tcase_add_test(tc, test_identity_without_mail);
	tcase_add_loop_test(tc, test_served, 0, ROWS(served_rows));
	tcase_add_loop_test(tc, test_own, 0, ROWS(own_rows));
	tcase_add_loop_test(tc, test_identity, 0, ROWS(identity_rows));
	suite_add_tcase(suite, tc);
	return suite;
}
