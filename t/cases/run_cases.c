/*
 * run_cases.c - runs every case by each way a message can come to be judged.
 *
 * A message goes through the library in this process, through `presend check`,
 * and over a socket through `presend-milter`, which mta.c speaks to.  All three
 * leave the same record; what the case expects is looked for in each of them,
 * and they must agree with one another.
 *
 * One daemon is started for each different configuration, on first use, and all
 * are stopped together at the end, by their ids.  Every wait is bounded.
 *
 * usage: run-cases [CASE...]; without, all of $srcdir/t/cases.  The programs
 * are those in $builddir.
 */
#include "config.h" /* pipe2 is declared with the system's extensions alone */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit/record.h"
#include "base/arena.h"
#include "message/file.h"
#include "policy/class.h"
#include "t/cases/case.h"

enum {
	WAIT_MS = 60000,         /* for a program to start, to answer or to end */
	RECORD_WAIT_MS = 5000,   /* for a record, once the milter has answered */
	NO_RECORD_WAIT_MS = 200, /* for one that must not come */
	OUTPUT_MAX = 8 * 1024 * 1024,
	PATH_SIZE = 600,
	DAEMONS_MAX = 120,
	ARGV_MAX = 2 * CASE_RCPTS_MAX + CASE_ARGS_MAX + 20,
	GOT_SIZE = 4096,
};

/*
 * Put before every configuration: where records go, a user to become (when run
 * as root), and no domains of our own, rather than those of this host's Postfix.
 */
static const char config_head[] =
    "log = stderr\nlog_format = json\nuser = \"nobody\"\nown_domains = {}\n";

struct daemon {
	char *config; /* the text that it was started with */
	pid_t pid;
	int log;          /* its standard error, a file: a pipe would fill up and stop it */
	struct buf lines; /* what came from there and was not looked at yet */
	char socket[PATH_SIZE];
};

struct runner {
	char dir[PATH_SIZE]; /* for all our files; removed at the end */
	char builddir[PATH_SIZE];
	struct daemon daemons[DAEMONS_MAX];
	size_t daemon_count;
	struct arena *arena;
	unsigned sequence; /* for queue ids */
	unsigned passed, failed;

	/* of the case at hand */
	const struct case_file *c;
	char config[PATH_SIZE]; /* files that hold its */
	char message[PATH_SIZE];
	struct buf faults;
};

/* What one way of judging has left. */
struct seen {
	enum way way;
	json_t *record;                  /* NULL: there was none */
	const struct mta_answer *answer; /* of the milter */
	int exit_status;                 /* of the command line */
};

static const char *way_name(enum way way)
{
	return way == WAY_LIBRARY ? "library" : way == WAY_CLI ? "cli" : "milter";
}

/* A line of the report on the case at hand; it has failed. */
__attribute__((format(printf, 3, 4))) static void fault(
    struct runner *r, unsigned line, const char *format, ...)
{
	char text[GOT_SIZE * 2];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	buf_printf(&r->faults, "  %s", r->c->path);
	if (line > 0)
		buf_printf(&r->faults, ":%u", line);
	buf_printf(&r->faults, ": %s\n", text);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool write_file(const char *path, const char *head, const char *data, size_t len)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return false;
	fputs(head, f);
	fwrite(data, 1, len, f);
	return fclose(f) == 0;
}

/* ---- programs ---------------------------------------------------------------- */

/* Starts argv with its errors, and its output if so wanted, in that place; its id or -1. */
static pid_t start(char *const argv[], bool with_output, int place)
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

/* Reads what is there; false at the end of the stream, and after the time where it is a pipe. */
static bool read_some(int fd, struct buf *out, long long wait_ms)
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

/* The exit status, or -1 for a program that a signal ended or that had to be killed. */
static int wait_end(pid_t pid, long long until)
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

/* Runs a program to its end, its output and errors in out. */
static int run_program(char *const argv[], struct buf *out)
{
	long long until = now_ms() + WAIT_MS;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = start(argv, true, ends[1]);
	close(ends[1]);
	while (pid > 0 && read_some(ends[0], out, until - now_ms()))
		continue;
	close(ends[0]);
	return pid > 0 ? wait_end(pid, until) : -1;
}

/* The value as text: "null" for null, "" where there is none. */
static const char *text_at(const json_t *object, const char *key, char got[GOT_SIZE])
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		snprintf(got, GOT_SIZE, "%lld", (long long)json_integer_value(value));
	else
		snprintf(got, GOT_SIZE, "%s",
		    json_is_null(value)     ? "null"
		    : json_is_string(value) ? json_string_value(value)
					    : "");
	return got;
}

/* ---- by the library ---------------------------------------------------------- */

static struct transaction transaction_of(const struct mta_envelope *e)
{
	struct transaction t = {
		.client_name = slice_of(e->client_name),
		.helo = slice_of(e->helo),
		.daemon_name = slice_of(e->daemon_name),
		.login = slice_of(e->login),
		.cert_subject = slice_of(e->cert_subject),
		.mta = mta_from_version(e->version),
		.local_submission = e->local,
		.smtputf8 = e->smtputf8,
	};

	ip_parse(e->client, &t.client);
	return t;
}

static json_t *judge(struct judgement *j, const struct mta_envelope *e)
{
	struct message *m = j->message;
	struct record_facts facts = { .time_ms = 0 };
	struct verdict v;
	struct buf text;
	json_t *record;

	message_set_mail(m, slice_of(e->mail));
	judge_stage(j, STAGE_MAIL, NULL);
	for (size_t i = 0; i < e->rcpt_count; i++) {
		struct path rcpt = message_add_rcpt(m, slice_of(e->rcpts[i].path));

		judge_stage(j, STAGE_RCPT, &rcpt);
	}
	message_end_header(m);
	judge_stage(j, STAGE_EOH, NULL);
	judge_stage(j, STAGE_EOM, NULL);
	v = judge_decide(j, STAGE_EOM);
	buf_init(&text, RECORD_MAX);
	record_json(j, &v, &facts, RECORD_MAX, &text);
	record = json_loadb(buf_text(&text), text.len, 0, NULL);
	buf_free(&text);
	return record;
}

static json_t *library_record(struct runner *r, const struct config *config, FILE *file)
{
	struct message_reader *reader = message_reader_new(file, false);
	struct message *m = message_new(r->arena);
	struct judgement j;
	json_t *record = NULL;

	m->transaction = transaction_of(&r->c->envelope);
	m->transaction.class = class_decide(config, &m->transaction);
	judge_begin(&j, config, m);
	if (message_read(reader, m, NULL, NULL, NULL) == READER_MESSAGE)
		record = judge(&j, &r->c->envelope);
	message_reader_free(reader);
	arena_reset(r->arena);
	return record;
}

static bool by_library(struct runner *r, struct seen *seen)
{
	struct buf errors, warnings;
	struct config *config;
	FILE *file = fopen(r->message, "re");

	buf_init(&errors, GOT_SIZE);
	buf_init(&warnings, GOT_SIZE);
	config = config_load(r->config, &errors, &warnings);
	if (config == NULL)
		fault(r, 0, "library: %s", buf_text(&errors));
	else if (file != NULL)
		seen->record = library_record(r, config, file);
	if (file != NULL)
		fclose(file);
	config_unref(config);
	buf_free(&errors);
	buf_free(&warnings);
	return seen->record != NULL;
}

/* ---- by the command line ----------------------------------------------------- */

struct command {
	char program[PATH_SIZE + 10];
	const char *argv[ARGV_MAX];
	size_t count;
};

static void add(struct command *command, const char *option, const char *value)
{
	if (value == NULL)
		return;
	command->argv[command->count++] = option;
	command->argv[command->count++] = value;
}

/* `presend check` with the options that say what the envelope says. */
static void make_command(const struct runner *r, struct command *command, bool json)
{
	const struct case_file *c = r->c;
	const struct mta_envelope *e = &c->envelope;

	*command = (struct command){ .count = 0 };
	snprintf(command->program, sizeof command->program, "%s/presend", r->builddir);
	command->argv[command->count++] = command->program;
	command->argv[command->count++] = "check";
	if (json)
		command->argv[command->count++] = "--json";
	add(command, "-c", r->config);
	add(command, "--mail-from", c->sender_given ? e->mail : NULL);
	for (size_t i = 0; i < e->rcpt_count; i++)
		add(command, "--rcpt", e->rcpts[i].path);
	add(command, "--auth", e->login);
	add(command, "--client", e->client);
	add(command, "--helo", e->helo);
	if (e->smtputf8)
		command->argv[command->count++] = "--smtputf8";
	for (size_t i = 0; i < c->arg_count; i++)
		command->argv[command->count++] = c->args[i];
	command->argv[command->count++] = r->message;
}

/* The readable output must have the lines of [shows], one behind the other. */
static void check_shown(struct runner *r)
{
	struct command command;
	struct buf out;

	if (r->c->shows == NULL)
		return;
	make_command(r, &command, false);
	buf_init(&out, OUTPUT_MAX);
	run_program((char *const *)command.argv, &out);
	if (strstr(buf_text(&out), r->c->shows) == NULL)
		fault(r, r->c->shows_line, "expected to be shown:\n%sgot:\n%s", r->c->shows,
		    buf_text(&out));
	buf_free(&out);
}

static bool by_cli(struct runner *r, struct seen *seen)
{
	struct command command;
	struct buf out;

	make_command(r, &command, true);
	buf_init(&out, OUTPUT_MAX);
	seen->exit_status = run_program((char *const *)command.argv, &out);
	seen->record = json_loadb(buf_text(&out), out.len, 0, NULL);
	if (seen->record == NULL)
		fault(r, 0, "cli: exit status %d, no record in: %s", seen->exit_status,
		    buf_text(&out));
	buf_free(&out);
	check_shown(r);
	return seen->record != NULL;
}

/* ---- by the milter ----------------------------------------------------------- */

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
static bool wait_ready(struct runner *r, struct daemon *d)
{
	long long until = now_ms() + WAIT_MS;

	while (!can_connect(d->socket)) {
		int status;

		if (waitpid(d->pid, &status, WNOHANG) == d->pid || now_ms() > until) {
			read_log(d);
			fault(r, 0, "milter: does not start: %s", buf_text(&d->lines));
			return false;
		}
		usleep(5000);
	}
	return true;
}

/* Starts the daemon with a file for its errors, which d->log reads from the beginning. */
static pid_t start_logged(const struct runner *r, struct daemon *d, char *const argv[])
{
	char path[PATH_SIZE + 10];
	int place;
	pid_t pid = -1;

	snprintf(path, sizeof path, "%s/%zu.log", r->dir, r->daemon_count);
	place = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	d->log = open(path, O_RDONLY | O_CLOEXEC);
	if (place >= 0 && d->log >= 0)
		pid = start(argv, false, place);
	if (place >= 0)
		close(place);
	return pid;
}

/* The daemon that runs with the case's configuration, started if there is none; or NULL. */
static struct daemon *find_daemon(struct runner *r)
{
	char program[PATH_SIZE + 20], config[PATH_SIZE + 10], socket[PATH_SIZE + 10];
	char *const argv[] = { program, (char *)"-f", (char *)"-c", config, (char *)"-p", socket,
		NULL };
	struct daemon *d;

	for (size_t i = 0; i < r->daemon_count; i++)
		if (strcmp(r->daemons[i].config, r->c->config) == 0)
			return r->daemons[i].pid > 0 ? &r->daemons[i] : NULL;
	if (r->daemon_count == DAEMONS_MAX) {
		fault(r, 0, "milter: more than %d configurations", DAEMONS_MAX);
		return NULL;
	}
	d = &r->daemons[r->daemon_count++];
	d->config = must_strdup(r->c->config);
	buf_init(&d->lines, OUTPUT_MAX);
	snprintf(program, sizeof program, "%s/presend-milter", r->builddir);
	snprintf(config, sizeof config, "%s/%zu.conf", r->dir, r->daemon_count);
	snprintf(socket, sizeof socket, "unix:%.500s/%zu.sock", r->dir, r->daemon_count);
	snprintf(d->socket, sizeof d->socket, "%s", strchr(socket, '/'));
	if (!write_file(config, config_head, d->config, strlen(d->config)))
		return NULL;
	d->pid = start_logged(r, d, argv);
	if (d->pid > 0 && !wait_ready(r, d)) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
		d->pid = -1;
	}
	return d->pid > 0 ? d : NULL;
}

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

static json_t *wait_record(struct daemon *d, long long wait_ms)
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

static bool expects(const struct case_file *c, enum expect_kind kind)
{
	for (size_t i = 0; i < c->expectation_count; i++)
		if (c->expectations[i].kind == kind)
			return true;
	return false;
}

/* What the client was told must be what the record says. */
static void check_reply(struct runner *r, const struct mta_answer *answer, const json_t *record)
{
	const json_t *reply = json_object_get(record, "reply");
	const char *enhanced = json_string_value(json_object_get(reply, "enhanced"));
	char wanted[40], mode[GOT_SIZE];

	/* of several recipients and several modes the record names what the rules say first */
	if (answer->accepted || record == NULL || answer->rcpts_refused > 1 ||
	    strcmp(text_at(record, "mode", mode), "enforce") != 0)
		return;
	snprintf(wanted, sizeof wanted, "%lld",
	    (long long)json_integer_value(json_object_get(reply, "code")));
	if (strncmp(answer->reply, wanted, 3) != 0 || enhanced == NULL ||
	    strstr(answer->reply, enhanced) == NULL)
		fault(r, 0, "milter: the record says %s %s, the client was told \"%s\"", wanted,
		    enhanced == NULL ? "(none)" : enhanced, answer->reply);
}

static bool by_milter(struct runner *r, struct seen *seen, struct mta_answer *answer)
{
	struct mta_envelope envelope = r->c->envelope;
	struct daemon *d = find_daemon(r);
	bool none = expects(r->c, EXPECT_NO_RECORD);
	char queue_id[32], error[MTA_TEXT_MAX] = "";
	json_t *more;

	if (d == NULL)
		return false;
	snprintf(queue_id, sizeof queue_id, "4CASE%05u", ++r->sequence);
	envelope.queue_id = queue_id;
	if (!mta_send(d->socket, &envelope, r->c->message, r->c->message_len, answer, error)) {
		fault(r, 0, "milter: %s", error);
		return false;
	}
	seen->answer = answer;
	seen->record = wait_record(d, none ? NO_RECORD_WAIT_MS : RECORD_WAIT_MS);
	more = wait_record(d, 0);
	if (more != NULL)
		fault(r, 0, "milter: a second record");
	json_decref(more);
	if (seen->record == NULL && !none)
		fault(r, 0, "milter: no record");
	check_reply(r, answer, seen->record);
	return seen->record != NULL || none;
}

/* ---- what is expected -------------------------------------------------------- */

static bool same_text(const json_t *object, const char *key, const char *wanted, char got[GOT_SIZE])
{
	return strcmp(text_at(object, key, got), wanted) == 0;
}

/* As text, so that a wanted number that is none never holds. */
static bool same_number(long value, const char *wanted)
{
	char text[24];

	snprintf(text, sizeof text, "%ld", value);
	return strcmp(text, wanted) == 0;
}

static bool is_fault(const json_t *finding)
{
	char got[GOT_SIZE];

	text_at(finding, "result", got);
	return strcmp(got, "fail") == 0 || strcmp(got, "unknown") == 0;
}

static bool finding_matches(const json_t *finding, const struct expectation *e)
{
	char got[GOT_SIZE];

	if (!same_text(finding, "check", e->words[0], got) ||
	    !same_text(finding, "result", e->words[1], got))
		return false;
	for (size_t i = 0; i < e->attribute_count; i++)
		if (!same_text(finding, e->attributes[i].name, e->attributes[i].value, got))
			return false;
	return true;
}

/* All findings that are faults, for the report. */
static void list_findings(const json_t *record, char got[GOT_SIZE])
{
	char *text = json_dumps(json_object_get(record, "findings"), JSON_COMPACT);

	snprintf(got, GOT_SIZE, "%s", text == NULL ? "no findings" : text);
	free(text);
}

static bool finding_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *findings = json_object_get(record, "findings"), *finding;
	bool found = false;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		if (e->kind == EXPECT_FINDING)
			found |= finding_matches(finding, e);
		else
			found |=
			    is_fault(finding) &&
			    slice_match(slice_of(e->words[0]),
				slice_of(json_string_value(json_object_get(finding, "check"))));
	}
	list_findings(record, got);
	return found == (e->kind == EXPECT_FINDING);
}

static bool reply_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *reply = json_object_get(record, "reply");

	if (strcmp(e->words[0], "none") == 0) {
		snprintf(got, GOT_SIZE, "a reply");
		return reply == NULL;
	}
	return same_text(reply, "code", e->words[0], got) &&
	       (e->words[1] == NULL || same_text(reply, "enhanced", e->words[1], got));
}

static bool author_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	const json_t *author = json_object_get(record, "author");
	const char *key = e->kind == EXPECT_AUTHOR ? "address" : "display_name";

	text_at(author, key, got);
	if (strcmp(e->words[0], "none") == 0)
		return author == NULL || strcmp(got, "null") == 0;
	return author != NULL && strcmp(got, e->words[0]) == 0;
}

static bool record_holds(const json_t *record, const struct expectation *e, char got[GOT_SIZE])
{
	switch (e->kind) {
	case EXPECT_VERDICT: return same_text(record, "verdict", e->words[0], got);
	case EXPECT_ACTION: return same_text(record, "action", e->words[0], got);
	case EXPECT_MODE: return same_text(record, "mode", e->words[0], got);
	case EXPECT_CLASS: return same_text(record, "class", e->words[0], got);
	case EXPECT_REPLY: return reply_holds(record, e, got);
	case EXPECT_REPLY_TEXT:
		text_at(json_object_get(record, "reply"), "text", got);
		return strcmp(e->words[0], "contains") == 0 && strstr(got, e->words[1]) != NULL;
	case EXPECT_AUTHOR:
	case EXPECT_DISPLAY_NAME: return author_holds(record, e, got);
	case EXPECT_FINDING:
	case EXPECT_NO_FINDING: return finding_holds(record, e, got);
	default: return true;
	}
}

static size_t count_removed(const struct mta_answer *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->change_count; i++)
		count += !a->changes[i].added && a->changes[i].value[0] == '\0';
	return count;
}

/* flag-header VALUE [NAME] */
static bool flag_holds(const struct mta_answer *a, const struct expectation *e, char got[GOT_SIZE])
{
	const char *name = e->words[1] == NULL ? "X-Presend-Flag" : e->words[1];

	snprintf(got, GOT_SIZE, "no such header");
	for (size_t i = 0; i < a->change_count; i++) {
		struct slice value = slice_trim(slice_of(a->changes[i].value));

		if (!a->changes[i].added || strcmp(a->changes[i].name, name) != 0)
			continue;
		snprintf(got, GOT_SIZE, "%.*s", SLICE_ARG(value));
		return slice_equal(value, slice_of(e->words[0]));
	}
	return false;
}

static void describe(const struct mta_answer *a, char got[GOT_SIZE])
{
	snprintf(got, GOT_SIZE, "%s at %s %s, %zu recipients refused, %zu headers changed%s",
	    a->accepted ? "accepted" : "refused", mta_step_name(a->step), a->reply,
	    a->rcpts_refused, a->change_count, a->quarantined ? ", held" : "");
}

static bool answer_holds(
    const struct mta_answer *a, const struct expectation *e, char got[GOT_SIZE])
{
	bool here = e->words[0] != NULL && strcmp(mta_step_name(a->step), e->words[0]) == 0;

	describe(a, got);
	switch (e->kind) {
	case EXPECT_ACCEPT_AT: return a->accepted && here;
	case EXPECT_REFUSE_AT:
		return !a->accepted && here &&
		       (e->words[1] == NULL ||
			   strncmp(a->reply, e->words[1], strlen(e->words[1])) == 0);
	case EXPECT_RCPTS_REFUSED: return same_number((long)a->rcpts_refused, e->words[0]);
	case EXPECT_FLAG_HEADER: return flag_holds(a, e, got);
	case EXPECT_HEADERS_REMOVED: return same_number((long)count_removed(a), e->words[0]);
	case EXPECT_QUARANTINE: return a->quarantined;
	case EXPECT_UNTOUCHED:
		return a->accepted && a->rcpts_refused == 0 && a->change_count == 0 &&
		       !a->quarantined;
	default: return true;
	}
}

static bool holds(const struct seen *seen, const struct expectation *e, char got[GOT_SIZE])
{
	if (e->kind == EXPECT_EXIT) {
		snprintf(got, GOT_SIZE, "exit status %d", seen->exit_status);
		return seen->way != WAY_CLI || same_number(seen->exit_status, e->words[0]);
	}
	if (e->kind == EXPECT_NO_RECORD) {
		snprintf(got, GOT_SIZE, "a record");
		return seen->way != WAY_MILTER || seen->record == NULL;
	}
	if (e->kind >= EXPECT_ACCEPT_AT)
		return seen->way != WAY_MILTER || answer_holds(seen->answer, e, got);
	snprintf(got, GOT_SIZE, "no record");
	return seen->record != NULL && record_holds(seen->record, e, got);
}

static void check_expectations(struct runner *r, const struct seen *seen)
{
	char got[GOT_SIZE];

	for (size_t i = 0; i < r->c->expectation_count; i++) {
		const struct expectation *e = &r->c->expectations[i];

		if (!holds(seen, e, got))
			fault(
			    r, e->line, "%s: this does not hold; got %s", way_name(seen->way), got);
	}
}

/* ---- agreement --------------------------------------------------------------- */

/* The last stage that both records cover, by where the milter ended the message. */
static const char *common_stages(const struct mta_answer *a)
{
	if (a == NULL || a->accepted || a->step == MTA_EOM)
		return "mail rcpt eoh eom";
	return a->step == MTA_EOH ? "mail rcpt eoh" : "mail";
}

/* What the ways must agree on, as text. */
static json_t *essence(const json_t *record, const char *stages)
{
	static const char *const keys[] = { "check", "result", "offset", "token", "action" };
	const json_t *findings = json_object_get(record, "findings"), *finding;
	json_t *list = json_array(), *out = json_object();
	bool header = strstr(stages, "eoh") != NULL;
	char stage[GOT_SIZE];
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		json_t *kept = json_object();

		for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
			json_object_set(kept, keys[k], json_object_get(finding, keys[k]));
		if (strstr(stages, text_at(finding, "stage", stage)) != NULL)
			json_array_append(list, kept);
		json_decref(kept);
	}
	json_object_set_new(out, "findings", list);
	json_object_set(out, "verdict", json_object_get(record, "verdict"));
	if (header) {
		json_object_set(out, "author", json_object_get(record, "author"));
		json_object_set(out, "authors", json_object_get(record, "authors"));
		json_object_set(out, "from_raw", json_object_get(record, "from_raw"));
	}
	return out;
}

static void compare(struct runner *r, const struct seen *a, const struct seen *b)
{
	const char *stages = common_stages(a->answer != NULL ? a->answer : b->answer);
	json_t *of_a = essence(a->record, stages), *of_b = essence(b->record, stages);

	if (!json_equal(of_a, of_b)) {
		char *text_a = json_dumps(of_a, JSON_COMPACT),
		     *text_b = json_dumps(of_b, JSON_COMPACT);

		fault(r, 0, "%s and %s do not agree:\n    %s\n    %s", way_name(a->way),
		    way_name(b->way), text_a, text_b);
		free(text_a);
		free(text_b);
	}
	json_decref(of_a);
	json_decref(of_b);
}

/* ---- a case ------------------------------------------------------------------ */

static void run_ways(struct runner *r)
{
	struct mta_answer answer;
	struct seen seen[3] = { { .way = WAY_LIBRARY }, { .way = WAY_CLI }, { .way = WAY_MILTER } };
	const struct seen *first = NULL;

	for (size_t i = 0; i < 3; i++) {
		bool done;

		if ((r->c->ways & seen[i].way) == 0)
			continue;
		done = seen[i].way == WAY_LIBRARY ? by_library(r, &seen[i])
		       : seen[i].way == WAY_CLI   ? by_cli(r, &seen[i])
						  : by_milter(r, &seen[i], &answer);
		if (!done) {
			fault(r, 0, "%s: could not be judged", way_name(seen[i].way));
			continue;
		}
		check_expectations(r, &seen[i]);
		if (first != NULL && seen[i].record != NULL)
			compare(r, first, &seen[i]);
		else if (seen[i].record != NULL)
			first = &seen[i];
	}
	for (size_t i = 0; i < 3; i++)
		json_decref(seen[i].record);
}

static void run_case(struct runner *r, const char *path)
{
	char error[MTA_TEXT_MAX];
	struct case_file *c = case_read(path, error);

	if (c == NULL) {
		printf("FAIL %s\n", error);
		r->failed++;
		return;
	}
	r->c = c;
	buf_init(&r->faults, OUTPUT_MAX);
	if (!write_file(r->config, config_head, c->config, strlen(c->config)) ||
	    !write_file(r->message, "", c->message, c->message_len))
		fault(r, 0, "%s: %s", r->dir, strerror(errno));
	else
		run_ways(r);
	printf("%s %s: %s\n%s", r->faults.len == 0 ? "ok  " : "FAIL",
	    strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1, c->summary,
	    buf_text(&r->faults));
	if (r->faults.len == 0)
		r->passed++;
	else
		r->failed++;
	fflush(stdout);
	buf_free(&r->faults);
	case_free(c);
}

/* ---- all of them ------------------------------------------------------------- */

/* All daemons are told, then waited for: each takes seconds, together they take no more. */
static void stop_daemons(struct runner *r)
{
	long long until = now_ms() + WAIT_MS;

	for (size_t i = 0; i < r->daemon_count; i++)
		if (r->daemons[i].pid > 0)
			kill(r->daemons[i].pid, SIGTERM);
	for (size_t i = 0; i < r->daemon_count; i++) {
		struct daemon *d = &r->daemons[i];
		int status = 0;

		if (d->pid > 0) {
			status = wait_end(d->pid, until);
			read_log(d);
			close(d->log);
		}
		if (status != 0) {
			printf("FAIL presend-milter ended with status %d:\n%s", status,
			    buf_text(&d->lines));
			r->failed++;
		}
		buf_free(&d->lines);
		free(d->config);
	}
}

static void remove_files(const struct runner *r)
{
	char pattern[PATH_SIZE + 10];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/*", r->dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
		globfree(&found);
	}
	rmdir(r->dir);
}

/* A folder of our own that a daemon with other rights can look into. */
static bool make_folder(struct runner *r)
{
	const char *tmp = getenv("TMPDIR"), *builddir = getenv("builddir");

	snprintf(r->builddir, sizeof r->builddir, "%s", builddir == NULL ? "." : builddir);
	snprintf(r->dir, sizeof r->dir, "%s/presend-cases.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(r->dir) == NULL || chmod(r->dir, 0755) != 0) {
		perror(r->dir);
		return false;
	}
	snprintf(r->config, sizeof r->config, "%.500s/case.conf", r->dir);
	snprintf(r->message, sizeof r->message, "%.500s/message.eml", r->dir);
	return true;
}

/* The signals that end a test run; they wait for the case at hand, so that all is taken down. */
static void hold_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
}

/* Has one of them come? */
static bool is_to_end(void)
{
	sigset_t pending;

	sigpending(&pending);
	return sigismember(&pending, SIGHUP) == 1 || sigismember(&pending, SIGINT) == 1 ||
	       sigismember(&pending, SIGTERM) == 1;
}

static bool run_list(struct runner *r, char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_to_end()) {
			printf("FAIL stopped by a signal\n");
			return false;
		}
		run_case(r, paths[i]);
	}
	return true;
}

static bool run_all(struct runner *r)
{
	const char *srcdir = getenv("srcdir");
	char pattern[PATH_SIZE];
	glob_t found;
	bool ran;

	snprintf(pattern, sizeof pattern, "%s/t/cases/*.case", srcdir == NULL ? "." : srcdir);
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "%s: no case\n", pattern);
		return false;
	}
	ran = run_list(r, found.gl_pathv, found.gl_pathc);
	globfree(&found);
	return ran;
}

int main(int argc, char **argv)
{
	static struct runner r;
	bool ran;

	hold_signals();
	if (!make_folder(&r))
		return EXIT_FAILURE;
	r.arena = arena_new();
	ran = argc == 1 ? run_all(&r) : run_list(&r, argv + 1, (size_t)argc - 1);
	stop_daemons(&r);
	remove_files(&r);
	arena_free(r.arena);
	printf("%u passed, %u failed\n", r.passed, r.failed);
	return ran && r.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
