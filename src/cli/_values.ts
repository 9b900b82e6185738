/**
 * Values of options and arguments with a rule that their text alone can break, so that a wrong one is
 * an error of the command line, told before anything is done. It touches no file and no node.
 */
import { message, text, value } from "@optique/core/message";
import type { NonEmptyString } from "@optique/core/nonempty";
import { string } from "@optique/core/valueparser";
import type { ValueParser } from "@optique/core/valueparser";

/** A text with a rule. */
export interface RuledText {
  /** What stands for it in the help. */
  readonly metavar: NonEmptyString;
  /** Which texts are right. */
  readonly pattern: RegExp;
  /** Completes "it must be". */
  readonly rule: string;
}

/** The parser of a text with a rule. */
export function ruled({ metavar, pattern, rule }: RuledText): ValueParser<"sync", string> {
  return string({
    metavar,
    pattern,
    errors: {
      patternMismatch: (input) =>
        message`it must be ${text(rule)}: current value is ${value(input)}`,
    },
  });
}

/** A file, a folder or a name: anything but nothing. */
export function named(metavar: NonEmptyString): ValueParser<"sync", string> {
  return ruled({ metavar, pattern: /\S/, rule: "a name" });
}

/** A node: its id or key, the beginning of one, or its alias. */
export function nodeName(metavar: NonEmptyString): ValueParser<"sync", string> {
  return ruled({
    metavar,
    pattern: /^(skep_[0-9a-fA-F]{8,64}|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/,
    rule: 'an id ("skep_" and 64 hex digits) or a key, 8 digits or more of one, or an alias',
  });
}

/** A receipt's id, or its first digits. */
export function receiptId(metavar: NonEmptyString): ValueParser<"sync", string> {
  return ruled({ metavar, pattern: /^[0-9a-f]{1,64}$/, rule: "1 to 64 hex digits" });
}

/** A node's alias. */
export function aliasValue(): ValueParser<"sync", string> {
  return ruled({
    metavar: "NAME",
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    rule: "1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit",
  });
}

/** Where a node can be dialled. */
export function addressValue(): ValueParser<"sync", string> {
  return ruled({
    metavar: "ADDRESS",
    pattern: /^(\/\S+|(\[[^\]\s]+\]|[^:[\]/\s]+):\d{1,5})$/,
    rule: "host:port or a multiaddress",
  });
}
