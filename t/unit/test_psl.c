/*
 * test_psl.c - the organizational domain by the public suffix list; loading one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/psl.h"
#include "base/arena.h"
#include "unit.h"

static const struct {
	const char *label;
	const char *domain;
	const char *listed;   /* by the distribution's list; NULL: there is none */
	const char *unlisted; /* without a list */
} rows[] = {
	{ "the name itself", "example.com", "example.com", "example.com" },
	{ "below", "a.b.example.com", "example.com", "example.com" },
	{ "a top domain", "com", NULL, NULL },
	{ "a suffix of two labels", "co.uk", NULL, "co.uk" },
	{ "below it", "www.example.co.uk", "example.co.uk", "co.uk" },
	{ "the private section", "alice.uk.com", "alice.uk.com", "uk.com" },
	{ "a private suffix", "github.io", NULL, "github.io" },
	{ "a wildcard", "b.kobe.jp", NULL, "kobe.jp" },
	{ "below a wildcard", "x.a.b.kobe.jp", "a.b.kobe.jp", "kobe.jp" },
	{ "an exception", "city.kobe.jp", "city.kobe.jp", "kobe.jp" },
	{ "a wildcard top domain", "x.ck", NULL, "x.ck" },
	{ "its exception", "a.www.ck", "www.ck", "www.ck" },
	{ "A-labels", "a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn", "xn--55qx5d.cn" },
	{ "a suffix of A-labels", "xn--55qx5d.cn", NULL, "xn--55qx5d.cn" },
	{ "a top domain not listed", "localhost", NULL, NULL },
	{ "below one not listed", "a.b.unlisted", "b.unlisted", "b.unlisted" },
	{ "a label of one letter", "x.com", "x.com", "x.com" },
	{ "underscores", "_x.example.com", "example.com", "example.com" },
	{ "nothing", "", NULL, NULL },
};

static void expect_org(int i, const struct suffix_list *list, const char *wanted)
{
	struct slice domain = exact_text(rows[i].domain), untouched = SLICE("untouched");
	struct slice org = untouched;
	bool found = suffix_list_org_domain(list, domain, &org);

	ck_assert_msg(found == (wanted != NULL), "%s: found is %d", rows[i].label, found);
	expect_slice(rows[i].label, "the domain", org, wanted != NULL ? wanted : "untouched");
	exact_free(domain);
}

static struct suffix_list *load(const char *path)
{
	struct suffix_list *list;
	struct buf errors;

	buf_init(&errors, 1000);
	list = suffix_list_load(path, &errors);
	ck_assert_msg(list != NULL, "%s", buf_text(&errors));
	ck_assert_uint_eq(errors.len, 0);
	buf_free(&errors);
	return list;
}

static struct suffix_list *listed;

static void set_up(void)
{
	listed = load(NULL);
}

static void tear_down(void)
{
	suffix_list_free(listed);
}

START_TEST(finds)
{
	expect_org(_i, listed, rows[_i].listed);
	expect_org(_i, NULL, rows[_i].unlisted);
}
END_TEST

START_TEST(takes_no_nul)
{
	struct slice domain = exact("x.com\0.example.org", 18), org;

	ck_assert(!suffix_list_org_domain(listed, domain, &org));
	exact_free(domain);
}
END_TEST

/* A file of our own with this text; the caller unlinks and frees its name. */
static char *write_list(const char *text)
{
	char *path = must_strdup("/tmp/presend-psl-XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return path;
}

START_TEST(loads_a_given_list)
{
	char *path = write_list("// one rule\nb.example\n");
	struct suffix_list *list = load(path);
	struct slice org;

	ck_assert(suffix_list_org_domain(list, SLICE("x.a.b.example"), &org));
	expect_slice("a given list", "the domain", org, "a.b.example");
	ck_assert(!suffix_list_org_domain(list, SLICE("b.example"), &org));
	suffix_list_free(list);
	unlink(path);
	free(path);
}
END_TEST

static void expect_error(const char *path, const char *wanted)
{
	struct buf errors;

	buf_init(&errors, 1000);
	ck_assert(suffix_list_load(path, &errors) == NULL);
	ck_assert_msg(strstr(buf_text(&errors), wanted) != NULL, "%s", buf_text(&errors));
	ck_assert_msg(strncmp(buf_text(&errors), path, strlen(path)) == 0, "%s", buf_text(&errors));
	buf_free(&errors);
}

START_TEST(says_why_not)
{
	char *path = write_list("// no rule\n");

	expect_error("/nonexistent/list", "No such file");
	expect_error(path, "not a public suffix list");
	unlink(path);
	free(path);
	suffix_list_free(NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("psl");
	TCase *tcase = tcase_create("psl");

	tcase_add_unchecked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, finds, 0, ROWS(rows));
	tcase_add_test(tcase, takes_no_nul);
	tcase_add_test(tcase, loads_a_given_list);
	tcase_add_test(tcase, says_why_not);
	suite_add_tcase(suite, tcase);
	return suite;
}
