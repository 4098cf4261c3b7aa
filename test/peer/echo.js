// An HTTP origin that writes down each request as Node read it and answers with the same.
'use strict';
const fs = require('fs');
const tls = process.env.PEER_CERT;
const options = tls ? {cert: fs.readFileSync(process.env.PEER_CERT), key: fs.readFileSync(process.env.PEER_KEY)} : {};
const server = require(tls ? 'https' : 'http').createServer(options, (req, res) => {
  const body = [];
  req.on('data', (piece) => body.push(piece));
  req.on('end', () => {
    const raw = req.rawHeaders;
    const header = [];
    for (let i = 0; i < raw.length; i += 2) header.push([raw[i], raw[i + 1]]);
    const seen = JSON.stringify({
      method: req.method, target: req.url, header, body: Buffer.concat(body).toString('base64'),
    });
    fs.appendFileSync('requests.log', seen + '\n');
    res.setHeader('Content-Type', 'application/json');
    res.end(seen);
  });
});
server.listen(0, '127.0.0.1');
