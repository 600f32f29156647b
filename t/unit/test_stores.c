/*
 * test_stores.c - the stores that are files: their texts, reloading, compiling.
 *
 * What Postfix makes of its own tables is compared with Postfix in t/directory/postfix.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/run.h"
#include "dns/dns.h"
#include "store/stores.h"
#include "store/table/map.h"
#include "store/table/postfix_text.h"
#include "store/table/text_table.h"
#include "unit.h"

enum { PATH_SIZE = 200 };

/* ---- a folder, files in it ------------------------------------------------------ */

static char folder[PATH_SIZE];

static void setup(void)
{
	snprintf(folder, sizeof folder, "/tmp/presend-stores.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *path_of(const char *name, char out[PATH_SIZE])
{
	ck_assert_int_lt(snprintf(out, PATH_SIZE, "%s/%s", folder, name), PATH_SIZE);
	return out;
}

static void teardown(void)
{
	static const char *const names[] = { "f", "f.lmdb", "x" };
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(path_of(names[i], path));
	ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *name, const char *text)
{
	char path[PATH_SIZE], partial[PATH_SIZE];
	int fd = open(path_of("x", partial), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	ck_assert_int_eq(rename(partial, path_of(name, path)), 0);
}

/* ---- asking one store ----------------------------------------------------------- */

static struct store *open_store(const char *type, const char *name, struct buf *notes)
{
	char path[PATH_SIZE];
	struct store_option items[] = { { "type", type }, { "path", path_of(name, path) } };
	struct store_options options = { "x", items, 2 };
	struct store *store = store_open(&options, notes);

	ck_assert_msg(store != NULL, "%s", buf_text(notes));
	store->name = "x";
	return store;
}

/* "status entry >target =login" */
static void look(struct store *store, enum store_service service, const char *key, struct buf *out)
{
	struct arena *arena = arena_new();
	struct slice k = arena_copy(arena, slice_of(key));
	size_t at = slice_find_last(k, '@');
	struct store_question q = { service, k,
		at > 0 && at < k.len ? slice_part(k, 0, at) : (struct slice){ 0 },
		at < k.len ? slice_part(k, at + 1, k.len) : k };
	void *none = NULL;
	struct store_answer *a = store_lookup(store, &none, &q, dns_now_us() + 1000000);

	buf_reset(out);
	buf_add_text(out, lookup_status_name(a->status));
	if (a->status == LOOKUP_FOUND)
		buf_printf(out, " %s", store_entry_name(a->entry));
	for (size_t i = 0; i < a->target_count; i++)
		buf_printf(out, " >%.*s", SLICE_ARG(a->items[i]));
	for (size_t i = 0; i < a->login_count; i++)
		buf_printf(out, " =%.*s", SLICE_ARG(store_answer_logins(a)[i]));
	if (a->has_logins && a->login_count == 0)
		buf_add_text(out, " =");
	store_answer_unref(a);
	arena_free(arena);
}

static void expect(
    struct store *store, enum store_service service, const char *key, const char *wanted)
{
	struct buf out;

	buf_init(&out, 1000);
	look(store, service, key, &out);
	ck_assert_msg(strcmp(buf_text(&out), wanted) == 0, "%s: got %s, wanted %s", key,
	    buf_text(&out), wanted);
	buf_free(&out);
}

/* ---- the store file ------------------------------------------------------------- */

static const char text[] = "# people\n"
			   "\n"
			   "Ann@Example.COM\r\n"
			   "bob@example.com mailbox login=bob,Carl # the two\n"
			   "nobody@example.com mailbox login=\n"
			   "info@example.com ann@example.com, bob@example.com\n"
			   "fwd@example.com forward-only x@elsewhere.example\n"
			   "list@example.com list login=*\n"
			   "\"a b\"@example.com\n"
			   "sales-*@example.com mailbox login=sue\n"
			   "*-x@example.com alias ann@example.com\n"
			   "sales-1@example.com list\n"
			   "*@catch.example ann@example.com\n"
			   "@catch2.example\n"
			   "ann@example.com list\n"
			   "org.example alias-domain example.com\n"
			   "ann@org2.example\n"
			   "org2.example alias-domain example.com\n"
			   "*.below.example domain\n"
			   "a@b\xc3\xbc"
			   "cher.example\n"
			   "\"*\"@star.example\n"
			   "last@example.com";

static const struct {
	enum store_service service;
	const char *key, *wanted;
} file_rows[] = {
	{ STORE_ADDRESS, "ann@example.com", "found mailbox" },
	{ STORE_ADDRESS, "bob@example.com", "found mailbox =bob =Carl" },
	{ STORE_ADDRESS, "nobody@example.com", "found mailbox =" },
	{ STORE_ADDRESS, "info@example.com", "found alias >ann@example.com >bob@example.com" },
	{ STORE_ADDRESS, "fwd@example.com", "found forward-only >x@elsewhere.example" },
	{ STORE_ADDRESS, "list@example.com", "found list =*" },
	{ STORE_ADDRESS, "\"a b\"@example.com", "found mailbox" },
	{ STORE_ADDRESS, "sales-1@example.com", "found list" },
	{ STORE_ADDRESS, "sales-2@example.com", "found mailbox =sue" },
	{ STORE_ADDRESS, "sales-x@example.com", "found mailbox =sue" },
	{ STORE_ADDRESS, "more-x@example.com", "found alias >ann@example.com" },
	{ STORE_ADDRESS, "sales-2@elsewhere.example", "notfound" },
	{ STORE_ADDRESS, "any@catch.example", "notfound" },
	{ STORE_ADDRESS, "@catch.example", "found catch-all >ann@example.com" },
	{ STORE_ADDRESS, "@catch2.example", "found catch-all" },
	{ STORE_ADDRESS, "@example.com", "notfound" },
	{ STORE_ADDRESS, "a@xn--bcher-kva.example", "found mailbox" },
	{ STORE_ADDRESS, "*@star.example", "found mailbox" },
	{ STORE_ADDRESS, "b@star.example", "notfound" },
	{ STORE_ADDRESS, "last@example.com", "found mailbox" },
	{ STORE_ADDRESS, "*@example.com", "notfound" },
	{ STORE_ADDRESS, "# source", "notfound" },
	{ STORE_ADDRESS, "example.com", "notfound" },
	{ STORE_DOMAIN, "example.com", "found domain" },
	{ STORE_DOMAIN, "catch.example", "found domain" },
	{ STORE_DOMAIN, "org.example", "found alias-domain >example.com" },
	{ STORE_DOMAIN, "org2.example", "found alias-domain >example.com" },
	{ STORE_DOMAIN, "a.b.below.example", "found domain" },
	{ STORE_DOMAIN, "below.example", "notfound" },
	{ STORE_DOMAIN, "elsewhere.example", "notfound" },
	{ STORE_DOMAIN, "com", "notfound" },
};

/* In memory and compiled: the same. */
START_TEST(test_file)
{
	char path[PATH_SIZE], compiled[PATH_SIZE];
	struct buf notes;
	size_t count;

	buf_init(&notes, 1000);
	write_file("f", text);
	for (int round = 0; round < 2; round++) {
		struct store *store = open_store("file", "f", &notes);

		for (int i = 0; i < ROWS(file_rows); i++)
			expect(store, file_rows[i].service, file_rows[i].key, file_rows[i].wanted);
		store->class->close(store);
		ck_assert_str_eq(buf_text(&notes), "");
		ck_assert_msg(store_file_compile(path_of("f", path), false, &notes, &count), "%s",
		    buf_text(&notes));
		ck_assert_uint_gt(count, 20);
		ck_assert_int_eq(access(path_of("f.lmdb", compiled), R_OK), 0);
	}
	buf_free(&notes);
}
END_TEST

static const struct {
	const char *text, *wanted;
} fault_rows[] = {
	{ "a@example.com\nb@exa mple.com frob@nowhere login=\nnothing here\n", NULL },
	{ "a@example.com\nb@-\x01", "line 2: that is no address" },
	{ "a@b..c\n", "line 1: that is no address" },
	{ "\n\nexa..mple\n", "line 3: that is neither an address nor a domain" },
	{ "example.com mailbox\n", "line 1: a domain can be of type domain or alias-domain" },
	{ "a@example.com domain\n", "line 1: an address cannot be of that type" },
	{ "a@example.com alias\n", "line 1: an alias has targets" },
	{ "example.org alias-domain\n", "line 1: an alias domain has one target" },
	{ "example.org alias-domain a.example b.example\n",
	    "line 1: an alias domain has one target" },
};

/* A text that is wrong is not used at all: half a table would say "none" of what it lost. */
START_TEST(test_file_faults)
{
	char path[PATH_SIZE], wanted[2 * PATH_SIZE];
	struct buf notes;
	struct store *store;
	size_t count;

	buf_init(&notes, 1000);
	write_file("f", fault_rows[_i].text);
	store = open_store("file", "f", &notes);
	snprintf(wanted, sizeof wanted, "%s: %s\n", path_of("f", path),
	    fault_rows[_i].wanted == NULL ? "" : fault_rows[_i].wanted);
	ck_assert_str_eq(buf_text(&notes), fault_rows[_i].wanted == NULL ? "" : wanted);
	expect(store, STORE_ADDRESS, "a@example.com",
	    fault_rows[_i].wanted == NULL ? "found mailbox" : "tempfail");
	store->class->close(store);
	buf_reset(&notes);
	ck_assert(
	    store_file_compile(path, false, &notes, &count) == (fault_rows[_i].wanted == NULL));
	ck_assert_str_eq(
	    buf_text(&notes), fault_rows[_i].wanted == NULL ? "" : fault_rows[_i].wanted);
	buf_free(&notes);
}
END_TEST

START_TEST(test_file_reload)
{
	char path[PATH_SIZE];
	struct store *store;
	struct buf notes;
	size_t count;

	buf_init(&notes, 1000);
	write_file("f", "a@example.com\n");
	store = open_store("file", "f", &notes);
	expect(store, STORE_ADDRESS, "b@example.com", "notfound");
	write_file("f", "b@example.com\n");
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "a@example.com", "notfound");
	expect(store, STORE_ADDRESS, "b@example.com", "found mailbox");
	/* wrong now: what was read before stays */
	write_file("f", "c@example.com\nc@\n");
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "b@example.com", "found mailbox");
	/* gone: nobody can tell */
	unlink(path_of("f", path));
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "b@example.com", "tempfail");
	write_file("f", "d@example.com\n");
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "d@example.com", "found mailbox");
	/* compiled, then changed: the text is newer */
	ck_assert(store_file_compile(path, false, &notes, &count));
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "d@example.com", "found mailbox");
	write_file("f", "e@example.com\n");
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "e@example.com", "found mailbox");
	expect(store, STORE_ADDRESS, "d@example.com", "notfound");
	/* the text is gone, the compiled one is there */
	unlink(path);
	store->class->refresh(store, false);
	expect(store, STORE_ADDRESS, "d@example.com", "found mailbox");
	store->class->close(store);
	buf_free(&notes);
}
END_TEST

START_TEST(test_file_not_there)
{
	struct store *store;
	struct buf notes;

	buf_init(&notes, 1000);
	store = open_store("file", "f", &notes);
	expect(store, STORE_ADDRESS, "a@example.com", "tempfail");
	expect(store, STORE_DOMAIN, "example.com", "tempfail");
	ck_assert_uint_gt(notes.len, 0);
	store->class->close(store);
	buf_free(&notes);
}
END_TEST

/* Neither an LMDB file nor a cdb file: could not tell, and no crash. */
START_TEST(test_garbage)
{
	static const char *const types[] = { "lmdb", "cdb" };
	char garbage[5000];
	struct buf notes;

	buf_init(&notes, 1000);
	memset(garbage, 'x', sizeof garbage - 1);
	garbage[sizeof garbage - 1] = '\0';
	for (int empty = 0; empty < 2; empty++)
		for (int i = 0; i < 2; i++) {
			struct store *store;

			write_file("f", empty ? "" : garbage);
			store = open_store(types[i], "f", &notes);
			expect(store, STORE_ADDRESS, "a@example.com", "tempfail");
			store->class->close(store);
		}
	buf_free(&notes);
}
END_TEST

/* ---- texts of Postfix ----------------------------------------------------------- */

static const struct {
	const char *label;
	bool aliases;
	const char *text, *key, *wanted; /* NULL: not there */
} text_rows[] = {
	{ "a line", false, "ann x\n", "ann", "x" },
	{ "folded", false, "ANN X\n", "ann", "X" },
	{ "no line end", false, "ann x", "ann", "x" },
	{ "continued", false, "ann x\n\ty\n", "ann", "x\ty" },
	{ "comment within", false, "ann x\n#c\n y\n", "ann", "x y" },
	{ "no value", false, "ann\nbob x\n", "ann", NULL },
	{ "quoted", false, "\"a b\"@x y\n", "\"a b\"@x", "y" },
	{ "the first of two", false, "ann x\nann y\n", "ann", "x" },
	{ "an alias", true, "root: ann\n", "root", "ann" },
	{ "an alias with blanks", true, "Root : ann, bob\n", "root", "ann, bob" },
	{ "a quoted alias", true, "\"a b\": c\n", "a b", "c" },
	{ "a program", true, "p: \"|/bin/x y\"\n", "p", "\"|/bin/x y\"" },
	{ "no colon", true, "root ann\n", "root", NULL },
};

START_TEST(test_text)
{
	struct text_table *table = text_table_new(1000);
	struct slice input = exact_text(text_rows[_i].text), found;

	ck_assert(text_rows[_i].aliases ? postfix_text_aliases(input, table)
					: postfix_text_table(input, table));
	exact_free(input);
	found = text_table_find(table, slice_of(text_rows[_i].key));
	ck_assert_msg(
	    (found.data != NULL) == (text_rows[_i].wanted != NULL), "%s", text_rows[_i].label);
	if (found.data != NULL)
		expect_slice(text_rows[_i].label, "value", found, text_rows[_i].wanted);
	text_table_free(table);
}
END_TEST

START_TEST(test_text_table)
{
	enum { COUNT = 10000 };
	struct text_table *table = text_table_new(COUNT * 40);
	char key[20], value[20];

	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof key, "key%d", i);
		snprintf(value, sizeof value, "value%d", i);
		ck_assert(text_table_add(table, slice_of(key), slice_of(value)));
	}
	ck_assert_uint_eq(text_table_count(table), COUNT);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof key, "key%d", i);
		snprintf(value, sizeof value, "value%d", i);
		expect_slice(key, "value", text_table_find(table, slice_of(key)), value);
	}
	ck_assert_ptr_null(text_table_find(table, SLICE("key")).data);
	ck_assert_ptr_null(text_table_find(table, SLICE("")).data);
	while (text_table_add(table, slice_of(key), slice_of(value)))
		snprintf(key, sizeof key, "more%zu", text_table_count(table));
	expect_slice("full", "value", text_table_find(table, SLICE("key1")), "value1");
	text_table_free(table);
}
END_TEST

START_TEST(test_list)
{
	struct slice list = SLICE(" a, b\n\thash:/x inline:{ k = v, { l = m n } },,!c ");
	static const char *const wanted[] = { "a", "b", "hash:/x", "inline:{ k = v, { l = m n } }",
		"!c" };
	size_t at = 0;

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		expect_slice("list", "word", postfix_text_next(list, &at), wanted[i]);
	ck_assert_uint_eq(postfix_text_next(list, &at).len, 0);
}
END_TEST

START_TEST(test_small_maps)
{
	static const struct {
		const char *name, *key, *wanted;
	} maps[] = {
		{ "static:x y", "any", "x y" },
		{ "static:{ x }", "any", "x" },
		{ "proxy:static:x", "any", "x" },
		{ "inline:{ ann=1, Bob=2, { c = 3 4 } }", "ann", "1" },
		{ "inline:{ ann=1, Bob=2, { c = 3 4 } }", "bob", "2" },
		{ "inline:{ ann=1, Bob=2, { c = 3 4 } }", "c", "3 4" },
		{ "inline:{ ann=1 }", "bob", NULL },
		{ "unix:passwd.byname", "root", "root" },
		{ "unix:passwd.byname", "no such account", NULL },
	};
	struct map_site site = { NULL, "/" };

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		enum lookup_status status;
		struct buf notes, value;
		struct map *map;

		buf_init(&notes, 1000);
		buf_init(&value, 100);
		map = map_open(maps[i].name, &site, &notes);
		status = map_find(map, slice_of(maps[i].key), 0, &value, NULL);
		ck_assert_msg(status == (maps[i].wanted == NULL ? LOOKUP_NOTFOUND : LOOKUP_FOUND),
		    "%s", maps[i].name);
		if (maps[i].wanted != NULL)
			ck_assert_str_eq(buf_text(&value), maps[i].wanted);
		map_close(map);
		buf_free(&notes);
		buf_free(&value);
	}
}
END_TEST

/* ---- running programs ----------------------------------------------------------- */

START_TEST(test_run)
{
	static const struct {
		const char *command;
		enum run_end end;
		int status;
		const char *output, *errors;
	} runs[] = {
		{ "echo a; echo b >&2; exit 3", RUN_EXITED, 3, "a\n", "b\n" },
		{ "cat", RUN_EXITED, 0, "", "" },
		{ "kill -9 $$", RUN_FAILED, 0, "", "" },
		{ "echo x; exec sleep 5", RUN_LATE, 0, "x\n", "" },
		{ "exec >&- 2>&-; exec sleep 5", RUN_LATE, 0, "", "" },
		{ "yes >&2; exit 0", RUN_LATE, 0, "", NULL },
		{ "exec yes", RUN_TOO_MUCH, 0, NULL, "" },
	};

	for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
		const char *const argv[] = { "/bin/sh", "-c", runs[i].command, NULL };
		struct buf output, errors;
		int64_t began_us = dns_now_us();
		struct run run;

		buf_init(&output, 100);
		buf_init(&errors, 100);
		run = run_program(argv, 300000, &output, &errors);
		ck_assert_msg(run.end == runs[i].end, "%s: %d", runs[i].command, run.end);
		ck_assert_int_eq(run.status, runs[i].status);
		if (runs[i].output != NULL)
			ck_assert_str_eq(buf_text(&output), runs[i].output);
		if (runs[i].errors != NULL)
			ck_assert_str_eq(buf_text(&errors), runs[i].errors);
		ck_assert_int_lt(dns_now_us() - began_us, 2000000);
		buf_free(&output);
		buf_free(&errors);
	}
}
END_TEST

START_TEST(test_run_nothing)
{
	const char *const argv[] = { "/nowhere/nothing", NULL };
	struct buf output;

	buf_init(&output, 100);
	ck_assert_int_eq(run_program(argv, 300000, &output, NULL).end, RUN_FAILED);
	buf_free(&output);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("stores");
	TCase *files = tcase_create("files"), *texts = tcase_create("texts");

	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, test_file);
	tcase_add_loop_test(files, test_file_faults, 0, ROWS(fault_rows));
	tcase_add_test(files, test_file_reload);
	tcase_add_test(files, test_file_not_there);
	tcase_add_test(files, test_garbage);
	suite_add_tcase(suite, files);
	tcase_add_loop_test(texts, test_text, 0, ROWS(text_rows));
	tcase_add_test(texts, test_text_table);
	tcase_add_test(texts, test_list);
	tcase_add_test(texts, test_small_maps);
	tcase_add_test(texts, test_run);
	tcase_add_test(texts, test_run_nothing);
	suite_add_tcase(suite, texts);
	return suite;
}
