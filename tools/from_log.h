/*
 * from_log.h - `presend address --from-log`: whose senders have no mailbox, and which logins
 * use addresses that they may not use, by what a log says.
 *
 * Each pair of an address and a login is asked about once, whatever the length of the log;
 * the ceilings stand in pairs.h and queue_logins.h.
 */
#ifndef PRESEND_TOOLS_FROM_LOG_H
#define PRESEND_TOOLS_FROM_LOG_H

#include "policy/site.h"
#include "tools/options.h"

/* The exit status.  The site has stores. */
int from_log(const struct options *o, struct site *site);

#endif
