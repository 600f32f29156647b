/*
 * socket.h - the socket at which the MTA finds us.
 *
 * The listening socket is ours, and libmilter gets it as "fd:N": so mode and
 * group are right before anybody can connect, a socket in use is never taken
 * away from its owner, and a drain can turn new connections away at once, which
 * libmilter by itself does only when it stops.
 *
 *   inet:PORT[@HOST]   inet6:PORT[@HOST]   unix:/PATH   local:/PATH   fd:N
 */
#ifndef PRESEND_MILTER_SOCKET_H
#define PRESEND_MILTER_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/buf.h"

struct socket_spec {
	int inherited; /* of fd:N; -1 for the others */
	struct sockaddr_storage address;
	socklen_t address_len;
};

struct listener {
	int fd;
	struct socket_spec spec;
	dev_t device; /* of the file of a UNIX socket, to know it again */
	ino_t inode;
};

/* Who may connect to a UNIX socket; group (gid_t)-1: leave it. */
struct socket_access {
	mode_t mode;
	gid_t group;
};

/* False with the reason in error; a host name is looked up here. */
bool socket_parse(const char *text, struct socket_spec *spec, struct buf *error);

/* The file of a UNIX socket, NULL for the others. */
const char *socket_path(const struct socket_spec *spec);

/*
 * Listens there.  A file left behind by a dead process is replaced, a socket at
 * which somebody listens is not.  False with the reason in error.
 */
bool socket_open(const struct socket_spec *spec, const struct socket_access *access,
    struct listener *listener, struct buf *error);

/*
 * Turns new connections away from now on.  The descriptor stays open, with
 * nothing behind it, because libmilter goes on looking at it; connections that
 * are open go on.  May be called twice.
 */
void socket_retire(struct listener *listener);

#endif
