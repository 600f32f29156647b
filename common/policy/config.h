/*
 * config.h - the configuration: immutable once loaded, shared by reference.
 *
 * A reload makes a new one; messages under way keep the one they took at MAIL,
 * and the last user frees it.  All lookups that a message needs are prepared at
 * load time, so that reading a setting is an array access.
 */
#ifndef PRESEND_POLICY_CONFIG_H
#define PRESEND_POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/net.h"
#include "check/check.h"
#include "message/message.h"
#include "store/store.h"

enum mode { MODE_AUDIT, MODE_ENFORCE };
const char *mode_name(enum mode mode);

enum internal_rule { INTERNAL_PASS, INTERNAL_AUDIT, INTERNAL_JUDGE };
enum null_sender_rule { NULL_SENDER_LOG, NULL_SENDER_JUDGE };
enum catch_all_rule { CATCH_ALL_NOTHING, CATCH_ALL_MAILBOX };
enum unknown_rule { UNKNOWN_ACCEPT, UNKNOWN_TEMPFAIL };
enum log_target { LOG_TO_SYSLOG, LOG_TO_STDERR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_TEXT };

struct string_list {
	char **items;
	size_t count;
};

struct network_list {
	struct network *items;
	size_t count;
};

/* What one scope says of one check; "unset" asks the next scope. */
struct setting {
	bool has_action, has_mode;
	enum action action;
	enum mode mode;
};

/* The settings of a scope, resolved for each row of the table of checks. */
struct scope {
	struct setting checks[CHECKS_MAX];
	struct setting whole; /* the mode set for the scope as such; no action */
};

struct domain_scope {
	char *pattern; /* A-labels, lower case; "*.x" for subdomains of x */
	struct scope scope;
	struct network_list egress; /* in the place of the global one; empty: not given */
};

/* AND between the kinds of condition, OR inside a list; an empty list is no condition. */
struct exemption {
	char *name;
	struct network_list client;
	struct string_list login; /* exact, or a pattern with "*" */
	struct string_list listener;
	struct string_list mail_from; /* pattern over the address; "" is the null sender */
	struct string_list header;    /* "Name", or "Name: pattern" */
	bool checks[CHECKS_MAX];
};

/* A section `store`: its options as they were written. */
struct store_section {
	char *name;
	struct store_option *options; /* names are constants, values are ours */
	size_t count;
};

enum identity_field { IDENTITY_FROM = 1, IDENTITY_SENDER = 2, IDENTITY_RETURN_PATH = 4 };

/* A section `identity`: what a relay lets us send as. */
struct relay_identity {
	char *name;
	struct string_list domains; /* patterns, A-form: of MAIL FROM or From, that it is for */
	struct string_list logins;  /* exact, or patterns with "*" */
	struct string_list allow;   /* patterns over addresses */
	unsigned fields;            /* of enum identity_field; all where none is given */
};

struct config {
	char *path; /* NULL: the defaults, no file */

	/* the daemon */
	char *socket;
	unsigned socket_mode;
	char *socket_group; /* NULL: postfix if there is such a group */
	char *user;
	char *pidfile; /* NULL: none */
	enum log_target log;
	enum log_format log_format;
	int facility; /* LOG_MAIL, ... */

	/* whose mail is judged */
	struct network_list submitters;
	struct string_list listeners, not_listeners, cert_subjects;
	bool authenticated, local_submission;
	enum internal_rule internal;
	struct string_list internal_mailers;
	enum null_sender_rule null_sender;
	struct string_list own_domains; /* patterns, A-labels, lower case */
	bool own_domains_set;           /* false: the daemon asks Postfix (own_domains.h) */

	/* where facts come from */
	struct string_list resolver; /* as value_resolver has them; empty: /etc/resolv.conf */
	char *trust_anchor;          /* a file to prove answers by, NULL: none are proved */
	char *records;               /* NULL: none */
	char *public_suffix_list;    /* NULL: the system's */
	double deadline;             /* seconds that a message may wait in all */
	int max_waiting;             /* messages that may wait at once */

	/* how mail leaves */
	struct network_list egress; /* empty: not known */
	char *helo;                 /* NULL: the MTA's own name, else the host's */
	char *signer;               /* as value_signer has it; NULL: before */

	/* who may send as whom */
	struct string_list directory; /* names of stores, or "type:path", in the order of asking */
	struct store_section *stores;
	size_t store_count;
	enum catch_all_rule catch_all;
	char *recipient_delimiter;        /* NULL: none */
	struct string_list login_domains; /* that logins without a domain belong to */
	bool on_behalf; /* a Sender of one's own, or Resent-From, lets another's From pass */
	bool on_behalf_set;
	struct relay_identity *identities;
	size_t identity_count;

	/* what becomes of findings */
	struct scope global;
	struct scope classes[SENDER_CLASSES];
	struct domain_scope *domains; /* exact names first, then longer patterns before shorter */
	size_t domain_count;
	struct exemption *exemptions;
	size_t exemption_count;
	enum unknown_rule on_unknown;
	char *flag_header;

	unsigned references; /* of config.c */
};

enum {
	CONFIG_OCTETS_MAX = 1024 * 1024, /* of a file */
	CONFIG_FILES_MAX = 1000,         /* in conf.d */
	CONFIG_ITEMS_MAX = 10000,        /* of a list */
	CONFIG_SECTIONS_MAX = 10000,     /* of all files together */
	CONFIG_TEXT_MAX = 1000,          /* octets of a value or title */
	CONFIG_EGRESS_MAX = 32,          /* addresses and networks of an egress */
};

/*
 * Reads path (NULL: the defaults alone), then the *.conf files of the folder
 * conf.d beside it in name order.  On failure NULL, with one line a fault in
 * errors, each "FILE:LINE: what is wrong".  Names known to the contract whose
 * part is not in this version are accepted, with a line each in warnings.
 * The caller owns a reference.
 */
struct config *config_load(const char *path, struct buf *errors, struct buf *warnings);

/* As config_load, from one text in memory that is called name in errors; conf.d is not read. */
struct config *config_from_text(
    const char *name, struct slice text, struct buf *errors, struct buf *warnings);

/* One more reference; returns the same configuration. */
struct config *config_ref(struct config *config);

/* Gives a reference back; the last one frees it.  Thread-safe, NULL is allowed. */
void config_unref(struct config *config);

/* Gives back what the section holds. */
void config_store_free(struct store_section *section);

/* The files that a load of path would read, for `-t`: path, then conf.d. */
struct string_list config_files(const char *path);
void string_list_free(struct string_list *list);

/* Appends a copy of the text. */
void string_list_add(struct string_list *list, struct slice text);

/* Does an item of the list equal the text, case of letters aside? */
bool string_list_has(const struct string_list *list, struct slice text);

/* Does a pattern of the list (exact name, "*.x") match the domain, given in A-form, lower case? */
bool domain_list_has(const struct string_list *list, struct slice domain);

/*
 * The pattern of a domain list in the form that domain_list_has wants: A-labels,
 * lower case.  False, with the reason in why, when it is no domain name.
 */
bool domain_pattern_prepare(
    struct arena *arena, struct slice pattern, struct slice *out, const char **why);

#endif
