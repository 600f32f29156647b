/*
 * store_sqlite.c - the store sqlite: the operator's queries to a database file.
 *
 *	path    the file
 *	query, logins_query, domain_query    see sql_query.h
 *
 * Opened for reading alone, by each worker for itself, and anew when another file stands at
 * its place.  A lock of a writer is waited for until the deadline, and a query that works
 * longer is interrupted.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "dns/dns.h"
#include "store/pooled.h"
#include "store/sql_query.h"
#include "store/stores.h"

enum {
	VALUE_MAX = 1024 * 1024, /* octets of a value or a row, that SQLite itself takes */
	STEPS_BETWEEN_LOOKS = 1000,
	BUSY_WAIT_MS = 20,
};

struct sqlite_store {
	struct store store;
	char *path;
	struct sql_queries queries;
};

struct database {
	sqlite3 *handle;
	sqlite3_stmt *statements[SQL_KINDS];
	struct stat file;
	int64_t deadline_us; /* of the lookup that is going on */
};

static const struct store_rule rules[] = {
	{ "path", STORE_PATH, true },
	{ "query", STORE_TEXT, false },
	{ "logins_query", STORE_TEXT, false },
	{ "domain_query", STORE_TEXT, false },
	{ NULL, STORE_TEXT, false },
};

static void close_sqlite(struct store *store)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	sql_queries_free(&s->queries);
	free(s->path);
	free(s);
}

static struct store *open_sqlite(const struct store_options *options, struct buf *notes)
{
	struct sqlite_store *s = must_alloc(sizeof *s);
	struct stat st;

	s->store = (struct store){ &store_sqlite, options->name, 0, STORE_ON_HOST };
	s->path = must_strdup(store_option_text(options, "path", ""));
	if (!sql_queries_read(&s->queries, SQL_QUESTION_MARK, options, notes)) {
		close_sqlite(&s->store);
		return NULL;
	}
	s->store.services = s->queries.services;
	if (stat(s->path, &st) != 0)
		buf_printf(notes, "store \"%s\": %s cannot be read\n", options->name, s->path);
	return &s->store;
}

/* ---- a connection --------------------------------------------------------------- */

/* FAIL with SQLite's words; what an operator has to mend is PERMFAIL. */
static enum lookup_status fail(sqlite3 *handle, int code, struct store_reply *reply)
{
	enum lookup_status status;

	switch (code & 0xff) {
	case SQLITE_ERROR: /* no such table or column, syntax */
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_RANGE: status = LOOKUP_PERMFAIL; break;
	default: status = LOOKUP_TEMPFAIL;
	}
	return store_reply_fail(reply, status, "%s", sqlite3_errmsg(handle));
}

static int on_progress(void *context)
{
	return dns_now_us() > ((struct database *)context)->deadline_us;
}

static int on_busy(void *context, int times)
{
	(void)times;
	if (on_progress(context))
		return 0;
	sqlite3_sleep(BUSY_WAIT_MS);
	return 1;
}

static void disconnect_database(struct store *store, void *connection)
{
	struct database *db = connection;

	(void)store;
	for (int i = 0; i < SQL_KINDS; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->handle);
	free(db);
}

static enum lookup_status connect_database(
    struct store *store, void **connection, int64_t deadline_us, struct store_reply *reply)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	struct database *db = must_alloc(sizeof *db);
	int code = sqlite3_open_v2(s->path, &db->handle,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	db->deadline_us = deadline_us;
	if (code != SQLITE_OK || stat(s->path, &db->file) != 0) {
		enum lookup_status status = fail(db->handle, SQLITE_CANTOPEN, reply);

		disconnect_database(store, db);
		return status;
	}
	/* a schema that somebody else wrote calls no functions with side effects */
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_progress_handler(db->handle, STEPS_BETWEEN_LOOKS, on_progress, db);
	sqlite3_busy_handler(db->handle, on_busy, db);
	*connection = db;
	return LOOKUP_FOUND;
}

/* ---- a question ----------------------------------------------------------------- */

static enum lookup_status prepare(struct database *db, const struct sql_query *query,
    sqlite3_stmt **statement, struct store_reply *reply)
{
	const char *rest = "";
	int code;

	if (*statement != NULL)
		return LOOKUP_FOUND;
	code = sqlite3_prepare_v3(
	    db->handle, query->text, -1, SQLITE_PREPARE_PERSISTENT, statement, &rest);
	if (code != SQLITE_OK)
		return fail(db->handle, code, reply);
	if (*statement == NULL || !sqlite3_stmt_readonly(*statement) ||
	    rest[strspn(rest, " \t\r\n;")] != '\0')
		return store_reply_fail(
		    reply, LOOKUP_PERMFAIL, "the query is not one statement that only reads");
	if ((size_t)sqlite3_bind_parameter_count(*statement) != query->count)
		return store_reply_fail(
		    reply, LOOKUP_PERMFAIL, "the query has parameters that are no placeholders");
	return LOOKUP_FOUND;
}

static void bind(
    sqlite3_stmt *statement, const struct sql_query *query, const struct store_question *question)
{
	for (size_t i = 0; i < query->count; i++) {
		struct slice value = sql_value(query->values[i], question);

		if (value.data == NULL)
			sqlite3_bind_null(statement, (int)i + 1);
		else
			sqlite3_bind_text(
			    statement, (int)i + 1, value.data, (int)value.len, SQLITE_STATIC);
	}
}

static void read_row(struct sql_result *result, sqlite3_stmt *statement)
{
	for (size_t i = 0; i < result->columns; i++) {
		struct slice value;

		if (result->column[i] == SQL_OTHER)
			continue;
		value.data = (const char *)sqlite3_column_text(statement, (int)i);
		value.len = (size_t)sqlite3_column_bytes(statement, (int)i);
		sql_result_value(result, i, value);
	}
}

static enum lookup_status run(struct database *db, sqlite3_stmt *statement,
    enum store_service service, struct store_reply *reply)
{
	struct sql_result result;
	int code;

	sql_result_begin(&result, service, reply);
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		sql_result_column(&result, sqlite3_column_name(statement, i));
	sql_result_columns_end(&result);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW && sql_result_row(&result))
		read_row(&result, statement);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return fail(db->handle, code, reply);
	return sql_result_end(&result);
}

/* Is the file at its place still the one that is open? */
static bool same_file(const struct sqlite_store *s, const struct database *db)
{
	struct stat st;

	return stat(s->path, &st) == 0 && st.st_dev == db->file.st_dev &&
	       st.st_ino == db->file.st_ino;
}

static enum lookup_status ask(struct store *store, void *connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply,
    enum pooled_after *after)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	struct database *db = connection;
	enum sql_kind kind = sql_kind_of(question->service);
	const struct sql_query *query = &s->queries.of[kind];
	enum lookup_status status;

	if (!same_file(s, db)) {
		*after = POOLED_DROPPED;
		return store_reply_fail(reply, LOOKUP_TEMPFAIL, "the file was replaced");
	}
	db->deadline_us = deadline_us;
	status = prepare(db, query, &db->statements[kind], reply);
	if (status != LOOKUP_FOUND)
		return status;
	bind(db->statements[kind], query, question);
	status = run(db, db->statements[kind], question->service, reply);
	sqlite3_reset(db->statements[kind]);
	sqlite3_clear_bindings(db->statements[kind]);
	if (status == LOOKUP_FOUND || status == LOOKUP_NOTFOUND)
		*after = POOLED_KEEP;
	return status;
}

static const struct pooled_class pool = { connect_database, ask, disconnect_database };

static enum lookup_status lookup(struct store *store, void **connection,
    const struct store_question *question, int64_t deadline_us, struct store_reply *reply)
{
	return pooled_lookup(&pool, store, connection, question, deadline_us, reply);
}

static void disconnect(struct store *store, void *connection)
{
	pooled_disconnect(&pool, store, connection);
}

const struct store_class store_sqlite = { "sqlite", rules, open_sqlite, lookup, disconnect, NULL,
	close_sqlite };
