/*
 * directory.c - the directory: its stores opened in order, refreshed, ended.
 *
 * What an address is stands in resolve.c, who may use it in permission.c.
 */
#include "directory/directory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "directory/parts.h"
#include "dns/dns.h"

enum { HOST_NAME_MAX_OCTETS = 256, REFRESH_SECONDS = 1 };

const char *directory_answer_name(enum directory_answer answer)
{
	static const char *const names[] = { "mailbox", "alias", "forward-only", "list",
		"sub-address", "catch-all", "not-ours", "none", "unknown", "pending" };

	return names[answer];
}

bool directory_has_stores(const struct directory *d)
{
	return d != NULL && d->count > 0;
}

bool directory_tells_domains(const struct directory *d)
{
	return d != NULL && d->tells_domains;
}

bool directory_is_local(
    const struct directory *d, const struct directory_store *s, struct slice domain)
{
	const struct domains *names = s->domains.count > 0   ? &s->domains
				      : d->domains.count > 0 ? &d->domains
							     : &d->host;

	return (s->store->flags & STORE_LOCAL_PART) && domains_has(names, domain);
}

/* ---- files that change ---------------------------------------------------------- */

static void refresh_all(struct directory *d, bool force)
{
	pthread_mutex_lock(&d->refreshing);
	for (size_t i = 0; i < d->count; i++)
		front_refresh(d->fronts[i], force);
	pthread_mutex_unlock(&d->refreshing);
}

static void *run_refresher(void *context)
{
	struct directory *d = context;
	struct timespec until;

	pthread_mutex_lock(&d->mutex);
	while (!d->ends) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += REFRESH_SECONDS;
		if (pthread_cond_timedwait(&d->wake, &d->mutex, &until) == 0)
			continue;
		pthread_mutex_unlock(&d->mutex);
		refresh_all(d, false);
		pthread_mutex_lock(&d->mutex);
	}
	pthread_mutex_unlock(&d->mutex);
	return NULL;
}

void directory_start(struct directory *d)
{
	sigset_t all, before;

	pthread_mutex_lock(&d->mutex);
	if (!d->refreshes) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		d->refreshes = pthread_create(&d->refresher, NULL, run_refresher, d) == 0;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_mutex_unlock(&d->mutex);
}

void directory_flush(struct directory *d)
{
	for (size_t i = 0; i < d->count; i++)
		front_flush(d->fronts[i]);
	refresh_all(d, true);
}

/* ---- begin ---------------------------------------------------------------------- */

static bool add_domains(
    struct domains *set, const char *const *names, size_t count, struct buf *notes)
{
	bool good = true;

	if (count > DIRECTORY_DOMAINS_MAX) {
		buf_printf(notes, "directory: over %d domains\n", DIRECTORY_DOMAINS_MAX);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (!domains_add(set, slice_of(names[i]))) {
			buf_printf(notes, "directory: \"%s\" is no domain\n", names[i]);
			good = false;
		}
	domains_sort(set);
	return good;
}

static void add_host(struct domains *host)
{
	char name[HOST_NAME_MAX_OCTETS];

	if (gethostname(name, sizeof name) == 0) {
		name[sizeof name - 1] = '\0';
		domains_add(host, slice_of(name));
	}
	domains_add(host, SLICE("localhost"));
	domains_sort(host);
}

/*
 * The short form, `spec`: "type", "type:path"; "postfix:parameter".  Gives the options that it
 * stands for; the type's text is *type, to be freed.
 */
static struct store_options read_spec(
    const char *name, const char *spec, struct store_option items[2], char **type)
{
	size_t len = strcspn(spec, ":");
	struct store_options options = { name, items, spec[len] == ':' ? 2 : 1 };

	*type = must_alloc(len + 1);
	memcpy(*type, spec, len);
	items[0] = (struct store_option){ "type", *type };
	items[1] = (struct store_option){ strcmp(*type, "postfix") == 0 ? "table" : "path",
		spec + len + (spec[len] == ':' ? 1 : 0) };
	return options;
}

static bool add_store(
    struct directory *d, const struct store_options *options, bool offline, struct buf *notes)
{
	struct directory_store *s = &d->stores[d->count];
	struct store *store = store_open(options, notes);
	const char *domain;
	bool good = true;

	if (store == NULL)
		return false;
	s->name = must_strdup(options->name);
	store->name = s->name;
	for (size_t i = 0; (domain = store_option_nth(options, "domains", i)) != NULL; i++)
		good = add_domains(&s->domains, &domain, 1, notes) && good;
	s->parallel = store_option_bool(options, "parallel", false);
	s->store = store;
	d->fronts[d->count] = front_new(store, options, offline);
	d->count++;
	return good;
}

/* A store of addresses that is asked for every domain may hold any. */
static bool tells_domains(const struct directory *d)
{
	bool some = false, all = true;

	for (size_t i = 0; i < d->count; i++) {
		const struct directory_store *s = &d->stores[i];

		if (s->store->services & STORE_DOMAIN)
			return true;
		if (s->domains.count > 0 || s->store->flags & STORE_LOCAL_PART)
			some = true;
		else if (s->store->services & STORE_ADDRESS)
			all = false;
	}
	return d->domains.count > 0 || (some && all);
}

static void init_refresher(struct directory *d)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&d->refreshing, NULL);
	pthread_mutex_init(&d->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

struct directory *directory_new(const struct directory_options *options,
    const struct store_options *stores, size_t count, struct buf *notes)
{
	struct directory *d = must_alloc(sizeof *d);
	bool good = true;

	atomic_init(&d->references, 1);
	d->delimiters = must_strdup(options->delimiters == NULL ? "" : options->delimiters);
	d->rules = (struct address_rules){ .delimiters = d->delimiters,
		.case_sensitive = options->case_sensitive };
	d->catch_all_is_mailbox = options->catch_all_is_mailbox;
	init_refresher(d);
	add_host(&d->host);
	good = add_domains(&d->domains, options->domains, options->domain_count, notes) && good;
	good = add_domains(
		   &d->login_domains, options->login_domains, options->login_domain_count, notes) &&
	       good;
	if (count > DIRECTORY_STORES_MAX) {
		buf_printf(notes, "directory: over %d stores\n", DIRECTORY_STORES_MAX);
		count = 0;
		good = false;
	}
	d->stores = must_alloc((count + 1) * sizeof *d->stores);
	d->fronts = must_alloc((count + 1) * sizeof(struct front *));
	for (size_t i = 0; i < count; i++) {
		const char *spec = store_option_text(&stores[i], "spec", NULL);
		struct store_option items[2];
		struct store_options one = stores[i];
		char *type = NULL;

		if (spec != NULL)
			one = read_spec(stores[i].name, spec, items, &type);
		/* an address is compared once, whichever stores are asked about it */
		if (store_option_bool(&one, "case_sensitive", false))
			d->rules.case_sensitive = true;
		good = add_store(d, &one, options->offline, notes) && good;
		free(type);
	}
	d->tells_domains = tells_domains(d);
	if (good)
		return d;
	directory_unref(d);
	return NULL;
}

/* ---- end ------------------------------------------------------------------------ */

struct directory *directory_ref(struct directory *d)
{
	atomic_fetch_add_explicit(&d->references, 1, memory_order_relaxed);
	return d;
}

static void end_refresher(struct directory *d)
{
	pthread_mutex_lock(&d->mutex);
	d->ends = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->mutex);
	if (d->refreshes)
		pthread_join(d->refresher, NULL);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->mutex);
	pthread_mutex_destroy(&d->refreshing);
}

void directory_unref(struct directory *d)
{
	int64_t until_us;

	if (d == NULL || atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) != 1)
		return;
	end_refresher(d);
	for (size_t i = 0; i < d->count; i++)
		front_stop(d->fronts[i]);
	until_us = dns_now_us() + FRONT_GRACE_US;
	for (size_t i = 0; i < d->count; i++) {
		front_free(d->fronts[i], until_us);
		domains_free(&d->stores[i].domains);
		free(d->stores[i].name);
	}
	domains_free(&d->domains);
	domains_free(&d->login_domains);
	domains_free(&d->host);
	free(d->stores);
	free(d->fronts);
	free(d->delimiters);
	free(d);
}
