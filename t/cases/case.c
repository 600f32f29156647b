/* case.c - one scenario in one text file. */
#include "t/cases/case.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
	FILE_MAX = 256 * 1024,
	MESSAGE_MAX = 4 * 1024 * 1024,
	WORDS_MAX = 12,
	REPEAT_MAX = 200000,
};

enum section {
	SECTION_TOP,
	SECTION_CONFIG,
	SECTION_RECORDS,
	SECTION_MAILBOXES,
	SECTION_ENVELOPE,
	SECTION_MESSAGE,
	SECTION_SIGN,
	SECTION_ALTER,
	SECTION_SHOWS,
	SECTION_VERDICT,
	SECTIONS
};

static const char *const section_lines[SECTIONS] = {
	[SECTION_TOP] = NULL,
	[SECTION_CONFIG] = "[config]",
	[SECTION_RECORDS] = "[records]",
	[SECTION_MAILBOXES] = "[mailboxes]",
	[SECTION_ENVELOPE] = "[envelope]",
	[SECTION_MESSAGE] = "[message]",
	[SECTION_SIGN] = "[sign]",
	[SECTION_ALTER] = "[alter]",
	[SECTION_SHOWS] = "[shows]",
	[SECTION_VERDICT] = "[verdict]",
};

/* A word of a directive: "name=value" is told from others where attributes may stand. */
struct word {
	char *name; /* NULL: no attribute */
	char *value;
};

struct parser {
	struct case_file *c;
	unsigned line;
	enum section section;
	bool seen[SECTIONS];
	struct buf config, records, mailboxes, message, shows;
	bool held_empty;   /* an empty line that belongs to the section if another follows */
	bool login_unsaid; /* nothing says who sends: the default login does */
	char *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *format, ...)
{
	int n = snprintf(p->error, MTA_TEXT_MAX, "%s:%u: ", p->c->path, p->line);
	va_list ap;

	va_start(ap, format);
	vsnprintf(p->error + n, MTA_TEXT_MAX - (size_t)n, format, ap);
	va_end(ap);
	return false;
}

/* ---- octets and words -------------------------------------------------------- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* "\xNN" at that place as an octet, or -1. */
static int hex_escape(const char *at)
{
	int high, low;

	if (at[0] != '\\' || at[1] != 'x' || (high = hex_digit(at[2])) < 0 ||
	    (low = hex_digit(at[3])) < 0)
		return -1;
	return high << 4 | low;
}

/* "\*N{text}" at that place: appends text N times; the octets it takes in the line, or 0. */
static size_t repeat_escape(const char *at, struct buf *out)
{
	char *brace;
	const char *close;
	unsigned long count;

	if (at[0] != '\\' || at[1] != '*' || at[2] < '0' || at[2] > '9')
		return 0;
	count = strtoul(at + 2, &brace, 10);
	close = strchr(brace, '}');
	if (*brace != '{' || close == NULL || count > REPEAT_MAX)
		return 0;
	while (count-- > 0)
		for (const char *p = brace + 1; p < close; p++) {
			int octet = hex_escape(p);

			buf_add_char(out, octet < 0 ? *p : (char)octet);
			p += octet < 0 ? 0 : 3;
		}
	return (size_t)(close + 1 - at);
}

/* Appends the line with its escapes taken; any other backslash stands for itself. */
static void add_octets(struct buf *out, const char *line)
{
	while (*line != '\0') {
		int octet = hex_escape(line);
		size_t taken = repeat_escape(line, out);

		if (taken > 0) {
			line += taken;
		} else if (octet >= 0) {
			buf_add_char(out, (char)octet);
			line += 4;
		} else {
			buf_add_char(out, *line++);
		}
	}
}

/* Takes what stands between double quotes; \" and \\ are the escapes.  NULL: not closed. */
static const char *take_quoted(const char *at, struct buf *out)
{
	for (at++; *at != '"'; at++) {
		if (*at == '\0')
			return NULL;
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		buf_add_char(out, *at);
	}
	return at + 1;
}

static char *finish_word(struct buf *text, bool octets)
{
	struct buf out;
	char *word;

	if (!octets)
		return must_strdup(buf_text(text));
	buf_init(&out, MESSAGE_MAX);
	add_octets(&out, buf_text(text));
	word = must_strdup(buf_text(&out));
	buf_free(&out);
	return word;
}

/*
 *   word = [ name "=" ] ( 1*visible / quoted )
 *
 * A name is letters, digits and hyphens.  octets: escapes of octets are taken.
 */
static const char *take_word(const char *at, struct word *word, bool octets)
{
	size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
	struct buf text;

	*word = (struct word){ 0 };
	if (name > 0 && at[name] == '=') {
		word->name = strndup(at, name);
		at += name + 1;
	}
	buf_init(&text, FILE_MAX);
	if (*at == '"') {
		at = take_quoted(at, &text);
	} else {
		size_t len = strcspn(at, " \t");

		buf_add(&text, at, len);
		at += len;
	}
	if (at != NULL && *at != '\0' && *at != ' ' && *at != '\t')
		at = NULL;
	word->value = finish_word(&text, octets);
	buf_free(&text);
	return at;
}

static void free_words(struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(words[i].name);
		free(words[i].value);
	}
}

/* The words of the line; their count, or -1 when it cannot be read. */
static int split(struct parser *p, const char *line, struct word words[WORDS_MAX], bool octets)
{
	int count = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (*line == '\0')
			return count;
		if (count == WORDS_MAX) {
			fail(p, "too many words");
			break;
		}
		line = take_word(line, &words[count++], octets);
		if (line == NULL) {
			fail(p, "a quote is not closed, or a word goes on behind it");
			break;
		}
	}
	free_words(words, (size_t)count);
	return -1;
}

/* ---- the directives of [envelope] -------------------------------------------- */

struct envelope_row {
	const char *name;
	int least, most;  /* words behind it */
	bool said_by_cli; /* the command line has an option for it */
	bool says_who;    /* the default login then steps back */
	size_t member;    /* of struct mta_envelope, where take is NULL */
	bool (*take)(struct parser *p, const struct word *words, int count);
};

static void replace(const char **to, const char *text)
{
	free((char *)*to);
	*to = must_strdup(text);
}

/* client IP [NAME] */
static bool take_client(struct parser *p, const struct word *words, int count)
{
	replace(&p->c->envelope.client, words[0].value);
	if (count > 1)
		replace(&p->c->envelope.client_name, words[1].value);
	return true;
}

/* mta NAME [VERSION] */
static bool take_mta(struct parser *p, const struct word *words, int count)
{
	char text[200];

	snprintf(text, sizeof text, "%s%s%s", words[0].value, count > 1 ? " " : "",
	    count > 1 ? words[1].value : "");
	replace(&p->c->envelope.version, text);
	return true;
}

static bool take_local(struct parser *p, const struct word *words, int count)
{
	struct mta_envelope *e = &p->c->envelope;

	(void)words;
	(void)count;
	e->local = true;
	replace(&e->client, "127.0.0.1");
	replace(&e->client_name, "localhost");
	replace(&e->helo, "localhost");
	return true;
}

/* mail PATH [SMTPUTF8], or mail unsaid */
static bool take_mail(struct parser *p, const struct word *words, int count)
{
	if (strcmp(words[0].value, "unsaid") == 0) {
		p->c->sender_given = false;
		return true;
	}
	replace(&p->c->envelope.mail, words[0].value);
	if (count == 1)
		return true;
	if (strcmp(words[1].value, "SMTPUTF8") != 0)
		return fail(p, "only SMTPUTF8 can stand behind the path");
	p->c->envelope.smtputf8 = true;
	return true;
}

/* rcpt PATH [mailer=NAME] [times=N] */
static bool take_rcpt(struct parser *p, const struct word *words, int count)
{
	struct mta_envelope *e = &p->c->envelope;
	const char *mailer = NULL;
	long times = 1;
	char *end = NULL;

	for (int i = 1; i < count; i++) {
		if (words[i].name != NULL && strcmp(words[i].name, "mailer") == 0)
			mailer = words[i].value;
		else if (words[i].name != NULL && strcmp(words[i].name, "times") == 0)
			times = strtol(words[i].value, &end, 10);
		else
			return fail(p, "behind a recipient stands mailer= or times=");
	}
	if (times < 1 || (end != NULL && *end != '\0'))
		return fail(p, "times= wants a number from 1");
	for (; times > 0; times--) {
		if (e->rcpt_count == CASE_RCPTS_MAX)
			return fail(p, "more than %d recipients", CASE_RCPTS_MAX);
		p->c->rcpts[e->rcpt_count++] = (struct mta_rcpt){
			must_strdup(words[0].value),
			mailer == NULL ? NULL : must_strdup(mailer),
		};
	}
	return true;
}

static bool take_args(struct parser *p, const struct word *words, int count)
{
	for (int i = 0; i < count; i++) {
		if (p->c->arg_count == CASE_ARGS_MAX)
			return fail(p, "too many arguments");
		p->c->args[p->c->arg_count++] = must_strdup(words[i].value);
	}
	return true;
}

#define MEMBER(name) offsetof(struct mta_envelope, name)

static const struct envelope_row envelope_rows[] = {
	{ "client", 1, 2, true, true, 0, take_client },
	{ "helo", 1, 1, true, false, MEMBER(helo), NULL },
	{ "auth", 1, 1, true, true, MEMBER(login), NULL },
	{ "mail", 1, 2, true, false, 0, take_mail },
	{ "rcpt", 1, 3, true, false, 0, take_rcpt },
	{ "args", 1, WORDS_MAX - 1, true, false, 0, take_args },
	{ "cert", 1, 1, false, true, MEMBER(cert_subject), NULL },
	{ "daemon_name", 1, 1, false, true, MEMBER(daemon_name), NULL },
	{ "mta", 1, 2, false, false, 0, take_mta },
	{ "local", 0, 0, false, true, 0, take_local },
};

static bool envelope_line(struct parser *p, const struct word *words, int count)
{
	for (size_t i = 0; i < sizeof envelope_rows / sizeof envelope_rows[0]; i++) {
		const struct envelope_row *row = &envelope_rows[i];

		if (strcmp(words[0].value, row->name) != 0)
			continue;
		if (count - 1 < row->least || count - 1 > row->most)
			return fail(p, "%s takes %d to %d words", row->name, row->least, row->most);
		if (!row->said_by_cli)
			p->c->ways &= ~(unsigned)WAY_CLI;
		if (row->says_who)
			p->login_unsaid = false;
		if (row->take != NULL)
			return row->take(p, words + 1, count - 1);
		replace((const char **)((char *)&p->c->envelope + row->member), words[1].value);
		return true;
	}
	return fail(p, "no such directive of [envelope]: %s", words[0].value);
}

/* ---- the directives of [sign] and [alter] ------------------------------------- */

static bool sign_line(struct parser *p, const struct word *words, int count)
{
	struct recipe *how = &p->c->signings[p->c->signing_count];

	if (p->c->signing_count == CASE_SIGNINGS_MAX)
		return fail(p, "too many signatures");
	p->c->signing_count++;
	recipe_begin(how);
	for (int i = 0; i < count; i++)
		if (words[i].name == NULL || !recipe_set(how, words[i].name, words[i].value))
			return fail(p, "no such tag or key of a signature: %s", words[i].value);
	return recipe_is_complete(how) || fail(p, "a signature wants d=, s= and key=");
}

/* replace OLD NEW, or body-append TEXT */
static bool alter_line(struct parser *p, const struct word *words, int count)
{
	struct change *change = &p->c->changes[p->c->change_count];
	bool replaces = strcmp(words[0].value, "replace") == 0;

	if (!replaces && strcmp(words[0].value, "body-append") != 0)
		return fail(p, "no such directive of [alter]: %s", words[0].value);
	if (count != (replaces ? 3 : 2))
		return fail(p, "replace takes two texts, body-append one");
	if (p->c->change_count == CASE_CHANGES_MAX)
		return fail(p, "too many changes");
	p->c->change_count++;
	change->found = replaces ? must_strdup(words[1].value) : NULL;
	change->text = must_strdup(words[replaces ? 2 : 1].value);
	return true;
}

/* ---- the directives of [verdict] --------------------------------------------- */

struct verdict_row {
	const char *name;
	enum expect_kind kind;
	int least, most;        /* plain words behind it */
	const char *attributes; /* names that may stand behind them, each with a blank behind it */
	unsigned ways;          /* it looks at one of these */
};

static const struct verdict_row verdict_rows[] = {
	{ "verdict", EXPECT_VERDICT, 1, 1, "", WAYS_ALL },
	{ "action", EXPECT_ACTION, 1, 1, "", WAYS_ALL },
	{ "mode", EXPECT_MODE, 1, 1, "", WAYS_ALL },
	{ "class", EXPECT_CLASS, 1, 1, "", WAYS_ALL },
	{ "reply", EXPECT_REPLY, 1, 2, "", WAYS_ALL },
	{ "reply-text", EXPECT_REPLY_TEXT, 2, 2, "", WAYS_ALL },
	{ "author", EXPECT_AUTHOR, 1, 1, "", WAYS_ALL },
	{ "display-name", EXPECT_DISPLAY_NAME, 1, 1, "", WAYS_ALL },
	{ "finding", EXPECT_FINDING, 2, 2, "offset token action stage mode field reason fix rfc ",
	    WAYS_ALL },
	{ "no-finding", EXPECT_NO_FINDING, 1, 1, "", WAYS_ALL },
	{ "findings", EXPECT_FINDINGS, 2, 2, "", WAYS_ALL },
	{ "dkim", EXPECT_DKIM, 1, 2,
	    "domain selector algorithm bits aligned7489 aligned9989 reason ", WAYS_ALL },
	{ "spf", EXPECT_SPF, 1, 2, "identity domain lookups aligned7489 aligned9989 ", WAYS_ALL },
	{ "dmarc", EXPECT_DMARC, 1, 2,
	    "policy disposition org record reason aligned-dkim aligned-spf ", WAYS_ALL },
	{ "mailbox", EXPECT_MAILBOX, 1, 1, "address store login ", WAYS_ALL },
	{ "accept-at", EXPECT_ACCEPT_AT, 1, 1, "", WAY_MILTER },
	{ "refuse-at", EXPECT_REFUSE_AT, 1, 2, "", WAY_MILTER },
	{ "rcpts-refused", EXPECT_RCPTS_REFUSED, 1, 1, "", WAY_MILTER },
	{ "flag-header", EXPECT_FLAG_HEADER, 1, 2, "", WAY_MILTER },
	{ "headers-removed", EXPECT_HEADERS_REMOVED, 1, 1, "", WAY_MILTER },
	{ "quarantine", EXPECT_QUARANTINE, 0, 0, "", WAY_MILTER },
	{ "untouched", EXPECT_UNTOUCHED, 0, 0, "", WAY_MILTER },
	{ "no-record", EXPECT_NO_RECORD, 0, 0, "", WAY_MILTER },
	{ "exit", EXPECT_EXIT, 1, 1, "", WAY_CLI },
};

static bool may_stand(const struct verdict_row *row, const char *attribute)
{
	size_t len = strlen(attribute);

	for (const char *at = row->attributes; *at != '\0'; at += strcspn(at, " ") + 1)
		if (strcspn(at, " ") == len && strncmp(at, attribute, len) == 0)
			return true;
	return false;
}

/* Moves the words behind the directive into the expectation. */
static bool fill_expectation(struct parser *p, const struct verdict_row *row, struct expectation *e,
    const struct word *words, int count)
{
	int plain = 0;

	for (int i = 0; i < count; i++) {
		if (words[i].name == NULL) {
			if (plain == row->most)
				return fail(p, "%s takes at most %d words", row->name, row->most);
			e->words[plain++] = must_strdup(words[i].value);
			continue;
		}
		if (!may_stand(row, words[i].name) || e->attribute_count == CASE_ATTRIBUTES_MAX)
			return fail(p, "%s= cannot stand here", words[i].name);
		e->attributes[e->attribute_count++] = (struct attribute){
			must_strdup(words[i].name),
			must_strdup(words[i].value),
		};
	}
	return plain >= row->least || fail(p, "%s wants at least %d words", row->name, row->least);
}

/* ways library cli milter: those named, and no other */
static bool ways_line(struct parser *p, const struct word *words, int count)
{
	unsigned ways = 0;

	for (int i = 1; i < count; i++) {
		if (strcmp(words[i].value, "library") == 0)
			ways |= WAY_LIBRARY;
		else if (strcmp(words[i].value, "cli") == 0)
			ways |= WAY_CLI;
		else if (strcmp(words[i].value, "milter") == 0)
			ways |= WAY_MILTER;
		else
			return fail(p, "no such way: %s", words[i].value);
	}
	if ((ways & ~p->c->ways) != 0)
		return fail(p, "the command line cannot say what [envelope] says");
	p->c->ways = ways;
	return ways != 0 || fail(p, "ways wants at least one");
}

static bool verdict_line(struct parser *p, const struct word *words, int count)
{
	if (strcmp(words[0].value, "ways") == 0)
		return ways_line(p, words, count);
	for (size_t i = 0; i < sizeof verdict_rows / sizeof verdict_rows[0]; i++) {
		struct expectation *e = &p->c->expectations[p->c->expectation_count];

		if (strcmp(words[0].value, verdict_rows[i].name) != 0)
			continue;
		if (p->c->expectation_count == CASE_EXPECTATIONS_MAX)
			return fail(p, "too many expectations");
		p->c->expectation_count++;
		e->kind = verdict_rows[i].kind;
		e->line = p->line;
		return fill_expectation(p, &verdict_rows[i], e, words + 1, count - 1);
	}
	return fail(p, "no such directive of [verdict]: %s", words[0].value);
}

/* ---- lines and sections ------------------------------------------------------ */

/* A line of directives; comments and empty ones say nothing. */
static bool directive_line(struct parser *p, const char *line)
{
	struct word words[WORDS_MAX] = { 0 };
	bool octets = p->section == SECTION_ENVELOPE || p->section == SECTION_ALTER, good;
	int count;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return true;
	count = split(p, line, words, octets);
	if (count < 0)
		return false;
	good = p->section == SECTION_ENVELOPE ? envelope_line(p, words, count)
	       : p->section == SECTION_SIGN   ? sign_line(p, words, count)
	       : p->section == SECTION_ALTER  ? alter_line(p, words, count)
					      : verdict_line(p, words, count);
	free_words(words, (size_t)count);
	return good;
}

static bool top_line(struct parser *p, const char *line)
{
	static const char summary[] = "summary: ";

	if (*line == '\0' || *line == '#')
		return true;
	if (strncmp(line, summary, strlen(summary)) != 0 || p->c->summary != NULL)
		return fail(p, "one line \"summary: TEXT\" stands before the sections");
	p->c->summary = must_strdup(line + strlen(summary));
	return true;
}

/* A line of a section that is text; one empty line before the next section is not part of it. */
static void text_line(struct parser *p, struct buf *out, const char *line, bool octets)
{
	if (p->held_empty)
		buf_add_char(out, '\n');
	p->held_empty = *line == '\0';
	if (p->held_empty)
		return;
	if (octets)
		add_octets(out, line);
	else
		buf_add_text(out, line);
	buf_add_char(out, '\n');
}

/* A line of [records]: "@KEY(NAME)" is the public key of that name. */
static bool record_line(struct parser *p, const char *line)
{
	static const char mark[] = "@KEY(";
	const char *at;

	while ((at = strstr(line, mark)) != NULL) {
		const char *name = at + strlen(mark), *close = strchr(name, ')');
		const char *key =
		    close == NULL
			? NULL
			: recipe_public_key((struct slice){ name, (size_t)(close - name) });

		if (key == NULL)
			return fail(p, "there is no such key: %s", at);
		buf_add(&p->records, line, (size_t)(at - line));
		buf_add_text(&p->records, key);
		line = close + 1;
	}
	buf_add_text(&p->records, line);
	buf_add_char(&p->records, '\n');
	return true;
}

static bool section_begins(struct parser *p, const char *line)
{
	for (int i = SECTION_CONFIG; i < SECTIONS; i++) {
		if (strcmp(line, section_lines[i]) != 0)
			continue;
		p->section = (enum section)i;
		p->held_empty = false;
		if (i == SECTION_SHOWS)
			p->c->shows_line = p->line;
		return true;
	}
	return false;
}

static bool take_line(struct parser *p, const char *line)
{
	if (section_begins(p, line)) {
		if (p->seen[p->section])
			return fail(p, "%s stands there twice", line);
		p->seen[p->section] = true;
		return true;
	}
	switch (p->section) {
	case SECTION_CONFIG: text_line(p, &p->config, line, false); return true;
	case SECTION_RECORDS: return record_line(p, line);
	case SECTION_MAILBOXES: text_line(p, &p->mailboxes, line, false); return true;
	case SECTION_MESSAGE: text_line(p, &p->message, line, true); return true;
	case SECTION_SHOWS: text_line(p, &p->shows, line, false); return true;
	case SECTION_ENVELOPE:
	case SECTION_SIGN:
	case SECTION_ALTER:
	case SECTION_VERDICT: return directive_line(p, line);
	default: return top_line(p, line);
	}
}

/* ---- the file ---------------------------------------------------------------- */

static unsigned expectation_ways(const struct expectation *e)
{
	for (size_t i = 0; i < sizeof verdict_rows / sizeof verdict_rows[0]; i++)
		if (verdict_rows[i].kind == e->kind)
			return verdict_rows[i].ways;
	return 0;
}

/* Is the case one that can fail? */
static bool is_complete(struct parser *p)
{
	struct case_file *c = p->c;

	if (c->summary == NULL)
		return fail(p, "there is no summary");
	if (!p->seen[SECTION_MESSAGE])
		return fail(p, "there is no [message]");
	if (c->signing_count > 0 && c->records == NULL)
		return fail(p, "[sign] wants [records]: without them no signature is looked at");
	if (c->expectation_count == 0 && c->shows == NULL)
		return fail(p, "nothing is expected");
	if (c->shows != NULL && (c->ways & WAY_CLI) == 0)
		return fail(p, "[shows] is for the command line, which is not among the ways");
	if ((!c->sender_given || c->arg_count > 0) && c->ways != WAY_CLI)
		return fail(p, "mail unsaid and args want \"ways cli\"");
	for (size_t i = 0; i < c->expectation_count; i++)
		if ((expectation_ways(&c->expectations[i]) & c->ways) == 0) {
			p->line = c->expectations[i].line;
			return fail(p, "none of the ways looks at this");
		}
	return true;
}

/* What the envelope does not say: mail of a login from outside to one recipient outside. */
static void fill_in(struct parser *p)
{
	struct mta_envelope *e = &p->c->envelope;

	if (p->login_unsaid)
		e->login = must_strdup("ann");
	if (e->client_name == NULL)
		e->client_name = must_strdup("client.example.net");
	if (e->rcpt_count == 0)
		p->c->rcpts[e->rcpt_count++].path = must_strdup("<bob@example.net>");
	e->rcpts = p->c->rcpts;
}

static struct case_file *new_case(const char *path)
{
	struct case_file *c = must_alloc(sizeof *c);

	c->path = must_strdup(path);
	c->ways = WAYS_ALL;
	c->sender_given = true;
	c->envelope.client = must_strdup("192.0.2.9");
	c->envelope.helo = must_strdup("client.example.net");
	c->envelope.mail = must_strdup("<ann@example.com>");
	return c;
}

static bool read_lines(struct parser *p, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool good = true;

	while (good && (len = getline(&line, &size, f)) >= 0) {
		p->line++;
		if (len > 0 && line[len - 1] == '\n')
			line[--len] = '\0';
		good = strlen(line) == (size_t)len ? take_line(p, line)
						   : fail(p, "a NUL in the file: write \\x00");
	}
	free(line);
	return good;
}

/* The sections that are text, handed over. */
static void keep_texts(struct parser *p)
{
	struct case_file *c = p->c;

	c->config = must_strdup(buf_text(&p->config));
	if (p->seen[SECTION_RECORDS])
		c->records = must_strdup(buf_text(&p->records));
	if (p->seen[SECTION_MAILBOXES])
		c->mailboxes = must_strdup(buf_text(&p->mailboxes));
	if (p->seen[SECTION_SHOWS])
		c->shows = must_strdup(buf_text(&p->shows));
	c->message = must_alloc(p->message.len + 1);
	memcpy(c->message, buf_text(&p->message), p->message.len);
	c->message_len = p->message.len;
}

struct case_file *case_read(const char *path, char error[MTA_TEXT_MAX])
{
	struct parser p = { .error = error, .c = new_case(path), .login_unsaid = true };
	FILE *f = fopen(path, "re");
	bool good;

	buf_init(&p.config, FILE_MAX);
	buf_init(&p.records, FILE_MAX);
	buf_init(&p.mailboxes, FILE_MAX);
	buf_init(&p.message, MESSAGE_MAX);
	buf_init(&p.shows, FILE_MAX);
	good = f != NULL ? read_lines(&p, f) : fail(&p, "%s", strerror(errno));
	if (good) {
		keep_texts(&p);
		fill_in(&p);
		good = is_complete(&p);
	}
	buf_free(&p.config);
	buf_free(&p.records);
	buf_free(&p.mailboxes);
	buf_free(&p.message);
	buf_free(&p.shows);
	if (f != NULL)
		fclose(f);
	if (good)
		return p.c;
	case_free(p.c);
	return NULL;
}

static void free_expectation(struct expectation *e)
{
	for (size_t i = 0; i < sizeof e->words / sizeof e->words[0]; i++)
		free(e->words[i]);
	for (size_t i = 0; i < e->attribute_count; i++) {
		free(e->attributes[i].name);
		free(e->attributes[i].value);
	}
}

static void free_envelope(struct mta_envelope *e)
{
	const char *texts[] = { e->client, e->client_name, e->helo, e->login, e->cert_subject,
		e->daemon_name, e->version, e->mail };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free((char *)texts[i]);
}

void case_free(struct case_file *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->expectation_count; i++)
		free_expectation(&c->expectations[i]);
	for (size_t i = 0; i < c->envelope.rcpt_count; i++) {
		free((char *)c->rcpts[i].path);
		free((char *)c->rcpts[i].mailer);
	}
	for (size_t i = 0; i < c->arg_count; i++)
		free(c->args[i]);
	for (size_t i = 0; i < c->signing_count; i++)
		recipe_free(&c->signings[i]);
	for (size_t i = 0; i < c->change_count; i++) {
		free(c->changes[i].found);
		free(c->changes[i].text);
	}
	free_envelope(&c->envelope);
	free(c->path);
	free(c->summary);
	free(c->config);
	free(c->records);
	free(c->mailboxes);
	free(c->message);
	free(c->shows);
	free(c);
}

const char *expectation_attribute(const struct expectation *e, const char *name)
{
	for (size_t i = 0; i < e->attribute_count; i++)
		if (strcmp(e->attributes[i].name, name) == 0)
			return e->attributes[i].value;
	return NULL;
}
