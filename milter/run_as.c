/* run_as.c - whom the daemon runs as. */
#include "config.h" /* for the system's extensions */

#include "milter/run_as.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void set_names(struct run_as *id)
{
	const struct passwd *pw = getpwuid(id->uid);
	const struct group *gr = getgrgid(id->gid);

	if (pw != NULL)
		snprintf(id->user, sizeof id->user, "%s", pw->pw_name);
	else
		snprintf(id->user, sizeof id->user, "%lu", (unsigned long)id->uid);
	if (gr != NULL)
		snprintf(id->group, sizeof id->group, "%s", gr->gr_name);
	else
		snprintf(id->group, sizeof id->group, "%lu", (unsigned long)id->gid);
}

/* getpwnam(3) has several ways to say "none"; the rest is "could not be told". */
static void say_missing(const char *user, int number, struct buf *error)
{
	bool none = number == 0 || number == ENOENT || number == ESRCH;

	buf_printf(error, "user %s: %s", user, none ? "there is no such user" : strerror(number));
	if (none)
		buf_printf(
		    error, "; make it by: adduser --system --group --no-create-home %s", user);
}

bool run_as_find(const char *user, struct run_as *id, struct buf *error)
{
	const struct passwd *pw;

	*id = (struct run_as){ .uid = geteuid(), .gid = getegid() };
	if (id->uid == 0) {
		errno = 0;
		pw = getpwnam(user);
		if (pw == NULL) {
			say_missing(user, errno, error);
			return false;
		}
		if (pw->pw_uid == 0) {
			buf_printf(error, "user %s: the daemon does not run as root", user);
			return false;
		}
		*id = (struct run_as){ .uid = pw->pw_uid, .gid = pw->pw_gid, .drop = true };
	}
	set_names(id);
	return true;
}

/* Is there no way back?  A system call that says it has worked is not proof enough. */
static bool is_dropped(const struct run_as *id)
{
	return setuid(0) != 0 && seteuid(0) != 0 && getuid() == id->uid && geteuid() == id->uid &&
	       getgid() == id->gid && getegid() == id->gid &&
	       (id->gid == 0 || (setgid(0) != 0 && setegid(0) != 0));
}

bool run_as_drop(const struct run_as *id, struct buf *error)
{
	if (!id->drop)
		return true;
	if (initgroups(id->user, id->gid) != 0 || setresgid(id->gid, id->gid, id->gid) != 0 ||
	    setresuid(id->uid, id->uid, id->uid) != 0) {
		buf_printf(error, "cannot become user %s: %s", id->user, strerror(errno));
		return false;
	}
	if (!is_dropped(id)) {
		buf_printf(error, "became user %s, but could become root again", id->user);
		return false;
	}
	return true;
}
