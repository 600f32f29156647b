/*
 * case.h - one scenario in one text file; README.md describes the format.
 *
 * The parser refuses what it does not know: a directive with a typing error
 * would otherwise be an expectation that always holds.
 */
#ifndef PRESEND_T_CASE_H
#define PRESEND_T_CASE_H

#include <stdbool.h>
#include <stddef.h>

#include "t/cases/mta.h"
#include "t/cases/sign.h"

/* The ways in which a message can come to be judged. */
enum way { WAY_LIBRARY = 1 << 0, WAY_CLI = 1 << 1, WAY_MILTER = 1 << 2 };
enum { WAYS_ALL = WAY_LIBRARY | WAY_CLI | WAY_MILTER };

enum {
	CASE_RCPTS_MAX = 150,
	CASE_ARGS_MAX = 16,
	CASE_EXPECTATIONS_MAX = 60,
	CASE_ATTRIBUTES_MAX = 8,
	CASE_SIGNINGS_MAX = 30,
	CASE_CHANGES_MAX = 8,
};

enum expect_kind {
	/* of the record, whatever the way */
	EXPECT_VERDICT,
	EXPECT_ACTION,
	EXPECT_MODE,
	EXPECT_CLASS,
	EXPECT_REPLY,
	EXPECT_REPLY_TEXT,
	EXPECT_AUTHOR,
	EXPECT_DISPLAY_NAME,
	EXPECT_FINDING,
	EXPECT_NO_FINDING,
	EXPECT_FINDINGS,
	EXPECT_DKIM,
	EXPECT_SPF,
	EXPECT_DMARC,
	EXPECT_MAILBOX,
	/* of the milter's answers */
	EXPECT_ACCEPT_AT,
	EXPECT_REFUSE_AT,
	EXPECT_RCPTS_REFUSED,
	EXPECT_FLAG_HEADER,
	EXPECT_HEADERS_REMOVED,
	EXPECT_QUARANTINE,
	EXPECT_UNTOUCHED,
	EXPECT_NO_RECORD,
	/* of the command line */
	EXPECT_EXIT,
	EXPECT_KINDS,
};

struct attribute {
	char *name, *value;
};

struct expectation {
	enum expect_kind kind;
	unsigned line;
	char *words[3]; /* behind the directive; the rest is NULL */
	struct attribute attributes[CASE_ATTRIBUTES_MAX];
	size_t attribute_count;
};

/* What happens to the message behind the signer: `found` becomes `text`, or text is added. */
struct change {
	char *found; /* NULL: the text goes to the end of the body */
	char *text;
};

struct case_file {
	char *path;
	char *summary;
	char *config; /* as written; "" when there is no such section */
	struct mta_envelope envelope;
	struct mta_rcpt rcpts[CASE_RCPTS_MAX]; /* envelope.rcpts points here */
	bool sender_given;                     /* false: the command line finds the sender itself */
	char *args[CASE_ARGS_MAX];             /* further ones for the command line */
	size_t arg_count;
	char *records;   /* a records file, keys put in; NULL: the DNS is no matter of this case */
	char *mailboxes; /* the text of a file store; NULL: there is no such section */
	char *message;   /* octets as an application writes them, line ends LF */
	size_t message_len;
	struct recipe signings[CASE_SIGNINGS_MAX];
	size_t signing_count;
	struct change changes[CASE_CHANGES_MAX];
	size_t change_count;
	char *shows; /* lines that the readable output must have, together; NULL: no matter */
	unsigned shows_line;
	unsigned ways; /* of enum way */
	struct expectation expectations[CASE_EXPECTATIONS_MAX];
	size_t expectation_count;
};

/*
 * Reads the file.  NULL when it is no case, and error then says where and why.
 * case_free ends it.
 */
struct case_file *case_read(const char *path, char error[MTA_TEXT_MAX]);
void case_free(struct case_file *c);

/* The value of an attribute, or NULL. */
const char *expectation_attribute(const struct expectation *e, const char *name);

#endif
