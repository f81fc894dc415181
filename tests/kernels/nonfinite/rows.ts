// What every operation makes of infinities, NaN and ties. The casts have theirs in cast.test.ts, labels that are no class
// in softmax_cross_entropy.test.ts.

import * as elementwise from "./elementwise.ts";
import * as layers from "./layers.ts";
import * as lossesAndUpdates from "./losses_and_updates.ts";
import * as normalisation from "./normalisation.ts";

export const ROWS = [elementwise, layers, normalisation, lossesAndUpdates].flatMap((group) => group.ROWS);
