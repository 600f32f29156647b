/* run.c - runs another program, bounded in time and in what it may say. */
#define _GNU_SOURCE 1 /* pipe2, posix_spawn_file_actions_addclosefrom_np */

#include "base/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

enum { MS_US = 1000 };

/* Starts the program with these ends as its output and no other file of ours. */
static bool start(const char *const argv[], int out, int err, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (err >= 0)
		posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
	else
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn(pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return error == 0;
}

/* One of its outputs: reads what is there; false at its end. */
static bool drain(int fd, struct buf *into)
{
	char piece[16384];
	ssize_t n = read(fd, piece, sizeof piece);

	if (n > 0 && into != NULL)
		buf_add(into, piece, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Reads until the program has closed its outputs. */
static enum run_end collect(
    int out, int err, int64_t end_us, struct buf *output, struct buf *errors)
{
	struct pollfd fds[] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t left = end_us - clock_now_us();

		if (left <= 0)
			return RUN_LATE;
		if (output->truncated)
			return RUN_TOO_MUCH;
		if (poll(fds, 2, (int)((left + MS_US - 1) / MS_US)) <= 0)
			continue;
		if (fds[0].revents != 0 && !drain(out, output))
			fds[0].fd = -1;
		if (fds[1].revents != 0 && !drain(err, errors))
			fds[1].fd = -1;
	}
	return output->truncated ? RUN_TOO_MUCH : RUN_EXITED;
}

/* Waits for the program, which has closed its outputs or is to be killed. */
static struct run finish(pid_t pid, enum run_end end, int64_t end_us)
{
	static const struct timespec pause = { .tv_nsec = 500000 };
	struct run run = { .end = end };
	int status = 0;
	pid_t done = 0;

	while (end == RUN_EXITED && (done = waitpid(pid, &status, WNOHANG)) == 0) {
		if (clock_now_us() >= end_us)
			run.end = end = RUN_LATE;
		else
			nanosleep(&pause, NULL);
	}
	if (done == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	} else if (done != pid || !WIFEXITED(status)) {
		run.end = RUN_FAILED;
	} else {
		run.status = WEXITSTATUS(status);
	}
	return run;
}

struct run run_program(
    const char *const argv[], int64_t timeout_us, struct buf *output, struct buf *errors)
{
	int64_t end_us = clock_now_us() + timeout_us;
	struct run run = { .end = RUN_FAILED };
	int out[2], err[2] = { -1, -1 };
	bool started;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		return run;
	if (errors != NULL && pipe2(err, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return run;
	}
	started = start(argv, out[1], err[1], &pid);
	close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	if (started)
		run = finish(pid, collect(out[0], err[0], end_us, output, errors), end_us);
	close(out[0]);
	if (err[0] >= 0)
		close(err[0]);
	return run;
}
