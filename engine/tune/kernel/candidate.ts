import type { Device } from "../../device/device.ts";
import type { Encode } from "../clock/stopwatch.ts";
import type { Configuration } from "../space/space.ts";

/** What verification showed. */
export interface Verification {
  /** Greatest error over its bound, where there is a truth to compare with. */
  readonly error?: number;
  /** What is wrong, if anything is. */
  readonly message?: string;
}

/** A configuration on a device, compiled and with its memory. */
export interface Candidate {
  /** WGSL of its kernels. */
  readonly wgsl: string;
  /** Floating-point operations and algorithmic bytes of a launch, where they are known. */
  readonly flops?: number;
  readonly bytes?: number;
  /** Runs it at least twice and judges what it wrote. */
  verify(): Promise<Verification>;
  readonly encode: Encode;
  close(): void;
}

/** What is tuned: makes candidates of configurations. */
export interface TuningSubject {
  readonly label: string;
  /**
   * WGSL of a configuration's kernels, without compiling it. Throws LimitError or TuneError where the configuration
   * cannot be had on the device.
   */
  print(device: Device, configuration: Configuration): string;
  /**
   * Throws LimitError or TuneError where the configuration cannot be had on the device, ShaderError and ValidationError
   * where WebGPU refuses it, OutOfMemoryError and DeviceLostError.
   */
  prepare(device: Device, configuration: Configuration): Promise<Candidate>;
  /** What would be taken on the device if nothing were tuned; of an operation, by its tables. */
  standard?(device: Device): Configuration;
}
