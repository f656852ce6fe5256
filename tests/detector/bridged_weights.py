"""Weights of a tiny System 1 for tests."""

import torch

from despoof.nets.central_difference import CentralDifferenceConv2d
from despoof.systems.records import RECORDS
from despoof.systems.saving import save_system
from despoof.weights.record import Threshold, write_record


def write_bridged(folder, threshold=0.0, **changes):
    """Write weights of a tiny System 1: moved from its start, batch norms that saw data."""
    record = RECORDS["despoofing-diffusion"]
    values = {**record.tiny, "detector": {**record.tiny["detector"], **changes.pop("detector", {})}}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        system = record.make(values | changes)
        with torch.no_grad():
            for parameter in system.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
            for part in system.detector.modules():
                if isinstance(part, torch.nn.BatchNorm2d):
                    part.momentum = None  # the mean over all batches
            side = system.config.crop.size
            faces = torch.rand(8, 3, side, side) * 2 - 1
            system.detector.train()(faces, torch.randn_like(faces) / 2)
            system.eval()
            kinds = CentralDifferenceConv2d
            last = [part for part in system.detector.modules() if isinstance(part, kinds)][-1]
            last.weight *= 0.2  # maps of about [-1, 1], as training makes them
    save_system(folder, record.name, system.config, system)
    limit = None
    if threshold is not None:
        limit = Threshold(value=threshold, criterion="eer", chosen_on="x dev", n_live=9, n_attack=9)
    write_record(
        folder,
        name=folder.name,
        system=record.name,
        licence="Apache-2.0",
        terms="tests only",
        provenance="a test",
        trained_on="nothing",
        preprocessing_hash=system.config.crop.digest(),
        measured={"x test": {"auc": 0.5}},
        threshold=limit,
    )
    return folder
