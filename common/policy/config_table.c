/* config_table.c - the options of a configuration. */
#include "policy/config_table.h"

#include <string.h>

#define IN(type, member) offsetof(struct type, member)

const struct option config_root_options[] = {
	{ "mode", SCALAR, value_mode, IN(config, global.whole.mode), 0 },
	{ "socket", SCALAR, value_socket, IN(config, socket), 0 },
	{ "socket_mode", SCALAR, value_file_mode, IN(config, socket_mode), 0 },
	{ "socket_group", SCALAR, value_account, IN(config, socket_group), 0 },
	{ "user", SCALAR, value_account, IN(config, user), 0 },
	{ "pidfile", SCALAR, value_path, IN(config, pidfile), 0 },
	{ "log", SCALAR, value_log, IN(config, log), 0 },
	{ "log_format", SCALAR, value_log_format, IN(config, log_format), 0 },
	{ "facility", SCALAR, value_facility, IN(config, facility), 0 },
	{ "submitters", NETWORKS, value_network, IN(config, submitters), 0 },
	{ "listeners", STRINGS, value_item, IN(config, listeners), 0 },
	{ "not_listeners", STRINGS, value_item, IN(config, not_listeners), 0 },
	{ "cert_subjects", STRINGS, value_item, IN(config, cert_subjects), 0 },
	{ "authenticated", SCALAR, value_bool, IN(config, authenticated), 0 },
	{ "local_submission", SCALAR, value_bool, IN(config, local_submission), 0 },
	{ "internal", SCALAR, value_internal, IN(config, internal), 0 },
	{ "internal_mailers", STRINGS, value_item, IN(config, internal_mailers), 0 },
	{ "null_sender", SCALAR, value_null_sender, IN(config, null_sender), 0 },
	{ "own_domains", STRINGS, value_domain_pattern, IN(config, own_domains),
	    IN(config, own_domains_set) },
	{ "deadline", SCALAR, value_deadline, IN(config, deadline), 0 },
	{ "on_unknown", SCALAR, value_on_unknown, IN(config, on_unknown), 0 },
	{ "flag_header", SCALAR, value_field_name, IN(config, flag_header), 0 },
	{ "resolver", STRINGS, value_resolver, IN(config, resolver), 0 },
	{ "records", SCALAR, value_path, IN(config, records), 0 },
	{ "public_suffix_list", SCALAR, value_path, IN(config, public_suffix_list), 0 },
	{ "trust_anchor", SCALAR, value_path, IN(config, trust_anchor), 0 },
	{ "egress", NETWORKS, value_egress, IN(config, egress), 0 },
	{ "helo", SCALAR, value_host_name, IN(config, helo), 0 },
	{ "max_waiting", SCALAR, value_max_waiting, IN(config, max_waiting), 0 },
	{ "signer", SCALAR, value_signer, IN(config, signer), 0 },
	{ "directory", STRINGS, value_item, IN(config, directory), 0 },
	{ "catch_all", SCALAR, value_catch_all, IN(config, catch_all), 0 },
	{ "recipient_delimiter", SCALAR, value_delimiters, IN(config, recipient_delimiter), 0 },
	{ "login_domains", STRINGS, value_domain_name, IN(config, login_domains), 0 },
	{ "on_behalf", SCALAR, value_bool, IN(config, on_behalf), IN(config, on_behalf_set) },
	{ 0 },
};

const struct option config_check_options[] = {
	{ "action", SCALAR, value_action, IN(check_block, setting.action),
	    IN(check_block, setting.has_action) },
	{ "mode", SCALAR, value_mode, IN(check_block, setting.mode),
	    IN(check_block, setting.has_mode) },
	{ 0 },
};

const struct option config_domain_options[] = {
	{ "mode", SCALAR, value_mode, IN(domain_scope, scope.whole.mode),
	    IN(domain_scope, scope.whole.has_mode) },
	{ "egress", NETWORKS, value_egress, IN(domain_scope, egress), 0 },
	{ 0 },
};

const struct option config_class_options[] = {
	{ "mode", SCALAR, value_mode, IN(scope, whole.mode), IN(scope, whole.has_mode) },
	{ 0 },
};

const struct option config_exempt_options[] = {
	{ "client", NETWORKS, value_network, IN(exempt_section, exemption.client), 0 },
	{ "login", STRINGS, value_item, IN(exempt_section, exemption.login), 0 },
	{ "listener", STRINGS, value_item, IN(exempt_section, exemption.listener), 0 },
	{ "mail_from", STRINGS, value_item_or_empty, IN(exempt_section, exemption.mail_from), 0 },
	{ "header", STRINGS, value_header_condition, IN(exempt_section, exemption.header), 0 },
	{ "checks", STRINGS, value_check_pattern, IN(exempt_section, checks),
	    IN(exempt_section, checks_given) },
	{ 0 },
};

const struct option config_identity_options[] = {
	{ "domains", STRINGS, value_domain_pattern, IN(relay_identity, domains), 0 },
	{ "logins", STRINGS, value_item, IN(relay_identity, logins), 0 },
	{ "allow", STRINGS, value_address_pattern, IN(relay_identity, allow), 0 },
	{ "fields", BITS, value_identity_field, IN(relay_identity, fields), 0 },
	{ 0 },
};

static void add_rules(struct option rows[OPTIONS_MAX], const struct store_rule *rules)
{
	for (; rules->name != NULL; rules++) {
		size_t n = 0;

		while (rows[n].name != NULL && strcmp(rows[n].name, rules->name) != 0)
			n++;
		if (rows[n].name == NULL && n + 1 < OPTIONS_MAX)
			rows[n] = (struct option){ rules->name, STRINGS, value_any, 0, 0 };
	}
}

void config_store_options(struct option rows[OPTIONS_MAX])
{
	memset(rows, 0, OPTIONS_MAX * sizeof *rows);
	rows[0] = (struct option){ "type", STRINGS, value_any, 0, 0 };
	add_rules(rows, store_common_rules);
	for (size_t i = 0; store_classes[i] != NULL; i++)
		add_rules(rows, store_classes[i]->rules);
}
