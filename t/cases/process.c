/* process.c - what the runner of cases needs of the system: programs, time, files. */
#include "config.h" /* pipe2 is declared with the system's extensions alone */

#include "t/cases/process.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- programs ---------------------------------------------------------------- */

bool know_leaks(const char *dir)
{
	const char *srcdir = getenv("srcdir");
	char from[PATH_SIZE + 40], to[PATH_SIZE + 40], options[PATH_SIZE + 60];
	struct buf text;
	bool good;

	snprintf(from, sizeof from, "%s/t/cases/leaks.supp", srcdir == NULL ? "." : srcdir);
	snprintf(to, sizeof to, "%s/leaks.supp", dir);
	snprintf(options, sizeof options, "suppressions=%s", to);
	buf_init(&text, PATH_SIZE);
	good = file_read_whole(from, &text) == 0 && write_file(to, "", buf_text(&text), text.len) &&
	       chmod(to, 0644) == 0 && setenv("LSAN_OPTIONS", options, 0) == 0;
	buf_free(&text);
	return good;
}

pid_t start_program(char *const argv[], bool with_output, int place)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (with_output)
			dup2(place, STDOUT_FILENO);
		dup2(place, STDERR_FILENO);
		execv(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

bool read_some(int fd, struct buf *out, long long wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char block[8192];
	ssize_t n;

	if (poll(&p, 1, wait_ms > 0 ? (int)wait_ms : 0) != 1)
		return false;
	n = read(fd, block, sizeof block);
	if (n <= 0)
		return false;
	buf_add(out, block, (size_t)n);
	return true;
}

int wait_end(pid_t pid, long long until)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > until) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		usleep(2000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_program(char *const argv[], struct buf *out)
{
	long long until = now_ms() + WAIT_MS;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = start_program(argv, true, ends[1]);
	close(ends[1]);
	while (pid > 0 && read_some(ends[0], out, until - now_ms()))
		continue;
	close(ends[0]);
	return pid > 0 ? wait_end(pid, until) : -1;
}

/* ---- files ------------------------------------------------------------------- */

bool write_file(const char *path, const char *head, const char *data, size_t len)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return false;
	fputs(head, f);
	fwrite(data, 1, len, f);
	return fclose(f) == 0;
}

void remove_folder(const char *dir)
{
	char pattern[PATH_SIZE + 10];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/*", dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	rmdir(dir);
}

/* ---- signals ----------------------------------------------------------------- */

void hold_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
}

bool is_to_end(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGHUP) == 1 || sigismember(&pending, SIGINT) == 1 ||
	       sigismember(&pending, SIGTERM) == 1;
}
