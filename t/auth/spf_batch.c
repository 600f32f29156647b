/*
 * spf_batch.c - evaluates the SPF cases on standard input (spf_suite.h): one
 * line each, name, result and explanation with tabs between, in their order.
 *
 * The other side of spf_differential.py; "-t" writes the time instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "t/auth/spf_suite.h"

enum { LINE_OCTETS_MAX = 100000, TIMED_RUNS = 200 };

static void print_case(const struct suite_case *c)
{
	struct arena *arena = arena_new();
	struct spf_outcome outcome;
	struct buf line;
	size_t waits;

	outcome = suite_evaluate(arena, &c->query, c->records, &waits);
	buf_init(&line, LINE_OCTETS_MAX);
	buf_add_slice(&line, c->name);
	buf_printf(&line, "\t%s\t", spf_result_name(outcome.result));
	utf8_escape(&line, outcome.explanation);
	puts(buf_text(&line));
	buf_free(&line);
	arena_free(arena);
}

static void print_time(const struct suite *suite)
{
	int64_t begin = clock_now_us();
	struct arena *arena = arena_new();
	size_t waits;

	for (int i = 0; i < TIMED_RUNS; i++)
		for (const struct suite_case *c = suite->first; c != NULL; c = c->next) {
			suite_evaluate(arena, &c->query, c->records, &waits);
			arena_reset(arena);
		}
	printf("%.2f us an evaluation\n",
	    (double)(clock_now_us() - begin) / (double)(TIMED_RUNS * suite->count));
	arena_free(arena);
}

int main(int argc, char **argv)
{
	struct suite suite;
	struct slice text;
	struct buf errors;

	buf_init(&errors, 1000);
	if (!suite_read_file("-", &text) || !suite_parse(&suite, text, &errors)) {
		fputs(buf_text(&errors), stderr);
		return EXIT_FAILURE;
	}
	if (argc > 1 && strcmp(argv[1], "-t") == 0)
		print_time(&suite);
	else
		for (const struct suite_case *c = suite.first; c != NULL; c = c->next)
			print_case(c);
	suite_free(&suite);
	free((void *)text.data);
	return EXIT_SUCCESS;
}
