/**
 * Boots a node inside this program, asks it one question, and stops it.
 *
 *     deno run -A examples/embed_a_node.ts
 *     node examples/embed_a_node.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../mod.ts"; // in your own program: "@skep/skep"

// A folder of its own: the user's configuration and their running node are not touched.
const home = mkdtempSync(join(tmpdir(), "skep-"));
try {
  await using node = await run({ api: { listen: "127.0.0.1:0" } }, { home, configFile: false });
  const response = await fetch(`${node.addresses["api"]}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "stories260K",
      messages: [{ role: "user", content: "Once upon a time" }],
      max_tokens: 40,
    }),
  });
  const answer = await response.json();
  console.log(answer.choices[0].message.content);
} finally {
  rmSync(home, { recursive: true, force: true });
}
