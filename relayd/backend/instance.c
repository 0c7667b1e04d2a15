/* SPDX-License-Identifier: ISC */
/* The processes of exec services, which the parent runs. */
#include <unistd.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

void
instance_io(struct backend *b, struct svc *svc, uint32_t i, int fd)
{
	struct instance	*in;

	if (svc == NULL || svc->retired || !svc->started ||
	    i >= svc->n_instances) {
		b->stale++;
		close(fd);
		return;
	}
	in = &svc->instances[i];
	if (in->conn != NULL)
		conn_lost(in->conn, "it was started anew");
	in->closed = false;
	if ((in->conn = conn_new(svc, fd, i)) == NULL)
		close(fd);
	else
		svc_conn_made(svc);
}

void
instance_exit(struct svc *svc, uint32_t i, const char *status)
{
	struct instance	*in = &svc->instances[i];

	log_debug("service %s/%u ended: %s", svc->name, i, status);
	/* What it said before it ended still counts. */
	if (in->conn != NULL && conn_drain(in->conn))
		conn_lost(in->conn, "it ended");
	in->closed = false;
}

void
instance_restart(struct svc *svc, uint32_t i, const char *reason)
{
	struct channel	*ch = child_parent(svc->b->child);
	struct wire_put	*w;

	svc->instances[i].closed = false;
	if (svc->retired)
		return;
	w = channel_begin(ch, MSG_SERVICE_RESTART);
	put_u32(w, svc->index);
	put_u32(w, svc->b->cur->number);
	put_u32(w, i);
	put_str(w, reason);
	(void)channel_commit(ch);
}

bool
instance_tick(struct svc *svc, struct monotime now)
{
	struct instance	*in;
	bool		 more = false;
	uint32_t	 i;

	for (i = 0; i < svc->n_instances; i++) {
		in = &svc->instances[i];
		if (!in->closed)
			continue;
		if (monotime_diff_ms(now, in->closed_at) >=
		    LIMIT_SERVICE_EXIT_MS)
			instance_restart(svc, i, "it closed its output");
		else
			more = true;
	}
	return (more);
}
