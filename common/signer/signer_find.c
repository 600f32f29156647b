/*
 * signer_find.c - what OpenDKIM does with a message of one author.
 *
 * The order of everything is that of mlfi_eoh() and dkimf_apply_signtable().
 */
#include <string.h>

#include "key/key_file.h"
#include "signer/signer.h"
#include "signer/signer_parts.h"

enum {
	ADDRESS_CUT = 256, /* OpenDKIM looks for so many octets of an address */
	NAME_CUT = 1024,   /* and of the name of a key */
	DOMAIN_CUT = 256,
};

/* What OpenDKIM notices of a signature only when it makes it. */
enum flaw {
	FLAWLESS,
	FLAW_SIGNER, /* an i= that no signature can have */
	FLAW_HOLLOW, /* neither domain nor selector nor key */
};

struct search {
	const struct signer *signer;
	struct arena *arena;
	struct slice user, domain; /* the domain in lower case */
	struct signings *out;
	enum flaw flaws[SIGNINGS_MAX];
};

static enum signer_answer say(struct search *s, enum signer_answer answer, struct slice reason)
{
	s->out->reason = reason;
	return answer;
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] > 127)
			return false;
	return true;
}

static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < ' ' || s.data[i] > '~')
			return false;
	return true;
}

/* ---- one signature ------------------------------------------------------------------ */

/* The key of a file must be there; one that we may not read is OpenDKIM's own affair. */
static enum signer_answer look_at_key(struct search *s, const struct signing *signing)
{
	bool safe = signer_config_is(&s->signer->config, SIGNER_SAFE_KEYS, true);
	struct slice why;

	if (!signing->key_in_file)
		return SIGNER_SIGNS;
	if (signing->key.data == NULL)
		return say(s, SIGNER_UNKNOWN,
		    SLICE("the path of the key is relative, and there is no BaseDirectory"));
	switch (key_file_look(s->arena, signing->key.data, safe, &why)) {
	case KEY_FILE_GOOD:
	case KEY_FILE_UNKNOWN: return SIGNER_SIGNS;
	case KEY_FILE_MISSING:
	case KEY_FILE_EXPOSED: break;
	}
	return say(s, SIGNER_DEFERS, why);
}

/*
 * OpenDKIM hangs each new signature behind the first, where one that was there
 * already is lost: what remains of many is the first and the last.
 */
static void add(struct search *s, struct signing signing, enum flaw flaw)
{
	if (s->out->count < SIGNINGS_MAX)
		s->out->count++;
	signing.algorithm = s->signer->algorithm;
	s->out->list[s->out->count - 1] = signing;
	s->flaws[s->out->count - 1] = flaw;
}

/* What keeps it from signing when all keys are there. */
static enum signer_answer conclude(struct search *s)
{
	for (size_t i = 0; i < s->out->count; i++)
		/* measured: it reports the error of a handle that there is not */
		if (!is_printable(s->out->list[i].domain) ||
		    !is_printable(s->out->list[i].selector))
			return say(s, SIGNER_UNKNOWN,
			    SLICE("OpenDKIM crashes when it signs as a domain that is not ASCII"));
	for (size_t i = 0; i < s->out->count; i++)
		switch (s->flaws[i]) {
		case FLAWLESS: break;
		case FLAW_SIGNER:
			return say(s, SIGNER_SIGNS_NOT,
			    SLICE("OpenDKIM cannot sign: the SigningTable has a signer without "
				  "\"@\""));
		case FLAW_HOLLOW:
			return say(s, SIGNER_DEFERS,
			    SLICE("the KeyTable has a name without DOMAIN:SELECTOR:KEY"));
		}
	return SIGNER_SIGNS;
}

/* Of the key that the SigningTable names. */
static enum signer_answer add_key(struct search *s, struct slice name, enum flaw flaw)
{
	struct signing signing = { 0 };
	const struct table_entry *entry = NULL;
	enum signer_answer answer;

	if (slice_equal(name, SLICE("%")))
		name = s->domain;
	switch (signer_table_find(s->signer->key_table, slice_part(name, 0, NAME_CUT), &entry)) {
	case TABLE_FOUND: break;
	case TABLE_UNCLEAR:
		return say(s, SIGNER_UNKNOWN,
		    SLICE("the KeyTable has regular expressions that Presend does not read"));
	case TABLE_NOTFOUND:
		return say(s, SIGNER_DEFERS,
		    arena_printf(s->arena,
			"the SigningTable names the key \"%.*s\", which the KeyTable does not have",
			SLICE_ARG(name)));
	}
	if (entry->value.data == NULL) {
		add(s, signing, FLAW_HOLLOW);
		return SIGNER_SIGNS;
	}
	if (!signer_key_entry(entry, &signing.domain, &signing.selector, &signing.key))
		return say(s, SIGNER_DEFERS,
		    arena_printf(s->arena,
			"the entry \"%.*s\" of the KeyTable is not DOMAIN:SELECTOR:KEY",
			SLICE_ARG(name)));
	if (slice_equal(signing.domain, SLICE("%")))
		signing.domain = s->domain;
	if (signing.domain.len > DOMAIN_CUT || signing.selector.len > NAME_CUT)
		return say(s, SIGNER_UNKNOWN, SLICE("a name in the KeyTable is too long"));
	signing.key_in_file = signer_key_is_path(signing.key);
	if (signing.key_in_file)
		signing.key =
		    signer_table_key_path(s->signer, s->arena, signing.key, signing.domain);
	answer = look_at_key(s, &signing);
	if (answer == SIGNER_SIGNS)
		add(s, signing, flaw);
	return answer;
}

/*
 * An entry of the SigningTable matched: KEY [ ":" SIGNER ].  The signer becomes
 * i=; OpenDKIM leaves it out where it does not suit d=, but without an "@" no
 * signature of the message comes about, and it leaves unsigned.
 */
static enum signer_answer add_entry(struct search *s, const struct table_entry *entry)
{
	struct slice value = entry->value;
	size_t colon = slice_find(value, ':');
	struct slice name = slice_part(value, 0, colon);
	struct slice signer = slice_part(value, colon + 1, colon + 1 + ADDRESS_CUT);

	if (value.data != NULL && value.len == 0)
		return say(s, SIGNER_DEFERS,
		    arena_printf(s->arena, "the entry \"%.*s\" of the SigningTable names no key",
			SLICE_ARG(entry->key)));
	if (signer.len > 0 && slice_find(signer, '@') == signer.len)
		return add_key(s, name, FLAW_SIGNER);
	return add_key(s, name, FLAWLESS);
}

/* ---- the SigningTable --------------------------------------------------------------- */

static bool wants_all(struct search *s)
{
	return signer_config_is(&s->signer->config, SIGNER_MULTIPLE, false);
}

static struct slice address_of(struct search *s, struct slice domain)
{
	return slice_part(
	    arena_printf(s->arena, "%.*s@%.*s", SLICE_ARG(s->user), SLICE_ARG(domain)), 0,
	    ADDRESS_CUT);
}

/* SIGNS: go on; another answer ends the search. */
static enum signer_answer walk_patterns(struct search *s)
{
	struct slice address = address_of(s, s->domain);
	const struct table_entry *entry;
	enum signer_answer answer;
	size_t position = 0;

	for (;;) {
		switch (signer_table_next(s->signer->signing_table, address, &position, &entry)) {
		case TABLE_NOTFOUND: return SIGNER_SIGNS;
		case TABLE_UNCLEAR:
			return say(s, SIGNER_UNKNOWN,
			    SLICE("the SigningTable has regular expressions that Presend does not "
				  "read"));
		case TABLE_FOUND: break;
		}
		if (entry->value.data == NULL)
			return say(s, SIGNER_UNKNOWN,
			    arena_printf(s->arena,
				"OpenDKIM crashes on the pattern \"%.*s\" without a key",
				SLICE_ARG(entry->key)));
		answer = add_entry(s, entry);
		if (answer != SIGNER_SIGNS || !wants_all(s))
			return answer;
	}
}

/* One form of the address; true when the search is over, with *answer. */
static bool try(struct search *s, struct slice key, enum signer_answer *answer)
{
	const struct table_entry *entry;

	/* it finds nothing for a key that is not ASCII */
	if (!is_ascii(key) ||
	    signer_table_find(s->signer->signing_table, key, &entry) != TABLE_FOUND)
		return false;
	*answer = add_entry(s, entry);
	return *answer != SIGNER_SIGNS || !wants_all(s);
}

/*
 * user@host, host, then for each domain above the host user@.domain and
 * .domain, then user@*, then *.
 */
static enum signer_answer look_up_forms(struct search *s)
{
	enum signer_answer answer = SIGNER_SIGNS;
	struct slice up = s->domain;

	if (try(s, address_of(s, s->domain), &answer) || try(s, s->domain, &answer))
		return answer;
	while (slice_find(up, '.') < up.len) {
		up = slice_part(up, slice_find(up, '.'), up.len);
		if (try(s, address_of(s, up), &answer) || try(s, up, &answer))
			return answer;
		up = slice_part(up, 1, up.len);
	}
	if (!try(s, address_of(s, SLICE("*")), &answer))
		try(s, SLICE("*"), &answer);
	return answer;
}

static enum signer_answer by_tables(struct search *s)
{
	enum signer_answer answer;

	if (s->signer->signing_table->kind == TABLE_PATTERNS)
		answer = walk_patterns(s);
	else
		answer = look_up_forms(s);
	if (answer == SIGNER_SIGNS && s->out->count == 0)
		return say(s, SIGNER_SIGNS_NOT,
		    arena_printf(s->arena, "the SigningTable has no entry for %.*s@%.*s",
			SLICE_ARG(s->user), SLICE_ARG(s->domain)));
	return answer;
}

/* ---- one key for all domains -------------------------------------------------------- */

/* Which domain is signed for; not there if none. */
static enum table_answer find_domain(struct search *s, struct slice *domain)
{
	const struct signer_table *table = s->signer->domains;
	const struct table_entry *entry;
	enum table_answer found = signer_table_find(table, s->domain, &entry);
	struct slice up = s->domain;

	*domain = s->domain;
	if (found == TABLE_NOTFOUND)
		found = signer_table_find(table, SLICE("*"), &entry);
	while (found == TABLE_NOTFOUND &&
	       signer_config_is(&s->signer->config, SIGNER_SUBDOMAINS, false) &&
	       slice_find(up, '.') + 1 < up.len) {
		up = slice_part(up, slice_find(up, '.') + 1, up.len);
		*domain = up;
		found = signer_table_find(table, up, &entry);
	}
	return found;
}

static enum signer_answer by_domain(struct search *s)
{
	struct signing signing = { 0 };

	if (s->signer->domains == NULL)
		return say(s, SIGNER_SIGNS_NOT,
		    SLICE("OpenDKIM has neither a SigningTable nor a Domain to sign for"));
	switch (find_domain(s, &signing.domain)) {
	case TABLE_FOUND: break;
	case TABLE_NOTFOUND:
		return say(s, SIGNER_SIGNS_NOT,
		    arena_printf(
			s->arena, "%.*s is not in OpenDKIM's Domain", SLICE_ARG(s->domain)));
	case TABLE_UNCLEAR:
		return say(s, SIGNER_UNKNOWN,
		    SLICE("Domain has regular expressions that Presend does not read"));
	}
	signing.selector = signer_config_value(&s->signer->config, SIGNER_SELECTOR);
	signing.key = signer_key_file_path(s->signer, s->arena);
	signing.key_in_file = true;
	/* the key was read when OpenDKIM started */
	add(s, signing, FLAWLESS);
	return SIGNER_SIGNS;
}

/* ---- the question ------------------------------------------------------------------- */

static enum signer_answer by_exemption(struct search *s)
{
	const struct table_entry *entry;

	if (s->signer->exempt == NULL)
		return SIGNER_SIGNS;
	switch (signer_table_find(s->signer->exempt, s->domain, &entry)) {
	case TABLE_NOTFOUND: return SIGNER_SIGNS;
	case TABLE_FOUND: break;
	case TABLE_UNCLEAR:
		return say(s, SIGNER_UNKNOWN,
		    SLICE("ExemptDomains has regular expressions that Presend does not read"));
	}
	return say(s, SIGNER_SIGNS_NOT,
	    arena_printf(s->arena, "%.*s is in ExemptDomains", SLICE_ARG(s->domain)));
}

/* Octets with which OpenDKIM would look elsewhere than we do. */
static bool is_odd(struct slice s)
{
	return memchr(s.data, '\0', s.len) != NULL || memchr(s.data, '/', s.len) != NULL;
}

/* It looks all up before it comes to its Mode: what it cannot find defers the mail. */
static enum signer_answer by_mode(struct search *s, enum signer_answer answer)
{
	if (s->signer->signs)
		return answer == SIGNER_SIGNS ? conclude(s) : answer;
	if (answer == SIGNER_DEFERS)
		return answer;
	return say(s, SIGNER_SIGNS_NOT, SLICE("OpenDKIM's Mode does not sign"));
}

static enum signer_answer look_up(struct search *s, struct slice domain)
{
	enum signer_answer answer;

	if (s->signer->why_unknown.data != NULL)
		return say(s, SIGNER_UNKNOWN, s->signer->why_unknown);
	if (s->user.len == 0 || domain.len == 0)
		return say(s, SIGNER_SIGNS_NOT, SLICE("OpenDKIM finds no author"));
	if (is_odd(domain) || memchr(s->user.data, '\0', s->user.len) != NULL)
		return say(s, SIGNER_UNKNOWN, SLICE("the author has octets that no address has"));
	s->domain = signer_lower(s->arena, slice_part(domain, 0, DOMAIN_CUT));
	answer = by_exemption(s);
	if (answer != SIGNER_SIGNS)
		return answer;
	return s->signer->signing_table != NULL ? by_tables(s) : by_domain(s);
}

enum signer_answer signer_signings(const struct signer *signer, struct arena *arena,
    struct slice local_part, struct slice domain, struct signings *out)
{
	struct search s = { signer, arena, local_part, { NULL, 0 }, out, { FLAWLESS } };
	enum signer_answer answer;

	*out = (struct signings){ NULL, 0, SLICE("") };
	out->list = arena_alloc(arena, SIGNINGS_MAX * sizeof *out->list);
	answer = by_mode(&s, look_up(&s, domain));
	if (answer != SIGNER_SIGNS)
		out->count = 0;
	return answer;
}
