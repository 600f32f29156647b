/*
 * view.c - the directory as one message sees it: a view of its stores.
 *
 * The first view starts the thread that looks at changed files: until then a
 * program may fork.
 */
#include "directory/view.h"

#include "directory/parts.h"

struct directory_view *directory_view_new(
    struct arena *arena, struct directory *directory, int64_t deadline_us)
{
	struct directory_view *view = arena_alloc(arena, sizeof *view);

	view->arena = arena;
	view->directory = directory;
	view->stores = store_view_new(arena, directory->fronts, deadline_us);
	directory_start(directory);
	return view;
}

void directory_view_free(struct directory_view *view)
{
	if (view != NULL)
		store_view_free(view->stores);
}

void directory_view_set_deadline(struct directory_view *view, int64_t deadline_us)
{
	store_view_set_deadline(view->stores, deadline_us);
}

void directory_view_set_gate(struct directory_view *view, struct gate *gate)
{
	store_view_set_gate(view->stores, gate);
}

void directory_view_start(struct directory_view *view)
{
	store_view_start(view->stores);
}

bool directory_view_wait(struct directory_view *view)
{
	return store_view_wait(view->stores);
}

void directory_view_trace(const struct directory_view *view,
    void (*show)(void *context, const struct store_trace *trace), void *context)
{
	store_view_trace(view->stores, show, context);
}
