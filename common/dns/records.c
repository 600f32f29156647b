/*
 * records.c - DNS answers from a file.
 *
 * Names are nodes of a hash table, every name above a listed one included, so
 * that NXDOMAIN and NODATA can be told apart.  Nothing changes after the load:
 * threads share it without a lock.
 */
#include "dns/records.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "base/file.h"
#include "base/utf8.h"
#include "dns/answer.h"

enum { TTL = 300, FIRST_BUCKETS = 64 };

struct listed {
	struct listed *next;
	enum dns_type type;
	struct dns_record record;
};

struct node {
	struct node *next; /* in its bucket */
	struct slice name;
	struct listed *records, **tail;
	bool timeout;
};

struct records {
	struct resolver resolver; /* first: see struct resolver */
	struct arena *arena;
	struct resolver *below;
	struct node **buckets;
	size_t bucket_count, node_count;
};

/* ---- nodes ---------------------------------------------------------------------- */

static size_t hash(struct slice name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.data[i]) * 16777619u;
	return h;
}

static struct node *find(const struct records *r, struct slice name)
{
	struct node *n = r->buckets[hash(name) % r->bucket_count];

	while (n != NULL && !slice_equal(n->name, name))
		n = n->next;
	return n;
}

static void grow(struct records *r)
{
	size_t count = r->bucket_count * 2;
	struct node **buckets = must_alloc(count * sizeof *buckets);

	for (size_t i = 0; i < r->bucket_count; i++) {
		while (r->buckets[i] != NULL) {
			struct node *n = r->buckets[i];
			struct node **place = &buckets[hash(n->name) % count];

			r->buckets[i] = n->next;
			n->next = *place;
			*place = n;
		}
	}
	free(r->buckets);
	r->buckets = buckets;
	r->bucket_count = count;
}

/* The node of the name, made with all nodes above it if it is new. */
static struct node *make(struct records *r, struct slice name)
{
	struct node *n = find(r, name), **place, *made = NULL;

	while (n == NULL) {
		size_t dot = slice_find(name, '.');

		if (++r->node_count > r->bucket_count)
			grow(r);
		place = &r->buckets[hash(name) % r->bucket_count];
		n = arena_alloc(r->arena, sizeof *n);
		n->name = arena_copy(r->arena, name);
		n->tail = &n->records;
		n->next = *place;
		*place = n;
		if (made == NULL)
			made = n;
		if (dot == name.len)
			break;
		name = slice_part(name, dot + 1, name.len);
		n = find(r, name);
	}
	return made != NULL ? made : n;
}

/* ---- the text ------------------------------------------------------------------- */

/* One line, as far as it is read. */
struct line {
	struct slice text;
	size_t at;
	int depth;                   /* of open parentheses, which group and say nothing */
	char word[DNS_DATA_MAX + 1]; /* the last word, escapes resolved */
	size_t len;
	bool quoted;
	bool dot; /* an escaped dot is in it: one inside a label */
};

/* Does c stand between the words of a line?  Its end may be CR LF, and the LF is cut off. */
static bool is_between(char c)
{
	return is_wsp(c) || c == '\r';
}

/* Does c end a word that is not in quotes? */
static bool is_end(char c)
{
	return is_between(c) || c == ';' || c == '"' || c == '(' || c == ')';
}

/* \DDD or \X; false if there is none or the number is too big. */
static bool read_escape(struct line *l, char *out)
{
	unsigned value = 0;

	if (++l->at >= l->text.len)
		return false;
	if (!is_digit(l->text.data[l->at])) {
		*out = l->text.data[l->at++];
		return true;
	}
	for (int i = 0; i < 3; i++, l->at++) {
		if (l->at >= l->text.len || !is_digit(l->text.data[l->at]))
			return false;
		value = value * 10 + (unsigned)(l->text.data[l->at] - '0');
	}
	*out = (char)value;
	return value < 256;
}

static void skip_blanks(struct line *l)
{
	for (; l->at < l->text.len; l->at++) {
		char c = l->text.data[l->at];

		if (c == '(')
			l->depth++;
		else if (c == ')')
			l->depth--;
		else if (!is_between(c))
			break;
	}
}

enum word { WORD, WORD_NONE, WORD_BAD };

/* Reads the next word: up to a blank or a comment, or a string in double quotes. */
static enum word next_word(struct line *l)
{
	skip_blanks(l);
	l->len = 0;
	l->dot = false;
	if (l->at == l->text.len || l->text.data[l->at] == ';')
		return l->depth == 0 ? WORD_NONE : WORD_BAD;
	l->quoted = l->text.data[l->at] == '"';
	l->at += l->quoted;
	while (l->at < l->text.len) {
		char c = l->text.data[l->at];

		if (l->quoted ? c == '"' : is_end(c))
			break;
		if (l->len == DNS_DATA_MAX)
			return WORD_BAD;
		if (c != '\\') {
			l->at++;
		} else {
			if (!read_escape(l, &c))
				return WORD_BAD;
			l->dot |= c == '.';
		}
		l->word[l->len++] = c;
	}
	if (l->quoted && (l->at == l->text.len || l->text.data[l->at++] != '"'))
		return WORD_BAD;
	l->word[l->len] = '\0';
	return WORD;
}

static struct slice word_of(const struct line *l)
{
	return (struct slice){ l->word, l->len };
}

/* A TTL: "3600", or with units as "1h30m". */
static bool is_ttl(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.data[i]) &&
		    (i == 0 || strchr("smhdw", ascii_lower(s.data[i])) == NULL))
			return false;
	return s.len > 0;
}

/* The last word as a name in the form of questions; the root is none. */
static bool name_of(const struct line *l, char out[DNS_NAME_MAX + 1], size_t *len)
{
	return !l->quoted && !l->dot && dns_name_normal(word_of(l), out, len);
}

/* A host name as a record's data; "." is the root. */
static const char *read_name(struct records *r, struct line *l, struct dns_record *record)
{
	char name[DNS_NAME_MAX + 1];
	size_t len;

	if (next_word(l) != WORD)
		return "a name is missing";
	if (slice_equal(word_of(l), SLICE(".")))
		record->data = SLICE("");
	else if (name_of(l, name, &len))
		record->data = arena_copy(r->arena, (struct slice){ name, len });
	else
		return "the name is not well formed";
	return NULL;
}

static const char *read_address(
    struct records *r, struct line *l, int family, struct dns_record *record)
{
	char octets[16];

	if (next_word(l) != WORD || inet_pton(family, l->word, octets) != 1)
		return "the address is not well formed";
	record->data = arena_copy(r->arena, (struct slice){ octets, family == AF_INET ? 4 : 16 });
	return NULL;
}

/* The strings of a TXT record, joined. */
static const char *read_text(struct records *r, struct line *l, struct dns_record *record)
{
	struct buf text;
	enum word word;
	size_t strings = 0;

	buf_init(&text, DNS_DATA_MAX);
	for (; (word = next_word(l)) == WORD; strings++)
		buf_add_slice(&text, word_of(l));
	if (text.truncated)
		word = WORD_BAD;
	record->data = arena_copy(r->arena, buf_slice(&text));
	buf_free(&text);
	if (word == WORD_BAD)
		return "the text is not well formed";
	return strings == 0 ? "the text is missing" : NULL;
}

static const char *read_mx(struct records *r, struct line *l, struct dns_record *record)
{
	if (next_word(l) != WORD || l->len == 0 || l->len > 5)
		return "the preference is not well formed";
	for (size_t i = 0; i < l->len; i++) {
		if (!is_digit(l->word[i]))
			return "the preference is not well formed";
		record->preference = record->preference * 10 + (unsigned)(l->word[i] - '0');
	}
	if (record->preference > 65535)
		return "the preference is not well formed";
	return read_name(r, l, record);
}

/* The first name is kept, the rest is not looked at. */
static const char *read_soa(struct records *r, struct line *l, struct dns_record *record)
{
	const char *problem = read_name(r, l, record);
	enum word word = WORD;

	while (problem == NULL && word == WORD)
		word = next_word(l);
	if (problem == NULL && word == WORD_BAD)
		problem = "the record is not well formed";
	return problem;
}

static const char *read_data(
    struct records *r, struct line *l, enum dns_type type, struct dns_record *record)
{
	const char *problem;

	switch (type) {
	case DNS_A: problem = read_address(r, l, AF_INET, record); break;
	case DNS_AAAA: problem = read_address(r, l, AF_INET6, record); break;
	case DNS_TXT: problem = read_text(r, l, record); break;
	case DNS_MX: problem = read_mx(r, l, record); break;
	case DNS_SOA: problem = read_soa(r, l, record); break;
	default: problem = read_name(r, l, record); break;
	}
	if (problem == NULL && next_word(l) != WORD_NONE)
		problem = "something stands behind the record";
	return problem;
}

/* Skips TTL and class, in either order; the word at hand is then the type. */
static const char *read_type(struct line *l)
{
	do
		if (next_word(l) != WORD)
			return "the type is missing";
	while (is_ttl(word_of(l)) || slice_equal_nocase(word_of(l), SLICE("IN")));
	return NULL;
}

/* Is the word the name of some record type: letters, digits and hyphens after a letter? */
static bool is_type_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.data[i]);

		if (!(c >= 'a' && c <= 'z') && (i == 0 || (!is_digit(c) && c != '-')))
			return false;
	}
	return s.len > 0;
}

static const char *read_record(struct records *r, struct line *l, struct slice owner)
{
	struct listed *listed = arena_alloc(r->arena, sizeof *listed);
	const char *problem = read_type(l);
	struct node *node;

	if (problem != NULL)
		return problem;
	if (!dns_type_parse(word_of(l), &listed->type))
		return is_type_name(word_of(l)) ? NULL : "the type is not well formed";
	problem = read_data(r, l, listed->type, &listed->record);
	if (problem != NULL)
		return problem;
	node = make(r, owner);
	*node->tail = listed;
	node->tail = &listed->next;
	return NULL;
}

/* ";; TIMEOUT NAME"; any other comment says nothing. */
static const char *read_comment(struct records *r, struct line *l)
{
	char name[DNS_NAME_MAX + 1];
	size_t len;

	if (!slice_starts_nocase(l->text, SLICE(";; TIMEOUT ")))
		return NULL;
	l->at = sizeof ";; TIMEOUT " - 1;
	if (next_word(l) != WORD || !name_of(l, name, &len))
		return "the name is not well formed";
	if (next_word(l) != WORD_NONE)
		return "TIMEOUT takes one name";
	make(r, (struct slice){ name, len })->timeout = true;
	return NULL;
}

static const char *read_line(struct records *r, struct line *l)
{
	char name[DNS_NAME_MAX + 1];
	size_t len;

	if (slice_trim(l->text).len == 0)
		return NULL;
	if (l->text.data[0] == ';')
		return read_comment(r, l);
	if (l->text.data[0] == '$')
		return "directives are not read";
	if (is_between(l->text.data[0]))
		return slice_trim(l->text).data[0] == ';' ? NULL : "the owner name is missing";
	if (next_word(l) != WORD || !name_of(l, name, &len))
		return "the owner name is not well formed";
	if (utf8_has_8bit(slice_part(l->text, 0, l->at)))
		return "the owner name is not in A-labels";
	if (l->depth != 0 || slice_equal(word_of(l), SLICE("@")))
		return "the owner name is not written in full";
	return read_record(r, l, (struct slice){ name, len });
}

/* ---- answers -------------------------------------------------------------------- */

static size_t collect(const struct node *n, enum dns_type type,
    struct dns_record out[DNS_RECORDS_MAX], bool *truncated)
{
	size_t count = 0;

	for (const struct listed *l = n->records; l != NULL; l = l->next) {
		if (l->type != type)
			continue;
		if (count == DNS_RECORDS_MAX)
			*truncated = true;
		else
			out[count++] = l->record;
	}
	return count;
}

/* A question on its way through the file. */
struct way {
	struct dns_question question; /* the name that CNAMEs have led to */
	bool cname;                   /* they have */
	bool exists;                  /* the file knows that name */
};

/* Follows CNAMEs from the question's name.  NULL: the file does not say, ask below. */
static struct dns_answer *look_up(const struct records *r, struct way *way)
{
	struct dns_record found[DNS_RECORDS_MAX];
	struct dns_answer facts = { .status = DNS_FOUND, .ttl = TTL };

	for (size_t hops = 0; hops <= DNS_CNAMES_MAX; hops++) {
		const struct node *n = find(r, way->question.name);
		size_t count =
		    n == NULL ? 0 : collect(n, way->question.type, found, &facts.truncated);

		facts.cname = way->cname;
		if (count > 0)
			return dns_answer_make(&facts, found, count);
		if (n != NULL && collect(n, DNS_CNAME, found, &facts.truncated) > 0) {
			way->cname = true;
			way->question.name = found[0].data;
			continue;
		}
		if (n != NULL && n->timeout)
			return dns_answer_empty(DNS_TEMPFAIL, "the records file says TIMEOUT");
		way->exists = n != NULL;
		if (r->below != NULL)
			return NULL;
		facts.status = n == NULL ? DNS_NXDOMAIN : DNS_NODATA;
		return dns_answer_make(&facts, NULL, 0);
	}
	return dns_answer_empty(DNS_TEMPFAIL, "too many CNAMEs, or a circle of them");
}

/*
 * What an answer from below means beside the file: the asked name owns a CNAME
 * if the file says so, and a name in the file exists.  Takes the reference over.
 */
static struct dns_answer *adapt(const struct way *way, struct dns_answer *answer)
{
	bool exists = answer->status == DNS_NXDOMAIN && way->exists;
	struct dns_answer facts = *answer, *adapted;

	if (!way->cname && !exists)
		return answer;
	facts.cname |= way->cname;
	facts.secure = false;
	if (exists)
		facts.status = DNS_NODATA;
	adapted = dns_answer_make(&facts, answer->records, answer->count);
	dns_answer_unref(answer);
	return adapted;
}

/* A question that is asked below; the name in its way is not ours to keep. */
struct below {
	struct way way;
	resolver_done *done;
	void *context;
};

static void done_below(void *context, struct dns_answer *answer)
{
	struct below b = *(struct below *)context;

	free(context);
	b.done(b.context, adapt(&b.way, answer));
}

static void records_ask(struct resolver *resolver, const struct dns_question *question,
    int64_t deadline_us, resolver_done *done, void *context)
{
	struct records *r = (struct records *)resolver;
	struct way way = { .question = *question };
	struct dns_answer *answer = look_up(r, &way);
	struct below *b;

	if (answer != NULL) {
		done(context, answer);
		return;
	}
	b = must_alloc(sizeof *b);
	*b = (struct below){ way, done, context };
	resolver_ask(r->below, &way.question, deadline_us, done_below, b);
}

static struct dns_answer *records_known(
    struct resolver *resolver, const struct dns_question *question)
{
	struct records *r = (struct records *)resolver;
	struct way way = { .question = *question };
	struct dns_answer *answer = look_up(r, &way);

	if (answer != NULL)
		return answer;
	answer = resolver_known(r->below, &way.question);
	return answer == NULL ? NULL : adapt(&way, answer);
}

static void records_free(struct resolver *resolver)
{
	struct records *r = (struct records *)resolver;

	resolver_free(r->below);
	free(r->buckets);
	arena_free(r->arena);
	free(r);
}

/* ---- loading -------------------------------------------------------------------- */

static bool parse_lines(struct records *r, const char *name, struct slice text, struct buf *errors)
{
	struct line *l = must_alloc(sizeof *l);
	const char *problem = NULL;
	size_t begin = 0;

	for (size_t number = 1; begin < text.len && problem == NULL; number++) {
		struct slice rest = slice_part(text, begin, text.len);

		l->text = slice_part(rest, 0, slice_find(rest, '\n'));
		l->at = 0;
		begin += l->text.len + 1;
		problem = read_line(r, l);
		if (problem != NULL)
			buf_printf(errors, "%s:%zu: %s\n", name, number, problem);
	}
	free(l);
	return problem == NULL;
}

struct resolver *records_resolver_parse(
    const char *name, struct slice text, struct resolver *below, struct buf *errors)
{
	static const struct resolver_class class = { records_ask, records_known, records_free };
	struct records *r = must_alloc(sizeof *r);

	r->resolver.class = &class;
	r->arena = arena_new();
	r->below = below;
	r->bucket_count = FIRST_BUCKETS;
	r->buckets = must_alloc(r->bucket_count * sizeof *r->buckets);
	if (parse_lines(r, name, text, errors))
		return &r->resolver;
	records_free(&r->resolver);
	return NULL;
}

struct resolver *records_resolver_load(const char *path, struct resolver *below, struct buf *errors)
{
	struct resolver *r = NULL;
	struct buf text;
	int error;

	buf_init(&text, RECORDS_OCTETS_MAX);
	error = file_read_any(path, true, &text);
	if (error != 0) {
		buf_printf(errors, "%s: %s\n", path,
		    error == EFBIG ? "the file is too long" : strerror(error));
		resolver_free(below);
	} else {
		r = records_resolver_parse(path, buf_slice(&text), below, errors);
	}
	buf_free(&text);
	return r;
}
