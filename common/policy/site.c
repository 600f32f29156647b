/* site.c - a configuration, and all that it takes to judge by it. */
#include "policy/site.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns/cache.h"
#include "dns/records.h"
#include "dns/unbound.h"
#include "policy/setting.h"

enum { HOST_NAME_MAX_OCTETS = 255 };

/* ---- opening ----------------------------------------------------------------------- */

static bool asks_nobody(const struct config *c)
{
	return c->resolver.count == 1 && strcmp(c->resolver.items[0], "none") == 0;
}

static bool open_network(struct site *site, struct buf *errors)
{
	const struct config *c = site->config;
	const struct unbound_options options = {
		.servers = (const char *const *)c->resolver.items,
		.server_count = c->resolver.count,
		.trust_anchor = c->trust_anchor,
	};
	struct resolver *unbound;

	if (asks_nobody(c))
		return true;
	unbound = unbound_resolver_new(&options, errors);
	if (unbound != NULL)
		site->resolver = cache_resolver_new(unbound, &cache_defaults);
	return unbound != NULL;
}

/* The records file before what there is. */
static bool open_records(struct site *site, const char *path, struct buf *errors)
{
	if (path != NULL)
		site->resolver = records_resolver_load(path, site->resolver, errors);
	return path == NULL || site->resolver != NULL;
}

/* The configuration of a signer behind us, where `signer` names one. */
static bool open_signer(struct site *site, struct buf *errors)
{
	static const char prefix[] = "opendkim:";
	const char *signer = site->config->signer;

	if (signer == NULL || strncmp(signer, prefix, sizeof prefix - 1) != 0)
		return true;
	site->signer = signer_load(signer + sizeof prefix - 1, errors);
	return site->signer != NULL;
}

/* The section that `directory` names, else what it says is a store in short form. */
static struct store_options store_of(
    const struct config *c, const char *name, struct store_option *short_form)
{
	for (size_t i = 0; i < c->store_count; i++)
		if (strcmp(c->stores[i].name, name) == 0)
			return (struct store_options){ c->stores[i].name, c->stores[i].options,
				c->stores[i].count };
	*short_form = (struct store_option){ "spec", name };
	return (struct store_options){ name, short_form, 1 };
}

static bool open_stores(
    struct site *site, const char *const *names, size_t count, bool offline, struct buf *errors)
{
	const struct config *c = site->config;
	const struct directory_options options = {
		.domains = (const char *const *)c->own_domains.items,
		.domain_count = c->own_domains.count,
		.login_domains = (const char *const *)c->login_domains.items,
		.login_domain_count = c->login_domains.count,
		.delimiters = c->recipient_delimiter,
		.catch_all_is_mailbox = c->catch_all == CATCH_ALL_MAILBOX,
		.offline = offline,
	};
	struct store_options *stores = must_alloc(count * sizeof *stores);
	struct store_option *short_forms = must_alloc(count * sizeof *short_forms);

	for (size_t i = 0; i < count; i++)
		stores[i] = store_of(c, names[i], &short_forms[i]);
	site->directory = directory_new(&options, stores, count, errors);
	free(stores);
	free(short_forms);
	return site->directory != NULL;
}

/* Without a store there is no directory, and the checks that ask one are skipped. */
static bool open_directory(
    struct site *site, const struct site_options *o, struct buf *errors, bool *given)
{
	const struct string_list *names = &site->config->directory;

	*given = o->mailboxes != NULL;
	if (*given)
		return open_stores(site, &o->mailboxes, 1, o->offline, errors);
	return names->count == 0 || open_stores(site, (const char *const *)names->items,
					names->count, o->offline, errors);
}

static bool open_parts(
    struct site *site, const struct site_options *o, struct buf *errors, bool *given)
{
	const struct config *c = site->config;

	*given = false;
	if (!o->offline && !open_network(site, errors))
		return false;
	*given = o->records != NULL;
	if (!open_records(site, *given ? o->records : c->records, errors))
		return false;
	*given = o->suffix_list != NULL;
	site->suffixes = suffix_list_load(*given ? o->suffix_list : c->public_suffix_list, errors);
	if (site->suffixes == NULL)
		return false;
	*given = false;
	if (!open_signer(site, errors) || !open_directory(site, o, errors, given))
		return false;
	*given = false;
	site->verifier = verifier_library_new();
	if (site->verifier == NULL)
		buf_add_text(
		    errors, "libopendkim: it cannot be set up, or lacks SHA-256 or ed25519\n");
	return site->verifier != NULL;
}

static void take_options(struct site *site, const struct site_options *o)
{
	char name[HOST_NAME_MAX_OCTETS + 1] = "";

	for (size_t i = 0; i < o->egress.count; i++) {
		site->egress.items =
		    must_realloc(site->egress.items, (i + 1) * sizeof *site->egress.items);
		site->egress.items[site->egress.count++] = o->egress.items[i];
	}
	if (o->helo != NULL)
		site->helo = must_strdup(o->helo);
	gethostname(name, sizeof name - 1);
	site->host_name = must_strdup(name);
}

struct site *site_open(
    struct config *config, const struct site_options *options, struct buf *errors, bool *given)
{
	struct site *site = must_alloc(sizeof *site);

	site->config = config;
	site->references = 1;
	site->gate.most = (unsigned)config->max_waiting;
	take_options(site, options);
	if (!open_parts(site, options, errors, given)) {
		site_unref(site);
		return NULL;
	}
	site->services = (struct auth_services){ .resolver = site->resolver,
		.verifier = site->verifier,
		.suffixes = site->suffixes,
		.opendmarc = options->opendmarc };
	return site;
}

struct site *site_ref(struct site *site)
{
	atomic_fetch_add_explicit(&site->references, 1, memory_order_relaxed);
	return site;
}

void site_unref(struct site *site)
{
	if (site == NULL || atomic_fetch_sub(&site->references, 1) > 1)
		return;
	resolver_free(site->resolver);
	suffix_list_free(site->suffixes);
	verifier_library_free(site->verifier);
	signer_free(site->signer);
	directory_unref(site->directory);
	config_unref(site->config);
	free(site->egress.items);
	free(site->helo);
	free(site->host_name);
	free(site);
}

/* ---- a message --------------------------------------------------------------------- */

static bool is_own(const void *context, struct slice domain)
{
	const struct site *site = context;

	return domain_list_has(&site->config->own_domains, domain);
}

struct patience site_patience(const struct site *site)
{
	/* the gate alone changes, and it is made for that */
	return (struct patience){ .left_us = (int64_t)(site->config->deadline * 1e6),
		.gate = (struct gate *)(uintptr_t)&site->gate };
}

struct authenticator *site_authenticator(
    const struct site *site, struct patience *patience, struct message *message, int64_t now)
{
	const struct auth_limits limits = {
		.patience = patience,
		.now = now,
		.is_own = is_own,
		.context = site,
	};

	return authenticator_new(&site->services, &limits, message);
}

struct slice site_helo(const struct site *site, const struct message *message)
{
	if (site->helo != NULL)
		return slice_of(site->helo);
	if (site->config->helo != NULL)
		return slice_of(site->config->helo);
	if (message->transaction.mta_name.len > 0)
		return message->transaction.mta_name;
	return slice_of(site->host_name);
}

static enum auth_signer place_of(const struct site *site)
{
	const char *signer = site->config->signer;

	if (site->signer != NULL)
		return AUTH_SIGNER_TABLES;
	return signer != NULL && strcmp(signer, "after") == 0 ? AUTH_SIGNER_AFTER
							      : AUTH_SIGNER_BEFORE;
}

void site_authenticate_header(
    const struct site *site, struct authenticator *a, const struct message *message)
{
	const struct network_list *egress =
	    site->egress.count > 0 ? &site->egress : setting_egress(site->config, message);
	const struct auth_route route = {
		.egress = egress->items,
		.egress_count = egress->count,
		.helo = site_helo(site, message),
		.place = place_of(site),
		.signer = site->signer,
	};

	authenticator_header(a, &route);
}
