/*
 * expected.h - the rows dkim.signed and dkim.key where the signature is added
 * by a signer behind us whose tables can be read: for dkim.c alone.
 */
#ifndef PRESEND_CHECK_EXPECTED_H
#define PRESEND_CHECK_EXPECTED_H

#include "check/check.h"

/* Is a signature to come that will verify and is aligned, under at least one standard? */
bool expected_has_good(const struct message *message);

/* dkim.signed: nothing that is in the message, or to come, counts. */
void check_expected_signed(struct check_run *run);

/* dkim.key, of the keys that will be used. */
void check_expected_keys(struct check_run *run);

#endif
