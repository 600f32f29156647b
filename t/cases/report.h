/*
 * report.h - what is wrong with the case at hand.
 *
 * A case has passed when its report has no fault.
 */
#ifndef PRESEND_T_REPORT_H
#define PRESEND_T_REPORT_H

#include "base/buf.h"

struct report {
	const char *path; /* of the case; must outlive the report */
	struct buf faults;
};

void report_init(struct report *report, const char *path);
void report_free(struct report *report);

/* A line of the report, behind the place in the case; line 0 stands for all of it. */
void report_fault(struct report *report, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
