/*
 * secret.h - the password of a store: the option `password`, or the first line of the file
 * `password_file`.
 *
 * The file is read anew for each connection, so a changed password needs no reload.  A
 * password is never part of a reason or of a line in the log.
 */
#ifndef PRESEND_STORE_SECRET_H
#define PRESEND_STORE_SECRET_H

#include "store/store.h"

enum { SECRET_SIZE = 1024 };

struct secret {
	char *text, *path;
};

/* False with a line in notes: both options are given, or it is too long. */
bool secret_init(struct secret *secret, const struct store_options *options, struct buf *notes);
void secret_free(struct secret *secret);

/* Is there a password at all? */
bool secret_is_set(const struct secret *secret);

/* The password, "" if there is none; PERMFAIL with the reason: the file cannot be read. */
enum lookup_status secret_read(
    const struct secret *secret, char out[SECRET_SIZE], struct store_reply *reply);
void secret_forget(char text[SECRET_SIZE]);

#endif
