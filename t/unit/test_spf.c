/*
 * test_spf.c - SPF: every case of the RFC 7208 test suite, and what an outcome tells.
 *
 * The suite stands in t/auth/rfc7208.suite (its head says how it is written).
 * Each case runs twice: over records that are known at once, and over a
 * resolver that has to be waited for.  Both must come to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/spf.h"
#include "base/arena.h"
#include "base/buf.h"
#include "dns/records.h"
#include "t/auth/spf_suite.h"
#include "unit.h"

enum { CASES = 203 };

/* ---- resolvers ------------------------------------------------------------------ */

/* Answers as the one below, but knows nothing at once. */
struct waiting {
	struct resolver resolver;
	struct resolver *below;
	size_t asked;
};

static void waiting_ask(struct resolver *r, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	struct waiting *w = (struct waiting *)r;

	w->asked++;
	resolver_ask(w->below, question, deadline_us, done, context);
}

static const struct resolver_class waiting_class = { .ask = waiting_ask };

static struct resolver *records(struct slice text)
{
	struct buf errors;
	struct resolver *r;

	buf_init(&errors, 1000);
	r = records_resolver_parse("records", text, NULL, &errors);
	if (r == NULL) {
		fputs(buf_text(&errors), stderr);
		exit(EXIT_FAILURE);
	}
	buf_free(&errors);
	return r;
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	ck_assert_msg(ip_parse(text, &ip), "no address: %s", text);
	return ip;
}

/* ---- the suite ------------------------------------------------------------------ */

static struct suite suite_of_rfc;
static const struct suite_case *cases[CASES];

static void load_suite(void)
{
	const char *srcdir = getenv("srcdir");
	struct slice text;
	struct buf errors;
	char path[4096];
	size_t n = 0;

	buf_init(&errors, 1000);
	snprintf(path, sizeof path, "%s/t/auth/rfc7208.suite", srcdir == NULL ? "." : srcdir);
	if (!suite_read_file(path, &text) || !suite_parse(&suite_of_rfc, text, &errors)) {
		fprintf(stderr, "%s: cannot be read: %s", path, buf_text(&errors));
		exit(EXIT_FAILURE);
	}
	for (const struct suite_case *c = suite_of_rfc.first; c != NULL && n < CASES; c = c->next)
		cases[n++] = c;
}

/* Is the word among the words, which stand with blanks between? */
static bool has_word(struct slice words, const char *word)
{
	while (words.len > 0) {
		size_t end = slice_find(words, ' ');

		if (slice_equal(slice_part(words, 0, end), slice_of(word)))
			return true;
		words = slice_part(words, end + 1, words.len);
	}
	return false;
}

static void check_case(const struct suite_case *c, struct resolver *resolver, const char *how)
{
	struct arena *arena = arena_new();
	struct spf_outcome outcome;
	char label[200];
	size_t waits;

	snprintf(label, sizeof label, "%.*s, %s", SLICE_ARG(c->name), how);
	outcome = suite_evaluate(arena, &c->query, resolver, &waits);
	ck_assert_msg(has_word(c->result, spf_result_name(outcome.result)),
	    "%s: the result is %s (%.*s), wanted %.*s", label, spf_result_name(outcome.result),
	    SLICE_ARG(outcome.problem), SLICE_ARG(c->result));
	if (c->explanation.data != NULL)
		expect_slice(label, "the explanation", outcome.explanation,
		    arena_copy(arena, c->explanation).data);
	arena_free(arena);
}

START_TEST(test_suite_case)
{
	const struct suite_case *c = cases[_i];
	struct waiting waiting = { { &waiting_class }, c->records, 0 };

	check_case(c, c->records, "known at once");
	check_case(c, &waiting.resolver, "waited for");
}
END_TEST

START_TEST(test_suite_is_whole)
{
	ck_assert_uint_eq(suite_of_rfc.count, CASES);
}
END_TEST

/* ---- outcomes ------------------------------------------------------------------- */

#define ZONE                                                                                       \
	"example.com. TXT \"v=spf1 ip4:192.0.2.1 a:host.example.com include:inc.example.com "      \
	"-all exp=why.example.com\"\n"                                                             \
	"why.example.com. TXT \"%{i} may not, see %{S}\"\n"                                        \
	"host.example.com. A 192.0.2.2\n"                                                          \
	"inc.example.com. TXT \"v=spf1 ip4:192.0.2.3 ip4:192.0.2.4 ?all\"\n"                       \
	"red.example.com. TXT \"v=spf1 redirect=inc.example.com\"\n"                               \
	"bad.example.com. TXT \"v=spf1 ip4:192.0.2.1 ip5:192.0.2.1 -all\"\n"                       \
	"badinc.example.com. TXT \"v=spf1 include:bad.example.com -all\"\n"                        \
	"noinc.example.com. TXT \"v=spf1 include:host.example.com -all\"\n"                        \
	"two.example.com. TXT \"v=spf1 -all\"\n"                                                   \
	"two.example.com. TXT \"v=spf1 +all\"\n"                                                   \
	"slow.example.com. TXT \"v=spf1 a:gone.example.com ~all\"\n"                               \
	";; TIMEOUT gone.example.com.\n"                                                           \
	"mxslow.example.com. TXT \"v=spf1 mx ~all\"\n"                                             \
	"mxslow.example.com. MX 10 host.example.com.\n"                                            \
	"mxslow.example.com. MX 20 gone.example.com.\n"                                            \
	"nullmx.example.com. TXT \"v=spf1 mx a:b.c.x a:d.e.x ?all\"\n"                             \
	"nullmx.example.com. MX 0 .\n"                                                             \
	"voids.example.com. TXT \"v=spf1 a:a.x a:b.x a:c.x ?all\"\n"                               \
	"xn--bcher-kva.example. TXT \"v=spf1 ip4:192.0.2.1 -all exp=why.example.com\"\n"           \
	"upper.example.com. TXT \"V=SPF1 IP4:192.0.2.9 REDIRECT=inc.example.com\"\n"               \
	"macro.example.com. TXT \"v=spf1 exists:%{l2r+-}.%{d2}.x. exists:%{p}.p.x -all\"\n"        \
	"b.a.example.com.x. A 127.0.0.2\n"                                                         \
	"unknown.p.x. A 127.0.0.2\n"                                                               \
	"unexplained.example.com. TXT \"v=spf1 -all exp=why.%{d2}.none\"\n"                        \
	"outer.example.com. TXT \"v=spf1 include:inc.example.com a -all\"\n"                       \
	"outer.example.com. A 192.0.2.7\n"                                                         \
	"inner.example.com. TXT \"v=spf1 include:example.com\"\n"                                  \
	"ptr.example.com. TXT \"v=spf1 ptr:p11.x ?all\"\n"                                         \
	"7.2.0.192.in-addr.arpa. PTR p1.x.\n7.2.0.192.in-addr.arpa. PTR p2.x.\n"                   \
	"7.2.0.192.in-addr.arpa. PTR p3.x.\n7.2.0.192.in-addr.arpa. PTR p4.x.\n"                   \
	"7.2.0.192.in-addr.arpa. PTR p5.x.\n7.2.0.192.in-addr.arpa. PTR p6.x.\n"                   \
	"7.2.0.192.in-addr.arpa. PTR p7.x.\n7.2.0.192.in-addr.arpa. PTR p8.x.\n"                   \
	"7.2.0.192.in-addr.arpa. PTR p9.x.\n7.2.0.192.in-addr.arpa. PTR p10.x.\n"                  \
	"7.2.0.192.in-addr.arpa. PTR p11.x.\n"                                                     \
	"p1.x. TXT x\np2.x. A 192.0.2.7\np3.x. A 192.0.2.7\np4.x. A 192.0.2.7\n"                   \
	"p5.x. A 192.0.2.7\np6.x. A 192.0.2.7\np7.x. A 192.0.2.7\np8.x. A 192.0.2.7\n"             \
	"p9.x. A 192.0.2.7\np10.x. A 192.0.2.7\np11.x. A 192.0.2.7\n"                              \
	"pexp.example.com. TXT \"v=spf1 -all exp=%{p}.x\"\n"                                       \
	"alone. TXT \"v=spf1 -all\"\n"

struct outcome_row {
	const char *label, *ip, *from, *helo;
	const char *result, *mechanism, *problem, *explanation;
	unsigned lookups, voids;
	int offset; /* -1: none */
};

static const struct outcome_row outcomes[] = {
	{ "the first term", "192.0.2.1", "a@example.com", "h.x", "pass", "ip4:192.0.2.1", "", "", 0,
	    0, -1 },
	{ "a host", "192.0.2.2", "a@example.com", "h.x", "pass", "a:host.example.com", "", "", 1, 0,
	    -1 },
	{ "an include", "192.0.2.4", "a@example.com", "h.x", "pass", "include:inc.example.com", "",
	    "", 2, 0, -1 },
	{ "no term but all", "192.0.2.5", "a@example.com", "h.x", "fail", "-all", "",
	    "192.0.2.5 may not, see a%40example.com", 2, 0, -1 },
	{ "a redirect", "192.0.2.4", "a@red.example.com", "h.x", "pass", "ip4:192.0.2.4", "", "", 1,
	    0, -1 },
	{ "a redirect, no match", "192.0.2.5", "a@red.example.com", "h.x", "neutral", "?all", "",
	    "", 1, 0, -1 },
	{ "names in capitals", "192.0.2.3", "a@upper.example.com", "h.x", "pass", "ip4:192.0.2.3",
	    "", "", 1, 0, -1 },
	{ "the null sender", "192.0.2.1", "", "example.com", "pass", "ip4:192.0.2.1", "", "", 0, 0,
	    -1 },
	{ "the null sender explained", "192.0.2.5", "", "example.com", "fail", "-all", "",
	    "192.0.2.5 may not, see postmaster%40example.com", 2, 0, -1 },
	{ "no record", "192.0.2.1", "a@none.example", "h.x", "none", "", "", "", 0, 0, -1 },
	{ "a U-label", "192.0.2.5", "a@b\303\274cher.example", "h.x", "fail", "-all", "",
	    "192.0.2.5 may not, see a%40xn--bcher-kva.example", 0, 0, -1 },
	{ "an at sign in quotes", "192.0.2.1", "\"a@b\"@example.com", "h.x", "pass",
	    "ip4:192.0.2.1", "", "", 0, 0, -1 },
	{ "a syntax error", "192.0.2.1", "a@bad.example.com", "h.x", "permerror", "",
	    "the mechanism is not known, in the record of bad.example.com", "", 0, 0, 21 },
	{ "a syntax error below", "192.0.2.1", "a@badinc.example.com", "h.x", "permerror", "",
	    "the mechanism is not known, in the record of bad.example.com", "", 1, 0, -1 },
	{ "an include of nothing", "192.0.2.1", "a@noinc.example.com", "h.x", "permerror", "",
	    "a domain that the record includes has no SPF record", "", 1, 0, -1 },
	{ "two records", "192.0.2.1", "a@two.example.com", "h.x", "permerror", "",
	    "the domain has more than one SPF record", "", 0, 0, -1 },
	{ "a silent server", "192.0.2.1", "a@slow.example.com", "h.x", "temperror", "",
	    "a DNS question could not be answered", "", 1, 0, -1 },
	{ "a silent server behind a match", "192.0.2.2", "a@mxslow.example.com", "h.x", "temperror",
	    "", "a DNS question could not be answered", "", 1, 0, -1 },
	{ "a null MX is no void lookup", "192.0.2.2", "a@nullmx.example.com", "h.x", "neutral",
	    "?all", "", "", 3, 2, -1 },
	{ "three void lookups", "192.0.2.2", "a@voids.example.com", "h.x", "permerror", "",
	    "more than 2 of the record's DNS lookups find nothing", "", 3, 3, -1 },
	{ "macros", "192.0.2.2", "a-b@macro.example.com", "h.x", "pass", "exists:%{l2r+-}.%{d2}.x.",
	    "", "", 1, 0, -1 },
	{ "the macro p without a name", "192.0.2.2", "b-c@macro.example.com", "h.x", "pass",
	    "exists:%{p}.p.x", "", "", 2, 2, -1 },
	{ "a term behind an include", "192.0.2.7", "a@outer.example.com", "h.x", "pass", "a", "",
	    "", 2, 0, -1 },
	{ "a fail inside an include", "192.0.2.7", "a@inner.example.com", "h.x", "neutral", "", "",
	    "", 3, 0, -1 },
	{ "the eleventh PTR record", "192.0.2.7", "a@ptr.example.com", "h.x", "neutral", "?all", "",
	    "", 1, 1, -1 },
	{ "the macro p in exp costs nothing", "192.0.2.7", "a@pexp.example.com", "h.x", "fail",
	    "-all", "", "", 0, 0, -1 },
	{ "a single label", "192.0.2.7", "a@alone", "h.x", "none", "", "", "", 0, 0, -1 },
	{ "no explanation there", "192.0.2.2", "a@unexplained.example.com", "h.x", "fail", "-all",
	    "", "", 0, 0, -1 },
};

static void check_outcome(const struct outcome_row *row, struct resolver *resolver, const char *how)
{
	struct arena *arena = arena_new();
	struct slice from = exact_text(row->from), helo = exact_text(row->helo);
	struct spf_query query = { .ip = ip_of(row->ip), .mail_from = from, .helo = helo };
	struct spf_outcome o;
	char label[200];
	size_t waits;

	snprintf(label, sizeof label, "%s, %s", row->label, how);
	o = suite_evaluate(arena, &query, resolver, &waits);
	ck_assert_msg(strcmp(spf_result_name(o.result), row->result) == 0, "%s: %s, wanted %s",
	    label, spf_result_name(o.result), row->result);
	expect_slice(label, "the mechanism", o.mechanism, row->mechanism);
	expect_slice(label, "the problem", o.problem, row->problem);
	expect_slice(label, "the explanation", o.explanation, row->explanation);
	ck_assert_msg(o.lookups == row->lookups, "%s: %u lookups", label, o.lookups);
	ck_assert_msg(o.voids == row->voids, "%s: %u voids", label, o.voids);
	ck_assert_msg(o.helo_identity == (row->from[0] == '\0'), "%s: identity", label);
	ck_assert_msg(o.record_offset == (row->offset < 0 ? SIZE_MAX : (size_t)row->offset),
	    "%s: the offset is %zu", label, o.record_offset);
	exact_free(from);
	exact_free(helo);
	arena_free(arena);
}

START_TEST(test_outcome)
{
	struct resolver *r = records(SLICE(ZONE));
	struct waiting waiting = { { &waiting_class }, r, 0 };

	check_outcome(&outcomes[_i], r, "known at once");
	check_outcome(&outcomes[_i], &waiting.resolver, "waited for");
	resolver_free(r);
}
END_TEST

/* ---- questions ------------------------------------------------------------------ */

#define DEEP                                                                                       \
	"a.x. TXT \"v=spf1 include:b.x include:c.x mx a:d.x -all exp=why.x\"\n"                    \
	"b.x. TXT \"v=spf1 a:h1.x mx ?all\"\nb.x. MX 1 h3.x.\n"                                    \
	"c.x. TXT \"v=spf1 a:h2.x ?all\"\n"                                                        \
	"a.x. MX 1 h4.x.\nh1.x. A 192.0.2.1\nh2.x. A 192.0.2.2\nh3.x. A 192.0.2.3\n"               \
	"h4.x. A 192.0.2.4\nd.x. A 192.0.2.5\nwhy.x. TXT \"because\"\n"                            \
	"loop.x. TXT \"v=spf1 include:loop.x include:loop.x include:loop.x ?all\"\n"               \
	"many.x. TXT \"v=spf1 a:1.x a:2.x a:3.x a:4.x a:5.x a:6.x a:7.x a:8.x a:9.x "              \
	"a:10.x a:11.x a:12.x ?all\"\n"                                                            \
	"hosts.x. TXT \"v=spf1 mx ptr ?all\"\nhosts.x. MX 1 h1.x.\nhosts.x. MX 2 h2.x.\n"          \
	"8.2.0.192.in-addr.arpa. PTR h3.x.\n8.2.0.192.in-addr.arpa. PTR h4.x.\n"

static const struct {
	const char *label, *ip, *domain, *result;
	size_t waits, asked;
} question_rows[] = {
	/* a.x; b.x c.x a.x/MX d.x; h1.x b.x/MX h2.x h4.x; h3.x */
	{ "side by side, as deep as the longest chain", "192.0.2.3", "a.x", "pass", 4, 10 },
	{ "nothing is asked behind a match", "192.0.2.1", "a.x", "pass", 3, 9 },
	{ "an explanation only when it is wanted", "192.0.2.9", "a.x", "fail", 5, 11 },
	{ "a circle of includes", "192.0.2.9", "loop.x", "permerror", 1, 1 },
	/* hosts.x; its MX, the PTR; h1.x h2.x h3.x h4.x */
	{ "the hosts of an answer side by side", "192.0.2.8", "hosts.x", "neutral", 3, 7 },
	{ "no question beyond the limit", "192.0.2.9", "many.x", "permerror", 2, 11 },
};

START_TEST(test_questions)
{
	struct resolver *r = records(SLICE(DEEP));
	struct waiting waiting = { { &waiting_class }, r, 0 };
	struct arena *arena = arena_new();
	struct spf_query query = { .ip = ip_of(question_rows[_i].ip),
		.mail_from = slice_of(question_rows[_i].domain),
		.helo = SLICE("h.x") };
	const char *label = question_rows[_i].label;
	struct spf_outcome outcome;
	size_t waits;

	outcome = suite_evaluate(arena, &query, &waiting.resolver, &waits);
	ck_assert_msg(strcmp(spf_result_name(outcome.result), question_rows[_i].result) == 0,
	    "%s: %s", label, spf_result_name(outcome.result));
	ck_assert_msg(waits == question_rows[_i].waits, "%s: %zu waits", label, waits);
	ck_assert_msg(
	    waiting.asked == question_rows[_i].asked, "%s: %zu questions", label, waiting.asked);
	arena_free(arena);
	resolver_free(r);
}
END_TEST

/* A ceiling on what an answer holds must not turn "could not tell" into "no". */
START_TEST(test_truncated)
{
	struct arena *arena = arena_new();
	struct spf_query query = {
		.ip = ip_of("192.0.2.9"), .mail_from = SLICE("t.x"), .helo = SLICE("h.x")
	};
	struct resolver *r;
	struct buf zone;
	size_t waits;

	buf_init(&zone, 100000);
	buf_add_text(&zone, "t.x. TXT \"v=spf1 a -all\"\n");
	for (int i = 0; i < DNS_RECORDS_MAX; i++)
		buf_printf(&zone, "t.x. A 198.51.100.%d\n", i);
	r = records(buf_slice(&zone));
	ck_assert_int_eq(suite_evaluate(arena, &query, r, &waits).result, SPF_FAIL);
	resolver_free(r);

	buf_add_text(&zone, "t.x. A 192.0.2.9\n");
	r = records(buf_slice(&zone));
	ck_assert_int_eq(suite_evaluate(arena, &query, r, &waits).result, SPF_TEMPERROR);
	resolver_free(r);

	buf_reset(&zone);
	for (int i = 0; i <= DNS_RECORDS_MAX; i++)
		buf_printf(&zone, "t.x. TXT \"%d\"\n", i);
	r = records(buf_slice(&zone));
	ck_assert_int_eq(suite_evaluate(arena, &query, r, &waits).result, SPF_TEMPERROR);
	resolver_free(r);
	buf_free(&zone);
	arena_free(arena);
}
END_TEST

/* ---- syntax --------------------------------------------------------------------- */

static const struct {
	const char *record, *problem;
	size_t offset;
} syntax_rows[] = {
	{ "v=spf1", "", 0 },
	{ "v=spf1 ", "", 0 },
	{ "V=SPF1 A MX PTR -ALL", "", 0 },
	{ "v=spf1 a/0 a//0 a/32//128 a:x.y/8//9 mx:%{d}/24", "", 0 },
	{ "v=spf1 ip6:2001:db8::/32 ip4:0.0.0.0/0 ip6:::ffff:1.2.3.4", "", 0 },
	{ "v=spf1 x-1._=a%%b%_c%- x-1._= redirect=_spf.x.y. exp=%{d}", "", 0 },
	{ "v=spf1 exists:%{i}.%{s1}.100/86400.rate.%{d}", "", 0 },
	{ "v=spf1 exists:%{l128R.-+,/_=}.x.com", "", 0 },
	{ "v=spf2.0/pra", "the record does not begin with v=spf1", 0 },
	{ "v=spf10", "the record does not begin with v=spf1", 0 },
	{ "", "the record does not begin with v=spf1", 0 },
	{ "v=spf1 mx,", "the mechanism is not known", 7 },
	{ "v=spf1  +", "the mechanism is not known", 8 },
	{ "v=spf1 a:", "the mechanism cannot be read", 7 },
	{ "v=spf1 a/", "the mechanism cannot be read", 7 },
	{ "v=spf1 a//", "the mechanism cannot be read", 7 },
	{ "v=spf1 a/24/", "the mechanism cannot be read", 7 },
	{ "v=spf1 a/024", "the prefix length is wrong", 7 },
	{ "v=spf1 a/33", "the prefix length is wrong", 7 },
	{ "v=spf1 a//129", "the prefix length is wrong", 7 },
	{ "v=spf1 mx/99999999999999999999", "the prefix length is wrong", 7 },
	{ "v=spf1 a:museum", "the domain is not well formed", 7 },
	{ "v=spf1 a:x.1", "the domain is not well formed", 7 },
	{ "v=spf1 a:x.a-", "the domain is not well formed", 7 },
	{ "v=spf1 a:%{d0}", "the domain is not well formed", 7 },
	{ "v=spf1 a:%{d2!}", "the domain is not well formed", 7 },
	{ "v=spf1 a:%{r}", "the domain is not well formed", 7 },
	{ "v=spf1 a:%{d", "the domain is not well formed", 7 },
	{ "v=spf1 a:x.com%", "the domain is not well formed", 7 },
	{ "v=spf1 all:x.com", "the mechanism takes no value", 7 },
	{ "v=spf1 all/8", "the mechanism cannot be read", 7 },
	{ "v=spf1 include", "the mechanism needs a value", 7 },
	{ "v=spf1 ip4", "the mechanism needs a value", 7 },
	{ "v=spf1 ip4:1.2.3", "the address is wrong", 7 },
	{ "v=spf1 ip4:1.2.3.4/33", "the address is wrong", 7 },
	{ "v=spf1 ip4:2001:db8::1", "the address is wrong", 7 },
	{ "v=spf1 ip6:1.2.3.4", "the address is wrong", 7 },
	{ "v=spf1 -all redirect=a.b redirect=a.b", "the modifier is there twice", 25 },
	{ "v=spf1 -all Exp=a.b EXP=a.b", "the modifier is there twice", 20 },
	{ "v=spf1 exp=", "the domain is not well formed", 7 },
	{ "v=spf1 x=%{z}", "the modifier is not well formed", 7 },
	{ "v=spf1 1x=y", "the mechanism is not known", 7 },
	{ "v=spf1 a\tmx", "the mechanism is not known", 7 },
	{ "v=spf1 a:x\xc3\xbc.com", "the domain is not well formed", 7 },
};

START_TEST(test_syntax)
{
	struct arena *arena = arena_new();
	struct slice record = exact_text(syntax_rows[_i].record);
	size_t offset = 999;

	expect_slice(syntax_rows[_i].record, "the problem",
	    spf_record_problem(arena, record, &offset), syntax_rows[_i].problem);
	ck_assert_msg(
	    offset == syntax_rows[_i].offset, "%s: offset %zu", syntax_rows[_i].record, offset);
	exact_free(record);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("spf");
	TCase *cases_of = tcase_create("spf");

	load_suite();
	tcase_add_test(cases_of, test_suite_is_whole);
	tcase_add_loop_test(cases_of, test_suite_case, 0, CASES);
	tcase_add_loop_test(cases_of, test_outcome, 0, ROWS(outcomes));
	tcase_add_loop_test(cases_of, test_questions, 0, ROWS(question_rows));
	tcase_add_test(cases_of, test_truncated);
	tcase_add_loop_test(cases_of, test_syntax, 0, ROWS(syntax_rows));
	suite_add_tcase(suite, cases_of);
	return suite;
}
