/** What `skep up` says once the node is ready: addresses, the model, and a line to try. */
import type { NodeStatus } from "../node/mod.ts";
import { columns, painterFor } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";

/** The banner; its curl line works as it stands, pasted into a POSIX shell. */
export function banner(
  io: CliIo,
  about: {
    readonly status: NodeStatus;
    readonly model: string | undefined;
    /** Why the model is not known, where there should be one. */
    readonly modelUnknown?: string | undefined;
    readonly logFile?: string;
  },
): string {
  const { status, model, modelUnknown, logFile } = about;
  const paint = painterFor(io, io.stdout);
  const rows: [string, string][] = [...Object.entries(status.addresses)];
  if (model !== undefined) rows.unshift(["model", model]);
  else if (modelUnknown !== undefined) rows.unshift(["model", `unknown: ${modelUnknown}`]);
  if (logFile !== undefined) rows.push(["log", logFile]);
  const title = paint("bold", `skep ${status.version} is up`) +
    paint("dim", ` (${status.hid.slice(0, 17)}, process ${status.pid})`);
  const api = status.addresses["api"];
  const lines = api === undefined || model === undefined
    ? ""
    : `\nTry it:\n${curlLine(api, model)}\n`;
  return `${title}\n${columns(rows, "  ")}${lines}\n`;
}

/** One command for a POSIX shell. */
export function curlLine(api: string, model: string): string {
  const body = JSON.stringify({
    model,
    messages: [{ role: "user", content: "Once upon a time" }],
    max_tokens: 60,
  });
  return `  curl ${api}/v1/chat/completions -H 'content-type: application/json' -d '${
    body.replaceAll("'", `'\\''`)
  }'`;
}
