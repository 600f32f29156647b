/* unit.c - what every unit test shares: exact-size inputs and one main. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

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

int main(void)
{
	SRunner *runner = srunner_create(unit_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
