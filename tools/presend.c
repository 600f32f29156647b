/* presend.c - the operator's tool: finds the subcommand and runs it. */
#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tools/options.h"
#include "tools/tools.h"

static const struct command commands[] = {
	{ "check", COMMAND_CHECK, "FILE...",
	    "Judge message files as the milter would; - is standard input, a folder is walked.",
	    tool_check },
	{ "from", COMMAND_FROM, "TEXT...", "Judge bare From field bodies.", tool_from },
	{ "spf", COMMAND_SPF, "", "Evaluate SPF for one address and one sender.", tool_spf },
	{ "dmarc", COMMAND_DMARC, "",
	    "Evaluate DMARC under RFC 7489 and RFC 9989, given what authenticated.", tool_dmarc },
	{ "domain", COMMAND_DOMAIN, "[DOMAIN...]",
	    "Judge whether domains are ready to send mail: DNS, SPF, DKIM keys, DMARC.",
	    tool_domain },
	{ "address", COMMAND_ADDRESS, "[ADDRESS...]",
	    "Ask the stores: is there a mailbox, and which logins may use the address?",
	    tool_address },
	{ "checks", COMMAND_CHECKS, "", "List the checks.", tool_checks },
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void usage(FILE *out)
{
	fputs("usage: presend SUBCOMMAND [OPTIONS] [OPERANDS]\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s%s\n", commands[i].name, commands[i].summary);
	fputs("`presend SUBCOMMAND --help` lists its options, `presend --version` says which"
	      " version this is.\n",
	    out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* How many operands the subcommand wants; the reason on standard error if these are not so many. */
static bool operands_fit(const struct options *o)
{
	bool takes = *o->command->operands != '\0';

	if (!takes && o->operands.count > 0)
		log_line(LOG_LEVEL_ERROR, "%s: takes no operand", o->command->name);
	else if (takes && *o->command->operands != '[' && o->operands.count == 0 && !o->from_stdin)
		log_line(
		    LOG_LEVEL_ERROR, "%s: %s is missing", o->command->name, o->command->operands);
	else
		return true;
	return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct options options;
	int status = STATUS_USAGE;

	if (options_parse(&options, command, argc, argv)) {
		if (options.help) {
			options_help(stdout, command);
			status = STATUS_GOOD;
		} else if (operands_fit(&options)) {
			status = command->run(&options);
		}
	}
	options_free(&options);
	return status;
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* for the width of characters on the terminal; without it each counts one column */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return STATUS_GOOD;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return STATUS_GOOD;
	}
	command = find_command(argv[1]);
	if (command == NULL) {
		log_line(LOG_LEVEL_ERROR, "%s: no such subcommand in this version", argv[1]);
		usage(stderr);
		return STATUS_USAGE;
	}
	return run_command(command, argc - 2, argv + 2);
}
