/*
 * view.h - the DNS as one message sees it.
 *
 * Evaluators (SPF, DMARC, DKIM keys, existence) are pure functions over a view:
 * they ask for an answer, and where the view does not have it yet they note
 * that and return "pending".  The caller then waits once for all questions that
 * were noted, side by side, and runs the evaluators again.  So the wait is the
 * longest chain of dependent questions, whatever the number of evaluators, no
 * evaluator knows of threads or callbacks, and each is as easy to test as a
 * function of a records file.
 *
 *	do
 *		pending = spf_evaluate(view, ...) | dmarc_evaluate(view, ...);
 *	while (pending && dns_view_wait(view));
 *
 * Questions can be asked before the wait (dns_view_start), so that the answers
 * come while other work is done.
 *
 * A view asks each question once and keeps the answer until it ends: all parts
 * of a verdict rest on the same facts.  What the resolver knows already is there
 * at once, without a wait.  When the deadline has passed, or VIEW_QUESTIONS_MAX
 * questions were asked, every further answer is TEMPFAIL; the deadline is kept
 * here, whatever a resolver does.  A view belongs to one thread at a time.
 */
#ifndef PRESEND_DNS_VIEW_H
#define PRESEND_DNS_VIEW_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/patience.h"
#include "dns/dns.h"
#include "dns/resolver.h"

enum { VIEW_QUESTIONS_MAX = 500 };

struct dns_view;

/*
 * A view on the resolver (NULL: every answer is TEMPFAIL), ended by
 * dns_view_free.  deadline: monotonic clock, in microseconds (clock_now_us).
 */
struct dns_view *dns_view_new(struct arena *arena, struct resolver *resolver, int64_t deadline_us);
void dns_view_free(struct dns_view *view); /* NULL is allowed */

/*
 * Moves the deadline, for a view that is not waited for all the time: a message
 * may take long to come in, and that is not the DNS's time.
 */
void dns_view_set_deadline(struct dns_view *view, int64_t deadline_us);

/* What a view that does not get through the gate does not know then is TEMPFAIL; NULL: none. */
void dns_view_set_gate(struct dns_view *view, struct gate *gate);

/*
 * The answer, or NULL when it is not known yet: the question is then noted for
 * the next wait.  A name that is no possible DNS name (a label over 63 octets,
 * empty, over DNS_NAME_MAX) answers NXDOMAIN.  Case and a final dot of the name
 * do not matter.  The answer lives as long as the view.
 */
const struct dns_answer *dns_view_get(struct dns_view *view, struct slice name, enum dns_type type);

/* Asks all that was noted, together, without waiting. */
void dns_view_start(struct dns_view *view);

/*
 * Asks all that was noted and waits for all answers or the deadline.  False when
 * there was nothing to wait for: then no evaluator is pending.
 */
bool dns_view_wait(struct dns_view *view);

/* Questions asked so far: for records and tests. */
size_t dns_view_asked(const struct dns_view *view);

#endif
