/*
 * store_mysql.c - the store mysql: the operator's queries to a MariaDB or MySQL server.
 *
 *	host, port    a name, an address, or the path of its unix socket; default
 *	              /run/mysqld/mysqld.sock, 3306
 *	database, user
 *	password or password_file    see secret.h
 *	tls           no (default); yes: not without; verify: its certificate has to name the host
 *	              and be signed by tls_ca
 *	query, logins_query, domain_query    see sql_query.h
 *
 * MariaDB's connector runs each call as a coroutine that comes back when it would wait; the
 * waiting is ours.  At the deadline the socket is shut down and the call told that its time is
 * over, so that it ends by itself and leaves nothing behind.  (Its own time-outs are whole seconds
 * for each read: a server that drips octets is waited for without end.)
 *
 * The connector wants a host's name where it compares a certificate, and looks it up itself
 * then, which only resolv.conf bounds; so this is done for tls = verify alone, after the name was
 * looked up as peer.h does.
 */
#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "dns/dns.h"
#include "store/peer.h"
#include "store/pooled.h"
#include "store/secret.h"
#include "store/sql_query.h"
#include "store/stores.h"

enum {
	STACK_OCTETS = 256 * 1024,   /* of a coroutine: a TLS handshake runs on it */
	PACKET_OCTETS = 1024 * 1024, /* that the connector takes */
	VALUE_OCTETS = STORE_OCTETS_MAX + 1,
	VALUES_MAX = 8, /* columns of a query that are looked at */
	UNWIND_STEPS = 100,
};

/* Not mysql_clear_password and dialog: a false server would only have to ask. */
#define AUTH_PLUGINS                                                                               \
	"mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,auth_gssapi_"  \
	"client,auth_named_pipe,unix_socket"

struct mysql_store {
	struct store store;
	struct peer *peer;
	char *database, *user, *ca;
	bool tls, verify;
	struct secret secret;
	struct sql_queries queries;
};

/* A query that is prepared on a connection. */
struct prepared {
	MYSQL_STMT *handle;
	size_t columns;
	MYSQL_BIND binds[SQL_COLUMNS_MAX];
	unsigned long lengths[SQL_COLUMNS_MAX];
	my_bool nulls[SQL_COLUMNS_MAX], errors[SQL_COLUMNS_MAX];
	char *values[VALUES_MAX];
	size_t value_count;
	struct sql_result result; /* with the columns, to begin from */
};

struct session {
	MYSQL *mysql;
	struct prepared of[SQL_KINDS];
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

static void close_mysql(struct store *store)
{
	struct mysql_store *s = (struct mysql_store *)store;

	peer_free(s->peer);
	free(s->database);
	free(s->user);
	free(s->ca);
	secret_free(&s->secret);
	sql_queries_free(&s->queries);
	free(s);
}

static bool read_tls(struct mysql_store *s, const struct store_options *options, struct buf *notes)
{
	const char *tls = store_option_text(options, "tls", "no");
	const char *ca = store_option_text(options, "tls_ca", NULL);

	s->ca = ca == NULL ? NULL : must_strdup(ca);
	s->verify = strcmp(tls, "verify") == 0;
	s->tls = s->verify || strcmp(tls, "yes") == 0;
	if (s->tls || strcmp(tls, "no") == 0)
		return true;
	buf_printf(notes, "store \"%s\": tls is none of no, yes, verify\n", options->name);
	return false;
}

/*
 * The first call is not safe beside others, and open has one thread.  It has SIGPIPE ignored, which
 * is not its business in this program: pooled.h holds it off where it is needed.
 */
static bool begin_library(void)
{
	struct sigaction before;
	bool good;

	sigaction(SIGPIPE, NULL, &before);
	good = mysql_library_init(0, NULL, NULL) == 0;
	sigaction(SIGPIPE, &before, NULL);
	return good;
}

static struct store *open_mysql(const struct store_options *options, struct buf *notes)
{
	struct mysql_store *s = must_alloc(sizeof *s);
	int64_t port = store_option_number(options, "port", 3306);
	bool good;

	s->store = (struct store){ &store_mysql, options->name, 0, 0 };
	s->database = must_strdup(store_option_text(options, "database", ""));
	s->user = must_strdup(store_option_text(options, "user", ""));
	good = sql_queries_read(&s->queries, SQL_QUESTION_MARK, options, notes);
	good = secret_init(&s->secret, options, notes) && good;
	good = read_tls(s, options, notes) && good;
	s->peer = peer_new(store_option_text(options, "host", "/run/mysqld/mysqld.sock"),
	    port > 65535 ? 0 : (uint16_t)port, options->name, notes);
	if (!good || s->peer == NULL || !begin_library()) {
		close_mysql(&s->store);
		return NULL;
	}
	s->store.services = s->queries.services;
	if (peer_path(s->peer) != NULL)
		s->store.flags = STORE_ON_HOST;
	return &s->store;
}

/* ---- failures ------------------------------------------------------------------- */

static bool is_lost(unsigned code)
{
	return code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST ||
	       code == CR_COMMANDS_OUT_OF_SYNC || code == ER_UNKNOWN_STMT_HANDLER ||
	       code == ER_SERVER_SHUTDOWN || code == ER_CONNECTION_KILLED;
}

static enum lookup_status fail(unsigned code, const char *text, struct store_reply *reply)
{
	static const unsigned permanent[] = { ER_ACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR,
		ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_TABLEACCESS_DENIED_ERROR,
		ER_COLUMNACCESS_DENIED_ERROR, ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE, ER_BAD_FIELD_ERROR,
		ER_PARSE_ERROR, ER_EMPTY_QUERY, ER_UNSUPPORTED_PS, ER_NO_DB_ERROR,
		CR_AUTH_PLUGIN_CANNOT_LOAD, CR_SSL_CONNECTION_ERROR };
	static const unsigned of_key[] = { ER_SUBQUERY_NO_1_ROW, ER_TRUNCATED_WRONG_VALUE,
		ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_DATA_TOO_LONG, ER_CANT_AGGREGATE_2COLLATIONS,
		ER_CANT_AGGREGATE_3COLLATIONS, ER_CANT_AGGREGATE_NCOLLATIONS };
	enum lookup_status status = LOOKUP_TEMPFAIL;

	for (size_t i = 0; i < sizeof of_key / sizeof *of_key; i++)
		if (code == of_key[i])
			return store_reply_fail_key(reply, LOOKUP_TEMPFAIL, "%s", text);
	for (size_t i = 0; i < sizeof permanent / sizeof *permanent; i++)
		if (code == permanent[i])
			status = LOOKUP_PERMFAIL;
	return store_reply_fail(reply, status, "%s", text);
}

/* ---- coroutines ----------------------------------------------------------------- */

struct waiting {
	MYSQL *mysql;
	int64_t deadline_us;
	int came; /* what was waited for, or MYSQL_WAIT_TIMEOUT */
	unsigned late;
};

/*
 * For the loop around a pair of calls, wanted being what the last one has returned: false when
 * it is over, else came is what to go on with.  A call that goes on and on after it was told
 * that its time is over would be a fault of the connector, and is left where it is.
 */
static bool goes_on(struct waiting *w, int wanted)
{
	int fd;

	if (wanted == 0 || w->late > UNWIND_STEPS)
		return false;
	fd = (int)mysql_get_socket(w->mysql);
	if (w->late == 0 && peer_wait(fd, (wanted & MYSQL_WAIT_READ) != 0,
				(wanted & MYSQL_WAIT_WRITE) != 0, w->deadline_us)) {
		w->came = wanted & ~MYSQL_WAIT_TIMEOUT;
		return true;
	}
	shutdown(fd, SHUT_RDWR);
	w->came = MYSQL_WAIT_TIMEOUT;
	w->late++;
	return true;
}

/* ---- a connection --------------------------------------------------------------- */

static void free_prepared(struct prepared *p)
{
	if (p->handle != NULL)
		mysql_stmt_close(p->handle);
	for (size_t i = 0; i < p->value_count; i++)
		free(p->values[i]);
	memset(p, 0, sizeof *p);
}

/* Shut down first, so that nothing of the connector's farewell can wait. */
static void disconnect_session(struct store *store, void *connection)
{
	struct session *session = connection;
	my_socket fd = mysql_get_socket(session->mysql);

	(void)store;
	if ((int)fd >= 0)
		shutdown((int)fd, SHUT_RDWR);
	for (int i = 0; i < SQL_KINDS; i++)
		free_prepared(&session->of[i]);
	mysql_close(session->mysql);
	free(session);
}

static MYSQL *new_mysql(const struct mysql_store *s)
{
	MYSQL *mysql = mysql_init(NULL);
	size_t stack = STACK_OCTETS, packet = PACKET_OCTETS;
	unsigned off = 0, tcp = MYSQL_PROTOCOL_TCP;
	my_bool yes = 1, verify = s->verify;

	if (mysql == NULL)
		abort();
	mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	mysql_options(
	    mysql, MYSQL_OPT_LOCAL_INFILE, &off); /* no server has business with our files */
	mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH, AUTH_PLUGINS);
	if (peer_path(s->peer) == NULL) /* else "localhost" is a socket of its own choice */
		mysql_options(mysql, MYSQL_OPT_PROTOCOL, &tcp);
	if (s->tls) {
		mysql_ssl_set(mysql, NULL, NULL, s->ca, NULL, NULL);
		mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
		mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	}
	return mysql;
}

/* One address, or the socket; the connector's own words in reply where it fails. */
static enum lookup_status connect_to(const struct mysql_store *s, const char *host,
    const char *password, int64_t deadline_us, MYSQL **out, struct store_reply *reply)
{
	MYSQL *mysql = new_mysql(s), *connected = NULL;
	const char *path = peer_path(s->peer);
	unsigned port = path != NULL ? 0 : (unsigned)strtoul(peer_port(s->peer), NULL, 10);
	struct waiting w = { mysql, deadline_us, 0, 0 };
	enum lookup_status status = LOOKUP_FOUND;
	int wanted = mysql_real_connect_start(
	    &connected, mysql, host, s->user, password, s->database, port, path, 0);

	while (goes_on(&w, wanted))
		wanted = mysql_real_connect_cont(&connected, mysql, w.came);
	if (w.late > 0)
		status = store_reply_fail(reply, LOOKUP_TEMPFAIL, "no answer in time");
	else if (connected == NULL)
		status = fail(mysql_errno(mysql), mysql_error(mysql), reply);
	if (status == LOOKUP_FOUND)
		*out = mysql;
	else
		mysql_close(mysql);
	return status;
}

static enum lookup_status connect_any(struct mysql_store *s, const char *password,
    int64_t deadline_us, MYSQL **out, struct store_reply *reply)
{
	struct peer_addresses addresses;
	enum lookup_status status;

	if (peer_path(s->peer) != NULL)
		return connect_to(s, "localhost", password, deadline_us, out, reply);
	status = peer_addresses(s->peer, deadline_us, &addresses, reply);
	if (status != LOOKUP_FOUND)
		return status;
	if (s->verify)
		return connect_to(s, peer_host(s->peer), password, deadline_us, out, reply);
	for (size_t i = 0; i < addresses.count; i++) {
		int64_t now_us = dns_now_us();
		int64_t share_us = (deadline_us - now_us) / (int64_t)(addresses.count - i);

		status = connect_to(s, addresses.text[i], password, now_us + share_us, out, reply);
		if (status != LOOKUP_TEMPFAIL)
			break;
	}
	return status;
}

static enum lookup_status connect_session(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct mysql_store *s = (struct mysql_store *)store;
	char password[SECRET_SIZE];
	struct session *session;
	MYSQL *mysql = NULL;
	enum lookup_status status = secret_read(&s->secret, password, reply);

	if (status != LOOKUP_FOUND)
		return status;
	status = connect_any(s, password, deadline_us, &mysql, reply);
	secret_forget(password);
	if (status != LOOKUP_FOUND)
		return status;
	session = must_alloc(sizeof *session);
	session->mysql = mysql;
	*connection = session;
	return LOOKUP_FOUND;
}

/* ---- a query, prepared ---------------------------------------------------------- */

/* Room for the columns that are looked at; one octet that is not read for the others. */
static bool make_binds(struct prepared *p)
{
	for (size_t i = 0; i < p->result.columns; i++) {
		MYSQL_BIND *b = &p->binds[i];

		b->buffer_type = MYSQL_TYPE_STRING;
		b->length = &p->lengths[i];
		b->is_null = &p->nulls[i];
		b->error = &p->errors[i];
		if (p->result.column[i] == SQL_OTHER)
			continue;
		if (p->value_count == VALUES_MAX)
			return false;
		b->buffer_length = VALUE_OCTETS;
		b->buffer = p->values[p->value_count++] = must_alloc(VALUE_OCTETS);
	}
	return true;
}

static enum lookup_status read_columns(
    struct prepared *p, enum store_service service, struct store_reply *reply)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(p->handle);

	if (meta == NULL)
		return store_reply_fail(reply, LOOKUP_PERMFAIL, "the query gives no rows");
	sql_result_begin(&p->result, service, reply);
	for (unsigned i = 0; i < mysql_num_fields(meta); i++)
		sql_result_column(&p->result, mysql_fetch_field_direct(meta, i)->name);
	sql_result_columns_end(&p->result);
	mysql_free_result(meta);
	if (p->result.status != LOOKUP_FOUND)
		return p->result.status;
	return make_binds(p) ? LOOKUP_FOUND
			     : store_reply_fail(reply, LOOKUP_PERMFAIL,
				   "the query has too many columns of targets and logins");
}

static enum lookup_status fail_statement(
    struct prepared *p, const struct waiting *w, struct store_reply *reply)
{
	if (w->late > 0)
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "no answer in time");
	return fail(mysql_stmt_errno(p->handle), mysql_stmt_error(p->handle), reply);
}

static enum lookup_status prepare(struct prepared *p, const struct sql_query *query,
    enum store_service service, struct waiting *w, struct store_reply *reply)
{
	int error = 1, wanted;

	p->handle = mysql_stmt_init(w->mysql);
	if (p->handle == NULL)
		return fail(mysql_errno(w->mysql), mysql_error(w->mysql), reply);
	wanted = mysql_stmt_prepare_start(&error, p->handle, query->text, strlen(query->text));
	while (goes_on(w, wanted))
		wanted = mysql_stmt_prepare_cont(&error, p->handle, w->came);
	if (error != 0 || w->late > 0)
		return fail_statement(p, w, reply);
	if (mysql_stmt_param_count(p->handle) != query->count)
		return store_reply_fail(
		    reply, LOOKUP_PERMFAIL, "the query has parameters that are no placeholders");
	return read_columns(p, service, reply);
}

/* ---- a question ----------------------------------------------------------------- */

static enum lookup_status execute(struct prepared *p, const struct sql_query *query,
    const struct store_question *question, struct waiting *w, struct store_reply *reply)
{
	MYSQL_BIND binds[SQL_PARAMETERS_MAX];
	int error = 1, wanted;

	memset(binds, 0, sizeof binds);
	for (size_t i = 0; i < query->count; i++) {
		struct slice value = sql_value(query->values[i], question);

		binds[i].buffer_type = value.data == NULL ? MYSQL_TYPE_NULL : MYSQL_TYPE_STRING;
		binds[i].buffer = (char *)(uintptr_t)value.data;
		binds[i].buffer_length = value.len;
	}
	if (mysql_stmt_bind_param(p->handle, binds) != 0)
		return fail_statement(p, w, reply);
	wanted = mysql_stmt_execute_start(&error, p->handle);
	while (goes_on(w, wanted))
		wanted = mysql_stmt_execute_cont(&error, p->handle, w->came);
	if (error != 0 || w->late > 0 || mysql_stmt_bind_result(p->handle, p->binds) != 0)
		return fail_statement(p, w, reply);
	return LOOKUP_FOUND;
}

/* False: a value is larger than its room. */
static bool read_row(struct prepared *p, struct sql_result *result)
{
	for (size_t i = 0; i < result->columns; i++) {
		if (result->column[i] == SQL_OTHER || p->nulls[i])
			continue;
		if (p->lengths[i] > STORE_OCTETS_MAX)
			return false;
		sql_result_value(result, i, (struct slice){ p->binds[i].buffer, p->lengths[i] });
	}
	return true;
}

static enum lookup_status fetch(
    struct prepared *p, struct sql_result *result, struct waiting *w, struct store_reply *reply)
{
	for (;;) {
		int code = 1, wanted = mysql_stmt_fetch_start(&code, p->handle);

		while (goes_on(w, wanted))
			wanted = mysql_stmt_fetch_cont(&code, p->handle, w->came);
		if (w->late > 0 || (code != 0 && code != MYSQL_DATA_TRUNCATED)) {
			if (w->late == 0 && code == MYSQL_NO_DATA)
				return sql_result_end(result);
			return fail_statement(p, w, reply);
		}
		if (!sql_result_row(result))
			return result->status;
		if (!read_row(p, result))
			return store_reply_fail_key(
			    reply, LOOKUP_TEMPFAIL, "the answer is too large");
	}
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct mysql_store *s = (struct mysql_store *)store;
	struct session *session = connection;
	enum sql_kind kind = sql_kind_of(question->service);
	struct prepared *p = &session->of[kind];
	const struct sql_query *query = &s->queries.of[kind];
	struct waiting w = { session->mysql, deadline_us, 0, 0 };
	enum lookup_status status = LOOKUP_FOUND;
	struct sql_result result;

	if (p->handle == NULL)
		status = prepare(p, query, question->service, &w, reply);
	if (status == LOOKUP_FOUND)
		status = execute(p, query, question, &w, reply);
	if (status != LOOKUP_FOUND) {
		if (w.late == 0 && p->handle != NULL && is_lost(mysql_stmt_errno(p->handle)))
			*after = POOLED_DROPPED;
		return status;
	}
	result = p->result;
	result.reply = reply;
	status = fetch(p, &result, &w, reply);
	if (status == LOOKUP_FOUND || status == LOOKUP_NOTFOUND) {
		mysql_stmt_free_result(p->handle);
		*after = POOLED_KEEP;
	}
	return status;
}

static const struct pooled_class pool = { connect_session, ask, disconnect_session };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_mysql = { "mysql", rules, open_mysql, lookup, disconnect, NULL,
	close_mysql };
