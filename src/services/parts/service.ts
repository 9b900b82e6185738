/**
 * The service "parts": serves parts of this node's models to the mesh, fetches parts that this node
 * wants, and tells the mesh what is here.
 */
import type * as v from "valibot";
import { classSupport } from "../../engine/mod.ts";
import { decodeHex } from "../../hot/mod.ts";
import { BoundedQueue, implement, RpcError } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { addModel, ModelError, modelNameOf } from "../../model/mod.ts";
import { partsProtocol, serveParts } from "../../parts/mod.ts";
import type { PartServerMeters } from "../../parts/mod.ts";
import { eventsTopic } from "../network/mod.ts";
import type { NetworkEvent } from "../network/mod.ts";
import { partsConfig } from "./config.ts";
import type { PartsConfig } from "./config.ts";
import { partsContract } from "./contract.ts";
import type { FetchItem, HeldParts } from "./contract.ts";
import { Fetcher } from "./fetching.ts";
import type { Wanted } from "./fetching.ts";
import { ModelShelf } from "./held_models.ts";

/** The service. */
export const partsService: Service<PartsConfig> = {
  name: "parts",
  description: "Serves parts of models to the mesh, and fetches those that this node wants.",
  config: partsConfig as v.GenericSchema<unknown, PartsConfig>,
  needs: ["network"],
  critical: false,
  run,
};

async function run(config: PartsConfig, host: Host): Promise<void> {
  const shelf = new ModelShelf({ disk: host.disk, directory: host.directories.models });
  for (const trouble of await shelf.scan()) host.log.warn("A model can't be used", { trouble });
  const stopServing = config.share
    ? serveParts({ mesh: host.mesh, models: shelf, meters: metersOf(host) })
    : (): void => {};
  const announcer = new Announcer(host, { shelf, share: config.share });
  try {
    await host.serve(methodsOf({ host, shelf, announcer }));
    await announcer.tell();
    host.ready();
    await announcer.follow();
  } finally {
    stopServing();
    await shelf.close();
  }
}

interface Parts {
  readonly host: Host;
  readonly shelf: ModelShelf;
  readonly announcer: Announcer;
}

function methodsOf(parts: Parts): Methods {
  const { host, shelf, announcer } = parts;
  const fetcher = new Fetcher(host, shelf);
  return implement(partsContract, {
    "parts.list": () => shelf.list(),
    "parts.adopt": async ({ path }, { signal }) => {
      const held = await adopt(path, { ...parts, signal });
      await announcer.tell();
      return held;
    },
    "parts.fetch": async function* (wanted, { signal }): AsyncGenerator<FetchItem> {
      yield* fetchItems(wanted, { fetcher, signal });
      await announcer.tell();
      const held = await shelf.describe(wanted.root);
      if (held !== undefined) yield { type: "done", held };
    },
  });
}

/** Progress as it comes; a slow reader gets the newest. */
async function* fetchItems(
  wanted: Wanted,
  { fetcher, signal }: { readonly fetcher: Fetcher; readonly signal: AbortSignal },
): AsyncGenerator<FetchItem> {
  const stop = new AbortController();
  const queue = new BoundedQueue<FetchItem>({ capacity: 64, policy: "drop-oldest" });
  const both = AbortSignal.any([signal, stop.signal]);
  const tell = (item: FetchItem): void => void queue.offer(item);
  const fetching = fetcher.fetch(wanted, { signal: both, tell }).finally(() => queue.close());
  // Awaited below; until then a failure is nobody's surprise.
  fetching.catch(() => {});
  try {
    for await (const item of queue) yield item;
    await fetching;
  } finally {
    stop.abort();
  }
}

/** The root and tree of a file, made when nobody has made them. */
async function adopt(
  path: string,
  { host, shelf, signal }: Parts & { readonly signal: AbortSignal },
): Promise<HeldParts> {
  const known = shelf.rootOf(path);
  const root = known ?? await add(path, { host, signal });
  if (known === undefined) await shelf.scan();
  const held = await shelf.describe(root);
  if (held !== undefined) return held;
  throw new RpcError({
    kind: "notFound",
    message: `Cannot adopt '${path}' as it was changed while it was read`,
  });
}

/** Adds a file under its own name, or the next that is free. */
async function add(
  path: string,
  { host, signal }: { readonly host: Host; readonly signal: AbortSignal },
): Promise<string> {
  const { disk, directories } = host;
  const name = modelNameOf(path);
  for (let number = 1;; number++) {
    try {
      const manifest = await addModel({
        ...{ disk, directory: directories.models, path, signal, support: classSupport },
        name: number === 1 ? name : `${name.slice(0, 120)}-${number}`,
      });
      return manifest.root;
    } catch (thrown) {
      if (!(thrown instanceof ModelError)) throw thrown;
      if (thrown.code === "name-taken" && number < 100) continue;
      throw new RpcError({ kind: "invalidParams", message: thrown.message, cause: thrown });
    }
  }
}

/** Tells the mesh what is held here, by capabilities and in the hash table. */
class Announcer {
  readonly #host: Host;
  readonly #shelf: ModelShelf;
  readonly #share: boolean;
  readonly #provided = new Set<string>();

  constructor(
    host: Host,
    { shelf, share }: { readonly shelf: ModelShelf; readonly share: boolean },
  ) {
    this.#host = host;
    this.#shelf = shelf;
    this.#share = share;
  }

  /** Tells again whenever the node comes into a mesh, until it stops. */
  async follow(): Promise<void> {
    const { bus, signal } = this.#host;
    for await (const { payload } of bus.subscribe(eventsTopic, { signal, replay: 16 })) {
      if ((payload as NetworkEvent).kind === "listening") await this.tell();
    }
  }

  async tell(): Promise<void> {
    if (!this.#share) return;
    const { call, log, mesh, signal } = this.#host;
    const held = (await this.#shelf.list()).slice(0, sharedModelsMax);
    const models = held.map(({ root, name, layerCount, layers, embedding, head, complete }) => ({
      ...{ root, name, layerCount },
      parts: { layers, embedding, head, complete },
    }));
    const capabilities = { protocols: [partsProtocol], models };
    await call("network", "capabilities.set", { source: "parts", capabilities });
    for (const { root } of held) {
      if (this.#provided.has(root)) continue;
      const key = decodeHex(root);
      this.#provided.add(root);
      mesh.provide(key, signal).catch((cause: unknown) => {
        this.#provided.delete(root);
        log.debug("The hash table was not told of a model", { root: root.slice(0, 12), cause });
      });
    }
  }
}

/** Models that are announced, the first by name. */
const sharedModelsMax = 32;

function metersOf({ metrics, log }: Host): PartServerMeters {
  const served = metrics.counter({
    name: "parts_served_bytes",
    help: "Bytes of models that peers were given.",
    labels: ["peer"],
  });
  const refused = metrics.counter({
    name: "parts_refused_total",
    help: "Requests for parts that were refused, by reason.",
    labels: ["reason"],
  });
  return {
    served: (peer, bytes) => served.add(bytes, { peer: peer.slice(0, 12) }),
    refused: (_, reason) => refused.add(1, { reason }),
    failed: (peer, cause) => log.warn("Parts can't be read", { peer: peer.slice(0, 12), cause }),
  };
}
