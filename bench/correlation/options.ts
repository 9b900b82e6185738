/** What main.ts is asked to compare, and how it tells what it can be asked. */
import { parseArgs } from "node:util";
import { familyNames, isFamilyName } from "../models/family_shapes.ts";
import type { FamilyName } from "../models/family_shapes.ts";
import { isWeightType } from "../models/random_weights.ts";
import type { WeightType } from "../models/random_weights.ts";
import { formats } from "./cases.ts";

/** A random model to compare on. */
export interface Case {
  readonly family: FamilyName;
  readonly format: WeightType;
}

/** What a run compares. */
export interface CorrelationOptions {
  /** None where a file is compared. */
  readonly cases: readonly Case[];
  readonly model: string | undefined;
  /** Whether the reference executor computes instead of the fast one. */
  readonly reference: boolean;
  /** Whether both are compared with the same weights as F32 too. */
  readonly exact: boolean;
}

/** What `--help` prints. */
export const help = `Compares our logits with llama.cpp's.

main.ts [--family F] [--format T] [--reference] [--exact] [--small]   on random models
main.ts --model FILE.gguf [--reference] [--exact]                     on a file

  --family F     one of ${familyNames.join(", ")}
  --format T     one of ${formats.join(", ")}
  --small        one format for each family, and four formats of Llama
  --model FILE   one file, by the gates of quantised formats
  --reference    computes with the reference executor
  --exact        compares each side with the same weights as F32, whose activations nobody rounds
  --help         prints this

The exit code is 1 when a correlation is below its gate, 2 for arguments that are wrong.`;

/**
 * What the arguments ask for; undefined when they ask for help.
 *
 * @throws {TypeError} for arguments that are not known or ask for nothing
 */
export function correlationOptions(args: readonly string[]): CorrelationOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      family: { type: "string" },
      format: { type: "string" },
      reference: { type: "boolean", default: false },
      exact: { type: "boolean", default: false },
      small: { type: "boolean", default: false },
      model: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const { model, reference, exact } = values;
  if (model === undefined) return { cases: chosenCases(values), model, reference, exact };
  if (values.family !== undefined || values.format !== undefined || values.small) {
    throw new TypeError("Cannot compare as --model goes with none of --family, --format, --small");
  }
  return { cases: [], model, reference, exact };
}

function chosenCases(
  { family, format, small }: {
    readonly family?: string | undefined;
    readonly format?: string | undefined;
    readonly small: boolean;
  },
): readonly Case[] {
  if (family !== undefined && !isFamilyName(family)) {
    throw new TypeError(`Cannot compare as there must be a family "${family}"`);
  }
  if (format !== undefined && !(isWeightType(format) && formats.includes(format))) {
    throw new TypeError(`Cannot compare as there must be a format "${format}"`);
  }
  const all = familyNames.flatMap((name, index) =>
    formats.map((each, at) => ({
      family: name,
      format: each,
      isSmall: at === index % formats.length || name === "llama" && /^(f32|q8_0|q4_k)$/.test(each),
    }))
  );
  const chosen = all.filter((each) => {
    if (family !== undefined && each.family !== family) return false;
    if (format !== undefined && each.format !== format) return false;
    return !small || each.isSmall;
  });
  if (chosen.length > 0) {
    return chosen.map((each) => ({ family: each.family, format: each.format }));
  }
  throw new TypeError("Cannot compare as --small has no such family and format: leave it out");
}
