/**
 * What can be wrong with a grammar or a schema.
 */

/**
 * - `syntax`: the grammar's text cannot be read;
 * - `unsupported`: a schema asks for what cannot be held to, named by its place and keyword;
 * - `unsatisfiable`: nothing at all fits;
 * - `too-large`: a limit of this area is exceeded;
 * - `dead-end`: the model has no token that goes on.
 */
export type GrammarErrorCode =
  | "syntax"
  | "unsupported"
  | "unsatisfiable"
  | "too-large"
  | "dead-end";

/** A grammar or schema that cannot be held to. */
export class GrammarError extends Error {
  override readonly name = "GrammarError";
  readonly code: GrammarErrorCode;
  /** Where in a schema: a JSON pointer with the keyword at its end, such as "/items/contains". */
  readonly path: string | undefined;

  constructor(code: GrammarErrorCode, message: string, path?: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}
