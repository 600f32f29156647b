/* peer.c - where the server of a store is, and a socket connected to it in time. */
#include "store/peer.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/run.h"
#include "dns/dns.h"

enum { HOST_MAX = 253, PORT_SIZE = 6, NAMES_MAX = 16 * 1024 };

#define GETENT "/usr/bin/getent"

struct peer {
	char *path, *host;
	char port[PORT_SIZE];
	bool numeric;

	pthread_mutex_t mutex; /* of what follows */
	struct peer_addresses known;
	int64_t until_us;
};

/* ---- what is configured --------------------------------------------------------- */

static bool port_read(struct slice text, char port[PORT_SIZE])
{
	unsigned long n = 0;

	if (text.len == 0 || text.len >= PORT_SIZE)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		n = n * 10 + (unsigned long)(text.data[i] - '0');
	}
	snprintf(port, PORT_SIZE, "%lu", n);
	return n >= 1 && n <= 65535;
}

/* Letters, digits, dots, hyphens, not a hyphen first: getent must not take it for an option. */
static bool is_host_name(struct slice host)
{
	if (host.len == 0 || host.len > HOST_MAX || host.data[0] == '-')
		return false;
	for (size_t i = 0; i < host.len; i++) {
		char c = ascii_lower(host.data[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("-._", c) == NULL)
			return false;
	}
	return true;
}

static bool read_inet(struct peer *peer, struct slice text, uint16_t default_port)
{
	struct ip ip;
	size_t colon = ip_parse(text.data, &ip) ? text.len : slice_find_last(text, ':');
	struct slice host = slice_part(text, 0, colon);

	if (text.len > 0 && text.data[0] == '[' && colon < text.len) {
		size_t end = slice_find(text, ']');

		if (end == text.len || (end + 1 < text.len && colon != end + 1))
			return false;
		host = slice_part(text, 1, end);
		colon = end + 1;
	}
	if (colon < text.len) {
		if (!port_read(slice_part(text, colon + 1, text.len), peer->port))
			return false;
	} else if (default_port == 0) {
		return false;
	} else {
		snprintf(peer->port, sizeof peer->port, "%u", default_port);
	}
	peer->host = must_alloc(host.len + 1);
	memcpy(peer->host, host.data, host.len);
	peer->numeric = ip_parse_as(AF_INET, peer->host, &ip) || ip_parse(peer->host, &ip);
	if (peer->numeric)
		ip_format(&ip, peer->known.text[0]);
	peer->known.count = peer->numeric;
	return peer->numeric || is_host_name(host);
}

struct peer *peer_new(
    const char *text, uint16_t default_port, const char *store_name, struct buf *notes)
{
	struct peer *peer = must_alloc(sizeof *peer);
	struct slice whole = slice_of(text);
	bool good;

	pthread_mutex_init(&peer->mutex, NULL);
	if (text[0] == '/' || strncmp(text, "unix:/", 6) == 0) {
		peer->path = must_strdup(strchr(text, '/'));
		good = strlen(peer->path) < sizeof((struct sockaddr_un *)0)->sun_path;
	} else {
		good = read_inet(peer,
		    slice_starts_nocase(whole, SLICE("inet:")) ? slice_part(whole, 5, whole.len)
							       : whole,
		    default_port);
	}
	if (good)
		return peer;
	buf_printf(notes,
	    "store \"%s\": \"%s\" is no place of a server: unix:/path or inet:host:port\n",
	    store_name, text);
	peer_free(peer);
	return NULL;
}

void peer_free(struct peer *peer)
{
	if (peer == NULL)
		return;
	pthread_mutex_destroy(&peer->mutex);
	free(peer->path);
	free(peer->host);
	free(peer);
}

const char *peer_path(const struct peer *peer)
{
	return peer->path;
}

const char *peer_host(const struct peer *peer)
{
	return peer->host;
}

const char *peer_port(const struct peer *peer)
{
	return peer->port;
}

/* ---- its addresses -------------------------------------------------------------- */

/* The first word of each line of getent, each address once. */
static void read_addresses(struct slice text, struct peer_addresses *out)
{
	out->count = 0;
	while (text.len > 0 && out->count < PEER_ADDRESSES_MAX) {
		size_t line = slice_find(text, '\n');
		size_t blank = slice_find(slice_part(text, 0, line), ' ');
		char word[IP_TEXT_SIZE];
		struct ip ip;
		bool again = false;

		if (blank < sizeof word) {
			memcpy(word, text.data, blank);
			word[blank] = '\0';
			for (size_t i = 0; i < out->count; i++)
				again = again || strcmp(out->text[i], word) == 0;
			if (!again && ip_parse(word, &ip))
				ip_format(&ip, out->text[out->count++]);
		}
		text = slice_part(text, line + 1, text.len);
	}
}

static bool look_up(const struct peer *peer, int64_t deadline_us, struct peer_addresses *out)
{
	const char *const argv[] = { GETENT, "ahosts", peer->host, NULL };
	int64_t left_us = deadline_us - dns_now_us();
	struct buf output;
	struct run run;

	buf_init(&output, NAMES_MAX);
	run = run_program(argv, left_us > 0 ? left_us : 0, &output, NULL);
	out->count = 0;
	if (run.end == RUN_EXITED && run.status == 0)
		read_addresses(buf_slice(&output), out);
	buf_free(&output);
	return out->count > 0;
}

enum lookup_status peer_addresses(
    struct peer *peer, int64_t deadline_us, struct peer_addresses *out, struct store_reply *reply)
{
	struct peer_addresses found;
	bool fresh;

	pthread_mutex_lock(&peer->mutex);
	*out = peer->known;
	fresh = peer->numeric || dns_now_us() < peer->until_us;
	pthread_mutex_unlock(&peer->mutex);
	if (fresh)
		return LOOKUP_FOUND;
	if (look_up(peer, deadline_us, &found)) {
		pthread_mutex_lock(&peer->mutex);
		*out = peer->known = found;
		peer->until_us = dns_now_us() + PEER_KEPT_US;
		pthread_mutex_unlock(&peer->mutex);
	}
	return out->count > 0 ? LOOKUP_FOUND
			      : store_reply_fail(reply, LOOKUP_TEMPFAIL,
				    "no address of %s could be found out", peer->host);
}

/* ---- a connected socket --------------------------------------------------------- */

bool peer_wait(int fd, bool reading, bool writing, int64_t deadline_us)
{
	struct pollfd p = { fd, (short)((reading ? POLLIN : 0) | (writing ? POLLOUT : 0)), 0 };

	for (;;) {
		int64_t left_us = deadline_us - dns_now_us();
		int n = poll(&p, 1, left_us <= 0 ? 0 : (int)((left_us + 999) / 1000));

		if (n > 0)
			return true;
		if (left_us <= 0 || (n < 0 && errno != EINTR))
			return false;
	}
}

/* A socket, or -1 with errno set. */
static int connect_to(const struct sockaddr *sa, socklen_t len, int64_t deadline_us)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, sa, len) == 0)
		return fd;
	/* the backlog of a unix socket is full: EAGAIN, and nothing to wait for */
	if (errno != EINPROGRESS)
		error = errno;
	else if (!peer_wait(fd, false, true, deadline_us))
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

static int connect_inet(const char *address, const char *port, int64_t deadline_us)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	int fd;

	if (getaddrinfo(address, port, &hints, &info) != 0) {
		errno = EINVAL;
		return -1;
	}
	fd = connect_to(info->ai_addr, info->ai_addrlen, deadline_us);
	freeaddrinfo(info);
	return fd;
}

static int connect_unix(const char *path, int64_t deadline_us)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memcpy(un.sun_path, path, strlen(path));
	return connect_to((const struct sockaddr *)&un, sizeof un, deadline_us);
}

enum lookup_status peer_connect(
    struct peer *peer, int64_t deadline_us, int *fd, struct store_reply *reply)
{
	struct peer_addresses addresses = { .count = 1 };
	enum lookup_status status;
	char why[128];

	*fd = -1;
	if (peer->path == NULL) {
		status = peer_addresses(peer, deadline_us, &addresses, reply);
		if (status != LOOKUP_FOUND)
			return status;
	}
	for (size_t i = 0; i < addresses.count && *fd < 0; i++) {
		int64_t now_us = dns_now_us();
		int64_t share_us = (deadline_us - now_us) / (int64_t)(addresses.count - i);

		*fd = peer->path != NULL
			  ? connect_unix(peer->path, deadline_us)
			  : connect_inet(addresses.text[i], peer->port, now_us + share_us);
	}
	if (*fd >= 0)
		return LOOKUP_FOUND;
	status = errno == EACCES || errno == EPERM ? LOOKUP_PERMFAIL : LOOKUP_TEMPFAIL;
	if (strerror_r(errno, why, sizeof why) != 0)
		why[0] = '\0';
	return store_reply_fail(
	    reply, status, "%s: %s", peer->path != NULL ? peer->path : peer->host, why);
}
