/*
 * signer_ask.c - what the signer says, for tests in other languages.
 *
 *   signer-ask CONFIG    questions on standard input, an answer a line each
 *
 * A question is LOCAL-PART <tab> DOMAIN [<tab> PUBLISHED]; its answer
 * ANSWER <tab> REASON, then for each signature <tab> d= <tab> s= <tab> a= and,
 * with a published record, <tab> FIT <tab> BITS.  The question "*" lists all
 * signings of the tables.  An error of the configuration goes to standard error,
 * with exit status 1.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "signer/signer.h"

static const char *const answers[] = { "SIGNS", "SIGNS_NOT", "DEFERS", "UNKNOWN" };
static const char *const fits[] = { "FITS", "DIFFERS", "REVOKED", "UNUSABLE", "CANT_SIGN",
	"UNKNOWN" };

static struct slice next_field(struct slice *line)
{
	struct slice field = slice_part(*line, 0, slice_find(*line, '\t'));

	*line = slice_part(*line, field.len + 1, line->len);
	return field;
}

static void show(struct buf *out, struct slice text)
{
	buf_add_char(out, '\t');
	utf8_escape(out, text);
}

static void show_signing(struct buf *out, struct signer *signer, struct arena *arena,
    const struct signing *signing, struct slice published)
{
	struct key_fit_answer fit;
	struct slice reason;

	show(out, signing->domain);
	show(out, signing->selector);
	show(out, signing->algorithm);
	if (published.len == 0)
		return;
	fit = signer_key_fit(signer, arena, signing, published, &reason);
	buf_printf(out, "\t%s\t%u", fits[fit.fit], fit.bits);
}

static void list(struct buf *out, struct signer *signer, struct arena *arena)
{
	struct signer_listing listing;

	signer_list(signer, arena, &listing);
	buf_printf(out, "%zu", listing.templates);
	show(out, listing.reason);
	for (size_t i = 0; i < listing.count; i++)
		show_signing(out, signer, arena, &listing.list[i], (struct slice){ NULL, 0 });
}

static void answer(struct buf *out, struct signer *signer, struct arena *arena, struct slice line)
{
	struct slice local_part = next_field(&line), domain = next_field(&line);
	struct signings signings;
	enum signer_answer a = signer_signings(signer, arena, local_part, domain, &signings);

	buf_add_text(out, answers[a]);
	show(out, signings.reason);
	for (size_t i = 0; i < signings.count; i++)
		show_signing(out, signer, arena, &signings.list[i], line);
}

static void answer_all(struct buf *out, struct signer *signer, struct arena *arena)
{
	char line[10000];

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct slice text = slice_trim(slice_of(line));

		buf_reset(out);
		arena_reset(arena);
		if (slice_equal(text, SLICE("*")))
			list(out, signer, arena);
		else
			answer(out, signer, arena, text);
		puts(buf_text(out));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct signer *signer;
	struct buf out;

	buf_init(&out, 1000000);
	signer = argc == 2 ? signer_load(argv[1], &out) : NULL;
	if (signer == NULL)
		fputs(buf_text(&out), stderr);
	else
		answer_all(&out, signer, arena);
	signer_free(signer);
	buf_free(&out);
	arena_free(arena);
	return signer == NULL;
}
