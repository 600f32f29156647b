/*
 * bench_directory.c - what a lookup costs, and what ten million mailboxes cost in memory.
 *
 *	bench-directory [MAILBOXES]...                      default: 1000 1000000
 *	bench-directory -s MAILBOXES OPTION=VALUE...        a store with these options
 *
 * The second form asks a store that somebody has filled with the same addresses
 * (servers.py), fewer times: every question goes to it, since nothing is cached.
 *
 * For each number: a text is written to a temporary folder, compiled, made a cdb table, and
 * asked.  "front" is one lookup through a store's front; "address" is all that a check asks: a
 * view, the address taken apart, its domain and its key looked up, the view ended.  Half of the
 * addresses are there.  Memory is the process's own (RssAnon), without the pages of mapped
 * files, which it shares.  Nothing is asserted here.
 */
#include <cdb.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "directory/directory.h"
#include "directory/view.h"
#include "dns/dns.h"
#include "store/front.h"
#include "store/stores.h"

enum {
	LOOKUPS = 300000,
	SERVER_LOOKUPS = 10000,
	ROUNDS = 5,
	DOMAINS = 100,
	PATH_SIZE = 200,
	OPTIONS_MAX = 20,
};

static char folder[] = "/tmp/presend-bench.XXXXXX";

static const char *path_of(const char *name, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s/%s", folder, name);
	return out;
}

/* xorshift64 */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int address_of(char out[64], size_t number)
{
	return snprintf(out, 64, "user.name%08zu@domain%02zu.example", number, number % DOMAINS);
}

static void write_tables(size_t count)
{
	char path[PATH_SIZE], address[64];
	FILE *text = fopen(path_of("text", path), "w");
	int fd = open(path_of("table.cdb", path), O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cdb_make make;

	if (text == NULL || fd < 0 || cdb_make_start(&make, fd) != 0)
		exit(1);
	for (size_t i = 0; i < count; i++) {
		int len = address_of(address, 2 * i);

		fprintf(text, "%s\n", address);
		cdb_make_add(&make, address, (unsigned)len, "x", 1);
	}
	fclose(text);
	cdb_make_finish(&make);
	close(fd);
}

static long anonymous_kb(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[200];
	long kb = -1;

	while (status != NULL && fgets(line, sizeof line, status) != NULL)
		sscanf(line, "RssAnon: %ld", &kb);
	if (status != NULL)
		fclose(status);
	return kb;
}

static double bench_front(const struct store_options *options, size_t count)
{
	struct buf notes;
	struct store *store;
	struct front *front;
	int64_t best_us = INT64_MAX;
	uint64_t random = 88172645463325252u;

	buf_init(&notes, 1000);
	store = store_open(options, &notes);
	if (store == NULL)
		exit(1);
	store->name = options->name;
	front = front_new(store, options, false);
	for (int round = 0; round < ROUNDS; round++) {
		int64_t began_us = dns_now_us(), took_us;

		for (int i = 0; i < LOOKUPS; i++) {
			char address[64];
			int len = address_of(address, next_random(&random) % (2 * count));
			size_t at = slice_find((struct slice){ address, (size_t)len }, '@');
			struct store_question q = { STORE_ADDRESS, { address, (size_t)len },
				{ address, at }, { address + at + 1, (size_t)len - at - 1 } };
			enum store_source source;

			store_answer_unref(front_known(front, &q, &source));
		}
		took_us = dns_now_us() - began_us;
		best_us = took_us < best_us ? took_us : best_us;
	}
	front_stop(front);
	front_free(front, dns_now_us() + FRONT_GRACE_US);
	buf_free(&notes);
	return (double)best_us / LOOKUPS;
}

/* Found addresses are counted, so that a table that is not asked at all does not look fast. */
static double bench_address(
    struct directory *d, size_t count, int lookups, const char *fixed, double *found)
{
	struct arena *arena = arena_new();
	int64_t best_us = INT64_MAX;
	uint64_t random = 88172645463325252u;
	size_t hits = 0;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t began_us = dns_now_us(), took_us;

		for (int i = 0; i < lookups; i++) {
			char address[64];
			struct directory_view *view =
			    directory_view_new(arena, d, began_us + 60 * 1000000);
			struct directory_result r;
			struct slice text = slice_of(fixed);

			if (fixed == NULL)
				text = (struct slice){ address,
					(size_t)address_of(
					    address, next_random(&random) % (2 * count)) };
			while (directory_address(view, text, &r) == DIRECTORY_PENDING)
				directory_view_wait(view);
			hits += r.answer == DIRECTORY_MAILBOX;
			directory_view_free(view);
			arena_reset(arena);
		}
		took_us = dns_now_us() - began_us;
		best_us = took_us < best_us ? took_us : best_us;
	}
	arena_free(arena);
	*found = 100.0 * (double)hits / lookups / ROUNDS;
	return (double)best_us / lookups;
}

static void bench(const char *label, const char *type, const char *name, size_t count)
{
	char path[PATH_SIZE];
	struct store_option items[] = { { "type", type }, { "path", path_of(name, path) },
		{ "domains", "*.example" } };
	/* the store `file` knows its domains: a second lookup a message */
	struct store_options options = { label, items, strcmp(type, "file") == 0 ? 2 : 3 };
	struct directory_options none = { .delimiters = "+" };
	int64_t began_us = dns_now_us();
	struct directory *d;
	struct buf notes;
	double start_ms, front_us, address_us, found;

	buf_init(&notes, 1000);
	d = directory_new(&none, &options, 1, &notes);
	if (d == NULL)
		exit(1);
	start_ms = (double)(dns_now_us() - began_us) / 1000;
	address_us = bench_address(d, count, LOOKUPS, NULL, &found);
	front_us = bench_front(&options, count);
	printf("%10zu  %-16s start %8.1f ms  front %5.2f us  address %5.2f us  found %.0f %%  own "
	       "memory %ld kB\n",
	    count, label, start_ms, front_us, address_us, found, anonymous_kb());
	directory_unref(d);
	buf_free(&notes);
}

static void bench_cached(void)
{
	struct store_option items[] = { { "type", "passwd" }, { "domains", "host.example" } };
	struct store_options options = { "passwd", items, 2 };
	struct directory_options none = { 0 };
	struct directory *d;
	struct buf notes;
	double us, found;

	buf_init(&notes, 1000);
	d = directory_new(&none, &options, 1, &notes);
	us = bench_address(d, 1, LOOKUPS, "root@host.example", &found);
	printf("            cached answer, any store                       address %5.2f us  found "
	       "%.0f %%\n",
	    us, found);
	directory_unref(d);
	buf_free(&notes);
}

static void run(size_t count)
{
	static const char *const names[] = { "text", "text.lmdb", "table.cdb" };
	char path[PATH_SIZE];
	struct buf notes;
	size_t compiled;
	int64_t began_us;

	buf_init(&notes, 1000);
	write_tables(count);
	if (count <= 1000000)
		bench("file, in memory", "file", "text", count);
	began_us = dns_now_us();
	if (!store_file_compile(path_of("text", path), false, &notes, &compiled))
		printf("not compiled: %s\n", buf_text(&notes));
	printf("%10zu  compiled in %.1f s\n", count, (double)(dns_now_us() - began_us) / 1e6);
	bench("file, compiled", "file", "text", count);
	bench("lmdb", "lmdb", "text.lmdb", count);
	bench("cdb", "cdb", "table.cdb", count);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(path_of(names[i], path));
	buf_free(&notes);
}

/* A store of somebody else's making; argv: OPTION=VALUE. */
static void bench_server(size_t count, char **argv, size_t options)
{
	struct store_option items[OPTIONS_MAX];
	struct store_options store = { "server", items, options };
	struct directory_options none = { .delimiters = "+" };
	struct directory *d;
	struct buf notes;
	double us, found;

	for (size_t i = 0; i < options; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			exit(64);
		*equals = '\0';
		items[i] = (struct store_option){ argv[i], equals + 1 };
	}
	buf_init(&notes, 1000);
	d = directory_new(&none, &store, 1, &notes);
	if (d == NULL) {
		fputs(buf_text(&notes), stderr);
		exit(1);
	}
	us = bench_address(d, count, SERVER_LOOKUPS, NULL, &found);
	printf("%10zu  %-16s address %7.1f us  found %.0f %%  own memory %ld kB\n", count,
	    items[0].value, us, found, anonymous_kb());
	directory_unref(d);
	buf_free(&notes);
}

int main(int argc, char **argv)
{
	if (argc > 3 && argc - 3 <= OPTIONS_MAX && strcmp(argv[1], "-s") == 0) {
		bench_server(strtoul(argv[2], NULL, 10), argv + 3, (size_t)argc - 3);
		return 0;
	}
	if (mkdtemp(folder) == NULL)
		return 1;
	bench_cached();
	for (int i = 1; i < argc; i++)
		run(strtoul(argv[i], NULL, 10));
	if (argc == 1) {
		run(1000);
		run(1000000);
	}
	rmdir(folder);
	return 0;
}
