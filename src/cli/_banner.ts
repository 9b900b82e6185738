/** What `skep up` says once the node is ready: addresses, the model, and a line to try. */
import { shortHidOf } from "../identity/mod.ts";
import type { NodeStatus } from "../node/mod.ts";
import { layerRuns, layerWords } from "../placement/mod.ts";
import { columns, painterFor, safeText } from "./_style.ts";
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
    /** Layers of the model that no node computes: then it answers nothing yet. @default [] */
    readonly missing?: readonly number[];
    readonly logFile?: string;
  },
): string {
  const { status, model, modelUnknown, missing = [], logFile } = about;
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
    : missing.length > 0
    ? `\n${missingWords(model.id, missing)}\n`
    : `\nTry it:\n${curlLine(api, model)}\n`;
  return `${title}\n${columns(rows, "  ")}${lines}\n`;
}

/** What is to be done before a model answers of which nobody computes some layers. */
function missingWords(model: string, missing: readonly number[]): string {
  const [run] = layerRuns(missing);
  const layers = run === undefined ? "FROM-TO" : `${run.first}-${run.last + 1}`;
  return `${JSON.stringify(model)} gives no answer yet, as no node computes ${
    layerWords(missing)
  }.\n"skep invite" makes a ticket for another node, which takes them by\n` +
    `  skep join TICKET --model ${safeText(model)} --layers ${layers}`;
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
