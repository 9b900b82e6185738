import { createReferenceExecutor } from "../../../src/engine/mod.ts";
import { testExecutorContract } from "../_executor_contract.ts";

testExecutorContract(
  "createReferenceExecutor()",
  (fixture, options) => createReferenceExecutor({ ...fixture, ...options }),
);
