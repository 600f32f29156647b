/* net.c - IP addresses and networks as values. */
#include "base/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ip from_in6(const struct in6_addr *in6)
{
	struct ip ip = { .family = AF_INET6 };

	if (IN6_IS_ADDR_V4MAPPED(in6)) {
		ip.family = AF_INET;
		memcpy(ip.octets, in6->s6_addr + 12, 4);
	} else {
		memcpy(ip.octets, in6->s6_addr, 16);
	}
	return ip;
}

struct ip ip_from_sockaddr(const struct sockaddr *sa)
{
	struct ip ip = { 0 };

	if (sa == NULL)
		return ip;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		ip.family = AF_INET;
		memcpy(ip.octets, &in->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;

		ip = from_in6(&in6->sin6_addr);
	}
	return ip;
}

bool ip_parse(const char *text, struct ip *ip)
{
	char copy[IP_TEXT_SIZE + 8];
	size_t len = strlen(text);
	struct in6_addr in6;
	const char *p = copy;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len + 1);
	if (len >= 2 && copy[0] == '[' && copy[len - 1] == ']') {
		copy[len - 1] = '\0';
		p++;
	}
	if (strncmp(p, "IPv6:", 5) == 0)
		p += 5;
	if (inet_pton(AF_INET6, p, &in6) == 1) {
		*ip = from_in6(&in6);
		return true;
	}
	*ip = (struct ip){ .family = AF_INET };
	return inet_pton(AF_INET, p, ip->octets) == 1;
}

bool ip_parse_as(int family, const char *text, struct ip *ip)
{
	*ip = (struct ip){ .family = family };
	return inet_pton(family, text, ip->octets) == 1;
}

static unsigned ip_bits(const struct ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

static bool bit_at(const struct ip *ip, unsigned n)
{
	return ip->octets[n / 8] >> (7 - n % 8) & 1;
}

bool network_parse(const char *text, struct network *network)
{
	char copy[IP_TEXT_SIZE + 16];
	char *slash, *end;
	unsigned long prefix;

	if (strlen(text) >= sizeof copy)
		return false;
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!ip_parse(copy, &network->ip))
		return false;
	network->prefix = ip_bits(&network->ip);
	if (slash == NULL)
		return true;
	if (slash[1] < '0' || slash[1] > '9')
		return false;
	prefix = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || prefix > network->prefix)
		return false;
	for (unsigned n = (unsigned)prefix; n < network->prefix; n++)
		if (bit_at(&network->ip, n))
			return false;
	network->prefix = (unsigned)prefix;
	return true;
}

const char *ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
	if (ip->family == 0 || inet_ntop(ip->family, ip->octets, out, IP_TEXT_SIZE) == NULL)
		out[0] = '\0';
	return out;
}

/* Sets the bit, counted from the last one of the address. */
static void set_bit(struct ip *ip, unsigned width, unsigned bit)
{
	ip->octets[(width - 1 - bit) / 8] |= (uint8_t)(1u << bit % 8);
}

size_t network_samples(const struct network *network, struct ip out[NETWORK_SAMPLES])
{
	unsigned width = network->ip.family == AF_INET ? 32 : 128;
	unsigned hosts = width - network->prefix;

	for (size_t i = 0; i < NETWORK_SAMPLES; i++)
		out[i] = network->ip;
	if (hosts == 0)
		return 1;
	if (hosts == 1) {
		set_bit(&out[1], width, 0);
		return 2;
	}
	/* neither the network's own address nor the broadcast one */
	set_bit(&out[0], width, 0);
	set_bit(&out[1], width, hosts - 1);
	for (unsigned bit = 1; bit < hosts; bit++)
		set_bit(&out[2], width, bit);
	return 3;
}

bool ip_in_network(const struct ip *ip, const struct network *network)
{
	unsigned whole = network->prefix / 8;

	if (ip->family == 0 || ip->family != network->ip.family)
		return false;
	if (memcmp(ip->octets, network->ip.octets, whole) != 0)
		return false;
	for (unsigned n = whole * 8; n < network->prefix; n++)
		if (bit_at(ip, n) != bit_at(&network->ip, n))
			return false;
	return true;
}

bool ip_is_loopback(const struct ip *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (ip->family == AF_INET)
		return ip->octets[0] == 127;
	return ip->family == AF_INET6 && memcmp(ip->octets, one, 16) == 0;
}
