/*
 * test_expected.c - the signatures that a signer behind us will add: from its
 * tables, keys and a records file to facts, findings, DMARC and the record.  Each row
 * is run twice, with answers that are there at once and with answers to wait for.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/record_auth.h"
#include "auth/authentication.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "check/check.h"
#include "dkim_keys.h"
#include "dns/answer.h"
#include "dns/records.h"
#include "unit.h"

enum { TEXT_MAX = 100000, SECOND = 1000 * 1000 };

/* ---- the signer's files --------------------------------------------------------------- */

static char folder[64];
static struct verifier_library *library;
static const char *const names[] = { "conf", "keys", "signing", "rsa", "r1024", "r768", "ed",
	"garbage" };

static void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	for (; *text != '\0'; text++) {
		if (*text == '$')
			fputs(folder, f);
		else
			fputc(*text, f);
	}
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/presend-expected-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_file("rsa", RSA2048_PRIVATE);
	write_file("r1024", RSA1024_PRIVATE);
	write_file("r768", RSA768_PRIVATE);
	write_file("ed", SIGNER_ED25519_PRIVATE);
	write_file("garbage", "no key\n");
	library = verifier_library_new();
	ck_assert_ptr_nonnull(library);
}

static void tear_down(void)
{
	char path[200];

	for (int i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	verifier_library_free(library);
}

#define KEYS                                                                                       \
	"rsa example.com:rsa:$/rsa\nother example.com:other:$/rsa\nnone "                          \
	"example.com:none:$/rsa\ntwo example.com:two:$/rsa\nrevoked "                              \
	"example.com:revoked:$/rsa\nslow example.com:slow:$/rsa\ncut "                             \
	"example.com:cut:$/rsa\nshort example.com:short:$/r768\nr1024 "                            \
	"example.com:r1024:$/r1024\ntest example.com:test:$/rsa\ntype "                            \
	"example.com:type:$/rsa\ngarbage example.com:rsa:$/garbage\ngone "                         \
	"example.com:rsa:$/gone\nup EXAMPLE.com:RSA:$/rsa\norg "                                   \
	"example.org:rsa:$/rsa\norgnone example.org:none:$/rsa\nodd a..b:rsa:$/rsa\nslowgarbage "  \
	"example.com:slow:$/garbage\nhash example.com:hash:$/rsa\nplain "                          \
	"plain.example:rsa:$/rsa\ntop y.top:none:$/rsa\n"

#define RSA "\"v=DKIM1; p=" RSA2048_PUBLIC "\"\n"
#define RECORDS                                                                                    \
	"example.com TXT \"v=spf1 -all\"\n_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n"         \
	"_dmarc.strict.example.com TXT \"v=DMARC1; p=reject; adkim=s\"\n"                          \
	";; TIMEOUT _dmarc.open.example.com\n;; TIMEOUT _dmarc.top\n"                              \
	"rsa._domainkey.plain.example TXT " RSA                                                    \
	"hash._domainkey.example.com TXT \"v=DKIM1; h=sha1; p=" RSA2048_PUBLIC "\"\n"              \
                                                                                                   \
	"rsa._domainkey.example.com TXT " RSA "rsa._domainkey.example.org TXT " RSA                \
	"other._domainkey.example.com TXT \"v=DKIM1; p=" RSA1024_PUBLIC "\"\n"                     \
	"two._domainkey.example.com TXT " RSA "two._domainkey.example.com TXT \"x\"\n"             \
	"revoked._domainkey.example.com TXT \"v=DKIM1; p=\"\n"                                     \
	";; TIMEOUT slow._domainkey.example.com\ncut._domainkey.example.com TXT " RSA              \
	"short._domainkey.example.com TXT \"p=" RSA768_PUBLIC "\"\n"                               \
	"r1024._domainkey.example.com TXT \"p=" RSA1024_PUBLIC "\"\n"                              \
	"test._domainkey.example.com TXT \"t=y; n=notes; p=" RSA2048_PUBLIC "\"\n"                 \
	"type._domainkey.example.com TXT \"k=ed25519; p=" SIGNER_ED25519_PUBLIC "\"\n"             \
	"ed._domainkey.example.com TXT \"k=ed25519; p=" SIGNER_ED25519_PUBLIC "\"\n"

#define BEFORE "" /* no configuration of a signer behind us, but signer = before */

static struct signer *load(const char *label, const char *conf, const char *signing)
{
	static char text[2000];
	struct signer *signer;
	struct buf errors;
	char path[200];

	snprintf(text, sizeof text, "RequireSafeKeys no\nKeyTable $/keys\n%s%s", "SigningTable ",
	    "refile:$/signing\n");
	write_file("conf", conf != NULL && strcmp(conf, BEFORE) != 0 ? conf : text);
	write_file("keys", KEYS);
	write_file("signing", signing);
	buf_init(&errors, 1000);
	snprintf(path, sizeof path, "%s/conf", folder);
	signer = signer_load(path, &errors);
	ck_assert_msg(signer != NULL, "%s: %s", label, buf_text(&errors));
	buf_free(&errors);
	return signer;
}

/* ---- the DNS ---------------------------------------------------------------------------- */

/* Answers from records; those at "cut.*" as if some were left out. */
struct front {
	struct resolver resolver;
	struct resolver *records;
	unsigned keys; /* questions for keys that were asked, and not known */
};

static struct dns_answer *front_known(struct resolver *r, const struct dns_question *question)
{
	struct dns_answer *answer = resolver_known(((struct front *)r)->records, question);
	struct dns_answer *cut, facts = { .status = DNS_FOUND, .truncated = true };

	if (!slice_starts_nocase(question->name, SLICE("cut.")) || answer->count == 0)
		return answer;
	cut = dns_answer_make(&facts, answer->records, answer->count);
	dns_answer_unref(answer);
	return cut;
}

static void front_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	(void)deadline_us;
	if (strstr(question->name.data, "._domainkey.") != NULL)
		((struct front *)r)->keys++;
	done(context, front_known(r, question));
}

static const struct resolver_class at_once = { .ask = front_ask, .known = front_known };
static const struct resolver_class after_a_wait = { .ask = front_ask };

/* ---- a message -------------------------------------------------------------------------- */

struct scene {
	const char *label, *conf, *signing, *from, *signature;
	const char *signer; /* as the record has it, bits and reasons left out */
	const char *dmarc;  /* the results, by the old and by the new standard */
	const char *findings;
};

struct run {
	struct front front;
	struct signer *signer;
	struct auth_services services;
	struct patience patience;
	struct arena *arena;
	struct message *message;
	struct authenticator *a;
	unsigned keys_of_header; /* that the end of the header asked for */
};

static void begin(struct run *r, const struct scene *scene, const struct resolver_class *class)
{
	const struct auth_limits limits = { .patience = &r->patience, .now = 1790000000 };
	static const struct network egress = {
		.ip = { .family = AF_INET, .octets = { 192, 0, 2, 1 } }, .prefix = 32
	};
	struct auth_route route = { .egress = &egress,
		.egress_count = 1,
		.helo = SLICE("mx.example.com"),
		.place = AUTH_SIGNER_TABLES };
	struct buf errors;

	buf_init(&errors, 1000);
	r->patience = (struct patience){ .left_us = LIMIT_SECONDS * SECOND };
	r->front = (struct front){ .resolver = { class },
		.records = records_resolver_parse("t", SLICE(RECORDS), NULL, &errors) };
	ck_assert_msg(r->front.records != NULL, "%s", buf_text(&errors));
	buf_free(&errors);
	r->signer = load(scene->label, scene->conf, scene->signing);
	r->services = (struct auth_services){ .resolver = &r->front.resolver, .verifier = library };
	r->arena = arena_new();
	r->message = message_new(r->arena);
	message_set_mail(r->message, SLICE("<bounce@example.com>"));
	r->a = authenticator_new(&r->services, &limits, r->message);
	if (scene->signature != NULL)
		message_add_field(r->message, SLICE("DKIM-Signature"), slice_of(scene->signature));
	if (scene->from != NULL)
		message_add_field(r->message, SLICE("From"), slice_of(scene->from));
	message_end_header(r->message);
	if (scene->conf != NULL && strcmp(scene->conf, BEFORE) == 0)
		route.place = AUTH_SIGNER_BEFORE;
	else
		route.signer = r->signer;
	authenticator_header(r->a, &route);
	r->keys_of_header = r->front.keys;
	authenticator_finish(r->a);
}

static void end(struct run *r)
{
	authenticator_free(r->a);
	signer_free(r->signer);
	arena_free(r->arena);
	resolver_free(r->front.records);
}

/* ---- what is told ----------------------------------------------------------------------- */

static void show_signer(struct buf *out, const struct authentication *a)
{
	buf_add_text(out, signer_answer_name(a->expected.answer));
	for (size_t i = 0; i < a->expected.count; i++) {
		const struct expected_signature *e = &a->expected.list[i];
		const struct alignment_fact *f = &a->expected_alignment[i];

		buf_printf(out, " %.*s/%.*s %s%s", SLICE_ARG(e->signature.domain),
		    SLICE_ARG(e->signature.selector), expected_status_name(expected_status_of(e)),
		    f->aligned[DMARC_RFC7489] && f->aligned[DMARC_RFC9989]   ? " aligned"
		    : f->aligned[DMARC_RFC7489] || f->aligned[DMARC_RFC9989] ? " aligned by one"
		    : f->unknown                                             ? " alignment?"
									     : "");
	}
}

static void show_dmarc(struct buf *out, const struct authentication *a)
{
	if (!a->dmarc_evaluated)
		return;
	buf_printf(out, "%s %s", auth_dmarc_result_name(a->dmarc[DMARC_RFC7489].result),
	    auth_dmarc_result_name(a->dmarc[DMARC_RFC9989].result));
}

/* "check result [log]: reason => fix", a line each. */
static void show_findings(struct buf *out, const struct message *m)
{
	struct check_selection selection = { { false } };
	struct findings findings = { NULL, 0, 0, 0 };

	for (size_t i = 0; i < check_count; i++)
		selection.off[i] = !slice_match(SLICE("dkim.*"), slice_of(checks[i].name));
	checks_run(STAGE_EOM, m, NULL, &selection, false, &findings);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *f = &findings.list[i];

		/* what is to come has no field to point at */
		ck_assert(!slice_match(SLICE("* to come *"), f->reason) || f->field == NULL);
		ck_assert(!slice_match(SLICE("the signature of *"), f->reason) || f->field != NULL);
		buf_printf(out, "%s %s%s: ", f->check->name, finding_result_name(f->result),
		    f->at_most == ACTION_LOG ? " log" : "");
		utf8_escape(out, f->reason);
		if (f->fix.data != NULL) {
			buf_add_text(out, " => ");
			utf8_escape(out, f->fix);
		}
		buf_add_char(out, '\n');
	}
}

typedef void show_part(struct buf *out, const struct run *r);

static void part_signer(struct buf *out, const struct run *r)
{
	show_signer(out, r->message->authentication);
}

static void part_dmarc(struct buf *out, const struct run *r)
{
	show_dmarc(out, r->message->authentication);
}

static void part_findings(struct buf *out, const struct run *r)
{
	show_findings(out, r->message);
}

/* "$" stands for the folder. */
static void expect(const struct scene *scene, const struct run *r, const char *what,
    show_part *show, const char *wanted)
{
	struct buf out, shown;
	const char *at, *found;

	buf_init(&out, TEXT_MAX);
	buf_init(&shown, TEXT_MAX);
	show(&out, r);
	for (at = buf_text(&out); (found = strstr(at, folder)) != NULL;
	     at = found + strlen(folder)) {
		buf_add(&shown, at, (size_t)(found - at));
		buf_add_char(&shown, '$');
	}
	buf_add_text(&shown, at);
	expect_slice(scene->label, what, buf_slice(&shown), wanted);
	buf_free(&out);
	buf_free(&shown);
}

static void try(const struct scene *scene, const struct resolver_class *class)
{
	struct run r;

	begin(&r, scene, class);
	expect(scene, &r, "signer", part_signer, scene->signer);
	expect(scene, &r, "DMARC", part_dmarc, scene->dmarc);
	expect(scene, &r, "findings", part_findings, scene->findings);
	end(&r);
}

/* ---- the table -------------------------------------------------------------------------- */

#define ANN          " Ann <ann@example.com>"
#define SIGNED(text) "dkim.signed " text "\n"
#define KEY(text)    "dkim.key " text "\n"
#define NO_SIGNATURE "no signature of example.com verifies: "
#define TO_COME(s)   "the signature to come of d=example.com, s=" s
#define PUBLISH(s)                                                                                 \
	" => publish the public key of this selector at " s                                        \
	"._domainkey.example.com: TXT \"v=DKIM1; k=rsa; p=...\""

#define THERE(s) "the signature of d=example.com, s=" s
#define NO_KEY   "no key is published at none._domainkey.example.com" PUBLISH("none")
#define SLOW                                                                                       \
	"the key at slow._domainkey.example.com could not be looked up: the records file says "    \
	"TIMEOUT"
#define NO_KEY_TOP                                                                                 \
	"the signature to come of d=y.top, s=none: no key is published at none._domainkey.y.top "  \
	"=> publish the public key of this selector at none._domainkey.y.top: TXT \"v=DKIM1; "     \
	"k=rsa; p=...\""
#define MALFORMED "b= is missing or empty => remove the signature, or mend the signer"
#define NOT_SIGNED                                                                                 \
	"the signer will not sign it: the SigningTable has no entry for ann@example.com => let "   \
	"the signer sign mail of example.com with d=example.com"

/* both rows, with the same reason and fix */
#define BOTH(result, s, what)                                                                      \
	SIGNED(result ": " NO_SIGNATURE TO_COME(s) ": " what)                                      \
	KEY(result ": " TO_COME(s) ": " what)

#define ONE_KEY(algorithm, key, selector)                                                          \
	"RequireSafeKeys no\nKeyFile $/" key "\nSelector " selector                                \
	"\nDomain example.com\nSignatureAlgorithm " algorithm "\n"
#define MULTIPLE                                                                                   \
	"RequireSafeKeys no\nMultipleSignatures yes\nKeyTable $/keys\nSigningTable "               \
	"refile:$/signing\n"

/* in the message: aligned, of which nothing can be said; of another domain */
#define OPEN_SIGNATURE    " v=1; a=rsa-sha256; d=example.com; s=slow; h=from; bh=AAAA; b=AAAA"
#define BROKEN_SIGNATURE  " v=1; a=rsa-sha256; d=example.com; s=none; h=from; bh=AAAA; b=AAAA"
#define FOREIGN_SIGNATURE " v=1; a=rsa-sha256; d=example.org; s=slow; h=from; bh=AAAA; b=AAAA"

static const struct scene scenes[] = {
	{ "good", NULL, "*@example.com rsa\n", ANN, NULL, "signs example.com/rsa pass aligned",
	    "pass pass", "" },
	{ "letters of both cases", NULL, "*@example.com up\n", ANN, NULL,
	    "signs example.com/RSA pass aligned", "pass pass", "" },
	{ "ed25519", ONE_KEY("ed25519-sha256", "ed", "ed"), "", ANN, NULL,
	    "signs example.com/ed pass aligned", "pass pass", "" },

	/* the key that is published */
	{ "none", NULL, "*@example.com none\n", ANN, NULL, "signs example.com/none no-key aligned",
	    "fail fail",
	    BOTH("fail", "none",
		"no key is published at none._domainkey.example.com" PUBLISH("none")) },
	{ "none for ed25519", ONE_KEY("ed25519-sha256", "ed", "none"), "", ANN, NULL,
	    "signs example.com/none no-key aligned", "fail fail",
	    BOTH("fail", "none",
		"no key is published at none._domainkey.example.com => publish the public key of "
		"this selector at none._domainkey.example.com: TXT \"v=DKIM1; k=ed25519; "
		"p=...\"") },
	{ "two records", NULL, "*@example.com two\n", ANN, NULL,
	    "signs example.com/two bad-key aligned", "fail fail",
	    BOTH("fail", "two",
		"two._domainkey.example.com has 2 TXT records: receivers cannot tell the key => "
		"publish one valid key record at two._domainkey.example.com") },
	{ "revoked", NULL, "*@example.com revoked\n", ANN, NULL,
	    "signs example.com/revoked bad-key aligned", "fail fail",
	    BOTH("fail", "revoked",
		"the key at revoked._domainkey.example.com is revoked: p= is empty => sign with "
		"the selector of a key that is in use") },
	{ "another key", NULL, "*@example.com other\n", ANN, NULL,
	    "signs example.com/other bad-key aligned", "fail fail",
	    BOTH("fail", "other",
		"the published key belongs to another private key => publish at "
		"other._domainkey.example.com the key that the signer uses")
		KEY("fail log: " TO_COME("other") " has a key of 1024 bits => make a key of 2048 "
						  "bits, publish it under a new selector") },
	{ "of another type", NULL, "*@example.com type\n", ANN, NULL,
	    "signs example.com/type bad-key aligned", "fail fail",
	    BOTH("fail", "type",
		"the key at type._domainkey.example.com is of another type than the signature => "
		"publish one valid key record at type._domainkey.example.com") },
	{ "not told", NULL, "*@example.com slow\n", ANN, NULL,
	    "signs example.com/slow unknown aligned", "temperror temperror",
	    BOTH("unknown", "slow",
		"the key at slow._domainkey.example.com could not be looked up: the records file "
		"says TIMEOUT") },
	{ "not whole", NULL, "*@example.com cut\n", ANN, NULL,
	    "signs example.com/cut unknown aligned", "temperror temperror",
	    BOTH("unknown", "cut",
		"the key at cut._domainkey.example.com stands beside a record that cannot be "
		"read") },

	{ "for another hash", NULL, "*@example.com hash\n", ANN, NULL,
	    "signs example.com/hash bad-key aligned", "fail fail",
	    BOTH("fail", "hash",
		"the key cannot be used for it: signature-key hash mismatch => publish one valid "
		"key record at hash._domainkey.example.com") },

	/* what receivers do not take, and what they shrug at */
	{ "short", NULL, "*@example.com short\n", ANN, NULL,
	    "signs example.com/short bad-key aligned", "fail fail",
	    BOTH("fail", "short",
		"the key has under 1024 bits => make a key of 2048 bits, publish it under a new "
		"selector") },
	{ "SHA-1", ONE_KEY("rsa-sha1", "rsa", "rsa"), "", ANN, NULL,
	    "signs example.com/rsa bad-key aligned", "fail fail",
	    BOTH("fail", "rsa", "it is made with SHA-1 => sign with rsa-sha256") },
	{ "1024 bits", NULL, "*@example.com r1024\n", ANN, NULL,
	    "signs example.com/r1024 pass aligned", "pass pass",
	    KEY("fail log: " TO_COME("r1024") " has a key of 1024 bits => make a key of 2048 bits, "
					      "publish it under a new selector") },
	{ "a test, and notes", NULL, "*@example.com test\n", ANN, NULL,
	    "signs example.com/test pass aligned", "pass pass",
	    KEY("fail log: " TO_COME("test") " has a key that is marked as a test (t=y) => remove "
					     "t=y from the key record") },

	/* the private key */
	{ "that is none", NULL, "*@example.com garbage\n", ANN, NULL, "defers",
	    "temperror temperror",
	    SIGNED("unknown: the signer will put it off: the key for d=example.com, s=rsa: the "
		   "private key cannot be used with the algorithm") },
	{ "of an algorithm that it is not for", ONE_KEY("ed25519-sha256", "rsa", "ed"), "", ANN,
	    NULL, "signs example.com/ed bad-key aligned", "fail fail",
	    BOTH("fail", "ed",
		"the published key belongs to another private key => publish at "
		"ed._domainkey.example.com the key that the signer uses") },
	{ "that is missing", NULL, "*@example.com gone\n", ANN, NULL, "defers",
	    "temperror temperror",
	    SIGNED("unknown: the signer will put it off: the private key $/gone: No such file or "
		   "directory") },
	{ "that is none, as far as known", NULL, "*@example.com slowgarbage\n", ANN, NULL,
	    "signs example.com/slow unknown aligned", "temperror temperror",
	    BOTH("unknown", "slow",
		"the key at slow._domainkey.example.com could not be looked up: the records file "
		"says TIMEOUT") },

	/* d= */
	{ "of another domain", NULL, "*@example.com org\n", ANN, NULL, "signs example.org/rsa pass",
	    "fail fail",
	    SIGNED("fail: no signature is aligned with example.com: the signature to come of "
		   "d=example.org, s=rsa is not => let the signer sign mail of example.com with "
		   "d=example.com") },
	{ "of another domain, without a key", NULL, "*@example.com orgnone\n", ANN, NULL,
	    "signs example.org/none no-key", "fail fail",
	    SIGNED("fail: no signature is aligned with example.com: the signature to come of "
		   "d=example.org, s=none is not => let the signer sign mail of example.com with "
		   "d=example.com") },
	{ "no domain", NULL, "*@example.com odd\n", ANN, NULL, "signs a..b/rsa bad-key",
	    "fail fail",
	    SIGNED("fail: no signature is aligned with example.com: the signature to come of "
		   "d=a..b, s=rsa is not => let the signer sign mail of example.com with "
		   "d=example.com") },
	{ "relaxed", NULL, "*@sub.example.com rsa\n", " ann@sub.example.com", NULL,
	    "signs example.com/rsa pass aligned", "pass pass", "" },
	{ "strict", NULL, "*@strict.example.com rsa\n", " ann@strict.example.com", NULL,
	    "signs example.com/rsa pass", "fail fail",
	    SIGNED("fail: no signature is aligned with strict.example.com: the signature to come "
		   "of d=example.com, s=rsa is not => let the signer sign mail of "
		   "strict.example.com with d=strict.example.com") },
	{ "strict, and no key", NULL, "*@strict.example.com none\n", " ann@strict.example.com",
	    NULL, "signs example.com/none no-key", "fail fail",
	    SIGNED("fail: no signature is aligned with strict.example.com: the signature to come "
		   "of d=example.com, s=none is not => let the signer sign mail of "
		   "strict.example.com with d=strict.example.com")
		KEY("fail: " TO_COME("none") ": no key is published at "
					     "none._domainkey.example.com" PUBLISH("none")) },
	{ "alignment is not known", NULL, "*@open.example.com rsa\n", " ann@open.example.com", NULL,
	    "signs example.com/rsa pass alignment?", "temperror temperror",
	    SIGNED("unknown: it is not known whether " TO_COME(
		"rsa") " is aligned with open.example.com") },
	{ "alignment is not known, no key", NULL, "*@open.example.com none\n",
	    " ann@open.example.com", NULL, "signs example.com/none no-key alignment?",
	    "temperror temperror",
	    SIGNED("fail: no signature of open.example.com verifies: " TO_COME("none") ": " NO_KEY)
		KEY("fail: " TO_COME("none") ": " NO_KEY) },

	{ "alignment and key are not known", NULL, "*@open.example.com slow\n",
	    " ann@open.example.com", NULL, "signs example.com/slow unknown alignment?",
	    "temperror temperror",
	    SIGNED("unknown: it is not known whether " TO_COME("slow") " is aligned with "
								       "open.example.com")
		KEY("unknown: " TO_COME("slow") ": " SLOW) },
	{ "alignment is not known, beside no key", MULTIPLE,
	    "*@open.example.com none\n*@open.example.com rsa\n", " ann@open.example.com", NULL,
	    "signs example.com/none no-key alignment? example.com/rsa pass alignment?",
	    "temperror temperror",
	    SIGNED("unknown: it is not known whether " TO_COME("rsa") " is aligned with "
								      "open.example.com")
		KEY("fail log: " TO_COME("none") ": " NO_KEY) },
	{ "not aligned whatever the mode", NULL, "*@open.example.com org\n",
	    " ann@open.example.com", NULL, "signs example.org/rsa pass", "temperror temperror",
	    SIGNED("fail: no signature is aligned with open.example.com: the signature to come of "
		   "d=example.org, s=rsa is not => let the signer sign mail of open.example.com "
		   "with d=open.example.com") },
	{ "the mode is known, the key is not", NULL, "*@sub.example.com slow\n",
	    " ann@sub.example.com", NULL, "signs example.com/slow unknown aligned",
	    "temperror temperror",
	    SIGNED("unknown: no signature of sub.example.com verifies: " TO_COME("slow") ": " SLOW)
		KEY("unknown: " TO_COME("slow") ": " SLOW) },
	{ "no record is relaxed", NULL, "*@sub.plain.example plain\n", " ann@sub.plain.example",
	    NULL, "signs plain.example/rsa pass aligned by one", "none none", "" },
	{ "perhaps of one organization", NULL, "*@x.top top\n", " ann@x.top", NULL,
	    "signs y.top/none no-key alignment?", "none temperror",
	    SIGNED("fail: no signature of x.top verifies: " NO_KEY_TOP) KEY("fail: " NO_KEY_TOP) },

	/* what the signer does instead */
	{ "does not sign", NULL, "*@example.org org\n", ANN, NULL, "signs-not", "fail fail",
	    SIGNED("fail: " NOT_SIGNED) },
	{ "tables that cannot be read",
	    "RequireSafeKeys no\nKeyTable $/keys\nSigningTable refile:$/missing\n", "", ANN, NULL,
	    "unknown", "temperror temperror",
	    SIGNED("unknown: it is not known whether the signer will sign it: the data set "
		   "refile:$/missing of OpenDKIM: $/missing cannot be read: No such file or "
		   "directory") },
	{ "no author", NULL, "*@example.com rsa\n", " <>", NULL, "signs-not", "", "" },
	{ "no From", NULL, "*@example.com rsa\n", NULL, NULL, "signs-not", "", "" },
	{ "no @", NULL, "*@example.com rsa\n", " <ann>", NULL, "signs-not", "", "" },
	{ "two authors: the first", NULL, "ann@example.com rsa\nbob@example.com none\n",
	    " ann@example.com, bob@example.com", NULL, "signs example.com/rsa pass aligned",
	    "pass pass", "" },

	/* two of them: all of one domain's signings are made with MultipleSignatures */
	{ "two, both good", MULTIPLE, "*@example.com rsa\n*@example.com test\n", ANN, NULL,
	    "signs example.com/rsa pass aligned example.com/test pass aligned", "pass pass",
	    KEY("fail log: " TO_COME("test") " has a key that is marked as a test (t=y) => remove "
					     "t=y from the key record") },
	{ "two, one without a key", MULTIPLE, "*@example.com none\n*@example.com rsa\n", ANN, NULL,
	    "signs example.com/none no-key aligned example.com/rsa pass aligned", "pass pass",
	    KEY("fail log: " TO_COME("none") ": " NO_KEY) },
	{ "two, one not aligned", MULTIPLE, "*@example.com none\n*@example.com org\n", ANN, NULL,
	    "signs example.com/none no-key aligned example.org/rsa pass", "fail fail",
	    BOTH("fail", "none", NO_KEY) },
	{ "two, the other not aligned", MULTIPLE, "*@example.com org\n*@example.com none\n", ANN,
	    NULL, "signs example.org/rsa pass example.com/none no-key aligned", "fail fail",
	    BOTH("fail", "none", NO_KEY) },
	{ "two, one not told", MULTIPLE, "*@example.com none\n*@example.com slow\n", ANN, NULL,
	    "signs example.com/none no-key aligned example.com/slow unknown aligned",
	    "temperror temperror",
	    SIGNED("unknown: " NO_SIGNATURE TO_COME("slow") ": " SLOW) KEY("fail log: " TO_COME(
		"none") ": " NO_KEY) KEY("unknown: " TO_COME("slow") ": " SLOW) },
	{ "two, one that cannot sign", MULTIPLE, "*@example.com rsa\n*@example.com garbage\n", ANN,
	    NULL, "defers", "temperror temperror",
	    SIGNED("unknown: the signer will put it off: the key for d=example.com, s=rsa: the "
		   "private key cannot be used with the algorithm") },
	{ "two, one not told and one that cannot sign", MULTIPLE,
	    "*@example.com slow\n*@example.com garbage\n", ANN, NULL, "defers",
	    "temperror temperror",
	    SIGNED("unknown: the signer will put it off: the key for d=example.com, s=rsa: the "
		   "private key cannot be used with the algorithm") },

	{ "two alike: the first", MULTIPLE, "*@example.com none\n*@example.com revoked\n", ANN,
	    NULL, "signs example.com/none no-key aligned example.com/revoked bad-key aligned",
	    "fail fail",
	    BOTH("fail", "none", NO_KEY)
		KEY("fail: " TO_COME("revoked") ": the key at revoked._domainkey.example.com is "
						"revoked: p= is empty => sign with the selector "
						"of a key that is in use") },
	{ "two, one good and one not told", MULTIPLE, "*@example.com slow\n*@example.com rsa\n",
	    ANN, NULL, "signs example.com/slow unknown aligned example.com/rsa pass aligned",
	    "pass pass", KEY("unknown log: " TO_COME("slow") ": " SLOW) },

	/* beside one that is in the message */
	{ "no signer behind us", BEFORE, "", ANN, NULL, "signs", "fail fail",
	    SIGNED("fail: the message has no DKIM signature => let the signer sign mail of "
		   "example.com with d=example.com, before Presend sees it") },
	{ "no signer behind us, an open one", BEFORE, "", ANN, OPEN_SIGNATURE, "signs",
	    "temperror temperror",
	    SIGNED("unknown: " NO_SIGNATURE THERE("slow") ": " SLOW)
		KEY("unknown: " THERE("slow") ": " SLOW) },
	{ "no signer behind us, a malformed one", BEFORE, "", ANN,
	    " v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=AAAA", "signs", "fail fail",
	    SIGNED("fail: " NO_SIGNATURE THERE("rsa") ": " MALFORMED) "dkim.valid fail: " THERE(
		"rsa") ": " MALFORMED "\n" },
	{ "an open one, and one that is put off", NULL, "*@example.com gone\n", ANN, OPEN_SIGNATURE,
	    "defers", "temperror temperror",
	    SIGNED("unknown: " NO_SIGNATURE THERE("slow") ": " SLOW)
		KEY("unknown: " THERE("slow") ": " SLOW) },

	{ "an open one, and no signer", NULL, "*@example.org org\n", ANN, OPEN_SIGNATURE,
	    "signs-not", "temperror temperror",
	    SIGNED("unknown: " NO_SIGNATURE THERE("slow") ": " SLOW)
		KEY("unknown: " THERE("slow") ": " SLOW) },
	{ "an open one, and a bad key", NULL, "*@example.com none\n", ANN, OPEN_SIGNATURE,
	    "signs example.com/none no-key aligned", "temperror temperror",
	    SIGNED("unknown: " NO_SIGNATURE THERE("slow") ": " SLOW) KEY("unknown: " THERE(
		"slow") ": " SLOW) KEY("fail log: " TO_COME("none") ": " NO_KEY) },
	{ "an open one of another domain, and no signer", NULL, "*@example.org org\n", ANN,
	    FOREIGN_SIGNATURE, "signs-not", "fail fail", SIGNED("fail: " NOT_SIGNED) },
	{ "a broken one, and no signer", NULL, "*@example.org org\n", ANN, BROKEN_SIGNATURE,
	    "signs-not", "fail fail",
	    SIGNED("fail: " NO_SIGNATURE THERE("none") ": " NO_KEY)
		KEY("fail: " THERE("none") ": " NO_KEY) },
	{ "a broken one, and a good one to come", NULL, "*@example.com rsa\n", ANN,
	    BROKEN_SIGNATURE, "signs example.com/rsa pass aligned", "pass pass",
	    KEY("fail log: " THERE("none") ": " NO_KEY) },
	{ "a broken one, and one that is put off", NULL, "*@example.com gone\n", ANN,
	    BROKEN_SIGNATURE, "defers", "temperror temperror",
	    SIGNED("unknown: the signer will put it off: the private key $/gone: No such file or "
		   "directory") KEY("fail log: " THERE("none") ": " NO_KEY) },
};

START_TEST(scene_at_once)
{
	try(&scenes[_i], &at_once);
}
END_TEST

START_TEST(scene_after_a_wait)
{
	try(&scenes[_i], &after_a_wait);
}
END_TEST

/* ---- the record ------------------------------------------------------------------------- */

static void part_record(struct buf *out, const struct run *r)
{
	struct json json;

	json_begin(&json, out, 0);
	json_open_object(&json, NULL);
	record_signer_members(&json, r->message->authentication);
	json_close_object(&json);
}

static const struct {
	const char *label, *conf, *signing, *record;
} records[] = {
	{ "signs", NULL, "*@example.com rsa\n",
	    "{\"answer\":\"signs\",\"reason\":null,\"signatures\":[{\"domain\":\"example.com\","
	    "\"selector\":\"rsa\",\"algorithm\":\"rsa-sha256\",\"bits\":2048,\"result\":\"pass\","
	    "\"aligned_rfc7489\":true,\"aligned_rfc9989\":true,\"reason\":null}]}" },
	{ "no key", NULL, "*@example.com none\n",
	    "{\"answer\":\"signs\",\"reason\":null,\"signatures\":[{\"domain\":\"example.com\","
	    "\"selector\":\"none\",\"algorithm\":\"rsa-sha256\",\"bits\":null,\"result\":"
	    "\"no-key\",\"aligned_rfc7489\":true,\"aligned_rfc9989\":true,\"reason\":\"no key is "
	    "published at none._domainkey.example.com\"}]}" },
	{ "does not", NULL, "*@example.org rsa\n",
	    "{\"answer\":\"signs-not\",\"reason\":\"the SigningTable has no entry for "
	    "ann@example.com\",\"signatures\":[]}" },
	{ "puts it off", NULL, "*@example.com garbage\n",
	    "{\"answer\":\"defers\",\"reason\":\"the key for d=example.com, s=rsa: the private key "
	    "cannot be used with the algorithm\",\"signatures\":[]}" },
	{ "not told", "RequireSafeKeys no\nKeyTable $/keys\nSigningTable file:$\n", "",
	    "{\"answer\":\"unknown\",\"reason\":\"the data set file:$ of OpenDKIM: $ cannot be "
	    "read: "
	    "Invalid argument\",\"signatures\":[]}" },
};

START_TEST(record)
{
	const struct scene scene = { .label = records[_i].label,
		.conf = records[_i].conf,
		.signing = records[_i].signing,
		.from = ANN };
	struct run r;

	begin(&r, &scene, &at_once);
	expect(&scene, &r, "record", part_record, records[_i].record);
	end(&r);
}
END_TEST

/* What nobody has judged is neither good nor bad; nothing of it is asked twice. */
START_TEST(not_judged)
{
	struct arena *arena = arena_new();
	const struct signing signing = { SLICE("Example.com"), SLICE("s"), SLICE("rsa-sha256"),
		SLICE("/nowhere"), true };
	const struct signing odd = { SLICE("a..b"), SLICE("s"), SLICE("rsa-sha256"),
		SLICE("/nowhere"), true };
	struct expected_signature e = expected_of(arena, &signing);

	ck_assert_int_eq(expected_status_of(&e), EXPECTED_UNKNOWN);
	ck_assert(!e.judged);
	ck_assert(auth_signature_is_open(&e.signature));
	ck_assert(e.signature.signs_from);
	expect_slice("d=", "A-form", e.signature.domain, "example.com");
	e = expected_of(arena, &odd);
	ck_assert_int_eq(expected_status_of(&e), EXPECTED_BAD_KEY);
	ck_assert(e.judged);
	ck_assert(!expected_judge_one(NULL, arena, NULL, &e));
	arena_free(arena);
}
END_TEST

/* ---- what is not known yet -------------------------------------------------------------- */

/* Nothing is known at once of the name that begins with "rsa". */
static struct dns_answer *slow_known(struct resolver *r, const struct dns_question *question)
{
	return slice_starts_nocase(question->name, SLICE("rsa.")) ? NULL : front_known(r, question);
}

static const struct resolver_class slow_rsa = { .ask = front_ask, .known = slow_known };

struct late {
	struct dns_answer *answer;
	resolver_done *done;
	void *context;
};

static void *answer_late(void *context)
{
	const struct timespec moment = { 0, 50 * 1000 * 1000 };
	struct late *late = context;

	nanosleep(&moment, NULL);
	late->done(late->context, late->answer);
	free(late);
	return NULL;
}

/* It is waited for by the one who asked: the view is not freed before it has the answer. */
static void late_ask(struct resolver *r, const struct dns_question *question, int64_t deadline_us,
    resolver_done *done, void *context)
{
	struct late *late = must_alloc(sizeof *late);
	pthread_t thread;

	(void)deadline_us;
	*late = (struct late){ front_known(r, question), done, context };
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_late, late), 0);
	pthread_detach(thread);
}

static const struct resolver_class late_rsa = { .ask = late_ask, .known = slow_known };

/* The key is the only thing that is missing: the end of the message waits for it. */
START_TEST(waits_for_the_key)
{
	static const struct scene scene = {
		.label = "late", .signing = "*@example.com rsa\n", .from = ANN
	};
	struct run r;

	begin(&r, &scene, &late_rsa);
	expect(&scene, &r, "signer", part_signer, "signs example.com/rsa pass aligned");
	expect(&scene, &r, "DMARC", part_dmarc, "pass pass");
	end(&r);
}
END_TEST

/* One that is pending keeps the whole pending, whatever stands behind it. */
START_TEST(pending)
{
	static const struct scene scene = { .label = "pending",
		.conf = MULTIPLE,
		.signing = "*@example.com rsa\n*@example.com test\n",
		.from = ANN };
	struct run r;
	struct expected e;
	struct dns_view *view;

	begin(&r, &scene, &slow_rsa);
	expect(&scene, &r, "signer", part_signer,
	    "signs example.com/rsa pass aligned example.com/test pass aligned");
	view = dns_view_new(r.arena, &r.front.resolver, clock_now_us() + LIMIT_SECONDS * SECOND);
	expected_begin(r.signer, r.arena, r.message->from[0]->mailboxes, &e);
	ck_assert(expected_judge(r.signer, r.arena, view, &e));
	ck_assert_int_eq(expected_status_of(&e.list[0]), EXPECTED_UNKNOWN);
	ck_assert_int_eq(expected_status_of(&e.list[1]), EXPECTED_GOOD);
	ck_assert(dns_view_wait(view));
	ck_assert(!expected_judge(r.signer, r.arena, view, &e));
	ck_assert_int_eq(expected_status_of(&e.list[0]), EXPECTED_GOOD);
	dns_view_free(view);
	end(&r);
}
END_TEST

/* The keys of the signatures to come are asked for with the header, so that all wait together. */
START_TEST(asked_with_the_header)
{
	static const struct scene scene = { .label = "asked",
		.conf = MULTIPLE,
		.signing = "*@example.com rsa\n*@example.com test\n",
		.from = ANN };
	struct run r;

	begin(&r, &scene, &after_a_wait);
	ck_assert_uint_eq(r.keys_of_header, 2);
	ck_assert_uint_eq(r.front.keys, 2);
	end(&r);
}
END_TEST

/* ---- in the words of DMARC -------------------------------------------------------------- */

static void part_dmarc_finding(struct buf *out, const struct run *r)
{
	struct check_selection selection = { { false } };
	struct findings findings = { NULL, 0, 0, 0 };

	for (size_t i = 0; i < check_count; i++)
		selection.off[i] = strcmp(checks[i].name, "dmarc.alignment") != 0;
	checks_run(STAGE_EOM, r->message, NULL, &selection, false, &findings);
	ck_assert_uint_eq(findings.count, 1);
	utf8_escape(out, findings.list[0].reason);
}

START_TEST(dmarc_words)
{
	static const struct {
		const char *signing, *reason;
	} rows[] = {
		{ "*@example.com none\n", "no DKIM signature that passes is aligned" },
		{ "", "there is no DKIM signature" },
	};
	char wanted[300];
	struct run r;

	for (int i = 0; i < ROWS(rows); i++) {
		const struct scene scene = {
			.label = rows[i].reason, .signing = rows[i].signing, .from = ANN
		};

		snprintf(wanted, sizeof wanted,
		    "DMARC fails under RFC 7489 and RFC 9989, with the policy reject at "
		    "example.com: %s, and SPF does not pass for every address that mail leaves "
		    "from",
		    rows[i].reason);
		begin(&r, &scene, &at_once);
		expect(&scene, &r, "reason", part_dmarc_finding, wanted);
		end(&r);
	}
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("expected");
	TCase *tests = tcase_create("expected");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, scene_at_once, 0, ROWS(scenes));
	tcase_add_loop_test(tests, scene_after_a_wait, 0, ROWS(scenes));
	tcase_add_loop_test(tests, record, 0, ROWS(records));
	tcase_add_test(tests, not_judged);
	tcase_add_test(tests, pending);
	tcase_add_test(tests, asked_with_the_header);
	tcase_add_test(tests, waits_for_the_key);
	tcase_add_test(tests, dmarc_words);
	suite_add_tcase(suite, tests);
	return suite;
}
