/* unit.c - what every unit test shares: exact-size inputs and one main. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

struct slice exact(const char *data, size_t len)
{
	/* one octet at least, so that an empty input has an address too */
	char *copy = must_alloc(len == 0 ? 1 : len);

	if (len > 0)
		memcpy(copy, data, len);
	return (struct slice){ copy, len };
}

struct slice exact_text(const char *text)
{
	return exact(text, strlen(text));
}

void exact_free(struct slice s)
{
	free((void *)s.data);
}

void expect_slice(const char *label, const char *what, struct slice got, const char *wanted)
{
	struct buf shown;

	if (slice_equal(got, slice_of(wanted)))
		return;
	buf_init(&shown, 100000);
	utf8_escape(&shown, got);
	ck_abort_msg("%s: %s is \"%s\", wanted \"%s\"", label, what, buf_text(&shown), wanted);
}

int64_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *sleep_often(void *context)
{
	const struct timespec moment = { 0, 5 * 1000 * 1000 };
	struct stopwatch *w = context;

	while (!w->over) {
		int64_t due_us = monotonic_us() + 5 * 1000, late_us;

		nanosleep(&moment, NULL);
		late_us = monotonic_us() - due_us;
		if (late_us > w->late_us)
			w->late_us = late_us;
	}
	return NULL;
}

/* How long the calling thread has been ready to run and was not let, where Linux counts it. */
static int64_t starved_us(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	long long ran, waited = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lld %lld", &ran, &waited) != 2)
		waited = 0;
	fclose(file);
	return waited / 1000;
}

void stopwatch_start(struct stopwatch *w)
{
	w->over = false;
	w->late_us = 0;
	ck_assert_int_eq(pthread_create(&w->thread, NULL, sleep_often, w), 0);
	w->starved_us = starved_us();
	w->begun_us = monotonic_us();
}

void stopwatch_stop(struct stopwatch *w)
{
	w->took_us = monotonic_us() - w->begun_us;
	w->over = true;
	pthread_join(w->thread, NULL);
	w->fair_us = w->took_us - (starved_us() - w->starved_us) - TIMERS * w->late_us;
}

int main(void)
{
	SRunner *runner = srunner_create(unit_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
