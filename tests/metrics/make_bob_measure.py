"""Write bob_measure.json: what bob.measure 6.1.1 says of four sets of scores.

It pins numpy 1.26, despoof needs numpy 2: so it cannot be a test dependency, and its answers are
kept instead. In an environment of its own (pip install bob.measure): python make_bob_measure.py.
Its eer_rocch cannot be kept: in 6.1.1 it raises NotImplementedError.
"""

import json
from pathlib import Path

SETS = [(30, 20, 1.0), (90, 30, 1.5), (270, 90, 2.5), (50, 50, 0.2)]  # attacks, live, distance
BOUNDS = (0.01, 0.05, 0.1, 0.2)


def main() -> None:
    import numpy as np
    from bob import measure  # pyright: ignore

    rng = np.random.default_rng(20)
    answers = []
    for n_attack, n_live, distance in SETS:
        attack = np.round(rng.normal(0, 1, n_attack), 8)
        live = np.round(rng.normal(distance, 1, n_live), 8)
        assert len({*attack, *live}) == n_attack + n_live  # ties: bob accepts score >= threshold

        def rates(threshold, attack=attack, live=live):
            return [float(rate) for rate in measure.farfrr(attack, live, threshold)]

        answers.append(
            {
                "attack": attack.tolist(),
                "live": live.tolist(),
                "half": rates(0.5),
                "eer": rates(measure.eer_threshold(attack, live)),
                "far": {x: rates(measure.far_threshold(attack, live, x)) for x in BOUNDS},
                "frr": {x: rates(measure.frr_threshold(attack, live, x)) for x in BOUNDS},
            }
        )
    Path(__file__).with_name("bob_measure.json").write_text(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
