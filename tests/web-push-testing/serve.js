'use strict';

// The npm package web-push-testing, a push service that nobody here wrote, behind HTTPS: senders take no other endpoint.
// `node serve.js CERTIFICATE KEY` prints its port and runs until its standard input ends. NODE_PATH says where the
// package is installed.

const fs = require('fs');
const https = require('https');
const {PushApiModel} = require('web-push-testing/src/PushApiModel.js');
const WebPushTestingServer = require('web-push-testing/src/server.js');

const [certificate, key] = process.argv.slice(2).map(file => fs.readFileSync(file));
const model = new PushApiModel();
const service = new WebPushTestingServer(model, 0);
service.setRequestHandlers();
const server = https.createServer({cert: certificate, key}, service._app);
server.listen(0, '127.0.0.1', () => {
	const {port} = server.address();
	model.notifyUrl = `https://localhost:${port}/notify/`;
	console.log(port);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
