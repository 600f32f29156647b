/*
 * record_auth.h - the part of a record that tells of authentication: `dkim`,
 * `signer` (what one behind us will add), `spf` and `dmarc`.
 *
 * A part that was not evaluated is absent; evaluated and empty it is [].
 */
#ifndef PRESEND_AUDIT_RECORD_AUTH_H
#define PRESEND_AUDIT_RECORD_AUTH_H

#include "audit/json.h"
#include "auth/authentication.h"

/* What SPF said of one address, as a member of an array. */
void record_spf_fact(struct json *json, const struct spf_fact *fact);

/* One verdict as the member key; every_member: also what a record leaves out (record, problem). */
void record_dmarc_verdict(
    struct json *json, const char *key, const struct dmarc_verdict *v, bool every_member);

/* The members of that object, into one that is open. */
void record_dmarc_members(struct json *json, const struct dmarc_verdict *v, bool every_member);

/* What a signer behind us will do, and the signatures that it will add, into an open object. */
void record_signer_members(struct json *json, const struct authentication *a);

/* All parts; a: NULL where nothing was evaluated.  At most list members of each array. */
void record_authentication(struct json *json, const struct authentication *a, size_t list);

#endif
