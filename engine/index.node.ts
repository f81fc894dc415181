/**
 * What the library has in Node alone: folders of images.
 * @module tessera-gpu/node
 */

export { cacheFolder } from "./cache.node.ts";
export {
  type Batch,
  type BatchOptions,
  decodeImage,
  ImageBatches,
  type Sample,
  scanFolder,
} from "./io/images.node.ts";
