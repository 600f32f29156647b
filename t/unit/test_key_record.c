/*
 * test_key_record.c - a published DKIM key by itself.
 *
 * A record is shown as "status type bits", with " testing" and " exact" for
 * the flags.  Keys as records have them are those of dkim_keys.h; what openssl
 * makes of an RSA key when asked for RSAPublicKey, and of an ed25519 key as
 * SubjectPublicKeyInfo, are mistakes that are seen in the wild.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dkim_keys.h"
#include "dns/answer.h"
#include "key/key_record.h"
#include "unit.h"

#define RSA1024_PKCS1                                                                              \
	"MIGJAoGBAO9HnqSjpTvAmgRQY3JZwvmDRoWY1BBbQ8DY1vX5py3b66Mwf8oXRuck"                         \
	"GtyCIjp4Zvlo4I9qccaRWKbAgszFjfN8bChUssgxLo2+3nOJzoHkHKKQubiIu17e"                         \
	"0G2WgKmHOTnvHdHDONJibWkuD6NFF2qTxgARpT7qPlSy0hYZoQC7AgMBAAE="
#define ED25519_SPKI "MCowBQYDK2VwAyEALyIVIkGJMyHilWawMq9MFe37RWWBu9blp0Ntqaezs9M="

static const struct {
	const char *label;
	const char *record;
	const char *wanted;
} rows[] = {
	{ "2048 bits", "v=DKIM1; k=rsa; p=" RSA2048_PUBLIC, "good rsa 2048" },
	{ "rsa is the default", "p=" RSA1024_PUBLIC, "good rsa 1024" },
	{ "k= in capitals", "k=RSA; p=" RSA1024_PUBLIC, "good RSA 1024" },
	{ "too short", "v=DKIM1; p=" RSA768_PUBLIC, "weak rsa 768" },
	{ "ed25519", "v=DKIM1; k=ed25519; p=" ED25519_PUBLIC, "good ed25519 256" },
	{ "blanks in p=", "v=DKIM1; k=ed25519; p=LyIVIkGJMyHilWawMq9M FeB7RWWBu9blp0Ntqaezs9M=\t",
	    "good ed25519 256" },
	{ "a test", "v=DKIM1; t=y; p=" RSA1024_PUBLIC, "good rsa 1024 testing" },
	{ "both flags", "v=DKIM1; t= s : y; p=" RSA1024_PUBLIC, "good rsa 1024 testing exact" },
	{ "for mail", "v=DKIM1; s=web:email; p=" RSA1024_PUBLIC, "good rsa 1024" },
	{ "for anything", "v=DKIM1; s=*; p=" RSA1024_PUBLIC, "good rsa 1024" },
	{ "SHA-256 among others", "v=DKIM1; h=sha1:sha256; p=" RSA1024_PUBLIC, "good rsa 1024" },
	{ "tags that nobody knows", "v=DKIM1; n=note; x=y; p=" RSA1024_PUBLIC, "good rsa 1024" },

	{ "revoked", "v=DKIM1; p=", "revoked rsa 0" },
	{ "revoked, with blanks", "v=DKIM1; p= ;", "revoked rsa 0" },
	{ "revoked, of a type that nobody knows", "k=dsa; p=", "revoked dsa 0" },
	{ "of another type", "v=DKIM1; k=dsa; p=" RSA1024_PUBLIC, "unusable dsa 0" },
	{ "SHA-1 alone", "v=DKIM1; h=sha1; p=" RSA1024_PUBLIC, "unusable rsa 0" },
	{ "not for mail", "v=DKIM1; s=web; p=" RSA1024_PUBLIC, "unusable rsa 0" },

	{ "no p=", "v=DKIM1; k=rsa", "malformed rsa 0" },
	{ "another version", "v=DKIM2; p=" RSA1024_PUBLIC, "malformed rsa 0" },
	{ "small letters", "v=dkim1; p=" RSA1024_PUBLIC, "malformed rsa 0" },
	{ "the version last", "p=" RSA1024_PUBLIC "; v=DKIM1", "malformed rsa 0" },
	{ "an SPF record", "v=spf1 -all", "malformed rsa 0" },
	{ "no list of tags", "hello", "malformed - 0" },
	{ "empty", "", "malformed - 0" },
	{ "p= twice", "p=" RSA1024_PUBLIC "; p=" RSA1024_PUBLIC, "malformed - 0" },
	{ "no base64", "v=DKIM1; p=a!bc", "malformed rsa 0" },
	{ "base64 without its end", "v=DKIM1; k=ed25519; p=LyI", "malformed ed25519 0" },
	{ "base64 of padding", "v=DKIM1; p====", "malformed rsa 0" },
	{ "padding inside", "v=DKIM1; p=YQ==YQ==", "malformed rsa 0" },
	{ "an RSAPublicKey", "v=DKIM1; p=" RSA1024_PKCS1, "malformed rsa 0" },
	{ "ed25519 in an envelope", "v=DKIM1; k=ed25519; p=" ED25519_SPKI, "malformed ed25519 0" },
	{ "ed25519 called rsa", "v=DKIM1; p=" ED25519_SPKI, "malformed rsa 0" },
	{ "RSA called ed25519", "v=DKIM1; k=ed25519; p=" RSA1024_PUBLIC, "malformed ed25519 0" },
	{ "octets behind the key", "v=DKIM1; p=" RSA768_PUBLIC "AAAA", "malformed rsa 0" },
	{ "one letter that is no base64",
	    "k=ed25519; p=LyIVIkGJMyHilWawMq9MFe37RWWBu9!lp0Ntqaezs9M=", "malformed ed25519 0" },
	{ "a tiny key", "p=MBwwDQYJKoZIhvcNAQEBBQADCwAwCAIDAMNRAgED", "weak rsa 16" },
	{ "no parameters of the algorithm",
	    "p=MBowCwYJKoZIhvcNAQEBAwsAMAgCAwDDUQIBAw==", "weak rsa 16" },
	{ "a modulus with a high bit that makes it negative",
	    "p=MBswDQYJKoZIhvcNAQEBBQADCgAwBwICw1ECAQM=", "malformed rsa 0" },
	{ "a modulus with a zero too many",
	    "p=MB0wDQYJKoZIhvcNAQEBBQADDAAwCQIEAADDUQIBAw==", "malformed rsa 0" },
	{ "a modulus of nothing", "p=MBkwDQYJKoZIhvcNAQEBBQADCAAwBQIAAgED", "malformed rsa 0" },
	{ "an exponent of 0", "p=MBwwDQYJKoZIhvcNAQEBBQADCwAwCAIDAMNRAgEA", "malformed rsa 0" },
	{ "a third number", "p=MB8wDQYJKoZIhvcNAQEBBQADDgAwCwIDAMNRAgEDAgEF", "malformed rsa 0" },
	{ "octets behind the bits",
	    "p=MB4wDQYJKoZIhvcNAQEBBQADCwAwCAIDAMNRAgEDBQA=", "malformed rsa 0" },
	{ "bits that do not fill an octet", "p=MBwwDQYJKoZIhvcNAQEBBQADCwEwCAIDAMNRAgED",
	    "malformed rsa 0" },
	{ "another algorithm", "p=MBgwCQYHKoZIzj0CAQMLADAIAgMAw1ECAQM=", "malformed rsa 0" },
	{ "a length beyond the end", "p=MDwwDQYJKoZIhvcNAQEBBQADCwAwCAIDAMNRAgED",
	    "malformed rsa 0" },
	{ "a length that is not the shortest",
	    "p=MIEcMA0GCSqGSIb3DQEBAQUAAwsAMAgCAwDDUQIBAw==", "malformed rsa 0" },
	{ "a length without an end", "p=MIAwDQYJKoZIhvcNAQEBBQADCwAwCAIDAMNRAgED",
	    "malformed rsa 0" },
	{ "PEM, lines and all",
	    "v=DKIM1; p=-----BEGIN PUBLIC KEY-----" RSA1024_PUBLIC "-----END PUBLIC KEY-----",
	    "malformed rsa 0" },
};

static struct key_record read_text(struct arena *arena, struct slice text)
{
	const struct dns_answer facts = { .status = DNS_FOUND };
	const struct dns_record record = { .data = text };
	struct dns_answer *answer = dns_answer_make(&facts, &record, 1);
	struct key_record key = key_record_read(arena, SLICE("s._domainkey.example.com"), answer);

	/* the slices of the record die with the answer */
	key.type = arena_copy(arena, key.type);
	dns_answer_unref(answer);
	return key;
}

START_TEST(reads)
{
	struct arena *arena = arena_new();
	struct key_record key = read_text(arena, slice_of(rows[_i].record));
	struct slice shown =
	    arena_printf(arena, "%s %.*s %u%s%s", key_record_status_name(key.status),
		key.type.len > 0 ? (int)key.type.len : 1, key.type.len > 0 ? key.type.data : "-",
		key.bits, key.testing ? " testing" : "", key.exact_domain ? " exact" : "");

	expect_slice(rows[_i].label, "the record", shown, rows[_i].wanted);
	ck_assert_msg((key.status == KEY_RECORD_GOOD) == (key.reason.data == NULL), "%s: reason",
	    rows[_i].label);
	arena_free(arena);
}
END_TEST

static const struct {
	const char *label;
	enum dns_status status;
	size_t count;
	const char *wanted, *reason;
} answers[] = {
	{ "nothing there", DNS_NXDOMAIN, 0, "absent",
	    "no key is published at s._domainkey.example.com" },
	{ "no TXT record", DNS_NODATA, 0, "absent",
	    "no key is published at s._domainkey.example.com" },
	{ "several", DNS_FOUND, 2, "several",
	    "s._domainkey.example.com has 2 TXT records: receivers cannot tell the key" },
	{ "no answer", DNS_TEMPFAIL, 0, "unknown",
	    "the key at s._domainkey.example.com could not be looked up: SERVFAIL" },
};

START_TEST(takes_answers)
{
	const struct dns_answer facts = { .status = answers[_i].status, .why = "SERVFAIL" };
	const struct dns_record records[2] = { { .data = SLICE("p=") }, { .data = SLICE("p=") } };
	struct dns_answer *answer = dns_answer_make(&facts, records, answers[_i].count);
	struct arena *arena = arena_new();
	struct key_record key = key_record_read(arena, SLICE("s._domainkey.example.com"), answer);

	ck_assert_str_eq(key_record_status_name(key.status), answers[_i].wanted);
	expect_slice(answers[_i].label, "the reason", key.reason, answers[_i].reason);
	ck_assert_ptr_null(key.text.data);
	dns_answer_unref(answer);
	arena_free(arena);
}
END_TEST

/* A key that is cut anywhere is none; one octet changed anywhere is read to its end, no further. */
START_TEST(reads_nothing_into_damaged_keys)
{
	static const char whole[] = "p=" RSA1024_PUBLIC;
	char text[sizeof whole];
	struct arena *arena = arena_new();

	for (size_t len = 3; len < sizeof whole - 1; len++) {
		struct key_record key = read_text(arena, (struct slice){ whole, len });

		ck_assert_msg(key.status == KEY_RECORD_MALFORMED, "cut at %zu", len);
	}
	for (size_t i = 2; i < sizeof whole - 1; i++) {
		for (const char *c = "A/g8+"; *c != '\0'; c++) {
			memcpy(text, whole, sizeof whole);
			text[i] = *c;
			read_text(arena, slice_of(text));
		}
	}
	arena_free(arena);
}
END_TEST

START_TEST(has_a_ceiling)
{
	struct arena *arena = arena_new();
	char *text = malloc(KEY_RECORD_OCTETS_MAX + 8);

	memset(text, 'A', KEY_RECORD_OCTETS_MAX + 8);
	memcpy(text, "p=", 2);
	ck_assert_int_eq(read_text(arena, (struct slice){ text, KEY_RECORD_OCTETS_MAX + 6 }).status,
	    KEY_RECORD_MALFORMED);
	ck_assert_uint_lt(arena_used(arena), KEY_RECORD_OCTETS_MAX);
	free(text);
	arena_free(arena);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("key_record");
	TCase *tcase = tcase_create("key_record");

	tcase_add_loop_test(tcase, reads, 0, ROWS(rows));
	tcase_add_loop_test(tcase, takes_answers, 0, ROWS(answers));
	tcase_add_test(tcase, reads_nothing_into_damaged_keys);
	tcase_add_test(tcase, has_a_ceiling);
	suite_add_tcase(suite, tcase);
	return suite;
}
