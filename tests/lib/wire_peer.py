# SPDX-License-Identifier: ISC
"""The links that Mains have with each other."""

import os

from wire import TIMEOUT, Link


class Peer(Link):
    """A link as a Main Relay has it with another, by relay(7)."""

    def __init__(self, port, node_id, **kw):
        kw.setdefault("path", "/ws/peers")
        super().__init__(port, node_id, node_type="main", **kw)
        self.main_id = self.fields["x-relay-node-id"]
        self.state_epoch = os.urandom(8).hex()
        self.state_seq = 0

    def discovery(self, op, correlation_id=..., **data):
        return self.send(self.envelope(
            "service_discovery", source_node={"type": "main",
                                              "id": self.node_id},
            destination_node=..., correlation_id=correlation_id,
            routing_path=..., ttl=..., data=dict({"op": op}, **data)))

    def snapshot(self, rows, **more):
        """All rows in one part; rows is {home: [service]}."""
        data = {"epoch": self.state_epoch, "seq": self.state_seq, "part": 0,
                "last": True, "features": ["deadline_ms", "cancel"],
                "nodes": [{"node_id": k, "services": v}
                          for k, v in rows.items()]}
        data.update(more)
        return self.discovery("snapshot", **data)

    def delta(self, rows, **more):
        """rows as in snapshot(); None deletes a home."""
        self.state_seq += 1
        data = {"epoch": self.state_epoch, "seq": self.state_seq, "nodes": [
            {"node_id": k, "deleted": True} if v is None else
            {"node_id": k, "services": v} for k, v in rows.items()]}
        data.update(more)
        return self.discovery("delta", **data)

    def recv_op(self, *ops, timeout=TIMEOUT):
        """The next service_discovery with one of these ops."""
        while True:
            m = self.recv("service_discovery", timeout=timeout)
            if m["data"]["op"] in ops:
                return m

    def rows(self):
        """{home: [service]} of the snapshot that comes next."""
        out, part = {}, 0
        while True:
            d = self.recv_op("snapshot")["data"]
            assert d["part"] == part, d
            part += 1
            for n in d["nodes"]:
                out[n["node_id"]] = n["services"]
            if d["last"]:
                return out

    def forward(self, server, method, params=None, source=None, id_=1,
                **more):
        """A request as this Main would forward it for one of its homes."""
        source = source or {"type": "home", "id": "caller.home",
                            "main_relay": self.node_id}
        rq = {"jsonrpc": "2.0", "method": method, "id": id_}
        if params is not None:
            rq["params"] = params
        m = {"source_node": source, "server_name": server, "method": method,
             "jsonrpc_request": rq, "ttl": 2,
             "routing_path": [source.get("id", "x"), self.node_id]}
        m.update(more)
        return self.send(self.envelope("request", **m))

    def forward_call(self, *args, **kw):
        m = self.forward(*args, **kw)
        while True:
            a = self.recv("response", "error")
            if a.get("correlation_id") == m["message_id"]:
                return a
