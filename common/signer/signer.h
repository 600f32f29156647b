/*
 * signer.h - signing that happens after us: what OpenDKIM will do with a
 * message, from its own configuration and tables.
 *
 * With `signer = "opendkim:FILE"` a message that passes Presend is not signed
 * yet.  This tells whether it would be, with which d=, s= and algorithm, and
 * whether the private key belongs to the published one.  It does as the program
 * OpenDKIM 2.11 does, also where its manual says otherwise.
 *
 * A snapshot: made by signer_load before threads use it, freed as a whole,
 * shared by threads.  Only the answers about keys are remembered in it, behind
 * a mutex.  Private keys are read when they are asked about and forgotten.
 *
 * Out of scope, and taken as given: that OpenDKIM signs for this client
 * (InternalHosts, ExternalIgnoreList, PeerList, MTA, MacroList), for these
 * recipients (DontSignMailTo), that it was started without options that
 * override the file, and the author it reads: the first address of From.
 *
 * Ceilings: those of signer_table.h, signer_config.h, key_file.h, key_fit.h;
 *   signings of a message   SIGNINGS_MAX: of more OpenDKIM makes the first and the last
 *   signings of all tables  SIGNINGS_LISTED_MAX, then `more` is true
 *   remembered answers      SIGNER_FITS_MAX, then the oldest gives way
 */
#ifndef PRESEND_SIGNER_SIGNER_H
#define PRESEND_SIGNER_SIGNER_H

#include "base/arena.h"
#include "base/buf.h"
#include "signer/key_fit.h"

enum {
	SIGNINGS_MAX = 2,
	SIGNINGS_LISTED_MAX = 10000,
	SIGNER_FITS_MAX = 256,
};

struct signer;

/*
 * Reads the configuration and its tables.  NULL, with one line "FILE:LINE:
 * what" in errors, if the configuration cannot be read, or OpenDKIM would refuse
 * it.  Tables and keys that cannot be read make no error: see SIGNER_UNKNOWN.
 */
struct signer *signer_load(const char *path, struct buf *errors);
void signer_free(struct signer *signer); /* NULL is allowed */

/*
 * SIGNER_DEFERS is a certain answer, not a signature: OpenDKIM finds that it
 * should sign and cannot, and answers 4xx until its operator has mended that.
 * For a message it is no proof of anything, like SIGNER_UNKNOWN.
 */
enum signer_answer {
	SIGNER_SIGNS,
	SIGNER_SIGNS_NOT,
	SIGNER_DEFERS,
	SIGNER_UNKNOWN, /* could not tell */
};

/* Its word in records: "signs", "signs-not", "defers", "unknown". */
const char *signer_answer_name(enum signer_answer answer);

/* One signature that OpenDKIM adds. */
struct signing {
	struct slice domain, selector; /* d= and s=, letter for letter */
	struct slice algorithm;        /* "rsa-sha256", "ed25519-sha256"; "rsa-sha1" is refused
	                                  by receivers (RFC 8301) */
	struct slice key;              /* its path, NUL behind it, or the key itself: never shown */
	bool key_in_file;              /* which of both */
};

struct signings {
	struct signing *list;
	size_t count;
	struct slice reason; /* unless it signs: a sentence; with octets of the tables, so
	                        escape it.  "" where it signs */
};

/*
 * What becomes of a message whose author is local_part "@" domain, both as
 * they stand in From: letter for letter, quotes in place (split the address of
 * struct mailbox, not its local_part).  Opens the files of the keys.
 */
enum signer_answer signer_signings(const struct signer *signer, struct arena *arena,
    struct slice local_part, struct slice domain, struct signings *out);

/*
 * All that the tables sign as, for `presend domain`, in their order.  For a
 * domain that they cover by a pattern alone ask signer_signings.
 */
struct signer_listing {
	struct signing *list;
	size_t count;
	size_t templates;    /* entries that sign as more domains, which no list tells of */
	bool more;           /* there are over SIGNINGS_LISTED_MAX */
	struct slice reason; /* why there is no list: could not tell; not there when there is */
};

void signer_list(const struct signer *signer, struct arena *arena, struct signer_listing *listing);

/*
 * Does its private key belong to the record published at
 * SELECTOR._domainkey.DOMAIN?  Costs a signature and a verification, the first
 * time.  A private key that cannot be read: KEY_UNKNOWN.  *reason, in the arena,
 * where it does not fit; else not there.
 */
struct key_fit_answer signer_key_fit(const struct signer *signer, struct arena *arena,
    const struct signing *signing, struct slice published, struct slice *reason);

#endif
