/*
 * signature.c - one DKIM signature: what its field says, what its key says,
 * and what became of it.
 */
#include "auth/signature.h"

#include "key/key_record.h"
#include "syntax/domain.h"

const char *signature_result_name(enum signature_result result)
{
	static const char *const names[] = { "pass", "fail", "policy", "neutral", "permerror",
		"temperror" };

	return names[result];
}

/* The result that belongs to a fault. */
static enum signature_result result_of(enum signature_fault fault)
{
	switch (fault) {
	case SIGNATURE_GOOD: break;
	case SIGNATURE_FOREIGN:
	case SIGNATURE_TOO_MANY:
	case SIGNATURE_MALFORMED: return SIGNATURE_NEUTRAL;
	case SIGNATURE_UNVERIFIABLE:
	case SIGNATURE_KEY_UNKNOWN: return SIGNATURE_TEMPERROR;
	case SIGNATURE_MISMATCH:
	case SIGNATURE_BODY: return SIGNATURE_FAIL;
	case SIGNATURE_EXPIRED:
	case SIGNATURE_FUTURE:
	case SIGNATURE_SHA1:
	case SIGNATURE_SHORT_KEY: return SIGNATURE_POLICY;
	case SIGNATURE_NO_KEY:
	case SIGNATURE_REVOKED:
	case SIGNATURE_BAD_KEY: return SIGNATURE_PERMERROR;
	}
	return SIGNATURE_PASS;
}

void signature_settle(struct signature *s, enum signature_fault fault, struct slice reason)
{
	s->fault = fault;
	s->result = result_of(fault);
	s->reason = reason;
}

static void malformed(struct signature *s, struct slice reason)
{
	signature_settle(s, SIGNATURE_MALFORMED, reason);
}

/* ---- the field ------------------------------------------------------------------------- */

/* d= and s=: labels of letters, digits, hyphens and underscores; in lower case. */
static bool take_name(struct arena *arena, struct slice value, struct slice *out)
{
	struct slice name;

	if (value.len == 0 || value.data[value.len - 1] == '.' ||
	    !domain_to_ascii(arena, tag_value_plain(arena, value), &name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    c != '.')
			return false;
	}
	*out = name;
	return true;
}

/* A number that may be missing; false if it is there and is none. */
static bool take_number(const struct tag_list *list, const char *name, bool *has, uint64_t *number)
{
	struct slice value = tag_list_find(list, name);

	*has = value.data != NULL;
	return !*has || tag_value_number(value, number);
}

static void take_times(const struct tag_list *list, int64_t now, struct signature *s)
{
	uint64_t clock = now < 0 ? 0 : (uint64_t)now;

	if (!take_number(list, "t", &s->has_time, &s->time) ||
	    !take_number(list, "x", &s->has_expiry, &s->expiry) ||
	    !take_number(list, "l", &s->has_length, &s->length)) {
		malformed(s, SLICE("t=, x= or l= is no number"));
		return;
	}
	s->expired = s->has_expiry && clock >= s->expiry;
	s->in_future = s->has_time && s->time > clock && s->time - clock > SIGNATURE_DRIFT;
	if (s->has_expiry && s->has_time && s->expiry <= s->time)
		malformed(s, SLICE("x= is not after t="));
}

/* sig-a-tag-alg that anybody verifies: RFC 6376 3.3, RFC 8463 */
static bool is_algorithm(struct slice value)
{
	return slice_equal_nocase(value, SLICE("rsa-sha256")) ||
	       slice_equal_nocase(value, SLICE("rsa-sha1")) ||
	       slice_equal_nocase(value, SLICE("ed25519-sha256"));
}

/* sig-c-tag = "c" "=" alg [ "/" alg ]; alg = "simple" / "relaxed" */
static bool is_canonicalization(struct slice value)
{
	size_t slash = slice_find(value, '/');
	struct slice parts[] = { slice_part(value, 0, slash),
		slash < value.len ? slice_part(value, slash + 1, value.len) : SLICE("simple") };

	for (size_t i = 0; i < 2; i++)
		if (!slice_equal_nocase(parts[i], SLICE("simple")) &&
		    !slice_equal_nocase(parts[i], SLICE("relaxed")))
			return false;
	return true;
}

/*
 * sig-i-tag = %x69 [FWS] "=" [FWS] [ Local-part ] "@" domain-name
 *
 * The domain, in lower case; false if there is none.  The local part may be
 * quoted and hold an "@", the domain cannot.
 */
static bool take_identity_domain(struct arena *arena, struct slice identity, struct slice *domain)
{
	size_t at = slice_find_last(identity, '@');

	return at < identity.len &&
	       take_name(arena, slice_part(identity, at + 1, identity.len), domain);
}

/* RFC 6376 6.1.1: the domain of i= is d= or one below it */
static bool identity_fits(struct arena *arena, const struct signature *s)
{
	struct slice domain, d = s->domain;

	if (s->identity.data == NULL)
		return true;
	if (!take_identity_domain(arena, s->identity, &domain) || domain.len < d.len ||
	    !slice_equal(slice_part(domain, domain.len - d.len, domain.len), d))
		return false;
	return domain.len == d.len || domain.data[domain.len - d.len - 1] == '.';
}

/* What the tags say that are there: faults that no key mends. */
static void judge_tags(struct arena *arena, const struct tag_list *list, struct signature *s)
{
	struct slice query = tag_list_find(list, "q"), canon = tag_list_find(list, "c");

	if (!slice_equal(tag_list_find(list, "v"), SLICE("1")))
		malformed(s, SLICE("v= is not 1"));
	else if (canon.data != NULL && !is_canonicalization(canon))
		malformed(s, SLICE("c= is no canonicalization that is known"));
	else if (!is_algorithm(s->algorithm))
		malformed(s, SLICE("a= is no algorithm that is known"));
	else if (query.data != NULL && !tag_value_has(query, SLICE("dns/txt")))
		malformed(s, SLICE("q= names no way to ask for the key that there is"));
	else if (!identity_fits(arena, s))
		malformed(s, SLICE("i= is not of the domain d=, or one below it"));
	else if (!s->signs_from)
		malformed(s, SLICE("h= does not name From"));
}

void signature_read(struct arena *arena, struct slice body, int64_t now, struct signature *s)
{
	static const char *const required[] = { "v", "a", "b", "bh", "d", "h", "s" };
	struct tag_list list;
	bool good = tag_list_read(body, &list);
	struct slice domain = tag_list_find(&list, "d"), selector = tag_list_find(&list, "s");

	signature_settle(s, SIGNATURE_GOOD, (struct slice){ NULL, 0 });
	s->algorithm = tag_value_plain(arena, tag_list_find(&list, "a"));
	s->identity = tag_value_plain(arena, tag_list_find(&list, "i"));
	s->headers = tag_value_plain(arena, tag_list_find(&list, "h"));
	s->signs_from = tag_value_has(s->headers, SLICE("from"));
	if (!take_name(arena, domain, &s->domain) && domain.data != NULL)
		malformed(s, SLICE("d= is no domain name"));
	if (!take_name(arena, selector, &s->selector) && selector.data != NULL)
		malformed(s, SLICE("s= is no name"));
	take_times(&list, now, s);
	for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
		if (tag_list_find(&list, required[i]).len == 0)
			malformed(s, arena_printf(arena, "%s= is missing or empty", required[i]));
	if (!good)
		malformed(s, SLICE("the field is no list of tags, or a tag stands there twice"));
	else if (s->fault == SIGNATURE_GOOD)
		judge_tags(arena, &list, s);
}

/* ---- the key ---------------------------------------------------------------------------- */

struct slice signature_key_name(struct arena *arena, const struct signature *s)
{
	return arena_printf(
	    arena, "%.*s._domainkey.%.*s", SLICE_ARG(s->selector), SLICE_ARG(s->domain));
}

/* Is the flag among those of t=, "y:s"? */
static bool has_flag(const struct tag_list *list, struct slice flag)
{
	return tag_value_has(tag_list_find(list, "t"), flag);
}

/* key-k-tag, "rsa" if it is not there: is it the type of the signature's algorithm? */
static bool is_type_of(const struct tag_list *list, const struct signature *s)
{
	struct slice type = tag_list_find(list, "k");
	size_t dash = slice_find(s->algorithm, '-');

	return slice_equal_nocase(
	    slice_part(s->algorithm, 0, dash), type.data != NULL ? type : SLICE("rsa"));
}

/* The flag "s" of key-t-tag: i= must be of the very domain d=. */
static bool forbids_identity(
    struct arena *arena, const struct tag_list *list, const struct signature *s)
{
	struct slice domain;

	return has_flag(list, SLICE("s")) && take_identity_domain(arena, s->identity, &domain) &&
	       !slice_equal(domain, s->domain);
}

/* The record without notes, flags and tags that nobody knows: what a verifier has to read. */
static struct slice key_text(struct arena *arena, const struct tag_list *list)
{
	static const char *const names[] = { "v", "h", "k", "s", "p" };
	struct slice text = SLICE("");

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice value = tag_list_find(list, names[i]);

		if (value.data != NULL)
			text = arena_printf(
			    arena, "%.*s%s=%.*s;", SLICE_ARG(text), names[i], SLICE_ARG(value));
	}
	return text;
}

/* key-t-tag, key-p-tag and key-k-tag, RFC 6376 3.6.1; the rest is the library's */
static struct slice read_key(
    struct arena *arena, struct signature *s, struct slice name, struct slice text)
{
	struct tag_list list;
	struct slice p;

	if (!tag_list_read(text, &list)) {
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(arena, "the text at %.*s is no key record", SLICE_ARG(name)));
		return (struct slice){ NULL, 0 };
	}
	s->key_testing = has_flag(&list, SLICE("y"));
	p = tag_list_find(&list, "p");
	if (p.data == NULL)
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(arena, "the key record at %.*s has no p=", SLICE_ARG(name)));
	else if (p.len == 0)
		signature_settle(s, SIGNATURE_REVOKED,
		    arena_printf(
			arena, "the key at %.*s is revoked: p= is empty", SLICE_ARG(name)));
	else if (!is_type_of(&list, s))
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(arena, "the key at %.*s is of another type than the signature",
			SLICE_ARG(name)));
	else if (forbids_identity(arena, &list, s))
		signature_settle(s, SIGNATURE_BAD_KEY,
		    arena_printf(arena, "the key at %.*s is for no name below %.*s",
			SLICE_ARG(name), SLICE_ARG(s->domain)));
	else
		return key_text(arena, &list);
	return (struct slice){ NULL, 0 };
}

struct slice signature_take_key(
    struct arena *arena, struct signature *s, const struct dns_answer *answer)
{
	struct slice none = { NULL, 0 }, name = signature_key_name(arena, s);

	switch (answer->status) {
	case DNS_FOUND:
		if (answer->count == 1 && !answer->truncated)
			return read_key(arena, s, name, answer->records[0].data);
		/* of one that cannot be read, receivers may make the key */
		if (answer->count == 1)
			signature_settle(s, SIGNATURE_KEY_UNKNOWN,
			    arena_printf(arena,
				"the key at %.*s stands beside a record that cannot be read",
				SLICE_ARG(name)));
		else
			signature_settle(s, SIGNATURE_BAD_KEY,
			    arena_printf(arena,
				"%.*s has %zu TXT records: receivers cannot tell the key",
				SLICE_ARG(name), answer->count));
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		signature_settle(s, SIGNATURE_NO_KEY,
		    arena_printf(arena, "no key is published at %.*s", SLICE_ARG(name)));
		break;
	case DNS_TEMPFAIL:
		signature_settle(s, SIGNATURE_KEY_UNKNOWN,
		    arena_printf(arena, "the key at %.*s could not be looked up: %s",
			SLICE_ARG(name), answer->why != NULL ? answer->why : "no answer"));
		break;
	}
	return none;
}

void signature_judge_strength(struct signature *s)
{
	bool rsa = slice_starts_nocase(s->algorithm, SLICE("rsa-"));

	if (slice_equal_nocase(s->algorithm, SLICE("rsa-sha1")))
		signature_settle(s, SIGNATURE_SHA1, SLICE("it is made with SHA-1"));
	else if (rsa && s->bits < KEY_BITS_MIN)
		signature_settle(s, SIGNATURE_SHORT_KEY, SLICE("the key has under 1024 bits"));
}
