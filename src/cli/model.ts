/** `skep model`: what a GGUF file is, whether this release can run it, and whether it is whole. */
import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import { argument, command } from "@optique/core/primitives";
import type { ModelSummary } from "../model/mod.ts";
import { addModelCommand } from "./_model_add.ts";
import { listModelsCommand } from "./_model_list.ts";
import { verifyModelCommand } from "./_model_verify.ts";
import { absolutePath, examples, jsonOption } from "./_options.ts";
import { columns, formatBytes, painterFor, safeText } from "./_style.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";
import type { CommandParser, Invocation } from "./command.ts";
import { exitCodes } from "./exit_code.ts";

const inspectOptions = object({
  file: optional(argument(named("FILE"), {
    description: message`A GGUF file; without it, the embedded model.`,
  })),
  json: jsonOption,
});

const inspectCommand: CommandParser = command(
  "inspect",
  map(inspectOptions, (options): Invocation => (io) => inspect(io, options)),
  {
    brief: message`Show what a model file holds, and whether it can be run.`,
    description:
      message`Read a model file's header. The exit code is 1 when this release cannot run the model.`,
    footer: examples("skep model inspect ./model.gguf", "skep model inspect --json | jq .shape"),
  },
);

/** The parser of `skep model`. */
export const modelCommand: CommandParser = command(
  "model",
  or(inspectCommand, addModelCommand, listModelsCommand, verifyModelCommand),
  {
    brief: message`Look at model files, and check that they are whole.`,
    footer: examples(
      "skep model inspect ./model.gguf",
      "skep model add ./model.gguf",
      "skep model verify",
    ),
  },
);

/** A file's summary, and what it meets on this machine. */
interface Inspected extends ModelSummary {
  /** What it takes with the shortest context; null when it cannot be run. */
  readonly memoryBytes: number | null;
  /** What the machine has left; null when that may not be known. */
  readonly memoryAvailableBytes: number | null;
}

/** Prints the summary. @throws {ModelError} when the file is no GGUF file */
export async function inspect(
  io: CliIo,
  options: { readonly file: string | undefined; readonly json: boolean },
): Promise<number> {
  const { embeddedModel, fileSource, inspectModel, openGguf } = await import("../model/mod.ts");
  const path = absolutePath(io, options.file);
  const source = path === undefined ? embeddedModel() : await fileSource(io.disk, path);
  try {
    const { classSupport, memoryNeed } = await import("../engine/mod.ts");
    const file = await openGguf(source);
    const found = inspectModel(file);
    const obstacles = [...found.obstacles];
    let memoryBytes: number | null = null;
    if (found.executable) {
      obstacles.push(...classSupport(file).obstacles);
      if (obstacles.length === 0) {
        const need = memoryNeed(file);
        memoryBytes = need.bytes ?? null;
        if (need.obstacle !== undefined) obstacles.push(need.obstacle);
      }
    }
    const summary: Inspected = {
      ...found,
      executable: obstacles.length === 0,
      obstacles,
      memoryBytes,
      memoryAvailableBytes: io.availableMemory() ?? null,
    };
    if (options.json) io.stdout.write(`${JSON.stringify(summary, undefined, 2)}\n`);
    else io.stdout.write(describe(io, summary));
    return summary.executable ? exitCodes.ok : exitCodes.failure;
  } finally {
    await source.close();
  }
}

function templateWords({ hasChatTemplate, family }: ModelSummary): string {
  if (hasChatTemplate) return "yes";
  const embeds = family?.some((words) => words.startsWith("pooled by ")) ?? false;
  return embeds ? "none, as it embeds texts" : "no, a plain default is used";
}

/** What it needs, and where that is more than there is. */
function memoryWords({ memoryBytes, memoryAvailableBytes }: Inspected): string | undefined {
  if (memoryBytes === null) return undefined;
  const needs = `needs ${formatBytes(memoryBytes)} with the shortest context`;
  if (memoryAvailableBytes === null) return needs;
  return `${needs}; this machine has ${formatBytes(memoryAvailableBytes)} left`;
}

function verdictOf(io: CliIo, summary: Inspected): string {
  const paint = painterFor(io, io.stdout);
  const { executable, memoryBytes, memoryAvailableBytes, obstacles } = summary;
  if (!executable) return [paint("red", "This release cannot run it:"), ...obstacles].join("\n  ");
  const fits = memoryBytes === null || memoryBytes <= (memoryAvailableBytes ?? Infinity);
  return fits
    ? paint("green", "This release can run it")
    : paint("yellow", "This release can run it, but this machine has too little memory left now");
}

function describe(io: CliIo, summary: Inspected): string {
  const { shape } = summary;
  const types = summary.tensorTypes.map((share) =>
    `${share.type} ${share.tensorCount} tensors, ${formatBytes(share.sizeBytes)}`
  );
  const rows: [string, string][] = [
    [
      "file",
      `${summary.source}, ${formatBytes(summary.fileSizeBytes)}, GGUF v${summary.ggufVersion}`,
    ],
    ["name", summary.name ?? "(none)"],
    ["architecture", summary.architecture ?? "(none)"],
    ["parameters", summary.parameterCount.toLocaleString("en")],
    ["tensors", types.join("; ")],
    ["context", summary.contextMax === null ? "(not said)" : `${summary.contextMax} positions`],
    ["tokenizer", `${summary.tokenizer.kind}, ${summary.tokenizer.vocabularySize} tokens`],
    ["chat template", templateWords(summary)],
    ["licence", summary.licence ?? "(not said)"],
  ];
  if (shape !== null) {
    const heads = `${shape.headCount} heads, ${shape.kvHeadCount} for keys and values`;
    rows.push(["layers", `${shape.layerCount}, width ${shape.width}, ${heads}`]);
    rows.push(["family", (summary.family ?? []).join("; ")]);
  }
  const memory = memoryWords(summary);
  if (memory !== undefined) rows.push(["memory", memory]);
  const lines = rows.map(([name, value]): [string, string] => [name, safeText(value)]);
  return `${columns(lines)}${verdictOf(io, summary)}\n`;
}
