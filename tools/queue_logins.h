/*
 * queue_logins.h - the logins of the messages that a log tells of, by queue id.
 *
 * Only messages that are still in the queue are kept, the latest QUEUE_LOGINS_MAX
 * of them: beyond that the oldest is forgotten, and a sender that is logged only
 * then counts as one without a login.
 */
#ifndef PRESEND_TOOLS_QUEUE_LOGINS_H
#define PRESEND_TOOLS_QUEUE_LOGINS_H

#include <stdbool.h>

#include "base/slice.h"

enum {
	QUEUE_LOGINS_MAX = 65536,
	QUEUE_ID_MAX = 32,      /* octets; a longer one is none */
	QUEUE_LOGIN_MAX = 1024, /* octets; of a longer one it is not kept */
};

struct queue_logins;

struct queue_logins *queue_logins_new(void);
void queue_logins_free(struct queue_logins *q);

/* A message begins; an empty login: it has none. */
void queue_logins_begin(struct queue_logins *q, struct slice id, struct slice login);

/*
 * Its sender was logged: true for the first time, with its login, which is good until the
 * next call.  A message that is put off is logged again and again.
 */
bool queue_logins_sent(struct queue_logins *q, struct slice id, struct slice *login);

/* It has left the queue. */
void queue_logins_forget(struct queue_logins *q, struct slice id);

#endif
