/*
 * file_text.c - the text of a `file` store, a line an address, a pattern or a domain.
 *
 * A value is a letter for the type, then items, each behind a line end: ">" and a target,
 * "=" and a login, "=" alone for "nobody".  Patterns of a domain stand one behind the other:
 * pattern, TAB, value, NUL.
 */
#include "store/file_text.h"

#include <stdlib.h>
#include <string.h>

#include "store/address.h"
#include "syntax/domain.h"

static const struct {
	const char *word;
	char letter;
	enum store_entry entry;
	bool of_domain;
} types[] = {
	{ "mailbox", 'm', ENTRY_MAILBOX, false },
	{ "alias", 'a', ENTRY_ALIAS, false },
	{ "forward-only", 'f', ENTRY_FORWARD, false },
	{ "list", 'l', ENTRY_LIST, false },
	{ "catch-all", 'c', ENTRY_CATCH_ALL, false },
	{ "domain", 'd', ENTRY_DOMAIN, true },
	{ "alias-domain", 'D', ENTRY_ALIAS_DOMAIN, true },
};

enum { TYPES = sizeof types / sizeof types[0] };

/* ---- values --------------------------------------------------------------------- */

void file_text_reply(struct slice value, struct store_reply *reply)
{
	for (size_t i = 0; i < TYPES; i++)
		if (value.len > 0 && types[i].letter == value.data[0])
			store_reply_entry(reply, types[i].entry);
	for (size_t at = slice_find(value, '\n'); at < value.len;) {
		struct slice rest = slice_part(value, at + 1, value.len);
		struct slice item = slice_part(rest, 0, slice_find(rest, '\n'));
		struct slice text = slice_part(item, 1, item.len);

		if (item.len > 0 && item.data[0] == '>')
			store_reply_target(reply, text);
		else
			store_reply_has_logins(reply);
		if (item.len > 1 && item.data[0] == '=')
			store_reply_login(reply, text);
		at += item.len + 1;
	}
}

struct slice file_text_match(struct slice patterns, struct slice local_part)
{
	for (size_t at = 0; at < patterns.len;) {
		struct slice rest = slice_part(patterns, at, patterns.len);
		struct slice item = slice_part(rest, 0, slice_find(rest, '\0'));
		size_t tab = slice_find(item, '\t');

		if (slice_match(slice_part(item, 0, tab), local_part))
			return slice_part(item, tab + 1, item.len);
		at += item.len + 1;
	}
	return (struct slice){ 0 };
}

/* ---- lines ---------------------------------------------------------------------- */

/* The patterns of one domain, until all lines are read. */
struct pattern_group {
	struct slice key; /* "@@domain" */
	struct buf value;
};

struct reader {
	struct address_rules rules;
	struct arena *arena, *line_arena;
	file_sink *sink;
	void *context;
	struct buf *why, value;
	size_t line;
	struct pattern_group *groups;
	size_t group_count, pattern_count;
	char last_domain[DOMAIN_MAX + 1]; /* so that a block of one domain notes it once */
	size_t last_domain_len;
};

static bool fault(struct reader *r, const char *what)
{
	buf_printf(r->why, "line %zu: %s", r->line, what);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == ',';
}

/* The next word, quotes respected; empty at the end or before a comment. */
static struct slice next_word(struct slice line, size_t *at)
{
	bool quoted = false;
	size_t begin;

	while (*at < line.len && is_blank(line.data[*at]))
		++*at;
	begin = *at;
	if (begin < line.len && line.data[begin] == '#')
		*at = line.len;
	else
		for (; *at < line.len && (quoted || !is_blank(line.data[*at])); ++*at) {
			if (line.data[*at] == '"')
				quoted = !quoted;
			else if (line.data[*at] == '\\' && *at + 1 < line.len)
				++*at;
		}
	return slice_part(line, begin, begin < line.len && line.data[begin] == '#' ? begin : *at);
}

/* The type that the word names, or TYPES. */
static size_t type_of(struct slice word)
{
	size_t i = 0;

	while (i < TYPES && !slice_equal_nocase(word, slice_of(types[i].word)))
		i++;
	return i;
}

static void add_item(struct reader *r, char kind, struct slice text)
{
	buf_add_char(&r->value, '\n');
	buf_add_char(&r->value, kind);
	buf_add_slice(&r->value, text);
}

/* login=a,b,c: the commas part words, so the rest of the list are words too. */
static bool is_login(struct slice word)
{
	return slice_starts_nocase(word, SLICE("login="));
}

/*
 * What stands behind the first word: type, targets, logins.  usual is the type of a line that
 * names none.
 */
static bool read_rest(struct reader *r, struct slice line, size_t at, char usual, bool of_domain)
{
	struct slice word = next_word(line, &at);
	size_t type = type_of(word), targets = 0;
	bool logins = false;

	buf_reset(&r->value);
	buf_add_char(&r->value, type < TYPES ? types[type].letter : usual);
	if (type < TYPES)
		word = next_word(line, &at);
	for (; word.len > 0; word = next_word(line, &at)) {
		if (is_login(word)) {
			logins = true;
			add_item(r, '=', slice_part(word, 6, word.len));
		} else if (logins) {
			add_item(r, '=', word);
		} else {
			targets++;
			add_item(r, '>', word);
		}
	}
	if (type == TYPES && targets > 0 && usual == 'm')
		r->value.data[0] = 'a';
	if (r->value.truncated)
		return fault(r, "the line is too long");
	if ((type < TYPES ? types[type].of_domain : of_domain) != of_domain)
		return fault(r, of_domain ? "a domain can be of type domain or alias-domain"
					  : "an address cannot be of that type");
	if (r->value.data[0] == 'D' && targets != 1)
		return fault(r, "an alias domain has one target");
	if (r->value.data[0] == 'a' && targets == 0)
		return fault(r, "an alias has targets");
	return true;
}

static bool give(struct reader *r, struct slice key, bool weak)
{
	return r->sink(r->context, key, buf_slice(&r->value), weak) ||
	       fault(r, "it cannot be kept: the table is full");
}

/* The domain of an address is served here. */
static bool give_domain(struct reader *r, struct slice domain)
{
	if (domain.len == r->last_domain_len &&
	    memcmp(domain.data, r->last_domain, domain.len) == 0)
		return true;
	memcpy(r->last_domain, domain.data, domain.len);
	r->last_domain_len = domain.len;
	buf_reset(&r->value);
	buf_add_char(&r->value, 'd');
	return give(r, domain, true);
}

static struct pattern_group *group_of(struct reader *r, struct slice key)
{
	for (size_t i = 0; i < r->group_count; i++)
		if (slice_equal(r->groups[i].key, key))
			return &r->groups[i];
	r->groups = must_realloc(r->groups, (r->group_count + 1) * sizeof *r->groups);
	r->groups[r->group_count].key = arena_copy(r->arena, key);
	buf_init(&r->groups[r->group_count].value, (size_t)FILE_PATTERNS_MAX * STORE_KEY_MAX);
	return &r->groups[r->group_count++];
}

static bool give_pattern(struct reader *r, struct slice local_part, struct slice domain)
{
	struct pattern_group *g;

	if (++r->pattern_count > FILE_PATTERNS_MAX)
		return fault(r, "too many patterns");
	g = group_of(r, arena_printf(r->line_arena, "@@%.*s", SLICE_ARG(domain)));
	buf_add_slice(&g->value, local_part);
	buf_add_char(&g->value, '\t');
	buf_add_slice(&g->value, buf_slice(&r->value));
	buf_add_char(&g->value, '\0');
	return true;
}

static bool read_address(struct reader *r, struct slice word, struct slice line, size_t at)
{
	bool everything = slice_starts_nocase(word, SLICE("*@"));
	struct address a;
	bool good;

	if (!address_read(r->line_arena, &r->rules,
		everything ? slice_part(word, 1, word.len) : word, true, &a))
		return fault(r, "that is no address");
	if (!read_rest(r, line, at, a.local_part.len == 0 ? 'c' : 'm', false))
		return false;
	if (word.data[0] != '"' && slice_find(a.local_part, '*') < a.local_part.len)
		good = give_pattern(r, a.local_part, a.domain);
	else
		good = give(r, a.key, false);
	return good && give_domain(r, a.domain);
}

static bool read_domain(struct reader *r, struct slice word, struct slice line, size_t at)
{
	bool below = slice_starts_nocase(word, SLICE("*."));
	struct slice name;

	if (!domain_to_ascii(r->line_arena, below ? slice_part(word, 2, word.len) : word, &name))
		return fault(r, "that is neither an address nor a domain");
	if (below)
		name = arena_printf(r->line_arena, "*.%.*s", SLICE_ARG(name));
	return read_rest(r, line, at, 'd', true) && give(r, name, false);
}

static bool read_line(struct reader *r, struct slice line)
{
	size_t at = 0;
	struct slice word = next_word(line, &at);

	if (word.len == 0)
		return true;
	if (line.len > FILE_LINE_MAX)
		return fault(r, "the line is too long");
	if (slice_find(line, '\0') < line.len)
		return fault(r, "there is a NUL in it");
	return slice_find(word, '@') < word.len ? read_address(r, word, line, at)
						: read_domain(r, word, line, at);
}

static bool read_lines(struct reader *r, struct slice text)
{
	bool good = true;

	for (size_t at = 0; good && at < text.len;) {
		const char *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end == NULL ? text.len - at : (size_t)(end - text.data) - at;

		r->line++;
		good = read_line(r, slice_part(text, at, at + len));
		arena_reset(r->line_arena);
		at += len + 1;
	}
	for (size_t i = 0; i < r->group_count; i++) {
		good = good &&
		       r->sink(r->context, r->groups[i].key, buf_slice(&r->groups[i].value), false);
		buf_free(&r->groups[i].value);
	}
	return good;
}

bool file_text_read(
    struct slice text, bool case_sensitive, file_sink *sink, void *context, struct buf *why)
{
	struct reader r = { .rules = { .case_sensitive = case_sensitive },
		.arena = arena_new(),
		.line_arena = arena_new(),
		.sink = sink,
		.context = context,
		.why = why };
	bool good;

	buf_init(&r.value, 2 * FILE_LINE_MAX);
	good = read_lines(&r, text);
	buf_free(&r.value);
	free(r.groups);
	arena_free(r.arena);
	arena_free(r.line_arena);
	return good;
}
