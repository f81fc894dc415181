import type { Device } from "../device/device.ts";
import { GPUBufferUsage } from "../device/flags.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Plan } from "./plan.ts";

/** The uniform struct of a dispatch as the kernel reads it. */
export function uniformBytes({ kernel, uniforms }: Dispatch): Uint8Array<ArrayBuffer> {
  const data = new DataView(new ArrayBuffer(kernel.reflected.uniform.size));
  for (const [name, { offset, type }] of kernel.reflected.uniform.fields) {
    const value = uniforms[name];
    if (type === "f32") data.setFloat32(offset, value, true);
    else if (type === "i32") data.setInt32(offset, value, true);
    else data.setUint32(offset, value, true);
  }
  return new Uint8Array(data.buffer);
}

/** Writes the uniforms of all dispatches into one buffer; returns where each one's are. */
export async function packUniforms(
  device: Device,
  plan: Plan,
  own: (label: string, bytes: number, usage: number) => Promise<GPUBuffer>,
): Promise<(GPUBufferBinding | undefined)[]> {
  const align = device.traits.uniformAlignment;
  const at: number[] = [];
  let bytes = 0;
  for (const { kernel } of plan.dispatches) {
    at.push(bytes);
    bytes += Math.ceil(kernel.reflected.uniform.size / align) * align;
  }
  if (bytes === 0) return plan.dispatches.map(() => undefined);
  const data = new Uint8Array(bytes);
  for (const [i, dispatch] of plan.dispatches.entries()) data.set(uniformBytes(dispatch), at[i]);
  const buffer = await own("uniforms", bytes, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
  device.write(buffer, 0, data);
  return plan.dispatches.map(({ kernel }, i) => ({
    buffer,
    offset: at[i],
    size: kernel.reflected.uniform.size,
  }));
}
