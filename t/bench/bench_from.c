/*
 * bench_from.c - what a From header costs in the parser.
 *
 * First table: bodies as they really come, nanoseconds for the parser alone
 * and for all that the From checks ask of this layer (parser, readings, what a
 * valid field shows, proposal).  The fastest and the median of several rounds are
 * printed; a busy machine makes the median rise, the fastest hardly.
 *
 * Second table: hostile bodies of growing size, in nanoseconds an octet.  The
 * figures of a row must not grow with the size: time is linear in the body.
 * Nothing is asserted here; `make check` has the tests that can fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "syntax/from.h"
#include "syntax/proposal.h"
#include "syntax/reading.h"

enum {
	ROUNDS = 11,
	ROUND_NS = 10 * 1000 * 1000, /* one round lasts about this long */
	HOSTILE_ROUNDS = 3,
};

static const struct {
	const char *label;
	const char *body;
} bodies[] = {
	{ "an address", " john@example.com" },
	{ "a name", " John Doe <john.doe@example.com>" },
	{ "a quoted name", " \"Doe, John\" <john.doe@mail.example.com>" },
	{ "an encoded name (Q)", " =?UTF-8?Q?J=C3=B6rg_M=C3=BCller?= <joerg@example.com>" },
	{ "an encoded name (B)", " =?UTF-8?B?SsO2cmcgTcO8bGxlcg==?= <joerg@example.com>" },
	{ "encoded and folded", " =?UTF-8?Q?Ein_recht_langer_Name_einer_Abteilung_f=C3=BCr?=\r\n"
				" =?UTF-8?Q?_Gr=C3=B6=C3=9Feres?=\r\n <abteilung@example.com>" },
	{ "a comment", " john@example.com (John Doe)" },
	{ "a bounce address", " Shop <bounce+12345-6789-abcdef=example.org@mail.example.com>" },
	{ "an IDN, raw UTF-8", " J\xc3\xb6rg <j@b\xc3\xbc"
			       "cher.example>" },
	{ "an IDN, A-labels", " Buch <j@xn--bcher-kva.example>" },
	{ "faulty: comma", " Doe, John <john@example.com>" },
	{ "faulty: 8-bit name", " J\xc3\xb6rg M\xc3\xbcller <joerg@example.com>" },
	{ "faulty: two brackets", " A <a@good.example> <b@bad.example>" },
	{ "faulty: cron", " root (Cron Daemon)" },
	{ "two authors", " a@example.com, John Doe <b@example.com>" },
};

static const struct {
	const char *label;
	const char *piece; /* again and again */
} hostile[] = {
	{ "quotes", "\"" },
	{ "opening parentheses", "(" },
	{ "comments", "(a)" },
	{ "opening brackets", "[" },
	{ "angle brackets", "<" },
	{ "angle brackets and @", "<@" },
	{ "open addresses", "<a@b.com " },
	{ "commas", "," },
	{ "colons", ":" },
	{ "empty groups", "a:;" },
	{ "@ signs", "@" },
	{ "dots", "." },
	{ "backslashes", "\\" },
	{ "folds", "\r\n " },
	{ "controls", "\x01" },
	{ "addresses", "a@b.com," },
	{ "addresses, no comma", "a@b.com " },
	{ "quoted addresses", "\"a@b.com\" " },
	{ "comment addresses", "(a@b.com)" },
	{ "encoded-words", "=?utf-8?q?a=40b.com?= " },
	{ "begun encoded-words", "=?" },
	{ "encoded-words in quotes", "\"=?utf-8?q?a?=\" " },
	{ "U-labels", "a@\xc3\xbc.example," },
	{ "U-labels shown", "(a@\xc3\xbc.example) " },
	{ "names that show the author", "\"a@b.com\" <a@b.com>," },
	{ "an atom", "a" },
	{ "octets that are no UTF-8", "\xff" },
};

static const size_t sizes[] = { 1024, 4096, 16384, FROM_OCTETS_MAX };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef void work_fn(struct arena *arena, struct slice body);

static void parse_only(struct arena *arena, struct slice body)
{
	from_parse(arena, body, false);
}

/* All that the From checks ask of the syntax layer. */
static void judge(struct arena *arena, struct slice body, bool smtputf8)
{
	const struct from_field *from = from_parse(arena, body, smtputf8);
	struct reading pair[2];

	if (from_is_ambiguous(arena, &from, 1, pair) || from_impersonates(arena, from, pair) ||
	    from->error_count > 0)
		from_proposal(arena, from, smtputf8);
}

static void judge_ascii(struct arena *arena, struct slice body)
{
	judge(arena, body, false);
}

/* More of a field is valid with SMTPUTF8, and so more of it is looked at. */
static void judge_utf8(struct arena *arena, struct slice body)
{
	judge(arena, body, true);
}

/* Nanoseconds for one call of many. */
static double time_calls(struct arena *arena, work_fn *work, struct slice body, size_t calls)
{
	double begin = now_ns();

	for (size_t i = 0; i < calls; i++) {
		work(arena, body);
		arena_reset(arena);
	}
	return (now_ns() - begin) / (double)calls;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorted times of one call, a round each. */
static void time_rounds(
    struct arena *arena, work_fn *work, struct slice body, double *times, size_t rounds)
{
	double once = time_calls(arena, work, body, 3);
	size_t calls = 1 + (size_t)(ROUND_NS / (once > 1 ? once : 1));

	time_calls(arena, work, body, calls); /* caches and clock settle */
	for (size_t i = 0; i < rounds; i++)
		times[i] = time_calls(arena, work, body, calls);
	qsort(times, rounds, sizeof *times, compare);
}

static void bench_bodies(struct arena *arena)
{
	printf("%-26s %7s %18s %18s\n", "", "", "parse ns", "parse + judge ns");
	printf("%-26s %7s %9s %8s %9s %8s\n", "body", "octets", "fastest", "median", "fastest",
	    "median");
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct slice body = slice_of(bodies[i].body);
		double parse[ROUNDS], all[ROUNDS];

		time_rounds(arena, parse_only, body, parse, ROUNDS);
		time_rounds(arena, judge_ascii, body, all, ROUNDS);
		printf("%-26s %7zu %9.0f %8.0f %9.0f %8.0f\n", bodies[i].label, body.len, parse[0],
		    parse[ROUNDS / 2], all[0], all[ROUNDS / 2]);
	}
}

static double ns_an_octet(struct arena *arena, const char *piece, size_t size)
{
	char *text = must_alloc(size);
	double times[HOSTILE_ROUNDS];

	for (size_t i = 0; i < size; i++)
		text[i] = piece[i % strlen(piece)];
	time_rounds(arena, judge_utf8, (struct slice){ text, size }, times, HOSTILE_ROUNDS);
	free(text);
	return times[0] / (double)size;
}

static void bench_hostile(struct arena *arena)
{
	printf("\n%-26s", "hostile body, ns an octet");
	for (size_t i = 0; i < SIZES; i++)
		printf(" %8zu", sizes[i]);
	printf(" %8s\n", "growth");
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		double cost[SIZES];

		printf("%-26s", hostile[i].label);
		for (size_t j = 0; j < SIZES; j++) {
			cost[j] = ns_an_octet(arena, hostile[i].piece, sizes[j]);
			printf(" %8.2f", cost[j]);
		}
		printf(" %8.2f\n", cost[SIZES - 1] / cost[0]);
	}
}

int main(void)
{
	struct arena *arena = arena_new();

	bench_bodies(arena);
	bench_hostile(arena);
	arena_free(arena);
	return 0;
}
