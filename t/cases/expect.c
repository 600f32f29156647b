/* expect.c - what a case expects of the record and of the answer that it got. */
#include "t/cases/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

const char *way_name(enum way way)
{
	return way == WAY_LIBRARY ? "library" : way == WAY_CLI ? "cli" : "milter";
}

const char *text_at(const json_t *object, const char *key, char got[GOT_SIZE])
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		snprintf(got, GOT_SIZE, "%lld", (long long)json_integer_value(value));
	else
		snprintf(got, GOT_SIZE, "%s",
		    json_is_null(value)     ? "null"
		    : json_is_true(value)   ? "true"
		    : json_is_false(value)  ? "false"
		    : json_is_string(value) ? json_string_value(value)
					    : "");
	return got;
}

bool expects(const struct case_file *c, enum expect_kind kind)
{
	for (size_t i = 0; i < c->expectation_count; i++)
		if (c->expectations[i].kind == kind)
			return true;
	return false;
}

/* ---- of the record ----------------------------------------------------------- */

static bool same_text(const json_t *object, const char *key, const char *wanted, char got[GOT_SIZE])
{
	return strcmp(text_at(object, key, got), wanted) == 0;
}

/* As text, so that a wanted number that is none never holds. */
static bool same_number(long value, const char *wanted)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", value);
	return strcmp(text, wanted) == 0;
}

static bool is_fault(const json_t *finding)
{
	char got[GOT_SIZE];

	text_at(finding, "result", got);
	return strcmp(got, "fail") == 0 || strcmp(got, "unknown") == 0;
}

/* Names of attributes whose members are called otherwise in the record. */
static const char *member_of(const char *attribute)
{
	static const char *const names[][2] = {
		{ "aligned7489", "aligned_rfc7489" },
		{ "aligned9989", "aligned_rfc9989" },
		{ "aligned-dkim", "aligned_dkim" },
		{ "aligned-spf", "aligned_spf" },
		{ "org", "org_domain" },
		{ "record", "record_domain" },
		{ "login", "login_may_use" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(attribute, names[i][0]) == 0)
			return names[i][1];
	return attribute;
}

/* Sentences may be given with "*" for what does not matter in them. */
static bool attributes_hold(const json_t *object, const struct expectation *e)
{
	char got[GOT_SIZE];

	for (size_t i = 0; i < e->attribute_count; i++) {
		const struct attribute *a = &e->attributes[i];
		bool sentence = strcmp(a->name, "reason") == 0 || strcmp(a->name, "fix") == 0;

		text_at(object, member_of(a->name), got);
		if (sentence ? !slice_match(slice_of(a->value), slice_of(got))
			     : strcmp(got, a->value) != 0)
			return false;
	}
	return true;
}

static bool finding_matches(const json_t *finding, const struct expectation *e)
{
	char got[GOT_SIZE];

	if (!same_text(finding, "check", e->words[0], got) ||
	    !same_text(finding, "result", e->words[1], got))
		return false;
	return attributes_hold(finding, e);
}

/* All findings that are faults, for the report. */
static void list_findings(const json_t *record, char got[GOT_SIZE])
{
	char *text = json_dumps(json_object_get(record, "findings"), JSON_COMPACT);

	snprintf(got, GOT_SIZE, "%s", text == NULL ? "no findings" : text);
	free(text);
}

static bool finding_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *findings = json_object_get(record, "findings"), *finding;
	bool found = false;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		if (e->kind == EXPECT_FINDING)
			found |= finding_matches(finding, e);
		else
			found |=
			    is_fault(finding) &&
			    slice_match(slice_of(e->words[0]),
				slice_of(json_string_value(json_object_get(finding, "check"))));
	}
	list_findings(record, got);
	return found == (e->kind == EXPECT_FINDING);
}

/* findings CHECK N: so many, whatever their result */
static bool count_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *findings = json_object_get(record, "findings"), *finding;
	long count = 0;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		count += same_text(finding, "check", e->words[0], got);
	}
	list_findings(record, got);
	return same_number(count, e->words[1]);
}

static void dump(const json_t *value, char got[GOT_SIZE])
{
	char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);

	snprintf(got, GOT_SIZE, "%s", text == NULL ? "no such part" : text);
	free(text);
}

/* The object that `dkim N`, `spf IP` or `dmarc STANDARD` speaks of, or NULL. */
static const json_t *part_of(const json_t *part, const struct expectation *e)
{
	const json_t *one;
	char got[GOT_SIZE];
	size_t i;

	if (e->kind == EXPECT_DMARC)
		return json_object_get(part, e->words[0]);
	if (e->kind == EXPECT_DKIM)
		return json_array_get(part, strtoul(e->words[0], NULL, 10) - 1);
	json_array_foreach(part, i, one)
	{
		if (same_text(one, "ip", e->words[0], got))
			return one;
	}
	return NULL;
}

/* dkim absent, dkim empty, dkim N [RESULT]; and so on */
static bool part_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const char *key = e->kind == EXPECT_DKIM ? "dkim" : e->kind == EXPECT_SPF ? "spf" : "dmarc";
	const json_t *part = json_object_get(record, key), *one;
	char result[GOT_SIZE];

	dump(part, got);
	if (strcmp(e->words[0], "absent") == 0)
		return part == NULL;
	if (strcmp(e->words[0], "empty") == 0)
		return json_is_array(part) && json_array_size(part) == 0;
	one = part_of(part, e);
	return one != NULL &&
	       (e->words[1] == NULL || same_text(one, "result", e->words[1], result)) &&
	       attributes_hold(one, e);
}

/* mailbox absent, mailbox ANSWER */
static bool mailbox_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *part = json_object_get(record, "mailbox");
	char answer[GOT_SIZE];

	dump(part, got);
	if (strcmp(e->words[0], "absent") == 0)
		return part == NULL;
	return part != NULL && same_text(part, "answer", e->words[0], answer) &&
	       attributes_hold(part, e);
}

static bool reply_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *reply = json_object_get(record, "reply");

	if (strcmp(e->words[0], "none") == 0) {
		snprintf(got, GOT_SIZE, "a reply");
		return reply == NULL;
	}
	return same_text(reply, "code", e->words[0], got) &&
	       (e->words[1] == NULL || same_text(reply, "enhanced", e->words[1], got));
}

static bool author_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *author = json_object_get(record, "author");
	const char *key = e->kind == EXPECT_AUTHOR ? "address" : "display_name";

	text_at(author, key, got);
	if (strcmp(e->words[0], "none") == 0)
		return author == NULL || strcmp(got, "null") == 0;
	return author != NULL && strcmp(got, e->words[0]) == 0;
}

static bool record_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	switch (e->kind) {
	case EXPECT_VERDICT: return same_text(record, "verdict", e->words[0], got);
	case EXPECT_ACTION: return same_text(record, "action", e->words[0], got);
	case EXPECT_MODE: return same_text(record, "mode", e->words[0], got);
	case EXPECT_CLASS: return same_text(record, "class", e->words[0], got);
	case EXPECT_REPLY: return reply_holds(record, e, got);
	case EXPECT_REPLY_TEXT:
		text_at(json_object_get(record, "reply"), "text", got);
		return strcmp(e->words[0], "contains") == 0 && strstr(got, e->words[1]) != NULL;
	case EXPECT_AUTHOR:
	case EXPECT_DISPLAY_NAME: return author_holds(record, e, got);
	case EXPECT_FINDING:
	case EXPECT_NO_FINDING: return finding_holds(record, e, got);
	case EXPECT_FINDINGS: return count_holds(record, e, got);
	case EXPECT_DKIM:
	case EXPECT_SPF:
	case EXPECT_DMARC: return part_holds(record, e, got);
	case EXPECT_MAILBOX: return mailbox_holds(record, e, got);
	default: return true;
	}
}

/* ---- of the milter's answer -------------------------------------------------- */

static size_t count_removed(const struct mta_answer *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->change_count; i++)
		count += !a->changes[i].added && a->changes[i].value[0] == '\0';
	return count;
}

/* flag-header VALUE [NAME] */
static bool flag_holds(const struct mta_answer *a, const struct expectation *e, char got[GOT_SIZE])
{
	const char *name = e->words[1] == NULL ? "X-Presend-Flag" : e->words[1];

	snprintf(got, GOT_SIZE, "no such header");
	for (size_t i = 0; i < a->change_count; i++) {
		struct slice value = slice_trim(slice_of(a->changes[i].value));

		if (!a->changes[i].added || strcmp(a->changes[i].name, name) != 0)
			continue;
		snprintf(got, GOT_SIZE, "%.*s", SLICE_ARG(value));
		return slice_equal(value, slice_of(e->words[0]));
	}
	return false;
}

static void describe(const struct mta_answer *a, char got[GOT_SIZE])
{
	snprintf(got, GOT_SIZE, "%s at %s %s, %zu recipients refused, %zu headers changed%s",
	    a->accepted ? "accepted" : "refused", mta_step_name(a->step), a->reply,
	    a->rcpts_refused, a->change_count, a->quarantined ? ", held" : "");
}

static bool answer_holds(
    const struct mta_answer *a, const struct expectation *e, char got[GOT_SIZE])
{
	bool here = e->words[0] != NULL && strcmp(mta_step_name(a->step), e->words[0]) == 0;

	describe(a, got);
	switch (e->kind) {
	case EXPECT_ACCEPT_AT: return a->accepted && here;
	case EXPECT_REFUSE_AT:
		return !a->accepted && here &&
		       (e->words[1] == NULL ||
			   strncmp(a->reply, e->words[1], strlen(e->words[1])) == 0);
	case EXPECT_RCPTS_REFUSED: return same_number((long)a->rcpts_refused, e->words[0]);
	case EXPECT_FLAG_HEADER: return flag_holds(a, e, got);
	case EXPECT_HEADERS_REMOVED: return same_number((long)count_removed(a), e->words[0]);
	case EXPECT_QUARANTINE: return a->quarantined;
	case EXPECT_UNTOUCHED:
		return a->accepted && a->rcpts_refused == 0 && a->change_count == 0 &&
		       !a->quarantined;
	default: return true;
	}
}

void check_reply(const struct seen *seen, struct report *report)
{
	const struct mta_answer *answer = seen->answer;
	const json_t *record = seen->record;
	const json_t *reply = json_object_get(record, "reply");
	const char *enhanced = json_string_value(json_object_get(reply, "enhanced"));
	char wanted[40], mode[GOT_SIZE];

	/* of several recipients and several modes the record names what the rules say first */
	if (answer->accepted || record == NULL || answer->rcpts_refused > 1 ||
	    strcmp(text_at(record, "mode", mode), "enforce") != 0)
		return;
	snprintf(wanted, sizeof wanted, "%lld",
	    (long long)json_integer_value(json_object_get(reply, "code")));
	if (strncmp(answer->reply, wanted, 3) != 0 || enhanced == NULL ||
	    strstr(answer->reply, enhanced) == NULL)
		report_fault(report, 0, "milter: the record says %s %s, the client was told \"%s\"",
		    wanted, enhanced == NULL ? "(none)" : enhanced, answer->reply);
}

/* ---- of both ----------------------------------------------------------------- */

static bool holds(const struct seen *seen, const struct expectation *e, char got[GOT_SIZE])
{
	if (e->kind == EXPECT_EXIT) {
		snprintf(got, GOT_SIZE, "exit status %d", seen->exit_status);
		return seen->way != WAY_CLI || same_number(seen->exit_status, e->words[0]);
	}
	if (e->kind == EXPECT_NO_RECORD) {
		snprintf(got, GOT_SIZE, "a record");
		return seen->way != WAY_MILTER || seen->record == NULL;
	}
	if (e->kind >= EXPECT_ACCEPT_AT)
		return seen->way != WAY_MILTER || answer_holds(seen->answer, e, got);
	snprintf(got, GOT_SIZE, "no record");
	return seen->record != NULL && record_holds(seen->record, e, got);
}

void check_expectations(const struct case_file *c, const struct seen *seen, struct report *report)
{
	char got[GOT_SIZE];

	for (size_t i = 0; i < c->expectation_count; i++) {
		const struct expectation *e = &c->expectations[i];

		if (!holds(seen, e, got))
			report_fault(report, e->line, "%s: this does not hold; got %s",
			    way_name(seen->way), got);
	}
}
