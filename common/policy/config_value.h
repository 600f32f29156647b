/*
 * config_value.h - the forms of single values in a configuration.
 *
 * Each function takes one value as written.  With a target it stores the value
 * there (for a list: appends it); without, it only looks.  On false the reason
 * is in why, as what follows the option's name in an error.  What an option's
 * target is stands beside each function.
 */
#ifndef PRESEND_POLICY_CONFIG_VALUE_H
#define PRESEND_POLICY_CONFIG_VALUE_H

#include <stdbool.h>

#include "base/buf.h"

typedef bool value_form(const char *text, void *target, struct buf *why);

/* words: int, or an enum */
value_form value_mode;
value_form value_action;
value_form value_log;
value_form value_log_format;
value_form value_facility;
value_form value_internal;
value_form value_null_sender;
value_form value_on_unknown;
value_form value_catch_all;

value_form value_bool;        /* bool */
value_form value_deadline;    /* double, seconds */
value_form value_max_waiting; /* int */
value_form value_file_mode;   /* unsigned */

/* texts: char *, which is freed and replaced */
value_form value_socket;
value_form value_account;
value_form value_path;
value_form value_signer;
value_form value_field_name;
value_form value_host_name;
value_form value_text;
value_form value_delimiters; /* characters that part a sub-address */

/* items: struct string_list, but value_network and value_egress: struct network_list */
value_form value_item;
value_form value_item_or_empty;
value_form value_any; /* no target */
value_form value_domain_name;
value_form value_identity_field; /* unsigned, of enum identity_field: bits are added */
value_form value_domain_pattern;
value_form value_address_pattern; /* its domain becomes one in A-form */
value_form value_check_pattern;
value_form value_header_condition;
value_form value_resolver;
value_form value_network;
value_form value_egress; /* as value_network, of fewer items */

#endif
