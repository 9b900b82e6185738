/**
 * A refused or failed HTTP request, in the shape that OpenAI's clients read.
 *
 * Shape: `{"error": {"message", "type", "param", "code"}}`, as the error guide of OpenAI's API
 * reference describes it. Codes are listed in docs/API.md.
 */
import { rpcCodes, RpcError } from "../../kernel/mod.ts";
import type { RpcErrorName } from "../../kernel/mod.ts";
import { retryAfterSeconds } from "./limits.ts";

/** Statuses that this API answers with. */
export type ErrorStatus = 400 | 403 | 404 | 405 | 408 | 413 | 415 | 429 | 431 | 499 | 500 | 503;

/** What an `ApiError` is made of. */
export interface ApiErrorOptions {
  readonly status: ErrorStatus;
  /** One sentence for the client. */
  readonly message: string;
  /** A short machine-readable word, or none. */
  readonly code?: string | undefined;
  /** The field at fault ("messages[0].content"), or none. */
  readonly param?: string | undefined;
  /** Headers of the answer, such as "allow" and "retry-after". */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** The JSON body of an error. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** A refusal with its status and its body. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: ErrorStatus;
  readonly code: string | undefined;
  readonly param: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: ApiErrorOptions) {
    super(options.message, { cause: options.cause });
    this.status = options.status;
    this.code = options.code;
    this.param = options.param;
    this.headers = options.headers ?? {};
  }

  /** The body that OpenAI's clients expect. */
  get body(): ErrorBody {
    return {
      error: {
        message: this.message,
        type: typeOf(this.status),
        param: this.param ?? null,
        code: this.code ?? null,
      },
    };
  }

  /**
   * Turns anything thrown into an `ApiError`. What is not meant for the client stays the `cause`.
   *
   * @param paramOf the request field of this endpoint for a parameter of the inference service
   */
  static from(thrown: unknown, paramOf: (field: string) => string = same): ApiError {
    if (thrown instanceof ApiError) return thrown;
    const rpc = asRpcError(thrown);
    if (rpc === undefined) {
      return new ApiError({
        status: 500,
        code: "internal_error",
        message: "Cannot answer the request as the node failed: its log says why",
        cause: thrown,
      });
    }
    const { status, code } = byKind[rpc.kind];
    const field = textOf(rpc.data, "field");
    return new ApiError({
      status,
      code: textOf(rpc.data, "code") ?? code,
      message: rpc.message,
      param: field === undefined ? undefined : paramOf(field),
      headers: rpc.kind === "busy" || rpc.kind === "unavailable"
        ? { "retry-after": String(retryAfterSeconds) }
        : undefined,
      cause: thrown,
    });
  }
}

const byKind: Readonly<Record<RpcErrorName, { status: ErrorStatus; code: string | undefined }>> = {
  parse: { status: 400, code: undefined },
  invalidRequest: { status: 400, code: undefined },
  methodNotFound: { status: 503, code: "unavailable" },
  invalidParams: { status: 400, code: "invalid_value" },
  internal: { status: 500, code: "internal_error" },
  unavailable: { status: 503, code: "unavailable" },
  busy: { status: 429, code: "queue_full" },
  cancelled: { status: 499, code: "cancelled" },
  notFound: { status: 404, code: "model_not_found" },
  deadline: { status: 503, code: "deadline" },
};

/** OpenAI's `type` for a status. */
function typeOf(status: ErrorStatus): string {
  if (status === 429) return "rate_limit_error";
  if (status === 500) return "server_error";
  if (status === 503) return "service_unavailable";
  if (status === 403) return "permission_error";
  return "invalid_request_error";
}

/** An `RpcError`, also one that came from a worker as a plain object with its fields. */
function asRpcError(
  thrown: unknown,
): { readonly kind: RpcErrorName; readonly message: string; readonly data: unknown } | undefined {
  if (thrown instanceof RpcError) return thrown;
  const kind = textOf(thrown, "kind");
  if (kind === undefined || !Object.hasOwn(rpcCodes, kind)) return undefined;
  return {
    kind: kind as RpcErrorName,
    message: textOf(thrown, "message") ?? "",
    data: (thrown as { readonly data?: unknown }).data,
  };
}

function textOf(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[key];
  return typeof found === "string" ? found : undefined;
}

function same(field: string): string {
  return field;
}
