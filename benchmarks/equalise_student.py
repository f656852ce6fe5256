"""Measure a student's octave gains on training people, and write them into its configuration.

    python benchmarks/equalise_student.py WEIGHTS TEACHER [--count 64] [--reference-steps 50]

WEIGHTS: folder of a trained student without gains; TEACHER: name or folder of its teacher. The
truth is the reference that `despoof bench student` gates with, on CelebA-Spoof's training people;
the gates are of others. Writes WEIGHTS/config.json, and benchmarks/results/student_gains.json.
"""

import argparse
import json
from pathlib import Path

import torch
from recording import write

from despoof.core.errors import InputError
from despoof.data.samples import find_data_root, read_samples, select
from despoof.diffusion.bridge import reference_of
from despoof.evaluation.bridge_checks.faces import bare_crop_face, cut_faces, sample_clip
from despoof.evaluation.bridge_checks.subject import as_bridge, make_subject
from despoof.evaluation.student_gates.subject import as_student, check_pair
from despoof.nets.spectrum import band_energy
from despoof.systems.saving import CONFIG, load_system
from despoof.systems.student.equaliser import Equaliser, fit_gains
from despoof.weights.registry import resolve


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("teacher")
    parser.add_argument("--count", type=int, default=64, help="training faces, half of them live")
    parser.add_argument("--reference-steps", type=int, default=50)
    asked = parser.parse_args()
    student = as_student(load_system(asked.weights)[1])
    teacher = as_bridge(load_system(resolve(asked.teacher))[1])
    check_pair(student, teacher)
    if student.config.octave_gains is not None:
        raise InputError(f"{asked.weights} has gains; they are measured without. Take them out.")
    samples = select(read_samples(find_data_root(), "celeba-spoof"), "train")
    clips = [sample_clip(sample) for sample in samples]
    faces = cut_faces(clips, student.config.crop, asked.count, bare_crop_face)
    subject = make_subject(teacher, faces)
    bridge = reference_of(teacher.config.bridge, asked.reference_steps)
    truth = subject.cross(config=bridge, bf16=False).noise
    noise = torch.cat([student.noise(part) for part in subject.pixels.split(16)])
    gains = fit_gains(noise, truth)
    mended = Equaliser(gains, noise.shape[-1])(noise)
    path = asked.weights / CONFIG
    values = json.loads(path.read_text(encoding="utf-8"))
    values["config"]["octave_gains"] = [round(gain, 4) for gain in gains]
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    energy = {
        name: (band_energy(x).mean(dim=0) / band_energy(truth).mean(dim=0)).tolist()
        for name, x in (("before", noise), ("after", mended))
    }
    facts = {"n": len(faces), "steps": asked.reference_steps, "teacher": asked.teacher}
    write("student_gains", facts | {"gains": list(gains), "energy": energy, "seed": 0})
    print(json.dumps({"gains": gains, "energy": energy}, indent=1))


if __name__ == "__main__":
    main()
