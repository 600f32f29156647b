/* daemon.c - the life of the process: start, reload, drain, end. */
#include "config.h" /* for the system's extensions */

#include "milter/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "audit/record.h"
#include "auth/opendmarc.h"
#include "base/log.h"
#include "milter/callbacks.h"
#include "milter/notify.h"
#include "milter/nudge.h"
#include "milter/service.h"

enum {
	ERROR_MAX = 1000,
	DRAIN_STEP_MS = 20,
	BEGIN_SECS = 10,            /* that libmilter may take to begin */
	JOURNAL_RECORD_MAX = 40000, /* systemd's journal cuts a line at 48 KiB */
};

struct pidfile {
	char *path; /* NULL: none was written */
	dev_t device;
	ino_t inode;
};

enum milter_state { MILTER_RUNS, MILTER_STOPPED, MILTER_FAILED };

struct daemon {
	struct service service;
	struct setup setup;
	struct listener listener;
	struct pidfile pidfile;
	int parent;        /* the pipe to the process that was started, -1: we are that */
	int signals;       /* the signalfd */
	int wake;          /* an eventfd: libmilter has ended */
	int nudge;         /* see nudge.h */
	atomic_int milter; /* of enum milter_state */
	bool reload;       /* asked for by a signal */
	int failure;       /* the exit status of a start that fails */
	int stops;         /* signals that asked to stop */
};

/* Posted when libmilter is up, or has ended. */
static sem_t milter_begun;

/* ---- starting -------------------------------------------------------------- */

/* In the process that was started: ends as the child does, or when that is ready. */
static void wait_for_child(pid_t child, int ready)
{
	char octet;
	int status;

	if (read(ready, &octet, 1) == 1)
		_exit(EX_OK);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_OSERR);
}

static bool go_to_background(struct daemon *d)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		log_line(LOG_LEVEL_ERROR, "fork: %s", strerror(errno));
		return false;
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	close(ends[0]);
	d->parent = ends[1];
	setsid();
	umask(022);
	if (chdir("/") != 0)
		log_line(LOG_LEVEL_WARNING, "chdir /: %s", strerror(errno));
	return true;
}

/*
 * Is a process that holds this file's lock still there?  A daemon holds the lock
 * of its pidfile as long as it lives, so a file that was left behind has none.
 */
static bool is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool held;

	if (fd < 0)
		return false;
	held = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

/*
 * Made anew, so that a link put there by somebody else is not followed.  The
 * descriptor stays open for the lock.
 */
static bool write_pidfile(struct daemon *d)
{
	const char *path = d->setup.config->pidfile;
	struct stat file;
	bool written;
	int fd;

	if (path == NULL)
		return true;
	if (is_held(path)) {
		log_line(LOG_LEVEL_ERROR, "pidfile %s: another daemon runs with it", path);
		return false;
	}
	if (unlink(path) != 0 && errno != ENOENT)
		log_line(LOG_LEVEL_WARNING, "%s: %s", path, strerror(errno));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	written = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		  dprintf(fd, "%ld\n", (long)getpid()) > 0 && fstat(fd, &file) == 0;
	if (!written)
		log_line(LOG_LEVEL_ERROR, "pidfile %s: %s", path, strerror(errno));
	else
		d->pidfile = (struct pidfile){ must_strdup(path), file.st_dev, file.st_ino };
	if (!written && fd >= 0)
		close(fd);
	return written;
}

/* In a directory that the user cannot write to it stays, and the next start replaces it. */
static void remove_pidfile(const struct pidfile *pidfile)
{
	struct stat file;

	if (pidfile->path != NULL && lstat(pidfile->path, &file) == 0 &&
	    file.st_dev == pidfile->device && file.st_ino == pidfile->inode)
		unlink(pidfile->path);
}

static bool open_socket(struct daemon *d)
{
	struct buf error;
	bool opened;

	buf_init(&error, ERROR_MAX);
	opened = socket_open(&d->setup.socket, &d->setup.access, &d->listener, &error);
	if (opened)
		d->nudge = nudge_open(d->listener.fd);
	else
		log_line(LOG_LEVEL_ERROR, "socket: %s", buf_text(&error));
	buf_free(&error);
	return opened;
}

static bool become_user(const struct daemon *d)
{
	struct buf error;
	bool done;

	buf_init(&error, ERROR_MAX);
	done = run_as_drop(&d->setup.run_as, &error);
	if (!done)
		log_line(LOG_LEVEL_ERROR, "%s", buf_text(&error));
	buf_free(&error);
	return done;
}

/*
 * This replaces the C library's function of that name.  Nobody but libmilter
 * calls it, to take SIGHUP, SIGTERM and SIGINT in a thread of its own and stop
 * at once when one comes.  Here it takes none, so that all are ours; it is also
 * the only sign that libmilter gives of having begun.
 */
int sigwait(const sigset_t *set, int *number)
{
	(void)set, (void)number;
	sem_post(&milter_begun);
	for (;;)
		pause();
}

static void *run_milter(void *context)
{
	struct daemon *d = context;
	int result = smfi_main();
	uint64_t one = 1;
	ssize_t sent;

	atomic_store(&d->milter, result == MI_SUCCESS ? MILTER_STOPPED : MILTER_FAILED);
	sent = write(d->wake, &one, sizeof one);
	(void)sent;
	sem_post(&milter_begun);
	return NULL;
}

/* Has libmilter begun?  In a build that does not call our sigwait it never says so. */
static bool wait_for_milter(struct daemon *d)
{
	struct timespec limit;
	int result;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += BEGIN_SECS;
	do
		result = sem_timedwait(&milter_begun, &limit);
	while (result != 0 && errno == EINTR);
	return result == 0 && atomic_load(&d->milter) == MILTER_RUNS;
}

/* libmilter gets a thread; our signals are blocked in all and read from a descriptor. */
static bool start_threads(struct daemon *d)
{
	pthread_t thread;
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGUSR1);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	d->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sem_init(&milter_begun, 0, 0);
	if (d->signals < 0 || d->wake < 0 || pthread_create(&thread, NULL, run_milter, d) != 0)
		return false;
	pthread_detach(thread);
	return wait_for_milter(d);
}

static bool start_milter(struct daemon *d)
{
	char name[16];

	snprintf(name, sizeof name, "fd:%d", d->listener.fd);
	if (callbacks_register(&d->service) && smfi_setconn(name) == MI_SUCCESS &&
	    smfi_setbacklog(SOMAXCONN) == MI_SUCCESS && smfi_opensocket(false) == MI_SUCCESS &&
	    start_threads(d))
		return true;
	log_line(LOG_LEVEL_ERROR, "libmilter does not start (it must know sockets \"fd:N\")");
	return false;
}

/* Standard error is given up last, and only where the log goes elsewhere. */
static void leave_terminal(bool keep_stderr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (!keep_stderr)
		dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

static void tell_ready(struct daemon *d, bool to_stderr)
{
	log_line(LOG_LEVEL_INFO, "ready, mode %s, as user %s",
	    mode_name(d->setup.config->global.whole.mode), d->setup.run_as.user);
	notify_send("READY=1");
	if (d->parent < 0)
		return;
	leave_terminal(to_stderr);
	if (write(d->parent, "", 1) != 1)
		log_line(LOG_LEVEL_WARNING, "nobody waits for us to be ready");
	close(d->parent);
	d->parent = -1;
}

/* A record that the log would cut could show octets of a message as a line of their own. */
static size_t record_ceiling(bool to_stderr)
{
	if (!to_stderr)
		return RECORD_SYSLOG_MAX;
	return getenv("JOURNAL_STREAM") != NULL ? JOURNAL_RECORD_MAX : RECORD_MAX;
}

/* What the configuration opens, with threads: as the user, in the process that stays. */
static bool open_site(struct daemon *d, bool to_stderr)
{
	struct site *site;

	/* libopendmarc keeps one suffix list for the process, read before threads start */
	if (!opinion_start(d->setup.config->public_suffix_list))
		log_line(LOG_LEVEL_WARNING, "libopendmarc cannot read the public suffix list");
	site = setup_site(config_ref(d->setup.config), NULL);
	if (site == NULL) {
		d->failure = EX_CONFIG;
		return false;
	}
	service_init(&d->service, site, record_ceiling(to_stderr), d->nudge);
	return true;
}

/* From here on the setup's configuration is the service's too: a reload does not free it. */
static bool start(struct daemon *d, const struct daemon_options *options)
{
	const struct config *config = d->setup.config;
	bool to_stderr = options->foreground || config->log == LOG_TO_STDERR;

	if (!open_socket(d) || (!options->foreground && !go_to_background(d)))
		return false;
	if (!write_pidfile(d) || !become_user(d))
		return false;
	log_open(DAEMON_NAME, to_stderr, config->facility);
	setup_own_domains(d->setup.config);
	if (!open_site(d, to_stderr) || !start_milter(d))
		return false;
	tell_ready(d, to_stderr);
	return true;
}

/* ---- running --------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Names what a reload cannot change. */
static void warn_of_restart(const struct config *old, const struct config *new)
{
	const struct {
		const char *name;
		bool same;
	} fixed[] = {
		{ "socket", same(old->socket, new->socket) },
		{ "socket_mode", old->socket_mode == new->socket_mode },
		{ "socket_group", same(old->socket_group, new->socket_group) },
		{ "user", same(old->user, new->user) },
		{ "pidfile", same(old->pidfile, new->pidfile) },
		{ "log", old->log == new->log },
		{ "facility", old->facility == new->facility },
	};

	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (!fixed[i].same)
			log_line(LOG_LEVEL_WARNING, "%s has changed: that needs a restart",
			    fixed[i].name);
}

/* With the configuration as it was, what is cached of the stores goes all the same. */
static void flush(struct daemon *d)
{
	struct site *site = service_site(&d->service);

	if (site->directory != NULL)
		directory_flush(site->directory);
	site_unref(site);
}

static void reload(struct daemon *d)
{
	struct config *config = setup_config(d->setup.config_path);
	struct site *site = NULL;

	if (config != NULL) {
		setup_own_domains(config);
		site = setup_site(config, NULL);
	}
	if (site == NULL) {
		log_line(LOG_LEVEL_ERROR, "%s is not in force, the configuration read before is",
		    d->setup.config_path);
		flush(d);
		return;
	}
	warn_of_restart(d->setup.config, config);
	service_set_site(&d->service, site);
	log_line(LOG_LEVEL_INFO, "%s is in force, mode %s", d->setup.config_path,
	    mode_name(config->global.whole.mode));
}

/* Waits for a signal or the end of libmilter, or for so many milliseconds; -1: without a limit. */
static void wait_for_event(struct daemon *d, int milliseconds)
{
	struct pollfd events[] = {
		{ .fd = d->signals, .events = POLLIN },
		{ .fd = d->wake, .events = POLLIN },
	};
	struct signalfd_siginfo signal;

	poll(events, 2, milliseconds);
	while (read(d->signals, &signal, sizeof signal) == sizeof signal) {
		if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
			d->stops++;
		else
			d->reload = true;
	}
}

static bool is_drained(struct daemon *d, int waited_ms)
{
	if (d->stops > 1 || atomic_load(&d->milter) != MILTER_RUNS)
		return true;
	if (waited_ms >= DRAIN_MESSAGES_MS || atomic_load(&d->service.sessions) == 0)
		return true;
	return waited_ms >= DRAIN_SESSIONS_MS && atomic_load(&d->service.messages) == 0;
}

/*
 * smfi_stop is not called: it would wait for libmilter's next look at the
 * socket, five seconds, and all that is left to end are idle connections, which
 * the end of the process closes as well.
 */
static void drain(struct daemon *d)
{
	notify_send("STOPPING=1");
	log_line(LOG_LEVEL_INFO, "stopping: %ld connections are open, %ld messages under way",
	    atomic_load(&d->service.sessions), atomic_load(&d->service.messages));
	socket_retire(&d->listener);
	for (int waited = 0; !is_drained(d, waited); waited += DRAIN_STEP_MS)
		wait_for_event(d, DRAIN_STEP_MS);
	if (atomic_load(&d->service.messages) > 0)
		log_line(LOG_LEVEL_WARNING, "stopped with %ld messages under way",
		    atomic_load(&d->service.messages));
}

static int run(struct daemon *d)
{
	while (d->stops == 0 && atomic_load(&d->milter) == MILTER_RUNS) {
		wait_for_event(d, NUDGE_EVERY_MS);
		nudge(d->nudge);
		if (d->reload) {
			d->reload = false;
			reload(d);
		}
	}
	if (atomic_load(&d->milter) == MILTER_FAILED) {
		log_line(LOG_LEVEL_ERROR, "libmilter has ended by itself");
		return EX_OSERR;
	}
	drain(d);
	service_log_counters(&d->service);
	return EX_OK;
}

/*
 * Leaves nothing behind of a start that failed.  Where libmilter had begun its
 * threads may still look at some of it, and the process ends at once anyway.
 */
static void discard(struct daemon *d)
{
	if (d->wake >= 0)
		return;
	site_unref(d->service.site);
	setup_free(&d->setup);
	free(d->pidfile.path);
	free(d);
}

/*
 * Of a daemon that ran nothing is freed: threads of libmilter use it until the
 * process ends.
 */
int daemon_run(const struct daemon_options *options)
{
	struct daemon *d = must_alloc(sizeof *d);
	bool started;
	int status;

	d->parent = d->wake = d->nudge = -1;
	d->failure = EX_OSERR;
	if (!setup_load(options, &d->setup)) {
		free(d);
		return EX_CONFIG;
	}
	started = start(d, options);
	status = started ? run(d) : d->failure;
	socket_retire(&d->listener);
	remove_pidfile(&d->pidfile);
	if (!started)
		discard(d);
	return status;
}
