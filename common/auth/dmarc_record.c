/*
 * dmarc_record.c - the text of a DMARC record, as each standard reads it.
 *
 * One pass over the text; nothing is allocated and nothing is asked.  What the
 * standards leave open is read as most receivers read it, and told: blanks in
 * front are dropped, tag names are folded, of a tag that comes twice the last
 * one counts.
 */
#include "auth/dmarc.h"

#include "base/ascii.h"

struct record_reading {
	struct dmarc_record record;
	enum dmarc_standard standard;
	struct slice text;
	unsigned seen; /* a bit for each row of `tags` */
	bool bad[3];   /* the last p, sp, np is there and is no policy */
};

/* ---- octets ------------------------------------------------------------------------ */

/* Is c one of the characters of the text? */
static bool is_one_of(char c, const char *characters)
{
	for (; *characters != '\0'; characters++)
		if (*characters == c)
			return true;
	return false;
}

/* slice_trim takes CR and LF too, which are no WSP. */
static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_wsp(s.data[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_wsp(s.data[0]))
		s = slice_part(s, 1, s.len);
	return s;
}

/* The text up to the separator; *rest is what stands behind it, not there at the end. */
static struct slice cut(struct slice *rest, char separator)
{
	struct slice piece = slice_part(*rest, 0, slice_find(*rest, separator));

	if (piece.len == rest->len)
		*rest = (struct slice){ NULL, 0 };
	else
		*rest = slice_part(*rest, piece.len + 1, rest->len);
	return piece;
}

/* ---- values ------------------------------------------------------------------------ */

/* "none" / "quarantine" / "reject" */
static bool read_policy(struct slice value, enum dmarc_policy *policy, bool *has, bool *bad)
{
	*has = true;
	if (slice_equal_nocase(value, SLICE("none")))
		*policy = DMARC_NONE;
	else if (slice_equal_nocase(value, SLICE("quarantine")))
		*policy = DMARC_QUARANTINE;
	else if (slice_equal_nocase(value, SLICE("reject")))
		*policy = DMARC_REJECT;
	else
		*has = false;
	*bad = !*has;
	return *has;
}

static bool read_p(struct record_reading *r, struct slice value)
{
	return read_policy(value, &r->record.p, &r->record.has_p, &r->bad[0]);
}

static bool read_sp(struct record_reading *r, struct slice value)
{
	return read_policy(value, &r->record.sp, &r->record.has_sp, &r->bad[1]);
}

static bool read_np(struct record_reading *r, struct slice value)
{
	return read_policy(value, &r->record.np, &r->record.has_np, &r->bad[2]);
}

/* "r" / "s" */
static bool read_mode(struct slice value, bool *strict)
{
	*strict = slice_equal_nocase(value, SLICE("s"));
	return *strict || slice_equal_nocase(value, SLICE("r"));
}

static bool read_adkim(struct record_reading *r, struct slice value)
{
	return read_mode(value, &r->record.strict_dkim);
}

static bool read_aspf(struct record_reading *r, struct slice value)
{
	return read_mode(value, &r->record.strict_spf);
}

/* "y" / "n" / "u" */
static bool read_psd(struct record_reading *r, struct slice value)
{
	bool good = value.len == 1 && is_one_of(ascii_lower(value.data[0]), "ynu");

	r->record.psd = good ? ascii_lower(value.data[0]) : 'u';
	return good;
}

/* "y" / "n" */
static bool read_t(struct record_reading *r, struct slice value)
{
	r->record.testing = slice_equal_nocase(value, SLICE("y"));
	return r->record.testing || slice_equal_nocase(value, SLICE("n"));
}

static bool all_digits(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!is_digit(value.data[i]))
			return false;
	return value.len > 0;
}

/* 1*3DIGIT, up to 100 */
static bool read_pct(struct record_reading *r, struct slice value)
{
	unsigned percent = 0;

	r->record.pct = 100;
	if (!all_digits(value) || value.len > 3)
		return false;
	for (size_t i = 0; i < value.len; i++)
		percent = percent * 10 + (unsigned)(value.data[i] - '0');
	if (percent > 100)
		return false;
	r->record.pct = percent;
	return true;
}

/* 1*DIGIT */
static bool read_ri(struct record_reading *r, struct slice value)
{
	(void)r;
	return all_digits(value);
}

/* Keyword *(*WSP ":" Keyword); the one keyword there is */
static bool read_rf(struct record_reading *r, struct slice value)
{
	(void)r;
	while (value.data != NULL)
		if (!slice_equal_nocase(trim(cut(&value, ':')), SLICE("afrf")))
			return false;
	return true;
}

/* ("0" / "1") and "d" and "s", any of them joined by ":", in any order, each once */
static bool read_fo(struct record_reading *r, struct slice value)
{
	bool number = false, d = false, s = false;

	(void)r;
	while (value.data != NULL) {
		struct slice option = trim(cut(&value, ':'));
		char c = option.len == 1 ? ascii_lower(option.data[0]) : '\0';
		bool *seen = c == 'd' ? &d : c == 's' ? &s : &number;

		if (!(c == '0' || c == '1' || c == 'd' || c == 's') || *seen)
			return false;
		*seen = true;
	}
	return true;
}

/* ---- URIs -------------------------------------------------------------------------- */

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool is_scheme(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.data[i]) &&
		    (i == 0 || (!is_digit(s.data[i]) && !is_one_of(s.data[i], "+-."))))
			return false;
	return s.len > 0;
}

/* Where the octets in which brackets may stand end: "//" authority, or at 0. */
static size_t authority_end(struct slice s)
{
	size_t end = 2;

	if (s.len < 2 || s.data[0] != '/' || s.data[1] != '/')
		return 0;
	while (end < s.len && !is_one_of(s.data[end], "/?#"))
		end++;
	return end;
}

/*
 * hier-part [ "?" query ] [ "#" fragment ], by its characters: unreserved,
 * pct-encoded, gen-delims and sub-delims, but "!" and ",", which the list of
 * URIs takes for itself, and ";", which no value can hold.
 */
static bool is_hier_part(struct slice s)
{
	size_t brackets = authority_end(s);
	bool fragment = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c == '%') {
			if (s.len - i < 3 || !is_hex(s.data[i + 1]) || !is_hex(s.data[i + 2]))
				return false;
		} else if (c == '#') {
			if (fragment)
				return false;
			fragment = true;
		} else if (c == '[' || c == ']') {
			if (i >= brackets)
				return false;
		} else if (!is_alpha(c) && !is_digit(c) && !is_one_of(c, "-._~:/?@$&'()*+=")) {
			return false;
		}
	}
	return true;
}

/* URI, RFC 3986: scheme ":" hier-part [ "?" query ] [ "#" fragment ] */
static bool is_uri(struct slice s)
{
	size_t colon = slice_find(s, ':');

	return colon < s.len && is_scheme(slice_part(s, 0, colon)) &&
	       is_hier_part(slice_part(s, colon + 1, s.len));
}

/* Without the obsolete size limit: "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] */
static struct slice without_size(struct slice uri)
{
	size_t mark = slice_find_last(uri, '!');
	struct slice size = slice_part(uri, mark + 1, uri.len);

	if (size.len > 1 && is_one_of(ascii_lower(size.data[size.len - 1]), "kmgt"))
		size.len--;
	return all_digits(size) ? slice_part(uri, 0, mark) : uri;
}

/* dmarc-urilist = uri *(*WSP "," *WSP uri); true if all are URIs, *any if one is */
static bool read_uris(struct slice value, bool *any)
{
	bool all = true;

	*any = false;
	while (value.data != NULL) {
		if (is_uri(without_size(trim(cut(&value, ',')))))
			*any = true;
		else
			all = false;
	}
	return all;
}

static bool read_rua(struct record_reading *r, struct slice value)
{
	return read_uris(value, &r->record.has_rua);
}

static bool read_ruf(struct record_reading *r, struct slice value)
{
	bool any;

	(void)r;
	return read_uris(value, &any);
}

/* ---- tags -------------------------------------------------------------------------- */

#define OLD  (1u << DMARC_RFC7489)
#define NEW  (1u << DMARC_RFC9989)
#define BOTH (OLD | NEW)

/* read takes the value, or sets the default and returns false. */
static const struct tag_rule {
	struct slice name;
	unsigned standards; /* that know it; to the others it is a tag that says nothing */
	bool (*read)(struct record_reading *r, struct slice value);
	const char *problem;
	const char *twice;
} tags[] = {
	{ SLICE("p"), BOTH, read_p, "the value of p is not none, quarantine or reject",
	    "p stands there twice" },
	{ SLICE("sp"), BOTH, read_sp, "the value of sp is not none, quarantine or reject",
	    "sp stands there twice" },
	{ SLICE("np"), NEW, read_np, "the value of np is not none, quarantine or reject",
	    "np stands there twice" },
	{ SLICE("adkim"), BOTH, read_adkim, "the value of adkim is not r or s",
	    "adkim stands there twice" },
	{ SLICE("aspf"), BOTH, read_aspf, "the value of aspf is not r or s",
	    "aspf stands there twice" },
	{ SLICE("psd"), NEW, read_psd, "the value of psd is not y, n or u",
	    "psd stands there twice" },
	{ SLICE("t"), NEW, read_t, "the value of t is not y or n", "t stands there twice" },
	{ SLICE("pct"), OLD, read_pct, "the value of pct is not a number up to 100",
	    "pct stands there twice" },
	{ SLICE("rua"), BOTH, read_rua, "the value of rua is not a list of URIs (mailto:...)",
	    "rua stands there twice" },
	{ SLICE("ruf"), BOTH, read_ruf, "the value of ruf is not a list of URIs (mailto:...)",
	    "ruf stands there twice" },
	{ SLICE("fo"), BOTH, read_fo, "the value of fo is not 0, 1, d or s joined by colons",
	    "fo stands there twice" },
	{ SLICE("rf"), OLD, read_rf, "the value of rf is not afrf", "rf stands there twice" },
	{ SLICE("ri"), OLD, read_ri, "the value of ri is not a number", "ri stands there twice" },
};

enum { TAGS = sizeof tags / sizeof tags[0] };

/* ---- the record -------------------------------------------------------------------- */

static void note(struct record_reading *r, struct slice where, bool advisory, const char *sentence)
{
	struct dmarc_problem *p = &r->record.problem;

	if (p->sentence != NULL && (advisory || !p->advisory))
		return;
	p->sentence = sentence;
	p->advisory = advisory;
	p->offset = (size_t)(where.data - r->text.data);
	p->length = where.len;
}

static void read_known(struct record_reading *r, size_t row, struct slice name, struct slice value)
{
	const struct tag_rule *tag = &tags[row];

	if (!(tag->standards & (1u << r->standard)))
		return;
	if (!slice_equal(name, tag->name))
		note(r, name, true, "tag names are written in small letters");
	if (r->seen & (1u << row))
		note(r, name, false, tag->twice);
	/* RFC 7489's grammar has p in front of all others; receivers do not insist */
	if (r->standard == DMARC_RFC7489 && row == 0 && r->seen != 0)
		note(r, name, true, "p does not stand directly behind v");
	r->seen |= 1u << row;
	if (!tag->read(r, value))
		note(r, value, false, tag->problem);
}

/* dmarc-tag = 1*ALPHA equals 1*dmarc-value */
static void read_tag(struct record_reading *r, struct slice piece)
{
	size_t equals = slice_find(piece, '=');
	struct slice name = trim(slice_part(piece, 0, equals));
	struct slice value = trim(slice_part(piece, equals + 1, piece.len));

	if (trim(piece).len == 0)
		return;
	if (equals == piece.len) {
		note(r, trim(piece), false, "this is not name=value");
		return;
	}
	for (size_t row = 0; row < TAGS; row++) {
		if (slice_equal_nocase(name, tags[row].name)) {
			read_known(r, row, name, value);
			return;
		}
	}
	if (slice_equal_nocase(name, SLICE("v")))
		note(r, name, false, "v stands there twice");
	else
		note(r, name, true, "no tag has this name");
}

/* dmarc-version = "v" equals %s"DMARC1" */
static bool read_version(struct record_reading *r, struct slice piece)
{
	size_t equals = slice_find(piece, '=');
	struct slice value = trim(slice_part(piece, equals + 1, piece.len));

	if (!slice_equal_nocase(trim(slice_part(piece, 0, equals)), SLICE("v")))
		return false;
	if (equals == piece.len || !slice_equal(value, SLICE("DMARC1")))
		return false;
	if (is_wsp(piece.data[0]))
		note(r, slice_part(piece, 0, 1), false, "blanks stand in front of the record");
	return true;
}

/*
 * A missing or malformed policy: "none" where a report address says that
 * somebody means it, else no DMARC (RFC 7489 6.6.3, RFC 9989 4.10.1).
 */
static void fall_back(struct record_reading *r)
{
	struct dmarc_record *record = &r->record;

	if (!record->has_p && !r->bad[0])
		note(r, slice_part(r->text, r->text.len, r->text.len),
		    r->standard == DMARC_RFC9989 && record->has_rua,
		    record->has_rua ? "there is no p: it counts as p=none"
				    : "there is no p, and no valid rua: the record does not count");
	if (!record->has_p || r->bad[1] || r->bad[2]) {
		record->usable = record->has_rua;
		record->p = DMARC_NONE;
		record->has_sp = record->has_np = false;
	}
	if (!record->has_sp)
		record->sp = record->p;
	if (!record->has_np)
		record->np = record->sp;
}

/* dmarc-record = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep] */
struct dmarc_record auth_dmarc_record_parse(struct slice text, enum dmarc_standard standard)
{
	struct record_reading r = { .standard = standard, .text = text };
	struct slice rest = text;

	r.record.psd = 'u';
	r.record.pct = 100;
	r.record.usable = true;
	r.record.is_dmarc = text.data != NULL && read_version(&r, cut(&rest, ';'));
	if (!r.record.is_dmarc) {
		r.record.usable = false;
		note(&r, slice_part(text, 0, slice_find(text, ';')), false,
		    "the record does not begin with v=DMARC1;");
		return r.record;
	}
	while (rest.data != NULL)
		read_tag(&r, cut(&rest, ';'));
	fall_back(&r);
	return r.record;
}
