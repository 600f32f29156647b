/*
 * ask.c - asks a directory: the addresses on standard input, one a line.
 *
 *	ask [-o OPTION=VALUE]... SPEC...        SPEC as in `presend address`: type:path
 *	ask -S NAME type=T option=value... --   a store with options
 *	ask -C PATH                             compiles the text of a `file` store
 *
 * Options: delimiters, domains, login_domains (lists parted by commas), catch_all, deadline
 * (seconds), offline.  A line is an address, "ADDRESS LOGIN", "!flush", "!sleep SECONDS".
 * For each one line: the answer, address, of, store, what it reaches, permission.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/directory.h"
#include "directory/view.h"
#include "dns/dns.h"
#include "store/stores.h"
#include "store/view.h"

enum { STORES = 32, ITEMS = 200, LINE = 4096 };

static struct store_option items[ITEMS];
static size_t item_count;
static struct store_options stores[STORES];
static size_t store_count;
static const char *domains[100], *login_domains[100];
static struct directory_options options = { .domains = domains, .login_domains = login_domains };
static double deadline = 5;
static bool trace;

static size_t split(char *text, const char **out)
{
	size_t n = 0;

	for (char *word; (word = strsep(&text, ",")) != NULL && n < 100;)
		out[n++] = word;
	return n;
}

static void set(char *text)
{
	char *value = strchr(text, '=');

	if (value == NULL)
		exit(64);
	*value++ = '\0';
	if (strcmp(text, "delimiters") == 0)
		options.delimiters = value;
	else if (strcmp(text, "domains") == 0)
		options.domain_count = split(value, domains);
	else if (strcmp(text, "login_domains") == 0)
		options.login_domain_count = split(value, login_domains);
	else if (strcmp(text, "catch_all") == 0)
		options.catch_all_is_mailbox = strcmp(value, "mailbox") == 0;
	else if (strcmp(text, "deadline") == 0)
		deadline = strtod(value, NULL);
	else if (strcmp(text, "offline") == 0)
		options.offline = true;
	else if (strcmp(text, "trace") == 0)
		trace = true;
	else
		exit(64);
}

static void add_item(const char *name, const char *value)
{
	struct store_options *s = &stores[store_count];

	if (s->items == NULL)
		s->items = &items[item_count];
	s->count++;
	items[item_count++] = (struct store_option){ name, value };
}

/* -S NAME option=value... -- */
static int read_store(int i, int argc, char **argv)
{
	stores[store_count].name = argv[i++];
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			exit(64);
		*value++ = '\0';
		add_item(argv[i], value);
	}
	store_count++;
	return i;
}

static void show_trace(void *context, const struct store_trace *t)
{
	(void)context;
	printf("# %s %s %.*s: %s %s\n", t->store, store_service_name(t->service), SLICE_ARG(t->key),
	    t->answer == NULL ? "open" : lookup_status_name(t->answer->status),
	    store_source_name(t->source));
}

static void show(const struct directory_result *r, const struct directory_use *use)
{
	static const char *const permissions[] = { "yes", "no", "unknown" };

	printf("%s %.*s of=%.*s store=%s reaches=", directory_answer_name(r->answer),
	    SLICE_ARG(r->address), SLICE_ARG(r->of), r->store == NULL ? "-" : r->store);
	for (size_t i = 0; i < r->reach_count; i++)
		printf("%s%.*s", i > 0 ? "," : "", SLICE_ARG(r->reaches[i]));
	if (use != NULL)
		printf(" login=%s", permissions[use->permission]);
	if (r->stale)
		printf(" stale");
	if (r->why.len > 0)
		printf(" why=%.*s", SLICE_ARG(r->why));
	putchar('\n');
}

static void ask(struct directory *d, struct slice address, struct slice login)
{
	struct arena *arena = arena_new();
	struct directory_view *view =
	    directory_view_new(arena, d, dns_now_us() + (int64_t)(deadline * 1e6));
	struct directory_result result;
	struct directory_use use;
	bool pending;

	do {
		pending = directory_address(view, address, &result) == DIRECTORY_PENDING;
		if (login.data != NULL)
			pending |=
			    directory_may_use(view, login, address, &use) == PERMISSION_PENDING;
	} while (pending && directory_view_wait(view));
	if (trace)
		directory_view_trace(view, show_trace, NULL);
	show(&result, login.data == NULL ? NULL : &use);
	directory_view_free(view);
	arena_free(arena);
}

static void read_line(struct directory *d, struct slice line)
{
	size_t blank = slice_find_last(line, ' ');

	if (slice_equal(line, SLICE("!flush")))
		directory_flush(d);
	else if (slice_starts_nocase(line, SLICE("!sleep ")))
		usleep((useconds_t)(strtod(line.data + 7, NULL) * 1e6));
	else if (blank < line.len &&
		 slice_find(slice_part(line, blank, line.len), '"') == line.len - blank)
		ask(d, slice_part(line, 0, blank), slice_part(line, blank + 1, line.len));
	else
		ask(d, line, (struct slice){ 0 });
}

static int compile(const char *path)
{
	struct buf notes;
	size_t count;
	bool good;

	buf_init(&notes, LINE);
	good = store_file_compile(path, false, &notes, &count);
	printf("%zu %s\n", count, buf_text(&notes));
	buf_free(&notes);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	char line[LINE];
	struct directory *d;
	struct buf notes;

	if (argc == 3 && strcmp(argv[1], "-C") == 0)
		return compile(argv[2]);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
			set(argv[++i]);
		} else if (strcmp(argv[i], "-S") == 0 && i + 1 < argc) {
			i = read_store(i + 1, argc, argv);
		} else {
			stores[store_count].name = argv[i];
			add_item("spec", argv[i]);
			store_count++;
		}
	}
	buf_init(&notes, LINE);
	d = directory_new(&options, stores, store_count, &notes);
	fprintf(stderr, "%s", buf_text(&notes));
	buf_free(&notes);
	if (d == NULL)
		return 78;
	while (fgets(line, sizeof line, stdin) != NULL) {
		read_line(d, (struct slice){ line, strcspn(line, "\n") });
		fflush(stdout);
	}
	directory_unref(d);
	return 0;
}
