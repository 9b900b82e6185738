/** docs/RPC.md is what a node's own documents say; SKEP_UPDATE_DOCS=1 writes it anew. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { OpenRpcDocument } from "../../src/kernel/mod.ts";
import { realNetwork } from "../../src/ports/mod.ts";
import { callRpc } from "../../src/wire/mod.ts";
import { bootIn, withFolder } from "../node/_support.ts";
import { rpcPage } from "./_rpc_page.ts";

const page = fileURLToPath(new URL("../../docs/RPC.md", import.meta.url));

test("docs/RPC.md is current", { timeout: 60_000 }, () =>
  withFolder(async (home) => {
    const node = await bootIn(home);
    const documents = new Map<string, OpenRpcDocument>();
    for (const { name } of node.status().services) {
      const socketPath = `${node.directories.sockets}/${name}/rpc.sock`;
      const document = await callRpc({
        network: realNetwork(),
        socketPath,
        method: "rpc.discover",
      });
      documents.set(name, document as OpenRpcDocument);
    }
    await node.stop();
    const wanted = rpcPage(documents);
    if (process.env["SKEP_UPDATE_DOCS"] === "1") writeFileSync(page, wanted);
    const found = readFileSync(page, "utf8");
    assert.ok(found === wanted, "Run this test with SKEP_UPDATE_DOCS=1 and look at the difference");
  }));
