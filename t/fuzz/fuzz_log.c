/* fuzz_log.c - lines of logs: what is taken from one is whole and stands in its place. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "audit/json.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "tools/json_members.h"
#include "tools/log_entry.h"

static bool inside(struct slice part, struct slice line)
{
	return part.data == NULL ||
	       (part.data >= line.data && part.data + part.len <= line.data + line.len);
}

/* Any text that can be shown, written by our own writer, is read back as it is. */
static void check_written(struct arena *arena, struct slice text)
{
	struct json_member member = { .object = "author", .name = "address" };
	struct buf out, shown;
	struct json json;

	buf_init(&out, 16 * text.len + 1000);
	buf_init(&shown, 4 * text.len + 1);
	utf8_escape(&shown, text);
	json_begin(&json, &out, 0);
	json_open_object(&json, NULL);
	json_open_object(&json, "author");
	json_add_string(&json, "address", text);
	json_close_object(&json);
	json_close_object(&json);
	MUST(json_members_find(arena, buf_slice(&out), &member, 1));
	MUST(slice_equal(member.value, buf_slice(&shown)));
	buf_free(&shown);
	buf_free(&out);
}

static void check_entry(struct slice line, const struct log_entry *e)
{
	bool postfix = e->kind == LOG_CLIENT || e->kind == LOG_SENDER || e->kind == LOG_REMOVED;

	MUST(postfix == (e->queue_id.len > 0));
	if (postfix) {
		MUST(inside(e->queue_id, line) && inside(e->address, line) &&
		     inside(e->login, line));
		for (size_t i = 0; i < e->queue_id.len; i++)
			MUST(strchr(" :<>,", e->queue_id.data[i]) == NULL);
	}
	if (e->kind == LOG_RECORD || e->kind == LOG_SENDER)
		MUST(e->address.data != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct slice line = { (const char *)data, size };
	struct json_member member = { .object = "author", .name = "address" };
	struct log_entry e = log_entry_read(arena, line);

	check_entry(line, &e);
	check_written(arena, line);
	/* what is JSON is UTF-8, and so is what was in it */
	if (json_members_find(arena, line, &member, 1)) {
		MUST(utf8_first_invalid(line) == line.len);
		MUST(utf8_first_invalid(member.value) == member.value.len);
	}
	arena_free(arena);
	return 0;
}
