/**
 * What the library has in Node alone: folders of images.
 * @module tessera-gpu/node
 */

export { cacheFolder } from "./cache.node.ts";
export { type Batch, type BatchOptions, decodeImage, ImageBatches } from "./data/batches.node.ts";
export { type ImageFolder, type LeftOut, type Sample, scanFolder } from "./data/folder.node.ts";
export { decodePicture, type PictureOptions, readPicture } from "./data/picture.node.ts";
export { type Box, type Interpolation, type Picture, resample } from "./data/resample.ts";
