/* envelope.c - the checks of MAIL FROM and RCPT TO as they are written. */
#include "check/rows.h"

/* The MTA completes such a sender with its own domain after we have seen it. */
static bool mta_completes_sender(const struct transaction *t)
{
	return t->local_submission || ip_is_loopback(&t->client);
}

/*
 * Adds what is wrong with a path.  The grammars of paths and of header fields
 * share the codes of their errors, but here it is RFC 5321 that is broken.
 */
static void add_fault(struct check_run *run, const char *field, const struct path *path,
    const struct syntax_error *error, bool log_only)
{
	struct finding *finding = check_add_syntax(run, field, path->raw, error);

	if (finding == NULL)
		return;
	if (log_only)
		finding->at_most = ACTION_LOG;
	if (slice_starts_nocase(slice_of(finding->rfc), SLICE("RFC 5322")))
		finding->rfc = "RFC 5321 4.1.2";
}

/*
 * A length over the limits of RFC 5321 is worth a line only: the limits are
 * what every server must take, and many take more.
 */
static void add_too_long(struct check_run *run, const char *field, const struct path *path)
{
	if (path->too_long.code != SYNTAX_OK)
		add_fault(run, field, path, &path->too_long, true);
}

void check_sender_syntax(struct check_run *run)
{
	const struct message *m = run->message;
	const struct path *path = &m->mail_from;
	bool completed = path->no_domain && mta_completes_sender(&m->transaction);

	if (path->null)
		return;
	if (path->error.code != SYNTAX_OK)
		add_fault(run, "MAIL FROM", path, &path->error, completed);
	else
		add_too_long(run, "MAIL FROM", path);
}

/* RCPT TO:<Postmaster> is the one address without a domain (RFC 5321 4.5.1). */
static bool is_postmaster(const struct path *path)
{
	return path->no_domain && slice_equal_nocase(path->local_part, SLICE("postmaster"));
}

void check_recipient_syntax(struct check_run *run)
{
	const struct path *path = run->rcpt;
	struct syntax_error nobody = { SYNTAX_PATH_BRACKETS, 0, path->raw.len };

	if (path->null)
		add_fault(run, "RCPT TO", path, &nobody, false);
	else if (path->error.code != SYNTAX_OK && !is_postmaster(path))
		add_fault(run, "RCPT TO", path, &path->error, false);
	else
		add_too_long(run, "RCPT TO", path);
}
