"""The models that a project declares, as a diagnosis knows them: nothing is fetched, and no model file is read."""

from pathlib import Path

from ..contract.errors import GoldmaskError
from ..contract.files import sha256_of
from ..project.golden import is_golden, load_golden
from ..project.model import goldens_folder, load_spec, model_folder, model_names
from ..verdict.hypotheses_model import KnownModel


def known_models(root: Path) -> tuple[KnownModel, ...]:
    """Every declared model and variant; what cannot be read is left out.

    Labels that model.toml leaves to the file are those of the model's goldens.
    """
    found = []
    for name in model_names(root):
        try:
            folder, spec = model_folder(root, name), load_spec(root, name)
            digest = spec.model.pin
            if spec.model.file and (path := folder / spec.model.file).is_file():
                digest = sha256_of(path)
            labels = spec.labels or _labels_of_goldens(goldens_folder(root, name))
        except (GoldmaskError, OSError):
            continue
        found.append(KnownModel(name, folder.name, digest, labels))
    return tuple(found)


def _labels_of_goldens(goldens: Path) -> tuple[str, ...]:
    for folder in sorted(goldens.glob("*")):
        if folder.is_dir() and is_golden(folder):
            return load_golden(folder).provenance.labels
    return ()
