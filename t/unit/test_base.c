/*
 * test_base.c - the lowest layer: arena, buf, file, ascii, slice, utf8, net, time,
 * threads and the log's line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ascii.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/exchange.h"
#include "base/file.h"
#include "base/log.h"
#include "base/net.h"
#include "base/patience.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "unit.h"

/* ---- arena ---- */

START_TEST(arena_pieces_stay_apart)
{
	enum { PIECES = 2000 };
	struct arena *arena = arena_new();
	unsigned char *pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++) {
		size_t size = i % 97;

		pieces[i] = arena_alloc(arena, size);
		ck_assert_uint_eq((uintptr_t)pieces[i] % 16, 0);
		for (size_t k = 0; k < size; k++)
			ck_assert_uint_eq(pieces[i][k], 0);
		memset(pieces[i], (int)(i & 0xff), size);
	}
	for (size_t i = 0; i < PIECES; i++)
		for (size_t k = 0; k < i % 97; k++)
			ck_assert_uint_eq(pieces[i][k], i & 0xff);
	arena_free(arena);
}
END_TEST

START_TEST(arena_resets)
{
	struct arena *arena = arena_new();
	unsigned char *p;

	memset(arena_alloc(arena, 100), 'x', 100);
	arena_alloc(arena, 1000000);
	ck_assert_uint_ge(arena_used(arena), 1000100);
	arena_reset(arena);
	ck_assert_uint_eq(arena_used(arena), 0);
	p = arena_alloc(arena, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_msg(p[i] == 0, "what was used before is not zeroed");
	arena_free(arena);
	arena_free(NULL);
}
END_TEST

START_TEST(arena_texts_have_a_nul)
{
	struct arena *arena = arena_new();
	struct slice s = arena_copy(arena, SLICE("a\0b"));

	ck_assert(slice_equal(s, SLICE("a\0b")));
	ck_assert_int_eq(s.data[3], '\0');
	s = arena_copy(arena, (struct slice){ NULL, 0 });
	ck_assert_uint_eq(s.len, 0);
	s = arena_printf(arena, "%s-%d", "x", 42);
	expect_slice("printf", "the text", s, "x-42");
	ck_assert_int_eq(s.data[s.len], '\0');
	arena_free(arena);
}
END_TEST

/* ---- buf ---- */

START_TEST(buf_keeps_its_ceiling)
{
	struct buf b;

	buf_init(&b, 10);
	ck_assert_str_eq(buf_text(&b), "");
	buf_add_text(&b, "12345");
	buf_add_char(&b, '6');
	buf_add_slice(&b, SLICE("789"));
	ck_assert(!b.truncated);
	buf_printf(&b, "%d", 123);
	ck_assert(b.truncated);
	ck_assert_str_eq(buf_text(&b), "1234567891");
	buf_add_char(&b, 'x');
	buf_add(&b, "yz", 2);
	ck_assert_uint_eq(b.len, 10);
	buf_reset(&b);
	ck_assert(!b.truncated);
	ck_assert_str_eq(buf_text(&b), "");
	buf_add_text(&b, "0123456789");
	ck_assert_msg(!b.truncated, "what fits exactly is not cut");
	buf_free(&b);
	ck_assert_str_eq(buf_text(&b), "");
}
END_TEST

START_TEST(buf_grows)
{
	struct buf b;

	buf_init(&b, 100000);
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "%05d", i);
	ck_assert_uint_eq(b.len, 100000);
	ck_assert(!b.truncated);
	expect_slice("grown", "the end", slice_part(buf_slice(&b), 99995, 100000), "19999");
	buf_free(&b);
}
END_TEST

/* ---- file ---- */

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, len, file), len);
	fclose(file);
}

/* What a read into a buffer that holds 100000 octets gives; what was in it stays. */
static void expect_read(const char *path, bool any, int error, size_t len)
{
	struct buf text;
	int got;

	buf_init(&text, 100000);
	buf_add_text(&text, "0");
	got = any ? file_read_any(path, false, &text) : file_read_whole(path, &text);
	ck_assert_msg(got == error, "%s, %s: %d", path, any ? "any" : "regular", got);
	ck_assert_int_eq(buf_text(&text)[0], '0');
	if (error == 0)
		ck_assert_uint_eq(text.len, 1 + len);
	buf_free(&text);
}

START_TEST(files_are_read_whole)
{
	char folder[] = "/tmp/presend-base.XXXXXX", path[60], pipe[60];
	static char text[100000];

	memset(text, 'x', sizeof text);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
	snprintf(pipe, sizeof pipe, "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	for (int any = 0; any < 2; any++) {
		expect_read(path, any, ENOENT, 0);
		expect_read(folder, any, any ? EISDIR : EINVAL, 0);
		expect_read("/dev/null", any, any ? 0 : EINVAL, 0);
		expect_read(pipe, any, any ? 0 : EINVAL, 0);
		write_file(path, text, 0);
		expect_read(path, any, 0, 0);
		write_file(path, text, sizeof text - 1);
		expect_read(path, any, 0, sizeof text - 1);
		write_file(path, text, sizeof text);
		expect_read(path, any, EFBIG, 0);
		unlink(path);
	}
	unlink(pipe);
	rmdir(folder);
}
END_TEST

static void *write_late(void *path)
{
	usleep(50000);
	write_file(path, "late", 4);
	return NULL;
}

/* A pipe that nobody has opened yet is waited for only where that was asked for. */
START_TEST(pipes_are_waited_for)
{
	char folder[] = "/tmp/presend-base.XXXXXX", pipe[60];
	struct buf text;
	pthread_t thread;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(pipe, sizeof pipe, "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	buf_init(&text, 100);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_late, pipe), 0);
	ck_assert_int_eq(file_read_any(pipe, true, &text), 0);
	ck_assert_str_eq(buf_text(&text), "late");
	pthread_join(thread, NULL);
	buf_free(&text);
	unlink(pipe);
	rmdir(folder);
}
END_TEST

/* ---- ascii ---- */

/* The octets of each class, as pairs of a first and a last one. */
static const struct {
	const char *name;
	bool (*class)(char c);
	struct slice pairs;
} classes[] = {
	{ "is_wsp", is_wsp, { "\t\t  ", 4 } },
	{ "is_fws", is_fws, { "\t\n\r\r  ", 6 } },
	{ "is_space_c", is_space_c, { "\t\r  ", 4 } },
	{ "is_digit", is_digit, { "09", 2 } },
	{ "is_alpha", is_alpha, { "AZaz", 4 } },
	{ "is_alnum", is_alnum, { "09AZaz", 6 } },
	{ "is_hex", is_hex, { "09AFaf", 6 } },
	{ "is_ctl", is_ctl, { "\0\x1f\x7f\x7f", 4 } },
	{ "is_8bit", is_8bit, { "\x80\xff", 2 } },
};

START_TEST(octets_have_classes)
{
	const unsigned char *pairs = (const unsigned char *)classes[_i].pairs.data;

	for (int octet = 0; octet < 256; octet++) {
		bool wanted = false;

		for (size_t p = 0; p < classes[_i].pairs.len; p += 2)
			wanted |= octet >= pairs[p] && octet <= pairs[p + 1];
		ck_assert_msg(classes[_i].class((char)octet) == wanted, "%s: octet %d",
		    classes[_i].name, octet);
	}
}
END_TEST

/* ---- slice ---- */

START_TEST(slices)
{
	struct slice none = { NULL, 0 }, s = SLICE("abcabc");

	ck_assert_ptr_null(slice_of(NULL).data);
	expect_slice("of", "the slice", slice_of("abc"), "abc");
	expect_slice("part", "the slice", slice_part(s, 1, 3), "bc");
	expect_slice("part beyond the end", "the slice", slice_part(s, 4, 100), "bc");
	expect_slice("part that is none", "the slice", slice_part(s, 5, 2), "");
	ck_assert_ptr_null(slice_part(none, 1, 2).data);
	expect_slice("trim", "the slice", slice_trim(SLICE(" \r\n\ta b\t\r\n ")), "a b");
	expect_slice("trim all", "the slice", slice_trim(SLICE(" \t")), "");
	ck_assert(slice_equal(none, SLICE("")));
	ck_assert(!slice_equal(SLICE("a\0b"), SLICE("a\0c")));
	ck_assert(!slice_equal(SLICE("a"), SLICE("ab")));
	ck_assert(slice_equal_nocase(SLICE("aBz@["), SLICE("AbZ@[")));
	ck_assert(!slice_equal_nocase(SLICE("@"), SLICE("`")));
	ck_assert(!slice_equal_nocase(SLICE("\xc3\x9c"), SLICE("\xc3\xbc")));
	ck_assert(slice_starts_nocase(SLICE("Re: x"), SLICE("re:")));
	ck_assert(!slice_starts_nocase(SLICE("Re"), SLICE("re:")));
	ck_assert_uint_eq(slice_find(s, 'b'), 1);
	ck_assert_uint_eq(slice_find_last(s, 'b'), 4);
	ck_assert_uint_eq(slice_find(s, 'x'), 6);
	ck_assert_uint_eq(slice_find_last(s, 'x'), 6);
	ck_assert_uint_eq(slice_find(none, 'x'), 0);
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool match;
} patterns[] = {
	{ "from.*", "from.syntax", true },
	{ "from.*", "from.", true },
	{ "from.*", "from", false },
	{ "*", "", true },
	{ "", "", true },
	{ "", "a", false },
	{ "*.example.com", "a.b.example.com", true },
	{ "*.example.com", "example.com", false },
	{ "a*b*c", "aXbXbXc", true },
	{ "a*b*c", "aXbXbX", false },
	{ "**a", "bba", true },
	{ "*aab", "aaab", true },
	{ "FROM.Syntax", "from.sYNTAX", true },
	{ "a?c", "abc", false },
};

START_TEST(patterns_match)
{
	struct slice pattern = exact_text(patterns[_i].pattern);
	struct slice text = exact_text(patterns[_i].text);

	ck_assert_msg(slice_match(pattern, text) == patterns[_i].match, "\"%s\" and \"%s\"",
	    patterns[_i].pattern, patterns[_i].text);
	exact_free(pattern);
	exact_free(text);
}
END_TEST

START_TEST(hostile_patterns_end)
{
	enum { OCTETS = 3000 };
	char *text = must_alloc(OCTETS), *pattern = must_alloc(OCTETS);

	memset(text, 'a', OCTETS);
	for (int i = 0; i < OCTETS; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[OCTETS - 1] = 'b';
	ck_assert(!slice_match((struct slice){ pattern, OCTETS }, (struct slice){ text, OCTETS }));
	free(text);
	free(pattern);
}
END_TEST

/* ---- utf8 ---- */

static const struct {
	const char *label;
	const char *text;
	size_t len; /* 0: none begins there */
	uint32_t code;
} characters[] = {
	{ "ASCII", "a", 1, 'a' },
	{ "the last of one octet", "\x7f", 1, 0x7f },
	{ "the first of two", "\xc2\x80", 2, 0x80 },
	{ "the last of two", "\xdf\xbf", 2, 0x7ff },
	{ "the first of three", "\xe0\xa0\x80", 3, 0x800 },
	{ "before the surrogates", "\xed\x9f\xbf", 3, 0xd7ff },
	{ "behind the surrogates", "\xee\x80\x80", 3, 0xe000 },
	{ "the last of three", "\xef\xbf\xbf", 3, 0xffff },
	{ "the first of four", "\xf0\x90\x80\x80", 4, 0x10000 },
	{ "the last of all", "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	{ "nothing", "", 0, 0 },
	{ "a tail alone", "\x80", 0, 0 },
	{ "cut after one of two", "\xc3", 0, 0 },
	{ "cut after two of three", "\xe2\x82", 0, 0 },
	{ "cut after three of four", "\xf0\x9f\x98", 0, 0 },
	{ "no tail", "\xc3(", 0, 0 },
	{ "no second tail", "\xe2\x82(", 0, 0 },
	{ "overlong of two", "\xc1\xbf", 0, 0 },
	{ "overlong of three", "\xe0\x9f\xbf", 0, 0 },
	{ "overlong of four", "\xf0\x8f\xbf\xbf", 0, 0 },
	{ "first surrogate", "\xed\xa0\x80", 0, 0 },
	{ "last surrogate", "\xed\xbf\xbf", 0, 0 },
	{ "beyond the last", "\xf4\x90\x80\x80", 0, 0 },
	{ "no lead octet", "\xf5\x80\x80\x80", 0, 0 },
	{ "FF", "\xff", 0, 0 },
};

START_TEST(utf8_decodes)
{
	struct slice s = exact_text(characters[_i].text);
	uint32_t code = 0;
	size_t len = utf8_decode(s, 0, &code);
	struct buf back;

	ck_assert_msg(len == characters[_i].len, "%s: length %zu", characters[_i].label, len);
	ck_assert_msg(code == characters[_i].code, "%s: code %x", characters[_i].label, code);
	ck_assert_uint_eq(utf8_first_invalid(s), len);
	buf_init(&back, 10);
	if (len > 0) {
		utf8_encode(&back, code);
		expect_slice(
		    characters[_i].label, "what is encoded", buf_slice(&back), characters[_i].text);
	}
	buf_free(&back);
	exact_free(s);
}
END_TEST

static const struct {
	const char *label;
	const char *text;
	const char *escaped;
} escapes[] = {
	{ "plain", "a \\ \"<b>\"", "a \\ \"<b>\"" },
	{ "UTF-8", "J\xc3\xb6rg \xe4\xb8\xad \xf0\x9f\x98\x80",
	    "J\xc3\xb6rg \xe4\xb8\xad \xf0\x9f\x98\x80" },
	{ "line ends", "a\r\nb", "a\\x0d\\x0ab" },
	{ "TAB and ESC", "\t\x1b[0m", "\\x09\\x1b[0m" },
	{ "DEL", "\x7f", "\\x7f" },
	{ "C1", "\xc2\x85", "\\xc2\\x85" },
	{ "not UTF-8", "a\xff\xc3", "a\\xff\\xc3" },
	{ "right-to-left override", "a\342\200\256b", "a\\xe2\\x80\\xaeb" },
	{ "isolate", "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },
	{ "zero width space", "\xe2\x80\x8b", "\\xe2\\x80\\x8b" },
	{ "line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
	{ "byte order mark", "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },
	{ "soft hyphen", "\xc2\xad", "\\xc2\\xad" },
	{ "a tag", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81" },
	{ "noncharacter", "\xef\xbf\xbe", "\\xef\\xbf\\xbe" },
	{ "noncharacter of another plane", "\xf0\x9f\xbf\xbf", "\\xf0\\x9f\\xbf\\xbf" },
	{ "replacement character", "\xef\xbf\xbd", "\xef\xbf\xbd" },
	{ "no-break space", "\xc2\xa0", "\xc2\xa0" },
};

START_TEST(utf8_escapes)
{
	struct slice s = exact_text(escapes[_i].text);
	struct buf out;

	buf_init(&out, 1000);
	utf8_escape(&out, s);
	expect_slice(escapes[_i].label, "the escaped text", buf_slice(&out), escapes[_i].escaped);
	buf_free(&out);
	exact_free(s);
}
END_TEST

START_TEST(utf8_sees_8bit)
{
	ck_assert(utf8_has_8bit(SLICE("ab\x80")));
	ck_assert(!utf8_has_8bit(SLICE("ab\x7f")));
	ck_assert(!utf8_has_8bit(SLICE("")));
}
END_TEST

/* ---- net ---- */

static const struct {
	const char *text;
	const char *shown; /* NULL: no address */
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "[192.0.2.1]", "192.0.2.1" },
	{ "2001:DB8::1", "2001:db8::1" },
	{ "[2001:db8::1]", "2001:db8::1" },
	{ "IPv6:2001:db8::1", "2001:db8::1" },
	{ "[IPv6:::1]", "::1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.1 ", NULL },
	{ "[192.0.2.1", NULL },
	{ "2001:db8::g", NULL },
	{ "localhost", NULL },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", NULL },
};

START_TEST(ip_parses)
{
	char shown[IP_TEXT_SIZE];
	struct ip ip;
	bool parsed = ip_parse(addresses[_i].text, &ip);

	ck_assert_msg(parsed == (addresses[_i].shown != NULL), "\"%s\"", addresses[_i].text);
	if (parsed)
		ck_assert_str_eq(ip_format(&ip, shown), addresses[_i].shown);
}
END_TEST

static const struct {
	const char *text;
	int family;
	bool good;
} addresses_as[] = {
	{ "192.0.2.1", AF_INET, true },
	{ "192.0.2.1", AF_INET6, false },
	{ "::ffff:192.0.2.1", AF_INET6, true },
	{ "::ffff:192.0.2.1", AF_INET, false },
	{ "[192.0.2.1]", AF_INET, false },
	{ "IPv6:::1", AF_INET6, false },
	{ "", AF_INET, false },
};

START_TEST(ip_parses_as)
{
	struct ip ip;
	bool parsed = ip_parse_as(addresses_as[_i].family, addresses_as[_i].text, &ip);

	ck_assert_msg(parsed == addresses_as[_i].good, "\"%s\"", addresses_as[_i].text);
	if (parsed)
		ck_assert_msg(
		    ip.family == addresses_as[_i].family, "\"%s\"", addresses_as[_i].text);
}
END_TEST

static const struct {
	const char *network, *ip;
	bool parses, within;
} networks[] = {
	{ "192.0.2.0/24", "192.0.2.255", true, true },
	{ "192.0.2.0/24", "192.0.3.0", true, false },
	{ "192.0.2.128/25", "192.0.2.127", true, false },
	{ "192.0.2.128/25", "192.0.2.128", true, true },
	{ "192.0.2.1", "192.0.2.1", true, true },
	{ "192.0.2.1", "192.0.2.2", true, false },
	{ "0.0.0.0/0", "203.0.113.9", true, true },
	{ "0.0.0.0/0", "2001:db8::1", true, false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true, true },
	{ "2001:db8::/33", "2001:db8:8000::1", true, false },
	{ "::1", "::1", true, true },
	{ "127.0.0.0/8", "::ffff:127.0.0.1", true, true },
	{ "192.0.2.1/24", "192.0.2.1", false, false },
	{ "192.0.2.0/33", "192.0.2.1", false, false },
	{ "192.0.2.0/", "192.0.2.1", false, false },
	{ "192.0.2.0/-1", "192.0.2.1", false, false },
	{ "192.0.2.0/24x", "192.0.2.1", false, false },
	{ "192.0.2.0/ 24", "192.0.2.1", false, false },
	{ "2001:db8::/129", "2001:db8::1", false, false },
	{ "/24", "192.0.2.1", false, false },
};

START_TEST(networks_hold)
{
	struct network network;
	struct ip ip;
	bool parsed = network_parse(networks[_i].network, &network);

	ck_assert_msg(parsed == networks[_i].parses, "\"%s\"", networks[_i].network);
	ck_assert(ip_parse(networks[_i].ip, &ip));
	if (parsed)
		ck_assert_msg(ip_in_network(&ip, &network) == networks[_i].within, "%s in %s",
		    networks[_i].ip, networks[_i].network);
}
END_TEST

static const struct {
	const char *network, *samples;
} sample_rows[] = {
	{ "192.0.2.9", "192.0.2.9" },
	{ "192.0.2.8/31", "192.0.2.8 192.0.2.9" },
	{ "192.0.2.8/30", "192.0.2.9 192.0.2.10 192.0.2.10" },
	{ "192.0.2.0/24", "192.0.2.1 192.0.2.128 192.0.2.254" },
	{ "10.0.0.0/8", "10.0.0.1 10.128.0.0 10.255.255.254" },
	{ "0.0.0.0/0", "0.0.0.1 128.0.0.0 255.255.255.254" },
	{ "2001:db8::9", "2001:db8::9" },
	{ "2001:db8::8/127", "2001:db8::8 2001:db8::9" },
	{ "2001:db8::/64", "2001:db8::1 2001:db8:0:0:8000:: 2001:db8::ffff:ffff:ffff:fffe" },
};

START_TEST(networks_have_samples)
{
	struct ip samples[NETWORK_SAMPLES];
	struct network network;
	struct buf shown;
	size_t count;

	ck_assert(network_parse(sample_rows[_i].network, &network));
	count = network_samples(&network, samples);
	buf_init(&shown, 400);
	for (size_t i = 0; i < count; i++) {
		char text[IP_TEXT_SIZE];

		ck_assert_msg(ip_in_network(&samples[i], &network), "%s", sample_rows[_i].network);
		buf_printf(&shown, "%s%s", i > 0 ? " " : "", ip_format(&samples[i], text));
	}
	expect_slice(
	    sample_rows[_i].network, "samples", buf_slice(&shown), sample_rows[_i].samples);
	buf_free(&shown);
}
END_TEST

START_TEST(ip_from_sockets)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr local = { .sa_family = AF_UNIX };
	char shown[IP_TEXT_SIZE];
	struct network all;
	struct ip ip;

	inet_pton(AF_INET, "127.0.0.2", &in.sin_addr);
	ip = ip_from_sockaddr((struct sockaddr *)&in);
	ck_assert_str_eq(ip_format(&ip, shown), "127.0.0.2");
	ck_assert(ip_is_loopback(&ip));
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	ip = ip_from_sockaddr((struct sockaddr *)&in6);
	ck_assert_str_eq(ip_format(&ip, shown), "192.0.2.1");
	ck_assert(!ip_is_loopback(&ip));
	inet_pton(AF_INET6, "::1", &in6.sin6_addr);
	ip = ip_from_sockaddr((struct sockaddr *)&in6);
	ck_assert(ip_is_loopback(&ip));
	ip = ip_from_sockaddr(&local);
	ck_assert_int_eq(ip.family, 0);
	ck_assert_str_eq(ip_format(&ip, shown), "");
	ck_assert(!ip_is_loopback(&ip));
	ck_assert(network_parse("0.0.0.0/0", &all));
	ck_assert_msg(!ip_in_network(&ip, &all), "no address is in no network");
	ck_assert_int_eq(ip_from_sockaddr(NULL).family, 0);
}
END_TEST

/* ---- log ---- */

/* What the program writes to standard error while it logs. */
static size_t logged(const char *text, char *out, size_t size)
{
	int pipe_ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(pipe_ends), 0);
	fflush(stderr);
	dup2(pipe_ends[1], STDERR_FILENO);
	log_line(LOG_LEVEL_WARNING, "got %s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_ends[1]);
	n = read(pipe_ends[0], out, size - 1);
	close(pipe_ends[0]);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	return (size_t)n;
}

START_TEST(log_line_cannot_be_forged)
{
	char line[8192];
	char *longest = must_alloc(5001);

	log_open("test", true, 0);
	logged("a\r\ntest: forged \x1b[31m\xff J\xc3\xb6rg", line, sizeof line);
	ck_assert_str_eq(line, "test: got a\\x0d\\x0atest: forged \\x1b[31m\\xff J\xc3\xb6rg\n");
	memset(longest, 'x', 5000);
	ck_assert_uint_lt(logged(longest, line, sizeof line), 1010);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	free(longest);
}
END_TEST

/* ---- patience ----------------------------------------------------------------- */

START_TEST(gate)
{
	struct gate g = { .most = 2 };

	ck_assert(gate_enter(NULL));
	gate_leave(NULL);
	ck_assert(gate_enter(&g));
	ck_assert(gate_enter(&g));
	ck_assert(!gate_enter(&g));
	/* who was turned away has taken no place */
	ck_assert_uint_eq(g.waiting, 2);
	gate_leave(&g);
	ck_assert(gate_enter(&g));
	ck_assert(!gate_enter(&g));
	gate_leave(&g);
	gate_leave(&g);
	ck_assert_uint_eq(g.waiting, 0);
	g.most = 0;
	ck_assert(!gate_enter(&g));
	ck_assert_uint_eq(g.waiting, 0);
}
END_TEST

START_TEST(patience)
{
	struct patience p = { .left_us = 100 };

	patience_spend(&p, 1000, 1030);
	ck_assert_int_eq(p.left_us, 70);
	patience_spend(&p, 1000, 1000);
	ck_assert_int_eq(p.left_us, 70);
	patience_spend(&p, 1000, 1071);
	ck_assert_int_eq(p.left_us, 0);
	patience_spend(&p, 1000, 2000);
	ck_assert_int_eq(p.left_us, 0);
}
END_TEST

/* ---- time, threads and what they share ------------------------------------------ */

START_TEST(clock_tells_deadlines)
{
	int64_t now_us = clock_now_us();
	struct timespec until = clock_until(now_us + 3 * SECOND_US);

	ck_assert_int_le(now_us, clock_now_us());
	ck_assert_int_eq(until.tv_sec, now_us / 1000000 + 3);
	ck_assert_int_eq(until.tv_nsec, now_us % 1000000 * 1000);
	ck_assert_int_le(llabs(clock_wall_ms() / 1000 - (long long)time(NULL)), 1);
}
END_TEST

/* By any other clock the deadline, hours after the start of the machine, is long past. */
START_TEST(conditions_wait_by_the_monotonic_clock)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	int64_t until_us = clock_now_us() + SECOND_US / 50;
	struct timespec until = clock_until(until_us);
	pthread_cond_t cond;
	int error = 0;

	thread_cond_init(&cond);
	pthread_mutex_lock(&mutex);
	while (error == 0)
		error = pthread_cond_timedwait(&cond, &mutex, &until);
	pthread_mutex_unlock(&mutex);
	ck_assert_int_eq(error, ETIMEDOUT);
	ck_assert_int_ge(clock_now_us(), until_us);
	pthread_cond_destroy(&cond);
}
END_TEST

static void *look_at_mask(void *context)
{
	pthread_sigmask(SIG_SETMASK, NULL, context);
	return NULL;
}

START_TEST(threads_take_no_signal)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE };
	sigset_t of_thread, after;
	pthread_t thread;

	sigemptyset(&of_thread);
	ck_assert(thread_start(&thread, look_at_mask, &of_thread));
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int i = 0; i < ROWS(signals); i++) {
		ck_assert_int_eq(sigismember(&of_thread, signals[i]), 1);
		ck_assert_int_eq(sigismember(&after, signals[i]), 0);
	}
}
END_TEST

/* An answer in a thread of its own, after a while. */
static void *answer(void *context)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	struct exchange *x = context;

	nanosleep(&pause, NULL);
	pthread_mutex_lock(&x->mutex);
	exchange_answer(x);
	exchange_leave(x);
	return NULL;
}

START_TEST(exchange_waits_for_all)
{
	int64_t deadline_us = clock_now_us() + 20 * SECOND_US;
	struct exchange *x = exchange_new();

	for (int i = 0; i < 3; i++) {
		exchange_ask(x);
		ck_assert(thread_start_detached(answer, x));
	}
	pthread_mutex_lock(&x->mutex);
	ck_assert(exchange_wait(x, deadline_us));
	ck_assert_msg(clock_now_us() < deadline_us, "it is woken by the last answer");
	ck_assert_uint_eq(x->open, 0);
	exchange_leave(x);
}
END_TEST

/* The answer comes when the view has gone: it is the last, and frees what they shared. */
START_TEST(exchange_outlives_the_view)
{
	struct exchange *x = exchange_new();
	pthread_t thread;

	exchange_ask(x);
	pthread_mutex_lock(&x->mutex);
	ck_assert(!exchange_wait(x, clock_now_us() - 1));
	ck_assert(!exchange_wait(x, clock_now_us() + SECOND_US / 100));
	ck_assert_uint_eq(x->references, 2);
	exchange_leave(x);
	ck_assert(thread_start(&thread, answer, x));
	pthread_join(thread, NULL);
}
END_TEST

Suite *unit_suite(void)
{
	Suite *suite = suite_create("base");
	TCase *tcase = tcase_create("base");

	tcase_add_test(tcase, arena_pieces_stay_apart);
	tcase_add_test(tcase, arena_resets);
	tcase_add_test(tcase, arena_texts_have_a_nul);
	tcase_add_test(tcase, buf_keeps_its_ceiling);
	tcase_add_test(tcase, buf_grows);
	tcase_add_test(tcase, files_are_read_whole);
	tcase_add_test(tcase, pipes_are_waited_for);
	tcase_add_loop_test(tcase, octets_have_classes, 0, ROWS(classes));
	tcase_add_test(tcase, slices);
	tcase_add_loop_test(tcase, patterns_match, 0, ROWS(patterns));
	tcase_add_test(tcase, hostile_patterns_end);
	tcase_add_loop_test(tcase, utf8_decodes, 0, ROWS(characters));
	tcase_add_test(tcase, gate);
	tcase_add_test(tcase, patience);
	tcase_add_test(tcase, clock_tells_deadlines);
	tcase_add_test(tcase, conditions_wait_by_the_monotonic_clock);
	tcase_add_test(tcase, threads_take_no_signal);
	tcase_add_test(tcase, exchange_waits_for_all);
	tcase_add_test(tcase, exchange_outlives_the_view);
	tcase_add_loop_test(tcase, utf8_escapes, 0, ROWS(escapes));
	tcase_add_test(tcase, utf8_sees_8bit);
	tcase_add_loop_test(tcase, ip_parses, 0, ROWS(addresses));
	tcase_add_loop_test(tcase, ip_parses_as, 0, ROWS(addresses_as));
	tcase_add_loop_test(tcase, networks_hold, 0, ROWS(networks));
	tcase_add_loop_test(tcase, networks_have_samples, 0, ROWS(sample_rows));
	tcase_add_test(tcase, ip_from_sockets);
	tcase_add_test(tcase, log_line_cannot_be_forged);
	suite_add_tcase(suite, tcase);
	return suite;
}
