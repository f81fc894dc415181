import { hypercube } from "./latin_hypercube.ts";
import { gridOf, landed, rounds, Unseen } from "./moves.ts";
import type { Search, Strategy } from "./strategy.ts";

interface Particle {
  position: number[];
  velocity: number[];
  best: { readonly position: readonly number[]; readonly objective: number };
}

/** Moves towards the best that it and all have seen (Kennedy and Eberhart, 1995), with the inertia of Shi and Eberhart, 1998. */
function move(
  particle: Particle,
  leader: Particle,
  counts: readonly number[],
  settings: Readonly<Record<string, any>>,
  random: () => number,
): void {
  particle.velocity = particle.velocity.map((velocity, p) => {
    const here = particle.position[p];
    const pulled =
      settings.inertia * velocity +
      settings.own * random() * (particle.best.position[p] - here) +
      settings.social * random() * (leader.best.position[p] - here);
    const most = Math.max(1, (counts[p] - 1) / 2);
    return Math.min(most, Math.max(-most, pulled));
  });
  particle.position = particle.position.map((here, p) =>
    Math.min(counts[p] - 0.5, Math.max(-0.5, here + particle.velocity[p])),
  );
}

async function swarm(search: Search, unseen: Unseen, size: number): Promise<Particle[]> {
  const grid = gridOf(search.space);
  const particles: Particle[] = [];
  for (const index of await hypercube(search, unseen, size)) {
    const position = grid.places(index);
    const velocity = grid.counts.map((count) => ((search.random() - 0.5) * (count - 1)) / 2);
    particles.push({ position, velocity, best: { position, objective: await search.evaluate(index) } });
  }
  return particles;
}

const leading = (particles: readonly Particle[]): Particle =>
  particles.reduce((leader, other) => (other.best.objective < leader.best.objective ? other : leader));

export const particleSwarm: Strategy = {
  name: "particle_swarm",
  about:
    "Particles that fly over the places of values, drawn to the best they know (Kennedy and Eberhart, 1995).",
  settings: {
    particles: { about: "configurations at a time", value: 16, least: 2, most: 100, whole: true },
    inertia: { about: "share of a velocity that is kept", value: 0.4, least: 0, most: 1 },
    own: { about: "pull of the particle's own best", value: 2, least: 0, most: 10 },
    social: { about: "pull of the best of all", value: 1, least: 0, most: 10 },
    rounds: {
      about: "rounds without a better best before it starts anew",
      value: 10,
      least: 1,
      most: 50,
      whole: true,
    },
  },
  async run(search, settings) {
    const unseen = new Unseen(search);
    const grid = gridOf(search.space);
    while (unseen.draw() !== undefined) {
      const particles = await swarm(search, unseen, settings.particles);
      const round = async () => {
        for (const particle of particles) {
          move(particle, leading(particles), grid.counts, settings, search.random);
          const { index, objective } = await landed(search, particle.position);
          if (objective < particle.best.objective)
            particle.best = { position: grid.places(index), objective };
        }
      };
      await rounds(settings.rounds, () => leading(particles).best.objective, round);
    }
  },
};
