/*
 * peer.h - where the server of a store is, and a socket connected to it in time.
 *
 * The C library's look-up of host names cannot be bounded, so names are looked up by
 * getent(1), which has all that nsswitch.conf knows and is killed at the deadline; what it
 * said is kept for PEER_KEPT_US, and longer where it fails.  A number or a path asks nobody.
 *
 * Knows nothing of what is spoken over the socket.
 */
#ifndef PRESEND_STORE_PEER_H
#define PRESEND_STORE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/net.h"
#include "store/store.h"

enum {
	PEER_ADDRESSES_MAX = 8, /* of a name; more are left out */
	PEER_KEPT_US = 60 * 1000 * 1000,
};

struct peer;

/*
 * "unix:/path", "/path", "inet:host:port", "host:port", "[2001:db8::1]:port"; with a default
 * port (not 0) ":port" may be left out.  NULL with a line in notes: it is none of these.
 */
struct peer *peer_new(
    const char *text, uint16_t default_port, const char *store_name, struct buf *notes);
void peer_free(struct peer *peer); /* NULL is allowed */

/* Not NULL: a socket of this host. */
const char *peer_path(const struct peer *peer);
/* As configured: what a certificate has to name.  NULL where there is a path. */
const char *peer_host(const struct peer *peer);
const char *peer_port(const struct peer *peer);

struct peer_addresses {
	size_t count;
	char text[PEER_ADDRESSES_MAX][IP_TEXT_SIZE];
};

/*
 * The addresses of a peer without a path.  FOUND with at least one, else a failure with its
 * reason in reply.
 */
enum lookup_status peer_addresses(
    struct peer *peer, int64_t deadline_us, struct peer_addresses *out, struct store_reply *reply);

/*
 * FOUND: *fd is a connected socket, non-blocking, closed on exec.  TEMPFAIL, and PERMFAIL where
 * a path may not be used by this process, with the reason in reply.  Several addresses are tried
 * in turn, each with its share of the time that is left.
 */
enum lookup_status peer_connect(
    struct peer *peer, int64_t deadline_us, int *fd, struct store_reply *reply);

/* Waits until the socket can be read (or has ended), or written: false at the deadline. */
bool peer_wait(int fd, bool reading, bool writing, int64_t deadline_us);

#endif
