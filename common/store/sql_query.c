/*
 * sql_query.c - the operator's queries, and what their rows mean.
 *
 * The scanner knows quotes and comments so far that it finds a placeholder in them.  It
 * cannot know each database's every quoting; where it is wrong, the number of parameters is not
 * the one that the database counts, or a text is compared with "?": a query that fails or finds
 * nothing, never one that reads an address as SQL.
 */
#include "store/sql_query.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

static const struct {
	const char *option;
	enum store_service service;
} kinds[SQL_KINDS] = {
	{ "query", STORE_ADDRESS },
	{ "logins_query", STORE_LOGINS },
	{ "domain_query", STORE_DOMAIN },
};

/* ---- queries -------------------------------------------------------------------- */

struct scan {
	const char *at;
	struct sql_query *query;
	enum sql_style style;
	struct buf *text;
	const char *fault;
};

static void add_parameter(struct scan *scan, enum sql_value value)
{
	struct sql_query *q = scan->query;

	if (q->count == SQL_PARAMETERS_MAX) {
		scan->fault = "has too many placeholders";
		return;
	}
	q->values[q->count++] = value;
	if (scan->style == SQL_DOLLAR)
		buf_printf(scan->text, "$%zu", q->count);
	else
		buf_add_char(scan->text, '?');
}

/* At a percent sign. */
static void scan_percent(struct scan *scan, bool quoted)
{
	static const char *const names[] = { "%{address}", "%{local_part}", "%{domain}" };

	if (scan->at[1] == '%') {
		buf_add_char(scan->text, '%');
		scan->at += 2;
		return;
	}
	for (int i = 0; i < 3; i++)
		if (strncmp(scan->at, names[i], strlen(names[i])) == 0) {
			scan->at += strlen(names[i]);
			if (quoted)
				scan->fault = "has a placeholder in quotes or a comment: it is "
					      "bound as a parameter and takes no quotes";
			else
				add_parameter(scan, (enum sql_value)i);
			return;
		}
	scan->fault = "has a percent sign that is none of %{address}, %{local_part}, %{domain}, %%";
}

/* Copies up to and with the end of a quoted part or of a comment. */
static void scan_quoted(struct scan *scan, const char *end)
{
	while (*scan->at != '\0' && scan->fault == NULL) {
		if (strncmp(scan->at, end, strlen(end)) == 0) {
			buf_add_text(scan->text, end);
			scan->at += strlen(end);
			return;
		}
		if (*scan->at == '%')
			scan_percent(scan, true);
		else
			buf_add_char(scan->text, *scan->at++);
	}
	if (scan->fault == NULL && *end != '\n')
		scan->fault = "has a quote or comment without an end";
}

/* Copies n octets. */
static void copy(struct scan *scan, size_t n)
{
	buf_add(scan->text, scan->at, n);
	scan->at += n;
}

static void scan_query(struct scan *scan)
{
	while (*scan->at != '\0' && scan->fault == NULL) {
		const char *c = scan->at;

		if (*c == '\'' || *c == '"' || *c == '`') {
			const char end[2] = { *c, '\0' };

			copy(scan, 1);
			scan_quoted(scan, end);
		} else if (strncmp(c, "--", 2) == 0) {
			copy(scan, 2);
			scan_quoted(scan, "\n");
		} else if (strncmp(c, "/*", 2) == 0) {
			copy(scan, 2);
			scan_quoted(scan, "*/");
		} else if (*c == '%') {
			scan_percent(scan, false);
		} else if (*c == '?' && scan->style == SQL_QUESTION_MARK) {
			scan->fault = "has a question mark: parameters are written %{address}";
		} else {
			copy(scan, 1);
		}
	}
}

static bool read_query(struct sql_query *query, enum sql_style style, const char *option,
    const struct store_options *options, struct buf *notes)
{
	const char *source = store_option_text(options, option, NULL);
	struct scan scan = { source, query, style, NULL, NULL };
	struct buf text;

	if (source == NULL)
		return true;
	buf_init(&text, 2 * STORE_OPTION_TEXT_MAX);
	scan.text = &text;
	scan_query(&scan);
	if (scan.fault == NULL && query->count == 0)
		scan.fault = "has no placeholder: it would say the same of every address";
	if (scan.fault != NULL)
		buf_printf(notes, "store \"%s\": %s %s\n", options->name, option, scan.fault);
	query->text = must_strdup(buf_text(&text));
	buf_free(&text);
	return scan.fault == NULL;
}

bool sql_queries_read(struct sql_queries *queries, enum sql_style style,
    const struct store_options *options, struct buf *notes)
{
	bool good = true;

	memset(queries, 0, sizeof *queries);
	for (int i = 0; i < SQL_KINDS; i++) {
		good = read_query(&queries->of[i], style, kinds[i].option, options, notes) && good;
		if (queries->of[i].text != NULL)
			queries->services |= kinds[i].service;
	}
	if (good && queries->services == 0) {
		buf_printf(notes,
		    "store \"%s\": it needs one of query, logins_query, domain_query\n",
		    options->name);
		good = false;
	}
	return good;
}

void sql_queries_free(struct sql_queries *queries)
{
	for (int i = 0; i < SQL_KINDS; i++)
		free(queries->of[i].text);
}

struct slice sql_value(enum sql_value value, const struct store_question *question)
{
	return value == SQL_ADDRESS      ? question->key
	       : value == SQL_LOCAL_PART ? question->local_part
					 : question->domain;
}

/* ---- rows ----------------------------------------------------------------------- */

void sql_result_begin(
    struct sql_result *result, enum store_service service, struct store_reply *reply)
{
	*result = (struct sql_result){ .service = service, .reply = reply, .status = LOOKUP_FOUND };
}

static enum sql_column column_of(const char *name)
{
	static const char *const names[] = { "", "type", "target", "targets", "login", "logins" };

	for (int i = SQL_TYPE; i <= SQL_LOGINS; i++)
		if (strcasecmp(name, names[i]) == 0)
			return (enum sql_column)i;
	return SQL_OTHER;
}

void sql_result_column(struct sql_result *result, const char *name)
{
	enum sql_column column = column_of(name);

	if (result->columns == SQL_COLUMNS_MAX) {
		result->status = store_reply_fail(
		    result->reply, LOOKUP_PERMFAIL, "the query has too many columns");
		return;
	}
	result->column[result->columns++] = column;
	if (column == SQL_LOGIN || column == SQL_LOGINS)
		result->has_logins = true;
}

void sql_result_columns_end(struct sql_result *result)
{
	if (result->service == STORE_LOGINS && !result->has_logins && result->columns > 0)
		result->column[0] = SQL_LOGINS;
}

bool sql_result_row(struct sql_result *result)
{
	if (result->status == LOOKUP_FOUND && result->rows++ == SQL_ROWS_MAX)
		result->status =
		    store_reply_fail_key(result->reply, LOOKUP_TEMPFAIL, "there are too many rows");
	return result->status == LOOKUP_FOUND;
}

static void take_type(struct sql_result *result, struct slice value)
{
	static const enum store_entry of_address[] = { ENTRY_MAILBOX, ENTRY_ALIAS, ENTRY_FORWARD,
		ENTRY_LIST, ENTRY_CATCH_ALL };
	static const enum store_entry of_domain[] = { ENTRY_DOMAIN, ENTRY_ALIAS_DOMAIN,
		ENTRY_OPEN_DOMAIN };
	bool domain = result->service == STORE_DOMAIN;
	size_t count = domain ? 3 : result->service == STORE_ADDRESS ? 5 : 0;

	for (size_t i = 0; i < count; i++) {
		enum store_entry entry = domain ? of_domain[i] : of_address[i];

		if (slice_equal_nocase(value, slice_of(store_entry_name(entry)))) {
			store_reply_entry(result->reply, entry);
			result->has_type = true;
			return;
		}
	}
	if (count > 0)
		result->status = store_reply_fail_key(result->reply, LOOKUP_PERMFAIL,
		    "the column type says \"%.*s\"", value.len > 50 ? 50 : (int)value.len,
		    value.data);
}

void sql_result_value(struct sql_result *result, size_t column, struct slice value)
{
	if (column >= result->columns || value.len == 0 || result->status != LOOKUP_FOUND)
		return;
	switch (result->column[column]) {
	case SQL_TYPE: take_type(result, value); break;
	case SQL_TARGET:
		store_reply_target(result->reply, value);
		result->has_target = true;
		break;
	case SQL_TARGETS:
		store_reply_targets(result->reply, value);
		result->has_target = true;
		break;
	case SQL_LOGIN: store_reply_login(result->reply, value); break;
	case SQL_LOGINS: store_reply_logins(result->reply, value); break;
	case SQL_OTHER: break;
	}
}

enum lookup_status sql_result_end(struct sql_result *result)
{
	if (result->status != LOOKUP_FOUND)
		return result->status;
	if (result->rows == 0)
		return LOOKUP_NOTFOUND;
	if (result->has_logins)
		store_reply_has_logins(result->reply);
	if (result->has_target && !result->has_type && result->service != STORE_LOGINS)
		store_reply_entry(result->reply,
		    result->service == STORE_DOMAIN ? ENTRY_ALIAS_DOMAIN : ENTRY_ALIAS);
	return LOOKUP_FOUND;
}
