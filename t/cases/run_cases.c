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
#include <time.h>

#include "audit/record.h"
#include "base/arena.h"
#include "message/file.h"
#include "policy/class.h"
#include "policy/inquiry.h"
#include "t/cases/case.h"
#include "t/cases/daemons.h"
#include "t/cases/expect.h"
#include "t/cases/outgoing.h"
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
	unsigned cases, passed, failed;

	/* of the case at hand */
	const struct case_file *c;
	char config[PATH_SIZE]; /* files that hold its */
	char message[PATH_SIZE];
	char records[PATH_SIZE], mailboxes[PATH_SIZE];
	struct buf config_text;
	struct buf outgoing; /* the message as it comes to us */
	struct report report;
};

/* ---- what a case stands on ---------------------------------------------------- */

/*
 * Put before every configuration: where records go, a user to become (when run
 * as root), no domains of our own, rather than those of this host's Postfix, and
 * nobody to ask.
 */
static const char config_head[] = "log = stderr\nlog_format = json\nuser = \"nobody\"\n"
				  "own_domains = {}\nresolver = { \"none\" }\n";

/* Put behind that where a case has no [records]: what nobody can answer is not its matter. */
static const char config_without_dns[] = "check \"dkim.*\" { action = off }\n"
					 "check \"spf.*\" { action = off }\n"
					 "check \"dmarc.*\" { action = off }\n"
					 "check \"from.resolves\" { action = off }\n"
					 "check \"envelope.sender-domain\" { action = off }\n";

/* Where the mailboxes are: what [config] says of them, else the one store. */
static void add_config(struct runner *r)
{
	static const char mark[] = "@MAILBOXES";
	const char *text = r->c->config, *at = strstr(text, mark);

	if (r->c->mailboxes != NULL && at == NULL)
		buf_printf(&r->config_text, "directory = { \"file:%s\" }\n", r->mailboxes);
	for (; at != NULL; at = strstr(text, mark)) {
		buf_add(&r->config_text, text, (size_t)(at - text));
		buf_add_text(&r->config_text, r->mailboxes);
		text = at + strlen(mark);
	}
	buf_add_text(&r->config_text, text);
}

/* NULL: there is nothing to write. */
static bool write_section(const char *path, const char *text)
{
	return text == NULL || write_file(path, "", text, strlen(text));
}

/* A daemon reads its records when it starts: each case's are in a file of their own. */
static bool write_inputs(struct runner *r)
{
	const struct case_file *c = r->c;

	buf_reset(&r->config_text);
	buf_add_text(&r->config_text, config_head);
	if (c->records == NULL)
		buf_add_text(&r->config_text, config_without_dns);
	else
		buf_printf(&r->config_text, "records = \"%s\"\n", r->records);
	add_config(r);
	return write_section(r->records, c->records) && write_section(r->mailboxes, c->mailboxes) &&
	       write_file(r->config, "", buf_text(&r->config_text), r->config_text.len) &&
	       write_file(r->message, "", buf_text(&r->outgoing), r->outgoing.len);
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

/* A message on its way through the layers, as the front ends have it. */
struct passage {
	const struct mta_envelope *envelope;
	const struct site *site;
	struct message *message;
	struct inquiry *inquiry;
	struct judgement judgement;
};

/* Behind the header: all that comes before the body. */
static void judge_header(void *context)
{
	struct passage *p = context;
	const struct mta_envelope *e = p->envelope;

	message_set_mail(p->message, slice_of(e->mail));
	p->inquiry = inquiry_new(p->site, p->message, time(NULL));
	inquiry_sender(p->inquiry);
	judge_stage(&p->judgement, STAGE_MAIL, NULL);
	for (size_t i = 0; i < e->rcpt_count; i++) {
		struct path rcpt = message_add_rcpt(p->message, slice_of(e->rcpts[i].path));

		judge_stage(&p->judgement, STAGE_RCPT, &rcpt);
	}
	message_end_header(p->message);
	judge_stage(&p->judgement, STAGE_EOH, NULL);
	inquiry_header(p->inquiry);
}

static void take_body(void *context, const char *data, size_t len)
{
	struct passage *p = context;

	if (inquiry_wants_body(p->inquiry))
		inquiry_body(p->inquiry, (struct slice){ data, len });
}

static json_t *finish(struct passage *p)
{
	struct record_facts facts = { .time_ms = 0 };
	struct verdict v;
	struct buf text;
	json_t *record;

	inquiry_finish(p->inquiry);
	judge_stage(&p->judgement, STAGE_EOM, NULL);
	v = judge_decide(&p->judgement, STAGE_EOM);
	buf_init(&text, RECORD_MAX);
	record_json(&p->judgement, &v, &facts, RECORD_MAX, &text);
	record = json_loadb(buf_text(&text), text.len, 0, NULL);
	buf_free(&text);
	return record;
}

static json_t *library_record(struct runner *r, const struct site *site, FILE *file)
{
	struct message_reader *reader = message_reader_new(file, false);
	struct passage p = {
		.envelope = &r->c->envelope,
		.site = site,
		.message = message_new(r->arena),
	};
	struct transaction *t = &p.message->transaction;
	json_t *record = NULL;

	*t = transaction_of(p.envelope);
	t->class = class_decide(site->config, t);
	judge_begin(&p.judgement, site->config, p.message);
	if (message_read(reader, p.message, judge_header, take_body, &p) == READER_MESSAGE)
		record = finish(&p);
	message_reader_free(reader);
	inquiry_free(p.inquiry);
	arena_reset(r->arena);
	return record;
}

static struct site *open_site(struct runner *r)
{
	const struct site_options nothing = { .offline = false };
	struct buf errors, warnings;
	struct config *config;
	struct site *site = NULL;
	bool given;

	buf_init(&errors, GOT_SIZE);
	buf_init(&warnings, GOT_SIZE);
	config = config_load(r->config, &errors, &warnings);
	if (config != NULL)
		site = site_open(config, &nothing, &errors, &given);
	if (site == NULL)
		report_fault(&r->report, 0, "library: %s", buf_text(&errors));
	buf_free(&errors);
	buf_free(&warnings);
	return site;
}

static bool by_library(struct runner *r, struct seen *seen)
{
	FILE *file = fopen(r->message, "re");
	struct site *site = open_site(r);

	if (site != NULL && file != NULL)
		seen->record = library_record(r, site, file);
	if (file != NULL)
		fclose(file);
	site_unref(site);
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

/* The record's line; warnings may stand before it. */
static json_t *find_record(const struct buf *out)
{
	const char *line = buf_text(out);

	while (line != NULL && *line != '{') {
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return line == NULL ? NULL : json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
}

static bool by_cli(struct runner *r, struct seen *seen)
{
	struct command command;
	struct buf out;

	make_command(r, &command, true);
	buf_init(&out, OUTPUT_MAX);
	seen->exit_status = run_program((char *const *)command.argv, &out);
	seen->record = find_record(&out);
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
	struct daemon *d = daemons_find(r->daemons, buf_text(&r->config_text), &r->report);
	bool none = expects(r->c, EXPECT_NO_RECORD);
	char queue_id[32], error[MTA_TEXT_MAX] = "";
	json_t *more;

	if (d == NULL)
		return false;
	snprintf(queue_id, sizeof queue_id, "4CASE%05u", ++r->sequence);
	envelope.queue_id = queue_id;
	if (!mta_send(
		daemon_socket(d), &envelope, r->outgoing.data, r->outgoing.len, answer, error)) {
		report_fault(&r->report, 0, "milter: %s", error);
		return false;
	}
	seen->answer = answer;
	seen->record = daemon_record(d, none ? NO_RECORD_WAIT_MS : RECORD_WAIT_MS);
	more = daemon_record(d, 0);
	if (more != NULL)
		report_fault(&r->report, 0, "milter: a second record");
	json_decref(more);
	if (r->c->records != NULL || r->c->mailboxes != NULL)
		daemon_retire(d);
	if (seen->record == NULL && !none)
		report_fault(&r->report, 0, "milter: no record");
	check_reply(seen, &r->report);
	return seen->record != NULL || none;
}

/* ---- agreement --------------------------------------------------------------- */

/*
 * The stages that both records cover, by where the milter ended the message.  A
 * message that is refused for its header is not authenticated.
 */
static const char *common_stages(const struct seen *seen)
{
	const struct mta_answer *a = seen->answer;

	if (a == NULL || a->accepted)
		return "mail rcpt eoh eom";
	if (a->step != MTA_EOM)
		return "mail";
	return json_object_get(seen->record, "dkim") == NULL ? "mail rcpt eoh"
							     : "mail rcpt eoh eom";
}

static void copy_members(json_t *out, const json_t *record, const char *const keys[])
{
	for (; *keys != NULL; keys++)
		json_object_set(out, *keys, json_object_get(record, *keys));
}

/* The findings of those stages. */
static json_t *findings_of(const json_t *record, const char *stages)
{
	static const char *const keys[] = { "check", "result", "offset", "token", "action",
		"reason", NULL };
	const json_t *findings = json_object_get(record, "findings"), *finding;
	json_t *list = json_array();
	char stage[GOT_SIZE];
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		json_t *kept = json_object();

		copy_members(kept, finding, keys);
		if (strstr(stages, text_at(finding, "stage", stage)) != NULL)
			json_array_append(list, kept);
		json_decref(kept);
	}
	return list;
}

/* What the ways must agree on.  The second opinion is no part of the library's. */
static json_t *essence(const json_t *record, const char *stages)
{
	static const char *const always[] = { "verdict", NULL };
	static const char *const header[] = { "author", "authors", "from_raw", NULL };
	static const char *const facts[] = { "dkim", "spf", "mailbox", NULL };
	static const char *const standards[] = { "rfc7489", "rfc9989", NULL };
	json_t *out = json_object(), *dmarc = json_object();

	json_object_set_new(out, "findings", findings_of(record, stages));
	copy_members(out, record, always);
	if (strstr(stages, "eoh") != NULL)
		copy_members(out, record, header);
	if (strstr(stages, "eom") != NULL) {
		copy_members(out, record, facts);
		copy_members(dmarc, json_object_get(record, "dmarc"), standards);
		json_object_set(out, "dmarc", dmarc);
	}
	json_decref(dmarc);
	return out;
}

static void compare(struct runner *r, const struct seen *a, const struct seen *b)
{
	const char *stages = common_stages(a->answer != NULL ? a : b);
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

static void tell(struct runner *r, const char *path)
{
	bool good = r->report.faults.len == 0;

	printf("%s %s: %s\n%s", good ? "ok  " : "FAIL",
	    strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1, r->c->summary,
	    buf_text(&r->report.faults));
	r->passed += good;
	r->failed += !good;
	fflush(stdout);
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
	snprintf(r->records, sizeof r->records, "%.500s/%u.records", r->dir, ++r->cases);
	snprintf(r->mailboxes, sizeof r->mailboxes, "%.500s/%u.mailboxes", r->dir, r->cases);
	if (!make_outgoing(c, &r->outgoing, error))
		report_fault(&r->report, 0, "%s", error);
	else if (!write_inputs(r))
		report_fault(&r->report, 0, "%s: %s", r->dir, strerror(errno));
	else
		run_ways(r);
	tell(r, path);
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
	if (mkdtemp(r->dir) == NULL || chmod(r->dir, 0755) != 0 || !know_leaks(r->dir)) {
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
	buf_init(&r.config_text, OUTPUT_MAX);
	buf_init(&r.outgoing, OUTPUT_MAX);
	r.daemons = daemons_new(r.dir, r.builddir);
	ran = argc == 1 ? run_all(&r) : run_list(&r, argv + 1, (size_t)argc - 1);
	r.failed += daemons_stop(r.daemons);
	remove_folder(r.dir);
	buf_free(&r.config_text);
	buf_free(&r.outgoing);
	arena_free(r.arena);
	printf("%u passed, %u failed\n", r.passed, r.failed);
	return ran && r.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
