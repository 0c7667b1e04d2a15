// SPDX-License-Identifier: ISC
// Node's ws: Connect() of SEED.md, answers to calls, and a call of its own.
//	[RELAY_TOKEN=token] [RELAY_CERT=file RELAY_KEY=file] \
//	    [NODE_EXTRA_CA_CERTS=file] node seed_client.js URL NODE-ID
"use strict";
const fs = require("fs");
const WebSocket = require("ws");
const [url, id] = process.argv.slice(2);
const headers = { "X-Relay-Node-ID": id, "X-Relay-Node-Type": "home" };
if (process.env.RELAY_TOKEN)
	headers.Authorization = "Bearer " + process.env.RELAY_TOKEN;
const options = { headers };
if (process.env.RELAY_CERT) {
	options.cert = fs.readFileSync(process.env.RELAY_CERT);
	options.key = fs.readFileSync(process.env.RELAY_KEY);
}
const ws = new WebSocket(url, options);
const waiting = new Map();
let seq = 0;

function message(type, more) {
	return Object.assign({
		type, message_id: "", timestamp: new Date().toISOString(),
		source_node: { type: "home", id },
		destination_node: { type: "", id: "" },
		routing_path: null, ttl: 0, data: null }, more);
}

function send(m) {
	ws.send(JSON.stringify(m) + "\n");
}

function answer(rq, data) {
	send(message("response", { correlation_id: rq.message_id,
		destination_node: rq.source_node, data }));
}

function onRequest(rq) {
	const params = rq.jsonrpc_request.params;
	if (rq.method === "fail") {
		answer(rq, { error: { code: -32000, message: "no such post" } });
	} else if (rq.method === "call_echo") {
		const mid = "js-" + (++seq);
		waiting.set(mid, (m) => answer(rq, { result: m }));
		send(message("request", { message_id: mid,
			server_name: "echo", method: "echo",
			jsonrpc_request: { jsonrpc: "2.0", method: "echo",
				params, id: 1 } }));
	} else {
		answer(rq, { result: { got: params, method: rq.method } });
	}
}

ws.on("open", () => send(message("registration",
	{ data: { services: ["blog_service"] } })));
ws.on("message", (text) => {
	const m = JSON.parse(text.toString());
	if (m.type === "request") {
		onRequest(m);
	} else if (waiting.has(m.correlation_id)) {
		waiting.get(m.correlation_id)(m);
		waiting.delete(m.correlation_id);
	}
});
ws.on("close", (code) => console.log("closed", code));
ws.on("error", (e) => { console.log("error", e.message); process.exit(1); });
process.on("SIGTERM", () => { ws.close(); setTimeout(process.exit, 50, 0); });
