/* patience.c - how long a message may wait for others, and how many messages may. */
#include "base/patience.h"

#include <stddef.h>

bool gate_enter(struct gate *gate)
{
	if (gate == NULL)
		return true;
	if (atomic_fetch_add(&gate->waiting, 1) >= gate->most) {
		atomic_fetch_sub(&gate->waiting, 1);
		return false;
	}
	if (gate->entered != NULL)
		gate->entered(gate->context);
	return true;
}

void gate_leave(struct gate *gate)
{
	if (gate != NULL)
		atomic_fetch_sub(&gate->waiting, 1);
}

void patience_spend(struct patience *patience, int64_t begun_us, int64_t now_us)
{
	patience->left_us -= now_us - begun_us;
	if (patience->left_us < 0)
		patience->left_us = 0;
}
