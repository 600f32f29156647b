/*
 * replay.c - runs a fuzz target over its corpus, where libFuzzer does not.
 *
 *   fuzz-NAME FOLDER...
 *
 * Every file of the folders is one input, in an exact-size heap block so that
 * a sanitizer sees the first octet read beyond it; then a fixed number of
 * small changes of each.  The changes come from a generator with a fixed seed:
 * two runs do the same, but for the time limit on a slow machine.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

enum {
	MUTANTS = 300, /* of each file */
	STEPS_MAX = 4, /* changes in one mutant */
	SECONDS_MAX = 5, /* for all mutants together */
	OCTETS_MAX = 1 << 18, /* of a file, and of a mutant */
};

struct input {
	uint8_t *data;
	size_t size;
};

struct corpus {
	struct input *list;
	size_t count;
};

/* What grammars trip over. */
static const char *const specials[] = { "<", ">", "@", ",", ";", ":", ".", "\"", "\\", "(", ")",
	"[", "]", " ", "\t", "\r\n ", "\r\n", "\n", "\r", "=?",
	"?=", "=?utf-8?Q?a?=", "=?utf-8?B?YQ==?=", "\xc3\xbc", "\xff", "\xc3", "\xe2\x80\xae",
	"xn--", "_", "-", "{", "}", "=", "#", "'", "*", "From: ", "From ", "\x7f", "\x1b" };

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A number below limit, 0 for limit 0. */
static size_t pick(uint64_t *state, size_t limit)
{
	return limit == 0 ? 0 : (size_t)(next_random(state) % limit);
}

static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size == 0 ? 1 : size);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* Puts size octets in at the offset, as far as there is room. */
static void insert(struct input *m, size_t at, const void *data, size_t size)
{
	if (size > OCTETS_MAX - m->size)
		return;
	memmove(m->data + at + size, m->data + at, m->size - at);
	memcpy(m->data + at, data, size);
	m->size += size;
}

/* Writes a part of the mutant, or of another input, once more. */
static void splice(struct input *m, const struct input *from, uint64_t *random)
{
	size_t begin = pick(random, from->size), size = pick(random, from->size - begin + 1);
	uint8_t *part = malloc(size + 1);

	if (part == NULL)
		abort();
	memcpy(part, from->data + begin, size);
	insert(m, pick(random, m->size + 1), part, size);
	free(part);
}

static void change(struct input *m, const struct corpus *corpus, uint64_t *random)
{
	size_t at = pick(random, m->size);
	const char *special;
	size_t cut;

	switch (pick(random, 7)) {
	case 0:
		if (m->size > 0)
			m->data[at] ^= (uint8_t)(1u << pick(random, 8));
		break;
	case 1:
		if (m->size > 0)
			m->data[at] = (uint8_t)pick(random, 256);
		break;
	case 2: m->size = at; break;
	case 3:
		cut = pick(random, m->size - at + 1);
		memmove(m->data + at, m->data + at + cut, m->size - at - cut);
		m->size -= cut;
		break;
	case 4: splice(m, m, random); break;
	case 5: splice(m, &corpus->list[pick(random, corpus->count)], random); break;
	default:
		special = specials[pick(random, sizeof specials / sizeof specials[0])];
		insert(m, at, special, strlen(special));
	}
}

/* The inputs themselves have been run; returns how many mutants were. */
static size_t run_mutants(const struct corpus *corpus)
{
	time_t end = time(NULL) + SECONDS_MAX;
	uint64_t random = 0x9e3779b97f4a7c15u;
	struct input m = { malloc(OCTETS_MAX), 0 };
	size_t runs = 0;

	if (m.data == NULL)
		abort();
	/* one of each file in turn, so that the limit meets all alike */
	for (size_t n = 0; n < MUTANTS * corpus->count && time(NULL) < end; n++) {
		const struct input *origin = &corpus->list[n % corpus->count];

		m.size = origin->size;
		memcpy(m.data, origin->data, m.size);
		for (size_t steps = 1 + pick(&random, STEPS_MAX); steps > 0; steps--)
			change(&m, corpus, &random);
		run(m.data, m.size);
		runs++;
	}
	free(m.data);
	return runs;
}

static struct input read_file(const char *path)
{
	struct input input = { malloc(OCTETS_MAX), 0 };
	FILE *file = fopen(path, "rb");

	if (input.data == NULL || file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	input.size = fread(input.data, 1, OCTETS_MAX, file);
	if (ferror(file)) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(file);
	return input;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Reads the files of the folder in the order of their names; how many there were. */
static size_t read_folder(const char *folder, struct corpus *corpus)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);
	char path[PATH_MAX];

	if (count < 0) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		exit(EXIT_FAILURE);
	}
	corpus->list =
	    realloc(corpus->list, (corpus->count + (size_t)count + 1) * sizeof *corpus->list);
	if (corpus->list == NULL)
		abort();
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
		corpus->list[corpus->count++] = read_file(path);
		free(entries[i]);
	}
	free(entries);
	return (size_t)count;
}

int main(int argc, char **argv)
{
	struct corpus corpus = { NULL, 0 };
	size_t mutants;

	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
		return 64;
	}
	for (int i = 1; i < argc; i++) {
		if (read_folder(argv[i], &corpus) == 0) {
			fprintf(stderr, "%s: no input in it\n", argv[i]);
			return EXIT_FAILURE;
		}
	}
	for (size_t i = 0; i < corpus.count; i++)
		run(corpus.list[i].data, corpus.list[i].size);
	mutants = run_mutants(&corpus);
	printf("%zu inputs and %zu mutants of them ran\n", corpus.count, mutants);
	for (size_t i = 0; i < corpus.count; i++)
		free(corpus.list[i].data);
	free(corpus.list);
	return EXIT_SUCCESS;
}
