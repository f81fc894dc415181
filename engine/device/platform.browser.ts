import { FormatError, NoAdapterError } from "../errors.ts";
import type { AdapterSearch, Found } from "./platform.ts";

/** The browser's own adapter. */
export async function findAdapter({ adapter }: AdapterSearch): Promise<Found> {
  if (adapter)
    throw new NoAdapterError(`a browser offers no choice of adapter, but ${adapter} was asked for`);
  const gpu = navigator.gpu;
  if (!gpu)
    throw new NoAdapterError(
      "no WebGPU here: navigator.gpu is missing. The page must come from https or localhost, in a browser with WebGPU",
    );
  const found = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!found)
    throw new NoAdapterError(
      "navigator.gpu has no adapter: WebGPU is switched off or the GPU is not supported",
    );
  return { adapter: found, kind: "browser", implementation: navigator.userAgent, keep: gpu };
}

/** Waits for the device: a browser does so without keeping a core busy. */
export const waitWithPauses = <T>(pending: Promise<T>): Promise<T> => pending;

/** Text of a file at a URL. */
export async function readText(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new FormatError(`${url}: cannot be read: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/** A switch from outside: none in a browser. */
export const environment = (_name: string): string | undefined => undefined;
