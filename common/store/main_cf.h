/*
 * main_cf.h - what a site's main.cf says: tables and lists of domains.
 *
 * Values come from `postconf -x`, so defaults and $names are Postfix's own.  Immutable but for
 * the tables' contents.
 */
#ifndef PRESEND_STORE_MAIN_CF_H
#define PRESEND_STORE_MAIN_CF_H

#include "store/address.h"
#include "store/table/map.h"

enum {
	MAIN_CF_OUTPUT_MAX = 1024 * 1024,
	MAIN_CF_SECONDS = 5, /* that postconf may take */
	MAIN_CF_MAPS_MAX = 200,
};

/* The tables of one parameter, in the order of asking; each belongs to the main_cf. */
struct main_cf_maps {
	struct map **maps;
	size_t count;
};

struct main_cf;

/*
 * Reads the main.cf of that folder (NULL: Postfix's own choice).  NULL with the reason in
 * notes: no Postfix here, or postconf failed.  Tables that cannot be opened leave a line there.
 */
struct main_cf *main_cf_new(const char *config_directory, struct buf *notes);
void main_cf_free(struct main_cf *cf);

void main_cf_refresh(struct main_cf *cf, bool force);

/* The value of a parameter that was asked for, "" if it has none. */
const char *main_cf_value(const struct main_cf *cf, const char *parameter);

/* The tables of a parameter, or of one name "type:path", opened once each. */
struct main_cf_maps main_cf_maps(struct main_cf *cf, const char *list, struct buf *notes);

const struct address_rules *main_cf_rules(const struct main_cf *cf);

/* Answer all tables in microseconds?  Does none ask beyond this host? */
bool main_cf_is_local(const struct main_cf *cf);
bool main_cf_is_on_host(const struct main_cf *cf);

/*
 * FOUND, NOTFOUND or a failure, for the domain (lower case, a NUL behind) in a list of names,
 * "/file", "type:table" and "!" before any of them.  with_parents: names stand for what is below
 * them too.
 */
enum lookup_status main_cf_domain(struct main_cf *cf, const char *list, bool with_parents,
    struct slice domain, int64_t deadline_us, struct store_reply *reply);

/*
 * Looks for each of the address_keys (local: local parts alone, too) in all tables.  *at says
 * by which kind of key it was found, *map in which table.
 */
enum lookup_status main_cf_find(const struct main_cf_maps *maps, const struct address *address,
    bool local, int64_t deadline_us, struct buf *value, struct store_reply *reply,
    enum address_key_kind *at, const struct map **map);

#endif
