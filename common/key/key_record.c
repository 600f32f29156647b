/* key_record.c - a published DKIM key by itself. */
#include "key/key_record.h"

#include <string.h>

#include "syntax/tag_list.h"

enum { ED25519_OCTETS = 32, ED25519_BITS = 256 };

const char *key_record_status_name(enum key_record_status status)
{
	static const char *const names[] = { "good", "weak", "absent", "revoked", "several",
		"malformed", "unusable", "unknown" };

	return names[status];
}

/* ---- base64 ---------------------------------------------------------------------------- */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/*
 *   base64string = ALPHADIGITPS *([FWS] ALPHADIGITPS) [ [FWS] "=" [ [FWS] "=" ] ]
 *
 * The text has no blanks any more; groups are complete (RFC 4648 4).  Not there if
 * it is none.
 */
static struct slice base64_decode(struct arena *arena, struct slice text)
{
	unsigned char *out = arena_alloc(arena, text.len / 4 * 3 + 1);
	size_t padding = 0, len = 0;
	unsigned long group = 0;

	while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
		padding++;
	if (text.len == 0 || text.len % 4 != 0)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < text.len; i++) {
		int value = i < text.len - padding ? base64_value(text.data[i]) : 0;

		if (value < 0)
			return (struct slice){ NULL, 0 };
		group = group << 6 | (unsigned long)value;
		if (i % 4 != 3)
			continue;
		out[len++] = (unsigned char)(group >> 16);
		out[len++] = (unsigned char)(group >> 8);
		out[len++] = (unsigned char)group;
		group = 0;
	}
	return (struct slice){ (const char *)out, len - padding };
}

/* ---- DER ------------------------------------------------------------------------------- */

enum { DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OID = 0x06, DER_SEQUENCE = 0x30 };

/*
 * Takes the value of that tag from the beginning of *rest: X.690 10.1, the length
 * in its shortest form.  False, and nothing taken, if none is there whole.
 */
static bool der_take(struct slice *rest, unsigned char tag, struct slice *value)
{
	const unsigned char *at = (const unsigned char *)rest->data;
	size_t head = 2, len;

	if (rest->len < 2 || at[0] != tag)
		return false;
	len = at[1];
	if (len > 0x80) {
		size_t octets = len & 0x7f;

		head += octets;
		if (octets > 2 || rest->len < head || at[2] == 0)
			return false;
		len = octets == 1 ? at[2] : (size_t)at[2] << 8 | at[3];
		if (len < 0x80)
			return false;
	} else if (len == 0x80) {
		return false;
	}
	if (len > rest->len - head)
		return false;
	*value = slice_part(*rest, head, head + len);
	*rest = slice_part(*rest, head + len, rest->len);
	return true;
}

/* The bits of a positive INTEGER in its shortest form; 0 if it is none. */
static unsigned der_bits(struct slice integer)
{
	const unsigned char *at = (const unsigned char *)integer.data;
	size_t len = integer.len;
	unsigned bits = 0;

	if (len > 1 && at[0] == 0 && at[1] >= 0x80) {
		at++;
		len--;
	} else if (len == 0 || at[0] == 0 || at[0] >= 0x80) {
		return 0;
	}
	for (unsigned first = at[0]; first > 0; first >>= 1)
		bits++;
	return bits + (unsigned)(len - 1) * 8;
}

/*
 *   SubjectPublicKeyInfo = SEQUENCE { algorithm AlgorithmIdentifier, BIT STRING }   RFC 5280 4.1
 *   AlgorithmIdentifier  = SEQUENCE { OBJECT IDENTIFIER, parameters }
 *   RSAPublicKey         = SEQUENCE { modulus INTEGER, publicExponent INTEGER }     RFC 8017 A.1.1
 *
 * The bits of the modulus; 0 if the octets are no such key, or more than that.
 */
static unsigned rsa_bits(struct slice der)
{
	static const char rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
	struct slice info, algorithm, oid, key, numbers, modulus, exponent;

	if (!der_take(&der, DER_SEQUENCE, &info) || der.len > 0 ||
	    !der_take(&info, DER_SEQUENCE, &algorithm) || !der_take(&algorithm, DER_OID, &oid) ||
	    !slice_equal(oid, (struct slice){ rsa, sizeof rsa - 1 }) ||
	    !der_take(&info, DER_BIT_STRING, &key) || info.len > 0)
		return 0;
	/* the first octet counts the bits of the last one that are none */
	if (key.len == 0 || key.data[0] != '\0')
		return 0;
	key = slice_part(key, 1, key.len);
	if (!der_take(&key, DER_SEQUENCE, &numbers) || key.len > 0 ||
	    !der_take(&numbers, DER_INTEGER, &modulus) ||
	    !der_take(&numbers, DER_INTEGER, &exponent) || numbers.len > 0 ||
	    der_bits(exponent) == 0)
		return 0;
	return der_bits(modulus);
}

/* ---- the record ------------------------------------------------------------------------ */

/* What is found wrong, with the name of the record in front. */
static void set_fault(struct arena *arena, struct key_record *key, struct slice name,
    enum key_record_status status, const char *what)
{
	key->status = status;
	key->reason = arena_printf(arena, "the key record at %.*s %s", SLICE_ARG(name), what);
}

static void read_rsa(
    struct arena *arena, struct key_record *key, struct slice name, struct slice octets)
{
	key->bits = rsa_bits(octets);
	if (key->bits == 0)
		set_fault(arena, key, name, KEY_RECORD_MALFORMED,
		    "holds no RSA key: p= is no SubjectPublicKeyInfo in base64");
	else if (key->bits < KEY_BITS_MIN)
		set_fault(arena, key, name, KEY_RECORD_WEAK,
		    arena_printf(arena, "has a key of %u bits: receivers take none under %d",
			key->bits, KEY_BITS_MIN)
			.data);
}

/* RFC 8463 4: the bare key; what openssl writes has an envelope of 12 octets around it. */
static void read_ed25519(
    struct arena *arena, struct key_record *key, struct slice name, struct slice octets)
{
	if (octets.len == ED25519_OCTETS)
		key->bits = ED25519_BITS;
	else
		set_fault(arena, key, name, KEY_RECORD_MALFORMED,
		    arena_printf(arena, "holds no ed25519 key: p= is %zu octets in base64, not %d",
			octets.len, ED25519_OCTETS)
			.data);
}

/*
 * key-p-tag = %x70 [FWS] "=" [[FWS] base64string]
 *
 * p=, of a type that is known.
 */
static void read_data(
    struct arena *arena, struct key_record *key, struct slice name, struct slice value)
{
	struct slice octets = { NULL, 0 };

	if (value.len <= KEY_RECORD_OCTETS_MAX)
		octets = base64_decode(arena, tag_value_plain(arena, value));
	if (octets.data == NULL)
		set_fault(arena, key, name, KEY_RECORD_MALFORMED, "has a p= that is no base64");
	else if (slice_equal_nocase(key->type, SLICE("rsa")))
		read_rsa(arena, key, name, octets);
	else
		read_ed25519(arena, key, name, octets);
}

/* What makes the record useless for signatures as they are made today; NULL: nothing. */
static const char *unusable(const struct key_record *key)
{
	if (!slice_equal_nocase(key->type, SLICE("rsa")) &&
	    !slice_equal_nocase(key->type, SLICE("ed25519")))
		return "has a type of key (k=) that is neither rsa nor ed25519";
	if (key->hashes.data != NULL && !tag_value_has(key->hashes, SLICE("sha256")))
		return "does not allow SHA-256 (h=)";
	if (key->services.data != NULL && !tag_value_has(key->services, SLICE("*")) &&
	    !tag_value_has(key->services, SLICE("email")))
		return "is not for mail (s=)";
	return NULL;
}

/* key-v-tag: if there, it comes first and is DKIM1, letter for letter. */
static bool is_version_good(const struct tag_list *list)
{
	struct slice version = tag_list_find(list, "v");

	return version.data == NULL || (slice_equal(version, SLICE("DKIM1")) &&
					   slice_equal(list->tags[0].name, SLICE("v")));
}

static void read_tags(struct arena *arena, struct key_record *key, struct slice name)
{
	struct tag_list *list = arena_alloc(arena, sizeof *list);
	bool good = tag_list_read(key->text, list);
	struct slice p = tag_list_find(list, "p"), k = tag_list_find(list, "k"), t;

	if (!good) {
		set_fault(arena, key, name, KEY_RECORD_MALFORMED,
		    "is no list of tags, or a tag stands there twice");
		return;
	}
	t = tag_list_find(list, "t");
	key->type = k.data == NULL ? SLICE("rsa") : tag_value_plain(arena, k);
	key->hashes = tag_value_plain(arena, tag_list_find(list, "h"));
	key->services = tag_value_plain(arena, tag_list_find(list, "s"));
	key->testing = tag_value_has(t, SLICE("y"));
	key->exact_domain = tag_value_has(t, SLICE("s"));
	if (!is_version_good(list))
		set_fault(arena, key, name, KEY_RECORD_MALFORMED,
		    "has a v= that is not DKIM1, or does not come first");
	else if (p.data == NULL)
		set_fault(arena, key, name, KEY_RECORD_MALFORMED, "has no p=");
	else if (p.len == 0)
		set_fault(arena, key, name, KEY_RECORD_REVOKED, "is revoked: p= is empty");
	else if (unusable(key) != NULL)
		set_fault(arena, key, name, KEY_RECORD_UNUSABLE, unusable(key));
	else
		read_data(arena, key, name, p);
}

struct key_record key_record_read(
    struct arena *arena, struct slice name, const struct dns_answer *answer)
{
	struct key_record key = { .status = KEY_RECORD_ABSENT };

	switch (answer->status) {
	case DNS_FOUND:
		if (answer->count == 1 && !answer->truncated) {
			key.status = KEY_RECORD_GOOD;
			key.text = answer->records[0].data;
			read_tags(arena, &key, name);
			break;
		}
		key.status = KEY_RECORD_SEVERAL;
		key.reason =
		    arena_printf(arena, "%.*s has %zu TXT records: receivers cannot tell the key",
			SLICE_ARG(name), answer->count);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		key.reason = arena_printf(arena, "no key is published at %.*s", SLICE_ARG(name));
		break;
	case DNS_TEMPFAIL:
		key.status = KEY_RECORD_UNKNOWN;
		key.reason = arena_printf(arena, "the key at %.*s could not be looked up: %s",
		    SLICE_ARG(name), answer->why != NULL ? answer->why : "no answer");
		break;
	}
	return key;
}
