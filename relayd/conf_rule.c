/* SPDX-License-Identifier: ISC */
/*
 * Rules of policy (common/policy.h).  The grammar knows what each action can
 * ask for; here its words become a rule.
 */

#include <string.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

void
conf_rule_begin(struct conf_parser *p, const struct conf_pos *pos, bool allow)
{
	const char	*file = pos->file;
	size_t		 len = strlen(file);

	memset(&p->rule, 0, sizeof(p->rule));
	p->rule_bad = false;
	p->rule.allow = allow;
	p->rule.who = p->rule.to_who = WHO_ANY;
	/* Of a long path the end says more. */
	if (len > LIMIT_RULE_FILE)
		file += len - LIMIT_RULE_FILE;
	strlcpy(p->rule.file, file, sizeof(p->rule.file));
	p->rule.line = pos->line;
}

/* A pattern for such names into buf; node ids become lower case. */
static void
set_pattern(struct conf_parser *p, const struct conf_pos *pos,
    enum policy_who who, const char *what, const char *text, char *buf,
    size_t size)
{
	char	 lower[LIMIT_PATTERN + 1], *s;
	bool	 fits = strlcpy(lower, text, sizeof(lower)) < sizeof(lower);

	if (who == WHO_HOME || who == WHO_MAIN)
		for (s = lower; *s != '\0'; s++)
			if (*s >= 'A' && *s <= 'Z')
				*s = (char)(*s - 'A' + 'a');
	if (fits && policy_pattern(lower, who) &&
	    strlcpy(buf, lower, size) < size)
		return;
	conf_error(p, pos, "%s \"%.64s\": this is not the pattern of a name "
	    "(a name in which '*' stands for any characters)", what, text);
	p->rule_bad = true;
}

void
conf_rule_from(struct conf_parser *p, const struct conf_pos *pos,
    enum policy_who who, const char *text)
{
	p->rule.who = who;
	if (text != NULL)
		set_pattern(p, pos, who, policy_who_name(who), text,
		    p->rule.from, sizeof(p->rule.from));
}

void
conf_rule_to(struct conf_parser *p, const struct conf_pos *pos,
    enum policy_who who, const char *text)
{
	p->rule.to_who = who;
	if (text != NULL)
		set_pattern(p, pos, who, policy_who_name(who), text,
		    p->rule.to, sizeof(p->rule.to));
}

void
conf_rule_service(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	set_pattern(p, pos, WHO_ANY, "service", text, p->rule.service,
	    sizeof(p->rule.service));
}

void
conf_rule_method(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	set_pattern(p, pos, WHO_ANY, "method", text, p->rule.method,
	    sizeof(p->rule.method));
}

void
conf_rule_visibility(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (!conf_visibility(p, pos, text, &p->rule.visibility))
		p->rule_bad = true;
}

void
conf_rule_end(struct conf_parser *p, const struct conf_pos *pos,
    enum policy_action action)
{
	struct conf	*conf = p->conf;

	p->rule.action = action;
	if (p->rule_bad || (p->source->flags & CONF_SERVICES_ONLY) != 0)
		return;
	if (conf->policy.n >= LIMIT_RULES) {
		conf_error(p, pos, "%s: more than %d rules",
		    policy_action_name(action), LIMIT_RULES);
		return;
	}
	if (!policy_add(&conf->policy, &p->rule))
		conf_error(p, pos, "%s: no memory for a rule",
		    policy_action_name(action));
}

/* --- cross checks --- */

static bool
asked_by(enum node_role role, enum policy_action action)
{
	return (role == ROLE_MAIN || action == POLICY_CALL ||
	    action == POLICY_PUBLISH);
}

static void
check_role(struct conf_parser *p, const struct policy_rule *r,
    const struct conf_pos *pos)
{
	enum node_role	 role = p->conf->role;

	if (role == 0)
		return;
	if (!asked_by(role, r->action))
		conf_warning(p, pos, "%s: a home asks no such rule",
		    policy_action_name(r->action));
	else if (role == ROLE_HOME && r->action == POLICY_CALL &&
	    r->to_who != WHO_ANY)
		conf_error(p, pos, "call: at a home all calls are to itself, "
		    "and \"to\" is not for it");
}

static void
check_shadow(struct conf_parser *p, uint32_t index,
    const struct conf_pos *pos)
{
	const struct policy	*policy = &p->conf->policy;
	char			 text[LIMIT_CONF_STRING * 2];
	uint32_t		 other;

	if ((other = policy_shadow(policy, index)) == UINT32_MAX)
		return;
	policy_where(&policy->rules[other], text, sizeof(text));
	conf_warning(p, pos, "%s: this rule can never match, an earlier one "
	    "takes it all: %s",
	    policy_action_name(policy->rules[index].action), text);
}

/* Whether some block has this id; *any: whether there are such blocks. */
static bool
has_home(const struct conf *conf, const char *id, bool *any)
{
	size_t	 i;

	for (i = 0; i < conf->nnodes; i++) {
		if (conf->nodes[i].holder != CONF_HOLDER_HOME)
			continue;
		*any = true;
		if (strcmp(conf->nodes[i].node_id, id) == 0)
			return (true);
	}
	return (false);
}

static bool
has_link(const struct conf_link *links, size_t n, const char *id, bool *any,
    bool *unknown)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		if (links[i].node_id == NULL)
			*unknown = true;
		else if (strcmp(links[i].node_id, id) == 0)
			return (true);
		else
			*any = true;
	}
	return (false);
}

static bool
has_main(const struct conf *conf, const char *id, bool *any)
{
	bool	 unknown = false;
	size_t	 i;

	if (conf->node_id != NULL && strcmp(conf->node_id, id) == 0)
		return (true);
	for (i = 0; i < conf->nnodes; i++) {
		if (conf->nodes[i].holder != CONF_HOLDER_MAIN)
			continue;
		*any = true;
		if (strcmp(conf->nodes[i].node_id, id) == 0)
			return (true);
	}
	if (has_link(conf->peers, conf->npeers, id, any, &unknown) ||
	    has_link(conf->uplinks, conf->nuplinks, id, any, &unknown))
		return (true);
	/* It may be the one that has not said who it is. */
	return (unknown);
}

/* A name without a star that nothing here has is a mistake, perhaps. */
static void
check_name(struct conf_parser *p, const struct conf_pos *pos,
    enum policy_who who, const char *pattern)
{
	const char	*at = strchr(pattern, '@'), *name = pattern;
	bool		 any = false, known = true;

	if (who == WHO_MAIN || (who == WHO_HOME && at != NULL)) {
		name = at != NULL ? at + 1 : pattern;
		if (strchr(name, '*') == NULL)
			known = has_main(p->conf, name, &any);
	} else if (who == WHO_HOME && strchr(name, '*') == NULL)
		known = has_home(p->conf, name, &any);
	if (!known && any)
		conf_warning(p, pos, "%s \"%s\": nothing in this "
		    "configuration has the id \"%s\"", policy_who_name(who),
		    pattern, name);
}

/* A home knows its services, and publishes for nobody else. */
static void
check_own(struct conf_parser *p, const struct policy_rule *r,
    const struct conf_pos *pos)
{
	const struct conf	*conf = p->conf;
	bool			 known = conf->nservices == 0;
	size_t			 i;

	if (conf->role != ROLE_HOME || !asked_by(conf->role, r->action))
		return;
	if (r->action == POLICY_PUBLISH && r->who == WHO_HOME &&
	    conf->node_id != NULL && strchr(r->from, '*') == NULL &&
	    strcmp(r->from, conf->node_id) != 0)
		conf_warning(p, pos, "publish: this rule can never match, "
		    "this node is \"%s\"", conf->node_id);
	if (strchr(r->service, '*') != NULL ||
	    strcmp(r->service, "relay") == 0)	/* each node has that */
		return;
	for (i = 0; i < conf->nservices && !known; i++)
		known = strcmp(conf->services[i].def.name, r->service) == 0;
	if (!known)
		conf_warning(p, pos, "service \"%s\": this node has no "
		    "service of that name", r->service);
}

/* Whether it is about some only; without, it just says what the default is. */
static bool
is_selective(const struct policy_rule *r)
{
	return (r->who != WHO_ANY || r->to_who != WHO_ANY ||
	    strcmp(r->service, "*") != 0 || strcmp(r->method, "*") != 0 ||
	    r->visibility != 0);
}

/*
 * Who ends the rules of an action by allowing something thinks perhaps that
 * the rest is denied.
 */
static void
check_idle(struct conf_parser *p, uint32_t index, const struct conf_pos *pos)
{
	const struct policy		*policy = &p->conf->policy;
	const struct policy_rule	*r = &policy->rules[index];
	uint32_t			 i;

	if (!r->allow || r->action == POLICY_ADMIN || !is_selective(r) ||
	    !asked_by(p->conf->role, r->action) ||
	    policy_shadow(policy, index) != UINT32_MAX)
		return;
	for (i = index + 1; i < policy->n; i++)
		if (policy->rules[i].action == r->action)
			return;
	conf_warning(p, pos, "%s: this rule changes nothing, no deny stands "
	    "behind it: what no rule denies is allowed",
	    policy_action_name(r->action));
}

void
conf_check_rules(struct conf_parser *p)
{
	const struct policy	*policy = &p->conf->policy;
	const struct policy_rule *r;
	struct conf_pos		 pos;
	bool			 whole = p->errs->nerrors == 0;
	uint32_t		 i;

	for (i = 0; i < policy->n; i++) {
		r = &policy->rules[i];
		pos.file = r->file;
		pos.line = r->line;
		check_role(p, r, &pos);
		check_name(p, &pos, r->who, r->from);
		check_name(p, &pos, r->to_who, r->to);
		check_shadow(p, i, &pos);
		if (!whole)	/* what is missing may stand there */
			continue;
		check_own(p, r, &pos);
		check_idle(p, i, &pos);
	}
}
