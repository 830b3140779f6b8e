// Receives webhooks with Node's own HTTP server, keeps them on disk, and works on them later.
//
//   npm ci
//   WEBHOOK_SECRETS="whsec_…" PORT=8903 npm start

import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Webhook } from "standardwebhooks";

import { Inbox } from "./inbox.js";

const folder = process.env.DATA_DIR ?? import.meta.dirname ?? ".";
const inbox = new Inbox(folder);
// All that are valid, separated by spaces: during a rotation the new and the old one.
const verifiers = process.env.WEBHOOK_SECRETS.split(" ").map((secret) => new Webhook(secret));
const MAX_BYTES = 1024 * 1024;

// The library compares in constant time, and refuses what is more than 5 minutes off.
function isGenuine(body, headers) {
  return verifiers.some((verifier) => {
    try {
      verifier.verify(body.toString("utf8"), headers);
      return true;
    } catch {
      return false;
    }
  });
}

async function read(request) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > MAX_BYTES) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

// Check, store, answer. Nothing that takes time, and nothing that can fail later.
async function receive(request) {
  if (request.method !== "POST" || request.url !== "/webhooks") return 404;
  const body = await read(request);
  if (body === null) return 413;
  if (!isGenuine(body, request.headers)) return 401;
  const id = request.headers["webhook-id"];
  if (!/^[\w-]{1,64}$/.test(id)) return 400; // it names a file
  inbox.keep(id, body);
  return 204;
}

async function workForEver() {
  for (;;) {
    for (const id of inbox.pending()) {
      await work(id, inbox.read(id));
      inbox.finish(id);
    }
    await sleep(200);
  }
}

// Yours. If the process dies in it, it is called again: make it safe to repeat.
async function work(id, event) {
  await sleep(1000 * Number(process.env.WORK_SECONDS ?? 0)); // a slow CRM, to try things
  appendFileSync(join(folder, "worked.log"), `${id} ${event.type}\n`);
}

createServer((request, response) => {
  receive(request)
    .catch((error) => {
      console.error(error.message); // not the request: it holds personal data
      return 500; // it is sent again
    })
    .then((status) => response.writeHead(status).end());
}).listen(Number(process.env.PORT ?? 8903), "127.0.0.1");

workForEver();
