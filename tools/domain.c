/*
 * domain.c - `presend domain`: is a domain ready to send mail?
 *
 * Judged is a message that the domain's postmaster would send, by those rows of
 * the table that speak of a domain; so findings, actions and the exit status
 * are those of `presend check`.  Such a message has no signature and no body: the
 * rows about these stay out, but for the signatures that a signer behind us
 * would add, and the keys of selectors that the operator names.
 */
#include "base/log.h"
#include "tools/domain_report.h"
#include "tools/facts.h"
#include "tools/show.h"
#include "tools/tools.h"

/* The rows that a domain alone is enough for. */
static const char *const rows[] = { "envelope.sender-domain", "from.domain", "from.resolves",
	"spf.*", "dmarc.record" };

struct job {
	const struct options *options;
	struct site *site;
	struct domain_query query;
	struct check_selection selection;
	struct arena *tables; /* of query.listing and of operands */
	struct arena *arena;  /* of the domain at hand */
	struct show show;
};

static bool speaks_of_domain(const struct job *job, const struct check *check)
{
	struct slice name = slice_of(check->name);
	bool signer = job->site->signer != NULL;

	if (slice_equal(name, SLICE("dkim.key")))
		return signer || job->options->selectors.count > 0;
	if (slice_equal(name, SLICE("dkim.signed")))
		return signer;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (slice_match(slice_of(rows[i]), name))
			return true;
	return false;
}

/* What --only and --skip leave of the rows that can say something. */
static void select_rows(struct job *job)
{
	job->selection = options_selection(job->options, NULL);
	for (size_t i = 0; i < check_count; i++)
		if (!speaks_of_domain(job, &checks[i]))
			job->selection.off[i] = true;
}

/* ---- a domain ------------------------------------------------------------------------------ */

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

/* By the facts, with what the report adds to them. */
static struct verdict judge(const struct domain_report *r, struct judgement *j, struct message *m)
{
	m->authentication = domain_report_facts(r);
	for (int stage = 0; stage < STAGES; stage++)
		if (stage != STAGE_RCPT)
			judge_stage(j, (enum stage)stage, NULL);
	drop_places(&j->findings);
	return judge_decide(j, STAGE_EOM);
}

static void judge_domain(struct job *job, struct slice domain)
{
	struct message *m;
	struct patience patience = site_patience(job->site);
	struct judgement j;
	struct verdict verdict;
	struct authenticator *a;
	struct domain_report *report;
	struct result result = { .judgement = &j, .verdict = &verdict };

	arena_reset(job->arena);
	m = new_message(job->arena, domain);
	judge_begin(&j, job->site->config, m);
	j.selection = job->selection;
	j.verbose = job->options->verbose;
	a = site_authenticator(job->site, &patience, m, job->query.now);
	/* before the sender: its questions go out with these, and with the report's */
	site_authenticate_header(job->site, a, m);
	report = domain_report_new(m, domain, &job->query);
	authenticator_sender(a);
	authenticator_finish(a);
	domain_report_finish(report);
	verdict = judge(report, &j, m);
	result.title = domain;
	result.domain = report;
	show_result(&job->show, &result);
	authenticator_free(a);
	domain_report_free(report);
}

/* ---- which domains ------------------------------------------------------------------------- */

/* Each d= of the signer's tables once, in their order, if it is one that the DNS can have. */
static void judge_tables(struct job *job)
{
	const struct signer_listing *listing = &job->query.listing;
	struct slice *domains = arena_alloc(job->tables, (listing->count + 1) * sizeof *domains);
	size_t count = 0;

	for (size_t i = 0; i < listing->count; i++) {
		struct slice text = arena_copy(job->tables, listing->list[i].domain), domain;
		bool known = !options_domain(job->tables, text.data, &domain);

		for (size_t n = 0; n < count && !known; n++)
			known = slice_equal(domains[n], domain);
		if (!known)
			domains[count++] = domain;
	}
	for (size_t i = 0; i < count; i++)
		judge_domain(job, domains[i]);
}

static void judge_operands(struct job *job)
{
	const struct words *operands = &job->options->operands;
	struct slice domain;

	for (size_t i = 0; i < operands->count; i++)
		if (options_domain(job->tables, operands->items[i], &domain))
			judge_domain(job, domain);
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

/* Without a domain it is those of the signer's tables, if there are any. */
static int check_domains(const struct job *job)
{
	const struct signer_listing *listing = &job->query.listing;

	if (job->options->operands.count > 0 || listing->count > 0)
		return STATUS_GOOD;
	if (listing->reason.data == NULL)
		return options_missing(job->options, "DOMAIN");
	log_line(
	    LOG_LEVEL_ERROR, "%s: %.*s", job->site->config->signer, SLICE_ARG(listing->reason));
	return STATUS_CONFIG;
}

static int run(struct job *job)
{
	int status;

	if (job->site->signer != NULL)
		signer_list(job->site->signer, job->tables, &job->query.listing);
	status = check_domains(job);
	if (status != STATUS_GOOD)
		return status;
	select_rows(job);
	show_begin(&job->show, job->options);
	job->show.what = "domains";
	if (job->options->operands.count > 0)
		judge_operands(job);
	else
		judge_tables(job);
	return show_end(&job->show);
}

int tool_domain(const struct options *o)
{
	struct job job = { .options = o };
	int status = check_operands(o);

	if (status != STATUS_GOOD)
		return status;
	job.site = facts_site(o, &status);
	if (job.site == NULL)
		return status;
	job.query = (struct domain_query){
		.options = o, .site = job.site, .now = options_now_ms(o) / 1000
	};
	job.arena = arena_new();
	job.tables = arena_new();
	status = run(&job);
	arena_free(job.tables);
	arena_free(job.arena);
	facts_site_end(job.site);
	return status;
}
