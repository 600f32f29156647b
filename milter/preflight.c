/* preflight.c - `presend-milter -t`: would it start, and could it reload? */
#include "milter/preflight.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"

enum { ERROR_MAX = 1000, NOTES_MAX = 65536, KEYS_NAMED = 10, COMMAND_MAX = PATH_MAX + 200 };

/* May the user of this process do that with the path? */
static bool may(const char *path, int how)
{
	return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* The first directory on the way to path that cannot be entered; false: all can. */
static bool find_barrier(const char *path, char barrier[PATH_MAX])
{
	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(barrier, PATH_MAX, "%.*s", (int)(slash - path), path);
		if (!may(barrier, X_OK))
			return true;
	}
	return false;
}

/* The file, or directory with a search right, must be readable.  Returns the number of troubles. */
static int look_at_file(const struct run_as *id, const char *path, bool directory)
{
	const char *culprit = path, *right = directory ? "rx" : "r";
	char barrier[PATH_MAX];

	if (may(path, directory ? R_OK | X_OK : R_OK))
		return 0;
	if (find_barrier(path, barrier)) {
		culprit = barrier;
		right = "x";
	}
	log_line(LOG_LEVEL_ERROR,
	    "%s: user %s cannot read it on a reload; mend it by: chgrp %s %s && chmod g+%s %s",
	    path, id->user, id->group, culprit, right, culprit);
	return 1;
}

/* The folder conf.d beside the configuration, if there is one, and all of its files. */
static int look_at_files(const struct setup *setup, const struct string_list *files)
{
	const char *slash = strrchr(setup->config_path, '/');
	char folder[PATH_MAX];
	struct stat found;
	int troubles = 0;

	snprintf(folder, sizeof folder, "%.*s/conf.d",
	    slash != NULL ? (int)(slash - setup->config_path) : 1,
	    slash != NULL ? setup->config_path : ".");
	if (stat(folder, &found) == 0 || errno != ENOENT)
		troubles = look_at_file(&setup->run_as, folder, true);
	for (size_t i = 0; i < files->count; i++) {
		bool inside = strncmp(files->items[i], folder, strlen(folder)) == 0;

		/* what mends the folder may mend its files */
		if (!inside || troubles == 0)
			troubles += look_at_file(&setup->run_as, files->items[i], false);
	}
	return troubles;
}

/*
 * How to make a directory for a file of the daemon.  That of a socket which a group may use
 * belongs to this group, so that its members, Postfix as a rule, come as far as the socket.
 */
static void install_command(
    const struct run_as *id, gid_t gid, const char *directory, char text[COMMAND_MAX])
{
	const struct group *group = gid != (gid_t)-1 ? getgrgid(gid) : NULL;

	snprintf(text, COMMAND_MAX, "install -d -o %s -g %s%s %s", id->user,
	    group != NULL ? group->gr_name : id->group, group != NULL ? " -m 2750" : "", directory);
}

/* The directory of a file that the daemon makes and, at its end, removes. */
static int look_at_directory(
    const struct run_as *id, const char *what, const char *path, gid_t group)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX], own[PATH_MAX + 10], command[COMMAND_MAX];

	if (slash == NULL || slash == path)
		return 0;
	snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
	if (may(directory, W_OK | X_OK))
		return 0;
	if (access(directory, F_OK) != 0 && errno == ENOENT) {
		install_command(id, group, directory, command);
		log_line(LOG_LEVEL_ERROR, "%s %s: its directory is missing; mend it by: %s", what,
		    path, command);
		return 1;
	}
	snprintf(own, sizeof own, "%s/presend", directory);
	install_command(id, group, own, command);
	log_line(LOG_LEVEL_ERROR,
	    "%s %s: user %s cannot remove it from there when it stops; give it a directory of its "
	    "own: %s",
	    what, path, id->user, command);
	return 1;
}

static void warn_of_key(const struct run_as *id, const char *key)
{
	if (errno == ENOENT)
		log_line(LOG_LEVEL_WARNING,
		    "%s: the signer's tables name it, and it is not there: OpenDKIM puts off what "
		    "it has to sign with it",
		    key);
	else
		log_line(LOG_LEVEL_WARNING,
		    "%s: user %s cannot read it, so whether it fits the published key is not told; "
		    "mend it by: setfacl -m u:%s:r %s (OpenDKIM then wants RequireSafeKeys no), or "
		    "ask `presend domain` as root",
		    key, id->user, id->user, key);
}

/*
 * What the signer's tables name.  A private key that we may not read is no
 * trouble by itself: it is well kept, and only less can be told.
 */
static int look_at_signer(const struct run_as *id, const struct site *site)
{
	struct arena *arena = arena_new();
	struct signer_listing listing;
	int troubles = 0;
	size_t named = 0;

	signer_list(site->signer, arena, &listing);
	if (listing.reason.data != NULL) {
		log_line(LOG_LEVEL_ERROR, "signer: user %s cannot tell what it signs: %.*s",
		    id->user, SLICE_ARG(listing.reason));
		troubles++;
	}
	for (size_t i = 0; i < listing.count && named < KEYS_NAMED; i++) {
		const char *key = listing.list[i].key.data;

		if (key == NULL || !listing.list[i].key_in_file || may(key, R_OK))
			continue;
		named++;
		warn_of_key(id, key);
	}
	arena_free(arena);
	return troubles;
}

/* Is it there, as far as we may see, and not to be read? */
static bool is_closed(const char *path)
{
	return (access(path, F_OK) == 0 || errno == EACCES) && !may(path, R_OK);
}

/*
 * The file that a line of directory_new is about; of a table that Postfix reads for us, the file
 * that it made.
 */
static int look_at_table(const struct run_as *id, struct slice line)
{
	struct slice path = slice_part(line, slice_find(line, '/'), line.len);
	char file[PATH_MAX];

	path = slice_part(path, 0, slice_find(path, ':'));
	for (int made = 0; made < 2 && path.len > 0; made++) {
		snprintf(file, sizeof file, "%.*s%s", SLICE_ARG(path), made ? ".db" : "");
		if (is_closed(file))
			return look_at_file(id, file, false);
	}
	return 0;
}

static int look_at_tables(const struct run_as *id, struct slice notes)
{
	int troubles = 0;

	for (size_t at = 0; at < notes.len;) {
		struct slice rest = slice_part(notes, at, notes.len);
		struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));

		troubles += look_at_table(id, line);
		at += line.len + 1;
	}
	return troubles;
}

/* As the daemon's user.  Returns the number of troubles. */
static int look(const struct setup *setup, const struct string_list *files)
{
	const struct run_as *id = &setup->run_as;
	const char *path = socket_path(&setup->socket);
	int troubles = look_at_files(setup, files);
	struct site *site;
	struct buf notes;

	if (path != NULL)
		troubles += look_at_directory(id, "socket", path, setup->access.group);
	if (setup->config->pidfile != NULL)
		troubles += look_at_directory(id, "pidfile", setup->config->pidfile, (gid_t)-1);
	setup_own_domains(setup->config);
	buf_init(&notes, NOTES_MAX);
	site = setup_site(config_ref(setup->config), &notes);
	troubles += look_at_tables(id, buf_slice(&notes));
	buf_free(&notes);
	if (site == NULL)
		return troubles + 1;
	if (site->signer != NULL)
		troubles += look_at_signer(id, site);
	site_unref(site);
	return troubles;
}

/* Only a process that has given up root for good can tell what the user may. */
static bool look_as_user(const struct setup *setup, const struct string_list *files)
{
	struct buf error;
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		buf_init(&error, ERROR_MAX);
		if (!run_as_drop(&setup->run_as, &error)) {
			log_line(LOG_LEVEL_ERROR, "%s", buf_text(&error));
			_exit(1);
		}
		_exit(look(setup, files) > 0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

int preflight_run(const struct daemon_options *options)
{
	struct string_list files;
	struct setup setup;
	bool good;

	if (!setup_load(options, &setup))
		return EX_CONFIG;
	/* listed while we may see them all */
	files = config_files(setup.config_path);
	good = setup.run_as.drop ? look_as_user(&setup, &files) : look(&setup, &files) == 0;
	if (good)
		printf("%s: good, and user %s can read it\n", setup.config_path, setup.run_as.user);
	string_list_free(&files);
	setup_free(&setup);
	return good ? EX_OK : EX_CONFIG;
}
