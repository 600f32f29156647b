/*
 * postfix_site.h - what a site's main.cf says: tables and lists of domains.
 *
 * Values come from `postconf -x`, so defaults and $names are Postfix's own.  Immutable but for
 * the tables' contents.
 */
#ifndef PRESEND_STORE_POSTFIX_SITE_H
#define PRESEND_STORE_POSTFIX_SITE_H

#include "store/address.h"
#include "store/table/map.h"

enum {
	SITE_OUTPUT_MAX = 1024 * 1024,
	SITE_SECONDS = 5, /* that postconf may take */
	SITE_MAPS_MAX = 200,
};

/* The tables of one parameter, in the order of asking; each belongs to the site. */
struct site_maps {
	struct map **maps;
	size_t count;
};

struct site;

/*
 * Reads the main.cf of that folder (NULL: Postfix's own choice).  NULL with the reason in
 * notes: no Postfix here, or postconf failed.  Tables that cannot be opened leave a line there.
 */
struct site *site_new(const char *config_directory, struct buf *notes);
void site_free(struct site *site);

void site_refresh(struct site *site, bool force);

/* The value of a parameter that was asked for, "" if it has none. */
const char *site_value(const struct site *site, const char *parameter);

/* The tables of a parameter, or of one name "type:path", opened once each. */
struct site_maps site_maps(struct site *site, const char *list, struct buf *notes);

const struct address_rules *site_rules(const struct site *site);

/* Answer all tables in microseconds?  Does none ask beyond this host? */
bool site_is_local(const struct site *site);
bool site_is_on_host(const struct site *site);

/*
 * FOUND, NOTFOUND or a failure, for the domain (lower case, a NUL behind) in a list of names,
 * "/file", "type:table" and "!" before any of them.  with_parents: names stand for what is below
 * them too.
 */
enum lookup_status site_domain(struct site *site, const char *list, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply);

/* Where an address was found (mail_addr_find(3) of Postfix). */
enum site_key { SITE_KEY_WHOLE, SITE_KEY_BASE, SITE_KEY_DOMAIN };

/*
 * Looks for the address, its base, both without the domain where that is local, and
 * "@domain", each in all tables.  *at says by which key it was found, *map in which.
 */
enum lookup_status site_find(const struct site_maps *maps, const struct address *address,
    bool local, int64_t deadline_us, struct buf *value, struct store_reply *reply,
    enum site_key *at, const struct map **map);

#endif
