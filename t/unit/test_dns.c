/*
 * test_dns.c - questions and answers: records files, views, the cache, wire data.
 *
 * An answer is written as one line: its status, "+cname" and "+truncated" where
 * they hold, and the records, an address in its usual form, an MX as "10 name".
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/records.h"
#include "dns/view.h"
#include "dns/wire.h"
#include "unit.h"

enum { SECOND = 1000000, THREADS = 16 };

#define L10 "aaaaaaaaa."
#define L50 L10 L10 L10 L10 L10
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* ---- showing answers ------------------------------------------------------------ */

static void show_record(struct buf *out, enum dns_type type, const struct dns_record *record)
{
	char text[INET6_ADDRSTRLEN];

	buf_add_char(out, ' ');
	if (type == DNS_MX)
		buf_printf(out, "%u ", record->preference);
	if (type == DNS_A || type == DNS_AAAA) {
		ck_assert_uint_eq(record->data.len, type == DNS_A ? 4 : 16);
		buf_add_text(out, inet_ntop(type == DNS_A ? AF_INET : AF_INET6, record->data.data,
				      text, sizeof text));
	} else if (record->data.len == 0) {
		buf_add_text(out, "(empty)");
	} else {
		utf8_escape(out, record->data);
	}
}

static void show(struct buf *out, enum dns_type type, const struct dns_answer *answer)
{
	static const char *const names[] = { "found", "nodata", "nxdomain", "tempfail" };

	buf_add_text(out, names[answer->status]);
	ck_assert_msg((answer->status == DNS_FOUND) == (answer->count > 0), "found and empty");
	ck_assert_msg((answer->status == DNS_TEMPFAIL) == (answer->why != NULL), "no reason");
	if (answer->cname)
		buf_add_text(out, "+cname");
	if (answer->truncated)
		buf_add_text(out, "+truncated");
	for (size_t i = 0; i < answer->count; i++)
		show_record(out, type, &answer->records[i]);
}

static int64_t in_seconds(int64_t n)
{
	return clock_now_us() + n * SECOND;
}

/* Asks once through a view and compares. */
static void expect_answer(
    const char *label, struct resolver *r, const char *name, enum dns_type type, const char *wanted)
{
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, r, in_seconds(20));
	struct slice copy = exact_text(name);
	const struct dns_answer *answer = dns_view_get(view, copy, type);
	struct buf shown;

	if (answer == NULL) {
		ck_assert_msg(dns_view_wait(view), "%s: nothing to wait for", label);
		answer = dns_view_get(view, copy, type);
		ck_assert_msg(answer != NULL, "%s: no answer after a wait", label);
	}
	buf_init(&shown, 100000);
	show(&shown, type, answer);
	expect_slice(label, "the answer", buf_slice(&shown), wanted);
	buf_free(&shown);
	exact_free(copy);
	dns_view_free(view);
	arena_free(arena);
}

/* ---- a resolver that does as it is told ----------------------------------------- */

struct held {
	struct held *next;
	resolver_done *done;
	void *context;
};

/* Answers what is in `answer`, at once, or holds the question. */
struct told {
	struct resolver resolver;
	struct dns_answer *answer;
	bool hold;
	pthread_mutex_t mutex;
	struct held *held;
	atomic_bool over; /* of the test */
	size_t asked;
	int64_t deadline_us;
	char name[DNS_NAME_MAX + 1]; /* of the last question */
};

static void told_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct told *t = (struct told *)r;
	bool hold;

	pthread_mutex_lock(&t->mutex);
	t->asked++;
	t->deadline_us = deadline_us;
	memcpy(t->name, question->name.data, question->name.len + 1);
	hold = t->hold;
	if (hold) {
		struct held *h = must_alloc(sizeof *h);

		*h = (struct held){ t->held, done, context };
		t->held = h;
	}
	pthread_mutex_unlock(&t->mutex);
	if (!hold)
		done(context, dns_answer_ref(t->answer));
}

static void told_release(struct told *t)
{
	struct held *held;

	pthread_mutex_lock(&t->mutex);
	held = t->held;
	t->held = NULL;
	pthread_mutex_unlock(&t->mutex);
	while (held != NULL) {
		struct held *h = held;

		held = h->next;
		h->done(h->context, dns_answer_ref(t->answer));
		free(h);
	}
}

static void told_free(struct resolver *r)
{
	struct told *t = (struct told *)r;

	told_release(t);
	dns_answer_unref(t->answer);
	pthread_mutex_destroy(&t->mutex);
	free(t);
}

static struct told *told_new(void)
{
	static const struct resolver_class class = { .ask = told_ask, .free = told_free };
	struct told *t = must_alloc(sizeof *t);

	t->resolver.class = &class;
	pthread_mutex_init(&t->mutex, NULL);
	return t;
}

/* What it answers from now on; an A record with that address, or none. */
static void tell(struct told *t, enum dns_status status, uint32_t ttl, const char *address)
{
	struct dns_answer facts = {
		.status = status, .ttl = ttl, .why = status == DNS_TEMPFAIL ? "told so" : NULL
	};
	char octets[4];
	struct dns_record record = { .data = { octets, 4 } };

	dns_answer_unref(t->answer);
	if (address != NULL)
		ck_assert_int_eq(inet_pton(AF_INET, address, octets), 1);
	t->answer = dns_answer_make(&facts, &record, address != NULL ? 1 : 0);
}

/* ---- records: answers ----------------------------------------------------------- */

#define ZONE                                                                                       \
	"; a comment\n\n   ; and one more\n\t\n"                                                   \
	"example.com. 3600 IN SOA ns.example.com. h.example.com. 1 2 3 4 5\n"                      \
	"example.com. IN 1h30m SOA ns2.example.com. h.x. ( 1 2 3 4 5 ) ; more\n"                   \
	"Example.COM A 192.0.2.1\r\n"                                                              \
	"example.com. 300 A 192.0.2.2 ; why not\n"                                                 \
	"example.com. aaaa 2001:DB8::1\n"                                                          \
	"example.com. MX 10 Mail.Example.com.\n"                                                   \
	"example.com. MX 0 .\n"                                                                    \
	"example.com. NS ns.example.com\n"                                                         \
	"example.com. TXT \"v=spf1 \" \"-all\"\n"                                                  \
	"example.com. TXT plain \"\" \"a\\\"b\\\\c\\009\\255;(\" x\\;y\n"                          \
	"empty.example.com. TXT \"\"\n"                                                            \
	"a.b.c.example.com. A 192.0.2.3\n"                                                         \
	"alias.example.com. CNAME alias2.example.com.\n"                                           \
	"alias2.example.com. CNAME example.com.\n"                                                 \
	"dangling.example.com. CNAME gone.example.com.\n"                                          \
	"nodata.example.com. CNAME a.b.c.example.com.\n"                                           \
	"loop1.example.com. CNAME loop2.example.com.\n"                                            \
	"loop2.example.com. CNAME loop1.example.com.\n"                                            \
	"self.example.com. CNAME self.example.com.\n"                                              \
	"strange.example.com. CAA 0 issue \"ca.example.net\"\n"                                    \
	"strange2.example.com. TYPE65 \\# 0\n"                                                     \
	"with\\032space.example.com. A 192.0.2.4\n"                                                \
	"1.2.0.192.in-addr.arpa. PTR mail.example.com.\n"                                          \
	";; TIMEOUT slow.example.com.\n"                                                           \
	"slow.example.com. TXT \"here\"\n"                                                         \
	";; timeout deep.slow2.example.com\n"                                                      \
	";; TIMEOUTS no.such.word.\n"

static const struct {
	const char *label, *name;
	enum dns_type type;
	const char *wanted;
} record_rows[] = {
	{ "two addresses", "example.com", DNS_A, "found 192.0.2.1 192.0.2.2" },
	{ "capitals and a dot", "EXAMPLE.com.", DNS_A, "found 192.0.2.1 192.0.2.2" },
	{ "AAAA", "example.com", DNS_AAAA, "found 2001:db8::1" },
	{ "MX, and the null MX", "example.com", DNS_MX, "found 10 mail.example.com 0 (empty)" },
	{ "NS", "example.com", DNS_NS, "found ns.example.com" },
	{ "SOA", "example.com", DNS_SOA, "found ns.example.com ns2.example.com" },
	{ "TXT", "example.com", DNS_TXT, "found v=spf1 -all plaina\"b\\c\\x09\\xff;(x;y" },
	{ "an empty TXT", "empty.example.com", DNS_TXT, "found (empty)" },
	{ "PTR", "1.2.0.192.in-addr.arpa", DNS_PTR, "found mail.example.com" },
	{ "no record of the type", "example.com", DNS_PTR, "nodata" },
	{ "an empty non-terminal", "c.example.com", DNS_A, "nodata" },
	{ "another one", "com", DNS_A, "nodata" },
	{ "no such name", "gone.example.com", DNS_A, "nxdomain" },
	{ "below a name with records", "x.a.b.c.example.com", DNS_A, "nxdomain" },
	{ "no such zone", "example.net", DNS_TXT, "nxdomain" },
	{ "a name of an unknown type", "strange.example.com", DNS_A, "nxdomain" },
	{ "a space in a name", "with space.example.com", DNS_A, "found 192.0.2.4" },
	{ "two CNAMEs", "alias.example.com", DNS_A, "found+cname 192.0.2.1 192.0.2.2" },
	{ "the CNAME itself", "alias.example.com", DNS_CNAME, "found alias2.example.com" },
	{ "a CNAME to nothing", "dangling.example.com", DNS_A, "nxdomain+cname" },
	{ "a CNAME to another type", "nodata.example.com", DNS_TXT, "nodata+cname" },
	{ "a circle of CNAMEs", "loop1.example.com", DNS_A, "tempfail" },
	{ "a CNAME to itself", "self.example.com", DNS_A, "tempfail" },
	{ "a timeout", "slow.example.com", DNS_A, "tempfail" },
	{ "a timeout, but a type that is listed", "slow.example.com", DNS_TXT, "found here" },
	{ "below a timeout", "x.slow.example.com", DNS_A, "nxdomain" },
	{ "above a timeout", "slow2.example.com", DNS_A, "nodata" },
	{ "a timeout in small letters", "deep.slow2.example.com", DNS_A, "tempfail" },
	{ "another comment", "no.such.word", DNS_A, "nxdomain" },
	{ "no name", "", DNS_A, "nxdomain" },
	{ "the root", ".", DNS_A, "nxdomain" },
	{ "an empty label", "a..example.com", DNS_A, "nxdomain" },
	{ "a dot in front", ".example.com", DNS_A, "nxdomain" },
	{ "two dots behind", "example.com..", DNS_A, "nxdomain" },
	{ "a label of 64", "a" A63 ".com", DNS_A, "nxdomain" },
	{ "254 octets", L50 L50 L50 L50 L50 "abcd", DNS_A, "nxdomain" },
};

static struct resolver *parse(const char *text, struct resolver *below)
{
	struct slice copy = exact_text(text);
	struct resolver *r;
	struct buf errors;

	buf_init(&errors, 1000);
	r = records_resolver_parse("zone", copy, below, &errors);
	ck_assert_msg(r != NULL, "%s", buf_text(&errors));
	ck_assert_uint_eq(errors.len, 0);
	buf_free(&errors);
	exact_free(copy);
	return r;
}

START_TEST(test_records)
{
	struct resolver *r = parse(ZONE, NULL);

	expect_answer(record_rows[_i].label, r, record_rows[_i].name, record_rows[_i].type,
	    record_rows[_i].wanted);
	resolver_free(r);
}
END_TEST

START_TEST(test_records_many)
{
	struct resolver *r;
	struct buf zone;
	char name[50], wanted[50];

	buf_init(&zone, 1000000);
	for (int i = 0; i < 3000; i++)
		buf_printf(&zone, "h%d.z%d.example. A 192.0.%d.%d\n", i, i % 7, i / 256, i % 256);
	for (int i = 0; i <= DNS_RECORDS_MAX; i++)
		buf_printf(&zone, "many.example. MX %d x.example.\n", i);
	r = parse(buf_text(&zone), NULL);
	for (int i = 0; i < 3000; i += 100) {
		snprintf(name, sizeof name, "h%d.z%d.example", i, i % 7);
		snprintf(wanted, sizeof wanted, "found 192.0.%d.%d", i / 256, i % 256);
		expect_answer(name, r, name, DNS_A, wanted);
	}
	resolver_free(r);
	buf_free(&zone);
}
END_TEST

START_TEST(test_records_ceiling)
{
	struct arena *arena = arena_new();
	const struct dns_answer *answer;
	struct dns_view *view;
	struct resolver *r;
	struct buf zone;

	buf_init(&zone, 1000000);
	for (int i = 0; i < DNS_RECORDS_MAX; i++)
		buf_printf(&zone, "many.example. A 192.0.2.%d\n", i);
	buf_add_text(&zone, "many.example. TXT x\n");
	r = parse(buf_text(&zone), NULL);
	view = dns_view_new(arena, r, in_seconds(1));
	answer = dns_view_get(view, SLICE("many.example"), DNS_A);
	ck_assert_uint_eq(answer->count, DNS_RECORDS_MAX);
	ck_assert(!answer->truncated);
	dns_view_free(view);
	resolver_free(r);

	buf_add_text(&zone, "many.example. A 198.51.100.1\n");
	r = parse(buf_text(&zone), NULL);
	view = dns_view_new(arena, r, in_seconds(1));
	answer = dns_view_get(view, SLICE("many.example"), DNS_A);
	ck_assert_uint_eq(answer->count, DNS_RECORDS_MAX);
	ck_assert(answer->truncated);
	dns_view_free(view);
	resolver_free(r);
	buf_free(&zone);
	arena_free(arena);
}
END_TEST

/* ---- records: errors ------------------------------------------------------------ */

static const struct {
	const char *text, *error;
} error_rows[] = {
	{ "example.com. A 192.0.2\n", "zone:1: the address is not well formed\n" },
	{ "\n; x\nexample.com. A\n", "zone:3: the address is not well formed\n" },
	{ "example.com. A ::1", "zone:1: the address is not well formed\n" },
	{ "example.com. AAAA 192.0.2.1", "zone:1: the address is not well formed\n" },
	{ "example.com. A 192.0.2.1 x", "zone:1: something stands behind the record\n" },
	{ "example.com. A (192.0.2.1", "zone:1: something stands behind the record\n" },
	{ "example.com. MX mail.x.", "zone:1: the preference is not well formed\n" },
	{ "example.com. MX 65536 mail.x.", "zone:1: the preference is not well formed\n" },
	{ "example.com. MX 99999999999 mail.x.", "zone:1: the preference is not well formed\n" },
	{ "example.com. MX 10", "zone:1: a name is missing\n" },
	{ "example.com. MX 10 a..b", "zone:1: the name is not well formed\n" },
	{ "example.com. MX 10 \"\"", "zone:1: the name is not well formed\n" },
	{ "example.com. NS a\\.b.c", "zone:1: the name is not well formed\n" },
	{ "example.com. CNAME " A63 "a.com.", "zone:1: the name is not well formed\n" },
	{ "example.com. TXT", "zone:1: the text is missing\n" },
	{ "example.com. TXT ; nothing", "zone:1: the text is missing\n" },
	{ "example.com. TXT \"open", "zone:1: the text is not well formed\n" },
	{ "example.com. TXT \"\\256\"", "zone:1: the text is not well formed\n" },
	{ "example.com. TXT \"\\25\"", "zone:1: the text is not well formed\n" },
	{ "example.com. TXT x\\", "zone:1: the text is not well formed\n" },
	{ "example.com. TXT ( \"two\"\n\"lines\" )", "zone:1: the text is not well formed\n" },
	{ "example.com. SOA ns.x. ( h.x.\n1 2 3 4 5 )", "zone:1: the record is not well formed\n" },
	{ "example.com.", "zone:1: the type is missing\n" },
	{ "example.com. 300 IN", "zone:1: the type is missing\n" },
	{ "example.com. 300x A 192.0.2.1", "zone:1: the type is not well formed\n" },
	{ "example.com. 192.0.2.1", "zone:1: the type is not well formed\n" },
	{ "example.com. \"A\" 192.0.2.1 x", "zone:1: something stands behind the record\n" },
	{ "  A 192.0.2.1", "zone:1: the owner name is missing\n" },
	{ "@ A 192.0.2.1", "zone:1: the owner name is not written in full\n" },
	{ "$ORIGIN example.com.", "zone:1: directives are not read\n" },
	{ "$INCLUDE file", "zone:1: directives are not read\n" },
	{ "a..b A 192.0.2.1", "zone:1: the owner name is not well formed\n" },
	{ ". A 192.0.2.1", "zone:1: the owner name is not well formed\n" },
	{ "\"a.b\" A 192.0.2.1", "zone:1: the owner name is not well formed\n" },
	{ "a\\.b.c. A 192.0.2.1", "zone:1: the owner name is not well formed\n" },
	{ "a.b. A 192.0.2.1\n;; TIMEOUT a..b\n", "zone:2: the name is not well formed\n" },
	{ ";; TIMEOUT ", "zone:1: the name is not well formed\n" },
};

START_TEST(test_errors)
{
	struct slice text = exact_text(error_rows[_i].text);
	struct buf errors;

	buf_init(&errors, 1000);
	ck_assert_msg(records_resolver_parse("zone", text, &told_new()->resolver, &errors) == NULL,
	    "%s: read without an error", error_rows[_i].text);
	expect_slice(error_rows[_i].text, "the error", buf_slice(&errors), error_rows[_i].error);
	buf_free(&errors);
	exact_free(text);
}
END_TEST

START_TEST(test_word_too_long)
{
	struct buf zone, errors;
	struct resolver *r;

	buf_init(&zone, 200000);
	buf_init(&errors, 1000);
	buf_add_text(&zone, "example.com. TXT ");
	for (int i = 0; i < DNS_DATA_MAX; i++)
		buf_add_char(&zone, 'x');
	r = parse(buf_text(&zone), NULL);
	resolver_free(r);
	buf_add_text(&zone, " x");
	ck_assert_ptr_null(records_resolver_parse("zone", buf_slice(&zone), NULL, &errors));
	zone.len -= 2;
	buf_add_text(&zone, "x");
	ck_assert_ptr_null(records_resolver_parse("zone", buf_slice(&zone), NULL, &errors));
	buf_free(&zone);
	buf_free(&errors);
}
END_TEST

START_TEST(test_load)
{
	char path[] = "/tmp/presend-records.XXXXXX";
	int fd = mkstemp(path);
	struct buf errors;
	struct resolver *r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "a.b. A 192.0.2.1\nx", 17), 17);
	close(fd);
	buf_init(&errors, 1000);
	r = records_resolver_load(path, NULL, &errors);
	ck_assert_ptr_nonnull(r);
	expect_answer("from a file", r, "a.b", DNS_A, "found 192.0.2.1");
	resolver_free(r);
	unlink(path);
	ck_assert_ptr_null(records_resolver_load(path, &told_new()->resolver, &errors));
	ck_assert(strstr(buf_text(&errors), "No such file") != NULL);
	buf_reset(&errors);
	ck_assert_ptr_null(records_resolver_load("/", NULL, &errors));
	ck_assert_uint_gt(errors.len, 0);
	buf_free(&errors);
}
END_TEST

/* ---- the overlay ---------------------------------------------------------------- */

static const struct {
	const char *label, *name;
	enum dns_type type;
	enum dns_status below;
	const char *asked, *wanted;
} overlay_rows[] = {
	{ "the file has it", "example.com", DNS_A, DNS_NXDOMAIN, "", "found 192.0.2.1 192.0.2.2" },
	{ "the file says timeout", "slow.example.com", DNS_A, DNS_FOUND, "", "tempfail" },
	{ "another type", "example.com", DNS_PTR, DNS_NODATA, "example.com", "nodata" },
	{ "another type of a name that is only in the file", "example.com", DNS_PTR, DNS_NXDOMAIN,
	    "example.com", "nodata" },
	{ "a name above one in the file", "b.c.example.com", DNS_A, DNS_NXDOMAIN, "b.c.example.com",
	    "nodata" },
	{ "another name", "real.example.com", DNS_A, DNS_FOUND, "real.example.com",
	    "found 203.0.113.9" },
	{ "no such name anywhere", "real.example.com", DNS_A, DNS_NXDOMAIN, "real.example.com",
	    "nxdomain" },
	{ "below could not tell", "real.example.com", DNS_A, DNS_TEMPFAIL, "real.example.com",
	    "tempfail" },
	{ "a CNAME in the file", "dangling.example.com", DNS_A, DNS_FOUND, "gone.example.com",
	    "found+cname 203.0.113.9" },
	{ "a CNAME in the file to nothing", "dangling.example.com", DNS_A, DNS_NXDOMAIN,
	    "gone.example.com", "nxdomain+cname" },
};

START_TEST(test_overlay)
{
	struct told *below = told_new();
	struct resolver *r = parse(ZONE, &below->resolver);

	tell(below, overlay_rows[_i].below, 60,
	    overlay_rows[_i].below == DNS_FOUND ? "203.0.113.9" : NULL);
	expect_answer(overlay_rows[_i].label, r, overlay_rows[_i].name, overlay_rows[_i].type,
	    overlay_rows[_i].wanted);
	ck_assert_msg(strcmp(below->name, overlay_rows[_i].asked) == 0, "%s: asked for \"%s\"",
	    overlay_rows[_i].label, below->name);
	resolver_free(r);
}
END_TEST

/* Over a cache the overlay knows at once what the cache knows. */
START_TEST(test_overlay_known)
{
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &cache_defaults);
	struct resolver *r = parse(ZONE, cache);
	struct dns_question question = { SLICE("dangling.example.com"), DNS_A };
	struct dns_answer *answer;

	tell(below, DNS_FOUND, 60, "203.0.113.9");
	ck_assert_ptr_null(resolver_known(r, &question));
	expect_answer("asked", r, "dangling.example.com", DNS_A, "found+cname 203.0.113.9");
	answer = resolver_known(r, &question);
	ck_assert_ptr_nonnull(answer);
	ck_assert(answer->cname);
	dns_answer_unref(answer);
	ck_assert_uint_eq(below->asked, 1);
	resolver_free(r);
}
END_TEST

/* ---- views ---------------------------------------------------------------------- */

START_TEST(test_view_asks_once)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct dns_view *view = dns_view_new(arena, &t->resolver, in_seconds(20));

	tell(t, DNS_FOUND, 60, "192.0.2.1");
	ck_assert(!dns_view_wait(view));
	ck_assert_ptr_null(dns_view_get(view, SLICE("a.example"), DNS_A));
	ck_assert_ptr_null(dns_view_get(view, SLICE("A.EXAMPLE."), DNS_A));
	ck_assert_ptr_null(dns_view_get(view, SLICE("a.example"), DNS_AAAA));
	ck_assert_uint_eq(t->asked, 0);
	ck_assert(dns_view_wait(view));
	ck_assert_uint_eq(t->asked, 2);
	ck_assert_uint_eq(dns_view_asked(view), 2);
	ck_assert_ptr_nonnull(dns_view_get(view, SLICE("a.example."), DNS_A));
	ck_assert(!dns_view_wait(view));
	ck_assert_uint_eq(t->asked, 2);
	dns_view_free(view);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

START_TEST(test_view_ceiling)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct dns_view *view = dns_view_new(arena, &t->resolver, in_seconds(20));
	const struct dns_answer *answer;
	char name[20];

	tell(t, DNS_FOUND, 60, "192.0.2.1");
	for (int i = 0; i < VIEW_QUESTIONS_MAX; i++) {
		snprintf(name, sizeof name, "%d.x", i);
		ck_assert_ptr_null(dns_view_get(view, slice_of(name), DNS_A));
	}
	answer = dns_view_get(view, SLICE("more.x"), DNS_A);
	ck_assert_ptr_nonnull(answer);
	ck_assert_int_eq(answer->status, DNS_TEMPFAIL);
	ck_assert(dns_view_wait(view));
	ck_assert_uint_eq(t->asked, VIEW_QUESTIONS_MAX);
	ck_assert_int_eq(dns_view_get(view, SLICE("0.x"), DNS_A)->status, DNS_FOUND);
	dns_view_free(view);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

START_TEST(test_view_without_resolver)
{
	expect_answer("no resolver", NULL, "a.example", DNS_A, "tempfail");
	expect_answer("no resolver, no name", NULL, "a..example", DNS_A, "nxdomain");
}
END_TEST

/* The deadline holds though nobody answers, and an answer that comes later does no harm. */
START_TEST(test_view_deadline)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct stopwatch watch;
	struct dns_view *view;

	stopwatch_start(&watch);
	view = dns_view_new(arena, &t->resolver, clock_now_us() + SECOND / 5);
	tell(t, DNS_FOUND, 60, "192.0.2.1");
	t->hold = true;
	dns_view_get(view, SLICE("a.example"), DNS_A);
	dns_view_get(view, SLICE("b.example"), DNS_A);
	ck_assert(dns_view_wait(view));
	stopwatch_stop(&watch);
	ck_assert_msg(watch.took_us >= SECOND / 5 && watch.fair_us < SECOND * 3 / 2, "%ld us",
	    (long)watch.took_us);
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_TEMPFAIL);

	t->hold = false;
	ck_assert_ptr_null(dns_view_get(view, SLICE("c.example"), DNS_A));
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("c.example"), DNS_A)->status, DNS_TEMPFAIL);
	ck_assert_uint_eq(t->asked, 2);
	dns_view_free(view);

	view = dns_view_new(arena, &t->resolver, clock_now_us() - 1);
	ck_assert_ptr_null(dns_view_get(view, SLICE("d.example"), DNS_A));
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("d.example"), DNS_A)->status, DNS_TEMPFAIL);
	ck_assert_uint_eq(t->asked, 2);
	dns_view_free(view);
	arena_free(arena);
	told_release(t);
	resolver_free(&t->resolver);
}
END_TEST

/* Until nobody waits any more. */
static void *release_often(void *context)
{
	struct told *t = context;
	struct timespec moment = { 0, 10 * 1000 * 1000 };

	while (!t->over) {
		nanosleep(&moment, NULL);
		told_release(t);
	}
	return NULL;
}

START_TEST(test_view_waits)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	int64_t deadline_us = in_seconds(LIMIT_SECONDS);
	struct dns_view *view = dns_view_new(arena, &t->resolver, deadline_us);
	pthread_t thread;

	tell(t, DNS_FOUND, 60, "192.0.2.1");
	t->hold = true;
	dns_view_get(view, SLICE("a.example"), DNS_A);
	dns_view_get(view, SLICE("b.example"), DNS_A);
	pthread_create(&thread, NULL, release_often, t);
	ck_assert(dns_view_wait(view));
	ck_assert_msg(clock_now_us() < deadline_us, "it is woken by the last answer");
	t->over = true;
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_FOUND);
	ck_assert_int_eq(dns_view_get(view, SLICE("b.example"), DNS_A)->status, DNS_FOUND);
	pthread_join(thread, NULL);
	dns_view_free(view);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

/* Asked early: the answers are there before anybody waits. */
START_TEST(test_view_start)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct dns_view *view = dns_view_new(arena, &t->resolver, in_seconds(20));

	tell(t, DNS_FOUND, 60, "192.0.2.1");
	dns_view_start(view);
	ck_assert(!dns_view_wait(view));
	ck_assert_ptr_null(dns_view_get(view, SLICE("a.example"), DNS_A));
	ck_assert_uint_eq(t->asked, 0);
	dns_view_start(view);
	dns_view_start(view);
	ck_assert_uint_eq(t->asked, 1);
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_FOUND);

	/* one that is still open is waited for, with those noted since */
	t->hold = true;
	ck_assert_ptr_null(dns_view_get(view, SLICE("b.example"), DNS_A));
	dns_view_start(view);
	ck_assert_ptr_null(dns_view_get(view, SLICE("b.example"), DNS_A));
	told_release(t);
	t->hold = false;
	ck_assert_ptr_null(dns_view_get(view, SLICE("c.example"), DNS_A));
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("b.example"), DNS_A)->status, DNS_FOUND);
	ck_assert_int_eq(dns_view_get(view, SLICE("c.example"), DNS_A)->status, DNS_FOUND);
	ck_assert(!dns_view_wait(view));
	ck_assert_uint_eq(t->asked, 3);
	dns_view_free(view);

	/* asked, and nobody ever looks */
	t->hold = true;
	view = dns_view_new(arena, &t->resolver, in_seconds(20));
	dns_view_get(view, SLICE("d.example"), DNS_A);
	dns_view_start(view);
	dns_view_free(view);
	told_release(t);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

/* What was asked with one deadline is waited for until another. */
START_TEST(test_view_moves_deadline)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct dns_view *view = dns_view_new(arena, &t->resolver, 0);
	int64_t begin = clock_now_us();
	struct stopwatch watch;

	stopwatch_start(&watch);
	tell(t, DNS_FOUND, 60, "192.0.2.1");
	t->hold = true;
	dns_view_set_deadline(view, in_seconds(20));
	dns_view_get(view, SLICE("a.example"), DNS_A);
	dns_view_start(view);
	ck_assert_uint_eq(t->asked, 1);
	dns_view_set_deadline(view, begin + SECOND / 10);
	ck_assert(dns_view_wait(view));
	stopwatch_stop(&watch);
	ck_assert(watch.fair_us < SECOND);
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_TEMPFAIL);
	told_release(t);
	dns_view_free(view);

	/* put off: a deadline in the past that nobody waited for ends nothing */
	t->hold = false;
	view = dns_view_new(arena, &t->resolver, 0);
	dns_view_get(view, SLICE("b.example"), DNS_A);
	dns_view_set_deadline(view, in_seconds(20));
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("b.example"), DNS_A)->status, DNS_FOUND);
	dns_view_free(view);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

/* A full gate: nobody else waits, what is there already is taken, and the place is given back. */
START_TEST(test_view_gate)
{
	struct arena *arena = arena_new();
	struct told *t = told_new();
	struct gate gate = { .waiting = 1, .most = 1 };
	struct dns_view *view = dns_view_new(arena, &t->resolver, in_seconds(20));
	const struct dns_answer *answer;

	tell(t, DNS_FOUND, 60, "192.0.2.1");
	dns_view_set_gate(view, &gate);
	dns_view_get(view, SLICE("a.example"), DNS_A);
	dns_view_start(view);
	t->hold = true;
	dns_view_get(view, SLICE("b.example"), DNS_A);
	ck_assert(dns_view_wait(view));
	ck_assert_uint_eq(gate.waiting, 1);
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_FOUND);
	answer = dns_view_get(view, SLICE("b.example"), DNS_A);
	ck_assert_int_eq(answer->status, DNS_TEMPFAIL);
	ck_assert_str_eq(answer->why, "too many messages wait for answers");
	told_release(t);
	ck_assert_int_eq(dns_view_get(view, SLICE("b.example"), DNS_A)->status, DNS_TEMPFAIL);

	/* a place is free again */
	gate.waiting = 0;
	t->hold = false;
	dns_view_get(view, SLICE("c.example"), DNS_A);
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("c.example"), DNS_A)->status, DNS_FOUND);
	ck_assert_uint_eq(gate.waiting, 0);
	dns_view_free(view);
	resolver_free(&t->resolver);
	arena_free(arena);
}
END_TEST

/* ---- the cache ------------------------------------------------------------------ */

static int64_t clock_us;

static int64_t test_clock(void)
{
	return clock_us;
}

static const struct cache_options with_clock = { CACHE_ENTRIES_MAX, CACHE_OCTETS_MAX, test_clock };

static const struct {
	const char *label;
	enum dns_status status;
	uint32_t ttl;
	int kept_s;
} ttl_rows[] = {
	{ "a TTL", DNS_FOUND, 300, 300 },
	{ "the lower bound", DNS_FOUND, 0, 1 },
	{ "the upper bound", DNS_FOUND, 86400, 3600 },
	{ "the highest TTL", DNS_FOUND, UINT32_MAX, 3600 },
	{ "no data", DNS_NODATA, 60, 60 },
	{ "no data for long", DNS_NODATA, 86400, 300 },
	{ "no name for long", DNS_NXDOMAIN, 3600, 300 },
	{ "no name and no TTL", DNS_NXDOMAIN, 0, 1 },
	{ "could not tell", DNS_TEMPFAIL, 0, 5 },
	{ "could not tell, with a TTL", DNS_TEMPFAIL, 3600, 5 },
};

START_TEST(test_cache_ttl)
{
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &with_clock);
	struct dns_question question = { SLICE("a.example"), DNS_A };
	const char *label = ttl_rows[_i].label;
	enum dns_status status = ttl_rows[_i].status;
	struct dns_answer *answer;

	clock_us = 1000 * (int64_t)SECOND;
	tell(below, status, ttl_rows[_i].ttl, status == DNS_FOUND ? "192.0.2.1" : NULL);
	ck_assert_msg(resolver_known(cache, &question) == NULL, "%s: known before", label);
	for (int ask = 0; ask < 2; ask++) {
		static const char *const wanted[] = { "found 192.0.2.1", "nodata", "nxdomain",
			"tempfail" };

		expect_answer(label, cache, "a.example", DNS_A, wanted[status]);
		ck_assert_msg(below->asked == 1, "%s: asked again", label);
		clock_us += ttl_rows[_i].kept_s * (int64_t)SECOND - 1;
		answer = resolver_known(cache, &question);
		ck_assert_msg(answer != NULL, "%s: forgotten too early", label);
		dns_answer_unref(answer);
		clock_us++;
		ck_assert_msg(resolver_known(cache, &question) == NULL, "%s: kept too long", label);
		expect_answer(label, cache, "a.example", DNS_A, wanted[status]);
		ck_assert_msg(below->asked == 2, "%s: not asked again", label);
		below->asked = 1;
	}
	resolver_free(cache);
}
END_TEST

START_TEST(test_cache_keys)
{
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &cache_defaults);

	tell(below, DNS_FOUND, 60, "192.0.2.1");
	expect_answer("one", cache, "a.example", DNS_A, "found 192.0.2.1");
	tell(below, DNS_NODATA, 60, NULL);
	expect_answer("another type", cache, "a.example", DNS_AAAA, "nodata");
	tell(below, DNS_NXDOMAIN, 60, NULL);
	expect_answer("another name", cache, "b.example", DNS_A, "nxdomain");
	expect_answer("one again", cache, "A.example.", DNS_A, "found 192.0.2.1");
	ck_assert_uint_eq(below->asked, 3);
	resolver_free(cache);
}
END_TEST

/* The ceilings hold, and what was used last stays. */
START_TEST(test_cache_ceilings)
{
	struct cache_options options = { 1600, CACHE_OCTETS_MAX, clock_now_us };
	struct dns_question question = { SLICE("kept.example"), DNS_A };
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &options);
	struct dns_answer *answer;
	size_t entries, octets;
	char name[30];

	tell(below, DNS_FOUND, 60, "192.0.2.1");
	expect_answer("kept", cache, "kept.example", DNS_A, "found 192.0.2.1");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "%d.example", i);
		expect_answer(name, cache, name, DNS_A, "found 192.0.2.1");
		answer = resolver_known(cache, &question);
		ck_assert_msg(answer != NULL, "thrown out though in use, at %d", i);
		dns_answer_unref(answer);
	}
	cache_holds(cache, &entries, &octets);
	ck_assert_msg(entries > 1200 && entries <= 1600, "%zu entries", entries);
	ck_assert_msg(octets > entries * 100 && octets < entries * 400, "%zu octets", octets);
	resolver_free(cache);

	options = (struct cache_options){ CACHE_ENTRIES_MAX, 160000, clock_now_us };
	below = told_new();
	cache = cache_resolver_new(&below->resolver, &options);
	tell(below, DNS_FOUND, 60, "192.0.2.1");
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "%d.example", i);
		expect_answer(name, cache, name, DNS_A, "found 192.0.2.1");
	}
	cache_holds(cache, &entries, &octets);
	ck_assert_msg(octets > 100000 && octets <= 160000, "%zu octets", octets);
	resolver_free(cache);
}
END_TEST

/* A question that was open for long makes nobody wait; its late answer is kept. */
START_TEST(test_cache_slow)
{
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &with_clock);
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, cache, clock_now_us() + SECOND / 20);

	clock_us = 1000 * (int64_t)SECOND;
	tell(below, DNS_FOUND, 60, "192.0.2.1");
	below->hold = true;
	dns_view_get(view, SLICE("a.example"), DNS_A);
	ck_assert(dns_view_wait(view));
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_TEMPFAIL);
	dns_view_free(view);
	ck_assert_msg(below->deadline_us > in_seconds(8), "asked with the first asker's deadline");

	clock_us += CACHE_SLOW_US;
	expect_answer("open for long", cache, "a.example", DNS_A, "tempfail");
	told_release(below);
	expect_answer("after a late answer", cache, "a.example", DNS_A, "found 192.0.2.1");
	ck_assert_uint_eq(below->asked, 1);
	resolver_free(cache);
	arena_free(arena);
}
END_TEST

START_TEST(test_cache_end)
{
	struct told *below = told_new();
	struct resolver *cache = cache_resolver_new(&below->resolver, &cache_defaults);
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, cache, clock_now_us() + SECOND / 20);

	tell(below, DNS_TEMPFAIL, 0, NULL);
	below->hold = true;
	dns_view_get(view, SLICE("a.example"), DNS_A);
	ck_assert(dns_view_wait(view));
	resolver_free(cache);
	ck_assert_int_eq(dns_view_get(view, SLICE("a.example"), DNS_A)->status, DNS_TEMPFAIL);
	dns_view_free(view);
	arena_free(arena);
}
END_TEST

/* ---- the cache under threads ---------------------------------------------------- */

struct crowd {
	struct resolver *cache;
	int names;
	atomic_int wrong;
};

static void *ask_much(void *context)
{
	struct crowd *crowd = context;
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, crowd->cache, in_seconds(20));
	char name[30];

	for (int i = 0; i < crowd->names; i++) {
		snprintf(name, sizeof name, "%d.example", i);
		dns_view_get(view, slice_of(name), DNS_A);
	}
	dns_view_wait(view);
	for (int i = 0; i < crowd->names; i++) {
		const struct dns_answer *answer;

		snprintf(name, sizeof name, "%d.example", i);
		answer = dns_view_get(view, slice_of(name), DNS_A);
		if (answer == NULL || answer->status != DNS_FOUND)
			crowd->wrong++;
	}
	dns_view_free(view);
	arena_free(arena);
	return NULL;
}

/* Sixteen ask the same at once: one question below, an answer for each. */
START_TEST(test_single_flight)
{
	struct told *below = told_new();
	struct crowd crowd = { cache_resolver_new(&below->resolver, &cache_defaults), 20, 0 };
	pthread_t threads[THREADS], releaser;

	tell(below, DNS_FOUND, 60, "192.0.2.1");
	below->hold = true;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, ask_much, &crowd);
	pthread_create(&releaser, NULL, release_often, below);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	below->over = true;
	pthread_join(releaser, NULL);
	ck_assert_int_eq(crowd.wrong, 0);
	ck_assert_uint_eq(below->asked, 20);
	resolver_free(crowd.cache);
}
END_TEST

/* A cache too small for what is asked: entries come and go under many threads. */
START_TEST(test_churn)
{
	struct cache_options options = { 160, CACHE_OCTETS_MAX, clock_now_us };
	struct told *below = told_new();
	struct crowd crowd = { cache_resolver_new(&below->resolver, &options), 450, 0 };
	pthread_t threads[THREADS];
	size_t entries, octets;

	tell(below, DNS_FOUND, 60, "192.0.2.1");
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, ask_much, &crowd);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(crowd.wrong, 0);
	cache_holds(crowd.cache, &entries, &octets);
	ck_assert_uint_le(entries, 160);
	resolver_free(crowd.cache);
}
END_TEST

/* ---- data from name servers ----------------------------------------------------- */

#define WIRE(literal) literal, sizeof(literal) - 1

static const struct {
	const char *label;
	enum dns_type type;
	const char *data;
	size_t len;
	const char *wanted; /* NULL: malformed */
} wire_rows[] = {
	{ "A", DNS_A, WIRE("\300\000\002\001"), " 192.0.2.1" },
	{ "A too short", DNS_A, WIRE("\300\000\002"), NULL },
	{ "A too long", DNS_A, WIRE("\300\000\002\001\001"), NULL },
	{ "AAAA", DNS_AAAA, WIRE("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), " 2001:db8::1" },
	{ "AAAA too short", DNS_AAAA, WIRE("\x20\x01\x0d\xb8"), NULL },
	{ "TXT", DNS_TXT, WIRE("\3abc\2\0d\0\1e"), " abc\\x00de" },
	{ "TXT, empty string", DNS_TXT, WIRE("\0"), " (empty)" },
	{ "TXT, no string", DNS_TXT, WIRE(""), NULL },
	{ "TXT, cut", DNS_TXT, WIRE("\3abc\2d"), NULL },
	{ "MX", DNS_MX, WIRE("\1\2\4MAIL\1X\0"), " 258 mail.x" },
	{ "null MX", DNS_MX, WIRE("\0\0\0"), " 0 (empty)" },
	{ "MX, no name", DNS_MX, WIRE("\0\1"), NULL },
	{ "PTR", DNS_PTR, WIRE("\1a\1b\0"), " a.b" },
	{ "a dot in a label", DNS_PTR, WIRE("\3a.b\1c\0"), " a\\046b.c" },
	{ "a NUL in a label", DNS_PTR, WIRE("\3a\0b\1c\0"), " a\\x00b.c" },
	{ "no root at the end", DNS_NS, WIRE("\1a\1b"), NULL },
	{ "a label cut", DNS_NS, WIRE("\1a\4b"), NULL },
	{ "compression", DNS_CNAME, WIRE("\1a\300\014"), NULL },
	{ "nothing", DNS_CNAME, WIRE(""), NULL },
	{ "SOA", DNS_SOA, WIRE("\2ns\1x\0\1h\1x\0\0\0\0\1"), " ns.x" },
};

START_TEST(test_wire)
{
	struct arena *arena = arena_new();
	struct slice data = exact(wire_rows[_i].data, wire_rows[_i].len);
	struct dns_record record;
	struct buf shown;

	buf_init(&shown, 1000);
	if (wire_record(arena, wire_rows[_i].type, data, &record)) {
		ck_assert_msg(wire_rows[_i].wanted != NULL, "%s: read", wire_rows[_i].label);
		show_record(&shown, wire_rows[_i].type, &record);
		expect_slice(
		    wire_rows[_i].label, "the record", buf_slice(&shown), wire_rows[_i].wanted);
	} else {
		ck_assert_msg(wire_rows[_i].wanted == NULL, "%s: not read", wire_rows[_i].label);
	}
	buf_free(&shown);
	exact_free(data);
	arena_free(arena);
}
END_TEST

/* The longest names: 255 octets of wire are 253 of text; dots inside make it longer. */
START_TEST(test_wire_long)
{
	struct arena *arena = arena_new();
	struct dns_record record;
	char data[256], text[WIRE_NAME_TEXT_SIZE];
	size_t len = 0;

	for (int i = 0; i < 127; i++) {
		data[len++] = 1;
		data[len++] = 'a';
	}
	data[len++] = 0;
	ck_assert(wire_record(arena, DNS_NS, (struct slice){ data, len }, &record));
	ck_assert_uint_eq(record.data.len, DNS_NAME_MAX);
	memset(data, '!', sizeof data);
	wire_name_text((struct slice){ data, DNS_NAME_MAX }, text);
	ck_assert_uint_eq(strlen(text), 4 * DNS_NAME_MAX + 1);
	memset(data, '.', sizeof data);
	data[0] = data[64] = data[128] = 63;
	data[192] = 0;
	ck_assert(!wire_record(arena, DNS_NS, (struct slice){ data, 193 }, &record));
	memset(data, 'a', sizeof data);
	data[0] = 64;
	data[65] = 0;
	ck_assert(!wire_record(arena, DNS_NS, (struct slice){ data, 66 }, &record));
	data[0] = 63;
	data[64] = 0;
	ck_assert(wire_record(arena, DNS_NS, (struct slice){ data, 65 }, &record));
	wire_name_text(SLICE("a b.c_d-\\.\377"), text);
	ck_assert_str_eq(text, "a\\032b.c_d-\\092.\\255.");
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("dns");
	TCase *c = tcase_create("dns");

	tcase_add_loop_test(c, test_records, 0, ROWS(record_rows));
	tcase_add_test(c, test_records_many);
	tcase_add_test(c, test_records_ceiling);
	tcase_add_loop_test(c, test_errors, 0, ROWS(error_rows));
	tcase_add_test(c, test_word_too_long);
	tcase_add_test(c, test_load);
	tcase_add_loop_test(c, test_overlay, 0, ROWS(overlay_rows));
	tcase_add_test(c, test_overlay_known);
	tcase_add_test(c, test_view_asks_once);
	tcase_add_test(c, test_view_ceiling);
	tcase_add_test(c, test_view_without_resolver);
	tcase_add_test(c, test_view_deadline);
	tcase_add_test(c, test_view_waits);
	tcase_add_test(c, test_view_start);
	tcase_add_test(c, test_view_moves_deadline);
	tcase_add_test(c, test_view_gate);
	tcase_add_loop_test(c, test_cache_ttl, 0, ROWS(ttl_rows));
	tcase_add_test(c, test_cache_keys);
	tcase_add_test(c, test_cache_ceilings);
	tcase_add_test(c, test_cache_slow);
	tcase_add_test(c, test_cache_end);
	tcase_add_test(c, test_single_flight);
	tcase_add_test(c, test_churn);
	tcase_add_loop_test(c, test_wire, 0, ROWS(wire_rows));
	tcase_add_test(c, test_wire_long);
	suite_add_tcase(suite, c);
	return suite;
}
