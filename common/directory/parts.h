/*
 * parts.h - what a directory is made of: for the files of this folder alone.
 */
#ifndef PRESEND_DIRECTORY_PARTS_H
#define PRESEND_DIRECTORY_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "directory/directory.h"
#include "directory/domains.h"
#include "directory/view.h"
#include "store/address.h"
#include "store/view.h"

struct directory_store {
	const struct store *store; /* of the front at the same place */
	char *name;
	struct domains domains; /* asked for these alone; empty: for all */
	bool parallel;
};

struct directory {
	atomic_uint references;
	struct address_rules rules;
	char *delimiters; /* of the rules */
	bool catch_all_is_mailbox;
	struct domains domains;       /* served here, as configured */
	struct domains login_domains; /* that logins without a domain belong to */
	struct domains host; /* names of this host: for local parts where nothing else is said */
	bool tells_domains;  /* see directory_tells_domains */
	struct directory_store *stores;
	struct front **fronts; /* of the stores, in their order */
	size_t count;

	/* one thread that looks at changed files; started by the first view */
	pthread_mutex_t refreshing; /* one at a time: the refresher, or a flush */
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	pthread_t refresher;
	bool refreshes, ends;
};

struct directory_view {
	struct arena *arena;
	struct directory *directory;
	struct store_view *stores; /* by their index in the directory */
};

/* Is an address of the domain looked up by its local part in that store? */
bool directory_is_local(
    const struct directory *directory, const struct directory_store *store, struct slice domain);

/* Starts the refresher, once. */
void directory_start(struct directory *directory);

#endif
