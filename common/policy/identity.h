/*
 * identity.h - what a relay lets us send as.
 *
 * A relay (Amazon SES, Microsoft 365, ...) takes certain addresses only, in From,
 * Sender or Return-Path.  A section `identity` of the configuration says which,
 * for which sender domains or logins.
 */
#ifndef PRESEND_POLICY_IDENTITY_H
#define PRESEND_POLICY_IDENTITY_H

#include "directory/claims.h"
#include "policy/config.h"

/*
 * The fact for a message whose claims are known (claimant_header).  The identity
 * that applies is the first whose `domains` have the domain of MAIL FROM or
 * From, or whose `logins` have the login; one with neither applies to all.
 */
struct identity_fact identity_judge(const struct config *config, const struct message *message);

#endif
