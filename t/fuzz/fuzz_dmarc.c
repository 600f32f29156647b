/*
 * fuzz_dmarc.c - DMARC records and evaluations: whatever the DNS says.
 *
 * The first line is the author domain, the second an identifier; of the lines
 * behind them each is a TXT text, published at the author domain and the names
 * above it in turn.  A line of one "!" is a question that fails.
 */
#include "fuzz.h"

#include <string.h>

#include "auth/dmarc.h"
#include "base/clock.h"
#include "dns/answer.h"

enum { TEXTS_MAX = 64 };

/* Answers by the number of labels in a name: the lines in turn. */
struct lines {
	struct resolver resolver; /* first: see struct resolver */
	struct slice texts[TEXTS_MAX];
	size_t count;
	size_t asked;
};

static struct slice next_line(struct slice *rest)
{
	struct slice line = slice_part(*rest, 0, slice_find(*rest, '\n'));

	*rest = slice_part(*rest, line.len + 1, rest->len);
	return line;
}

static struct dns_answer *answer_to(const struct lines *l, const struct dns_question *question)
{
	static const struct dns_answer found = { .status = DNS_FOUND, .ttl = 60 };
	struct dns_record records[TEXTS_MAX];
	size_t labels = 0, count = 0;

	if (question->type != DNS_TXT)
		return dns_answer_empty(question->name.len % 2 ? DNS_NXDOMAIN : DNS_NODATA, NULL);
	for (size_t i = 0; i < question->name.len; i++)
		labels += question->name.data[i] == '.';
	for (size_t i = labels % 8; i < l->count; i += 8) {
		if (slice_equal(l->texts[i], SLICE("!")))
			return dns_answer_empty(DNS_TEMPFAIL, "it said so");
		records[count++] = (struct dns_record){ .data = l->texts[i] };
	}
	return count == 0 ? dns_answer_empty(DNS_NXDOMAIN, NULL)
			  : dns_answer_make(&found, records, count);
}

static void lines_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct lines *l = (struct lines *)r;

	(void)deadline_us;
	l->asked++;
	done(context, answer_to(l, question));
}

static void check_record(struct slice text, enum dmarc_standard standard)
{
	struct dmarc_record r = auth_dmarc_record_parse(text, standard);

	MUST(r.p <= DMARC_REJECT && r.sp <= DMARC_REJECT && r.np <= DMARC_REJECT);
	MUST(r.psd == 'y' || r.psd == 'n' || r.psd == 'u');
	MUST(r.pct <= 100);
	MUST(r.is_dmarc || (!r.usable && !r.has_p && !r.has_rua));
	MUST(r.usable || r.p == DMARC_NONE);
	MUST(r.usable || r.problem.sentence != NULL);
	MUST(!r.usable || r.has_p || r.has_rua);
	MUST(r.has_sp || r.sp == r.p);
	MUST(r.has_np || r.np == r.sp);
	if (standard == DMARC_RFC7489)
		MUST(r.psd == 'u' && !r.testing && !r.has_np);
	else
		MUST(r.pct == 100);
	MUST(r.problem.offset <= text.len && r.problem.length <= text.len - r.problem.offset);
}

static void check_verdict(const struct dmarc_verdict *v, const struct dmarc_identifiers *ids)
{
	bool aligned = v->aligned_dkim || v->aligned_spf;

	MUST(v->result != DMARC_RESULT_PENDING);
	MUST(v->disposition <= v->policy);
	MUST(v->result == DMARC_RESULT_FAIL || v->disposition == DMARC_NONE);
	MUST(v->result != DMARC_RESULT_PASS || (aligned && v->parsed.usable));
	MUST(v->result != DMARC_RESULT_FAIL || (!aligned && v->parsed.usable));
	MUST(v->result != DMARC_RESULT_NONE || !v->parsed.usable);
	MUST(v->org.name.data == NULL || v->org.told);
	if (v->author.data == NULL)
		return;
	/* equal names are aligned under any record */
	if (slice_equal_nocase(ids->dkim[0].domain, v->author))
		MUST(v->aligned_dkim);
	MUST(v->result == DMARC_RESULT_NONE || v->result == DMARC_RESULT_TEMPERROR ||
	     v->record_domain.data != NULL);
}

static void check_evaluation(
    struct lines *l, struct slice author, struct slice identifier, enum dmarc_standard standard)
{
	struct arena *arena = arena_new();
	struct dns_view *view = dns_view_new(arena, &l->resolver, clock_now_us() + 60000000);
	struct dmarc_query q = { arena, view, NULL, standard, author };
	struct dmarc_identifier dkim = { .domain = identifier };
	struct dmarc_identifiers ids = { &dkim, 1, { identifier, true } };
	struct dmarc_verdict v;
	int rounds = 0;

	l->asked = 0;
	do {
		MUST(++rounds <= 3);
		v = auth_dmarc_evaluate(&q, &ids);
	} while (v.result == DMARC_RESULT_PENDING && dns_view_wait(view));
	check_verdict(&v, &ids);
	/* two walks and the existence of the author domain at most */
	MUST(l->asked <= 8 + 8 + 1);
	dns_view_free(view);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct resolver_class class = { .ask = lines_ask };
	struct lines l = { .resolver = { &class } };
	struct slice rest = { (const char *)data, size }, author = next_line(&rest),
		     identifier = next_line(&rest);

	while (rest.len > 0 && l.count < TEXTS_MAX)
		l.texts[l.count++] = next_line(&rest);
	for (int standard = 0; standard < DMARC_STANDARDS; standard++) {
		check_record(
		    (struct slice){ (const char *)data, size }, (enum dmarc_standard)standard);
		for (size_t i = 0; i < l.count; i++)
			check_record(l.texts[i], (enum dmarc_standard)standard);
		check_evaluation(&l, author, identifier, (enum dmarc_standard)standard);
	}
	return 0;
}
