/*
 * test_dmarc.c - records as both standards read them; whole evaluations.
 *
 * A world is written as "NAME TAGS / NAME TAGS / +NAME / !NAME": NAME publishes
 * "v=DMARC1; TAGS" ("=TEXT" for TAGS: that text alone); "+" a name that exists,
 * "!" one whose questions fail.  What passed is written as "d=NAME spf=NAME",
 * "d?=NAME" where that could not be told, "d?" or "spf?" where it may be any.
 * A verdict is "ORG POLICY@RECORD RESULT DISPOSITION", with "-" for what is not
 * there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/dmarc.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "dns/records.h"
#include "unit.h"

/* ---- a world ------------------------------------------------------------------------- */

/* Passes questions on, and keeps them as lines "NAME TYPE". */
struct watcher {
	struct resolver resolver; /* first: see struct resolver */
	struct resolver *below;
	struct buf asked;
};

static void watch_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct watcher *w = (struct watcher *)r;

	buf_printf(
	    &w->asked, "%.*s %s\n", SLICE_ARG(question->name), dns_type_name(question->type));
	resolver_ask(w->below, question, deadline_us, done, context);
}

static void watch_free(struct resolver *r)
{
	struct watcher *w = (struct watcher *)r;

	resolver_free(w->below);
	buf_free(&w->asked);
	free(w);
}

static void add_line(struct buf *zone, const char *item)
{
	const char *tags = strchr(item, ' ');

	if (item[0] == '+')
		buf_printf(zone, "%s A 192.0.2.1\n", item + 1);
	else if (item[0] == '!')
		buf_printf(zone, ";; TIMEOUT %s\n", item + 1);
	else if (tags != NULL && tags[1] == '=')
		buf_printf(zone, "_dmarc.%.*s TXT \"%s\"\n", (int)(tags - item), item, tags + 2);
	else if (tags != NULL)
		buf_printf(
		    zone, "_dmarc.%.*s TXT \"v=DMARC1; %s\"\n", (int)(tags - item), item, tags + 1);
}

static struct watcher *world_new(const char *label, const char *records)
{
	static const struct resolver_class class = { .ask = watch_ask, .free = watch_free };
	struct watcher *w = must_alloc(sizeof *w);
	char *copy = must_strdup(records), *item = copy;
	struct buf zone, errors;

	buf_init(&zone, 100000);
	buf_init(&errors, 1000);
	while (item != NULL) {
		char *end = strstr(item, " / ");

		if (end != NULL)
			*end = '\0';
		add_line(&zone, item);
		item = end != NULL ? end + 3 : NULL;
	}
	w->resolver.class = &class;
	w->below = records_resolver_parse("world", buf_slice(&zone), NULL, &errors);
	ck_assert_msg(w->below != NULL, "%s: %s", label, buf_text(&errors));
	buf_init(&w->asked, 100000);
	buf_free(&zone);
	buf_free(&errors);
	free(copy);
	return w;
}

/* ---- what passed -------------------------------------------------------------------- */

enum { IDS_MAX = 20 };

struct passed {
	char *text;
	struct slice names[IDS_MAX]; /* exact-size copies, freed at the end */
	size_t name_count;
	struct dmarc_identifier dkim[IDS_MAX];
	struct dmarc_identifiers ids;
};

static void add_passed(struct passed *p, const char *word)
{
	const char *equals = strchr(word, '=');
	struct dmarc_identifier id = { .unknown = strchr(word, '?') != NULL };

	if (equals != NULL)
		id.domain = p->names[p->name_count++] = exact_text(equals + 1);
	if (word[0] == 'd')
		p->dkim[p->ids.dkim_count++] = id;
	else
		p->ids.spf = id;
}

/* The next piece that is not empty, or NULL. */
static char *next_piece(char **rest, const char *separators)
{
	char *piece;

	do
		piece = strsep(rest, separators);
	while (piece != NULL && *piece == '\0');
	return piece;
}

static void read_passed(struct passed *p, const char *text)
{
	char *rest;

	*p = (struct passed){ .text = must_strdup(text) };
	p->ids.dkim = p->dkim;
	rest = p->text;
	for (char *word = next_piece(&rest, " "); word != NULL; word = next_piece(&rest, " "))
		add_passed(p, word);
}

static void free_passed(struct passed *p)
{
	for (size_t i = 0; i < p->name_count; i++)
		exact_free(p->names[i]);
	free(p->text);
}

/* ---- a verdict ----------------------------------------------------------------------- */

static struct suffix_list *suffixes;

static void load_suffixes(void)
{
	struct buf errors;

	buf_init(&errors, 1000);
	suffixes = suffix_list_load(NULL, &errors);
	ck_assert_msg(suffixes != NULL, "%s", buf_text(&errors));
	buf_free(&errors);
}

static void drop_suffixes(void)
{
	suffix_list_free(suffixes);
	suffixes = NULL;
}

/* The rounds that it took are a wait each. */
static struct dmarc_verdict evaluate(
    struct dmarc_query *q, const char *from, const struct dmarc_identifiers *ids, int *rounds)
{
	struct slice authors[IDS_MAX];
	struct dmarc_verdict v;
	char *copy = must_strdup(from), *rest;
	size_t count = 0;

	*rounds = 0;
	rest = copy;
	for (char *word = next_piece(&rest, " "); word != NULL; word = next_piece(&rest, " "))
		authors[count++] = exact_text(word);
	do {
		ck_assert_int_le(++*rounds, 4);
		v = auth_dmarc_evaluate_all(q, authors, count, ids);
	} while (v.result == DMARC_RESULT_PENDING && dns_view_wait(q->view));
	while (count > 0)
		exact_free(authors[--count]);
	free(copy);
	--*rounds;
	return v;
}

static struct slice show(struct arena *arena, struct slice name)
{
	return name.data == NULL ? SLICE("-") : arena_copy(arena, name);
}

static struct slice summary(struct arena *arena, const struct dmarc_verdict *v)
{
	return arena_printf(arena, "%.*s %s@%.*s %s %s", SLICE_ARG(show(arena, v->org.name)),
	    auth_dmarc_policy_name(v->policy), SLICE_ARG(show(arena, v->record_domain)),
	    auth_dmarc_result_name(v->result), auth_dmarc_policy_name(v->disposition));
}

struct row {
	const char *label;
	const char *records;
	const char *from;
	const char *passed;
	const char *wanted[DMARC_STANDARDS]; /* the second NULL: as the first */
};

static void expect_row(const struct row *row)
{
	struct watcher *world = world_new(row->label, row->records);
	struct passed passed;
	int rounds;

	read_passed(&passed, row->passed);
	for (int standard = 0; standard < DMARC_STANDARDS; standard++) {
		struct arena *arena = arena_new();
		struct dns_view *view =
		    dns_view_new(arena, &world->resolver, clock_now_us() + 10000000);
		struct dmarc_query q = { arena, view, suffixes, (enum dmarc_standard)standard,
			{ NULL, 0 } };
		struct dmarc_verdict v = evaluate(&q, row->from, &passed.ids, &rounds);

		expect_slice(row->label, auth_dmarc_standard_name((enum dmarc_standard)standard),
		    summary(arena, &v),
		    row->wanted[standard] != NULL ? row->wanted[standard] : row->wanted[0]);
		dns_view_free(view);
		arena_free(arena);
	}
	free_passed(&passed);
	resolver_free(&world->resolver);
}

/* ---- both standards say the same ------------------------------------------------------ */

#define REJECT "example.com p=reject"

static const struct row agree[] = {
	{ "1: below the author", REJECT, "example.com", "d=mail.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "2: a brother", REJECT, "news.example.com", "d=foo.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "3: SPF of somebody else", REJECT, "news.example.com", "spf=foo.example.net",
	    { "example.com reject@example.com fail reject" } },
	{ "4: names that only look alike", REJECT, "example.com",
	    "d=com d=badexample.com d=example.com.evil.net",
	    { "example.com reject@example.com fail reject" } },
	{ "5: the null sender's HELO name", REJECT, "example.com", "spf=mx.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "6: HELO beside a sender", REJECT, "example.com", "spf=esp.net",
	    { "example.com reject@example.com fail reject" } },
	{ "7: strict DKIM, above", "example.com p=reject; adkim=s", "news.example.com",
	    "d=example.com", { "example.com reject@example.com fail reject" } },
	{ "8: strict DKIM, the same name", "example.com p=reject; adkim=s", "news.example.com",
	    "d=News.Example.COM", { "example.com reject@example.com pass none" } },
	{ "9: strict SPF, below", "example.com p=reject; aspf=s", "example.com",
	    "spf=bounce.example.com", { "example.com reject@example.com fail reject" } },
	{ "9: strict SPF, and relaxed DKIM", "example.com p=reject; aspf=s", "example.com",
	    "spf=bounce.example.com d=mail.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "10: a suffix and a neighbour", "example.co.uk p=reject", "example.co.uk",
	    "d=co.uk d=other.co.uk", { "example.co.uk reject@example.co.uk fail reject" } },
	{ "10: below", "example.co.uk p=reject", "example.co.uk", "d=mx.example.co.uk",
	    { "example.co.uk reject@example.co.uk pass none" } },
	{ "11: both publish", "example.com p=reject / signing.example.com p=reject", "example.com",
	    "d=signing.example.com", { "example.com reject@example.com pass none" } },
	{ "12: many labels", "example.com p=reject / signing.example.com p=reject",
	    "a.b.c.d.e.f.g.h.i.j.k.example.com", "d=signing.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "13: a record in between", "b.example.com p=none / example.com p=reject",
	    "a.b.example.com", "", { "example.com reject@example.com fail reject" } },
	{ "14: psd=n jumped over", "b.c.d.e.f.g.example.com p=reject; psd=n / example.com p=none",
	    "mail.a.b.c.d.e.f.g.example.com", "", { "example.com none@example.com fail none" } },
	{ "15: equal names", "example.com p=none", "mail.example.com", "d=mail.example.com",
	    { "example.com none@example.com pass none" } },
	{ "16: below a public suffix with a record",
	    "bank.example p=reject; psd=y / giant.bank.example p=quarantine", "giant.bank.example",
	    "spf=mail.giant.bank.example",
	    { "bank.example quarantine@giant.bank.example pass none",
		"giant.bank.example quarantine@giant.bank.example pass none" } },
	{ "17: a top domain, equal", "bank p=reject; psd=y", "bank", "d=bank",
	    { "- reject@bank pass none", "bank reject@bank pass none" } },
	{ "17: a top domain, below", "bank p=reject; psd=y", "bank", "d=mail.bank",
	    { "- reject@bank fail reject", "bank reject@bank fail reject" } },
	{ "18: nothing published", "", "localhost", "d=localhost",
	    { "- none@- none none", "localhost none@- none none" } },
	{ "19: a suffix that says so", "alice.uk.com p=reject / uk.com p=none; psd=y",
	    "alice.uk.com", "d=bob.uk.com", { "alice.uk.com reject@alice.uk.com fail reject" } },
	{ "20: no p, but rua", "example.com rua=mailto:d@example.com", "example.com", "",
	    { "example.com none@example.com fail none" } },
	{ "21: no p, no rua", "example.com adkim=s", "example.com", "d=example.com",
	    { "example.com none@- none none" } },
	{ "21: a bad sp, no rua", "example.com p=reject; sp=block", "example.com", "d=example.com",
	    { "example.com none@- none none" } },
};

START_TEST(standards_agree)
{
	expect_row(&agree[_i]);
}
END_TEST

/* ---- they do not ----------------------------------------------------------------------- */

#define DEPT "dept.example.com p=reject; psd=n / example.com p=none"
#define BANK "bank.example p=reject; psd=y"
#define GOV  "gov.uk p=reject; sp=none; np=reject; psd=y / +real.gov.uk"

static const struct row differ[] = {
	{ "1: a record below only, DKIM", "mail.example.com p=reject", "mail.example.com",
	    "d=example.com",
	    { "example.com reject@mail.example.com pass none",
		"mail.example.com reject@mail.example.com fail reject" } },
	{ "1: a record below only, SPF", "mail.example.com p=reject", "mail.example.com",
	    "spf=bounces.example.com",
	    { "example.com reject@mail.example.com pass none",
		"mail.example.com reject@mail.example.com fail reject" } },
	{ "2: a record in between", "corp.example.com p=reject", "alerts.corp.example.com", "",
	    { "example.com none@- none none",
		"corp.example.com reject@corp.example.com fail reject" } },
	{ "3: the same, signed", "corp.example.com p=reject", "alerts.corp.example.com",
	    "d=corp.example.com",
	    { "example.com none@- none none",
		"corp.example.com reject@corp.example.com pass none" } },
	{ "4: seven labels, from eight", "b.c.d.e.f.example.com p=reject",
	    "a.b.c.d.e.f.example.com", "",
	    { "example.com none@- none none",
		"b.c.d.e.f.example.com reject@b.c.d.e.f.example.com fail reject" } },
	{ "4: seven labels, from nine", "b.c.d.e.f.example.com p=reject",
	    "z.a.b.c.d.e.f.example.com", "",
	    { "example.com none@- none none",
		"b.c.d.e.f.example.com reject@b.c.d.e.f.example.com fail reject" } },
	{ "4: eight labels, from nine", "a.b.c.d.e.f.example.com p=reject",
	    "z.a.b.c.d.e.f.example.com", "",
	    { "example.com none@- none none", "z.a.b.c.d.e.f.example.com none@- none none" } },
	{ "5: psd=n at the author", DEPT, "dept.example.com", "d=example.com",
	    { "example.com reject@dept.example.com pass none",
		"dept.example.com reject@dept.example.com fail reject" } },
	{ "6: psd=n above both", DEPT, "a.dept.example.com", "d=b.dept.example.com",
	    { "example.com none@example.com pass none",
		"dept.example.com reject@dept.example.com pass none" } },
	{ "7: psd=n between", DEPT, "a.dept.example.com", "d=example.com",
	    { "example.com none@example.com pass none",
		"dept.example.com reject@dept.example.com fail reject" } },
	{ "8: psd=n below", DEPT, "example.com", "d=dept.example.com",
	    { "example.com none@example.com pass none",
		"example.com none@example.com fail none" } },
	{ "9: sp of another record",
	    "dept.example.com p=reject; sp=none; psd=n / example.com p=none; sp=quarantine / "
	    "+a.dept.example.com",
	    "a.dept.example.com", "",
	    { "example.com quarantine@example.com fail quarantine",
		"dept.example.com none@dept.example.com fail none" } },
	{ "10: below two names of a suffix", BANK " / giant.bank.example p=quarantine",
	    "giant.bank.example", "d=mail.mega.bank.example",
	    { "bank.example quarantine@giant.bank.example pass none",
		"giant.bank.example quarantine@giant.bank.example fail quarantine" } },
	{ "11: signed by the suffix", BANK, "x.bank.example", "d=bank.example",
	    { "bank.example reject@bank.example pass none",
		"x.bank.example reject@bank.example fail reject" } },
	{ "12: the suffix as the author", BANK, "bank.example", "d=mail.bank.example",
	    { "bank.example reject@bank.example pass none",
		"bank.example reject@bank.example fail reject" } },
	{ "13: the suffix before what lies between",
	    "bank.example p=reject; sp=quarantine; psd=y / b.c.bank.example p=none / "
	    "+a.b.c.bank.example",
	    "a.b.c.bank.example", "d=bank.example",
	    { "bank.example quarantine@bank.example pass none",
		"c.bank.example quarantine@bank.example fail quarantine" } },
	{ "14: a name that is not", GOV, "fake.gov.uk", "",
	    { "fake.gov.uk none@- none none", "fake.gov.uk reject@gov.uk fail reject" } },
	{ "15: a name that is", GOV, "real.gov.uk", "",
	    { "real.gov.uk none@- none none", "real.gov.uk none@gov.uk fail none" } },
	{ "16: a suffix that does not say so", "alice.uk.com p=reject / uk.com p=none",
	    "alice.uk.com", "d=bob.uk.com",
	    { "alice.uk.com reject@alice.uk.com fail reject",
		"uk.com reject@alice.uk.com pass none" } },
	{ "17: the cure", "alice.uk.com p=reject; psd=n / uk.com p=none", "alice.uk.com",
	    "d=bob.uk.com", { "alice.uk.com reject@alice.uk.com fail reject" } },
	{ "18: a top domain that does not say so", "foo.example p=reject / example p=none",
	    "foo.example", "d=bar.example",
	    { "foo.example reject@foo.example fail reject",
		"example reject@foo.example pass none" } },
	{ "19: a suffix of the list as the author", "uk.com p=reject", "uk.com", "d=mail.uk.com",
	    { "- reject@uk.com fail reject", "uk.com reject@uk.com pass none" } },
	{ "20: a suffix's record", "uk.com p=reject", "alice.uk.com", "d=alice.uk.com",
	    { "alice.uk.com none@- none none", "uk.com reject@uk.com pass none" } },
	{ "21: two records",
	    "mail.example.com p=none / mail.example.com p=none / example.com p=reject; "
	    "sp=quarantine / +mail.example.com",
	    "mail.example.com", "",
	    { "example.com none@- none none",
		"example.com quarantine@example.com fail quarantine" } },
	{ "22: np", "example.com p=reject; sp=none; np=reject", "nx.example.com", "",
	    { "example.com none@example.com fail none",
		"example.com reject@example.com fail reject" } },
	{ "23: t", "example.com p=reject; t=y", "example.com", "",
	    { "example.com reject@example.com fail reject",
		"example.com reject@example.com fail quarantine" } },
	{ "24: pct", "example.com p=reject; pct=0", "example.com", "",
	    { "example.com reject@example.com fail quarantine",
		"example.com reject@example.com fail reject" } },
	{ "25: a bad np, with rua", "example.com p=reject; np=block; rua=mailto:d@example.com",
	    "example.com", "",
	    { "example.com reject@example.com fail reject",
		"example.com none@example.com fail none" } },
	{ "25: a bad np, without", "example.com p=reject; np=block", "example.com", "",
	    { "example.com reject@example.com fail reject", "example.com none@- none none" } },
	{ "26: eight labels, and nine", "a.b.c.d.e.f.example.com p=reject",
	    "a.b.c.d.e.f.example.com", "d=m.a.b.c.d.e.f.example.com",
	    { "example.com reject@a.b.c.d.e.f.example.com pass none",
		"a.b.c.d.e.f.example.com reject@a.b.c.d.e.f.example.com fail reject" } },
	{ "26: seven labels, and nine", "b.c.d.e.f.example.com p=reject", "b.c.d.e.f.example.com",
	    "d=m.a.b.c.d.e.f.example.com",
	    { "example.com reject@b.c.d.e.f.example.com pass none",
		"b.c.d.e.f.example.com reject@b.c.d.e.f.example.com pass none" } },
	{ "27: an error above", REJECT " / !_dmarc.com", "example.com", "d=mail.example.com",
	    { "example.com reject@example.com pass none", "- reject@example.com temperror none" } },
	{ "27: an error above, equal names", REJECT " / !_dmarc.com", "example.com",
	    "d=example.com",
	    { "example.com reject@example.com pass none", "- reject@example.com pass none" } },
	{ "28: two authors", "a.example p=none / b.example p=reject", "a.example b.example", "",
	    { "b.example reject@b.example fail reject", "- none@- none none" } },
};

START_TEST(standards_differ)
{
	expect_row(&differ[_i]);
}
END_TEST

/* ---- what cannot be told, and other corners -------------------------------------------- */

#define BUECHER "b\303\274cher.example"

static const struct row corners[] = {
	{ "no domain", REJECT, "", "d=example.com", { "- none@- none none" } },
	{ "a literal", REJECT, "[192.0.2.1]", "", { "- none@- none none" } },
	{ "no name in DNS", REJECT, "a..example.com", "", { "- none@- none none" } },
	{ "two addresses in one domain", REJECT, "example.com EXAMPLE.com.", "d=example.com",
	    { "example.com reject@example.com pass none" } },
	{ "two authors that both pass", "a.example p=reject / b.example p=reject",
	    "a.example b.example", "d=a.example d=b.example",
	    { "a.example reject@a.example pass none", "- none@- none none" } },
	{ "two authors, the first fails", "a.example p=reject / b.example p=none",
	    "a.example b.example", "d=b.example",
	    { "a.example reject@a.example fail reject", "- none@- none none" } },
	{ "two authors, the second without a record", "a.example p=reject", "b.example a.example",
	    "d=a.example", { "a.example reject@a.example pass none", "- none@- none none" } },
	{ "two authors, one not told", "a.example p=none / !_dmarc.b.example",
	    "a.example b.example", "d=a.example",
	    { "b.example none@- temperror none", "- none@- none none" } },

	{ "capital letters and a dot", REJECT, "News.EXAMPLE.com.", "d=MAIL.example.COM.",
	    { "example.com reject@example.com pass none" } },
	{ "a U-label as author", "xn--bcher-kva.example p=reject", BUECHER,
	    "d=mail.xn--bcher-kva.example",
	    { "xn--bcher-kva.example reject@xn--bcher-kva.example pass none" } },
	{ "a U-label as identifier", "xn--bcher-kva.example p=reject; adkim=s",
	    "xn--bcher-kva.example", "d=" BUECHER,
	    { "xn--bcher-kva.example reject@xn--bcher-kva.example pass none" } },
	{ "an identifier that is no name", REJECT, "example.com",
	    "d=a..example.com spf=-\xc3\xbc-.com",
	    { "example.com reject@example.com fail reject" } },
	{ "a name too long for _dmarc", "example.com p=reject",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com",
	    "d=example.com", { "example.com reject@example.com pass none" } },

	{ "one of several signatures", REJECT, "example.com", "d=esp.net d=example.com d=b.net",
	    { "example.com reject@example.com pass none" } },
	{ "sp below", "example.com p=reject; sp=quarantine / +a.example.com", "a.example.com", "",
	    { "example.com quarantine@example.com fail quarantine" } },
	{ "sp not for the name itself", "example.com p=none; sp=reject", "example.com", "",
	    { "example.com none@example.com fail none" } },
	{ "sp for a name that is not", "example.com p=none; sp=reject", "a.example.com", "",
	    { "example.com reject@example.com fail reject" } },
	{ "np not for a name that is", "example.com p=none; np=reject / +a.example.com",
	    "a.example.com", "", { "example.com none@example.com fail none" } },
	{ "np not for an empty non-terminal", "example.com p=none; np=reject / +x.a.example.com",
	    "a.example.com", "", { "example.com none@example.com fail none" } },
	{ "np falls back to sp", "example.com p=none; sp=quarantine", "nx.example.com", "",
	    { "example.com quarantine@example.com fail quarantine" } },
	{ "the policy is told on pass too", "example.com p=none; np=reject", "nx.example.com",
	    "d=example.com",
	    { "example.com none@example.com pass none",
		"example.com reject@example.com pass none" } },
	{ "a policy that does not count, with a record above",
	    "a.example.com p=block / example.com p=reject", "a.example.com", "",
	    { "example.com none@- none none" } },
	{ "t is none of none", "example.com p=none; t=y", "example.com", "",
	    { "example.com none@example.com fail none" } },
	{ "t is one step", "example.com p=quarantine; t=y", "example.com", "",
	    { "example.com quarantine@example.com fail quarantine",
		"example.com quarantine@example.com fail none" } },
	{ "t of the record above", "example.com p=reject; t=y / +a.example.com", "a.example.com",
	    "",
	    { "example.com reject@example.com fail reject",
		"example.com reject@example.com fail quarantine" } },
	{ "pct=50 may meet the full policy", "example.com p=reject; pct=50", "example.com", "",
	    { "example.com reject@example.com fail reject" } },
	{ "pct on pass", "example.com p=reject; pct=0", "example.com", "d=example.com",
	    { "example.com reject@example.com pass none" } },
	{ "modes come from the record that applies", "example.com p=reject; adkim=s / com p=none",
	    "a.example.com", "d=b.example.com",
	    { "example.com reject@example.com fail reject", "com none@com pass none" } },
	{ "psd=y at the author is no organizational domain below", "example.com p=reject; psd=y",
	    "example.com", "d=example.com", { "example.com reject@example.com pass none" } },
	{ "the organizational domain's record before the suffix's",
	    "c.bank.example p=quarantine / bank.example p=reject; psd=y", "a.c.bank.example", "",
	    { "bank.example reject@bank.example fail reject",
		"c.bank.example quarantine@c.bank.example fail quarantine" } },
	{ "psd=n before psd=y", "a.example.com p=quarantine; psd=n / example.com p=reject; psd=y",
	    "a.example.com", "d=b.a.example.com",
	    { "example.com quarantine@a.example.com pass none",
		"a.example.com quarantine@a.example.com pass none" } },
	{ "the fewest labels, not the first",
	    "a.b.example.com p=reject / b.example.com p=none / "
	    "example.com p=none",
	    "a.b.example.com", "d=c.example.com",
	    { "example.com reject@a.b.example.com pass none" } },
	{ "two records do not stop the walk",
	    "example.com p=reject; psd=n / example.com p=none / com p=quarantine", "example.com",
	    "", { "example.com none@- none none", "com quarantine@com fail quarantine" } },
	{ "two records above", "example.com p=reject / example.com p=reject", "a.example.com",
	    "d=a.example.com",
	    { "example.com none@- none none", "a.example.com none@- none none" } },
	{ "other texts beside the record",
	    "example.com =v=spf1 -all / example.com p=reject / "
	    "example.com =v=DMARC2; p=none",
	    "example.com", "", { "example.com reject@example.com fail reject" } },
	{ "only another text", "example.com =v=spf1 -all", "example.com", "",
	    { "example.com none@- none none" } },

	{ "an error at the author", "!_dmarc.example.com", "example.com", "d=example.com",
	    { "example.com none@- temperror none", "- none@- temperror none" } },
	{ "an error above an inherited record", "!_dmarc.b.example.com / example.com p=reject",
	    "a.b.example.com", "d=a.b.example.com",
	    { "example.com reject@example.com pass none", "- none@- temperror none" } },
	{ "an error above the stop", "example.com p=reject; psd=n / !_dmarc.com", "a.example.com",
	    "d=b.example.com", { "example.com reject@example.com pass none" } },
	{ "an error above, another top domain", REJECT " / !_dmarc.com", "example.com", "d=esp.net",
	    { "example.com reject@example.com fail reject", "- reject@example.com fail reject" } },
	{ "an error on an identifier's walk", REJECT " / !_dmarc.mail.example.com", "example.com",
	    "d=mail.example.com",
	    { "example.com reject@example.com pass none",
		"example.com reject@example.com temperror none" } },
	{ "an error on another's walk", REJECT " / !_dmarc.mail.example.com", "example.com",
	    "d=mail.example.com d=foo.example.com",
	    { "example.com reject@example.com pass none" } },
	{ "an error that strict mode does not meet",
	    "example.com p=reject; adkim=s / !_dmarc.mail.example.com", "example.com",
	    "d=mail.example.com", { "example.com reject@example.com fail reject" } },
	{ "existence not told", "example.com p=none; np=reject / !a.example.com", "a.example.com",
	    "",
	    { "example.com none@example.com fail none",
		"example.com none@example.com temperror none" } },
	{ "existence not told, and passed", "example.com p=none; np=reject / !a.example.com",
	    "a.example.com", "d=example.com", { "example.com none@example.com pass none" } },
	{ "existence not told, and of no matter", "example.com p=none; sp=reject / !a.example.com",
	    "a.example.com", "", { "example.com reject@example.com fail reject" } },

	{ "SPF not told, whatever domain", REJECT, "example.com", "spf?",
	    { "example.com reject@example.com temperror none" } },
	{ "SPF not told of an aligned domain", REJECT, "example.com", "spf?=b.example.com",
	    { "example.com reject@example.com temperror none" } },
	{ "SPF not told of another's", REJECT, "example.com", "spf?=esp.net",
	    { "example.com reject@example.com fail reject" } },
	{ "SPF not told, and signed", REJECT, "example.com", "spf? d=example.com",
	    { "example.com reject@example.com pass none" } },
	{ "DKIM not told, whatever domain", REJECT, "example.com", "d?",
	    { "example.com reject@example.com temperror none" } },
	{ "DKIM not told of an aligned domain", REJECT, "example.com", "d?=example.com",
	    { "example.com reject@example.com temperror none" } },
	{ "DKIM not told of another's", REJECT, "example.com", "d?=esp.net spf=b.net",
	    { "example.com reject@example.com fail reject" } },
	{ "DKIM not told, and SPF passed", REJECT, "example.com", "d? spf=example.com",
	    { "example.com reject@example.com pass none" } },
	{ "nothing told, and no record", "", "example.com", "d? spf?",
	    { "example.com none@- none none" } },
};

START_TEST(corner)
{
	expect_row(&corners[_i]);
}
END_TEST

/* Where OpenDMARC 1.4's library aligns what is not: see auth/opendmarc.h. */
static const struct row wrong_elsewhere[] = {
	{ "strict, below", "example.com p=reject; adkim=s", "example.com", "d=mail.example.com",
	    { "example.com reject@example.com fail reject" } },
	{ "strict, above", "example.com p=reject; adkim=s", "mail.example.com", "d=example.com",
	    { "example.com reject@example.com fail reject" } },
	{ "a top domain", REJECT, "example.com", "d=com",
	    { "example.com reject@example.com fail reject" } },
	{ "a public suffix", "example.co.uk p=reject", "example.co.uk", "d=co.uk",
	    { "example.co.uk reject@example.co.uk fail reject" } },
	{ "a label of one letter", "x.com p=reject", "x.com", "d=foo.com",
	    { "x.com reject@x.com fail reject" } },
	{ "a wildcard suffix", "a.b.kobe.jp p=reject", "a.b.kobe.jp", "d=a.c.kobe.jp",
	    { "a.b.kobe.jp reject@a.b.kobe.jp fail reject" } },
	{ "an exception to a wildcard", "city.kobe.jp p=reject", "city.kobe.jp",
	    "d=mail.city.kobe.jp", { "city.kobe.jp reject@city.kobe.jp pass none" } },
	{ "a wildcard top domain", "a.b.ck p=reject", "a.b.ck", "d=a.c.ck",
	    { "a.b.ck reject@a.b.ck fail reject" } },
	{ "dots in front", "mac.com p=reject", "mac.com", "d=....mac.com....",
	    { "mac.com reject@mac.com fail reject" } },
};

START_TEST(is_right_where_others_err)
{
	expect_row(&wrong_elsewhere[_i]);
}
END_TEST

/* ---- which names are asked, and in how many rounds ----------------------------------------- */

static const struct {
	const char *label;
	const char *records;
	const char *from;
	const char *passed;
	enum dmarc_standard standard;
	int rounds;
	const char *asked; /* sorted; "_" stands for "_dmarc." and TXT is left out */
} questions[] = {
	{ "RFC 7489 at its own", REJECT, "example.com", "d=a.example.com", DMARC_RFC7489, 1,
	    "_example.com" },
	{ "RFC 7489 below", REJECT, "a.b.example.com", "d=c.example.com", DMARC_RFC7489, 1,
	    "_a.b.example.com _example.com" },
	{ "the walk of two labels", REJECT, "example.com", "", DMARC_RFC9989, 1,
	    "_com _example.com" },
	{ "the walk of one", "", "localhost", "", DMARC_RFC9989, 1, "_localhost" },
	{ "the walk of eight", "", "h.g.f.e.d.c.b.a", "", DMARC_RFC9989, 1,
	    "_a _b.a _c.b.a _d.c.b.a _e.d.c.b.a _f.e.d.c.b.a _g.f.e.d.c.b.a "
	    "_h.g.f.e.d.c.b.a" },
	{ "the walk of nine jumps to seven", "", "i.h.g.f.e.d.c.b.a", "", DMARC_RFC9989, 1,
	    "_a _b.a _c.b.a _d.c.b.a _e.d.c.b.a _f.e.d.c.b.a _g.f.e.d.c.b.a "
	    "_i.h.g.f.e.d.c.b.a" },
	{ "the walk of thirteen", "", "a.b.c.d.e.f.g.h.i.j.k.example.com", "", DMARC_RFC9989, 1,
	    "_a.b.c.d.e.f.g.h.i.j.k.example.com _com _example.com _g.h.i.j.k.example.com "
	    "_h.i.j.k.example.com _i.j.k.example.com _j.k.example.com _k.example.com" },
	{ "example 12: eight and one", "example.com p=reject / signing.example.com p=reject",
	    "a.b.c.d.e.f.g.h.i.j.k.example.com", "d=signing.example.com", DMARC_RFC9989, 2,
	    "_a.b.c.d.e.f.g.h.i.j.k.example.com _com _example.com _g.h.i.j.k.example.com "
	    "_h.i.j.k.example.com _i.j.k.example.com _j.k.example.com _k.example.com "
	    "_signing.example.com" },
	{ "an equal name", REJECT, "example.com", "d=example.com spf=example.com", DMARC_RFC9989, 1,
	    "_com _example.com" },
	{ "a name outside", REJECT, "example.com", "d=esp.net spf=com", DMARC_RFC9989, 1,
	    "_com _example.com" },
	{ "in strict mode", "example.com p=reject; adkim=s; aspf=s", "example.com",
	    "d=a.example.com spf=b.example.com", DMARC_RFC9989, 1, "_com _example.com" },
	{ "several identifiers at once", REJECT, "example.com", "d=a.example.com spf=b.example.com",
	    DMARC_RFC9989, 2, "_a.example.com _b.example.com _com _example.com" },
	{ "no record: nobody else is asked", "", "example.com", "d=a.example.com", DMARC_RFC9989, 1,
	    "_com _example.com" },
	{ "another signature needs none beside an equal one", REJECT, "example.com",
	    "d=a.example.com d=example.com", DMARC_RFC9989, 1, "_com _example.com" },
	{ "existence beside a walk", "example.com p=none; np=reject", "a.example.com",
	    "d=b.example.com", DMARC_RFC9989, 2,
	    "_a.example.com _b.example.com _com _example.com a.example.com:A" },
	{ "existence that makes no difference", "example.com p=none; sp=reject", "a.example.com",
	    "", DMARC_RFC9989, 1, "_a.example.com _com _example.com" },
	{ "existence under the old standard", "example.com p=none; np=reject", "a.example.com", "",
	    DMARC_RFC7489, 1, "_a.example.com _example.com" },
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "_dmarc.NAME TXT" as "_NAME", others as "NAME:TYPE". */
static struct slice shorten(struct arena *arena, const char *line)
{
	const char *blank = strchr(line, ' ');

	if (strncmp(line, "_dmarc.", 7) == 0 && strcmp(blank, " TXT") == 0)
		return arena_printf(arena, "_%.*s", (int)(blank - line - 7), line + 7);
	return arena_printf(arena, "%.*s:%s", (int)(blank - line), line, blank + 1);
}

static struct slice sorted(struct arena *arena, const struct buf *asked)
{
	struct slice result = SLICE("");
	const char *names[100];
	char *rest, *copy = must_strdup(buf_text(asked));
	size_t count = 0;

	rest = copy;
	for (char *line = next_piece(&rest, "\n"); line != NULL; line = next_piece(&rest, "\n"))
		names[count++] = shorten(arena, line).data;
	qsort(names, count, sizeof names[0], by_text);
	for (size_t i = 0; i < count; i++)
		result =
		    arena_printf(arena, "%.*s%s%s", SLICE_ARG(result), i > 0 ? " " : "", names[i]);
	free(copy);
	return result;
}

START_TEST(asks)
{
	const char *label = questions[_i].label;
	struct watcher *world = world_new(label, questions[_i].records);
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, &world->resolver, clock_now_us() + 10000000);
	struct dmarc_query q = { arena, view, suffixes, questions[_i].standard, { NULL, 0 } };
	struct passed passed;
	int rounds;

	read_passed(&passed, questions[_i].passed);
	evaluate(&q, questions[_i].from, &passed.ids, &rounds);
	expect_slice(label, "what is asked", sorted(arena, &world->asked), questions[_i].asked);
	ck_assert_msg(rounds == questions[_i].rounds, "%s: %d rounds", label, rounds);
	free_passed(&passed);
	dns_view_free(view);
	resolver_free(&world->resolver);
	arena_free(arena);
}
END_TEST

/* ---- facts beside the verdict ---------------------------------------------------------------- */

/* Evaluates in a world of its own; end_case ends what it began. */
struct one_case {
	struct watcher *world;
	struct arena *arena;
	struct dmarc_query q;
	struct passed passed;
	struct dmarc_verdict v;
};

static void begin_case(struct one_case *c, const char *records, const char *from,
    const char *passed, enum dmarc_standard standard)
{
	int rounds;

	c->world = world_new(records, records);
	c->arena = arena_new();
	c->q = (struct dmarc_query){ c->arena,
		dns_view_new(c->arena, &c->world->resolver, clock_now_us() + 10000000), suffixes,
		standard, slice_of(from) };
	read_passed(&c->passed, passed);
	c->v = evaluate(&c->q, from, &c->passed.ids, &rounds);
	c->q.author = c->v.author;
}

static void end_case(struct one_case *c)
{
	free_passed(&c->passed);
	dns_view_free(c->q.view);
	resolver_free(&c->world->resolver);
	arena_free(c->arena);
}

START_TEST(tells_which_mechanism_is_aligned)
{
	struct one_case c;

	begin_case(&c, REJECT, "example.com", "d=esp.net spf=a.example.com", DMARC_RFC9989);
	ck_assert(!c.v.aligned_dkim && c.v.aligned_spf);
	end_case(&c);
	begin_case(&c, REJECT, "example.com", "d=a.example.com spf=esp.net", DMARC_RFC7489);
	ck_assert(c.v.aligned_dkim && !c.v.aligned_spf);
	end_case(&c);
	begin_case(&c, "", "example.com", "d=a.example.com", DMARC_RFC7489);
	ck_assert(c.v.aligned_dkim && c.v.result == DMARC_RESULT_NONE);
	end_case(&c);
	begin_case(&c, "!_dmarc.example.com", "example.com", "d=example.com", DMARC_RFC9989);
	ck_assert(c.v.aligned_dkim && c.v.result == DMARC_RESULT_TEMPERROR);
	end_case(&c);
}
END_TEST

START_TEST(aligns_any_domain)
{
	struct one_case c;

	begin_case(&c, REJECT " / !_dmarc.bad.example.com", "example.com", "", DMARC_RFC9989);
	ck_assert_int_eq(auth_dmarc_alignment(&c.q, &c.v, SLICE("A.example.com"), false),
	    DMARC_ALIGNMENT_PENDING);
	ck_assert_int_eq(auth_dmarc_alignment(&c.q, &c.v, SLICE("bad.example.com"), false),
	    DMARC_ALIGNMENT_PENDING);
	ck_assert(dns_view_wait(c.q.view));
	ck_assert_int_eq(
	    auth_dmarc_alignment(&c.q, &c.v, SLICE("A.example.com"), false), DMARC_ALIGNED);
	ck_assert_int_eq(auth_dmarc_alignment(&c.q, &c.v, SLICE("bad.example.com"), false),
	    DMARC_ALIGNMENT_UNKNOWN);
	ck_assert_int_eq(
	    auth_dmarc_alignment(&c.q, &c.v, SLICE("a.example.com"), true), DMARC_NOT_ALIGNED);
	ck_assert_int_eq(
	    auth_dmarc_alignment(&c.q, &c.v, SLICE("Example.com."), true), DMARC_ALIGNED);
	ck_assert_int_eq(
	    auth_dmarc_alignment(&c.q, &c.v, SLICE("esp.net"), false), DMARC_NOT_ALIGNED);
	end_case(&c);
}
END_TEST

static const struct {
	const char *label;
	const char *records;
	const char *from;
	const char *passed;
	enum dmarc_standard standard;
	const char *several_at; /* NULL: nowhere */
	const char *reason;     /* NULL: none is given */
} reasons[] = {
	{ "a plain pass", REJECT, "example.com", "d=example.com", DMARC_RFC9989, NULL, NULL },
	{ "a plain fail", REJECT, "example.com", "", DMARC_RFC9989, NULL, NULL },
	{ "no record", "", "example.com", "", DMARC_RFC9989, NULL, "no DMARC record is published" },
	{ "another text", "example.com =v=spf1 -all", "example.com", "", DMARC_RFC7489, NULL,
	    "no DMARC record is published" },
	{ "a near miss, RFC 7489", "example.com =v=DMARC1 p=none", "a.example.com", "",
	    DMARC_RFC7489, NULL,
	    "the text at _dmarc.example.com is no DMARC record: it does not begin with v=DMARC1;" },
	{ "a near miss, RFC 9989", "com =v=dmarc1; p=none", "example.com", "", DMARC_RFC9989, NULL,
	    "the text at _dmarc.com is no DMARC record: it does not begin with v=DMARC1;" },
	{ "no address", "", "", "", DMARC_RFC7489, NULL, "the From address has no domain name" },
	{ "several addresses", REJECT, "example.com example.net", "", DMARC_RFC9989, NULL,
	    "the From addresses have several domains" },
	{ "two records, RFC 7489", "a.example.com p=none / a.example.com p=none / " REJECT,
	    "a.example.com", "", DMARC_RFC7489, "a.example.com",
	    "_dmarc.a.example.com has several DMARC records: none counts" },
	{ "two records, RFC 9989", "a.example.com p=none / a.example.com p=none / " REJECT,
	    "a.example.com", "d=example.com", DMARC_RFC9989, "a.example.com",
	    "_dmarc.a.example.com has several DMARC records: none counts" },
	{ "a bad policy", "example.com p=maybe", "example.com", "", DMARC_RFC7489, NULL,
	    "the record at _dmarc.example.com does not count: the value of p is not none, "
	    "quarantine or reject" },
	{ "an error", "!_dmarc.example.com", "example.com", "", DMARC_RFC7489, NULL,
	    "_dmarc.example.com could not be looked up: the records file says TIMEOUT" },
	{ "existence", "example.com p=none; np=reject / !a.example.com", "a.example.com", "",
	    DMARC_RFC9989, NULL,
	    "whether a.example.com exists, and so which policy applies, could not be told" },
	{ "SPF not told", REJECT, "example.com", "spf?", DMARC_RFC9989, NULL,
	    "it is not known whether an aligned domain authenticates" },
	{ "t=y", "example.com p=reject; t=y", "example.com", "", DMARC_RFC9989, NULL,
	    "t=y: a receiver does one step less than the policy says" },
	{ "pct=0", "example.com p=reject; pct=0", "example.com", "", DMARC_RFC7489, NULL,
	    "pct=0: a receiver does one step less than the policy says" },
	{ "pct=20", "example.com p=reject; pct=20", "example.com", "", DMARC_RFC7489, NULL,
	    "pct=20: with the rest of the failing mail a receiver does one step less" },
	{ "pct=20 of nothing", "example.com p=none; pct=20", "example.com", "", DMARC_RFC7489, NULL,
	    NULL },
};

START_TEST(gives_reasons)
{
	struct one_case c;
	const char *label = reasons[_i].label;

	begin_case(
	    &c, reasons[_i].records, reasons[_i].from, reasons[_i].passed, reasons[_i].standard);
	ck_assert_msg((c.v.reason.data != NULL) == (reasons[_i].reason != NULL),
	    "%s: is a reason there? %.*s", label, SLICE_ARG(c.v.reason));
	if (reasons[_i].reason != NULL)
		expect_slice(label, "the reason", c.v.reason, reasons[_i].reason);
	ck_assert_msg((c.v.several_at.data != NULL) == (reasons[_i].several_at != NULL),
	    "%s: are there several?", label);
	if (reasons[_i].several_at != NULL)
		expect_slice(label, "the name", c.v.several_at, reasons[_i].several_at);
	end_case(&c);
}
END_TEST

/* More records than an answer keeps: whether there is one of ours, nobody can tell. */
START_TEST(too_many_records_are_not_told)
{
	struct one_case c;
	struct buf zone;

	buf_init(&zone, 100000);
	buf_add_text(&zone, "example.com p=reject");
	for (int i = 0; i < DNS_RECORDS_MAX; i++)
		buf_printf(&zone, " / example.com =v=%d", i);
	begin_case(&c, buf_text(&zone), "example.com", "d=example.com", DMARC_RFC9989);
	ck_assert_int_eq(c.v.result, DMARC_RESULT_TEMPERROR);
	buf_free(&zone);
	end_case(&c);
}
END_TEST

/* NXDOMAIN behind a CNAME is the target's. */
START_TEST(an_alias_exists)
{
	static const struct slice text =
	    SLICE("_dmarc.example.com TXT \"v=DMARC1; p=none; np=reject\"\n"
		  "a.example.com CNAME gone.example.net\n");
	struct arena *arena = arena_new();
	struct buf errors;
	struct resolver *r;
	struct dmarc_query q;
	struct dmarc_verdict v;
	struct dmarc_identifiers nobody = { 0 };

	buf_init(&errors, 1000);
	r = records_resolver_parse("alias", text, NULL, &errors);
	ck_assert_msg(r != NULL, "%s", buf_text(&errors));
	q = (struct dmarc_query){ arena, dns_view_new(arena, r, clock_now_us() + 10000000),
		suffixes, DMARC_RFC9989, SLICE("a.example.com") };
	do
		v = auth_dmarc_evaluate(&q, &nobody);
	while (v.result == DMARC_RESULT_PENDING && dns_view_wait(q.view));
	expect_slice("an alias", "the verdict", summary(arena, &v),
	    "example.com none@example.com fail none");
	dns_view_free(q.view);
	resolver_free(r);
	buf_free(&errors);
	arena_free(arena);
}
END_TEST

/* ---- the record ------------------------------------------------------------------------------ */

/*
 * "POLICY/SP/NP ADKIM ASPF PSD" and what is not as usual; "not DMARC", "no
 * use"; then the problem, "!" before one that is more than advisory.
 */
static const struct {
	const char *label;
	const char *text;
	const char *wanted[DMARC_STANDARDS]; /* the second NULL: as the first */
} records[] = {
#define R "reject/reject/reject r r u"
#define N "none/none/none r r u"
	{ "short", "v=DMARC1; p=reject", { R } },
	{ "a final semicolon", "v=DMARC1; p=reject;", { R } },
	{ "empty pieces", "v=DMARC1;; ;p=reject; ;;", { R } },
	{ "blanks wherever they may be", "v \t=\t DMARC1 \t;\t p = reject \t", { R } },
	{ "a capital V", "V=DMARC1; p=reject", { R } },
	{ "no blanks", "v=DMARC1;p=reject;sp=none;adkim=s;aspf=s", { "reject/none/none s s u" } },
	{ "values in capitals", "v=DMARC1; p=Reject; adkim=S; psd=Y; t=Y",
	    { "reject/reject/reject s r u", "reject/reject/reject s r y t" } },
	{ "all tags",
	    "v=DMARC1; p=none; sp=quarantine; np=reject; psd=n; t=y; adkim=r; aspf=s; "
	    "rua=mailto:a@b.example; ruf=mailto:a@b.example; fo=1:d:s; pct=20; rf=afrf; ri=86400",
	    { "none/quarantine/quarantine r s u pct=20 rua",
		"none/quarantine/reject r s n t rua" } },

	{ "nothing", "", { "not DMARC !0+0 the record does not begin with v=DMARC1;" } },
	{ "another record", "v=spf1 -all",
	    { "not DMARC !0+11 the record does not begin with v=DMARC1;" } },
	{ "v in small letters", "v=dmarc1; p=reject",
	    { "not DMARC !0+8 the record does not begin with v=DMARC1;" } },
	{ "v too long", "v=DMARC1x; p=reject",
	    { "not DMARC !0+9 the record does not begin with v=DMARC1;" } },
	{ "no semicolon behind v", "v=DMARC1 p=none",
	    { "not DMARC !0+15 the record does not begin with v=DMARC1;" } },
	{ "v not first", "p=reject; v=DMARC1",
	    { "not DMARC !0+8 the record does not begin with v=DMARC1;" } },
	{ "a semicolon first", ";v=DMARC1; p=reject",
	    { "not DMARC !0+0 the record does not begin with v=DMARC1;" } },
	{ "v without a value", "v; p=reject",
	    { "not DMARC !0+1 the record does not begin with v=DMARC1;" } },
	{ "a line end in v", "v=DMARC1\r\n; p=reject",
	    { "not DMARC !0+10 the record does not begin with v=DMARC1;" } },
	{ "v alone", "v=DMARC1",
	    { "no use !8+0 there is no p, and no valid rua: the record does not count" } },
	{ "blanks in front", " v=DMARC1; p=reject",
	    { R " !0+1 blanks stand in front of the record" } },

	{ "an unknown name", "v=DMARC1; x=1; p=reject", { R " 10+1 no tag has this name" } },
	{ "a name that begins alike", "v=DMARC1; pp=none; p=reject",
	    { R " 10+2 no tag has this name" } },
	{ "no name", "v=DMARC1; =none; p=reject", { R " 9+0 no tag has this name" } },
	{ "not name=value", "v=DMARC1; p=reject; quux ", { R " !20+4 this is not name=value" } },
	{ "v twice", "v=DMARC1; p=reject; v=DMARC1", { R " !20+1 v stands there twice" } },
	{ "names in capitals", "v=DMARC1; P=reject",
	    { R " 10+1 tag names are written in small letters" } },
	{ "what is more than advisory comes first", "v=DMARC1; x=1; p=reject; adkim=x; aspf=x",
	    { R " !31+1 the value of adkim is not r or s" } },
	{ "p late", "v=DMARC1; adkim=r; p=reject",
	    { R " 19+1 p does not stand directly behind v", R } },

	{ "a bad adkim", "v=DMARC1; p=reject; adkim=x",
	    { R " !26+1 the value of adkim is not r or s" } },
	{ "an empty aspf",
	    "v=DMARC1; p=reject; aspf=", { R " !25+0 the value of aspf is not r or s" } },
	{ "a bad psd", "v=DMARC1; p=reject; psd=maybe",
	    { R, R " !24+5 the value of psd is not y, n or u" } },
	{ "a bad t", "v=DMARC1; p=reject; t=yes", { R, R " !22+3 the value of t is not y or n" } },
	{ "a bad fo", "v=DMARC1; p=reject; fo=1:x",
	    { R " !23+3 the value of fo is not 0, 1, d or s joined by colons" } },
	{ "an option of fo twice", "v=DMARC1; p=reject; fo=d:d",
	    { R " !23+3 the value of fo is not 0, 1, d or s joined by colons" } },
	{ "fo with blanks, in any order", "v=DMARC1; p=reject; fo=s : D:0", { R } },
	{ "a bad pct", "v=DMARC1; p=reject; pct=101",
	    { R " !24+3 the value of pct is not a number up to 100", R } },
	{ "pct is no number", "v=DMARC1; p=reject; pct=5%",
	    { R " !24+2 the value of pct is not a number up to 100", R } },
	{ "pct of four digits", "v=DMARC1; p=reject; pct=0010",
	    { R " !24+4 the value of pct is not a number up to 100", R } },
	{ "pct=0", "v=DMARC1; p=reject; pct=0", { R " pct=0", R } },
	{ "a bad rf", "v=DMARC1; p=reject; rf=iodef",
	    { R " !23+5 the value of rf is not afrf", R } },
	{ "a bad ri", "v=DMARC1; p=reject; ri=1d",
	    { R " !23+2 the value of ri is not a number", R } },

	{ "adkim twice: the last", "v=DMARC1; p=reject; adkim=r; adkim=s",
	    { "reject/reject/reject s r u !29+5 adkim stands there twice" } },
	{ "p twice: the last", "v=DMARC1; p=none; p=reject", { R " !18+1 p stands there twice" } },
	{ "p twice, the last bad", "v=DMARC1; p=none; p=x",
	    { "no use !18+1 p stands there twice" } },
	{ "psd twice", "v=DMARC1; p=reject; psd=y; psd=x",
	    { R, R " !27+3 psd stands there twice" } },

	{ "no p, with rua", "v=DMARC1; rua=mailto:a@b.example",
	    { N " rua !32+0 there is no p: it counts as p=none",
		N " rua 32+0 there is no p: it counts as p=none" } },
	{ "no p, without", "v=DMARC1; adkim=s",
	    { "no use !17+0 there is no p, and no valid rua: the record does not count" } },
	{ "a bad p, with rua", "v=DMARC1; p=rejct; sp=reject; adkim=s; rua=mailto:a@b.example",
	    { "none/none/none s r u rua !12+5 the value of p is not none, quarantine or reject" } },
	{ "p in short", "v=DMARC1; p=r",
	    { "no use !12+1 the value of p is not none, quarantine or reject" } },
	{ "an empty p",
	    "v=DMARC1; p=", { "no use !12+0 the value of p is not none, quarantine or reject" } },
	{ "a control character in p", "v=DMARC1; p=reject\x01",
	    { "no use !12+7 the value of p is not none, quarantine or reject" } },
	{ "a bad sp, with rua", "v=DMARC1; p=reject; sp=zzz; rua=mailto:a@b.example",
	    { N " rua !23+3 the value of sp is not none, quarantine or reject" } },
	{ "a bad sp, with rua and np",
	    "v=DMARC1; sp=x; np=reject; rua=mailto:a@b.example; p=reject",
	    { N " rua !13+1 the value of sp is not none, quarantine or reject" } },
	{ "a bad sp, without", "v=DMARC1; p=reject; sp=zzz",
	    { "no use !23+3 the value of sp is not none, quarantine or reject" } },
	{ "a bad np, without", "v=DMARC1; p=reject; np=zzz",
	    { R, "no use !23+3 the value of np is not none, quarantine or reject" } },
	{ "a bad np, with rua", "v=DMARC1; p=reject; sp=none; np=zzz; rua=mailto:a@b.example",
	    { "reject/none/none r r u rua",
		N " rua !32+3 the value of np is not none, quarantine or reject" } },

	{ "rua is a bare address", "v=DMARC1; rua=a@b.example",
	    { "no use !14+11 the value of rua is not a list of URIs (mailto:...)",
		"no use !14+11 the value of rua is not a list of URIs (mailto:...)" } },
	{ "mailto: alone is a URI", "v=DMARC1; p=none; rua=mailto:", { N " rua" } },
	{ "any scheme", "v=DMARC1; p=none; rua=x-1+.y:z", { N " rua" } },
	{ "a scheme with a digit first", "v=DMARC1; p=none; rua=1x:z",
	    { N " !22+4 the value of rua is not a list of URIs (mailto:...)" } },
	{ "no scheme", "v=DMARC1; p=none; rua=:z",
	    { N " !22+2 the value of rua is not a list of URIs (mailto:...)" } },
	{ "a list with blanks", "v=DMARC1; p=none; rua=mailto:a@b.example , mailto:c@d.example",
	    { N " rua" } },
	{ "one of two is good", "v=DMARC1; p=none; rua=a@b.example,mailto:c@d.example",
	    { N " rua !22+30 the value of rua is not a list of URIs (mailto:...)" } },
	{ "an empty place in the list", "v=DMARC1; p=none; rua=,mailto:c@d.example",
	    { N " rua !22+19 the value of rua is not a list of URIs (mailto:...)" } },
	{ "sizes", "v=DMARC1; p=none; rua=mailto:a@b.example!10m,mailto:a@b.example!9",
	    { N " rua" } },
	{ "no size", "v=DMARC1; p=none; rua=mailto:a@b.example!m",
	    { N " !22+20 the value of rua is not a list of URIs (mailto:...)" } },
	{ "a mark inside", "v=DMARC1; p=none; rua=mailto:a!1@b.example",
	    { N " !22+20 the value of rua is not a list of URIs (mailto:...)" } },
	{ "a blank inside", "v=DMARC1; p=none; rua=mailto:a b@c.example",
	    { N " !22+20 the value of rua is not a list of URIs (mailto:...)" } },
	{ "percent-encoded", "v=DMARC1; p=none; rua=mailto:a%21b@c.example", { N " rua" } },
	{ "badly percent-encoded", "v=DMARC1; p=none; rua=mailto:a%2",
	    { N " !22+10 the value of rua is not a list of URIs (mailto:...)" } },
	{ "a host in brackets", "v=DMARC1; p=none; rua=https://[2001:db8::1]/x?y#z", { N " rua" } },
	{ "brackets behind the host", "v=DMARC1; p=none; rua=https://a/[",
	    { N " !22+11 the value of rua is not a list of URIs (mailto:...)" } },
	{ "two fragments", "v=DMARC1; p=none; rua=https://a/#b#c",
	    { N " !22+14 the value of rua is not a list of URIs (mailto:...)" } },
	{ "not ASCII", "v=DMARC1; p=none; rua=mailto:b\303\274cher@b.example",
	    { N " !22+24 the value of rua is not a list of URIs (mailto:...)" } },
	{ "ruf is no policy matter", "v=DMARC1; ruf=mailto:a@b.example",
	    { "no use !32+0 there is no p, and no valid rua: the record does not count" } },
	{ "a bad ruf", "v=DMARC1; p=none; ruf=a@b.example",
	    { N " !22+11 the value of ruf is not a list of URIs (mailto:...)" } },
#undef R
#undef N
};

static void show_record(struct buf *out, const struct dmarc_record *r)
{
	const struct dmarc_problem *p = &r->problem;

	if (!r->is_dmarc)
		buf_add_text(out, "not DMARC");
	else if (!r->usable)
		buf_add_text(out, "no use");
	else
		buf_printf(out, "%s/%s/%s %c %c %c%s", auth_dmarc_policy_name(r->p),
		    auth_dmarc_policy_name(r->sp), auth_dmarc_policy_name(r->np),
		    r->strict_dkim ? 's' : 'r', r->strict_spf ? 's' : 'r', r->psd,
		    r->testing ? " t" : "");
	if (r->pct != 100)
		buf_printf(out, " pct=%u", r->pct);
	if (r->has_rua)
		buf_add_text(out, " rua");
	if (p->sentence != NULL)
		buf_printf(out, " %s%zu+%zu %s", p->advisory ? "" : "!", p->offset, p->length,
		    p->sentence);
}

START_TEST(reads_records)
{
	struct slice text = exact_text(records[_i].text);

	for (int i = 0; i < DMARC_STANDARDS; i++) {
		struct dmarc_record r = auth_dmarc_record_parse(text, (enum dmarc_standard)i);
		struct buf shown;

		buf_init(&shown, 1000);
		show_record(&shown, &r);
		expect_slice(records[_i].label, auth_dmarc_standard_name((enum dmarc_standard)i),
		    buf_slice(&shown),
		    records[_i].wanted[i] != NULL ? records[_i].wanted[i] : records[_i].wanted[0]);
		buf_free(&shown);
	}
	exact_free(text);
}
END_TEST

START_TEST(a_nul_hides_nothing)
{
	struct slice text = exact("v=DMARC1; p=none\0; rua=mailto:a@b.example", 41);
	struct dmarc_record r = auth_dmarc_record_parse(text, DMARC_RFC9989);

	ck_assert(r.is_dmarc && r.usable && !r.has_p && r.p == DMARC_NONE);
	ck_assert_uint_eq(r.problem.offset, 12);
	exact_free(text);
}
END_TEST

/* 64 kB of what each part of the grammar repeats: linear time, no depth. */
START_TEST(reads_giants)
{
	static const char *const pieces[] = { ";", "p=none;", " ", "a=b;", "rua=a:b,", ",",
		"fo=0:1:", "=", "!1", "rua=a:b!1m,;" };
	struct buf text;

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct slice copy;

		buf_init(&text, 70000);
		buf_add_text(&text, "v=DMARC1; rua=");
		while (text.len < DNS_DATA_MAX)
			buf_add_text(&text, pieces[i]);
		copy = exact(buf_text(&text), text.len);
		ck_assert(auth_dmarc_record_parse(copy, DMARC_RFC7489).is_dmarc);
		ck_assert(auth_dmarc_record_parse(copy, DMARC_RFC9989).is_dmarc);
		exact_free(copy);
		buf_free(&text);
	}
}
END_TEST

START_TEST(has_names)
{
	ck_assert_str_eq(auth_dmarc_policy_name(DMARC_QUARANTINE), "quarantine");
	ck_assert_str_eq(auth_dmarc_result_name(DMARC_RESULT_NONE), "none");
	ck_assert_str_eq(auth_dmarc_result_name(DMARC_RESULT_PENDING), "pending");
	ck_assert_str_eq(auth_dmarc_standard_name(DMARC_RFC7489), "RFC 7489");
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("dmarc");
	TCase *tcase = tcase_create("dmarc");

	tcase_add_unchecked_fixture(tcase, load_suffixes, drop_suffixes);
	tcase_add_loop_test(tcase, standards_agree, 0, ROWS(agree));
	tcase_add_loop_test(tcase, standards_differ, 0, ROWS(differ));
	tcase_add_loop_test(tcase, corner, 0, ROWS(corners));
	tcase_add_loop_test(tcase, is_right_where_others_err, 0, ROWS(wrong_elsewhere));
	tcase_add_loop_test(tcase, asks, 0, ROWS(questions));
	tcase_add_test(tcase, tells_which_mechanism_is_aligned);
	tcase_add_test(tcase, aligns_any_domain);
	tcase_add_loop_test(tcase, gives_reasons, 0, ROWS(reasons));
	tcase_add_test(tcase, too_many_records_are_not_told);
	tcase_add_test(tcase, an_alias_exists);
	tcase_add_loop_test(tcase, reads_records, 0, ROWS(records));
	tcase_add_test(tcase, a_nul_hides_nothing);
	tcase_add_test(tcase, reads_giants);
	tcase_add_test(tcase, has_names);
	suite_add_tcase(suite, tcase);
	return suite;
}
