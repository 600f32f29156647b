/* show_address.c - what the directory says of an address. */
#include "tools/show_address.h"

#include "audit/json.h"
#include "base/utf8.h"
#include "directory/view.h"
#include "store/view.h"
#include "tools/row.h"

/* The list behind the words, parted by commas. */
static void add_list(struct buf *out, const struct slice *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i == 0 ? "" : ", ");
		utf8_escape(out, items[i]);
	}
}

static void add_row(struct buf *out, const char *what, struct slice text)
{
	if (text.len == 0)
		return;
	row_begin(out, what);
	utf8_escape(out, text);
	buf_add_char(out, '\n');
}

static void add_store(struct buf *out, const char *store)
{
	if (store == NULL)
		return;
	buf_add_text(out, " (store \"");
	utf8_escape(out, slice_of(store));
	buf_add_text(out, "\")");
}

struct slice show_address_reason(const struct directory_use *use)
{
	if (use->permission == PERMISSION_UNKNOWN)
		return use->why;
	return use->reason == NULL ? SLICE("") : slice_of(use->reason);
}

/* ---- for people ----------------------------------------------------------------- */

static void add_reaches(struct buf *out, const struct directory_result *found)
{
	bool itself = found->reach_count == 1 && slice_equal(found->reaches[0], found->address);

	if (found->reach_count == 0 || itself)
		return;
	row_begin(out, "reaches");
	add_list(out, found->reaches, found->reach_count);
	buf_add_char(out, '\n');
}

static void add_logins(struct buf *out, const struct directory_use *use)
{
	if (!use->has_logins)
		return;
	row_begin(out, "logins");
	add_list(out, use->logins, use->login_count);
	buf_add_text(out, use->login_count == 0 ? "nobody" : "");
	add_store(out, use->store);
	buf_add_char(out, '\n');
}

static void add_permission(struct buf *out, const struct address_facts *f)
{
	static const char *const words[] = { " may use it", " may not use it",
		": could not be told", ": could not be told" };
	struct slice reason = show_address_reason(&f->use);

	if (f->login.len == 0)
		return;
	row_begin(out, "login");
	utf8_escape(out, f->login);
	buf_add_text(out, words[f->use.permission]);
	if (reason.len > 0)
		buf_add_text(out, ": ");
	utf8_escape(out, reason);
	add_store(out, f->use.store);
	buf_add_char(out, '\n');
}

/* "file (file): address ann@example.com: found mailbox, logins bob (asked, 3 us)" */
static void add_lookup(void *context, const struct store_trace *t)
{
	struct buf *out = context;
	const struct store_answer *a = t->answer;

	row_begin(out, "asked");
	utf8_escape(out, slice_of(t->store));
	buf_printf(out, " (%s): %s ", t->type, store_service_name(t->service));
	utf8_escape(out, t->key);
	buf_printf(out, ": %s", a == NULL ? "open" : lookup_status_name(a->status));
	if (a != NULL && a->status == LOOKUP_FOUND)
		buf_printf(out, " %s", store_entry_name(a->entry));
	if (a != NULL && a->target_count > 0) {
		buf_add_text(out, ", targets ");
		add_list(out, a->items, a->target_count);
	}
	if (a != NULL && a->has_logins) {
		buf_add_text(out, ", logins ");
		add_list(out, store_answer_logins(a), a->login_count);
		buf_add_text(out, a->login_count == 0 ? "nobody" : "");
	}
	if (a != NULL && a->why.len > 0) {
		buf_add_text(out, ", ");
		utf8_escape(out, a->why);
	}
	buf_printf(out, " (%s", store_source_name(t->source));
	if (a != NULL && t->source != SOURCE_NOT_ASKED)
		buf_printf(out, ", %lld us", (long long)a->elapsed_us);
	buf_add_text(out, ")\n");
}

void show_address(struct buf *out, const struct address_facts *f, bool trace)
{
	const struct directory_result *found = &f->found;

	utf8_escape(out, f->given);
	buf_printf(out, ": %s", directory_answer_name(found->answer));
	add_store(out, found->store);
	buf_printf(out, " in %lld us\n", f->elapsed_us);
	if (f->malformed)
		add_row(out, "why", SLICE("it is no address: local-part@domain"));
	add_row(out, "why", found->why);
	add_row(out, "of", found->of);
	add_reaches(out, found);
	if (found->stale)
		add_row(out, "stale", SLICE("an old answer, since the store fails"));
	add_logins(out, &f->use);
	add_permission(out, f);
	if (trace && f->view != NULL)
		directory_view_trace(f->view, add_lookup, out);
}

/* ---- for programs --------------------------------------------------------------- */

/* A list where there is one, null where there is none. */
static void json_add_list(
    struct json *json, const char *key, bool there, const struct slice *items, size_t count)
{
	if (!there) {
		json_add_null(json, key);
		return;
	}
	json_open_array(json, key);
	for (size_t i = 0; i < count; i++)
		json_add_string(json, NULL, items[i]);
	json_close_array(json);
}

static void json_add_lookup(void *context, const struct store_trace *t)
{
	struct json *json = context;
	const struct store_answer *a = t->answer;
	bool found = a != NULL && a->status == LOOKUP_FOUND;

	json_open_object(json, NULL);
	json_add_text(json, "store", t->store);
	json_add_text(json, "type", t->type);
	json_add_text(json, "service", store_service_name(t->service));
	json_add_string(json, "key", t->key);
	json_add_text(json, "source", store_source_name(t->source));
	json_add_text(json, "status", a == NULL ? "open" : lookup_status_name(a->status));
	json_add_string_or_null(
	    json, "entry", found ? slice_of(store_entry_name(a->entry)) : slice_of(NULL));
	json_add_list(json, "targets", found, found ? a->items : NULL, found ? a->target_count : 0);
	json_add_list(json, "logins", found && a->has_logins, found ? store_answer_logins(a) : NULL,
	    found ? a->login_count : 0);
	json_add_string_or_null(json, "why", a != NULL && a->why.len > 0 ? a->why : slice_of(NULL));
	json_add_number(json, "elapsed_us", a == NULL ? 0 : (long long)a->elapsed_us);
	json_close_object(json);
}

/* What was asked with a login: may it use the address, by which store, and why. */
static void json_add_permission(struct json *json, const struct address_facts *f)
{
	const struct directory_use *use = &f->use;
	struct slice reason = show_address_reason(use);

	if (f->login.len == 0 || use->permission == PERMISSION_UNKNOWN ||
	    use->permission == PERMISSION_PENDING)
		json_add_null(json, "login_may_use");
	else
		json_add_bool(json, "login_may_use", use->permission == PERMISSION_YES);
	json_add_list(json, "logins", use->has_logins, use->logins, use->login_count);
	if (f->login.len == 0)
		return;
	json_add_string(json, "login", f->login);
	json_add_string_or_null(json, "login_store", slice_of(use->store));
	json_add_string_or_null(json, "login_why", reason.len > 0 ? reason : slice_of(NULL));
}

void show_address_json(struct buf *out, const struct address_facts *f, bool trace)
{
	const struct directory_result *found = &f->found;
	struct slice why = f->malformed ? SLICE("it is no address") : found->why;
	struct json json;

	json_begin(&json, out, 0);
	json_open_object(&json, NULL);
	if (f->field != NULL) {
		json_add_text(&json, "field", f->field);
		json_add_number(&json, "count", (long long)f->count);
	}
	json_add_string(&json, "address", found->address.data != NULL ? found->address : f->given);
	json_add_text(&json, "answer", directory_answer_name(found->answer));
	json_add_string_or_null(&json, "store", slice_of(found->store));
	json_add_permission(&json, f);
	json_add_string_or_null(&json, "of", found->of);
	json_add_list(&json, "reaches", true, found->reaches, found->reach_count);
	json_add_string_or_null(&json, "why", why.len > 0 ? why : slice_of(NULL));
	json_add_bool(&json, "stale", found->stale);
	json_add_number(&json, "elapsed_us", f->elapsed_us);
	if (trace && f->view != NULL) {
		json_open_array(&json, "trace");
		directory_view_trace(f->view, json_add_lookup, &json);
		json_close_array(&json);
	}
	json_close_object(&json);
	buf_add_char(out, '\n');
}
