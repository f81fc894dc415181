"""The networks of arXiv 1602.07261 in PyTorch, with weights and images that any language can regenerate.

README.md states the formulas; this file is their reference implementation."""

import json
import math
import re
from functools import partial
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FORMULAS = "1"
EPSILON = 1e-3  # inside the root of every batch norm
SCALES = (0.17, 0.10, 0.20)  # residual scales of the 35x35, 17x17 and 8x8 blocks
REACH = 0.1  # how far gap-centring may move the input of a relu

PUBLIC = {  # names of our tensors in the public checkpoints
    "w": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}

VARIANTS = (
    ("inception-v4", "paper"),
    ("inception-v4", "slim"),
    ("inception-resnet-v1", "paper"),
    ("inception-resnet-v1", "facenet"),
    ("inception-resnet-v2", "paper"),
    ("inception-resnet-v2", "slim"),
)


# ---- Numbers from a hash ----------------------------------------------------------------------------------


def mix(x: np.ndarray) -> np.ndarray:
    """A bijection of u32 that lets every input bit reach every output bit."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def hash32(seed: int, count: int) -> np.ndarray:
    """hash(seed, i) for i in 0 .. count-1."""
    i = np.arange(count, dtype=np.uint32)
    return mix(mix(i + np.uint32(0x9E3779B9)) ^ mix(np.array([seed], np.uint32)))


def uniform(seed: int, count: int) -> np.ndarray:
    """float64 in (0, 1), exact."""
    return (hash32(seed, count) + 0.5) / 2**32


def seed_of(name: str, run: int) -> int:
    """FNV-1a of `name#run`."""
    h = 0x811C9DC5
    for byte in f"{name}#{run}".encode():
        h = (h ^ byte) * 0x01000193 % 2**32
    return h


def generate(run: int, name: str, shape: tuple[int, ...], kind: str) -> Tensor:
    """The float32 value of a tensor of run seed `run`, before gap-centring."""
    n, seed = math.prod(shape), seed_of(name, run)
    if kind == "beta":  # close to normal: 1.5 + 0.5 N
        v = 1.5 + 0.5 * (uniform(seed, 4 * n).reshape(n, 4).sum(1) - 2) * math.sqrt(3)
    else:
        u = uniform(seed, n)
        if kind == "conv":  # every filter has zero mean over its input channels
            u = u.reshape(shape)
            v = u - np.roll(u, -1, axis=1) if shape[1] > 1 else (u - 0.5) * 2
            v = v * math.sqrt(12 / math.prod(shape[1:]))
        elif kind == "linear":
            v = (u - 0.5) * 2 * math.sqrt(3 / shape[1])
        else:
            small = (u - 0.5) * 0.2
            v = {
                "bias": small,
                "shift": small,
                "gamma": 1 + 0.2 * (u - 0.5),
                "mean": small,
                "variance": 0.5 + u,
            }[kind]
    return torch.from_numpy(v.reshape(shape).astype(np.float32))


def batch(images: int, size: int, classes: int, run: int) -> tuple[Tensor, Tensor]:
    """Images, NHWC float32 in (-1, 1), and labels."""
    shape = (images, size, size, 3)
    x = 2 * uniform(seed_of("images", run), math.prod(shape)).reshape(shape) - 1
    labels = hash32(seed_of("labels", run), images) % np.uint32(classes)
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(labels.astype(np.int64))


# ---- The networks -----------------------------------------------------------------------------------------


class Conv(NamedTuple):
    height: int
    width: int
    filters: int
    stride: int
    valid: bool


def parse(layer: str) -> Conv:
    """`3x3 96 /2 V`: height x width, filters, stride (1), VALID padding (SAME)."""
    m = re.fullmatch(r"(\d)x(\d) (\d+)( /2)?( V)?", layer)
    if not m:
        raise ValueError(f"cannot read the layer '{layer}'")
    return Conv(int(m[1]), int(m[2]), int(m[3]), 2 if m[4] else 1, bool(m[5]))


class Network:
    """One variant: its graph, written once, and its tensors by name.

    A tensor of `values` is made at its first use, so that the graph is the only list of layers."""

    def __init__(self, model: str, variant: str, width: float = 1, classes: int = 1000):
        if (model, variant) not in VARIANTS:
            known = ", ".join(" ".join(v) for v in VARIANTS)
            raise ValueError(f"no network {model} {variant}; there are {known}")
        self.model, self.variant, self.width, self.classes = model, variant, width, classes
        self.decay = 0.995 if model == "inception-resnet-v1" else 0.9997
        self.values: dict[str, Tensor] = {}  # float32
        self.kinds: dict[str, str] = {}  # in order of first use
        # Our own path names for the one network that has no public checkpoint.
        self.paths = (model, variant) == ("inception-resnet-v2", "paper")

    def logits(self, images: Tensor, dtype: torch.dtype = torch.float64, **how: Any) -> Tensor:
        """[N, classes] of NHWC images."""
        graph = {
            "inception-v4": inception_v4,
            "inception-resnet-v1": inception_resnet_v1,
            "inception-resnet-v2": inception_resnet_v2,
        }
        return self.run(graph[self.model], images.to(dtype), **how)

    def run(
        self,
        graph: Callable[["Network", Tensor], Tensor],
        x: Tensor,
        training: bool = False,
        make: Optional[Callable[[str, tuple[int, ...], str], Tensor]] = None,
        centre: bool = False,
    ) -> Tensor:
        """What `graph`, the network or a part of it, makes of x [N,H,W,C].

        Afterwards `leaves` holds the tensors as used, `running` the new statistics, `relu_inputs` and
        `pool_inputs` what comes before the kinks."""
        self.dtype, self.training, self.make, self.centre = x.dtype, training, make, centre
        self.leaves: dict[str, Tensor] = {}
        self.running: dict[str, Tensor] = {}
        self.relu_inputs: list[Tensor] = []
        self.pool_inputs: list[Tensor] = []
        return graph(self, x.permute(0, 3, 1, 2))

    def parameters(self) -> list[str]:
        return [n for n, kind in self.kinds.items() if kind not in ("mean", "variance")]

    def statistics(self) -> list[str]:
        return [n for n, kind in self.kinds.items() if kind in ("mean", "variance")]

    # -- tensors --

    def scaled(self, filters: int) -> int:
        return max(1, math.floor(filters * self.width + 0.5))

    def name(self, owner: str, what: str) -> str:
        if self.paths:
            return f"{owner}/{what}"
        return f"{owner}.{PUBLIC[what]}"

    def tensor(self, name: str, shape: tuple[int, ...], kind: str) -> Tensor:
        self.kinds[name] = kind
        if name not in self.values:
            if not self.make:
                raise KeyError(f"no tensor {name} {list(shape)}")
            self.values[name] = self.make(name, shape, kind)
        if tuple(self.values[name].shape) != shape:
            raise ValueError(f"{name} is {list(self.values[name].shape)} but the network has {list(shape)}")
        leaf = self.values[name].to(self.dtype, copy=True)
        self.leaves[name] = leaf.requires_grad_(torch.is_grad_enabled() and kind not in ("mean", "variance"))
        return leaf

    # -- layers --

    def convolve(self, x: Tensor, owner: str, conv: Conv) -> Tensor:
        shape = (self.scaled(conv.filters), x.shape[1], conv.height, conv.width)
        w = self.tensor(self.name(owner, "w"), shape, "conv")
        padding = (0, 0) if conv.valid else (conv.height // 2, conv.width // 2)
        return F.conv2d(x, w, stride=conv.stride, padding=padding)

    def batch_norm(self, z: Tensor, owner: str) -> tuple[Tensor, str]:
        """Over all axes but the channels; also the name of beta."""
        names = {kind: self.name(owner, kind) for kind in ("gamma", "beta", "mean", "variance")}
        gamma, beta, mean, variance = (self.tensor(n, (z.shape[1],), kind) for kind, n in names.items())
        self.running[names["mean"]], self.running[names["variance"]] = mean, variance  # updated in place
        y = F.batch_norm(z, mean, variance, gamma, beta, self.training, 1 - self.decay, EPSILON)
        return y, names["beta"]

    def unit(self, x: Tensor, owner: str, conv: Conv) -> Tensor:
        """Convolution without bias, batch norm, relu."""
        z = self.convolve(x, owner if self.paths else f"{owner}.conv", conv)
        y, beta = self.batch_norm(z, owner if self.paths else f"{owner}.bn")
        return self.relu(y, beta, 1)

    def branch(self, x: Tensor, owner: str, k: int, layers: str) -> Tensor:
        """Branch k (from 0) of a block: `avg -> 1x1 96` and the like."""
        owner = f"{owner}/branch_{k + 1}" if self.paths else f"{owner}.branch{k}"
        steps = layers.split(" -> ")
        for i, step in enumerate(steps):
            if step == "max":
                x = self.max_pool(x)
            elif step == "avg":
                x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            elif self.paths:
                x = self.unit(x, f"{owner}/{i + 1}", parse(step))
            else:
                x = self.unit(x, f"{owner}.{i}" if len(steps) > 1 else owner, parse(step))
        return x

    def mixed(self, x: Tensor, owner: str, *branches: str) -> Tensor:
        return torch.cat([self.branch(x, owner, k, layers) for k, layers in enumerate(branches)], 1)

    def residual(self, x: Tensor, owner: str, scale: float, *branches: str, relu: bool = True) -> Tensor:
        """relu(x + scale * (conv1x1(mixed) + bias))."""
        h = self.mixed(x, owner, *branches)
        owner = f"{owner}/expansion" if self.paths else f"{owner}.conv2d"
        bias = self.name(owner, "bias")
        w = self.tensor(self.name(owner, "w"), (x.shape[1], h.shape[1], 1, 1), "conv")
        y = x + scale * F.conv2d(h, w, self.tensor(bias, (x.shape[1],), "shift"))
        return self.relu(y, bias, scale) if relu else y

    def linear(self, x: Tensor, owner: str, features: int, bias: bool = True) -> Tensor:
        w = self.tensor(self.name(owner, "w"), (features, x.shape[1]), "linear")
        return F.linear(x, w, self.tensor(self.name(owner, "bias"), (features,), "bias") if bias else None)

    def relu(self, y: Tensor, shift: str, scale: float) -> Tensor:
        """`shift` names the tensor that is added, times `scale`, to every channel of y."""
        if self.centre:
            old = self.values[shift]
            self.values[shift] = (old.double() - widest_gaps(y) / scale).float()
            y = y + (scale * (self.values[shift].double() - old.double()))[:, None, None]
        self.relu_inputs.append(y.detach())
        return y.relu()

    def max_pool(self, x: Tensor) -> Tensor:
        """3x3, stride 2, VALID."""
        self.pool_inputs.append(x.detach())
        return F.max_pool2d(x, 3, 2)


def pool_margins(x: Tensor) -> Tensor:
    """Best less second best of every 3x3 window, stride 2.

    Windows of zeros are left out: the relu below passes no gradient there, whichever element is picked."""
    best, second = x.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4).topk(2).values.unbind(-1)
    return (best - second)[best > 0]


def widest_gaps(y: Tensor) -> Tensor:
    """For every channel the t in [-REACH, REACH] that is farthest from all its values."""
    v = y.transpose(0, 1).flatten(1).sort(1).values.numpy()
    result = np.empty(len(v))
    for channel, row in enumerate(v):
        middles = (row[1:] + row[:-1]) / 2
        t = np.concatenate([middles[np.abs(middles) <= REACH], [-REACH, REACH]])
        right = np.searchsorted(row, t).clip(1, len(row) - 1)
        distance = np.minimum(np.abs(row[right - 1] - t), np.abs(row[right] - t))
        result[channel] = t[distance.argmax()]
    return torch.from_numpy(result)


# ---- Blocks. `at` is the block's name in the network. -------------------------------------------------------


def v4_stem(net: Network, x: Tensor, at: str = "features") -> Tensor:
    """Figure 3. The slim variant turns a 1x7, 7x1 pair round."""
    for i, layer in enumerate(("3x3 32 /2 V", "3x3 32 V", "3x3 64")):
        x = net.unit(x, f"{at}.{i}", parse(layer))
    x = torch.cat([net.max_pool(x), net.unit(x, f"{at}.3.conv", parse("3x3 96 /2 V"))], 1)
    pair = "1x7 64 -> 7x1 64" if net.variant == "slim" else "7x1 64 -> 1x7 64"
    x = net.mixed(x, f"{at}.4", "1x1 64 -> 3x3 96 V", f"1x1 64 -> {pair} -> 3x3 96 V")
    return torch.cat([net.unit(x, f"{at}.5.conv", parse("3x3 192 /2 V")), net.max_pool(x)], 1)


def v2_stem(net: Network, x: Tensor, at: str = "stem") -> Tensor:
    """Figure 3, by path names."""
    for i, layer in enumerate(("3x3 32 /2 V", "3x3 32 V", "3x3 64")):
        x = net.unit(x, f"{at}/{i + 1}", parse(layer))
    x = net.mixed(x, f"{at}/4", "max", "3x3 96 /2 V")
    x = net.mixed(x, f"{at}/5", "1x1 64 -> 3x3 96 V", "1x1 64 -> 7x1 64 -> 1x7 64 -> 3x3 96 V")
    return net.mixed(x, f"{at}/6", "3x3 192 /2 V", "max")


def v1_stem(net: Network, x: Tensor, at: str = "conv2d") -> Tensor:
    """Figure 14."""
    for unit, layer in zip(("1a", "2a", "2b"), ("3x3 32 /2 V", "3x3 32 V", "3x3 64")):
        x = net.unit(x, f"{at}_{unit}", parse(layer))
    x = net.max_pool(x)
    for unit, layer in zip(("3b", "4a", "4b"), ("1x1 80", "3x3 192 V", "3x3 256 /2 V")):
        x = net.unit(x, f"{at}_{unit}", parse(layer))
    return x


def slim_stem(net: Network, x: Tensor) -> Tensor:
    """TF-slim's stem of v2."""
    for unit, layer in zip(("1a", "2a", "2b"), ("3x3 32 /2 V", "3x3 32 V", "3x3 64")):
        x = net.unit(x, f"conv2d_{unit}", parse(layer))
    x = net.max_pool(x)
    for unit, layer in zip(("3b", "4a"), ("1x1 80", "3x3 192 V")):
        x = net.unit(x, f"conv2d_{unit}", parse(layer))
    x = net.max_pool(x)
    mixed_5b = ("1x1 96", "1x1 48 -> 5x5 64", "1x1 64 -> 3x3 96 -> 3x3 96", "avg -> 1x1 64")
    return net.mixed(x, "mixed_5b", *mixed_5b)


def inception_a(net: Network, x: Tensor, at: str) -> Tensor:
    """Figure 4."""
    a = ("1x1 96", "1x1 64 -> 3x3 96", "1x1 64 -> 3x3 96 -> 3x3 96", "avg -> 1x1 96")
    return net.mixed(x, at, *a)


def inception_b(net: Network, x: Tensor, at: str) -> Tensor:
    """Figure 5."""
    slim = net.variant == "slim"
    pairs = "7x1 192 -> 1x7 224 -> 7x1 224 -> 1x7 256" if slim else "1x7 192 -> 7x1 224 -> 1x7 224 -> 7x1 256"
    b = ("1x1 384", "1x1 192 -> 1x7 224 -> 7x1 256", f"1x1 192 -> {pairs}", "avg -> 1x1 128")
    return net.mixed(x, at, *b)


def inception_c(net: Network, x: Tensor, at: str) -> Tensor:
    """Figure 6."""
    pair = ("3x1 448", "1x3 512") if net.variant == "slim" else ("1x3 448", "3x1 512")

    def unit(x: Tensor, name: str, layer: str) -> Tensor:
        return net.unit(x, f"{at}.{name}", parse(layer))

    single = unit(x, "branch0", "1x1 256")
    short = unit(x, "branch1_0", "1x1 384")
    split = [unit(short, "branch1_1a", "1x3 256"), unit(short, "branch1_1b", "3x1 256")]
    long = unit(unit(unit(x, "branch2_0", "1x1 384"), "branch2_1", pair[0]), "branch2_2", pair[1])
    split += [unit(long, "branch2_3a", "1x3 256"), unit(long, "branch2_3b", "3x1 256")]
    return torch.cat([single, *split, net.branch(x, at, 3, "avg -> 1x1 256")], 1)


def reduction_a(net: Network, x: Tensor, at: str) -> Tensor:
    """Figure 7, with the filters k, l, m, n of table 1."""
    filters = {
        "inception-v4": (192, 224, 256, 384),
        "inception-resnet-v1": (192, 192, 256, 384),
        "inception-resnet-v2": (256, 256, 384, 384),
    }
    k, l, m, n = filters[net.model]
    return net.mixed(x, at, f"3x3 {n} /2 V", f"1x1 {k} -> 3x3 {l} -> 3x3 {m} /2 V", "max")


def v4_reduction_b(net: Network, x: Tensor, at: str) -> Tensor:
    """Figure 8."""
    long = "1x1 256 -> 1x7 256 -> 7x1 320 -> 3x3 320 /2 V"
    return net.mixed(x, at, "1x1 192 -> 3x3 192 /2 V", long, "max")


def resnet_reduction_b(net: Network, x: Tensor, at: str) -> Tensor:
    """Figures 12 and 18."""
    second, third = (288, 320) if net.model == "inception-resnet-v2" else (256, 256)
    short, long = f"1x1 256 -> 3x3 {second} /2 V", f"1x1 256 -> 3x3 {second} -> 3x3 {third} /2 V"
    return net.mixed(x, at, "1x1 256 -> 3x3 384 /2 V", short, long, "max")


def resnet_a(net: Network, x: Tensor, at: str) -> Tensor:
    """Figures 10 and 16."""
    second, third = (48, 64) if net.model == "inception-resnet-v2" else (32, 32)
    long = f"1x1 32 -> 3x3 {second} -> 3x3 {third}"
    return net.residual(x, at, SCALES[0], "1x1 32", "1x1 32 -> 3x3 32", long)


def resnet_b(net: Network, x: Tensor, at: str) -> Tensor:
    """Figures 11 and 17."""
    if net.model == "inception-resnet-v2":
        return net.residual(x, at, SCALES[1], "1x1 192", "1x1 128 -> 1x7 160 -> 7x1 192")
    return net.residual(x, at, SCALES[1], "1x1 128", "1x1 128 -> 1x7 128 -> 7x1 128")


def resnet_c(net: Network, x: Tensor, at: str, last: bool = False) -> Tensor:
    """Figures 13 and 19. The `last` one of facenet and of slim's v2 has no scale and no relu."""
    second, third = (224, 256) if net.model == "inception-resnet-v2" else (192, 192)
    branches = ("1x1 192", f"1x1 192 -> 1x3 {second} -> 3x1 {third}")
    return net.residual(x, at, 1 if last else SCALES[2], *branches, relu=not last)


# ---- Networks ---------------------------------------------------------------------------------------------


def inception_v4(net: Network, x: Tensor) -> Tensor:
    """Figure 9."""
    x = v4_stem(net, x)
    for i in range(6, 10):
        x = inception_a(net, x, f"features.{i}")
    x = reduction_a(net, x, "features.10")
    for i in range(11, 18):
        x = inception_b(net, x, f"features.{i}")
    x = v4_reduction_b(net, x, "features.18")
    for i in range(19, 22):
        x = inception_c(net, x, f"features.{i}")
    return net.linear(x.mean((2, 3)), "last_linear", net.classes)


def inception_resnet_v1(net: Network, x: Tensor) -> Tensor:
    """Figure 15. The facenet variant adds a linear block, an embedding and its batch norm."""
    x = v1_stem(net, x)
    for i in range(5):
        x = resnet_a(net, x, f"repeat_1.{i}")
    x = reduction_a(net, x, "mixed_6a")
    for i in range(10):
        x = resnet_b(net, x, f"repeat_2.{i}")
    x = resnet_reduction_b(net, x, "mixed_7a")
    for i in range(5):
        x = resnet_c(net, x, f"repeat_3.{i}")
    if net.variant == "facenet":
        x = resnet_c(net, x, "block8", last=True)
        x = net.linear(x.mean((2, 3)), "last_linear", net.scaled(512), bias=False)
        return net.linear(net.batch_norm(x, "last_bn")[0], "logits", net.classes)
    return net.linear(x.mean((2, 3)), "logits", net.classes)


def inception_resnet_v2(net: Network, x: Tensor) -> Tensor:
    """Figure 15, and the released network of TF-slim."""
    slim = net.variant == "slim"
    x = slim_stem(net, x) if slim else v2_stem(net, x)

    def names(stage: int) -> list[str]:
        if slim:
            return [f"{('repeat', 'repeat_1', 'repeat_2')[stage]}.{i}" for i in range((10, 20, 9)[stage])]
        return [f"inception_resnet_{'abc'[stage]}_{i + 1}" for i in range((5, 10, 5)[stage])]

    for name in names(0):
        x = resnet_a(net, x, name)
    x = reduction_a(net, x, "mixed_6a" if slim else "reduction_a")
    for name in names(1):
        x = resnet_b(net, x, name)
    x = resnet_reduction_b(net, x, "mixed_7a" if slim else "reduction_b")
    for name in names(2):
        x = resnet_c(net, x, name)
    if slim:
        x = resnet_c(net, x, "block8", last=True)
        x = net.unit(x, "conv2d_7b", parse("1x1 1536"))
    return net.linear(x.mean((2, 3)), "classif" if slim else "logits", net.classes)


# ---- What is compared -------------------------------------------------------------------------------------


class Truth(NamedTuple):
    eval_logits: np.ndarray
    train_logits: np.ndarray
    loss: np.ndarray  # mean softmax cross-entropy, [1]
    gradients: dict[str, np.ndarray]
    running: dict[str, np.ndarray]  # statistics after one training forward
    relu_inputs: list[Tensor]  # of the training forward
    pool_inputs: list[Tensor]


def evaluate(net: Network, images: Tensor, labels: Tensor, dtype: torch.dtype = torch.float64) -> Truth:
    """Everything worth comparing, computed in `dtype`, returned in float64."""
    with torch.no_grad():
        eval_logits = net.logits(images, dtype)
    train_logits = net.logits(images, dtype, training=True)
    loss = F.cross_entropy(train_logits, labels)
    names = net.parameters()
    gradients = torch.autograd.grad(loss, [net.leaves[n] for n in names])

    def double(t: Tensor) -> np.ndarray:
        return t.detach().double().numpy()

    return Truth(
        eval_logits=double(eval_logits),
        train_logits=double(train_logits),
        loss=double(loss).reshape(1),
        gradients={n: double(g) for n, g in zip(names, gradients)},
        running={n: double(net.running[n]) for n in net.statistics()},
        relu_inputs=net.relu_inputs,
        pool_inputs=net.pool_inputs,
    )


def tame(net: Network, images: Tensor, run: int) -> None:
    """Makes the values of run seed `run`, gap-centred on the images."""
    with torch.no_grad():
        net.logits(images, training=True, make=partial(generate, run), centre=True)


def scales(net: Network, values: dict[str, np.ndarray]) -> dict[str, float]:
    """What an error in each parameter's gradient (or step) is measured against: its own L2 norm.

    A shift that a later batch norm removes again has gradient zero. So a beta is measured against no less
    than 1/10 of the gamma before it, and a bias against no less than 1/100 of the weight before it."""
    share = {"beta": 1 / 10, "shift": 1 / 100, "bias": 1 / 100}
    norms = {name: float(np.linalg.norm(v)) for name, v in values.items()}
    before = [0.0, *norms.values()]
    return {
        name: max(norm, share.get(net.kinds[name], 0) * b) for (name, norm), b in zip(norms.items(), before)
    }


def error(got: np.ndarray, want: np.ndarray, scale: Optional[float] = None) -> float:
    """L2, relative."""
    return float(np.linalg.norm(got - want) / (scale or np.linalg.norm(want)))


# ---- Safetensors ------------------------------------------------------------------------------------------

DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1"}


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """u64 header length, JSON header, raw little-endian data."""
    header: dict[str, object] = {"__metadata__": metadata}
    data, offset = [], 0
    for name, a in tensors.items():
        code = next(c for c, d in DTYPES.items() if np.dtype(d) == a.dtype)
        header[name] = {"dtype": code, "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        data.append(np.ascontiguousarray(a).tobytes())
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data))


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, t in header.items():
        begin, end = (start + offset for offset in t["data_offsets"])
        tensors[name] = np.frombuffer(raw[begin:end], DTYPES[t["dtype"]]).reshape(t["shape"])
    return tensors, metadata
