// Webhooks on disk: a file each, named by its webhook-id.

import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export class Inbox {
  constructor(folder) {
    this.waiting = join(folder, "inbox");
    this.done = join(folder, "done");
    for (const each of [this.waiting, this.done]) mkdirSync(each, { recursive: true });
  }

  // False: it is a duplicate. When this returns, it is on the disk, whole.
  keep(id, body) {
    const draft = join(this.waiting, `.${id}.${process.pid}`);
    const file = openSync(draft, "w");
    writeSync(file, body);
    fsyncSync(file);
    closeSync(file);
    try {
      linkSync(draft, join(this.waiting, id)); // fails if there is one, and is never half done
      return true;
    } catch (error) {
      if (error.code === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(draft);
    }
  }

  // What is still to be worked on. The files stay: they are what duplicates are known by.
  *pending() {
    for (const id of readdirSync(this.waiting)) {
      if (!id.startsWith(".") && !existsSync(join(this.done, id))) yield id;
    }
  }

  read(id) {
    return JSON.parse(readFileSync(join(this.waiting, id), "utf8"));
  }

  finish(id) {
    closeSync(openSync(join(this.done, id), "w"));
  }
}
