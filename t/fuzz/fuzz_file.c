/*
 * fuzz_file.c - any octets as a message file, plain and as an mbox.
 *
 * What was read from a plain file is written again as a proper message; read
 * once more it must be the same.
 */
#include "fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "check/check.h"
#include "message/file.h"

enum { WRITTEN_MAX = 16 * 1024 * 1024 };

/* A message as it goes over the wire. */
struct wire {
	const struct message *message;
	struct buf text;
};

static void write_header(void *context)
{
	struct wire *w = context;

	for (size_t i = 0; i < w->message->field_count; i++) {
		buf_add_slice(&w->text, w->message->fields[i].name);
		buf_add_char(&w->text, ':');
		buf_add_slice(&w->text, w->message->fields[i].body);
		buf_add_text(&w->text, "\r\n");
	}
	buf_add_text(&w->text, "\r\n");
}

static void write_body(void *context, const char *data, size_t len)
{
	struct wire *w = context;

	buf_add(&w->text, data, len);
}

/* Every LF ends a line, and before it stands a CR. */
static void expect_crlf(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '\n')
			MUST(i > 0 && text.data[i - 1] == '\r');
	MUST(text.len == 0 || text.data[text.len - 1] == '\n');
}

static void expect_fields(const struct message *m)
{
	MUST(m->field_count <= MESSAGE_FIELDS_MAX + MESSAGE_NAMES * MESSAGE_NAMED_MAX);
	for (size_t i = 0; i < m->field_count; i++) {
		struct slice name = m->fields[i].name;

		MUST(name.len > 0);
		MUST(m->fields[i].body.len <= MESSAGE_FIELD_MAX);
		for (size_t k = 0; k < name.len; k++)
			MUST(name.data[k] > ' ' && name.data[k] < 127 && name.data[k] != ':');
	}
}

static void judge(struct message *m)
{
	static const struct check_selection all;
	struct findings findings = { 0 };

	message_end_header(m);
	checks_run(STAGE_EOH, m, NULL, &all, true, &findings);
	MUST(findings.count > 0);
}

/* Reads the next message and writes it into *out; false when there is none. */
static bool read_one(struct message_reader *r, struct buf *out)
{
	struct arena *arena = arena_new();
	struct message *m = message_new(arena);
	struct wire w = { .message = m };
	enum reader_result result;

	buf_init(&w.text, WRITTEN_MAX);
	result = message_read(r, m, write_header, write_body, &w);
	MUST(result != READER_FAILED);
	if (result == READER_MESSAGE) {
		expect_crlf(buf_slice(&w.text));
		expect_fields(m);
		judge(m);
	}
	buf_reset(out);
	buf_add_slice(out, buf_slice(&w.text));
	buf_free(&w.text);
	arena_free(arena);
	return result == READER_MESSAGE;
}

/* The only message of a plain file, as it goes over the wire. */
static void read_plain(const void *data, size_t size, struct buf *out)
{
	FILE *f = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");
	struct message_reader *r = message_reader_new(f, false);
	struct buf none;

	buf_init(&none, WRITTEN_MAX);
	MUST(read_one(r, out));
	MUST(!read_one(r, &none));
	buf_free(&none);
	message_reader_free(r);
	fclose(f);
}

static void read_mbox(const void *data, size_t size)
{
	FILE *f = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : fopen("/dev/null", "r");
	struct message_reader *r = message_reader_new(f, true);
	size_t messages = 0, octets = 0;
	struct buf out;

	buf_init(&out, WRITTEN_MAX);
	while (read_one(r, &out)) {
		messages++;
		octets += out.len;
	}
	MUST(messages <= size && (messages > 0) == (size > 0));
	MUST(octets <= 2 * size + 4 * messages + 2);
	buf_free(&out);
	message_reader_free(r);
	fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first, second;

	buf_init(&first, WRITTEN_MAX);
	buf_init(&second, WRITTEN_MAX);
	read_plain(data, size, &first);
	read_plain(first.data, first.len, &second);
	if (size < MESSAGE_FIELD_MAX)
		MUST(first.len == second.len && slice_equal(buf_slice(&first), buf_slice(&second)));
	read_mbox(data, size);
	buf_free(&first);
	buf_free(&second);
	return 0;
}
