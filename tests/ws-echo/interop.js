// SPDX-License-Identifier: ISC
// ws-echo against Node's ws library, both roles.
// usage: NODE_PATH=/usr/share/nodejs node interop.js PATH/TO/ws-echo
// exits 77 if the library is not there.
'use strict';
const assert = require('assert');
const { spawn } = require('child_process');
const crypto = require('crypto');
const { once } = require('events');

let WebSocket;
try {
	WebSocket = require('ws');
} catch (e) {
	process.exit(77);
}
const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20];
let count = 0;

async function next(ws) {
	const [data, binary] = await once(ws, 'message');
	return [data, binary];
}

async function exercise(ws) {
	for (const n of sizes) {
		for (const binary of [false, true]) {
			const data = binary ? crypto.randomBytes(n) :
			    Buffer.alloc(n, 'x');
			const got = next(ws);
			ws.send(data, { binary });
			const [back, wasBinary] = await got;
			assert.strictEqual(wasBinary, binary);
			assert(data.equals(back));
			count++;
		}
	}
	let got = next(ws);
	ws.send('frag', { fin: false, binary: false });
	ws.ping('between');
	ws.send('', { fin: false });
	ws.send('ments é', { fin: true });
	assert.strictEqual((await got)[0].toString(), 'fragments é');
	got = once(ws, 'pong');
	ws.ping('payload');
	assert.strictEqual((await got)[0].toString(), 'payload');
	count += 2;
	const closed = once(ws, 'close');
	ws.close(4321, 'done');
	assert.strictEqual((await closed)[0], 4321);
}

async function asServer(echo) {
	const p = spawn(echo, ['0'], { stdio: ['ignore', 'pipe', 'inherit'] });
	try {
		const port = (await once(p.stdout, 'data')).toString().trim();
		for (const perMessageDeflate of [false, true]) {
			const ws = new WebSocket(`ws://127.0.0.1:${port}/`,
			    { perMessageDeflate });
			await once(ws, 'open');
			await exercise(ws);
		}
	} finally {
		p.kill();
	}
}

async function asClient(echo) {
	let served = 0;
	const server = new WebSocket.Server({ port: 0, host: '127.0.0.1',
	    verifyClient: () => served === 0 });
	await once(server, 'listening');
	const p = spawn(echo, ['-c',
	    `ws://127.0.0.1:${server.address().port}/x`],
	    { stdio: ['ignore', 'inherit', 'pipe'] });
	const ended = once(p, 'exit');
	const [ws] = await once(server, 'connection');
	await exercise(ws);
	served++;
	await ended;
	server.close();
}

const timer = setTimeout(() => {
	console.log('timed out');
	process.exit(1);
}, 60000);
asServer(process.argv[2]).then(() => asClient(process.argv[2])).then(() => {
	clearTimeout(timer);
	console.log(`${count} passed, 0 failed`);
	process.exit(0);
}).catch((e) => {
	console.log(e);
	process.exit(1);
});
