/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: the rules of relayd.conf(5), and the one function that
 * decides by them.  The parent parses and checks rules, the registry decides
 * connect, publish, export, import and admin, the router call.  Pure.
 *
 * The first rule that matches decides.  What none matches is allowed, but for
 * admin: there only the token named "admin" is.
 */
#ifndef COMMON_POLICY_H
#define COMMON_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/service.h"
#include "common/wire.h"

enum policy_action {
	POLICY_CONNECT = 1,	/* who: home or main that links with us */
	POLICY_PUBLISH,		/* who: home that has service, visibility */
	POLICY_EXPORT,		/* who: main that is told of and may call service */
	POLICY_IMPORT,		/* who: main whose homes' service is taken in */
	POLICY_CALL,		/* who calls service, method at node */
	POLICY_ADMIN		/* who: token that changes this node by HTTP */
};

enum policy_who {
	WHO_ANY = 1,		/* in rules only */
	WHO_HOME,		/* name: id, main: empty if of this Main */
	WHO_MAIN,		/* name: id */
	WHO_TOKEN,		/* name: of the token */
	WHO_ANONYMOUS		/* HTTP without a token */
};

/*
 * A pattern is matched with the whole name, in lower case for node ids; '*'
 * stands for any characters.  For a home with '@' in it, it is matched with
 * id@main; without, it matches only homes of this Main, by id (on a home: homes
 * of the Main it is linked with).  So home "*" is every home here and home
 * "*@*" every home.
 *
 * What an action has not is "*", and WHO_ANY for to_who; policy_add() takes
 * empty texts and 0 for these.
 */
struct policy_rule {
	bool			 allow;
	enum policy_action	 action;
	enum policy_who		 who;
	char			 from[LIMIT_PATTERN + 1];	/* "*": any */
	enum policy_who		 to_who;	/* ANY, HOME or MAIN; of call */
	char			 to[LIMIT_PATTERN + 1];
	char			 service[LIMIT_SERVICE_NAME + 1]; /* pattern */
	char			 method[LIMIT_METHOD_NAME + 1];	/* pattern */
	enum visibility		 visibility;	/* of publish; 0: any */
	char			 file[LIMIT_RULE_FILE + 1];	/* for people */
	uint32_t		 line;
};

struct policy_test;

#define POLICY_ACTIONS	(POLICY_ADMIN + 1)

/*
 * Rules in their order; owned by whoever made it, all zero at first.  It may
 * be moved by assignment, and then the old one must not be used.  Rules are
 * added by policy_add() only and not changed after: tests is made from them.
 */
struct policy {
	struct policy_rule	*rules;
	uint32_t		 n;
	uint32_t		 size;		/* rules there is room for */
	struct {
		struct policy_test *tests;
		uint32_t	 n;
	}			 of[POLICY_ACTIONS];	/* by action */
};

/*
 * What is asked; spans may be empty where the action has no such part.  A call
 * without a service or a method may be to any: what denies one of them denies
 * it, and what allows it allows all.
 */
struct policy_ask {
	enum policy_action	 action;
	enum policy_who		 who;		/* not ANY */
	struct span		 name, main;	/* node ids in lower case */
	enum policy_who		 to_who;	/* HOME or MAIN; 0: no node yet */
	struct span		 to, to_main;
	struct span		 service, method;
	enum visibility		 visibility;
	/*
	 * This Main's own id (on a home: its Main's), or empty if unknown: its
	 * homes are also id@self to patterns with '@', and homes that are
	 * said to be of self are its own.
	 */
	struct span		 self;
};

/* True if it may; *rule is the one that decided, or NULL for the default. */
bool	policy_allows(const struct policy *, const struct policy_ask *,
	    const struct policy_rule **rule);
/*
 * The same for a service as a whole (method is not looked at): true if there
 * may be a method that may be called.  For views and discovery.  False is
 * certain; true may be wrong where several rules together deny every method
 * that a later one allows, and none of them does alone.
 */
bool	policy_may_see(const struct policy *, const struct policy_ask *);
/* Exactly that for a service that lists its methods; any: as above. */
bool	policy_may_see_service(const struct policy *,
	    const struct policy_ask *, const struct service *);
/* True if a rule of that action is there at all: the hot path asks first. */
bool	policy_has(const struct policy *, enum policy_action);

/* Add a copy of a rule at the end; false at LIMIT_RULES or without memory. */
bool	policy_add(struct policy *, const struct policy_rule *);
void	policy_clear(struct policy *);
/* The same rules in the same order, wherever in which files they are. */
bool	policy_equal(const struct policy *, const struct policy *);

/*
 * The later rule can never decide: an earlier one takes all it matches.
 * Returns the index of that one, or UINT32_MAX.
 */
uint32_t policy_shadow(const struct policy *, uint32_t);

/* As in relayd.conf(5), canonical: `deny call from home "x*" service "y"'. */
void	policy_text(const struct policy_rule *, char *, size_t);
/* The same behind "file:line: "; "the default" for NULL. */
void	policy_where(const struct policy_rule *, char *, size_t);
const char *policy_action_name(enum policy_action);
const char *policy_who_name(enum policy_who);
/*
 * True if a text may be a pattern (its characters and length) for such a
 * name; WHO_ANY: for a service or a method.
 */
bool	policy_pattern(const char *, enum policy_who);
/* True if a rule may be: its action can ask for all of its parts. */
bool	policy_rule_ok(const struct policy_rule *);

/*
 * Wire, in CONF_RULE behind its index: bool allow, u8 action, u8 who, str from,
 * u8 to_who, str to, str service, str method, u8 visibility, str file,
 * u32 line.
 */
void	put_rule(struct wire_put *, const struct policy_rule *);
/* Errors stick to the reader; every field is checked. */
void	get_rule(struct wire_get *, struct policy_rule *);

#endif
