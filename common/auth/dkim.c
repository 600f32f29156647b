/*
 * dkim.c - DKIM verification as facts, by libopendkim.
 *
 * What is kept away from the library, and why:
 *   - signatures that do not matter: it would hash header and body for each,
 *     whether or not it is told to ignore it later;
 *   - an h= that names every field of the header and one more: it writes one
 *     element behind an array.  The guard field, whose name nobody can guess,
 *     makes the array longer than any h= can fill; nor is a signature handed over
 *     that names itself, without which no h= reaches every field;
 *   - names, keys and headers longer than its buffers: it cuts them silently;
 *   - a signature field in which it would empty another part than the value of
 *     b=, when it hashes the field;
 *   - flags of a key, since it mixes up those of one signature with i= of another;
 *   - its own resolver, and its clock: keys come from the view, and times are
 *     judged as of the moment that we are told.
 */
#include "auth/dkim.h"

#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"

struct verifier_library {
	DKIM_LIB *dkim;
};

/* A signature as the library has it. */
struct work {
	DKIM_SIGINFO *info; /* NULL: it was not handed over, or is settled */
	struct slice key;   /* the record's text, with a NUL behind it */
};

struct verifier {
	struct verifier_library *library;
	struct arena *arena;
	const struct message *message;
	struct dns_view *view;
	DKIM *dkim; /* NULL: not begun, nothing to verify, or it failed */
	struct signature *signatures;
	struct work *work;
	size_t count, total;
	struct buf held; /* the body so far, while the library is not begun */
	bool begun;      /* the library has the header */
	char last[2];    /* octets of the body so far */
	bool has_body, body_failed, finished;
};

/* ---- the library -------------------------------------------------------------------- */

/* The record that belongs to the signature; all were fetched before dkim_eom. */
static DKIM_CBSTAT look_up_key(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *buf, size_t size)
{
	const struct verifier *v = dkim_get_user_context(dkim);

	for (size_t i = 0; i < v->count; i++) {
		struct slice key = v->work[i].key;

		if (v->work[i].info != info || key.data == NULL || key.len >= size)
			continue;
		memcpy(buf, key.data, key.len);
		buf[key.len] = '\0';
		return DKIM_CBSTAT_CONTINUE;
	}
	return DKIM_CBSTAT_NOTFOUND;
}

struct verifier_library *verifier_library_new(void)
{
	/*
	 * Keys are used at end of message, when the answers are there; a From
	 * that it cannot read, or a signature, does not stop the others.
	 */
	unsigned int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
	unsigned int bits = 0;
	/* ten years: it judges no time that we might judge otherwise */
	uint64_t drift = (uint64_t)10 * 365 * 86400;
	struct verifier_library *library;
	DKIM_LIB *dkim = dkim_init(NULL, NULL);

	if (dkim == NULL)
		return NULL;
	if (!dkim_libfeature(dkim, DKIM_FEATURE_SHA256) ||
	    !dkim_libfeature(dkim, DKIM_FEATURE_ED25519) ||
	    dkim_options(dkim, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) !=
		DKIM_STAT_OK ||
	    dkim_options(dkim, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits) !=
		DKIM_STAT_OK ||
	    dkim_options(dkim, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift) !=
		DKIM_STAT_OK ||
	    dkim_set_key_lookup(dkim, look_up_key) != DKIM_STAT_OK) {
		dkim_close(dkim);
		return NULL;
	}
	library = must_alloc(sizeof *library);
	library->dkim = dkim;
	return library;
}

void verifier_library_free(struct verifier_library *library)
{
	if (library == NULL)
		return;
	dkim_close(library->dkim);
	free(library);
}

/* ---- which signatures are verified ---------------------------------------------------- */

static bool is_signature(const struct field *field)
{
	return slice_equal_nocase(field->name, SLICE("DKIM-Signature"));
}

/* All of the field is there, as far as anybody can tell. */
static bool is_whole(const struct field *field)
{
	return field->name.len + field->body.len < MESSAGE_CUT_AT &&
	       memchr(field->body.data, '\0', field->body.len) == NULL;
}

static void read_signatures(struct verifier *v, int64_t now)
{
	const struct message *m = v->message;

	v->total = message_count(m, SLICE("DKIM-Signature"));
	v->count = v->total < SIGNATURES_KEPT ? v->total : SIGNATURES_KEPT;
	v->signatures = arena_alloc(v->arena, (v->count + 1) * sizeof *v->signatures);
	v->work = arena_alloc(v->arena, (v->count + 1) * sizeof *v->work);
	for (size_t i = 0, n = 0; i < m->field_count && n < v->count; i++) {
		if (!is_signature(&m->fields[i]))
			continue;
		v->signatures[n].field = n;
		signature_read(v->arena, m->fields[i].body, now, &v->signatures[n]);
		if (!is_whole(&m->fields[i]))
			signature_settle(&v->signatures[n], SIGNATURE_UNVERIFIABLE,
			    SLICE("the field is too long, or holds a NUL"));
		n++;
	}
}

/* Settles those that are not to be verified. */
static void choose(struct verifier *v, verifier_wanted *wanted, void *context)
{
	size_t chosen = 0;

	for (size_t i = 0; i < v->count; i++) {
		struct signature *s = &v->signatures[i];

		if (s->fault != SIGNATURE_GOOD)
			continue;
		if (!wanted(context, s->domain))
			signature_settle(s, SIGNATURE_FOREIGN,
			    SLICE("not verified: its domain does not matter for this message"));
		else if (++chosen > SIGNATURES_MAX)
			signature_settle(s, SIGNATURE_TOO_MANY,
			    SLICE("not verified: there are too many signatures"));
	}
}

/* Does the signature cover a field of which not all is there? */
static bool covers_cut_field(const struct verifier *v, const struct signature *s)
{
	const struct message *m = v->message;

	if (m->fields_dropped > 0)
		return true;
	for (size_t i = 0; i < m->field_count; i++)
		if (!is_whole(&m->fields[i]) && tag_value_has(s->headers, m->fields[i].name))
			return true;
	return false;
}

/*
 * Would the library empty another part of the field than the value of b=
 * (RFC 6376 3.7)?  It looks for a "b" right before the first "=" of a piece: it
 * passes over "b =", which the grammar allows, and takes "xb=" for it.
 */
static bool misleads(struct slice body)
{
	for (size_t begin = 0, end; begin <= body.len; begin = end + 1) {
		struct slice piece = slice_part(body, begin, body.len);
		size_t equals;
		bool seen;

		piece = slice_part(piece, 0, slice_find(piece, ';'));
		end = begin + piece.len;
		equals = slice_find(piece, '=');
		seen = equals > 0 && equals < piece.len && piece.data[equals - 1] == 'b';
		if (seen != (equals < piece.len &&
				slice_equal(slice_trim(slice_part(piece, 0, equals)), SLICE("b"))))
			return true;
	}
	return false;
}

static const struct field *field_of(const struct verifier *v, const struct signature *s)
{
	const struct field *fields = v->message->fields;

	for (size_t seen = 0;; fields++)
		if (is_signature(fields) && seen++ == s->field)
			return fields;
}

/*
 * Does h= reach the signature itself?  From the bottom up, it would be the next
 * DKIM-Signature behind those below it.  It "MUST NOT include" itself (RFC 6376
 * 3.5), so to us it is not there to be named; the library hashes it.
 */
static bool names_itself(const struct verifier *v, const struct signature *s)
{
	size_t below = v->total - 1 - s->field, named = 0;

	for (size_t begin = 0, end; begin <= s->headers.len; begin = end + 1) {
		struct slice name = slice_part(s->headers, begin, s->headers.len);

		name = slice_part(name, 0, slice_find(name, ':'));
		end = begin + name.len;
		named += slice_equal_nocase(name, SLICE("DKIM-Signature"));
	}
	return named > below;
}

static size_t count_names(struct slice headers)
{
	size_t count = 1;

	for (size_t i = 0; i < headers.len; i++)
		count += headers.data[i] == ':';
	return count;
}

/* Settles those that the library, or we, cannot judge.  Signatures that cover others need all. */
static void set_aside(struct verifier *v)
{
	size_t work = 0;

	for (size_t i = 0; i < v->count; i++) {
		struct signature *s = &v->signatures[i];

		if (s->fault != SIGNATURE_GOOD)
			continue;
		work += count_names(s->headers) * v->message->field_count;
		if (s->headers.len > VERIFIER_NAMES_MAX || work > VERIFIER_WORK_MAX)
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("h= names more than can be looked for"));
		else if (misleads(field_of(v, s)->body))
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("the verifier takes the wrong part of the field for the "
				  "signature"));
		else if (names_itself(v, s))
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("h= names more signatures than stand below it, and so itself"));
		else if (covers_cut_field(v, s))
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("it covers a field of which not all is here"));
		else if (v->total > SIGNATURES_MAX &&
			 tag_value_has(s->headers, SLICE("DKIM-Signature")))
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("it covers other signatures, and they are too many"));
	}
}

/* ---- handing the header over ------------------------------------------------------------- */

/* Does a signature that is to be verified cover other DKIM-Signature fields? */
static bool covers_signatures(const struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->signatures[i].fault == SIGNATURE_GOOD &&
		    tag_value_has(v->signatures[i].headers, SLICE("DKIM-Signature")))
			return true;
	return false;
}

/* False if the library does not take it. */
static bool feed(struct verifier *v, struct buf *text, struct slice name, struct slice body)
{
	buf_reset(text);
	buf_add_slice(text, name);
	buf_add_char(text, ':');
	buf_add_slice(text, body);
	return dkim_header(v->dkim, (unsigned char *)text->data, text->len) == DKIM_STAT_OK;
}

static bool feed_guard(struct verifier *v, struct buf *text)
{
	unsigned char octets[16];
	char name[2 * sizeof octets + 3] = "X-";

	if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
		return false;
	for (size_t i = 0; i < sizeof octets; i++)
		snprintf(name + 2 + 2 * i, 3, "%02x", octets[i]);
	return feed(v, text, slice_of(name), SLICE(" guard"));
}

/* Hands the fields over; handed[i]: the signature that is the library's i-th. */
static size_t feed_fields(struct verifier *v, struct buf *text, size_t handed[SIGNATURES_KEPT])
{
	const struct message *m = v->message;
	bool all = covers_signatures(v);
	size_t seen = 0, count = 0;

	for (size_t i = 0; i < m->field_count; i++) {
		const struct field *field = &m->fields[i];
		struct signature *s = NULL;
		bool taken;

		if (is_signature(field)) {
			if (seen >= v->count)
				continue;
			s = &v->signatures[seen++];
			if (!all && s->fault != SIGNATURE_GOOD)
				continue;
			handed[count++] = s->field;
		}
		taken = feed(v, text, field->name, field->body);
		if (s != NULL && !taken && s->fault == SIGNATURE_GOOD)
			signature_settle(s, SIGNATURE_MALFORMED,
			    SLICE("the field cannot be read by the verifier"));
	}
	return count;
}

/* The library's handles, in the order of the fields. */
static bool take_handles(struct verifier *v, const size_t *handed, size_t count)
{
	DKIM_SIGINFO **infos = NULL;
	int n = 0;

	if (dkim_getsiglist(v->dkim, &infos, &n) != DKIM_STAT_OK || (size_t)n != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (v->signatures[handed[i]].fault == SIGNATURE_GOOD)
			v->work[handed[i]].info = infos[i];
		else
			dkim_sig_ignore(infos[i]);
	}
	return true;
}

/* Nothing can be told of those that were to be verified. */
static void give_up(struct verifier *v, struct slice reason)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->signatures[i].fault == SIGNATURE_GOOD)
			signature_settle(&v->signatures[i], SIGNATURE_UNVERIFIABLE, reason);
		v->work[i].info = NULL;
	}
	if (v->dkim != NULL)
		dkim_free(v->dkim);
	v->dkim = NULL;
}

static void begin(struct verifier *v)
{
	static const unsigned char id[] = "presend";
	size_t handed[SIGNATURES_KEPT], count;
	bool good = false;
	struct buf text;
	DKIM_STAT status;

	v->begun = true;
	v->dkim = dkim_verify(v->library->dkim, id, NULL, &status);
	if (v->dkim == NULL) {
		give_up(v, SLICE("the verifier could not be set up"));
		return;
	}
	dkim_set_user_context(v->dkim, v);
	buf_init(&text, MESSAGE_FIELD_MAX + 2000);
	if (feed_guard(v, &text)) {
		count = feed_fields(v, &text, handed);
		good = dkim_eoh(v->dkim) == DKIM_STAT_OK && take_handles(v, handed, count);
	}
	buf_free(&text);
	if (!good)
		give_up(v, SLICE("the verifier does not take the header"));
}

static bool has_work(const struct verifier *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->signatures[i].fault == SIGNATURE_GOOD)
			return true;
	return false;
}

struct verifier *verifier_new(struct verifier_library *library, const struct message *message,
    struct dns_view *view, int64_t now, verifier_wanted *wanted, void *context)
{
	struct verifier *v = arena_alloc(message->arena, sizeof *v);

	v->library = library;
	v->arena = message->arena;
	v->message = message;
	v->view = view;
	buf_init(&v->held, VERIFIER_HELD_MAX);
	read_signatures(v, now);
	choose(v, wanted, context);
	set_aside(v);
	for (size_t i = 0; i < v->count; i++)
		if (v->signatures[i].fault == SIGNATURE_GOOD)
			dns_view_get(
			    view, signature_key_name(v->arena, &v->signatures[i]), DNS_TXT);
	return v;
}

void verifier_free(struct verifier *v)
{
	if (v == NULL)
		return;
	buf_free(&v->held);
	if (v->dkim != NULL)
		dkim_free(v->dkim);
}

/* ---- the body, and the end ------------------------------------------------------------- */

bool verifier_wants_body(const struct verifier *v)
{
	return v->begun ? v->dkim != NULL : has_work(v);
}

static void feed_body(struct verifier *v, struct slice piece)
{
	if (v->dkim == NULL || v->body_failed || piece.len == 0)
		return;
	v->has_body = true;
	v->last[0] = piece.len > 1 ? piece.data[piece.len - 2] : v->last[1];
	v->last[1] = piece.data[piece.len - 1];
	v->body_failed = dkim_body(v->dkim, (unsigned char *)piece.data, piece.len) != DKIM_STAT_OK;
}

/* Begins the library with what is held of the body. */
static void begin_with_held(struct verifier *v)
{
	begin(v);
	feed_body(v, buf_slice(&v->held));
	buf_free(&v->held);
}

/*
 * The library takes some 20 kB as soon as it has a header, and a connection may
 * stand still in its body: so the beginning of the body is held instead, which
 * for most messages is all of it.
 */
void verifier_body(struct verifier *v, struct slice piece)
{
	if (!verifier_wants_body(v))
		return;
	if (!v->begun && v->held.len + piece.len <= VERIFIER_HELD_MAX) {
		buf_add_slice(&v->held, piece);
		return;
	}
	if (!v->begun)
		begin_with_held(v);
	feed_body(v, piece);
}

/* Takes the keys from the view; false while one is missing. */
static bool take_keys(struct verifier *v)
{
	bool pending = false;

	for (size_t i = 0; i < v->count; i++) {
		struct signature *s = &v->signatures[i];
		const struct dns_answer *answer;

		if (s->fault != SIGNATURE_GOOD || v->work[i].key.data != NULL)
			continue;
		answer = dns_view_get(v->view, signature_key_name(v->arena, s), DNS_TXT);
		if (answer == NULL) {
			pending = true;
			continue;
		}
		v->work[i].key = signature_take_key(v->arena, s, answer);
		if (v->work[i].key.len > VERIFIER_KEY_MAX)
			signature_settle(s, SIGNATURE_UNVERIFIABLE,
			    SLICE("the key record is longer than the verifier can take"));
		if (s->fault != SIGNATURE_GOOD && v->work[i].info != NULL)
			dkim_sig_ignore(v->work[i].info);
	}
	return !pending;
}

/* The key is one, and the library cannot use it for this signature. */
static bool is_key_error(int error)
{
	switch (error) {
	case DKIM_SIGERROR_NOKEY:
	case DKIM_SIGERROR_DNSSYNTAX:
	case DKIM_SIGERROR_SUBDOMAIN:
	case DKIM_SIGERROR_KEYVERSION:
	case DKIM_SIGERROR_KEYUNKNOWNHASH:
	case DKIM_SIGERROR_KEYHASHMISMATCH:
	case DKIM_SIGERROR_NOTEMAILKEY:
	case DKIM_SIGERROR_KEYTYPEMISSING:
	case DKIM_SIGERROR_KEYTYPEUNKNOWN:
	case DKIM_SIGERROR_KEYDECODE: return true;
	}
	return false;
}

static bool is_ed25519(const struct signature *s)
{
	return slice_equal_nocase(s->algorithm, SLICE("ed25519-sha256"));
}

/* It verifies; is it acceptable too? */
static void judge_acceptable(struct signature *s)
{
	signature_judge_strength(s);
	if (s->fault != SIGNATURE_GOOD)
		return;
	if (s->expired)
		signature_settle(s, SIGNATURE_EXPIRED, SLICE("it has expired"));
	else if (s->in_future)
		signature_settle(s, SIGNATURE_FUTURE, SLICE("its time stamp lies in the future"));
}

/* What the library found. */
static void conclude(struct verifier *v, struct signature *s, DKIM_SIGINFO *info)
{
	int error = dkim_sig_geterror(info);
	unsigned int flags = dkim_sig_getflags(info);

	dkim_sig_getkeysize(info, &s->bits);
	if (is_ed25519(s) && !is_key_error(error))
		s->bits = 256; /* the library leaves it at 0 */
	if (error == DKIM_SIGERROR_EXPIRED || (error == DKIM_SIGERROR_FUTURE && s->in_future))
		signature_settle(s,
		    error == DKIM_SIGERROR_FUTURE ? SIGNATURE_FUTURE : SIGNATURE_EXPIRED,
		    SLICE("its time is years away"));
	else if (error == DKIM_SIGERROR_FUTURE)
		/* it takes its tolerance from the time without a look at the sign */
		signature_settle(s, SIGNATURE_UNVERIFIABLE,
		    SLICE("its time stamp lies before 1980, where the verifier cannot count"));
	else if (is_key_error(error))
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(v->arena, "the key cannot be used for it: %s",
			dkim_sig_geterrorstr(error)));
	else if (error == DKIM_SIGERROR_TOOLARGE_L)
		signature_settle(s, SIGNATURE_BODY, SLICE("the body is shorter than l= says"));
	else if (error == DKIM_SIGERROR_BADSIG && (flags & DKIM_SIGFLAG_PASSED))
		signature_settle(
		    s, SIGNATURE_BODY, SLICE("the body is not the one that was signed"));
	else if (error == DKIM_SIGERROR_BADSIG)
		signature_settle(s, SIGNATURE_MISMATCH,
		    SLICE("a signed header field was changed, or the published key is another"));
	else if (error == DKIM_SIGERROR_OK && DKIM_SIG_CHECK(info))
		judge_acceptable(s);
	else if (error == DKIM_SIGERROR_UNKNOWN || error == DKIM_SIGERROR_OK)
		signature_settle(
		    s, SIGNATURE_UNVERIFIABLE, SLICE("the verifier came to no conclusion"));
	else
		signature_settle(s, SIGNATURE_MALFORMED,
		    arena_printf(
			v->arena, "the field cannot be used: %s", dkim_sig_geterrorstr(error)));
}

bool verifier_finish(struct verifier *v)
{
	if (v->finished)
		return true;
	if (!take_keys(v))
		return false;
	v->finished = true;
	/* a signature whose key is known to be no good is not hashed for */
	if (!v->begun && has_work(v))
		begin_with_held(v);
	if (v->dkim == NULL)
		return true;
	/* both canonicalizations add a missing line end (RFC 6376 3.4.3); the library does not */
	if (v->has_body && (v->last[0] != '\r' || v->last[1] != '\n'))
		feed_body(v, SLICE("\r\n"));
	if (v->body_failed) {
		give_up(v, SLICE("the verifier does not take the body"));
		return true;
	}
	/* its own result is about one signature alone */
	dkim_eom(v->dkim, NULL);
	for (size_t i = 0; i < v->count; i++)
		if (v->signatures[i].fault == SIGNATURE_GOOD && v->work[i].info != NULL)
			conclude(v, &v->signatures[i], v->work[i].info);
	return true;
}

const struct signature *verifier_signatures(const struct verifier *v, size_t *count)
{
	*count = v->count;
	return v->signatures;
}

size_t verifier_signature_total(const struct verifier *v)
{
	return v->total;
}
