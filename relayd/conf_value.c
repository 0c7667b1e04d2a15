/* SPDX-License-Identifier: ISC */
/*
 * Single values of the configuration that have a syntax of their own and are
 * no URLs (common/url.h): node ids.  Also for command lines.
 */

#include <string.h>

#include "common/limits.h"
#include "common/name.h"
#include "relayd/conf.h"

const char *
conf_check_node_id(const char *id, char *out, size_t size)
{
	if (id[0] == '\0')
		return ("a node id cannot be empty");
	if (strlen(id) > LIMIT_NODE_ID)
		return ("a node id has at most 253 bytes");
	if (!name_node_lower(span_str(id), out, size))
		return ("a node id has letters, digits, '_' and '-' in labels "
		    "joined by dots, and nothing else");
	return (NULL);
}
