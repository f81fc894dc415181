// The rectified linear unit for kernels of any operation: they call its WGSL functions, which are appended here.

import { atWidth, type Width } from "../vec4.ts";
import functionWgsl from "./function.wgsl";
import gradient from "./gradient.wgsl";
import optional from "./optional.wgsl";

/** A kernel that calls `relu(x)`. */
export const withRelu = (wgsl: string, width: Width = 1): string => atWidth(wgsl + functionWgsl, width);

/** A kernel that calls `relu_gradient(y, dy)`. */
export const withReluGradient = (wgsl: string, width: Width = 1): string => withRelu(wgsl + gradient, width);

/** A kernel that calls `activation(x)`: relu where `shape.relu` is not 0, else x. */
export const withActivation = (wgsl: string): string => withRelu(wgsl + optional);
