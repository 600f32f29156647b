/*
 * identity.h - whom the daemon runs as.
 *
 * Started as root it becomes the configured user for good before it reads an
 * octet from outside; started as anybody else it stays that.
 */
#ifndef PRESEND_MILTER_IDENTITY_H
#define PRESEND_MILTER_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

enum { IDENTITY_NAME_MAX = 64 };

struct identity {
	char user[IDENTITY_NAME_MAX], group[IDENTITY_NAME_MAX]; /* names, or numbers in digits */
	uid_t uid;
	gid_t gid;
	bool drop; /* we are root, and are to become uid */
};

/*
 * Whom we are to run as.  False, with the reason in error, where we are root
 * and the user is missing or root itself.
 */
bool identity_find(const char *user, struct identity *id, struct buf *error);

/* Becomes that user for good, supplementary groups included; false with the reason in error. */
bool identity_drop(const struct identity *id, struct buf *error);

#endif
