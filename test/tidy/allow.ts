/**
 * The named exemption: `tidy: allow <rule> as <reason>` in a comment.
 *
 * Above a declaration it exempts that declaration; in the file's header comment, the file.
 */
import type ts from "typescript";

/** Shorter reasons say nothing. */
const REASON_CHARS_MIN = 12;

/** Whether a comment before the node, or the file's header, allows what `rule` forbids. */
export function isAllowed(node: ts.Node, rule: string): boolean {
  const file = node.getSourceFile();
  const above = file.text.slice(node.getFullStart(), node.getStart(file, false));
  return allows(above, rule) || allows(headerOf(file.text), rule);
}

/** The comments before the first statement. */
export function headerOf(text: string): string {
  return /^(\s|#![^\n]*\n|\/\/[^\n]*\n|\/\*[^]*?\*\/)*/.exec(text)?.[0] ?? "";
}

function allows(comment: string, rule: string): boolean {
  const plain = comment.replace(/\n[\s*\/]*/g, " ");
  const reason = new RegExp(`tidy: allow ${rule} as (.*)`).exec(plain)?.[1] ?? "";
  return reason.trim().length >= REASON_CHARS_MIN;
}
