/* spf_suite.c - SPF cases from a text. */
#include "t/auth/spf_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/records.h"

enum { FILE_OCTETS_MAX = 64 * 1024 * 1024, PATIENCE_US = 30 * 1000 * 1000 };

/* ---- reading -------------------------------------------------------------------- */

bool suite_read_file(const char *path, struct slice *text)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	struct buf b;
	char piece[65536];
	size_t n;

	if (file == NULL)
		return false;
	buf_init(&b, FILE_OCTETS_MAX);
	while ((n = fread(piece, 1, sizeof piece, file)) > 0 && !b.truncated)
		buf_add(&b, piece, n);
	if (file != stdin)
		fclose(file);
	buf_add(&b, "", 0);
	*text = buf_slice(&b);
	return true;
}

/* The text with each \DDD as the octet it stands for. */
static struct slice unescape(struct arena *arena, struct slice text)
{
	struct slice out = arena_copy(arena, text);
	char *data = (char *)out.data;

	out.len = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\\' && i + 3 < text.len) {
			const char *d = &text.data[i + 1];

			c = (char)((d[0] - '0') * 100 + (d[1] - '0') * 10 + (d[2] - '0'));
			i += 3;
		}
		data[out.len++] = c;
	}
	return out;
}

/* "key value": true with the value if the line has that key. */
static bool value_of(struct slice line, const char *key, struct slice *value)
{
	size_t end = slice_find(line, ' ');

	if (!slice_equal(slice_part(line, 0, end), slice_of(key)))
		return false;
	*value = slice_part(line, end + 1, line.len);
	return true;
}

static bool read_case_line(struct suite *suite, struct suite_case *c, struct slice line)
{
	struct slice value;

	if (value_of(line, "helo", &value))
		c->query.helo = unescape(suite->arena, value);
	else if (value_of(line, "from", &value))
		c->query.mail_from = unescape(suite->arena, value);
	else if (value_of(line, "ip", &value))
		return ip_parse(arena_copy(suite->arena, value).data, &c->query.ip);
	else if (value_of(line, "result", &value))
		c->result = value;
	else if (value_of(line, "explanation", &value))
		c->explanation = unescape(suite->arena, value);
	else
		return line.len == 0;
	return true;
}

static bool add_scenario(struct suite *suite, struct slice zone, struct buf *errors)
{
	struct resolver *r = records_resolver_parse("scenario", zone, NULL, errors);

	if (r == NULL)
		return false;
	suite->scenarios =
	    must_realloc(suite->scenarios, (suite->scenario_count + 1) * sizeof(struct resolver *));
	suite->scenarios[suite->scenario_count++] = r;
	return true;
}

/* What stands before the next "== " or "-- ", or the end. */
static struct slice cut_block(struct slice *rest)
{
	size_t end = 0;
	struct slice block;

	while (end < rest->len) {
		struct slice line = slice_part(*rest, end, rest->len);

		if (slice_starts_nocase(line, SLICE("== ")) ||
		    slice_starts_nocase(line, SLICE("-- ")))
			break;
		end += slice_find(line, '\n') + 1;
	}
	block = slice_part(*rest, 0, end);
	*rest = slice_part(*rest, end, rest->len);
	return block;
}

static struct slice cut_line(struct slice *rest)
{
	size_t end = slice_find(*rest, '\n');
	struct slice line = slice_part(*rest, 0, end);

	*rest = slice_part(*rest, end + 1, rest->len);
	return line;
}

static bool add_case(
    struct suite *suite, struct suite_case ***tail, struct slice head, struct slice block)
{
	struct suite_case *c = arena_alloc(suite->arena, sizeof *c);

	c->name = slice_part(head, 3, head.len);
	c->records = suite->scenarios[suite->scenario_count - 1];
	c->query.mail_from = SLICE("");
	while (block.len > 0)
		if (!read_case_line(suite, c, cut_line(&block)))
			return false;
	**tail = c;
	*tail = &c->next;
	suite->count++;
	return true;
}

bool suite_parse(struct suite *suite, struct slice text, struct buf *errors)
{
	struct suite_case **tail = &suite->first;

	*suite = (struct suite){ .arena = arena_new() };
	cut_block(&text);
	while (text.len > 0) {
		struct slice head = cut_line(&text), block = cut_block(&text);
		bool scenario = head.data[0] == '=';

		if (scenario ? !add_scenario(suite, block, errors)
			     : suite->scenario_count == 0 || !add_case(suite, &tail, head, block)) {
			buf_printf(errors, "%.*s: cannot be read\n", SLICE_ARG(head));
			return false;
		}
	}
	return true;
}

void suite_free(struct suite *suite)
{
	for (size_t i = 0; i < suite->scenario_count; i++)
		resolver_free(suite->scenarios[i]);
	free(suite->scenarios);
	arena_free(suite->arena);
}

/* ---- evaluating ----------------------------------------------------------------- */

struct spf_outcome suite_evaluate(
    struct arena *arena, const struct spf_query *query, struct resolver *resolver, size_t *waits)
{
	struct dns_view *view = dns_view_new(arena, resolver, clock_now_us() + PATIENCE_US);
	struct spf_outcome outcome;

	*waits = 0;
	for (;;) {
		outcome = spf_evaluate(arena, view, query);
		if (outcome.result != SPF_PENDING || !dns_view_wait(view))
			break;
		++*waits;
	}
	dns_view_free(view);
	return outcome;
}
