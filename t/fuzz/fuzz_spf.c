/*
 * fuzz_spf.c - any octets as SPF records: parsed, and evaluated over fixed hosts.
 *
 * Lines of the input are the records of f.example, g.example and the text that
 * exp= finds at x.example.  The result is the same whether answers are known at
 * once or have to be waited for, and it is there after a bounded number of waits.
 */
#include "fuzz.h"

#include <string.h>

#include "auth/spf.h"
#include "auth/spf_record.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "dns/answer.h"
#include "dns/records.h"

static const char hosts[] =
    "h.example. A 192.0.2.1\nh.example. AAAA 2001:db8::1\nh.example. MX 1 h.example.\n"
    "h.example. MX 0 .\nm.example. MX 1 h.example.\nm.example. MX 2 f.example.\n"
    "c.example. CNAME h.example.\nloop.example. CNAME loop.example.\n"
    "1.2.0.192.in-addr.arpa. PTR h.example.\n1.2.0.192.in-addr.arpa. PTR c.example.\n"
    ";; TIMEOUT slow.example.\n";

/* Three TXT records from the input, all else from the hosts above. */
struct input {
	struct resolver resolver;
	struct resolver *hosts;
	struct slice lines[3];
};

static const char *const owners[] = { "f.example", "g.example", "x.example" };

static struct dns_answer *input_known(struct resolver *r, const struct dns_question *question)
{
	struct input *input = (struct input *)r;

	for (size_t i = 0; i < 3 && question->type == DNS_TXT; i++) {
		struct dns_answer facts = { .status = DNS_FOUND };
		struct dns_record record = { .data = input->lines[i] };

		if (slice_equal(question->name, slice_of(owners[i])))
			return dns_answer_make(&facts, &record, 1);
	}
	return resolver_known(input->hosts, question);
}

static void input_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	(void)deadline_us;
	done(context, input_known(r, question));
}

static struct spf_outcome evaluate(
    struct arena *arena, struct resolver *r, const struct spf_query *query)
{
	struct dns_view *view = dns_view_new(arena, r, INT64_MAX);
	struct spf_outcome outcome = spf_evaluate(arena, view, query);

	/* a wait for each level of a chain, its hosts, and what %{p} needs */
	for (int waits = 0; outcome.result == SPF_PENDING; waits++) {
		MUST(waits < 50);
		MUST(dns_view_wait(view));
		outcome = spf_evaluate(arena, view, query);
	}
	dns_view_free(view);
	return outcome;
}

static void check_outcome(const struct spf_outcome *o, struct slice record)
{
	bool error = o->result == SPF_PERMERROR || o->result == SPF_TEMPERROR;

	MUST(o->lookups <= SPF_LOOKUPS_MAX + 1);
	MUST(o->voids <= SPF_VOIDS_MAX + 1);
	MUST((o->problem.data != NULL) == error);
	MUST(utf8_first_invalid(o->problem) == o->problem.len);
	MUST(o->explanation.len == 0 || o->result == SPF_FAIL);
	MUST(o->record_offset == SIZE_MAX || o->record_offset < record.len);
	if (o->record_offset != SIZE_MAX)
		MUST(o->result == SPF_PERMERROR);
}

static void check_record(struct arena *arena, struct slice record, const struct spf_outcome *o)
{
	size_t offset;
	struct slice problem = spf_record_problem(arena, record, &offset);

	MUST(offset <= record.len);
	if (!spf_is_record(record))
		MUST(o->result == SPF_NONE);
	else if (problem.data != NULL)
		MUST(o->result == SPF_PERMERROR && o->record_offset == offset);
	else
		MUST(o->record_offset == SIZE_MAX && o->result != SPF_NONE);
}

static void check_query(struct input *input, const struct spf_query *query)
{
	static const struct resolver_class at_once = { input_ask, input_known, NULL };
	static const struct resolver_class waited_for = { input_ask, NULL, NULL };
	struct arena *arena = arena_new();
	struct spf_outcome a, b;

	input->resolver.class = &at_once;
	a = evaluate(arena, &input->resolver, query);
	input->resolver.class = &waited_for;
	b = evaluate(arena, &input->resolver, query);
	MUST(a.result == b.result && a.lookups == b.lookups && a.voids == b.voids);
	MUST(slice_equal(a.mechanism, b.mechanism) && slice_equal(a.problem, b.problem));
	MUST(slice_equal(a.explanation, b.explanation));
	check_outcome(&a, input->lines[0]);
	check_record(arena, input->lines[0], &a);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spf_query query = { .mail_from = SLICE("a.b-c@f.example"),
		.helo = SLICE("h.example") };
	struct slice rest = { (const char *)data, size };
	struct input input = { 0 };
	struct buf errors;

	buf_init(&errors, 1000);
	input.hosts = records_resolver_parse("hosts", SLICE(hosts), NULL, &errors);
	MUST(input.hosts != NULL);
	for (size_t i = 0; i < 3; i++) {
		size_t end = i == 2 ? rest.len : slice_find(rest, '\n');

		input.lines[i] = end == 0 ? SLICE("") : slice_part(rest, 0, end);
		rest = slice_part(rest, end + 1, rest.len);
	}
	MUST(ip_parse("192.0.2.1", &query.ip));
	check_query(&input, &query);
	MUST(ip_parse("2001:db8::2", &query.ip));
	check_query(&input, &query);
	resolver_free(input.hosts);
	buf_free(&errors);
	return 0;
}
