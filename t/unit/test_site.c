/*
 * test_site.c - a configuration with what it opens: what the command line says
 * in its place, and whose fault it is when something cannot be opened.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "policy/site.h"
#include "unit.h"

#define NOBODY "resolver = { \"none\" }\nown_domains = {}\n"

static struct config *config_of(const char *text)
{
	struct config *config;
	struct buf errors, warnings;

	buf_init(&errors, 4000);
	buf_init(&warnings, 4000);
	config = config_from_text("t.conf", slice_of(text), &errors, &warnings);
	ck_assert_msg(config != NULL, "%s", buf_text(&errors));
	buf_free(&errors);
	buf_free(&warnings);
	return config;
}

static struct site *open_good(const char *text, const struct site_options *options)
{
	struct buf errors;
	struct site *site;
	bool given = true;

	buf_init(&errors, 4000);
	site = site_open(config_of(text), options, &errors, &given);
	ck_assert_msg(site != NULL, "%s", buf_text(&errors));
	ck_assert_uint_eq(errors.len, 0);
	buf_free(&errors);
	return site;
}

/* ---- files ----------------------------------------------------------------------- */

/* A file with that text; its name is in path. */
static void write_text(char path[40], const char *text)
{
	int fd;

	snprintf(path, 40, "/tmp/presend-site.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

enum { IN_NONE, IN_CONFIG, IN_OPTION };

static const struct {
	const char *label;
	int records, suffix_list; /* who names a file that is not there */
	bool given;
} fault_rows[] = {
	{ "records of the configuration", IN_CONFIG, IN_NONE, false },
	{ "records of the command line", IN_OPTION, IN_NONE, true },
	{ "suffix list of the configuration", IN_NONE, IN_CONFIG, false },
	{ "suffix list of the command line", IN_NONE, IN_OPTION, true },
};

START_TEST(test_faults)
{
	struct site_options options = { .offline = true };
	char text[300];
	struct buf errors;
	bool given;

	snprintf(text, sizeof text, NOBODY "%s%s",
	    fault_rows[_i].records == IN_CONFIG ? "records = \"/none/x\"\n" : "",
	    fault_rows[_i].suffix_list == IN_CONFIG ? "public_suffix_list = \"/none/x\"\n" : "");
	if (fault_rows[_i].records == IN_OPTION)
		options.records = "/none/x";
	if (fault_rows[_i].suffix_list == IN_OPTION)
		options.suffix_list = "/none/x";
	buf_init(&errors, 4000);
	given = !fault_rows[_i].given;
	ck_assert_msg(site_open(config_of(text), &options, &errors, &given) == NULL, "%s",
	    fault_rows[_i].label);
	ck_assert_msg(given == fault_rows[_i].given, "%s: whose fault", fault_rows[_i].label);
	ck_assert_msg(strncmp(buf_text(&errors), "/none/x: ", 9) == 0, "%s: %s",
	    fault_rows[_i].label, buf_text(&errors));
	ck_assert_ptr_eq(strchr(buf_text(&errors), '\n'), errors.data + errors.len - 1);
	buf_free(&errors);
}
END_TEST

/* A faulty file of the configuration does no harm where the command line names another. */
START_TEST(test_options_before_configuration)
{
	struct site_options options = { .offline = true };
	char records[40];
	struct site *site;

	write_text(records, "x.example A 192.0.2.1\n");
	options.records = records;
	options.suffix_list = NULL;
	site = open_good(NOBODY "records = \"/none/x\"\n", &options);
	ck_assert_ptr_nonnull(site->resolver);
	site_unref(site);
	unlink(records);
}
END_TEST

START_TEST(test_nobody_is_asked)
{
	struct site_options options = { .offline = false };
	struct site *site = open_good(NOBODY "max_waiting = 7\n", &options);

	ck_assert_ptr_null(site->resolver);
	ck_assert_ptr_null(site->services.resolver);
	ck_assert_ptr_eq(site_patience(site).gate, &site->gate);
	ck_assert_int_eq(site_patience(site).left_us, 5000000);
	ck_assert_uint_eq(site->gate.most, 7);
	ck_assert_ptr_eq(site->services.suffixes, site->suffixes);
	ck_assert_ptr_eq(site->services.verifier, site->verifier);
	ck_assert(!site->services.opendmarc);
	site_unref(site);

	options = (struct site_options){ .offline = true, .opendmarc = true };
	site = open_good("own_domains = {}\n", &options);
	ck_assert_ptr_null(site->resolver);
	ck_assert(site->services.opendmarc);
	site_unref(site);
	site_unref(NULL);
}
END_TEST

/* The last reference frees it, and the configuration with it. */
START_TEST(test_references)
{
	const struct site_options options = { .offline = true };
	struct site *site = open_good(NOBODY, &options);
	struct config *config = config_ref(site->config);

	ck_assert_ptr_eq(site_ref(site), site);
	site_unref(site);
	ck_assert_ptr_eq(site->config, config);
	site_unref(site);
	ck_assert_uint_eq(config->references, 1);
	config_unref(config);
}
END_TEST

/* ---- a message ---------------------------------------------------------------------- */

struct fixture {
	struct site *site;
	struct arena *arena;
	struct message *message;
	struct patience patience;
	struct authenticator *a;
};

/* A null sender, so that SPF looks at our own name. */
static void begin(
    struct fixture *f, const char *text, const struct site_options *options, const char *mta_name)
{
	f->site = open_good(text, options);
	f->arena = arena_new();
	f->message = message_new(f->arena);
	f->message->transaction.mta_name = slice_of(mta_name);
	message_set_mail(f->message, SLICE("<>"));
	message_add_field(f->message, SLICE("From"), SLICE(" ann@example.com"));
	message_end_header(f->message);
	f->patience = site_patience(f->site);
	f->a = site_authenticator(f->site, &f->patience, f->message, 1790000000);
	site_authenticate_header(f->site, f->a, f->message);
	authenticator_finish(f->a);
}

static void end(struct fixture *f)
{
	authenticator_free(f->a);
	site_unref(f->site);
	arena_free(f->arena);
}

#define EGRESS "egress = { \"192.0.2.1\" }\n"
#define HELO   "helo = \"config.example\"\n"

static const struct {
	const char *label;
	const char *config;
	const char *egress, *helo; /* of the command line */
	const char *mta_name;
	const char *wanted_ip, *wanted_helo; /* NULL: the host's name */
} way_rows[] = {
	{ "as configured", EGRESS HELO, NULL, NULL, "mta.example", "192.0.2.1", "config.example" },
	{ "the mail server's name", EGRESS, NULL, NULL, "mta.example", "192.0.2.1", "mta.example" },
	{ "nobody's name", EGRESS, NULL, NULL, "", "192.0.2.1", NULL },
	{ "another name", EGRESS HELO, NULL, "option.example", "mta.example", "192.0.2.1",
	    "option.example" },
	{ "another address", EGRESS HELO, "192.0.2.7", NULL, "", "192.0.2.7", "config.example" },
	{ "an address at all", HELO, "192.0.2.7", NULL, "", "192.0.2.7", "config.example" },
	{ "of the domain", EGRESS HELO "domain \"example.com\" { egress = { \"192.0.2.2\" } }\n",
	    NULL, NULL, "", "192.0.2.2", "config.example" },
	{ "another one than that of the domain",
	    EGRESS HELO "domain \"example.com\" { egress = { \"192.0.2.2\" } }\n", "192.0.2.7",
	    NULL, "", "192.0.2.7", "config.example" },
	{ "none", HELO, NULL, NULL, "", NULL, "config.example" },
};

START_TEST(test_way_out)
{
	struct network network;
	struct site_options options = { .offline = true, .helo = way_rows[_i].helo };
	const struct authentication *facts;
	char text[400], ip[IP_TEXT_SIZE];
	struct fixture f;

	if (way_rows[_i].egress != NULL) {
		ck_assert(network_parse(way_rows[_i].egress, &network));
		options.egress = (struct network_list){ &network, 1 };
	}
	snprintf(text, sizeof text, NOBODY "%s", way_rows[_i].config);
	begin(&f, text, &options, way_rows[_i].mta_name);
	facts = f.message->authentication;
	ck_assert_msg(
	    facts->spf_evaluated == (way_rows[_i].wanted_ip != NULL), "%s", way_rows[_i].label);
	if (facts->spf_evaluated) {
		const struct spf_fact *spf = &facts->spf[0];

		ck_assert_uint_eq(facts->spf_count, 1);
		expect_slice(way_rows[_i].label, "address", slice_of(ip_format(&spf->ip, ip)),
		    way_rows[_i].wanted_ip);
		ck_assert_msg(spf->outcome.helo_identity, "%s", way_rows[_i].label);
		if (way_rows[_i].wanted_helo != NULL)
			expect_slice(way_rows[_i].label, "name", spf->outcome.domain,
			    way_rows[_i].wanted_helo);
		else
			ck_assert_uint_gt(strlen(f.site->host_name), 0);
	}
	end(&f);
}
END_TEST

static const struct {
	const char *config;
	enum auth_signer signer;
} signer_rows[] = {
	{ "", AUTH_SIGNER_BEFORE },
	{ "signer = before\n", AUTH_SIGNER_BEFORE },
	{ "signer = after\n", AUTH_SIGNER_AFTER },
};

START_TEST(test_signer)
{
	const struct site_options options = { .offline = true };
	struct fixture f;
	char text[200];

	snprintf(text, sizeof text, NOBODY "%s", signer_rows[_i].config);
	begin(&f, text, &options, "");
	ck_assert_int_eq(f.message->authentication->signer, signer_rows[_i].signer);
	end(&f);
}
END_TEST

/* ---- the deadline ---------------------------------------------------------------------- */

/* Answers nobody before the end; a few questions are kept. */
struct silent {
	struct resolver resolver;
	resolver_done *done[20];
	void *context[20];
	size_t count;
};

static void silent_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct silent *s = (struct silent *)r;

	(void)question;
	(void)deadline_us;
	ck_assert_uint_lt(s->count, 20);
	s->done[s->count] = done;
	s->context[s->count++] = context;
}

START_TEST(test_deadline)
{
	static const struct resolver_class class = { .ask = silent_ask };
	const struct site_options options = { .offline = true };
	struct silent silent = { .resolver = { &class } };
	struct site *site = open_good(NOBODY "deadline = 0.2\n", &options);
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct patience patience = site_patience(site);
	struct authenticator *a;
	struct stopwatch watch;

	stopwatch_start(&watch);
	site->services.resolver = &silent.resolver;
	message_set_mail(m, SLICE("<ann@example.com>"));
	a = site_authenticator(site, &patience, m, 1790000000);
	authenticator_sender(a);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.took_us >= 200000 && watch.fair_us < 400000, "%d us, fairly %d",
	    (int)watch.took_us, (int)watch.fair_us);
	authenticator_free(a);
	for (size_t i = 0; i < silent.count; i++)
		silent.done[i](silent.context[i], dns_answer_empty(DNS_TEMPFAIL, "late"));
	site_unref(site);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("site");
	TCase *c = tcase_create("site");

	tcase_add_loop_test(c, test_faults, 0, ROWS(fault_rows));
	tcase_add_test(c, test_options_before_configuration);
	tcase_add_test(c, test_nobody_is_asked);
	tcase_add_test(c, test_references);
	tcase_add_loop_test(c, test_way_out, 0, ROWS(way_rows));
	tcase_add_loop_test(c, test_signer, 0, ROWS(signer_rows));
	tcase_add_test(c, test_deadline);
	suite_add_tcase(suite, c);
	return suite;
}
