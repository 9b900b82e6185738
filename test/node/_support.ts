/** Nodes for tests: each in a temporary folder of its own, on free ports, without the user's files. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../src/node/mod.ts";
import type { NodeConfig, RunningNode, RunOptions } from "../../src/node/mod.ts";

/** Runs `use` with an empty folder that is gone afterwards. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sk-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An environment with these names and no others. */
export function environmentOf(
  names: Record<string, string> = {},
): (name: string) => string | undefined {
  return (name) => names[name];
}

/** Boots a node below `home`, deaf to the machine's environment. */
export async function bootIn(
  home: string,
  options: RunOptions & { readonly config?: NodeConfig } = {},
): Promise<RunningNode> {
  const { config = {}, ...rest } = options;
  const api = { listen: "127.0.0.1:0", ...config.api };
  return await run({ ...config, api }, { home, environment: environmentOf(), ...rest });
}

/** The text of a chat answer of 8 greedy tokens. */
export async function ask(
  node: Pick<RunningNode, "addresses">,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${node.addresses["api"]}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "stories260K",
      messages: [{ role: "user", content: "Once upon a time" }],
      max_tokens: 8,
      temperature: 0,
    }),
  });
  const body = await response.json();
  return { status: response.status, text: String(body.choices?.[0]?.message?.content ?? "") };
}
