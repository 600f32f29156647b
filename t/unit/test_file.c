/* test_file.c - message files as an MTA would hand them over, and mboxes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "message/file.h"
#include "unit.h"

enum { SHOWN_MAX = 8 * 1024 * 1024 };

/* Writes a message as "[name|body][name|body]...(body)", for comparing. */
struct shown {
	struct buf text;
	struct message *message;
	int before_body;
};

static void show_header(void *context)
{
	struct shown *s = context;

	for (size_t i = 0; i < s->message->field_count; i++) {
		buf_add_char(&s->text, '[');
		buf_add_slice(&s->text, s->message->fields[i].name);
		buf_add_char(&s->text, '|');
		buf_add_slice(&s->text, s->message->fields[i].body);
		buf_add_char(&s->text, ']');
	}
	buf_add_char(&s->text, '(');
	s->before_body++;
}

static void show_body(void *context, const char *data, size_t len)
{
	struct shown *s = context;

	ck_assert_msg(s->before_body == 1, "the body comes behind the header");
	buf_add(&s->text, data, len);
}

static FILE *open_octets(const char *data, size_t len)
{
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	rewind(f);
	return f;
}

/* All messages of the stream, one behind the other. */
static void show_stream(FILE *f, bool mbox, struct buf *out)
{
	struct message_reader *r = message_reader_new(f, mbox);
	enum reader_result result;

	for (;;) {
		struct arena *arena = arena_new();
		struct shown s = { .message = message_new(arena) };

		buf_init(&s.text, SHOWN_MAX);
		result = message_read(r, s.message, show_header, show_body, &s);
		if (result == READER_MESSAGE) {
			ck_assert_int_eq(s.before_body, 1);
			buf_add_slice(out, buf_slice(&s.text));
			buf_add_char(out, ')');
		}
		buf_free(&s.text);
		arena_free(arena);
		if (result != READER_MESSAGE)
			break;
	}
	ck_assert_int_eq(result, READER_END);
	message_reader_free(r);
}

static const struct {
	const char *label;
	struct slice file;
	const char *wanted;
} plain[] = {
#define ROW(label, file, wanted) { (label), { (file), sizeof(file) - 1 }, (wanted) }
	ROW("empty file", "", "()"),
	ROW("LF", "A: b\nC: d\n\nbody\n", "[A| b][C| d](body\r\n)"),
	ROW("CRLF", "A: b\r\nC: d\r\n\r\nbody\r\n", "[A| b][C| d](body\r\n)"),
	ROW("mixed", "A: b\r\nC: d\n\r\none\ntwo\r\n", "[A| b][C| d](one\r\ntwo\r\n)"),
	ROW("only headers", "A: b\nC: d\n", "[A| b][C| d]()"),
	ROW("header without a final line end", "A: b", "[A| b]()"),
	ROW("fold without a final line end", "A: b\n c", "[A| b\r\n c]()"),
	ROW("body without a final line end", "A: b\n\nbody", "[A| b](body\r\n)"),
	ROW("only an empty line", "\n", "()"),
	ROW("empty line first", "\nA: b\n", "(A: b\r\n)"),
	ROW("fold by blank", "A: b\n c\n\td\nE: f\n\n", "[A| b\r\n c\r\n\td][E| f]()"),
	ROW("fold by CRLF", "A: b\r\n c\r\n\r\nx", "[A| b\r\n c](x\r\n)"),
	ROW("fold of blanks alone", "A: b\n \n c\n\n", "[A| b\r\n \r\n c]()"),
	ROW("no blank behind the colon", "A:b\n\n", "[A|b]()"),
	ROW("empty body of a field", "A:\nB:\r\n\n", "[A|][B|]()"),
	ROW("blanks before the colon", "To\t :c\nFrom : b\n\n", "[To|c][From| b]()"),
	ROW("a From line for all its colon, as MTAs see it", "From : b\nTo: c\n\n", "[To| c]()"),
	ROW("blanks behind the body stay", "A: b \t\n\n", "[A| b \t]()"),
	ROW("second colon", "A: b: c\n\n", "[A| b: c]()"),
	ROW("From line", "From a@b Mon Jan  1\nA: b\n\n", "[A| b]()"),
	ROW("quoted From line", ">From a@b Mon Jan  1\nA: b\n\n", "[A| b]()"),
	ROW("From line alone", "From a@b", "()"),
	ROW("From line twice", "From a\nFrom b\nA: b\n\n", "(From b\r\nA: b\r\n\r\n)"),
	ROW("From line later", "A: b\nFrom a\n\n", "[A| b](From a\r\n\r\n)"),
	ROW("From without a colon", "A: b\nFrom\n\nx\n", "[A| b](From\r\n\r\nx\r\n)"),
	ROW("no colon", "A: b\nnonsense\nC: d\n\nx\n", "[A| b](nonsense\r\nC: d\r\n\r\nx\r\n)"),
	ROW("leading blank in first place", " A: b\nC: d\n", "( A: b\r\nC: d\r\n)"),
	ROW("leading blank behind the From line", "From x\n A: b\n", "( A: b\r\n)"),
	ROW("folded name", "A: b\nFro\n m: c\n\n", "[A| b](Fro\r\n m: c\r\n\r\n)"),
	ROW("name folded before its colon", "From\n : b\n\n", "(From\r\n : b\r\n\r\n)"),
	ROW("blank inside a name", "A: b\nX Y: z\n\n", "[A| b](X Y: z\r\n\r\n)"),
	ROW("no name", "A: b\n: c\n\n", "[A| b](: c\r\n\r\n)"),
	ROW("8-bit in a name", "A: b\nX\xc3\xa9: c\n\n", "[A| b](X\xc3\xa9: c\r\n\r\n)"),
	ROW("control in a name", "A: b\nX\001: c\n\n", "[A| b](X\001: c\r\n\r\n)"),
	ROW("DEL in a name", "A: b\nX\177: c\n\n", "[A| b](X\177: c\r\n\r\n)"),
	ROW("odd but printable name", "A!{}~;: c\n\n", "[A!{}~;| c]()"),
	ROW("bare CR in a body", "A: b\rc\n d\re\n\nx\ry\n", "[A| b\rc\r\n d\re](x\ry\r\n)"),
	ROW("CR CR LF", "A: b\r\r\n\nx\r\r\n", "[A| b\r](x\r\r\n)"),
	ROW("CR at the end", "A: b\r", "[A| b\r]()"),
	ROW("a line of a CR is empty", "A: b\n\r\nx", "[A| b](x\r\n)"),
	ROW("mbox From in a plain file", "A: b\n\nx\n\nFrom y\n>From z\n",
	    "[A| b](x\r\n\r\nFrom y\r\n>From z\r\n)"),
	ROW("8-bit", "A: \xc3\xa9\xff\n\n\xff\n", "[A| \xc3\xa9\xff](\xff\r\n)"),
};

static void expect_stream(const char *label, struct slice file, bool mbox, const char *wanted)
{
	FILE *f = open_octets(file.data, file.len);
	struct buf out;

	buf_init(&out, SHOWN_MAX);
	show_stream(f, mbox, &out);
	expect_slice(label, "message", buf_slice(&out), wanted);
	buf_free(&out);
	fclose(f);
}

START_TEST(plain_files)
{
	expect_stream(plain[_i].label, plain[_i].file, false, plain[_i].wanted);
}
END_TEST

START_TEST(nul_octets)
{
	static const char file[] = "A: b\0c\n\0\n\n";
	static const char wanted[] = "[A| b\0c](\0\r\n\r\n)";
	FILE *f = open_octets(file, sizeof file - 1);
	struct buf out;

	buf_init(&out, SHOWN_MAX);
	show_stream(f, false, &out);
	ck_assert_uint_eq(out.len, sizeof wanted - 1);
	ck_assert_mem_eq(out.data, wanted, sizeof wanted - 1);
	buf_free(&out);
	fclose(f);
}
END_TEST

static const struct {
	const char *label;
	struct slice file;
	const char *wanted;
} mboxes[] = {
	ROW("empty file", "", ""),
	ROW("one", "From x\nA: b\n\nbody\n", "[A| b](body\r\n)"),
	ROW("one, with its last empty line", "From x\nA: b\n\nbody\n\n", "[A| b](body\r\n)"),
	ROW("two", "From x\nA: b\n\none\n\nFrom y\nC: d\n\ntwo\n\n",
	    "[A| b](one\r\n)[C| d](two\r\n)"),
	ROW("two, CRLF", "From x\r\nA: b\r\n\r\none\r\n\r\nFrom y\r\nC: d\r\n\r\ntwo\r\n\r\n",
	    "[A| b](one\r\n)[C| d](two\r\n)"),
	ROW("quoted From in a body", "From x\nA: b\n\n>From z\na\n>From z\n>>From z\n> From\n",
	    "[A| b](From z\r\na\r\nFrom z\r\n>>From z\r\n> From\r\n)"),
	ROW("quoted From, CRLF", "From x\r\nA: b\r\n\r\n>From z\r\n", "[A| b](From z\r\n)"),
	ROW("From behind text is text", "From x\nA: b\n\none\nFrom y\ntwo\n",
	    "[A| b](one\r\nFrom y\r\ntwo\r\n)"),
	ROW("From without a blank is text", "From x\nA: b\n\none\n\nFrom: y\n",
	    "[A| b](one\r\n\r\nFrom: y\r\n)"),
	ROW("empty body", "From x\nA: b\n\nFrom y\nC: d\n\n", "[A| b]()[C| d]()"),
	ROW("empty body and the empty line", "From x\nA: b\n\n\nFrom y\nC: d\n",
	    "[A| b]()[C| d]()"),
	ROW("empty lines of the body stay", "From x\nA: b\n\n\n\none\n\n\n\nFrom y\nC: d\n",
	    "[A| b](\r\n\r\none\r\n\r\n\r\n)[C| d]()"),
	ROW("no fields", "From x\n\nbody\n", "(body\r\n)"),
	ROW("From line alone", "From x\n", "()"),
	ROW("header ended by a line that is no field", "From x\nA: b\nnonsense\n\nFrom y\nC: d\n",
	    "[A| b](nonsense\r\n)[C| d]()"),
	ROW("From line inside a header", "From x\nA: b\nFrom y\nC: d\n",
	    "[A| b](From y\r\nC: d\r\n)"),
	ROW("quoted From line behind the From line", "From x\n>From y\nA: b\n\n", "[A| b]()"),
	ROW("no From line at all", "A: b\n\nbody\n", "[A| b](body\r\n)"),
	ROW("no final line end", "From x\nA: b\n\none\n\nFrom y\nC: d\n\ntwo",
	    "[A| b](one\r\n)[C| d](two\r\n)"),
#undef ROW
};

START_TEST(mbox_files)
{
	expect_stream(mboxes[_i].label, mboxes[_i].file, true, mboxes[_i].wanted);
}
END_TEST

/* A stretch of a message whose octets stand at every place against the blocks. */
START_TEST(block_borders)
{
	static const char tail[] = "\rq\r\n b\r\nC: d\n\r\n\rx\r\n\ny\r";
	static char file[70000], wanted[70000];

	for (size_t pad = 65536 - sizeof tail - 4; pad < 65540; pad++) {
		struct buf out;
		FILE *f;

		memcpy(file, "A:", 2);
		memset(file + 2, 'p', pad);
		memcpy(file + 2 + pad, tail, sizeof tail - 1);
		f = open_octets(file, 2 + pad + sizeof tail - 1);
		buf_init(&out, SHOWN_MAX);
		show_stream(f, false, &out);
		fclose(f);
		snprintf(wanted, sizeof wanted, "[A|%.*s][C| d](\rx\r\n\r\ny\r\r\n)",
		    (int)(pad + 6 > MESSAGE_FIELD_MAX ? MESSAGE_FIELD_MAX : pad + 6), file + 2);
		ck_assert_msg(out.len == strlen(wanted) && memcmp(out.data, wanted, out.len) == 0,
		    "padded by %zu octets", pad);
		buf_free(&out);
	}
}
END_TEST

START_TEST(one_long_field)
{
	enum { LONG = 3 * 1024 * 1024 };
	char *file = must_alloc(LONG + 64);
	size_t len;
	FILE *f;
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct message_reader *r;

	memset(file, 'x', LONG);
	memcpy(file, "From:", 5);
	len = LONG;
	memcpy(file + len, "\r\nX-Other: s\r\n\r\n", 16);
	f = open_octets(file, len + 16);
	r = message_reader_new(f, false);
	ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_MESSAGE);
	ck_assert_uint_eq(m->field_count, 1);
	expect_slice("long", "name", m->fields[0].name, "From");
	ck_assert_uint_eq(m->fields[0].body.len, MESSAGE_FIELD_MAX);
	ck_assert_uint_eq(m->fields_dropped, 1);
	ck_assert_uint_eq(m->header_octets, LONG + 2 + 12);
	ck_assert_uint_lt(arena_used(arena), 256 * 1024);
	message_end_header(m);
	ck_assert(m->from[0]->unparsed);
	message_reader_free(r);
	arena_free(arena);
	fclose(f);
	free(file);
}
END_TEST

START_TEST(long_lines_that_are_no_field)
{
	enum { LONG = 200000 };
	static const char *const begins[] = { "xxx", "From x", ">From x" };
	char *file = must_alloc(LONG + 64);

	for (int i = 0; i < ROWS(begins); i++) {
		struct buf out;
		FILE *f;

		memset(file, 'x', LONG);
		memcpy(file, begins[i], strlen(begins[i]));
		memcpy(file + LONG, "\nA: b\n\n", 7);
		f = open_octets(file, LONG + 7);
		buf_init(&out, SHOWN_MAX);
		show_stream(f, false, &out);
		if (i == 0)
			ck_assert_uint_eq(out.len, 1 + LONG + 2 + 6 + 2 + 1);
		else
			expect_slice(begins[i], "message", buf_slice(&out), "[A| b]()");
		buf_free(&out);
		fclose(f);
	}
	free(file);
}
END_TEST

START_TEST(many_fields)
{
	FILE *f = tmpfile();
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct message_reader *r;

	for (int i = 0; i < 50000; i++)
		fprintf(f, "X-%d: a\n b\n", i);
	fprintf(f, "From: a@example.com\n\nbody\n");
	rewind(f);
	r = message_reader_new(f, false);
	ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_MESSAGE);
	ck_assert_uint_eq(m->field_count, MESSAGE_FIELDS_MAX + 1);
	ck_assert_uint_eq(m->fields_dropped, 50000 - MESSAGE_FIELDS_MAX);
	ck_assert_uint_eq(message_count(m, SLICE("From")), 1);
	ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_END);
	message_reader_free(r);
	arena_free(arena);
	fclose(f);
}
END_TEST

START_TEST(large_body)
{
	FILE *f = tmpfile();
	struct buf out;

	fprintf(f, "A: b\n\n");
	for (int i = 0; i < 20000; i++)
		fprintf(f, "%.*s\n", i % 80,
		    "012345678901234567890123456789012345678901234567890123456789012345678901234567"
		    "8");
	rewind(f);
	buf_init(&out, SHOWN_MAX);
	show_stream(f, false, &out);
	/* [A| b]( ... ), 250 rounds of the lengths 0 to 79, and a CRLF each */
	ck_assert_uint_eq(out.len, 8 + 250 * (79 * 80 / 2) + 20000 * 2);
	buf_free(&out);
	fclose(f);
}
END_TEST

START_TEST(unwanted_body)
{
	static const char file[] = "A: b\n\nbody\n\nFrom x\nC: d\n\n";

	for (int mbox = 0; mbox < 2; mbox++) {
		FILE *f = open_octets(file, sizeof file - 1);
		struct arena *arena = arena_new();
		struct message *m = message_new(arena);
		struct message_reader *r = message_reader_new(f, mbox == 1);

		ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_MESSAGE);
		ck_assert_uint_eq(m->field_count, 1);
		if (mbox == 1)
			ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_MESSAGE);
		ck_assert_uint_eq(m->field_count, 1 + (size_t)mbox);
		ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_END);
		ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_END);
		message_reader_free(r);
		arena_free(arena);
		fclose(f);
	}
}
END_TEST

/* Who writes into a pipe must not be cut off because nobody takes the body. */
START_TEST(stream_that_is_no_file)
{
	static char file[300000];
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct message_reader *r;
	FILE *f;

	memset(file, 'x', sizeof file);
	memcpy(file, "A: b\n\n", 6);
	f = fmemopen(file, sizeof file, "r");
	r = message_reader_new(f, false);
	ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_MESSAGE);
	ck_assert_int_ne(feof(f), 0);
	ck_assert_int_eq(message_read(r, m, NULL, NULL, NULL), READER_END);
	message_reader_free(r);
	arena_free(arena);
	fclose(f);
}
END_TEST

START_TEST(stream_that_fails)
{
	FILE *f = fopen("/", "r");
	struct arena *arena = arena_new();
	struct message_reader *r;

	ck_assert_ptr_nonnull(f);
	r = message_reader_new(f, false);
	for (int i = 0; i < 2; i++) {
		errno = 0;
		ck_assert_int_eq(
		    message_read(r, message_new(arena), show_header, NULL, NULL), READER_FAILED);
		ck_assert_int_eq(errno, EISDIR);
	}
	message_reader_free(r);
	message_reader_free(NULL);
	arena_free(arena);
	fclose(f);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_loop_test(tc, plain_files, 0, ROWS(plain));
	tcase_add_test(tc, nul_octets);
	tcase_add_loop_test(tc, mbox_files, 0, ROWS(mboxes));
	tcase_add_test(tc, block_borders);
	tcase_add_test(tc, one_long_field);
	tcase_add_test(tc, long_lines_that_are_no_field);
	tcase_add_test(tc, many_fields);
	tcase_add_test(tc, large_body);
	tcase_add_test(tc, unwanted_body);
	tcase_add_test(tc, stream_that_is_no_file);
	tcase_add_test(tc, stream_that_fails);
	suite_add_tcase(suite, tc);
	return suite;
}
