/**
 * What a family's file in this folder exports, and how it reads its architecture's keys.
 */
import type { Architecture, Family } from "../family.ts";
import type { GgufFile, MetadataValue } from "../gguf_types.ts";
import { floatKey, integerKey, modelError, stringKey } from "../_keys.ts";
import type { NumberBounds } from "../_keys.ts";
import type { ModelShape } from "../shape.ts";
import type { ModelError, ModelErrorCode } from "../errors.ts";

/** What every family has, read before the family is described. */
export type Extents = Omit<ModelShape, "family">;

/** A family of the table. */
export interface FamilyReader {
  /** Keys, without the architecture's prefix, that it reads beyond those that all families have. */
  readonly keys: readonly string[];
  /** The key of the norms' epsilon. */
  readonly epsilonKey: "attention.layer_norm_rms_epsilon" | "attention.layer_norm_epsilon";
  /**
   * Describes a model of the family.
   *
   * @throws {ModelError} for a key out of its bounds, or one whose value is not supported
   */
  describe(keys: ArchitectureKeys, extents: Extents): Family;
}

/** A file's keys below `<architecture>.`, and whether it has a tensor. */
export class ArchitectureKeys {
  readonly architecture: Architecture;
  readonly #file: GgufFile;

  /** @param architecture whose prefix the keys have */
  constructor(file: GgufFile, architecture: Architecture) {
    this.#file = file;
    this.architecture = architecture;
  }

  /** The whole key, for messages. */
  name(key: string): string {
    return `${this.architecture}.${key}`;
  }

  /** The value as it stands in the file. */
  value(key: string): MetadataValue | undefined {
    return this.#file.metadata.get(this.name(key));
  }

  /** An integer, or undefined when absent. @throws {ModelError} as `integerKey` */
  integer(key: string, bounds: NumberBounds): number | undefined {
    return integerKey(this.#file, { key: this.name(key), ...bounds });
  }

  /** A finite number, or undefined when absent. @throws {ModelError} as `floatKey` */
  float(key: string, bounds: NumberBounds): number | undefined {
    return floatKey(this.#file, { key: this.name(key), ...bounds });
  }

  /** A string, or undefined when absent. @throws {ModelError} as `stringKey` */
  string(key: string): string | undefined {
    return stringKey(this.#file, this.name(key));
  }

  /** Whether the file has a tensor. */
  hasTensor(name: string): boolean {
    return this.#file.tensors.has(name);
  }

  /** A key outside this architecture's, as an integer. @throws {ModelError} as `integerKey` */
  foreignInteger(key: string, bounds: NumberBounds): number | undefined {
    return integerKey(this.#file, { key, ...bounds });
  }

  /** Builds an error about the file; `rule` completes "Cannot use model 'x' as ...". */
  error(code: ModelErrorCode, rule: string): ModelError {
    return modelError(this.#file, code, rule);
  }
}
