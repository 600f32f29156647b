/*
 * signer_config.h - what opendkim.conf(5) says about who is signed for.
 *
 * Only the parameters that decide whether and how a message is signed are
 * taken; a name that is not known here is passed over, since builds and
 * versions of OpenDKIM know different ones.  As in OpenDKIM the last setting of
 * a parameter counts, and Include is followed; one with a relative path is
 * refused, since it begins wherever OpenDKIM was started.
 *
 * Ceilings: CONFIG_FILE_OCTETS a file, CONFIG_INCLUDES files in all; beyond
 * either the configuration is refused.
 */
#ifndef PRESEND_SIGNER_SIGNER_CONFIG_H
#define PRESEND_SIGNER_SIGNER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"

enum {
	CONFIG_FILE_OCTETS = 1024 * 1024,
	CONFIG_INCLUDES = 100,
	CONFIG_LEVELS = 5, /* OpenDKIM's own: files that an Include may be deep */
};

enum signer_parameter {
	SIGNER_BASE_DIRECTORY,
	SIGNER_ROOT_DIRECTORY,
	SIGNER_DOMAIN,
	SIGNER_EXEMPT_DOMAINS,
	SIGNER_KEY_FILE,
	SIGNER_KEY_TABLE,
	SIGNER_MODE,
	SIGNER_MULTIPLE,
	SIGNER_SAFE_KEYS,
	SIGNER_SELECTOR,
	SIGNER_SENDER_HEADERS,
	SIGNER_SENDER_MACRO,
	SIGNER_SETUP_SCRIPT,
	SIGNER_ALGORITHM,
	SIGNER_SIGNING_TABLE,
	SIGNER_SUBDOMAINS,
	SIGNER_PARAMETERS,
};

struct signer_setting {
	struct slice value; /* not there when the parameter is not set */
	const char *file;   /* where it was set */
	unsigned line;
};

struct signer_config {
	struct signer_setting settings[SIGNER_PARAMETERS];
	size_t files;
};

/*
 * Reads the file and what it includes.  False with one line "FILE:LINE: what"
 * in errors when OpenDKIM would not start with it, or it cannot be read.  All
 * that config holds afterwards lives in the arena.
 */
bool signer_config_load(
    struct arena *arena, const char *path, struct signer_config *config, struct buf *errors);

/* The same for a text that is at hand; level: how deep in includes it stands. */
bool signer_config_parse(struct arena *arena, const char *path, struct slice text, unsigned level,
    struct signer_config *config, struct buf *errors);

/* The value; not there when the parameter is not set. */
struct slice signer_config_value(const struct signer_config *config, enum signer_parameter p);

/* Of a parameter that is true or false. */
bool signer_config_is(const struct signer_config *config, enum signer_parameter p, bool otherwise);

#endif
