/** All rules of the house that the tidy test enforces. */
import {
  doorsOnly,
  exportsExist,
  importDirection,
  noCycles,
  noDeadFiles,
  noPackagesBelow,
  packagesDocumented,
  privateFiles,
} from "./import_rules.ts";
import { platformNames, portsOnly } from "./port_rules.ts";
import type { Rule } from "./rule.ts";
import {
  documentedExports,
  fileHeaders,
  fileLength,
  functionLength,
  positionalParameters,
} from "./shape_rules.ts";
import {
  erasableOnly,
  errorMessages,
  noAny,
  noPlainError,
  plainDeclarations,
  typesApart,
} from "./syntax_rules.ts";
import {
  generatedNames,
  noRegistryHosts,
  ownFilesOnly,
  testMirror,
  todoForm,
} from "./text_rules.ts";

/** In the order in which they are reported. */
export const ALL_RULES: readonly Rule[] = [
  importDirection,
  doorsOnly,
  privateFiles,
  noCycles,
  noPackagesBelow,
  packagesDocumented,
  noDeadFiles,
  exportsExist,
  platformNames,
  portsOnly,
  documentedExports,
  fileHeaders,
  functionLength,
  fileLength,
  positionalParameters,
  erasableOnly,
  noAny,
  typesApart,
  plainDeclarations,
  errorMessages,
  noPlainError,
  ownFilesOnly,
  noRegistryHosts,
  todoForm,
  generatedNames,
  testMirror,
];
