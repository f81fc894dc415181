/** Methods of a device that make an object on it. */
const MAKERS = [
  "createBuffer",
  "createTexture",
  "createBindGroup",
  "createBindGroupLayout",
  "createPipelineLayout",
  "createShaderModule",
  "createComputePipeline",
  "createComputePipelineAsync",
  "createQuerySet",
  "createCommandEncoder",
] as const;

/** Counts what is made on a device, by kind, until it is stopped. */
export class ObjectCount {
  #made: Record<string, number> = {};

  constructor(private readonly gpu: GPUDevice) {
    for (const maker of MAKERS) {
      const make = gpu[maker].bind(gpu) as (...args: unknown[]) => unknown;
      const value = (...args: unknown[]) => {
        const kind = maker.slice("create".length);
        this.#made[kind] = (this.#made[kind] ?? 0) + 1;
        return make(...args);
      };
      Object.defineProperty(gpu, maker, { value, configurable: true });
    }
  }

  /** What was made since the last call. */
  take(): Readonly<Record<string, number>> {
    const made = this.#made;
    this.#made = {};
    return made;
  }

  stop(): void {
    for (const maker of MAKERS) Reflect.deleteProperty(this.gpu, maker); // what it hid is the prototype's
  }
}
