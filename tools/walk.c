/* walk.c - from the operands of the command line to open files. */
#include "tools/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

struct names {
	char **items;
	size_t count, room;
};

static void add_name(struct names *names, const char *name)
{
	if (names->count == names->room) {
		names->room = names->room == 0 ? 64 : names->room * 2;
		names->items = must_realloc(names->items, names->room * sizeof *names->items);
	}
	names->items[names->count++] = must_strdup(name);
}

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's names in order, those with a dot in front left out; false with errno set. */
static bool read_names(const char *path, struct names *names)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int error;

	if (dir == NULL)
		return false;
	while (errno = 0, (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			add_name(names, entry->d_name);
	error = errno;
	closedir(dir);
	if (names->count > 0)
		qsort(names->items, names->count, sizeof *names->items, compare);
	errno = error;
	return error == 0;
}

static char *join(const char *folder, const char *name)
{
	size_t len = strlen(folder), size;
	const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";
	char *path;

	size = len + 1 + strlen(name) + 1;
	path = must_alloc(size);
	snprintf(path, size, "%s%s%s", folder, slash, name);
	return path;
}

static bool is_folder(const char *folder, const char *name)
{
	char *path = join(folder, name);
	struct stat st;
	bool is = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);

	free(path);
	return is;
}

/* Opens what a walk has found to be a file, and looks again: it may have been swapped since. */
static void walk_file(const struct walker *w, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *stream;

	if (fd < 0) {
		w->failed(w->context, path, errno);
		return;
	}
	stream = fdopen(fd, "r");
	if (stream == NULL || fstat(fd, &st) != 0)
		w->failed(w->context, path, errno);
	else if (S_ISREG(st.st_mode))
		w->file(w->context, path, stream);
	if (stream != NULL)
		fclose(stream);
	else
		close(fd);
}

static void walk_folder(const struct walker *w, const char *folder, unsigned depth);

/* One name of a folder: what it is decides. */
static void walk_entry(const struct walker *w, const char *path, bool maildir, unsigned depth)
{
	struct stat st;
	bool link;

	if (lstat(path, &st) != 0) {
		w->failed(w->context, path, errno);
		return;
	}
	link = S_ISLNK(st.st_mode);
	if (link && stat(path, &st) != 0) {
		w->failed(w->context, path, errno);
		return;
	}
	if (S_ISDIR(st.st_mode) && !link)
		walk_folder(w, path, depth + 1);
	else if (S_ISREG(st.st_mode) && !maildir)
		walk_file(w, path);
}

static void walk_folder(const struct walker *w, const char *folder, unsigned depth)
{
	struct names names = { 0 };
	bool maildir = is_folder(folder, "cur") && is_folder(folder, "new");

	errno = ELOOP;
	if (depth > WALK_DEPTH_MAX || !read_names(folder, &names))
		w->failed(w->context, folder, errno);
	for (size_t i = 0; i < names.count; i++) {
		char *path;

		if (maildir && strcmp(names.items[i], "tmp") == 0)
			continue;
		path = join(folder, names.items[i]);
		walk_entry(w, path, maildir, depth);
		free(path);
	}
	free_names(&names);
}

void walk(const struct walker *w, const char *operand)
{
	struct stat st;
	FILE *stream;

	if (strcmp(operand, "-") == 0) {
		w->file(w->context, operand, stdin);
		return;
	}
	if (stat(operand, &st) == 0 && S_ISDIR(st.st_mode)) {
		walk_folder(w, operand, 0);
		return;
	}
	stream = fopen(operand, "re");
	if (stream == NULL) {
		w->failed(w->context, operand, errno);
		return;
	}
	w->file(w->context, operand, stream);
	fclose(stream);
}
