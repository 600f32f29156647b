/*
 * test_dkim.c - signatures made by libopendkim itself, and what we say of them.
 */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/dkim.h"
#include "base/clock.h"
#include "dkim_keys.h"
#include "dns/records.h"
#include "unit.h"

enum { NOW = 1790000000 };

/* ---- signing ------------------------------------------------------------------------ */

#define HEADER                                                                                     \
	"From: Ann <ann@example.com>\r\n"                                                          \
	"To: bob@example.net\r\n"                                                                  \
	"Subject: a long one,\r\n folded\r\n"                                                      \
	"Date: Sun, 22 Nov 2026 05:00:00 +0000\r\n"
#define BODY "Hello Bob,\r\n\r\n  this  is it. \r\n\r\n\r\n"

/*
 * Signatures of the header and body above with the ed25519 key, made by the
 * library once: it leaks a little for each, which a sanitizer would tell us of
 * over and over.
 */
#define MADE(selector, b)                                                                          \
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;\r\n"             \
	"\ts=" selector "; t=1790000000; bh=14NgTD41yi2tUcOMWk7Ax2OiSSw9j7WG5ZN/xVxrI2k=;\r\n"     \
	"\th=From:To:Subject:Date;\r\n\tb=" b "\r\n"
#define MADE_ED                                                                                    \
	MADE("ed", "kReuy8RtouAUZAmZwG5ITQX5qRCswSTh4ids/2BAMKdeB1wf3CRg9In8nS3lsTsWo\r\n"         \
		   "\t IJjU6YNcDXyNB39RLNwAA==")
#define MADE_S                                                                                     \
	MADE("s", "nvkpPAQGnefN6A/TslpC3sq+VKoPlARHRIx+UjGbHZTULOM6QWYMo3MwRSlF0qLkk\r\n"          \
		  "\t 0F+dKPYSt/X3DIJTo3aDA==")

struct signing {
	const char *domain, *selector;
	const char *key;
	dkim_alg_t algorithm;
	dkim_canon_t canon;
	long length;      /* of l=; -1: none */
	uint64_t time;    /* of t= */
	uint64_t ttl;     /* of x=; 0: none */
	const char *made; /* the field, where it is not made here */
};

static void set_times(DKIM_LIB *lib, const struct signing *how)
{
	uint64_t time = how->time == 0 ? NOW : how->time;

	dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &time, sizeof time);
	if (how->ttl != 0)
		dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_SIGNATURETTL, (void *)&how->ttl,
		    sizeof how->ttl);
}

/* Calls back for each field of the text. */
static void each_field(
    const char *header, void (*take)(void *, const char *, size_t), void *context)
{
	const char *begin = header;

	while (*begin != '\0') {
		const char *end = strstr(begin, "\r\n");

		while (end[2] == ' ' || end[2] == '\t')
			end = strstr(end + 2, "\r\n");
		take(context, begin, (size_t)(end - begin));
		begin = end + 2;
	}
}

static void sign_field(void *context, const char *text, size_t len)
{
	ck_assert_int_eq(dkim_header(context, (unsigned char *)text, len), DKIM_STAT_OK);
}

static char *make(const struct signing *how, const char *header, const char *body)
{
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	unsigned int flags = how->length >= 0 ? DKIM_LIBFLAGS_SIGNLEN : 0, bits = 0;
	unsigned char *value;
	DKIM_STAT status;
	char *result;
	size_t len;
	DKIM *dkim;

	dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
	dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits);
	set_times(lib, how);
	dkim = dkim_sign(lib, (unsigned char *)"test", NULL, (dkim_sigkey_t)how->key,
	    (unsigned char *)how->selector, (unsigned char *)how->domain, how->canon, how->canon,
	    how->algorithm, how->length, &status);
	ck_assert_ptr_nonnull(dkim);
	each_field(header, sign_field, dkim);
	ck_assert_int_eq(dkim_eoh(dkim), DKIM_STAT_OK);
	ck_assert_int_eq(dkim_body(dkim, (unsigned char *)body, strlen(body)), DKIM_STAT_OK);
	ck_assert_int_eq(dkim_eom(dkim, NULL), DKIM_STAT_OK);
	ck_assert_int_eq(dkim_getsighdr_d(dkim, 16, &value, &len), DKIM_STAT_OK);
	result = must_alloc(len + 30);
	snprintf(result, len + 30, "DKIM-Signature: %s\r\n", (char *)value);
	dkim_free(dkim);
	dkim_close(lib);
	return result;
}

/* "DKIM-Signature: ...\r\n" over header and body; the caller frees it. */
static char *sign(const struct signing *how, const char *header, const char *body)
{
	return how->made != NULL ? must_strdup(how->made) : make(how, header, body);
}

/* ---- verifying ---------------------------------------------------------------------- */

#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X640 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64

#define RECORDS                                                                                    \
	"s._domainkey.example.com TXT \"v=DKIM1; k=rsa; p=" RSA2048_PUBLIC "\"\n"                  \
	"sub._domainkey.mail.example.com TXT \"v=DKIM1; p=" RSA2048_PUBLIC "\"\n"                  \
	"ed._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=" ED25519_PUBLIC "\"\n"             \
	"r1024._domainkey.example.com TXT \"p=" RSA1024_PUBLIC "\"\n"                              \
	"r768._domainkey.example.com TXT \"p=" RSA768_PUBLIC "\"\n"                                \
	"test._domainkey.example.com TXT \"v=DKIM1; t=y; p=" RSA2048_PUBLIC "\"\n"                 \
	"revoked._domainkey.example.com TXT \"v=DKIM1; p=\"\n"                                     \
	"nop._domainkey.example.com TXT \"v=DKIM1; k=rsa\"\n"                                      \
	"spf._domainkey.example.com TXT \"v=spf1 -all\"\n"                                         \
	"noted._domainkey.example.com TXT \"v=DKIM1; n=" X640 X64 "; p=" RSA2048_PUBLIC "\"\n"     \
	"long._domainkey.example.com TXT \"v=DKIM1; p=" X640 X640 "\"\n"                           \
	"strict._domainkey.example.com TXT \"v=DKIM1; t=y:s; p=" RSA2048_PUBLIC "\"\n"             \
	"ktype._domainkey.example.com TXT \"v=DKIM1; k=ed25519; p=" RSA2048_PUBLIC "\"\n"          \
	"vlast._domainkey.example.com TXT \"p=" RSA2048_PUBLIC "; v=DKIM1\"\n"                     \
	"junk._domainkey.example.com TXT \"hello\"\n"                                              \
	"bad._domainkey.example.com TXT \"v=DKIM1; p=AAAA\"\n"                                     \
	"wrong._domainkey.example.com TXT \"v=DKIM1; p=" RSA1024_PUBLIC "\"\n"                     \
	"sha1._domainkey.example.com TXT \"v=DKIM1; h=sha1; p=" RSA2048_PUBLIC "\"\n"              \
	"web._domainkey.example.com TXT \"v=DKIM1; s=web; p=" RSA2048_PUBLIC "\"\n"                \
	"v2._domainkey.example.com TXT \"v=DKIM2; p=" RSA2048_PUBLIC "\"\n"                        \
	"type._domainkey.example.com TXT \"v=DKIM1; k=dsa; p=" RSA2048_PUBLIC "\"\n"               \
	"two._domainkey.example.com TXT \"v=DKIM1; p=" RSA2048_PUBLIC "\"\n"                       \
	"two._domainkey.example.com TXT \"v=DKIM1; p=" RSA1024_PUBLIC "\"\n"                       \
	"dated._domainkey.example.com A 192.0.2.1\n"                                               \
	";; TIMEOUT slow._domainkey.example.com\n"                                                 \
	"s._domainkey.esp.net TXT \"p=" RSA2048_PUBLIC "\"\n"

struct check {
	struct arena *arena;
	struct resolver *resolver;
	struct dns_view *view;
	struct message *message;
	struct verifier *verifier;
	const struct signature *signatures;
	size_t count;
	int rounds;
};

static struct verifier_library *library;

static void set_up(void)
{
	library = verifier_library_new();
	ck_assert_ptr_nonnull(library);
}

static void tear_down(void)
{
	verifier_library_free(library);
}

/* Everything below example.com matters. */
static bool wanted(void *context, struct slice domain)
{
	(void)context;
	return slice_match(SLICE("*example.com"), domain);
}

static void begin(struct check *c)
{
	struct buf errors;

	buf_init(&errors, 1000);
	c->arena = arena_new();
	c->resolver = records_resolver_parse("keys", SLICE(RECORDS), NULL, &errors);
	ck_assert_msg(c->resolver != NULL, "%s", buf_text(&errors));
	c->view = dns_view_new(c->arena, c->resolver, clock_now_us() + 10000000);
	c->message = message_new(c->arena);
	c->rounds = 0;
	buf_free(&errors);
}

static void add_field(void *context, const char *text, size_t len)
{
	struct slice field = { text, len };
	size_t colon = slice_find(field, ':');

	message_add_field(
	    context, slice_part(field, 0, colon), slice_part(field, colon + 1, field.len));
}

/* Gives the body in pieces of that many octets. */
static void verify(struct check *c, const char *body, size_t step, int64_t now)
{
	message_end_header(c->message);
	c->verifier = verifier_new(library, c->message, c->view, now, wanted, NULL);
	for (size_t at = 0, len = strlen(body); at < len; at += step) {
		struct slice piece = exact(body + at, len - at < step ? len - at : step);

		verifier_body(c->verifier, piece);
		exact_free(piece);
	}
	while (!verifier_finish(c->verifier)) {
		c->rounds++;
		ck_assert(dns_view_wait(c->view));
	}
	c->signatures = verifier_signatures(c->verifier, &c->count);
}

static void end(struct check *c)
{
	verifier_free(c->verifier);
	dns_view_free(c->view);
	resolver_free(c->resolver);
	arena_free(c->arena);
}

/* ---- one signature ------------------------------------------------------------------------ */

#define SIGNED(s, k, a)                                                                            \
	{                                                                                          \
		"example.com", s, k##_PRIVATE, a, DKIM_CANON_RELAXED, -1, 0, 0, NULL               \
	}
#define RSA DKIM_SIGN_RSASHA256

static const struct {
	const char *label;
	struct signing how;
	const char *body; /* as it arrives; NULL: as it was signed */
	const char *wanted;
} rows[] = {
	{ "RSA, relaxed", SIGNED("s", RSA2048, RSA), NULL, "rsa-sha256 2048 pass" },
	{ "RSA, simple",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_SIMPLE, -1, 0, 0, NULL }, NULL,
	    "rsa-sha256 2048 pass" },
	{ "ed25519", { .domain = "example.com", .made = MADE_ED }, NULL,
	    "ed25519-sha256 256 pass" },
	{ "1024 bits", SIGNED("r1024", RSA1024, RSA), NULL, "rsa-sha256 1024 pass" },
	{ "768 bits", SIGNED("r768", RSA768, RSA), NULL,
	    "rsa-sha256 768 policy the key has under 1024 bits" },
	{ "SHA-1", SIGNED("s", RSA2048, DKIM_SIGN_RSASHA1), NULL,
	    "rsa-sha1 2048 policy it is made with SHA-1" },
	{ "a key in test mode", SIGNED("test", RSA2048, RSA), NULL,
	    "rsa-sha256 2048 testing pass" },
	{ "a name below",
	    { "mail.example.com", "sub", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, 0, 0, NULL },
	    NULL, "rsa-sha256 2048 pass" },
	{ "a selector in capitals", SIGNED("S", RSA2048, RSA), NULL, "rsa-sha256 2048 pass" },

	{ "blanks that relaxed leaves out", SIGNED("s", RSA2048, RSA),
	    "Hello Bob,\r\n\r\n this is  it.\r\n", "rsa-sha256 2048 pass" },
	{ "no line end at the end", SIGNED("s", RSA2048, RSA), "Hello Bob,\r\n\r\n this is it.",
	    "rsa-sha256 2048 pass" },
	{ "another body", SIGNED("s", RSA2048, RSA), "Hello Eve,\r\n",
	    "rsa-sha256 2048 fail the body is not the one that was signed" },
	{ "no body any more", SIGNED("s", RSA2048, RSA), "",
	    "rsa-sha256 2048 fail the body is not the one that was signed" },
	{ "l=, and more",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_SIMPLE, 12, 0, 0, NULL },
	    "Hello Bob,\r\nEve was here\r\n", "rsa-sha256 2048 l=12 pass" },
	{ "l=, and less",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_SIMPLE, 12, 0, 0, NULL },
	    "Hello\r\n", "rsa-sha256 0 l=12 fail the body is shorter than l= says" },

	{ "another key", SIGNED("wrong", RSA2048, RSA), NULL,
	    "rsa-sha256 1024 fail a signed header field was changed, or the published key is "
	    "another" },
	{ "no key", SIGNED("none", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror no key is published at none._domainkey.example.com" },
	{ "no TXT", SIGNED("dated", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror no key is published at dated._domainkey.example.com" },
	{ "revoked", SIGNED("revoked", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key at revoked._domainkey.example.com is revoked: p= is "
	    "empty" },
	{ "no p=", SIGNED("nop", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key record at nop._domainkey.example.com has no p=" },
	{ "a key record of more than it can take", SIGNED("long", RSA2048, RSA), NULL,
	    "rsa-sha256 0 temperror the key record is longer than the verifier can take" },
	{ "a key record of which most is notes", SIGNED("noted", RSA2048, RSA), NULL,
	    "rsa-sha256 2048 pass" },
	{ "a version that is not first", SIGNED("vlast", RSA2048, RSA), NULL,
	    "rsa-sha256 2048 pass" },
	{ "a key that says it is for ed25519", SIGNED("ktype", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key at ktype._domainkey.example.com is of another type "
	    "than the signature" },
	{ "a key for no name below", SIGNED("strict", RSA2048, RSA), NULL,
	    "rsa-sha256 2048 testing pass" },
	{ "a text that is no list of tags", SIGNED("junk", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the text at junk._domainkey.example.com is no key record" },
	{ "another record", SIGNED("spf", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key record at spf._domainkey.example.com has no p=" },
	{ "two records", SIGNED("two", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror two._domainkey.example.com has 2 TXT records: receivers cannot "
	    "tell the key" },
	{ "not a key", SIGNED("bad", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key cannot be used for it: unable to apply public key" },
	{ "a key for another hash", SIGNED("sha1", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key cannot be used for it: signature-key hash mismatch" },
	{ "a key for another service", SIGNED("web", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key cannot be used for it: not an e-mail key" },
	{ "a key of another version", SIGNED("v2", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key cannot be used for it: unknown key version" },
	{ "a key of another type", SIGNED("type", RSA2048, RSA), NULL,
	    "rsa-sha256 0 permerror the key at type._domainkey.example.com is of another type than "
	    "the signature" },
	{ "an RSA key for ed25519", { .domain = "example.com", .made = MADE_S }, NULL,
	    "ed25519-sha256 0 permerror the key at s._domainkey.example.com is of another type "
	    "than the signature" },
	{ "a slow name server", SIGNED("slow", RSA2048, RSA), NULL,
	    "rsa-sha256 0 temperror the key at slow._domainkey.example.com could not be looked up: "
	    "the records file says TIMEOUT" },

	{ "not expired",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, NOW - 99, 100,
		NULL },
	    NULL, "rsa-sha256 2048 x pass" },
	{ "expired",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, NOW - 100, 100,
		NULL },
	    NULL, "rsa-sha256 2048 x expired policy it has expired" },
	{ "of a clock that is fast",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, NOW + 300, 0,
		NULL },
	    NULL, "rsa-sha256 2048 pass" },
	{ "of the future",
	    { "example.com", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, NOW + 301, 0,
		NULL },
	    NULL, "rsa-sha256 2048 future policy its time stamp lies in the future" },

	{ "a foreign domain",
	    { "esp.net", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1, 0, 0, NULL }, NULL,
	    "rsa-sha256 0 neutral not verified: its domain does not matter for this message" },
};

static void show(struct buf *out, const struct signature *s)
{
	buf_printf(out, "%.*s %u", SLICE_ARG(s->algorithm), s->bits);
	if (s->key_testing)
		buf_add_text(out, " testing");
	if (s->has_length)
		buf_printf(out, " l=%lu", (unsigned long)s->length);
	if (s->has_expiry)
		buf_add_text(out, " x");
	buf_printf(out, "%s%s %s", s->expired ? " expired" : "", s->in_future ? " future" : "",
	    signature_result_name(s->result));
	if (s->reason.data != NULL) {
		buf_add_char(out, ' ');
		buf_add_slice(out, s->reason);
	}
}

static void expect_signature(const char *label, const struct signature *s, const char *result)
{
	struct buf shown;

	buf_init(&shown, 10000);
	show(&shown, s);
	expect_slice(label, "the signature", buf_slice(&shown), result);
	buf_free(&shown);
}

START_TEST(judges)
{
	char *field = sign(&rows[_i].how, HEADER, BODY);
	struct check c;

	begin(&c);
	each_field(field, add_field, c.message);
	each_field(HEADER, add_field, c.message);
	verify(&c, rows[_i].body != NULL ? rows[_i].body : BODY, 7, NOW);
	ck_assert_uint_eq(c.count, 1);
	expect_signature(rows[_i].label, &c.signatures[0], rows[_i].wanted);
	expect_slice(rows[_i].label, "the domain", c.signatures[0].domain, rows[_i].how.domain);
	ck_assert(c.signatures[0].signs_from);
	ck_assert_int_le(c.rounds, 1);
	end(&c);
	free(field);
}
END_TEST

/* ---- fields that are no good -------------------------------------------------------------- */

#define TAGS "v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=YQ=="

static const struct {
	const char *label;
	const char *field;
	const char *wanted;
} broken[] = {
	{ "well formed", TAGS,
	    "fail a signed header field was changed, or the published key is another" },
	{ "nothing", "", "neutral the field is no list of tags, or a tag stands there twice" },
	{ "no tags", "hello", "neutral the field is no list of tags, or a tag stands there twice" },
	{ "a tag twice", TAGS "; d=example.com",
	    "neutral the field is no list of tags, or a tag stands there twice" },
	{ "an empty piece", "v=1;; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=YQ==",
	    "neutral the field is no list of tags, or a tag stands there twice" },
	{ "8-bit", TAGS "; x=\xc3\xbc",
	    "neutral the field is no list of tags, or a tag stands there twice" },
	{ "no d=", "v=1; a=rsa-sha256; s=s; h=from; bh=YQ==; b=YQ==",
	    "neutral d= is missing or empty" },
	{ "no bh=", "v=1; a=rsa-sha256; d=example.com; s=s; h=from; b=YQ==",
	    "neutral bh= is missing or empty" },
	{ "an empty b=", "v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=",
	    "neutral b= is missing or empty" },
	{ "an odd d=", "v=1; a=rsa-sha256; d=<example.com>; s=s; h=from; bh=YQ==; b=YQ==",
	    "neutral d= is no domain name" },
	{ "an odd s=", "v=1; a=rsa-sha256; d=example.com; s=a..b; h=from; bh=YQ==; b=YQ==",
	    "neutral s= is no name" },
	{ "From not signed", "v=1; a=rsa-sha256; d=example.com; s=s; h=to; bh=YQ==; b=YQ==",
	    "neutral h= does not name From" },
	{ "another version", "v=2; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=YQ==",
	    "neutral v= is not 1" },
	{ "another algorithm", "v=1; a=dsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=YQ==",
	    "neutral a= is no algorithm that is known" },
	{ "another canonicalization", TAGS "; c=nofws",
	    "neutral c= is no canonicalization that is known" },
	{ "i= of another domain", TAGS "; i=@example.net",
	    "neutral i= is not of the domain d=, or one below it" },
	{ "i= with d= behind it", TAGS "; i=@xexample.com",
	    "neutral i= is not of the domain d=, or one below it" },
	{ "i= without @", TAGS "; i=example.com",
	    "neutral i= is not of the domain d=, or one below it" },
	{ "i= of a name below", TAGS "; i=\"a@b\"@Mail.Example.com",
	    "fail a signed header field was changed, or the published key is another" },
	{ "i= of a name below, which the key forbids",
	    "v=1; a=rsa-sha256; d=example.com; s=strict; h=from; bh=YQ==; b=YQ==; i=@m.example.com",
	    "permerror the key at strict._domainkey.example.com is for no name below example.com" },
	{ "keys asked for in an unknown way", TAGS "; q=http",
	    "neutral q= names no way to ask for the key that there is" },
	{ "keys asked for in several ways", TAGS "; q=http : dns/txt",
	    "fail a signed header field was changed, or the published key is another" },
	{ "a blank before the = of b=",
	    "v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b =YQ==",
	    "temperror the verifier takes the wrong part of the field for the signature" },
	{ "another tag that ends in b", TAGS "; xb=1",
	    "temperror the verifier takes the wrong part of the field for the signature" },
	{ "a body that is to be left as nothing", TAGS "; c=simple/",
	    "neutral c= is no canonicalization that is known" },
	{ "itself in h=",
	    "v=1; a=rsa-sha256; d=example.com; s=s; h=from:dkim-signature; bh=YQ==; b=YQ==",
	    "temperror h= names more signatures than stand below it, and so itself" },
	{ "made in 1970", TAGS "; t=1",
	    "temperror its time stamp lies before 1980, where the verifier cannot count" },
	{ "x= before t=", TAGS "; t=1790000000; x=1789999999", "neutral x= is not after t=" },
	{ "t= is no number", TAGS "; t=now", "neutral t=, x= or l= is no number" },
	{ "l= too large a number", TAGS "; l=18446744073709551616",
	    "neutral t=, x= or l= is no number" },
	{ "a broken b=", "v=1; a=rsa-sha256; d=example.com; s=s; h=from; bh=YQ==; b=?",
	    "fail a signed header field was changed, or the published key is another" },
	{ "expired long ago", TAGS "; x=1000000000", "policy its time is years away" },
};

START_TEST(tells_broken_fields)
{
	struct check c;
	struct buf shown;

	begin(&c);
	message_add_field(c.message, SLICE("DKIM-Signature"), slice_of(broken[_i].field));
	each_field(HEADER, add_field, c.message);
	verify(&c, BODY, 100, NOW);
	buf_init(&shown, 10000);
	buf_printf(&shown, "%s %.*s", signature_result_name(c.signatures[0].result),
	    SLICE_ARG(c.signatures[0].reason));
	expect_slice(broken[_i].label, "the signature", buf_slice(&shown), broken[_i].wanted);
	buf_free(&shown);
	end(&c);
}
END_TEST

/* The flag of one key has nothing to do with i= of another signature. */
START_TEST(a_name_below_is_the_signature_s_own)
{
	const struct signing how = SIGNED("strict", RSA2048, RSA);
	char *field = sign(&how, HEADER, BODY);
	struct check c;

	begin(&c);
	message_add_field(c.message, SLICE("DKIM-Signature"), SLICE(TAGS "; i=@mail.example.com"));
	each_field(field, add_field, c.message);
	each_field(HEADER, add_field, c.message);
	verify(&c, BODY, 100, NOW);
	ck_assert_int_eq(c.signatures[0].result, SIGNATURE_FAIL);
	ck_assert_int_eq(c.signatures[1].result, SIGNATURE_PASS);
	end(&c);
	free(field);
}
END_TEST

/* ---- several, and too much ------------------------------------------------------------------ */

static const struct signing ours = SIGNED("s", RSA2048, RSA), ours_ed = { .made = MADE_ED };
static const struct signing theirs = { "esp.net", "s", RSA2048_PRIVATE, RSA, DKIM_CANON_RELAXED, -1,
	0, 0, NULL };

START_TEST(several_are_each_judged)
{
	char *a = sign(&ours, HEADER, "another body\r\n"), *b = sign(&theirs, HEADER, BODY),
	     *d = sign(&ours_ed, HEADER, BODY);
	struct check c;

	begin(&c);
	each_field(a, add_field, c.message);
	message_add_field(c.message, SLICE("DKIM-Signature"), SLICE("junk"));
	each_field(b, add_field, c.message);
	each_field(d, add_field, c.message);
	each_field(HEADER, add_field, c.message);
	verify(&c, BODY, 1, NOW);
	ck_assert_uint_eq(c.count, 4);
	ck_assert_uint_eq(verifier_signature_total(c.verifier), 4);
	ck_assert_int_eq(c.signatures[0].fault, SIGNATURE_BODY);
	ck_assert_int_eq(c.signatures[1].fault, SIGNATURE_MALFORMED);
	ck_assert_int_eq(c.signatures[2].fault, SIGNATURE_FOREIGN);
	ck_assert_int_eq(c.signatures[3].result, SIGNATURE_PASS);
	/* one key for each of ours, asked together */
	ck_assert_uint_eq(dns_view_asked(c.view), 2);
	ck_assert_int_le(c.rounds, 1);
	end(&c);
	free(a);
	free(b);
	free(d);
}
END_TEST

/* A signature over another one needs it, though it does not matter itself. */
START_TEST(covers_foreign_signatures)
{
	char *inner = sign(&theirs, HEADER, BODY), *outer, *header;
	size_t size = strlen(inner) + sizeof HEADER;
	struct check c;

	header = must_alloc(size);
	snprintf(header, size, "%s%s", inner, HEADER);
	outer = sign(&ours, header, BODY);
	ck_assert_ptr_nonnull(strstr(outer, "DKIM-Signature:"));
	begin(&c);
	each_field(outer, add_field, c.message);
	each_field(header, add_field, c.message);
	verify(&c, BODY, 100, NOW);
	ck_assert_msg(c.signatures[0].result == SIGNATURE_PASS, "%s: %.*s", outer,
	    SLICE_ARG(c.signatures[0].reason));
	ck_assert_int_eq(c.signatures[1].fault, SIGNATURE_FOREIGN);
	end(&c);
	free(inner);
	free(outer);
	free(header);
}
END_TEST

START_TEST(verifies_only_so_many)
{
	char *field = sign(&ours, HEADER, BODY);
	struct check c;

	begin(&c);
	for (int i = 0; i < SIGNATURES_KEPT + 5; i++)
		each_field(field, add_field, c.message);
	each_field(HEADER, add_field, c.message);
	verify(&c, BODY, 100, NOW);
	ck_assert_uint_eq(c.count, SIGNATURES_KEPT);
	ck_assert_uint_eq(verifier_signature_total(c.verifier), SIGNATURES_KEPT + 5);
	for (size_t i = 0; i < c.count; i++)
		ck_assert_int_eq(c.signatures[i].fault,
		    i < SIGNATURES_MAX ? SIGNATURE_GOOD : SIGNATURE_TOO_MANY);
	ck_assert_uint_eq(dns_view_asked(c.view), 1);
	end(&c);
	free(field);
}
END_TEST

/*
 * h= with the name of every field, its own too, and one more: the library would
 * write behind an array, if it were given the signature and no guard field.
 */
START_TEST(keeps_an_h_of_all_fields_away)
{
	struct check c;

	for (int more = 0; more < 5; more++) {
		begin(&c);
		message_add_field(c.message, SLICE("DKIM-Signature"),
		    arena_printf(c.arena,
			"v=1; a=rsa-sha256; d=example.com; s=s; bh=YQ==; b=YQ==; "
			"h=dkim-signature:from:to:subject:date%s",
			&":x:y:z:x"[8 - 2 * more]));
		each_field(HEADER, add_field, c.message);
		verify(&c, BODY, 100, NOW);
		ck_assert_int_eq(c.signatures[0].fault, SIGNATURE_UNVERIFIABLE);
		ck_assert(!verifier_wants_body(c.verifier));
		end(&c);
	}
}
END_TEST

static void expect_unverifiable(struct check *c, const char *label)
{
	verify(c, BODY, 100, NOW);
	ck_assert_msg(c->signatures[0].fault == SIGNATURE_UNVERIFIABLE, "%s: %.*s", label,
	    SLICE_ARG(c->signatures[0].reason));
	ck_assert_int_eq(c->signatures[0].result, SIGNATURE_TEMPERROR);
	ck_assert(!verifier_wants_body(c->verifier));
	end(c);
}

START_TEST(what_is_not_all_there_is_not_judged)
{
	struct buf big;
	struct check c;

	buf_init(&big, 100000);
	for (int i = 0; i < MESSAGE_CUT_AT; i++)
		buf_add_char(&big, 'x');

	begin(&c);
	message_add_field(c.message, SLICE("DKIM-Signature"), SLICE(TAGS));
	message_add_field(c.message, SLICE("From"), buf_slice(&big));
	expect_unverifiable(&c, "a cut From");

	begin(&c);
	message_add_field(c.message, SLICE("DKIM-Signature"), SLICE(TAGS));
	message_add_field(c.message, SLICE("From"), (struct slice){ "a\0b@example.com", 15 });
	expect_unverifiable(&c, "a NUL in From");

	begin(&c);
	buf_reset(&big);
	buf_add_text(&big, "v=1; a=rsa-sha256; d=example.com; s=s; bh=YQ==; b=YQ==; h=from");
	while (big.len < VERIFIER_NAMES_MAX + 100)
		buf_add_text(&big, ":x-y");
	message_add_field(c.message, SLICE("DKIM-Signature"), buf_slice(&big));
	message_add_field(c.message, SLICE("From"), SLICE(" a@example.com"));
	expect_unverifiable(&c, "a long h=");

	begin(&c);
	for (int i = 0; i <= SIGNATURES_MAX; i++)
		message_add_field(c.message, SLICE("DKIM-Signature"), SLICE("junk"));
	message_add_field(c.message, SLICE("From"), SLICE(" a@example.com"));
	message_add_field(c.message, SLICE("DKIM-Signature"),
	    SLICE("v=1; a=rsa-sha256; d=example.com; s=s; bh=YQ==; b=YQ==; h=from:Dkim-signature"));
	verify(&c, BODY, 100, NOW);
	ck_assert_int_eq(c.signatures[SIGNATURES_MAX + 1].fault, SIGNATURE_UNVERIFIABLE);
	end(&c);
	buf_free(&big);
}
END_TEST

/* A header with that many fields, and that many signatures that name 300 of them. */
static void begin_big(struct check *c, size_t fields, size_t signatures)
{
	struct buf names;

	begin(c);
	buf_init(&names, 10000);
	for (int i = 0; i < 300; i++)
		buf_printf(&names, ":f%d", i);
	for (size_t i = 0; i < signatures; i++)
		message_add_field(c->message, SLICE("DKIM-Signature"),
		    arena_printf(c->arena,
			"v=1; a=rsa-sha256; d=example.com; s=s; bh=YQ==; b=YQ==; "
			"h=from%s",
			buf_text(&names)));
	message_add_field(c->message, SLICE("From"), SLICE(" a@example.com"));
	while (c->message->field_count + c->message->fields_dropped < fields)
		message_add_field(c->message, SLICE("f1"), SLICE(" x"));
	buf_free(&names);
}

START_TEST(work_has_a_ceiling)
{
	const size_t fields = 2000, bearable = VERIFIER_WORK_MAX / (301 * fields);
	struct check c;

	begin_big(&c, fields, bearable + 2);
	verify(&c, BODY, 100, NOW);
	for (size_t i = 0; i < c.count; i++)
		ck_assert_int_eq(c.signatures[i].fault,
		    i < bearable ? SIGNATURE_MISMATCH : SIGNATURE_UNVERIFIABLE);
	end(&c);
	begin_big(&c, MESSAGE_FIELDS_MAX + 1, 1);
	expect_unverifiable(&c, "dropped fields");
}
END_TEST

/* The From field cannot be read by the library's own parser: that is not its business. */
START_TEST(judges_under_any_from)
{
	static const char *const from[] = { "", " ann", " <>", " a@b@c", " \"", " (", " @x, <y",
		"\r\n " };

	for (size_t i = 0; i < sizeof from / sizeof from[0]; i++) {
		struct check c;
		char header[200];

		snprintf(header, sizeof header, "From:%s\r\nTo: x\r\n", from[i]);
		begin(&c);
		each_field(header, add_field, c.message);
		message_add_field(c.message, SLICE("DKIM-Signature"), SLICE(TAGS));
		verify(&c, BODY, 100, NOW);
		ck_assert_msg(c.signatures[0].fault == SIGNATURE_MISMATCH, "%s: %.*s", from[i],
		    SLICE_ARG(c.signatures[0].reason));
		end(&c);
	}
}
END_TEST

START_TEST(without_signatures_nothing_is_done)
{
	struct check c;

	begin(&c);
	each_field(HEADER, add_field, c.message);
	verify(&c, BODY, 100, NOW);
	ck_assert_uint_eq(c.count, 0);
	ck_assert(!verifier_wants_body(c.verifier));
	ck_assert_uint_eq(dns_view_asked(c.view), 0);
	end(&c);
	verifier_free(NULL);
	verifier_library_free(NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("dkim");
	TCase *tcase = tcase_create("dkim");

	tcase_add_unchecked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, judges, 0, ROWS(rows));
	tcase_add_loop_test(tcase, tells_broken_fields, 0, ROWS(broken));
	tcase_add_test(tcase, a_name_below_is_the_signature_s_own);
	tcase_add_test(tcase, several_are_each_judged);
	tcase_add_test(tcase, covers_foreign_signatures);
	tcase_add_test(tcase, verifies_only_so_many);
	tcase_add_test(tcase, keeps_an_h_of_all_fields_away);
	tcase_add_test(tcase, what_is_not_all_there_is_not_judged);
	tcase_add_test(tcase, work_has_a_ceiling);
	tcase_add_test(tcase, judges_under_any_from);
	tcase_add_test(tcase, without_signatures_nothing_is_done);
	suite_add_tcase(suite, tcase);
	return suite;
}
