/*
 * fuzz_dkim.c - DKIM signatures and keys: whatever a sender and the DNS say.
 *
 * The input is a message, an empty line between header and body; the body is
 * the key record as well.
 */
#include "fuzz.h"

#include "auth/dkim.h"
#include "base/clock.h"
#include "dns/answer.h"

enum { NOW = 1790000000 };

/* Answers every question with the same text. */
struct one {
	struct resolver resolver; /* first: see struct resolver */
	struct slice text;
};

static void one_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	static const struct dns_answer found = { .status = DNS_FOUND, .ttl = 60 };
	struct dns_record record = { .data = ((struct one *)r)->text };

	(void)question;
	(void)deadline_us;
	done(context, dns_answer_make(&found, &record, 1));
}

static bool wanted(void *context, struct slice domain)
{
	(void)context;
	return domain.len % 3 != 0;
}

/* The fields, folds included, up to an empty line; what is behind it. */
static struct slice read_header(struct message *m, struct slice text)
{
	size_t begin = 0;

	while (begin < text.len && text.data[begin] != '\n') {
		struct slice field = slice_part(text, begin, text.len);
		size_t end = slice_find(field, '\n'), colon;

		while (end + 1 < field.len &&
		       (field.data[end + 1] == ' ' || field.data[end + 1] == '\t'))
			end = end + 1 + slice_find(slice_part(field, end + 1, field.len), '\n');
		field = slice_part(field, 0, end);
		colon = slice_find(field, ':');
		message_add_field(
		    m, slice_part(field, 0, colon), slice_part(field, colon + 1, field.len));
		begin += field.len + 1;
	}
	return slice_part(text, begin + 1, text.len);
}

static void check_signature(const struct signature *s)
{
	MUST((s->result == SIGNATURE_PASS) == (s->fault == SIGNATURE_GOOD));
	MUST((s->result == SIGNATURE_PASS) == (s->reason.data == NULL));
	MUST(s->result != SIGNATURE_PASS || (s->signs_from && s->bits > 0 && s->domain.len > 0));
	for (size_t i = 0; i < s->domain.len; i++)
		MUST(s->domain.data[i] > ' ' && s->domain.data[i] < 0x7f);
	for (size_t i = 0; i < s->reason.len; i++)
		MUST(s->reason.data[i] >= ' ' && s->reason.data[i] < 0x7f);
}

static void check_message(struct verifier_library *library, struct slice text)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct slice body = read_header(m, text);
	struct one one = { .text = body };
	static const struct resolver_class class = { .ask = one_ask };
	const struct signature *signatures;
	struct dns_view *view;
	struct verifier *v;
	size_t count;

	one.resolver.class = &class;
	view = dns_view_new(arena, &one.resolver, clock_now_us() + 60000000);
	message_end_header(m);
	v = verifier_new(library, m, view, NOW, wanted, NULL);
	verifier_body(v, slice_part(body, 0, body.len / 2));
	verifier_body(v, slice_part(body, body.len / 2, body.len));
	while (!verifier_finish(v))
		MUST(dns_view_wait(view));
	signatures = verifier_signatures(v, &count);
	MUST(count <= SIGNATURES_KEPT && count <= verifier_signature_total(v));
	for (size_t i = 0; i < count; i++)
		check_signature(&signatures[i]);
	verifier_free(v);
	dns_view_free(view);
	arena_free(arena);
}

static void check_tags(struct slice text)
{
	struct arena *arena = arena_new();
	struct tag_list list;

	tag_list_read(text, &list);
	MUST(list.count <= TAGS_MAX);
	for (size_t i = 0; i < list.count; i++) {
		struct slice name = arena_copy(arena, list.tags[i].name);

		MUST(slice_equal(tag_list_find(&list, name.data), list.tags[i].value));
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verifier_library *library;
	struct slice text = { (const char *)data, size };

	if (library == NULL)
		library = verifier_library_new();
	MUST(library != NULL);
	check_tags(text);
	check_message(library, text);
	return 0;
}
