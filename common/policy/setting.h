/*
 * setting.h - what the configuration says of one check and one message.
 *
 * The `check "pattern" { action mode }` blocks of a scope are resolved into
 * one array when the configuration is loaded; what is left to do for a message
 * is to find its scopes: those of its domain (the exact name, then "*.x" from
 * long to short), then its class, then the global one.  The first scope that
 * says something wins, for the action and for the mode apart.  `domain` means
 * the author's domain, for the checks envelope.* that of MAIL FROM.
 */
#ifndef PRESEND_POLICY_SETTING_H
#define PRESEND_POLICY_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "check/check.h"
#include "message/message.h"
#include "policy/config.h"

/* The action configured for a check and this message: domain, class, global, the table's. */
enum action setting_action(
    const struct config *config, const struct message *message, const struct check *check);

/*
 * The mode in force; check NULL: of the message as a whole.  Called by
 * policy_mode of judge.c and by nobody else.
 */
enum mode setting_mode(
    const struct config *config, const struct message *message, const struct check *check);

/*
 * The addresses that the message leaves from: those of its author's domain, else
 * of the domain of MAIL FROM, by which mail servers choose a way out, else the
 * global ones.
 */
const struct network_list *setting_egress(
    const struct config *config, const struct message *message);

/* Is this check exempted for the message?  Then its findings are for the log only. */
bool setting_exempt(
    const struct config *config, const struct message *message, const struct check *check);

/* What a pattern over the names of checks stands for. */
enum check_pattern_state {
	CHECK_PATTERN_UNKNOWN, /* no check has such a name */
	CHECK_PATTERN_LATER,   /* only checks that this version does not have */
	CHECK_PATTERN_ROWS,    /* at least one row of the table */
};
enum check_pattern_state check_pattern_state(const char *pattern);

/* One `check` section as read; the pattern is a check's name, or has a "*". */
struct check_block {
	char *pattern;
	struct setting setting;
};

/*
 * Resolves the blocks of a scope, in the order in which they were read: an
 * exact name before a longer pattern before a shorter one, of two equals the
 * later; the action and the mode apart.
 */
void scope_resolve(struct scope *scope, const struct check_block *blocks, size_t count);

/*
 * Marks the rows that an exemption holds for, from its list `checks`; NULL:
 * the list was not given, so all rows that can be meant.  False for a row (or
 * name of a later version) at MAIL or RCPT together with a condition `header`,
 * since no header is known there.
 */
bool exemption_resolve(struct exemption *exemption, const struct string_list *patterns);

/* The order of config->domains, which the lookup needs: for qsort. */
int domain_scope_compare(const void *a, const void *b);

#endif
