/*
 * signer_table.c - a data set of OpenDKIM's.
 *
 * Lines are cut as opendkim-db.c cuts them: "#" begins a comment wherever it
 * stands, and white space is what isspace() says in the C locale.
 */
#include "signer/signer_table.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

/* ---- one line ----------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice signer_table_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_blank(s.data[0]))
		s = slice_part(s, 1, s.len);
	return s;
}

static size_t word_length(struct slice s)
{
	size_t n = 0;

	while (n < s.len && !is_blank(s.data[n]))
		n++;
	return n;
}

/* line = key [ 1*blank value ], what stands behind "#" cut off; false: no entry */
static bool read_line(struct slice line, enum table_kind kind, struct table_entry *entry)
{
	struct slice text = slice_part(line, 0, slice_find(line, '#'));
	size_t key;

	if (kind == TABLE_FILE)
		text = signer_table_trim(text);
	key = word_length(text);
	if (key == 0)
		return false;
	entry->key = slice_part(text, 0, key);
	/* a pattern with a blank behind it has a value, if an empty one */
	if (key < text.len)
		entry->value = signer_table_trim(slice_part(text, key, text.len));
	return true;
}

/*
 * OpenDKIM makes a regular expression of the pattern and escapes "." and "+"
 * alone; these have their meaning there.
 */
static bool is_expression(struct slice pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (pattern.data[i] == '\0' || strchr("[](){}?|^$\\", pattern.data[i]) != NULL)
			return true;
	return false;
}

/* The expression that OpenDKIM makes; it does not start when its buffer is too small for it. */
static bool make_expression(struct slice pattern, struct buf *out)
{
	buf_add_char(out, '^');
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.data[i];

		if (c == '*')
			buf_add_char(out, '.');
		else if (c == '+' || c == '.')
			buf_add_char(out, '\\');
		buf_add_char(out, c);
	}
	buf_add_char(out, '$');
	return !out->truncated;
}

/*
 * Whether it is an expression at all: if not, OpenDKIM does not start.  Those
 * with repetitions are not tried: they may need all memory there is.
 */
static bool compiles(struct slice pattern, const char *expression)
{
	regex_t compiled;

	if (slice_find(pattern, '{') < pattern.len ||
	    regcomp(&compiled, expression, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
		return false;
	regfree(&compiled);
	return true;
}

/* NULL, or what is wrong with the pattern. */
static const char *check_pattern(struct table_entry *entry)
{
	const char *why = NULL;
	struct buf expression;

	entry->unclear = is_expression(entry->key);
	buf_init(&expression, TABLE_LINE_MAX + 1);
	if (!make_expression(entry->key, &expression))
		why = "is too long for OpenDKIM";
	else if (entry->unclear && !compiles(entry->key, buf_text(&expression)))
		why = "is no regular expression, or one that Presend does not read";
	buf_free(&expression);
	return why;
}

/* ---- all of them -------------------------------------------------------------------- */

static void refuse(struct signer_table *table, struct slice why)
{
	table->why = why;
	table->count = 0;
}

static bool is_usable(const struct signer_table *table)
{
	return table->why.data == NULL;
}

static size_t count_of(struct slice text, char c)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.data[i] == c;
	return count;
}

static void make_room(struct arena *arena, struct signer_table *table, size_t entries)
{
	if (entries > TABLE_ENTRIES_MAX)
		entries = TABLE_ENTRIES_MAX;
	table->entries = arena_alloc(arena, (entries + 1) * sizeof *table->entries);
}

static void add(struct signer_table *table, struct table_entry entry)
{
	if (table->count == TABLE_ENTRIES_MAX) {
		refuse(table, SLICE("it has over 50,000 entries"));
		return;
	}
	table->entries[table->count++] = entry;
}

static void read_lines(struct arena *arena, struct signer_table *table, struct slice text)
{
	make_room(arena, table, count_of(text, '\n') + 1);
	for (size_t number = 1; text.len > 0 && is_usable(table); number++) {
		struct slice line = slice_part(text, 0, slice_find(text, '\n'));
		struct table_entry entry = { 0 };
		const char *why;

		text = slice_part(text, line.len + 1, text.len);
		if (line.len > TABLE_LINE_MAX || memchr(line.data, '\0', line.len) != NULL) {
			refuse(
			    table, arena_printf(arena,
				       "line %zu is longer than OpenDKIM reads it, or holds a NUL",
				       number));
			return;
		}
		if (!read_line(line, table->kind, &entry))
			continue;
		why = table->kind == TABLE_PATTERNS ? check_pattern(&entry) : NULL;
		if (why != NULL) {
			refuse(
			    table, arena_printf(arena, "the pattern of line %zu %s", number, why));
			return;
		}
		add(table, entry);
	}
}

/* list = item *("," item); item = key [ "=" value ]; an item of no octet is none */
static void read_list(struct arena *arena, struct signer_table *table, struct slice text)
{
	make_room(arena, table, count_of(text, ',') + 1);
	while (text.len > 0 && is_usable(table)) {
		struct slice item = slice_part(text, 0, slice_find(text, ','));
		size_t equals = slice_find(item, '=');
		struct table_entry entry = { 0 };

		text = slice_part(text, item.len + 1, text.len);
		if (item.len == 0)
			continue;
		entry.key = signer_table_trim(slice_part(item, 0, equals));
		if (equals < item.len)
			entry.value = signer_table_trim(slice_part(item, equals + 1, item.len));
		add(table, entry);
	}
}

/* ---- finding ------------------------------------------------------------------------ */

static int compare(struct slice a, struct slice b, bool exact)
{
	size_t shorter = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < shorter; i++) {
		unsigned char x = (unsigned char)(exact ? a.data[i] : ascii_lower(a.data[i]));
		unsigned char y = (unsigned char)(exact ? b.data[i] : ascii_lower(b.data[i]));

		if (x != y)
			return x < y ? -1 : 1;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b, bool exact)
{
	const struct table_entry *x = *(struct table_entry *const *)a;
	const struct table_entry *y = *(struct table_entry *const *)b;
	int order = compare(x->key, y->key, exact);

	return order != 0 ? order : (x > y) - (x < y);
}

static int compare_exact(const void *a, const void *b)
{
	return compare_entries(a, b, true);
}

static int compare_nocase(const void *a, const void *b)
{
	return compare_entries(a, b, false);
}

static void sort(struct arena *arena, struct signer_table *table)
{
	table->sorted = arena_alloc(arena, (table->count + 1) * sizeof(struct table_entry *));
	for (size_t i = 0; i < table->count; i++)
		table->sorted[i] = &table->entries[i];
	qsort(table->sorted, table->count, sizeof(struct table_entry *),
	    table->exact ? compare_exact : compare_nocase);
}

enum table_answer signer_table_next(const struct signer_table *table, struct slice text,
    size_t *position, const struct table_entry **entry)
{
	while (*position < table->count) {
		const struct table_entry *e = &table->entries[(*position)++];

		if (e->unclear)
			return TABLE_UNCLEAR;
		if (table->exact ? slice_match_exact(e->key, text) : slice_match(e->key, text)) {
			*entry = e;
			return TABLE_FOUND;
		}
	}
	return TABLE_NOTFOUND;
}

enum table_answer signer_table_find(
    const struct signer_table *table, struct slice key, const struct table_entry **entry)
{
	size_t low = 0, high = table->count;

	if (table->kind == TABLE_PATTERNS)
		return signer_table_next(table, key, &low, entry);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(table->sorted[middle]->key, key, table->exact) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == table->count || compare(table->sorted[low]->key, key, table->exact) != 0)
		return TABLE_NOTFOUND;
	*entry = table->sorted[low];
	return TABLE_FOUND;
}

/* ---- making one --------------------------------------------------------------------- */

struct signer_table *signer_table_parse(
    struct arena *arena, enum table_kind kind, struct slice text, bool exact)
{
	struct signer_table *table = arena_alloc(arena, sizeof *table);

	table->kind = kind;
	table->exact = exact;
	if (kind == TABLE_LIST)
		read_list(arena, table, text);
	else
		read_lines(arena, table, text);
	if (kind != TABLE_PATTERNS)
		sort(arena, table);
	return table;
}

static struct signer_table *unusable(struct arena *arena, struct slice why)
{
	struct signer_table *table = arena_alloc(arena, sizeof *table);

	refuse(table, why);
	return table;
}

static struct signer_table *load_file(struct arena *arena, enum table_kind kind, struct slice path,
    struct slice directory, bool exact)
{
	struct signer_table *table;
	struct buf text;
	int error;

	if (path.len == 0 || (path.data[0] != '/' && directory.len == 0))
		return unusable(arena,
		    SLICE("a relative path, and no BaseDirectory that says where it begins"));
	if (path.data[0] != '/')
		path = arena_printf(arena, "%.*s/%.*s", SLICE_ARG(directory), SLICE_ARG(path));
	else
		path = arena_copy(arena, path);
	buf_init(&text, TABLE_OCTETS_MAX);
	error = file_read_whole(path.data, &text);
	if (error == 0)
		table = signer_table_parse(arena, kind, arena_copy(arena, buf_slice(&text)), exact);
	else
		table = unusable(arena, arena_printf(arena, "%.*s cannot be read: %s",
					    SLICE_ARG(path), strerror(error)));
	buf_free(&text);
	return table;
}

static bool ends_with(struct slice s, struct slice end)
{
	return s.len >= end.len && slice_equal(slice_part(s, s.len - end.len, s.len), end);
}

struct signer_table *signer_table_load(
    struct arena *arena, struct slice description, struct slice directory, bool exact)
{
	size_t colon = slice_find(description, ':');
	struct slice type = slice_part(description, 0, colon);
	struct slice rest = slice_part(description, colon + 1, description.len);

	/* a list may have colons behind its first comma */
	if (colon == description.len || slice_find(description, ',') < colon) {
		if (ends_with(description, SLICE(".db")))
			return unusable(arena, SLICE("Presend cannot read a Berkeley DB file"));
		if (description.len > 0 && description.data[0] == '/')
			return load_file(arena, TABLE_FILE, description, directory, exact);
		return signer_table_parse(arena, TABLE_LIST, description, exact);
	}
	if (slice_equal_nocase(type, SLICE("file")))
		return load_file(arena, TABLE_FILE, rest, directory, exact);
	if (slice_equal_nocase(type, SLICE("refile")))
		return load_file(arena, TABLE_PATTERNS, rest, directory, exact);
	if (slice_equal_nocase(type, SLICE("csl")))
		return signer_table_parse(arena, TABLE_LIST, rest, exact);
	return unusable(
	    arena, arena_printf(
		       arena, "Presend cannot read a data set of the kind %.*s:", SLICE_ARG(type)));
}
