/* setup.c - what a start needs: configuration, socket, and whom to run as. */
#include "config.h" /* for the system's extensions */

#include "milter/setup.h"

#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "policy/own_domains.h"

enum { LINES_MAX = 64 * 1024, ERROR_MAX = 1000 };

/* Each line of the text is a line of the log. */
static void log_lines(enum log_level level, const struct buf *lines)
{
	struct slice rest = buf_slice(lines);

	while (rest.len > 0) {
		size_t end = slice_find(rest, '\n');

		if (end > 0)
			log_line(level, "%.*s", (int)end, rest.data);
		rest = slice_part(rest, end + 1, rest.len);
	}
}

struct config *setup_config(const char *path)
{
	struct buf errors, warnings;
	struct config *config;

	buf_init(&errors, LINES_MAX);
	buf_init(&warnings, LINES_MAX);
	config = config_load(path, &errors, &warnings);
	log_lines(config == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
	    config == NULL ? &errors : &warnings);
	buf_free(&errors);
	buf_free(&warnings);
	return config;
}

struct site *setup_site(struct config *config, struct buf *notes)
{
	const struct site_options options = { .opendmarc = true };
	struct buf errors;
	struct site *site;
	bool given;

	buf_init(&errors, LINES_MAX);
	site = site_open(config, &options, &errors, &given);
	/* of a site that is good enough they are warnings: a table that cannot be read now */
	log_lines(site == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, &errors);
	if (notes != NULL)
		buf_add_slice(notes, buf_slice(&errors));
	buf_free(&errors);
	return site;
}

void setup_own_domains(struct config *config)
{
	struct buf notes;

	buf_init(&notes, LINES_MAX);
	own_domains_default(config, &notes);
	log_lines(LOG_LEVEL_WARNING, &notes);
	buf_free(&notes);
}

/* Who may connect: the group configured, else Postfix's where we can give the socket to it. */
static bool find_access(
    const struct config *config, struct socket_access *access, struct buf *error)
{
	const char *name = config->socket_group;
	const struct group *group = getgrnam(name != NULL ? name : "postfix");

	*access = (struct socket_access){ .mode = config->socket_mode, .group = (gid_t)-1 };
	if (name != NULL && group == NULL) {
		buf_printf(error, "socket_group %s: there is no such group", name);
		return false;
	}
	if (name != NULL || (group != NULL && (geteuid() == 0 || group_member(group->gr_gid))))
		access->group = group->gr_gid;
	return true;
}

static bool setup_check(const struct daemon_options *options, struct setup *setup)
{
	const struct config *config = setup->config;
	struct buf error;
	bool good;

	buf_init(&error, ERROR_MAX);
	setup->socket = options->socket;
	good = (options->has_socket || socket_parse(config->socket, &setup->socket, &error)) &&
	       find_access(config, &setup->access, &error) &&
	       run_as_find(config->user, &setup->run_as, &error);
	if (!good)
		log_line(LOG_LEVEL_ERROR, "%s: %s", setup->config_path, buf_text(&error));
	buf_free(&error);
	return good;
}

/*
 * The path as it will be read again at a reload, whatever the working directory
 * is by then.  Links stay links: conf.d is looked for beside the name that was
 * given, and what it points to may change.
 */
static char *absolute_path(const char *path)
{
	char folder[PATH_MAX];
	struct buf joined;
	char *absolute;

	if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL)
		return must_strdup(path);
	buf_init(&joined, 2 * PATH_MAX);
	buf_printf(&joined, "%s/%s", folder, path);
	absolute = must_strdup(buf_text(&joined));
	buf_free(&joined);
	return absolute;
}

static bool is_strict(const struct scope *scope, int check)
{
	return scope->checks[check].has_action && scope->checks[check].action > ACTION_LOG;
}

/* Does from.login do anything to a message, whoever it is from? */
static bool judges_logins(const struct config *config)
{
	int check = check_find(SLICE("from.login"));
	bool strict = is_strict(&config->global, check);

	for (int class = 0; class < SENDER_CLASSES; class ++)
		strict = strict || is_strict(&config->classes[class], check);
	for (size_t i = 0; i < config->domain_count; i++)
		strict = strict || is_strict(&config->domains[i].scope, check);
	return strict;
}

static void warn_of_unused_stores(const struct config *config)
{
	const struct string_list *names = &config->directory;

	for (size_t i = 0; i < config->store_count; i++) {
		size_t n = 0;

		while (n < names->count && strcmp(names->items[n], config->stores[i].name) != 0)
			n++;
		if (n == names->count)
			log_line(LOG_LEVEL_WARNING,
			    "store \"%s\" is not in `directory`: it is not asked",
			    config->stores[i].name);
	}
}

/* A setting that is allowed, and hardly what was meant. */
static void warn_of_trap(const struct config *config)
{
	warn_of_unused_stores(config);
	if (config->on_behalf && !config->on_behalf_set && judges_logins(config))
		log_line(LOG_LEVEL_WARNING,
		    "from.login lets any From pass that comes with a Sender or Resent-From of "
		    "the login's own: set on_behalf to false to stop that, to true to allow it");
	if (config->on_unknown == UNKNOWN_TEMPFAIL && config->egress.count == 0)
		log_line(LOG_LEVEL_WARNING,
		    "on_unknown = tempfail without `egress`: DMARC that rests on SPF is never "
		    "told, so "
		    "that unsigned mail of domains with a policy is put off again and again");
}

/*
 * Manuals and habit send people to /etc/presend, wherever this build reads its
 * configuration: a file there that is another one would be passed over in silence.
 */
static void warn_of_other_file(const char *path)
{
	static const char usual[] = "/etc/presend/presend.conf";
	struct stat read, other;

	if (strcmp(path, DEFAULT_CONFIG) != 0 || stat(usual, &other) != 0)
		return;
	if (stat(path, &read) == 0 && read.st_dev == other.st_dev && read.st_ino == other.st_ino)
		return;
	log_line(LOG_LEVEL_WARNING,
	    "%s exists, but this program does not read it: its configuration is %s "
	    "(another file: -c FILE)",
	    usual, path);
}

bool setup_load(const struct daemon_options *options, struct setup *setup)
{
	*setup = (struct setup){ .config_path = absolute_path(options->config_path) };
	warn_of_other_file(setup->config_path);
	setup->config = setup_config(setup->config_path);
	if (setup->config != NULL && setup_check(options, setup)) {
		warn_of_trap(setup->config);
		return true;
	}
	setup_free(setup);
	return false;
}

void setup_free(struct setup *setup)
{
	config_unref(setup->config);
	free(setup->config_path);
	*setup = (struct setup){ .config = NULL };
}
