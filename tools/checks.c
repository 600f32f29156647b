/* checks.c - `presend checks`: the table of checks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "audit/json.h"
#include "base/buf.h"
#include "base/log.h"
#include "check/check.h"
#include "policy/reply.h"
#include "tools/options.h"
#include "tools/tools.h"

enum { TEXT_MAX = 256 * 1024 };

static int code_of(const struct check *check)
{
	return reply_code(check->stage, check->enhanced, true);
}

static void add_json(struct buf *out)
{
	struct json j;

	json_begin(&j, out, 0);
	json_open_array(&j, NULL);
	for (size_t i = 0; i < check_count; i++) {
		json_open_object(&j, NULL);
		json_add_text(&j, "name", checks[i].name);
		json_add_text(&j, "stage", stage_name(checks[i].stage));
		json_add_text(&j, "action", action_name(checks[i].action));
		json_add_bool(&j, "own", checks[i].own);
		json_open_object(&j, "reply");
		json_add_number(&j, "code", code_of(&checks[i]));
		json_add_text(&j, "enhanced", checks[i].enhanced);
		json_close_object(&j);
		json_add_text(&j, "summary", checks[i].summary);
		json_close_object(&j);
	}
	json_close_array(&j);
	buf_add_char(out, '\n');
}

static void add_table(struct buf *out)
{
	buf_printf(
	    out, "%-26s %-5s %-11s %-10s %s\n", "CHECK", "STAGE", "DEFAULT", "REPLY", "FAILS WHEN");
	for (size_t i = 0; i < check_count; i++)
		buf_printf(out, "%-26s %-5s %-6s%-5s %d %-6s %s\n", checks[i].name,
		    stage_name(checks[i].stage), action_name(checks[i].action),
		    checks[i].own ? " own" : "", code_of(&checks[i]), checks[i].enhanced,
		    checks[i].summary);
}

int tool_checks(const struct options *o)
{
	struct buf text;
	int status = STATUS_GOOD;

	buf_init(&text, TEXT_MAX);
	if (o->json)
		add_json(&text);
	else
		add_table(&text);
	fwrite(buf_text(&text), 1, text.len, stdout);
	buf_free(&text);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_line(LOG_LEVEL_ERROR, "standard output: %s", strerror(errno));
		status = STATUS_OUTPUT;
	}
	return status;
}
