# SPDX-License-Identifier: ISC
"""What an answer has to be: JSON, and errors with all that belongs to them."""

import json


def as_json(text):
    """Parse strictly; duplicate keys are a bug of whoever wrote it."""
    def pairs(items):
        keys = [k for k, _ in items]
        assert len(keys) == len(set(keys)), "duplicate keys: %s" % keys
        return dict(items)
    return json.loads(text, object_pairs_hook=pairs)


# What PROTOCOL.md says of each error: (name, executed, retryable).
ERRORS = {
    -32010: ("node_not_found", {"no"}),
    -32011: ("service_not_found", {"no"}),
    -32012: ("node_offline", {"no"}),
    -32013: ("peer_unreachable", {"no"}),
    -32014: ("timeout", {"no", "maybe"}),
    -32017: ("overloaded", {"no"}),
    -32020: ("forbidden", {"no"}),
    -32021: ("too_large", {"no", "yes"}),
    -32022: ("ttl_exceeded", {"no"}),
    -32023: ("draining", {"no"}),
    -32024: ("connection_lost", {"maybe"}),
    -32026: ("duplicate_node", {"no"}),
    -32027: ("version_unavailable", {"no"}),
}
STAGES = {"ingress", "queue", "peer-link", "home-link", "backend"}


def check_error(answer, code, id_=1, stage=None):
    """answer is a JSON-RPC error of that code with all that belongs to it."""
    assert isinstance(answer, dict), answer
    assert answer.get("jsonrpc") == "2.0", answer
    assert "result" not in answer, answer
    assert answer.get("id", "absent") == id_, answer
    err = answer["error"]
    assert err["code"] == code, answer
    assert isinstance(err["message"], str) and err["message"], answer
    if code in ERRORS:
        data = err["data"]
        name, executed = ERRORS[code]
        assert data["reason"] == name, answer
        assert data["stage"] in STAGES, answer
        if stage is not None:
            assert data["stage"] == stage, answer
        assert isinstance(data["node"], str) and data["node"], answer
        assert data["executed"] in executed, answer
        assert isinstance(data["retryable"], bool), answer
        if "retry_after_ms" in data:
            assert isinstance(data["retry_after_ms"], int), answer
    return err
