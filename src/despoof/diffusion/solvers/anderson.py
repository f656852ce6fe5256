"""Anderson acceleration: a fixed point from the last few tries, instead of from the last alone."""

from collections.abc import Callable

import torch
from torch import Tensor


def fixed_point(
    g: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    iterations: int,
    tolerance: float,
    depth: int,
) -> Tensor:
    """Return x with g(x) ≈ x, each sample of the batch by itself.

    Args:
        g: the map; [B, …] -> [B, …].
        x: first guess.
        iterations: at most so many evaluations of g.
        tolerance: stop when |g(x) − x| ≤ tolerance · |g(x)| (Euclidean) in every sample.
        depth: how many earlier tries are combined; 0 is plain iteration.

    Returns:
        The last evaluation or combination, like x.
    """
    tries: list[Tensor] = []  # g(x) of each try, flat
    misses: list[Tensor] = []  # g(x) − x, flat
    shape = x.shape
    for turn in range(iterations):
        answer = g(x)
        miss = (answer - x).flatten(1)
        close = miss.norm(dim=1) <= tolerance * answer.flatten(1).norm(dim=1)
        if turn == iterations - 1 or bool(close.all()):
            return answer
        tries, misses = [*tries, answer.flatten(1)][-depth - 1 :], [*misses, miss][-depth - 1 :]
        # A sample that is there waits for the others: its answer must not depend on them.
        x = torch.where(close[:, None], x.flatten(1), _combine(tries, misses)).reshape(shape)
    return x


def _combine(tries: list[Tensor], misses: list[Tensor]) -> Tensor:
    """Weight the tries, weights summing to 1, so that their linear miss is least."""
    if len(tries) == 1:
        return tries[0]
    steps = torch.stack([misses[-1] - miss for miss in misses[:-1]], dim=1).double()
    gram = steps @ steps.mT
    scale = gram.diagonal(dim1=1, dim2=2).amax(dim=1).clamp_min(1e-300)
    ridge = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device) * 1e-12
    right = (steps @ misses[-1].double().unsqueeze(2)) / scale[:, None, None]
    weights = torch.linalg.solve(gram / scale[:, None, None] + ridge, right).to(tries[-1].dtype)
    moves = torch.stack([tries[-1] - one for one in tries[:-1]], dim=1)
    return tries[-1] - (weights * moves).sum(dim=1)
