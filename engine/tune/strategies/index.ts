import { beamSearch } from "./beam_search.ts";
import { bruteForce } from "./brute_force.ts";
import { differentialEvolution } from "./differential_evolution.ts";
import { geneticAlgorithm } from "./genetic_algorithm.ts";
import { greedyHillClimbing, hillClimbing } from "./hill_climbing.ts";
import { iteratedLocalSearch } from "./iterated_local_search.ts";
import { latinHypercube } from "./latin_hypercube.ts";
import { particleSwarm } from "./particle_swarm.ts";
import { randomSample } from "./random_sample.ts";
import { simulatedAnnealing } from "./simulated_annealing.ts";
import type { Strategy } from "./strategy.ts";
import { surrogate } from "./surrogate.ts";

/** The strategies that a name may mean; a caller's own is passed as an object. */
export const strategies: readonly Strategy[] = [
  bruteForce,
  randomSample,
  latinHypercube,
  hillClimbing,
  greedyHillClimbing,
  iteratedLocalSearch,
  simulatedAnnealing,
  geneticAlgorithm,
  differentialEvolution,
  particleSwarm,
  surrogate,
  beamSearch,
];
