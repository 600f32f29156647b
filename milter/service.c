/* service.c - what all sessions of the daemon share. */
#include "milter/service.h"

#include "base/log.h"
#include "milter/nudge.h"

/* A message begins to wait, and a worker of libmilter with it. */
static void on_wait(const void *context)
{
	nudge(((const struct service *)context)->nudge);
}

static void watch(struct service *service, struct site *site)
{
	site->gate.entered = on_wait;
	site->gate.context = service;
}

void service_init(struct service *service, struct site *site, size_t record_ceiling, int nudge)
{
	*service = (struct service){
		.record_ceiling = record_ceiling,
		.nudge = nudge,
		.site = site,
		.window = { .since = time(NULL) },
	};
	pthread_mutex_init(&service->lock, NULL);
	watch(service, site);
}

struct site *service_site(struct service *service)
{
	struct site *site;

	pthread_mutex_lock(&service->lock);
	site = site_ref(service->site);
	pthread_mutex_unlock(&service->lock);
	return site;
}

void service_set_site(struct service *service, struct site *site)
{
	struct site *old;

	watch(service, site);
	pthread_mutex_lock(&service->lock);
	old = service->site;
	service->site = site;
	pthread_mutex_unlock(&service->lock);
	site_unref(old);
}

bool service_unjudged(struct service *service)
{
	unsigned long before = atomic_fetch_add(&service->unjudged, 1);

	return before % UNJUDGED_SAMPLE == UNJUDGED_SAMPLE - 1;
}

/* Closes the window if a warning is due: true, and *closed is what it saw. */
static bool window_close(
    struct unjudged_window *w, unsigned long total, time_t now, struct unjudged_window *closed)
{
	if (w->outside == 0 || (w->warned && now - w->since < UNJUDGED_WARNING_SECS))
		return false;
	*closed = *w;
	*w = (struct unjudged_window){ .since = now, .passed_before = total, .warned = true };
	return true;
}

void service_followed(struct service *service, bool outside)
{
	unsigned long total = atomic_load(&service->unjudged);
	struct unjudged_window seen;
	time_t now = time(NULL);
	bool due;

	pthread_mutex_lock(&service->lock);
	service->window.followed++;
	service->window.outside += outside;
	due = window_close(&service->window, total, now, &seen);
	pthread_mutex_unlock(&service->lock);
	if (due)
		log_line(LOG_LEVEL_WARNING,
		    "%lu messages passed unjudged in the last %ld minutes, %lu of the %lu "
		    "looked at went to external recipients: is `submitters` complete?",
		    total - seen.passed_before, (long)(now - seen.since) / 60 + 1, seen.outside,
		    seen.followed);
}

void service_log_counters(struct service *service)
{
	log_line(LOG_LEVEL_INFO, "%lu messages judged, %lu of them refused, %lu passed unjudged",
	    atomic_load(&service->judged), atomic_load(&service->refused),
	    atomic_load(&service->unjudged));
}
