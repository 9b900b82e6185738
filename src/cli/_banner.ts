/** What `skep up` says once the node is ready: addresses, the model, and a line to try. */
import { shortHidOf } from "../identity/mod.ts";
import type { NodeStatus } from "../node/mod.ts";
import { columns, painterFor } from "./_style.ts";
import type { ServedModel } from "./_chat_client.ts";
import type { CliIo } from "./cli_io.ts";

/** The banner; its curl line works as it stands, pasted into a POSIX shell. */
export function banner(
  io: CliIo,
  about: {
    readonly status: NodeStatus;
    readonly model: ServedModel | undefined;
    /** Why the model is not known, where there should be one. */
    readonly modelUnknown?: string | undefined;
    readonly logFile?: string;
  },
): string {
  const { status, model, modelUnknown, logFile } = about;
  const paint = painterFor(io, io.stdout);
  const rows: [string, string][] = [...Object.entries(status.addresses)];
  if (model !== undefined) rows.unshift(["model", model.id]);
  else if (modelUnknown !== undefined) rows.unshift(["model", `unknown: ${modelUnknown}`]);
  if (logFile !== undefined) rows.push(["log", logFile]);
  const title = paint("bold", `skep ${status.version} is up`) +
    paint("dim", ` (${shortHidOf(status.hid)}, process ${status.pid})`);
  const api = status.addresses["api"];
  const lines = api === undefined || model === undefined
    ? ""
    : `\nTry it:\n${curlLine(api, model)}\n`;
  return `${title}\n${columns(rows, "  ")}${lines}\n`;
}

/** One command for a POSIX shell: a question to a model that answers, a text to one that embeds. */
export function curlLine(api: string, { id, embeds }: ServedModel): string {
  const [path, body] = embeds
    ? ["embeddings", { model: id, input: example }]
    : ["chat/completions", {
      model: id,
      messages: [{ role: "user", content: example }],
      max_tokens: 60,
    }];
  const data = JSON.stringify(body).replaceAll("'", `'\\''`);
  return `  curl ${api}/v1/${path} -H 'content-type: application/json' -d '${data}'`;
}

/** What is said or embedded by the line. */
const example = "Once upon a time";
