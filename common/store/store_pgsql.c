/*
 * store_pgsql.c - the store pgsql: the operator's queries to a PostgreSQL server.
 *
 *	host, port    a name, an address, or the folder of its unix socket; default
 *	              /var/run/postgresql, 5432
 *	database, user
 *	password or password_file    see secret.h
 *	tls           no; try (default): where the server has it; yes: not without; verify: its
 *	              certificate has to name the host and be signed by tls_ca, default the system's
 *	              authorities
 *	query, logins_query, domain_query    see sql_query.h
 *
 * Only libpq's calls that do not block are used; the waiting is ours, so the deadline holds
 * whatever the server does.  Queries are sent with their parameters apart, without a name, which
 * a pooler in front of the server (pgbouncer) takes in every mode.
 *
 * libpq keeps each row whole, however large, and reads it without a pause: a query that gives
 * megabytes costs them until the row is there and refused.  It gives the password to a server that
 * asks for it in clear: beyond this host, tls = verify is the one that keeps it.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/secret.h"
#include "store/sql_query.h"
#include "store/stores.h"

struct pgsql_store {
	struct store store;
	struct peer *peer; /* NULL: a unix socket */
	char *host, *port; /* host: the folder of the socket, else the name */
	char *database, *user, *ca;
	const char *sslmode;
	struct secret secret;
	struct sql_queries queries;
};

static const struct store_rule rules[] = {
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

/* ---- options -------------------------------------------------------------------- */

static void close_pgsql(struct store *store)
{
	struct pgsql_store *s = (struct pgsql_store *)store;

	peer_free(s->peer);
	free(s->host);
	free(s->port);
	free(s->database);
	free(s->user);
	free(s->ca);
	secret_free(&s->secret);
	sql_queries_free(&s->queries);
	free(s);
}

/* libpq's word for the option tls, NULL if there is none. */
static const char *sslmode_of(const char *tls)
{
	static const char *const words[][2] = { { "no", "disable" }, { "try", "prefer" },
		{ "yes", "require" }, { "verify", "verify-full" } };

	for (int i = 0; i < 4; i++)
		if (strcmp(tls, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

static bool read_place(
    struct pgsql_store *s, const struct store_options *options, struct buf *notes)
{
	const char *host = store_option_text(options, "host", "/var/run/postgresql");
	int64_t port = store_option_number(options, "port", 5432);
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)port);
	s->host = must_strdup(host);
	s->port = must_strdup(text);
	if (host[0] == '/')
		return true;
	if (port > 65535) {
		buf_printf(notes, "store \"%s\": port is too large\n", options->name);
		return false;
	}
	s->peer = peer_new(host, (uint16_t)port, options->name, notes);
	if (s->peer == NULL || peer_path(s->peer) != NULL)
		return false;
	free(s->host);
	free(s->port);
	s->host = must_strdup(peer_host(s->peer));
	s->port = must_strdup(peer_port(s->peer));
	return true;
}

static struct store *open_pgsql(const struct store_options *options, struct buf *notes)
{
	struct pgsql_store *s = must_alloc(sizeof *s);
	const char *ca = store_option_text(options, "tls_ca", NULL);
	bool good;

	s->store = (struct store){ &store_pgsql, options->name, 0, 0 };
	s->database = must_strdup(store_option_text(options, "database", ""));
	s->user = must_strdup(store_option_text(options, "user", ""));
	s->ca = ca == NULL ? NULL : must_strdup(ca);
	s->sslmode = sslmode_of(store_option_text(options, "tls", "try"));
	if (s->sslmode == NULL)
		buf_printf(
		    notes, "store \"%s\": tls is none of no, try, yes, verify\n", options->name);
	good = sql_queries_read(&s->queries, SQL_DOLLAR, options, notes);
	good = secret_init(&s->secret, options, notes) && good;
	good = read_place(s, options, notes) && good;
	if (!good || s->sslmode == NULL) {
		close_pgsql(&s->store);
		return NULL;
	}
	s->store.services = s->queries.services;
	if (s->peer == NULL)
		s->store.flags = STORE_ON_HOST;
	return &s->store;
}

/* ---- failures ------------------------------------------------------------------- */

/*
 * By SQLSTATE: classes 28 (credentials), 3D and 3F (no such database, schema), 42 (syntax, no
 * such table, no right to it), 0A and 22 (the query does what it should not) need an operator.
 */
static enum lookup_status status_of(const char *sqlstate)
{
	static const char *const permanent[] = { "28", "3D", "3F", "42", "0A", "22" };

	for (size_t i = 0; i < sizeof permanent / sizeof *permanent; i++)
		if (strncmp(sqlstate, permanent[i], 2) == 0)
			return LOOKUP_PERMFAIL;
	return LOOKUP_TEMPFAIL;
}

/* Is it this key alone: a subquery of too many rows (class 21), a value that does not fit (22)? */
static bool is_of_key(const char *sqlstate)
{
	return strncmp(sqlstate, "21", 2) == 0 || strncmp(sqlstate, "22", 2) == 0;
}

/* The first line of a text of libpq. */
static int first_line(const char *text)
{
	size_t len = strcspn(text, "\r\n");

	return len > STORE_WHY_MAX ? STORE_WHY_MAX : (int)len;
}

/*
 * A connection that failed has no SQLSTATE of its own in this libpq, but its verbose message
 * has, in whatever language: "FATAL:  28P01: ...".
 */
static enum lookup_status fail_connect(PGconn *conn, struct store_reply *reply)
{
	const char *text = PQerrorMessage(conn);
	enum lookup_status status = LOOKUP_TEMPFAIL;

	for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  "))
		if (strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && at[8] == ':')
			status = status_of(at + 3);
	/* the server wants a password and there is none: nothing was sent */
	if (PQconnectionNeedsPassword(conn))
		status = LOOKUP_PERMFAIL;
	return store_reply_fail(reply, status, "%.*s", first_line(text), text);
}

static enum lookup_status fail_late(struct store_reply *reply)
{
	return store_reply_fail(reply, LOOKUP_TEMPFAIL, "no answer in time");
}

/* ---- a connection --------------------------------------------------------------- */

static void disconnect_pgsql(struct store *store, void *connection)
{
	(void)store;
	PQfinish(connection);
}

/* "1.2.3.4,5.6.7.8", and the name and port that often: libpq tries them in turn. */
static void join_addresses(const struct pgsql_store *s, const struct peer_addresses *addresses,
    struct buf *hosts, struct buf *numbers)
{
	for (size_t i = 0; i < addresses->count; i++) {
		buf_printf(hosts, "%s%s", i > 0 ? "," : "", s->host);
		buf_printf(numbers, "%s%s", i > 0 ? "," : "", addresses->text[i]);
	}
}

static PGconn *start(
    const struct pgsql_store *s, const char *hosts, const char *numbers, const char *password)
{
	const char *const names[] = { "host", "hostaddr", "port", "dbname", "user", "password",
		"sslmode", "sslrootcert", "gssencmode", "client_encoding",
		"fallback_application_name", NULL };
	const char *const values[] = { hosts, numbers, s->port, s->database, s->user,
		password[0] == '\0' ? NULL : password, s->sslmode,
		s->ca != NULL                            ? s->ca
		: strcmp(s->sslmode, "verify-full") == 0 ? "/etc/ssl/certs/ca-certificates.crt"
							 : NULL,
		"disable", "UTF8", "presend", NULL };

	return PQconnectStartParams(names, values, 0);
}

/* A server's notices are nothing for our standard error. */
static void ignore(void *context, const PGresult *res)
{
	(void)context;
	(void)res;
}

/* Drives the connection until it is there. */
static enum lookup_status finish_connect(
    PGconn *conn, int64_t deadline_us, struct store_reply *reply)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	if (conn == NULL)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "no memory");
	PQsetNoticeReceiver(conn, ignore, NULL);
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	while (PQstatus(conn) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
		if (!peer_wait(PQsocket(conn), state == PGRES_POLLING_READING,
			state == PGRES_POLLING_WRITING, deadline_us))
			return fail_late(reply);
		state = PQconnectPoll(conn);
		if (state == PGRES_POLLING_FAILED)
			break;
	}
	if (PQstatus(conn) != CONNECTION_OK)
		return fail_connect(conn, reply);
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	return PQsetnonblocking(conn, 1) == 0 ? LOOKUP_FOUND : fail_connect(conn, reply);
}

static enum lookup_status connect_pgsql(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct pgsql_store *s = (struct pgsql_store *)store;
	struct peer_addresses addresses;
	struct buf hosts, numbers;
	char password[SECRET_SIZE];
	enum lookup_status status = LOOKUP_FOUND;
	PGconn *conn;

	if (s->peer != NULL)
		status = peer_addresses(s->peer, deadline_us, &addresses, reply);
	if (status != LOOKUP_FOUND)
		return status;
	status = secret_read(&s->secret, password, reply);
	if (status != LOOKUP_FOUND)
		return status;
	buf_init(&hosts, PEER_ADDRESSES_MAX * (strlen(s->host) + 1));
	buf_init(&numbers, (size_t)PEER_ADDRESSES_MAX * (IP_TEXT_SIZE + 1));
	if (s->peer != NULL)
		join_addresses(s, &addresses, &hosts, &numbers);
	conn = start(s, s->peer == NULL ? s->host : buf_text(&hosts),
	    s->peer == NULL ? NULL : buf_text(&numbers), password);
	secret_forget(password);
	buf_free(&hosts);
	buf_free(&numbers);
	status = finish_connect(conn, deadline_us, reply);
	if (status == LOOKUP_FOUND)
		*connection = conn;
	else
		PQfinish(conn);
	return status;
}

/* ---- a question ----------------------------------------------------------------- */

static int send_query(
    PGconn *conn, const struct sql_query *query, const struct store_question *question)
{
	const char *values[SQL_PARAMETERS_MAX];
	struct arena *arena = arena_new();
	int sent;

	for (size_t i = 0; i < query->count; i++) {
		struct slice value = sql_value(query->values[i], question);

		values[i] = value.data == NULL ? NULL : arena_copy(arena, value).data;
	}
	sent = PQsendQueryParams(conn, query->text, (int)query->count, NULL, values, NULL, NULL, 0);
	arena_free(arena);
	return sent && PQsetSingleRowMode(conn);
}

enum waited { READY, GONE, LATE };

/* Sends what is left of the question and waits until the next result can be had. */
static enum waited wait_result(PGconn *conn, int64_t deadline_us)
{
	for (;;) {
		int flushed = PQflush(conn);

		if (flushed < 0)
			return GONE;
		if (flushed == 0 && !PQisBusy(conn))
			return READY;
		if (!peer_wait(PQsocket(conn), true, flushed == 1, deadline_us))
			return LATE;
		if (!PQconsumeInput(conn))
			return GONE;
	}
}

static void read_columns(struct sql_result *result, const PGresult *res)
{
	for (int i = 0; i < PQnfields(res); i++)
		sql_result_column(result, PQfname(res, i));
	sql_result_columns_end(result);
}

/* A result with one row, with none at the end, or with an error. */
static enum lookup_status read_result(
    PGconn *conn, struct sql_result *result, const PGresult *res, struct store_reply *reply)
{
	const char *sqlstate;

	switch (PQresultStatus(res)) {
	case PGRES_SINGLE_TUPLE:
	case PGRES_TUPLES_OK:
		if (result->columns == 0)
			read_columns(result, res);
		for (int row = 0; row < PQntuples(res) && sql_result_row(result); row++)
			for (int i = 0; i < PQnfields(res); i++)
				sql_result_value(result, (size_t)i,
				    PQgetisnull(res, row, i)
					? (struct slice){ NULL, 0 }
					: (struct slice){ PQgetvalue(res, row, i),
					      (size_t)PQgetlength(res, row, i) });
		return result->status;
	case PGRES_FATAL_ERROR: break;
	default: return store_reply_fail(reply, LOOKUP_PERMFAIL, "the query gives no rows");
	}
	sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	/* what the encoding of the database cannot express is not in it */
	if (sqlstate != NULL && (strcmp(sqlstate, "22021") == 0 || strcmp(sqlstate, "22P05") == 0))
		return LOOKUP_NOTFOUND;
	if (sqlstate != NULL && is_of_key(sqlstate))
		return store_reply_fail_key(reply, status_of(sqlstate), "%.*s",
		    first_line(PQerrorMessage(conn)), PQerrorMessage(conn));
	return store_reply_fail(reply, sqlstate == NULL ? LOOKUP_TEMPFAIL : status_of(sqlstate),
	    "%.*s", first_line(PQerrorMessage(conn)), PQerrorMessage(conn));
}

/* Is it what an idle session is told before it is ended: 57P01 to 57P05? */
static bool says_farewell(const PGresult *res)
{
	const char *sqlstate = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return sqlstate != NULL && strncmp(sqlstate, "57P", 3) == 0;
}

/* All results of the question; the connection is as before when it has said that it is done. */
static enum lookup_status read_results(PGconn *conn, struct sql_result *result, int64_t deadline_us,
    struct store_reply *reply, enum pooled_after *after)
{
	enum lookup_status status = LOOKUP_FOUND;

	for (bool first = true;; first = false) {
		enum waited waited = wait_result(conn, deadline_us);
		PGresult *res;

		if (waited == LATE)
			return fail_late(reply);
		res = waited == GONE ? NULL : PQgetResult(conn);
		if (PQstatus(conn) == CONNECTION_BAD || waited == GONE || says_farewell(res)) {
			PQclear(res);
			if (first)
				*after = POOLED_DROPPED;
			return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%.*s",
			    first_line(PQerrorMessage(conn)), PQerrorMessage(conn));
		}
		if (res == NULL)
			break;
		if (status == LOOKUP_FOUND)
			status = read_result(conn, result, res, reply);
		PQclear(res);
		if (status == LOOKUP_TEMPFAIL)
			return status; /* perhaps a million rows are still to come */
	}
	*after = POOLED_KEEP;
	return status == LOOKUP_FOUND ? sql_result_end(result) : status;
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct pgsql_store *s = (struct pgsql_store *)store;
	PGconn *conn = connection;
	struct sql_result result;

	if (!PQconsumeInput(conn) ||
	    !send_query(conn, &s->queries.of[sql_kind_of(question->service)], question)) {
		*after = POOLED_DROPPED;
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "%.*s",
		    first_line(PQerrorMessage(conn)), PQerrorMessage(conn));
	}
	sql_result_begin(&result, question->service, reply);
	return read_results(conn, &result, deadline_us, reply, after);
}

static const struct pooled_class pool = { connect_pgsql, ask, disconnect_pgsql };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_pgsql = { "pgsql", rules, open_pgsql, lookup, disconnect, NULL,
	close_pgsql };
