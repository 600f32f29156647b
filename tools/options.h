/*
 * options.h - what the command line says.
 *
 * One table of options in options.c drives the parsing, the help texts and,
 * through the lint test, the manual.  Names are matched whole: a script that
 * abbreviates would break with the next option.
 */
#ifndef PRESEND_TOOLS_OPTIONS_H
#define PRESEND_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/net.h"
#include "check/check.h"
#include "policy/config.h"

/* A subcommand, as a bit: an option says which of them take it. */
enum command_bit {
	COMMAND_CHECK = 1 << 0,
	COMMAND_FROM = 1 << 1,
	COMMAND_CHECKS = 1 << 2,
	COMMAND_SPF = 1 << 3,
	COMMAND_DMARC = 1 << 4,
	COMMAND_DOMAIN = 1 << 5,
	COMMAND_ADDRESS = 1 << 6,
};

struct options;

struct command {
	const char *name;
	enum command_bit bit;
	const char *operands; /* as the help shows them, "" for none */
	const char *summary;
	int (*run)(const struct options *o);
};

/* Texts of the command line, as given; the array is ours, the texts are argv's. */
struct words {
	const char **items;
	size_t count;
};

struct options {
	const struct command *command;
	const char *config;    /* NULL: the default file if there is one */
	const char *mail_from; /* NULL: not given; "" is the null sender */
	struct words rcpts;
	const char *auth;
	struct ip client;
	const char *helo;
	bool smtputf8;
	struct words only, skip; /* lists of patterns, each known to match a check */
	bool json, verbose, mbox, offline;
	bool from_stdin, nul;       /* `from`: texts come from standard input, separated by NUL */
	struct network_list egress; /* empty: what the configuration names */
	const char *egress_helo;    /* NULL: likewise */
	const char *records;        /* NULL: what the configuration names */
	const char *psl;            /* NULL: what the configuration names */
	struct ip ip;               /* `spf` */
	const char *from;           /* `dmarc`: the author domain; NULL: not given */
	struct words dkim;          /* domains of signatures that verified */
	const char *spf;            /* domain that SPF passed for; NULL: none did */
	struct words selectors;     /* `domain`: of DKIM keys */
	bool guess;                 /* the usual selectors, too */
	char *mailboxes;            /* a store, with an absolute path; ours; NULL: not given */
	bool mailboxes_path;        /* it is a file, by its type and path */
	bool trace, compile, flush; /* `address` */
	const char *from_log;       /* a file of log lines; NULL: none */
	bool has_time;
	long long time; /* seconds since the epoch */
	bool help;
	struct words operands;
};

/*
 * Parses what follows the subcommand.  False, with the reason on standard
 * error, when it is not as the table says.  options_free ends it either way.
 */
bool options_parse(struct options *o, const struct command *command, int argc, char **argv);
void options_free(struct options *o);

/* The help of one subcommand. */
void options_help(FILE *out, const struct command *command);

/*
 * The checks that --only and --skip leave; without --only those that default_on
 * picks (NULL: all).
 */
struct check_selection options_selection(
    const struct options *o, bool (*default_on)(const struct check *check));

/*
 * Is it a name that a domain of the DNS can have, of letters, digits, hyphens,
 * underscores and U-labels?  Then *ascii, in the arena, is its A-form.
 */
bool options_domain(struct arena *arena, const char *value, struct slice *ascii);

/* The time of judgement, in milliseconds since the epoch: what --time says, or now. */
long long options_now_ms(const struct options *o);

/* The address in "<address>", or given bare; the null sender is empty and there. */
struct slice options_bare_address(struct slice given);

/* Says on standard error that the operand is wrong; the exit status for that. */
int options_bad_operand(const struct options *o, const char *operand, const char *wrong);

/* Says on standard error that the option is missing; the exit status for that. */
int options_missing(const struct options *o, const char *option);

/* One line of the operator's log for each line of the text. */
void options_log_lines(enum log_level level, const struct buf *text);

/*
 * The configuration that -c names, else the default file, else (there is none)
 * the defaults.  NULL, with the faults on standard error, when it is bad.
 */
struct config *options_config(const struct options *o);

#endif
