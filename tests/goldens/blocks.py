"""Writes blocks.safetensors: every distinct block of the networks at full width, alone, by PyTorch in float64.

python3 blocks.py [--search N]   # N: tries run seeds 1 to N for each block and prints the best"""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple

import numpy as np
import torch
from torch import Tensor

import oracle
from make import Tensors, clearance, digest
from oracle import (
    FORMULAS,
    Network,
    error,
    generate,
    pool_margins,
    scales,
    seed_of,
    uniform,
    write_safetensors,
)

BATCH = 4
V4, V1, V2 = "inception-v4", "inception-resnet-v1", "inception-resnet-v2"


class Block(NamedTuple):
    model: str
    path: str  # ours
    graph: Callable[..., Tensor]
    at: str  # the oracle's
    grid: tuple[int, int]  # odd, and least for 16 values a channel in the last batch norm
    channels: int
    run: int


BLOCKS = (
    Block(V4, "stem", oracle.v4_stem, "features", (35, 39), 3, 34),
    Block(V4, "inception_a_1", oracle.inception_a, "features.6", (5, 7), 384, 1),
    Block(V4, "reduction_a", oracle.reduction_a, "features.10", (7, 9), 384, 1),
    Block(V4, "inception_b_1", oracle.inception_b, "features.11", (7, 5), 1024, 1),
    Block(V4, "reduction_b", oracle.v4_reduction_b, "features.18", (7, 9), 1024, 1),
    Block(V4, "inception_c_1", oracle.inception_c, "features.19", (3, 5), 1536, 1),
    Block(V1, "stem", oracle.v1_stem, "conv2d", (35, 39), 3, 31),
    Block(V1, "inception_resnet_a_1", oracle.resnet_a, "repeat_1.0", (5, 7), 256, 1),
    Block(V1, "reduction_a", oracle.reduction_a, "mixed_6a", (7, 9), 256, 1),
    Block(V1, "inception_resnet_b_1", oracle.resnet_b, "repeat_2.0", (7, 5), 896, 1),
    Block(V1, "reduction_b", oracle.resnet_reduction_b, "mixed_7a", (7, 9), 896, 1),
    Block(V1, "inception_resnet_c_1", oracle.resnet_c, "repeat_3.0", (3, 5), 1792, 1),
    # the stem of v2 is that of v4
    Block(V2, "inception_resnet_a_1", oracle.resnet_a, "inception_resnet_a_1", (5, 7), 384, 1),
    Block(V2, "reduction_a", oracle.reduction_a, "reduction_a", (7, 9), 384, 1),
    Block(V2, "inception_resnet_b_1", oracle.resnet_b, "inception_resnet_b_1", (7, 5), 1152, 1),
    Block(V2, "reduction_b", oracle.resnet_reduction_b, "reduction_b", (7, 9), 1152, 1),
    Block(V2, "inception_resnet_c_1", oracle.resnet_c, "inception_resnet_c_1", (3, 5), 2144, 1),
)


class Truth(NamedTuple):
    values: Tensors  # `y`, NHWC
    gradients: Tensors  # of <dy, y> in every parameter
    input: Tensors  # its gradient `dx`, NHWC
    running: Tensors
    relu_inputs: list[Tensor]
    pool_inputs: list[Tensor]


def signed(name: str, shape: tuple[int, ...], run: int) -> Tensor:
    """float32 in (-1, 1)."""
    values = 2 * uniform(seed_of(name, run), int(np.prod(shape))) - 1
    return torch.from_numpy(values.reshape(shape).astype(np.float32))


def differentiate(
    block: Block, net: Network, x: Tensor, run: int, dtype: torch.dtype = torch.float64
) -> Truth:
    x = x.to(dtype, copy=True).requires_grad_()
    y = net.run(partial(block.graph, at=block.at), x, training=True).permute(0, 2, 3, 1)
    dy = signed("dy", tuple(y.shape), run).to(dtype)
    names = net.parameters()
    dx, *gradients = torch.autograd.grad(y, [x, *(net.leaves[n] for n in names)], dy)

    def double(t: Tensor) -> np.ndarray:
        return t.detach().double().numpy()

    return Truth(
        values={"y": double(y)},
        gradients={n: double(g) for n, g in zip(names, gradients)},
        input={"dx": double(dx)},
        running={n: double(net.running[n]) for n in net.statistics()},
        relu_inputs=net.relu_inputs,
        pool_inputs=net.pool_inputs,
    )


def golden(block: Block, run: int) -> tuple[Tensors, dict[str, object], float]:
    """Tensors and metadata of a block, and how far it is from a kink, in float32 errors."""
    net = Network(block.model, "paper")
    x = signed("x", (BATCH, *block.grid, block.channels), run)
    with torch.no_grad():
        graph = partial(block.graph, at=block.at)
        net.run(graph, x.double(), training=True, make=partial(generate, run), centre=True)
    exact, rounded = differentiate(block, net, x, run), differentiate(block, net, x, run, torch.float32)
    scale = scales(net, exact.gradients)

    def errors(of: str) -> np.ndarray:
        got, want = getattr(rounded, of), getattr(exact, of)
        by = scale if of == "gradients" else {}
        return np.array([error(got[n], v, by.get(n)) for n, v in want.items()], np.float32)

    tensors = {f"adjusted/{n}": v.numpy() for n, v in net.values.items() if net.kinds[n] in ("beta", "shift")}
    tensors |= {
        "x": digest({"x": x.numpy()}),
        "y": digest(exact.values),
        "y32": errors("values"),
        "dx": digest(exact.input),
        "dx32": errors("input"),
        "gradient": digest(exact.gradients),
        "gradient_scale": np.array(list(scale.values())),
        "torch32": errors("gradients"),
        "running": digest(exact.running),
        "running32": errors("running"),
    }

    def listed(names: list[str]) -> list[object]:
        return [[n, net.kinds[n], list(net.values[n].shape)] for n in names]

    # a pool that reads x has no rounding error before it
    pools = [(a, b) for a, b in zip(exact.pool_inputs, rounded.pool_inputs) if not torch.equal(a, b.double())]
    kinks = clearance([k.abs() for k in exact.relu_inputs], exact.relu_inputs, rounded.relu_inputs)
    ties = clearance([pool_margins(a) for a, _ in pools], *zip(*pools)) if pools else np.inf
    about = {
        "model": block.model,
        "path": block.path,
        "input": list(x.shape),
        "output": list(exact.values["y"].shape),
        "seed": run,
        "parameters": listed(net.parameters()),
        "statistics": listed(net.statistics()),
    }
    return tensors, about, min(kinks, ties)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--search", type=int, default=0)
    options = parser.parse_args()
    tensors: Tensors = {}
    blocks = []
    print(f"{'':40}{'seed':>5}{'clear of kinks':>16}{'y32':>9}{'dx32':>9}{'torch32':>9}{'worst':>9}")
    for block in BLOCKS:
        run = block.run
        if options.search:
            run = max(range(1, options.search + 1), key=lambda r: golden(block, r)[2])
        own, about, clear = golden(block, run)
        tensors |= {f"{len(blocks)}/{name}": v for name, v in own.items()}
        blocks.append(about)
        y32, dx32, torch32 = own["y32"][0], own["dx32"][0], own["torch32"]
        print(
            f"{block.model + ' ' + block.path:40}{run:5}{clear:16.1f}{y32:9.1e}{dx32:9.1e}"
            f"{np.median(torch32):9.1e}{torch32.max():9.1e}",
            flush=True,
        )
    if not options.search:
        listed = json.dumps(blocks, separators=(",", ":"))
        metadata = {"formulas": FORMULAS, "torch": torch.__version__, "blocks": listed}
        path = Path(__file__).parent / "blocks.safetensors"
        write_safetensors(path, tensors, metadata)
        print(f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
