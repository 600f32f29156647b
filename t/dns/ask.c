/*
 * ask.c - asks real name servers through cache and libunbound, for t/dns/unbound.py.
 *
 *	ask [-d MS] [-a TRUST-ANCHOR] SERVER NAME TYPE [NAME TYPE]...
 *	ask [-d MS] [-t THREADS] -l SECONDS SERVER SUFFIX
 *
 * First form: all questions side by side, a line each: name, type, status with
 * "+cname" and "+secure", reason, records.  Then "waited MS TIMER".
 *
 * Second form, a load: threads (16) ask for names that nobody asked for before,
 * N.SUFFIX, A, one after the other, without the cache, until standard input ends,
 * or for that many seconds at the most.  One line each 100 ms: how many were found
 * and how many could not be told in it, how late the latest answer so far was, in
 * ms after its deadline (0: in time), and TIMER; at the end "lost N", the questions
 * without exactly one answer.
 *
 * TIMER is the control: how late, in ms, a thread was at the latest that does
 * nothing but sleep for a moment, again and again.  On a busy machine it is late
 * itself, and an answer may be late as well.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "dns/answer.h"
#include "dns/cache.h"
#include "dns/unbound.h"
#include "dns/view.h"

enum { THREADS_MAX = 64, LINE_MAX_OCTETS = 70000, MS = 1000 };

static struct {
	int64_t deadline_us;
	long load_seconds, threads;
	struct unbound_options unbound;
} options = { .deadline_us = 2000 * MS, .threads = 16 };

/* ---- the control ---------------------------------------------------------------- */

static struct {
	pthread_t thread;
	atomic_bool over;
	atomic_long latest_us;
} timer;

static void *run_timer(void *context)
{
	const struct timespec moment = { 0, 10 * 1000 * MS };

	while (!timer.over) {
		int64_t due_us = clock_now_us() + 10 * MS;
		long late_us;

		nanosleep(&moment, NULL);
		late_us = (long)(clock_now_us() - due_us);
		if (late_us > timer.latest_us)
			timer.latest_us = late_us;
	}
	return context;
}

static void timer_start(void)
{
	pthread_create(&timer.thread, NULL, run_timer, NULL);
}

static void timer_end(void)
{
	timer.over = true;
	pthread_join(timer.thread, NULL);
}

/* ---- questions ------------------------------------------------------------------ */

static void print_answer(const char *name, enum dns_type type, const struct dns_answer *answer)
{
	static const char *const names[] = { "found", "nodata", "nxdomain", "tempfail" };
	char text[INET6_ADDRSTRLEN];
	struct buf line;

	buf_init(&line, LINE_MAX_OCTETS);
	buf_printf(&line, "%s %s %s%s%s ttl=%s", name, dns_type_name(type), names[answer->status],
	    answer->cname ? "+cname" : "", answer->secure ? "+secure" : "",
	    answer->ttl > 0 ? "yes" : "no");
	if (answer->why != NULL)
		buf_printf(&line, " (%s)", answer->why);
	for (size_t i = 0; i < answer->count; i++) {
		struct slice data = answer->records[i].data;

		buf_add_char(&line, '|');
		if (type == DNS_MX)
			buf_printf(&line, "%u ", answer->records[i].preference);
		if (type == DNS_A || type == DNS_AAAA)
			buf_add_text(&line, inet_ntop(type == DNS_A ? AF_INET : AF_INET6, data.data,
						text, sizeof text));
		else
			utf8_escape(&line, data);
	}
	puts(buf_text(&line));
	buf_free(&line);
}

static int ask_all(struct resolver *r, int count, char **words)
{
	struct arena *arena = arena_new();
	int64_t begin = clock_now_us();
	struct dns_view *view = dns_view_new(arena, r, begin + options.deadline_us);
	enum dns_type type;

	timer_start();
	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i + 1 < count; i += 2) {
			const struct dns_answer *answer;

			if (!dns_type_parse(slice_of(words[i + 1]), &type))
				return EXIT_FAILURE;
			answer = dns_view_get(view, slice_of(words[i]), type);
			if (turn == 1 && answer != NULL)
				print_answer(words[i], type, answer);
		}
		dns_view_wait(view);
	}
	begin = clock_now_us() - begin;
	timer_end();
	printf("waited %ld %ld\n", (long)begin / MS, timer.latest_us / MS);
	dns_view_free(view);
	resolver_free(r);
	arena_free(arena);
	return EXIT_SUCCESS;
}

/* ---- load ----------------------------------------------------------------------- */

struct load {
	struct resolver *resolver;
	const char *suffix;
	atomic_bool over;
	atomic_uint number, found, failed, answers;
	atomic_long latest_us; /* after its deadline */
	struct load_question *_Atomic asked;
};

/* One question of a load; kept to the end, so that a second answer would be
 * counted. */
struct load_question {
	struct load_question *next;
	struct load *load;
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	unsigned answers;
	enum dns_status status;
};

static void take_answer(void *context, struct dns_answer *answer)
{
	struct load_question *q = context;

	pthread_mutex_lock(&q->mutex);
	q->answers++;
	q->status = answer->status;
	q->load->answers++;
	pthread_cond_signal(&q->answered);
	pthread_mutex_unlock(&q->mutex);
	dns_answer_unref(answer);
}

static void note_late(struct load *load, int64_t late_us)
{
	long latest = load->latest_us;

	while (late_us > latest &&
	       !atomic_compare_exchange_weak(&load->latest_us, &latest, (long)late_us))
		continue;
}

static void *run_load(void *context)
{
	struct load *load = context;
	char name[200];

	while (!load->over) {
		struct load_question *q = must_alloc(sizeof *q);
		int64_t deadline_us = clock_now_us() + options.deadline_us;
		struct dns_question question;

		snprintf(name, sizeof name, "%u.%s", load->number++, load->suffix);
		question = (struct dns_question){ slice_of(name), DNS_A };
		q->load = load;
		q->next = atomic_exchange(&load->asked, q);
		pthread_mutex_init(&q->mutex, NULL);
		pthread_cond_init(&q->answered, NULL);
		resolver_ask(load->resolver, &question, deadline_us, take_answer, q);
		pthread_mutex_lock(&q->mutex);
		while (q->answers == 0)
			pthread_cond_wait(&q->answered, &q->mutex);
		*(q->status == DNS_TEMPFAIL ? &load->failed : &load->found) += 1;
		pthread_mutex_unlock(&q->mutex);
		note_late(load, clock_now_us() - deadline_us);
	}
	return NULL;
}

static void print_row(struct load *load)
{
	printf("%u %u %ld %ld\n", atomic_exchange(&load->found, 0),
	    atomic_exchange(&load->failed, 0), load->latest_us / MS, timer.latest_us / MS);
	fflush(stdout);
}

/* Waits for a row's time, or less if standard input ends. */
static bool input_ends(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char octet;

	return poll(&input, 1, 100) == 1 && read(STDIN_FILENO, &octet, 1) <= 0;
}

static int run_threads(struct resolver *r, const char *suffix)
{
	struct load *load = must_alloc(sizeof *load);
	int64_t end_us = clock_now_us() + options.load_seconds * INT64_C(1000000);
	pthread_t threads[THREADS_MAX];

	load->resolver = r;
	load->suffix = suffix;
	timer_start();
	for (int i = 0; i < options.threads; i++)
		pthread_create(&threads[i], NULL, run_load, load);
	while (clock_now_us() < end_us && !input_ends())
		print_row(load);
	load->over = true;
	for (int i = 0; i < options.threads; i++)
		pthread_join(threads[i], NULL);
	timer_end();
	print_row(load);
	resolver_free(r);
	printf("lost %d\n", (int)(load->number - load->answers));
	while (load->asked != NULL) {
		struct load_question *q = load->asked;

		load->asked = q->next;
		free(q);
	}
	free(load);
	return EXIT_SUCCESS;
}

/* ---- start ---------------------------------------------------------------------- */

static bool read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "a:d:l:t:")) != -1) {
		if (option == 'a')
			options.unbound.trust_anchor = optarg;
		else if (option == 'd')
			options.deadline_us = strtol(optarg, NULL, 10) * MS;
		else if (option == 'l')
			options.load_seconds = strtol(optarg, NULL, 10);
		else if (option == 't')
			options.threads = strtol(optarg, NULL, 10);
		else
			return false;
	}
	return argc - optind >= 2 && options.threads <= THREADS_MAX;
}

int main(int argc, char **argv)
{
	const char *server;
	struct resolver *r;
	struct buf errors;

	if (!read_options(argc, argv)) {
		fprintf(
		    stderr, "usage: ask [-d MS] [-a FILE] [-l SECONDS] SERVER NAME [TYPE]...\n");
		return EXIT_FAILURE;
	}
	server = argv[optind++];
	options.unbound.servers = &server;
	options.unbound.server_count = 1;
	buf_init(&errors, 1000);
	r = unbound_resolver_new(&options.unbound, &errors);
	fputs(buf_text(&errors), stderr);
	buf_free(&errors);
	if (r == NULL)
		return EXIT_FAILURE;
	if (options.load_seconds > 0)
		return run_threads(r, argv[optind]);
	return ask_all(cache_resolver_new(r, &cache_defaults), argc - optind, argv + optind);
}
