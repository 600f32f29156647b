/*
 * config_table.h - the options of a configuration: one row says of each its form
 * and where its value goes.  For config_parse.c alone.
 */
#ifndef PRESEND_POLICY_CONFIG_TABLE_H
#define PRESEND_POLICY_CONFIG_TABLE_H

#include <stddef.h>

#include "policy/config.h"
#include "policy/config_value.h"
#include "policy/setting.h"

enum option_kind { SCALAR, STRINGS, NETWORKS, BITS };

struct option {
	const char *name; /* NULL behind the last */
	enum option_kind kind;
	value_form *form;
	size_t target; /* offset in the struct of its section */
	size_t given;  /* offset of a bool that says that it was set; 0: none */
};

/* An exemption, and what its list of checks says until all files are read. */
struct exempt_section {
	struct exemption exemption;
	struct string_list checks;
	bool checks_given;
	char *where; /* "FILE:LINE" of the section read last */
};

enum { OPTIONS_MAX = 64 }; /* of a section */

/* Each ended by a row without a name. */
extern const struct option config_root_options[];
extern const struct option config_check_options[];  /* of struct check_block */
extern const struct option config_domain_options[]; /* of struct domain_scope */
extern const struct option config_class_options[];  /* of struct scope */
extern const struct option config_exempt_options[]; /* of struct exempt_section */
extern const struct option config_identity_options[];

/*
 * The options of a section `store`: those of every store that this program has,
 * each once, without targets.  What a store takes of them, the store says.
 */
void config_store_options(struct option rows[OPTIONS_MAX]);

#endif
