/* class.c - is this message ours to judge, and is this recipient outside? */
#include "policy/class.h"

#include "syntax/domain.h"

static bool is_submitter(const struct config *config, const struct ip *client)
{
	for (size_t i = 0; i < config->submitters.count; i++)
		if (ip_in_network(client, &config->submitters.items[i]))
			return true;
	return false;
}

static bool is_authenticated(const struct config *config, const struct transaction *t)
{
	return t->login.len > 0 || (t->cert_subject.len > 0 &&
				       string_list_has(&config->cert_subjects, t->cert_subject));
}

enum sender_class class_decide(const struct config *config, const struct transaction *t)
{
	/* an item of a list is never empty, so a missing {daemon_name} is in none */
	if (string_list_has(&config->not_listeners, t->daemon_name))
		return CLASS_NONE;
	if (string_list_has(&config->listeners, t->daemon_name))
		return CLASS_LISTENER;
	if (config->authenticated && is_authenticated(config, t))
		return CLASS_AUTHENTICATED;
	if (t->local_submission)
		return config->local_submission ? CLASS_LOCAL : CLASS_NONE;
	return is_submitter(config, &t->client) ? CLASS_SUBMITTER : CLASS_NONE;
}

bool recipient_is_internal(
    const struct config *config, struct slice mailer, const struct path *recipient)
{
	struct arena *arena;
	struct slice domain;
	bool internal;

	if (mailer.len > 0)
		return string_list_has(&config->internal_mailers, mailer);
	/* a local part alone is completed with the host's own domain */
	if (recipient->no_domain)
		return true;
	if (recipient->domain.len == 0 || config->own_domains.count == 0)
		return false;
	arena = arena_new();
	internal = domain_to_ascii(arena, recipient->domain, &domain) &&
		   domain_list_has(&config->own_domains, domain);
	arena_free(arena);
	return internal;
}
