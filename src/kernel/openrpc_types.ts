/**
 * The parts of an OpenRPC document (https://spec.open-rpc.org, 1.3.2) that services have. Plain data
 * that crosses threads.
 */

/** A JSON Schema (draft 7), as a value. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A parameter or an answer: the specification's Content Descriptor Object. */
export interface ContentDescriptor {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

/** The specification's Method Object, with this project's two extensions. */
export interface MethodDocument {
  readonly name: string;
  readonly summary: string;
  readonly paramStructure: "either" | "by-name" | "by-position";
  /** Required ones first, in the order of positional parameters. */
  readonly params: readonly ContentDescriptor[];
  readonly result: ContentDescriptor;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
  /** Answers with a stream, so it can be called in frames only. */
  readonly "x-stream"?: true;
  /** What an item of the stream is. */
  readonly "x-stream-item"?: JsonSchema;
}

/** The specification's OpenRPC Object. */
export interface OpenRpcDocument {
  readonly openrpc: "1.3.2";
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description: string;
  };
  readonly methods: readonly MethodDocument[];
}

/** What `GET /.well-known/heroservice.json` says. */
export interface DiscoveryDocument {
  readonly protocol: "openrpc";
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly socket: "rpc";
}
