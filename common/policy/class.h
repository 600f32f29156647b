/*
 * class.h - is this message ours to judge, and is this recipient outside?
 */
#ifndef PRESEND_POLICY_CLASS_H
#define PRESEND_POLICY_CLASS_H

#include <stdbool.h>

#include "message/message.h"
#include "policy/config.h"

/*
 * The class of a transaction, from what is known at MAIL: listener before
 * authenticated before local before submitter.  CLASS_NONE: not ours, as is
 * everything of a listener in not_listeners, and a class that is switched off
 * (authenticated = false, local_submission = false) unless a later rule takes
 * it.  No later rule takes a local submission: its address, the loopback, is
 * no client's, and stands among the submitters by default.
 */
enum sender_class class_decide(const struct config *config, const struct transaction *t);

/*
 * Does mail to this recipient stay inside?  mailer is the macro {rcpt_mailer},
 * not there when the MTA did not say; then the domain decides, and a local part
 * without one is inside.
 */
bool recipient_is_internal(
    const struct config *config, struct slice mailer, const struct path *recipient);

#endif
