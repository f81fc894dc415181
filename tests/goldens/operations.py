"""Writes operations.safetensors: every operation's outputs and gradients by PyTorch in float64.

Inputs come from the hash of README.md and are representable in float32. What PyTorch has no operation for is
composed of those it has, or written in numpy: TensorFlow's RMSProp, the clipping factor, dropout's mask, float16
in words."""

import json
import math
from pathlib import Path
from typing import Any, Callable, Optional, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from oracle import seed_of, uniform, write_safetensors

Shape = Sequence[int]
Values = dict[str, Tensor]
Attrs = dict[str, Any]
HERE = Path(__file__).parent

cases: list[dict[str, Any]] = []
tensors: dict[str, np.ndarray] = {}


def record(
    op: str,
    what: str,
    inputs: dict[str, Any],
    compute: Callable[..., Values],
    attrs: Optional[dict[str, Any]] = None,
    differentiable: str = "",
    of: str = "y",
) -> None:
    """Adds a case: `inputs` are shapes, to be filled in [-1, 1), or values, or functions of the attributes and of
    the inputs before them; `compute` makes outputs of the attributes and of them, under the names of the operation;
    the inputs named in `differentiable` get the gradient of the output `of`."""
    case, attrs = f"{op}.{sum(c['op'] == op for c in cases)}", attrs or {}
    given: Values = {}
    for name, v in inputs.items():
        if callable(v):
            given[name] = v(attrs, given)
        elif isinstance(v, np.ndarray):
            exact = v.dtype.kind == "i" or np.array_equal(v, v.astype(np.float32))
            assert exact, f"{case}: {name} is no float32"
            given[name] = torch.from_numpy(v.astype(np.float64))
        else:
            given[name] = torch.from_numpy(drawn(f"{case}/{name}", v).astype(np.float64))
    leaves = {n: v.clone().requires_grad_(n in differentiable.split()) for n, v in given.items()}
    outputs = compute(attrs, **leaves)
    stored = {f"in/{n}": v for n, v in given.items()} | {f"out/{n}": v for n, v in outputs.items()}
    if differentiable:
        names = differentiable.split()
        dy = torch.from_numpy(drawn(f"{case}/d{of}", outputs[of].shape).astype(np.float64))
        gradients = torch.autograd.grad(outputs[of], [leaves[n] for n in names], dy)
        stored |= {f"in/d{of}": dy} | {f"out/d{n}": g for n, g in zip(names, gradients)}
    for name, v in stored.items():
        tensors[f"{case}/{name}"] = v.detach().double().numpy()
    cases.append({"op": op, "what": what, "inputs": list(given), "attrs": attrs})


def drawn(name: str, shape: Shape, low: float = -1, high: float = 1) -> np.ndarray:
    """float32, uniform between low and high."""
    u = uniform(seed_of(name, 1), math.prod(shape)).reshape(tuple(shape))
    return (low + (high - low) * u).astype(np.float32)


def nchw(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def nhwc(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def padded(x: Tensor, padding: Sequence[Sequence[int]], value: float = 0) -> Tensor:
    """NHWC to NCHW, with so many rows above and below, columns left and right."""
    (top, below), (left, right) = padding
    return F.pad(nchw(x), (left, right, top, below), value=value)


# ---- Layers -----------------------------------------------------------------------------------------------


def conv2d(a: Attrs, x: Tensor, w: Tensor, b: Optional[Tensor] = None) -> Values:
    return {"y": nhwc(F.conv2d(padded(x, a["padding"]), w.permute(3, 2, 0, 1), b, a["stride"]))}


def max_pool2d(a: Attrs, x: Tensor) -> Values:
    window, stride = a["window"], a["stride"]
    image = padded(x, a["padding"], -math.inf)
    y, flat = F.max_pool2d(image, window, stride, return_indices=True)
    row, col = flat // image.shape[3], flat % image.shape[3]
    row = row - stride[0] * torch.arange(y.shape[2])[:, None]
    col = col - stride[1] * torch.arange(y.shape[3])
    return {"y": nhwc(y), "index": nhwc(row * window[1] + col)}


def avg_pool2d(a: Attrs, x: Tensor) -> Values:
    window, stride = a["window"], a["stride"]
    (top, below), (left, right) = a["padding"]
    if top == below and left == right:
        y = F.avg_pool2d(nchw(x), window, stride, (top, left), count_include_pad=False)
    else:
        of, ones = padded(x, a["padding"]), padded(torch.ones_like(x), a["padding"])
        y = F.avg_pool2d(of, window, stride) / F.avg_pool2d(ones, window, stride)
    return {"y": nhwc(y)}


def batch_norm(
    a: Attrs,
    x: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    gamma: Optional[Tensor] = None,
) -> Values:
    training, epsilon = a["training"], a["epsilon"]
    mean, variance = running_mean.clone(), running_var.clone()
    rows = x.flatten(0, -2)  # pixels of all images
    y = F.batch_norm(rows, mean, variance, gamma, beta, training, 1 - a["decay"], epsilon)
    used = rows.var(0, unbiased=False) if training else running_var
    out = {"y": y.reshape(x.shape), "mean": rows.mean(0) if training else running_mean}
    out["rstd"] = (used + epsilon).rsqrt()
    return out | ({"running_mean": mean, "running_var": variance} if training else {})


def moments(a: Attrs, x: Tensor) -> Values:
    parts = [p for group in x.reshape(a["groups"], -1, x.shape[-1]) for p in group.split(a["rows"])]
    pairs = [torch.stack((p.mean(0), p.var(0, unbiased=False) * len(p))) for p in parts]
    return {"moments": torch.stack(pairs).reshape(a["groups"], -1, 2, x.shape[-1])}


def batch_norm_relu(a: Attrs, moments: Tensor, **inputs: Tensor) -> Values:
    """By the batch's own statistics: those that the moments hold."""
    out = batch_norm(a | {"training": True}, **inputs)
    return out | {"y": out["y"].relu()}


def linear(a: Attrs, x: Tensor, w: Tensor, b: Optional[Tensor] = None) -> Values:
    return {"y": F.linear(x.flatten(1), w.t(), b)}


def softmax_cross_entropy(a: Attrs, logits: Tensor, labels: Tensor) -> Values:
    target, smoothing = labels.long(), a["smoothing"]
    losses = F.cross_entropy(logits, target, reduction="none", label_smoothing=smoothing)
    mine, place = logits.gather(1, target[:, None]), torch.arange(logits.shape[1])
    ahead = (logits > mine) | ((logits == mine) & (place < target[:, None]))
    loss = F.cross_entropy(logits, target, label_smoothing=smoothing).reshape(1)
    return {"loss": loss, "losses": losses, "log_sum": logits.logsumexp(1), "rank": ahead.sum(1)}


def mean_squared_error(a: Attrs, x: Tensor, target: Tensor) -> Values:
    return {"loss": F.mse_loss(x, target).reshape(1)}


def dropout(a: Attrs, x: Tensor, counter: Tensor) -> Values:
    """Our own mask, from the same integer hash as the kernel's, written again."""

    def scatter(word: np.ndarray) -> np.ndarray:
        h = word + np.uint32(0x9E3779B9)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x21F0AAAD)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x735A2D97)
        return h ^ (h >> np.uint32(15))

    bits = scatter(np.arange(x.numel(), dtype=np.uint32))
    for word in (*counter.numpy(), a["key"]):
        bits = scatter(bits ^ np.uint32(word))
    kept = (bits >> np.uint32(8)) < math.ceil(a["keep"] * 2**24)
    return {"y": x * torch.from_numpy(kept).reshape(x.shape) / a["keep"]}


def scale_add_relu(a: Attrs, x: Tensor, r: Tensor) -> Values:
    y = x + a["scale"] * r
    return {"y": y.relu() if a["relu"] else y}


def conv2d_moments(a: Attrs, **inputs: Tensor) -> Values:
    y = conv2d(a, **inputs)["y"]
    return {"y": y} | moments({"rows": 16, "groups": 1}, y)


def conv2d_residual(a: Attrs, shortcut: Tensor, **inputs: Tensor) -> Values:
    return scale_add_relu(a, shortcut, conv2d(a, **inputs)["y"])


def conv2d_batch_norm_relu(
    a: Attrs, x: Tensor, w: Tensor, b: Optional[Tensor] = None, **statistics: Tensor
) -> Values:
    y = conv2d(a, x, w, b)["y"]
    y = batch_norm(a | {"training": False, "decay": 0}, y, **statistics)["y"]
    return {"y": y.relu() if a["relu"] else y}


def cast_f16(a: Attrs, x: Tensor) -> Values:
    with np.errstate(over="ignore"):
        half = x.numpy().reshape(-1).astype(np.float32).astype(np.float16).view(np.uint16).astype(np.float64)
    half = np.append(half, np.zeros(len(half) % 2)).reshape(-1, 2)
    return {"y": torch.from_numpy(half[:, 0] + 65536 * half[:, 1])}


def cast_f32(a: Attrs, x: Tensor) -> Values:
    half = x.numpy().astype(np.uint32).view(np.float16)  # the earlier one in the low half
    return {"y": torch.from_numpy(half[: math.prod(a["shape"])].astype(np.float64)).reshape(a["shape"])}


def layers() -> None:
    none = [[0, 0], [0, 0]]
    for what, x, w, stride, padding, bias in (
        ("3x3 same", [2, 5, 6, 3], [3, 3, 3, 4], [1, 1], [[1, 1], [1, 1]], True),
        ("1x7 same", [1, 4, 9, 3], [1, 7, 3, 5], [1, 1], [[0, 0], [3, 3]], False),
        ("7x1 same", [2, 9, 4, 2], [7, 1, 2, 3], [1, 1], [[3, 3], [0, 0]], True),
        ("1x1", [2, 3, 4, 6], [1, 1, 6, 5], [1, 1], none, False),
        ("uneven strides and padding", [2, 8, 9, 3], [3, 2, 3, 4], [3, 2], [[2, 0], [1, 2]], True),
        ("stride beyond the window", [1, 10, 9, 2], [1, 2, 2, 3], [4, 3], none, True),
    ):
        inputs = {"x": x, "w": w} | ({"b": [w[3]]} if bias else {})
        record("conv2d", what, inputs, conv2d, {"stride": stride, "padding": padding}, " ".join(inputs))
    for what, x, w, y, stride, padding, bias, relu in (
        ("3x3 same", [2, 5, 6, 3], [3, 3, 3, 4], [2, 5, 6, 4], [1, 1], [[1, 1], [1, 1]], True, True),
        ("1x1", [1, 3, 4, 6], [1, 1, 6, 5], [1, 3, 4, 5], [1, 1], none, False, False),
        ("uneven strides", [2, 8, 9, 3], [3, 2, 3, 4], [2, 3, 6, 4], [3, 2], [[2, 0], [1, 2]], True, True),
    ):
        o = w[3:]
        inputs = {"x": x, "w": w} | ({"b": o} if bias else {})
        attrs = {"stride": stride, "padding": padding}
        record("conv2d_moments", what, inputs, conv2d_moments, attrs, " ".join(inputs))
        of = inputs | {"shortcut": y}
        scaled = attrs | {"scale": 0.17, "relu": relu}
        record("conv2d_residual", what, of, conv2d_residual, scaled, " ".join(of))
        of = inputs | ({"gamma": o} if bias else {}) | {"beta": o, "running_mean": o}
        of["running_var"] = drawn(f"conv2d_batch_norm_relu {what}", o, 0.5, 1.5)
        frozen = attrs | {"epsilon": 1e-3, "relu": relu}
        record("conv2d_batch_norm_relu", what, of, conv2d_batch_norm_relu, frozen)
    for what, x, window, stride, padding in (
        ("3x3 stride 2 valid", [2, 7, 9, 3], [3, 3], [2, 2], none),
        ("3x3 same", [2, 5, 6, 3], [3, 3], [1, 1], [[1, 1], [1, 1]]),
        ("rows and columns no window reaches", [1, 10, 8, 2], [3, 3], [2, 2], none),
        ("uneven window, stride and padding", [2, 8, 11, 3], [4, 3], [3, 2], [[2, 0], [1, 2]]),
        ("stride beyond the window", [1, 10, 9, 2], [1, 2], [4, 3], none),
    ):
        attrs = {"window": window, "stride": stride, "padding": padding}
        record("max_pool2d", what, {"x": x}, max_pool2d, attrs, "x")
        record("avg_pool2d", what, {"x": x}, avg_pool2d, attrs, "x")
    for what, x, training, epsilon, decay, scale in (
        ("images", [2, 3, 5, 4], True, 1e-3, 0.9997, True),
        ("images without gamma", [3, 2, 4, 3], True, 1e-3, 0.995, False),
        ("a matrix", [7, 3], True, 0.1, 0.5, True),
        ("images, frozen statistics", [2, 3, 4, 5], False, 1e-3, 0.9, True),
        ("a matrix, frozen statistics", [4, 3], False, 0.1, 0.9, False),
    ):
        c = x[-1:]
        inputs = {"x": x} | ({"gamma": c} if scale else {}) | {"beta": c, "running_mean": c}
        inputs["running_var"] = drawn(f"batch_norm {what}", c, 0.5, 1.5)
        attrs = {"training": training, "epsilon": epsilon, "decay": decay}
        record("batch_norm", what, inputs, batch_norm, attrs, "x gamma beta" if scale else "x beta")
    for what, x, rows, groups, scale in (
        ("images", [2, 3, 5, 4], 16, 1, True),
        ("images, each cut on its own", [3, 5, 7, 4], 16, 3, False),
        ("parts across images", [2, 3, 5, 3], 7, 1, True),
    ):
        c = x[-1:]
        cut = {"rows": rows, "groups": groups}
        record("moments", what, {"x": x}, moments, cut)
        inputs = {"x": x, "moments": lambda a, given: moments(a, given["x"])["moments"]}
        inputs |= ({"gamma": c} if scale else {}) | {"beta": c, "running_mean": c}
        inputs["running_var"] = drawn(f"batch_norm_relu {what}", c, 0.5, 1.5)
        attrs = cut | {"epsilon": 1e-3, "decay": 0.9}
        record("batch_norm_relu", what, inputs, batch_norm_relu, attrs, "x gamma beta" if scale else "x beta")
    record("linear", "a batch", {"x": [4, 7], "w": [7, 5], "b": [5]}, linear, {}, "x w b")
    record("linear", "images flattened", {"x": [2, 3, 2, 5], "w": [30, 4]}, linear, {}, "x w")
    for x in ([2, 3, 5, 4], [1, 1, 7, 3]):
        record("global_avg_pool", f"{x[1]}x{x[2]}", {"x": x}, lambda a, x: {"y": x.mean((1, 2))}, {}, "x")
    for n, k, smoothing, reach in ((4, 10, 0.0, 4), (4, 10, 0.1, 4), (3, 7, 0.3, 40), (1, 5, 0.0, 1)):
        logits = drawn(f"logits {n} {k} {smoothing}", [n, k], -reach, reach)
        inputs = {"logits": logits, "labels": np.arange(n) * 3 % k}
        what = f"{k} classes, {n} images, logits to {reach}, smoothing {smoothing}"
        attrs = {"smoothing": smoothing}
        record("softmax_cross_entropy", what, inputs, softmax_cross_entropy, attrs, "logits", "loss")


def elementwise() -> None:
    for x in ([2, 3, 4, 5], [7]):
        what = "x".join(map(str, x))
        record("relu", what, {"x": x}, lambda a, x: {"y": x.relu()}, {}, "x")
        record("add", what, {"a": x, "b": x}, lambda _, a, b: {"y": a + b}, {}, "a b")
        record("copy", what, {"x": x}, lambda a, x: {"y": x.clone()}, {}, "x")
        record("multiply", what, {"a": x, "b": x}, lambda _, a, b: {"y": a * b}, {}, "a b")
        spread = {"x": drawn(f"sigmoid {what}", x, -12, 12)}
        record("sigmoid", what, spread, lambda a, x: {"y": x.sigmoid()}, {}, "x")
        spread = {"x": drawn(f"tanh {what}", x, -4, 4)}
        record("tanh", what, spread, lambda a, x: {"y": x.tanh()}, {}, "x")
        record("mean", what, {"x": x}, lambda a, x: {"y": x.mean().reshape(1)}, {}, "x")
        of = {"x": x, "target": x}
        record("mean_squared_error", what, of, mean_squared_error, {}, "x target", "loss")
        for factor in (0.375, -2.5):
            by = {"scale": factor}
            record("scale", f"{what} by {factor}", {"x": x}, lambda a, x: {"y": a["scale"] * x}, by, "x")
    for x in ([4, 10], [2, 3, 4, 5]):
        wide = drawn(f"softmax {x}", x, -20, 20)
        what = f"{x[-1]} classes"
        record("softmax", what, {"x": wide}, lambda a, x: {"y": x.softmax(-1)}, {}, "x")
    for scale, relu in ((0.17, True), (-0.5, True), (0.2, False), (1, False)):
        what = f"scale {scale}{' and relu' if relu else ''}"
        attrs = {"scale": scale, "relu": relu}
        record("scale_add_relu", what, {"x": [2, 3, 4, 5], "r": [2, 3, 4, 5]}, scale_add_relu, attrs, "x r")
    for squares in (False, True):
        for x in ([2, 3, 4, 5], [67]):
            what = f"{'squares of ' if squares else ''}{'x'.join(map(str, x))}"
            compute = lambda a, x: {"y": (x.square() if a["squares"] else x).sum().reshape(1)}
            record("sum", what, {"x": x}, compute, {"squares": squares}, "x")
    for lead in ([2, 3, 4], [5]):
        for parts in (2, 3):
            inputs = {f"x{i + 1}": [*lead, 3 + 2 * i] for i in range(parts)}
            join = lambda _, **x: {"y": torch.cat(list(x.values()), -1)}
            record("concat", f"{parts} of {len(lead) + 1} axes", inputs, join, {}, " ".join(inputs))
    for x, keep, key in (([3, 40], 0.8, 5), ([2, 3, 4, 5], 0.25, 2**32 - 1)):
        inputs = {"x": x, "counter": np.array([123456789, 4000000000])}
        record("dropout", f"keep {keep}", inputs, dropout, {"keep": keep, "key": key}, "x")
    edges = [1 + 2**-11, 1 + 3 * 2**-11, 2**-14 - 2**-25, 2**-25, 2**-25 + 2**-48, -0.0]
    edges += [65519, 65520, -(2**100), np.inf]
    record("cast_f16", "values up to 1", {"x": [3, 5]}, cast_f16)
    record("cast_f16", "ties, subnormals, overflow", {"x": np.array(edges)}, cast_f16)
    words = np.array([0x3C00BC01, 0x00018400, 0x7BFF03FF, 0x80007C00])
    record("cast_f32", "normal, subnormal, infinite", {"x": words}, cast_f32, {"shape": [2, 4]})
    record("cast_f32", "an odd number", {"x": words[:3]}, cast_f32, {"shape": [5]})


# ---- Optimisers: one step from a given state ----------------------------------------------------------------


def leaf(w: Tensor, gradient: Tensor) -> torch.nn.Parameter:
    parameter = torch.nn.Parameter(w.clone())
    parameter.grad = gradient.clone()
    return parameter


def sgd(
    a: Attrs, w: Tensor, g: Tensor, momentum: Tensor, rate: Tensor, factor: Optional[Tensor] = None
) -> Values:
    p = leaf(w, g if factor is None else factor * g)
    optimizer = torch.optim.SGD([p], rate.item(), a["momentum"], 0, a["weightDecay"], a["nesterov"])
    optimizer.state[p]["momentum_buffer"] = momentum.clone()
    optimizer.step()
    # without momentum PyTorch keeps no buffer
    kept = {"momentum": optimizer.state[p]["momentum_buffer"]} if a["momentum"] else {}
    return {"w": p.detach()} | kept


def adamw(
    a: Attrs,
    w: Tensor,
    g: Tensor,
    mean: Tensor,
    variance: Tensor,
    rate: Tensor,
    correction: Tensor,
    factor: Optional[Tensor] = None,
) -> Values:
    p = leaf(w, g if factor is None else factor * g)
    betas = (a["beta1"], a["beta2"])
    optimizer = torch.optim.AdamW([p], rate.item(), betas, a["epsilon"], a["weightDecay"])
    taken = round(math.log(1 - correction[0].item()) / math.log(a["beta1"])) - 1
    state = {"step": torch.tensor(float(taken)), "exp_avg": mean.clone(), "exp_avg_sq": variance.clone()}
    optimizer.state[p].update(state)
    optimizer.step()
    return {"w": p.detach(), "mean": state["exp_avg"], "variance": state["exp_avg_sq"]}


def rmsprop(
    a: Attrs,
    w: Tensor,
    g: Tensor,
    mean_square: Tensor,
    momentum: Tensor,
    rate: Tensor,
    factor: Optional[Tensor] = None,
) -> Values:
    """As TensorFlow documents ApplyRMSProp; PyTorch's has epsilon outside the root."""
    gradient = (g if factor is None else factor * g) + a["weightDecay"] * w
    square = a["decay"] * mean_square + (1 - a["decay"]) * gradient * gradient
    step = a["momentum"] * momentum + rate * gradient / (square + a["epsilon"]).sqrt()
    return {"w": w - step, "mean_square": square, "momentum": step}


def clip_factor(a: Attrs, squares: Tensor) -> Values:
    norm = squares.sqrt()
    return {"norm": norm, "factor": (a["limit"] / norm).clamp(max=1)}


def optimisers() -> None:
    n = [23]
    bank = {"w": n, "g": n}
    scalars = {"rate": np.array([0.0625])}
    clipped = scalars | {"factor": np.array([0.375])}
    for m, nesterov, decay, rest in (
        (0.9, False, 1e-4, scalars),
        (0.9, True, 0.5, clipped),
        (0, False, 0.5, clipped),
    ):
        attrs = {"momentum": m, "nesterov": nesterov, "weightDecay": decay}
        record("sgd", worded(attrs), bank | {"momentum": n} | rest, sgd, attrs)
    for epsilon, m, decay, rest in (
        (1.0, 0.9, 4e-5, scalars),
        (1e-3, 0, 0, clipped),
        (0.25, 0.3, 0.5, clipped),
    ):
        attrs = {"decay": 0.9, "momentum": m, "epsilon": epsilon, "weightDecay": decay}
        inputs = bank | {"mean_square": drawn("mean_square", n, 0.1, 1.1), "momentum": n} | rest
        record("rmsprop", worded(attrs), inputs, rmsprop, attrs)
    # dyadic, so that the corrections are float32
    for taken, beta1, beta2, epsilon, decay, rest in (
        (0, 0.875, 0.96875, 1e-8, 0.01, scalars),
        (1, 0.875, 0.96875, 1e-8, 0.5, clipped),
        (2, 0.5, 0.75, 0.5, 0, scalars),
    ):
        kept = min(taken, 1)  # both begin at 0
        moments = {"mean": kept * drawn("mean", n), "variance": kept * drawn("variance", n, 0.1, 1)}
        inputs = bank | moments | rest
        inputs["correction"] = np.array([1 - beta1 ** (taken + 1), 1 - beta2 ** (taken + 1)])
        attrs = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon, "weightDecay": decay}
        record("adamw", f"step {taken + 1}, {worded(attrs)}", inputs, adamw, attrs)
    for squares, limit in ((24.90625, 5), (3721.5, 2), (2.0**100, 0.1)):
        inputs = {"squares": np.array([squares])}
        record("clip_factor", f"{squares} to {limit}", inputs, clip_factor, {"limit": limit})
    for decay in (0.9997, 2 / 11):
        inputs = {"average": n, "w": n, "decay": np.array([decay], np.float32)}
        average = lambda _, average, w, decay: {"average": decay * average + (1 - decay) * w}
        record("weight_average", f"decay {decay}", inputs, average)


def worded(attrs: Attrs) -> str:
    return ", ".join(f"{name} {v}" for name, v in attrs.items())


def main() -> None:
    layers()
    elementwise()
    optimisers()
    metadata = {"cases": json.dumps(cases, separators=(",", ":")), "torch": torch.__version__}
    path = HERE / "operations.safetensors"
    write_safetensors(path, tensors, metadata)
    print(f"{len(cases)} cases, {len(tensors)} tensors, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
