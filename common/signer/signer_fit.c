/*
 * signer_fit.c - does the private key of a signing belong to the published
 * one?  The answers are remembered: by the file as it was, never by its octets.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "key/key_file.h"
#include "signer/signer.h"
#include "signer/signer_parts.h"

/* A question; all of it is compared. */
struct fit_question {
	struct slice key;            /* the path; of a key in a table: its place there */
	struct key_file_state state; /* zero for a key in a table */
	struct slice algorithm, published;
};

struct fit_memory {
	pthread_mutex_t lock;
	struct {
		struct fit_question question; /* texts of its own */
		struct key_fit_answer answer;
	} known[SIGNER_FITS_MAX];
	size_t count, oldest;
};

/* ---- what was found before ---------------------------------------------------------- */

struct fit_memory *fit_memory_new(void)
{
	struct fit_memory *memory = must_alloc(sizeof *memory);

	memset(memory, 0, sizeof *memory);
	pthread_mutex_init(&memory->lock, NULL);
	return memory;
}

static void forget(struct fit_question *question)
{
	free((char *)question->key.data);
	free((char *)question->published.data);
}

void fit_memory_free(struct fit_memory *memory)
{
	for (size_t i = 0; i < memory->count; i++)
		forget(&memory->known[i].question);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static bool same_file(const struct key_file_state *a, const struct key_file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool same_question(const struct fit_question *a, const struct fit_question *b)
{
	return slice_equal(a->key, b->key) && same_file(&a->state, &b->state) &&
	       slice_equal(a->algorithm, b->algorithm) && slice_equal(a->published, b->published);
}

static bool recall(
    struct fit_memory *memory, const struct fit_question *question, struct key_fit_answer *answer)
{
	bool known = false;

	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; i < memory->count && !known; i++) {
		known = same_question(&memory->known[i].question, question);
		if (known)
			*answer = memory->known[i].answer;
	}
	pthread_mutex_unlock(&memory->lock);
	return known;
}

static struct slice copy(struct slice s)
{
	char *text = must_alloc(s.len + 1);

	if (s.len > 0)
		memcpy(text, s.data, s.len);
	return (struct slice){ text, s.len };
}

static void remember(struct fit_memory *memory, const struct fit_question *question,
    const struct key_fit_answer *answer)
{
	size_t place;

	pthread_mutex_lock(&memory->lock);
	if (memory->count < SIGNER_FITS_MAX) {
		place = memory->count++;
	} else {
		place = memory->oldest;
		memory->oldest = (memory->oldest + 1) % SIGNER_FITS_MAX;
		forget(&memory->known[place].question);
	}
	memory->known[place].question = *question;
	memory->known[place].question.key = copy(question->key);
	memory->known[place].question.published = copy(question->published);
	memory->known[place].answer = *answer;
	pthread_mutex_unlock(&memory->lock);
}

/* ---- the question ------------------------------------------------------------------- */

/* The key with a NUL behind it, and what stands for it in the memory; NULL with *why. */
static char *take_key(struct arena *arena, const struct signing *signing,
    struct fit_question *question, struct slice *why)
{
	char *key;

	if (signing->key.data == NULL) {
		*why = SLICE("the path of the key is relative, and there is no BaseDirectory");
		return NULL;
	}
	if (signing->key_in_file) {
		question->key = signing->key;
		return key_file_read(arena, signing->key.data, &question->state, why);
	}
	question->key =
	    arena_printf(arena, "%p %zu", (const void *)signing->key.data, signing->key.len);
	key = must_alloc(signing->key.len + 1);
	memcpy(key, signing->key.data, signing->key.len);
	key[signing->key.len] = '\0';
	return key;
}

static struct key_fit_answer find_out(
    const struct signer *signer, const char *key, const struct fit_question *question)
{
	struct key_fit_answer answer;

	if (recall(signer->memory, question, &answer))
		return answer;
	answer = key_fit(signer->fitter, key, question->algorithm, question->published);
	if (answer.fit != KEY_UNKNOWN)
		remember(signer->memory, question, &answer);
	return answer;
}

struct key_fit_answer signer_key_fit(const struct signer *signer, struct arena *arena,
    const struct signing *signing, struct slice published, struct slice *reason)
{
	struct key_fit_answer answer = { KEY_UNKNOWN, 0, NULL };
	struct fit_question question = { 0 };
	char *key = NULL;

	question.algorithm = signing->algorithm;
	question.published = published;
	*reason = SLICE("libopendkim could not be set up");
	if (signer->fitter != NULL)
		key = take_key(arena, signing, &question, reason);
	if (key == NULL)
		return answer;
	answer = find_out(signer, key, &question);
	key_file_forget(key);
	*reason = slice_of(answer.reason);
	return answer;
}
