/*
 * fuzz.h - what every fuzz target shares.
 *
 * A target takes any octets and asserts properties of what comes out, not only
 * that nothing crashes.  It is linked with libFuzzer, or with replay.c.
 */
#ifndef PRESEND_T_FUZZ_H
#define PRESEND_T_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program, naming the property, unless it holds. */
#define MUST(property)                                                                             \
	do {                                                                                       \
		if (!(property)) {                                                                 \
			fprintf(                                                                   \
			    stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
