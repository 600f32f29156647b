/*
 * own_domains.h - the default of own_domains: what Postfix itself calls its own.
 *
 * Only the daemon asks, once a load, before the configuration is shared; the
 * command line judges the same with and without a mail server on the host.
 */
#ifndef PRESEND_POLICY_OWN_DOMAINS_H
#define PRESEND_POLICY_OWN_DOMAINS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "policy/config.h"

enum {
	OWN_DOMAINS_OCTETS_MAX = 1024 * 1024, /* of Postfix's answer, and of a file that it names */
	OWN_DOMAINS_SECONDS = 5,              /* that Postfix may take to answer */
};

/*
 * Where own_domains is not set, fills it with Postfix's mydestination,
 * virtual_alias_domains and virtual_mailbox_domains; without Postfix it stays
 * empty.  What could not be read (a map, an exclusion, a file) gets a line in
 * notes.  To be called before anybody else has a reference.
 */
void own_domains_default(struct config *config, struct buf *notes);

/*
 * The two halves, for tests.  own_domains_ask runs the program as postconf and
 * gives its output; false when it cannot be run, fails, is late or says too
 * much.  own_domains_read adds the names that such an output holds.
 */
bool own_domains_ask(const char *program, int seconds, struct buf *output);
void own_domains_read(struct slice output, struct string_list *domains, struct buf *notes);

#endif
