import type { Space } from "../space/space.ts";

/** What a strategy sees of a run. The driver ends it by making `evaluate` throw Spent, which a strategy lets pass. */
export interface Search {
  readonly space: Space;
  /** Uniform in [0, 1), the same for the same seed. */
  random(): number;
  /**
   * Objective of a configuration by its index, smaller is better; Infinity where it has none. One that was evaluated
   * before costs nothing.
   */
  evaluate(index: number): Promise<number>;
  /** Indices evaluated so far, in order, with what they gave. */
  readonly history: readonly { readonly index: number; readonly objective: number }[];
}

/** The budget of a run is spent. */
export class Spent extends Error {}

/** A strategy's hyper-parameter: its meaning, its default and its range. */
export interface StrategySetting {
  readonly about: string;
  readonly value: number | string;
  readonly choices?: readonly string[];
  readonly least?: number;
  readonly most?: number;
  /** Whether it must be a whole number. */
  readonly whole?: boolean;
}

/**
 * Decides which configurations are evaluated, in which order. Returns where it has nothing left to try; a strategy that
 * could go on for ever starts again until the budget is spent.
 */
export interface Strategy {
  readonly name: string;
  readonly about: string;
  readonly settings: Readonly<Record<string, StrategySetting>>;
  run(search: Search, settings: Readonly<Record<string, any>>): Promise<void>;
}
