"""The draws of sim.luck for compiled code: Philox4x64-10 (Salmon and others 2011), the same bits as numpy's own."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

MULTIPLY = (np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157))
WEYL = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B))
ZERO, ELEVEN = np.uint64(0), np.uint64(11)
UNIT = 2.0**-53


def product_of(typing_context: Any, a: Any, b: Any) -> Any:
    """The upper and the lower 64 bits of a product: numba has no whole numbers of 128 bits. Both from one multiplication."""
    both = types.UniTuple(types.uint64, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, narrow = ir.IntType(128), ir.IntType(64)
        whole = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        halves = [builder.trunc(builder.lshr(whole, ir.Constant(wide, 64)), narrow), builder.trunc(whole, narrow)]
        return context.make_tuple(builder, both, halves)

    return both(types.uint64, types.uint64), generate


product: Any = intrinsic(product_of)


@register_jitable(inline="always")
def draw(seed, replication, stream, n, word):
    """The four uniforms of one key, as sim.luck.draw gives them; all arguments are unsigned whole numbers of 64 bits."""
    a, b, c, d, k0, k1 = n, stream, word, ZERO, seed, replication
    for _ in range(10):
        high_a, low_a = product(MULTIPLY[0], a)
        high_c, low_c = product(MULTIPLY[1], c)
        a, b, c, d = high_c ^ b ^ k0, low_c, high_a ^ d ^ k1, low_a
        k0, k1 = k0 + WEYL[0], k1 + WEYL[1]
    return (
        np.float64(a >> ELEVEN) * UNIT,
        np.float64(b >> ELEVEN) * UNIT,
        np.float64(c >> ELEVEN) * UNIT,
        np.float64(d >> ELEVEN) * UNIT,
    )
