// A line of JSON for each case in, a line for each case out: what the libraries of Node make of it.
// WEBHOOKS_NODE_MODULES says where they are.

import { createHmac, createPublicKey, verify } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.WEBHOOKS_NODE_MODULES}/`);
const libraries = { standardwebhooks: require("standardwebhooks"), svix: require("svix") };

function bytesOf(one) {
  return Buffer.concat(Array(one.repeat ?? 1).fill(Buffer.from(one.body, "base64")));
}

// With all of their secrets, as far as the libraries take bytes that are no text.
function sign({ Webhook }, one) {
  const at = new Date(1000 * one.timestamp);
  return one.secrets.map((secret) => new Webhook(secret).sign(one.id, at, bytesOf(one).toString("utf8")));
}

function accepts({ Webhook, WebhookVerificationError }, secret, one) {
  try {
    new Webhook(secret).verify(bytesOf(one).toString("utf8"), one.headers);
  } catch (error) {
    // After it has verified, it parses JSON, which not every format is.
    return !(error instanceof WebhookVerificationError);
  }
  return true;
}

function isSignedByKey(whpk, one, signature) {
  const x = Buffer.from(whpk.slice("whpk_".length), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.concat([Buffer.from(`${one.id}.${one.timestamp}.`), bytesOf(one)]);
  return verify(null, signed, key, Buffer.from(signature.replace("v1a,", ""), "base64"));
}

for await (const line of createInterface({ input: process.stdin })) {
  const one = JSON.parse(line);
  const found = {};
  for (const [name, library] of Object.entries(libraries)) {
    found[name] = one.headers ? one.secrets.map((secret) => accepts(library, secret, one)) : sign(library, one);
  }
  found.github = `sha256=${createHmac("sha256", one.secrets[0]).update(bytesOf(one)).digest("hex")}`;
  found.v1a = one.public_keys.map((key) => one.v1a.map((signature) => isSignedByKey(key, one, signature)));
  console.log(JSON.stringify(found));
}
