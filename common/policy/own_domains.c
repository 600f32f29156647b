/*
 * own_domains.c - the default of own_domains: what Postfix itself calls its own.
 *
 * postconf is run by its full path with nothing on its standard input; what it
 * says and how long it takes is bounded.  Of the values, plain names and the
 * plain lines of "/file" patterns are taken.  Maps are not read: a store may
 * hold what no domain list should, and reading them is the directory's part.
 */
#define _GNU_SOURCE 1 /* pipe2, posix_spawn_file_actions_addclosefrom_np */

#include "policy/own_domains.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- asking ---------------------------------------------------------------- */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Starts the program with its output in the pipe and no other file of ours; 0 or an errno. */
static int start(const char *program, int out, pid_t *pid)
{
	char *const argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "-hx",
		(char *)(uintptr_t) "mydestination", (char *)(uintptr_t) "virtual_alias_domains",
		(char *)(uintptr_t) "virtual_mailbox_domains", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(pid, program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

/* Reads until the program closes its output; false when it is late or says too much. */
static bool collect(int in, long long end, struct buf *output)
{
	char piece[4096];

	for (;;) {
		struct pollfd fd = { .fd = in, .events = POLLIN };
		long long left = end - now_ms();
		ssize_t n;

		if (left <= 0 || output->truncated)
			return false;
		if (poll(&fd, 1, (int)left) <= 0)
			continue;
		n = read(in, piece, sizeof piece);
		if (n == 0)
			return true;
		if (n > 0)
			buf_add(output, piece, (size_t)n);
		else if (errno != EINTR)
			return false;
	}
}

/* Waits for the program, which has closed its output or is late; false unless it ended well. */
static bool ended_well(pid_t pid, long long end)
{
	static const struct timespec pause = { .tv_nsec = 2000000 };
	int status = 0;
	pid_t done;

	while ((done = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < end)
		nanosleep(&pause, NULL);
	if (done == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	return done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool own_domains_ask(const char *program, int seconds, struct buf *output)
{
	long long end = now_ms() + (long long)seconds * 1000;
	bool started, good = false;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	started = start(program, ends[1], &pid) == 0;
	close(ends[1]);
	if (started) {
		good = collect(ends[0], end, output);
		good = ended_well(pid, good ? end : 0) && good;
	}
	close(ends[0]);
	return good;
}

/* ---- reading --------------------------------------------------------------- */

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* The next word of a list as Postfix writes it, empty at the end. */
static struct slice next_word(struct slice text, size_t *at)
{
	size_t begin;

	while (*at < text.len && is_separator(text.data[*at]))
		++*at;
	begin = *at;
	while (*at < text.len && !is_separator(text.data[*at]))
		++*at;
	return slice_part(text, begin, *at);
}

static void not_read(struct slice word, const char *why, struct buf *notes)
{
	buf_printf(
	    notes, "own_domains: \"%.*s\" of Postfix is not read: %s\n", SLICE_ARG(word), why);
}

static void add_name(struct slice word, struct string_list *domains, struct buf *notes)
{
	struct arena *arena = arena_new();
	struct slice name;
	const char *why = NULL;

	if (slice_starts_nocase(word, SLICE("!")))
		not_read(word, "an exclusion", notes);
	else if (slice_starts_nocase(word, SLICE("[")))
		; /* an address literal: no mail is sent in its name */
	else if (slice_find(word, ':') < word.len)
		not_read(word, "a map", notes);
	else if (domains->count >= CONFIG_ITEMS_MAX)
		not_read(word, "too many domains", notes);
	else if (!domain_pattern_prepare(arena, word, &name, &why))
		not_read(word, why, notes);
	else if (!string_list_has(domains, name))
		string_list_add(domains, name);
	arena_free(arena);
}

static void read_words(struct slice text, struct string_list *domains, struct buf *notes)
{
	size_t at = 0;

	for (struct slice word; (word = next_word(text, &at)).len > 0;)
		add_name(word, domains, notes);
}

/* The whole file; false, with a note, when it cannot be read. */
static bool read_file(const char *path, struct buf *content, struct buf *notes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char piece[4096];
	ssize_t n = -1;

	while (fd >= 0 && !content->truncated && (n = read(fd, piece, sizeof piece)) > 0)
		buf_add(content, piece, (size_t)n);
	if (n < 0)
		not_read(slice_of(path), strerror(errno), notes);
	else if (content->truncated)
		not_read(slice_of(path), "longer than 1 MB", notes);
	if (fd >= 0)
		close(fd);
	return n == 0;
}

/* The names in a file that a list of Postfix names; "#" begins a comment. */
static void read_names(const char *path, struct string_list *domains, struct buf *notes)
{
	struct buf content;

	buf_init(&content, OWN_DOMAINS_OCTETS_MAX);
	if (read_file(path, &content, notes))
		for (size_t at = 0; at < content.len;) {
			struct slice rest = slice_part(buf_slice(&content), at, content.len);
			struct slice line = slice_part(rest, 0, slice_find(rest, '\n'));

			read_words(slice_part(line, 0, slice_find(line, '#')), domains, notes);
			at += line.len + 1;
		}
	buf_free(&content);
}

void own_domains_read(struct slice output, struct string_list *domains, struct buf *notes)
{
	struct arena *arena = arena_new();
	size_t at = 0;

	for (struct slice word; (word = next_word(output, &at)).len > 0;) {
		if (word.data[0] == '/')
			read_names(arena_copy(arena, word).data, domains, notes);
		else
			add_name(word, domains, notes);
	}
	arena_free(arena);
}

void own_domains_default(struct config *config, struct buf *notes)
{
	static const char *const places[] = { "/usr/sbin/postconf", "/usr/local/sbin/postconf",
		"/sbin/postconf", "/opt/postfix/sbin/postconf" };

	if (config->own_domains_set)
		return;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct buf output;

		if (access(places[i], X_OK) != 0)
			continue;
		buf_init(&output, OWN_DOMAINS_OCTETS_MAX);
		if (own_domains_ask(places[i], OWN_DOMAINS_SECONDS, &output))
			own_domains_read(buf_slice(&output), &config->own_domains, notes);
		else
			buf_printf(notes, "own_domains: %s gave no answer\n", places[i]);
		buf_free(&output);
		return;
	}
}
