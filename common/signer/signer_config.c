/*
 * signer_config.c - what opendkim.conf(5) says about who is signed for.
 */
#include "signer/signer_config.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

static const struct parameter {
	const char *name;
	bool boolean;
} parameters[SIGNER_PARAMETERS] = {
	[SIGNER_BASE_DIRECTORY] = { "BaseDirectory", false },
	[SIGNER_ROOT_DIRECTORY] = { "ChangeRootDirectory", false },
	[SIGNER_DOMAIN] = { "Domain", false },
	[SIGNER_EXEMPT_DOMAINS] = { "ExemptDomains", false },
	[SIGNER_KEY_FILE] = { "KeyFile", false },
	[SIGNER_KEY_TABLE] = { "KeyTable", false },
	[SIGNER_MODE] = { "Mode", false },
	[SIGNER_MULTIPLE] = { "MultipleSignatures", true },
	[SIGNER_SAFE_KEYS] = { "RequireSafeKeys", true },
	[SIGNER_SELECTOR] = { "Selector", false },
	[SIGNER_SENDER_HEADERS] = { "SenderHeaders", false },
	[SIGNER_SENDER_MACRO] = { "SenderMacro", false },
	[SIGNER_SETUP_SCRIPT] = { "SetupPolicyScript", false },
	[SIGNER_ALGORITHM] = { "SignatureAlgorithm", false },
	[SIGNER_SIGNING_TABLE] = { "SigningTable", false },
	[SIGNER_SUBDOMAINS] = { "SubDomains", true },
};

/* ---- one line ----------------------------------------------------------------------- */

/* Where a line stands, and where what is read from it goes. */
struct place {
	struct arena *arena;
	struct signer_config *config;
	struct buf *errors;
	const char *file;
	unsigned line, level;
};

static bool refuse(const struct place *at, const char *what, struct slice name)
{
	buf_printf(at->errors, "%s:%u: %s", at->file, at->line, what);
	if (name.data != NULL) {
		buf_add_text(at->errors, ": ");
		utf8_escape(at->errors, slice_part(name, 0, 200));
	}
	buf_add_char(at->errors, '\n');
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_blank(s.data[0]))
		s = slice_part(s, 1, s.len);
	return s;
}

/* A line without its comment; a carriage return ends it too. */
static struct slice uncommented(struct slice line)
{
	line = slice_part(line, 0, slice_find(line, '#'));
	return trim(slice_part(line, 0, slice_find(line, '\r')));
}

/* OpenDKIM looks at the first octet alone. */
static bool is_boolean(struct slice value)
{
	return memchr("tTyY1fFnN0", value.data[0], 10) != NULL;
}

static bool include(const struct place *at, struct slice value);

static bool set(const struct place *at, struct slice name, struct slice value)
{
	for (size_t p = 0; p < SIGNER_PARAMETERS; p++) {
		if (!slice_equal_nocase(name, slice_of(parameters[p].name)))
			continue;
		if (parameters[p].boolean && !is_boolean(value))
			return refuse(at, "neither yes nor no", name);
		at->config->settings[p] =
		    (struct signer_setting){ arena_copy(at->arena, value), at->file, at->line };
	}
	return true;
}

/* line = [ name 1*blank value ] */
static bool read_line(const struct place *at, struct slice line)
{
	size_t space = 0;
	struct slice name, value;

	line = uncommented(line);
	if (line.len == 0)
		return true;
	while (space < line.len && !is_blank(line.data[space]))
		space++;
	name = slice_part(line, 0, space);
	value = trim(slice_part(line, space, line.len));
	if (value.len == 0)
		return refuse(at, "a parameter without a value", name);
	if (slice_equal_nocase(name, SLICE("Include")))
		return include(at, value);
	return set(at, name, value);
}

/* ---- files -------------------------------------------------------------------------- */

bool signer_config_parse(struct arena *arena, const char *path, struct slice text, unsigned level,
    struct signer_config *config, struct buf *errors)
{
	struct place at = { arena, config, errors, path, 0, level };

	while (text.len > 0) {
		struct slice line = slice_part(text, 0, slice_find(text, '\n'));

		text = slice_part(text, line.len + 1, text.len);
		at.line++;
		if (memchr(line.data, '\0', line.len) != NULL)
			return refuse(&at, "a NUL in the line", (struct slice){ NULL, 0 });
		if (!read_line(&at, line))
			return false;
	}
	return true;
}

static bool load(const struct place *from, const char *path, unsigned level)
{
	struct buf text;
	bool good = false;
	int error;

	buf_init(&text, CONFIG_FILE_OCTETS);
	error = file_read_whole(path, &text);
	if (error == 0)
		good = signer_config_parse(
		    from->arena, path, buf_slice(&text), level, from->config, from->errors);
	else if (from->line > 0)
		refuse(from, strerror(error), slice_of(path));
	else
		buf_printf(from->errors, "%s: cannot be read: %s\n", path, strerror(error));
	buf_free(&text);
	return good;
}

static bool include(const struct place *at, struct slice value)
{
	if (at->level >= CONFIG_LEVELS)
		return refuse(at, "includes are nested too deep", value);
	if (++at->config->files > CONFIG_INCLUDES)
		return refuse(at, "too many includes", value);
	if (value.data[0] != '/')
		return refuse(at, "an Include of a relative path", value);
	return load(at, arena_copy(at->arena, value).data, at->level + 1);
}

bool signer_config_load(
    struct arena *arena, const char *path, struct signer_config *config, struct buf *errors)
{
	struct place outside = { arena, config, errors, path, 0, 0 };

	memset(config, 0, sizeof *config);
	return load(&outside, arena_copy(arena, slice_of(path)).data, 0);
}

struct slice signer_config_value(const struct signer_config *config, enum signer_parameter p)
{
	return config->settings[p].value;
}

bool signer_config_is(const struct signer_config *config, enum signer_parameter p, bool otherwise)
{
	struct slice value = config->settings[p].value;

	return value.data == NULL ? otherwise : memchr("tTyY1", value.data[0], 5) != NULL;
}
