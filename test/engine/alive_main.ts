/**
 * Does an executor keep the process alive while it computes, and only then? Nothing here awaits, so
 * that a process that ends too early prints nothing, and one that ends too late never ends.
 */
import { loadExecutor } from "../../src/engine/mod.ts";
import { openFixture } from "./_fixtures.ts";

const executor = await loadExecutor({ ...await openFixture("babyllama-tok105-f32"), threads: 2 });
const tokens = Uint32Array.from({ length: 100 }, (_, i) => i);
const session = executor.openSession();
const logits = executor.step([{ session, tokens, logits: "last" }]);
logits.then((row) => console.log(`${row.length} logits`), console.error);
