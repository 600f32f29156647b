/*
 * file.h - a whole file into memory, with a ceiling.
 */
#ifndef PRESEND_BASE_FILE_H
#define PRESEND_BASE_FILE_H

#include "base/buf.h"

/*
 * Appends what the file holds to text.  Returns 0; or what kept it from that,
 * as errno has it: EFBIG when it holds more than the buffer may, EINVAL when it
 * is no regular file.  It never waits for a pipe or a device.
 */
int file_read_whole(const char *path, struct buf *text);

/*
 * The same for a file of any kind, up to its end.  A pipe that nobody has opened
 * for writing is waited for if may_wait, else it is empty.
 */
int file_read_any(const char *path, bool may_wait, struct buf *text);

#endif
