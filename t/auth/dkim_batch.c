/*
 * dkim_batch.c - verifies the DKIM signatures of message files: one line for
 * each signature, in the order of their fields, with tabs between: file, number
 * of the field from 0, result, domain, reason.
 *
 *	dkim-batch SECONDS RECORDS MESSAGE...
 *
 * SECONDS is the time of judgement since the epoch, RECORDS a records file with
 * the keys (dns/records.h).  The other side of dkim_differential.py.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/dkim.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "dns/records.h"
#include "message/file.h"

enum { LINE_OCTETS_MAX = 10000, PATIENCE_US = 30 * 1000 * 1000 };

/* What all messages have in common, and the one at hand. */
struct batch {
	struct verifier_library *verifiers;
	struct resolver *keys;
	int64_t now;
	struct message *message;
	struct dns_view *view;
	struct verifier *verifier;
};

static bool all_matter(void *context, struct slice domain)
{
	(void)context;
	(void)domain;
	return true;
}

static void before_body(void *context)
{
	struct batch *b = context;

	message_end_header(b->message);
	b->verifier = verifier_new(b->verifiers, b->message, b->view, b->now, all_matter, NULL);
}

static void take_body(void *context, const char *data, size_t len)
{
	const struct batch *b = context;

	verifier_body(b->verifier, (struct slice){ data, len });
}

static void print_signatures(const struct batch *b, const char *path)
{
	size_t count;
	const struct signature *signatures = verifier_signatures(b->verifier, &count);

	for (size_t i = 0; i < count; i++) {
		const struct signature *s = &signatures[i];
		struct buf line;

		buf_init(&line, LINE_OCTETS_MAX);
		buf_printf(
		    &line, "%s\t%zu\t%s\t", path, s->field, signature_result_name(s->result));
		utf8_escape(&line, s->domain);
		buf_add_char(&line, '\t');
		utf8_escape(&line, s->reason);
		puts(buf_text(&line));
		buf_free(&line);
	}
}

/* False, with errno set, if the file cannot be read. */
static bool judge(struct batch *b, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct message_reader *reader;
	enum reader_result result;
	struct arena *arena;

	if (file == NULL)
		return false;
	arena = arena_new();
	reader = message_reader_new(file, false);
	b->message = message_new(arena);
	b->view = dns_view_new(arena, b->keys, clock_now_us() + PATIENCE_US);
	result = message_read(reader, b->message, before_body, take_body, b);
	while (!verifier_finish(b->verifier) && dns_view_wait(b->view))
		;
	print_signatures(b, path);
	verifier_free(b->verifier);
	dns_view_free(b->view);
	message_reader_free(reader);
	arena_free(arena);
	fclose(file);
	return result == READER_MESSAGE;
}

int main(int argc, char **argv)
{
	struct batch b = { 0 };
	struct buf errors;
	int status = EXIT_SUCCESS;

	if (argc < 3) {
		fputs("usage: dkim-batch SECONDS RECORDS MESSAGE...\n", stderr);
		return EXIT_FAILURE;
	}
	buf_init(&errors, 1000);
	b.now = strtoimax(argv[1], NULL, 10);
	b.verifiers = verifier_library_new();
	b.keys = records_resolver_load(argv[2], NULL, &errors);
	if (b.keys == NULL || b.verifiers == NULL) {
		fprintf(stderr, "dkim-batch: %s\n",
		    b.keys == NULL ? buf_text(&errors) : "libopendkim cannot be set up");
		return EXIT_FAILURE;
	}
	for (int i = 3; i < argc; i++)
		if (!judge(&b, argv[i])) {
			fprintf(stderr, "dkim-batch: %s: %s\n", argv[i], strerror(errno));
			status = EXIT_FAILURE;
		}
	verifier_library_free(b.verifiers);
	resolver_free(b.keys);
	buf_free(&errors);
	return status;
}
