/*
 * show_domain.h - a sending domain's report: as a table for a postmaster, and
 * as JSON for programs.
 */
#ifndef PRESEND_TOOLS_SHOW_DOMAIN_H
#define PRESEND_TOOLS_SHOW_DOMAIN_H

#include "base/buf.h"
#include "tools/domain_report.h"
#include "tools/show.h"

/* What the domain has published, below its findings; indented by two columns. */
void show_domain(struct buf *out, const struct result *r);

/* One object with findings and facts, without a line end (show_domain_json.c). */
void show_domain_json(struct buf *out, const struct result *r);

#endif
