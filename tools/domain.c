/*
 * domain.c - `presend domain`: is a domain ready to send mail?
 *
 * Judged is a message that any author of the domain would send, by those rows of
 * the table that speak of a domain; so findings, actions and the exit status
 * are those of `presend check`.  Such a message has no signature and no body, and the
 * rows about them stay out, but for the keys that the operator names.
 */
#include <time.h>

#include "tools/domain_report.h"
#include "tools/facts.h"
#include "tools/show.h"
#include "tools/tools.h"

/* The rows that a domain alone is enough for; dkim.key where a key is named. */
static const char *const rows[] = { "envelope.sender-domain", "from.domain", "from.resolves",
	"spf.*", "dmarc.record" };

struct job {
	const struct options *options;
	struct site *site;
	struct check_selection selection;
	struct arena *arena;
	struct show show;
};

static long long now_ms(const struct job *job)
{
	struct timespec t;

	if (job->options->has_time)
		return job->options->time * 1000;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool speaks_of_domain(const struct options *o, const struct check *check)
{
	struct slice name = slice_of(check->name);

	if (o->selectors.count > 0 && slice_equal(name, SLICE("dkim.key")))
		return true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (slice_match(slice_of(rows[i]), name))
			return true;
	return false;
}

/* What --only and --skip leave of the rows that can say something. */
static struct check_selection select_rows(const struct options *o)
{
	struct check_selection selection = options_selection(o, NULL);

	for (size_t i = 0; i < check_count; i++)
		if (!speaks_of_domain(o, &checks[i]))
			selection.off[i] = true;
	return selection;
}

/* A message from the domain's postmaster, whom every domain has (RFC 5321 4.5.1). */
static struct message *new_message(struct arena *arena, struct slice domain)
{
	struct message *m = message_new(arena);
	struct slice path = arena_printf(arena, "<postmaster@%.*s>", SLICE_ARG(domain));

	message_add_field(m, SLICE("From"), arena_printf(arena, " %.*s", SLICE_ARG(path)));
	message_end_header(m);
	message_set_mail(m, path);
	return m;
}

/* There is no field that an octet could be pointed at in. */
static void drop_places(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		findings->list[i].field = NULL;
		findings->list[i].has_offset = false;
	}
}

/*
 * The header before the sender: the authenticator's questions of both go out
 * together, and beside them those of the report.
 */
static struct verdict judge(const struct job *job, struct judgement *j, struct domain_report *r,
    struct authenticator *a, struct message *m)
{
	site_authenticate_header(job->site, a, m);
	authenticator_sender(a);
	authenticator_finish(a);
	domain_report_finish(r);
	m->authentication = domain_report_facts(r, m->authentication);
	for (int stage = 0; stage < STAGES; stage++)
		if (stage != STAGE_RCPT)
			judge_stage(j, (enum stage)stage, NULL);
	drop_places(&j->findings);
	return judge_decide(j, STAGE_EOM);
}

static void judge_domain(struct job *job, const char *operand)
{
	struct slice domain;
	struct message *m;
	struct judgement j;
	struct verdict verdict;
	struct authenticator *a;
	struct domain_report *report;
	struct result result = { .judgement = &j, .verdict = &verdict };

	arena_reset(job->arena);
	if (!options_domain(job->arena, operand, &domain))
		return;
	m = new_message(job->arena, domain);
	judge_begin(&j, job->site->config, m);
	j.selection = job->selection;
	j.verbose = job->options->verbose;
	report = domain_report_new(m, job->site, domain, job->options, now_ms(job) / 1000);
	a = site_authenticator(job->site, m, now_ms(job) / 1000);
	verdict = judge(job, &j, report, a, m);
	result.title = domain;
	result.domain = report;
	show_result(&job->show, &result);
	authenticator_free(a);
	domain_report_free(report);
}

/* All of them, before anybody is asked. */
static int check_operands(const struct options *o)
{
	struct arena *arena = arena_new();
	struct slice ascii;
	int status = STATUS_GOOD;

	for (size_t i = 0; i < o->operands.count && status == STATUS_GOOD; i++)
		if (!options_domain(arena, o->operands.items[i], &ascii))
			status = options_bad_operand(o, o->operands.items[i], "not a domain name");
	arena_free(arena);
	return status;
}

int tool_domain(const struct options *o)
{
	struct job job = { .options = o, .selection = select_rows(o) };
	int status = check_operands(o);

	if (status != STATUS_GOOD)
		return status;
	job.site = facts_site(o, &status);
	if (job.site == NULL)
		return status;
	job.arena = arena_new();
	show_begin(&job.show, o);
	job.show.what = "domains";
	for (size_t i = 0; i < o->operands.count; i++)
		judge_domain(&job, o->operands.items[i]);
	status = show_end(&job.show);
	arena_free(job.arena);
	facts_site_end(job.site);
	return status;
}
