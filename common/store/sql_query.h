/*
 * sql_query.h - the operator's queries, and what their rows mean: for sqlite, pgsql, mysql.
 *
 * Options, at least one of them:
 *
 *	query          what is an address?
 *	logins_query   which logins own an address?
 *	domain_query   is a domain served here?
 *
 * A query is SQL with placeholders,
 *
 *	%{address}     ann@example.com; the key of store.h, "@example.com" where everything else
 *	               there is meant; in domain_query the domain
 *	%{local_part}  ann; NULL where there is none
 *	%{domain}      example.com
 *	%%             a percent sign
 *
 * each of which becomes a bound parameter: the text of a query is the same for all questions,
 * and no octet of a question is ever part of it.  So a placeholder in quotes, as other programs
 * want it, would be a plain text, and is an error, as is any other percent sign.
 *
 * Rows are read by the names of their columns:
 *
 *	type            mailbox, alias, forward-only, list, catch-all; of a domain: domain,
 *	                alias-domain, open-domain.  Default: alias (alias-domain) where there is a
 *	                target, else mailbox (domain)
 *	target, login   one, as it stands; NULL and the empty text are none
 *	                (a target of type mailbox: the account that the address belongs to)
 *	targets, logins a list as Postfix writes it, parted by commas or blanks
 *
 * All other columns are left alone: "SELECT 1 FROM ..." is a good query.  Several rows make one
 * answer.  A query that has a column of logins says who may use the address, be it nobody.
 * logins_query without such a column: the first one is a list of logins.
 */
#ifndef PRESEND_STORE_SQL_QUERY_H
#define PRESEND_STORE_SQL_QUERY_H

#include "store/store.h"

enum {
	SQL_PARAMETERS_MAX = 20, /* placeholders of a query */
	SQL_COLUMNS_MAX = 50,    /* more: PERMFAIL */
	SQL_ROWS_MAX = STORE_ITEMS_MAX,
};

/* How the database marks a parameter. */
enum sql_style {
	SQL_QUESTION_MARK, /* ? each time */
	SQL_DOLLAR,        /* $1, $2, ... in the order of appearance */
};

enum sql_value { SQL_ADDRESS, SQL_LOCAL_PART, SQL_DOMAIN };

struct sql_query {
	char *text;                                /* NULL: there is none */
	size_t count;                              /* of parameters */
	enum sql_value values[SQL_PARAMETERS_MAX]; /* the n-th parameter */
};

enum sql_kind { SQL_OF_ADDRESS, SQL_OF_LOGINS, SQL_OF_DOMAIN, SQL_KINDS };

struct sql_queries {
	struct sql_query of[SQL_KINDS];
	unsigned services; /* that they serve */
};

static inline enum sql_kind sql_kind_of(enum store_service service)
{
	return service == STORE_ADDRESS  ? SQL_OF_ADDRESS
	       : service == STORE_LOGINS ? SQL_OF_LOGINS
					 : SQL_OF_DOMAIN;
}

/* False with a line a fault in notes. */
bool sql_queries_read(struct sql_queries *queries, enum sql_style style,
    const struct store_options *options, struct buf *notes);
void sql_queries_free(struct sql_queries *queries);

/* The value of a parameter; data is NULL for NULL. */
struct slice sql_value(enum sql_value value, const struct store_question *question);

/* ---- rows ----------------------------------------------------------------------- */

enum sql_column {
	SQL_OTHER, /* its values are not looked at */
	SQL_TYPE,
	SQL_TARGET,
	SQL_TARGETS,
	SQL_LOGIN,
	SQL_LOGINS,
};

struct sql_result {
	enum store_service service;
	struct store_reply *reply;
	size_t columns, rows;
	enum sql_column column[SQL_COLUMNS_MAX];
	bool has_logins, has_target, has_type;
	enum lookup_status status; /* FOUND so far, or what is wrong */
};

void sql_result_begin(
    struct sql_result *result, enum store_service service, struct store_reply *reply);
/* Each column in its order, then sql_result_columns_end, then rows. */
void sql_result_column(struct sql_result *result, const char *name);
void sql_result_columns_end(struct sql_result *result);
/* Another row; false: there are too many, stop. */
bool sql_result_row(struct sql_result *result);
/* A value of the row; data is NULL for NULL. */
void sql_result_value(struct sql_result *result, size_t column, struct slice value);
enum lookup_status sql_result_end(struct sql_result *result);

#endif
