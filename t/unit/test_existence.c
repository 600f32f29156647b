/* test_existence.c - does a domain exist, and could mail be sent back to it? */
#include <string.h>

#include "auth/existence.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "dns/records.h"
#include "unit.h"

static const struct {
	const char *label;
	const char *records;
	enum existence_status status;
	bool alias;
} rows[] = {
	{ "an MX", "x.example MX 10 mail.example\n", EXISTENCE_MAIL, false },
	{ "an address", "x.example A 192.0.2.1\n", EXISTENCE_MAIL, false },
	{ "an IPv6 address", "x.example AAAA 2001:db8::1\n", EXISTENCE_MAIL, false },
	{ "a null MX", "x.example MX 0 .\n", EXISTENCE_NULL_MX, false },
	{ "a null MX of another preference", "x.example MX 10 .\n", EXISTENCE_NULL_MX, false },
	{ "a null MX beside an address", "x.example MX 0 .\nx.example A 192.0.2.1\n",
	    EXISTENCE_NULL_MX, false },
	{ "a null MX beside a real one", "x.example MX 0 .\nx.example MX 1 mail.example\n",
	    EXISTENCE_MAIL, false },
	{ "a null MX, the rest not told", "x.example MX 0 .\n;; TIMEOUT x.example\n",
	    EXISTENCE_NULL_MX, false },
	{ "an SOA", "x.example SOA ns.example. h.example. 1 2 3 4 5\n", EXISTENCE_NO_MAIL, false },
	{ "another type", "x.example TXT \"x\"\n", EXISTENCE_NO_MAIL, false },
	{ "a name below", "www.x.example A 192.0.2.1\n", EXISTENCE_NO_MAIL, false },
	{ "nothing", "y.example A 192.0.2.1\n", EXISTENCE_NXDOMAIN, false },
	{ "an alias of nothing", "x.example CNAME gone.example\n", EXISTENCE_NXDOMAIN, true },
	{ "an alias of something", "x.example CNAME y.example\ny.example A 192.0.2.1\n",
	    EXISTENCE_MAIL, false },
	{ "an alias of something without mail", "x.example CNAME y.example\ny.example TXT \"x\"\n",
	    EXISTENCE_NO_MAIL, false },
	{ "not told", ";; TIMEOUT x.example\n", EXISTENCE_UNKNOWN, false },
	{ "an MX, the rest not told", "x.example MX 10 m.example\n;; TIMEOUT x.example\n",
	    EXISTENCE_MAIL, false },
	{ "an address, the rest not told", "x.example AAAA 2001:db8::1\n;; TIMEOUT x.example\n",
	    EXISTENCE_MAIL, false },
	{ "an SOA, the rest not told",
	    "x.example SOA ns.example. h.example. 1 2 3 4 5\n;; TIMEOUT x.example\n",
	    EXISTENCE_UNKNOWN, false },
};

START_TEST(test_rows)
{
	struct buf errors;
	struct arena *arena = arena_new();
	struct resolver *resolver;
	struct dns_view *view;
	struct existence e;

	buf_init(&errors, 1000);
	resolver = records_resolver_parse("t", slice_of(rows[_i].records), NULL, &errors);
	ck_assert_msg(resolver != NULL, "%s: %s", rows[_i].label, buf_text(&errors));
	view = dns_view_new(arena, resolver, clock_now_us() + 1000000);
	e = existence_of(view, SLICE("x.example"));
	ck_assert_msg(e.status == rows[_i].status, "%s: status %d", rows[_i].label, (int)e.status);
	ck_assert_msg(e.alias == rows[_i].alias, "%s: alias", rows[_i].label);
	ck_assert_msg(
	    (e.why != NULL) == (e.status == EXISTENCE_UNKNOWN), "%s: why", rows[_i].label);
	dns_view_free(view);
	resolver_free(resolver);
	arena_free(arena);
	buf_free(&errors);
}
END_TEST

/* ---- answers that no records file gives ------------------------------------------- */

/* Answers one type with a status of its own, all others with another. */
struct mixed {
	struct resolver resolver;
	enum dns_type type;
	enum dns_status status, others;
	bool secure; /* of the one */
	size_t asked;
};

static void mixed_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct mixed *m = (struct mixed *)r;
	bool one = question->type == m->type;
	struct dns_record record = { .data = SLICE("m.example") };
	struct dns_answer facts = { .status = one ? m->status : m->others,
		.secure = one ? m->secure : !m->secure,
		.why = one ? "the one" : "the others" };

	(void)deadline_us;
	m->asked++;
	done(context, dns_answer_make(&facts, &record, facts.status == DNS_FOUND));
}

static const struct resolver_class mixed_class = { .ask = mixed_ask };

/* The last one is known at once, the others are not. */
static struct dns_answer *soa_known(struct resolver *r, const struct dns_question *question)
{
	(void)r;
	return question->type == DNS_SOA ? dns_answer_empty(DNS_NODATA, NULL) : NULL;
}

static const struct {
	const char *label;
	enum dns_type type;
	enum dns_status status, others;
	bool secure;
	enum existence_status wanted;
	const char *why;
} mixed_rows[] = {
	{ "proved MX", DNS_MX, DNS_FOUND, DNS_NODATA, true, EXISTENCE_MAIL, NULL },
	{ "MX not proved", DNS_MX, DNS_FOUND, DNS_NODATA, false, EXISTENCE_MAIL, NULL },
	{ "proved AAAA", DNS_AAAA, DNS_FOUND, DNS_NXDOMAIN, true, EXISTENCE_MAIL, NULL },
	{ "SOA alone", DNS_SOA, DNS_FOUND, DNS_NXDOMAIN, true, EXISTENCE_NO_MAIL, NULL },
	{ "no data once is enough to exist", DNS_A, DNS_NODATA, DNS_NXDOMAIN, true,
	    EXISTENCE_NO_MAIL, NULL },
	{ "no data first, then no name", DNS_MX, DNS_NODATA, DNS_NXDOMAIN, true, EXISTENCE_NO_MAIL,
	    NULL },
	{ "one not told among no name", DNS_MX, DNS_TEMPFAIL, DNS_NXDOMAIN, false,
	    EXISTENCE_UNKNOWN, "the one" },
	{ "the last not told", DNS_SOA, DNS_TEMPFAIL, DNS_NXDOMAIN, false, EXISTENCE_UNKNOWN,
	    "the one" },
	{ "one not told among no data", DNS_AAAA, DNS_TEMPFAIL, DNS_NODATA, false,
	    EXISTENCE_UNKNOWN, "the one" },
	{ "of several not told the first", DNS_MX, DNS_NXDOMAIN, DNS_TEMPFAIL, false,
	    EXISTENCE_UNKNOWN, "the others" },
};

START_TEST(test_mixed)
{
	struct mixed m = {
		.resolver = { &mixed_class },
		.type = mixed_rows[_i].type,
		.status = mixed_rows[_i].status,
		.others = mixed_rows[_i].others,
		.secure = mixed_rows[_i].secure,
	};
	const char *label = mixed_rows[_i].label;
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, &m.resolver, clock_now_us() + 10000000);
	struct existence e = existence_of(view, SLICE("x.example"));

	ck_assert_msg(e.status == EXISTENCE_PENDING, "%s: not pending", label);
	ck_assert(dns_view_wait(view));
	ck_assert_msg(m.asked == 4, "%s: %zu questions, not side by side", label, m.asked);
	e = existence_of(view, SLICE("x.example"));
	ck_assert_msg(e.status == mixed_rows[_i].wanted, "%s: status %d", label, (int)e.status);
	if (e.status == EXISTENCE_MAIL || e.status == EXISTENCE_NO_MAIL)
		ck_assert_msg(e.secure == m.secure, "%s: proved?", label);
	if (mixed_rows[_i].why != NULL)
		ck_assert_str_eq(e.why, mixed_rows[_i].why);
	dns_view_free(view);
	arena_free(arena);
}
END_TEST

START_TEST(test_one_known)
{
	static const struct resolver_class class = { .ask = mixed_ask, .known = soa_known };
	struct mixed m = { .resolver = { &class }, .type = DNS_A, .others = DNS_NODATA };
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, &m.resolver, clock_now_us() + 10000000);

	ck_assert_int_eq(existence_of(view, SLICE("x.example")).status, EXISTENCE_PENDING);
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(existence_of(view, SLICE("x.example")).status, EXISTENCE_MAIL);
	ck_assert_uint_eq(m.asked, 3);
	dns_view_free(view);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("existence");
	TCase *c = tcase_create("existence");

	tcase_add_loop_test(c, test_rows, 0, ROWS(rows));
	tcase_add_loop_test(c, test_mixed, 0, ROWS(mixed_rows));
	tcase_add_test(c, test_one_known);
	suite_add_tcase(suite, c);
	return suite;
}
