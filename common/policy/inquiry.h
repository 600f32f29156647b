/*
 * inquiry.h - all that is asked of others about one message.
 *
 * The facts of authentication (DNS, signatures) and of the directory (mailboxes,
 * logins), evaluated side by side under one budget.  Front ends call these steps
 * in the order of a transaction, and judge each stage behind its step:
 *
 *	inquiry_new       MAIL is known
 *	inquiry_sender    before STAGE_MAIL; may wait
 *	inquiry_header    behind STAGE_EOH; sends the questions out
 *	inquiry_body      as the body streams
 *	inquiry_finish    before STAGE_EOM; may wait
 *	inquiry_free      when nobody reads the facts any more
 */
#ifndef PRESEND_POLICY_INQUIRY_H
#define PRESEND_POLICY_INQUIRY_H

#include "policy/site.h"

struct inquiry;

/* now: as of when the message is judged, seconds since the epoch.  Site and message outlive it. */
struct inquiry *inquiry_new(const struct site *site, struct message *message, int64_t now);
void inquiry_sender(struct inquiry *q);
/*
 * Is a recipient's domain ours, although own_domains is silent?  For a recipient without
 * {rcpt_mailer}; may wait.  False where it could not be told.
 */
bool inquiry_serves(struct inquiry *q, struct slice domain);
void inquiry_header(struct inquiry *q);
bool inquiry_wants_body(const struct inquiry *q);
void inquiry_body(struct inquiry *q, struct slice piece);
void inquiry_finish(struct inquiry *q);
void inquiry_free(struct inquiry *q); /* NULL is allowed */

#endif
