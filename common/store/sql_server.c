/* sql_server.c - the options of a store that asks a database server. */
#include "store/sql_server.h"

#include <stdlib.h>

#include "base/arena.h"

const struct store_rule sql_server_rules[] = {
	{ "host", STORE_TEXT, false },
	{ "port", STORE_NUMBER, false },
	{ "database", STORE_TEXT, true },
	{ "user", STORE_TEXT, true },
	{ "password", STORE_TEXT, false },
	{ "password_file", STORE_PATH, false },
	{ "tls", STORE_TEXT, false },
	{ "tls_ca", STORE_PATH, false },
	{ "query", STORE_TEXT, false },
	{ "logins_query", STORE_TEXT, false },
	{ "domain_query", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

bool sql_server_read(struct sql_server *server, enum sql_style style,
    const struct store_options *options, struct buf *notes)
{
	const char *ca = store_option_text(options, "tls_ca", NULL);
	bool good;

	server->database = must_strdup(store_option_text(options, "database", ""));
	server->user = must_strdup(store_option_text(options, "user", ""));
	server->ca = ca == NULL ? NULL : must_strdup(ca);
	good = sql_queries_read(&server->queries, style, options, notes);
	return secret_init(&server->secret, options, notes) && good;
}

void sql_server_free(struct sql_server *server)
{
	peer_free(server->peer);
	free(server->database);
	free(server->user);
	free(server->ca);
	secret_free(&server->secret);
	sql_queries_free(&server->queries);
}
