/*
 * sql_server.h - the options of a store that asks a database server: for pgsql, mysql.
 *
 *	host, port    where it is
 *	database, user
 *	password or password_file    see secret.h
 *	tls, tls_ca
 *	query, logins_query, domain_query    see sql_query.h
 *
 * What host, port and tls are by default, and which words tls knows, differs: the store reads
 * these by itself.
 */
#ifndef PRESEND_STORE_SQL_SERVER_H
#define PRESEND_STORE_SQL_SERVER_H

#include "store/peer.h"
#include "store/secret.h"
#include "store/sql_query.h"

struct sql_server {
	struct peer *peer; /* made by the store, or NULL */
	char *database, *user;
	char *ca; /* tls_ca; NULL: not given */
	struct secret secret;
	struct sql_queries queries;
};

/* For store_class.rules. */
extern const struct store_rule sql_server_rules[];

/* All but the peer.  False with a line a fault in notes; to be freed all the same. */
bool sql_server_read(struct sql_server *server, enum sql_style style,
    const struct store_options *options, struct buf *notes);
void sql_server_free(struct sql_server *server);

#endif
