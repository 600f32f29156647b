/* clock.c - what time it is. */
#include "base/clock.h"

int64_t clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

struct timespec clock_until(int64_t deadline_us)
{
	return (struct timespec){ deadline_us / SECOND_US, deadline_us % SECOND_US * 1000 };
}

long long clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
