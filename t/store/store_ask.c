/*
 * store_ask.c - asks one store, without a front before it.
 *
 *	store-ask NAME OPTION=VALUE...
 *
 * Lines on standard input; \xNN stands for an octet:
 *
 *	address|logins|domain KEY      one lookup over the one connection that is kept
 *	timeout SECONDS                of the lookups that follow; at first 3
 *	many THREADS TIMES SERVICE KEY   in that many threads at once, each with its connection
 *	close                          ends the connection
 *	files                          how many descriptors and threads there are
 *
 * Each gives one line.  An answer has fields parted by tabs: status, entry, then, where there
 * are any, targets=, logins=, why=, each with control characters as \xNN, and ms=.  At the end:
 * "closed" with the descriptors that are left, after the store was closed.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "dns/dns.h"
#include "store/store.h"

enum { LINE = 70000, OPTIONS = 100, THREADS = 64, STATUSES = 4 };

static struct store *store;
static void *connection;
static int64_t timeout_us = 3000000;

static size_t count_in(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* In place; the length that is left. */
static size_t unescape(char *text)
{
	size_t len = 0, size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\\' && text[i + 1] == 'x' && i + 3 < size) {
			char hex[3] = { text[i + 2], text[i + 3], '\0' };

			text[len++] = (char)strtoul(hex, NULL, 16);
			i += 3;
		} else {
			text[len++] = text[i];
		}
	}
	text[len] = '\0';
	return len;
}

/* The question as the layer above would put it, whatever octets the key has. */
static bool read_question(char *line, struct store_question *q, char *local_part)
{
	char *key = strchr(line, ' ');
	size_t at;

	if (key == NULL)
		return false;
	*key++ = '\0';
	q->service = strcmp(line, "logins") == 0   ? STORE_LOGINS
		     : strcmp(line, "domain") == 0 ? STORE_DOMAIN
						   : STORE_ADDRESS;
	q->key = (struct slice){ key, unescape(key) };
	q->local_part = q->domain = (struct slice){ NULL, 0 };
	at = slice_find_last(q->key, '@');
	if (q->service == STORE_DOMAIN)
		q->domain = q->key;
	else if (at < q->key.len)
		q->domain = slice_part(q->key, at + 1, q->key.len);
	if (q->service == STORE_DOMAIN || at == 0)
		return true;
	q->local_part = slice_part(q->key, 0, at);
	if (q->local_part.len > 1 && q->local_part.data[0] == '"') {
		size_t n = 0;

		for (size_t i = 1; i + 1 < q->local_part.len; i++) {
			i += q->local_part.data[i] == '\\';
			local_part[n++] = q->local_part.data[i];
		}
		q->local_part = (struct slice){ local_part, n };
	}
	return true;
}

static void show_items(const char *label, const struct slice *items, size_t count)
{
	struct buf out;

	buf_init(&out, 1000);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(&out, '|');
		utf8_escape(&out, items[i]);
	}
	printf("\t%s=%s", label, buf_text(&out));
	buf_free(&out);
}

static void show(const struct store_answer *a)
{
	printf("%s", lookup_status_name(a->status));
	if (a->status == LOOKUP_FOUND)
		printf("\t%s", store_entry_name(a->entry));
	if (a->target_count > 0)
		show_items("targets", a->items, a->target_count);
	if (a->status == LOOKUP_FOUND && a->has_logins)
		show_items("logins", store_answer_logins(a), a->login_count);
	if (a->why.len > 0)
		show_items("why", &a->why, 1);
	printf("\tof_key=%d\tms=%lld\n", a->of_key, (long long)(a->elapsed_us / 1000));
}

static void ask(char *line)
{
	static char local_part[LINE];
	struct store_question question;
	struct store_answer *answer;
	struct slice key;
	char *exact; /* of exact size: a sanitizer sees what reads beyond */

	if (!read_question(line, &question, local_part)) {
		printf("what?\n");
		return;
	}
	key = question.key;
	exact = must_alloc(key.len + 1);
	memcpy(exact, key.data, key.len);
	question.key.data = exact;
	answer = store_lookup(store, &connection, &question, dns_now_us() + timeout_us);
	show(answer);
	store_answer_unref(answer);
	free(exact);
}

/* ---- many at once --------------------------------------------------------------- */

struct job {
	pthread_t thread;
	const struct store_question *question;
	size_t times, counts[STATUSES];
	int64_t longest_us;
};

static void *work(void *context)
{
	struct job *job = context;
	void *own = NULL;

	for (size_t i = 0; i < job->times; i++) {
		struct store_answer *answer =
		    store_lookup(store, &own, job->question, dns_now_us() + timeout_us);

		job->counts[answer->status]++;
		if (answer->elapsed_us > job->longest_us)
			job->longest_us = answer->elapsed_us;
		store_answer_unref(answer);
	}
	if (own != NULL && store->class->disconnect != NULL)
		store->class->disconnect(store, own);
	return NULL;
}

static void many(char *line)
{
	static char local_part[LINE];
	static struct job jobs[THREADS];
	struct store_question question;
	size_t threads = strtoul(line, &line, 10), times = strtoul(line, &line, 10);
	size_t counts[STATUSES] = { 0 };
	int64_t longest_us = 0;

	if (threads > THREADS || !read_question(line + 1, &question, local_part))
		exit(64);
	for (size_t i = 0; i < threads; i++) {
		jobs[i] = (struct job){ .question = &question, .times = times };
		if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(jobs[i].thread, NULL);
		for (int s = 0; s < STATUSES; s++)
			counts[s] += jobs[i].counts[s];
		if (jobs[i].longest_us > longest_us)
			longest_us = jobs[i].longest_us;
	}
	printf("found=%zu notfound=%zu tempfail=%zu permfail=%zu\tms=%lld\n", counts[0], counts[1],
	    counts[2], counts[3], (long long)(longest_us / 1000));
}

static void end_connection(void)
{
	if (connection != NULL && store->class->disconnect != NULL)
		store->class->disconnect(store, connection);
	connection = NULL;
}

static void command(char *line)
{
	if (strncmp(line, "timeout ", 8) == 0) {
		timeout_us = (int64_t)(strtod(line + 8, NULL) * 1e6);
		printf("timeout\n");
	} else if (strncmp(line, "many ", 5) == 0) {
		many(line + 5);
	} else if (strcmp(line, "close") == 0) {
		end_connection();
		printf("closed\n");
	} else if (strcmp(line, "files") == 0) {
		printf("files=%zu threads=%zu\n", count_in("/proc/self/fd"),
		    count_in("/proc/self/task"));
	} else {
		ask(line);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char line[LINE];
	static struct store_option items[OPTIONS];
	struct store_options options = { argc > 1 ? argv[1] : "", items, 0 };
	size_t before;
	struct buf notes;

	for (int i = 2; i < argc && options.count < OPTIONS; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			return 64;
		*value++ = '\0';
		items[options.count++] = (struct store_option){ argv[i], value };
	}
	before = count_in("/proc/self/fd");
	buf_init(&notes, LINE);
	store = store_open(&options, &notes);
	fprintf(stderr, "%s", buf_text(&notes));
	buf_free(&notes);
	if (store == NULL)
		return 78;
	printf("open services=%u\n", store->services);
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		command(line);
	}
	end_connection();
	store->class->close(store);
	printf("closed files=%+ld\n", (long)count_in("/proc/self/fd") - (long)before);
	return 0;
}
