/*
 * process.h - what the runner of cases needs of the system: programs, time, files.
 *
 * Every wait is bounded: a program that does not answer or does not end in time
 * is given up or killed, and a test run always comes to its end.
 */
#ifndef PRESEND_T_PROCESS_H
#define PRESEND_T_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

enum {
	WAIT_MS = 60000, /* for a program to start, to answer or to end */
	OUTPUT_MAX = 8 * 1024 * 1024,
	PATH_SIZE = 600,
};

/* The time by a clock that nobody sets. */
long long now_ms(void);

/*
 * Tells programs that are started from now on what is no leak (leaks.supp), for the leak
 * sanitizer: in a copy in that folder, for a daemon that has given up root may not get at the
 * sources.  Other builds do not read it.
 */
bool know_leaks(const char *dir);

/*
 * Starts argv with its errors, and its output if so wanted, in that place; its
 * id or -1.  It is told to end when the runner ends before it.
 */
pid_t start_program(char *const argv[], bool with_output, int place);

/*
 * Waits until that time, then kills the program.  The exit status, or -1 for one
 * that a signal ended or that had to be killed.
 */
int wait_end(pid_t pid, long long until);

/*
 * Runs a program to its end, its output and errors in out.  The exit status, or
 * -1 as wait_end says it and where it could not be started.
 */
int run_program(char *const argv[], struct buf *out);

/* Reads what is there; false at the end of the stream, and after the time where it is a pipe. */
bool read_some(int fd, struct buf *out, long long wait_ms);

/* Writes the head and the data behind it; false with errno set. */
bool write_file(const char *path, const char *head, const char *data, size_t len);

/* Removes a folder and the files in it. */
void remove_folder(const char *dir);

/* The signals that end a test run; they wait for the case at hand, so that all is taken down. */
void hold_signals(void);

/* Has one of them come? */
bool is_to_end(void);

#endif
