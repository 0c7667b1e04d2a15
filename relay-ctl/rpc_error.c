/* SPDX-License-Identifier: ISC */
/* The error object of a call that failed (PROTOCOL.md section 6). */
#include <json-c/json.h>

#include <string.h>

#include "relay-ctl/output.h"

#define NODE_NOT_FOUND		(-32010)
#define SERVICE_NOT_FOUND	(-32011)

static struct json_object *
parse(struct span json)
{
	struct json_tokener *tok;
	struct json_object *obj = NULL;

	if (json.len > INT32_MAX || (tok = json_tokener_new()) == NULL)
		return (NULL);
	obj = json_tokener_parse_ex(tok, json.p, (int)json.len);
	json_tokener_free(tok);
	if (!json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		return (NULL);
	}
	return (obj);
}

/* A member as text, or NULL if it is not there. */
static const char *
member(struct json_object *obj, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, name, &value) || value == NULL)
		return (NULL);
	return (json_object_get_string(value));
}

static void
print_member(FILE *f, struct json_object *obj, const char *name,
    const char *label)
{
	const char *text = member(obj, name);

	if (text == NULL)
		return;
	fprintf(f, ", %s ", label);
	print_safe(f, text);
}

void
rpc_error_print(FILE *f, struct span json)
{
	struct json_object *obj, *data;
	const char *message;

	if ((obj = parse(json)) == NULL) {
		fputs("relay-ctl: the call failed\n", f);
		return;
	}
	message = member(obj, "message");
	fputs("relay-ctl: ", f);
	print_safe(f, message != NULL ? message : "the call failed");
	print_member(f, obj, "code", "code");
	if (json_object_object_get_ex(obj, "data", &data)) {
		if (json_object_is_type(data, json_type_object)) {
			print_member(f, data, "reason", "reason");
			print_member(f, data, "stage", "stage");
			print_member(f, data, "node", "node");
			print_member(f, data, "executed", "executed");
			print_member(f, data, "retryable", "retryable");
			print_member(f, data, "retry_after_ms",
			    "retry after ms");
			print_member(f, data, "detail", "detail");
		} else
			print_member(f, obj, "data", "data");
	}
	fputc('\n', f);
	json_object_put(obj);
}

enum ctl_status
rpc_error_status(struct span json)
{
	struct json_object *obj, *code;
	enum ctl_status status = CTL_REFUSED;
	int n;

	if ((obj = parse(json)) == NULL)
		return (status);
	if (json_object_object_get_ex(obj, "code", &code) &&
	    json_object_is_type(code, json_type_int)) {
		n = json_object_get_int(code);
		if (n == NODE_NOT_FOUND || n == SERVICE_NOT_FOUND)
			status = CTL_NOT_FOUND;
	}
	json_object_put(obj);
	return (status);
}
