/**
 * Runs a service of your own beside the node's, with a configuration section and a method.
 *
 *     deno run -A examples/own_service.ts
 *     node examples/own_service.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { defineCall, run } from "../mod.ts"; // in your own program: "@skep/skep"
import type { Service } from "../mod.ts";

const config = v.strictObject({ words: v.optional(v.number(), 12) });

const storyteller: Service<v.InferOutput<typeof config>> = {
  name: "storyteller",
  config,
  needs: ["inference"],
  critical: false,
  async run({ words }, host): Promise<void> {
    const tell = defineCall({
      summary: "Tells the beginning of a story about somebody.",
      params: v.strictObject({ name: v.string() }),
      run: async ({ name }, { signal }) => {
        const prompt = { kind: "text", text: `Once there was ${name}` };
        const names = { requestId: `story-${name}`, model: "stories260K" };
        const request = { ...names, prompt, sampling: { temperature: 0 }, maxTokens: words };
        let story = prompt.text;
        for await (const item of host.stream("inference", "generate", request, signal)) {
          story += Object(item).text ?? "";
        }
        return story;
      },
    });
    // Also at <sockets>/storyteller/rpc.sock, for other programs.
    await host.serve({ tell });
    host.ready();
    await new Promise((resolve) => host.signal.addEventListener("abort", resolve));
  },
};

const home = mkdtempSync(join(tmpdir(), "skep-"));
try {
  await using node = await run(
    { api: { listen: "127.0.0.1:0" }, storyteller: { words: 20 } },
    { home, configFile: false, services: [storyteller as Service] },
  );
  console.log(await node.call("storyteller", "tell", { name: "Lily" }));
} finally {
  rmSync(home, { recursive: true, force: true });
}
