/*
 * test_signer.c - what OpenDKIM will sign, from its configuration, tables and
 * keys.  t/signer/signer_differential.py compares it with the program itself.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dkim_keys.h"
#include "key/key_file.h"
#include "signer/signer.h"
#include "signer/signer_config.h"
#include "signer/signer_table.h"
#include "unit.h"

/* ---- a folder of files -------------------------------------------------------------- */

static char folder[64];
static const char *const names[] = { "conf", "more", "keys", "signing", "domains", "rsa.private",
	"example.com.private", "ed.private", "small.private", "garbage.private",
	"encrypted.private", "other.private" };

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* The text with the folder's name in the place of each "$". */
static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	for (; *text != '\0'; text++) {
		if (*text == '$')
			fputs(folder, f);
		else
			fputc(*text, f);
	}
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path_of(name), 0600), 0);
}

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/presend-signer-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	write_file("rsa.private", RSA2048_PRIVATE);
	write_file("example.com.private", RSA2048_PRIVATE);
	write_file("other.private", RSA1024_PRIVATE);
	write_file("small.private", RSA768_PRIVATE);
	write_file("ed.private", SIGNER_ED25519_PRIVATE);
	write_file("garbage.private", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n");
	write_file("encrypted.private",
	    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
	    "-----END RSA PRIVATE KEY-----\n");
	write_file("more", "");
}

static void tear_down(void)
{
	for (int i = 0; i < ROWS(names); i++)
		unlink(path_of(names[i]));
	ck_assert_int_eq(rmdir(folder), 0);
}

static struct signer *load(const char *label, const char *conf)
{
	struct signer *signer;
	struct buf errors;

	write_file("conf", conf);
	buf_init(&errors, 1000);
	signer = signer_load(path_of("conf"), &errors);
	ck_assert_msg(signer != NULL, "%s: %s", label, buf_text(&errors));
	ck_assert_msg(errors.len == 0, "%s: %s", label, buf_text(&errors));
	buf_free(&errors);
	return signer;
}

static bool has(struct slice text, const char *part)
{
	char *copy = must_alloc(text.len + 1);
	bool found;

	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	found = strstr(copy, part) != NULL;
	free(copy);
	return found;
}

/* ---- who is signed for -------------------------------------------------------------- */

/* RequireSafeKeys is off in most rows: /tmp is open to others, and OpenDKIM looks at it */
#define TABLES                                                                                     \
	"RequireSafeKeys no\nKeyTable file:$/keys\nSigningTable file:$/signing\nBaseDirectory $\n"
#define PATTERNS "RequireSafeKeys no\nKeyTable $/keys\nSigningTable refile:$/signing\n"
#define ONE_KEY  "RequireSafeKeys no\nKeyFile $/rsa.private\nSelector one\n"
#define KEYS                                                                                       \
	"k example.com:s:$/rsa.private\nk2 example.org:s2:$/rsa.private\n"                         \
	"k3 third.example:s3:$/rsa.private\nexample.com %:own:$/%.private\n"                       \
	"gone example.com:s:$/gone.private\nbad example.com:s\nrelative "                          \
	"example.com:r:./rsa.private\n"

static const struct row {
	const char *label, *conf, *keys, *signing;
	const char *user, *domain;
	enum signer_answer answer;
	const char *wanted; /* "d/s d/s" where it signs, else a part of the reason */
} rows[] = {
	/* the order of the forms; each row leaves one less */
	{ "user@host first", TABLES, KEYS,
	    "* gone\nann@* gone\n.com gone\nann@.com gone\nexample.com gone\nann@example.com k\n",
	    "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "host before user@.domain", TABLES, KEYS,
	    "* gone\nann@* gone\n.com gone\nann@.com gone\nexample.com k\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "user@.domain before .domain", TABLES, KEYS,
	    "* gone\nann@* gone\n.com gone\nann@.com k\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ ".domain before user@*", TABLES, KEYS, "* gone\nann@* gone\n.com k\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "user@* before *", TABLES, KEYS, "* gone\nann@* k\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ "* at last", TABLES, KEYS, "* k\n", "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "nearer domains first", TABLES, KEYS, ".com gone\n.example.com k\n", "ann",
	    "a.b.example.com", SIGNER_SIGNS, "example.com/s" },
	{ "user@.domain of each before the next", TABLES, KEYS, "ann@.com gone\n.b.example.com k\n",
	    "ann", "a.b.example.com", SIGNER_SIGNS, "example.com/s" },
	{ ".domain is not the domain itself", TABLES, KEYS, ".example.com k\n", "ann",
	    "example.com", SIGNER_SIGNS_NOT, "no entry for ann@example.com" },
	{ "host is not those below it", TABLES, KEYS, "example.com k\n", "ann", "a.example.com",
	    SIGNER_SIGNS_NOT, "no entry" },
	{ "*@host is no form of a file", TABLES, KEYS, "*@example.com k\n", "ann", "example.com",
	    SIGNER_SIGNS_NOT, "no entry" },
	{ "the first of two", TABLES, KEYS, "example.com k\nexample.com gone\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },

	/* letters */
	{ "case of the address", TABLES, KEYS, "ANN@Example.COM k\n", "aNn", "exAmple.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "case of the key's name", TABLES, KEYS, "example.com K\n", "ann", "example.com",
	    SIGNER_DEFERS, "names the key \"K\"" },
	{ "d= and s= as written", TABLES, "k Example.COM:Sel:$/rsa.private\n", "* k\n", "ann",
	    "example.com", SIGNER_SIGNS, "Example.COM/Sel" },
	{ "an address that is not ASCII", TABLES, KEYS, "j\xc3\xbcrgen@example.com gone\n* k\n",
	    "j\xc3\xbcrgen", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "a domain that is not ASCII", TABLES, "k %:s:$/rsa.private\n", "* k\n", "ann",
	    "b\xc3\xbc.example", SIGNER_UNKNOWN, "crashes" },
	{ "quotes stay", TABLES, KEYS, "\"ann\"@* k\n", "\"ann\"", "example.com", SIGNER_SIGNS,
	    "example.com/s" },

	/* lines */
	{ "comments and blanks", TABLES, KEYS, "\n# x\n \t \n  example.com \t k  # y\r\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "a comment in a word", TABLES, KEYS, "example.com k#2\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "no line end at the end", TABLES, KEYS, "example.com k", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "carriage returns", TABLES, "k example.com:s:$/rsa.private\r\n", "example.com k\r\n",
	    "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "a pattern behind a blank is none", PATTERNS, KEYS, " *@example.com gone\n*@* k\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },

	/* "%" */
	{ "% in both tables", TABLES, KEYS, "example.com %\n", "ann", "Example.com", SIGNER_SIGNS,
	    "example.com/own" },
	{ "% of a missing key", TABLES, KEYS, "* %\n", "ann", "other.example", SIGNER_DEFERS,
	    "names the key \"other.example\"" },
	{ "% as d= with one key", TABLES, "k %:s:$/rsa.private\n", "* k\n", "ann", "other.example",
	    SIGNER_SIGNS, "other.example/s" },
	{ "% in the path is the d=", TABLES, "k example.com:s:$/%.private\n", "* k\n", "ann",
	    "other.example", SIGNER_SIGNS, "example.com/s" },
	{ "% in the path of a key not there", TABLES, "k %:s:$/%.private\n", "* k\n", "ann",
	    "other.example", SIGNER_DEFERS, "other.example.private: No such file" },
	{ "% beside other text is not expanded", TABLES, "k x.%:s:$/rsa.private\n", "* k\n", "ann",
	    "other.example", SIGNER_SIGNS, "x.%/s" },
	{ "a slash in the domain", TABLES, "k %:s:$/%.private\n", "* k\n", "ann", "../example.com",
	    SIGNER_UNKNOWN, "no address has" },

	/* patterns */
	{ "a pattern", PATTERNS, KEYS, "*@example.com k\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ "the first pattern that matches", PATTERNS, KEYS,
	    "*@example.org gone\n*@*.com k\n*@example.com gone\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "a dot is a dot", PATTERNS, KEYS, "*@example.com k\n", "ann", "examplexcom",
	    SIGNER_SIGNS_NOT, "no entry" },
	{ "a plus is a plus", PATTERNS, KEYS, "a+b@* k\n", "aab", "example.com", SIGNER_SIGNS_NOT,
	    "no entry" },
	{ "the whole address", PATTERNS, KEYS, "example.com k\n", "ann", "example.com",
	    SIGNER_SIGNS_NOT, "no entry" },
	{ "an expression", PATTERNS, KEYS, "[a-z]*@example.com k\n", "ann", "example.com",
	    SIGNER_UNKNOWN, "regular expressions" },
	{ "an expression behind the match", PATTERNS, KEYS, "*@* k\n(a|b)@* k2\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "a broken expression anywhere", PATTERNS, KEYS, "*@* k\n(a@* k2\n", "ann", "example.com",
	    SIGNER_UNKNOWN, "pattern of line 2 is no regular" },
	{ "a repetition is not tried", PATTERNS, KEYS, "*@* k\n((a{999}){999}){999} k2\n", "ann",
	    "example.com", SIGNER_UNKNOWN, "pattern of line 2 is no regular" },
	{ "a pattern without a key", PATTERNS, KEYS, "*@*\n", "ann", "example.com", SIGNER_UNKNOWN,
	    "crashes" },
	{ "a pattern with an empty key", PATTERNS, KEYS, "*@* \n", "ann", "example.com",
	    SIGNER_DEFERS, "names no key" },
	{ "a KeyTable of patterns",
	    "RequireSafeKeys no\nKeyTable refile:$/keys\nSigningTable refile:$/signing\n",
	    "sel._domainkey.* example.com:s:$/rsa.private\n", "*@* sel._domainkey.example.com\n",
	    "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "whose letters are exact",
	    "RequireSafeKeys no\nKeyTable refile:$/keys\nSigningTable refile:$/signing\n",
	    "K* example.com:s:$/rsa.private\n", "*@* k\n", "ann", "example.com", SIGNER_DEFERS,
	    "names the key" },

	/* several signatures */
	{ "two", TABLES "MultipleSignatures yes\n", KEYS, "example.com k\n.com k2\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s example.org/s2" },
	{ "two patterns", PATTERNS "MultipleSignatures yes\n", KEYS,
	    "*@example.com k\n*@example.com k2\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s example.org/s2" },
	{ "of three the middle is lost", PATTERNS "MultipleSignatures yes\n", KEYS,
	    "*@* k\n*@example.com k2\n*@example.com k3\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s third.example/s3" },
	{ "one that is not there stops all", PATTERNS "MultipleSignatures yes\n", KEYS,
	    "*@* k\n*@* gone\n", "ann", "example.com", SIGNER_DEFERS, "gone.private" },
	{ "not asked for", PATTERNS "MultipleSignatures no\n", KEYS, "*@* k\n*@* k2\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },

	/* signers */
	{ "a signer", TABLES, KEYS, "example.com k:ann@example.com\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "a signer of %", TABLES, KEYS, "example.com k:@%\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ "an empty signer", TABLES, KEYS, "example.com k:\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ "a signer that is no address", TABLES, KEYS, "example.com k:ann\n", "ann", "example.com",
	    SIGNER_SIGNS_NOT, "without \"@\"" },

	/* keys that are not there */
	{ "no such file", TABLES, KEYS, "example.com gone\n", "ann", "example.com", SIGNER_DEFERS,
	    "gone.private: No such file" },
	{ "a folder", TABLES, "k example.com:s:$\n", "example.com k\n", "ann", "example.com",
	    SIGNER_DEFERS, "not a regular file" },
	{ "no such key", TABLES, KEYS, "example.com nokey\n", "ann", "example.com", SIGNER_DEFERS,
	    "names the key \"nokey\"" },
	{ "a key of two parts", TABLES, KEYS, "example.com bad\n", "ann", "example.com",
	    SIGNER_DEFERS, "not DOMAIN:SELECTOR:KEY" },
	{ "a name alone", TABLES, "k\n", "* k\n", "ann", "example.com", SIGNER_DEFERS,
	    "a name without" },
	{ "a name alone, when it only verifies", TABLES "Mode v\n", "k\n", "* k\n", "ann",
	    "example.com", SIGNER_SIGNS_NOT, "Mode" },
	{ "a name alone between two", PATTERNS "MultipleSignatures yes\n",
	    "k example.com:s:$/rsa.private\nhollow\n", "*@* k\n*@* hollow\n*@* k\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s example.com/s" },
	{ "a relative path", TABLES, KEYS, "example.com relative\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/r" },
	{ "and nowhere to begin", PATTERNS, KEYS, "*@* relative\n", "ann", "example.com",
	    SIGNER_UNKNOWN, "no BaseDirectory" },
	{ "a path under /tmp is not safe", "KeyTable $/keys\nSigningTable $/signing\n", KEYS,
	    "example.com k\n", "ann", "example.com", SIGNER_DEFERS, "RequireSafeKeys" },
	{ "below a changed root",
	    "RequireSafeKeys no\nChangeRootDirectory $\nKeyTable $/keys\nSigningTable $/signing\n",
	    "k example.com:s:/rsa.private\n", "* k\n", "ann", "example.com", SIGNER_SIGNS,
	    "example.com/s" },
	{ "% in a relative path is not expanded", TABLES, "k example.com:s:./%.private\n", "* k\n",
	    "ann", "example.com", SIGNER_DEFERS, "%.private: No such file" },
	{ "a key in the table", TABLES, "k example.com:s:MIIabc\n", "* k\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },

	/* what it does not start with */
	{ "a signer with a key that is not there", TABLES, KEYS,
	    "example.org nokey:@%\nexample.com k\n", "ann", "example.com", SIGNER_UNKNOWN,
	    "does not start" },
	{ "an entry without a key", TABLES, KEYS, "example.org\nexample.com k\n", "ann",
	    "example.com", SIGNER_UNKNOWN, "does not start" },
	{ "hidden by one without a signer", TABLES, KEYS, "example.com k\nexample.org nokey:@%\n",
	    "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "KeyFile not there",
	    "RequireSafeKeys no\nDomain example.com\nSelector s\nKeyFile $/gone\n", "", "", "ann",
	    "example.com", SIGNER_UNKNOWN, "does not start" },

	/* data sets */
	{ "lists",
	    "RequireSafeKeys no\nKeyTable csl:k=example.com:s:$/rsa.private, k2 = x:y:z\n"
	    "SigningTable example.com=k, ,ann@*=k2\n",
	    "", "", "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "a list with a colon and no type", "KeyTable k=example.com:s:/x\nSigningTable *=k\n", "",
	    "", "ann", "example.com", SIGNER_UNKNOWN, "of the kind k=example.com:" },
	{ "a relative path is a list", "KeyTable $/keys\nSigningTable signing\n", KEYS, "* k\n",
	    "ann", "example.com", SIGNER_UNKNOWN, "does not start" },
	{ "a server", "KeyTable $/keys\nSigningTable ldap://x\n", KEYS, "", "ann", "example.com",
	    SIGNER_UNKNOWN, "of the kind ldap:" },
	{ "a database", "KeyTable $/keys.db\nSigningTable $/signing\n", "", "", "ann",
	    "example.com", SIGNER_UNKNOWN, "Berkeley" },
	{ "no such table", "KeyTable $/keys\nSigningTable $/gone\n", KEYS, "", "ann", "example.com",
	    SIGNER_UNKNOWN, "/gone cannot be read: No such file" },

	/* one key */
	{ "a domain", ONE_KEY "Domain example.org, example.com\n", "", "", "ann", "Example.COM",
	    SIGNER_SIGNS, "example.com/one" },
	{ "not below it", ONE_KEY "Domain example.com\n", "", "", "ann", "a.example.com",
	    SIGNER_SIGNS_NOT, "not in OpenDKIM's Domain" },
	{ "below it with SubDomains", ONE_KEY "Domain example.com\nSubDomains yes\n", "", "", "ann",
	    "a.b.example.com", SIGNER_SIGNS, "example.com/one" },
	{ "the nearest", ONE_KEY "Domain example.com,b.example.com\nSubDomains yes\n", "", "",
	    "ann", "a.b.example.com", SIGNER_SIGNS, "b.example.com/one" },
	{ "any domain", ONE_KEY "Domain *\nSubDomains yes\n", "", "", "ann", "a.example.com",
	    SIGNER_SIGNS, "a.example.com/one" },
	{ "domains of a file", ONE_KEY "Domain refile:$/domains\n", "", "*.example.com\n", "ann",
	    "a.example.com", SIGNER_SIGNS, "a.example.com/one" },
	{ "KeyTable before Domain", TABLES "Domain example.org\n", KEYS, "example.com k\n", "ann",
	    "example.org", SIGNER_SIGNS_NOT, "no entry" },
	{ "and it is not even read", TABLES "Domain db:/x\n", KEYS, "example.com k\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "nothing to sign with", "Syslog yes\n", "", "", "ann", "example.com", SIGNER_SIGNS_NOT,
	    "neither" },
	{ "ed25519", ONE_KEY "Domain example.com\nSignatureAlgorithm ED25519-sha256\n", "", "",
	    "ann", "example.com", SIGNER_SIGNS, "example.com/one" },

	/* modes and others that decide */
	{ "it only verifies", TABLES "Mode v\n", KEYS, "* k\n", "ann", "example.com",
	    SIGNER_SIGNS_NOT, "Mode" },
	{ "and stumbles all the same", TABLES "Mode v\n", KEYS, "* nokey\n", "ann", "example.com",
	    SIGNER_DEFERS, "nokey" },
	{ "keys are not looked for at its start", TABLES "Mode v\n", KEYS,
	    "example.org nokey:@%\nexample.com nokey\n", "ann", "example.com", SIGNER_DEFERS,
	    "nokey" },
	{ "it signs and verifies", TABLES "Mode vs\n", KEYS, "* k\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "exempt", TABLES "ExemptDomains example.com\n", KEYS, "* k\n", "ann", "EXAMPLE.com",
	    SIGNER_SIGNS_NOT, "ExemptDomains" },
	{ "a script", TABLES "SetupPolicyScript /x\n", KEYS, "* k\n", "ann", "example.com",
	    SIGNER_UNKNOWN, "SetupPolicyScript" },
	{ "another field", TABLES "SenderHeaders Sender,From\n", KEYS, "* k\n", "ann",
	    "example.com", SIGNER_UNKNOWN, "SenderHeaders" },
	{ "From is no other field", TABLES "SenderHeaders from\n", KEYS, "* k\n", "ann",
	    "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "no author", TABLES, KEYS, "* k\n", "", "example.com", SIGNER_SIGNS_NOT, "no author" },

	/* the configuration */
	{ "the last setting counts", TABLES "Mode v\nMode s\n", KEYS, "* k\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "names in any case, blanks",
	    " \tkeytable \t $/keys # x\r\nSIGNINGTABLE $/signing\n"
	    "requiresafekeys 0\n",
	    KEYS, "* k\n", "ann", "example.com", SIGNER_SIGNS, "example.com/s" },
	{ "names that are not known", TABLES "NoSuchThing x\n", KEYS, "* k\n", "ann", "example.com",
	    SIGNER_SIGNS, "example.com/s" },
	{ "an include", TABLES "Include $/signing\n", KEYS, "Mode v\n", "ann", "example.com",
	    SIGNER_SIGNS_NOT, "Mode" },
};

static void expect_signings(const char *label, const struct signings *got, const char *wanted)
{
	struct buf text;

	buf_init(&text, 1000);
	for (size_t i = 0; i < got->count; i++)
		buf_printf(&text, "%s%.*s/%.*s", i > 0 ? " " : "", SLICE_ARG(got->list[i].domain),
		    SLICE_ARG(got->list[i].selector));
	expect_slice(label, "the signatures", buf_slice(&text), wanted);
	buf_free(&text);
}

START_TEST(answers)
{
	const struct row *row = &rows[_i];
	struct arena *arena = arena_new();
	struct signings out;
	struct slice user = exact_text(row->user), domain = exact_text(row->domain);
	struct signer *signer;
	enum signer_answer answer;

	write_file("keys", row->keys);
	write_file("signing", row->signing);
	write_file("domains", row->signing);
	signer = load(row->label, row->conf);
	answer = signer_signings(signer, arena, user, domain, &out);
	ck_assert_msg(answer == row->answer, "%s: answer %d, %.*s", row->label, answer,
	    SLICE_ARG(out.reason));
	expect_signings(row->label, &out, answer == SIGNER_SIGNS ? row->wanted : "");
	if (answer != SIGNER_SIGNS)
		ck_assert_msg(
		    has(out.reason, row->wanted), "%s: %.*s", row->label, SLICE_ARG(out.reason));
	signer_free(signer);
	exact_free(user);
	exact_free(domain);
	arena_free(arena);
}
END_TEST

/* ---- configurations that OpenDKIM refuses ------------------------------------------- */

static const struct {
	const char *label, *conf, *wanted; /* "$": the folder */
} refused[] = {
	{ "no value", "Syslog yes\nMode # s\n", "$/conf:2: a parameter without a value: Mode\n" },
	{ "no boolean", "\nSubDomains perhaps\n", "$/conf:2: neither yes nor no: SubDomains\n" },
	{ "a mode", "Mode sx\n", "$/conf:1: OpenDKIM has no such mode: sx\n" },
	{ "an algorithm", "\n\nSignatureAlgorithm rsa\n",
	    "$/conf:3: OpenDKIM has no such algorithm: rsa\n" },
	{ "SigningTable alone", "SigningTable x\n",
	    "$/conf:1: SigningTable without KeyTable: x\n" },
	{ "SigningTable alone, verifying", "Mode v\nSigningTable x\n",
	    "$/conf:2: SigningTable without KeyTable: x\n" },
	{ "KeyTable alone", "KeyTable x\n", "$/conf:1: KeyTable without SigningTable: x\n" },
	{ "KeyFile alone", "KeyFile x\n", "$/conf:1: KeyFile without Selector: x\n" },
	{ "Selector alone", "Selector x\n", "$/conf:1: Selector without KeyFile: x\n" },
	{ "Domain alone", "Domain x\n", "$/conf:1: Domain without KeyFile and Selector: x\n" },
	{ "of an include", "Include $/more\n", "$/more:1: OpenDKIM has no such mode: q\n" },
	{ "an include that is not there", "Include $/gone\n",
	    "$/conf:1: No such file or directory: $/gone\n" },
	{ "an include of itself", "Include $/conf\n",
	    "$/conf:1: includes are nested too deep: $/conf\n" },
	{ "a relative include", "Include more\n",
	    "$/conf:1: an Include of a relative path: more\n" },
	{ "octets that cannot be shown", "Mode \x1b[31m\n",
	    "$/conf:1: OpenDKIM has no such mode: \\x1b[31m\n" },
};

static void expand(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '$')
			buf_add_text(out, folder);
		else
			buf_add_char(out, *text);
	}
}

START_TEST(refuses)
{
	struct buf errors, wanted;

	buf_init(&errors, 1000);
	buf_init(&wanted, 1000);
	write_file("more", "Mode q\n");
	write_file("conf", refused[_i].conf);
	expand(&wanted, refused[_i].wanted);
	ck_assert_msg(signer_load(path_of("conf"), &errors) == NULL, "%s", refused[_i].label);
	expect_slice(refused[_i].label, "the error", buf_slice(&errors), buf_text(&wanted));
	buf_free(&errors);
	buf_free(&wanted);
}
END_TEST

START_TEST(refuses_what_is_not_there)
{
	struct buf errors;

	buf_init(&errors, 1000);
	ck_assert_ptr_null(signer_load("/nonexistent/opendkim.conf", &errors));
	ck_assert_str_eq(buf_text(&errors),
	    "/nonexistent/opendkim.conf: cannot be read: No such file or directory\n");
	buf_reset(&errors);
	ck_assert_ptr_null(signer_load("/dev/zero", &errors));
	ck_assert_str_eq(buf_text(&errors), "/dev/zero: cannot be read: Invalid argument\n");
	buf_free(&errors);
	signer_free(NULL);
}
END_TEST

/* ---- ceilings ----------------------------------------------------------------------- */

static char *repeated(const char *text, size_t times)
{
	size_t len = strlen(text);
	char *all = must_alloc(len * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(all + i * len, text, len);
	all[len * times] = '\0';
	return all;
}

static void expect_table(const char *label, enum table_kind kind, const char *unit, size_t times,
    size_t count, const char *why)
{
	struct arena *arena = arena_new();
	char *text = repeated(unit, times);
	struct signer_table *table =
	    signer_table_parse(arena, kind, slice_of(text), kind == TABLE_FILE);

	ck_assert_msg(table->count == count, "%s: %zu entries", label, table->count);
	ck_assert_msg((table->why.data != NULL) == (why != NULL), "%s", label);
	if (why != NULL)
		ck_assert_msg(has(table->why, why), "%s: %.*s", label, SLICE_ARG(table->why));
	free(text);
	arena_free(arena);
}

START_TEST(has_ceilings)
{
	expect_table("entries", TABLE_FILE, "k v\n", TABLE_ENTRIES_MAX, TABLE_ENTRIES_MAX, NULL);
	expect_table("one more", TABLE_FILE, "k v\n", TABLE_ENTRIES_MAX + 1, 0, "over 50,000");
	expect_table("items", TABLE_LIST, "k=v,", TABLE_ENTRIES_MAX, TABLE_ENTRIES_MAX, NULL);
	expect_table("one item more", TABLE_LIST, "k=v,", TABLE_ENTRIES_MAX + 1, 0, "over 50,000");
	expect_table("a line", TABLE_FILE, "x", TABLE_LINE_MAX, 1, NULL);
	expect_table("a longer one", TABLE_FILE, "x", TABLE_LINE_MAX + 1, 0, "line 1 is longer");
	expect_table("a pattern", TABLE_PATTERNS, "*", 511, 1, NULL);
	expect_table("a longer pattern", TABLE_PATTERNS, "*", 512, 0, "pattern of line 1");
	expect_table("nothing", TABLE_FILE, "", 0, 0, NULL);
}
END_TEST

START_TEST(refuses_octets_that_are_too_many)
{
	struct arena *arena = arena_new();
	char *text = repeated("#234567\n", TABLE_OCTETS_MAX / 8 + 1), value[200];
	struct signer_table *table;

	write_file("keys", text);
	snprintf(value, sizeof value, "file:%s/keys", folder);
	table = signer_table_load(arena, slice_of(value), (struct slice){ NULL, 0 }, true);
	ck_assert_msg(has(table->why, "too large"), "%.*s", SLICE_ARG(table->why));
	free(text);
	arena_free(arena);
}
END_TEST

/* ---- the list of all ---------------------------------------------------------------- */

static void expect_list(const char *conf, const char *wanted, size_t templates)
{
	struct signer *signer = load(conf, conf);
	struct arena *arena = arena_new();
	struct signer_listing all;
	struct signings as_signings;

	signer_list(signer, arena, &all);
	as_signings.list = all.list;
	as_signings.count = all.count;
	expect_signings(conf, &as_signings, wanted);
	ck_assert_msg(all.templates == templates, "%s: %zu", conf, all.templates);
	ck_assert(!all.more);
	signer_free(signer);
	arena_free(arena);
}

START_TEST(lists)
{
	struct signer *signer;
	struct arena *arena = arena_new();
	struct signer_listing all;

	write_file("keys", KEYS);
	write_file("signing", "* k\n");
	expect_list(
	    TABLES, "example.com/s example.org/s2 third.example/s3 example.com/s example.com/r", 0);
	expect_list(ONE_KEY "Domain a.example, *, b.example\n", "a.example/one b.example/one", 1);
	expect_list("Syslog no\n", "", 0);
	expect_list(TABLES "Mode v\n", "", 0);
	/* "%" for the domains that the SigningTable names */
	write_file("keys", "k example.com:s:/k\nt %:t:/%\nown.example %:own:/%\n");
	write_file("signing",
	    "*@example.org k\n*@A.example t:@%\nann@a.EXAMPLE t\n*@b.example t\n"
	    "*@own.example %\n*@* %\n*@*.c.example t\n*@d.example %\n[x]@e.example t\n*@g nokey\n");
	expect_list(PATTERNS, "example.com/s a.example/t b.example/t own.example/own", 3);
	write_file("signing", "f.example t\n.f.example t\nann@* t\n* k\n");
	expect_list(TABLES, "example.com/s f.example/t", 2);
	signer = load("a table that is not there", "KeyTable $/gone\nSigningTable $/signing\n");
	signer_list(signer, arena, &all);
	ck_assert_ptr_nonnull(all.reason.data);
	signer_free(signer);
	arena_free(arena);
}
END_TEST

/* ---- does the key fit --------------------------------------------------------------- */

static const struct fit_row {
	const char *label, *file, *algorithm, *published;
	enum key_fit fit;
	unsigned bits;
} fit_rows[] = {
	{ "rsa", "rsa.private", "rsa-sha256", "v=DKIM1; k=rsa; p=" RSA2048_PUBLIC, KEY_FITS, 2048 },
	{ "p= alone", "rsa.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_FITS, 2048 },
	{ "a short one", "small.private", "rsa-sha256", "p=" RSA768_PUBLIC, KEY_FITS, 768 },
	{ "rsa-sha1", "rsa.private", "rsa-sha1", "p=" RSA2048_PUBLIC, KEY_FITS, 2048 },
	{ "ed25519", "ed.private", "ed25519-sha256", "v=DKIM1; k=ed25519; p=" SIGNER_ED25519_PUBLIC,
	    KEY_FITS, 256 },
	{ "another key", "other.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_DIFFERS, 2048 },
	{ "another key, longer", "rsa.private", "rsa-sha256", "p=" RSA1024_PUBLIC, KEY_DIFFERS,
	    1024 },
	{ "another ed25519 key", "ed.private", "ed25519-sha256", "k=ed25519; p=" ED25519_PUBLIC,
	    KEY_DIFFERS, 256 },
	{ "revoked", "rsa.private", "rsa-sha256", "v=DKIM1; p=", KEY_REVOKED, 0 },
	{ "no p=", "rsa.private", "rsa-sha256", "v=DKIM1; k=rsa", KEY_UNUSABLE, 0 },
	{ "no record", "rsa.private", "rsa-sha256", "hello there", KEY_UNUSABLE, 0 },
	{ "empty", "rsa.private", "rsa-sha256", "", KEY_UNUSABLE, 0 },
	{ "another version", "rsa.private", "rsa-sha256", "v=DKIM2; p=" RSA2048_PUBLIC,
	    KEY_UNUSABLE, 0 },
	{ "no base64", "rsa.private", "rsa-sha256", "p=!!!!", KEY_UNUSABLE, 0 },
	{ "no key", "rsa.private", "rsa-sha256", "p=AAAA", KEY_UNUSABLE, 0 },
	{ "a cut key", "rsa.private", "rsa-sha256", "p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB",
	    KEY_UNUSABLE, 0 },
	{ "another hash", "rsa.private", "rsa-sha256", "h=sha1; p=" RSA2048_PUBLIC, KEY_UNUSABLE,
	    0 },
	{ "another service", "rsa.private", "rsa-sha256", "s=tlsrpt; p=" RSA2048_PUBLIC,
	    KEY_UNUSABLE, 0 },
	{ "an unknown kind", "rsa.private", "rsa-sha256", "k=dsa; p=" RSA2048_PUBLIC, KEY_UNUSABLE,
	    0 },
	{ "garbage", "garbage.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_CANT_SIGN, 0 },
	{ "encrypted", "encrypted.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_CANT_SIGN, 0 },
	{ "ed25519 for rsa", "ed.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_CANT_SIGN, 0 },
	{ "not there", "gone.private", "rsa-sha256", "p=" RSA2048_PUBLIC, KEY_UNKNOWN, 0 },
};

START_TEST(fits)
{
	const struct fit_row *row = &fit_rows[_i];
	struct signer *signer = load(row->label, "Syslog no\n");
	struct arena *arena = arena_new();
	struct slice published = exact_text(row->published), reason;
	struct signing signing = { { NULL, 0 }, { NULL, 0 }, slice_of(row->algorithm),
		arena_copy(arena, slice_of(path_of(row->file))), true };

	for (int again = 0; again < 2; again++) {
		struct key_fit_answer answer =
		    signer_key_fit(signer, arena, &signing, published, &reason);

		ck_assert_msg(answer.fit == row->fit, "%s (%d): %d, %.*s", row->label, again,
		    answer.fit, SLICE_ARG(reason));
		ck_assert_msg(
		    answer.bits == row->bits, "%s (%d): %u bits", row->label, again, answer.bits);
		ck_assert_msg((reason.data == NULL) == (row->fit == KEY_FITS), "%s", row->label);
	}
	exact_free(published);
	signer_free(signer);
	arena_free(arena);
}
END_TEST

START_TEST(tells_why_an_encrypted_key_does_not_sign)
{
	struct signer *signer = load("encrypted", "Syslog no\n");
	struct arena *arena = arena_new();
	struct slice reason;
	struct signing signing = { { NULL, 0 }, { NULL, 0 }, SLICE("rsa-sha256"),
		arena_copy(arena, slice_of(path_of("encrypted.private"))), true };

	signer_key_fit(signer, arena, &signing, SLICE("p=" RSA1024_PUBLIC), &reason);
	/* and OpenSSL did not ask for the pass phrase */
	expect_slice("encrypted", "the reason", reason, "the private key is encrypted");
	signer_free(signer);
	arena_free(arena);
}
END_TEST

static void add_key_text(struct buf *text, const char *pem)
{
	for (const char *p = strchr(pem, '\n') + 1; *p != '-'; p++)
		if (*p != '\n')
			buf_add_char(text, *p);
}

static void expect_fit(struct signer *signer, struct arena *arena, const struct signing *signing,
    const char *published, enum key_fit wanted)
{
	struct slice reason;
	struct key_fit_answer answer =
	    signer_key_fit(signer, arena, signing, slice_of(published), &reason);

	ck_assert_msg(
	    answer.fit == wanted, "%s: %d, %.*s", published, answer.fit, SLICE_ARG(reason));
}

/* Two in the table, as base64 of DER; each is remembered by itself. */
START_TEST(fits_keys_in_the_table)
{
	struct arena *arena = arena_new();
	struct slice domain = SLICE("example.com");
	struct signings first, second;
	struct signer *signer;
	struct buf text;

	buf_init(&text, 5000);
	buf_add_text(&text, "KeyTable csl:k=example.com:s:");
	add_key_text(&text, RSA1024_PRIVATE);
	buf_add_text(&text, ",k2=example.com:s:");
	add_key_text(&text, RSA2048_PRIVATE);
	buf_add_text(&text, "\nSigningTable csl:*=k,bob@*=k2\n");
	signer = load("inline", buf_text(&text));
	ck_assert_int_eq(
	    signer_signings(signer, arena, SLICE("ann"), domain, &first), SIGNER_SIGNS);
	ck_assert_int_eq(
	    signer_signings(signer, arena, SLICE("bob"), domain, &second), SIGNER_SIGNS);
	for (int again = 0; again < 2; again++) {
		expect_fit(signer, arena, first.list, "p=" RSA1024_PUBLIC, KEY_FITS);
		expect_fit(signer, arena, first.list, "p=" RSA2048_PUBLIC, KEY_DIFFERS);
		expect_fit(signer, arena, second.list, "p=" RSA1024_PUBLIC, KEY_DIFFERS);
		expect_fit(signer, arena, second.list, "p=" RSA2048_PUBLIC, KEY_FITS);
	}
	/* another algorithm is another question */
	expect_fit(signer, arena, second.list, "h=sha256; p=" RSA2048_PUBLIC, KEY_FITS);
	second.list->algorithm = SLICE("rsa-sha1");
	expect_fit(signer, arena, second.list, "h=sha256; p=" RSA2048_PUBLIC, KEY_UNUSABLE);
	buf_free(&text);
	signer_free(signer);
	arena_free(arena);
}
END_TEST

/* Keys that only OpenDKIM's user may read: it signs, and we cannot tell whether they fit. */
START_TEST(knows_what_it_may_not_read)
{
	struct arena *arena = arena_new();
	struct slice reason = SLICE("");
	struct signings out;
	struct signer *signer;
	struct key_fit_answer fit = { KEY_FITS, 0, NULL };
	enum signer_answer answer;
	bool root = geteuid() == 0;

	write_file("keys", KEYS);
	write_file("signing", "* k\n");
	signer = load("not ours", TABLES);
	ck_assert_int_eq(chmod(path_of("rsa.private"), 0), 0);
	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	answer = signer_signings(signer, arena, SLICE("ann"), SLICE("example.com"), &out);
	if (out.count == 1)
		fit = signer_key_fit(signer, arena, out.list, SLICE("p=" RSA2048_PUBLIC), &reason);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(answer, SIGNER_SIGNS);
	ck_assert_int_eq(fit.fit, KEY_UNKNOWN);
	ck_assert_msg(has(reason, "Permission denied"), "%.*s", SLICE_ARG(reason));
	signer_free(signer);
	arena_free(arena);
}
END_TEST

/* ---- RequireSafeKeys ------------------------------------------------------------------ */

/* Where a file that all may read is exposed, and one of its owner's is not. */
static bool is_open_place(const char *path)
{
	char up[PATH_MAX];
	struct stat status;

	ck_assert_ptr_nonnull(realpath(path, up));
	for (;;) {
		if (stat(up, &status) != 0 || (status.st_mode & S_IWOTH) != 0 ||
		    (status.st_mode & (S_IXGRP | S_IXOTH)) == 0)
			return false;
		if (strcmp(up, "/") == 0)
			return true;
		*strrchr(up, '/') = '\0';
		if (up[0] == '\0')
			snprintf(up, sizeof up, "/");
	}
}

static void expect_look(
    struct arena *arena, char *path, mode_t above, mode_t mode, enum key_file wanted)
{
	char *slash = strrchr(path, '/');
	struct slice why;
	enum key_file got;

	*slash = '\0';
	ck_assert_int_eq(chmod(path, above), 0);
	*slash = '/';
	ck_assert_int_eq(chmod(path, mode), 0);
	got = key_file_look(arena, path, true, &why);
	ck_assert_msg(got == wanted, "%o %o: %d", above, mode, got);
	ck_assert_int_eq(key_file_look(arena, path, false, &why), KEY_FILE_GOOD);
}

START_TEST(sees_exposed_keys)
{
	struct arena *arena = arena_new();
	char place[] = "signer-keys-XXXXXX", path[100];
	FILE *f;

	/* all that lies in /tmp is exposed; the build folder is not, as a rule */
	if (!is_open_place(".")) {
		printf("note: RequireSafeKeys not tried: the folders above are not as usual\n");
		arena_free(arena);
		return;
	}
	ck_assert_ptr_nonnull(mkdtemp(place));
	snprintf(path, sizeof path, "%s/key", place);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	expect_look(arena, path, 0755, 0600, KEY_FILE_GOOD);
	expect_look(arena, path, 0755, 0640, KEY_FILE_GOOD);
	expect_look(arena, path, 0755, 0644, KEY_FILE_EXPOSED);
	expect_look(arena, path, 0755, 0602, KEY_FILE_EXPOSED);
	expect_look(arena, path, 0757, 0600, KEY_FILE_EXPOSED);
	expect_look(arena, path, 01777, 0600, KEY_FILE_EXPOSED);
	/* nobody else comes there */
	expect_look(arena, path, 0700, 0666, KEY_FILE_GOOD);
	unlink(path);
	rmdir(place);
	arena_free(arena);
}
END_TEST

/* A key file that is replaced is looked at again; more answers than are kept go round. */
START_TEST(remembers_no_longer_than_it_may)
{
	struct signer *signer = load("memory", "Syslog no\n");
	struct arena *arena = arena_new();
	struct slice reason, published = SLICE("p=" RSA1024_PUBLIC);
	struct signing signing = { { NULL, 0 }, { NULL, 0 }, SLICE("rsa-sha256"),
		arena_copy(arena, slice_of(path_of("other.private"))), true };

	ck_assert_int_eq(signer_key_fit(signer, arena, &signing, published, &reason).fit, KEY_FITS);
	write_file("other.private", RSA2048_PRIVATE);
	ck_assert_int_eq(
	    signer_key_fit(signer, arena, &signing, published, &reason).fit, KEY_DIFFERS);
	for (int i = 0; i < SIGNER_FITS_MAX + 10; i++) {
		struct slice record = arena_printf(arena, "n=%d; p=", i);

		ck_assert_int_eq(
		    signer_key_fit(signer, arena, &signing, record, &reason).fit, KEY_REVOKED);
	}
	ck_assert_int_eq(
	    signer_key_fit(signer, arena, &signing, published, &reason).fit, KEY_DIFFERS);
	signer_free(signer);
	arena_free(arena);
}
END_TEST

static void *ask_often(void *context)
{
	struct signer *signer = context;
	struct arena *arena = arena_new();

	for (int i = 0; i < 40; i++) {
		struct signings out;
		struct slice reason, published = arena_printf(arena, "n=%d; p=%s", i % 8,
					 i % 2 == 0 ? RSA2048_PUBLIC : RSA1024_PUBLIC);

		ck_assert_int_eq(
		    signer_signings(signer, arena, SLICE("ann"), SLICE("example.com"), &out),
		    SIGNER_SIGNS);
		ck_assert_int_eq(signer_key_fit(signer, arena, out.list, published, &reason).fit,
		    i % 2 == 0 ? KEY_FITS : KEY_DIFFERS);
	}
	arena_free(arena);
	return NULL;
}

START_TEST(is_shared_by_threads)
{
	pthread_t threads[4];
	struct signer *signer;

	write_file("keys", KEYS);
	write_file("signing", "* k\n");
	signer = load("threads", TABLES);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, signer), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	signer_free(signer);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("signer");
	TCase *tcase = tcase_create("signer");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, answers, 0, ROWS(rows));
	tcase_add_loop_test(tcase, refuses, 0, ROWS(refused));
	tcase_add_test(tcase, refuses_what_is_not_there);
	tcase_add_test(tcase, has_ceilings);
	tcase_add_test(tcase, refuses_octets_that_are_too_many);
	tcase_add_test(tcase, lists);
	tcase_add_loop_test(tcase, fits, 0, ROWS(fit_rows));
	tcase_add_test(tcase, tells_why_an_encrypted_key_does_not_sign);
	tcase_add_test(tcase, fits_keys_in_the_table);
	tcase_add_test(tcase, knows_what_it_may_not_read);
	tcase_add_test(tcase, sees_exposed_keys);
	tcase_add_test(tcase, remembers_no_longer_than_it_may);
	tcase_add_test(tcase, is_shared_by_threads);
	suite_add_tcase(suite, tcase);
	return suite;
}
