/* report.c - what is wrong with the case at hand. */
#include "t/cases/report.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	FAULTS_MAX = 8 * 1024 * 1024,
	FAULT_SIZE = 8192,
};

void report_init(struct report *report, const char *path)
{
	report->path = path;
	buf_init(&report->faults, FAULTS_MAX);
}

void report_free(struct report *report)
{
	buf_free(&report->faults);
}

void report_fault(struct report *report, unsigned line, const char *format, ...)
{
	char text[FAULT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	buf_printf(&report->faults, "  %s", report->path);
	if (line > 0)
		buf_printf(&report->faults, ":%u", line);
	buf_printf(&report->faults, ": %s\n", text);
}
