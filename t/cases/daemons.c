/* daemons.c - the presend-milter processes: one for each different configuration. */
#include "t/cases/daemons.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "t/cases/process.h"

enum { DAEMONS_MAX = 600 };

struct daemon {
	char *config; /* the text that it was started with */
	pid_t pid;
	bool retired;
	int log;          /* its standard error, a file: a pipe would fill up and stop it */
	struct buf lines; /* what came from there and was not looked at yet */
	char socket[PATH_SIZE];
};

struct daemons {
	const char *dir, *builddir;
	struct daemon list[DAEMONS_MAX];
	size_t count;
};

struct daemons *daemons_new(const char *dir, const char *builddir)
{
	struct daemons *all = must_alloc(sizeof *all);

	*all = (struct daemons){ .dir = dir, .builddir = builddir };
	return all;
}

/* ---- starting ---------------------------------------------------------------- */

static bool can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool can;

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	can = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return can;
}

/* Reads to the end of what the daemon has written so far. */
static void read_log(struct daemon *d)
{
	buf_add(&d->lines, "", 0);
	while (read_some(d->log, &d->lines, 0))
		continue;
}

/* Waits until the daemon can be spoken to; false when it has ended instead. */
static bool wait_ready(struct daemon *d, struct report *report)
{
	long long until = now_ms() + WAIT_MS;

	while (!can_connect(d->socket)) {
		int status;

		if (waitpid(d->pid, &status, WNOHANG) == d->pid || now_ms() > until) {
			read_log(d);
			report_fault(report, 0, "milter: does not start: %s", buf_text(&d->lines));
			return false;
		}
		usleep(5000);
	}
	return true;
}

/* Starts the daemon with a file for its errors, which d->log reads from the beginning. */
static pid_t start_logged(const struct daemons *all, struct daemon *d, char *const argv[])
{
	char path[PATH_SIZE + 10];
	int place;
	pid_t pid = -1;

	snprintf(path, sizeof path, "%s/%zu.log", all->dir, all->count);
	place = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	d->log = open(path, O_RDONLY | O_CLOEXEC);
	if (place >= 0 && d->log >= 0)
		pid = start_program(argv, false, place);
	if (place >= 0)
		close(place);
	return pid;
}

struct daemon *daemons_find(struct daemons *all, const char *config, struct report *report)
{
	char program[PATH_SIZE + 20], path[PATH_SIZE + 10], socket[PATH_SIZE + 10];
	char *const argv[] = { program, (char *)"-f", (char *)"-c", path, (char *)"-p", socket,
		NULL };
	struct daemon *d;

	for (size_t i = 0; i < all->count; i++)
		if (!all->list[i].retired && strcmp(all->list[i].config, config) == 0)
			return all->list[i].pid > 0 ? &all->list[i] : NULL;
	if (all->count == DAEMONS_MAX) {
		report_fault(report, 0, "milter: more than %d configurations", DAEMONS_MAX);
		return NULL;
	}
	d = &all->list[all->count++];
	d->config = must_strdup(config);
	buf_init(&d->lines, OUTPUT_MAX);
	snprintf(program, sizeof program, "%s/presend-milter", all->builddir);
	snprintf(path, sizeof path, "%s/%zu.conf", all->dir, all->count);
	snprintf(socket, sizeof socket, "unix:%.500s/%zu.sock", all->dir, all->count);
	snprintf(d->socket, sizeof d->socket, "%s", strchr(socket, '/'));
	if (!write_file(path, "", d->config, strlen(d->config)))
		return NULL;
	d->pid = start_logged(all, d, argv);
	if (d->pid > 0 && !wait_ready(d, report)) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
		d->pid = -1;
	}
	return d->pid > 0 ? d : NULL;
}

void daemon_retire(struct daemon *d)
{
	d->retired = true;
	kill(d->pid, SIGTERM);
}

const char *daemon_socket(const struct daemon *d)
{
	return d->socket;
}

/* ---- records ----------------------------------------------------------------- */

/* Takes the next record out of the daemon's lines; its other lines are passed over. */
static json_t *take_record(struct daemon *d)
{
	json_t *record = NULL;
	size_t begin = 0;

	while (record == NULL) {
		struct slice rest = slice_part(buf_slice(&d->lines), begin, d->lines.len);
		size_t len = slice_find(rest, '\n');

		if (len == rest.len)
			break;
		if (len > 0 && rest.data[0] == '{')
			record = json_loadb(rest.data, len, 0, NULL);
		begin += len + 1;
	}
	memmove(d->lines.data, buf_text(&d->lines) + begin, d->lines.len - begin);
	d->lines.len -= begin;
	return record;
}

json_t *daemon_record(struct daemon *d, long long wait_ms)
{
	long long until = now_ms() + wait_ms;

	for (;;) {
		json_t *record;

		read_log(d);
		record = take_record(d);
		if (record != NULL || now_ms() >= until)
			return record;
		usleep(1000);
	}
}

/* ---- stopping ---------------------------------------------------------------- */

/* All daemons are told, then waited for: each takes seconds, together they take no more. */
unsigned daemons_stop(struct daemons *all)
{
	long long until = now_ms() + WAIT_MS;
	unsigned failed = 0;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].pid > 0 && !all->list[i].retired)
			kill(all->list[i].pid, SIGTERM);
	for (size_t i = 0; i < all->count; i++) {
		struct daemon *d = &all->list[i];
		int status = 0;

		if (d->pid > 0) {
			status = wait_end(d->pid, until);
			read_log(d);
			close(d->log);
		}
		if (status != 0) {
			printf("FAIL presend-milter ended with status %d:\n%s", status,
			    buf_text(&d->lines));
			failed++;
		}
		buf_free(&d->lines);
		free(d->config);
	}
	free(all);
	return failed;
}
