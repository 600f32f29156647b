/*
 * signer.c - signing that happens after us: loading the snapshot.
 */
#include "signer/signer.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "key/key_file.h"
#include "signer/signer_parts.h"

const char *signer_answer_name(enum signer_answer answer)
{
	static const char *const names[] = { "signs", "signs-not", "defers", "unknown" };

	return names[answer];
}

/* ---- what OpenDKIM refuses to start with -------------------------------------------- */

static bool is_set(const struct signer *s, enum signer_parameter p)
{
	return s->config.settings[p].value.data != NULL;
}

static bool refuse(
    const struct signer *s, enum signer_parameter p, const char *what, struct buf *errors)
{
	const struct signer_setting *setting = &s->config.settings[p];

	buf_printf(errors, "%s:%u: %s: ", setting->file, setting->line, what);
	utf8_escape(errors, slice_part(setting->value, 0, 200));
	buf_add_char(errors, '\n');
	return false;
}

static bool take_algorithm(struct signer *s, struct buf *errors)
{
	static const char *const known[] = { "rsa-sha256", "ed25519-sha256", "rsa-sha1" };
	struct slice value = signer_config_value(&s->config, SIGNER_ALGORITHM);

	s->algorithm = slice_of(known[0]);
	if (value.data == NULL)
		return true;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		s->algorithm = slice_of(known[i]);
		if (slice_equal_nocase(value, s->algorithm))
			return true;
	}
	return refuse(s, SIGNER_ALGORITHM, "OpenDKIM has no such algorithm", errors);
}

static bool take_mode(struct signer *s, struct buf *errors)
{
	struct slice value = signer_config_value(&s->config, SIGNER_MODE);

	s->signs = value.data == NULL || slice_find(value, 's') < value.len;
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != 's' && value.data[i] != 'v')
			return refuse(s, SIGNER_MODE, "OpenDKIM has no such mode", errors);
	return true;
}

/* Which parameters need which. */
static bool check_together(const struct signer *s, struct buf *errors)
{
	bool one_key = !is_set(s, SIGNER_KEY_TABLE);
	bool key = is_set(s, SIGNER_KEY_FILE), selector = is_set(s, SIGNER_SELECTOR);

	if (is_set(s, SIGNER_SIGNING_TABLE) && one_key)
		return refuse(s, SIGNER_SIGNING_TABLE, "SigningTable without KeyTable", errors);
	if (!s->signs)
		return true;
	if (one_key && key && !selector)
		return refuse(s, SIGNER_KEY_FILE, "KeyFile without Selector", errors);
	if (one_key && selector && !key)
		return refuse(s, SIGNER_SELECTOR, "Selector without KeyFile", errors);
	if (one_key && is_set(s, SIGNER_DOMAIN) && !key)
		return refuse(s, SIGNER_DOMAIN, "Domain without KeyFile and Selector", errors);
	if (!one_key && !is_set(s, SIGNER_SIGNING_TABLE) && !is_set(s, SIGNER_SETUP_SCRIPT))
		return refuse(s, SIGNER_KEY_TABLE, "KeyTable without SigningTable", errors);
	return true;
}

/* ---- what the tables hold ----------------------------------------------------------- */

bool signer_key_entry(const struct table_entry *entry, struct slice *domain, struct slice *selector,
    struct slice *key)
{
	struct slice value = entry->value;
	size_t first = slice_find(value, ':');
	struct slice rest = slice_part(value, first + 1, value.len);
	size_t second = slice_find(rest, ':');

	*domain = slice_part(value, 0, first);
	*selector = slice_part(rest, 0, second);
	*key = slice_part(rest, second + 1, rest.len);
	return domain->len > 0 && selector->len > 0 && key->len > 0;
}

bool signer_key_is_path(struct slice key)
{
	return slice_starts_nocase(key, SLICE("/")) || slice_starts_nocase(key, SLICE("./")) ||
	       slice_starts_nocase(key, SLICE("../"));
}

struct slice signer_lower(struct arena *arena, struct slice s)
{
	struct slice copy = arena_copy(arena, s);

	for (size_t i = 0; i < copy.len; i++)
		((char *)copy.data)[i] = ascii_lower(copy.data[i]);
	return copy;
}

static struct slice expand(struct arena *arena, struct slice text, struct slice domain)
{
	struct slice result;
	struct buf out;

	buf_init(&out, TABLE_OCTETS_MAX);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '%')
			buf_add_slice(&out, domain);
		else
			buf_add_char(&out, text.data[i]);
	}
	result = arena_copy(arena, buf_slice(&out));
	buf_free(&out);
	return result;
}

static struct slice absolute(struct arena *arena, struct slice directory, struct slice path)
{
	if (path.len > 0 && path.data[0] == '/')
		return arena_copy(arena, path);
	if (directory.len == 0 || directory.data[0] != '/')
		return (struct slice){ NULL, 0 };
	return arena_printf(arena, "%.*s/%.*s", SLICE_ARG(directory), SLICE_ARG(path));
}

struct slice signer_key_file_path(const struct signer *signer, struct arena *arena)
{
	return absolute(arena, signer_config_value(&signer->config, SIGNER_BASE_DIRECTORY),
	    signer_config_value(&signer->config, SIGNER_KEY_FILE));
}

struct slice signer_table_key_path(
    const struct signer *signer, struct arena *arena, struct slice key, struct slice domain)
{
	struct slice root = signer_config_value(&signer->config, SIGNER_ROOT_DIRECTORY);

	/* OpenDKIM expands "%" in absolute paths alone */
	if (key.data[0] == '/')
		key = expand(arena, key, domain);
	/* with its change of root it goes to that directory */
	if (root.data != NULL)
		return absolute(arena, SLICE(""),
		    arena_printf(arena, "%.*s/%.*s", SLICE_ARG(root), SLICE_ARG(key)));
	return absolute(arena, signer_config_value(&signer->config, SIGNER_BASE_DIRECTORY), key);
}

/* NULL if the parameter is not set; what keeps it from use keeps us from any answer. */
static struct signer_table *load_table(struct signer *s, enum signer_parameter p, bool exact)
{
	struct slice value = signer_config_value(&s->config, p);
	struct slice base = signer_config_value(&s->config, SIGNER_BASE_DIRECTORY);
	struct signer_table *table;

	if (value.data == NULL)
		return NULL;
	if (base.len > 0 && base.data[0] != '/')
		base = (struct slice){ NULL, 0 };
	table = signer_table_load(s->arena, value, base, exact);
	if (table->why.data != NULL && s->why_unknown.data == NULL)
		s->why_unknown = arena_printf(s->arena, "the data set %.*s of OpenDKIM: %.*s",
		    SLICE_ARG(value), SLICE_ARG(table->why));
	return table;
}

static void load_tables(struct signer *s)
{
	s->exempt = load_table(s, SIGNER_EXEMPT_DOMAINS, false);
	s->signing_table = load_table(s, SIGNER_SIGNING_TABLE, false);
	s->key_table = load_table(s, SIGNER_KEY_TABLE, true);
	if (s->key_table == NULL)
		s->domains = load_table(s, SIGNER_DOMAIN, false);
}

/*
 * At its start OpenDKIM looks up the keys of the SigningTable, but stops at the
 * first entry without a signer, so that most tables are not looked at.
 */
static void check_keys(struct signer *s)
{
	const struct signer_table *table = s->signing_table;

	if (!s->signs || table == NULL || table->kind == TABLE_PATTERNS)
		return;
	for (size_t i = 0; i < table->count; i++) {
		struct slice value = table->entries[i].value, domain, selector, key;
		size_t colon = slice_find(value, ':');
		const struct table_entry *entry;
		enum table_answer found;

		if (value.data != NULL && colon + 1 >= value.len)
			return;
		found = signer_table_find(s->key_table, slice_part(value, 0, colon), &entry);
		if (found == TABLE_UNCLEAR ||
		    (found == TABLE_FOUND && signer_key_entry(entry, &domain, &selector, &key)))
			continue;
		s->why_unknown = arena_printf(s->arena,
		    "OpenDKIM does not start: the KeyTable has no valid key \"%.*s\", which the "
		    "SigningTable names",
		    SLICE_ARG(slice_part(value, 0, colon)));
		return;
	}
}

/* It reads the one of KeyFile at its start. */
static void check_key_file(struct signer *s)
{
	bool safe = signer_config_is(&s->config, SIGNER_SAFE_KEYS, true);
	struct slice path = signer_key_file_path(s, s->arena), why;
	enum key_file what;

	if (s->key_table != NULL || !is_set(s, SIGNER_KEY_FILE) || path.data == NULL)
		return;
	what = key_file_look(s->arena, path.data, safe, &why);
	if (what == KEY_FILE_MISSING || what == KEY_FILE_EXPOSED)
		s->why_unknown =
		    arena_printf(s->arena, "OpenDKIM does not start: %.*s", SLICE_ARG(why));
}

/* Parameters by which something else than the tables decides. */
static void check_scripts(struct signer *s)
{
	struct slice headers = signer_config_value(&s->config, SIGNER_SENDER_HEADERS);

	if (is_set(s, SIGNER_SETUP_SCRIPT))
		s->why_unknown = SLICE("a SetupPolicyScript of OpenDKIM decides what is signed");
	else if (is_set(s, SIGNER_SENDER_MACRO))
		s->why_unknown = SLICE("OpenDKIM takes the author from SenderMacro");
	else if (headers.data != NULL && !slice_equal_nocase(headers, SLICE("From")))
		s->why_unknown = SLICE("OpenDKIM takes the author from SenderHeaders");
}

/* ---- the snapshot ------------------------------------------------------------------- */

struct signer *signer_load(const char *path, struct buf *errors)
{
	struct arena *arena = arena_new();
	struct signer *s = arena_alloc(arena, sizeof *s);

	s->arena = arena;
	if (!signer_config_load(arena, path, &s->config, errors) || !take_algorithm(s, errors) ||
	    !take_mode(s, errors) || !check_together(s, errors)) {
		arena_free(arena);
		return NULL;
	}
	check_scripts(s);
	load_tables(s);
	if (s->why_unknown.data == NULL)
		check_keys(s);
	if (s->why_unknown.data == NULL)
		check_key_file(s);
	s->fitter = key_fitter_new();
	s->memory = fit_memory_new();
	return s;
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	key_fitter_free(signer->fitter);
	fit_memory_free(signer->memory);
	arena_free(signer->arena);
}
