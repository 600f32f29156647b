/* socket.c - the socket at which the MTA finds us. */
#include "config.h" /* for the system's extensions */

#include "milter/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- reading the specification --------------------------------------------- */

/* Digits alone, within the bounds. */
static bool parse_number(const char *text, size_t len, long least, long most, long *number)
{
	char digits[12];

	if (len == 0 || len >= sizeof digits)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (strspn(digits, "0123456789") != len)
		return false;
	*number = strtol(digits, NULL, 10);
	return *number >= least && *number <= most;
}

static bool parse_unix(const char *path, struct socket_spec *spec, struct buf *error)
{
	struct sockaddr_un *address = (struct sockaddr_un *)(void *)&spec->address;

	if (path[0] != '/') {
		buf_printf(error, "\"%s\" is not an absolute path", path);
		return false;
	}
	if (strlen(path) >= sizeof address->sun_path) {
		buf_printf(error, "the path of a socket has at most %zu octets",
		    sizeof address->sun_path - 1);
		return false;
	}
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	spec->address_len = sizeof *address;
	return true;
}

/* HOST may stand in square brackets; NULL: any address of this host. */
static bool look_up(int family, const char *host, struct socket_spec *spec, struct buf *error)
{
	struct addrinfo hints = {
		.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE
	};
	struct addrinfo *found;
	char name[NI_MAXHOST];
	size_t len;
	int failure;

	if (host != NULL) {
		len = strlen(host);
		if (host[0] == '[' && host[len - 1] == ']') {
			host++;
			len -= 2;
		}
		if (len == 0 || len >= sizeof name) {
			buf_add_text(error, "no host behind the \"@\"");
			return false;
		}
		memcpy(name, host, len);
		name[len] = '\0';
	}
	failure = getaddrinfo(host != NULL ? name : NULL, "0", &hints, &found);
	if (failure != 0) {
		buf_printf(error, "host %s: %s", host != NULL ? name : "*", gai_strerror(failure));
		return false;
	}
	memcpy(&spec->address, found->ai_addr, found->ai_addrlen);
	spec->address_len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* PORT[@HOST] */
static bool parse_inet(int family, const char *text, struct socket_spec *spec, struct buf *error)
{
	const char *at = strchr(text, '@');
	size_t len = at != NULL ? (size_t)(at - text) : strlen(text);
	long port;

	if (!parse_number(text, len, 1, 65535, &port)) {
		buf_printf(error, "\"%.*s\" is not a port from 1 to 65535", (int)len, text);
		return false;
	}
	if (!look_up(family, at != NULL ? at + 1 : NULL, spec, error))
		return false;
	if (family == AF_INET)
		((struct sockaddr_in *)(void *)&spec->address)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)(void *)&spec->address)->sin6_port = htons((uint16_t)port);
	return true;
}

static bool parse_inherited(const char *text, struct socket_spec *spec, struct buf *error)
{
	long number;

	if (!parse_number(text, strlen(text), 3, INT_MAX, &number)) {
		buf_printf(error, "\"%s\" is not a descriptor from 3 on", text);
		return false;
	}
	spec->inherited = (int)number;
	return true;
}

static bool parse_kind(const char *text, struct socket_spec *spec, struct buf *error)
{
	const char *colon = strchr(text, ':');
	struct slice kind = { text, colon != NULL ? (size_t)(colon - text) : 0 };

	if (slice_equal(kind, SLICE("unix")) || slice_equal(kind, SLICE("local")))
		return parse_unix(colon + 1, spec, error);
	if (slice_equal(kind, SLICE("inet")))
		return parse_inet(AF_INET, colon + 1, spec, error);
	if (slice_equal(kind, SLICE("inet6")))
		return parse_inet(AF_INET6, colon + 1, spec, error);
	if (slice_equal(kind, SLICE("fd")))
		return parse_inherited(colon + 1, spec, error);
	buf_add_text(error, "begins with none of inet:, inet6:, unix:, local: and fd:");
	return false;
}

bool socket_parse(const char *text, struct socket_spec *spec, struct buf *error)
{
	*spec = (struct socket_spec){ .inherited = -1 };
	buf_printf(error, "socket %s: ", text);
	if (!parse_kind(text, spec, error))
		return false;
	buf_reset(error);
	return true;
}

const char *socket_path(const struct socket_spec *spec)
{
	return spec->address.ss_family == AF_UNIX
		   ? ((const struct sockaddr_un *)(const void *)&spec->address)->sun_path
		   : NULL;
}

/* ---- opening --------------------------------------------------------------- */

static bool fail(struct buf *error, const char *what)
{
	buf_printf(error, "%s: %s", what, strerror(errno));
	return false;
}

static bool take_inherited(
    const struct socket_spec *spec, struct listener *listener, struct buf *error)
{
	int listens = 0;
	socklen_t len = sizeof listens;

	if (getsockopt(spec->inherited, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 ||
	    !listens) {
		buf_printf(error, "fd:%d: no socket that listens was handed over", spec->inherited);
		return false;
	}
	fcntl(spec->inherited, F_SETFD, FD_CLOEXEC);
	listener->fd = spec->inherited;
	return true;
}

/* Does somebody listen at that path?  Anything but a clear no counts as yes. */
static bool is_live(const struct socket_spec *spec)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool live;

	if (fd < 0)
		return true;
	live = connect(fd, (const struct sockaddr *)&spec->address, spec->address_len) == 0 ||
	       errno != ECONNREFUSED;
	close(fd);
	return live;
}

/* Makes room for a UNIX socket: what a dead process left behind is removed. */
static bool clear_path(const struct socket_spec *spec, struct buf *error)
{
	const char *path = socket_path(spec);
	struct stat found;

	if (lstat(path, &found) != 0)
		return errno == ENOENT ? true : fail(error, path);
	if (!S_ISSOCK(found.st_mode)) {
		buf_printf(error, "%s: is there and is no socket", path);
		return false;
	}
	if (is_live(spec)) {
		buf_printf(error, "%s: another process listens there", path);
		return false;
	}
	return unlink(path) == 0 || errno == ENOENT ? true : fail(error, path);
}

/* Nobody can connect before listen(2), so mode and group are right from the first connection on. */
static bool set_access(const char *path, const struct socket_access *access,
    struct listener *listener, struct buf *error)
{
	struct stat file;

	if (access->group != (gid_t)-1 && lchown(path, (uid_t)-1, access->group) != 0)
		return fail(error, path);
	if (chmod(path, access->mode) != 0 || lstat(path, &file) != 0)
		return fail(error, path);
	listener->device = file.st_dev;
	listener->inode = file.st_ino;
	return true;
}

static bool bind_and_listen(
    const struct socket_access *access, struct listener *listener, struct buf *error)
{
	const struct socket_spec *spec = &listener->spec;
	const char *path = socket_path(spec);
	int on = 1;

	if (path == NULL)
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	else if (!clear_path(spec, error))
		return false;
	if (bind(listener->fd, (const struct sockaddr *)&spec->address, spec->address_len) != 0)
		return fail(error, path != NULL ? path : "the address of the socket");
	if (path != NULL && !set_access(path, access, listener, error)) {
		unlink(path);
		return false;
	}
	return listen(listener->fd, SOMAXCONN) == 0 ? true : fail(error, "listen");
}

bool socket_open(const struct socket_spec *spec, const struct socket_access *access,
    struct listener *listener, struct buf *error)
{
	*listener = (struct listener){ .fd = -1, .spec = *spec };
	if (spec->inherited >= 0)
		return take_inherited(spec, listener, error);
	listener->fd = socket(spec->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return fail(error, "socket");
	if (bind_and_listen(access, listener, error))
		return true;
	close(listener->fd);
	listener->fd = -1;
	return false;
}

/* ---- closing --------------------------------------------------------------- */

/*
 * A listening socket under a name that the kernel chose and nobody learns, with
 * one connection of our own in its queue; accept never waits there.
 */
static int open_nowhere(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool open = fd >= 0 && caller >= 0 &&
		    bind(fd, (struct sockaddr *)&address, sizeof address.sun_family) == 0 &&
		    listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
		    connect(caller, (struct sockaddr *)&address, len) == 0;

	if (caller >= 0)
		close(caller);
	if (!open && fd >= 0)
		close(fd);
	return open ? fd : -1;
}

/*
 * libmilter sleeps in poll with the old socket, and what connects there would
 * wait with it.  So the descriptor first gets something else behind it, where a
 * connection is ready, and then the old socket is shut down: that ends the poll,
 * which finds the new one, and lets go of the old one with all in its queue.
 * One that was handed over lives on in the service manager instead: what
 * connects now waits there for our successor.
 */
void socket_retire(struct listener *listener)
{
	const char *path = socket_path(&listener->spec);
	int nowhere = open_nowhere(), old = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
	struct stat file;

	/* the path may be a successor's by now */
	if (path != NULL && lstat(path, &file) == 0 && file.st_dev == listener->device &&
	    file.st_ino == listener->inode)
		unlink(path);
	if (nowhere >= 0 && old >= 0) {
		dup3(nowhere, listener->fd, O_CLOEXEC);
		if (listener->spec.inherited < 0)
			shutdown(old, SHUT_RDWR);
	}
	if (nowhere >= 0)
		close(nowhere);
	if (old >= 0)
		close(old);
}
