/*
 * from.c - the From field: list, groups, mailboxes.
 *
 * One pass over the tokens.  What the grammar does not cover is read as its
 * writer plausibly meant it, by three rules:
 *   - words before a comma that have no address belong to the name of the next
 *     one that has (`Doe, John <john@example.com>` is one author);
 *   - a colon makes a group only where a semicolon ends it; else it is a
 *     character of a name (`Team: news <news@example.com>`);
 *   - words beside an address without angle brackets are its name.
 * Each of them notes an error, so nothing is repaired in silence.
 */
#include "syntax/from.h"

#include <stdlib.h>

#include "base/buf.h"
#include "syntax/from_parser.h"

void from_note(struct from_parser *p, enum syntax_code code, size_t offset, size_t length)
{
	struct syntax_error *e = &p->first[code];

	if (e->code == SYNTAX_OK || offset < e->offset)
		*e = (struct syntax_error){ code, offset, length };
}

void from_note_range(struct from_parser *p, enum syntax_code code, struct range r)
{
	from_note(p, code, p->list[r.begin].offset, range_text(p, r).len);
}

bool token_is_cfws(const struct token *t)
{
	return t->type == TOKEN_SPACE || t->type == TOKEN_COMMENT;
}

bool token_is_special(const struct token *t, char c)
{
	return t->type == TOKEN_SPECIAL && t->octet == c;
}

struct range range_trim(const struct from_parser *p, struct range r)
{
	while (r.begin < r.end && token_is_cfws(&p->list[r.end - 1]))
		r.end--;
	while (r.begin < r.end && token_is_cfws(&p->list[r.begin]))
		r.begin++;
	return r;
}

struct slice range_text(const struct from_parser *p, struct range r)
{
	return slice_part(p->from->body, p->list[r.begin].offset, p->list[r.end].offset);
}

size_t range_find(const struct from_parser *p, struct range r, char c)
{
	while (r.begin < r.end && !token_is_special(&p->list[r.begin], c))
		r.begin++;
	return r.begin;
}

/* Is there nothing but CFWS in it? */
static bool range_is_blank(const struct from_parser *p, struct range r)
{
	r = range_trim(p, r);
	return r.begin == r.end;
}

/* Index of the first < or > from begin on, or the end. */
static size_t find_angle(const struct from_parser *p, struct range r)
{
	while (r.begin < r.end && !token_is_special(&p->list[r.begin], '<') &&
	       !token_is_special(&p->list[r.begin], '>'))
		r.begin++;
	return r.begin;
}

/* ---- what is written without a comma --------------------------------------- */

static void read_element(struct from_parser *p, struct range r, bool shaky);

/*
 * A second address in the same element: read, so that both are known, but only
 * once; what may stand behind it adds nothing and would cost another pass.
 */
static void read_second(struct from_parser *p, struct range r, bool shaky)
{
	size_t angle;

	if (shaky)
		return;
	while (token_is_special(&p->list[r.begin], ';'))
		r = range_trim(p, (struct range){ r.begin + 1, r.end });
	angle = range_find(p, r, '<');
	from_note_range(
	    p, SYNTAX_SECOND_ADDRESS, (struct range){ angle < r.end ? angle : r.begin, r.end });
	read_element(p, r, true);
}

/*
 * What stands behind a whole address: nothing but CFWS is allowed.  `closers`
 * is how many > the brackets before have left open; shaky: the address was a
 * second one already.
 */
static void read_rest(struct from_parser *p, struct range r, size_t closers, bool shaky)
{
	size_t angle;

	r = range_trim(p, r);
	while (closers > 0 && r.begin < r.end && token_is_special(&p->list[r.begin], '>')) {
		r.begin++;
		closers--;
		r = range_trim(p, r);
	}
	if (r.begin == r.end)
		return;
	angle = find_angle(p, r);
	if (angle < r.end && token_is_special(&p->list[angle], '>')) {
		from_note(p, SYNTAX_ANGLE_UNBALANCED, p->list[angle].offset, 1);
		if (angle == r.begin)
			return;
	}
	if (range_find(p, r, '<') < r.end || range_find(p, r, '@') < r.end) {
		read_second(p, r, shaky);
	} else if (p->list[r.begin].type != TOKEN_STRAY) {
		/* a parenthesis or quote without a partner has been noted as what it is */
		from_note_range(p, SYNTAX_TEXT_AFTER_ADDRESS, r);
	}
}

/*
 * angle-addr = [CFWS] "<" addr-spec ">" [CFWS]
 *
 * r begins with <.  Nested brackets are followed inwards as long as nothing
 * that could be an address stands before the next one.
 */
static void read_angle(struct from_parser *p, struct range r, struct slice name, bool shaky)
{
	size_t open = r.begin, depth = 0;
	size_t next = find_angle(p, (struct range){ open + 1, r.end });

	while (next < r.end && token_is_special(&p->list[next], '<') &&
	       range_find(p, (struct range){ open + 1, next }, '@') == next) {
		from_note(p, SYNTAX_ANGLE_NESTED, p->list[next].offset, 1);
		open = next;
		depth++;
		next = find_angle(p, (struct range){ open + 1, r.end });
	}
	if (next == r.end || token_is_special(&p->list[next], '<')) {
		from_note(p, SYNTAX_ANGLE_UNBALANCED, p->list[open].offset, 1);
		addr_spec_read(p, (struct range){ open + 1, next }, name, shaky);
		if (next < r.end)
			read_second(p, (struct range){ next, r.end }, shaky);
		return;
	}
	if (range_is_blank(p, (struct range){ open + 1, next }))
		from_note_range(p, SYNTAX_ANGLE_EMPTY, (struct range){ open, next + 1 });
	else
		addr_spec_read(p, (struct range){ open + 1, next }, name, shaky);
	read_rest(p, (struct range){ next + 1, r.end }, depth, shaky);
}

/* Does the token belong to a word, where white space, a comment or a separator ends one? */
static bool is_word_part(const struct token *t)
{
	return !token_is_cfws(t) && !token_is_special(t, ',') && !token_is_special(t, ';') &&
	       !token_is_special(t, ':') && !token_is_special(t, '>');
}

/*
 * The end of a domain that begins before `end`, blanks and comments beside a
 * dot included (RFC 5322 4.4: obs-domain), which addr_spec_read will name.
 */
static size_t domain_end(const struct from_parser *p, struct range r, size_t end)
{
	for (;;) {
		size_t next = end;

		while (next < r.end && token_is_cfws(&p->list[next]))
			next++;
		if (next == end || next == r.end || !is_word_part(&p->list[next]) ||
		    !(token_is_special(&p->list[next], '.') ||
			token_is_special(&p->list[end - 1], '.')))
			return end;
		while (next < r.end && is_word_part(&p->list[next]))
			next++;
		end = next;
	}
}

/*
 * The words before an address without brackets as a name: not the separators
 * behind them, and not the scheme of a URI (RFC 6068), which names nobody.
 */
static struct range meant_name(const struct from_parser *p, struct range before)
{
	struct range name = before;

	while (name.begin < name.end && p->list[name.end - 1].type == TOKEN_SPECIAL)
		name = range_trim(p, (struct range){ name.begin, name.end - 1 });
	if (name.end < before.end && token_is_special(&p->list[name.end], ':') &&
	    slice_equal_nocase(range_text(p, name), SLICE("mailto")))
		name.end = name.begin;
	return name;
}

/*
 * mailbox = addr-spec, without angle brackets
 *
 * The address is what touches the first @, blanks and comments beside that
 * aside; words before it can only be a name that lacks the brackets.
 */
static void read_bare(struct from_parser *p, struct range r, bool shaky)
{
	size_t at = range_find(p, r, '@'), begin = at, end = at + 1;
	struct range before, name;

	while (begin > r.begin && token_is_cfws(&p->list[begin - 1]))
		begin--;
	if (begin == r.begin || !is_word_part(&p->list[begin - 1]))
		begin = at;
	while (begin > r.begin && is_word_part(&p->list[begin - 1]))
		begin--;
	while (end < r.end && token_is_cfws(&p->list[end]))
		end++;
	if (end == r.end || !is_word_part(&p->list[end]))
		end = at + 1;
	while (end < r.end && is_word_part(&p->list[end]))
		end++;
	end = domain_end(p, r, end);
	before = range_trim(p, (struct range){ r.begin, begin });
	if (before.begin < before.end) {
		phrase_check(p, before);
		from_note_range(p, SYNTAX_ANGLE_MISSING, (struct range){ begin, end });
	}
	name = meant_name(p, before);
	addr_spec_read(p, (struct range){ begin, end }, phrase_text(p, name), shaky);
	read_rest(p, (struct range){ end, r.end }, 0, shaky);
}

/* Words that hold no address: says what is missing, and where an address may be hidden. */
static void read_words(struct from_parser *p, struct range r)
{
	struct slice name = phrase_text(p, r), text;
	bool atoms = false, encoded = false;

	for (size_t i = r.begin; i < r.end; i++) {
		atoms |= p->list[i].type == TOKEN_ATOM;
		encoded |= encoded_word_end(p, r, i) > i;
	}
	phrase_check(p, r);
	text = range_text(p, r);
	if (encoded && slice_find(name, '@') < name.len)
		from_note_range(p, SYNTAX_ENCODED_ADDRESS, r);
	if (p->from->count > 0)
		from_note(p, SYNTAX_TEXT_AFTER_ADDRESS, p->list[r.begin].offset, text.len);
	else if (atoms && !encoded)
		from_note_range(p, SYNTAX_AT_MISSING, r);
	else
		from_note_range(p, SYNTAX_NO_ADDRESS, r);
}

/*
 * mailbox   = name-addr / addr-spec
 * name-addr = [display-name] angle-addr
 */
static void read_element(struct from_parser *p, struct range r, bool shaky)
{
	size_t angle;
	struct range name;

	r = range_trim(p, r);
	angle = range_find(p, r, '<');
	if (angle < r.end) {
		name = range_trim(p, (struct range){ r.begin, angle });
		phrase_check(p, name);
		read_angle(p, (struct range){ angle, r.end }, phrase_text(p, name), shaky);
	} else if (range_find(p, r, '@') < r.end) {
		read_bare(p, r, shaky);
	} else {
		read_words(p, r);
	}
}

/* ---- lists and groups -------------------------------------------------------- */

/* Does an address begin in the range: a < or an @ outside quotes and comments? */
static bool has_address(const struct from_parser *p, struct range r)
{
	for (size_t i = r.begin; i < r.end; i++)
		if (token_is_special(&p->list[i], '<') || token_is_special(&p->list[i], '@'))
			return true;
	return false;
}

/* The comma that ends an element; one inside closed angle brackets does not. */
static size_t find_comma(const struct from_parser *p, struct range r)
{
	for (size_t i = r.begin; i < r.end; i++) {
		if (token_is_special(&p->list[i], ','))
			return i;
		if (token_is_special(&p->list[i], '<')) {
			size_t close = find_angle(p, (struct range){ i + 1, r.end });

			if (close < r.end && token_is_special(&p->list[close], '>'))
				i = close;
		}
	}
	return r.end;
}

/* The last token that begins an address, so that looking ahead costs nothing. */
static size_t last_address(const struct from_parser *p, struct range r)
{
	while (r.end > r.begin && !has_address(p, (struct range){ r.end - 1, r.end }))
		r.end--;
	return r.end;
}

/*
 * group = display-name ":" [group-list] ";" [CFWS]
 *
 * Is there one at the begin of r?  Then *colon and *semicolon are its bounds.
 */
static bool find_group(
    const struct from_parser *p, struct range r, size_t *colon, size_t *semicolon)
{
	bool word = false;
	size_t i = r.begin, after;

	for (; i < r.end && !token_is_special(&p->list[i], ':'); i++) {
		if (p->list[i].type == TOKEN_ATOM || p->list[i].type == TOKEN_QUOTED)
			word = true;
		else if (!token_is_cfws(&p->list[i]) &&
			 !(word && token_is_special(&p->list[i], '.')))
			return false;
	}
	*colon = i;
	if (!word || i == r.end)
		return false;
	for (i++; i < r.end && !token_is_special(&p->list[i], ';'); i++)
		if (token_is_special(&p->list[i], ':'))
			return false;
	*semicolon = i;
	if (i == r.end)
		return false;
	for (after = i + 1; after < r.end && token_is_cfws(&p->list[after]);)
		after++;
	return after == r.end || token_is_special(&p->list[after], ',');
}

static void read_list(struct from_parser *p, struct range r);

/* Reads the group at the begin of r, if one is there; returns where it ends, or r.begin. */
static size_t read_group(struct from_parser *p, struct range r)
{
	size_t colon, semicolon, count = p->from->count;
	struct range inside;

	if (!find_group(p, r, &colon, &semicolon))
		return r.begin;
	p->from->group = true;
	phrase_check(p, (struct range){ r.begin, colon });
	inside = (struct range){ colon + 1, semicolon };
	if (!range_is_blank(p, inside))
		read_list(p, inside);
	from_note(p, p->from->count > count ? SYNTAX_GROUP : SYNTAX_GROUP_EMPTY,
	    p->list[colon].offset, 1);
	return semicolon + 1;
}

/* One element of a list, from r.begin; returns the comma behind it, or r.end. */
static size_t read_list_element(struct from_parser *p, struct range r, size_t last)
{
	size_t group = read_group(p, r), comma;

	if (group > r.begin)
		return find_comma(p, (struct range){ group, r.end });
	comma = find_comma(p, r);
	if (range_is_blank(p, (struct range){ r.begin, comma })) {
		/* the comma behind it, else the one before it, makes it empty */
		size_t at = comma < r.end ? comma : r.begin - 1;

		if (comma == r.end && r.begin == 0)
			from_note_range(p, SYNTAX_NO_ADDRESS, r);
		else
			from_note(p, SYNTAX_ELEMENT_EMPTY, p->list[at].offset, 1);
		return comma;
	}
	for (size_t from = r.begin;
	     comma < last && !has_address(p, (struct range){ from, comma });) {
		from = comma + 1;
		comma = find_comma(p, (struct range){ from, r.end });
	}
	read_element(p, (struct range){ r.begin, comma }, false);
	return comma;
}

/* address-list = (address *("," address)) / obs-addr-list */
static void read_list(struct from_parser *p, struct range r)
{
	size_t last = last_address(p, r);

	for (;;) {
		size_t comma = read_list_element(p, r, last);

		if (comma == r.end)
			return;
		r.begin = comma + 1;
	}
}

/* ---- the field --------------------------------------------------------------- */

/* What is wrong wherever it stands: control characters, quotes and parentheses without partner. */
static void check_tokens(struct from_parser *p)
{
	for (size_t i = 0; i < p->from->tokens.count; i++) {
		const struct token *t = &p->list[i];

		if (t->type == TOKEN_CONTROL)
			from_note(p, SYNTAX_CONTROL, t->offset, 1);
		else if (t->control > 0)
			from_note(p, SYNTAX_CONTROL, t->control - 1, 1);
		else if (t->type == TOKEN_STRAY && t->octet == '"')
			from_note(p, SYNTAX_QUOTE_UNBALANCED, t->offset, 1);
		else if (t->type == TOKEN_STRAY)
			from_note(p, SYNTAX_COMMENT_UNBALANCED, t->offset, 1);
		else if (t->obsolete)
			from_note(p, SYNTAX_FOLD_BLANK, t->offset, t->length);
	}
}

/* RFC 5322 2.1.1: 998 octets a line; the first one begins with "From:". */
static void check_lines(struct from_parser *p)
{
	struct slice body = p->from->body;
	size_t begin = 0, before = sizeof "From:" - 1;

	while (begin < body.len) {
		struct slice rest = slice_part(body, begin, body.len);
		size_t end = begin + slice_find(rest, '\n');
		size_t len = end - begin;

		if (end < body.len && len > 0 && body.data[end - 1] == '\r')
			len--;
		if (before + len > FROM_LINE_MAX)
			from_note(p, SYNTAX_LINE_LONG, begin, len);
		before = 0;
		begin = end + 1;
	}
}

static bool is_blank(const struct from_field *from)
{
	for (size_t i = 0; i < from->tokens.count; i++)
		if (from->tokens.list[i].type != TOKEN_SPACE)
			return false;
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct syntax_error *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (int)x->code - (int)y->code;
}

/*
 * Keeps what was noted, in order.  The obsolete grammar counts only where it is
 * the field's only departure: beside a fault it would say nothing new.
 */
static void keep_errors(struct from_parser *p)
{
	struct from_field *from = p->from;
	struct syntax_error *kept;
	bool fault = false;

	for (int code = 1; code < SYNTAX_CODES; code++) {
		enum syntax_class class = syntax_rule(code)->class;

		if (p->first[code].code != SYNTAX_OK &&
		    (class == SYNTAX_CLASS_ADDRESS || class == SYNTAX_CLASS_DISPLAY_NAME))
			fault = true;
	}
	from->valid = !fault && !from->blank && !from->unparsed &&
		      p->first[SYNTAX_PHRASE_DOT].code == SYNTAX_OK &&
		      p->first[SYNTAX_FOLD_BLANK].code == SYNTAX_OK;
	kept = arena_alloc(p->arena, SYNTAX_CODES * sizeof *kept);
	for (int code = 1; code < SYNTAX_CODES; code++)
		if (p->first[code].code != SYNTAX_OK &&
		    !(fault && syntax_rule(code)->class == SYNTAX_CLASS_OBSOLETE))
			kept[from->error_count++] = p->first[code];
	qsort(kept, from->error_count, sizeof *kept, by_offset);
	from->errors = kept;
}

const struct from_field *from_parse(struct arena *arena, struct slice body, bool smtputf8)
{
	struct from_field *from = arena_alloc(arena, sizeof *from);
	struct from_parser p = { .arena = arena, .from = from, .smtputf8 = smtputf8 };

	from->body = body;
	p.next_mailbox = &from->mailboxes;
	if (body.len > FROM_OCTETS_MAX) {
		from->unparsed = true;
		from->tokens = tokenize(arena, slice_part(body, 0, 0));
		p.list = from->tokens.list;
		from_note(&p, SYNTAX_FIELD_LONG, FROM_OCTETS_MAX, body.len - FROM_OCTETS_MAX);
		keep_errors(&p);
		return from;
	}
	from->tokens = tokenize(arena, body);
	p.list = from->tokens.list;
	from->blank = is_blank(from);
	check_lines(&p);
	if (!from->blank) {
		check_tokens(&p);
		comments_check(&p);
		read_list(&p, (struct range){ 0, from->tokens.count });
	}
	keep_errors(&p);
	return from;
}

const struct syntax_error *from_error(const struct from_field *from, enum syntax_class class)
{
	for (size_t i = 0; i < from->error_count; i++)
		if (syntax_rule(from->errors[i].code)->class == class)
			return &from->errors[i];
	return NULL;
}
