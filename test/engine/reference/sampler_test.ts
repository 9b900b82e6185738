import { createReferenceSampler } from "../../../src/engine/mod.ts";
import { testSamplerContract } from "../_sampler_contract.ts";

testSamplerContract("createReferenceSampler()", createReferenceSampler);
