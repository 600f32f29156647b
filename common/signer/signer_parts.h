/*
 * signer_parts.h - what the files of the signer share; nobody else includes it.
 */
#ifndef PRESEND_SIGNER_SIGNER_PARTS_H
#define PRESEND_SIGNER_SIGNER_PARTS_H

#include "signer/signer.h"
#include "signer/signer_config.h"
#include "signer/signer_table.h"

struct fit_memory;

/* Immutable but for the memory, which has a lock of its own. */
struct signer {
	struct arena *arena;
	struct signer_config config;
	struct slice algorithm;
	bool signs; /* Mode has an "s" */
	struct slice
	    why_unknown; /* why nothing can be told of any message; not there when it can */

	/* NULL where the parameter is not set */
	struct signer_table *key_table, *signing_table, *domains, *exempt;

	struct key_fitter *fitter; /* NULL: the library could not be set up */
	struct fit_memory *memory;
};

/*
 * The value of a KeyTable's entry, DOMAIN:SELECTOR:KEY; false if OpenDKIM
 * calls it corrupt.
 */
bool signer_key_entry(const struct table_entry *entry, struct slice *domain, struct slice *selector,
    struct slice *key);

/* Is this the path of a key, or the key itself? */
bool signer_key_is_path(struct slice key);

/*
 * The path of the key as Presend opens it, with a NUL behind it.  A relative one
 * begins at BaseDirectory, and is not there when that is not set.  Keys of a
 * KeyTable are read after ChangeRootDirectory, the one of KeyFile before; in
 * those of a KeyTable "%" stands for the domain.
 */
struct slice signer_key_file_path(const struct signer *signer, struct arena *arena);
struct slice signer_table_key_path(
    const struct signer *signer, struct arena *arena, struct slice key, struct slice domain);

/* A copy with the letters A to Z in lower case. */
struct slice signer_lower(struct arena *arena, struct slice s);

struct fit_memory *fit_memory_new(void);
void fit_memory_free(struct fit_memory *memory);

#endif
