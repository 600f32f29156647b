/*
 * own_domains.c - the default of own_domains: what Postfix itself calls its own.
 *
 * postconf is run by its full path with nothing on its standard input; what it
 * says and how long it takes is bounded.  Of the values, plain names and the
 * plain lines of "/file" patterns are taken.  Maps are not read: a store may
 * hold what no domain list should, and reading them is the directory's part.
 */
#include "policy/own_domains.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/run.h"

/* ---- asking ---------------------------------------------------------------- */

bool own_domains_ask(const char *program, int seconds, struct buf *output)
{
	const char *const argv[] = { program, "-hx", "mydestination", "virtual_alias_domains",
		"virtual_mailbox_domains", NULL };
	struct run run = run_program(argv, seconds * SECOND_US, output, NULL);

	return run.end == RUN_EXITED && run.status == 0;
}

/* ---- reading --------------------------------------------------------------- */

static bool is_separator(char c)
{
	return is_fws(c) || c == ',';
}

/* The next word of a list as Postfix writes it, empty at the end. */
static struct slice next_word(struct slice text, size_t *at)
{
	size_t begin;

	while (*at < text.len && is_separator(text.data[*at]))
		++*at;
	begin = *at;
	while (*at < text.len && !is_separator(text.data[*at]))
		++*at;
	return slice_part(text, begin, *at);
}

static void not_read(struct slice word, const char *why, struct buf *notes)
{
	buf_printf(
	    notes, "own_domains: \"%.*s\" of Postfix is not read: %s\n", SLICE_ARG(word), why);
}

static void add_name(struct slice word, struct string_list *domains, struct buf *notes)
{
	struct arena *arena = arena_new();
	struct slice name;
	const char *why = NULL;

	if (slice_starts_nocase(word, SLICE("!")))
		not_read(word, "an exclusion", notes);
	else if (slice_starts_nocase(word, SLICE("[")))
		; /* an address literal: no mail is sent in its name */
	else if (slice_find(word, ':') < word.len)
		not_read(word, "a map", notes);
	else if (domains->count >= CONFIG_ITEMS_MAX)
		not_read(word, "too many domains", notes);
	else if (!domain_pattern_prepare(arena, word, &name, &why))
		not_read(word, why, notes);
	else if (!string_list_has(domains, name))
		string_list_add(domains, name);
	arena_free(arena);
}

static void read_words(struct slice text, struct string_list *domains, struct buf *notes)
{
	size_t at = 0;

	for (struct slice word; (word = next_word(text, &at)).len > 0;)
		add_name(word, domains, notes);
}

/* The names in a file that a list of Postfix names; "#" begins a comment. */
static void read_names(const char *path, struct string_list *domains, struct buf *notes)
{
	struct buf content;
	int error;

	buf_init(&content, OWN_DOMAINS_OCTETS_MAX);
	error = file_read_any(path, false, &content);
	if (error != 0)
		not_read(
		    slice_of(path), error == EFBIG ? "longer than 1 MB" : strerror(error), notes);
	else
		for (size_t at = 0; at < content.len;) {
			struct slice rest = slice_part(buf_slice(&content), at, content.len);
			struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));

			read_words(slice_part(line, 0, slice_find(line, '#')), domains, notes);
			at += line.len + 1;
		}
	buf_free(&content);
}

void own_domains_read(struct slice output, struct string_list *domains, struct buf *notes)
{
	struct arena *arena = arena_new();
	size_t at = 0;

	for (struct slice word; (word = next_word(output, &at)).len > 0;) {
		if (word.data[0] == '/')
			read_names(arena_copy(arena, word).data, domains, notes);
		else
			add_name(word, domains, notes);
	}
	arena_free(arena);
}

void own_domains_default(struct config *config, struct buf *notes)
{
	static const char *const places[] = { "/usr/sbin/postconf", "/usr/local/sbin/postconf",
		"/sbin/postconf", "/opt/postfix/sbin/postconf" };

	if (config->own_domains_set)
		return;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct buf output;

		if (access(places[i], X_OK) != 0)
			continue;
		buf_init(&output, OWN_DOMAINS_OCTETS_MAX);
		if (own_domains_ask(places[i], OWN_DOMAINS_SECONDS, &output))
			own_domains_read(buf_slice(&output), &config->own_domains, notes);
		else
			buf_printf(notes, "own_domains: %s gave no answer\n", places[i]);
		buf_free(&output);
		return;
	}
}
