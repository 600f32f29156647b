/*
 * upkeep.c - compiles stores of the type `file`, and has the daemon forget.
 *
 * The daemon forgets by SIGUSR1, which gives it a new directory.  The signal's
 * default action ends a process, so it goes only to one that is certain to be the
 * daemon: that holds the exclusive lock of the pidfile (milter/daemon.c), as the
 * kernel says, and is named in it.  The lock is looked at and not tried: a daemon
 * that starts now would take the try for another daemon.
 */
#include "tools/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "store/stores.h"
#include "tools/tools.h"

enum { NOTES_MAX = 4096, PID_TEXT_MAX = 20, LOCK_LINE_MAX = 200 };

/* ---- compiling ------------------------------------------------------------------ */

static int compile(const char *path, bool case_sensitive)
{
	struct buf notes;
	size_t count;
	bool good;

	buf_init(&notes, NOTES_MAX);
	good = store_file_compile(path, case_sensitive, &notes, &count);
	if (good)
		printf("%s.lmdb: %zu entries\n", path, count);
	else
		log_line(
		    LOG_LEVEL_ERROR, "%s: %.*s", path, SLICE_ARG(slice_trim(buf_slice(&notes))));
	buf_free(&notes);
	return good ? STATUS_GOOD : STATUS_INPUT;
}

/* The path of a store in short form, "file:/path", or NULL. */
static const char *short_path(const char *spec)
{
	return strncmp(spec, "file:", 5) == 0 ? spec + 5 : NULL;
}

/* The section, if it is a store of the type `file`; the status, or -1 for another one. */
static int compile_section(const struct store_section *section)
{
	const struct store_options options = { section->name, section->options, section->count };
	const char *path = store_option_text(&options, "path", NULL);

	if (strcmp(store_option_text(&options, "type", ""), "file") != 0)
		return -1;
	if (path != NULL && *path == '/')
		return compile(path, store_option_bool(&options, "case_sensitive", false));
	log_line(LOG_LEVEL_ERROR, "store \"%s\": no absolute path", section->name);
	return STATUS_CONFIG;
}

static const struct store_section *find_section(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->store_count; i++)
		if (strcmp(config->stores[i].name, name) == 0)
			return &config->stores[i];
	return NULL;
}

/* What `directory` or --mailboxes names. */
static int compile_named(const struct config *config, const char *name)
{
	const struct store_section *section = find_section(config, name);

	if (section != NULL)
		return compile_section(section);
	return short_path(name) == NULL ? -1 : compile(short_path(name), false);
}

static void take(int *status, int one)
{
	if (one > *status)
		*status = one;
}

/* Each `file` store once: the sections, and those that `directory` names in short form. */
static int compile_all(const struct options *o, const struct config *config)
{
	int status = -1;

	if (o->mailboxes != NULL) {
		status = compile_named(config, o->mailboxes);
	} else {
		for (size_t i = 0; i < config->store_count; i++)
			take(&status, compile_section(&config->stores[i]));
		for (size_t i = 0; i < config->directory.count; i++)
			if (find_section(config, config->directory.items[i]) == NULL)
				take(&status, compile_named(config, config->directory.items[i]));
	}
	if (status >= 0)
		return status;
	log_line(LOG_LEVEL_ERROR,
	    "address: --compile: there is no store of the type file: set one in the configuration,"
	    " or give --mailboxes file:PATH");
	return o->mailboxes != NULL ? STATUS_USAGE : STATUS_CONFIG;
}

/* ---- the daemon ----------------------------------------------------------------- */

/* The process that the file names, else 0. */
static pid_t read_pid(int fd, struct stat *file)
{
	char text[PID_TEXT_MAX + 1] = "", *end;
	long pid;

	if (fstat(fd, file) != 0 || !S_ISREG(file->st_mode) || read(fd, text, PID_TEXT_MAX) <= 0)
		return 0;
	pid = strtol(text, &end, 10);
	return *end == '\n' && pid > 1 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/*
 * Is that the file, as a lock names it?  The device of a lock is not st_dev on every file
 * system (btrfs, overlayfs); there the number of the file is enough where nobody but root and
 * ourselves could have made a file of that number on purpose.
 */
static bool is_file(const struct stat *file, unsigned major, unsigned minor, unsigned long inode)
{
	bool trusted = (file->st_uid == 0 || file->st_uid == geteuid()) &&
		       (file->st_mode & (S_IWGRP | S_IWOTH)) == 0;

	return file->st_ino == inode && (file->st_dev == makedev(major, minor) || trusted);
}

/*
 * Does the process hold an exclusive flock on the file?  A line of /proc/locks:
 *
 *	1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF
 */
static bool holds_lock(pid_t pid, const struct stat *file)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[LOCK_LINE_MAX];
	bool found = false;

	while (locks != NULL && !found && fgets(line, sizeof line, locks) != NULL) {
		unsigned major, minor;
		unsigned long inode;
		long holder;

		found = sscanf(line, "%*s FLOCK ADVISORY WRITE %ld %x:%x:%lu", &holder, &major,
			    &minor, &inode) == 4 &&
			holder == pid && is_file(file, major, minor, inode);
	}
	if (locks != NULL)
		fclose(locks);
	return found;
}

/* The pidfd is opened before the lock is looked at, so it is of the process that holds it. */
static bool tell(pid_t pid, const struct stat *file, const char *path)
{
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
	bool held = fd >= 0 && holds_lock(pid, file), told;

	told = held && pidfd_send_signal(fd, SIGUSR1, NULL, 0) == 0;
	if (told)
		printf("presend-milter (process %ld) reads its configuration again, and forgets\n",
		    (long)pid);
	else if (held)
		log_line(LOG_LEVEL_ERROR, "process %ld: %s", (long)pid, strerror(errno));
	else
		log_line(LOG_LEVEL_ERROR,
		    "%s: no daemon that runs now has written it and holds its lock", path);
	if (fd >= 0)
		close(fd);
	return told;
}

static int flush(const struct config *config)
{
	const char *path = config->pidfile;
	struct stat file;
	bool told;
	int fd;

	if (path == NULL) {
		log_line(LOG_LEVEL_ERROR, "address: --flush: the configuration names no `pidfile`: "
					  "send the daemon SIGUSR1,"
					  " as `systemctl reload presend-milter` does");
		return STATUS_CONFIG;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		log_line(LOG_LEVEL_ERROR, "%s: %s", path, strerror(errno));
		return STATUS_INPUT;
	}
	told = tell(read_pid(fd, &file), &file, path);
	close(fd);
	return told ? STATUS_GOOD : STATUS_INPUT;
}

/* ---- both ----------------------------------------------------------------------- */

int upkeep(const struct options *o)
{
	struct config *config = options_config(o);
	int status = STATUS_GOOD;

	if (config == NULL)
		return STATUS_CONFIG;
	if (o->compile)
		status = compile_all(o, config);
	if (o->flush)
		take(&status, flush(config));
	config_unref(config);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_line(LOG_LEVEL_ERROR, "standard output: %s", strerror(errno));
	return STATUS_OUTPUT;
}
