"""O-BELM: a two-step scheme whose way up is the exact algebraic inverse of its way down.

Wang et al. (NeurIPS 2024), as SPEC §8.4 states it. In y = x / alpha, s = sigma / alpha, with
h = s_i − s_{i−1} (the step to be taken downwards), h' = s_{i+1} − s_i (the one before) and
r = h / h':

    y_{i−1} = r² y_{i+1} + (1 − r²) y_i − h (h + h') / h' · eps(x_i)

The same line solved for y_{i+1} encodes. The state is two neighbouring points, and both ends are
kept. Where there is only one, the other comes from one DDIM step.

On a rising grid (r < 1) the scheme's parasitic mode dies out on the way down and grows by 1 / r² a
step on the way up. The way down takes it back exactly, so the round trip is right although the
latent between is not an exact one at few steps.
"""

from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import Times, ask, euler, points

TwoPoints = tuple[Tensor, Tensor]
"""The states at the last time of a grid and at the one before it."""


def o_belm(
    eps: EpsFunction,
    x: Tensor,
    times: Times,
    schedule: NoiseSchedule,
    *,
    neighbour: Tensor | None = None,
) -> TwoPoints:
    """Integrate from times[0] to times[-1].

    Args:
        eps: field of one domain.
        x: state at times[0], [B, …] floating.
        times: ascending encodes, descending decodes; at least three.
        schedule: what the times mean.
        neighbour: state at times[1], where known: the second of what the way here returned.

    Returns:
        (state at times[-1], state at times[-2]): give the second as the neighbour of the way back.
        len(times) − 2 evaluations, one more without a neighbour.

    Raises:
        InputError: fewer than three times, or a neighbour of another shape.
    """
    grid = points(times, schedule)
    if len(grid) < 3:
        raise InputError("O-BELM steps over two intervals. Take a grid of at least 2 steps.")
    if neighbour is not None and neighbour.shape != x.shape:
        raise InputError(
            f"The neighbour is {tuple(neighbour.shape)}, the state {tuple(x.shape)}. Give both "
            "states that the way here returned."
        )
    if neighbour is None:
        neighbour = euler(x, ask(eps, x, grid[0]), grid[0], grid[1])
    behind, y = x / grid[0].alpha, neighbour / grid[1].alpha
    for i in range(1, len(grid) - 1):
        # Going up, both steps are negative of what the formula calls them: the same line holds
        # with the roles of the neighbours exchanged, which is its inverse.
        before, after = grid[i].ratio - grid[i - 1].ratio, grid[i + 1].ratio - grid[i].ratio
        squared = (after / before) ** 2
        pull = after * (after + before) / before
        noise = ask(eps, grid[i].alpha * y, grid[i])
        behind, y = y, squared * behind + (1 - squared) * y + pull * noise
    return y * grid[-1].alpha, behind * grid[-2].alpha
