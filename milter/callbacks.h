/*
 * callbacks.h - libmilter's calls, handed on to the session.
 *
 * callbacks.c is the only file that speaks libmilter about a message: it reads
 * macros, gives answers and carries changes out.  What is decided is decided in
 * session.c.
 */
#ifndef PRESEND_MILTER_CALLBACKS_H
#define PRESEND_MILTER_CALLBACKS_H

#include <stdbool.h>

#include "milter/service.h"

/*
 * Registers the filter with libmilter.  service is what every later session
 * shares; it must live as long as the process.  False: libmilter would not.
 */
bool callbacks_register(struct service *service);

#endif
