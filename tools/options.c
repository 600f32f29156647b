/* options.c - the table of options, and what is read by it. */
#include "tools/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "dns/dns.h"
#include "policy/config_value.h"
#include "store/store.h"
#include "syntax/domain.h"
#include "tools/tools.h"

enum {
	FAULTS_MAX = 64 * 1024, /* octets of a configuration's faults that are shown */
	SELECTORS_MAX = 100,    /* that can be named */
	STORE_TYPE_MAX = 50,    /* octets of the name of a type */
	HELP_COLUMN = 22,       /* where the explanations of a help text begin */
};

static const long long time_last = 253402300799; /* the end of the year 9999 */

struct option_row {
	const char *name;     /* behind "--"; NULL: the letter alone */
	char letter;          /* '\0': there is none */
	const char *argument; /* NULL: takes none */
	unsigned commands;    /* that take it */
	/* Stores the value (NULL: it takes none); returns what is wrong with it, or NULL. */
	const char *(*set)(struct options *o, const char *value);
	size_t flag; /* where set is NULL: the bool of struct options that becomes true */
	const char *help;
};

static void add_word(struct words *words, const char *text)
{
	words->items = must_realloc(words->items, (words->count + 1) * sizeof *words->items);
	words->items[words->count++] = text;
}

static const char *set_config(struct options *o, const char *value)
{
	o->config = value;
	return NULL;
}

static const char *set_mail_from(struct options *o, const char *value)
{
	o->mail_from = value;
	return NULL;
}

static const char *set_rcpt(struct options *o, const char *value)
{
	add_word(&o->rcpts, value);
	return NULL;
}

static const char *set_auth(struct options *o, const char *value)
{
	o->auth = value;
	return *value == '\0' ? "a login has at least one character" : NULL;
}

static const char *set_client(struct options *o, const char *value)
{
	return ip_parse(value, &o->client) ? NULL : "not an IP address";
}

static const char *set_helo(struct options *o, const char *value)
{
	o->helo = value;
	return *value == '\0' ? "a name has at least one character" : NULL;
}

/* What is no domain name at all; U-labels are, and names that no host may have. */
static const char *domain_fault(const char *value)
{
	struct arena *arena = arena_new();
	struct slice ascii;
	bool good =
	    strpbrk(value, "@[]") == NULL && domain_to_ascii(arena, slice_of(value), &ascii);

	arena_free(arena);
	return good ? NULL : "not a domain name";
}

bool options_domain(struct arena *arena, const char *value, struct slice *ascii)
{
	if (!domain_to_ascii(arena, slice_of(value), ascii) || ascii->len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < ascii->len; i++) {
		char c = ascii->data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    c != '.')
			return false;
	}
	return true;
}

static const char *set_selector(struct options *o, const char *value)
{
	struct arena *arena = arena_new();
	struct slice ascii;
	bool good = options_domain(arena, value, &ascii);

	arena_free(arena);
	add_word(&o->selectors, value);
	if (o->selectors.count > SELECTORS_MAX)
		return "too many selectors";
	return good ? NULL : "not the name of a selector";
}

/* egress = IP *("," IP) */
static const char *set_egress(struct options *o, const char *value)
{
	char *copy = must_strdup(value);
	char *rest = copy, *item;
	const char *wrong = NULL;
	struct buf why;

	buf_init(&why, FAULTS_MAX);
	while (wrong == NULL && (item = strsep(&rest, ",")) != NULL)
		if (!value_egress(item, &o->egress, &why))
			wrong = o->egress.count < CONFIG_EGRESS_MAX
				    ? "not IP addresses or networks with commas between them"
				    : "too many addresses";
	buf_free(&why);
	free(copy);
	return wrong;
}

static const char *set_egress_helo(struct options *o, const char *value)
{
	o->egress_helo = value;
	return domain_fault(value);
}

static const char *set_records(struct options *o, const char *value)
{
	o->records = value;
	return NULL;
}

static const char *set_psl(struct options *o, const char *value)
{
	o->psl = value;
	return NULL;
}

static const char *set_ip(struct options *o, const char *value)
{
	return ip_parse(value, &o->ip) ? NULL : "not an IP address";
}

static const char *set_from(struct options *o, const char *value)
{
	o->from = value;
	return domain_fault(value);
}

static const char *set_dkim(struct options *o, const char *value)
{
	add_word(&o->dkim, value);
	return domain_fault(value);
}

static const char *set_spf(struct options *o, const char *value)
{
	o->spf = value;
	return domain_fault(value);
}

/* pattern-list = pattern *("," pattern), each matching a check's name */
static const char *add_patterns(struct words *words, const char *value)
{
	char *copy = must_strdup(value);
	char *rest = copy, *pattern;
	const char *wrong = NULL;

	while (wrong == NULL && (pattern = strsep(&rest, ",")) != NULL)
		if (!check_pattern_known(pattern))
			wrong = "matches no check; `presend checks` lists them";
	free(copy);
	add_word(words, value);
	return wrong;
}

static const char *set_only(struct options *o, const char *value)
{
	return add_patterns(&o->only, value);
}

static const char *set_skip(struct options *o, const char *value)
{
	return add_patterns(&o->skip, value);
}

/* Is it "type:path", of a type that is a file? */
static bool names_path(const char *spec, size_t type_len)
{
	char type[STORE_TYPE_MAX + 1] = "";
	const struct store_class *class;

	if (type_len > STORE_TYPE_MAX || spec[type_len] != ':')
		return false;
	memcpy(type, spec, type_len);
	class = store_class_find(type);
	for (const struct store_rule *rule = class == NULL ? NULL : class->rules;
	     rule != NULL && rule->name != NULL; rule++)
		if (strcmp(rule->name, "path") == 0 && rule->form == STORE_PATH)
			return true;
	return false;
}

/* A relative path is made absolute, since stores want it so. */
static const char *set_mailboxes(struct options *o, const char *value)
{
	size_t len = strcspn(value, ":"), size;
	char *folder = NULL;

	free(o->mailboxes);
	o->mailboxes = must_strdup(value);
	o->mailboxes_path = names_path(value, len);
	if (o->mailboxes_path && value[len + 1] != '/' && value[len + 1] != '\0')
		folder = getcwd(NULL, 0);
	if (folder != NULL) {
		size = strlen(value) + strlen(folder) + sizeof "/";
		o->mailboxes = must_realloc(o->mailboxes, size);
		snprintf(
		    o->mailboxes, size, "%.*s:%s/%s", (int)len, value, folder, value + len + 1);
	}
	free(folder);
	return *value == '\0' ? "not a store, as in file:/path" : NULL;
}

static const char *set_from_log(struct options *o, const char *value)
{
	o->from_log = value;
	return NULL;
}

static const char *set_time(struct options *o, const char *value)
{
	char *end;

	errno = 0;
	o->time = strtoll(value, &end, 10);
	o->has_time = true;
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || o->time > time_last)
		return "not a number of seconds since 1970";
	return NULL;
}

static const char *set_nul(struct options *o, const char *value)
{
	(void)value;
	o->from_stdin = o->nul = true;
	return NULL;
}

#define JUDGING (COMMAND_CHECK | COMMAND_FROM | COMMAND_DOMAIN)
#define ASKING  (COMMAND_SPF | COMMAND_DMARC)
#define WORKING (JUDGING | ASKING | COMMAND_ADDRESS)

#define FLAG(member) NULL, offsetof(struct options, member)

static const struct option_row rows[] = {
	{ NULL, 'c', "FILE", WORKING, set_config, 0,
	    "read this configuration file, not the default one" },
	{ "ip", 0, "IP", COMMAND_SPF, set_ip, 0, "the address that mail comes from" },
	{ "mail-from", 0, "ADDR", COMMAND_CHECK | COMMAND_SPF, set_mail_from, 0,
	    "the envelope sender, empty for the null one (check: Return-Path, else From)" },
	{ "from", 0, "DOMAIN", COMMAND_DMARC, set_from, 0, "the domain of the From address" },
	{ "dkim", 0, "DOMAIN", COMMAND_DMARC, set_dkim, 0,
	    "the domain of a signature that verified; may be repeated" },
	{ "spf", 0, "DOMAIN", COMMAND_DMARC, set_spf, 0, "the domain that SPF passed for" },
	{ "rcpt", 0, "ADDR", COMMAND_CHECK, set_rcpt, 0, "an envelope recipient; may be repeated" },
	{ "auth", 0, "LOGIN", COMMAND_CHECK | COMMAND_ADDRESS, set_auth, 0,
	    "judge as sent by this login; address: may it use the address?" },
	{ "client", 0, "IP", COMMAND_CHECK, set_client, 0, "judge as sent from this address" },
	{ "helo", 0, "NAME", COMMAND_CHECK | COMMAND_SPF, set_helo, 0,
	    "the client's name in HELO" },
	{ "smtputf8", 0, NULL, COMMAND_CHECK | COMMAND_FROM, FLAG(smtputf8),
	    "judge as sent with SMTPUTF8" },
	{ "only", 0, "NAMES", JUDGING, set_only, 0,
	    "run these checks alone: comma separated, from.*" },
	{ "skip", 0, "NAMES", JUDGING, set_skip, 0, "run all but these checks; wins over --only" },
	{ "mbox", 0, NULL, COMMAND_CHECK, FLAG(mbox), "the files are mboxes" },
	{ "stdin", 0, NULL, COMMAND_FROM, FLAG(from_stdin),
	    "read texts from standard input, one a line" },
	{ NULL, '0', NULL, COMMAND_FROM, set_nul, 0,
	    "read texts from standard input, with a NUL between them" },
	{ "offline", 0, NULL, WORKING, FLAG(offline), "ask no DNS and no store over the network" },
	{ "egress", 0, "IP[,IP...]", COMMAND_CHECK | COMMAND_DOMAIN, set_egress, 0,
	    "the addresses or networks that mail leaves from" },
	{ "egress-helo", 0, "NAME", COMMAND_CHECK | COMMAND_DOMAIN, set_egress_helo, 0,
	    "the name that receivers are told in HELO" },
	{ "selector", 0, "NAME", COMMAND_DOMAIN, set_selector, 0,
	    "look up the DKIM key of that name; may be repeated" },
	{ "guess", 0, NULL, COMMAND_DOMAIN, FLAG(guess),
	    "look for DKIM keys under the usual names, too" },
	{ "mailboxes", 0, "SPEC", COMMAND_CHECK | COMMAND_FROM | COMMAND_ADDRESS, set_mailboxes, 0,
	    "ask this store, as in file:PATH, not those of the configuration" },
	{ "trace", 0, NULL, COMMAND_ADDRESS, FLAG(trace), "show what each store answered" },
	{ "from-log", 0, "FILE", COMMAND_ADDRESS, set_from_log, 0,
	    "read senders and logins from a log, and show those that are wrong" },
	{ "compile", 0, NULL, COMMAND_ADDRESS, FLAG(compile), "compile the stores of type file" },
	{ "flush", 0, NULL, COMMAND_ADDRESS, FLAG(flush), "have the daemon forget its answers" },
	{ "records", 0, "FILE", JUDGING | ASKING, set_records, 0,
	    "DNS records that go before the DNS; with --offline nothing else is asked" },
	{ "psl", 0, "FILE", JUDGING | ASKING, set_psl, 0, "the list of public suffixes" },
	{ "time", 0, "EPOCH", JUDGING | COMMAND_SPF, set_time, 0,
	    "judge as of then, in seconds since 1970" },
	{ "json", 0, NULL, WORKING | COMMAND_CHECKS, FLAG(json), "write JSON" },
	{ "verbose", 0, NULL, WORKING, FLAG(verbose), "show what is in order, too" },
	{ "help", 0, NULL, WORKING | COMMAND_CHECKS, FLAG(help), "show this" },
};

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

/* A line about the command line on standard error, and where to read more. */
static bool refuse(const struct options *o, const char *option, const char *wrong)
{
	log_line(LOG_LEVEL_ERROR, "%s: %s: %s (see `presend %s --help`)", o->command->name, option,
	    wrong, o->command->name);
	return false;
}

/* The row of "--name", "--name=value" or "-x..."; *value is what is joined to it, or NULL. */
static const struct option_row *find_row(const char *word, const char **value)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");

	*value = NULL;
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (word[1] != '-') {
			if (rows[i].letter != word[1])
				continue;
			if (word[2] != '\0')
				*value = word + 2;
			return &rows[i];
		}
		if (rows[i].name == NULL || strlen(rows[i].name) != len ||
		    strncmp(rows[i].name, name, len) != 0)
			continue;
		if (name[len] == '=')
			*value = name + len + 1;
		return &rows[i];
	}
	return NULL;
}

/* Reads the option at argv[*at] and moves *at to its last word. */
static bool parse_option(struct options *o, int argc, char **argv, int *at)
{
	const char *word = argv[*at], *value, *wrong;
	const struct option_row *row = find_row(word, &value);

	if (row == NULL)
		return refuse(o, word, "no such option");
	if ((row->commands & o->command->bit) == 0)
		return refuse(o, word, "not an option of this subcommand");
	if (row->argument == NULL && value != NULL)
		return refuse(o, word, "takes no value");
	if (row->argument != NULL && value == NULL) {
		if (*at + 1 >= argc)
			return refuse(o, word, "needs a value");
		value = argv[++*at];
	}
	if (row->set == NULL) {
		*(bool *)((char *)o + row->flag) = true;
		return true;
	}
	wrong = row->set(o, value);
	return wrong == NULL ? true : refuse(o, value == NULL ? word : value, wrong);
}

bool options_parse(struct options *o, const struct command *command, int argc, char **argv)
{
	bool options_over = false;

	*o = (struct options){ .command = command };
	for (int i = 0; i < argc; i++) {
		/* a "-" alone is standard input, an operand */
		if (options_over || argv[i][0] != '-' || argv[i][1] == '\0')
			add_word(&o->operands, argv[i]);
		else if (strcmp(argv[i], "--") == 0)
			options_over = true;
		else if (!parse_option(o, argc, argv, &i))
			return false;
	}
	return true;
}

void options_free(struct options *o)
{
	free(o->rcpts.items);
	free(o->only.items);
	free(o->skip.items);
	free(o->dkim.items);
	free(o->selectors.items);
	free(o->operands.items);
	free(o->egress.items);
	free(o->mailboxes);
}

struct slice options_bare_address(struct slice given)
{
	if (given.len >= 2 && given.data[0] == '<' && given.data[given.len - 1] == '>')
		return slice_part(given, 1, given.len - 1);
	return given;
}

int options_bad_operand(const struct options *o, const char *operand, const char *wrong)
{
	refuse(o, operand, wrong);
	return STATUS_USAGE;
}

int options_missing(const struct options *o, const char *option)
{
	refuse(o, option, "is missing");
	return STATUS_USAGE;
}

void options_help(FILE *out, const struct command *command)
{
	fprintf(out, "usage: presend %s [OPTIONS]%s%s\n%s\n\n", command->name,
	    *command->operands == '\0' ? "" : " ", command->operands, command->summary);
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *argument = rows[i].argument == NULL ? "" : rows[i].argument;
		char left[HELP_COLUMN + 1];

		if ((rows[i].commands & command->bit) == 0)
			continue;
		if (rows[i].name == NULL)
			snprintf(left, sizeof left, "-%c %s", rows[i].letter, argument);
		else
			snprintf(left, sizeof left, "--%s %s", rows[i].name, argument);
		fprintf(out, "  %-*s%s\n", HELP_COLUMN, left, rows[i].help);
	}
}

/* Does one of the comma separated patterns match the check's name? */
static bool named(const struct words *lists, const struct check *check)
{
	for (size_t i = 0; i < lists->count; i++) {
		struct slice rest = slice_of(lists->items[i]);

		for (size_t begin = 0; begin <= rest.len;) {
			struct slice tail = slice_part(rest, begin, rest.len);
			size_t len = slice_find(tail, ',');

			if (slice_match(slice_part(tail, 0, len), slice_of(check->name)))
				return true;
			begin += len + 1;
		}
	}
	return false;
}

struct check_selection options_selection(
    const struct options *o, bool (*default_on)(const struct check *check))
{
	struct check_selection selection = { 0 };

	for (size_t i = 0; i < check_count; i++) {
		const struct check *check = &checks[i];
		bool on = default_on == NULL || default_on(check);

		if (o->only.count > 0)
			on = named(&o->only, check);
		selection.off[i] = !on || named(&o->skip, check);
	}
	return selection;
}

void options_log_lines(enum log_level level, const struct buf *text)
{
	const char *at = buf_text(text);

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");

		log_line(level, "%.*s", (int)len, at);
		at += len + (at[len] == '\n');
	}
}

struct config *options_config(const struct options *o)
{
	static const char default_file[] = SYSCONFDIR "/presend/presend.conf";
	const char *path = o->config;
	struct buf errors, warnings;
	struct config *config;

	/* a default file that is there and cannot be read is a fault, never passed over */
	if (path == NULL && (access(default_file, F_OK) == 0 || errno == EACCES))
		path = default_file;
	buf_init(&errors, FAULTS_MAX);
	buf_init(&warnings, FAULTS_MAX);
	config = config_load(path, &errors, &warnings);
	if (config == NULL)
		options_log_lines(LOG_LEVEL_ERROR, &errors);
	else if (o->verbose)
		options_log_lines(LOG_LEVEL_WARNING, &warnings);
	buf_free(&errors);
	buf_free(&warnings);
	return config;
}
