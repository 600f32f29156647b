/*
 * run_as.h - whom the daemon runs as.
 *
 * Started as root it becomes the configured user for good before it reads an
 * octet from outside; started as anybody else it stays that.
 */
#ifndef PRESEND_MILTER_RUN_AS_H
#define PRESEND_MILTER_RUN_AS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

enum { RUN_AS_NAME_MAX = 64 };

struct run_as {
	char user[RUN_AS_NAME_MAX], group[RUN_AS_NAME_MAX]; /* names, or numbers in digits */
	uid_t uid;
	gid_t gid;
	bool drop; /* we are root, and are to become uid */
};

/*
 * Whom we are to run as.  False, with the reason in error, where we are root
 * and the user is missing or root itself.
 */
bool run_as_find(const char *user, struct run_as *id, struct buf *error);

/* Becomes that user for good, supplementary groups included; false with the reason in error. */
bool run_as_drop(const struct run_as *id, struct buf *error);

#endif
