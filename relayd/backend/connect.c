/* SPDX-License-Identifier: ISC */
/* Connections asked for: from the parent (unix) and the dialer (http). */
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

static void
forget(struct backend *b, struct connect *k)
{
	TAILQ_REMOVE(&b->connects, k, entry);
	k->svc->connecting--;
	free(k);
}

void
connect_request(struct svc *svc)
{
	struct backend	*b = svc->b;
	enum proc_id	 proc = svc->kind == SVC_HTTP ? PROC_DIALER :
	    PROC_PARENT;
	struct channel	*ch = proc == PROC_PARENT ? child_parent(b->child) :
	    child_peer(b->child, proc);
	struct connect	*k;
	struct wire_put	*w;

	if (ch == NULL) {
		/* Its return is what the next try waits for. */
		if (svc->state == SVC_UP)
			svc_down(svc, "the dialer is not running");
		return;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL)
		fatal("out of memory");
	k->request = id64_next(&b->requests);
	k->proc = proc;
	k->svc = svc;
	TAILQ_INSERT_TAIL(&b->connects, k, entry);
	svc->connecting++;
	w = channel_begin(ch, MSG_SERVICE_CONNECT);
	put_u32(w, svc->index);
	put_u32(w, b->cur->number);
	put_u64(w, k->request);
	(void)channel_commit(ch);
}

void
connect_answer(struct backend *b, enum proc_id proc, uint64_t request, int fd,
    const char *error)
{
	struct connect	*k;
	struct svc	*svc;

	TAILQ_FOREACH(k, &b->connects, entry) {
		if (k->request == request && k->proc == proc)
			break;
	}
	if (k == NULL) {
		b->stale++;
		if (fd != -1)
			close(fd);
		return;
	}
	svc = k->svc;
	forget(b, k);
	svc_connected(svc, fd, error);
}

void
connect_peer_gone(struct backend *b, enum proc_id proc)
{
	struct connect	*k, *next;
	struct svc	*svc;

	for (k = TAILQ_FIRST(&b->connects); k != NULL; k = next) {
		next = TAILQ_NEXT(k, entry);
		if (k->proc != proc)
			continue;
		svc = k->svc;
		forget(b, k);
		svc_connected(svc, -1, "the dialer is not running");
	}
}
