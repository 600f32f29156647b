/*
 * test_opendmarc.c - the second opinion: where libopendmarc 1.4 differs.
 *
 * The rows are what it does, not what is right: the standards' answers to the
 * same records stand in test_dmarc.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/opendmarc.h"
#include "base/buf.h"
#include "unit.h"

static const struct {
	const char *label;
	const char *record;
	const char *author;
	const char *at;         /* the name that publishes the record */
	const char *dkim, *spf; /* NULL: nothing passed */
	const char *wanted;
} rows[] = {
	{ "a plain fail", "v=DMARC1; p=reject", "example.com", "example.com", NULL, NULL,
	    "reject/reject rr 100 fail reject" },
	{ "a plain pass", "v=DMARC1; p=quarantine; sp=none", "example.com", "example.com",
	    "mail.example.com", NULL, "quarantine/none rr 100 pass none" },
	{ "SPF", "v=DMARC1; p=quarantine", "example.com", "example.com", NULL, "b.example.com",
	    "quarantine/quarantine rr 100 pass none" },
	{ "somebody else's", "v=DMARC1; p=reject", "example.com", "example.com", "esp.net",
	    "esp.net", "reject/reject rr 100 fail reject" },
	{ "sp of a record above", "v=DMARC1; p=reject; sp=none", "a.example.com", "example.com",
	    NULL, NULL, "reject/none rr 100 fail none" },
	{ "p of a record above", "v=DMARC1; p=reject", "a.example.com", "example.com", NULL, NULL,
	    "reject/reject rr 100 fail reject" },
	{ "np, psd and t mean nothing", "v=DMARC1; p=reject; np=none; psd=n; t=y", "a.example.com",
	    "example.com", NULL, NULL, "reject/reject rr 100 fail reject" },
	{ "pct=0 is nothing at all", "v=DMARC1; p=reject; pct=0", "example.com", "example.com",
	    NULL, NULL, "reject/reject rr 0 fail none" },
	{ "strict, below, passes", "v=DMARC1; p=reject; adkim=s", "example.com", "example.com",
	    "mail.example.com", NULL, "reject/reject sr 100 pass none" },
	{ "a top domain passes", "v=DMARC1; p=reject", "example.com", "example.com", "com", NULL,
	    "reject/reject rr 100 pass none" },
	{ "a suffix passes", "v=DMARC1; p=reject", "example.co.uk", "example.co.uk", "co.uk", NULL,
	    "reject/reject rr 100 pass none" },
	{ "a label of one letter is dropped", "v=DMARC1; p=reject", "x.com", "x.com", "foo.com",
	    NULL, "reject/reject rr 100 pass none" },
	{ "strict, brothers", "v=DMARC1; p=reject; adkim=s", "news.example.com", "news.example.com",
	    "mail.example.com", NULL, "reject/reject sr 100 fail reject" },
	{ "short values", "v=DMARC1; p=rej; sp=q", "example.com", "example.com", NULL, NULL,
	    "reject/quarantine rr 100 fail reject" },
	{ "v not first", "p=reject; v=DMARC1", "example.com", "example.com", NULL, NULL,
	    "reject/reject rr 100 fail reject" },
	{ "rf=iodef is no more relaxed", "v=DMARC1; p=reject; rf=iodef", "news.example.com",
	    "news.example.com", NULL, "bounce.example.com", "reject/reject rr 100 fail reject" },
	{ "v without a semicolon", "v=DMARC1 p=none", "example.com", "example.com", NULL, NULL,
	    "refused: v is not DMARC1" },
	{ "a bad sp", "v=DMARC1; p=none; sp=zzz; rua=mailto:a@b.example", "example.com",
	    "example.com", NULL, NULL, "refused: a tag has a bad value" },
	{ "no p", "v=DMARC1; rua=mailto:a@b.example", "example.com", "example.com", NULL, NULL,
	    "refused: there is no p" },
	{ "v in small letters", "v=dmarc1; p=reject", "example.com", "example.com", NULL, NULL,
	    "refused: no text has v=DMARC in it" },
	{ "a URI of 32 octets", "v=DMARC1; p=none; rua=mailto:abcdefgh@reports.example.",
	    "a.example", "a.example", NULL, NULL, "none/none rr 100 fail none" },
	{ "an identifier that is no host name", "v=DMARC1; p=reject", "example.com", "example.com",
	    "<a@example.com>", "\"@example.com", "reject/reject rr 100 fail reject" },
	{ "an author that is no host name", "v=DMARC1; p=reject", "(.example.com", "(.example.com",
	    NULL, NULL, "refused: the author domain is no host name" },
};

static void show(struct buf *out, const struct opinion *o)
{
	if (!o->read)
		buf_printf(out, "refused: %s", o->problem);
	else
		buf_printf(out, "%s/%s %c%c %u %s %s", auth_dmarc_policy_name(o->p),
		    auth_dmarc_policy_name(o->sp), o->strict_dkim ? 's' : 'r',
		    o->strict_spf ? 's' : 'r', o->pct, o->passes ? "pass" : "fail",
		    auth_dmarc_policy_name(o->disposition));
}

static struct slice some(const char *text)
{
	return text == NULL ? (struct slice){ NULL, 0 } : exact_text(text);
}

START_TEST(says)
{
	struct arena *arena = arena_new();
	struct slice record = exact_text(rows[_i].record), author = exact_text(rows[_i].author);
	struct dmarc_verdict v = {
		.author = author, .record = record, .org = { true, SLICE("example.com"), false }
	};
	struct dmarc_identifier dkim = { .domain = some(rows[_i].dkim) };
	struct dmarc_identifiers ids = { &dkim, 1, { some(rows[_i].spf), false } };
	struct opinion opinion;
	struct buf shown;

	v.record_domain = slice_of(rows[_i].at);
	opinion = opinion_of(arena, &v, &ids);
	buf_init(&shown, 1000);
	show(&shown, &opinion);
	expect_slice(rows[_i].label, "the opinion", buf_slice(&shown), rows[_i].wanted);
	buf_free(&shown);
	exact_free(record);
	exact_free(author);
	exact_free(dkim.domain);
	exact_free(ids.spf.domain);
	arena_free(arena);
}
END_TEST

/* Names, values and items around the sizes of the library's buffers, and NULs. */
START_TEST(takes_any_length)
{
	static const char *const begin[] = { "v=DMARC1; p=none; rua=", "v=DMARC1; p=none; fo=1:",
		"v=DMARC1; p=none; rf=", "v=DMARC1; p=none; R F =afrf,",
		"v=DMARC1; p=none; x=", "v=DMARC1; p=none; ", "v=DMARC1; p=none; ruf=a:b," };
	static const size_t lengths[] = { 31, 32, 33, 255, 256, 257, 511, 512, 513, 8190, 8191,
		8192, 60000 };
	struct arena *arena = arena_new();
	struct dmarc_identifiers nobody = { 0 };

	for (size_t i = 0; i < sizeof begin / sizeof begin[0] * ROWS(lengths); i++) {
		struct dmarc_verdict v = { .author = SLICE("example.com"),
			.record_domain = SLICE("example.com") };
		struct buf text;

		buf_init(&text, 70000);
		buf_add_text(&text, begin[i / ROWS(lengths)]);
		for (size_t n = 0; n < lengths[i % ROWS(lengths)]; n++)
			buf_add_char(&text, 'a');
		v.record = exact(buf_text(&text), text.len);
		opinion_of(arena, &v, &nobody);
		exact_free(v.record);
		buf_add_text(&text, "=; p=reject");
		v.record = exact(buf_text(&text), text.len + 1);
		opinion_of(arena, &v, &nobody);
		exact_free(v.record);
		buf_free(&text);
	}
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	struct dmarc_verdict verdict;
	struct opinion opinion;
	const char *wanted; /* NULL: there is no difference */
} differences[] = {
#define FAIL .record = SLICE("x"), .result = DMARC_RESULT_FAIL, .disposition = DMARC_REJECT
	{ "none", { FAIL }, { .read = true, .disposition = DMARC_REJECT }, NULL },
	{ "it passes", { FAIL }, { .read = true, .passes = true },
	    "a receiver with OpenDMARC 1.4 would say pass" },
	{ "it fails", { .record = SLICE("x"), .result = DMARC_RESULT_PASS },
	    { .read = true, .disposition = DMARC_REJECT },
	    "a receiver with OpenDMARC 1.4 would say fail" },
	{ "it acts otherwise", { FAIL }, { .read = true, .disposition = DMARC_QUARANTINE },
	    "a receiver with OpenDMARC 1.4 would quarantine" },
	{ "it delivers", { FAIL }, { .read = true },
	    "a receiver with OpenDMARC 1.4 would deliver" },
	{ "it refuses the record", { FAIL }, { .problem = "there is no p" },
	    "a receiver with OpenDMARC 1.4 would not read the record: there is no p" },
	{ "it takes what is no record", { .near_miss = SLICE("x"), .result = DMARC_RESULT_NONE },
	    { .read = true, .disposition = DMARC_REJECT },
	    "a receiver with OpenDMARC 1.4 would reject" },
	{ "both refuse it", { .record = SLICE("x"), .result = DMARC_RESULT_NONE },
	    { .problem = "there is no p" }, NULL },
	{ "no record", { .result = DMARC_RESULT_NONE }, { .problem = "no text" }, NULL },
	{ "not told", { .record = SLICE("x"), .result = DMARC_RESULT_TEMPERROR },
	    { .read = true, .disposition = DMARC_REJECT }, NULL },
#undef FAIL
};

START_TEST(differs)
{
	struct arena *arena = arena_new();
	struct slice got =
	    opinion_difference(arena, &differences[_i].opinion, &differences[_i].verdict);

	ck_assert_msg((got.data != NULL) == (differences[_i].wanted != NULL),
	    "%s: is there a difference?", differences[_i].label);
	if (got.data != NULL)
		expect_slice(differences[_i].label, "it", got, differences[_i].wanted);
	arena_free(arena);
}
END_TEST

static void set_up(void)
{
	ck_assert(opinion_start(NULL));
}

Suite *unit_suite(void)
{
	Suite *suite = suite_create("opendmarc");
	TCase *tcase = tcase_create("opendmarc");

	tcase_add_unchecked_fixture(tcase, set_up, opinion_end);
	tcase_add_loop_test(tcase, says, 0, ROWS(rows));
	tcase_add_test(tcase, takes_any_length);
	tcase_add_loop_test(tcase, differs, 0, ROWS(differences));
	suite_add_tcase(suite, tcase);
	return suite;
}
