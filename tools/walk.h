/*
 * walk.h - from the operands of the command line to open files.
 *
 * "-" is standard input; a file is opened whatever it is, a pipe too; a folder
 * is walked with all below it, names in sorted order.  In a walk, names that
 * begin with a dot, pipes, sockets and devices are passed over, links to
 * folders are not followed, and of a Maildir (a folder with cur and new) the
 * folder tmp and the files beside the three are left out: they are no mail.
 * The names of one folder are held in memory, nothing else is.
 */
#ifndef PRESEND_TOOLS_WALK_H
#define PRESEND_TOOLS_WALK_H

#include <stdio.h>

enum { WALK_DEPTH_MAX = 64 }; /* folders below folders; a deeper one counts as unreadable */

struct walker {
	/* An open file; name is as given, or the operand with the path below it. */
	void (*file)(void *context, const char *name, FILE *stream);
	/* What cannot be read, with its errno. */
	void (*failed)(void *context, const char *name, int error);
	void *context;
};

void walk(const struct walker *w, const char *operand);

#endif
