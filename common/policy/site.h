/*
 * site.h - a configuration, and all that it takes to judge by it: resolver,
 * public suffix list, verifier.
 *
 * Made as a whole before a configuration is put in force, immutable from then
 * on, and counted by reference: a message keeps the site that it began with,
 * and the last user frees it.  Front ends (milter, command line, test) judge by
 * a site, and differ only in what they put in the place of the configuration.
 */
#ifndef PRESEND_POLICY_SITE_H
#define PRESEND_POLICY_SITE_H

#include <stdatomic.h>

#include "auth/authentication.h"
#include "directory/directory.h"
#include "policy/config.h"

/* What a command line says instead of the configuration. */
struct site_options {
	bool offline;               /* nobody is asked over the network */
	const char *records;        /* NULL: the configuration's */
	const char *suffix_list;    /* NULL: the configuration's */
	struct network_list egress; /* empty: the configuration's, per domain too */
	const char *mailboxes; /* a store, "type:path", in the place of `directory`; NULL: none */
	const char *helo;      /* NULL: the configuration's */
	bool opendmarc;        /* opinion_start was called */
};

struct site {
	struct config *config;
	struct resolver *resolver; /* NULL: nobody is asked */
	struct gate gate;
	struct suffix_list *suffixes;
	struct verifier_library *verifier;
	struct directory *directory;   /* NULL: there is no store */
	struct signer *signer;         /* NULL: none behind us, or none whose tables can be read */
	struct auth_services services; /* of the above */
	struct network_list egress;    /* in the place of the configuration's, if not empty */
	char *helo;                    /* likewise, if not NULL */
	char *host_name;
	atomic_uint references;
};

/*
 * Opens what the configuration names; takes over the caller's reference of it,
 * also on failure.  NULL with one line in errors: *given then says that what is
 * at fault is named by the options, not by the configuration.  Starts threads
 * (dns/unbound.h).
 */
struct site *site_open(
    struct config *config, const struct site_options *options, struct buf *errors, bool *given);

/* One more reference; returns the same site. */
struct site *site_ref(struct site *site);

/* Gives a reference back; the last one frees it.  NULL is allowed. */
void site_unref(struct site *site);

/* How long a message may wait, as configured; the gate is the site's. */
struct patience site_patience(const struct site *site);

/*
 * The evaluation of a message whose MAIL is known, judged as of now (seconds
 * since the epoch).  patience is the message's and lives as long as it.
 */
struct authenticator *site_authenticator(
    const struct site *site, struct patience *patience, struct message *message, int64_t now);

/* The name that we say to receivers: as configured, else the MTA's, else the host's. */
struct slice site_helo(const struct site *site, const struct message *message);

/* authenticator_header, by the way that the message leaves. */
void site_authenticate_header(
    const struct site *site, struct authenticator *a, const struct message *message);

#endif
