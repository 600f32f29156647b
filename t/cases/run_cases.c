/*
 * run_cases.c - runs every case by each way a message can come to be judged.
 *
 * A message goes through the library in this process, through `presend check`,
 * and over a socket through `presend-milter`, which mta.c speaks to.  All three
 * leave the same record; what the case expects is looked for in each of them
 * (expect.h), and they must agree with one another.
 *
 * The daemons (daemons.h) are stopped at the end, and the folder with all files
 * is removed.
 *
 * usage: run-cases [CASE...]; without, all of $srcdir/t/cases.  The programs
 * are those in $builddir.
 */
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/record.h"
#include "base/arena.h"
#include "message/file.h"
#include "policy/class.h"
#include "t/cases/case.h"
#include "t/cases/daemons.h"
#include "t/cases/expect.h"
#include "t/cases/process.h"
#include "t/cases/report.h"

enum {
	RECORD_WAIT_MS = 5000,   /* for a record, once the milter has answered */
	NO_RECORD_WAIT_MS = 200, /* for one that must not come */
	ARGV_MAX = 2 * CASE_RCPTS_MAX + CASE_ARGS_MAX + 20,
};

struct runner {
	char dir[PATH_SIZE]; /* for all our files; removed at the end */
	char builddir[PATH_SIZE];
	struct daemons *daemons;
	struct arena *arena;
	unsigned sequence; /* for queue ids */
	unsigned passed, failed;

	/* of the case at hand */
	const struct case_file *c;
	char config[PATH_SIZE]; /* files that hold its */
	char message[PATH_SIZE];
	struct report report;
};

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
		report_fault(&r->report, 0, "library: %s", buf_text(&errors));
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
		report_fault(&r->report, r->c->shows_line, "expected to be shown:\n%sgot:\n%s",
		    r->c->shows, buf_text(&out));
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
		report_fault(&r->report, 0, "cli: exit status %d, no record in: %s",
		    seen->exit_status, buf_text(&out));
	buf_free(&out);
	check_shown(r);
	return seen->record != NULL;
}

/* ---- by the milter ----------------------------------------------------------- */

static bool by_milter(struct runner *r, struct seen *seen, struct mta_answer *answer)
{
	struct mta_envelope envelope = r->c->envelope;
	struct daemon *d = daemons_find(r->daemons, r->c->config, &r->report);
	bool none = expects(r->c, EXPECT_NO_RECORD);
	char queue_id[32], error[MTA_TEXT_MAX] = "";
	json_t *more;

	if (d == NULL)
		return false;
	snprintf(queue_id, sizeof queue_id, "4CASE%05u", ++r->sequence);
	envelope.queue_id = queue_id;
	if (!mta_send(
		daemon_socket(d), &envelope, r->c->message, r->c->message_len, answer, error)) {
		report_fault(&r->report, 0, "milter: %s", error);
		return false;
	}
	seen->answer = answer;
	seen->record = daemon_record(d, none ? NO_RECORD_WAIT_MS : RECORD_WAIT_MS);
	more = daemon_record(d, 0);
	if (more != NULL)
		report_fault(&r->report, 0, "milter: a second record");
	json_decref(more);
	if (seen->record == NULL && !none)
		report_fault(&r->report, 0, "milter: no record");
	check_reply(seen, &r->report);
	return seen->record != NULL || none;
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

		report_fault(&r->report, 0, "%s and %s do not agree:\n    %s\n    %s",
		    way_name(a->way), way_name(b->way), text_a, text_b);
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
			report_fault(
			    &r->report, 0, "%s: could not be judged", way_name(seen[i].way));
			continue;
		}
		check_expectations(r->c, &seen[i], &r->report);
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
	report_init(&r->report, c->path);
	if (!daemons_write_config(r->config, c->config) ||
	    !write_file(r->message, "", c->message, c->message_len))
		report_fault(&r->report, 0, "%s: %s", r->dir, strerror(errno));
	else
		run_ways(r);
	printf("%s %s: %s\n%s", r->report.faults.len == 0 ? "ok  " : "FAIL",
	    strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1, c->summary,
	    buf_text(&r->report.faults));
	if (r->report.faults.len == 0)
		r->passed++;
	else
		r->failed++;
	fflush(stdout);
	report_free(&r->report);
	case_free(c);
}

/* ---- all of them ------------------------------------------------------------- */

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
	r.daemons = daemons_new(r.dir, r.builddir);
	ran = argc == 1 ? run_all(&r) : run_list(&r, argv + 1, (size_t)argc - 1);
	r.failed += daemons_stop(r.daemons);
	remove_folder(r.dir);
	arena_free(r.arena);
	printf("%u passed, %u failed\n", r.passed, r.failed);
	return ran && r.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
