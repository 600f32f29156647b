/*
 * test_authentication.c - the evaluation under way: one budget for all waits,
 * steps that are left out, and ceilings.  What it finds is the cases' part.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/authentication.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "dns/records.h"
#include "unit.h"

enum { MS = 1000, NEVER = -1 };

/* ---- a resolver that takes its time ------------------------------------------------- */

/* Answers each question from a thread of its own, late, with what the records say. */
struct late {
	struct resolver resolver;
	struct resolver *records;
	int delay_ms; /* NEVER: not before it is freed */
	atomic_int asked, open;
	struct buf questions; /* "TYPE name;" of each */
	pthread_mutex_t mutex;
	struct late_question *held;
};

struct late_question {
	struct late_question *next;
	struct late *late;
	struct dns_answer *answer;
	resolver_done *done;
	void *context;
};

static void answer(struct late_question *q)
{
	struct late *late = q->late;

	q->done(q->context, q->answer);
	free(q);
	atomic_fetch_sub(&late->open, 1);
}

static void *answer_late(void *context)
{
	struct late_question *q = context;
	struct timespec delay = { 0, (long)q->late->delay_ms * 1000 * 1000 };

	nanosleep(&delay, NULL);
	answer(q);
	return NULL;
}

static void late_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct late *late = (struct late *)r;
	struct late_question *q = must_alloc(sizeof *q);
	pthread_t thread;

	(void)deadline_us;
	*q = (struct late_question){ NULL, late, resolver_known(late->records, question), done,
		context };
	late->asked++;
	late->open++;
	buf_printf(
	    &late->questions, "%s %.*s;", dns_type_name(question->type), SLICE_ARG(question->name));
	if (late->delay_ms == NEVER) {
		pthread_mutex_lock(&late->mutex);
		q->next = late->held;
		late->held = q;
		pthread_mutex_unlock(&late->mutex);
		return;
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_late, q), 0);
	pthread_detach(thread);
}

static const struct resolver_class late_class = { .ask = late_ask };

static void late_begin(struct late *late, const char *records, int delay_ms)
{
	struct buf errors;

	buf_init(&errors, 1000);
	*late = (struct late){ .resolver = { &late_class }, .delay_ms = delay_ms };
	pthread_mutex_init(&late->mutex, NULL);
	buf_init(&late->questions, 10000);
	late->records = records_resolver_parse("t", slice_of(records), NULL, &errors);
	ck_assert_msg(late->records != NULL, "%s", buf_text(&errors));
	buf_free(&errors);
}

/* All that is open is answered: to whom nobody waits any more, too. */
static void late_end(struct late *late)
{
	const struct timespec moment = { 0, 1000 * 1000 };

	while (late->held != NULL) {
		struct late_question *q = late->held;

		late->held = q->next;
		answer(q);
	}
	while (late->open > 0)
		nanosleep(&moment, NULL);
	resolver_free(late->records);
	buf_free(&late->questions);
	pthread_mutex_destroy(&late->mutex);
}

/* ---- a message --------------------------------------------------------------------- */

static struct verifier_library *library;

static void set_up(void)
{
	library = verifier_library_new();
	ck_assert_ptr_nonnull(library);
}

static void tear_down(void)
{
	verifier_library_free(library);
}

struct fixture {
	struct late late;
	struct gate gate;
	struct patience patience;
	struct auth_services services;
	struct arena *arena;
	struct message *message;
	struct authenticator *a;
	const struct authentication *facts;
};

static void begin(struct fixture *f, const char *records, int delay_ms, int budget_ms)
{
	const struct auth_limits limits = { .patience = &f->patience, .now = 1790000000 };

	late_begin(&f->late, records, delay_ms);
	f->gate = (struct gate){ .most = 10 };
	f->patience = (struct patience){ (int64_t)budget_ms * MS, &f->gate };
	f->services = (struct auth_services){ .resolver = &f->late.resolver, .verifier = library };
	f->arena = arena_new();
	f->message = message_new(f->arena);
	message_set_mail(f->message, SLICE("<ann@sender.example>"));
	f->a = authenticator_new(&f->services, &limits, f->message);
	f->facts = f->message->authentication;
}

static void header(struct fixture *f, const char *from, const struct auth_route *route)
{
	const struct auth_route nothing = { .egress_count = 0 };

	message_add_field(f->message, SLICE("From"), slice_of(from));
	message_end_header(f->message);
	authenticator_header(f->a, route != NULL ? route : &nothing);
}

static void end(struct fixture *f)
{
	authenticator_free(f->a);
	ck_assert_ptr_null(f->message->authentication);
	late_end(&f->late);
	ck_assert_uint_eq(f->gate.waiting, 0);
	arena_free(f->arena);
}

#define RECORDS                                                                                    \
	"sender.example MX 10 m.example\n"                                                         \
	"author.example MX 10 m.example\n"                                                         \
	"_dmarc.author.example TXT \"v=DMARC1; p=none\"\n"

static int64_t since_ms(int64_t begun)
{
	return (clock_now_us() - begun) / MS;
}

/* ---- waiting ------------------------------------------------------------------------ */

/* Nobody is in a hurry: all is known in the end, and questions went out side by side. */
START_TEST(test_waits)
{
	int64_t begun = clock_now_us();
	struct stopwatch watch;
	struct fixture f;

	begin(&f, RECORDS, 200, 20000);
	authenticator_sender(f.a);
	ck_assert_int_eq(f.facts->sender.existence.status, EXISTENCE_MAIL);
	ck_assert_int_ge(since_ms(begun), 200);
	stopwatch_start(&watch);
	header(&f, " ann@author.example", NULL);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.fair_us < 150 * MS, "the header waits");
	authenticator_finish(f.a);
	ck_assert(f.facts->finished);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_MAIL);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC9989].policy, DMARC_NONE);
	ck_assert_ptr_nonnull(f.facts->dmarc[DMARC_RFC9989].record.data);
	end(&f);
}
END_TEST

/*
 * Nothing is in the cache: the wait is the longest chain of questions that depend on
 * one another, here SPF's four names, whatever else is asked beside it.
 */
START_TEST(test_longest_chain)
{
	static const char records[] =
	    "sender.example MX 10 m.example\n"
	    "sender.example TXT \"v=spf1 include:a.example include:b.example -all\"\n"
	    "a.example TXT \"v=spf1 include:c.example -all\"\n"
	    "b.example TXT \"v=spf1 ip4:198.51.100.1 -all\"\n"
	    "c.example TXT \"v=spf1 include:d.example -all\"\n"
	    "d.example TXT \"v=spf1 ip4:192.0.2.9 -all\"\n"
	    "author.example MX 10 m.example\n"
	    "_dmarc.example TXT \"v=DMARC1; p=none\"\n";
	const struct network egress = { .ip = { .family = AF_INET, .octets = { 192, 0, 2, 9 } },
		.prefix = 32 };
	const struct auth_route route = { .egress = &egress, .egress_count = 1 };
	enum { DELAY_MS = 200, CHAIN = 4 };
	struct stopwatch watch;
	struct fixture f;

	begin(&f, records, DELAY_MS, 60000);
	authenticator_sender(f.a);
	stopwatch_start(&watch);
	header(&f, " ann@author.example", &route);
	authenticator_finish(f.a);
	stopwatch_stop(&watch);
	ck_assert_int_eq(f.facts->spf[0].outcome.result, SPF_PASS);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_MAIL);
	ck_assert_msg(f.late.asked >= 4 * CHAIN, "only %d questions", (int)f.late.asked);
	ck_assert_msg(watch.took_us >= (CHAIN - 1) * DELAY_MS * MS, "%lld us are too few",
	    (long long)watch.took_us);
	ck_assert_msg(watch.fair_us < 2 * CHAIN * DELAY_MS * MS, "%lld us: one after the other",
	    (long long)watch.fair_us);
	end(&f);
}
END_TEST

static void expect_asked(struct fixture *f, const char *question)
{
	ck_assert_msg(strstr(buf_text(&f->late.questions), question) != NULL, "%s is not in %s",
	    question, buf_text(&f->late.questions));
}

/* Every part asks at the end of the header, though none before it has an answer yet. */
START_TEST(test_header_asks_all)
{
	const struct network egress = { .ip = { .family = AF_INET, .octets = { 192, 0, 2, 9 } },
		.prefix = 32 };
	const struct auth_route routes[] = { { .egress = &egress, .egress_count = 1 },
		{ .egress_count = 0 } };
	static const char signature[] =
	    " v=1; a=rsa-sha256; d=author.example; s=sel; h=from; bh=AAAA; b=AAAA";

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		struct fixture f;

		begin(&f, RECORDS, 0, 20000);
		authenticator_sender(f.a);
		f.late.delay_ms = NEVER;
		message_add_field(f.message, SLICE("DKIM-Signature"), SLICE(signature));
		header(&f, " ann@author.example", &routes[i]);
		expect_asked(&f, "MX author.example;");
		expect_asked(&f, "TXT sender.example;");
		expect_asked(&f, "TXT sel._domainkey.author.example;");
		expect_asked(&f, "TXT _dmarc.author.example;");
		end(&f);
	}
}
END_TEST

/* What the first wait has used is not there for the second. */
START_TEST(test_budget_over_two_waits)
{
	enum { DELAY_MS = 900, BUDGET_MS = 1500 };
	struct stopwatch watch;
	struct fixture f;

	begin(&f, RECORDS, DELAY_MS, BUDGET_MS);
	stopwatch_start(&watch);
	authenticator_sender(f.a);
	ck_assert_int_eq(f.facts->sender.existence.status, EXISTENCE_MAIL);
	header(&f, " ann@author.example", NULL);
	authenticator_finish(f.a);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.took_us >= (BUDGET_MS - 20) * MS, "ended after %lld us",
	    (long long)watch.took_us);
	ck_assert_msg(
	    watch.fair_us < (BUDGET_MS + 250) * MS, "%lld us in all", (long long)watch.fair_us);
	ck_assert(f.facts->finished);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_UNKNOWN);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC9989].result, DMARC_RESULT_TEMPERROR);
	end(&f);
}
END_TEST

/* The time in which the body comes is not the DNS's: answers come in it, and cost nothing. */
START_TEST(test_body_takes_long)
{
	const struct timespec long_body = { 1, 500 * 1000 * 1000 };
	struct stopwatch watch;
	struct fixture f;

	begin(&f, RECORDS, 20, 1000);
	header(&f, " ann@author.example", NULL);
	nanosleep(&long_body, NULL);
	WAIT_UNTIL(f.late.open == 0);
	stopwatch_start(&watch);
	authenticator_finish(f.a);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.fair_us < 150 * MS, "%lld us", (long long)watch.fair_us);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_MAIL);
	ck_assert_int_ne(f.facts->dmarc[DMARC_RFC7489].result, DMARC_RESULT_PENDING);
	end(&f);
}
END_TEST

/* Nobody answers, ever: the budget is kept to, and nothing is told. */
START_TEST(test_never)
{
	struct stopwatch watch;
	struct fixture f;

	begin(&f, RECORDS, NEVER, 200);
	stopwatch_start(&watch);
	authenticator_sender(f.a);
	ck_assert_int_eq(f.facts->sender.existence.status, EXISTENCE_UNKNOWN);
	header(&f, " ann@author.example", NULL);
	authenticator_finish(f.a);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.took_us >= 200 * MS && watch.fair_us < 390 * MS, "%lld us, fairly %lld",
	    (long long)watch.took_us, (long long)watch.fair_us);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_UNKNOWN);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC7489].result, DMARC_RESULT_TEMPERROR);
	ck_assert(f.facts->spf_record.unknown);
	end(&f);
}
END_TEST

/* Too many messages wait: this one does not, and is not told anything. */
START_TEST(test_gate)
{
	struct stopwatch watch;
	struct fixture f;

	begin(&f, RECORDS, 300, 10000);
	f.gate.most = 0;
	stopwatch_start(&watch);
	authenticator_sender(f.a);
	ck_assert_int_eq(f.facts->sender.existence.status, EXISTENCE_UNKNOWN);
	ck_assert_str_eq(f.facts->sender.existence.why, "too many messages wait for answers");
	header(&f, " ann@author.example", NULL);
	authenticator_finish(f.a);
	stopwatch_stop(&watch);
	ck_assert_msg(watch.fair_us < 200 * MS, "%lld us", (long long)watch.fair_us);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_UNKNOWN);
	end(&f);
}
END_TEST

/* ---- steps that are left out ----------------------------------------------------------- */

START_TEST(test_steps_left_out)
{
	struct fixture f;

	/* refused at MAIL */
	begin(&f, RECORDS, 0, 1000);
	authenticator_sender(f.a);
	ck_assert(!f.facts->finished);
	end(&f);

	/* the connection ends in the middle of the header */
	begin(&f, RECORDS, 0, 1000);
	ck_assert(!authenticator_wants_body(f.a));
	authenticator_body(f.a, SLICE("Hello.\r\n"));
	authenticator_finish(f.a);
	ck_assert(!f.facts->finished);
	end(&f);

	/* ... and of the body, with questions open */
	begin(&f, RECORDS, 100, 1000);
	header(&f, " ann@author.example", NULL);
	ck_assert_int_gt(f.late.asked, 0);
	ck_assert(!f.facts->finished);
	end(&f);
	authenticator_free(NULL);
}
END_TEST

/* The end, said twice, changes nothing. */
START_TEST(test_finish_twice)
{
	struct fixture f;
	int asked;

	begin(&f, RECORDS, 0, 20000);
	header(&f, " ann@author.example", NULL);
	authenticator_finish(f.a);
	asked = f.late.asked;
	authenticator_finish(f.a);
	ck_assert_int_eq(f.late.asked, asked);
	end(&f);
}
END_TEST

/* Without a resolver there is nothing to wait for, and nothing is told. */
START_TEST(test_without_resolver)
{
	const struct network egress = { .ip = { .family = AF_INET, .octets = { 192, 0, 2, 9 } },
		.prefix = 32 };
	const struct auth_route route = { .egress = &egress, .egress_count = 1 };
	struct fixture f;

	begin(&f, RECORDS, NEVER, 10000);
	f.services.resolver = NULL;
	authenticator_free(f.a);
	f.a = authenticator_new(
	    &f.services, &(const struct auth_limits){ .patience = &f.patience }, f.message);
	f.facts = f.message->authentication;
	authenticator_sender(f.a);
	header(&f, " ann@author.example", &route);
	authenticator_finish(f.a);
	ck_assert_int_eq(f.facts->sender.existence.status, EXISTENCE_UNKNOWN);
	ck_assert_int_eq(f.facts->author.existence.status, EXISTENCE_UNKNOWN);
	ck_assert_int_eq(f.facts->spf[0].outcome.result, SPF_TEMPERROR);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC7489].result, DMARC_RESULT_TEMPERROR);
	ck_assert_int_eq(f.late.asked, 0);
	end(&f);
}
END_TEST

/* ---- ceilings ---------------------------------------------------------------------------- */

START_TEST(test_egress_ceiling)
{
	struct network egress[60];
	const struct auth_route route = { .egress = egress, .egress_count = 60 };
	struct fixture f;

	for (int i = 0; i < 60; i++)
		egress[i] = (struct network){ { AF_INET, { 10, (uint8_t)i, 0, 0 } }, 16 };
	begin(&f, RECORDS "sender.example TXT \"v=spf1 -all\"\n", 0, 20000);
	header(&f, " ann@author.example", &route);
	authenticator_finish(f.a);
	ck_assert_uint_eq(f.facts->spf_count, EGRESS_MAX);
	for (size_t i = 0; i < f.facts->spf_count; i++) {
		ck_assert_int_eq(f.facts->spf[i].outcome.result, SPF_FAIL);
		ck_assert_ptr_eq(f.facts->spf[i].network, &egress[i / NETWORK_SAMPLES]);
	}
	end(&f);
}
END_TEST

/* More author domains than are looked at: of the others nothing is known. */
START_TEST(test_authors_ceiling)
{
	struct buf from;
	struct fixture f;

	begin(&f, RECORDS, 0, 20000);
	buf_init(&from, 4000);
	for (int i = 0; i < 2 * AUTH_AUTHORS_MAX; i++)
		buf_printf(&from, "%s a@author%d.example", i > 0 ? "," : "", i);
	header(&f, buf_text(&from), NULL);
	authenticator_finish(f.a);
	ck_assert(f.facts->dmarc_evaluated);
	ck_assert_ptr_null(f.facts->author.name.data);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC7489].result, DMARC_RESULT_TEMPERROR);
	ck_assert_int_eq(f.facts->dmarc[DMARC_RFC9989].result, DMARC_RESULT_NONE);
	buf_free(&from);
	end(&f);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("authentication");
	TCase *c = tcase_create("authentication");

	tcase_add_unchecked_fixture(c, set_up, tear_down);
	tcase_add_test(c, test_waits);
	tcase_add_test(c, test_longest_chain);
	tcase_add_test(c, test_header_asks_all);
	tcase_add_test(c, test_budget_over_two_waits);
	tcase_add_test(c, test_body_takes_long);
	tcase_add_test(c, test_never);
	tcase_add_test(c, test_gate);
	tcase_add_test(c, test_steps_left_out);
	tcase_add_test(c, test_finish_twice);
	tcase_add_test(c, test_without_resolver);
	tcase_add_test(c, test_egress_ceiling);
	tcase_add_test(c, test_authors_ceiling);
	suite_add_tcase(suite, c);
	return suite;
}
