/*
 * net.h - IP addresses and networks as values.
 */
#ifndef PRESEND_BASE_NET_H
#define PRESEND_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { IP_TEXT_SIZE = 46 }; /* INET6_ADDRSTRLEN */

/* family 0: none is known.  IPv4 uses the first four octets. */
struct ip {
	int family; /* 0, AF_INET or AF_INET6 */
	uint8_t octets[16];
};

struct network {
	struct ip ip;
	unsigned prefix; /* leading bits that count */
};

/* An IPv4-mapped IPv6 address becomes IPv4.  Anything but AF_INET, AF_INET6: family 0. */
struct ip ip_from_sockaddr(const struct sockaddr *sa);

/* "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1", also in square brackets. */
bool ip_parse(const char *text, struct ip *ip);

/* As inet_pton: that family only, no brackets; an IPv4-mapped IPv6 address stays IPv6. */
bool ip_parse_as(int family, const char *text, struct ip *ip);

/* An address, or "address/prefix" whose bits behind the prefix must be zero. */
bool network_parse(const char *text, struct network *network);

/* Writes the usual text form, or "" for family 0; returns out. */
const char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

enum { NETWORK_SAMPLES = 3 };

/*
 * Addresses that stand for the whole network: its first and last host and one
 * in the middle, all of them where they are one or two.  Returns how many.
 */
size_t network_samples(const struct network *network, struct ip out[NETWORK_SAMPLES]);

bool ip_in_network(const struct ip *ip, const struct network *network);
bool ip_is_loopback(const struct ip *ip);

#endif
